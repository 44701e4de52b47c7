// {{ name }} for viem. Made by `zkverdict render`; the types are in the .d.mts file beside this one.
import { encodeAbiParameters, keccak256, stringToBytes } from "viem";

/** The contract's ABI. */
export const abi = {{ abi }};

/** The verifying key that the contract checks proofs against. */
export const vkDigest = "{{ vk_digest }}";

/** How many instances a proof has. */
export const numInstances = {{ num_instances }};

const R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n;

/** The arguments of `verifyProof` for what `zkverdict prove` wrote. */
export function verifyProofArgs(document) {
  if (document.vk_digest !== vkDigest) {
    throw new Error(`the proof is for key ${document.vk_digest}, expected ${vkDigest}`);
  }
  if (document.instances.length !== numInstances) {
    throw new Error(`the proof has ${document.instances.length} instances, expected ${numInstances}`);
  }
  return [document.proof, document.instances.map(BigInt)];
}

/** Whether the contract at an address accepts a proof. Its typed errors are thrown as viem decodes them. */
export function verifyProof(client, address, document) {
  return client.readContract({ address, abi, functionName: "verifyProof", args: verifyProofArgs(document) });
}

/** Sends a proof to the contract, after asking whether it would accept it; gives the transaction's hash. */
export async function submitProof(publicClient, walletClient, address, document) {
  const { request } = await publicClient.simulateContract({
    account: walletClient.account,
    address,
    abi,
    functionName: "verifyProof",
    args: verifyProofArgs(document),
  });
  return walletClient.writeContract(request);
}

// A sender's turn at an inference consumer, as `InferenceContext.TURN` in Solidity.
const TURN = keccak256(stringToBytes("zkverdict.context.turn.v1"));

/** The context that ties a proof to one turn of one sender at a consumer: give it to `zkverdict prove --context`. */
export function contextOf({ chainId, consumer, sender, nonce }) {
  const types = ["bytes32", "uint256", "address", "address", "uint256"].map((type) => ({ type }));
  const words = [TURN, BigInt(chainId), consumer, sender, BigInt(nonce)];
  return `0x${(BigInt(keccak256(encodeAbiParameters(types, words))) % R).toString(16).padStart(64, "0")}`;
}

// A front end in TypeScript. It is compiled, not run: front_end.mjs is what runs.
import {
  type Address,
  createPublicClient,
  createWalletClient,
  decodeErrorResult,
  encodeFunctionData,
  type Hash,
  type Hex,
  http,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";
import {
  abi,
  contextOf,
  numInstances,
  type ProofDocument,
  submitProof,
  verifyProof,
  verifyProofArgs,
  vkDigest,
} from "./Rendered.viem.mjs";

const address: Address = `0x${"01".repeat(20)}`;
const document: ProofDocument = { vk_digest: vkDigest, proof: "0x", instances: ["0x00"] };
const transport = http("http://127.0.0.1:8545");
const publicClient = createPublicClient({ chain: foundry, transport });
const account = privateKeyToAccount(`0x${"01".repeat(32)}`);
const walletClient = createWalletClient({ account, chain: foundry, transport });

export const count: number = numInstances;
export const digest: Hex = vkDigest;
export const valid: boolean = await verifyProof(publicClient, address, document);
export const hash: Hash = await submitProof(publicClient, walletClient, address, document);
export const context: Hex = contextOf({ chainId: 1, consumer: address, sender: address, nonce: 0n });

// The ABI's types are as narrow as its values: viem knows the functions, their arguments and results.
export const data: Hex = encodeFunctionData({ abi, functionName: "verifyProof", args: verifyProofArgs(document) });
export const found: Hex = await publicClient.readContract({ address, abi, functionName: "VK_DIGEST" });
export const error: "InvalidProof" | string = decodeErrorResult({ abi, data: "0x09bde339" }).errorName;

// @ts-expect-error There is no such function.
await publicClient.readContract({ address, abi, functionName: "verify" });
// @ts-expect-error Instances are numbers.
encodeFunctionData({ abi, functionName: "verifyProof", args: ["0x", ["0x00"]] });
// @ts-expect-error A proof starts with 0x.
const wrong: ProofDocument = { ...document, proof: "00" };
// @ts-expect-error An address is no number.
contextOf({ chainId: 1, consumer: 7, sender: address, nonce: 0 });
// @ts-expect-error The digest is one value.
const other: typeof vkDigest = "0x00";
export { other, wrong };

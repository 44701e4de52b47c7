import type { Address, Hash, Hex, PublicClient, WalletClient } from "viem";

/** What `zkverdict prove` writes, as far as it is needed here. */
export interface ProofDocument {
  vk_digest: string;
  proof: Hex;
  instances: readonly string[];
}

export declare const abi: {{ abi }};
export declare const vkDigest: "{{ vk_digest }}";
export declare const numInstances: {{ num_instances }};

export declare function verifyProofArgs(document: ProofDocument): [Hex, bigint[]];
export declare function verifyProof(client: PublicClient, address: Address, document: ProofDocument): Promise<boolean>;
export declare function submitProof(
  publicClient: PublicClient,
  walletClient: WalletClient,
  address: Address,
  document: ProofDocument,
): Promise<Hash>;
export declare function contextOf(use: {
  chainId: number | bigint;
  consumer: Address;
  sender: Address;
  nonce: number | bigint;
}): Hex;

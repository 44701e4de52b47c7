/** What verifying keys of both formats are for whoever uses them. */

import { keccak_256 } from "@noble/hashes/sha3";
import { bytesOf, hexOf, integerAt, shown, textBytes, type Hex } from "./bytes.js";
import type { Ends } from "./points.js";
import { Refusal } from "./refusal.js";

/** What documents of both formats have. */
export interface Document {
  readonly version: 1;
  readonly model: string;
  readonly model_digest: Hex;
  /** As the contract has it. */
  readonly vk_digest: Hex;
}

/** A key that can be verified against. */
export interface Key {
  readonly format: "halo2" | "packed";
  readonly vkDigest: Hex;
  /** The ends of its reference string. */
  readonly ends: Ends;
  /** Throws a `Refusal` unless a proof proves its instances. */
  check(proof: Uint8Array, instances: readonly bigint[]): void;
}

export const malformed = (message: string): Refusal => new Refusal("MalformedKey", message);

/** The digest that a document names, if it is that of its key, whose own digest is given, and of its model. */
export function digestOf(document: Document, own: Uint8Array): Hex {
  const model = bytesOf(document.model_digest, "MalformedKey", "model_digest");
  if (model.length !== 32) throw malformed(`model_digest has ${model.length} bytes, expected 32`);
  const hash = keccak_256.create().update(textBytes("zkverdict verifying key of a model 1")).update(own).update(model);
  const digest = hexOf(integerAt(hash.digest(), 0));
  if (digest !== document.vk_digest) throw malformed(`vk_digest is ${shown(document.vk_digest)}, computed ${digest}`);
  return digest;
}

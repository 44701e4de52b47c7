/** Verification of proofs, of whichever format the key is. */

import { bytesOf, integerOf, shown, type Hex } from "./bytes.js";
import { readHalo2Key, type Halo2KeyDocument } from "./halo2/key.js";
import { protocolOf } from "./halo2/protocol.js";
import { checkHalo2 } from "./halo2/verify.js";
import { malformed, type Key } from "./key.js";
import { readPackedKey, type PackedKeyDocument } from "./packed/key.js";
import { checkPacked } from "./packed/verify.js";
import { Refusal } from "./refusal.js";

/** [τ]₂ of strings whose secret everybody can compute, by the real part of x: the development string, halo2-lib's test string. */
const PUBLIC_SECRETS = [
  0x10c9c0545cf380b69d69a4649ec204d8a224b0d5aaf511de170a389ad34a5d3bn,
  0x1783d30dcb12d259bb89098addf6280fa4b653be7a152542a28f7b926e27e648n,
];

/** A document `NAME.key.json`, as `zkverdict render` writes it. */
export type KeyDocument = Halo2KeyDocument | PackedKeyDocument;

/** What `zkverdict prove` writes, as far as it is needed here. */
export interface ProofDocument {
  /** The key's, where it is left out. */
  readonly format?: "halo2" | "packed";
  readonly vk_digest: Hex;
  readonly proof: Hex;
  readonly instances: readonly Hex[];
}

function readKey(json: unknown): Key {
  const document = json as KeyDocument;
  if (typeof json === "object" && json !== null && document.version === 1) {
    if (document.format === "packed") {
      const key = readPackedKey(document);
      const { vkDigest, ends } = key;
      return { format: "packed", vkDigest, ends, check: (proof, instances) => checkPacked(key, proof, instances) };
    }
    if (document.format === "halo2") {
      const key = readHalo2Key(document);
      const [{ vkDigest, ends }, protocol] = [key, protocolOf(document)];
      return { format: "halo2", vkDigest, ends, check: (proof, instances) => checkHalo2(key, protocol, proof, instances) };
    }
  }
  throw malformed("expected a document of the format packed or halo2, version 1, as `zkverdict render` writes it");
}

/** A key that is read once, for many proofs. */
export class Verifier {
  readonly #key: Key;

  constructor(keyJson: unknown) {
    this.#key = readKey(keyJson);
  }

  /** Whether anybody can forge proofs under this key: the secret of its reference string is public. */
  get isUnsafe(): boolean {
    return PUBLIC_SECRETS.includes(this.#key.ends.tauG2.toAffine().x.c0);
  }

  /** Returns the instances of a valid proof; throws a `Refusal` for any other. */
  verify(proofJson: unknown): bigint[] {
    const document = proofJson as ProofDocument;
    if (typeof proofJson !== "object" || proofJson === null || !Array.isArray(document.instances)) {
      throw new Refusal("MalformedProof", "expected what `zkverdict prove` writes");
    }
    const { format, vkDigest } = this.#key;
    if ((document.format ?? format) !== format) {
      throw new Refusal("WrongFormat", `the proof's format is ${shown(document.format)}, this key's proofs are ${format}`);
    }
    if (document.vk_digest !== vkDigest) {
      throw new Refusal("WrongKey", `the proof is for key ${shown(document.vk_digest)}, this is ${vkDigest}`);
    }
    const instances = Array.from(document.instances as unknown[], (word, i) => integerOf(word, "MalformedProof", `instance ${i}`));
    this.#key.check(bytesOf(document.proof, "MalformedProof", "the proof"), instances);
    return instances;
  }
}

/** Returns the instances of a valid proof; throws a `Refusal` for any other. */
export const verify = (keyJson: unknown, proofJson: unknown): bigint[] => new Verifier(keyJson).verify(proofJson);

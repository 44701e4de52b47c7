/** The transcript that proofs are made under: Keccak-256 over words. */

import { concatBytes } from "@noble/hashes/utils";
import { keccak_256 } from "@noble/hashes/sha3";
import { integerAt } from "./bytes.js";
import { R } from "./field.js";

export class Transcript {
  #state: Uint8Array;
  #absorbed: Uint8Array[] = [];

  constructor(state: Uint8Array) {
    this.#state = state;
  }

  absorb(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#absorbed.push(bytes);
  }

  /** A challenge that depends on all that was absorbed. */
  challenge(): bigint {
    // Two challenges without anything between them have to differ.
    const absorbed = this.#absorbed.length === 0 ? [Uint8Array.of(1)] : this.#absorbed;
    this.#state = keccak_256(concatBytes(this.#state, ...absorbed));
    this.#absorbed = [];
    return integerAt(this.#state, 0) % R;
  }
}

/** A proof's bytes, read from their beginning. */

import { integerAt } from "./bytes.js";
import { R } from "./field.js";
import { pointOf, type PointG1 } from "./points.js";
import { Refusal } from "./refusal.js";

export const POINT = 64;
export const WORD = 32;

/** What was read, with its bytes, which are absorbed. */
export interface Read<Value> {
  readonly values: readonly Value[];
  readonly bytes: Uint8Array;
}

/** Refuses what no proof under a key has, as it comes to it. */
export class ProofReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #points = 0;
  #scalars: number;

  constructor(bytes: Uint8Array, instances: readonly bigint[], expected: { readonly instances: number; readonly bytes: number }) {
    if (instances.length !== expected.instances) {
      throw new Refusal("InstanceCount", `${instances.length} instances, expected ${expected.instances}`);
    }
    if (bytes.length !== expected.bytes) {
      throw new Refusal("ProofLength", `${bytes.length} bytes, expected ${expected.bytes}`);
    }
    instances.forEach(checkRange);
    this.#bytes = bytes;
    this.#scalars = instances.length;
  }

  /** Points on the curve, none of them infinity. */
  points(count: number): Read<PointG1> {
    return this.#read(count, POINT, (at) => {
      const index = this.#points++;
      const point = pointOf(integerAt(this.#bytes, at), integerAt(this.#bytes, at + WORD));
      if (!point) throw new Refusal("PointNotOnCurve", `point ${index} is not on the curve`);
      return point;
    });
  }


  scalars(count: number): Read<bigint> {
    return this.#read(count, WORD, (at) => checkRange(integerAt(this.#bytes, at), this.#scalars++));
  }

  #read<Value>(count: number, length: number, valueAt: (at: number) => Value): Read<Value> {
    const start = this.#at;
    this.#at += count * length;
    const values = Array.from({ length: count }, (_, i) => valueAt(start + i * length));
    return { values, bytes: this.#bytes.subarray(start, this.#at) };
  }
}

function checkRange(value: bigint, index: number): bigint {
  if (value >= R) throw new Refusal("ScalarOutOfRange", `scalar ${index} is not below the modulus`);
  return value;
}

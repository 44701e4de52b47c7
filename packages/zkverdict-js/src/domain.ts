/** A circuit's rows, seen from a point. */

import { inverse, mod, mul, power, rootOfUnity } from "./field.js";
import { Refusal } from "./refusal.js";

/** The inverse of a denominator. A challenge at which one is 0 would leave a term out. */
export function inverted(value: bigint): bigint {
  const result = inverse(value);
  if (result === undefined) throw new Refusal("ChallengeInDomain", "a challenge hits a point of the domain");
  return result;
}

/** Σ valueᵢ·pointⁱ. */
export const horner = (values: readonly bigint[], point: bigint): bigint =>
  values.reduceRight((sum, value) => mod(mul(sum, point) + value), 0n);

/** 2^k rows, and a point x off them. */
export class Domain {
  readonly #order: bigint;
  readonly #omega: bigint;
  /** xⁿ − 1, which is not 0, and its inverse. */
  readonly vanishing: bigint;
  readonly inverseOfVanishing: bigint;

  constructor(
    k: number,
    readonly x: bigint,
  ) {
    this.#order = 1n << BigInt(k);
    this.#omega = rootOfUnity(k);
    this.vanishing = mod(power(x, this.#order) - 1n);
    this.inverseOfVanishing = inverted(this.vanishing);
  }

  /** ωⁱ, for rows before the first as well. */
  root(row: number): bigint {
    return power(this.#omega, (this.#order + (BigInt(row) % this.#order)) % this.#order);
  }

  /** So many rows after x. */
  rotated(rotation: number): bigint {
    return mul(this.x, this.root(rotation));
  }

  /** The value so many rows after x of what has these values on the first rows, and 0 on all others. */
  interpolated(values: readonly bigint[], rotation: number): bigint {
    const point = this.rotated(rotation);
    let root = 1n;
    let sum = 0n;
    for (const value of values) {
      sum = mod(sum + mul(mul(value, root), inverted(point - root)));
      root = mul(root, this.#omega);
    }
    return mul(mul(sum, this.vanishing), inverted(this.#order));
  }
}

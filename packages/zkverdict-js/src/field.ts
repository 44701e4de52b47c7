/** The scalar field of BN254, as JavaScript's integers. */

import { bn254 } from "@noble/curves/bn254";

/** Its modulus: instances, evaluations and challenges are below it. */
export const R = bn254.fields.Fr.ORDER;

/** Roots of unity have orders up to two to this power. */
export const TWO_ADICITY = 28;

/** What halo2 takes for a generator of the multiplicative group. */
const GENERATOR = 7n;

export const mod = (a: bigint): bigint => {
  const rest = a % R;
  return rest < 0n ? rest + R : rest;
};

export const mul = (a: bigint, b: bigint): bigint => (a * b) % R;

export function power(base: bigint, exponent: bigint): bigint {
  return bn254.fields.Fr.pow(mod(base), exponent);
}

/** The inverse; none of zero. */
export function inverse(a: bigint): bigint | undefined {
  const reduced = mod(a);
  return reduced === 0n ? undefined : bn254.fields.Fr.inv(reduced);
}

/** A generator of the roots of unity of order 2^k. */
export const rootOfUnity = (k: number): bigint => power(GENERATOR, (R - 1n) >> BigInt(k));

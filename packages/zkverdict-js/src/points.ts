/** The groups of BN254, and the equation that every proof ends in. */

import { bn254 } from "@noble/curves/bn254";

const G1 = bn254.G1.ProjectivePoint;
const G2 = bn254.G2.ProjectivePoint;
const { Fp12 } = bn254.fields;
const Q = bn254.fields.Fp.ORDER;

export type PointG1 = InstanceType<typeof G1>;
export type PointG2 = InstanceType<typeof G2>;

/** The point with these coordinates; none where it is not on the curve, or infinity. */
export function pointOf(x: bigint, y: bigint): PointG1 | undefined {
  if (x >= Q || y >= Q || (y * y - x * x * x - 3n) % Q !== 0n) return undefined;
  return G1.fromAffine({ x, y });
}

/** The same, and infinity for (0, 0), as keys have it. */
export const pointOrInfinity = (x: bigint, y: bigint): PointG1 | undefined => (x === 0n && y === 0n ? G1.ZERO : pointOf(x, y));

export const isInfinity = (point: PointG1): boolean => point.equals(G1.ZERO);

/** The point of G2 with these coordinates, real parts first; none where it is not in the group, or infinity. */
export function pointInG2(x: readonly [bigint, bigint], y: readonly [bigint, bigint]): PointG2 | undefined {
  if ([...x, ...y].some((coordinate) => coordinate >= Q)) return undefined;
  try {
    const point = G2.fromAffine({ x: { c0: x[0], c1: x[1] }, y: { c0: y[0], c1: y[1] } });
    point.assertValidity();
    return point.equals(G2.ZERO) ? undefined : point;
  } catch {
    return undefined;
  }
}

/** The ends of a reference string: [1]₂ and [τ]₂. */
export interface Ends {
  readonly g2: PointG2;
  readonly tauG2: PointG2;
}

/** A point, and how often it is added. */
export type Term = readonly [point: PointG1, scalar: bigint];

/** Whether e(Σ scalar·point, [1]₂) = e(opening, [τ]₂). The scalars are below the modulus. */
export function opens(terms: readonly Term[], opening: PointG1, { g2, tauG2 }: Ends): boolean {
  const counted = terms.filter(([point, scalar]) => scalar !== 0n && !isInfinity(point));
  const sum = G1.msm(counted.map(([point]) => point), counted.map(([, scalar]) => scalar));
  // No opening of a proof is infinity.
  if (isInfinity(sum)) return false;
  const pairing = bn254.pairingBatch([
    { g1: opening, g2: tauG2 },
    { g1: sum.negate(), g2 },
  ]);
  return Fp12.eql(pairing, Fp12.ONE);
}

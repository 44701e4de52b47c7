/** Verification of one proof: halo2 with KZG on BN254 and SHPLONK openings. */

import { bn254 } from "@noble/curves/bn254";
import { bytesOf, integerAt, integerOf, shown, wordOf, type Hex } from "./bytes.js";
import { R, inverse, mod, mul, power, rootOfUnity } from "./field.js";
import { evaluate, pointOf, readKey, type ColumnKind, type Key, type PointG1 } from "./key.js";
import { protocolOf, type Polynomial, type Protocol } from "./protocol.js";
import { Refusal } from "./refusal.js";
import { Transcript } from "./transcript.js";

const POINT = 64;
const WORD = 32;
const G1 = bn254.G1.ProjectivePoint;
const { Fp12 } = bn254.fields;

/** [τ]₂ of strings whose secret everybody can compute, by the real part of x: the development string, halo2-lib's test string. */
const PUBLIC_SECRETS = [
  0x10c9c0545cf380b69d69a4649ec204d8a224b0d5aaf511de170a389ad34a5d3bn,
  0x1783d30dcb12d259bb89098addf6280fa4b653be7a152542a28f7b926e27e648n,
];

/** What `zkverdict prove` writes, as far as it is needed here. */
export interface ProofDocument {
  readonly vk_digest: Hex;
  readonly proof: Hex;
  readonly instances: readonly Hex[];
}

/** A key that is read once, for many proofs. */
export class Verifier {
  readonly #key: Key;
  readonly #protocol: Protocol;

  constructor(keyJson: unknown) {
    this.#key = readKey(keyJson);
    this.#protocol = protocolOf(this.#key.document);
  }

  /** Whether anybody can forge proofs under this key: the secret of its reference string is public. */
  get isUnsafe(): boolean {
    return PUBLIC_SECRETS.includes(this.#key.tauG2.toAffine().x.c0);
  }

  /** Returns the instances of a valid proof; throws a `Refusal` for any other. */
  verify(proofJson: unknown): bigint[] {
    const document = proofJson as ProofDocument;
    if (typeof proofJson !== "object" || proofJson === null || !Array.isArray(document.instances)) {
      throw new Refusal("MalformedProof", "expected what `zkverdict prove` writes");
    }
    const { vk_digest } = this.#key.document;
    if (document.vk_digest !== vk_digest) {
      throw new Refusal("WrongKey", `the proof is for key ${shown(document.vk_digest)}, this is ${vk_digest}`);
    }
    const instances = Array.from(document.instances as unknown[], (word, i) => integerOf(word, "MalformedProof", `instance ${i}`));
    const bytes = bytesOf(document.proof, "MalformedProof", "the proof");
    if (!isValid(this.#key, this.#protocol, bytes, instances)) {
      throw new Refusal("InvalidProof", "the proof does not prove the instances");
    }
    return instances;
  }
}

/** Returns the instances of a valid proof; throws a `Refusal` for any other. */
export const verify = (keyJson: unknown, proofJson: unknown): bigint[] => new Verifier(keyJson).verify(proofJson);

/** What the proof brings. */
interface Parts {
  readonly points: ReadonlyMap<string, PointG1>;
  readonly evaluations: readonly bigint[];
  readonly openingQuotient: PointG1;
  readonly openingProof: PointG1;
  readonly challenges: ReadonlyMap<string, bigint>;
  /** The challenges of the openings. */
  readonly y: bigint;
  readonly v: bigint;
  readonly u: bigint;
}

/** Splits a proof and draws the challenges, refusing what no proof has. */
function read(key: Key, protocol: Protocol, bytes: Uint8Array, instances: readonly bigint[]): Parts {
  const count = key.document.instances.reduce((a, b) => a + b, 0);
  if (instances.length !== count) {
    throw new Refusal("InstanceCount", `${instances.length} instances, expected ${count}`);
  }
  const names = protocol.rounds.flatMap((round) => round.points);
  const evaluationsAt = POINT * names.length;
  const openingsAt = evaluationsAt + WORD * protocol.evaluations.length;
  if (bytes.length !== openingsAt + 2 * POINT) {
    throw new Refusal("ProofLength", `${bytes.length} bytes, expected ${openingsAt + 2 * POINT}`);
  }
  const inRange = (value: bigint, index: number): bigint => {
    if (value >= R) throw new Refusal("ScalarOutOfRange", `scalar ${index} is not below the modulus`);
    return value;
  };
  const pointAt = (at: number, index: number): PointG1 => {
    const point = pointOf(integerAt(bytes, at), integerAt(bytes, at + WORD));
    if (!point) throw new Refusal("PointNotOnCurve", `point ${index} is not on the curve`);
    return point;
  };
  instances.forEach(inRange);
  const points = new Map(names.map((name, i) => [name, pointAt(POINT * i, i)]));
  const evaluations = protocol.evaluations.map((_, i) => inRange(integerAt(bytes, evaluationsAt + WORD * i), count + i));
  const openingQuotient = pointAt(openingsAt, names.length);
  const openingProof = pointAt(openingsAt + POINT, names.length + 1);

  const transcript = new Transcript(key.transcript);
  const challenges = new Map<string, bigint>();
  for (const instance of instances) transcript.absorb(wordOf(instance));
  let at = 0;
  for (const round of protocol.rounds) {
    const end = at + POINT * round.points.length;
    if (end > at) transcript.absorb(bytes.subarray(at, end));
    at = end;
    for (const challenge of round.challenges) challenges.set(challenge, transcript.challenge());
  }
  transcript.absorb(bytes.subarray(evaluationsAt, openingsAt));
  const [y, v] = [transcript.challenge(), transcript.challenge()];
  transcript.absorb(bytes.subarray(openingsAt, openingsAt + POINT));
  return { points, evaluations, openingQuotient, openingProof, challenges, y, v, u: transcript.challenge() };
}

function isValid(key: Key, protocol: Protocol, bytes: Uint8Array, instances: readonly bigint[]): boolean {
  const parts = read(key, protocol, bytes, instances);
  const { document } = key;
  const omega = rootOfUnity(document.k);
  const order = 1n << BigInt(document.k);
  const challenge = (name: string): bigint => {
    const value = parts.challenges.get(name);
    if (value === undefined) throw new Refusal("MalformedKey", `no challenge is called ${name}`);
    return value;
  };
  const inverted = (value: bigint): bigint => {
    const result = inverse(value);
    if (result === undefined) throw new Refusal("ChallengeInDomain", "a challenge hits a point of the domain");
    return result;
  };
  const x = challenge("x");
  const xToN = power(x, order);
  const rotated = (rotation: number): bigint => mul(x, power(omega, (order + (BigInt(rotation) % order)) % order));

  // Evaluations by what they are of.
  const given = new Map(protocol.evaluations.map(({ polynomial, rotation }, i) => [`${polynomial}@${rotation}`, parts.evaluations[i]!]));
  const at = (polynomial: Polynomial, rotation: number): bigint => {
    const value = given.get(`${polynomial}@${rotation}`);
    if (value === undefined) throw new Refusal("MalformedKey", `${polynomial} is not opened at rotation ${rotation}`);
    return value;
  };

  // Lagrange bases: (xⁿ − 1) / n · ωⁱ / (x − ωⁱ).
  const share = mul(mod(xToN - 1n), inverted(order));
  const lagrange = (row: number, point: bigint): bigint => {
    const root = power(omega, (order + (BigInt(row) % order)) % order);
    return mul(mul(share, root), inverted(point - root));
  };
  const starts = document.instances.map((_, i) => document.instances.slice(0, i).reduce((a, b) => a + b, 0));
  const instanceAt = (column: number, rotation: number): bigint => {
    const start = starts[column];
    if (start === undefined) throw new Refusal("MalformedKey", `there is no instance column ${column}`);
    const point = rotated(rotation);
    const values = instances.slice(start, start + document.instances[column]!);
    return values.reduce((sum, value, row) => mod(sum + mul(value, lagrange(row, point))), 0n);
  };
  const cell = (kind: ColumnKind, column: number, rotation: number): bigint =>
    kind === "instance" ? instanceAt(column, rotation) : at(`${kind} ${column}`, rotation);

  // The constraints at x, added up by powers of y: the quotient times the vanishing polynomial.
  const polynomial = (expression: Parameters<typeof evaluate>[0]): bigint =>
    evaluate(expression, cell, (index) => challenge(`challenge ${index}`));
  const y = challenge("y");
  const terms = document.constraints.map(polynomial);
  const quotient = mul(terms.reduce((sum, term) => mod(mul(sum, y) + term), 0n), inverted(xToN - 1n));

  // SHPLONK: all openings as one equation of two pairings.
  const bases: PointG1[] = [];
  const scalars: bigint[] = [];
  const add = (point: PointG1, scalar: bigint): void => {
    bases.push(point);
    scalars.push(mod(scalar));
  };
  const addCommitment = (opened: Polynomial, scalar: bigint): void => {
    const [kind, index] = opened.split(" ");
    if (opened === "quotient") {
      for (let i = 0, weight = scalar; i < document.degree - 1; ++i, weight = mul(weight, xToN)) {
        add(parts.points.get(`piece ${i}`)!, weight);
      }
      return;
    }
    const point = kind === "fixed" ? key.fixed[Number(index)] : parts.points.get(opened);
    if (!point) throw new Refusal("MalformedKey", `there is no commitment of ${opened}`);
    add(point, scalar);
  };
  const { u } = parts;
  const vanishing = (rotations: readonly number[]): bigint =>
    rotations.reduce((product, rotation) => mul(product, mod(u - rotated(rotation))), 1n);
  const all = [...new Set(protocol.sets.flatMap((set) => set.rotations))];
  const without = (rotations: readonly number[]) => all.filter((rotation) => !rotations.includes(rotation));
  // Everything is divided by what the first set lacks.
  const firstSet = protocol.sets[0]!.rotations;
  const divisor = inverted(vanishing(without(firstSet)));
  let claimed = 0n;
  protocol.sets.forEach(({ rotations, polynomials }, i) => {
    let weight = mul(power(parts.v, BigInt(i)), mul(vanishing(without(rotations)), divisor));
    const points = rotations.map(rotated);
    // The values of the Lagrange bases of the set's points at u.
    const weights = points.map((point, j) =>
      points.reduce((product, other, l) => (l === j ? product : mul(product, mul(mod(u - other), inverted(point - other)))), 1n),
    );
    for (const opened of polynomials) {
      const values = rotations.map((rotation) => (opened === "quotient" ? quotient : at(opened, rotation)));
      const value = values.reduce((sum, value, j) => mod(sum + mul(value, weights[j]!)), 0n);
      claimed = mod(claimed + mul(weight, value));
      addCommitment(opened, weight);
      weight = mul(weight, parts.y);
    }
  });
  add(key.g1, -claimed);
  add(parts.openingQuotient, -vanishing(firstSet));
  add(parts.openingProof, u);
  const terms1 = bases.map((base, i) => [base, scalars[i]!] as const).filter(([base, scalar]) => scalar !== 0n && !base.equals(G1.ZERO));
  const right = G1.msm(terms1.map(([base]) => base), terms1.map(([, scalar]) => scalar));
  // e(π, [τ]₂) = e(right, [1]₂)
  if (right.equals(G1.ZERO)) return false;
  const pairing = bn254.pairingBatch([
    { g1: parts.openingProof, g2: key.tauG2 },
    { g1: right.negate(), g2: key.g2 },
  ]);
  return Fp12.eql(pairing, Fp12.ONE);
}


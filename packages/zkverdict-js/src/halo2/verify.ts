/** Verification of one proof: halo2 with KZG on BN254 and SHPLONK openings, and behind it what shows links. */

import { wordOf } from "../bytes.js";
import { Domain, inverted } from "../domain.js";
import { mod, mul, power } from "../field.js";
import { evaluate, fold, type ColumnKind } from "../gate.js";
import { checkName, inverseOfVanishing, nameOfPoint } from "../link.js";
import { opens, type PointG1, type Term } from "../points.js";
import { POINT, ProofReader, WORD, type Read } from "../proof.js";
import { Refusal } from "../refusal.js";
import { Transcript } from "../transcript.js";
import type { Halo2Key } from "./key.js";
import type { Polynomial, Protocol } from "./protocol.js";

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
  readonly links: Links | undefined;
}

/** What shows that columns hold what commitments do: these, D, W, and where both are looked at. */
interface Links {
  readonly commitments: readonly PointG1[];
  readonly quotient: PointG1;
  readonly shown: PointG1;
  readonly mu: bigint;
  readonly z: bigint;
}

/** Splits a proof and draws the challenges. */
function read(key: Halo2Key, protocol: Protocol, bytes: Uint8Array, instances: readonly bigint[]): Parts {
  const points = protocol.rounds.flatMap((round) => round.points).length;
  const behind = key.links.length > 0 ? key.links.length + 2 : 0;
  const proof = new ProofReader(bytes, instances, {
    instances: key.document.instances.reduce((a, b) => a + b, 0),
    bytes: POINT * (points + 2 + behind) + WORD * protocol.evaluations.length,
  });
  const rounds = protocol.rounds.map((round) => ({ ...round, read: proof.points(round.points.length) }));
  const evaluations = proof.scalars(protocol.evaluations.length);
  const [openingQuotient, openingProof] = [proof.points(1), proof.points(1)];
  const linked = { commitments: proof.points(key.links.length), points: proof.points(behind - key.links.length) };
  key.links.forEach(([, size, name], i) => checkName(i, nameOfPoint(size, linked.commitments.values[i]!), instances[name]));

  const transcript = new Transcript(key.transcript);
  for (const instance of instances) transcript.absorb(wordOf(instance));
  const challenges = new Map<string, bigint>();
  for (const round of rounds) {
    transcript.absorb(round.read.bytes);
    for (const challenge of round.challenges) challenges.set(challenge, transcript.challenge());
  }
  transcript.absorb(evaluations.bytes);
  const [y, v] = [transcript.challenge(), transcript.challenge()];
  transcript.absorb(openingQuotient.bytes);
  const u = transcript.challenge();
  transcript.absorb(openingProof.bytes);
  return {
    points: new Map(rounds.flatMap((round) => round.points.map((name, i) => [name, round.read.values[i]!]))),
    evaluations: evaluations.values,
    openingQuotient: openingQuotient.values[0]!,
    openingProof: openingProof.values[0]!,
    challenges,
    y,
    v,
    u,
    links: behind > 0 ? drawLinks(linked, transcript) : undefined,
  };
}

/** The proof's transcript goes on behind its last point. The commitments are in it by their names, which are instances. */
function drawLinks({ commitments, points }: { commitments: Read<PointG1>; points: Read<PointG1> }, transcript: Transcript): Links {
  const [quotient, shown] = points.values;
  const mu = transcript.challenge();
  transcript.absorb(points.bytes.subarray(0, POINT));
  return { commitments: commitments.values, quotient: quotient!, shown: shown!, mu, z: transcript.challenge() };
}

/** Whether each link's column holds what its commitment does: e( Σ λ·(A − C) − D + z·W, [1]₂ ) = e( W, [τ]₂ ), λ = μʲ/Z(z). */
function areLinked(key: Halo2Key, { points }: Parts, { commitments, quotient, shown, mu, z }: Links): boolean {
  const terms: Term[] = [[quotient, mod(-1n)], [shown, z]];
  let weight = 1n;
  key.links.forEach(([column, size], i) => {
    const scalar = mul(weight, inverseOfVanishing(size, z));
    terms.push([points.get(`advice ${column}`)!, scalar], [commitments[i]!, mod(-scalar)]);
    weight = mul(weight, mu);
  });
  return opens(terms, shown, key.ends);
}

/** Throws a `Refusal` unless a proof proves its instances. */
export function checkHalo2(key: Halo2Key, protocol: Protocol, bytes: Uint8Array, instances: readonly bigint[]): void {
  const parts = read(key, protocol, bytes, instances);
  const { document } = key;
  const challenge = (name: string): bigint => {
    const value = parts.challenges.get(name);
    if (value === undefined) throw new Refusal("MalformedKey", `no challenge is called ${name}`);
    return value;
  };
  const domain = new Domain(document.k, challenge("x"));
  const rotated = (rotation: number): bigint => domain.rotated(rotation);

  // Evaluations by what they are of.
  const given = new Map(protocol.evaluations.map(({ polynomial, rotation }, i) => [`${polynomial}@${rotation}`, parts.evaluations[i]!]));
  const at = (polynomial: Polynomial, rotation: number): bigint => {
    const value = given.get(`${polynomial}@${rotation}`);
    if (value === undefined) throw new Refusal("MalformedKey", `${polynomial} is not opened at rotation ${rotation}`);
    return value;
  };

  const starts = document.instances.map((_, i) => document.instances.slice(0, i).reduce((a, b) => a + b, 0));
  const instanceAt = (column: number, rotation: number): bigint => {
    const start = starts[column];
    if (start === undefined) throw new Refusal("MalformedKey", `there is no instance column ${column}`);
    return domain.interpolated(instances.slice(start, start + document.instances[column]!), rotation);
  };
  const cell = (kind: ColumnKind, column: number, rotation: number): bigint =>
    kind === "instance" ? instanceAt(column, rotation) : at(`${kind} ${column}`, rotation);

  // The constraints at x, added up by powers of y: the quotient times the vanishing polynomial.
  const sum = fold(key.gates, challenge("y"), (gate) => evaluate(gate, cell, (index) => challenge(`challenge ${index}`)));
  const quotient = mul(sum, domain.inverseOfVanishing);

  // SHPLONK: all openings as one equation of two pairings.
  const terms: Term[] = [];
  const add = (point: PointG1, scalar: bigint): void => {
    terms.push([point, mod(scalar)]);
  };
  const xToN = mod(domain.vanishing + 1n);
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
  // e(π, [τ]₂) = e(Σ, [1]₂)
  const holds = opens(terms, parts.openingProof, key.ends);
  if (!holds || (parts.links && !areLinked(key, parts, parts.links))) {
    throw new Refusal("InvalidProof", "the proof does not prove the instances");
  }
}

/** Verification of one packed proof: the checks of `docs/protocol.md`, in its order. */

import { keccak_256 } from "@noble/hashes/sha3";
import { integerAt, textBytes, wordOf } from "../bytes.js";
import { Domain, horner, inverted } from "../domain.js";
import { mod, mul, power } from "../field.js";
import { evaluate, fold, type ColumnKind } from "../gate.js";
import { checkName, inverseOfVanishing, nameOfPoint } from "../link.js";
import { opens, type PointG1, type Term } from "../points.js";
import { POINT, ProofReader, WORD, type Read } from "../proof.js";
import { Refusal } from "../refusal.js";
import { Transcript } from "../transcript.js";
import { advicePacks, openedPacks, valueName, type InstanceAt, type PackedKey } from "./key.js";

/** The last rows of a circuit, on which named columns may hold anything. */
const FREE_OF_NAMED = 3;
const TAG_OF_NAMED = "zkverdict committed columns v1";

/** One column's of all instances. */
function columnOf(key: PackedKey, instances: readonly bigint[], column: number): readonly bigint[] {
  const start = key.instances.slice(0, column).reduce((a, b) => a + b, 0);
  return instances.slice(start, start + key.instances[column]!);
}

/** What the proof brings. */
interface Parts {
  readonly advice: Read<PointG1>;
  readonly quotient: Read<PointG1>;
  readonly evaluations: Read<bigint>;
  /** W and W'. */
  readonly openings: readonly [Read<PointG1>, Read<PointG1>];
  /** Commitments of links, and what shows them all: none where there are no links. */
  readonly linked: Read<PointG1>;
  readonly difference: Read<PointG1>;
  /** Commitments of named packs, and what hides them in this proof. */
  readonly named: Read<PointG1>;
  readonly masks: Read<PointG1>;
}

/** Splits a proof, refusing what no proof has. */
function read(key: PackedKey, bytes: Uint8Array, instances: readonly bigint[]): Parts {
  const advice = advicePacks(key).length;
  const evaluations = openedPacks(key).reduce((sum, { slots, rotations }) => sum + slots.length * rotations.length, 0);
  const [links, named] = [key.links.length, key.named?.packs.length ?? 0];
  const differences = links > 0 ? 1 : 0;
  const proof = new ProofReader(bytes, instances, {
    instances: key.instances.reduce((a, b) => a + b, 0),
    bytes: POINT * (advice + 3 + links + differences + 2 * named) + WORD * evaluations,
  });
  // In the proof's order.
  return {
    advice: proof.points(advice),
    quotient: proof.points(1),
    evaluations: proof.scalars(evaluations),
    openings: [proof.points(1), proof.points(1)],
    linked: proof.points(links),
    difference: proof.points(differences),
    named: proof.points(named),
    masks: proof.points(named),
  };
}

/** That the commitments are those that the instances name. */
function checkNames(key: PackedKey, { linked, named }: Parts, instances: readonly bigint[]): void {
  const check = (index: number, name: bigint, { column, number }: InstanceAt): void =>
    checkName(index, name, columnOf(key, instances, column)[number]);
  key.links.forEach(({ size, name }, i) => check(i, nameOfPoint(size, linked.values[i]!), name));
  if (key.named) {
    const tag = new Uint8Array(WORD);
    tag.set(textBytes(TAG_OF_NAMED));
    const hash = keccak_256.create().update(tag).update(key.digest).update(named.bytes).digest();
    check(key.links.length, integerAt(hash, 0) >> 8n, key.named.name);
  }
}

/** What is drawn. */
interface Challenges {
  /** Of the phases, and sums of instances, by their numbers. */
  readonly numbered: readonly bigint[];
  readonly y: bigint;
  readonly x: bigint;
  readonly gamma: bigint;
  readonly z: bigint;
}

function draw(key: PackedKey, parts: Parts, instances: readonly bigint[]): Challenges {
  const transcript = new Transcript(key.digest);
  for (const instance of instances) transcript.absorb(wordOf(instance));
  for (const { bytes } of [parts.linked, parts.named, parts.masks]) transcript.absorb(bytes);
  const numbered: bigint[] = [];
  let at = 0;
  for (const { packs, challenges } of key.phases) {
    const end = at + POINT * packs.length;
    transcript.absorb(parts.advice.bytes.subarray(at, end));
    at = end;
    for (const challenge of challenges) numbered[challenge] = transcript.challenge();
  }
  for (const { challenge, column, first, factor, point } of key.sums) {
    numbered[challenge] = horner(columnOf(key, instances, column).slice(first), mul(factor, numbered[point]!));
  }
  const y = transcript.challenge();
  transcript.absorb(parts.quotient.bytes);
  transcript.absorb(parts.difference.bytes);
  const x = transcript.challenge();
  transcript.absorb(parts.evaluations.bytes);
  const gamma = transcript.challenge();
  transcript.absorb(parts.openings[0].bytes);
  return { numbered, y, x, gamma, z: transcript.challenge() };
}

/** The evaluations, by what they are of. */
function valuesOf(key: PackedKey, evaluations: readonly bigint[]): ReadonlyMap<string, bigint> {
  const values = new Map<string, bigint>();
  const advice = advicePacks(key).length;
  openedPacks(key).forEach(({ slots, rotations }, i) => {
    for (const rotation of rotations) {
      for (const [column, shift] of slots) {
        const name = i < advice ? valueName("advice", column, rotation) : valueName("fixed", column, shift);
        values.set(name, evaluations[values.size]!);
      }
    }
  });
  return values;
}

/** Throws a `Refusal` unless a proof proves its instances. */
export function checkPacked(key: PackedKey, bytes: Uint8Array, instances: readonly bigint[]): void {
  const parts = read(key, bytes, instances);
  checkNames(key, parts, instances);
  const { numbered, y, x, gamma, z } = draw(key, parts, instances);
  const domain = new Domain(key.k, x);
  const evaluations = parts.evaluations.values;
  const values = valuesOf(key, evaluations);

  // The gates at x, added up by powers of y: the quotient times what is 0 on all rows.
  const cell = (kind: ColumnKind, column: number, rotation: number): bigint =>
    kind === "instance"
      ? domain.interpolated(columnOf(key, instances, column), rotation)
      : values.get(valueName(kind, column, rotation))!;
  const gates = fold(key.gates, y, (gate) => evaluate(gate, cell, (index) => numbered[index]!));
  const quotient = mul(gates, domain.inverseOfVanishing);

  // Every pack at each of its points: Σ s·(F − Y(z)), s = γᵉ/(z^t − x·ω^ρ).
  let weight = 1n;
  let claimed = 0n;
  let at = 0;
  const scalars = openedPacks(key).map(({ width, slots, rotations }) => {
    const toWidth = power(z, BigInt(width));
    let scalar = 0n;
    for (const rotation of rotations) {
      const s = mul(weight, inverted(toWidth - domain.rotated(rotation)));
      scalar = mod(scalar + s);
      claimed = mod(claimed + mul(s, horner(evaluations.slice(at, at + slots.length), z)));
      at += slots.length;
      weight = mul(weight, gamma);
    }
    return scalar;
  });
  const ofQuotient = mul(weight, inverted(z - x));
  claimed = mod(claimed + mul(ofQuotient, quotient));
  const ofAll = [...parts.advice.values, ...key.commitments, ...parts.named.values];
  const terms: Term[] = ofAll.map((point, i) => [point, scalars[i]!]);

  // Of a named pack C + Z(x)·D is opened, Z being 0 on all rows but the last.
  if (key.named) {
    let free = 1n;
    for (let before = 1; before <= FREE_OF_NAMED; ++before) free = mul(free, mod(x - domain.root(-before)));
    const zAtX = mul(domain.vanishing, inverted(free));
    const first = ofAll.length - parts.masks.values.length;
    parts.masks.values.forEach((mask, i) => terms.push([mask, mul(scalars[first + i]!, zAtX)]));
  }

  // All links as one more polynomial that is opened at x.
  const ofLinks = mul(ofQuotient, gamma);
  let ofLink = ofLinks;
  key.links.forEach(({ column, size }, i) => {
    const scalar = mul(ofLink, inverseOfVanishing(size, x));
    terms.push([parts.linked.values[i]!, scalar]);
    claimed = mod(claimed + mul(scalar, values.get(valueName("advice", column, 0))!));
    ofLink = mul(ofLink, y);
  });
  for (const difference of parts.difference.values) terms.push([difference, ofLinks]);

  const [w, last] = [parts.openings[0].values[0]!, parts.openings[1].values[0]!];
  terms.push([parts.quotient.values[0]!, ofQuotient], [w, mod(-1n)], [last, z], [key.g1, mod(-claimed)]);
  if (!opens(terms, last, key.ends)) throw new Refusal("InvalidProof", "the proof does not prove the instances");
}

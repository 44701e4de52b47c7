/** Keys of halo2's format. */

import { keccak_256 } from "@noble/hashes/sha3";
import { integerOf, shown, textBytes, wordOf, type Hex } from "../bytes.js";
import { SMALLEST_CLASS } from "../commitment.js";
import { R, TWO_ADICITY } from "../field.js";
import type { ColumnKind, Gate, Operation } from "../gate.js";
import { digestOf, malformed, type Document } from "../key.js";
import { pointInG2, pointOrInfinity, type Ends, type PointG1, type PointG2 } from "../points.js";

/** A column and where it is opened: so many rows after the point. */
export type Query = readonly [column: number, rotation: number];

/** A polynomial in prefix notation. */
export type Expression =
  | Hex
  | readonly [kind: ColumnKind, column: number, rotation: number]
  | readonly ["challenge", number]
  | readonly ["-", Expression]
  | readonly ["+" | "*", Expression, Expression];

/** A column that holds what a commitment of a size class does, and which instance is the commitment's name. */
export type Link = readonly [column: number, size: number, name: number];

/** A document `NAME.key.json`. */
export interface Halo2KeyDocument extends Document {
  readonly format: "halo2";
  readonly transcript_repr: Hex;
  readonly k: number;
  readonly instances: readonly number[];
  readonly advice_phases: readonly number[];
  readonly challenge_phases: readonly number[];
  readonly degree: number;
  readonly blinding_factors: number;
  readonly advice_queries: readonly Query[];
  readonly fixed_queries: readonly Query[];
  readonly instance_queries: readonly Query[];
  readonly constraints: readonly Expression[];
  readonly lookups: 0;
  readonly permutation: 0;
  readonly fixed: readonly (readonly [Hex, Hex])[];
  /** Where inputs are committed. */
  readonly links?: readonly Link[];
  readonly g1: readonly [Hex, Hex];
  readonly g2: readonly [readonly [Hex, Hex], readonly [Hex, Hex]];
  readonly tau_g2: readonly [readonly [Hex, Hex], readonly [Hex, Hex]];
}

/** More than any model's key has: items of a list, parts of the constraints, parts within parts. */
const MOST_ITEMS = 1 << 12;
const MOST_PARTS = 1 << 20;
const DEEPEST = 1 << 9;

/** A key of halo2's proofs. */
export interface Halo2Key {
  readonly document: Halo2KeyDocument;
  readonly vkDigest: Hex;
  readonly transcript: Uint8Array;
  readonly fixed: readonly PointG1[];
  readonly gates: readonly Gate[];
  readonly links: readonly Link[];
  readonly g1: PointG1;
  readonly ends: Ends;
}

/** Reads a key and recomputes `vk_digest` from what it covers. The constraints and the key's commitments are covered by
 * `transcript_repr`, which is halo2's digest of them: they have to be trusted, as a program is. */
export function readHalo2Key(document: Halo2KeyDocument): Halo2Key {
  checkShape(document);
  const integer = (text: unknown, what: string) => integerOf(text, "MalformedKey", what);
  const coordinates = (pair: readonly Hex[], what: string) => [integer(pair[0], what), integer(pair[1], what)] as const;
  const inG1 = (pair: readonly Hex[], what: string): PointG1 => {
    const point = pointOrInfinity(...coordinates(pair, what));
    if (!point) throw malformed(`${what} is not on the curve`);
    return point;
  };
  const inG2 = (pairs: readonly (readonly Hex[])[], what: string): PointG2 => {
    const point = pointInG2(coordinates(pairs[0] ?? [], what), coordinates(pairs[1] ?? [], what));
    if (!point) throw malformed(`${what} is not in the group`);
    return point;
  };
  const transcript = wordOf(integer(document.transcript_repr, "transcript_repr"));
  const g1 = inG1(document.g1, "g1");
  const ends = { g2: inG2(document.g2, "g2"), tauG2: inG2(document.tau_g2, "tau_g2") };
  return {
    document,
    vkDigest: digestOf(document, withLinks(ownDigest(document, transcript, g1, ends), linksOf(document))),
    transcript,
    fixed: document.fixed.map((pair, i) => inG1(pair, `fixed[${i}]`)),
    gates: gatesOf(document),
    links: linksOf(document),
    g1,
    ends,
  };
}

function ownDigest(document: Halo2KeyDocument, transcript: Uint8Array, g1: PointG1, { g2, tauG2 }: Ends): Uint8Array {
  const inG2 = (point: PointG2) => {
    const { x, y } = point.toAffine();
    return [x.c1, x.c0, y.c1, y.c0];
  };
  const { x, y } = g1.toAffine();
  const words = [
    BigInt(document.k),
    BigInt(document.instances.length),
    ...document.instances.map(BigInt),
    x,
    y,
    ...inG2(g2),
    ...inG2(tauG2),
  ].map(wordOf);
  const hash = keccak_256.create().update(textBytes("zkverdict verifying key 1")).update(transcript);
  for (const word of words) hash.update(word);
  return hash.digest();
}

/** The digest of a key whose columns hold what commitments do. */
function withLinks(own: Uint8Array, links: readonly Link[]): Uint8Array {
  if (links.length === 0) return own;
  const hash = keccak_256.create().update(textBytes("zkverdict verifying key with links 1")).update(own);
  for (const word of links.flat()) hash.update(wordOf(BigInt(word)));
  return hash.digest();
}

function linksOf({ links = [], advice_phases, instances, k }: Halo2KeyDocument): readonly Link[] {
  links.forEach(([column, size, name], i) => {
    const fault =
      size < SMALLEST_CLASS || size > k
        ? "its class is too small, or too large for the rows"
        : instances.length !== 1 || name >= instances[0]!
          ? "its name is an instance that is not there"
          : advice_phases[column] !== 0 && "its column is not one of the first phase";
    if (fault) throw malformed(`link ${i}: ${fault}`);
  });
  return links;
}

function checkShape(document: Halo2KeyDocument): void {
  const isCount = (value: unknown, most = 1 << 30): boolean =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most;
  const isListOf = (value: unknown, is: (item: unknown) => boolean): boolean =>
    Array.isArray(value) && value.length <= MOST_ITEMS && value.every(is);
  const isQuery = (value: unknown): boolean => Array.isArray(value) && isCount(value[0]) && isRotation(value[1]);
  const isPair = (value: unknown): boolean => Array.isArray(value) && value.length === 2;
  const lists: [keyof Halo2KeyDocument, (item: unknown) => boolean][] = [
    ["instances", (item) => isCount(item)],
    ["advice_phases", (item) => isCount(item, 255)],
    ["challenge_phases", (item) => isCount(item, 255)],
    ["advice_queries", isQuery],
    ["fixed_queries", isQuery],
    ["instance_queries", isQuery],
    ["constraints", () => true],
    ["fixed", isPair],
    ["g1", () => true],
    ["g2", isPair],
    ["tau_g2", isPair],
  ];
  for (const [field, is] of lists) {
    if (!isListOf(document[field], is)) throw malformed(`${field} is not the list that it has to be`);
  }
  const { k, degree, blinding_factors } = document;
  if (!isCount(k, TWO_ADICITY) || k === 0) throw malformed(`k is ${String(k)}, expected 1 to ${TWO_ADICITY}`);
  if (!isCount(degree, 1 << 10) || degree < 3) throw malformed(`degree is ${String(degree)}, expected 3 or more`);
  if (!isCount(blinding_factors, (1 << k) - 2)) throw malformed("blinding_factors leaves no row");
  const isLink = (value: unknown): boolean => Array.isArray(value) && value.length === 3 && value.every((item) => isCount(item));
  if (document.links !== undefined && (!isListOf(document.links, isLink) || document.links.length === 0)) {
    throw malformed("links is not the list that it has to be");
  }
  // Models' circuits prove both by constraints of their own.
  if (document.lookups !== 0 || document.permutation !== 0) {
    throw malformed("the circuit has look-ups or a permutation, which no model's has");
  }
  const rows = 2 ** k - blinding_factors - 1;
  if (document.instances.some((count) => count > rows)) throw malformed("there are more instances than rows");
}

const isRotation = (value: unknown): boolean => Number.isSafeInteger(value) && Math.abs(value as number) < 1 << 28;

/** The constraints, which look at nothing but what is opened, and end. */
function gatesOf(document: Halo2KeyDocument): Gate[] {
  const queried = (queries: readonly Query[]) => new Set(queries.map(([column, rotation]) => `${column}@${rotation}`));
  const opened = { advice: queried(document.advice_queries), fixed: queried(document.fixed_queries) };
  let parts = 0;
  const compile = (part: unknown, depth: number, to: Operation[]): void => {
    if (++parts > MOST_PARTS || depth > DEEPEST) throw malformed("the constraints are longer than any model's");
    if (typeof part === "string") {
      const constant = integerOf(part, "MalformedKey", "a constant");
      if (constant >= R) throw malformed("a constant is not below the modulus");
      to.push(constant);
      return;
    }
    if (!Array.isArray(part)) throw malformed("a constraint is not in prefix notation");
    const [operation, first, second] = part as unknown[];
    const isKnown = ((): boolean => {
      switch (operation) {
        case "advice":
        case "fixed":
          return Number.isSafeInteger(first) && isRotation(second) && opened[operation].has(`${first}@${second}`);
        case "instance":
          return Number.isSafeInteger(first) && document.instances[first as number] !== undefined && isRotation(second);
        case "challenge":
          return Number.isSafeInteger(first) && document.challenge_phases[first as number] !== undefined;
        case "-":
          compile(first, depth + 1, to);
          return true;
        case "+":
        case "*":
          compile(first, depth + 1, to);
          compile(second, depth + 1, to);
          return true;
        default:
          throw malformed(`no operation is called ${shown(operation)}`);
      }
    })();
    if (!isKnown) throw malformed(`a constraint looks at ${shown(operation)} of which nothing is known`);
    if (operation === "challenge") to.push([operation, first as number]);
    else if (operation === "-" || operation === "+" || operation === "*") to.push(operation);
    else to.push([operation as ColumnKind, first as number, second as number]);
  };
  return document.constraints.map((constraint) => {
    const gate: Operation[] = [];
    compile(constraint, 0, gate);
    return gate;
  });
}

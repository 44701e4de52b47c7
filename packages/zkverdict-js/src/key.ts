/** Verifying keys, as `zkverdict render` writes them. */

import { bn254 } from "@noble/curves/bn254";
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesOf, hexOf, integerAt, integerOf, shown, wordOf, type Hex } from "./bytes.js";
import { R, TWO_ADICITY } from "./field.js";
import { Refusal } from "./refusal.js";

/** A column and where it is opened: so many rows after the point. */
export type Query = readonly [column: number, rotation: number];

export type ColumnKind = "advice" | "fixed" | "instance";

/** A polynomial in prefix notation. */
export type Expression =
  | Hex
  | readonly [kind: ColumnKind, column: number, rotation: number]
  | readonly ["challenge", number]
  | readonly ["-", Expression]
  | readonly ["+" | "*", Expression, Expression];

/** A document `NAME.key.json`. */
export interface KeyDocument {
  readonly format: "halo2";
  readonly version: 1;
  readonly model: string;
  readonly model_digest: Hex;
  readonly vk_digest: Hex;
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
  readonly g1: readonly [Hex, Hex];
  readonly g2: readonly [readonly [Hex, Hex], readonly [Hex, Hex]];
  readonly tau_g2: readonly [readonly [Hex, Hex], readonly [Hex, Hex]];
}

const G1 = bn254.G1.ProjectivePoint;
const G2 = bn254.G2.ProjectivePoint;
export type PointG1 = InstanceType<typeof G1>;
export type PointG2 = InstanceType<typeof G2>;

const Q = bn254.fields.Fp.ORDER;

/** More than any model's key has: items of a list, parts of the constraints, parts within parts. */
const MOST_ITEMS = 1 << 12;
const MOST_PARTS = 1 << 20;
const DEEPEST = 1 << 9;

/** The point with these coordinates; none where it is not on the curve, or infinity. */
export function pointOf(x: bigint, y: bigint): PointG1 | undefined {
  if (x >= Q || y >= Q || (y * y - x * x * x - 3n) % Q !== 0n) return undefined;
  return G1.fromAffine({ x, y });
}

/** A key that can be verified against. */
export interface Key {
  readonly document: KeyDocument;
  readonly transcript: Uint8Array;
  readonly fixed: readonly PointG1[];
  readonly g1: PointG1;
  readonly g2: PointG2;
  readonly tauG2: PointG2;
}

const malformed = (message: string): Refusal => new Refusal("MalformedKey", message);

/** Reads a key and recomputes `vk_digest` from what it covers. The constraints and the key's commitments are covered by
 * `transcript_repr`, which is halo2's digest of them: they have to be trusted, as a program is. */
export function readKey(json: unknown): Key {
  const document = json as KeyDocument;
  if (typeof json !== "object" || json === null || document.format !== "halo2" || document.version !== 1) {
    throw malformed("expected a document of the format halo2, version 1, as `zkverdict render` writes it");
  }
  checkShape(document);
  const integer = (text: unknown, what: string) => integerOf(text, "MalformedKey", what);
  const coordinates = (pair: readonly Hex[], what: string) => [integer(pair[0], what), integer(pair[1], what)] as const;
  const inG1 = (pair: readonly Hex[], what: string): PointG1 => {
    const [x, y] = coordinates(pair, what);
    if (x === 0n && y === 0n) return G1.ZERO;
    const point = pointOf(x, y);
    if (!point) throw malformed(`${what} is not on the curve`);
    return point;
  };
  const inG2 = (pairs: readonly (readonly Hex[])[], what: string): PointG2 => {
    const [[x0, x1], [y0, y1]] = [coordinates(pairs[0] ?? [], what), coordinates(pairs[1] ?? [], what)];
    try {
      const point = G2.fromAffine({ x: { c0: x0, c1: x1 }, y: { c0: y0, c1: y1 } });
      point.assertValidity();
      return point;
    } catch {
      throw malformed(`${what} is not on the curve`);
    }
  };
  const key: Key = {
    document,
    transcript: wordOf(integer(document.transcript_repr, "transcript_repr")),
    fixed: document.fixed.map((pair, i) => inG1(pair, `fixed[${i}]`)),
    g1: inG1(document.g1, "g1"),
    g2: inG2(document.g2, "g2"),
    tauG2: inG2(document.tau_g2, "tau_g2"),
  };
  const digest = digestOf(key);
  if (digest !== document.vk_digest) throw malformed(`vk_digest is ${shown(document.vk_digest)}, computed ${digest}`);
  return key;
}

function digestOf({ document, transcript, g1, g2, tauG2 }: Key): Hex {
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
  const text = (value: string) => Uint8Array.from(value, (letter) => letter.charCodeAt(0));
  const hash = keccak_256.create().update(text("zkverdict verifying key 1")).update(transcript);
  for (const word of words) hash.update(word);
  const ofModel = keccak_256.create().update(text("zkverdict verifying key of a model 1")).update(hash.digest());
  const model = bytesOf(document.model_digest, "MalformedKey", "model_digest");
  if (model.length !== 32) throw malformed(`model_digest has ${model.length} bytes, expected 32`);
  const digest = ofModel.update(model).digest();
  return hexOf(integerAt(digest, 0));
}

function checkShape(document: KeyDocument): void {
  const isCount = (value: unknown, most = 1 << 30): boolean =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most;
  const isListOf = (value: unknown, is: (item: unknown) => boolean): boolean =>
    Array.isArray(value) && value.length <= MOST_ITEMS && value.every(is);
  const isQuery = (value: unknown): boolean => Array.isArray(value) && isCount(value[0]) && isRotation(value[1]);
  const isPair = (value: unknown): boolean => Array.isArray(value) && value.length === 2;
  const lists: [keyof KeyDocument, (item: unknown) => boolean][] = [
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
  // Models' circuits prove both by constraints of their own.
  if (document.lookups !== 0 || document.permutation !== 0) {
    throw malformed("the circuit has look-ups or a permutation, which no model's has");
  }
  const rows = 2 ** k - blinding_factors - 1;
  if (document.instances.some((count) => count > rows)) throw malformed("there are more instances than rows");
  checkConstraints(document);
}

const isRotation = (value: unknown): boolean => Number.isSafeInteger(value) && Math.abs(value as number) < 1 << 28;

/** That the constraints look at nothing but what is opened, and end: they are evaluated without looking again. */
function checkConstraints(document: KeyDocument): void {
  const queried = (queries: readonly Query[]) => new Set(queries.map(([column, rotation]) => `${column}@${rotation}`));
  const opened = { advice: queried(document.advice_queries), fixed: queried(document.fixed_queries) };
  let parts = 0;
  const check = (part: unknown, depth: number): void => {
    if (++parts > MOST_PARTS || depth > DEEPEST) throw malformed("the constraints are longer than any model's");
    if (typeof part === "string") {
      if (integerOf(part, "MalformedKey", "a constant") >= R) throw malformed("a constant is not below the modulus");
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
          check(first, depth + 1);
          return true;
        case "+":
        case "*":
          check(first, depth + 1);
          check(second, depth + 1);
          return true;
        default:
          throw malformed(`no operation is called ${shown(operation)}`);
      }
    })();
    if (!isKnown) throw malformed(`a constraint looks at ${shown(operation)} of which nothing is known`);
  };
  for (const constraint of document.constraints) check(constraint, 0);
}

/** Evaluates a polynomial of a key that was read. */
export function evaluate(
  expression: Expression,
  cell: (kind: ColumnKind, column: number, rotation: number) => bigint,
  challenge: (index: number) => bigint,
): bigint {
  if (typeof expression === "string") return BigInt(expression);
  const again = (part: Expression): bigint => evaluate(part, cell, challenge);
  switch (expression[0]) {
    case "challenge":
      return challenge(expression[1]);
    case "-":
      return (R - again(expression[1])) % R;
    case "+":
      return (again(expression[1]) + again(expression[2])) % R;
    case "*":
      return (again(expression[1]) * again(expression[2])) % R;
    default:
      return cell(expression[0], expression[1], expression[2]);
  }
}

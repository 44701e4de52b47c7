/** Commitments to inputs: whoever owns data makes one, alone and in milliseconds, and tells its name. */

import { bn254 } from "@noble/curves/bn254";
import { keccak_256 } from "@noble/hashes/sha3";
import { checkBlinding, drawBlinding } from "./blinding.js";
import { bytesOf, hexOf, integerAt, integerOf, textBytes, wordOf, type Hex } from "./bytes.js";
import { lengthOf, packWords, wordsOf, type Code } from "./code.js";
import { pointOf, type PointG1 } from "./points.js";
import { Refusal } from "./refusal.js";

const G1 = bn254.G1.ProjectivePoint;

/** The last rows of a domain, which hold no word, and the first. */
const FREE_ROWS = 17;
export const SMALLEST_CLASS = 6;
const LARGEST_CLASS = 28;

const TAG = "zkverdict committed input v1";

/** x and y of a point. */
export type Coordinates = readonly [Hex, Hex];

/** Points of a reference string, as `zkverdict commit --points` writes them: what a domain's rows weigh in a commitment. */
export interface PointsDocument {
  readonly format: "zkverdict commitment points";
  readonly version: 1;
  /** The string's fingerprint. */
  readonly string: Hex;
  /** Of 2^class rows. */
  readonly class: number;
  /** Of the rows that hold words, from the first on; as many as somebody wanted. */
  readonly points: readonly Coordinates[];
  /** Of the last row, which holds what blinds. */
  readonly blinding: Coordinates;
}

/** A commitment with all that opens it, as secret as the data: what `zkverdict commit` writes and `prove --input-commitment` reads. */
export interface CommitmentDocument {
  readonly format: "zkverdict commitment";
  readonly version: 1;
  readonly kind: "input";
  readonly input: string;
  readonly class: number;
  readonly point: Coordinates;
  readonly name: Hex;
  readonly string: Hex;
  readonly code: Code;
  readonly shape: readonly number[];
  readonly words: readonly Hex[];
  readonly blinding: Hex;
}

/** A commitment: what may be told, and what may not. */
export interface Commitment {
  /** What contracts and attestations call it. */
  readonly name: Hex;
  readonly class: number;
  readonly point: Coordinates;
  /** To be kept by whoever proves. Nobody can make it again. */
  readonly secret: CommitmentDocument;
}

/** What to commit to. */
export interface CommitmentRequest {
  /** The input's name in the model. */
  readonly input: string;
  /** The type of its elements. */
  readonly code: Code;
  /** Its shape; empty for a scalar. */
  readonly shape: readonly number[];
  /** Its elements, in the schema's own units. */
  readonly values: ArrayLike<number>;
  readonly points: PointsDocument;
  /** What hides the data, for tests alone: leave it out, and it is drawn at random. One that serves twice, or that somebody can
   * guess, hides nothing. */
  readonly blinding?: bigint;
}

/** How many words a size class holds. */
export const capacityOf = (size: number): number => 2 ** size - FREE_ROWS;

/** The least size class that holds so many words. */
export function classOf(words: number): number {
  for (let size = SMALLEST_CLASS; size <= LARGEST_CLASS; ++size) {
    if (words <= capacityOf(size)) return size;
  }
  throw new RangeError(`no size class holds ${words} words`);
}

/** The name of a commitment of a size class: the highest 248 bits of a hash. */
export function nameOf(size: number, [x, y]: readonly [bigint, bigint]): Hex {
  const tag = new Uint8Array(32);
  tag.set(textBytes(TAG));
  tag[31] = size;
  const hash = keccak_256.create().update(tag).update(wordOf(x)).update(wordOf(y)).digest();
  return hexOf(integerAt(hash, 0) >> 8n);
}

const malformed = (message: string): Refusal => new Refusal("MalformedPoints", message);

/** A point of the document. None of them is infinity: what blinds would hide nothing there. */
function pointAt(pair: unknown, what: string): PointG1 {
  if (!Array.isArray(pair) || pair.length !== 2) throw malformed(`${what} has not two coordinates`);
  const [x, y] = pair.map((word) => integerOf(word, "MalformedPoints", what));
  const point = pointOf(x!, y!);
  if (!point) throw malformed(`${what} is not on the curve`);
  return point;
}

function check(document: PointsDocument): void {
  if (typeof document !== "object" || document === null || document.format !== "zkverdict commitment points" || document.version !== 1) {
    throw malformed("expected points for commitments, version 1, as `zkverdict commit --points` writes them");
  }
  const size = document.class;
  if (!Number.isInteger(size) || size < SMALLEST_CLASS || size > LARGEST_CLASS) throw malformed("there is no such size class");
  if (!Array.isArray(document.points) || document.points.length > capacityOf(size)) {
    throw malformed("there are more points than rows that hold words");
  }
  if (bytesOf(document.string, "MalformedPoints", "string").length !== 32) throw malformed("`string` has 32 bytes");
}

/** Commits to an input. What comes out at `secret` is as secret as the data. */
export function commit({ input, code, shape, values, points, blinding = drawBlinding() }: CommitmentRequest): Commitment {
  check(points);
  const length = lengthOf(input, shape, values);
  checkBlinding(blinding);
  const size = classOf(wordsOf(code, length));
  if (size !== points.class) throw malformed(`the points are those of size class ${points.class}, and ${input} is of class ${size}`);
  const words = packWords(code, values);
  if (words.length > points.points.length) {
    throw malformed(`${points.points.length} points, and ${input} has ${words.length} words`);
  }
  // Σ word·[L_row(τ)]₁ + blinding·[L_last(τ)]₁
  const terms = words
    .map((word, i) => [pointAt(points.points[i], `points[${i}]`), word] as const)
    .concat([[pointAt(points.blinding, "blinding"), blinding]])
    .filter(([, scalar]) => scalar !== 0n);
  const sum = G1.msm(terms.map(([point]) => point), terms.map(([, scalar]) => scalar));
  // By chance as unlikely as guessing what blinds; a proof cannot have this point.
  if (sum.equals(G1.ZERO)) throw malformed("the commitment is the point at infinity");
  const { x, y } = sum.toAffine();
  const name = nameOf(size, [x, y]);
  const point = [hexOf(x), hexOf(y)] as const;
  const secret: CommitmentDocument = {
    format: "zkverdict commitment",
    version: 1,
    kind: "input",
    input,
    class: size,
    point,
    name,
    string: points.string,
    code,
    shape: [...shape],
    words: words.map(hexOf),
    blinding: hexOf(blinding),
  };
  return { name, class: size, point, secret };
}

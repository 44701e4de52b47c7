/** Hashes of inputs: whoever owns data makes one, alone, and other circuits with circom's Poseidon can open it. */

import { hexOf, type Hex } from "./bytes.js";
import { bytesIn, lengthOf, packWords, type Code } from "./code.js";
import { checkBlinding, drawBlinding } from "./blinding.js";

/** What every chain begins with, beside the length. */
const TAG = BigInt(`0x${Array.from("zkverdict", (letter) => letter.charCodeAt(0).toString(16)).join("")}`);

/** Poseidon of three inputs with circom's parameters, as `poseidon3` of `poseidon-lite` is. */
export type Poseidon3 = (inputs: bigint[]) => bigint;

/** A hash with all that opens it, as secret as the data: what `zkverdict commit` writes and `prove --input-commitment` reads. */
export interface HashDocument {
  readonly format: "zkverdict commitment";
  readonly version: 1;
  readonly kind: "hash";
  readonly input: string;
  readonly hash: Hex;
  readonly code: Code;
  readonly shape: readonly number[];
  readonly words: readonly Hex[];
  readonly blinding: Hex;
}

/** A hash: what may be told, and what may not. */
export interface InputHash {
  /** What contracts compare. */
  readonly hash: Hex;
  /** To be kept by whoever proves. Nobody can make it again. */
  readonly secret: HashDocument;
}

/** What to hash. */
export interface HashRequest {
  /** The input's name in the model. */
  readonly input: string;
  /** The type of its elements. */
  readonly code: Code;
  /** Its shape; empty for a scalar. */
  readonly shape: readonly number[];
  /** Its elements. */
  readonly values: ArrayLike<number>;
  readonly poseidon3: Poseidon3;
  /** What hides the data, for tests alone: leave it out, and it is drawn at random. One that somebody can guess hides nothing. */
  readonly blinding?: bigint;
}

/** The hash of words that hold so many bytes: two at a time behind the hash of those before, the blinding first. */
export function hashOfWords(length: number, words: readonly bigint[], blinding: bigint, poseidon3: Poseidon3): bigint {
  const taken = [blinding, ...words];
  if (taken.length % 2 === 1) taken.push(0n);
  let hash = (TAG << 64n) | BigInt(length);
  for (let i = 0; i < taken.length; i += 2) hash = poseidon3([hash, taken[i]!, taken[i + 1]!]);
  return hash;
}

/** Hashes an input. What comes out at `secret` is as secret as the data. */
export function hashInput({ input, code, shape, values, poseidon3, blinding = drawBlinding() }: HashRequest): InputHash {
  const length = lengthOf(input, shape, values);
  checkBlinding(blinding);
  const words = packWords(code, values);
  const hash = hexOf(hashOfWords(bytesIn(code, length), words, blinding, poseidon3));
  const secret: HashDocument = {
    format: "zkverdict commitment",
    version: 1,
    kind: "hash",
    input,
    hash,
    code,
    shape: [...shape],
    words: words.map(hexOf),
    blinding: hexOf(blinding),
  };
  return { hash, secret };
}

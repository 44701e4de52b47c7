/** What a proof is asked for with, as the prover reads it. */

import { hexOf, type Hex } from "../bytes.js";
import type { CommitmentDocument } from "../commitment.js";
import type { HashDocument } from "../hash.js";
import { ProvingError } from "./failure.js";

/** Numbers that lie side by side, in the model's order, or nested lists of numbers or texts as in JSON. */
export type InputValues =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | readonly unknown[];

/** The values of each input by its name; of a model with one input they need no name. */
export type Inputs = InputValues | Readonly<Record<string, InputValues>>;

/** What a proof is bound to, and what its claims are about. */
export interface Statement {
  /** What the proof is bound to, as `0x…` or a number: of a batch one for each inference. 0 where it is left out. */
  readonly context?: Hex | bigint | readonly (Hex | bigint)[];
  /** What claims compare outputs with, in the model's units: by the output's name, `NAME` or `NAME[i]`. */
  readonly choose?: Readonly<Record<string, string | number>>;
  /** What `commit` or `zkverdict commit` made of committed inputs, and of those hashed inputs whose hash is to be a certain one: of a
   * batch of hashed inputs one for each inference. The inputs themselves may be left out then. */
  readonly commitments?: readonly (CommitmentDocument | HashDocument)[];
}

/** numpy's names of types, by those of JavaScript. */
const TYPES: Readonly<Record<string, string>> = {
  Int8Array: "|i1",
  Uint8Array: "|u1",
  Uint8ClampedArray: "|u1",
  Int16Array: "<i2",
  Uint16Array: "<u2",
  Int32Array: "<i4",
  Uint32Array: "<u4",
  BigInt64Array: "<i8",
  Float32Array: "<f4",
  Float64Array: "<f8",
};

/** A file in numpy's format, which says of which type the numbers are. */
function numpyFile(values: ArrayBufferView, type: string, length: number): Uint8Array {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${length},), }`.padEnd(117) + "\n";
  const file = new Uint8Array(10 + header.length + values.byteLength);
  file.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length, 0]);
  file.set(new TextEncoder().encode(header), 10);
  file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + header.length);
  return file;
}

function fileOf(values: unknown, name: string | null): Uint8Array {
  if (Array.isArray(values)) return new TextEncoder().encode(JSON.stringify(values));
  if (ArrayBuffer.isView(values)) {
    const type = TYPES[Object.prototype.toString.call(values).slice("[object ".length, -1)];
    if (type !== undefined) return numpyFile(values, type, (values as Uint8Array).length);
  }
  const which = name === null ? "the input" : `the input \`${name}\``;
  throw new ProvingError("InputError", `${which} is no list and no array of numbers that a model takes`, "give an Int8Array, a Float32Array, or what the model takes");
}

/** Whether it is below the scalar modulus, the prover sees. */
function wordOf(context: unknown): Hex {
  const isNumber = typeof context === "bigint" && context >= 0n && context < 1n << 256n;
  if (isNumber || (typeof context === "string" && /^0x[0-9a-f]{1,64}$/i.test(context))) return hexOf(BigInt(context));
  throw new ProvingError("InputError", "a context is none", "give a bigint, or `0x` and up to 64 hexadecimal digits");
}

/** Parts, each behind its length. What it takes is overwritten. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + 4 + part.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    bytes.set(part, at + 4);
    at += 4 + part.length;
    part.fill(0);
  }
  return bytes;
}

/** A request's bytes, which are as secret as the inputs. */
export function requestOf(inputs: Inputs, { context, choose, commitments = [] }: Statement): Uint8Array<ArrayBuffer> {
  const isOne = Array.isArray(inputs) || ArrayBuffer.isView(inputs);
  if (!isOne && (typeof inputs !== "object" || inputs === null)) {
    throw new ProvingError("InputError", "the inputs are none", "give an array, or an object with an array by each input's name");
  }
  const named: [string | null, unknown][] = isOne ? [[null, inputs]] : Object.entries(inputs);
  const contexts = context === undefined ? [] : Array.isArray(context) ? context.map(wordOf) : [wordOf(context)];
  const chosen = Object.entries(choose ?? {}).map(([name, value]) => [name, String(value)]);
  const head = { contexts, choose: chosen, inputs: named.map(([name]) => name), secrets: commitments.length };
  const document = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value) ?? "");
  return joined([document(head), ...named.map(([name, values]) => fileOf(values, name)), ...commitments.map(document)]);
}

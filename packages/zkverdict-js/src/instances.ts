/** Tensors of 8-bit integers in instances: 31 elements share a word, the first in the lowest byte. */

import { hexOf, type Hex } from "./bytes.js";
import { Refusal } from "./refusal.js";

const PER_WORD = 31;

/** A tensor of a document `NAME.schema.json`. */
export interface TensorSchema {
  readonly name: string;
  readonly type: "int8" | "uint8";
  readonly shape: readonly number[];
  /** Its instances: the first, and the first behind it. */
  readonly instances: readonly [number, number];
  /** A value is (element − zero point) · scale. */
  readonly scale: number;
  readonly zero_point: number;
}

/** Which instance the name of a committed input is. */
export interface NameSchema {
  readonly input: string;
  readonly instance: number;
}

/** Which instance the hash of a hashed input is. */
export interface HashSchema {
  readonly input: string;
  readonly instance: number;
}

/** Something that proofs say of an output. Whoever proves chooses the parameter: compare it before the result means anything. */
export interface ClaimSchema {
  readonly name: string;
  readonly kind: "values" | "argmax" | "top" | "threshold" | "range" | "bucket" | "equal";
  /** What is compared with, in the output's unit. */
  readonly parameter?: TensorSchema;
  /** Bits, positions, numbers of buckets, or an element. */
  readonly result: TensorSchema;
}

/** A document `NAME.schema.json`, as `zkverdict render` writes it. */
export interface InstanceSchema {
  readonly model: string;
  readonly instances: number;
  /** Of models with committed inputs. */
  readonly names?: readonly NameSchema[];
  /** Of models with hashed inputs. */
  readonly hashes?: readonly HashSchema[];
  readonly inputs: readonly TensorSchema[];
  /** Outputs that are told. */
  readonly outputs: readonly TensorSchema[];
  readonly claims?: readonly ClaimSchema[];
}

const lengthOf = (tensor: TensorSchema): number => tensor.shape.reduce((a, b) => a * b, 1);
const smallestOf = (tensor: TensorSchema): number => {
  if (tensor.type === "int8") return -128;
  if (tensor.type === "uint8") return 0;
  throw new RangeError(`${tensor.name} has elements of type ${String(tensor.type)}, which this version does not unpack`);
};

/** The words of a tensor's elements. */
export function pack(tensor: TensorSchema, elements: ArrayLike<number>): Hex[] {
  const length = lengthOf(tensor);
  if (elements.length !== length) throw new RangeError(`${tensor.name} has ${length} elements, not ${elements.length}`);
  const smallest = smallestOf(tensor);
  const words = Array.from({ length: Math.ceil(length / PER_WORD) }, () => 0n);
  for (let i = 0; i < length; ++i) {
    const byte = elements[i]! - smallest;
    if (!Number.isInteger(byte) || byte < 0 || byte > 255) {
      throw new RangeError(`element ${i} of ${tensor.name} is ${elements[i]}, which is no ${tensor.type}`);
    }
    words[Math.floor(i / PER_WORD)]! |= BigInt(byte) << BigInt(8 * (i % PER_WORD));
  }
  return words.map(hexOf);
}

/** The elements of a tensor in a proof's instances. */
export function unpack(tensor: TensorSchema, instances: readonly (bigint | Hex)[]): number[] {
  const [first, end] = tensor.instances;
  if (instances.length < end) {
    throw new Refusal("InstanceCount", `${instances.length} instances, ${tensor.name} ends at ${end}`);
  }
  const [length, smallest] = [lengthOf(tensor), smallestOf(tensor)];
  if (!Number.isSafeInteger(length) || length < 0 || Math.ceil(length / PER_WORD) !== end - first) {
    throw new RangeError(`${tensor.name} has ${length} elements in ${end - first} instances`);
  }
  return instances.slice(first, end).flatMap((instance, at) => {
    const count = Math.min(PER_WORD, length - at * PER_WORD);
    const word = BigInt(instance);
    // A tensor has one packing: proofs of words with more in them prove nothing.
    if (word < 0n || word >> BigInt(8 * count) !== 0n) {
      throw new Refusal("InvalidProof", `instance ${first + at} has more in it than ${count} elements of ${tensor.name}`);
    }
    return Array.from({ length: count }, (_, i) => Number((word >> BigInt(8 * i)) & 0xffn) + smallest);
  });
}

/** The values that a tensor's elements stand for. */
export const dequantize = (tensor: TensorSchema, elements: readonly number[]): number[] =>
  elements.map((element) => (element - tensor.zero_point) * tensor.scale);

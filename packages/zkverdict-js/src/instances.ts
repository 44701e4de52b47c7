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

/** A document `NAME.schema.json`, as `zkverdict render` writes it. */
export interface InstanceSchema {
  readonly model: string;
  readonly instances: number;
  readonly inputs: readonly TensorSchema[];
  readonly outputs: readonly TensorSchema[];
}

const lengthOf = (tensor: TensorSchema): number => tensor.shape.reduce((a, b) => a * b, 1);
const smallestOf = (tensor: TensorSchema): number => (tensor.type === "int8" ? -128 : 0);

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
  const words = instances.slice(first, end).map(BigInt);
  return Array.from({ length }, (_, i) => {
    const word = words[Math.floor(i / PER_WORD)];
    if (word === undefined) throw new RangeError(`${tensor.name} has more elements than its instances hold`);
    return Number((word >> BigInt(8 * (i % PER_WORD))) & 0xffn) + smallest;
  });
}

/** The values that a tensor's elements stand for. */
export const dequantize = (tensor: TensorSchema, elements: readonly number[]): number[] =>
  elements.map((element) => (element - tensor.zero_point) * tensor.scale);

/** How elements of all types stand in words: as unsigned codes in their order, the first lowest. */

/** The name that ONNX gives the elements' type. */
export type Code = "int8" | "uint8" | "int16" | "uint16" | "int32" | "uint32" | "float32";

/** Bits of a code, and what code 0 stands for. */
const CODES: Readonly<Record<Code, readonly [bits: number, smallest: number]>> = {
  int8: [8, -(2 ** 7)],
  uint8: [8, 0],
  int16: [16, -(2 ** 15)],
  uint16: [16, 0],
  int32: [32, -(2 ** 31)],
  uint32: [32, 0],
  float32: [32, 0],
};

/** Bits of a word that elements may take: the rest keeps it below the scalar modulus. */
const WORD_BITS = 248;

function codeOf(code: Code): readonly [bits: number, smallest: number] {
  if (!Object.hasOwn(CODES, code)) throw new RangeError(`there are no elements of type ${String(code)}`);
  return CODES[code];
}

/** The type of a name, if it is one. */
export const nameOfCode = (name: string): Code | undefined => (Object.hasOwn(CODES, name) ? (name as Code) : undefined);

/** Whether a type of integers has one. */
export function holds(code: Code, integer: bigint): boolean {
  const [bits, smallest] = codeOf(code);
  return integer >= BigInt(smallest) && integer < BigInt(smallest) + 2n ** BigInt(bits);
}

const perWord = (bits: number): number => Math.floor(WORD_BITS / bits);

/** How many words so many elements take. */
export function wordsOf(code: Code, elements: number): number {
  return Math.ceil(elements / perWord(codeOf(code)[0]));
}

/** How many elements an input of a shape has; refuses other values than so many. */
export function lengthOf(input: string, shape: readonly number[], values: ArrayLike<number>): number {
  const length = shape.reduce((a, b) => a * b, 1);
  if (!Number.isSafeInteger(length) || length < 1) throw new RangeError(`${input} has no shape [${shape.join(", ")}]`);
  if (values.length !== length) throw new RangeError(`${input} has ${length} elements, not ${values.length}`);
  return length;
}

/** How many bytes so many elements have. */
export const bytesIn = (code: Code, elements: number): number => (elements * codeOf(code)[0]) / 8;

/** A float's bits, turned so that codes have the order of the floats. */
function codeOfFloat(value: number): number | undefined {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  if (view.getFloat32(0) !== value) return undefined;
  const bits = view.getUint32(0);
  return (bits >>> 31 === 1 ? ~bits : bits | 0x80000000) >>> 0;
}

/** The words of a tensor's elements. */
export function packWords(code: Code, values: ArrayLike<number>): bigint[] {
  const [bits, smallest] = codeOf(code);
  const held = perWord(bits);
  const words = Array.from({ length: Math.ceil(values.length / held) }, () => 0n);
  for (let i = 0; i < values.length; ++i) {
    const value = values[i];
    const encoded = typeof value !== "number" ? undefined : code === "float32" ? codeOfFloat(value) : value - smallest;
    if (encoded === undefined || !Number.isInteger(encoded) || encoded < 0 || encoded >= 2 ** bits) {
      // The value itself is not told: errors end in logs.
      throw new RangeError(`element ${i} is no ${code}`);
    }
    words[Math.floor(i / held)]! |= BigInt(encoded) << BigInt(bits * (i % held));
  }
  return words;
}

/** Words of 32 bytes, as hexadecimal and as integers. */

import { Refusal, type RefusalCode } from "./refusal.js";

/** `0x` and hexadecimal digits. */
export type Hex = `0x${string}`;

export function bytesOf(text: unknown, code: RefusalCode, what: string): Uint8Array {
  // A pattern of the whole would be matched on a stack, which long texts exhaust.
  if (typeof text !== "string" || !text.startsWith("0x") || text.length % 2 !== 0 || /[^0-9a-f]/i.test(text.slice(2))) {
    throw new Refusal(code, `${what} is not \`0x\` and two hexadecimal digits a byte`);
  }
  return Uint8Array.from({ length: text.length / 2 - 1 }, (_, i) => parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16));
}

export function integerOf(text: unknown, code: RefusalCode, what: string): bigint {
  if (typeof text !== "string" || !/^0x[0-9a-f]{1,64}$/i.test(text)) {
    throw new Refusal(code, `${what} is not a word in hexadecimal`);
  }
  return BigInt(text);
}

/** A foreign value in a message: the beginning of a text without what terminals and pages take for more than text. */
export function shown(value: unknown): string {
  if (typeof value !== "string") return `of type ${typeof value}`;
  const text = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  return text.replace(/[^\x20-\x7e…]/g, (letter) => `\\u{${letter.charCodeAt(0).toString(16)}}`);
}

/** The bytes of a text in ASCII. */
export const textBytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

export const hexOf = (value: bigint): Hex => `0x${value.toString(16).padStart(64, "0")}`;

/** A word's bytes, the highest first. */
export function wordOf(value: bigint): Uint8Array {
  const digits = value.toString(16).padStart(64, "0");
  return Uint8Array.from({ length: 32 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

export function integerAt(bytes: Uint8Array, at: number): bigint {
  let digits = "0x";
  for (const byte of bytes.subarray(at, at + 32)) digits += byte.toString(16).padStart(2, "0");
  return BigInt(digits);
}

/** JSON with numbers as they are written, and with objects that name nothing twice: `JSON.parse` rounds the ones and drops the others. */

/** A number by its digits, as JSON has them. */
export class JsonNumber {
  constructor(readonly text: string) {}
}

export type Json = null | boolean | string | JsonNumber | Json[] | JsonObject;

/** Members in their order, also those that are there twice. */
export class JsonObject {
  constructor(readonly members: readonly (readonly [name: string, value: Json])[]) {}
}

/** As deep as the reader in Rust goes. */
const DEEPEST = 128;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /null|true|false/y;

/** Says where a text is no JSON, and nothing of what it is. */
export class JsonError extends Error {}

/** Reads a text. */
export function parseJson(text: string): Json {
  let at = 0;
  const fail = (): never => {
    throw new JsonError(`it is no JSON at character ${at}`);
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const take = (letter: string): boolean => {
    match(SPACE);
    if (text[at] !== letter) return false;
    at += 1;
    return true;
  };

  function readString(): string {
    const first = at;
    if (text[at] !== '"') return fail();
    // A pattern of the whole would be matched on a stack, which long texts exhaust.
    for (at += 1; text[at] !== '"'; ++at) {
      if (at >= text.length) return fail();
      if (text[at] === "\\") at += 1;
    }
    at += 1;
    try {
      const read: unknown = JSON.parse(text.slice(first, at));
      // Halves of characters are none.
      if (typeof read === "string" && !/[\ud800-\udfff]/u.test(read)) return read;
    } catch {
      // Said below.
    }
    return fail();
  }

  function items<T>(end: string, read: () => T): T[] {
    const all: T[] = [];
    if (take(end)) return all;
    do {
      match(SPACE);
      all.push(read());
    } while (take(","));
    return take(end) ? all : fail();
  }

  function value(depth: number): Json {
    match(SPACE);
    if (depth > DEEPEST) return fail();
    if (text[at] === '"') return readString();
    if (take("[")) return items("]", () => value(depth + 1));
    if (take("{")) {
      return new JsonObject(
        items("}", () => {
          const name = readString();
          return take(":") ? ([name, value(depth + 1)] as const) : fail();
        }),
      );
    }
    const number = match(NUMBER);
    if (number !== undefined) return new JsonNumber(number);
    const word = match(WORD);
    if (word === undefined) return fail();
    return word === "null" ? null : word === "true";
  }

  const read = value(0);
  match(SPACE);
  return at === text.length ? read : fail();
}

/** Schemas: what the integers of an input mean, and the integers of data in a schema's units. */

import { keccak_256 } from "@noble/hashes/sha3";
import { shown, type Hex } from "./bytes.js";
import { holds, nameOfCode, type Code } from "./code.js";
import { decimalOf, stepsOf } from "./decimal.js";
import { JsonError, JsonNumber, JsonObject, parseJson, type Json } from "./json.js";

const LARGEST = 2 ** 20;
const MOST_ELEMENTS = 2n ** 24n;
const LONGEST_TEXT = 256;

/** Why a document is no schema, or data are not as one says; named as in the library in Rust. */
export type SchemaErrorCode =
  /** The document is not as a schema is written. */
  | "Malformed"
  | "OtherVersion"
  /** A title, name or unit says nothing, or too much. */
  | "Text"
  | "NotIntegers"
  /** The fields do not fill the shape. */
  | "Shape"
  | "SameName"
  | "NoDecimal"
  /** A step is not above 0. */
  | "Step"
  | "Range"
  /** What stands for missing values is no integer of the code. */
  | "Missing"
  /** The data are not as JSON has them. */
  | "MalformedData"
  | "AbsentField"
  | "UnknownField"
  | "DoubledField"
  /** A field of several elements has others, or one of a single has several. */
  | "Count"
  | "NoNumber"
  /** A value is missing that must not. */
  | "NoValue"
  /** A value is between two integers. */
  | "OffStep"
  | "OutOfRange";

/** A document is no schema, or data are not as one says. Messages do not tell what data are. */
export class SchemaError extends Error {
  constructor(
    readonly code: SchemaErrorCode,
    message: string,
    /** Of data: where it is. */
    readonly field?: string,
    readonly element?: number,
  ) {
    super(`${code}: ${message}`);
    this.name = "SchemaError";
  }
}

/** What one or several alike elements of an input mean. */
export interface DataField {
  readonly name: string;
  readonly unit: string;
  /** How many elements it has; none where it is a single one, whose value is no array. */
  readonly count?: number;
  /** In steps of 10^−18, as all decimals here. */
  readonly step: bigint;
  readonly offset: bigint;
  readonly range: readonly [bigint, bigint];
  /** The integers of both ends. */
  readonly integers: readonly [number, number];
  readonly rounding: "exact" | "nearest";
  /** What is committed to where a value is missing. */
  readonly missing?: number;
}

/** What the integers of an input mean. */
export interface DataSchema {
  readonly title: string;
  readonly code: Code;
  readonly shape: readonly number[];
  readonly fields: readonly DataField[];
  /** What contracts pin and issuers sign. */
  readonly hash: Hex;
}

/** A value in a field's unit: a number as JavaScript shows it, a decimal as a text, or `null` where it is missing. */
export type DataValue = number | bigint | string | null;

/** A document, as it is published: what is hashed are its bytes. */
export type SchemaDocument = string | Uint8Array;

const malformed = (message: string): SchemaError => new SchemaError("Malformed", message);

function textOf(bytes: SchemaDocument, fail: (message: string) => SchemaError): string {
  if (typeof bytes === "string") return bytes;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail("it is no text in UTF-8");
  }
}

/** The name that a schema is known by: Keccak-256 of its bytes. */
export function schemaHash(document: SchemaDocument): Hex {
  const bytes = typeof document === "string" ? new TextEncoder().encode(document) : document;
  return `0x${Array.from(keccak_256(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function jsonOf(text: string, fail: (message: string) => SchemaError): Json {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonError) throw fail(error.message);
    throw error;
  }
}

/** An object's members by their names, of which there are these and no others. */
function membersOf(json: Json, what: string, required: readonly string[], optional: readonly string[] = []): Map<string, Json> {
  if (!(json instanceof JsonObject)) throw malformed(`${what} is no object`);
  const members = new Map<string, Json>();
  for (const [name, value] of json.members) {
    if (members.has(name)) throw malformed(`\`${shown(name)}\` of ${what} is there twice`);
    if (!required.includes(name) && !optional.includes(name)) throw malformed(`\`${shown(name)}\` of ${what} is unknown`);
    members.set(name, value);
  }
  for (const name of required) if (!members.has(name)) throw malformed(`\`${name}\` of ${what} is left out`);
  return members;
}

function string(json: Json | undefined, what: string): string {
  if (typeof json !== "string") throw malformed(`${what} is no text`);
  return json;
}

/** A whole number that fits 64 bits with its sign, or without. */
function whole(json: Json | undefined, what: string, isSigned = false): bigint {
  const text = json instanceof JsonNumber ? json.text : "";
  const value = /^(0|-?[1-9][0-9]{0,19})$/.test(text) ? BigInt(text) : undefined;
  const fits = value !== undefined && (isSigned ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) === value;
  if (!fits) throw malformed(`${what} is no whole number`);
  return value;
}

function list(json: Json | undefined, what: string): readonly Json[] {
  if (!Array.isArray(json)) throw malformed(`${what} is no array`);
  return json;
}

function saying(text: string, what: string): string {
  // As characters, of which some are two units here.
  const { length } = text.length > 2 * LONGEST_TEXT ? text : [...text];
  if (length < 1 || length > LONGEST_TEXT) throw new SchemaError("Text", `${what} is empty, or has more than ${LONGEST_TEXT} characters`);
  return text;
}

function fieldOf(json: Json, number: number, code: Code): DataField {
  const place = `field ${number}`;
  const members = membersOf(json, place, ["name", "unit", "step", "range"], ["count", "offset", "rounding", "missing"]);
  const text = (key: string): string => string(members.get(key), `\`${key}\` of ${place}`);
  const given = <T>(key: string, read: (what: string) => T): T | undefined => (members.has(key) ? read(`\`${key}\` of ${place}`) : undefined);
  const [nameText, unitText, stepText] = [text("name"), text("unit"), text("step")];
  const offsetText = given("offset", () => text("offset")) ?? "0";
  const ends = list(members.get("range"), `\`range\` of ${place}`);
  if (ends.length !== 2) throw malformed(`\`range\` of ${place} has not two ends`);
  const [lowText, highText] = ends.map((end) => string(end, `\`range\` of ${place}`));
  const rounding = given("rounding", () => text("rounding")) ?? "exact";
  if (rounding !== "exact" && rounding !== "nearest") throw malformed(`\`rounding\` of ${place} is neither exact nor nearest`);
  const counted = given("count", (what) => whole(members.get("count"), what));
  const missing = given("missing", (what) => whole(members.get("missing"), what, true));

  const name = saying(nameText, `\`name\` of ${place}`);
  const unit = saying(unitText, `\`unit\` of ${place}`);
  if (counted !== undefined && (counted < 1n || counted > MOST_ELEMENTS)) {
    throw new SchemaError("Shape", `\`count\` of ${place} is 0, or more than ${MOST_ELEMENTS}`);
  }
  const decimal = (written: string, key: string): bigint => {
    const value = decimalOf(written);
    if (value === undefined) throw new SchemaError("NoDecimal", `\`${key}\` of ${place} is no decimal with 18 digits on either side of the point`);
    return value;
  };
  const [step, offset] = [decimal(stepText, "step"), decimal(offsetText, "offset")];
  const range = [decimal(lowText!, "range"), decimal(highText!, "range")] as const;
  if (step <= 0n) throw new SchemaError("Step", `\`step\` of ${place} is not above 0`);
  if (range[0] > range[1]) throw new SchemaError("Range", `\`range\` of ${place} ends below its beginning`);
  const steps = range.map((end) => stepsOf(end, offset, step));
  if (rounding === "exact" && !steps.every(([, isExact]) => isExact)) {
    throw new SchemaError("Range", `\`range\` of ${place} begins or ends at no whole number of steps`);
  }
  if (!steps.every(([integer]) => holds(code, integer))) {
    throw new SchemaError("Range", `\`range\` of ${place} is that of integers which are not all ${code}`);
  }
  if (missing !== undefined && !holds(code, missing)) throw new SchemaError("Missing", `\`missing\` of ${place} is no ${code}`);
  return {
    name,
    unit,
    ...(counted === undefined ? {} : { count: Number(counted) }),
    step,
    offset,
    range,
    integers: [Number(steps[0]![0]), Number(steps[1]![0])],
    rounding,
    ...(missing === undefined ? {} : { missing: Number(missing) }),
  };
}

/** Reads a schema. */
export function readSchema(document: SchemaDocument): DataSchema {
  const text = textOf(document, malformed);
  const length = typeof document === "string" ? new TextEncoder().encode(document).length : document.length;
  if (length > LARGEST) throw malformed(`it has ${length} bytes, at most ${LARGEST} are read`);
  const json = jsonOf(text, malformed);
  const keys = ["format", "version", "title", "code", "shape", "fields"];
  const head = new Map(json instanceof JsonObject ? json.members : []);
  if (head.get("format") !== "zkverdict schema") throw malformed("`format` is not `zkverdict schema`");
  const version = whole(head.get("version"), "`version`");
  if (version !== 1n) throw new SchemaError("OtherVersion", `it is a schema of version ${version}, expected 1`);
  const members = membersOf(json, "the document", keys);
  const title = string(members.get("title"), "`title`");
  const code = nameOfCode(string(members.get("code"), "`code`"));
  if (code === undefined) throw malformed("`code` is no type of elements");
  const lengths = list(members.get("shape"), "`shape`").map((length) => whole(length, "`shape`"));
  const documents = list(members.get("fields"), "`fields`");
  saying(title, "`title`");
  if (code === "float32") throw new SchemaError("NotIntegers", "a schema is of integers");
  const names = new Set<string>();
  const fields = documents.map((json, number) => {
    const field = fieldOf(json, number, code);
    if (names.has(field.name)) throw new SchemaError("SameName", `two fields are called \`${shown(field.name)}\``);
    names.add(field.name);
    return field;
  });
  let elements = 1n;
  for (const length of lengths) {
    elements *= length;
    if (elements < 1n || elements > MOST_ELEMENTS) throw new SchemaError("Shape", `\`shape\` has no elements, or more than ${MOST_ELEMENTS}`);
  }
  const held = fields.reduce((sum, { count }) => sum + (count ?? 1), 0);
  if (held !== Number(elements)) throw new SchemaError("Shape", `\`shape\` has ${elements} elements, and \`fields\` ${held}`);
  return { title, code, shape: lengths.map(Number), fields, hash: schemaHash(document) };
}

/** Data as the reader of JSON has them, of values of JavaScript. */
function jsonValue(value: unknown): Json {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return new JsonNumber(String(value));
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as unknown as ArrayLike<number>, jsonValue);
  return Array.isArray(value) ? value.map(jsonValue) : false;
}

function integerOf(field: DataField, value: Json, at: number): number {
  const element = field.count === undefined ? undefined : at;
  const name = shown(field.name);
  const fail = (code: SchemaErrorCode, why: string): SchemaError =>
    new SchemaError(code, `${element === undefined ? "" : `element ${element} of `}\`${name}\` ${why}`, field.name, element);
  if (value === null) {
    if (field.missing === undefined) throw fail("NoValue", "is null, and its field has nothing for missing values");
    return field.missing;
  }
  const text = value instanceof JsonNumber ? value.text : typeof value === "string" ? value : "";
  const decimal = decimalOf(text);
  if (decimal === undefined) throw fail("NoNumber", "is no number, nor a text of one, with 18 digits on either side of the point");
  if (decimal < field.range[0] || decimal > field.range[1]) throw fail("OutOfRange", `is out of range (in ${shown(field.unit)})`);
  const [integer, isExact] = stepsOf(decimal, field.offset, field.step);
  if (field.rounding === "exact" && !isExact) throw fail("OffStep", "is no whole number of steps");
  return Number(integer);
}

/**
 * The integers of data in a schema's units, for `commit` and `hashInput`: an object of all fields by their names, or JSON of one,
 * whose numbers are read as they are written. A field of several elements has an array.
 */
export function valuesOf(schema: SchemaDocument | DataSchema, data: SchemaDocument | Readonly<Record<string, DataValue | ArrayLike<DataValue>>>): number[] {
  const { fields } = typeof schema === "string" || schema instanceof Uint8Array ? readSchema(schema) : schema;
  const fail = (message: string): SchemaError => new SchemaError("MalformedData", message);
  let members: readonly (readonly [string, Json])[];
  if (typeof data === "string" || data instanceof Uint8Array) {
    const json = jsonOf(textOf(data, fail), fail);
    if (!(json instanceof JsonObject)) throw fail("data are an object of the schema's fields");
    members = json.members;
  } else {
    if (typeof data !== "object" || data === null || Array.isArray(data)) throw fail("data are an object of the schema's fields");
    members = Object.entries(data).map(([name, value]) => [name, jsonValue(value)] as const);
  }
  const given = new Map<string, Json>();
  for (const [name, value] of members) {
    if (given.has(name)) throw new SchemaError("DoubledField", `\`${shown(name)}\` is given twice`, name);
    given.set(name, value);
  }
  const values: number[] = [];
  for (const field of fields) {
    const { name, count } = field;
    const value = given.get(name);
    if (value === undefined) throw new SchemaError("AbsentField", `\`${shown(name)}\` is left out`, name);
    given.delete(name);
    if (Array.isArray(value) !== (count !== undefined) || (Array.isArray(value) && value.length !== count)) {
      throw new SchemaError("Count", `\`${shown(name)}\` is not ${count === undefined ? "a single value" : `an array of ${count} values`}`, name);
    }
    const each = Array.isArray(value) ? value : [value];
    each.forEach((value, at) => values.push(integerOf(field, value, at)));
  }
  for (const name of given.keys()) throw new SchemaError("UnknownField", `\`${shown(name)}\` is no field of the schema`, name);
  return values;
}

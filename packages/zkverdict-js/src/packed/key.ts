/** Keys of packed proofs: the encoding that `docs/protocol.md` defines, of which the digest is the hash. */

import { keccak_256 } from "@noble/hashes/sha3";
import { bytesOf, integerAt, textBytes, type Hex } from "../bytes.js";
import { SMALLEST_CLASS } from "../commitment.js";
import { R, TWO_ADICITY } from "../field.js";
import { taken, type ColumnKind, type Gate, type Operation } from "../gate.js";
import { digestOf, malformed, type Document } from "../key.js";
import { isInfinity, pointInG2, pointOrInfinity, type Ends, type PointG1, type PointG2 } from "../points.js";

/** A document `NAME.key.json`. */
export interface PackedKeyDocument extends Document {
  readonly format: "packed";
  /** The encoding. */
  readonly key: Hex;
}

/** A column, and so many rows after the point. */
export type Slot = readonly [column: number, rotation: number];

/** Columns that share a commitment: all of them are opened so many rows after the point. */
export interface Pack {
  readonly width: number;
  readonly slots: readonly Slot[];
  readonly rotations: readonly number[];
}

/** What is committed to before challenges are drawn. */
export interface Phase {
  readonly packs: readonly Pack[];
  readonly challenges: readonly number[];
}

/** A challenge that is not drawn: the sum of an instance column's values from the first on, by powers of a drawn one and a factor. */
export interface Sum {
  readonly challenge: number;
  readonly column: number;
  readonly first: number;
  readonly factor: bigint;
  readonly point: number;
}

/** One of the instances. */
export interface InstanceAt {
  readonly column: number;
  readonly number: number;
}

/** An advice column that holds the words of a commitment of a size class, and where its name is. */
export interface Link {
  readonly column: number;
  readonly size: number;
  readonly name: InstanceAt;
}

/** Packs of fixed columns that a proof commits to, and where their name is. */
export interface NamedColumns {
  readonly name: InstanceAt;
  readonly packs: readonly Pack[];
}

/** A key of packed proofs. */
export interface PackedKey {
  readonly vkDigest: Hex;
  /** Of the encoding: what transcripts begin with. */
  readonly digest: Uint8Array;
  readonly k: number;
  readonly g1: PointG1;
  readonly ends: Ends;
  /** How many values each instance column has. */
  readonly instances: readonly number[];
  readonly phases: readonly Phase[];
  readonly sums: readonly Sum[];
  readonly links: readonly Link[];
  readonly packs: readonly Pack[];
  readonly commitments: readonly PointG1[];
  readonly named: NamedColumns | undefined;
  readonly gates: readonly Gate[];
}

const WIDEST = 1 << 12;
const FURTHEST = 1 << 28;

/** Reads a key, and recomputes `vk_digest` from all of it. */
export function readPackedKey(document: PackedKeyDocument): PackedKey {
  const bytes = bytesOf(document.key, "MalformedKey", "key");
  const digest = keccak_256(bytes);
  const key = { ...decode(new Reader(bytes)), digest, vkDigest: digestOf(document, digest) };
  check(key);
  return key;
}

/** Takes bytes from the beginning of an encoding. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Where the next `count` bytes begin, which are taken. */
  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) throw this.#damaged(at, "it ends too early");
    this.#at += count;
    return at;
  }

  #damaged(at: number, what: string): Error {
    return malformed(`key, byte ${at}: ${what}`);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  get place(): string {
    return `key, byte ${this.#at}`;
  }

  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  number = (): number => this.#view.getUint32(this.#take(4));

  rotation = (): number => {
    const at = this.#take(4);
    const rotation = this.#view.getInt32(at);
    if (Math.abs(rotation) > FURTHEST) throw this.#damaged(at, "a rotation is out of range");
    return rotation;
  };

  /** An element of the scalar field. */
  element = (): bigint => {
    const at = this.#take(32);
    const value = integerAt(this.#bytes, at);
    if (value >= R) throw this.#damaged(at, "a number is not below its modulus");
    return value;
  };

  /** Coordinates: whoever makes a point of them looks whether they are below their modulus. */
  #coordinates<Point>(count: number, make: (words: bigint[]) => Point | undefined, what: string): Point {
    const at = this.#take(32 * count);
    const point = make(Array.from({ length: count }, (_, i) => integerAt(this.#bytes, at + 32 * i)));
    if (!point) throw this.#damaged(at, what);
    return point;
  }

  g1 = (): PointG1 => this.#coordinates(2, ([x, y]) => pointOrInfinity(x!, y!), "a point is not on the curve");

  /** Imaginary parts come first. */
  g2 = (): PointG2 =>
    this.#coordinates(4, ([x1, x0, y1, y0]) => pointInG2([x0!, x1!], [y0!, y1!]), "a point of G2 is not in the group");

  /** Every item takes bytes, so that a length that is too large ends with them. */
  list = <Item>(item: () => Item): Item[] => {
    const items: Item[] = [];
    for (let left = this.number(); left > 0; --left) items.push(item());
    return items;
  };

  pack = (): Pack => {
    const at = this.#at;
    const width = this.number();
    const slots = this.list((): Slot => [this.number(), this.rotation()]);
    const rotations = this.list(this.rotation);
    if (slots.length === 0 || slots.length > width || width > WIDEST) throw this.#damaged(at, "a pack has no columns, or more than slots");
    if (rotations.length === 0 || rotations.some((rotation, i) => i > 0 && rotation <= rotations[i - 1]!)) {
      throw this.#damaged(at, "a pack's points do not ascend");
    }
    return { width, slots, rotations };
  };

  operation = (): Operation => {
    const at = this.#take(1);
    const column = (kind: ColumnKind): Operation => [kind, this.number(), this.rotation()];
    switch (this.#bytes[at]) {
      case 0:
        return this.element();
      case 1:
        return column("fixed");
      case 2:
        return column("advice");
      case 3:
        return column("instance");
      case 4:
        return ["challenge", this.number()];
      case 5:
        return "-";
      case 6:
        return "+";
      case 7:
        return "*";
      default:
        throw this.#damaged(at, "a gate has an unknown operation");
    }
  };
}

const startsWith = (bytes: Uint8Array, text: string): boolean => textBytes(text).every((byte, i) => byte === bytes[i]);

/** What the bytes say, in their order: every property is read when the object comes to it. */
function decode(from: Reader): Omit<PackedKey, "digest" | "vkDigest"> {
  const start = from.bytes(22);
  const hasNamed = startsWith(start, "zkverdict packed key 4");
  if (!hasNamed && !startsWith(start, "zkverdict packed key 3")) throw malformed("key, byte 0: it begins with something else");
  const k = from.number();
  if (k < 1 || k > TWO_ADICITY) throw malformed(`key, byte 22: k is ${k}, expected 1 to ${TWO_ADICITY}`);
  const g1 = from.g1();
  if (isInfinity(g1)) throw malformed("key, byte 26: a generator is at infinity");
  const ends = { g2: from.g2(), tauG2: from.g2() };
  const instanceAt = (): InstanceAt => ({ column: from.number(), number: from.number() });
  const instances = from.list(from.number);
  const phases = from.list((): Phase => ({ packs: from.list(from.pack), challenges: from.list(from.number) }));
  const sums = from.list((): Sum => ({
    challenge: from.number(),
    column: from.number(),
    first: from.number(),
    factor: from.element(),
    point: from.number(),
  }));
  const links = from.list((): Link => ({ column: from.number(), size: from.number(), name: instanceAt() }));
  const ofKey = from.list(() => ({ pack: from.pack(), commitment: from.g1() }));
  const named = hasNamed ? { name: instanceAt(), packs: from.list(from.pack) } : undefined;
  const gates = from.list((): Gate => from.list(from.operation));
  if (!from.isAtEnd) throw malformed(`${from.place}: bytes are left over`);
  const [packs, commitments] = [ofKey.map(({ pack }) => pack), ofKey.map(({ commitment }) => commitment)];
  return { k, g1, ends, instances, phases, sums, links, packs, commitments, named, gates };
}

/** Packs of advice, in the order of the proof. */
export const advicePacks = (key: Pick<PackedKey, "phases">): Pack[] => key.phases.flatMap((phase) => phase.packs);

/** Packs that are opened, in the order of the proof: of advice, of the key, named ones. */
export const openedPacks = (key: PackedKey): Pack[] => [...advicePacks(key), ...key.packs, ...(key.named?.packs ?? [])];

/** What the value of a column is called, so many rows after the point. */
export const valueName = (kind: ColumnKind, column: number, rotation: number): string => `${kind} ${column} ${rotation}`;

/** That a verifier can do all that the key asks for. */
function check(key: PackedKey): void {
  const { k, instances, phases, sums, links, packs, named, gates } = key;
  if (instances.some((count) => count > 2 ** k)) throw malformed("key: there are more instances than rows");
  const isThere = ({ column, number }: InstanceAt): boolean => column < instances.length && number < instances[column]!;

  // Where each column of advice is opened. Keys may be long: columns of a pack share the list.
  const advice = new Map<number, ReadonlySet<number>>();
  advicePacks(key).forEach(({ slots, rotations }, i) => {
    const at = new Set(rotations);
    for (const [column, shift] of slots) {
      if (shift !== 0 || advice.has(column)) throw malformed(`key, pack ${i} of advice: column ${column} is rotated, or packed twice`);
      advice.set(column, at);
    }
  });
  const fixed = new Set<string>();
  [...packs, ...(named?.packs ?? [])].forEach(({ slots, rotations }, i) => {
    if (rotations.length !== 1 || rotations[0] !== 0) throw malformed(`key, pack ${i} of the key: it is not opened at x alone`);
    for (const [column, rotation] of slots) {
      const name = valueName("fixed", column, rotation);
      if (fixed.has(name)) throw malformed(`key, pack ${i} of the key: column ${column} is packed twice`);
      fixed.add(name);
    }
  });
  if (named) {
    const ofKey = new Set(packs.flatMap(({ slots }) => slots.map(([column]) => column)));
    if (named.packs.length === 0) throw malformed("key: there are no named columns");
    if (!isThere(named.name)) throw malformed("key: the name of named columns is not among the instances");
    for (const [column, rotation] of named.packs.flatMap(({ slots }) => slots)) {
      if (rotation !== 0 || ofKey.has(column)) throw malformed(`key: named column ${column} is rotated, or among the key's`);
    }
  }

  const drawn = new Set(phases.flatMap(({ challenges }) => challenges));
  sums.forEach(({ column, first, point }, i) => {
    if (column >= instances.length || first > instances[column]! || !drawn.has(point)) {
      throw malformed(`key, sum ${i}: it is of instances or at a challenge that are not there`);
    }
  });
  const challenges = [...phases.flatMap((phase) => phase.challenges), ...sums.map(({ challenge }) => challenge)].sort((a, b) => a - b);
  if (challenges.some((challenge, i) => challenge !== i)) throw malformed("key: challenges are not numbered");

  const first = new Set((phases[0]?.packs ?? []).flatMap(({ slots }) => slots.map(([column]) => column)));
  links.forEach(({ column, size, name }, i) => {
    const fault =
      size < SMALLEST_CLASS || size > k
        ? "its class is too small, or too large for the rows"
        : !isThere(name)
          ? "its name is an instance that is not there"
          : !first.has(column)
            ? "its column is not one of the first phase"
            : !advice.get(column)?.has(0) && "its column is not opened at x";
    if (fault) throw malformed(`key, link ${i}: ${fault}`);
  });

  if (gates.length === 0) throw malformed("key: there are no gates");
  const isKnown = (operation: Operation): boolean => {
    if (typeof operation !== "object") return true;
    if (operation[0] === "challenge") return operation[1] < challenges.length;
    if (operation[0] === "instance") return operation[1] < instances.length;
    const [kind, column, rotation] = operation;
    return kind === "advice" ? advice.get(column)?.has(rotation) === true : fixed.has(valueName(...operation));
  };
  gates.forEach((gate, i) => {
    let height = 0;
    gate.forEach((operation, j) => {
      if (!isKnown(operation)) throw malformed(`key, gate ${i}, operation ${j}: it looks at what is not opened`);
      height -= taken(operation);
      if (height < 0) throw malformed(`key, gate ${i}, operation ${j}: it takes values that are not there`);
      ++height;
    });
    if (height !== 1) throw malformed(`key, gate ${i}: it leaves ${height} values`);
  });
}

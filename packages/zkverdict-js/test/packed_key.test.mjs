// Which documents are keys of packed proofs, and what is wrong with those that are none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bn254 } from "@noble/curves/bn254";
import { Refusal, Verifier } from "../dist/index.js";
import { readPackedKey } from "../dist/packed/key.js";
import { documentOf, models, verdictOf, word } from "./support/packed.mjs";

const { Fp, Fr, Fp2 } = bn254.fields;
const [Q, R] = [Fp.ORDER, Fr.ORDER];

const { key, genuine } = models.committed;
const good = Buffer.from(key.key.slice(2), "hex");
const [K, ONE, ONE_IN_G2, TAU, INSTANCES] = [22, 26, 90, 218, 346];

const u32 = (value) => (value >>> 0).toString(16).padStart(8, "0");
const list = (items, encode) => u32(items.length) + items.map(encode).join("");
const malformed = (call, where) =>
  assert.throws(call, (error) => error instanceof Refusal && error.code === "MalformedKey" && error.message.includes(where));

/** A key's bytes, as docs/protocol.md has them, with another key's points of the reference string. */
function encode({ k, instances, phases, sums, links, packs, commitments, named, gates }) {
  const pack = ({ width, slots, rotations }) => u32(width) + list(slots, ([column, rotation]) => u32(column) + u32(rotation)) + list(rotations, u32);
  const at = ({ column, number }) => u32(column) + u32(number);
  const point = (of) => {
    const { x, y } = of.toAffine();
    return word(x) + word(y);
  };
  const operation = (of) => {
    if (typeof of === "bigint") return `00${word(of)}`;
    if (typeof of === "string") return `0${"-+*".indexOf(of) + 5}`;
    if (of[0] === "challenge") return `04${u32(of[1])}`;
    return `0${["fixed", "advice", "instance"].indexOf(of[0]) + 1}${u32(of[1])}${u32(of[2])}`;
  };
  const text = [
    Buffer.from(`zkverdict packed key ${named ? 4 : 3}`).toString("hex") + u32(k) + good.subarray(ONE, INSTANCES).toString("hex"),
    list(instances, u32),
    list(phases, (phase) => list(phase.packs, pack) + list(phase.challenges, u32)),
    list(sums, ({ challenge, column, first, factor, point }) => u32(challenge) + u32(column) + u32(first) + word(factor) + u32(point)),
    list(links, ({ column, size, name }) => u32(column) + u32(size) + at(name)),
    list(packs, (of) => pack(of) + point(commitments[packs.indexOf(of)])),
    named ? at(named.name) + list(named.packs, pack) : "",
    list(gates, (gate) => list(gate, operation)),
  ];
  return Buffer.from(text.join(""), "hex");
}

test("a key is read whole, and is what its digest says", () => {
  for (const { key } of Object.values(models)) {
    assert.equal(`0x${encode(readPackedKey(key)).toString("hex")}`, key.key);
    for (const field of Object.keys(key).filter((name) => name !== "model")) {
      const { [field]: _, ...rest } = key;
      malformed(() => new Verifier(rest), "");
    }
  }
  for (let at = 3; at < key.key.length; at += 401) {
    const digit = (parseInt(key.key[at], 16) ^ 1).toString(16);
    malformed(() => new Verifier({ ...key, key: `${key.key.slice(0, at)}${digit}${key.key.slice(at + 1)}` }), "");
  }
  const other = models.digits.key;
  malformed(() => new Verifier({ ...key, model_digest: other.model_digest }), "vk_digest");
  malformed(() => new Verifier({ ...key, key: other.key }), "vk_digest");
  malformed(() => new Verifier({ ...key, version: 2 }), "version 1");
  for (const bad of [null, 7, {}, "0x", "0x0", key.key.slice(2), [key.key]]) {
    malformed(() => new Verifier({ ...key, key: bad }), "key");
  }
});

test("bytes that are no key are refused, with the place", () => {
  const put = (at, ...values) => {
    const bytes = Buffer.from(good);
    Buffer.from(values.map((value) => (typeof value === "bigint" ? word(value) : u32(value))).join(""), "hex").copy(bytes, at);
    return bytes;
  };
  const place = (at, bytes) => malformed(() => new Verifier(documentOf(bytes)), `key, byte ${at}:`);
  assert.equal(new Verifier(documentOf(good)).isUnsafe, true);
  place(0, Buffer.concat([Buffer.from("zkverdict packed key 2"), good.subarray(K)]));
  place(K, put(K, 0));
  place(K, put(K, 29));
  for (const bad of [[0n, 0n], [1n, 3n], [1n + Q, 2n], [1n, 2n + Q]]) place(ONE, put(ONE, ...bad));
  for (const start of [ONE_IN_G2, TAU]) {
    const coordinates = [0, 32, 64, 96].map((more) => BigInt(`0x${good.subarray(start + more, start + more + 32).toString("hex")}`));
    coordinates.forEach((coordinate, i) => {
      place(start, put(start, ...coordinates.with(i, coordinate ^ 1n)));
      place(start, put(start, ...coordinates.with(i, coordinate + Q)));
    });
    place(start, put(start, 0n, 0n, 0n, 0n));
    place(start, put(start, ...outsideOfTheGroup()));
  }
  place(INSTANCES + 4, put(INSTANCES, 0xffffffff).subarray(0, INSTANCES + 4));
  place(good.length, Buffer.concat([good, Buffer.of(0)]));
  for (let length = 0; length < good.length; length += 397) {
    malformed(() => new Verifier(documentOf(good.subarray(0, length))), "ends too early");
  }
});

/** A point of the twist whose order is not the group's. */
function outsideOfTheGroup() {
  for (let c0 = 1n; ; ++c0) {
    const x = { c0, c1: 1n };
    const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.CURVE.b);
    try {
      const y = Fp2.sqrt(square);
      if (Fp2.eql(Fp2.sqr(y), square)) return [x.c1, x.c0, y.c1, y.c0];
    } catch {
      // Its x is no point's.
    }
  }
}

test("a key that asks for what is not there is refused", () => {
  const whole = readPackedKey(key);
  const [first, second] = whole.phases;
  const [pack] = first.packs;
  const [link] = whole.links;
  const [sum] = whole.sums;
  const [ofKey] = whole.packs;
  const { named } = whole;
  const instances = whole.instances[0];
  const faults = [
    ["more instances than rows", { instances: [2 ** whole.k + 1] }],
    // Packs.
    ["no columns", { phases: [{ ...first, packs: [{ ...pack, slots: [] }] }, second] }],
    ["more than slots", { phases: [{ ...first, packs: [{ ...pack, width: pack.slots.length - 1 }] }, second] }],
    ["more than slots", { phases: [{ ...first, packs: [{ ...pack, width: 4097 }] }, second] }],
    ["do not ascend", { phases: [first, { ...second, packs: [{ ...second.packs[0], rotations: [] }] }] }],
    ["do not ascend", { phases: [first, { ...second, packs: [{ ...second.packs[0], rotations: [0, -1] }] }] }],
    ["do not ascend", { phases: [first, { ...second, packs: [{ ...second.packs[0], rotations: [-1, 0, 0] }] }] }],
    ["out of range", { phases: [first, { ...second, packs: [{ ...second.packs[0], rotations: [-1, 0, 2 ** 28 + 1] }] }] }],
    ["rotated, or packed twice", { phases: [{ ...first, packs: [{ ...pack, slots: pack.slots.with(0, [0, 1]) }] }, second] }],
    ["rotated, or packed twice", { phases: [{ ...first, packs: [{ ...pack, slots: pack.slots.with(0, pack.slots[1]) }] }, second] }],
    ["rotated, or packed twice", { phases: [first, { ...second, packs: first.packs }] }],
    ["not opened at x alone", { packs: [{ ...ofKey, rotations: [0, 1] }] }],
    ["not opened at x alone", { packs: [{ ...ofKey, rotations: [1] }] }],
    ["packed twice", { packs: [{ ...ofKey, slots: ofKey.slots.with(0, ofKey.slots[1]) }] }],
    // Challenges.
    ["not numbered", { phases: [{ ...first, challenges: first.challenges.with(0, 9) }, second] }],
    ["not numbered", { phases: [first, { ...second, challenges: [0] }] }],
    ["not numbered", { sums: [{ ...sum, challenge: 0 }] }],
    ["sum 0", { sums: [{ ...sum, column: 1 }] }],
    ["sum 0", { sums: [{ ...sum, first: instances + 1 }] }],
    ["sum 0", { sums: [{ ...sum, point: sum.challenge }] }],
    // Links.
    ["link 0: its class", { links: [{ ...link, size: 5 }] }],
    ["link 0: its class", { links: [{ ...link, size: whole.k + 1 }] }],
    ["link 0: its name", { links: [{ ...link, name: { column: 1, number: 0 } }] }],
    ["link 0: its name", { links: [{ ...link, name: { column: 0, number: instances } }] }],
    ["link 0: its column is not one", { links: [{ ...link, column: second.packs[0].slots[0][0] }] }],
    ["link 0: its column is not opened", { phases: [{ ...first, packs: [{ ...pack, rotations: [-1] }] }, second] }],
    // Named columns.
    ["no named columns", { named: { ...named, packs: [] } }],
    ["not opened at x alone", { named: { ...named, packs: [{ ...named.packs[0], rotations: [-1] }] } }],
    ["packed twice", { named: { ...named, packs: [{ ...named.packs[0], slots: named.packs[0].slots.with(0, [18, 0]) }] } }],
    ["packed twice", { named: { ...named, packs: [{ ...named.packs[0], slots: named.packs[0].slots.with(0, [24, 0]) }] } }],
    ["rotated, or among", { named: { ...named, packs: [{ ...named.packs[0], slots: named.packs[0].slots.with(0, [23, 1]) }] } }],
    ["rotated, or among", { packs: [{ ...ofKey, slots: ofKey.slots.with(0, [23, 5]) }] }],
    ["name of named columns", { named: { ...named, name: { column: 0, number: instances } } }],
    ["name of named columns", { named: { ...named, name: { column: 1, number: 0 } } }],
    ["not opened", { named: undefined }],
    // Gates.
    ["no gates", { gates: [] }],
    ["gate 0: it leaves 0", { gates: [[]] }],
    ["gate 0: it leaves 2", { gates: [[1n, 2n]] }],
    ...["-", "+", "*"].map((operation) => ["operation 0: it takes", { gates: [[operation, 1n]] }]),
    ...["+", "*"].map((operation) => ["operation 1: it takes", { gates: [[1n, operation]] }]),
    ...[["advice", 0, -1], ["advice", 99, 0], ["fixed", 18, 1], ["fixed", 99, 0], ["instance", 1, 0], ["challenge", 7]].map((operation) => [
      "looks at what is not opened",
      { gates: [[operation]] },
    ]),
    ["out of range", { gates: [[["instance", 0, -(2 ** 28) - 1]]] }],
    ["not below its modulus", { gates: [[R]] }],
    ["not below its modulus", { sums: [{ ...sum, factor: R }] }],
  ];
  for (const [why, fault] of faults) malformed(() => new Verifier(documentOf(encode({ ...whole, ...fault }))), why);
  // What is there may be asked for.
  const asked = [["advice", 0, 0], ["fixed", 23, 0], "+", ["instance", 0, -3], "*", ["challenge", 6], "-", "+"];
  for (const more of [{ gates: [...whole.gates, asked] }, { phases: [first, { ...second, challenges: [7] }] }]) {
    new Verifier(documentOf(encode({ ...whole, ...more })));
  }
});

test("a key with a changed bit is refused, or accepts no proof that was made under another", () => {
  const verdicts = new Set();
  for (let at = 0; at < good.length; at += 211) {
    const bytes = Buffer.from(good);
    bytes[at] ^= 1 << at % 8;
    const document = documentOf(bytes);
    const { vk_digest } = document;
    const found = verdictOf(() => new Verifier(document).verify({ ...genuine, vk_digest }));
    assert.notEqual(found, "accepted");
    verdicts.add(found);
  }
  assert.ok(verdicts.has("damaged") && verdicts.size > 1, [...verdicts].join());
});

test("no key makes it take long", () => {
  const whole = readPackedKey(key);
  const [first, second] = whole.phases;
  // All columns of a pack at all of its points are more than a machine holds.
  const wide = { width: 4096, slots: Array.from({ length: 4096 }, (_, i) => [100 + i, 0]), rotations: Array.from({ length: 100_000 }, (_, i) => i) };
  const document = documentOf(encode({ ...whole, phases: [first, { ...second, packs: [...second.packs, wide] }] }));
  const { vk_digest } = document;
  assert.equal(verdictOf(() => new Verifier(document).verify({ ...genuine, vk_digest })), "ProofLength");
});

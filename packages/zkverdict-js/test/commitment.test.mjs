// Commitments are those that a script calculates by itself (script/commitments.py), whatever comes in.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { capacityOf, classOf, commit, nameOf, packWords, Refusal, wordsOf } from "../dist/index.js";

const fixtures = new URL("../../../test/fixtures/commitments/", import.meta.url);
const read = (name) => JSON.parse(fs.readFileSync(new URL(`${name}.json`, fixtures)));
const R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n;

const points = { 6: read("points6"), 7: read("points7") };
const { commitments } = read("vectors");
const request = { input: "x", code: "uint8", shape: [2], values: [1, 2], points: points[6] };
const refused = (change) =>
  assert.throws(() => commit({ ...request, ...change }), (error) => error instanceof Refusal && error.code === "MalformedPoints");

test("commitments are those of the vectors", () => {
  assert.equal(commitments.length, 10);
  for (const { values, ...expected } of commitments) {
    const { code, shape, words, point, name, blinding } = expected;
    const made = commit({ input: "x", code, shape, values, points: points[expected.class], blinding: BigInt(blinding) });
    assert.deepEqual([made.name, made.class, made.point], [name, expected.class, point]);
    assert.deepEqual(made.secret, {
      format: "zkverdict commitment",
      version: 1,
      kind: "input",
      input: "x",
      class: expected.class,
      point,
      name,
      string: points[6].string,
      code,
      shape,
      words,
      blinding,
    });
    assert.equal(nameOf(expected.class, point.map(BigInt)), name);
    assert.ok(BigInt(name) >> 248n === 0n && name.length === 66);
  }
});

test("a commitment tells the same data differently each time, and nothing that may be told tells them", () => {
  const [a, b] = [commit(request), commit(request)];
  assert.notEqual(a.name, b.name);
  assert.notDeepEqual(a.point, b.point);
  assert.notEqual(a.secret.blinding, b.secret.blinding);
  const told = JSON.stringify({ ...a, secret: undefined });
  for (const secret of [...a.secret.words, a.secret.blinding]) assert.ok(!told.includes(secret.slice(2)));
  // What was drawn opens it.
  assert.deepEqual(commit({ ...request, blinding: BigInt(a.secret.blinding) }), a);
});

test("size classes are the least that hold the words", () => {
  assert.deepEqual([0, 1, 47, 48, 111, 112].map(classOf), [6, 6, 6, 7, 7, 8]);
  assert.deepEqual([capacityOf(6), capacityOf(7)], [47, 111]);
  assert.throws(() => classOf(2 ** 28), RangeError);
  assert.deepEqual(["uint8", "int16", "float32"].map((code) => wordsOf(code, 31)), [1, 3, 5]);
});

test("what is no element of the type is refused, and not told", () => {
  const bad = {
    int8: [-129, 128, 0.5, NaN, Infinity, "1", null, 1n, undefined],
    uint8: [-1, 256],
    int16: [-32769, 32768],
    uint16: [-1, 65536],
    int32: [-2147483649, 2147483648],
    uint32: [-1, 4294967296],
    float32: [0.1, NaN, 1e39, "1"],
  };
  for (const [code, values] of Object.entries(bad)) {
    for (const value of values) {
      const attempt = () => commit({ ...request, code, shape: [1], values: [value] });
      assert.throws(attempt, (error) => error instanceof RangeError && error.message === `element 0 is no ${code}`);
    }
  }
  for (const code of ["int64", "toString", undefined]) assert.throws(() => packWords(code, [1]), RangeError);
  for (const change of [{ values: [1] }, { shape: [3] }, { shape: [0.5] }, { shape: [-1] }, { shape: [1e300] }]) {
    assert.throws(() => commit({ ...request, ...change }), RangeError);
  }
});

test("what blinds is a number of the field, and not 0", () => {
  for (const blinding of [0n, -1n, R, R + 1n]) assert.throws(() => commit({ ...request, blinding }), RangeError);
  assert.ok(commit({ ...request, blinding: R - 1n }));
});

test("points that are none are refused", () => {
  for (const changed of [null, "points", {}, { ...points[6], format: "points" }, { ...points[6], version: 2 }]) {
    refused({ points: changed });
  }
  const zero = `0x${"00".repeat(32)}`;
  const [x, y] = points[6].blinding;
  for (const pair of [[zero, zero], [x], [x, y, y], [y, x], [x, zero], ["x", y], [{}, y], undefined, x, [`0x${(BigInt(x) + 2n ** 254n).toString(16)}`, y]]) {
    refused({ points: { ...points[6], blinding: pair } });
    refused({ points: { ...points[6], points: points[6].points.with(1, pair) }, shape: [62], values: Array(62).fill(7) });
  }
  refused({ points: points[7] });
  refused({ points: { ...points[6], class: 7 } });
  refused({ points: { ...points[6], class: "6" } });
  refused({ points: { ...points[6], points: [] } });
  refused({ points: { ...points[6], points: points[7].points } });
  refused({ points: { ...points[6], string: "0x00" } });
  refused({ points: { ...points[6], string: undefined } });
});

test("data that cancel what blinds are no commitment", () => {
  // The blinding's point is the first word's.
  const same = { ...points[6], blinding: points[6].points[0] };
  refused({ points: same, shape: [1], values: [5], blinding: R - 5n });
});

// Hashes of inputs are those of poseidon-lite, and those that a script calculates by itself (script/hashes.py).
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { test } from "node:test";
import { poseidon3 } from "poseidon-lite";
import { hashInput, hashOfWords, packWords } from "../dist/index.js";

const vectors = JSON.parse(fs.readFileSync(new URL("../../../test/fixtures/commitments/hashes.json", import.meta.url)));
const R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n;

test("hashes are those of the vectors", () => {
  assert.equal(vectors.length, 8);
  for (const { code, values, blinding, hash } of vectors) {
    const made = hashInput({ input: "x", code, shape: [values.length], values, poseidon3, blinding: BigInt(blinding) });
    assert.equal(made.hash, hash);
    const { words, ...secret } = made.secret;
    assert.deepEqual(secret, {
      format: "zkverdict commitment",
      version: 1,
      kind: "hash",
      input: "x",
      hash,
      code,
      shape: [values.length],
      blinding,
    });
    assert.deepEqual(words.map(BigInt), packWords(code, values));
  }
});

test("the chain is one that anybody can follow with poseidon-lite", () => {
  const random = () => BigInt(`0x${randomBytes(48).toString("hex")}`) % R;
  for (let count = 1; count <= 7; ++count) {
    const [words, blinding] = [Array.from({ length: count }, random), random()];
    const taken = [blinding, ...words];
    if (count % 2 === 0) taken.push(0n);
    let hash = (0x7a6b76657264696374n << 64n) + BigInt(31 * count);
    while (taken.length > 0) hash = poseidon3([hash, ...taken.splice(0, 2)]);
    assert.equal(hashOfWords(31 * count, words, blinding, poseidon3), hash);
  }
});

test("a hash tells the same data differently each time, and nothing that may be told tells them", () => {
  const request = { input: "x", code: "uint8", shape: [2, 20], values: Array.from({ length: 40 }, (_, i) => i), poseidon3 };
  const [a, b] = [hashInput(request), hashInput(request)];
  assert.notEqual(a.hash, b.hash);
  assert.deepEqual(hashInput({ ...request, blinding: BigInt(a.secret.blinding) }), a);
  const wrong = [
    { values: [1] },
    { values: Array(40).fill(256) },
    { shape: [0] },
    { shape: [0.5] },
    { code: "int64" },
    { blinding: 0n },
    { blinding: R },
  ];
  for (const change of wrong) assert.throws(() => hashInput({ ...request, ...change }), RangeError);
});

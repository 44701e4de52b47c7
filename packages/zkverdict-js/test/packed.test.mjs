// What the package says of packed proofs: of those of docs/protocol.md's fixtures, with the verdicts of the Rust verifier, and of
// real models' and of what is left of them after a change.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bn254 } from "@noble/curves/bn254";
import { Refusal, Verifier, verify } from "../dist/index.js";
import { documentOf, models, read, text, verdictOf, word } from "./support/packed.mjs";

const [Q, R] = [bn254.fields.Fp.ORDER, bn254.fields.Fr.ORDER];

const wordAt = (hex, at) => BigInt(`0x${hex.slice(2 + 64 * at, 66 + 64 * at)}`);
const withWords = (hex, at, ...values) => `${hex.slice(0, 2 + 64 * at)}${values.map(word).join("")}${hex.slice(2 + 64 * (at + values.length))}`;
const words = (proof) => (proof.length - 2) / 64;
const refused = (code, call) => assert.throws(call, (error) => error instanceof Refusal && error.code === code);

test("verdicts are those of the Rust verifier", () => {
  const verifiers = new Map();
  const seen = new Set();
  for (const line of text("packed/walk.txt").trim().split("\n")) {
    const [expected, key, proof, ...instances] = line.split(" ").filter((part) => part !== "");
    const document = documentOf(Buffer.from(key, "hex"));
    const found = verdictOf(() => {
      const verifier = verifiers.get(key) ?? new Verifier(document);
      verifiers.set(key, verifier);
      const { vk_digest } = document;
      verifier.verify({ vk_digest, proof: `0x${proof === "-" ? "" : proof}`, instances: instances.map((instance) => `0x${instance}`) });
    });
    assert.equal(found, expected);
    seen.add(found.replace(/\(.*/, ""));
  }
  assert.deepEqual([...seen].sort(), ["InvalidProof", "PointNotOnCurve", "ProofLength", "WrongName", "accepted", "damaged"]);
});

test("genuine proofs of models are accepted", () => {
  for (const { key, genuine, verifier } of Object.values(models)) {
    assert.equal(verifier.isUnsafe, true);
    assert.deepEqual(verifier.verify(genuine), genuine.instances.map(BigInt));
    assert.deepEqual(verify(key, genuine), genuine.instances.map(BigInt));
    // What scripts strip stays a proof.
    const { format, ...bare } = genuine;
    assert.equal(format, "packed");
    verifier.verify(bare);
  }
});

/** Where the words of a proof are that are points, and those that are scalars. */
function placesIn({ genuine, verifier }) {
  const all = [...Array(words(genuine.proof)).keys()];
  const scalars = all.filter((at) => {
    const changed = { ...genuine, proof: withWords(genuine.proof, at, R) };
    return verdictOf(() => verifier.verify(changed)).startsWith("ScalarOutOfRange");
  });
  assert.equal(scalars.length, scalars.at(-1) - scalars[0] + 1);
  const points = all.filter((at) => !scalars.includes(at)).filter((_, i) => i % 2 === 0);
  return { points, scalars };
}

for (const [name, model] of Object.entries(models)) {
  const { genuine, verifier } = model;
  const { proof, instances } = genuine;
  const { points, scalars } = placesIn(model);
  const verdict = (changed) => verdictOf(() => verifier.verify({ ...genuine, ...changed }));
  const says = (at, ...values) => verdict({ proof: withWords(proof, at, ...values) });

  test(`every changed word of a proof is refused by name: ${name}`, () => {
    scalars.forEach((at, i) => {
      assert.equal(says(at, (wordAt(proof, at) + 1n) % R), "InvalidProof");
      assert.equal(says(at, wordAt(proof, at) + R), `ScalarOutOfRange(${instances.length + i})`);
    });
    points.forEach((at, i) => {
      const [x, y] = [wordAt(proof, at), wordAt(proof, at + 1)];
      // Off the curve, infinity, another encoding of the same point.
      const bad = [[x ^ 1n, y], [x, y ^ 1n], [0n, 0n], [x, 0n], [x + Q, y], [x, y + Q], [x + Q, y + Q]];
      for (const point of bad) assert.equal(says(at, ...point), `PointNotOnCurve(${i})`);
    });
  });

  test(`points that are on the curve but not the proof's are refused: ${name}`, () => {
    // At the end: W, W'; a link's commitment and the links' quotient; the commitment to a named pack, and what hides it.
    const names = name === "committed" ? { [points.at(-4)]: "WrongName(0)", [points.at(-2)]: "WrongName(1)" } : {};
    for (const at of points) {
      const expected = names[at] ?? "InvalidProof";
      assert.equal(says(at, 1n, 2n), expected);
      assert.equal(says(at + 1, Q - wordAt(proof, at + 1)), expected);
    }
  });

  test(`other instances and lengths are refused by name: ${name}`, () => {
    // Of the committed ones: the context, both names, what the model answers.
    const names = name === "committed" ? { 1: "WrongName(1)", 2: "WrongName(0)" } : {};
    instances.forEach((instance, i) => {
      const change = (value) => ({ instances: instances.with(i, `0x${word(value)}`) });
      assert.equal(verdict(change((BigInt(instance) + 1n) % R)), names[i] ?? "InvalidProof");
      assert.equal(verdict(change(BigInt(instance) + R)), `ScalarOutOfRange(${i})`);
    });
    assert.equal(verdict({ instances: instances.slice(1) }), "InstanceCount");
    assert.equal(verdict({ instances: [...instances, "0x00"] }), "InstanceCount");
    for (const other of [proof.slice(0, -2), proof.slice(0, -64), `${proof}00`, `${proof}${word(0n)}`, "0x"]) {
      assert.equal(verdict({ proof: other }), "ProofLength");
    }
  });
}

test("formats are told apart by name", () => {
  const halo2 = { key: read("keys/digits.key"), genuine: read("proofs/digits") };
  const packed = models.digits;
  verify(halo2.key, { ...halo2.genuine, format: "halo2" });
  for (const [one, other, format] of [[halo2, packed, "packed"], [packed, halo2, "halo2"]]) {
    const proof = { ...other.genuine, format };
    refused("WrongFormat", () => verify(one.key, proof));
    assert.throws(() => verify(one.key, proof), new RegExp(`format is ${format}`));
    // Called by the other's name, or by none, it is still another key's.
    refused("WrongKey", () => verify(one.key, { ...proof, format: one.key.format }));
    refused("WrongKey", () => verify(one.key, { ...proof, format: undefined }));
    // Under this key's digest, its bytes are still no proof of this key.
    const { vk_digest } = one.key;
    assert.equal(verdictOf(() => verify(one.key, { ...proof, vk_digest, format: one.key.format })), "ProofLength");
    refused("MalformedKey", () => new Verifier({ ...one.key, format }));
  }
  for (const format of ["groth16", "", "__proto__", "constructor", 7, {}, ["packed"], "\u001b[2J"]) {
    refused("WrongFormat", () => packed.verifier.verify({ ...packed.genuine, format }));
    refused("MalformedKey", () => new Verifier({ ...packed.key, format }));
  }
  assert.throws(() => packed.verifier.verify({ ...packed.genuine, format: "\u001b[2J" }), { message: /^[\x20-\x7e]*$/ });
});

// What the package says of the proofs that the contracts' tests submit, and of what is left of them after a change.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { pack, Refusal, unpack, Verifier, verify } from "../dist/index.js";

const fixtures = new URL("../../../test/fixtures/", import.meta.url);
const read = (path) => JSON.parse(fs.readFileSync(new URL(`${path}.json`, fixtures)));
const R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n;

const models = { credit: ["lending"], signal: ["signal"], digits: ["digits", "consumer", "game", "content"] };
const keys = Object.fromEntries(Object.keys(models).map((name) => [name, read(`keys/${name}.key`)]));
const digits = new Verifier(keys.digits);
const genuine = read("proofs/digits");

const word = (value) => value.toString(16).padStart(64, "0");
const withWord = (proof, at, value) => `${proof.slice(0, 2 + 64 * at)}${word(value)}${proof.slice(66 + 64 * at)}`;
const wordAt = (proof, at) => BigInt(`0x${proof.slice(2 + 64 * at, 66 + 64 * at)}`);
const words = (proof) => (proof.length - 2) / 64;
const refused = (code, call) => assert.throws(call, (error) => error instanceof Refusal && error.code === code);

test("genuine proofs are accepted, and say what the model answers", () => {
  for (const [name, proofs] of Object.entries(models)) {
    const verifier = new Verifier(keys[name]);
    assert.equal(verifier.isUnsafe, true);
    const { inputs, outputs } = read(`keys/${name}.schema`);
    for (const proof of proofs.map((file) => read(`proofs/${file}`))) {
      const instances = verifier.verify(proof);
      assert.deepEqual(instances, proof.instances.map(BigInt));
      for (const tensor of [...inputs, ...outputs]) {
        const [first, end] = tensor.instances;
        assert.deepEqual(pack(tensor, unpack(tensor, instances)), proof.instances.slice(first, end));
      }
    }
  }
  // As onnxruntime has it for the first sample.
  const npy = fs.readFileSync(new URL("models/digits_mlp/int8_qdq.expected.npy", fixtures));
  const data = npy.subarray(10 + npy.readUInt16LE(8));
  const scores = unpack(read("keys/digits.schema").outputs[0], digits.verify(genuine));
  assert.deepEqual(scores, [...new Int8Array(data.subarray(0, 10))]);
});

test("a changed word of a proof is refused by name", () => {
  const { proof } = genuine;
  const count = words(proof);
  const scalars = [...Array(count).keys()].filter((i) => {
    try {
      digits.verify({ ...genuine, proof: withWord(proof, i, R) });
    } catch (error) {
      return error.code === "ScalarOutOfRange";
    }
  });
  // Scalars lie between points: two words each, the last two points behind them.
  assert.equal(scalars.length, scalars.at(-1) - scalars[0] + 1);
  assert.equal(count - 1 - scalars.at(-1), 4);
  for (let i = 0; i < count; ++i) {
    if (scalars.includes(i)) continue;
    refused("PointNotOnCurve", () => digits.verify({ ...genuine, proof: withWord(proof, i, wordAt(proof, i) ^ 1n) }));
  }
  for (const i of scalars.filter((_, n) => n % 7 === 0)) {
    const changed = { ...genuine, proof: withWord(proof, i, (wordAt(proof, i) + 1n) % R) };
    refused("InvalidProof", () => digits.verify(changed));
  }
});

test("points that are on the curve but not the proof's are refused", () => {
  const { proof } = genuine;
  const [x, y] = [wordAt(proof, 2), wordAt(proof, 3)];
  // The first point, and the two of the openings.
  for (const start of [0, words(proof) - 4, words(proof) - 2]) {
    const moved = withWord(withWord(proof, start, x), start + 1, y);
    refused("InvalidProof", () => digits.verify({ ...genuine, proof: moved }));
  }
});

test("other instances, lengths and keys are refused by name", () => {
  const { proof, instances } = genuine;
  const change = (i, value) => ({ ...genuine, instances: instances.with(i, `0x${word(value)}`) });
  for (const i of [0, 1, instances.length - 1]) {
    refused("InvalidProof", () => digits.verify(change(i, BigInt(instances[i]) + 1n)));
    refused("ScalarOutOfRange", () => digits.verify(change(i, BigInt(instances[i]) + R)));
  }
  refused("InstanceCount", () => digits.verify({ ...genuine, instances: instances.slice(1) }));
  refused("InstanceCount", () => digits.verify({ ...genuine, instances: [...instances, "0x00"] }));
  refused("ProofLength", () => digits.verify({ ...genuine, proof: proof.slice(0, -2) }));
  refused("ProofLength", () => digits.verify({ ...genuine, proof: `${proof}00` }));
  refused("WrongKey", () => verify(keys.credit, genuine));
  for (const bad of [null, {}, "proof", { ...genuine, proof: "0x0" }, { ...genuine, instances: ["7"] }]) {
    assert.throws(() => digits.verify(bad), Refusal);
  }
});

test("a key that is not as it was written is refused", () => {
  const key = keys.credit;
  for (const field of Object.keys(key).filter((name) => name !== "model")) {
    const { [field]: _, ...rest } = key;
    refused("MalformedKey", () => new Verifier(rest));
  }
  // What the digest covers.
  refused("MalformedKey", () => new Verifier({ ...key, k: key.k + 1 }));
  refused("MalformedKey", () => new Verifier({ ...key, tau_g2: key.g2 }));
  refused("MalformedKey", () => new Verifier({ ...key, instances: [2] }));
  refused("MalformedKey", () => new Verifier({ ...key, transcript_repr: key.model_digest }));
  refused("MalformedKey", () => new Verifier({ ...key, lookups: 1 }));
  // What it does not: no proof holds any more.
  const proof = read("proofs/lending");
  const fixed = key.fixed.with(0, key.g1);
  refused("InvalidProof", () => verify({ ...key, fixed }, proof));
  refused("InvalidProof", () => verify({ ...key, constraints: key.constraints.slice(1) }, proof));
});

test("no proof file makes it throw anything but a refusal", () => {
  const json = (text) => JSON.parse(text);
  refused("ProofLength", () => digits.verify({ ...genuine, proof: `0x${"00".repeat(2e7)}` }));
  refused("WrongKey", () => digits.verify({ ...genuine, vk_digest: json('{"toString": 1}') }));
  refused("MalformedProof", () => digits.verify(json(`{"__proto__": ${JSON.stringify(genuine)}}`)));
  refused("MalformedProof", () => digits.verify({ ...genuine, instances: [{ toString: 1 }] }));
  // What a terminal would obey.
  const error = (() => {
    try {
      digits.verify({ ...genuine, vk_digest: "\u001b[2J\n\u202evalid" });
    } catch (caught) {
      return caught;
    }
  })();
  assert.match(error.message, /^[\x20-\x7e]*$/);
});

test("no key makes it throw anything but a refusal, or take long", () => {
  const nested = (depth) => Array.from({ length: depth }).reduce((inner) => ["-", inner], "0x1");
  const endless = ["-"];
  endless.push(endless);
  const constraints = [
    nested(1e5), endless, ["-"], 7, null, `0x${word(R)}`, ["advice", "__proto__", 0], ["advice", 0, 0.5], ["advice", {}, {}],
    ["instance", "length", 0], ["instance", 1, 0], ["instance", 0, "x"], ["instance", 0, 0.5], ["challenge", "x"], ["challenge", -1],
    ["constructor", 0, 0], [["advice"], 0, 0],
  ];
  for (const constraint of constraints) {
    refused("MalformedKey", () => new Verifier({ ...keys.digits, constraints: [constraint] }));
  }
  const many = (item) => Array.from({ length: 1e5 }, (_, i) => item(i));
  refused("MalformedKey", () => new Verifier({ ...keys.digits, advice_queries: many((i) => [0, i]) }));
  refused("MalformedKey", () => new Verifier({ ...keys.digits, advice_phases: many(() => 255) }));
  refused("MalformedKey", () => new Verifier({ ...keys.digits, model_digest: "0x" }));
  refused("MalformedKey", () => new Verifier({ ...keys.digits, vk_digest: { toString: 1 } }));
  refused("MalformedKey", () => new Verifier(JSON.parse(`{"__proto__": ${JSON.stringify(keys.digits)}}`)));
});

test("packing is what it says", () => {
  const tensor = (type, length) => ({ name: "t", type, shape: [length], instances: [1, 1 + Math.ceil(length / 31)], scale: 1, zero_point: 0 });
  for (const [type, smallest] of [["int8", -128], ["uint8", 0]]) {
    for (const length of [1, 30, 31, 32, 62, 124]) {
      const elements = Array.from({ length }, (_, i) => ((i * 89 + length) % 256) + smallest);
      const packed = pack(tensor(type, length), elements);
      elements.forEach((element, i) => {
        const byte = (BigInt(packed[Math.floor(i / 31)]) / 256n ** BigInt(i % 31)) % 256n;
        assert.equal(Number(byte), element - smallest);
      });
      assert.deepEqual(unpack(tensor(type, length), ["0x0", ...packed]), elements);
    }
    for (const bad of [smallest - 1, smallest + 256, 0.5, NaN]) {
      assert.throws(() => pack(tensor(type, 1), [bad]), RangeError);
    }
    assert.throws(() => pack(tensor(type, 2), [0]), RangeError);
  }
  assert.throws(() => unpack(tensor("int8", 32), ["0x0", "0x0"]), Refusal);
  // Elements of a type, or of a number, that the words do not have; words with more in them.
  assert.throws(() => unpack({ ...tensor("uint8", 3), type: "int32" }, ["0x0", "0x0"]), RangeError);
  for (const shape of [[1e12], [-1], [0.5], [32]]) {
    assert.throws(() => unpack({ ...tensor("uint8", 31), shape }, ["0x0", "0x0"]), RangeError);
  }
  refused("InvalidProof", () => unpack(tensor("uint8", 31), ["0x0", `0x01${"00".repeat(31)}`]));
  refused("InvalidProof", () => unpack(tensor("uint8", 3), ["0x0", "0x01000000"]));
});

#!/usr/bin/env node
// Makes test/fixtures/verifiers, test/fixtures/keys and test/fixtures/proofs again: contracts and keys of three trained
// models, and the proofs that the tests of Foundry and of packages/zkverdict-js submit to them; and in test/fixtures/packed keys and
// packed proofs for the latter, and in test/fixtures/linked those of halo2's format with committed inputs.
//
//     cargo build && node script/proofs.mjs
//
// Proofs differ from run to run, as provers draw random values; keys and contracts do not.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const { keccak256 } = createRequire(import.meta.url)("js-sha3");

const root = path.resolve(import.meta.dirname, "..");
const models = path.join(root, "test/fixtures/models");
const verifiers = path.join(root, "test/fixtures/verifiers");
const keys = path.join(root, "test/fixtures/keys");
const proofs = path.join(root, "test/fixtures/proofs");
const packed = path.join(root, "test/fixtures/packed");
const linked = path.join(root, "test/fixtures/linked");
const work = fs.mkdtempSync(path.join(os.tmpdir(), "zkverdict-proofs-"));

const R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n;
const CHAIN_ID = 31337n;

const zkverdict = (...args) =>
  JSON.parse(
    execFileSync(path.join(root, "target/debug/zkverdict"), ["--json", ...args], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 1 << 26,
    }),
  );

// Accounts and contracts of the tests have the addresses that their names hash to.
const address = (name) => BigInt("0x" + keccak256(name)) & ((1n << 160n) - 1n);
const word = (value) => value.toString(16).padStart(64, "0");
const bytes = (hex) => Buffer.from(hex, "hex");
// Kinds of uses: `turn`, `answer`, `content`, as in contracts/libraries/InferenceContext.sol.
const contextOf = (kind, consumer, sender, nonce) => {
  const tag = BigInt("0x" + keccak256(`zkverdict.context.${kind}.v1`));
  return BigInt("0x" + keccak256(bytes([tag, CHAIN_ID, consumer, sender, nonce].map(word).join("")))) % R;
};

// The first inference in an .npy file of floats.
function firstSample(file, length) {
  const data = fs.readFileSync(file);
  const start = 10 + data.readUInt16LE(8);
  return Array.from({ length }, (_, i) => data.readFloatLE(start + 4 * i));
}

// A trained model with its bundle and contract.
function model(name, verifier) {
  const file = path.join(models, name, "int8_qdq.onnx");
  const bundle = path.join(work, name);
  zkverdict("keygen", file, "--format", "halo2", "--out", bundle, "--unsafe-dev-srs");
  const rendered = zkverdict("render", bundle, "--name", verifier, "--out", path.join(work, "out"));
  fs.copyFileSync(rendered.contract, path.join(verifiers, `${verifier}.sol`));
  const short = verifier.replace("Verifier", "").toLowerCase();
  fs.copyFileSync(rendered.key, path.join(keys, `${short}.key.json`));
  fs.copyFileSync(rendered.schema, path.join(keys, `${short}.schema.json`));
  const [{ shape, scale, zero_point }] = zkverdict("inspect", file).inputs;
  const length = shape.reduce((a, b) => a * b, 1);
  return {
    bundle,
    sample: firstSample(path.join(models, name, "samples.npy"), length),
    quantize: (x) => Math.min(127, Math.max(-128, Math.round(x / scale) + zero_point)),
    dequantize: (q) => (q - zero_point) * scale,
  };
}

function write(file, document) {
  fs.writeFileSync(file, JSON.stringify(document, null, 2) + "\n");
}

function written(input) {
  const file = path.join(work, "input.json");
  fs.writeFileSync(file, JSON.stringify(input));
  return file;
}

function prove(name, { bundle }, input, context) {
  const out = path.join(work, "proof.json");
  const hex = "0x" + word(context);
  const made = zkverdict("prove", bundle, "--input", written(input), "--context", hex, "--out", out);
  const { vk_digest, proof, instances } = made;
  write(path.join(proofs, `${name}.json`), { vk_digest, proof, instances });
}

// A proof of a model's file, and its key: what `keygen` and, with a bundle and the file, `prove` are told.
function proveOf(file, folder, name, options, told) {
  const bundle = path.join(work, `${name}.zkv`);
  zkverdict("keygen", file, ...options, "--out", bundle, "--unsafe-dev-srs");
  const rendered = zkverdict("render", bundle, "--out", path.join(work, name));
  fs.copyFileSync(rendered.key, path.join(folder, `${name}.key.json`));
  const out = path.join(work, `${name}.json`);
  const { format, vk_digest, proof, instances } = zkverdict("prove", bundle, ...told(bundle, file), "--out", out);
  write(path.join(folder, `${name}.proof.json`), { format, vk_digest, proof, instances });
}

// A packed one of digits_mlp.
function provePacked(name, options, told) {
  proveOf(path.join(models, "digits_mlp", "int8_qdq.onnx"), packed, name, ["--format", "packed", ...options], told);
}

// One of halo2's format, of a model with two inputs, which are committed as this says.
function proveLinked(name, told) {
  const file = path.join(root, "templates/project/biometric/model.onnx");
  const { inputs } = zkverdict("inspect", file);
  const valuesOf = (shape, i) => Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, j) => (j * 7 + i) % 16);
  const given = Object.fromEntries(inputs.map(({ name, shape }, i) => [name, valuesOf(shape, i)]));
  const options = inputs.flatMap(({ name }, i) => ["--input", `${name}=${told[i]}`]);
  proveOf(file, linked, name, ["--format", "halo2", ...options], (bundle) => {
    const input = written(given);
    const committed = inputs.filter((_, i) => told[i] === "committed").flatMap(({ name: own }) => {
      const commitment = path.join(work, `${name}.${own}.commitment`);
      zkverdict("commit", bundle, "--input", input, "--only", own, "--out", commitment);
      return ["--input-commitment", commitment];
    });
    return ["--input", input, ...committed];
  });
}

fs.mkdirSync(verifiers, { recursive: true });
fs.mkdirSync(keys, { recursive: true });
fs.mkdirSync(proofs, { recursive: true });
fs.mkdirSync(packed, { recursive: true });
fs.mkdirSync(linked, { recursive: true });

const credit = model("credit_logreg", "CreditVerifier");
const signal = model("diagnosis_mlp", "SignalVerifier");
const digits = model("digits_mlp", "DigitsVerifier");

prove("digits", digits, digits.sample, 0n);
prove("consumer", digits, digits.sample, contextOf("turn", address("consumer"), address("alice"), 0n));
prove("lending", credit, credit.sample, contextOf("turn", address("pool"), address("borrower"), 0n));

// Prices that do not move: every return is 0.
const flat = Array(30).fill(signal.dequantize(0));
prove("signal", signal, flat, contextOf("turn", address("vault"), address("keeper"), 0n));

// The board after a first move into column 3: one stone of the player, -64, at its bottom.
const board = Array(64).fill(digits.dequantize(0));
board[8 * 3] = digits.dequantize(-64);
prove("game", digits, board, contextOf("answer", address("game"), address("operator"), 0n));

// The prompt is the sample as bytes; the token's id is its hash.
const prompt = Buffer.from(digits.sample.map((x) => digits.quantize(x) + 128));
const tokenId = BigInt("0x" + keccak256(prompt));
prove("content", digits, digits.sample, contextOf("content", address("nft"), 0n, tokenId));

provePacked("digits", [], () => ["--input", written(digits.sample)]);
provePacked("committed", ["--input-visibility", "committed", "--weights", "committed"], (bundle, file) => {
  const [input, weights] = ["input.commitment", "weights.commitment"].map((name) => path.join(work, name));
  zkverdict("commit", bundle, "--input", written(digits.sample), "--out", input);
  zkverdict("commit", bundle, "--weights", file, "--out", weights);
  return ["--input-commitment", input, "--weights-commitment", weights];
});

proveLinked("one", ["committed", "public"]);
proveLinked("two", ["committed", "committed"]);

fs.rmSync(work, { recursive: true });

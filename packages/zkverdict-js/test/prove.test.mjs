// Proofs that are made in JavaScript, judged by the package's verifier, the command and the contract.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { commit, Refusal, Verifier } from "../dist/index.js";
import { prove, Prover, ProvingError } from "../dist/prove/index.js";
import { bundleOf, missing, place, sampleOf, written, zkverdict } from "./support/proving.mjs";

const options = { skip: missing };
const credit = missing ? undefined : bundleOf("credit_logreg");
// Whose proofs take half the time.
const halo2 = missing ? undefined : bundleOf("credit_logreg", "--format", "halo2", "--input-visibility", "private");
const applicant = missing ? undefined : sampleOf("credit_logreg", 30);

/** Refused with these words, whatever has a hint with it. */
async function refused(code, words, hint, call) {
  const error = await call().then(() => assert.fail("it was not refused"), (error) => error);
  assert.ok(error instanceof ProvingError, error.stack);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, words);
  if (hint) assert.match(error.hint ?? "", hint);
  return error;
}

test("a private input is proved, everybody accepts the proof, and refuses it when it was changed", options, async () => {
  const stages = [];
  const onProgress = (stage, seconds) => stages.push([stage, seconds]);
  const context = 0x1234n;
  const { proof, beyond } = await prove(credit.files, applicant, { context, onProgress, vkDigest: credit.vkDigest });
  assert.equal(beyond, 0);
  assert.equal(stages[0][0], "bundle");
  assert.ok(["proving key", "witness", "quotient", "opening"].every((name) => stages.some(([stage]) => stage === name)), `${stages}`);
  assert.deepEqual(stages.map(([, seconds]) => seconds), stages.map(([, seconds]) => seconds).sort((a, b) => a - b));

  const verifier = new Verifier(credit.key);
  const instances = verifier.verify(proof);
  assert.equal(instances[0], context);
  const file = written(proof, "credit");
  zkverdict("verify", credit.at, file);
  // The contract, in an EVM.
  zkverdict("gas", credit.at, file);

  // It says what the command's own says of this input, in the same document.
  const [input, out] = [written([...applicant], "input"), place("own.json")];
  zkverdict("prove", credit.at, "--input", input, "--context", "0x1234", "--out", out);
  const own = JSON.parse(fs.readFileSync(out, "utf8"));
  assert.deepEqual(Object.keys(proof), Object.keys(own));
  for (const field of ["format", "vk_digest", "instances", "context", "inferences"]) assert.deepEqual(proof[field], own[field], field);

  const changed = (text) => text.slice(0, -1) + (text.endsWith("0") ? "1" : "0");
  const codeOf = (document) => {
    try {
      verifier.verify(document);
    } catch (error) {
      assert.ok(error instanceof Refusal);
      return error.code;
    }
  };
  // A point's last coordinate.
  assert.equal(codeOf({ ...proof, proof: changed(proof.proof) }), "PointNotOnCurve");
  assert.equal(codeOf({ ...proof, instances: proof.instances.with(-1, changed(proof.instances.at(-1))) }), "InvalidProof");
  assert.equal(codeOf({ ...proof, instances: proof.instances.with(0, "0x01") }), "InvalidProof");
  assert.throws(() => zkverdict("verify", credit.at, written({ ...proof, proof: changed(proof.proof) }, "changed")));
});

test("one key makes many proofs, which have nothing in common, and inputs that are not the model's get one error", options, async () => {
  const prover = await Prover.open(halo2.files);
  try {
    assert.deepEqual([prover.model, prover.vkDigest, prover.inputs.map(({ visibility }) => visibility)], ["credit_logreg", halo2.vkDigest, ["private"]]);
    const [name] = prover.inputs.map((input) => input.name);
    const proofs = await Promise.all([prover.prove(applicant), prover.prove([...applicant]), prover.prove({ [name]: Float64Array.from(applicant) })]);
    const verifier = new Verifier(halo2.key);
    const instances = proofs.map(({ proof }) => verifier.verify(proof));
    assert.deepEqual(instances[1], instances[0]);
    assert.deepEqual(instances[2], instances[0]);
    assert.equal(new Set(proofs.map(({ proof }) => proof.proof)).size, 3);

    assert.equal((await prover.prove(applicant.map(() => 1e9))).beyond, 30);
    const input = (words, given, hint, statement) => refused("InputError", words, hint, () => prover.prove(given, statement));
    await input(/29 values, expected .* 30 values/, applicant.subarray(1));
    await input(/expected .* 30 values/, [...applicant, 1]);
    await input(/value 3 is NaN, expected a finite float32/, applicant.with(3, NaN));
    await input(/`"much"` is among numbers/, ["much", ...applicant.subarray(1)]);
    await input(/holds 2 inferences/, [[...applicant], [...applicant]], /one by one/);
    await input(/no input `y`/, { y: applicant });
    await input(/is missing/, {});
    await input(/the inputs are none/, "secret");
    await input(/no list and no array/, { [name]: new DataView(applicant.buffer) }, /Int8Array/);
    await input(/2 contexts are given, a proof of this bundle has 1/, applicant, undefined, { context: [1n, 2n] });
    await input(/is not below the BN254 scalar modulus/, applicant, /smaller/, { context: `0x${"f".repeat(64)}` });
    await input(/a context is none/, applicant, /hexadecimal/, { context: "7" });
    await refused("OptionError", /compared with nothing/, undefined, () => prover.prove(applicant, { choose: { y: 1 } }));
    // It goes on after all of these.
    verifier.verify((await prover.prove(applicant)).proof);
  } finally {
    prover.close();
  }
  await refused("Stopped", /closed/, /again/, () => prover.prove(applicant));
});

test("a bundle that is not as it was written gets one error", options, async () => {
  const other = bundleOf("digits_mlp");
  const bundle = (code, words, files, options) => refused(code, words, undefined, () => Prover.open(files, { worker: false, ...options }));
  const changed = (name, change) => ({ ...credit.files, [name]: change(credit.files[name].slice()) });
  const cut = (bytes) => bytes.subarray(0, -64);
  const flipped = (bytes) => bytes.fill(bytes[100] ^ 1, 100, 101);
  for (const name of ["model.onnx", "srs.bin", "vk.bin"]) {
    for (const change of [cut, flipped, () => other.files[name]]) await bundle("BundleError", new RegExp(`\`${name}\` is damaged`), changed(name, change));
  }
  await bundle("BundleError", /`bundle.json` is damaged/, changed("bundle.json", cut));
  await bundle("BundleError", /`srs.bin` of the bundle is missing/, { ...credit.files, "srs.bin": undefined });
  await bundle("KeysError", /key is `0x.*`, expected/, credit.files, { vkDigest: halo2.vkDigest });
  await bundle("Defect", /prover `file:.*nowhere.wasm` cannot be loaded/, credit.files, { wasm: new URL("nowhere.wasm", import.meta.url) });
});

test("a proof is stopped, and its thread with it", options, async () => {
  const prover = await Prover.open(credit.files);
  const control = new AbortController();
  const onProgress = () => control.abort();
  await refused("Stopped", /stopped/, /again/, () => prover.prove(applicant, { signal: control.signal, onProgress }));
  await refused("Stopped", /stopped/, /again/, () => prover.prove(applicant));
});

test("claims and hashed inputs are proved too", options, async () => {
  const hashed = bundleOf("credit_logreg", "--input-visibility", "hashed", "--claim", "output=threshold");
  const prover = await Prover.open(hashed.files, { worker: false });
  const { proof } = await prover.prove(applicant, { choose: { output: 0.1 } });
  const { claims, hashes } = JSON.parse(zkverdict("verify", hashed.at, written(proof, "hashed"), "--json"));
  assert.deepEqual([claims, hashes], [proof.inferences[0].claims, proof.hashes]);
  assert.ok(claims.output.kind === "threshold" && "input" in hashes);
  await refused("OptionError", /compared with is missing/, /choose/, () => prover.prove(applicant));
});

test("committed inputs are proved from what was made of them in the page", options, async () => {
  const committed = bundleOf("credit_logreg", "--input-visibility", "committed");
  const points = place("points.json");
  zkverdict("commit", committed.at, "--points", "--out", points);
  const prover = await Prover.open(committed.files, { worker: false });
  const [{ name: input, shape, visibility }] = prover.inputs;
  assert.equal(visibility, "committed");
  // What the command makes of the same input, but for what blinds it.
  const theirs = place("theirs.json");
  zkverdict("commit", committed.at, "--input", written([...applicant], "input"), "--out", theirs);
  const { code, words } = JSON.parse(fs.readFileSync(theirs));
  const bytes = words.flatMap((word) => [...Buffer.from(word.slice(2), "hex")].reverse().slice(0, 31));
  const values = bytes.slice(0, 30).map((byte) => (code === "int8" ? byte - 128 : byte));
  const request = { input, code, shape, values, points: JSON.parse(fs.readFileSync(points)) };
  const [own, other] = [commit(request), commit(request)];
  assert.notEqual(own.name, other.name);
  assert.deepEqual(own.secret.words, words);

  const commitments = [own.secret];
  const { proof } = await prover.prove({}, { commitments });
  assert.deepEqual([proof.names, proof.instances[1]], [{ [input]: own.name }, own.name]);
  new Verifier(committed.key).verify(proof);
  const file = written(proof, "committed");
  zkverdict("verify", committed.at, file);
  zkverdict("gas", committed.at, file);
  // Whoever gives the input too gives the same.
  assert.equal((await prover.prove(applicant, { commitments })).proof.names[input], own.name);

  const wrong = (words, given, changed, hint) => refused("InputError", words, hint, () => prover.prove(given, { commitments: changed }));
  await wrong(/no commitment to it is given/, applicant, []);
  await wrong(/2 commitments to the input/, {}, [own.secret, other.secret], /one of them/);
  await wrong(/is not the one that the commitment/, applicant.map((value) => value + 1), commitments, /leave it out/);
  await wrong(/commitment 0 that is given/, {}, ["nothing"], /as they made it/);
  const change = (field, value) => [{ ...own.secret, [field]: value }];
  await wrong(/which is not committed in this bundle/, {}, change("input", "other"), /committed are `input`/);
  await wrong(/another reference string/, {}, change("string", own.name));
  await wrong(/its point is not that of its words/, {}, change("blinding", other.secret.blinding));
  await wrong(/`name` is not that of its point/, {}, change("name", other.name));
});

test("a hash that was told before is proved", options, async () => {
  const hashed = bundleOf("credit_logreg", "--input-visibility", "hashed");
  const [input, secret] = [written([...applicant], "input"), place("hash.json")];
  zkverdict("commit", hashed.at, "--input", input, "--out", secret);
  const document = JSON.parse(fs.readFileSync(secret));
  const { proof } = await prove(hashed.files, {}, { commitments: [document], worker: false });
  assert.deepEqual(proof.hashes, { [document.input]: document.hash });
  await refused("InputError", /2 hashes of the input/, /one of them/, () => prove(hashed.files, {}, { commitments: [document, document] }));
});

test("bundles whose proofs take hidden weights are refused", options, async () => {
  const committed = bundleOf("credit_logreg", "--weights", "committed");
  await refused("OptionError", /weights are committed in this bundle/, /zkverdict prove/, () => Prover.open(committed.files));
});

// What the package says of proofs of halo2's format with committed inputs: one of two inputs, and both; and of what is left of them
// after a change. Verdicts are those of the Rust verifier (src/proving/model/links.rs).
import assert from "node:assert/strict";
import { test } from "node:test";
import { bn254 } from "@noble/curves/bn254";
import { nameOf } from "../dist/commitment.js";
import { Refusal, Verifier, verify } from "../dist/index.js";
import { read, verdictOf, word } from "./support/packed.mjs";

const [Q, R] = [bn254.fields.Fp.ORDER, bn254.fields.Fr.ORDER];
const models = Object.fromEntries(
  ["one", "two"].map((name) => {
    const key = read(`linked/${name}.key`);
    return [name, { key, genuine: read(`linked/${name}.proof`), verifier: new Verifier(key) }];
  }),
);

const words = (proof) => (proof.length - 2) / 64;
const wordAt = (proof, at) => BigInt(`0x${proof.slice(2 + 64 * at, 66 + 64 * at)}`);
const withWords = (proof, at, ...values) => `${proof.slice(0, 2 + 64 * at)}${values.map(word).join("")}${proof.slice(2 + 64 * (at + values.length))}`;

for (const [name, { key, genuine, verifier }] of Object.entries(models)) {
  const { proof, instances } = genuine;
  const links = key.links.length;
  // Behind the proof: commitments, D, W.
  const behind = words(proof) - 2 * (links + 2);
  const verdict = (changed) => verdictOf(() => verifier.verify({ ...genuine, ...changed }));
  const says = (at, ...values) => verdict({ proof: withWords(proof, at, ...values) });

  test(`genuine proofs are accepted: ${name}`, () => {
    assert.equal(links, name === "one" ? 1 : 2);
    assert.deepEqual(verify(key, genuine), instances.map(BigInt));
    assert.equal(verifier.isUnsafe, true);
  });

  test(`every point behind the proof is looked at: ${name}`, () => {
    const first = Number(/point (\d+) /.exec(assertRefusal(() => verifier.verify({ ...genuine, proof: withWords(proof, behind, 0n) })).message)[1]);
    for (let i = 0; i < links + 2; ++i) {
      const at = behind + 2 * i;
      const [x, y] = [wordAt(proof, at), wordAt(proof, at + 1)];
      for (const bad of [[x ^ 1n, y], [x, y ^ 1n], [0n, 0n], [x + Q, y], [x, y + Q]]) {
        assert.equal(says(at, ...bad), `PointNotOnCurve(${first + i})`);
      }
      // On the curve: another point, and the negative of this one.
      const expected = i < links ? `WrongName(${i})` : "InvalidProof";
      assert.equal(says(at, 1n, 2n), expected);
      assert.equal(says(at + 1, Q - y), expected);
    }
  });

  test(`another name, or another commitment with its name, is refused: ${name}`, () => {
    key.links.forEach(([, , number], i) => {
      const other = (BigInt(instances[number]) + 1n) % R;
      assert.equal(verdict({ instances: instances.with(number, `0x${word(other)}`) }), `WrongName(${i})`);
    });
    // The name of (1, 2): a commitment that is not to what the column holds.
    const [[, , number]] = key.links;
    const renamed = instances.with(number, nameOf(key.links[0][1], [1n, 2n]));
    assert.equal(verdict({ instances: renamed, proof: withWords(proof, behind, 1n, 2n) }), "InvalidProof");
    // The proof itself, and what it says beside.
    assert.equal(verdict({ instances: instances.with(0, `0x${word(1n)}`) }), "InvalidProof");
    assert.equal(says(0, wordAt(proof, 2), wordAt(proof, 3)), "InvalidProof");
  });

  test(`lengths are those of a proof with links: ${name}`, () => {
    const bare = proof.slice(0, 2 + 64 * behind);
    for (const other of [bare, proof.slice(0, -128), `${proof}${word(1n)}${word(2n)}`]) assert.equal(verdict({ proof: other }), "ProofLength");
  });

  test(`the key's digest covers its links: ${name}`, () => {
    const [[column, size, number]] = key.links;
    const others = [
      undefined,
      [],
      "links",
      [[column, size]],
      [[column, size, -1]],
      [[column + 1, size, number]],
      [[column, size + 1, number]],
      [[column, size, number + 1]],
      [[column, 5, number]],
      [[column, key.k + 1, number]],
      [[column, size, key.instances[0]]],
      [[key.advice_phases.indexOf(1), size, number]],
      [...key.links, [column, size, number]],
      [...key.links].reverse().slice(links - 1),
    ];
    for (const other of others) {
      if (JSON.stringify(other) === JSON.stringify(key.links)) continue;
      assert.equal(verdictOf(() => new Verifier({ ...key, links: other })), "damaged");
    }
  });
}

test("commitments of two links do not change places", () => {
  const { genuine, verifier, key } = models.two;
  const at = words(genuine.proof) - 2 * (key.links.length + 2);
  const points = [0, 1, 2, 3].map((i) => wordAt(genuine.proof, at + i));
  const proof = withWords(genuine.proof, at, ...points.slice(2), ...points.slice(0, 2));
  assert.equal(verdictOf(() => verifier.verify({ ...genuine, proof })), "WrongName(0)");
  const [one, two] = key.links.map(([, , number]) => number);
  const { instances } = genuine;
  const swapped = instances.with(one, instances[two]).with(two, instances[one]);
  assert.equal(verdictOf(() => verifier.verify({ ...genuine, instances: swapped })), "WrongName(0)");
  // Both, where the classes are one: the names fit, and the proof is about the other.
  if (key.links[0][1] === key.links[1][1]) {
    assert.equal(verdictOf(() => verifier.verify({ ...genuine, proof, instances: swapped })), "InvalidProof");
  }
});

function assertRefusal(call) {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return error;
  }
  assert.fail("it is accepted");
}

// Packed keys and proofs of real models, and what is done with them.
import fs from "node:fs";
import { keccak_256 } from "@noble/hashes/sha3";
import { Refusal, Verifier } from "../../dist/index.js";

const fixtures = new URL("../../../../test/fixtures/", import.meta.url);
export const text = (path) => fs.readFileSync(new URL(path, fixtures), "utf8");
export const read = (path) => JSON.parse(text(`${path}.json`));

// One pack of the key; a committed input and committed weights, which are a link and named columns.
export const models = Object.fromEntries(
  ["digits", "committed"].map((name) => {
    const key = read(`packed/${name}.key`);
    return [name, { key, genuine: read(`packed/${name}.proof`), verifier: new Verifier(key) }];
  }),
);

export const word = (value) => value.toString(16).padStart(64, "0");

/** What a verifier says, in the words of test/fixtures/packed/walk.txt. */
export function verdictOf(call) {
  try {
    call();
    return "accepted";
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === "MalformedKey") return "damaged";
    const counted = ["ScalarOutOfRange", "PointNotOnCurve", "WrongName"].includes(error.code);
    return counted ? `${error.code}(${/(?:scalar|point|commitment) (\d+) /.exec(error.message)[1]})` : error.code;
  }
}

/** The document of a key's bytes, with the digest that they have. */
export function documentOf(bytes) {
  const [start, model] = [new TextEncoder().encode("zkverdict verifying key of a model 1"), new Uint8Array(32)];
  const hex = (data) => `0x${Buffer.from(data).toString("hex")}`;
  const digest = keccak_256(Buffer.concat([start, keccak_256(bytes), model]));
  return { format: "packed", version: 1, model: "walk", model_digest: hex(model), vk_digest: hex(digest), key: hex(bytes) };
}

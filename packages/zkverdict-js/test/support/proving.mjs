// Bundles to prove in tests, the wasm that proves, and the command that made the one and judges the other.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../../", import.meta.url));
export const dist = path.join(root, "packages/zkverdict-js/dist");
const command = process.env.ZKVERDICT ?? path.join(root, "target/debug/zkverdict");

/** Why nothing can be proved here, if so. */
export const missing = [
  [path.join(dist, "prove/prover.wasm"), "script/wasm.sh makes it"],
  [command, "`cargo build` makes it"],
].flatMap(([file, how]) => (fs.existsSync(file) ? [] : [`there is no ${file}: ${how}`]))[0];

/** What the command prints; throws where it refuses. */
export const zkverdict = (...args) => execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], cwd: root });

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "zkverdict-prove-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));

/** A path that the tests' end removes. */
export const place = (name) => path.join(folder, name);

const FILES = ["bundle.json", "model.onnx", "srs.bin", "vk.bin"];

/** The bundle of a model's fixture, with a private input unless options say otherwise. */
export function bundleOf(model, ...options) {
  const at = place(`${[model, ...options].join("").replaceAll(/[^a-z_]/g, "")}.zkv`);
  const onnx = path.join(root, `test/fixtures/models/${model}/int8_qdq.onnx`);
  const visibility = options.length > 0 ? options : ["--input-visibility", "private"];
  zkverdict("keygen", onnx, "--unsafe-dev-srs", ...visibility, "--out", at);
  const files = Object.fromEntries(FILES.map((name) => [name, new Uint8Array(fs.readFileSync(path.join(at, name)))]));
  let key;
  const rendered = () => {
    zkverdict("render", at, "--out", `${at}.sol`);
    const name = fs.readdirSync(`${at}.sol`).find((name) => name.endsWith(".key.json"));
    return JSON.parse(fs.readFileSync(path.join(`${at}.sol`, name), "utf8"));
  };
  return {
    at,
    files,
    vkDigest: JSON.parse(fs.readFileSync(path.join(at, "bundle.json"), "utf8")).vk_digest,
    /** What the package verifies with; made when it is asked for, as it takes the compiler. */
    get key() {
      return (key ??= rendered());
    },
  };
}

/** The first inference of a model's samples. */
export function sampleOf(model, length) {
  const bytes = fs.readFileSync(path.join(root, `test/fixtures/models/${model}/samples.npy`));
  const start = 10 + bytes.readUInt16LE(8);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + start + 4 * length));
}

/** Writes a proof that was made in JavaScript, for the command. */
export function written(proof, name) {
  const at = place(`${name}.json`);
  fs.writeFileSync(at, JSON.stringify(proof));
  return at;
}

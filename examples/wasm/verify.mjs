// node verify.mjs verify_in_wasm.wasm BUNDLE PROOF: the proof is valid, and with another byte it is not.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [wasm, bundle, proof] = process.argv.slice(2);
const files = ["bundle.json", "model.onnx", "srs.bin", "vk.bin"].map((name) => readFileSync(join(bundle, name)));
const { instance } = await WebAssembly.instantiate(readFileSync(wasm), {});
const { begin, push, verify, why, memory } = instance.exports;

function verdict(proof) {
  for (const bytes of [...files, proof]) {
    begin();
    for (const byte of bytes) push(byte);
  }
  const start = performance.now();
  const answer = verify();
  const reason = [];
  for (let at = 0, byte; (byte = why(at)) !== 0; at += 1) reason.push(byte);
  const took = Math.round(performance.now() - start);
  console.log({ answer, reason: Buffer.from(reason).toString(), milliseconds: took, memory: memory.buffer.byteLength });
  return answer;
}

const document = JSON.parse(readFileSync(proof));
const changed = (field, change) => Buffer.from(JSON.stringify({ ...document, [field]: change(document[field]) }));
const otherByte = (text) => text.slice(0, -1) + (text.endsWith("0") ? "1" : "0");
const answers = [
  verdict(readFileSync(proof)),
  verdict(changed("proof", otherByte)),
  verdict(changed("instances", (words) => [...words.slice(0, -1), otherByte(words.at(-1))])),
  verdict(changed("vk_digest", otherByte)),
];
if (answers.join() !== "1,0,0,0") {
  console.error(`answers ${answers}, expected 1,0,0,0`);
  process.exit(1);
}

// Proofs that are made in a page of a headless Chromium, whose requests are watched.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { CHROMIUM, openTab } from "../../../script/chromium.mjs";
import { bundleOf, dist, missing, root, sampleOf, written, zkverdict } from "./support/proving.mjs";

const chromium = spawnSync(CHROMIUM, ["--version"]).status === 0;
const options = { skip: missing ?? (chromium ? false : `there is no ${CHROMIUM}: \`apt-get install chromium\`, or say where it is with CHROMIUM`) };
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };

// What the guide says is enough; nothing where the network is watched, as what is forbidden is not seen there.
const POLICY = "default-src 'self'; img-src data:; script-src 'self' 'wasm-unsafe-eval' 'unsafe-inline'";
const PAGE = `<!doctype html><meta charset="utf-8"><title>Proving</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": {
  "zkverdict": "/js/index.js",
  "zkverdict/prove": "/js/prove/index.js",
  "@noble/curves/bn254": "/noble/curves/esm/bn254.js",
  "@noble/curves/": "/noble/curves/esm/",
  "@noble/hashes/sha3": "/noble/hashes/esm/sha3.js",
  "@noble/hashes/utils": "/noble/hashes/esm/utils.js",
  "@noble/hashes/sha2": "/noble/hashes/esm/sha2.js",
  "@noble/hashes/hmac": "/noble/hashes/esm/hmac.js",
  "@noble/hashes/crypto": "/noble/hashes/esm/crypto.js"
} }</script>
<script type="module">
  import { Verifier } from "zkverdict";
  import { fetchBundle, Prover } from "zkverdict/prove";
  window.library = { fetchBundle, Prover, Verifier };
</script>`;

let tab;
let server;
let origin;
const [asked, sent, problems] = [[], [], []];
const bundles = {};

before(async () => {
  if (options.skip) return;
  for (const model of ["credit_logreg", "digits_mlp"]) bundles[model] = bundleOf(model);
  bundles["credit.zkv"] = bundleOf("credit_logreg", "--input-visibility", "private", "--claim", "output=threshold");
  for (const { at, key } of Object.values(bundles)) fs.writeFileSync(path.join(at, "key.json"), JSON.stringify(key));
  const guide = fs.readFileSync(path.join(root, "docs/guide/proving-in-the-page.md"), "utf8");
  const script = /```js\n([^]*?)```/.exec(guide)[1].replace("/contracts/CreditLogregVerifier.key.json", "/credit.zkv/key.json");
  const pages = { "/": PAGE, "/strict": PAGE, "/guide.js": script };
  const folders = { js: dist, noble: path.join(root, "node_modules/@noble"), ...Object.fromEntries(Object.entries(bundles).map(([name, { at }]) => [name, at])) };
  let isStrict = false;
  server = http.createServer((request, response) => {
    isStrict ||= request.url === "/strict";
    let body = "";
    request.on("data", (data) => (body += data)).on("end", () => {
      asked.push({ method: request.method, url: request.url, body, headers: JSON.stringify(request.headers) });
      const [, folder, rest] = /^\/([^/]*)\/(.*)$/.exec(request.url) ?? [];
      const file = folder in folders ? path.join(folders[folder], rest) : "";
      const found = pages[request.url] ?? (fs.existsSync(file) ? fs.readFileSync(file) : undefined);
      const type = pages[request.url] === PAGE ? "text/html" : (TYPES[path.extname(request.url)] ?? "application/octet-stream");
      response.writeHead(found === undefined ? 404 : 200, { "content-type": type, ...(isStrict && { "content-security-policy": POLICY }) });
      response.end(found);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  tab = await openTab();
  // Of the page, and of its workers before they begin.
  tab.listen(({ method, params, sessionId }) => {
    if (method === "Network.requestWillBeSent") sent.push(params.request);
    if (method === "Network.webSocketCreated" || method === "Network.webTransportCreated") sent.push({ ...params, method });
    if (method === "Runtime.exceptionThrown") problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Target.attachedToTarget") {
      for (const command of ["Network.enable", "Runtime.runIfWaitingForDebugger"]) tab.send(command, {}, params.sessionId).catch((error) => problems.push(error.message));
    }
  });
  await tab.tab("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: true, flatten: true });
  for (const domain of ["Network", "Runtime"]) await tab.tab(`${domain}.enable`);
  await tab.navigate(`${origin}/`);
});

after(async () => {
  await tab?.close();
  server?.close();
});

/** What a function of the page comes to, which is given these values. */
const inPage = (what, ...values) => tab.evaluate(`(${what})(...${JSON.stringify(values)})`);

const provePrivately = async (model, input) => {
  const stages = [];
  const bundle = await library.fetchBundle(`/${model}`);
  const prover = await library.Prover.open(bundle, { onProgress: (stage) => stages.push(stage) });
  const made = await prover.prove(Float32Array.from(input), { context: 7n, onProgress: (stage) => stages.push(stage) });
  prover.close();
  const key = await (await fetch(`/${model}/key.json`)).json();
  new library.Verifier(key).verify(made.proof);
  return { ...made, stages };
};

for (const [model, length] of [["credit_logreg", 30], ["digits_mlp", 64]]) {
  test(`a page proves ${model} from a private input, and its network hears of files alone`, options, async () => {
    const { at } = bundles[model];
    const input = [...sampleOf(model, length)];
    asked.length = sent.length = 0;
    const { proof, stages } = await inPage(provePrivately, model, input);
    assert.deepEqual(problems, []);
    assert.ok(stages.includes("proving key") && stages.includes("opening"), `${stages}`);
    const file = written(proof, model);
    zkverdict("verify", at, file);
    zkverdict("gas", at, file);

    // What the server heard, and what the page and its worker sent to anybody: names of files.
    const files = ["bundle.json", "model.onnx", "srs.bin", "vk.bin", "key.json"].map((name) => `/${model}/${name}`);
    const scripts = /^\/js\/(prove\/)?[a-z]+\.(js|wasm)$/;
    for (const { method, url, body, headers } of asked) {
      assert.deepEqual([method, body], ["GET", ""]);
      assert.ok(files.includes(url) || scripts.test(url), url);
      assert.doesNotMatch(headers, /cookie|authorization/i);
    }
    assert.ok(files.every((file) => asked.some(({ url }) => url === file)));
    assert.ok(sent.some(({ url }) => url === `${origin}/js/prove/prover.wasm`), "the worker's requests are seen");
    for (const { method, url, hasPostData } of sent) {
      assert.deepEqual([method, Boolean(hasPostData)], ["GET", false]);
      assert.ok(url.startsWith(`${origin}/`) && (files.includes(url.slice(origin.length)) || scripts.test(url.slice(origin.length))), url);
    }
  });
}

test("a page is told why a proof is refused, and why there is none", options, async () => {
  const told = await inPage(async (length) => {
    const codes = [];
    const codeOf = async (call) => codes.push(await call().then(() => "accepted", ({ name, code, message, hint }) => ({ name, code, message, hint })));
    const bundle = await library.fetchBundle("/credit_logreg");
    const verifier = new library.Verifier(await (await fetch("/credit_logreg/key.json")).json());
    const prover = await library.Prover.open(bundle);
    const { proof } = await prover.prove(new Float32Array(length));
    await codeOf(async () => verifier.verify(proof));
    await codeOf(async () => verifier.verify({ ...proof, instances: proof.instances.with(0, "0x01") }));
    await codeOf(() => prover.prove(new Float32Array(length - 1)));
    prover.close();
    await codeOf(() => library.Prover.open({ ...bundle, "srs.bin": bundle["srs.bin"].subarray(0, 1000) }));
    await codeOf(() => library.fetchBundle("/nowhere"));
    return codes;
  }, 30);
  const [accepted, ...refused] = told;
  assert.equal(accepted, "accepted");
  assert.deepEqual(refused.map(({ name, code }) => [name, code]), [
    ["Refusal", "InvalidProof"],
    ["ProvingError", "InputError"],
    ["ProvingError", "BundleError"],
    ["ProvingError", "BundleError"],
  ]);
  assert.match(refused[1].message, /29 values/);
  assert.match(refused[2].message, /`srs.bin` is damaged/);
  assert.match(refused[3].message, /the server answers 404/);
});

test("the guide's script proves under the policy that it names", options, async () => {
  await tab.navigate(`${origin}/strict`);
  const input = [...sampleOf("credit_logreg", 30)];
  const proof = await inPage(async (input) => (await import("/guide.js")).answer(input, "0x05", 0.1), input);
  const { at } = bundles["credit.zkv"];
  assert.equal(JSON.parse(zkverdict("verify", at, written(proof, "guide"), "--json")).claims.output.kind, "threshold");
  assert.deepEqual(problems, []);
});

#!/usr/bin/env node
// Opens a gas report page in headless Chromium and checks what a reader sees:
//
//   script/check-gas-page.mjs gas.html gas.json [screenshot-prefix]
//
// No error on the console, no request to anywhere, every figure equal to the JSON report, the flame graph's
// phases as wide as their gas, zooming and the switch of forks work. `gas.json` is an array of reports.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { openTab } from "./chromium.mjs";

const [page, json, shots] = process.argv.slice(2);
if (!page || !json) {
  console.error("usage: check-gas-page.mjs gas.html gas.json [screenshot-prefix]");
  process.exit(2);
}
const reports = JSON.parse(readFileSync(json, "utf8"));
const chromium = await openTab().catch((error) => {
  console.error(error.message);
  process.exit(2);
});
const { tab, evaluate } = chromium;

const problems = [];
const check = (holds, claim) => {
  if (!holds) problems.push(claim);
};
let checked = 0;

try {
  chromium.listen(({ method, params }) => {
    if (method === "Runtime.exceptionThrown") problems.push(`exception: ${params.exceptionDetails.exception?.description}`);
    if (method === "Runtime.consoleAPICalled" && ["error", "warning"].includes(params.type)) problems.push(`console: ${JSON.stringify(params.args)}`);
    if (method === "Log.entryAdded" && params.entry.level === "error") problems.push(`log: ${params.entry.text}`);
    if (method === "Network.requestWillBeSent" && !/^(file|data):/.test(params.request.url)) problems.push(`request to ${params.request.url}`);
  });
  for (const domain of ["Runtime", "Log", "Network"]) await tab(`${domain}.enable`);
  await chromium.navigate(pathToFileURL(resolve(page)).href);

  const screenshot = async (name) => {
    if (!shots) return;
    const { data } = await tab("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
    writeFileSync(`${shots}-${name}.png`, Buffer.from(data, "base64"));
  };

  for (const report of reports) {
    await evaluate(`document.querySelector('button[data-fork="${report.fork}"]').click()`);
    const figures = await evaluate(`[...document.querySelectorAll("[data-figure]")].map((cell) => [cell.dataset.figure, cell.textContent])`);
    for (const [path, text] of figures) {
      const [fork, ...fields] = path.split(".");
      let expected = reports.find((report) => report.fork === fork);
      for (const field of fields) expected = expected?.[field];
      // A phase that a fork does not have is zero.
      check(Number(text.replaceAll(",", "")) === (expected ?? 0), `${path} is ${text} on the page, ${expected} in the report`);
      checked += 1;
    }
    const seen = new Set(figures.map(([path]) => path));
    for (const field of ["total", "execution", "intrinsic", "floor", "deploy_gas", "runtime_bytes", ...Object.keys(report.phases).map((phase) => `phases.${phase}`), ...report.lines.map((_, line) => `lines.${line}.gas`)]) {
      check(seen.has(`${report.fork}.${field}`), `${report.fork}.${field} is not on the page`);
    }

    const boxes = await evaluate(`[...document.querySelectorAll("#flame button[data-part]")].map((box) => [box.dataset.part, Number(box.dataset.gas), parseFloat(box.style.width)])`);
    for (const [phase, gas, width] of boxes) {
      check(gas === report.phases[phase], `the graph gives ${phase} ${gas}, the report ${report.phases[phase]}`);
      check(Math.abs(width - (100 * gas) / report.total) < 0.01, `${phase} is ${width} % wide`);
    }
    check(boxes.length > 0, "the graph is empty");
    const largest = boxes.reduce((most, box) => (box[1] > most[1] ? box : most));
    if (report === reports[0]) await screenshot("summary");
    await evaluate(`document.querySelector('#flame button[data-part="${largest[0]}"]').click()`);
    const zoomed = await evaluate(`[document.querySelector("#flame button").textContent, document.querySelector("#crumbs").textContent]`);
    check(zoomed[0].startsWith(largest[0]) && zoomed[1].includes(`total › ${largest[0]}`), `zooming to ${largest[0]} shows ${zoomed}`);
    if (report === reports[0]) await screenshot("zoomed");
    await evaluate(`document.querySelector("#crumbs button").click()`);
    check((await evaluate(`document.querySelector("#flame button").textContent`)).startsWith("total"), "zooming out fails");
  }
  const hidden = await evaluate(`(() => {
    const box = document.querySelector("#sources input");
    if (!box) return null;
    box.click();
    return [document.querySelectorAll(".source tr[hidden]").length, document.querySelectorAll(".source tr:not([hidden]) td.gas:empty").length];
  })()`);
  if (hidden) check(hidden[0] > 0, "lines without gas cannot be hidden");
  await tab("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
  await screenshot("dark");
  await tab("Emulation.setDeviceMetricsOverride", { width: 400, height: 800, deviceScaleFactor: 1, mobile: true });
  check((await evaluate("document.documentElement.scrollWidth")) <= 400, "the page is wider than a phone");
  await screenshot("phone");
} catch (error) {
  problems.push(String(error.stack ?? error));
} finally {
  await chromium.close();
}
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? `the page shows ${checked} figures, all as in the report` : `${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);

#!/usr/bin/env node
// Opens a gas report page in headless Chromium and checks what a reader sees:
//
//   script/check-gas-page.mjs gas.html gas.json [screenshot-prefix]
//
// Every figure equal to the JSON report, the flame graph's phases as wide as their gas, zooming and the switch of forks
// work. `gas.json` is an array of reports.
import { readFileSync } from "node:fs";
import { at, conclude, figuresOf, problemsOf } from "./page.mjs";

const [page, json, shots] = process.argv.slice(2);
if (!page || !json) {
  console.error("usage: check-gas-page.mjs gas.html gas.json [screenshot-prefix]");
  process.exit(2);
}
const reports = JSON.parse(readFileSync(json, "utf8"));
let checked = 0;
const problems = await problemsOf(page, shots, async ({ evaluate, check, screenshot }) => {
  for (const report of reports) {
    await evaluate(`document.querySelector('button[data-fork="${report.fork}"]').click()`);
    const figures = await figuresOf(evaluate);
    for (const [path, text] of figures) {
      const [fork, ...fields] = path.split(".");
      const expected = at(reports.find((report) => report.fork === fork), fields);
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
});
conclude(problems, checked);

#!/usr/bin/env node
// Opens a page of `inspect --html` or `bench --html` in headless Chromium and checks that the figures on it are those of what
// the same command printed as JSON:
//
//   script/check-page.mjs page.html report.json [screenshot-prefix]
import { readFileSync } from "node:fs";
import { at, conclude, figuresOf, problemsOf } from "./page.mjs";

const [page, json, shots] = process.argv.slice(2);
if (!page || !json) {
  console.error("usage: check-page.mjs page.html report.json [screenshot-prefix]");
  process.exit(2);
}
const report = JSON.parse(readFileSync(json, "utf8"));
let checked = 0;
const problems = await problemsOf(page, shots, async ({ evaluate, check, screenshot }) => {
  for (const [path, text] of await figuresOf(evaluate)) {
    const shown = Number(text.replaceAll(",", ""));
    const told = at(report, path.split("."));
    // Memory is shown in megabytes.
    const expected = path.endsWith("_bytes") && told > 2 ** 20 ? told / 2 ** 20 : told;
    const digits = text.split(".")[1]?.length ?? 0;
    check(Math.abs(shown - expected) <= 10 ** -digits, `${path} is ${text} on the page, ${told} in the report`);
    checked += 1;
  }
  check(checked > 0, "the page shows no figure");
  // Whoever points at a node sees its neighbours.
  const [rows, near] = await evaluate(`(() => {
    const rows = [...document.querySelectorAll("tr[data-row]")];
    rows.at(-1)?.dispatchEvent(new Event("mouseenter"));
    return [rows.length, document.querySelectorAll("tr.near").length];
  })()`);
  check(rows < 2 || near >= 2, "a node's neighbours are not shown");
  await screenshot("light");
});
conclude(problems, checked);

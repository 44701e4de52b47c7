// Looks at a page of one file in headless Chromium, for the checks beside this file, and holds what every such page must be: no
// error on the console, no request to anywhere, no wider than a phone, dark where that is asked for.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { openTab } from "./chromium.mjs";

// Gives `visit` what it takes to look at the page, `{ evaluate, check, screenshot }`, and returns what was found wrong.
export async function problemsOf(page, shots, visit) {
  const problems = [];
  const check = (holds, claim) => {
    if (!holds) problems.push(claim);
  };
  let chromium;
  try {
    chromium = await openTab();
    const { tab, evaluate } = chromium;
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
    await visit({ evaluate, check, screenshot });

    const background = () => evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await background();
    await tab("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
    check((await background()) !== light, "the page is not dark where that is preferred");
    await screenshot("dark");
    await tab("Emulation.setDeviceMetricsOverride", { width: 400, height: 800, deviceScaleFactor: 1, mobile: true });
    check((await evaluate("document.documentElement.scrollWidth")) <= 400, "the page is wider than a phone");
    await screenshot("phone");
  } catch (error) {
    problems.push(String(error.stack ?? error));
  } finally {
    await chromium?.close();
  }
  return problems;
}

// The figures that a page shows, each with the place in the report that it says it is from.
export const figuresOf = (evaluate) =>
  evaluate(`[...document.querySelectorAll("[data-figure]")].map((cell) => [cell.dataset.figure, cell.textContent])`);

// What a report has at a place.
export const at = (report, fields) => fields.reduce((value, field) => value?.[field], report);

// Says what is wrong, if anything is, and ends.
export function conclude(problems, checked) {
  for (const problem of problems) console.error(problem);
  console.log(problems.length === 0 ? `the page shows ${checked} figures, all as in the report` : `${problems.length} problems`);
  process.exit(problems.length === 0 ? 0 : 1);
}

// Opens a page in headless Chromium for the checks of pages beside this file, and holds what every page must be: no error on
// the console, no request to anywhere, no wider than a phone, dark where that is asked for.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// Gives `visit` what it takes to look at the page, `{ evaluate, check, screenshot }`, and returns what was found wrong.
export async function problemsOf(page, shots, visit) {
  const profile = mkdtempSync(join(tmpdir(), "page-"));
  const chromium = spawn(
    process.env.CHROMIUM ?? "chromium",
    ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "--window-size=1240,1400", "about:blank"],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const started = new Promise((resolve, reject) => {
    chromium.on("spawn", resolve);
    chromium.on("error", (error) => reject(new Error(`chromium does not start: ${error.message}`)));
  });

  // The DevTools protocol: messages end with a zero byte.
  let last = 0;
  let pending = "";
  const waiting = new Map();
  const listeners = [];
  chromium.stdio[4].setEncoding("utf8").on("data", (chunk) => {
    const messages = (pending + chunk).split("\0");
    pending = messages.pop();
    for (const message of messages.map((text) => JSON.parse(text))) {
      if (message.id === undefined) listeners.forEach((listener) => listener(message));
      else {
        const { resolve, reject } = waiting.get(message.id);
        if (message.error) reject(new Error(message.error.message));
        else resolve(message.result);
      }
    }
  });
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      chromium.stdio[3].write(JSON.stringify({ id: last, method, params, sessionId }) + "\0");
    });

  const problems = [];
  const check = (holds, claim) => {
    if (!holds) problems.push(claim);
  };
  try {
    await started;
    const { targetId } = await send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
    const tab = (method, params) => send(method, params, sessionId);
    let loaded;
    const load = new Promise((resolve) => (loaded = resolve));
    listeners.push(({ method, params }) => {
      if (method === "Page.loadEventFired") loaded();
      if (method === "Runtime.exceptionThrown") problems.push(`exception: ${params.exceptionDetails.exception?.description}`);
      if (method === "Runtime.consoleAPICalled" && ["error", "warning"].includes(params.type)) problems.push(`console: ${JSON.stringify(params.args)}`);
      if (method === "Log.entryAdded" && params.entry.level === "error") problems.push(`log: ${params.entry.text}`);
      if (method === "Network.requestWillBeSent" && !/^(file|data):/.test(params.request.url)) problems.push(`request to ${params.request.url}`);
    });
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await tab(`${domain}.enable`);
    await tab("Page.navigate", { url: pathToFileURL(resolve(page)).href });
    await load;

    const evaluate = async (expression) => {
      const { result, exceptionDetails } = await tab("Runtime.evaluate", { expression, returnByValue: true });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    };
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
    const ended = new Promise((resolve) => (chromium.pid ? chromium.once("exit", resolve) : resolve()));
    chromium.kill();
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
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

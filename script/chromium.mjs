// A tab of a headless Chromium, for scripts and tests that look at pages.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The program. */
export const CHROMIUM = process.env.CHROMIUM ?? "chromium";

/** Starts one with an empty tab; throws where there is none. */
export async function openTab() {
  const profile = mkdtempSync(join(tmpdir(), "zkverdict-page-"));
  const chromium = spawn(
    CHROMIUM,
    ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "--window-size=1240,1400", "about:blank"],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const ended = new Promise((resolve) => chromium.once("close", resolve));
  const close = async () => {
    chromium.kill();
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await new Promise((resolve, reject) => chromium.once("spawn", resolve).once("error", reject));
  } catch (error) {
    rmSync(profile, { recursive: true, force: true });
    throw new Error(`chromium does not start: ${error.message}`);
  }

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

  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const tab = (method, params) => send(method, params, sessionId);
  return {
    /** Sends a command to the browser, or to a session. */
    send,
    /** Sends a command to the tab. */
    tab,
    /** Hears of each event. */
    listen: (listener) => listeners.push(listener),
    /** Opens a page and returns when it has loaded. */
    async navigate(url) {
      let loaded;
      const load = new Promise((resolve) => (loaded = resolve));
      listeners.push(({ method }) => method === "Page.loadEventFired" && loaded());
      await tab("Page.enable");
      await tab("Page.navigate", { url });
      await load;
    },
    /** The value of an expression in the page, of a promise what it comes to. */
    async evaluate(expression) {
      const { result, exceptionDetails } = await tab("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    },
    close,
  };
}

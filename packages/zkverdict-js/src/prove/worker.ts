/** The prover in a thread of its own: a module worker of a page, or one of Node's. */

import { Engine } from "./engine.js";
import { told, type Told } from "./failure.js";

/** What the worker is asked. */
export interface Asked {
  readonly id: number;
  readonly what: "open" | "prove";
  readonly request: Uint8Array;
  /** Where prover.wasm is, before anything else. */
  readonly place: string;
}

/** What it tells of it. */
export type Heard = { readonly id: number } & ({ readonly stage: string } | { readonly answer: unknown } | { readonly failure: Told });

let engine: Promise<Engine> | undefined;

async function answer({ id, what, request, place }: Asked, tell: (told: Heard) => void): Promise<void> {
  try {
    engine ??= Engine.load(place);
    tell({ id, answer: (await engine).call(what, request, (stage) => tell({ id, stage })) });
  } catch (error) {
    tell({ id, failure: told(error) });
  }
}

if ("WorkerGlobalScope" in globalThis) {
  const scope = globalThis as unknown as { onmessage: (event: { data: Asked }) => void; postMessage: (told: Heard) => void };
  scope.onmessage = ({ data }) => void answer(data, (told) => scope.postMessage(told));
} else {
  const threads: string = "node:worker_threads";
  const { parentPort } = await import(threads);
  parentPort.on("message", (asked: Asked) => void answer(asked, (told) => parentPort.postMessage(told)));
}

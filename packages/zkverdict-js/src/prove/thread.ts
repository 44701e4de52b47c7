/** Where the prover runs: in a thread of its own, or in this one. */

import { Engine } from "./engine.js";
import { errorOf, ProvingError } from "./failure.js";
import type { Asked, Heard } from "./worker.js";

/** As much of a page's `Worker` as is needed. Programs of Node know none of the page's types. */
export interface PageWorker {
  onmessage: ((event: any) => unknown) | null;
  onerror: ((event: any) => unknown) | null;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  terminate(): void;
}

export interface Thread {
  ask(what: Asked["what"], request: Uint8Array<ArrayBuffer>, listener: (stage: string) => void): Promise<unknown>;
  /** Ends it, with all that it has in memory. */
  stop(reason: unknown): void;
}

interface Waiting {
  readonly listener: (stage: string) => void;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** A thread that is asked by messages. */
class Worked implements Thread {
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #ended: unknown;

  constructor(
    readonly place: string,
    readonly post: (asked: Asked, transfer: ArrayBuffer[]) => void,
    readonly end: () => unknown,
  ) {}

  ask(what: Asked["what"], request: Uint8Array<ArrayBuffer>, listener: (stage: string) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      const id = ++this.#last;
      this.#waiting.set(id, { listener, resolve, reject });
      this.post({ id, what, request, place: this.place }, [request.buffer]);
    });
  }

  hear(heard: Heard): void {
    const waiting = this.#waiting.get(heard.id);
    if (waiting === undefined) return;
    if ("stage" in heard) return waiting.listener(heard.stage);
    this.#waiting.delete(heard.id);
    if ("answer" in heard) waiting.resolve(heard.answer);
    else waiting.reject(errorOf(heard.failure));
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0;
  }

  stop(reason: unknown): void {
    this.#ended ??= reason;
    this.end();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }

  broken(why: string): void {
    this.stop(new ProvingError("Defect", `the prover's worker stopped: ${why}`, "serve worker.js of the package beside its other files"));
  }
}

function ofPage(worker: PageWorker, place: string): Thread {
  const thread = new Worked(place, (asked, transfer) => worker.postMessage(asked, transfer), () => worker.terminate());
  worker.onmessage = ({ data }) => thread.hear(data);
  worker.onerror = (event) => thread.broken(event.message ?? "it cannot be loaded");
  return thread;
}

async function ofNode(place: string): Promise<Thread> {
  const threads: string = "node:worker_threads";
  const { Worker: NodeWorker } = await import(threads);
  // Options of the program, such as `--input-type`, are not for a file.
  const worker = new NodeWorker(new URL("./worker.js", import.meta.url), { execArgv: [] });
  const thread = new Worked(place, (asked, transfer) => worker.postMessage(asked, transfer), () => worker.terminate());
  worker.on("message", (heard: Heard) => thread.hear(heard));
  worker.on("error", (error: Error) => thread.broken(error.message));
  // A program may end while nothing is proved.
  worker.unref();
  return {
    stop: (reason) => thread.stop(reason),
    ask: (...asked) => {
      worker.ref();
      return thread.ask(...asked).finally(() => thread.isIdle && worker.unref());
    },
  };
}

async function here(place: string): Promise<Thread> {
  const engine = await Engine.load(place);
  let ended: unknown;
  return {
    ask: async (what, request, listener) => {
      if (ended !== undefined) throw ended;
      return engine.call(what, request, listener);
    },
    stop: (reason) => {
      ended ??= reason;
    },
  };
}

/** `worker` says where: in a worker of the package, in one that is given, or here. */
export async function startThread(worker: boolean | PageWorker, place: string): Promise<Thread> {
  if (typeof worker === "object") return ofPage(worker, place);
  if (!worker) return here(place);
  if (typeof Worker === "undefined") return ofNode(place);
  return ofPage(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }), place);
}

/** The prover in this thread: packages/zkverdict-wasm. */

import { errorOf, ProvingError, type Told } from "./failure.js";

interface Exports {
  readonly memory: WebAssembly.Memory;
  request(length: number): number;
  answer(): number;
  answer_length(): number;
  open(): number;
  prove(): number;
}

export type Listener = (stage: string) => void;

/** What getRandomValues fills at once. */
const MOST_RANDOM_BYTES = 65536;

const DEFECT = "a file may be damaged; if it is as it was written, this is a defect of zkverdict: please report it";

async function compiled(place: string): Promise<WebAssembly.Module> {
  const failed = (why: string): ProvingError =>
    new ProvingError("Defect", `the prover \`${place}\` cannot be loaded: ${why}`, "serve prover.wasm of the package, or say with `wasm` where it is");
  if (place.startsWith("file:") && "process" in globalThis) {
    // A name that bundlers do not follow.
    const files: string = "node:fs/promises";
    const { readFile } = await import(files);
    const bytes: Uint8Array<ArrayBuffer> = await readFile(new URL(place)).catch((error: Error) => Promise.reject(failed(error.message)));
    return WebAssembly.compile(bytes);
  }
  const response = await fetch(place).catch((error: Error) => Promise.reject(failed(error.message)));
  if (!response.ok) throw failed(`the server answers ${response.status}`);
  return WebAssembly.compile(await response.arrayBuffer()).catch((error: Error) => Promise.reject(failed(error.message)));
}

export class Engine {
  readonly #exports: Exports;
  #listener: Listener = () => {};
  #panic = "";

  private constructor(module: WebAssembly.Module) {
    const host = {
      now: () => performance.now(),
      entered: (at: number, length: number) => this.#listener(this.#text(at, length)),
      panicked: (at: number, length: number) => (this.#panic = this.#text(at, length)),
      random: (at: number, length: number) => {
        for (let done = 0; done < length; done += MOST_RANDOM_BYTES) {
          const part = Math.min(MOST_RANDOM_BYTES, length - done);
          crypto.getRandomValues(new Uint8Array(this.#exports.memory.buffer as ArrayBuffer, at + done, part));
        }
      },
    };
    this.#exports = new WebAssembly.Instance(module, { host }).exports as unknown as Exports;
  }

  static async load(place: string): Promise<Engine> {
    return new Engine(await compiled(place));
  }

  /** What the prover answers, as JSON. The request's bytes are overwritten. */
  call(what: "open" | "prove", request: Uint8Array, listener: Listener): unknown {
    const exports = this.#exports;
    this.#listener = listener;
    let isAnswered: boolean;
    try {
      const at = exports.request(request.length);
      new Uint8Array(exports.memory.buffer, at, request.length).set(request);
      isAnswered = exports[what]() === 0;
    } catch (error) {
      throw new ProvingError("Defect", `could not go on: ${this.#panic || (error as Error).message}`, DEFECT);
    } finally {
      request.fill(0);
    }
    const answer: unknown = JSON.parse(this.#text(exports.answer(), exports.answer_length()));
    if (!isAnswered) throw errorOf(answer as Told);
    return answer;
  }

  #text(at: number, length: number): string {
    return new TextDecoder().decode(new Uint8Array(this.#exports.memory.buffer, at, length));
  }
}

/** Proofs of a bundle, made where the inputs are. */

import { shown, type Hex } from "../bytes.js";
import type { ProofDocument } from "../verify.js";
import { archiveOf, type BundleFiles } from "./bundle.js";
import { ProvingError } from "./failure.js";
import { requestOf, type Inputs, type Statement } from "./request.js";
import { startThread, type PageWorker, type Thread } from "./thread.js";

/** Hears of each stage as it begins, and how many seconds after the beginning. */
export type Progress = (stage: string, seconds: number) => void;

/** How a bundle is opened. */
export interface ProverOptions {
  /** The key that the bundle is to have: `VK_DIGEST` of the contract that will judge the proofs. */
  readonly vkDigest?: Hex;
  readonly onProgress?: Progress;
  /** Whether the prover has a thread of its own, as it has unless this is false; or the page's worker that runs `prove/worker.js`. */
  readonly worker?: boolean | PageWorker;
  /** Where `prover.wasm` is, if not beside this file. */
  readonly wasm?: string | URL;
}

/** How a proof is made. */
export interface ProofOptions extends Statement {
  readonly onProgress?: Progress;
  /** Stops the prover, which is closed then. */
  readonly signal?: AbortSignal;
}

/** An input of the bundle's model, and what proofs show of it. */
export interface ProverInput {
  readonly name: string;
  readonly shape: readonly number[];
  /** `private`: nothing. `committed`: the name of a commitment to it. `hashed`: a hash, which is another in each proof unless one is
   * given. `public`: all of it. */
  readonly visibility: "private" | "committed" | "hashed" | "public";
}

/** What `zkverdict prove` writes. */
export interface MadeProof extends ProofDocument {
  /** Of one inference. */
  readonly context?: Hex;
  /** Of several. */
  readonly contexts?: readonly Hex[];
  /** Of hashed inputs, of one inference. */
  readonly hashes?: Readonly<Record<string, Hex>>;
  /** Of commitments to inputs, of one inference. */
  readonly names?: Readonly<Record<string, Hex>>;
  /** A call of `verifyProof`. */
  readonly calldata: Hex;
  /** What the proof says that the model answers, by inference. */
  readonly inferences: readonly {
    readonly outputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly quantized: readonly number[]; readonly dequantized: readonly number[] }>>;
    readonly claims?: Readonly<Record<string, unknown>>;
    readonly hashes?: Readonly<Record<string, Hex>>;
  }[];
  readonly seconds: number;
  readonly cpu_seconds: number;
  readonly peak_memory_bytes: number;
}

/** A proof, and how its input was taken. */
export interface Proven {
  readonly proof: MadeProof;
  /** Values beyond the range that the model was quantized for, which were taken as the nearest end of it. */
  readonly beyond: number;
}

interface Summary {
  readonly model: string;
  readonly format: "halo2" | "packed";
  readonly vk_digest: Hex;
  readonly inputs: readonly ProverInput[];
}

function listenerOf(progress: Progress | undefined): (stage: string) => void {
  const start = performance.now();
  return (stage) => progress?.(stage, (performance.now() - start) / 1000);
}

/** A bundle's proving key, made once for many proofs. Inputs stay in this page or program: the prover has no network. */
export class Prover {
  readonly #thread: Thread;
  readonly #summary: Summary;

  private constructor(thread: Thread, summary: Summary) {
    [this.#thread, this.#summary] = [thread, summary];
  }

  /** Makes the proving key of a bundle. Throws a `ProvingError` where there is none. */
  static async open(bundle: BundleFiles, options: ProverOptions = {}): Promise<Prover> {
    const archive = archiveOf(bundle);
    const { worker = true, wasm = new URL("./prover.wasm", import.meta.url) } = options;
    const place = String("location" in globalThis ? new URL(wasm, globalThis.location.href) : wasm);
    const thread = await startThread(worker, place);
    try {
      const summary = (await thread.ask("open", archive, listenerOf(options.onProgress))) as Summary;
      const { vkDigest } = options;
      if (vkDigest !== undefined && vkDigest.toLowerCase() !== summary.vk_digest) {
        throw new ProvingError("KeysError", `the bundle's key is \`${summary.vk_digest}\`, expected \`${shown(vkDigest)}\``, "take the bundle that the contract was rendered from");
      }
      return new Prover(thread, summary);
    } catch (error) {
      thread.stop(error);
      throw error;
    }
  }

  /** The model's name. */
  get model(): string {
    return this.#summary.model;
  }

  get format(): "halo2" | "packed" {
    return this.#summary.format;
  }

  /** The key's digest, which the contract has as `VK_DIGEST`. */
  get vkDigest(): Hex {
    return this.#summary.vk_digest;
  }

  /** The model's inputs, and what proofs show of each. */
  get inputs(): readonly ProverInput[] {
    return this.#summary.inputs;
  }

  /** Proves what the model answers to inputs. Throws a `ProvingError` where there is no proof. */
  async prove(inputs: Inputs, options: ProofOptions = {}): Promise<Proven> {
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    const stop = (): void => this.#thread.stop(new ProvingError("Stopped", "the proof was stopped", "open the bundle again for another one"));
    signal?.addEventListener("abort", stop);
    try {
      return (await this.#thread.ask("prove", requestOf(inputs, options), listenerOf(onProgress))) as Proven;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Ends the prover's thread, with the keys and all that it had in memory. */
  close(): void {
    this.#thread.stop(new ProvingError("Stopped", "the prover was closed", "open the bundle again"));
  }
}

/** Makes one proof of a bundle: as of a `Prover` that is opened and closed. */
export async function prove(bundle: BundleFiles, inputs: Inputs, options: ProverOptions & ProofOptions = {}): Promise<Proven> {
  const listener = listenerOf(options.onProgress);
  const both = { ...options, onProgress: listener };
  const prover = await Prover.open(bundle, both);
  try {
    return await prover.prove(inputs, both);
  } finally {
    prover.close();
  }
}

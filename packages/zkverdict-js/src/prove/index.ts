export { prove, Prover, type MadeProof, type Progress, type ProofOptions, type Proven, type ProverInput, type ProverOptions } from "./prover.js";
export { fetchBundle, type BundleFiles } from "./bundle.js";
export { ProvingError, type ProvingCode } from "./failure.js";
export type { Inputs, InputValues, Statement } from "./request.js";
export type { PageWorker } from "./thread.js";

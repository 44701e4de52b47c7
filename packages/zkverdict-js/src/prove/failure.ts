/** Why there is no proof. */
export type ProvingCode =
  /** An input is not as the model takes it, or a context is none. */
  | "InputError"
  /** An option makes no sense for this bundle. */
  | "OptionError"
  /** The bundle is damaged, incomplete or of another version. */
  | "BundleError"
  /** The keys or the reference string cannot be used. */
  | "KeysError"
  | "ModelError"
  | "CircuitError"
  /** It was stopped. */
  | "Stopped"
  /** The prover could not go on. */
  | "Defect";

/** What the prover says when it makes no proof, in the words of the command. */
export class ProvingError extends Error {
  constructor(
    readonly code: ProvingCode,
    message: string,
    /** What to do about it, where the error alone can tell. */
    readonly hint?: string,
  ) {
    super(message);
    this.name = "ProvingError";
  }
}

/** An error as it crosses between threads. */
export interface Told {
  readonly code: ProvingCode;
  readonly message: string;
  readonly hint?: string | null;
}

export const told = (error: unknown): Told => {
  if (error instanceof ProvingError) return { code: error.code, message: error.message, hint: error.hint ?? null };
  return { code: "Defect", message: `could not go on: ${error instanceof Error ? error.message : String(error)}` };
};

export const errorOf = ({ code, message, hint }: Told): ProvingError => new ProvingError(code, message, hint ?? undefined);

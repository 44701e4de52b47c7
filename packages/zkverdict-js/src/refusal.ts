/** Why a proof is refused; named as the contract's errors are, where it has them. */
export type RefusalCode =
  /** The document is no key that this package reads. */
  | "MalformedKey"
  /** The document has no points for commitments, or others than are needed. */
  | "MalformedPoints"
  /** The document is no proof, or has no instances. */
  | "MalformedProof"
  /** The proof is for another key. */
  | "WrongKey"
  /** The proof is of another format than the key. */
  | "WrongFormat"
  | "ProofLength"
  | "InstanceCount"
  | "ScalarOutOfRange"
  | "PointNotOnCurve"
  /** A commitment that the proof brings is not the one that the instances name. */
  | "WrongName"
  | "ChallengeInDomain"
  | "InvalidProof";

/** A proof that does not hold, or cannot be checked. */
export class Refusal extends Error {
  constructor(
    readonly code: RefusalCode,
    message: string,
  ) {
    super(`${code}: ${message}`);
    this.name = "Refusal";
  }
}

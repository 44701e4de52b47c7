export { verify, Verifier, type ProofDocument } from "./verify.js";
export { Refusal, type RefusalCode } from "./refusal.js";
export { dequantize, pack, unpack, type ClaimSchema, type HashSchema, type InstanceSchema, type NameSchema, type TensorSchema } from "./instances.js";
export {
  capacityOf,
  classOf,
  commit,
  nameOf,
  type Commitment,
  type CommitmentDocument,
  type CommitmentRequest,
  type Coordinates,
  type PointsDocument,
} from "./commitment.js";
export { hashInput, hashOfWords, type HashDocument, type HashRequest, type InputHash, type Poseidon3 } from "./hash.js";
export {
  readSchema,
  schemaHash,
  SchemaError,
  valuesOf,
  type DataField,
  type DataSchema,
  type DataValue,
  type SchemaDocument,
  type SchemaErrorCode,
} from "./schema.js";
export { packWords, wordsOf, type Code } from "./code.js";
export type { KeyDocument } from "./verify.js";
export type { Expression, Halo2KeyDocument } from "./halo2/key.js";
export type { PackedKeyDocument } from "./packed/key.js";
export type { Hex } from "./bytes.js";

/** What links of both formats share: a column that holds what a commitment to an input does. */

import { nameOf } from "./commitment.js";
import { inverted } from "./domain.js";
import { mod, mul, power, rootOfUnity } from "./field.js";
import type { PointG1 } from "./points.js";
import { Refusal } from "./refusal.js";

/** Of a commitment's domain, the last rows that hold no word; neither does the first. */
const FREE_ROWS = 16;

/** 1/Z(x), Z being 0 where a size class holds words and nowhere else. */
export function inverseOfVanishing(size: number, x: bigint): bigint {
  const [root, order] = [rootOfUnity(size), 1n << BigInt(size)];
  let product = mul(inverted(power(x, order) - 1n), mod(x - 1n));
  for (let row = order - BigInt(FREE_ROWS); row < order; ++row) product = mul(product, mod(x - power(root, row)));
  return product;
}

/** The name of a commitment that a proof brings. */
export function nameOfPoint(size: number, point: PointG1): bigint {
  const { x, y } = point.toAffine();
  return BigInt(nameOf(size, [x, y]));
}

/** Refuses a proof unless the commitment of this number has the name that the instances say. */
export function checkName(index: number, name: bigint, said: bigint | undefined): void {
  if (said !== name) throw new Refusal("WrongName", `commitment ${index} of the proof is not the one that its instances name`);
}

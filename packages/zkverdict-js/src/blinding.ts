/** What hides data. */

import { randomBytes } from "@noble/hashes/utils";
import { integerAt } from "./bytes.js";
import { R } from "./field.js";

/** Refuses what cannot blind. */
export function checkBlinding(blinding: bigint): void {
  if (blinding <= 0n || blinding >= R) throw new RangeError("what blinds is not 0, and below the scalar modulus");
}

/** A number below the scalar modulus, not 0: 64 random bytes are so many more than it has that each is as likely as any other. */
export function drawBlinding(): bigint {
  for (;;) {
    const bytes = randomBytes(64);
    const wide = (integerAt(bytes, 0) << 256n) | integerAt(bytes, 32);
    bytes.fill(0);
    const blinding = wide % R;
    if (blinding !== 0n) return blinding;
  }
}

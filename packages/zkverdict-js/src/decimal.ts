/** Decimals, exactly: multiples of 10^−18 below 10^18 in magnitude, as integers of such steps. */

const PLACES = 18;
const LONGEST = 64;
const NUMBER = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/** Reads a number as JSON writes it. None if it is another text or no such decimal. */
export function decimalOf(text: string): bigint | undefined {
  const found = text.length > LONGEST ? null : NUMBER.exec(text);
  if (!found) return undefined;
  const [, sign, whole, fraction = "", exponent = "0"] = found;
  const digits = whole! + fraction;
  const kept = digits.replace(/0+$/, "");
  const significant = kept.replace(/^0+/, "");
  if (significant === "") return 0n;
  const places = BigInt(exponent.replace(/^\+/, "")) + BigInt(PLACES + digits.length - kept.length - fraction.length);
  if (places < 0n || places >= 2 * PLACES || significant.length + Number(places) > 2 * PLACES) return undefined;
  const magnitude = BigInt(significant) * 10n ** places;
  return sign === "-" ? -magnitude : magnitude;
}

/** How many steps a decimal is from an offset: the nearest integer, of two the even one, and whether it is just that. */
export function stepsOf(value: bigint, offset: bigint, step: bigint): readonly [steps: bigint, isExact: boolean] {
  const distance = value - offset;
  const rest = ((distance % step) + step) % step;
  const below = (distance - rest) / step;
  const up = 2n * rest > step || (2n * rest === step && below % 2n !== 0n);
  return [up ? below + 1n : below, rest === 0n];
}

/** Polynomials that are 0 on a circuit's rows, in postfix order, as `docs/protocol.md` has them. */

import { mod, mul } from "./field.js";

export type ColumnKind = "advice" | "fixed" | "instance";

/** A step on a stack: a constant, a column so many rows after the point, a challenge, or what is done with the topmost values. */
export type Operation =
  | bigint
  | readonly [kind: ColumnKind, column: number, rotation: number]
  | readonly ["challenge", number]
  | "-"
  | "+"
  | "*";

/** Operations that leave one value. */
export type Gate = readonly Operation[];

/** How many values an operation takes. */
export const taken = (operation: Operation): number => (operation === "-" ? 1 : operation === "+" || operation === "*" ? 2 : 0);

/** The value of a gate that was checked to find its values on the stack. */
export function evaluate(
  gate: Gate,
  cell: (kind: ColumnKind, column: number, rotation: number) => bigint,
  challenge: (index: number) => bigint,
): bigint {
  const stack: bigint[] = [];
  const pop = (): bigint => stack.pop()!;
  for (const operation of gate) {
    if (typeof operation === "bigint") stack.push(operation);
    else if (operation === "-") stack.push(mod(-pop()));
    else if (operation === "+") stack.push(mod(pop() + pop()));
    else if (operation === "*") stack.push(mul(pop(), pop()));
    else if (operation[0] === "challenge") stack.push(challenge(operation[1]));
    else stack.push(cell(...operation));
  }
  return pop();
}

/** The gates' values added up by powers of a challenge, the first with the highest. */
export function fold(gates: readonly Gate[], y: bigint, valueOf: (gate: Gate) => bigint): bigint {
  return gates.reduce((sum, gate) => mod(mul(sum, y) + valueOf(gate)), 0n);
}

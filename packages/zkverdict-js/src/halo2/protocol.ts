/** What a proof consists of, derived from the key's constraint system as halo2 does it. */

import type { Halo2KeyDocument } from "./key.js";

/** What is opened: a commitment, or the sum of the quotient's pieces. */
export type Polynomial = `${"advice" | "fixed"} ${number}` | "quotient" | "random";

/** Points that are absorbed together, and the challenges drawn after them. */
export interface Round {
  readonly points: readonly string[];
  readonly challenges: readonly string[];
}

export interface Opening {
  readonly polynomial: Polynomial;
  readonly rotation: number;
}

/** The polynomials that are opened at the same points. */
export interface RotationSet {
  readonly rotations: readonly number[];
  readonly polynomials: readonly Polynomial[];
}

export interface Protocol {
  readonly rounds: readonly Round[];
  /** Which evaluation comes when, of those that the proof gives. */
  readonly evaluations: readonly Opening[];
  readonly sets: readonly RotationSet[];
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export function protocolOf(key: Halo2KeyDocument): Protocol {
  const phases = Math.max(0, ...key.advice_phases);
  const inPhase = (all: readonly number[], phase: number): number[] => upTo(all.length).filter((i) => all[i] === phase);
  const rounds: Round[] = upTo(phases + 1).map((phase) => ({
    points: inPhase(key.advice_phases, phase).map((i) => `advice ${i}`),
    challenges: inPhase(key.challenge_phases, phase).map((i) => `challenge ${i}`),
  }));
  // Of look-ups and permutations only the challenges are left.
  rounds.push({ points: [], challenges: ["theta", "beta", "gamma"] });
  rounds.push({ points: ["random"], challenges: ["y"] });
  rounds.push({ points: upTo(key.degree - 1).map((i) => `piece ${i}`), challenges: ["x"] });

  const opening = (polynomial: Polynomial, rotation: number): Opening => ({ polynomial, rotation });
  const advice = key.advice_queries.map(([column, rotation]) => opening(`advice ${column}`, rotation));
  const fixed = key.fixed_queries.map(([column, rotation]) => opening(`fixed ${column}`, rotation));
  const random = opening("random", 0);
  // In halo2's orders, of which the second decides the powers of the openings' challenges.
  const evaluations = [...advice, ...fixed, random];
  const openings = [...advice, ...fixed, opening("quotient", 0), random];
  return { rounds, evaluations, sets: rotationSets(openings) };
}

/** Sets of rotations in the order of their first polynomial. */
function rotationSets(openings: readonly Opening[]): RotationSet[] {
  const opened = new Map<Polynomial, number[]>();
  for (const { polynomial, rotation } of openings) {
    opened.set(polynomial, [...(opened.get(polynomial) ?? []), rotation]);
  }
  const sets = new Map<string, { rotations: number[]; polynomials: Polynomial[] }>();
  for (const [polynomial, unsorted] of opened) {
    const rotations = unsorted.sort((a, b) => a - b);
    const set = sets.get(rotations.join()) ?? { rotations, polynomials: [] };
    set.polynomials.push(polynomial);
    sets.set(rotations.join(), set);
  }
  return [...sets.values()];
}

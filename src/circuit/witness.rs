//! What an honest prover writes into the circuit.

use super::average;
use super::compute::{Claim, Tamper, compute};
use super::fixed::Fixed;
use super::graph::{Kind, MOST_SPILLS, Net};
use super::intervals::LENGTH_FACTOR;
use super::layout::{CURSORS, Content, MAKER, POSITION, WEIGHER};
use super::plan::Plan;
use crate::circuit::{
    BYTES_PER_WORD, CircuitError,
    activation::{byte, integer},
    field::{byte_power, field, left_to_pack, pack, unsigned},
    lookups::{Cells, running_sums},
};
use halo2_proofs::halo2curves::bn256::Fr;

/// First-phase columns, row 0 to the last active row.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Row of the table that a byte is read from.
    pub table_row: Vec<Fr>,
    /// The byte read.
    pub byte: Vec<Fr>,
    /// Limbs, least first.
    pub limbs: Vec<Vec<Fr>>,
    /// With intervals: start and length of the one in the row read.
    pub steps: Option<[Vec<Fr>; 2]>,
    /// Integers of any size.
    pub wide: Option<Vec<Fr>>,
    /// Uses of each row's index as a limb.
    pub limb_uses: Vec<Fr>,
    /// Uses of each row's table entry.
    pub table_uses: Vec<Fr>,
    /// The context and the packed words.
    pub instances: Vec<Fr>,
    /// The model's outputs.
    pub outputs: Vec<i32>,
}

/// Second-phase columns, row 0 to the last active row.
#[derive(Clone, Debug)]
pub struct Sums {
    /// Running sums of the look-up argument.
    pub lookup_sums: Vec<Vec<Fr>>,
    /// Monomials.
    pub cursors: [Vec<Fr>; CURSORS],
    /// Sums of weights.
    pub coefficient: Vec<Fr>,
    /// What is made less what is taken.
    pub balance: Vec<Fr>,
    /// What is left to be packed.
    pub packed: Vec<Fr>,
}

/// The challenges after the first phase.
#[derive(Clone, Copy, Debug)]
pub struct Challenges {
    /// Separates table entries.
    pub beta: Fr,
    /// Folds a table entry into one element.
    pub gamma: Fr,
    /// ρ, s₁, s₂.
    pub points: [Fr; 3],
    /// Point at which packed words are evaluated.
    pub tau: Fr,
}

impl Witness {
    /// Computes a net on an input.
    pub fn new(net: &Net, plan: &Plan, input: &[i32], context: Fr) -> Result<Self, CircuitError> {
        Self::tampered(net, plan, input, context, &|_, _, _| {})
    }

    /// The same with what a prover says of integers that are not computed, given what an honest one says.
    pub fn with_claims(
        net: &Net,
        plan: &Plan,
        input: &[i32],
        context: Fr,
        claim: impl Fn(Kind, i128) -> i128,
    ) -> Result<Self, CircuitError> {
        Self::of(net, plan, input, context, &|_, _, _| {}, &claim)
    }

    /// The same for a prover who cheats in some cells and is honest about what follows from them.
    pub fn tampered(
        net: &Net,
        plan: &Plan,
        input: &[i32],
        context: Fr,
        tamper: Tamper<'_>,
    ) -> Result<Self, CircuitError> {
        Self::of(net, plan, input, context, tamper, &|_, honest| honest)
    }

    fn of(
        net: &Net,
        plan: &Plan,
        input: &[i32],
        context: Fr,
        tamper: Tamper<'_>,
        claim: Claim<'_>,
    ) -> Result<Self, CircuitError> {
        let expected = net.inputs.iter().map(|port| port.len).sum();
        if input.len() != expected {
            return Err(CircuitError::InputLength { found: input.len(), expected });
        }
        let mut bytes: Vec<u8> = Vec::with_capacity(input.len());
        for &port in &net.inputs {
            let element = port.element;
            for (index, &value) in port.of(input).iter().enumerate() {
                let byte = byte(value, element);
                bytes.push(byte.ok_or(CircuitError::InputRange { index, value, element })?);
            }
        }
        let input = bytes;
        let held = compute(net, plan, &input, tamper, claim);

        let length = plan.shape.table_rows + 1;
        let raised = u32::try_from(plan.shape.table_rows - 256).expect("tables are short");
        // Idle rows look up index 0 and read row 0.
        let mut table_row = vec![0_u32; length];
        let mut limbs = vec![vec![0_u32; length]; plan.shape.limb_columns()];
        let mut wide = plan.shape.vectors.then(|| vec![Fr::zero(); length]);
        let mut spills = Vec::new();
        for (at, row) in plan.layout.rows.iter().enumerate() {
            match row.content {
                Content::Cell { block, cell } => {
                    let held = &held[block as usize][cell as usize];
                    spills.extend(held.spills.map(|own| (at, own)));
                    if let (Some(wide), Some(integer)) = (&mut wide, held.wide) {
                        wide[at] = field(integer);
                    }
                    let held = &held.division;
                    table_row[at] = held.u;
                    for (column, &limb) in limbs.iter_mut().zip(&held.limbs) {
                        column[at] = limb;
                    }
                    if net.inputs.iter().any(|port| port.block == block as usize) {
                        limbs[1][at] = held.limbs[0] + raised;
                    }
                }
                Content::Hold => {
                    for column in &mut limbs[..2] {
                        column[at] = column[at - 1];
                    }
                    if plan.shape.averages {
                        table_row[at] = table_row[at - 1];
                    }
                }
                _ => {}
            }
        }
        let (mut limb_uses, mut table_uses) = (vec![0_usize; length], vec![0_usize; length]);
        let looks_up = |at: &usize| spills.binary_search_by_key(at, |(row, _)| *row).is_err();
        for at in (1..length).filter(looks_up) {
            table_uses[table_row[at] as usize + 1] += 1;
            for column in &limbs {
                limb_uses[column[at] as usize + 1] += 1;
            }
        }
        let mut instances = vec![context];
        for &port in net.inputs.iter().filter(|port| net.blocks[port.block].is_public) {
            instances.extend(pack(port.of(&input)));
        }
        let mut outputs = Vec::new();
        for port in &net.outputs {
            let mut bytes = vec![0_u8; port.len];
            for (cell, held) in net.blocks[port.block].cells.iter().zip(&held[port.block]) {
                if let Some(element) = cell.element {
                    bytes[element as usize] = u8::try_from(held.byte()).expect("a byte");
                }
            }
            instances.extend(pack(&bytes));
            outputs.extend(bytes.into_iter().map(|byte| integer(byte, port.element)));
        }
        let steps = plan.fitted.intervals.as_ref().map(|intervals| {
            let read = table_row.iter().map(|&row| intervals[row as usize]);
            let parts = read.map(|interval| (field(interval.start), field(interval.length)));
            let (starts, lengths) = parts.unzip();
            [starts, lengths]
        });
        let table = &plan.fitted.table;
        let bytes = table_row.iter().map(|&row| Fr::from(u64::from(table[row as usize])));
        let elements = |column: Vec<u32>| -> Vec<Fr> {
            column.into_iter().map(|v| Fr::from(u64::from(v))).collect()
        };
        let mut byte: Vec<Fr> = bytes.collect();
        let mut table_row = elements(table_row);
        let mut limbs: Vec<Vec<Fr>> = limbs.into_iter().map(elements).collect();
        for (at, own) in spills {
            let [first, second] = limbs.first_chunk_mut().expect("there are two limbs");
            let cells = [first, second, &mut table_row, &mut byte];
            for (column, spill) in cells.into_iter().zip(own) {
                column[at] = field(spill);
            }
        }
        Ok(Self {
            byte,
            steps,
            wide,
            table_row,
            limbs,
            limb_uses: limb_uses.into_iter().map(unsigned).collect(),
            table_uses: table_uses.into_iter().map(unsigned).collect(),
            instances,
            outputs,
        })
    }

    /// Whether the circuit computes what the reference does.
    pub fn agrees_with(&self, reference: impl Iterator<Item = i32>) -> Result<(), CircuitError> {
        for (index, (&circuit, reference)) in self.outputs.iter().zip(reference).enumerate() {
            if circuit != reference {
                return Err(CircuitError::Disagreement { index, circuit, reference });
            }
        }
        Ok(())
    }

    /// Computes the second phase for the drawn challenges.
    pub fn sums(&self, fixed: &Fixed, plan: &Plan, challenges: &Challenges) -> Sums {
        let cursors = cursors(plan, challenges, self.byte.len());
        let coefficient = self.coefficient(fixed, challenges, &cursors[WEIGHER]);
        Sums {
            lookup_sums: self.lookup_sums(fixed, plan, challenges),
            balance: self.balance(fixed, plan, challenges, &cursors, &coefficient),
            packed: self.packed(fixed, challenges),
            cursors,
            coefficient,
        }
    }

    fn lookup_sums(&self, fixed: &Fixed, plan: &Plan, challenges: &Challenges) -> Vec<Vec<Fr>> {
        let cells = |at: usize| {
            let factor = Fr::from(LENGTH_FACTOR);
            let factor = if plan.shape.averages { challenges.gamma } else { factor };
            let step = |[starts, lengths]: &[Vec<Fr>; 2]| starts[at] + lengths[at] * factor;
            Cells {
                looks_up: if fixed.rows[at].spills { Fr::zero() } else { Fr::one() },
                limbs: self.limbs.iter().map(|column| column[at]).collect(),
                table_row: self.table_row[at],
                byte: self.byte[at],
                step: self.steps.as_ref().map(step),
                limb_uses: self.limb_uses[at],
                table_uses: self.table_uses[at],
                index: fixed.index[at],
                table: fixed.table[at],
                table_step: fixed.steps.as_ref().map(|steps| {
                    let length = fixed.lengths.as_ref().map(|lengths| lengths[at]);
                    steps[at] + length.unwrap_or(Fr::zero()) * challenges.gamma
                }),
            }
        };
        running_sums((1..self.byte.len()).map(cells), challenges.beta, challenges.gamma)
    }

    /// The value of a row, as its taker sees it.
    fn value(&self, fixed: &Fixed, at: usize) -> Fr {
        if fixed.rows[at].makes() {
            self.byte[at]
        } else {
            self.held(fixed, at) - fixed.weights[0][at]
        }
    }

    /// What a row holds.
    fn held(&self, fixed: &Fixed, at: usize) -> Fr {
        match &self.wide {
            Some(wide) if fixed.rows[at].wide => wide[at],
            _ => self.limbs[0][at],
        }
    }

    pub(super) fn coefficient(
        &self,
        fixed: &Fixed,
        challenges: &Challenges,
        weigher: &[Fr],
    ) -> Vec<Fr> {
        let mut coefficient = vec![Fr::zero(); self.byte.len()];
        for at in 1..coefficient.len() {
            let row = &fixed.rows[at];
            let kept = if row.starts { Fr::zero() } else { coefficient[at - 1] };
            let mut added = Fr::zero();
            if row.weighs {
                added = (fixed.weights.iter().rev())
                    .fold(Fr::zero(), |sum, column| sum * challenges.points[0] + column[at]);
            }
            if row.loads {
                added += self.held(fixed, at) - fixed.weights[0][at];
            }
            coefficient[at] = kept + weigher[at] * added;
        }
        coefficient
    }

    /// What a row makes.
    fn made(&self, fixed: &Fixed, plan: &Plan, rho: Fr, at: usize) -> Fr {
        let base = field(plan.shape.base());
        let row = &fixed.rows[at];
        let (offset, scale) = (fixed.weights[0][at], fixed.weights[1][at]);
        if row.divides || row.naturals {
            let dividend = (self.limbs[..plan.shape.limbs].iter().rev())
                .fold(self.table_row[at], |sum, limb| sum * base + limb[at]);
            dividend * scale - offset
        } else if row.steps {
            let start = self.steps.as_ref().map_or(Fr::zero(), |[starts, _]| starts[at]);
            let sum = if row.continues { self.float_sum(plan, at - 1) } else { Fr::zero() };
            start + self.limbs[0][at] + base * self.limbs[1][at] - offset - sum
        } else if row.adds {
            let sum = if row.continues { self.float_sum(plan, at - 1) } else { Fr::zero() };
            self.unrounded(plan, at) - offset - sum
        } else if row.spills {
            let cells = [&self.limbs[0], &self.limbs[1], &self.table_row, &self.byte];
            let lanes = fixed.weights[..MOST_SPILLS - 1].iter().map(|lane| lane[at]);
            let factors = std::iter::once(Fr::one()).chain(lanes);
            let spills: Vec<Fr> =
                cells.iter().zip(factors).map(|(cell, factor)| cell[at] * factor).collect();
            spills.into_iter().rev().fold(Fr::zero(), |sum, spill| sum * rho + spill)
        } else if row.reads {
            let below = if row.larger { self.limbs[1][at] } else { Fr::zero() };
            self.held(fixed, at) - scale - below
        } else {
            Fr::zero()
        }
    }

    /// The sum that a row rounds, and the mark beside it.
    fn unrounded(&self, plan: &Plan, at: usize) -> Fr {
        let Some([starts, lengths]) = &self.steps else { return Fr::zero() };
        let quotient = self.limbs[0][at] + field(plan.shape.base()) * self.limbs[1][at];
        starts[at] + lengths[at] * quotient
    }

    /// The rounded sum that a row holds.
    fn float_sum(&self, plan: &Plan, at: usize) -> Fr {
        self.unrounded(plan, at) + self.byte[at] - field(average::MARK + average::LIFT)
    }

    pub(super) fn balance(
        &self,
        fixed: &Fixed,
        plan: &Plan,
        challenges: &Challenges,
        cursors: &[Vec<Fr>; CURSORS],
        coefficient: &[Fr],
    ) -> Vec<Fr> {
        let multiplier = byte_power(BYTES_PER_WORD) * challenges.tau;
        let inverse = multiplier.invert().unwrap_or(Fr::zero());
        let words = &self.instances[1..];
        // Instances lie closer than rows where columns share one.
        let fold = plan.shape.fold;
        let word = |index: usize| self.instances.get(index).copied().unwrap_or(Fr::zero());
        // What the words add up to, the first lowest.
        let all = words.iter().rev().fold(Fr::zero(), |sum, word| sum * multiplier + word);
        let mut balance = vec![all; self.byte.len()];
        for at in 1..balance.len() {
            let row = &fixed.rows[at];
            let then = balance[at - 1];
            balance[at] = if row.words {
                let own = (at - 1) * fold + 1..=at * fold;
                own.fold(then, |rest, index| (rest - word(index)) * inverse)
            } else {
                let mut now =
                    then + cursors[MAKER][at] * self.made(fixed, plan, challenges.points[0], at);
                if row.takes || row.takes_wide || row.makes() {
                    now -= self.value(fixed, at) * coefficient[at] * cursors[POSITION][at];
                }
                now
            };
        }
        balance
    }

    fn packed(&self, fixed: &Fixed, challenges: &Challenges) -> Vec<Fr> {
        left_to_pack(self.byte.len(), |at| {
            let row = &fixed.rows[at];
            let tau = if row.ends_word { challenges.tau } else { Fr::one() };
            row.packs.then(|| (self.value(fixed, at), fixed.weights[2][at] * tau))
        })
    }
}

fn cursors(plan: &Plan, challenges: &Challenges, length: usize) -> [Vec<Fr>; CURSORS] {
    [WEIGHER, MAKER, POSITION].map(|cursor| {
        let multipliers = plan.shape.menus[cursor].multipliers(&challenges.points);
        let mut column = vec![Fr::one(); length];
        for at in 1..length {
            let step = plan.layout.rows.get(at).map_or(0, |row| row.moves[cursor]);
            column[at] = column[at - 1] * multipliers[usize::from(step)];
        }
        column
    })
}

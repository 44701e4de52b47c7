//! What an honest prover writes into the circuit.

use super::CircuitError;
use super::activation::{byte, integer};
use super::columns::{Cell, Point};
use super::compute::{Claim, Tamper, compute};
use super::field::{field, pack, unsigned};
use super::fixed::Fixed;
use super::layout::moves::CURSORS;
use super::layout::plan::Plan;
use super::layout::rows::Content;
use super::relations::{Row, lookup, packing, wires};
use super::shape::{Flag, Shape};
use super::wiring::{Kind, Net};
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
    pub parts: Option<[Vec<Fr>; 2]>,
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
    pub(super) fn new(
        net: &Net,
        plan: &Plan,
        input: &[i32],
        context: Fr,
    ) -> Result<Self, CircuitError> {
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
        let mut border_cells = Vec::new();
        for (at, row) in plan.layout.rows.iter().enumerate() {
            match row.content {
                Content::Cell { block, cell } => {
                    let held = &held[block as usize][cell as usize];
                    border_cells.extend(held.border_cells.map(|own| (at, own)));
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
        let looks_up = |at: &usize| border_cells.binary_search_by_key(at, |(row, _)| *row).is_err();
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
        let parts = plan.fitted.intervals.as_ref().map(|intervals| {
            let read = table_row.iter().map(|&row| intervals[row as usize]);
            let (starts, lengths) =
                read.map(|interval| (field(interval.start), field(interval.length))).unzip();
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
        for (at, own) in border_cells {
            let [first, second] = limbs.first_chunk_mut().expect("there are two limbs");
            let cells = [first, second, &mut table_row, &mut byte];
            for (column, border_cell) in cells.into_iter().zip(own) {
                column[at] = field(border_cell);
            }
        }
        Ok(Self {
            byte,
            parts,
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
}

/// All that the second phase is computed from.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The first phase.
    pub witness: &'a Witness,
    /// What the statement fixes.
    pub fixed: &'a Fixed,
    /// The layout.
    pub plan: &'a Plan,
    /// What was drawn after the first phase.
    pub challenges: &'a Challenges,
}

impl Sums {
    /// Computes the second phase.
    pub fn new(known: Known<'_>) -> Self {
        let Known { plan, challenges, .. } = known;
        let length = known.witness.byte.len();
        let mut sums = Self {
            lookup_sums: Vec::new(),
            cursors: wires::cursors(plan, &challenges.points, length),
            coefficient: Vec::new(),
            balance: Vec::new(),
            packed: Vec::new(),
        };
        let row = |at: usize| known.row(&sums, at);
        let lookup_sums = lookup::running_sums((1..length).map(row), challenges.beta);
        let packed = packing::packed(length, row);
        (sums.lookup_sums, sums.packed) = (lookup_sums, packed);
        sums.follow_cursors(known);
        sums
    }

    /// Computes what follows from the cursors.
    pub fn follow_cursors(&mut self, known: Known<'_>) {
        let Known { witness, plan, challenges, .. } = known;
        let length = witness.byte.len();
        self.coefficient = vec![Fr::zero(); length];
        for at in 1..length {
            self.coefficient[at] = wires::coefficient(&mut known.row(self, at));
        }
        let words = wires::Words::new(&witness.instances, plan.shape.fold, challenges.tau);
        self.balance = vec![words.all(); length];
        for at in 1..length {
            self.balance[at] = if known.fixed.rows[at].is_word() {
                words.take_off(self.balance[at - 1], at)
            } else {
                wires::balance(&mut known.row(self, at))
            };
        }
    }
}

impl<'a> Known<'a> {
    fn row(self, sums: &'a Sums, at: usize) -> WitnessRow<'a> {
        WitnessRow { known: self, sums, at }
    }
}

/// A row as the prover sees it.
struct WitnessRow<'a> {
    known: Known<'a>,
    sums: &'a Sums,
    at: usize,
}

impl Row for WitnessRow<'_> {
    type Value = Fr;

    fn cell(&mut self, cell: Cell, back: usize) -> Fr {
        let (at, Known { witness, fixed, .. }) = (self.at - back, self.known);
        let part = |number: usize| witness.parts.as_ref().expect("there are intervals")[number][at];
        let of = |column: &Option<Vec<Fr>>| column.as_ref().expect("the circuit has it")[at];
        match cell {
            Cell::TableRow => witness.table_row[at],
            Cell::Byte => witness.byte[at],
            Cell::Limb(limb) => witness.limbs[limb][at],
            Cell::Start => part(0),
            Cell::Length => part(1),
            Cell::Integer => of(&witness.wide),
            Cell::LimbUses => witness.limb_uses[at],
            Cell::TableUses => witness.table_uses[at],
            Cell::LookupSum(column) => self.sums.lookup_sums[column][at],
            Cell::Cursor(cursor) => self.sums.cursors[cursor][at],
            Cell::Coefficient => self.sums.coefficient[at],
            Cell::Balance => self.sums.balance[at],
            Cell::Packed => self.sums.packed[at],
            Cell::Active => Fr::from(u64::from(fixed.active[at])),
            Cell::Index => fixed.index[at],
            Cell::Table => fixed.table[at],
            Cell::TableStart => of(&fixed.starts),
            Cell::TableLength => of(&fixed.lengths),
            Cell::Weight(lane) => fixed.lanes[lane][at],
            Cell::Constant(constant) => fixed.constant(constant, at),
        }
    }

    fn flag(&mut self, flag: Flag) -> Option<Fr> {
        self.known.fixed.rows[self.at][flag].then(Fr::one)
    }

    fn point(&self, point: Point) -> Fr {
        let Challenges { beta, gamma, points, tau } = *self.known.challenges;
        match point {
            Point::Beta => beta,
            Point::Gamma => gamma,
            Point::Rho => points[0],
            Point::Axis(axis) => points[1 + axis],
            Point::Tau => tau,
        }
    }

    fn shape(&self) -> &Shape {
        &self.known.plan.shape
    }

    fn cells(&mut self) -> Fr {
        Fr::one()
    }
}

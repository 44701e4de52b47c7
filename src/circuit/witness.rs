//! What an honest prover writes into the circuit.

use super::CircuitError;
use super::activation::{byte, integer};
use super::columns::{Cell, Challenges, HashCell, Part, Point};
use super::compute::{Hints, Tamper, compute};
use super::field::pack;
use super::fixed::Fixed;
use super::hashes;
use super::layout::moves::CURSORS;
use super::layout::plan::Plan;
use super::layout::rows::Content;
use super::links;
use super::parallel;
use super::poseidon::Fields;
use super::relations::{Row, hashing, linking, lookup, packing, wires};
use super::shape::{Flag, Shape};
use super::values::Values;
use super::weights::{CommittedLanes, weighs};
use super::wiring::{Kind, Net, Port};
use halo2_proofs::halo2curves::bn256::Fr;

/// First-phase columns, row 0 to the last active row.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Row of the table that a byte is read from.
    pub table_row: Values,
    /// The byte read.
    pub byte: Values,
    /// Limbs, least first.
    pub limbs: Vec<Values>,
    /// With intervals: start and length of the one in the row read.
    pub parts: Option<[Values; 2]>,
    /// The same of the values abreast of the first.
    pub abreast: Vec<ValueCells>,
    /// Integers of any size.
    pub wide: Option<Values>,
    /// Uses of each row's index as a limb.
    pub limb_uses: Values,
    /// Uses of each row's table entry.
    pub table_uses: Values,
    /// With committed inputs or outputs: the words of each, on the rows of its link.
    pub linked: Vec<Values>,
    /// With hashed inputs: the states of their permutations by element, and the squares.
    pub hashed: Vec<Values>,
    /// With committed weights: what their columns hold.
    pub weights: Option<CommittedLanes>,
    /// The context, further free ones, and the packed words.
    pub instances: Vec<Fr>,
    /// What proofs say of the model's outputs: what is claimed of them, then those that are told.
    pub outputs: Vec<i32>,
}

/// What the values of one number on their rows have to themselves.
#[derive(Clone, Debug)]
pub struct ValueCells {
    /// Row of the table that a byte is read from.
    pub table_row: Values,
    /// The byte read.
    pub byte: Values,
    /// Limbs, least first.
    pub limbs: Vec<Values>,
    /// With intervals: start and length of the one in the row read.
    pub parts: Option<[Values; 2]>,
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
    /// What is left of each commitment's words.
    pub linked: Vec<Vec<Fr>>,
    /// What is left of hashed words, less their hashes.
    pub hashed: Option<Vec<Fr>>,
}

/// What the inferences of a proof are bound to, one each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contexts(Vec<Fr>);

impl From<Fr> for Contexts {
    fn from(context: Fr) -> Self {
        Self(vec![context])
    }
}

impl From<Vec<Fr>> for Contexts {
    fn from(contexts: Vec<Fr>) -> Self {
        Self(contexts)
    }
}

/// What a net is computed on.
#[derive(Clone, Copy, Default)]
pub struct Given<'a> {
    /// The integers of all inputs, one after the other.
    pub input: &'a [i32],
    /// Where weights are committed, these.
    pub weights: &'a [i32],
    /// What blinds the hashes of hashed inputs.
    pub blindings: &'a [Fr],
}

impl<'a> From<&'a [i32]> for Given<'a> {
    fn from(input: &'a [i32]) -> Self {
        Self { input, ..Self::default() }
    }
}

impl Witness {
    /// Computes a net on an input.
    pub(super) fn new(
        net: &Net,
        plan: &Plan,
        given: Given<'_>,
        contexts: impl Into<Contexts>,
    ) -> Result<Self, CircuitError> {
        Self::of(net, plan, given, contexts.into(), &|_, _, _| {}, &|_, honest| honest)
    }

    /// The same with what a prover says of integers that are not computed, given what an honest one says.
    pub fn with_hints(
        net: &Net,
        plan: &Plan,
        input: &[i32],
        contexts: impl Into<Contexts>,
        hints: impl Fn(Kind, i128) -> i128 + Sync,
    ) -> Result<Self, CircuitError> {
        Self::of(net, plan, input.into(), contexts.into(), &|_, _, _| {}, &hints)
    }

    /// The same for a prover who cheats in some cells and is honest about what follows from them.
    pub fn tampered(
        net: &Net,
        plan: &Plan,
        input: &[i32],
        contexts: impl Into<Contexts>,
        tamper: Tamper<'_>,
    ) -> Result<Self, CircuitError> {
        Self::of(net, plan, input.into(), contexts.into(), tamper, &|_, honest| honest)
    }

    fn of(
        net: &Net,
        plan: &Plan,
        Given { input, weights, blindings }: Given<'_>,
        Contexts(contexts): Contexts,
        tamper: Tamper<'_>,
        hints: Hints<'_>,
    ) -> Result<Self, CircuitError> {
        if weights.len() != net.committed_weights {
            let (found, expected) = (weights.len(), net.committed_weights);
            return Err(CircuitError::Weights { found, expected });
        }
        if blindings.len() != net.hashes.len() {
            let (found, expected) = (blindings.len(), net.hashes.len());
            return Err(CircuitError::Blindings { found, expected });
        }
        let expected = net.inputs.iter().map(|port| port.len).sum();
        if input.len() != expected {
            return Err(CircuitError::InputLength { found: input.len(), expected });
        }
        let mut bytes = vec![0; input.len()];
        for &Port { first, len, element, .. } in &net.inputs {
            for index in first..first + len {
                let value = input[index];
                let outside = CircuitError::InputRange { index, value, element };
                bytes[index] = byte(value, element).ok_or(outside)?;
            }
        }
        let input = bytes;
        let held = compute(net, plan, (&input, weights), tamper, hints);

        let length = plan.shape.table_rows + 1;
        let raised = u32::try_from(plan.shape.table_rows - 256).expect("tables are short");
        // Idle rows look up index 0 and read row 0.
        let values = plan.shape.abreast;
        let mut table_row = vec![vec![0_u32; length]; values];
        let mut limbs = vec![vec![vec![0_u32; length]; plan.shape.limb_columns()]; values];
        let mut wide = plan.shape.vectors.then(|| Values::zeros(length));
        let mut border_cells = Vec::new();
        for (at, row) in plan.layout.rows.iter().enumerate() {
            for (value, (block, cell)) in plan.layout.cells(row).enumerate() {
                let held = &held[block][cell];
                border_cells.extend(held.border_cells.map(|own| (at, value, own)));
                if let (Some(wide), Some(integer)) = (&mut wide, held.wide) {
                    wide.set(at, integer);
                }
                let held = &held.division;
                table_row[value][at] = held.u;
                for (column, &limb) in limbs[value].iter_mut().zip(&held.limbs) {
                    column[at] = limb;
                }
                if net.inputs.iter().any(|port| port.block == block) {
                    limbs[value][1][at] = held.limbs[0] + raised;
                }
            }
            if row.content == Content::Hold {
                let values = if row.several > 0 { values } else { 1 };
                for column in limbs[..values].iter_mut().flat_map(|limbs| &mut limbs[..2]) {
                    column[at] = column[at - 1];
                }
                if plan.shape.averages {
                    for column in &mut table_row[..values] {
                        column[at] = column[at - 1];
                    }
                }
            }
        }
        let (mut limb_uses, mut table_uses) = (vec![0_u32; length], vec![0_u32; length]);
        let looks_up =
            |at: &usize| border_cells.binary_search_by_key(at, |(row, ..)| *row).is_err();
        for at in (1..length).filter(looks_up) {
            table_row.iter().for_each(|column| table_uses[column[at] as usize + 1] += 1);
            // On rows that weigh, weights are looked up in place of the first limbs.
            let first = if weighs(plan, at) { plan.shape.lanes_beside_limbs() } else { 0 };
            for column in limbs.iter().flatten().skip(first) {
                limb_uses[column[at] as usize + 1] += 1;
            }
        }
        // No row takes the further free ones: they are what whoever sets them says.
        let mut instances = vec![Fr::zero(); net.free_instances];
        let expected = net.contexts;
        if contexts.len() != expected {
            return Err(CircuitError::Contexts { found: contexts.len(), expected });
        }
        instances[..expected].copy_from_slice(&contexts);
        let words = |block: usize, bytes: &[u8]| -> Vec<Fr> {
            bytes.chunks(net.blocks[block].tensor_len().max(1)).flat_map(pack).collect()
        };
        let (committed, others) = net.inputs.split_at(net.committed);
        let (to_hash, others) = others.split_at(net.hashed);
        for port in others.iter().filter(|port| net.blocks[port.block].is_packed) {
            instances.extend(words(port.block, port.of(&input)));
        }
        let link = |words: Vec<Fr>| {
            let rows = links::rows(words.len(), plan.k).expect("the plan has room for its links");
            let mut column = Values::zeros(length);
            rows.zip(words).for_each(|(row, word)| column.set_element(row, word));
            column
        };
        let inputs = committed.iter().map(|port| link(words(port.block, port.of(&input))));
        let mut linked: Vec<Values> = inputs.collect();
        let columns = if net.hashes.is_empty() { 0 } else { Fields::WIDTH + 1 };
        let mut hashed = vec![Values::zeros(length); columns];
        let mut found = Vec::new();
        let to_hash = to_hash.iter().flat_map(|port| words(port.block, port.of(&input)));
        let to_hash: Vec<Fr> = to_hash.collect();
        let mut rest = &to_hash[..];
        let places = net.hashes.iter().zip(hashes::rows(&net.hashes));
        for (&blinding, (&own, rows)) in blindings.iter().zip(places) {
            let (words, behind) = rest.split_at(own.words);
            rest = behind;
            let states = hashes::state_rows(own, words, blinding);
            found.extend(states.last().map(|state| (own.at, state[0])));
            for (row, state) in rows.zip(states) {
                hashed
                    .iter_mut()
                    .zip(state)
                    .for_each(|(column, cell)| column.set_element(row, cell));
            }
        }
        let mut outputs = vec![0; net.outputs.iter().map(|port| port.len).sum()];
        for port in &net.outputs {
            let mut bytes = vec![0_u8; port.len];
            for (cell, held) in net.blocks[port.block].cells.iter().zip(&held[port.block]) {
                if let Some(element) = cell.element {
                    bytes[element as usize] = u8::try_from(held.byte()).expect("a byte");
                }
            }
            let words = words(port.block, &bytes);
            if net.commits_outputs {
                linked.push(link(words));
            } else {
                instances.extend(words);
            }
            let own = &mut outputs[port.first..port.first + port.len];
            own.iter_mut().zip(bytes).for_each(|(to, byte)| *to = integer(byte, port.element));
        }
        // Ascending: those before one are there when its place is counted.
        found.sort_unstable_by_key(|&(at, _)| at);
        found.into_iter().for_each(|(at, hash)| instances.insert(net.free_instances + at, hash));
        let table = &plan.fitted.table;
        let value_cells = |(table_row, limbs): (Vec<u32>, Vec<Vec<u32>>)| ValueCells {
            parts: plan.fitted.intervals.as_ref().map(|intervals| {
                let mut parts = [Values::zeros(length), Values::zeros(length)];
                for (at, &row) in table_row.iter().enumerate() {
                    let interval = &intervals[row as usize];
                    parts[0].set(at, interval.start);
                    parts[1].set(at, interval.length);
                }
                parts
            }),
            byte: Values::of(table_row.iter().map(|&row| table[row as usize]).collect()),
            table_row: Values::of(table_row),
            limbs: limbs.into_iter().map(Values::of).collect(),
        };
        let mut abreast = parallel::each(table_row.into_iter().zip(limbs), value_cells);
        for (at, value, own) in border_cells {
            let ValueCells { table_row, byte, limbs, .. } = &mut abreast[value];
            let [first, second] = limbs.first_chunk_mut().expect("there are two limbs");
            let cells = [first, second, table_row, byte];
            for (column, border_cell) in cells.into_iter().zip(own) {
                column.set(at, border_cell);
            }
        }
        let ValueCells { table_row, byte, limbs, parts } = abreast.remove(0);
        Ok(Self {
            byte,
            parts,
            abreast,
            wide,
            table_row,
            limbs,
            limb_uses: Values::of(limb_uses),
            table_uses: Values::of(table_uses),
            weights: plan.shape.commits_weights().then(|| CommittedLanes::new(plan, weights)),
            linked,
            hashed,
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
            linked: vec![Vec::new(); plan.shape.links.len()],
            hashed: None,
        };
        let row = |at: usize| known.row(&sums, at);
        sums.lookup_sums = lookup::running_sums(length, row, challenges.beta);
        // Backwards: nothing is left after the last byte.
        sums.packed = vec![Fr::zero(); length];
        for at in (1..length).rev() {
            let taken = packing::taken(&mut known.row(&sums, at));
            sums.packed[at - 1] = sums.packed[at] + taken.unwrap_or(Fr::zero());
        }
        for link in 0..sums.linked.len() {
            sums.linked[link] = vec![Fr::zero(); length];
            for at in (1..length).rev() {
                let taken = linking::taken(&mut known.row(&sums, at), link);
                sums.linked[link][at - 1] = sums.linked[link][at] + taken;
            }
        }
        if !plan.shape.hashes.is_empty() {
            sums.hashed = Some(vec![Fr::zero(); length]);
            // Nothing is left behind the last hash.
            for at in (1..=hashes::last_row(&plan.shape.hashes)).rev() {
                let taken = hashing::taken(&mut known.row(&sums, at));
                if let Some(sum) = &mut sums.hashed {
                    sum[at - 1] = sum[at] + taken;
                }
            }
        }
        sums.follow_cursors(known);
        sums
    }

    /// Computes what follows from the cursors.
    pub fn follow_cursors(&mut self, known: Known<'_>) {
        let Known { witness, plan, challenges, .. } = known;
        let length = witness.byte.len();
        // What rows add is known at once, and what it adds up to row by row.
        let row = |at: usize| known.row(self, at);
        let grown = parallel::map(1..length, |at| wires::grown(&mut row(at)));
        self.coefficient = vec![Fr::zero(); length];
        for (at, grown) in (1..length).zip(grown) {
            let kept = wires::kept(&mut known.row(self, at));
            self.coefficient[at] = kept + grown.unwrap_or(Fr::zero());
        }
        let row = |at: usize| known.row(self, at);
        let given = parallel::map(1..length, |at| {
            let row = &mut row(at);
            let given = [wires::given(row, None), wires::given_abreast(row)];
            given.into_iter().flatten().reduce(|first, others| first + others)
        });
        let words = &witness.instances[plan.shape.free_instances..];
        let words = wires::Words::new(words, plan.shape.fold, challenges.tau);
        let begun = if plan.shape.sums_words { Fr::zero() } else { words.all() };
        self.balance = vec![begun; length];
        for (at, given) in (1..length).zip(given) {
            let before = self.balance[at - 1];
            self.balance[at] = if known.fixed.rows[at].is_word() {
                words.take_off(before, at)
            } else {
                before - given.unwrap_or(Fr::zero())
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
        let part = |number: usize| &witness.parts.as_ref().expect("there are intervals")[number];
        match cell {
            Cell::TableRow => witness.table_row.at(at),
            Cell::Byte => witness.byte.at(at),
            Cell::Limb(limb) => witness.limbs[limb].at(at),
            Cell::Abreast(value, part) => {
                let own = &witness.abreast[value - 1];
                let parts = || own.parts.as_ref().expect("there are intervals");
                match part {
                    Part::TableRow => own.table_row.at(at),
                    Part::Byte => own.byte.at(at),
                    Part::Limb(limb) => own.limbs[limb].at(at),
                    Part::Start => parts()[0].at(at),
                    Part::Length => parts()[1].at(at),
                }
            }
            Cell::Start => part(0).at(at),
            Cell::Length => part(1).at(at),
            Cell::Integer => witness.wide.as_ref().expect("the circuit has it").at(at),
            Cell::LimbUses => witness.limb_uses.at(at),
            Cell::TableUses => witness.table_uses.at(at),
            Cell::WeightUses => witness.weights.as_ref().expect("they are committed").uses.at(at),
            Cell::CommittedWeight(lane) => {
                witness.weights.as_ref().expect("they are committed").lanes[lane].at(at)
            }
            Cell::LookupSum(column) => self.sums.lookup_sums[column][at],
            Cell::Cursor(cursor) => self.sums.cursors[cursor][at],
            Cell::Coefficient => self.sums.coefficient[at],
            Cell::Balance => self.sums.balance[at],
            Cell::Packed => self.sums.packed[at],
            Cell::Linked(link) => witness.linked[link].at(at),
            Cell::LinkedSum(link) => self.sums.linked[link][at],
            Cell::Hash(HashCell::State(element)) => witness.hashed[element].at(at),
            Cell::Hash(HashCell::Square) => witness.hashed[Fields::WIDTH].at(at),
            Cell::Hash(HashCell::Sum) => self.sums.hashed.as_ref().expect("inputs are hashed")[at],
            cell => fixed.cell(cell, at),
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

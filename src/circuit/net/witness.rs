//! What an honest prover writes into the circuit.

use super::average;
use super::fit::{Division, FittedRule, spill_offset};
use super::graph::{FREE_DIGIT, Hint, Kind, NATURAL_DIGIT, Net, Place};
use super::intervals::LENGTH_FACTOR;
use super::layout::{CURSORS, Content, MAKER, POSITION, WEIGHER};
use super::plan::Plan;
use crate::circuit::{
    BYTES_PER_WORD, CircuitError,
    activation::{byte, integer},
    field::{byte_power, field, pack, unsigned},
    lookups::{Cells, TERMS_PER_SUM},
};
use halo2_proofs::halo2curves::{bn256::Fr, ff::BatchInvert};

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

/// Fixed columns, row 0 to the last active row.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// N indices.
    pub index: Vec<Fr>,
    /// The rules' bytes.
    pub table: Vec<Fr>,
    /// With intervals, start + 2^40·length; with float32 sums, start.
    pub steps: Option<Vec<Fr>>,
    /// With float32 sums, length.
    pub lengths: Option<Vec<Fr>>,
    /// Weights, offsets, scales, zero points and packing factors.
    pub weights: Vec<Vec<Fr>>,
    /// The table's rows.
    pub active: Vec<bool>,
    /// What each row is.
    pub rows: Vec<Kinds>,
    /// The moves of each cursor, by column.
    pub moves: [Vec<Vec<u8>>; CURSORS],
}

/// A row's flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are the circuit's flags")]
pub struct Kinds {
    pub divides: bool,
    pub steps: bool,
    pub reads: bool,
    pub inputs: bool,
    pub words: bool,
    pub takes: bool,
    pub weighs: bool,
    pub starts: bool,
    pub packs: bool,
    pub ends_word: bool,
    pub holds: bool,
    pub larger: bool,
    pub pairs: bool,
    pub multiplies: bool,
    pub multiplies_in: bool,
    pub loads: bool,
    pub wide: bool,
    pub takes_wide: bool,
    pub naturals: bool,
    pub spills: bool,
    pub adds: bool,
    pub continues: bool,
}

impl Kinds {
    /// Whether the row makes a byte.
    pub fn makes(&self) -> bool {
        self.divides || self.steps || self.multiplies || self.multiplies_in
    }
}

impl Fixed {
    /// The fixed columns of a planned net.
    pub fn new(net: &Net, plan: &Plan) -> Self {
        let length = plan.shape.table_rows + 1;
        let zeros = vec![Fr::zero(); length];
        let mut fixed = Self {
            index: zeros.clone(),
            table: zeros.clone(),
            steps: plan.fitted.intervals.as_ref().map(|_| zeros.clone()),
            lengths: plan.shape.averages.then(|| zeros.clone()),
            weights: vec![zeros; plan.shape.lanes],
            active: vec![false; length],
            rows: vec![Kinds::default(); length],
            moves: [WEIGHER, MAKER, POSITION]
                .map(|cursor| vec![vec![0; length]; plan.shape.menus[cursor].columns()]),
        };
        for (index, &byte) in plan.fitted.table.iter().enumerate() {
            fixed.active[index + 1] = true;
            fixed.index[index + 1] = unsigned(index);
            fixed.table[index + 1] = Fr::from(u64::from(byte));
        }
        if let (Some(column), Some(steps)) = (&mut fixed.steps, &plan.fitted.intervals) {
            for (cell, step) in column[1..].iter_mut().zip(steps) {
                *cell = field(if plan.shape.averages { step.start } else { step.entry() });
            }
        }
        if let (Some(column), Some(steps)) = (&mut fixed.lengths, &plan.fitted.intervals) {
            for (cell, step) in column[1..].iter_mut().zip(steps) {
                *cell = field(step.length);
            }
        }
        let scales = Scales::new(plan);
        for (at, row) in plan.layout.rows.iter().enumerate() {
            for cursor in 0..CURSORS {
                let cells = plan.shape.menus[cursor].cells(row.moves[cursor]);
                for (column, cell) in fixed.moves[cursor].iter_mut().zip(cells) {
                    column[at] = cell;
                }
            }
            let kinds = &mut fixed.rows[at];
            kinds.takes = row.takes;
            kinds.starts = row.starts;
            kinds.ends_word = row.ends_word;
            if let Some(shift) = row.packs {
                kinds.packs = true;
                fixed.weights[2][at] = byte_power(shift.into());
            }
            let mut lanes = |values: &[Fr]| {
                for (column, &value) in fixed.weights.iter_mut().zip(values) {
                    column[at] = value;
                }
            };
            match row.content {
                Content::Boundary | Content::Idle => {}
                Content::Hold => kinds.holds = true,
                Content::Instance => kinds.words = true,
                Content::Weights(number) => {
                    kinds.weighs = true;
                    let weights = &plan.layout.weights[number as usize].lanes;
                    let weight = |&weight| field(plan.fitted.weight(weight));
                    lanes(&weights.iter().map(weight).collect::<Vec<_>>());
                }
                Content::Cell { block, cell } => {
                    let kind = net.blocks[block as usize].cells[cell as usize].kind;
                    kinds.wide = kind.is_wide();
                    match kind {
                        Kind::Input => kinds.inputs = true,
                        Kind::Free { .. } | Kind::Quotient { .. } => {}
                        Kind::Wide { constant } | Kind::WideMultiply { constant, .. } => {
                            kinds.reads = true;
                            lanes(&[Fr::zero(), field(constant)]);
                        }
                        Kind::WideLoad { .. } => (kinds.reads, kinds.loads) = (true, true),
                        Kind::Natural { bias, digit, .. } => {
                            kinds.naturals = true;
                            let offset = if digit == 0 { field(bias) } else { Fr::zero() };
                            lanes(&[offset, power_of_two(digit * NATURAL_DIGIT)]);
                        }
                        Kind::Made { rule, bias } => {
                            kinds.divides = scales.is_line(rule);
                            kinds.steps = !kinds.divides;
                            lanes(&scales.lanes(rule, bias));
                        }
                        Kind::Product { rule, zeros: [left, right] } => {
                            kinds.multiplies = scales.is_line(rule);
                            kinds.multiplies_in = !kinds.multiplies;
                            let [offset, scale] = scales.lanes(rule, 0);
                            let zeros = [right, left].map(|zero| field(zero.into()));
                            lanes(&[offset, scale, zeros[0], zeros[1]]);
                        }
                        Kind::Adds { bias, goes_on } => {
                            (kinds.adds, kinds.continues) = (true, goes_on);
                            lanes(&[field(average::MARK + i128::from(bias))]);
                        }
                        Kind::Average { rule, bias } => {
                            (kinds.steps, kinds.continues) = (true, true);
                            lanes(&scales.lanes(rule, bias));
                        }
                        Kind::Spill { low } => {
                            kinds.divides = true;
                            lanes(&[field(-i128::from(low)), Fr::one()]);
                        }
                        Kind::Spills { .. } => kinds.spills = true,
                        Kind::Read { constant } => {
                            kinds.reads = true;
                            lanes(&[Fr::zero(), field(constant.into())]);
                        }
                        Kind::Larger { constant } => {
                            (kinds.reads, kinds.larger) = (true, true);
                            lanes(&[Fr::zero(), field(constant.into())]);
                        }
                        Kind::Pair { constant } => {
                            (kinds.reads, kinds.pairs) = (true, true);
                            lanes(&[Fr::zero(), field(constant.into())]);
                        }
                        Kind::Load { zero, constant, .. } => {
                            (kinds.reads, kinds.loads) = (true, true);
                            lanes(&[field(zero.into()), field(constant.into())]);
                        }
                        Kind::Multiply { zero, constant, .. } => {
                            kinds.reads = true;
                            lanes(&[field(zero.into()), field(constant.into())]);
                        }
                    }
                }
            }
            // What is made contributes anyway.
            kinds.takes &= !kinds.makes();
            kinds.takes_wide = kinds.takes && kinds.wide;
            kinds.takes &= !kinds.wide;
        }
        fixed
    }
}

/// Offsets and scales of rules, whose inversions are shared.
struct Scales<'a> {
    plan: &'a Plan,
    inverses: Vec<Fr>,
}

impl<'a> Scales<'a> {
    fn new(plan: &'a Plan) -> Self {
        let slope = |rule: &FittedRule| match *rule {
            FittedRule::Line { slope, .. } => field(slope),
            FittedRule::Intervals { .. } => Fr::one(),
        };
        let mut inverses: Vec<Fr> = plan.fitted.rules.iter().map(slope).collect();
        inverses.iter_mut().batch_invert();
        Self { plan, inverses }
    }

    fn is_line(&self, rule: u32) -> bool {
        matches!(self.plan.fitted.rules[rule as usize], FittedRule::Line { .. })
    }

    /// A row's offset and scale: raw = scale·(D·u + z) − offset, or start + z − offset.
    fn lanes(&self, rule: u32, bias: i64) -> [Fr; 2] {
        let bias = field(bias.into());
        match self.plan.fitted.rules[rule as usize] {
            FittedRule::Line { constant, .. } => {
                let inverse = self.inverses[rule as usize];
                [bias + field(constant) * inverse, inverse]
            }
            FittedRule::Intervals { constant, .. } => [bias + field(constant), Fr::one()],
        }
    }
}

/// What a cell of a block holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// Its row's first-phase cells.
    pub division: Division,
    is_made: bool,
    /// An integer of any size.
    wide: Option<i128>,
}

/// What a cheating prover does to a cell, given its block and number, before anything follows from it.
pub type Tamper<'a> = &'a dyn Fn(usize, usize, &mut Held);

/// What a prover says of an integer that is not computed, given what an honest one says.
type Claim<'a> = &'a dyn Fn(Kind, i128) -> i128;

impl Held {
    /// A copy, and what lies beside it.
    fn copy(value: i128, beside: i128, above: i128) -> Self {
        let limb = |value: i128| u32::try_from(value).expect("copies are of bytes");
        let limbs = [limb(value), limb(beside), 0, 0];
        Self { division: Division { u: limb(above), limbs, byte: 0 }, is_made: false, wide: None }
    }

    fn made(division: Division) -> Self {
        Self { division, is_made: true, wide: None }
    }

    fn wide(integer: i128) -> Self {
        Self { wide: Some(integer), ..Self::default() }
    }

    /// Its value as a byte.
    fn byte(&self) -> u32 {
        if self.is_made { self.division.byte } else { self.division.limbs[0] }
    }

    /// Its value.
    fn value(&self) -> i128 {
        self.wide.unwrap_or_else(|| self.byte().into())
    }
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
        let inputs = net.blocks[net.input].len;
        if input.len() != inputs {
            return Err(CircuitError::InputLength { found: input.len(), expected: inputs });
        }
        let element = net.input_element;
        let as_byte = |(index, &value)| {
            byte(value, element).ok_or(CircuitError::InputRange { index, value, element })
        };
        let input: Vec<u8> = input.iter().enumerate().map(as_byte).collect::<Result<_, _>>()?;
        let held = compute(net, plan, &input, tamper, claim);

        let length = plan.shape.table_rows + 1;
        let raised = u32::try_from(plan.shape.table_rows - 256).expect("tables are short");
        // Idle rows look up index 0 and read row 0.
        let mut table_row = vec![0_u32; length];
        let mut limbs = vec![vec![0_u32; length]; plan.shape.limb_columns()];
        let mut wide = plan.shape.vectors.then(|| vec![Fr::zero(); length]);
        for (at, row) in plan.layout.rows.iter().enumerate() {
            match row.content {
                Content::Cell { block, cell } => {
                    let held = &held[block as usize][cell as usize];
                    if let (Some(wide), Some(integer)) = (&mut wide, held.wide) {
                        wide[at] = field(integer);
                    }
                    let held = &held.division;
                    table_row[at] = held.u;
                    for (column, &limb) in limbs.iter_mut().zip(&held.limbs) {
                        column[at] = limb;
                    }
                    if block as usize == net.input {
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
        for at in 1..length {
            table_uses[table_row[at] as usize + 1] += 1;
            for column in &limbs {
                limb_uses[column[at] as usize + 1] += 1;
            }
        }
        let output = &net.blocks[net.output];
        let mut outputs = vec![0_u8; output.len];
        for (cell, held) in output.cells.iter().zip(&held[net.output]) {
            if let Some(element) = cell.element {
                outputs[element as usize] = u8::try_from(held.byte()).expect("a byte");
            }
        }
        let mut instances = vec![context];
        if net.blocks[net.input].is_public {
            instances.extend(pack(&input));
        }
        instances.extend(pack(&outputs));
        let steps = plan.fitted.intervals.as_ref().map(|intervals| {
            let read = table_row.iter().map(|&row| intervals[row as usize]);
            let parts = read.map(|interval| (field(interval.start), field(interval.length)));
            let (starts, lengths) = parts.unzip();
            [starts, lengths]
        });
        let table = &plan.fitted.table;
        let bytes = table_row.iter().map(|&row| Fr::from(u64::from(table[row as usize])));
        let elements =
            |column: Vec<u32>| column.into_iter().map(|v| Fr::from(u64::from(v))).collect();
        Ok(Self {
            byte: bytes.collect(),
            steps,
            wide,
            table_row: elements(table_row),
            limbs: limbs.into_iter().map(elements).collect(),
            limb_uses: limb_uses.into_iter().map(unsigned).collect(),
            table_uses: table_uses.into_iter().map(unsigned).collect(),
            instances,
            outputs: outputs.iter().map(|&byte| integer(byte, net.output_element)).collect(),
        })
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
        let columns = plan.shape.lookup_sums();
        let (mut numerators, mut denominators) = (Vec::new(), Vec::new());
        for at in 1..self.byte.len() {
            let factor = Fr::from(LENGTH_FACTOR);
            let factor = if plan.shape.averages { challenges.gamma } else { factor };
            let step = |[starts, lengths]: &[Vec<Fr>; 2]| starts[at] + lengths[at] * factor;
            let cells = Cells {
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
            };
            for term in cells.terms(&Fr::one(), &challenges.gamma) {
                numerators.push(term.numerator);
                denominators.push(challenges.beta + term.folded);
            }
        }
        // A zero denominator has probability rows/2^254; the proof then fails and is made again.
        denominators.iter_mut().batch_invert();
        let per_row = numerators.len() / (self.byte.len() - 1).max(1);
        let mut sums = vec![vec![Fr::zero(); self.byte.len()]; columns];
        let mut sum = Fr::zero();
        let terms: Vec<Fr> = numerators.iter().zip(&denominators).map(|(n, d)| *n * *d).collect();
        for (row, terms) in terms.chunks(per_row).enumerate() {
            for (column, terms) in sums.iter_mut().zip(terms.chunks(TERMS_PER_SUM)) {
                sum += terms.iter().sum::<Fr>();
                column[row + 1] = sum;
            }
        }
        sums
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
            let [first, second] = [&self.limbs[1], &self.table_row];
            let spills = [(&self.limbs[0], first), (&self.limbs[2], second)].map(|(low, high)| {
                low[at] + base * high[at] - field(spill_offset(plan.shape.base()))
            });
            spills[0] + rho * spills[1]
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

    // Backwards: nothing is left after the last byte.
    fn packed(&self, fixed: &Fixed, challenges: &Challenges) -> Vec<Fr> {
        let mut packed = vec![Fr::zero(); self.byte.len()];
        for at in (1..packed.len()).rev() {
            let row = &fixed.rows[at];
            let tau = if row.ends_word { challenges.tau } else { Fr::one() };
            packed[at - 1] = if row.packs {
                packed[at] * fixed.weights[2][at] * tau + self.value(fixed, at)
            } else {
                packed[at]
            };
        }
        packed
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

/// What every cell holds.
fn compute(
    net: &Net,
    plan: &Plan,
    input: &[u8],
    tamper: Tamper<'_>,
    claim: Claim<'_>,
) -> Vec<Vec<Held>> {
    let mut accumulators = vec![0_i128; net.accumulators];
    let index = |place: Place| net.planes[place.omega as usize].index(place.at);
    let mut all = Vec::with_capacity(net.blocks.len());
    for (number, block) in net.blocks.iter().enumerate() {
        let mut held: Vec<Held> = Vec::with_capacity(block.cells.len());
        let mut values = vec![0_i128; block.len];
        // The loaded factors of the present run of a product of matrices.
        let mut loaded = Vec::new();
        // The float32 sum that the row before holds.
        let mut sum = 0_i128;
        for cell in &block.cells {
            let made = cell.place.map_or(0, |place| accumulators[index(place)]);
            let last = held.last().map_or([0; 2], |held: &Held| {
                [i128::from(held.division.limbs[0]), i128::from(held.division.limbs[1])]
            });
            let mut now = match cell.kind {
                Kind::Input => {
                    let element = cell.element.expect("an input is an element") as usize;
                    Held::copy(input[element].into(), 0, 0)
                }
                Kind::Made { rule, bias } => {
                    Held::made(plan.fitted.make(rule, made + i128::from(bias)))
                }
                Kind::Adds { bias, goes_on } => {
                    let before = if goes_on { sum } else { 0 };
                    let unrounded = before + made + i128::from(bias);
                    let (division, rounded) = plan.fitted.round(unrounded);
                    sum = rounded;
                    Held::made(division)
                }
                Kind::Average { rule, bias } => {
                    Held::made(plan.fitted.make(rule, sum + made + i128::from(bias)))
                }
                Kind::Spill { low } => Held::made(plan.fitted.divide(made - i128::from(low))),
                Kind::Spills { .. } => {
                    let next = cell.place.map_or(0, |place| accumulators[index(place.next())]);
                    Held::made(plan.fitted.spill([made, next]))
                }
                Kind::Read { constant } => Held::copy(made + i128::from(constant), 0, 0),
                Kind::Larger { constant } => {
                    let copy = made + i128::from(constant);
                    let larger = copy.max(last[0]);
                    Held::copy(larger, larger - copy, larger - last[0])
                }
                Kind::Pair { constant } => Held::copy(made + i128::from(constant), last[0], 0),
                Kind::Product { rule, zeros: [left, right] } => {
                    let product = (last[1] - i128::from(left)) * (last[0] - i128::from(right));
                    Held::made(plan.fitted.make(rule, product))
                }
                Kind::Load { zero, constant, target, starts } => {
                    if starts {
                        loaded.clear();
                    }
                    let copy = made + i128::from(constant);
                    loaded.push((target, copy - i128::from(zero)));
                    Held::copy(copy, 0, 0)
                }
                Kind::Multiply { zero, constant, at } => {
                    let copy = made + i128::from(constant);
                    for &(target, factor) in &loaded {
                        accumulators[index(target.plus(at))] += factor * (copy - i128::from(zero));
                    }
                    Held::copy(copy, 0, 0)
                }
                Kind::Wide { constant } => Held::wide(made + constant),
                Kind::WideLoad { target, starts } => {
                    if starts {
                        loaded.clear();
                    }
                    loaded.push((target, made));
                    Held::wide(made)
                }
                Kind::WideMultiply { constant, at } => {
                    for &(target, factor) in &loaded {
                        accumulators[index(target.plus(at))] += factor * (made + constant);
                    }
                    Held::wide(made + constant)
                }
                Kind::Quotient { at } => {
                    let (target, factor) = loaded[0];
                    let quotient = accumulators[index(target.plus(at))].div_euclid(-factor);
                    let quotient = claim(cell.kind, quotient);
                    for &(target, factor) in &loaded {
                        accumulators[index(target.plus(at))] += factor * quotient;
                    }
                    Held::copy(quotient, 0, 0)
                }
                Kind::Free { hint, digit: number, goes_on } => {
                    let all = match hint {
                        Hint::Quotient { place, offset, divisor } => {
                            (accumulators[index(place)] + offset).div_euclid(divisor)
                        }
                        Hint::InverseRoot { place, constant, bits } => {
                            inverse_root(accumulators[index(place)] + constant, bits)
                        }
                    };
                    let all = claim(cell.kind, all);
                    Held::copy(digit(all, FREE_DIGIT, number, goes_on), 0, 0)
                }
                Kind::Natural { bias, digit: number, goes_on } => {
                    // It is negative only after a wrong claim, which nothing can be written down for.
                    let digit = digit(made + bias, NATURAL_DIGIT, number, goes_on);
                    Held::made(plan.fitted.divide(digit.max(0)))
                }
            };
            tamper(number, held.len(), &mut now);
            if let Some(element) = cell.element {
                values[element as usize] = now.value();
            }
            held.push(now);
        }
        for run in &block.runs {
            for term in &run.terms {
                let weight = plan.fitted.weight(term.weight);
                let plane = &net.planes[term.place.omega as usize];
                for &(element, at) in &run.elements {
                    let place = term.place.plus(at);
                    accumulators[plane.index(place.at)] += weight * values[element as usize];
                }
            }
        }
        all.push(held);
    }
    all
}

/// A digit of an integer; the last one is all the rest.
fn digit(integer: i128, bits: u32, number: u32, goes_on: bool) -> i128 {
    let rest = integer >> (bits * number);
    if goes_on { rest & ((1 << bits) - 1) } else { rest }
}

/// The largest r with r²·d ≤ 2^(2·bits), for d of at least 1.
fn inverse_root(d: i128, bits: u32) -> i128 {
    ((1_i128 << (2 * bits)) / d).isqrt()
}

fn power_of_two(exponent: u32) -> Fr {
    (0..exponent).fold(Fr::one(), |power, _| power.double())
}

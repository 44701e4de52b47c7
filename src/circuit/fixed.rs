//! What the statement fixes: the columns that depend on the model alone.

use super::average;
use super::fit::FittedRule;
use super::graph::{Kind, NATURAL_DIGIT, Net};
use super::layout::{CURSORS, Content, MAKER, POSITION, WEIGHER};
use super::plan::Plan;
use crate::circuit::field::{byte_power, field, unsigned};
use halo2_proofs::halo2curves::{bn256::Fr, ff::BatchInvert};

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
                        Kind::Spills { count } => {
                            kinds.spills = true;
                            lanes(&vec![Fr::one(); count - 1]);
                        }
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

fn power_of_two(exponent: u32) -> Fr {
    (0..exponent).fold(Fr::one(), |power, _| power.double())
}

//! What the statement fixes: the columns that depend on the model alone.

use super::columns::Constant;
use super::field::{byte_power, field, unsigned};
use super::layout::moves::{CURSORS, OUTPUT, POSITION, WEIGHT};
use super::layout::plan::Plan;
use super::layout::rows::{Content, Row};
use super::shape::{Flag, Flags};
use super::table::binades::MARK;
use super::table::fits::FittedRule;
use super::wiring::{Kind, NATURAL_DIGIT, Net};
use halo2_proofs::halo2curves::{bn256::Fr, ff::BatchInvert};

/// Fixed columns, row 0 to the last active row.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// N indices.
    pub index: Vec<Fr>,
    /// The rules' bytes.
    pub table: Vec<Fr>,
    /// With intervals, start + 2^40·length; with float32 sums, start.
    pub starts: Option<Vec<Fr>>,
    /// With float32 sums, length.
    pub lengths: Option<Vec<Fr>>,
    /// Weights, or constants.
    pub lanes: Vec<Vec<Fr>>,
    /// The table's rows.
    pub active: Vec<bool>,
    /// What each row is. (Of public inputs too: circuits have no column for that.)
    pub rows: Vec<Flags<bool>>,
    /// The moves of each cursor, by column.
    pub moves: [Vec<Vec<u8>>; CURSORS],
}

impl Fixed {
    /// The fixed columns of a planned net.
    pub fn new(net: &Net, plan: &Plan) -> Self {
        let length = plan.shape.table_rows + 1;
        let zeros = vec![Fr::zero(); length];
        let mut fixed = Self {
            index: zeros.clone(),
            table: zeros.clone(),
            starts: plan.fitted.intervals.as_ref().map(|_| zeros.clone()),
            lengths: plan.shape.averages.then(|| zeros.clone()),
            lanes: vec![zeros; plan.shape.lanes],
            active: vec![false; length],
            rows: vec![Flags::default(); length],
            moves: [WEIGHT, OUTPUT, POSITION]
                .map(|cursor| vec![vec![0; length]; plan.shape.menus[cursor].columns()]),
        };
        for (index, &byte) in plan.fitted.table.iter().enumerate() {
            fixed.active[index + 1] = true;
            fixed.index[index + 1] = unsigned(index);
            fixed.table[index + 1] = Fr::from(u64::from(byte));
        }
        if let (Some(column), Some(steps)) = (&mut fixed.starts, &plan.fitted.intervals) {
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
            let cells = Cells::new(net, row, &scales);
            fixed.rows[at] = cells.flags;
            for (column, value) in fixed.lanes.iter_mut().zip(cells.constants) {
                column[at] = value;
            }
            if let Content::Weights(number) = row.content {
                let weights = &plan.layout.weights[number as usize].lanes;
                for (column, &weight) in fixed.lanes.iter_mut().zip(weights) {
                    column[at] = field(plan.fitted.weight(weight));
                }
            }
        }
        fixed
    }

    /// What else is fixed about a row.
    pub fn constant(&self, constant: Constant, at: usize) -> Fr {
        self.lanes[constant.lane()][at]
    }
}

/// Lanes that constants take, at most.
const CONSTANTS: usize = 4;

/// The flags and constants of a row.
#[derive(Default)]
struct Cells {
    flags: Flags<bool>,
    constants: [Fr; CONSTANTS],
}

impl Cells {
    fn new(net: &Net, row: &Row, scales: &Scales<'_>) -> Self {
        let mut cells = match row.content {
            Content::Boundary | Content::Idle => Self::default(),
            Content::Hold => Self::is([Flag::Holds]),
            Content::Instance => Self::is([Flag::EndsWord]),
            Content::Weights(_) => Self::is([Flag::Weighs]),
            Content::Cell { block, cell } => {
                Self::of(net.blocks[block as usize].cells[cell as usize].kind, scales)
            }
        };
        let flags = &mut cells.flags;
        flags[Flag::Starts] = row.starts;
        flags[Flag::EndsWord] |= row.ends_word;
        // What is made contributes anyway.
        let takes = row.takes && !flags.makes();
        flags[Flag::TakesWide] = takes && flags[Flag::Wide];
        flags[Flag::Takes] = takes && !flags[Flag::Wide];
        match row.packs {
            Some(shift) => cells.and(Flag::Packs).with(Constant::Packing, byte_power(shift.into())),
            None => cells,
        }
    }

    /// What rows of a kind are.
    fn of(kind: Kind, scales: &Scales<'_>) -> Self {
        match kind {
            Kind::Input => Self::is([Flag::Inputs]),
            Kind::Free { .. } | Kind::Quotient { .. } => Self::default(),
            Kind::Made { rule, bias } => {
                let flag = if scales.is_line(rule) { Flag::Divides } else { Flag::Intervals };
                Self::is([flag]).with_rule(scales, rule, bias)
            }
            Kind::Product { rule, zeros: [left, right] } => {
                let is_line = scales.is_line(rule);
                let flag = if is_line { Flag::Multiplies } else { Flag::MultipliesIn };
                // The row before holds the right factor, and the left one beside it.
                Self::is([flag])
                    .with_rule(scales, rule, 0)
                    .with(Constant::Zero(0), field(right.into()))
                    .with(Constant::Zero(1), field(left.into()))
            }
            Kind::Natural { bias, digit, .. } => {
                let offset = if digit == 0 { field(bias) } else { Fr::zero() };
                Self::is([Flag::Naturals])
                    .with(Constant::Offset, offset)
                    .with(Constant::Scale, power_of_two(digit * NATURAL_DIGIT))
            }
            Kind::Adds { bias, goes_on } => {
                let mut cells = Self::is([Flag::Adds]);
                cells.flags[Flag::Continues] = goes_on;
                cells.with(Constant::Offset, field(MARK + i128::from(bias)))
            }
            Kind::Average { rule, bias } => {
                Self::is([Flag::Intervals, Flag::Continues]).with_rule(scales, rule, bias)
            }
            Kind::Border { count } => (0..count - 1)
                .fold(Self::is([Flag::Border]), |cells, further| {
                    cells.with(Constant::Border(further), Fr::one())
                }),
            Kind::Read { constant } => Self::copy([Flag::Reads], constant.into()),
            Kind::Larger { constant } => Self::copy([Flag::Reads, Flag::Larger], constant.into()),
            Kind::Pair { constant } => Self::copy([Flag::Reads, Flag::Pairs], constant.into()),
            Kind::Load { zero, constant, .. } => {
                Self::copy([Flag::Reads, Flag::Loads], constant.into())
                    .with(Constant::Shortfall, field(zero.into()))
            }
            Kind::Multiply { zero, constant, .. } => Self::copy([Flag::Reads], constant.into())
                .with(Constant::Shortfall, field(zero.into())),
            Kind::Wide { constant } | Kind::WideMultiply { constant, .. } => {
                Self::copy([Flag::Reads, Flag::Wide], constant)
            }
            Kind::WideLoad { .. } => Self::is([Flag::Reads, Flag::Wide, Flag::Loads]),
        }
    }

    fn is<const N: usize>(flags: [Flag; N]) -> Self {
        flags.into_iter().fold(Self::default(), Self::and)
    }

    fn copy<const N: usize>(flags: [Flag; N], added: i128) -> Self {
        Self::is(flags).with(Constant::Added, field(added))
    }

    fn and(mut self, flag: Flag) -> Self {
        self.flags[flag] = true;
        self
    }

    fn with(mut self, constant: Constant, value: Fr) -> Self {
        self.constants[constant.lane()] = value;
        self
    }

    fn with_rule(self, scales: &Scales<'_>, rule: u32, bias: i64) -> Self {
        let [offset, scale] = scales.of(rule, bias);
        self.with(Constant::Offset, offset).with(Constant::Scale, scale)
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
    fn of(&self, rule: u32, bias: i64) -> [Fr; 2] {
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

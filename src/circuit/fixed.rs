//! What the statement fixes: the columns that depend on the model alone.

use super::columns::{Cell, Columns, Constant, HashCell};
use super::field::{byte_power, field};
use super::hashes;
use super::layout::moves::Menu;
use super::layout::plan::Plan;
use super::layout::rows::{Content, Row, WeightRow};
use super::links;
use super::parallel;
use super::poseidon::Turn;
use super::shape::{Flag, Flags, SEVERAL};
use super::table::binades::MARK;
use super::table::fits::FittedRule;
use super::values::Values;
use super::weights::COMMITTED_RANGE;
use super::wiring::{COMMITTED_DIGIT, Kind, NATURAL_DIGIT, Net};
use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::BatchInvert},
    plonk::ConstraintSystem,
};

/// What the statement fixes, row 0 to the last active row.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// Where it is.
    pub columns: Columns,
    /// By [`Placed::number`](super::query::Placed::number).
    pub values: Vec<Values>,
    /// What each row is. (Of public inputs too: circuits have no column for that.)
    pub rows: Vec<Flags<bool>>,
}

impl Fixed {
    /// The fixed columns of a planned net.
    pub fn new(net: &Net, plan: &Plan) -> Self {
        let length = plan.shape.table_rows + 1;
        let columns = Columns::new(&mut ConstraintSystem::default(), &plan.shape);
        let count = columns.fixed().last().map_or(0, |column| column.number() + 1);
        let mut values = vec![Values::zeros(0); count];
        for column in columns.fixed() {
            values[column.number()] = Values::zeros(length);
        }
        let mut fixed = Self { columns, values, rows: vec![Flags::default(); length] };
        for (index, &byte) in plan.fitted.table.iter().enumerate() {
            fixed.of(Cell::Active).set(index + 1, 1);
            fixed.of(Cell::Index).set(index + 1, index as i128);
            fixed.of(Cell::Table).set(index + 1, byte.into());
        }
        for (index, step) in plan.fitted.intervals.iter().flatten().enumerate() {
            let averages = plan.shape.averages;
            let start = if averages { step.start } else { step.entry() };
            fixed.of(Cell::TableStart).set(index + 1, start);
            if averages {
                fixed.of(Cell::TableLength).set(index + 1, step.length);
            }
        }
        for (link, &words) in plan.shape.links.iter().enumerate() {
            let rows = links::rows(words, plan.k).expect("the plan has room for its links");
            rows.for_each(|row| fixed.of(Cell::LinkRows(link)).set(row, 1));
        }
        for (number, (&hashed, rows)) in
            plan.shape.hashes.iter().zip(hashes::rows(&plan.shape.hashes)).enumerate()
        {
            for (row, own) in rows.zip(hashes::fixed_rows(hashed)) {
                fixed.of(Cell::Hash(HashCell::Constant)).set_element(row, own.constant);
                let turn = own.turn.map(|turn| match turn {
                    Turn::Past => HashCell::Past,
                    Turn::Full => HashCell::Full,
                    Turn::Partial => HashCell::Partial,
                });
                let begins = own.begins.then_some(HashCell::Begins);
                let ends = own.ends.then_some(HashCell::Ends(number));
                let flags = [turn, begins, ends].into_iter().flatten();
                flags.for_each(|flag| fixed.of(Cell::Hash(flag)).set(row, 1));
            }
        }
        if plan.shape.commits_weights() {
            for (index, weight) in COMMITTED_RANGE.enumerate() {
                fixed.of(Cell::WeightTable).set(index + 1, weight.into());
            }
        }
        let scales = Scales::new(plan);
        let cells = parallel::each(&plan.layout.rows, |row| Cells::new(net, row, &scales));
        fixed.rows.iter_mut().zip(&cells).for_each(|(flags, cells)| *flags = cells.flags);
        // What is in each column: flags and moves lie in lanes, where these hold neither constants nor weights.
        let mut contents = vec![Vec::new(); fixed.values.len()];
        for lane in 0..plan.shape.lanes {
            contents[fixed.number(Cell::Weight(lane))].push(Filling::Lane(lane));
        }
        if plan.shape.commits_weights() {
            contents[fixed.number(Cell::WeightScale)].push(Filling::Digit);
        }
        for flag in Flag::ALL {
            if let Some(column) = fixed.columns.flags[flag] {
                contents[column.number()].push(Filling::Flag(flag));
            }
        }
        for (cursor, columns) in fixed.columns.cursors.iter().enumerate() {
            for (number, column) in columns.moves.iter().enumerate() {
                contents[column.number()].push(Filling::Move(cursor, number));
            }
        }
        let columns = std::mem::take(&mut fixed.values).into_iter().zip(contents);
        fixed.values = parallel::each(columns, |(mut values, contents)| {
            contents.into_iter().for_each(|filling| filling.fill(&mut values, plan, &cells));
            values
        });
        fixed
    }

    fn number(&self, cell: Cell) -> usize {
        self.columns.place(cell).expect_err("what is fixed is not chosen").number()
    }

    fn of(&mut self, cell: Cell) -> &mut Values {
        let number = self.number(cell);
        &mut self.values[number]
    }

    /// A fixed cell.
    pub fn cell(&self, cell: Cell, at: usize) -> Fr {
        self.values[self.number(cell)].at(at)
    }

    /// What else is fixed about a row.
    #[cfg(test)]
    pub fn constant(&self, constant: Constant, at: usize) -> Fr {
        self.cell(Cell::Constant(constant), at)
    }
}

/// What rows have in one of their columns.
#[derive(Clone, Copy)]
enum Filling {
    /// A weight that is known, or a constant.
    Lane(usize),
    /// Which digit committed weights are.
    Digit,
    Flag(Flag),
    /// A cursor's moves of one of its columns.
    Move(usize, usize),
}

impl Filling {
    /// Writes it, where it is not 0.
    fn fill(self, values: &mut Values, plan: &Plan, cells: &[Cells]) {
        for (at, (row, cells)) in plan.layout.rows.iter().zip(cells).enumerate() {
            match (self, row.content) {
                (Self::Lane(lane), Content::Weights(number)) => {
                    let WeightRow { lanes, digit, .. } = &plan.layout.weights[number as usize];
                    if let (Some(&weight), None) = (lanes.get(lane), digit) {
                        values.set(at, plan.fitted.weight(weight, &[]));
                    }
                }
                (Self::Digit, Content::Weights(number)) => {
                    if let Some(digit) = plan.layout.weights[number as usize].digit {
                        values.set(at, 1 << (COMMITTED_DIGIT * u32::from(digit)));
                    }
                }
                (Self::Lane(lane), _) => match cells.constants.get(lane) {
                    None | Some(Scalar::Integer(0)) => {}
                    Some(&Scalar::Integer(integer)) => values.set(at, integer),
                    Some(&Scalar::Element(element)) => values.set_element(at, element),
                },
                (Self::Flag(flag), _) if cells.flags[flag] => values.set(at, 1),
                (Self::Move(cursor, number), _) => match Menu::cell(row.moves[cursor]) {
                    Some((own, cell)) if own == number => values.set(at, cell.into()),
                    _ => {}
                },
                (Self::Flag(_) | Self::Digit, _) => {}
            }
        }
    }
}

/// Lanes that constants take, at most.
const CONSTANTS: usize = 4;

/// A constant, an integer if it is one.
#[derive(Clone, Copy)]
enum Scalar {
    Integer(i128),
    Element(Fr),
}

impl Default for Scalar {
    fn default() -> Self {
        Self::Integer(0)
    }
}

impl<T: Into<i128>> From<T> for Scalar {
    fn from(integer: T) -> Self {
        Self::Integer(integer.into())
    }
}

/// The flags and constants of a row.
#[derive(Default)]
struct Cells {
    flags: Flags<bool>,
    constants: [Scalar; CONSTANTS],
}

impl Cells {
    fn new(net: &Net, row: &Row, scales: &Scales<'_>) -> Self {
        let mut cells = match row.content {
            Content::Boundary | Content::Idle => Self::default(),
            Content::Hold => Self::is([Flag::Holds]),
            Content::Instance => Self::is([Flag::EndsWord]),
            Content::Weights(_) => Self::is([Flag::Weighs]),
            // Values abreast are of one kind.
            Content::Cell { .. } | Content::Abreast { .. } => {
                let (block, cell) = scales.plan.layout.cells(row).next().expect("it has a cell");
                Self::of(net.blocks[block].cells[cell].kind, scales)
            }
        };
        let flags = &mut cells.flags;
        flags[Flag::Starts] = row.starts;
        for (number, flag) in (1..).zip(SEVERAL) {
            flags[flag] = row.several == number;
        }
        flags[Flag::EndsWord] |= row.ends_word;
        // What is made contributes anyway.
        let takes = row.takes && !flags.makes();
        flags[Flag::TakesWide] = takes && flags[Flag::Wide];
        flags[Flag::Takes] = takes && !flags[Flag::Wide];
        match row.packs {
            Some(shift) => {
                let packing = Scalar::Element(byte_power(shift.into()));
                cells.and(Flag::Packs).with(Constant::Packing, packing)
            }
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
                    .with(Constant::Zero(0), right)
                    .with(Constant::Zero(1), left)
            }
            Kind::Natural { bias, digit, .. } => {
                let offset = if digit == 0 { bias } else { 0 };
                Self::is([Flag::Naturals])
                    .with(Constant::Offset, offset)
                    .with(Constant::Scale, Scalar::Element(power_of_two(digit * NATURAL_DIGIT)))
            }
            Kind::Adds { bias, goes_on } => {
                let mut cells = Self::is([Flag::Adds]);
                cells.flags[Flag::Continues] = goes_on;
                cells.with(Constant::Offset, MARK + i128::from(bias))
            }
            Kind::Average { rule, bias } => {
                Self::is([Flag::Intervals, Flag::Continues]).with_rule(scales, rule, bias)
            }
            Kind::Border { count } => (0..count - 1)
                .fold(Self::is([Flag::Border]), |cells, further| {
                    cells.with(Constant::Border(further), 1)
                }),
            Kind::Read { constant } => Self::copy([Flag::Reads], constant.into()),
            Kind::Larger { constant } => Self::copy([Flag::Reads, Flag::Larger], constant.into()),
            Kind::Pair { constant } => Self::copy([Flag::Reads, Flag::Pairs], constant.into()),
            Kind::Load { zero, constant, .. } => {
                Self::copy([Flag::Reads, Flag::Loads], constant.into())
                    .with(Constant::Shortfall, zero)
            }
            Kind::Multiply { zero, constant, .. } => {
                Self::copy([Flag::Reads], constant.into()).with(Constant::Shortfall, zero)
            }
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
        Self::is(flags).with(Constant::Added, added)
    }

    fn and(mut self, flag: Flag) -> Self {
        self.flags[flag] = true;
        self
    }

    fn with(mut self, constant: Constant, value: impl Into<Scalar>) -> Self {
        self.constants[constant.lane()] = value.into();
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
    /// Of lines, the offset without a bias, and the scale.
    lines: Vec<[Fr; 2]>,
}

impl<'a> Scales<'a> {
    fn new(plan: &'a Plan) -> Self {
        let line = |rule: &FittedRule| match *rule {
            FittedRule::Line { constant, slope, .. } => [field(constant), field(slope)],
            FittedRule::Intervals { .. } => [Fr::zero(), Fr::one()],
        };
        let mut lines: Vec<[Fr; 2]> = plan.fitted.rules.iter().map(line).collect();
        lines.iter_mut().map(|[_, slope]| slope).batch_invert();
        lines.iter_mut().for_each(|[offset, scale]| *offset *= *scale);
        Self { plan, lines }
    }

    fn is_line(&self, rule: u32) -> bool {
        matches!(self.plan.fitted.rules[rule as usize], FittedRule::Line { .. })
    }

    /// A row's offset and scale: raw = scale·(D·u + z) − offset, or start + z − offset.
    fn of(&self, rule: u32, bias: i64) -> [Scalar; 2] {
        let bias = i128::from(bias);
        match self.plan.fitted.rules[rule as usize] {
            FittedRule::Line { .. } => {
                let [offset, scale] = self.lines[rule as usize];
                [field(bias) + offset, scale].map(Scalar::Element)
            }
            FittedRule::Intervals { constant, .. } => [bias + constant, 1].map(Scalar::Integer),
        }
    }
}

fn power_of_two(exponent: u32) -> Fr {
    (0..exponent).fold(Fr::one(), |power, _| power.double())
}

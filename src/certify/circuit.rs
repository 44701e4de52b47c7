//! What rows hold, from what they make and what is contributed to it.

use super::rows::{Factor, Rows};
use super::shape::Flag;
use super::source::{integer, inverse};
use super::sums::Adder;
use super::systems::Systems;
use super::table::{Division, Interval, Table};
use super::values::{Atom, Checked, Kind, Scalar, Value, Values, fits, wrong};
use super::weights::weight;
use super::{CertifyError, Report};
use halo2_proofs::halo2curves::bn256::Fr;
use std::collections::HashMap;

/// Bits of integers that do not wrap around the field, whose modulus is above 2^253.
const LARGEST_BITS: u32 = 250;

/// What a slot, a value of a row, holds.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// The first limb.
    limb: Option<Value>,
    /// The second.
    beside: Option<Value>,
    /// A wide integer.
    wide: Option<Value>,
    /// What the table says.
    byte: Option<Value>,
    /// A float32 sum, rounded.
    rounded: Option<Value>,
}

/// Goes through the rows in order.
pub struct Walk<'a> {
    rows: &'a Rows<'a>,
    table: &'a Table,
    values: &'a mut Values,
    held: Vec<Held>,
    /// What is known by now of atoms that were free.
    defined: HashMap<Atom, Value>,
    systems: Systems,
    /// Committed weights, by number.
    weights: Vec<Value>,
    /// Natural rows' places that wait for the last share, by its row, each with the slots of its digits.
    waiting: Vec<(usize, u32, Vec<usize>)>,
    /// Elements of the input, by slot, where some are private.
    elements: &'a HashMap<usize, u32>,
    /// The elements of packed inputs, in the order of their rows, where no input is private.
    packed_inputs: &'a [u32],
    inputs: usize,
    /// Public values in order, with their slots.
    pub public: Vec<(usize, Value)>,
    pub report: Report,
}

impl<'a> Walk<'a> {
    pub fn new(
        rows: &'a Rows<'a>,
        table: &'a Table,
        values: &'a mut Values,
        elements: &'a HashMap<usize, u32>,
        packed_inputs: &'a [u32],
    ) -> Self {
        let committed = rows.factors.iter().filter_map(|factor| match *factor {
            Factor::Committed(number, _) => Some(number + 1),
            _ => None,
        });
        let weights = 0..committed.max().unwrap_or(0);
        let weights = weights.map(|number| weight(values, number)).collect();
        Self {
            rows,
            table,
            values,
            held: vec![Held::default(); rows.slot(rows.len() + 1, 0)],
            defined: HashMap::new(),
            systems: Systems::default(),
            weights,
            waiting: Vec::new(),
            elements,
            packed_inputs,
            inputs: 0,
            public: Vec::new(),
            report: Report::default(),
        }
    }

    /// All rows.
    pub fn all(&mut self) -> Result<(), CertifyError> {
        for row in 1..=self.rows.len() {
            for slot in self.rows.slots(row) {
                if !self.rows.weighs(row) {
                    self.slot(slot).map_err(|why| CertifyError::at(row, self.place(slot), why))?;
                }
            }
            while let Some(position) = self.waiting.iter().position(|waiting| waiting.0 <= row) {
                let (_, place, digits) = self.waiting.swap_remove(position);
                let first = digits[0];
                self.natural(place, &digits).map_err(|why| {
                    CertifyError::at(self.rows.row_of(first), self.place(first), why)
                })?;
            }
        }
        if let Some((_, place, digits)) = self.waiting.first() {
            let at = Some(self.rows.at[*place as usize]);
            return Err(CertifyError::at(
                self.rows.row_of(digits[0]),
                at,
                super::values::Obstacle::Wrong("shares of it never come".into()),
            ));
        }
        self.systems.finish().map_err(|why| CertifyError::at(self.rows.len(), None, why))
    }

    fn place(&self, slot: usize) -> Option<super::shape::Exponents> {
        self.rows.made[slot].map(|place| self.rows.at[place as usize])
    }

    /// Whether a slot's row has a flag.
    fn is(&self, slot: usize, flag: Flag) -> bool {
        self.rows.is(self.rows.row_of(slot), flag)
    }

    /// What the slot of the same value on the row before holds.
    fn before(&self, slot: usize) -> Held {
        self.held[slot - self.rows.shape.abreast]
    }

    /// What is known of a value by now.
    fn known(&self, value: Value) -> Checked<Value> {
        match self.defined.get(&value.atom).filter(|_| value.factor != 0) {
            Some(known) => Ok(Value {
                factor: fits(known.factor.checked_mul(value.factor))?,
                atom: known.atom,
                constant: fits(
                    known
                        .constant
                        .checked_mul(value.factor)
                        .and_then(|constant| constant.checked_add(value.constant)),
                )?,
            }),
            None => Ok(value),
        }
    }

    fn lane(&self, slot: usize, lane: usize) -> Checked<i128> {
        match integer(self.rows.lane(self.rows.row_of(slot), lane)) {
            Some(integer) => Ok(integer),
            None => wrong(format!("lane {lane} is no small integer")),
        }
    }

    /// What a slot contributes, before its factor.
    fn contribution(&self, slot: usize) -> Checked<Value> {
        let held = &self.held[slot];
        let (value, minus) = if self.rows.reads_table(self.rows.row_of(slot)) {
            (held.byte, 0)
        } else if self.is(slot, Flag::TakesWide) {
            (held.wide, self.lane(slot, 0)?)
        } else {
            (held.limb, self.lane(slot, 0)?)
        };
        match value {
            Some(value) => self.known(fits(value.plus(fits(minus.checked_neg())?))?),
            None => {
                let row = self.rows.row_of(slot);
                wrong(format!("row {row}, which contributes, holds nothing"))
            }
        }
    }

    /// Between what the contribution of a slot is.
    #[cfg(test)]
    pub fn range(&self, slot: usize) -> Option<(i128, i128)> {
        self.values.range_of(self.contribution(slot).ok()?).ok()
    }

    /// What is contributed to a place.
    fn contributed(&self, place: u32, before: usize) -> Checked<Adder> {
        let mut sum = Adder::default();
        for share in self.rows.shares(place) {
            let slot = share.slot as usize;
            let row = self.rows.row_of(slot);
            if row >= before {
                return wrong(format!("row {row} contributes to it afterwards"));
            }
            let value = self.contribution(slot)?;
            match self.rows.factors[share.factor as usize] {
                Factor::Weight(weight) => sum.add(value, weight)?,
                Factor::Committed(number, scale) => {
                    let weight = Value { factor: scale, ..self.weights[number as usize] };
                    sum.product(self.values, weight, value)?;
                }
                Factor::Nothing => return wrong("what is no weight is contributed to it"),
                Factor::Loaded(row) => {
                    let loader = row;
                    let row = self.rows.slot(row, 0);
                    let held = &self.held[row];
                    let wide = self.is(row, Flag::Wide);
                    let Some(factor) = (if wide { held.wide } else { held.limb }) else {
                        return wrong(format!("row {loader} loads nothing"));
                    };
                    let minus = fits(self.lane(row, 0)?.checked_neg())?;
                    let factor = self.known(fits(factor.plus(minus))?)?;
                    sum.product(self.values, factor, value)?;
                }
            }
        }
        Ok(sum)
    }

    /// What is contributed to the place that a slot makes.
    fn raw(&self, slot: usize) -> Checked<Adder> {
        match self.rows.made[slot] {
            Some(place) => self.contributed(place, self.rows.row_of(slot)),
            None => wrong("it makes nothing"),
        }
    }

    fn slot(&mut self, slot: usize) -> Checked<()> {
        let (rows, row) = (self.rows, self.rows.row_of(slot));
        let is = |flag: Flag| rows.is(row, flag);
        if is(Flag::Border) {
            return Ok(());
        }
        if is(Flag::Holds) {
            let Held { limb, beside, rounded, .. } = self.before(slot);
            self.held[slot] = Held { limb, beside, rounded, ..Held::default() };
            return Ok(());
        }
        if is(Flag::Naturals) {
            let place = self.rows.made[slot].unwrap_or_default();
            match self.waiting.iter_mut().find(|waiting| waiting.1 == place) {
                Some(waiting) => waiting.2.push(slot),
                None => {
                    let shares = self.rows.shares(place).last();
                    let last =
                        shares.map_or(row, |share| row.max(rows.row_of(share.slot as usize)));
                    let digits = self.rows.makers[place as usize] as usize;
                    self.waiting.push((last.max(row + digits - 1), place, vec![slot]));
                }
            }
            return Ok(());
        }
        if is(Flag::Adds) {
            return self.float_sum(slot);
        }
        if rows.reads_table(row) {
            let value = self.made(slot)?;
            self.held[slot].byte = Some(value);
            return self.public(slot, value);
        }
        if is(Flag::Reads) {
            return self.copy(slot);
        }
        let is_public_input = is(Flag::Packs) && !self.rows.shape.private_input;
        if is(Flag::Inputs) || is_public_input {
            let element = match self.elements.get(&slot) {
                Some(element) => Some(element),
                None if is_public_input => self.packed_inputs.get(self.inputs),
                None => None,
            };
            let Some(&element) = element else {
                return wrong("it is of no element of the input");
            };
            self.inputs += 1;
            let value = Value::of(self.values.atom(Kind::Input(element), (0, 255)));
            self.held[slot].limb = Some(value);
            let short = self.lane(slot, 0)?;
            return self.public(slot, fits(value.plus(-short))?);
        }
        if is(Flag::Packs) {
            return wrong("it is packed and nothing says that it is a byte");
        }
        if is(Flag::Takes) || is(Flag::Loads) {
            let number = fits(u32::try_from(slot).ok())?;
            let most = self.rows.shape.base() - 1;
            let free = self.values.atom(Kind::Free(number), (0, most));
            self.held[slot].limb = Some(Value::of(free));
        }
        Ok(())
    }

    /// Keeps a row's value if it is packed.
    fn public(&mut self, slot: usize, value: Value) -> Checked<()> {
        if !self.is(slot, Flag::Packs) {
            return Ok(());
        }
        let (low, high) = self.values.range_of(value)?;
        if low < 0 || high > 255 {
            return wrong(format!("it is packed and between {low} and {high}"));
        }
        self.public.push((slot, value));
        Ok(())
    }

    fn copy(&mut self, slot: usize) -> Checked<()> {
        let (rows, row) = (self.rows, self.rows.row_of(slot));
        let is = |flag: Flag| rows.is(row, flag);
        let mut raw = self.raw(slot)?;
        raw.constant(self.lane(slot, 1)?)?;
        if is(Flag::Wide) {
            self.check_bits(&raw, 0)?;
            let value = self.values.wide(&raw)?;
            self.held[slot].wide = Some(self.known(value)?);
            return Ok(());
        }
        let value = self.values.narrow(&raw)?;
        let copy = self.known(value)?;
        let mut value = copy;
        if is(Flag::Larger) {
            let Some(before) = self.before(slot).limb else {
                return wrong("it goes on from a row without a value");
            };
            let before = self.known(before)?;
            value = self.values.largest([copy, before])?;
        }
        if is(Flag::Pairs) {
            self.held[slot].beside = self.before(slot).limb;
        }
        let (low, high) = self.values.range_of(value)?;
        if low < 0 || high >= self.rows.shape.base() {
            return wrong(format!("its value is between {low} and {high}, which is no limb"));
        }
        // Both limbs and the distance of a larger value are below N.
        let (least, _) = self.values.range_of(copy)?;
        if is(Flag::Larger) && (least < 0 || high - least >= self.rows.shape.base()) {
            return wrong("the distance of two values is no limb");
        }
        self.held[slot].limb = Some(value);
        let short = self.lane(slot, 0)?;
        self.public(slot, fits(value.plus(-short))?)
    }

    /// The value that the table gives for what a row makes.
    fn made(&mut self, slot: usize) -> Checked<Value> {
        let rows = self.rows;
        let is = |flag: Flag| rows.is(rows.row_of(slot), flag);
        let lanes = [0, 1].map(|lane| rows.lane(rows.row_of(slot), lane));
        let by_interval = is(Flag::Intervals) || is(Flag::MultipliesIn);
        // The scale is of no concern where an interval is read.
        let lanes = if by_interval { [lanes[0], Fr::one()] } else { lanes };
        let (division, interval);
        let map: &dyn super::values::Map = if by_interval {
            interval = Interval { table: self.table, offset: self.lane(slot, 0)? };
            self.report.intervals += 1;
            &interval
        } else {
            division = self.division(lanes)?;
            self.report.divisions += 1;
            &division
        };
        let kind = u8::from(by_interval);
        let scalar = |kind: u8| Scalar::Circuit(lanes.map(|lane| lane.to_bytes()), kind);
        if is(Flag::Multiplies) || is(Flag::MultipliesIn) {
            let Held { limb, beside, .. } = self.before(slot);
            let (Some(right), Some(left)) = (limb, beside) else {
                return wrong("it multiplies what the row before does not hold");
            };
            let [right, left] = [(right, 2), (left, 3)].map(|(value, lane)| {
                let zero = fits(self.lane(slot, lane)?.checked_neg())?;
                self.known(fits(value.plus(zero))?)
            });
            let of = |x: i128, y: i128| map.at(fits(x.checked_mul(y))?);
            return self.values.apply_to_pair([left?, right?], scalar(kind + 2), &of);
        }
        let mut raw = self.raw(slot)?;
        if is(Flag::Continues) {
            let Some(before) = self.before(slot).rounded else {
                return wrong("it goes on from a row without a sum");
            };
            raw.add(before, 1)?;
        }
        self.check_bits(&raw, 0)?;
        let raw = self.settled(raw)?;
        self.values.function_of(&raw, scalar(kind), map)
    }

    /// A sum, with what is known of it by now.
    fn settled(&mut self, sum: Adder) -> Checked<Adder> {
        let is_free = |atom: Atom| matches!(self.values.kind(atom), Kind::Free(_));
        let terms = sum.sum()?.terms;
        if terms.len() < 2 || !terms.iter().all(|&(atom, _, _)| is_free(atom)) {
            return Ok(sum);
        }
        let value = self.values.narrow(&sum)?;
        let mut settled = Adder::default();
        settled.add(self.known(value)?, 1)?;
        Ok(settled)
    }

    /// The division of a row: `D·u + z = slope·(raw + offset)`, with offset and 1/slope in its lanes.
    fn division(&self, [offset, scale]: [Fr; 2]) -> Checked<Division<'a>> {
        let slope = inverse(scale).and_then(integer).filter(|&slope| slope > 0);
        let (Some(slope), Some(scale)) = (slope, inverse(scale)) else {
            return wrong("its scale is not one over a small integer above 0");
        };
        let Some(constant) = integer(offset * scale) else {
            return wrong("its offset is no small integer");
        };
        let base = self.rows.shape.base();
        let divisor =
            (0..self.rows.shape.limbs).try_fold(1_i128, |divisor, _| divisor.checked_mul(base));
        Ok(Division { table: self.table, slope, constant, divisor: fits(divisor)? })
    }

    fn float_sum(&mut self, slot: usize) -> Checked<()> {
        let mut sum = self.raw(slot)?;
        // The table's starts are marked.
        sum.constant(fits(self.lane(slot, 0)?.checked_sub(1 << 100))?)?;
        if self.is(slot, Flag::Continues) {
            let Some(before) = self.before(slot).rounded else {
                return wrong("it goes on from a row without a sum");
            };
            sum.add(before, 1)?;
        }
        let value = self.values.narrow(&sum)?;
        let (low, high) = self.values.range_of(value)?;
        if !self.table.rounds(low, high) {
            return wrong(format!("float32 sums from {low} to {high} leave the table"));
        }
        self.report.float_sums += 1;
        self.held[slot].rounded = Some(self.values.rounded(&sum)?);
        Ok(())
    }

    /// Nothing wraps around the field.
    fn check_bits(&mut self, sum: &Adder, beside: u32) -> Checked<()> {
        let bits = self.values.sum_bits(&sum.sum()?).max(beside);
        self.report.widest_bits = self.report.widest_bits.max(bits);
        if bits < LARGEST_BITS {
            Ok(())
        } else {
            wrong(format!("an integer of {bits} bits may wrap"))
        }
    }

    /// What is at a place of natural rows is not negative.
    fn natural(&mut self, place: u32, digits: &[usize]) -> Checked<()> {
        if digits.len() != self.rows.makers[place as usize] as usize {
            return wrong("its digits do not lie together");
        }
        let mut sum = self.contributed(place, usize::MAX)?;
        let mut scales = Vec::new();
        for &slot in digits {
            sum.constant(self.lane(slot, 0)?)?;
            match integer(self.rows.lane(self.rows.row_of(slot), 1)).filter(|&scale| scale > 0) {
                Some(scale) => scales.push(scale),
                None => return wrong("a digit's scale is no small integer above 0"),
            }
        }
        // Σ scale·(D·u + z), with D·u + z below N^(limbs + 1).
        let base = fits(u32::try_from(self.rows.shape.limbs + 1).ok())?;
        let digit = fits(self.rows.shape.base().checked_pow(base))?;
        let most = scales.iter().map(|scale| 128 - scale.leading_zeros()).max().unwrap_or(0)
            + (128 - digit.leading_zeros())
            + 8;
        self.check_bits(&sum, most)?;
        scales.sort_unstable();
        scales.dedup();
        if scales.len() != digits.len() {
            return wrong("a digit is there twice");
        }
        self.report.inequalities += 1;
        let capacity = capacity(&scales, digit);
        let found = self.systems.inequality(self.values, &sum, capacity)?;
        if let Some((atom, value)) = found {
            self.report.defined += 1;
            self.defined.insert(atom, value);
        }
        Ok(())
    }
}

/// Up to where digits make every integer.
fn capacity(scales: &[i128], digit: i128) -> i128 {
    let mut all = 0_i128;
    for &scale in scales {
        if scale > all.saturating_add(1) {
            break;
        }
        all = all.saturating_add(scale.saturating_mul(digit - 1));
    }
    all
}

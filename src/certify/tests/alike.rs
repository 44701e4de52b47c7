//! Whether a fault changes what a circuit computes, decided by computing it.
//!
//! A line through the steps of a function has room on both sides, so that a weight or an offset that is one more may give the same
//! bytes. Here the equation of each row that a fault changes is solved with both constants, on every combination of values that
//! those contributing to it can have in the honest circuit. Where all results are the same on all such rows, every row holds
//! what it held before, one after the other. With the certificate it shares how rows are read and what their values are between.

use super::Case;
use crate::certify::{
    circuit::Walk,
    packing,
    rows::{Factor, Rows},
    shape::{Flag, Places, Shape},
    source::{integer, inverse},
    table::Table,
    values::Values,
};
use halo2_proofs::halo2curves::{bn256::Fr, ff::PrimeField};
use std::collections::{BTreeMap, BTreeSet};

/// So many combinations are computed: of two bytes, and some more.
const MOST: usize = 1 << 17;

/// Lanes that hold constants at most.
const CONSTANTS: usize = 4;

/// What contributes to a place: by slot, with which weight.
type Shares = BTreeMap<usize, i128>;

/// The rows of a circuit, to be computed one by one.
pub struct Computed<'a> {
    rows: Rows<'a>,
    places: &'a Places,
    table: Vec<i128>,
    /// Start, length and value.
    intervals: Vec<[i128; 3]>,
    divisor: i128,
}

/// Between what each slot's contribution is, where it makes one.
pub type Ranges = Vec<Option<(i128, i128)>>;

impl<'a> Computed<'a> {
    /// None if they cannot be read.
    pub fn read(
        case: &'a Case,
        fixed: &'a [Vec<Fr>],
        shape: &'a Shape,
        places: &'a Places,
    ) -> Option<Self> {
        let usable = fixed[0].len() - case.system.blinding_factors() - 1;
        let rows = Rows::read(shape, places, fixed, &case.lanes, usable).ok()?;
        let [table, starts, lengths] = rows.table().ok()?;
        let (table, starts) = (table?, starts.unwrap_or_default());
        let part = |row: usize, start: i128| match &lengths {
            Some(lengths) => [start, lengths[row], table[row]],
            None => [start % (1 << 40), start / (1 << 40), table[row]],
        };
        let intervals = starts.iter().enumerate().map(|(row, &start)| part(row, start)).collect();
        let divisor = shape.base().checked_pow(u32::try_from(shape.limbs).ok()?)?;
        Some(Self { rows, places, table, intervals, divisor })
    }

    /// Those of an honest circuit.
    pub fn ranges(&self, case: &Case, shape: &Shape) -> Option<Ranges> {
        let [contents, starts, lengths] = self.rows.table().ok()?;
        let table = Table::new(contents?, starts.as_deref(), lengths.as_deref()).ok()?;
        let packed = packing::elements(&case.subject(shape.clone()).packed());
        let mut values = Values::default();
        let mut walk = Walk::new(&self.rows, &table, &mut values, &case.elements, &packed);
        walk.all().ok()?;
        Some((0..self.rows.made.len()).map(|slot| walk.range(slot)).collect())
    }

    fn is(&self, slot: usize, flags: &[Flag]) -> bool {
        flags.iter().any(|&flag| self.rows.is(self.rows.row_of(slot), flag))
    }

    fn lane(&self, slot: usize, lane: usize) -> Fr {
        self.rows.lane(self.rows.row_of(slot), lane)
    }

    /// Whether what it holds is a function of what contributes to its place, and of nothing else.
    fn is_function(&self, slot: usize) -> bool {
        use Flag::{Continues, Divides, Intervals, Larger, Pairs, Reads, Wide};
        self.is(slot, &[Divides, Intervals, Reads])
            && !self.is(slot, &[Continues, Larger, Pairs, Wide])
    }

    /// What contributes to the place of a slot, if all of it does with known weights.
    fn shares(&self, slot: usize) -> Option<Shares> {
        let mut shares = Shares::new();
        for share in self.rows.shares(self.rows.made[slot]?) {
            let Factor::Weight(weight) = self.rows.factors[share.factor as usize] else {
                return None;
            };
            *shares.entry(share.slot as usize).or_default() += weight;
        }
        Some(shares)
    }

    /// What a slot that is a function contributes, from the sum of what contributes to it; none if no witness solves its equation.
    fn solved(&self, slot: usize, raw: i128) -> Option<i128> {
        let lifted = |lane: usize| raw.checked_add(integer(self.lane(slot, lane))?);
        if self.is(slot, &[Flag::Divides]) {
            let slope = inverse(self.lane(slot, 1))?;
            let dividend = integer((element(raw) + self.lane(slot, 0)) * slope)?;
            let row = usize::try_from(dividend.div_euclid(self.divisor)).ok()?;
            self.table.get(row).copied()
        } else if self.is(slot, &[Flag::Intervals]) {
            let position = lifted(0)?;
            let holds =
                |&&[start, length, _]: &&[i128; 3]| (start..start + length).contains(&position);
            self.intervals.iter().find(holds).map(|interval| interval[2])
        } else {
            lifted(1)?.checked_sub(integer(self.lane(slot, 0))?)
        }
    }

    /// Whether another circuit of the same places computes the same on every row. No where that is not known.
    pub fn is_alike(&self, other: &Computed<'_>, ranges: &Ranges) -> bool {
        let (own, others) = (&self.rows, &other.rows);
        if own.at != others.at || own.made != others.made || self.table != other.table {
            return false;
        }
        let flags = || self.places.flags.iter().map(|&(flag, _)| flag);
        (1..=own.len()).all(|row| {
            if own.weighs(row) || others.weighs(row) {
                // What weights are shows in the shares.
                return own.weighs(row) && others.weighs(row);
            }
            let constants = 0..CONSTANTS.min(self.places.lanes.len());
            let has_same =
                constants.into_iter().all(|lane| own.lane(row, lane) == others.lane(row, lane));
            flags().all(|flag| own.is(row, flag) == others.is(row, flag))
                && own.slots(row) == others.slots(row)
                && own.slots(row).all(|slot| self.computes_same(other, slot, has_same, ranges))
        })
    }

    fn computes_same(
        &self,
        other: &Computed<'_>,
        slot: usize,
        has_same: bool,
        ranges: &Ranges,
    ) -> bool {
        let is_made = self.rows.made[slot].is_some();
        match (self.shares(slot), other.shares(slot)) {
            // Nobody takes what is at a border.
            _ if has_same && self.is(slot, &[Flag::Border]) => true,
            (own, others) if has_same && own == others && (own.is_some() || !is_made) => true,
            (Some(own), Some(others)) if self.is_function(slot) => {
                let slots: BTreeSet<usize> = own.keys().chain(others.keys()).copied().collect();
                let Some(inputs) = combinations(&slots, ranges) else { return false };
                // What the honest equation has no solution for never contributes, as every input has a witness.
                inputs.iter().all(|inputs| {
                    let [now, then] = [(self, &own), (other, &others)]
                        .map(|(rows, shares)| rows.solved(slot, sum(shares, inputs)?));
                    now.is_none() || now == then
                })
            }
            _ => false,
        }
    }
}

/// Every combination of what these slots can contribute, by slot, unless there are too many.
fn combinations(slots: &BTreeSet<usize>, ranges: &Ranges) -> Option<Vec<BTreeMap<usize, i128>>> {
    let mut all = vec![BTreeMap::new()];
    for &slot in slots {
        let (low, high) = ranges[slot]?;
        let count = usize::try_from(high - low + 1).ok()?;
        all.len().checked_mul(count).filter(|&count| count <= MOST)?;
        let with = |before: &BTreeMap<usize, i128>, value: i128| {
            let mut inputs = before.clone();
            inputs.insert(slot, value);
            inputs
        };
        all = all.iter().flat_map(|before| (low..=high).map(|v| with(before, v))).collect();
    }
    Some(all)
}

fn element(integer: i128) -> Fr {
    let magnitude = Fr::from_u128(integer.unsigned_abs());
    if integer < 0 { -magnitude } else { magnitude }
}

/// The sum of shares where slots contribute these values.
fn sum(shares: &Shares, inputs: &BTreeMap<usize, i128>) -> Option<i128> {
    shares.iter().try_fold(0_i128, |sum, (slot, weight)| {
        sum.checked_add(weight.checked_mul(*inputs.get(slot)?)?)
    })
}

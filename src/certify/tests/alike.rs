//! Whether a fault changes what a circuit computes, decided by computing it.
//!
//! A line through the steps of a function has room on both sides, so that a weight or an offset that is one more may give the same
//! bytes. Here the equation of each row that a fault changes is solved with both constants, on every combination of values that
//! those contributing to it can have. Where all results are the same on all such rows, every row holds what it held before, one
//! after the other. It shares nothing with the certificate but how rows are read.

use super::Case;
use crate::certify::{
    rows::{Factor, Rows},
    shape::{Flag, Places, Shape},
    source::{integer, inverse},
};
use halo2_proofs::halo2curves::{bn256::Fr, ff::PrimeField};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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

    /// All that a slot can contribute, and perhaps more; none if that is not known here.
    fn range(
        &self,
        slot: usize,
        known: &mut HashMap<usize, Option<Vec<i128>>>,
    ) -> Option<Vec<i128>> {
        if let Some(range) = known.get(&slot) {
            return range.clone();
        }
        let all = |values: &[i128]| values.iter().copied().collect::<BTreeSet<_>>();
        let range = if self.is_function(slot) {
            self.image(slot, known)
        } else if self.rows.reads_table(self.rows.row_of(slot)) {
            None
        } else if self.is(slot, &[Flag::Inputs])
            || self.is(slot, &[Flag::Packs]) && !self.is(slot, &[Flag::Reads])
        {
            let short = integer(self.lane(slot, 0))?;
            Some((0..256).map(|byte| byte - short).collect())
        } else {
            None
        };
        // Whatever the sum is, a byte is one of the table.
        let of_table = || self.rows.reads_table(self.rows.row_of(slot)).then(|| all(&self.table));
        let range = range.or_else(of_table).map(|range| range.into_iter().collect());
        known.insert(slot, range.clone());
        range
    }

    /// What a slot makes of all that contributes to it. What its equation has no solution for never does, as every input has a
    /// witness.
    fn image(
        &self,
        slot: usize,
        known: &mut HashMap<usize, Option<Vec<i128>>>,
    ) -> Option<BTreeSet<i128>> {
        let shares = self.shares(slot)?;
        let inputs = self.combinations(shares.keys().copied(), known)?;
        Some(inputs.iter().filter_map(|inputs| self.solved(slot, sum(&shares, inputs)?)).collect())
    }

    /// Every combination of what these slots can contribute, by slot, unless there are too many.
    fn combinations(
        &self,
        slots: impl Iterator<Item = usize>,
        known: &mut HashMap<usize, Option<Vec<i128>>>,
    ) -> Option<Vec<BTreeMap<usize, i128>>> {
        let mut all = vec![BTreeMap::new()];
        for slot in slots {
            let range = self.range(slot, known)?;
            if all.len() * range.len() > MOST {
                return None;
            }
            let with = |before: &BTreeMap<usize, i128>, value: i128| {
                let mut inputs = before.clone();
                inputs.insert(slot, value);
                inputs
            };
            all = all.iter().flat_map(|before| range.iter().map(|&v| with(before, v))).collect();
        }
        Some(all)
    }

    /// Whether another circuit of the same places computes the same on every row. No where that is not known.
    pub fn is_alike(&self, other: &Computed<'_>) -> bool {
        let (own, others) = (&self.rows, &other.rows);
        if own.at != others.at || own.made != others.made || self.table != other.table {
            return false;
        }
        let flags = || self.places.flags.iter().map(|&(flag, _)| flag);
        let mut known = HashMap::new();
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
                && own.slots(row).all(|slot| self.computes_same(other, slot, has_same, &mut known))
        })
    }

    fn computes_same(
        &self,
        other: &Computed<'_>,
        slot: usize,
        has_same: bool,
        known: &mut HashMap<usize, Option<Vec<i128>>>,
    ) -> bool {
        let made = self.rows.made[slot].is_some();
        let shares = (self.shares(slot), other.shares(slot));
        match shares {
            // Nobody takes what is at a border.
            _ if has_same && self.is(slot, &[Flag::Border]) => true,
            (own, others) if has_same && own == others && (own.is_some() || !made) => true,
            (Some(own), Some(others)) if self.is_function(slot) => {
                let slots: BTreeSet<usize> = own.keys().chain(others.keys()).copied().collect();
                let Some(inputs) = self.combinations(slots.into_iter(), known) else {
                    return false;
                };
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

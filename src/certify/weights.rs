//! Committed weights: what any of them give is what the architecture gives with the same.

use super::CertifyError;
use super::hashes;
use super::rows::{Beside, Factor, Rows};
use super::shape::{HashPlaces, WeightPlaces};
use super::source::integer;
use super::sums::Adder;
use super::values::{Checked, Kind, Value, Values, fits};
use crate::model::Model;
use std::collections::{BTreeSet, HashMap};

/// What one can be.
const LEAST: i128 = -128;
const MOST: i128 = 127;

/// Digits of a bias, each 2^8 times the one before.
const DIGITS: usize = 3;

/// Which weight lies in which cell: told by the circuit. Two cells for one, or one for another's, lead to an error.
#[derive(Clone, Debug, Default)]
pub struct Lanes {
    /// By row and lane.
    numbers: HashMap<(usize, usize), u32>,
    is_twofold: bool,
}

impl Lanes {
    /// Those of columns that hold each weight's number in its place, from 1 on.
    pub fn of(columns: &[Vec<i32>]) -> Self {
        let mut numbers = HashMap::new();
        for (lane, column) in columns.iter().enumerate() {
            let own = column.iter().enumerate().filter(|(_, number)| **number > 0);
            numbers.extend(own.map(|(row, number)| ((row, lane), number.unsigned_abs() - 1)));
        }
        let different: BTreeSet<u32> = numbers.values().copied().collect();
        Self { is_twofold: different.len() != numbers.len(), numbers }
    }
}

impl Beside for Lanes {
    fn check_hashes(&self, rows: &Rows<'_>, places: &HashPlaces) -> Result<(), CertifyError> {
        hashes::check(rows, places, &rows.shape.hashes)
    }

    /// Rows that weigh alone have some; the table has all that one can be and no other.
    fn check_weights(&self, rows: &Rows<'_>, places: &WeightPlaces) -> Result<(), CertifyError> {
        if rows.shape.fold != 1 || self.is_twofold {
            return Err(CertifyError::Shape);
        }
        let wrong = |row: usize, what: &str| Err(CertifyError::row(row, what));
        if let Some(row) = rows.first_outside(places.scale) {
            return wrong(row, "committed weights are scaled outside of the table");
        }
        let mut found = BTreeSet::new();
        for row in 1..=rows.len() {
            if scale(rows, places, row)? != 0 && !rows.weighs(row) {
                return wrong(row, "committed weights are scaled on a row that does not weigh");
            }
            match integer(rows.cell(places.table, row)) {
                Some(weight @ LEAST..=MOST) => _ = found.insert(weight),
                _ => return wrong(row, "the table of committed weights has one that cannot be"),
            }
        }
        if found.into_iter().eq(LEAST..=MOST) {
            Ok(())
        } else {
            wrong(rows.len(), "the table of committed weights has not all that can be")
        }
    }

    fn factors(&self, rows: &Rows<'_>, row: usize) -> Result<Vec<(i32, Factor)>, CertifyError> {
        let Some(places) = rows.weights() else { return Ok(Vec::new()) };
        let scale = scale(rows, places, row)?;
        if scale == 0 {
            return Ok(Vec::new());
        }
        let factor = |lane: usize| match self.numbers.get(&(row, lane)) {
            Some(&number) => Factor::Committed(number, scale),
            None => Factor::Nothing,
        };
        Ok((0..).zip((0..places.lanes.len()).map(factor)).collect())
    }
}

fn scale(rows: &Rows<'_>, places: &WeightPlaces, row: usize) -> Result<i128, CertifyError> {
    let scale = integer(rows.cell(places.scale, row)).filter(|scale| (0..1 << 32).contains(scale));
    scale.ok_or_else(|| {
        CertifyError::row(row, "the scale of its committed weights is no small integer")
    })
}

/// A committed weight.
pub fn weight(values: &mut Values, number: u32) -> Value {
    Value::of(values.atom(Kind::Weight(number), (LEAST, MOST)))
}

/// The number of the first committed weight of each node, and how many there are.
pub fn numbers(model: &Model) -> (Vec<Option<u32>>, usize) {
    let mut next = 0;
    let of_nodes = model.graph.nodes.iter().map(|node| {
        let [weights, biases] = node.operator.weights()?;
        let first = u32::try_from(next).ok();
        next += weights.len() + DIGITS * biases.len();
        first
    });
    (of_nodes.collect(), next)
}

/// The weights of a layer, and what the sums of its outputs begin with.
pub struct Layer {
    pub weights: Vec<Value>,
    pub begun: Vec<Adder>,
}

impl Layer {
    /// Those that are known.
    pub fn known(weights: &[i32], biases: &[i32]) -> Checked<Self> {
        let constant = |&weight: &i32| Value::constant(weight.into());
        let begun = |&bias: &i32| {
            let mut sum = Adder::default();
            sum.constant(bias.into()).map(|()| sum)
        };
        Ok(Self {
            weights: weights.iter().map(constant).collect(),
            begun: biases.iter().map(begun).collect::<Checked<_>>()?,
        })
    }

    /// Those that are committed, from this number on. The digits of a bias have been taken off it what the inputs' zero point times
    /// its weights gives, so that they are added to bytes as they are.
    pub fn committed(
        values: &mut Values,
        first: u32,
        [weights, biases]: [usize; 2],
        zero: i128,
    ) -> Checked<Self> {
        let number = |further: usize| {
            fits(u32::try_from(further).ok().and_then(|number| number.checked_add(first)))
        };
        let mut all = Vec::with_capacity(weights);
        for further in 0..weights {
            all.push(weight(values, number(further)?));
        }
        let mut begun = Vec::with_capacity(biases);
        for (output, weights_of) in all.chunks(weights / biases.max(1)).enumerate() {
            let mut sum = Adder::default();
            weights_of.iter().try_for_each(|&weight| sum.add(weight, zero))?;
            for digit in 0..DIGITS {
                let own = weight(values, number(weights + digit * biases + output)?);
                sum.add(own, 1 << (8 * digit))?;
            }
            begun.push(sum);
        }
        Ok(Self { weights: all, begun })
    }
}

//! What a circuit costs, as far as its columns and k tell: the time and memory of a proof, and by how much gas plans differ.
//!
//! Fits to measurements, which `script/fit_prediction.py` makes anew. A plan is chosen by them, and `inspect` shows them.

use super::{Goal, shape::Shape};

/// Seconds on two quiet cores with AVX-512 IFMA: without any row, per row (gates, openings), and per row and fixed column. An advice
/// column counts twice, as it is also committed to. (That an FFT takes k passes does not show between k = 10 and 19.)
const SECONDS: f64 = 0.02;
const SECONDS_PER_ROW: f64 = 6.1e-6;
const SECONDS_PER_CELL: f64 = 0.28e-6;

/// Bytes that the process holds: without any row, per row, and per row and column.
const BYTES: f64 = 22.5e6;
const BYTES_PER_ROW: f64 = 997.9;
const BYTES_PER_CELL: f64 = 23.77;

/// Of the coefficients that the prover keeps: of so many columns at most from this k on, and of twice as many for each k less.
const KEPT_BYTES_PER_CELL: f64 = 32.0;
const MOST_KEPT: usize = 24;
const LONG: u32 = 17;

/// Gas of a column more: its commitment is read and multiplied.
const GAS_PER_COLUMN: f64 = 7600.0;

/// The same in packed proofs, where it is read at two points if it is advice and at one if it is fixed.
const GAS_PER_VALUE: f64 = 630.0;

/// Seconds of packed proofs: without any row, per row, per row and column as above, per advice cell, which is committed to as a
/// scalar of full size, and per power of the reference string, by which each of the two openings is multiplied.
const PACKED_SECONDS: f64 = 0.004;
const PACKED_SECONDS_PER_ROW: f64 = 3.4e-6;
const PACKED_SECONDS_PER_CELL: f64 = 0.44e-6;
const PACKED_SECONDS_PER_ADVICE_CELL: f64 = 0.82e-6;
const PACKED_SECONDS_PER_POWER: f64 = 1.97e-6;

/// One more k costs only squarings.
const GAS_PER_K: f64 = 76.0;

/// What it is worth to spare gas, in seconds and bytes: a column is worth a millisecond or so. Circuits that are proved in
/// an instant have few columns in a longer domain.
const SECONDS_PER_GAS: f64 = 0.1e-6;
const BYTES_PER_GAS: f64 = 18.0;

/// The same where proofs are packed, which is done for their gas: 1,000 gas are worth 25 ms.
const PACKED_SECONDS_PER_GAS: f64 = 25e-6;

/// Up to this k, proving takes about a second. Beyond, a doubling has to save more than a column's gas.
const QUICK_K: u32 = 14;

/// What a plan takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Wall time of a proof on two quiet cores.
    pub seconds: f64,
    /// The most memory that proving holds.
    pub bytes: f64,
    /// Gas of a verification, beside what all plans of a model have in common.
    gas: f64,
    k: u32,
}

impl Cost {
    /// That of a shape.
    #[allow(clippy::cast_precision_loss, reason = "numbers far below 2^53")]
    pub fn new(shape: &Shape, k: u32) -> Self {
        let kept = shape.columns().iter().sum::<usize>().min(MOST_KEPT << LONG.saturating_sub(k));
        let [advice, fixed] = shape.columns().map(|columns| columns as f64);
        let rows = (1_u64 << k) as f64;
        let seconds_per_row = SECONDS_PER_ROW + SECONDS_PER_CELL * (2.0 * advice + fixed);
        let bytes_per_row =
            BYTES_PER_ROW + BYTES_PER_CELL * (advice + fixed) + KEPT_BYTES_PER_CELL * kept as f64;
        Self {
            seconds: SECONDS + seconds_per_row * rows,
            bytes: BYTES + bytes_per_row * rows,
            gas: GAS_PER_COLUMN * (advice + fixed) + GAS_PER_K * f64::from(k),
            k,
        }
    }

    /// Wall time of a packed proof on two quiet cores that takes so many powers of the reference string.
    #[allow(clippy::cast_precision_loss, reason = "numbers far below 2^53")]
    pub fn packed_seconds(shape: &Shape, k: u32, powers: f64) -> f64 {
        let [advice, fixed] = shape.columns().map(|columns| columns as f64);
        let per_row = PACKED_SECONDS_PER_ROW
            + PACKED_SECONDS_PER_CELL * (2.0 * advice + fixed)
            + PACKED_SECONDS_PER_ADVICE_CELL * advice;
        PACKED_SECONDS + per_row * (1_u64 << k) as f64 + PACKED_SECONDS_PER_POWER * powers
    }

    /// By which plans of packed proofs are chosen: gas counts as the seconds that it is worth there, whatever the goal. How wide
    /// packs are is chosen later: about as half of the columns.
    #[allow(clippy::cast_precision_loss, reason = "numbers far below 2^53")]
    pub(super) fn packed(shape: &Shape, k: u32) -> Self {
        let [advice, fixed] = shape.columns().map(|columns| columns as f64);
        let gas = GAS_PER_VALUE * (2.0 * advice + fixed) + GAS_PER_K * f64::from(k);
        let powers = advice / 2.0 * (1_u64 << k) as f64;
        let seconds = Self::packed_seconds(shape, k, powers) + PACKED_SECONDS_PER_GAS * gas;
        Self { seconds, gas, ..Self::new(shape, k) }
    }

    /// The figure that a goal is about.
    pub(super) fn figure(&self, goal: Goal) -> f64 {
        match goal {
            Goal::Speed => self.seconds,
            Goal::Gas => self.gas,
            Goal::Memory => self.bytes,
        }
    }

    /// The figure, and what of the others is worth to be spared with it.
    pub(super) fn weighed(&self, goal: Goal) -> f64 {
        let also = match goal {
            Goal::Speed => SECONDS_PER_GAS * self.gas,
            Goal::Gas => GAS_PER_COLUMN * f64::from(self.k.saturating_sub(QUICK_K)),
            Goal::Memory => BYTES_PER_GAS * self.gas,
        };
        self.figure(goal) + also
    }
}

#[cfg(test)]
mod tests {
    use crate::circuit::tests::{circuit, models};

    #[test]
    fn columns_are_counted_as_they_are_made() {
        for (name, model) in models::all() {
            let circuit = circuit(&model);
            let system = circuit.constraint_system();
            let made = [system.num_advice_columns(), system.num_fixed_columns()];
            assert_eq!(circuit.shape().columns(), made, "{name}");
        }
    }
}

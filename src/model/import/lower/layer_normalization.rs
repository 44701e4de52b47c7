//! Layer normalizations in integers.

use crate::model::import::{
    Importer,
    expression::{Normalization, Real},
};
use crate::model::{
    Exactness, LayerNormalization, ModelError, Operator, Origin, Quantization, Tensor, TensorId,
};

impl Importer<'_> {
    /// Makes the integer operator of a layer normalization.
    pub(in crate::model::import) fn lower_layer_normalization(
        &mut self,
        real: &Real,
        x: TensorId,
        normalization: &Normalization,
        (min, max): (i32, i32),
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let input = self.tensor(x).quantization;
        let rows = self.tensor(x).len() / normalization.weights.len();
        let operator = integers(normalization, input, output.quantization, rows, (min, max))
            .ok_or_else(|| real.unsupported("weights this large"))?;
        let origin = Origin {
            operator: "LayerNormalization".into(),
            exactness: Exactness::Approximate,
            parameters: real.parameters,
        };
        self.add_node(&real.node, Operator::LayerNormalization(operator), vec![x], output, origin)
    }
}

/// The integers of a layer normalization, see [`LayerNormalization`]. `None` if they are too large.
fn integers(
    normalization: &Normalization,
    input: Quantization,
    output: Quantization,
    rows: usize,
    (min, max): (i32, i32),
) -> Option<LayerNormalization> {
    let length = normalization.weights.len();
    let n = f64::from(u32::try_from(length).ok().filter(|&length| length <= 1 << 16)?);
    let scale = f64::from(input.scale);
    // Epsilon in the unit of n·Σx² − s², refined until it has about 12 bits, if it is not so small
    // that the variance of any row that is not constant outweighs it.
    let epsilon = n * n * f64::from(normalization.epsilon) / (scale * scale);
    if !(0.0..1e18).contains(&epsilon) {
        return None;
    }
    let factor_bits: i32 = (0..=5)
        .map(|i| 2 * i)
        .find(|&bits| epsilon * f64::from(bits).exp2() >= 4096.0)
        .unwrap_or(10);
    let factor = f64::from(factor_bits).exp2();
    let epsilon = (epsilon * factor).round_ties_even().max(1.0);
    // The largest variance: half of the elements at each end of the range.
    let (low, high) = input.element.range();
    let spread = f64::from(high - low);
    let largest = factor * n * n * spread * spread / 4.0 + epsilon;
    // The inverse root keeps 17 bits or more.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let root_bits = (17.0 + largest.sqrt().log2().ceil()) as u32;
    let gain_bits = 16_i32;
    let unit = f64::from(gain_bits).exp2();
    let gains: Vec<f64> = normalization
        .weights
        .iter()
        .map(|&weight| f64::from(weight) / f64::from(output.scale) * unit)
        .collect();
    // y = weight · u / √(d / factor) / output scale, with r = 2^root_bits / √d.
    let shift = u32::try_from(gain_bits)
        .ok()?
        .checked_add(root_bits)?
        .checked_sub(u32::try_from(factor_bits / 2).ok()?)?;
    let one = 2_f64.powi(i32::try_from(shift).ok()?);
    let fits = gains.iter().all(|gain| gain.abs() < 1e12) && shift < 64 && root_bits < 60;
    let offsets: Option<Vec<i128>> = normalization
        .bias
        .iter()
        .map(|&bias| {
            let steps = f64::from(bias) / f64::from(output.scale) + f64::from(output.zero_point);
            #[allow(clippy::cast_possible_truncation)]
            (steps.abs() < 1e9).then(|| ((steps + 0.5) * one).round_ties_even() as i128)
        })
        .collect();
    #[allow(clippy::cast_possible_truncation)]
    fits.then_some(()).and(offsets).map(|offset| LayerNormalization {
        rows,
        length,
        variance_factor: factor as i64,
        epsilon: epsilon as i64,
        root_bits,
        gain: gains.iter().map(|gain| gain.round_ties_even() as i64).collect(),
        offset,
        shift,
        min,
        max,
    })
}

//! Softmax in integers.

use crate::model::import::{Importer, expression::Real};
use crate::model::{Exactness, ModelError, Operator, Origin, Softmax, Tensor, TensorId};

/// Precision of the exponentials: a row of 2^11 elements has a sum below 2^31.
const BITS: i32 = 20;

impl Importer<'_> {
    /// Makes the integer operator of a softmax along rows.
    pub(in crate::model::import) fn lower_softmax(
        &mut self,
        real: &Real,
        x: TensorId,
        length: usize,
        (min, max): (i32, i32),
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        if length > 1 << 11 {
            return Err(real.unsupported("a row of more than 2,048 elements"));
        }
        let scale = f64::from(self.tensor(x).quantization.scale);
        let exponentials = (0..256)
            .map(|distance| {
                let exponential = libm::exp(-f64::from(distance) * scale) * f64::from(BITS).exp2();
                // At most 2^BITS.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let rounded = exponential.round_ties_even() as u32;
                rounded
            })
            .collect();
        // onnxruntime's kernel takes the number of steps in 1 as an integer.
        let levels = (1.0 / output.quantization.scale).floor();
        if !(0.0..1e6).contains(&levels) {
            return Err(real.unsupported("an output scale this small"));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let levels = levels as u32;
        let softmax = Softmax {
            rows: self.tensor(x).len() / length,
            length,
            exponentials,
            levels,
            zero_point: output.quantization.zero_point,
            min,
            max,
        };
        let origin = Origin {
            operator: "QLinearSoftmax".into(),
            exactness: Exactness::Approximate,
            parameters: 0,
        };
        self.add_node(&real.node, Operator::Softmax(softmax), vec![x], output, origin)
    }
}

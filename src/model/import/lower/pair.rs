//! From sums and products of elements to integer operators.

use crate::model::import::{
    Importer, RealId, RealKind,
    expression::{Pair, Real},
};
use crate::model::{
    Add, AddOrder, Exactness, ModelError, Mul, Operand, Operator, Origin, Quantization, Tensor,
    TensorId,
};

impl Importer<'_> {
    /// Makes the integer operator of a sum or product of dequantized operands, as onnxruntime fuses
    /// it. `None` for other operands.
    pub(in crate::model::import) fn lower_pair(
        &mut self,
        real: &Real,
        (pair, operands, order): (Pair, [RealId; 2], AddOrder),
        quantization: Quantization,
        bounds: (i32, i32),
        output: &Tensor,
    ) -> Result<Option<TensorId>, ModelError> {
        let [a, b] = operands;
        // A constant comes second here; the order of float32's additions stays that of the kernel.
        let swapped = matches!(self.real(a).kind, RealKind::Weights(_));
        let (a, b, order) = match (swapped, order) {
            (false, order) => (a, b, order),
            (true, AddOrder::LeftLast) => (b, a, AddOrder::RightLast),
            (true, AddOrder::RightLast) => (b, a, AddOrder::LeftLast),
        };
        let RealKind::Activation(x) = self.real(a).kind else { return Ok(None) };
        let (left, left_zero_point) = {
            let quantization = self.tensor(x).quantization;
            (quantization.scale, quantization.zero_point)
        };
        // Constants keep their integers relative to their zero point, which makes that 0.
        let (right, right_zero_point, operand, mut inputs, other_element) = match &self.real(b).kind
        {
            RealKind::Activation(y) => {
                let Quantization { scale, zero_point, element } = self.tensor(*y).quantization;
                (scale, zero_point, Operand::Tensor, vec![x, *y], Some(element))
            }
            RealKind::Weights(weights) => {
                let [scale] = weights.scales.as_slice() else { return Ok(None) };
                let [zero_point] = weights.zero_points.as_slice() else { return Ok(None) };
                let Some(integers) = weights.values.integers() else { return Ok(None) };
                let values = integers.iter().map(|value| value + zero_point).collect();
                (*scale, *zero_point, Operand::Constant(values), vec![x], weights.element)
            }
            _ => return Ok(None),
        };
        let (min, max) = bounds;
        let Quantization { scale, zero_point, .. } = quantization;
        #[allow(clippy::cast_precision_loss)]
        let real_of = |integer: i32| integer as f32;
        let operator = match pair {
            Pair::Add | Pair::Sub => {
                let (mut left_ratio, mut right_ratio) = (left / scale, right / scale);
                if pair == Pair::Sub {
                    if swapped {
                        left_ratio = -left_ratio;
                    } else {
                        right_ratio = -right_ratio;
                    }
                }
                let (left_shift, right_shift) =
                    (real_of(left_zero_point), real_of(right_zero_point));
                let zero_points = match order {
                    AddOrder::LeftLast => left_ratio.mul_add(left_shift, right_ratio * right_shift),
                    AddOrder::RightLast => {
                        right_ratio.mul_add(right_shift, left_ratio * left_shift)
                    }
                };
                Operator::Add(Add {
                    operand,
                    left: left_ratio,
                    right: right_ratio,
                    fixed: real_of(zero_point) - zero_points,
                    order,
                    min,
                    max,
                })
            }
            Pair::Mul => Operator::Mul(Mul {
                operand,
                operand_zero_point: right_zero_point,
                multiplier: left * right / scale,
                zero_point,
                min,
                max,
            }),
            _ => return Ok(None),
        };
        let name = match pair {
            Pair::Add => "QLinearAdd",
            Pair::Sub => "Sub",
            _ => "QLinearMul",
        };
        // onnxruntime has no integer kernel for differences.
        let exactness = match pair {
            Pair::Sub => Exactness::Approximate,
            _ => self.pair_kernel(&inputs, other_element, quantization.element),
        };
        let origin = Origin { operator: name.into(), exactness, parameters: real.parameters };
        // A constant that is everywhere the same makes it a function of one element.
        let operator = match operator.as_table(self.tensor(x).quantization) {
            Some(table) => {
                inputs.truncate(1);
                let from = self.tensor(x).quantization.element;
                table.or_view(from, quantization.element)
            }
            None => operator,
        };
        self.add_node(&real.node, operator, inputs, output.clone(), origin).map(Some)
    }
}

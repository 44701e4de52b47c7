//! Operators on pairs of elements: Add, Sub, Mul, Div, Pow and their quantized forms.

use std::rc::Rc;

use super::{
    Constant, Data, Importer, NodeView, RealId, RealKind, Source, Value,
    function::Function,
    real::Real,
    shape::broadcast,
    views::{Elements, element},
};
use crate::model::{
    Add, AddOrder, ElementType, Exactness, ModelError, Mul, Operand, Operator, Origin,
    Quantization, Tensor, TensorId, View,
};

/// What is done with two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Min,
    Max,
    /// The first if positive, otherwise the product: PRelu with its slope.
    PRelu,
    /// The remainder with the sign of the first.
    Mod,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    And,
    Or,
    Xor,
}

impl Pair {
    /// The result in float32.
    pub fn apply(self, a: f32, b: f32) -> f32 {
        let truth = |holds: bool| f32::from(u8::from(holds));
        match self {
            Self::Mod => a % b,
            Self::Less => truth(a < b),
            Self::LessOrEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterOrEqual => truth(a >= b),
            Self::Equal => truth(a == b),
            Self::And => truth(a != 0.0 && b != 0.0),
            Self::Or => truth(a != 0.0 || b != 0.0),
            Self::Xor => truth((a != 0.0) != (b != 0.0)),
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Pow if b == 2.0 => a * a,
            Self::Pow if b == 3.0 => a * a * a,
            Self::Pow => a.powf(b),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
            Self::PRelu => {
                if a > 0.0 {
                    a
                } else {
                    a * b
                }
            }
        }
    }

    fn read(node: NodeView<'_>) -> Result<Self, ModelError> {
        Ok(match node.operator() {
            "Add" | "QLinearAdd" => Self::Add,
            "Sub" => Self::Sub,
            "Mul" | "QLinearMul" => Self::Mul,
            "Div" => Self::Div,
            "Pow" => Self::Pow,
            "Min" => Self::Min,
            "Max" => Self::Max,
            "PRelu" => Self::PRelu,
            "Mod" if node.flag("fmod") => Self::Mod,
            "Less" => Self::Less,
            "LessOrEqual" => Self::LessOrEqual,
            "Greater" => Self::Greater,
            "GreaterOrEqual" => Self::GreaterOrEqual,
            "Equal" => Self::Equal,
            "And" => Self::And,
            "Or" => Self::Or,
            "Xor" => Self::Xor,
            other => return Err(node.unsupported(format!("the operation {other}"))),
        })
    }
}

/// A float operator on pairs of elements.
pub(super) fn pair(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    if let Some(folded) = super::fold::arithmetic(importer, node)? {
        return Ok(vec![folded]);
    }
    let pair = Pair::read(node)?;
    let count = node.proto.input.len();
    if count < 2 && !matches!(pair, Pair::Min | Pair::Max) {
        return Err(node.error(format!("it has {count} inputs")));
    }
    let mut result = importer.real_input(node, 0)?;
    for index in 1..count {
        let operand = importer.real_input(node, index)?;
        result = importer.pair_expression(node, pair, result, operand)?;
    }
    Ok(vec![Value::Real(result)])
}

/// `(A, A scale, A zero point, B, B scale, B zero point, C scale, C zero point)`.
pub(super) fn qlinear_pair(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let a = importer.dequantized(node, [0, 1, 2], 1)?;
    let b = importer.dequantized(node, [3, 4, 5], 1)?;
    let pair = importer.pair_expression(node, Pair::read(node)?, a, b)?;
    let quantization = importer.output_quantization(node, 6, 7, ElementType::Uint8)?;
    importer.quantize_output(node, pair, quantization)
}

/// `BatchNormalization(X, scale, bias, mean, variance)` at inference: a factor and a summand per channel.
pub(super) fn batch_normalization(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    if node.flag("training_mode") || node.proto.output.len() > 1 {
        return Err(node.unsupported("training"));
    }
    let x = importer.real_input(node, 0)?;
    let shape = importer.real(x).shape.clone();
    let &[_, channels, ..] = shape.as_slice() else {
        return Err(node.error(format!("its input has the shape {shape:?}")));
    };
    let epsilon = node.float("epsilon", 1e-5)?;
    let mut per_channel = |index| -> Result<Vec<f32>, ModelError> {
        let id = importer.real_input(node, index)?;
        importer
            .constant_reals(id)
            .filter(|values| values.len() == channels)
            .ok_or_else(|| node.error(format!("its input {index} is not {channels} constants")))
    };
    let (scale, bias, mean, variance) =
        (per_channel(1)?, per_channel(2)?, per_channel(3)?, per_channel(4)?);
    let factors: Vec<f32> =
        scale.iter().zip(&variance).map(|(s, v)| s / (v + epsilon).sqrt()).collect();
    let summands =
        (0..channels).map(|channel| bias[channel] - mean[channel] * factors[channel]).collect();
    let mut broadcast = vec![1; shape.len()];
    broadcast[1] = channels;
    let mut y = x;
    for (pair, values) in [(Pair::Mul, factors), (Pair::Add, summands)] {
        let constant = Constant::new(broadcast.clone(), Data::Float(values));
        let kind = RealKind::Constant(Rc::new(constant));
        let constant = importer.expression(node, broadcast.clone(), kind, &[])?;
        y = importer.pair_expression(node, pair, y, constant)?;
    }
    Ok(vec![Value::Real(y)])
}

/// Which operand float32 adds last: the first, unless it is the same along the innermost axis that is
/// walked at once, because then the kernel exchanges the operands.
fn order(a: &[usize], shape: &[usize]) -> AddOrder {
    let missing = shape.len() - a.len();
    match (0..shape.len()).rev().find(|&axis| shape[axis] != 1) {
        Some(axis) if axis < missing || a[axis - missing] == 1 => AddOrder::RightLast,
        _ => AddOrder::LeftLast,
    }
}

impl Importer<'_> {
    fn pair_expression(
        &mut self,
        node: NodeView<'_>,
        pair: Pair,
        a: RealId,
        b: RealId,
    ) -> Result<RealId, ModelError> {
        let (a_shape, b_shape) = (self.real(a).shape.clone(), self.real(b).shape.clone());
        // A slope of PRelu broadcasts in one direction only.
        let shape = broadcast(node, &a_shape, &b_shape)?;
        let order = order(&a_shape, &shape);
        let (a_parameters, b_parameters) = (self.parameters(a), self.parameters(b));
        let normalized = self.normalization(node, pair, a, b)?;
        if let Some(id) = normalized {
            return Ok(id);
        }
        if let Some(id) = self.folded_into_product(node, pair, a, b)? {
            return Ok(id);
        }
        let a = self.expanded(node, a, &shape)?;
        let b = self.expanded(node, b, &shape)?;
        if matches!(pair, Pair::Min | Pair::Max)
            && self.real(a).source.join(self.real(b).source) == Source::Other
        {
            return self.extreme_of_two(node, pair == Pair::Min, [a, b], shape);
        }
        let kind = RealKind::Pair { pair, operands: [a, b], order };
        let id = self.expression(node, shape, kind, &[a, b])?;
        self.reals[id.0].parameters = a_parameters + b_parameters;
        Ok(id)
    }

    /// The larger or the smaller of two elements: the extreme of an axis of length 2.
    fn extreme_of_two(
        &mut self,
        node: NodeView<'_>,
        is_least: bool,
        operands: [RealId; 2],
        shape: Vec<usize>,
    ) -> Result<RealId, ModelError> {
        let inner: usize = shape.iter().product();
        let mut both = Vec::new();
        for operand in operands {
            both.push(if is_least { self.negative(node, operand)? } else { operand });
        }
        let elements = (0..2).flat_map(|input| (0..inner).map(move |i| element(input, i)));
        let elements = Elements { shape: vec![2, inner], view: View::Elements(elements.collect()) };
        let x = self.view_of_reals(node, &both, elements)?;
        let (outer, length) = (1, 2);
        let kind = if is_least {
            RealKind::NegatedMax { x, outer, length, inner }
        } else {
            RealKind::ReduceMax { x, outer, length, inner }
        };
        self.expression(node, shape, kind, &[x])
    }

    /// The negative of an expression.
    pub(super) fn negative(&mut self, node: NodeView<'_>, x: RealId) -> Result<RealId, ModelError> {
        let shape = self.real(x).shape.clone();
        self.expression(node, shape, RealKind::Elementwise(Function::Neg, x), &[x])
    }

    /// How many constant values an operand holds.
    pub(super) fn parameters(&self, id: RealId) -> usize {
        match &self.real(id).kind {
            RealKind::Constant(constant) => constant.len(),
            RealKind::Weights(weights) => weights.parameters,
            _ => 0,
        }
    }

    /// Makes the integer operator of a sum or product of dequantized operands, as onnxruntime fuses
    /// it. `None` for other operands.
    pub(super) fn lower_pair(
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
                let values = weights.values.iter().map(|value| value + zero_point).collect();
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
                super::lower::table_or_view(table, from, quantization.element)
            }
            None => operator,
        };
        self.add_node(&real.node, operator, inputs, output.clone(), origin).map(Some)
    }
}

//! Operators on pairs of elements: Add, Sub, Mul, Div, Pow and their quantized forms.

use std::rc::Rc;

use crate::model::import::{
    Constant, Data, Importer, NodeView, RealId, RealKind, Source, Value,
    expression::{Elements, Pair, element},
    function::Function,
    shape::broadcast,
};
use crate::model::{AddOrder, ElementType, ModelError, View};

/// Which operation a node is.
fn read(node: NodeView<'_>) -> Result<Pair, ModelError> {
    Ok(match node.operator() {
        "Add" | "QLinearAdd" => Pair::Add,
        "Sub" => Pair::Sub,
        "Mul" | "QLinearMul" => Pair::Mul,
        "Div" => Pair::Div,
        "Pow" => Pair::Pow,
        "Min" => Pair::Min,
        "Max" => Pair::Max,
        "PRelu" => Pair::PRelu,
        "Mod" if node.flag("fmod") => Pair::Mod,
        "Less" => Pair::Less,
        "LessOrEqual" => Pair::LessOrEqual,
        "Greater" => Pair::Greater,
        "GreaterOrEqual" => Pair::GreaterOrEqual,
        "Equal" => Pair::Equal,
        "And" => Pair::And,
        "Or" => Pair::Or,
        "Xor" => Pair::Xor,
        other => return Err(node.unsupported(format!("the operation {other}"))),
    })
}

/// A float operator on pairs of elements.
pub(in crate::model::import) fn pair(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    if let Some(folded) = super::fold::arithmetic(importer, node)? {
        return Ok(vec![folded]);
    }
    let pair = read(node)?;
    let count = node.proto.input.len();
    if count < 2 && !matches!(pair, Pair::Min | Pair::Max) {
        return Err(node.error(format!("it has {count} inputs")));
    }
    let mut result = importer.real_input(node, 0)?;
    for index in 1..count {
        let operand = match pair {
            Pair::Pow => importer.exponent(node, index)?,
            _ => importer.real_input(node, index)?,
        };
        result = importer.pair_expression(node, pair, result, operand)?;
    }
    Ok(vec![Value::Real(result)])
}

/// `Binarizer(X)`: 1 above a threshold, 0 elsewhere.
pub(in crate::model::import) fn binarizer(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let threshold = Constant::new(vec![1], Data::Float(vec![node.float("threshold", 0.0)?]));
    let kind = RealKind::Constant(Rc::new(threshold));
    let threshold = importer.expression(node, vec![1], kind, &[])?;
    Ok(vec![Value::Real(importer.pair_expression(node, Pair::Greater, x, threshold)?)])
}

/// `(A, A scale, A zero point, B, B scale, B zero point, C scale, C zero point)`.
pub(in crate::model::import) fn qlinear_pair(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let a = importer.dequantized(node, [0, 1, 2], 1)?;
    let b = importer.dequantized(node, [3, 4, 5], 1)?;
    let pair = importer.pair_expression(node, read(node)?, a, b)?;
    let quantization = importer.output_quantization(node, 6, 7, ElementType::Uint8)?;
    importer.quantize_output(node, pair, quantization)
}

/// `BatchNormalization(X, scale, bias, mean, variance)` at inference: a factor and a summand per channel.
pub(in crate::model::import) fn batch_normalization(
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
    /// The second input of a Pow, which may be of whole numbers.
    fn exponent(&mut self, node: NodeView<'_>, index: usize) -> Result<RealId, ModelError> {
        if let Value::Constant(constant) = self.required(node, index)?
            && let Some(integers) = constant.integers()
        {
            #[allow(clippy::cast_precision_loss)]
            let reals = integers.iter().map(|&integer| integer as f32).collect();
            let shape = constant.shape.clone();
            let reals = Constant::new(shape.clone(), Data::Float(reals));
            return self.expression(node, shape, RealKind::Constant(Rc::new(reals)), &[]);
        }
        self.real_input(node, index)
    }

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
    pub(in crate::model::import) fn negative(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
    ) -> Result<RealId, ModelError> {
        let shape = self.real(x).shape.clone();
        self.expression(node, shape, RealKind::Elementwise(Function::Neg, x), &[x])
    }

    /// How many constant values an operand holds.
    pub(in crate::model::import) fn parameters(&self, id: RealId) -> usize {
        match &self.real(id).kind {
            RealKind::Constant(constant) => constant.len(),
            RealKind::Weights(weights) => weights.parameters,
            _ => 0,
        }
    }
}

//! From a float expression and the QuantizeLinear that ends it to integer operators.

mod codes;
mod conditions;
pub(super) mod groups;
mod layer_normalization;
mod linear;
mod pair;
mod prepared;
mod softmax;
mod table;
mod trees;

use std::collections::HashMap;

use crate::model::import::{
    Importer, NodeView, RealId, RealKind, Value,
    expression::{Pair, ReduceMean},
};
use crate::model::{
    AveragePool, ElementType, Exactness, MatMul, MaxPool, Mean, ModelError, Operator, Origin,
    Quantization, Reduce, ReduceMax, Requantization, Rescale, Table, Tensor, TensorId, View,
    ViewElement,
};

/// What a quantization is, as a key of maps.
pub(in crate::model::import) type Lowered =
    HashMap<(RealId, u32, i32, ElementType, (i32, i32)), TensorId>;

impl Importer<'_> {
    /// The output of an operator in quantized form.
    pub(in crate::model::import) fn quantize_output(
        &mut self,
        node: NodeView<'_>,
        real: RealId,
        quantization: Quantization,
    ) -> Result<Vec<Value>, ModelError> {
        let output = node.proto.output.first().map_or("", String::as_str);
        Ok(vec![Value::Integers(self.quantize(real, quantization, output)?)])
    }

    /// Makes the integer operators that give a float expression, quantized.
    pub(in crate::model::import) fn quantize(
        &mut self,
        id: RealId,
        quantization: Quantization,
        output: &str,
    ) -> Result<TensorId, ModelError> {
        self.quantize_between(id, quantization, quantization.element.range(), output)
    }

    /// The same, clamped. An expression that is quantized alike twice is computed once.
    fn quantize_between(
        &mut self,
        id: RealId,
        quantization: Quantization,
        bounds: (i32, i32),
        output: &str,
    ) -> Result<TensorId, ModelError> {
        let Quantization { scale, zero_point, element } = quantization;
        let key = (id, scale.to_bits(), zero_point, element, bounds);
        if let Some(&tensor) = self.lowered.get(&key) {
            return Ok(tensor);
        }
        let tensor = self.lower(id, quantization, bounds, output)?;
        self.lowered.insert(key, tensor);
        Ok(tensor)
    }

    fn lower(
        &mut self,
        id: RealId,
        quantization: Quantization,
        bounds: (i32, i32),
        output: &str,
    ) -> Result<TensorId, ModelError> {
        let real = self.real(id).clone();
        let tensor = Tensor { name: output.to_owned(), shape: real.shape.clone(), quantization };
        let (min, max) = bounds;
        let is_clamped = bounds != quantization.element.range();
        let origin = |operator: &str, exactness| Origin {
            operator: operator.to_owned(),
            exactness,
            parameters: real.parameters,
        };
        match real.kind.clone() {
            RealKind::Input(_)
            | RealKind::Pair { .. }
            | RealKind::View(..)
            | RealKind::Filled(..)
                if !is_clamped && self.is_prepared_input(id) =>
            {
                self.lower_input(&real, id, quantization, tensor)
            }
            RealKind::Activation(x)
                if !is_clamped && self.tensor(x).quantization == quantization =>
            {
                Ok(x)
            }
            // Clamps commute with quantization, so they are part of the operator below them.
            RealKind::Elementwise(function, operand) if function.as_clamp().is_some() => {
                let (low, high) = function.as_clamp().unwrap_or_default();
                let (low, high) = (quantization.quantize(low), quantization.quantize(high));
                let bounds = (min.clamp(low, high), max.clamp(low, high));
                self.quantize_between(operand, quantization, bounds, output)
            }
            RealKind::Linear(x, parts) => {
                self.lower_linear(&real, x, &parts, quantization, bounds, tensor)
            }
            RealKind::MatMul { operands, batch, rows, inner, columns, alpha } => {
                let [a, b] = operands.map(|id| self.tensor(id).quantization);
                let reach = u128::from(a.max_centred().unsigned_abs())
                    * u128::from(b.max_centred().unsigned_abs())
                    * inner as u128;
                real.check_reach(reach)?;
                let requantization = Requantization {
                    multipliers: vec![alpha * a.scale * b.scale / quantization.scale],
                    zero_point: quantization.zero_point,
                    min,
                    max,
                };
                let operator = MatMul { batch, rows, inner, columns, requantization };
                let name = if real.operator == "Gemm" { "QGemm" } else { "QLinearMatMul" };
                let origin = origin(
                    name,
                    self.kernel(&operands, (a.element, Some(b.element)), quantization.element),
                );
                self.add_node(
                    &real.node,
                    Operator::MatMul(operator),
                    operands.to_vec(),
                    tensor,
                    origin,
                )
            }
            RealKind::Pair { pair: Pair::Sub, operands, .. }
                if !is_clamped && self.is_rest_of_input(operands) =>
            {
                self.lower_rest_of_input(&real, operands, quantization, tensor)
            }
            RealKind::Pair { pair: Pair::Greater, .. } if self.is_comparison_of_inputs(id) => {
                self.lower_conditions(&real, id, bounds, tensor)
            }
            RealKind::Pair { pair, operands, order } => {
                let lowered =
                    self.lower_pair(&real, (pair, operands, order), quantization, bounds, &tensor)?;
                match lowered {
                    Some(tensor) => Ok(tensor),
                    None => self.lower_table(id, bounds, tensor),
                }
            }
            // The larger of two values has the larger integer, and moving elements moves integers.
            RealKind::View(elements, inputs) => {
                let mut tensors = Vec::new();
                let mut constants = HashMap::new();
                for (input, &operand) in inputs.iter().enumerate() {
                    if let Some(reals) = self.constant_reals(operand) {
                        let integers: Vec<i32> = reals
                            .iter()
                            .map(|&real| quantization.quantize(real).clamp(min, max))
                            .collect();
                        constants.insert(input, integers);
                    } else {
                        let name = format!("{output} (part {input})");
                        tensors.push((
                            input,
                            self.quantize_between(operand, quantization, bounds, &name)?,
                        ));
                    }
                }
                let view = with_constants(&elements.view, &tensors, &constants);
                let tensors = tensors.into_iter().map(|(_, tensor)| tensor).collect();
                let name = if real.operator == "Concat" { "QLinearConcat" } else { &real.operator };
                let origin = origin(name, Exactness::Exact);
                self.add_node(&real.node, Operator::View(view), tensors, tensor, origin)
            }
            RealKind::MaxPool(pool, operand) => {
                let name = format!("{output} (before pooling)");
                let x = self.quantize_between(operand, quantization, bounds, &name)?;
                self.emit_max_pool(&real.node, x, pool, tensor)
            }
            RealKind::ReduceMax { x, outer, length, inner } => {
                let name = format!("{output} (before reduction)");
                let x = self.quantize_between(x, quantization, bounds, &name)?;
                let operator = Operator::ReduceMax(ReduceMax { outer, length, inner });
                let origin = origin("ReduceMax", Exactness::Exact);
                self.add_node(&real.node, operator, vec![x], tensor, origin)
            }
            RealKind::NegatedMax { x, outer, length, inner } => {
                // The mirror image of the grid holds the negatives, and a largest one there.
                let (low, high) = quantization.element.range();
                let mirrored = Quantization {
                    zero_point: low + high - quantization.zero_point,
                    ..quantization
                };
                let bounds = (low + high - max, low + high - min);
                let name = format!("{output} (negated)");
                let x = self.quantize_between(x, mirrored, bounds, &name)?;
                let operator = Operator::ReduceMax(ReduceMax { outer, length, inner });
                let largest = Tensor { name, quantization: mirrored, ..tensor.clone() };
                let origin = || origin(&real.operator, Exactness::Exact);
                let largest = self.add_node(&real.node, operator, vec![x], largest, origin())?;
                let mirror = Operator::Table(Table::mirror(quantization.element));
                self.add_node(&real.node, mirror, vec![largest], tensor, origin())
            }
            RealKind::AveragePool { x, planes, window, count_include_pad } => {
                let mean = Mean {
                    scale: self.tensor(x).quantization.scale,
                    output_scale: quantization.scale,
                    zero_point: quantization.zero_point,
                    round_last: true,
                    min,
                    max,
                };
                let pool = AveragePool { planes, window, count_include_pad, mean };
                let input = self.tensor(x).quantization.element;
                let exactness = self.kernel(&[x], (input, None), quantization.element);
                let origin = origin("QLinearAveragePool", exactness);
                self.add_node(&real.node, Operator::AveragePool(pool), vec![x], tensor, origin)
            }
            RealKind::Reduce { x, outer, length, inner, mean } => {
                let input = self.tensor(x).quantization;
                real.check_reach(u128::from(input.max_centred().unsigned_abs()) * length as u128)?;
                let Quantization { scale, zero_point, .. } = quantization;
                // Lengths are within the limit of elements, so exact in float32.
                #[allow(clippy::cast_precision_loss)]
                let count = length as f32;
                let (rescale, name, exactness) = match mean {
                    ReduceMean::GlobalAverage => (
                        Rescale::Requantization(Requantization {
                            multipliers: vec![input.scale / (scale * count)],
                            zero_point,
                            min,
                            max,
                        }),
                        "QLinearGlobalAveragePool",
                        self.kernel(&[x], (input.element, None), quantization.element),
                    ),
                    mean => (
                        Rescale::Mean(
                            Mean {
                                scale: input.scale,
                                output_scale: scale,
                                zero_point,
                                round_last: false,
                                min,
                                max,
                            },
                            if mean == ReduceMean::Mean { length } else { 1 },
                        ),
                        real.operator.as_str(),
                        Exactness::Approximate,
                    ),
                };
                let operator = Operator::Reduce(Reduce { outer, length, inner, rescale });
                let origin = origin(name, exactness);
                self.add_node(&real.node, operator, vec![x], tensor, origin)
            }
            RealKind::Trees(x, ensemble) => self.lower_trees(&real, (x, &ensemble), bounds, tensor),
            RealKind::OneHot(..) => self.lower_conditions(&real, id, bounds, tensor),
            RealKind::Filled(..) => {
                Err(real.unsupported("missing values of what is no input of the model"))
            }
            RealKind::Softmax { x, length } => self.lower_softmax(&real, x, length, bounds, tensor),
            RealKind::LayerNormalization(x, normalization) => {
                self.lower_layer_normalization(&real, x, &normalization, bounds, tensor)
            }
            RealKind::Constant(_) | RealKind::Weights(_) => {
                Err(real.unsupported("quantizing a constant"))
            }
            RealKind::First(_) => Err(real.unsupported("a sorted line of floats")),
            RealKind::Rounded(..) => Err(real.unsupported("reals that are rounded twice")),
            RealKind::MeanOf(_) => Err(real.unsupported("a mean of values not quantized")),
            RealKind::Input(_)
            | RealKind::Activation(_)
            | RealKind::Elementwise(..)
            | RealKind::Select(_) => self.lower_table(id, bounds, tensor),
        }
    }

    /// Makes the node of a maximum over windows.
    pub(in crate::model::import) fn emit_max_pool(
        &mut self,
        name: &str,
        x: TensorId,
        pool: MaxPool,
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let origin = Origin { operator: "MaxPool".into(), ..Origin::default() };
        self.add_node(name, Operator::MaxPool(pool), vec![x], output, origin)
    }
}

/// A view whose constant inputs are written into it.
fn with_constants(
    view: &View,
    tensors: &[(usize, TensorId)],
    constants: &HashMap<usize, Vec<i32>>,
) -> View {
    let View::Elements(elements) = view else { return View::Reshape };
    let positions: HashMap<usize, u32> = tensors
        .iter()
        .enumerate()
        .map(|(position, (input, _))| {
            (*input, u32::try_from(position).expect("nodes have fewer than 2^32 inputs"))
        })
        .collect();
    View::Elements(
        elements
            .iter()
            .map(|&element| match element {
                ViewElement::Input { input, index } => {
                    let input = usize::try_from(input).expect("32 bits fit an index");
                    match constants.get(&input) {
                        Some(integers) => {
                            let index = usize::try_from(index).expect("32 bits fit an index");
                            ViewElement::Constant(integers[index])
                        }
                        None => ViewElement::Input { input: positions[&input], index },
                    }
                }
                constant @ ViewElement::Constant(_) => constant,
            })
            .collect(),
    )
}

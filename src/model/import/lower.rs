//! From a float expression and the QuantizeLinear that ends it to integer operators.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use super::{
    Importer, NodeView, RealId, RealKind, Value,
    expression::{Pair, ReduceMean, Source},
    function::Function,
};
use crate::model::{
    AveragePool, ElementType, Exactness, MatMul, MaxPool, Mean, ModelError, Operator, Origin,
    Quantization, Reduce, ReduceMax, Requantization, Rescale, Table, Tables, Tensor, TensorId,
    View, ViewElement,
};

/// How many functions one node may choose from, by the position of the element.
const MAX_TABLES: usize = 4096;

/// A float operator that is a function of each element.
pub(super) fn elementwise(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let function = Function::read(importer, node)?;
    let shape = importer.real(x).shape.clone();
    let kind = RealKind::Elementwise(function, x);
    Ok(vec![Value::Real(importer.expression(node, shape, kind, &[x])?)])
}

/// The same in quantized form: `(X, X scale, X zero point, Y scale, Y zero point)`.
pub(super) fn qlinear_elementwise(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.dequantized(node, [0, 1, 2], 1)?;
    let function = Function::read(importer, node)?;
    let shape = importer.real(x).shape.clone();
    let kind = RealKind::Elementwise(function, x);
    let y = importer.expression(node, shape, kind, &[x])?;
    let quantization = importer.output_quantization(node, 3, 4, ElementType::Uint8)?;
    importer.quantize_output(node, y, quantization)
}

/// What a quantization is, as a key of maps.
pub(super) type Lowered = HashMap<(RealId, u32, i32, ElementType, (i32, i32)), TensorId>;

impl Importer<'_> {
    /// The output of an operator in quantized form.
    pub(super) fn quantize_output(
        &mut self,
        node: NodeView<'_>,
        real: RealId,
        quantization: Quantization,
    ) -> Result<Vec<Value>, ModelError> {
        let output = node.proto.output.first().map_or("", String::as_str);
        Ok(vec![Value::Integers(self.quantize(real, quantization, output)?)])
    }

    /// Makes the integer operators that give a float expression, quantized.
    pub(super) fn quantize(
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
            RealKind::Input(_) | RealKind::Pair { .. } | RealKind::View(..)
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
            RealKind::Softmax { x, length } => self.lower_softmax(&real, x, length, bounds, tensor),
            RealKind::LayerNormalization(x, normalization) => {
                self.lower_layer_normalization(&real, x, &normalization, bounds, tensor)
            }
            RealKind::Constant(_) | RealKind::Weights(_) => {
                Err(real.unsupported("quantizing a constant"))
            }
            RealKind::MeanOf(_) => Err(real.unsupported("a mean of values not quantized")),
            RealKind::Input(_)
            | RealKind::Activation(_)
            | RealKind::Elementwise(..)
            | RealKind::Select(_) => self.lower_table(id, bounds, tensor),
        }
    }

    /// Makes the node of a maximum over windows.
    pub(super) fn emit_max_pool(
        &mut self,
        name: &str,
        x: TensorId,
        pool: MaxPool,
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let origin = Origin { operator: "MaxPool".into(), ..Origin::default() };
        self.add_node(name, Operator::MaxPool(pool), vec![x], output, origin)
    }

    /// An expression of one activation's elements, as tables.
    fn lower_table(
        &mut self,
        id: RealId,
        (min, max): (i32, i32),
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let real = self.real(id).clone();
        let Source::One(x) = real.source else {
            return Err(real.unsupported(
                "a float operator whose inputs are not all dequantized right before it",
            ));
        };
        let input = self.tensor(x).quantization;
        let (low, high) = input.element.range();
        let reals: Rc<[f32]> = (low..=high).map(|q| input.dequantize(q)).collect();
        let mut below = BTreeSet::new();
        self.collect(id, &mut below);
        let parameters = below.iter().map(|&id| self.real(id).parameters).sum();

        // Elements where all constants are the same share a table.
        let constants: Vec<RealId> = below
            .iter()
            .copied()
            .filter(|&id| self.real(id).source == Source::Constant && self.uniform(id).is_none())
            .collect();
        let constant_values: Vec<Vec<f32>> =
            constants.iter().map(|&id| self.constant_reals(id).unwrap_or_default()).collect();
        let mut tables = Vec::new();
        let mut selector = Vec::new();
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        let elements = if constants.is_empty() { 1 } else { output.shape.iter().product() };
        for element in 0..elements {
            let key: Vec<u32> =
                constant_values.iter().map(|values| values[element].to_bits()).collect();
            let next = u32::try_from(tables.len()).expect("there are fewer tables than elements");
            let index = *known.entry(key).or_insert(next);
            if index == next {
                if tables.len() == MAX_TABLES {
                    return Err(real.unsupported("a different function of each element"));
                }
                self.count_elements(&real.node, below.len() * reals.len())?;
                let values = self.evaluate(id, element, &reals, &mut HashMap::new());
                let values = values
                    .iter()
                    .map(|&real| output.quantization.quantize(real).clamp(min, max))
                    .collect();
                tables.push(Table { values });
            }
            selector.push(index);
        }
        let name = match real.operator.as_str() {
            "Sigmoid" => "QLinearSigmoid",
            "LeakyRelu" => "QLinearLeakyRelu",
            "DequantizeLinear" => "QuantizeLinear",
            other => other,
        };
        let is_exact = below.iter().all(|&id| self.is_exact_in_floats(id));
        let exactness = if is_exact { Exactness::Exact } else { Exactness::Approximate };
        let origin = Origin { operator: name.to_owned(), exactness, parameters };
        let operator = if tables.len() == 1 {
            tables.remove(0).or_view(input.element, output.quantization.element)
        } else {
            Operator::Tables(Tables { tables, selector })
        };
        self.add_node(&real.node, operator, vec![x], output, origin)
    }

    /// Whether a step of an elementwise expression is bit for bit onnxruntime's.
    fn is_exact_in_floats(&self, id: RealId) -> bool {
        let real = self.real(id);
        match &real.kind {
            RealKind::Elementwise(function, _) => function.is_exact(),
            RealKind::Pair { pair: Pair::Pow, operands: [_, exponent], .. } => {
                self.uniform(*exponent).is_some_and(|exponent| exponent == 2.0 || exponent == 3.0)
            }
            // Its product and sum may be one operation there.
            RealKind::Pair { .. } => real.operator != "BatchNormalization",
            _ => true,
        }
    }

    /// All expressions that an elementwise expression consists of, each once.
    fn collect(&self, id: RealId, found: &mut BTreeSet<RealId>) {
        if !found.insert(id) {
            return;
        }
        match &self.real(id).kind {
            RealKind::Elementwise(_, operand) => self.collect(*operand, found),
            RealKind::Pair { operands, .. } => {
                operands.iter().for_each(|&operand| self.collect(operand, found));
            }
            RealKind::Select(operands) => {
                operands.iter().for_each(|&operand| self.collect(operand, found));
            }
            _ => {}
        }
    }

    /// An expression's values at an element, for each value of the activation that it depends on.
    fn evaluate(
        &self,
        id: RealId,
        element: usize,
        reals: &Rc<[f32]>,
        known: &mut HashMap<RealId, Rc<[f32]>>,
    ) -> Rc<[f32]> {
        if let Some(values) = known.get(&id) {
            return Rc::clone(values);
        }
        let values = match &self.real(id).kind {
            RealKind::Elementwise(function, operand) => {
                let operand = self.evaluate(*operand, element, reals, known);
                operand.iter().map(|&x| function.apply(x)).collect()
            }
            RealKind::Pair { pair, operands: [a, b], .. } => {
                let a = self.evaluate(*a, element, reals, known);
                let b = self.evaluate(*b, element, reals, known);
                a.iter().zip(b.iter()).map(|(&a, &b)| pair.apply(a, b)).collect()
            }
            &RealKind::Select(operands) => {
                let [truth, a, b] =
                    operands.map(|operand| self.evaluate(operand, element, reals, known));
                let values = truth.iter().zip(a.iter().zip(b.iter()));
                values.map(|(&truth, (&a, &b))| if truth != 0.0 { a } else { b }).collect()
            }
            RealKind::Constant(_) | RealKind::Weights(_) => {
                vec![self.constant_at(id, element); reals.len()].into()
            }
            _ => Rc::clone(reals),
        };
        known.insert(id, Rc::clone(&values));
        values
    }

    /// An element of a constant.
    fn constant_at(&self, id: RealId, element: usize) -> f32 {
        match &self.real(id).kind {
            RealKind::Constant(constant) => {
                constant.floats().and_then(|reals| reals.get(element)).copied().unwrap_or(0.0)
            }
            RealKind::Weights(weights) => weights.real(element),
            _ => 0.0,
        }
    }

    /// The values of a constant expression.
    pub(super) fn constant_reals(&self, id: RealId) -> Option<Vec<f32>> {
        match &self.real(id).kind {
            RealKind::Constant(constant) => constant.floats().map(<[f32]>::to_vec),
            RealKind::Weights(weights) => Some(weights.reals()),
            _ => None,
        }
    }

    /// The value of a constant expression that is the same everywhere.
    pub(super) fn uniform(&self, id: RealId) -> Option<f32> {
        let same = |mut reals: std::slice::Iter<'_, f32>| {
            let first = *reals.next()?;
            reals.all(|real| real.to_bits() == first.to_bits()).then_some(first)
        };
        match &self.real(id).kind {
            RealKind::Constant(constant) => same(constant.floats()?.iter()),
            RealKind::Weights(weights) => {
                let values = weights.values.integers()?;
                let first = values.first()?;
                let uniform =
                    weights.scales.len() == 1 && values.iter().all(|value| value == first);
                uniform.then(|| weights.real(0))
            }
            _ => None,
        }
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

//! A float model as it is: what it computes in float32, before it is quantized.
//!
//! The importer reads it with the same code as a quantized one. Where an operator asks for an
//! activation, the expression that it gets is named by a tensor; weights keep their floats.

use std::{collections::HashMap, rc::Rc};

use super::{
    Constant, Data, ImportOptions, Importer, Value, constant,
    expression::{BiasValues, Geometry, LinearParts, Real, RealId, RealKind, ReduceMean},
    ports::InputKind,
    ranking::Ranking,
};
use crate::model::{
    Code, ElementType, MaxPool, ModelError, Quantization, TensorId, View, ViewElement,
    eval::linear::for_each_row,
    input::FloatInput,
    onnx::{GraphProto, ModelProto, TensorProto},
};

/// A float model that can be computed.
pub(in crate::model) struct FloatGraph {
    reals: Vec<Real>,
    materialized: HashMap<TensorId, RealId>,
    names: HashMap<String, RealId>,
    /// Positions of elements that come first, by name.
    positions: HashMap<String, Ranking>,
    /// How each input is read.
    pub inputs: Vec<FloatInput>,
}

/// The values of all expressions, `None` where they are constants.
pub(in crate::model) struct FloatValues(Vec<Option<Rc<[f32]>>>);

impl Importer<'_> {
    /// Names an expression by a tensor.
    pub(super) fn materialize(&mut self, id: RealId) -> Result<TensorId, ModelError> {
        let Real { node, shape, .. } = self.real(id).clone();
        let quantization = Quantization { scale: 1.0, zero_point: 0, element: ElementType::Int8 };
        let tensor = self.add_tensor(&node, shape, quantization)?;
        self.materialized.insert(tensor, id);
        Ok(tensor)
    }
}

impl FloatGraph {
    /// Reads a float model.
    pub fn read(file: &ModelProto, options: &ImportOptions<'_>) -> Result<Self, ModelError> {
        let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
        let (importer, error) = Self::importer(file, graph, options);
        if let Some(error) = error {
            return Err(error);
        }
        // Where nothing is made of a missing value, its range will be asked for.
        let takes_missing = (importer.reals.iter())
            .any(|real| matches!(real.kind, RealKind::Trees(..) | RealKind::Filled(..)));
        let inputs = (importer.inputs.iter())
            .map(|input| FloatInput {
                name: input.name.clone(),
                shape: input.shape.clone(),
                takes_missing,
                categories: match (&input.categories, input.kind) {
                    (None, InputKind::Text) => Some(Code::Category(Vec::new())),
                    (known, _) => known.clone(),
                },
            })
            .collect();
        let names = importer
            .values
            .iter()
            .filter_map(|(name, value)| match value {
                Value::Real(id) => Some(((*name).to_owned(), *id)),
                _ => None,
            })
            .collect();
        let mut positions = HashMap::new();
        for (name, value) in &importer.values {
            if let Value::Integers(tensor) = value
                && let Some(ranking) = importer.rankings.get(tensor)
            {
                positions.insert((*name).to_owned(), *ranking);
            }
        }
        let Importer { reals, materialized, .. } = importer;
        Ok(Self { reals, materialized, names, positions, inputs })
    }

    /// Floats that nodes compute of constants alone, by name, as far as nodes are known.
    pub fn constants(
        file: &ModelProto,
        options: &ImportOptions<'_>,
    ) -> Result<HashMap<String, FloatConstant>, ModelError> {
        let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
        let (importer, error) = Self::importer(file, graph, options);
        match error {
            None | Some(ModelError::Unsupported(_)) => {}
            Some(error) => return Err(error),
        }
        let of_nodes = graph.node.iter().flat_map(|node| &node.output);
        let mut constants = HashMap::new();
        for name in of_nodes {
            let constant = match importer.values.get(name.as_str()) {
                Some(Value::Constant(constant)) => constant,
                Some(Value::Real(id)) => match &importer.real(*id).kind {
                    RealKind::Constant(constant) => constant,
                    _ => continue,
                },
                _ => continue,
            };
            if let Some(values) = constant.floats() {
                let (shape, values) = (constant.shape.clone(), values.to_vec());
                constants.insert(name.clone(), FloatConstant { shape, values });
            }
        }
        Ok(constants)
    }

    /// Single truth values that follow from the file alone, by name, as far as nodes are known.
    pub fn truths(
        file: &ModelProto,
        options: &ImportOptions<'_>,
    ) -> Result<HashMap<String, bool>, ModelError> {
        let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
        let (importer, error) = Self::importer(file, graph, options);
        match error {
            None | Some(ModelError::Unsupported(_)) => {}
            Some(error) => return Err(error),
        }
        let truth = |(name, value): (&&str, &Value)| match value {
            Value::Constant(constant) => match &constant.data {
                Data::Bool(truths) if truths.len() == 1 => Some(((*name).to_owned(), truths[0])),
                _ => None,
            },
            _ => None,
        };
        Ok(importer.values.iter().filter_map(truth).collect())
    }

    /// An importer that has read a file, up to what is wrong with it.
    fn importer<'f>(
        file: &'f ModelProto,
        graph: &'f GraphProto,
        options: &ImportOptions<'_>,
    ) -> (Importer<'f>, Option<ModelError>) {
        let mut importer = Importer { is_float: true, ..Importer::default() };
        let mut read = || {
            importer.opset = file.operator_set()?;
            for tensor in &graph.initializer {
                let constant = constant::decode(tensor, options.external_data)?;
                importer.count_initializer(&tensor.name, constant.len())?;
                importer.define(&tensor.name, Value::Constant(Rc::new(constant)))?;
            }
            importer.read_inputs(graph, options)?;
            importer.read_nodes(graph)
        };
        let error = read().err();
        (importer, error)
    }

    /// Whether a name stands for floats that depend on the input.
    pub fn is_activation(&self, name: &str) -> bool {
        self.names.get(name).is_some_and(|id| {
            !matches!(self.reals[id.0].kind, RealKind::Constant(_) | RealKind::Weights(_))
        })
    }

    /// The positions of elements that come first, which a name stands for.
    pub fn positions(&self, values: &FloatValues, name: &str) -> Option<Vec<i32>> {
        let ranking = self.positions.get(name)?;
        let x = values.0[self.materialized.get(&ranking.x)?.0].as_deref()?;
        let first = ranking.first(x).into_iter();
        Some(first.map(|(position, _)| i32::try_from(position).unwrap_or(0)).collect())
    }

    /// The shape of the floats that a name stands for.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.names.get(name).map(|id| self.reals[id.0].shape.as_slice())
    }

    /// The values that a name stands for.
    pub fn of<'v>(&self, values: &'v FloatValues, name: &str) -> Option<&'v [f32]> {
        values.0[self.names.get(name)?.0].as_deref()
    }

    /// Computes one inference.
    pub fn evaluate(&self, inputs: &[Vec<f32>]) -> FloatValues {
        let mut values = Vec::with_capacity(self.reals.len());
        for real in &self.reals {
            let value = self.expression(real, inputs, &values);
            values.push(value);
        }
        FloatValues(values)
    }

    fn expression(
        &self,
        real: &Real,
        inputs: &[Vec<f32>],
        values: &[Option<Rc<[f32]>>],
    ) -> Option<Rc<[f32]>> {
        let of = |id: &RealId| values[id.0].clone();
        let tensor = |tensor: &TensorId| of(self.materialized.get(tensor)?);
        Some(match &real.kind {
            RealKind::Input(position) => inputs[*position].as_slice().into(),
            RealKind::Activation(x) => tensor(x)?,
            RealKind::Constant(constant) => constant.floats()?.into(),
            RealKind::Weights(weights) => weights.reals().into(),
            RealKind::Linear(x, parts) => linear(parts, &tensor(x)?),
            RealKind::MatMul { operands: [a, b], rows, inner, columns, alpha, .. } => {
                let (a, b) = (tensor(a)?, tensor(b)?);
                let mut y = Vec::new();
                for (a, b) in a.chunks(rows * inner).zip(b.chunks(inner * columns)) {
                    for row in a.chunks(*inner) {
                        let mut sums = vec![0.0; *columns];
                        for (factor, b) in row.iter().zip(b.chunks(*columns)) {
                            add_scaled(&mut sums, b, factor * alpha);
                        }
                        y.extend(sums);
                    }
                }
                y.into()
            }
            RealKind::Elementwise(function, x) => {
                of(x)?.iter().map(|&x| function.apply(x)).collect()
            }
            RealKind::Pair { pair, operands: [a, b], .. } => {
                of(a)?.iter().zip(of(b)?.iter()).map(|(&a, &b)| pair.apply(a, b)).collect()
            }
            RealKind::View(elements, inputs) => {
                let inputs = inputs.iter().map(of).collect::<Option<Vec<_>>>()?;
                match &elements.view {
                    View::Reshape => Rc::clone(inputs.first()?),
                    View::Elements(elements) => elements
                        .iter()
                        .map(|element| match *element {
                            ViewElement::Input { input, index } => {
                                inputs[position(input)][position(index)]
                            }
                            ViewElement::Constant(_) => 0.0,
                        })
                        .collect(),
                }
            }
            RealKind::MaxPool(MaxPool { window, .. }, x) => {
                windows(window, &of(x)?, |elements| elements.fold(f32::MIN, f32::max))
            }
            RealKind::AveragePool { x, window, count_include_pad, .. } => {
                windows(window, &tensor(x)?, |elements| {
                    let (sum, seen) = elements.fold((0.0, 0), |(sum, n), x| (sum + x, n + 1));
                    sum / count(if *count_include_pad { window.len() } else { seen })
                })
            }
            RealKind::Reduce { x, length, inner, mean, .. } => {
                let divisor = if *mean == ReduceMean::Sum { 1.0 } else { count(*length) };
                lines(&tensor(x)?, *length, *inner, |line| line.sum::<f32>() / divisor)
            }
            RealKind::MeanOf(x) => {
                let length = self.reals[x.0].shape.last().copied().unwrap_or(1);
                lines(&of(x)?, length, 1, |line| line.sum::<f32>() / count(length))
            }
            RealKind::NegatedMax { x, length, inner, .. } => {
                lines(&of(x)?, *length, *inner, |line| -line.fold(f32::NEG_INFINITY, f32::max))
            }
            RealKind::Filled(x, values) => (of(x)?.iter().enumerate())
                .map(|(at, &x)| if x.is_nan() { values[at % values.len()] } else { x })
                .collect(),
            RealKind::OneHot(x, categories) => (of(x)?.iter())
                .flat_map(|&x| {
                    let is = move |at| f32::from(u8::from(categories.is(x, at)));
                    (0..categories.len()).map(is)
                })
                .collect(),
            RealKind::Rounded(x, quantization) => {
                let x = of(x)?;
                let quantization = quantization.unwrap_or_else(|| of_range(&x));
                x.iter().map(|&x| quantization.dequantize(quantization.quantize(x))).collect()
            }
            RealKind::Trees(x, ensemble) => ensemble.evaluate(&of(x)?).into(),
            RealKind::Select(operands) => {
                let [truth, a, b] = operands.each_ref().map(of);
                let (truth, a, b) = (truth?, a?, b?);
                let values = truth.iter().zip(a.iter().zip(b.iter()));
                values.map(|(&truth, (&a, &b))| if truth != 0.0 { a } else { b }).collect()
            }
            RealKind::ReduceMax { x, length, inner, .. } => {
                lines(&of(x)?, *length, *inner, |line| line.fold(f32::MIN, f32::max))
            }
            RealKind::First(ranking) => {
                ranking.first(&tensor(&ranking.x)?).into_iter().map(|(_, value)| value).collect()
            }
            RealKind::Softmax { x, length } => tensor(x)?
                .chunks(*length)
                .flat_map(|row| {
                    let largest = row.iter().copied().fold(f32::MIN, f32::max);
                    let exponentials: Vec<f32> = row.iter().map(|x| (x - largest).exp()).collect();
                    let sum: f32 = exponentials.iter().sum();
                    exponentials.into_iter().map(move |exponential| exponential / sum)
                })
                .collect(),
            RealKind::LayerNormalization(x, normalization) => {
                let length = normalization.weights.len();
                tensor(x)?
                    .chunks(length)
                    .flat_map(|row| {
                        let mean = row.iter().sum::<f32>() / count(length);
                        let squares: f32 = row.iter().map(|x| (x - mean) * (x - mean)).sum();
                        let root = (squares / count(length) + normalization.epsilon).sqrt();
                        row.iter()
                            .zip(&normalization.weights)
                            .zip(&normalization.bias)
                            .map(move |((x, weight), bias)| (x - mean) / root * weight + bias)
                    })
                    .collect()
            }
        })
    }
}

/// Scale and zero point as DynamicQuantizeLinear finds them.
fn of_range(x: &[f32]) -> Quantization {
    let (low, high) =
        x.iter().fold((0.0_f32, 0.0_f32), |(low, high), &x| (low.min(x), high.max(x)));
    let scale = if low == high { 1.0 } else { (high - low) / 255.0 };
    // Between 0 and 255.
    #[allow(clippy::cast_possible_truncation)]
    let zero_point = (-low / scale).clamp(0.0, 255.0).round_ties_even() as i32;
    Quantization { scale, zero_point, element: ElementType::Uint8 }
}

fn position(position: u32) -> usize {
    usize::try_from(position).expect("32 bits fit an index")
}

/// A number of elements, which is within the limits and exact in float32.
#[allow(clippy::cast_precision_loss)]
fn count(elements: usize) -> f32 {
    elements as f32
}

fn add_scaled(sums: &mut [f32], x: &[f32], factor: f32) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum += factor * x;
    }
}

fn linear(parts: &LinearParts, x: &[f32]) -> Rc<[f32]> {
    let bias: Vec<f32> = match &parts.bias {
        #[allow(clippy::cast_possible_truncation)]
        Some(bias) => match &bias.values {
            BiasValues::Float(values) => {
                values.iter().map(|&value| value as f32 * bias.beta).collect()
            }
            BiasValues::Quantized(values) => {
                values.iter().map(|&(value, scale)| f64::from(value) as f32 * scale).collect()
            }
            BiasValues::Accumulator(values) => {
                values.iter().map(|&value| f64::from(value) as f32).collect()
            }
        },
        None => Vec::new(),
    };
    let bias = |output: usize| bias.get(output).copied().unwrap_or(0.0);
    let weights: Vec<f32> =
        (0..parts.weights.len()).map(|at| parts.weights.real(at) * parts.alpha).collect();
    match &parts.geometry {
        Geometry::Gemm { inputs, .. } => x
            .chunks(*inputs)
            .flat_map(|row| {
                weights.chunks(*inputs).enumerate().map(move |(o, weights)| {
                    bias(o) + row.iter().zip(weights).map(|(x, w)| x * w).sum::<f32>()
                })
            })
            .collect(),
        Geometry::Conv(shape) | Geometry::ConvTranspose(shape) => {
            let transposed = matches!(parts.geometry, Geometry::ConvTranspose(_));
            let window = &shape.window;
            let area = |plane: [usize; 2]| plane[0] * plane[1];
            let (input_plane, output_plane) = if transposed {
                (area(window.output), area(window.input))
            } else {
                (area(window.input), area(window.output))
            };
            let (group_inputs, group_outputs) =
                (shape.inputs / shape.group, shape.outputs / shape.group);
            let mut y = Vec::new();
            for x in x.chunks(shape.inputs * input_plane) {
                for o in 0..shape.outputs {
                    let mut sums = vec![bias(o); output_plane];
                    for c in 0..group_inputs {
                        let plane = o / group_outputs * group_inputs + c;
                        let x = &x[plane * input_plane..][..input_plane];
                        let first = if transposed {
                            plane * group_outputs + o % group_outputs
                        } else {
                            o * group_inputs + c
                        } * window.len();
                        for_each_row(window, |weight, row, other, len, step| {
                            let weight = weights[first + weight];
                            for i in 0..len {
                                if transposed {
                                    sums[other + i * step] += weight * x[row + i];
                                } else {
                                    sums[row + i] += weight * x[other + i * step];
                                }
                            }
                        });
                    }
                    y.extend(sums);
                }
            }
            y.into()
        }
    }
}

fn windows(
    window: &crate::model::Window,
    x: &[f32],
    reduce: impl Fn(&mut dyn Iterator<Item = f32>) -> f32,
) -> Rc<[f32]> {
    let plane = window.input[0] * window.input[1];
    let mut y = Vec::new();
    for x in x.chunks(plane) {
        for row in 0..window.output[0] {
            for column in 0..window.output[1] {
                let mut elements = window.positions([row, column]).map(|position| x[position]);
                y.push(reduce(&mut elements));
            }
        }
    }
    y.into()
}

fn lines(
    x: &[f32],
    length: usize,
    inner: usize,
    reduce: impl Fn(&mut dyn Iterator<Item = f32>) -> f32,
) -> Rc<[f32]> {
    let mut y = Vec::new();
    for x in x.chunks(length * inner) {
        for i in 0..inner {
            y.push(reduce(&mut (0..length).map(|j| x[j * inner + i])));
        }
    }
    y.into()
}

/// A float constant of a file.
#[derive(Clone, Debug)]
pub(in crate::model) struct FloatConstant {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// The float initializer, or output of a `Constant` node, with this name.
pub(in crate::model) fn float_constant(
    graph: &GraphProto,
    name: &str,
    options: &ImportOptions<'_>,
) -> Option<FloatConstant> {
    let constant = constant(graph, name, options)?;
    let values = constant.floats()?.to_vec();
    Some(FloatConstant { shape: constant.shape, values })
}

/// The integers of the initializer with this name.
pub(in crate::model) fn long_constant(graph: &GraphProto, name: &str) -> Option<Vec<i64>> {
    constant(graph, name, &ImportOptions::default())?.integers()
}

/// The values of a tensor of half-precision floats.
pub(in crate::model) fn half_constant(tensor: &TensorProto) -> Option<Vec<f32>> {
    match constant::decode(tensor, None).ok()?.data {
        constant::Data::Half(values) => Some(values),
        _ => None,
    }
}

/// The values of a tensor of floats or small integers, as floats.
pub(in crate::model) fn tensor_floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    let constant = constant::decode(tensor, None).ok()?;
    // Of integers, those that are exact as floats.
    #[allow(clippy::cast_precision_loss)]
    let integers = || Some(constant.small_integers()?.iter().map(|&own| own as f32).collect());
    constant.floats().map(<[f32]>::to_vec).or_else(integers)
}

/// An integer constant of a file.
#[derive(Clone, Debug)]
pub(in crate::model) struct IntegerConstant {
    pub shape: Vec<usize>,
    pub values: Vec<i32>,
    /// The type of 8 bits that holds them, if they have no more.
    pub element: Option<ElementType>,
}

/// The integers of the initializer with this name, if they have 32 bits or less.
pub(in crate::model) fn integer_constant(
    graph: &GraphProto,
    name: &str,
    options: &ImportOptions<'_>,
) -> Option<IntegerConstant> {
    let constant = constant(graph, name, options)?;
    let values = constant.small_integers()?.to_vec();
    Some(IntegerConstant { element: constant.byte(), values, shape: constant.shape })
}

fn constant(graph: &GraphProto, name: &str, options: &ImportOptions<'_>) -> Option<Constant> {
    let of_node = || {
        let node = graph.node.iter().find(|node| {
            node.op_type == "Constant" && node.output.first().is_some_and(|output| output == name)
        })?;
        node.attribute.iter().find(|attribute| attribute.name == "value")?.t.as_ref()
    };
    let tensor = graph.initializer.iter().find(|tensor| tensor.name == name).or_else(of_node)?;
    constant::decode(tensor, options.external_data).ok()
}

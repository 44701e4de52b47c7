//! Which exact integer form the requantization of each node has, and how large it is.
//!
//! A circuit divides with a remainder in range where a line or plane `floor((a·x + b·y + c) / 2^s)` gives
//! every output exactly, and reads tables elsewhere. Here both are found by the complete check that
//! [`Steps`] describes: whatever the circuit's own divisors are, these figures say how hard a node is.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    Conv, ConvTranspose, Gemm, Graph, Mean, Model, Node, Operand, Operator, Requantization,
    Rescale, Steps, TensorId,
};

/// The largest divisor that is tried, as a power of 2.
const MOST_BITS: u32 = 60;

/// Sums with more values than this are not tried one by one.
const MOST_SUMS: i64 = 1 << 20;

/// The form of a node's requantization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequantizationForm {
    /// The node's name.
    pub node: String,
    /// Its operator.
    pub operator: String,
    /// Elements of its output.
    pub elements: usize,
    /// What its outputs are made by.
    pub form: Form,
    /// Functions of the accumulator that differ: output channels, or 1.
    pub channels: usize,
    /// How many of them have an exact line.
    pub lines: usize,
    /// The smallest divisors that are powers of 2, least and most of all channels, as exponents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub divisor_bits: Option<(u32, u32)>,
    /// Rows of the tables that the node needs: steps of channels without a line, or values of functions.
    pub table_rows: usize,
}

/// What the outputs of a node are made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Every channel by an exact line or plane.
    Line,
    /// Some channels by a line, others by a table of steps.
    LineOrSteps,
    /// Every channel by a table of steps.
    Steps,
    /// A function of one element, tabulated.
    Table,
    /// A function of two elements without an exact plane.
    Pairs,
    /// A definition of the node's own, in integers: [`Softmax`](super::Softmax),
    /// [`LayerNormalization`](super::LayerNormalization), means whose float additions round.
    Definition,
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Line => "line",
            Self::LineOrSteps => "line or steps",
            Self::Steps => "steps",
            Self::Table => "table",
            Self::Pairs => "pairs",
            Self::Definition => "definition",
        })
    }
}

impl Model {
    /// The forms of all nodes that compute; those that only move or compare elements have none.
    pub fn requantization_forms(&self) -> Vec<RequantizationForm> {
        self.graph.nodes.iter().filter_map(|node| self.graph.form(node)).collect()
    }
}

impl Graph {
    fn form(&self, node: &Node) -> Option<RequantizationForm> {
        let channels = match &node.operator {
            Operator::View(_)
            | Operator::MaxPool(_)
            | Operator::ReduceMax(_)
            | Operator::ArgMax(_) => return None,
            operator => self.channels(node, operator),
        };
        let lines = channels.iter().filter(|channel| channel.bits.is_some()).count();
        let bits = || channels.iter().filter_map(|channel| channel.bits);
        let form = match &node.operator {
            Operator::Table(_) | Operator::Tables(_) => Form::Table,
            Operator::Softmax(_) | Operator::LayerNormalization(_) | Operator::AveragePool(_) => {
                Form::Definition
            }
            _ if lines == channels.len() => Form::Line,
            Operator::Add(_) | Operator::Mul(_) => Form::Pairs,
            _ if channels.iter().any(|channel| channel.rows == 0 && channel.bits.is_none()) => {
                Form::Definition
            }
            _ if lines == 0 => Form::Steps,
            _ => Form::LineOrSteps,
        };
        Some(RequantizationForm {
            node: node.name.clone(),
            operator: node.origin.operator.clone(),
            elements: self.tensors[node.output.0].len(),
            form,
            channels: channels.len(),
            lines,
            divisor_bits: bits().min().zip(bits().max()),
            table_rows: table_rows(&channels),
        })
    }

    /// The smallest and the largest centred integer of a tensor.
    fn centred_range(&self, id: TensorId) -> (i64, i64) {
        let quantization = self.tensors[id.0].quantization;
        let (min, max) = quantization.element.range();
        ((min - quantization.zero_point).into(), (max - quantization.zero_point).into())
    }

    fn channels(&self, node: &Node, operator: &Operator) -> Vec<Channel> {
        let base = self.tensors[node.output.0].quantization.element.range().0;
        let x = self.centred_range(node.inputs[0]);
        let weighted = |outputs: usize,
                        weights: &[i32],
                        bias: &[i32],
                        requantization: &Requantization,
                        output_of: &dyn Fn(usize) -> usize| {
            let mut ranges: Vec<(i64, i64)> =
                (0..outputs).map(|o| (bias[o].into(), bias[o].into())).collect();
            for (i, &weight) in weights.iter().enumerate() {
                let products = [x.0 * i64::from(weight), x.1 * i64::from(weight)];
                let range = &mut ranges[output_of(i)];
                range.0 += products[0].min(products[1]);
                range.1 += products[0].max(products[1]);
            }
            let channel = |(o, &range): (usize, &(i64, i64))| {
                Channel::of_accumulator(requantization, o, base, range)
            };
            ranges.iter().enumerate().map(channel).collect()
        };
        match operator {
            Operator::Gemm(Gemm { inputs, outputs, weights, bias, requantization }) => {
                weighted(*outputs, weights, bias, requantization, &|i| i / inputs)
            }
            Operator::Conv(Conv {
                inputs,
                outputs,
                group,
                window,
                weights,
                bias,
                requantization,
                ..
            }) => {
                let len = inputs / group * window.len();
                weighted(*outputs, weights, bias, requantization, &|i| i / len)
            }
            Operator::ConvTranspose(ConvTranspose {
                inputs,
                outputs,
                group,
                window,
                weights,
                bias,
                requantization,
                ..
            }) => {
                let (len, per_group) = (window.len(), outputs / group);
                let output_of = |i: usize| {
                    let input = i / (per_group * len);
                    input / (inputs / group) * per_group + i / len % per_group
                };
                weighted(*outputs, weights, bias, requantization, &output_of)
            }
            Operator::MatMul(product) => {
                let y = self.centred_range(node.inputs[1]);
                let products = [x.0 * y.0, x.0 * y.1, x.1 * y.0, x.1 * y.1];
                let inner = i64::try_from(product.inner).unwrap_or(i64::MAX);
                let range =
                    products.iter().fold((0, 0), |(low, high), &p| (p.min(low), p.max(high)));
                let range = (range.0 * inner, range.1 * inner);
                vec![Channel::of_accumulator(&product.requantization, 0, base, range)]
            }
            Operator::Reduce(reduce) => {
                let length = i64::try_from(reduce.length).unwrap_or(i64::MAX);
                let range = (x.0 * length, x.1 * length);
                vec![match &reduce.rescale {
                    Rescale::Requantization(requantization) => {
                        Channel::of_accumulator(requantization, 0, base, range)
                    }
                    Rescale::Mean(mean, count) => Channel::of_mean(mean, *count, range),
                }]
            }
            Operator::Add(add) => {
                let pairs = self.pairs(node, &add.operand, 0, 0);
                let points: Vec<_> =
                    pairs.into_iter().map(|(a, b)| (a, b, add.apply(a, b))).collect();
                let slopes = [f64::from(add.left), f64::from(add.right)];
                vec![Channel::of_points(slopes, &points, (add.min, add.max))]
            }
            Operator::Mul(mul) => {
                let zero_point = self.tensors[node.inputs[0].0].quantization.zero_point;
                let pairs = self.pairs(node, &mul.operand, zero_point, mul.operand_zero_point);
                let mut points: Vec<_> =
                    pairs.into_iter().map(|(a, b)| (a * b, 0, mul.apply(a, b))).collect();
                points.sort_unstable();
                points.dedup();
                vec![Channel::of_points(
                    [f64::from(mul.multiplier), 0.0],
                    &points,
                    (mul.min, mul.max),
                )]
            }
            Operator::Table(table) => {
                vec![Channel { bits: None, rows: table.values.len(), multiplier: None }]
            }
            Operator::Tables(tables) => tables
                .tables
                .iter()
                .map(|table| Channel { bits: None, rows: table.values.len(), multiplier: None })
                .collect(),
            _ => vec![Channel { bits: None, rows: 0, multiplier: None }],
        }
    }

    /// All pairs of integers that a node can meet, minus these zero points.
    fn pairs(
        &self,
        node: &Node,
        operand: &Operand,
        left_zero_point: i32,
        right_zero_point: i32,
    ) -> Vec<(i32, i32)> {
        let range = |id: TensorId| {
            let (min, max) = self.tensors[id.0].quantization.element.range();
            min..=max
        };
        let right: Vec<i32> = match operand {
            Operand::Tensor => range(node.inputs[1]).collect(),
            Operand::Constant(constants) => {
                let mut constants = constants.clone();
                constants.sort_unstable();
                constants.dedup();
                constants
            }
        };
        range(node.inputs[0])
            .flat_map(|a| right.iter().map(move |&b| (a - left_zero_point, b - right_zero_point)))
            .collect()
    }
}

/// One function from accumulators to outputs.
struct Channel {
    /// The exponent of the smallest divisor with an exact line.
    bits: Option<u32>,
    /// Rows of a table, where there is no line.
    rows: usize,
    /// The bits of its multiplier: channels that have one in common step alike, and share a table.
    multiplier: Option<u32>,
}

/// Rows of the tables that differ.
fn table_rows(channels: &[Channel]) -> usize {
    let mut shared: HashMap<u32, usize> = HashMap::new();
    let mut rows = 0;
    for channel in channels {
        match channel.multiplier {
            Some(multiplier) => {
                let most = shared.entry(multiplier).or_default();
                *most = channel.rows.max(*most);
            }
            None => rows += channel.rows,
        }
    }
    rows + shared.values().sum::<usize>()
}

impl Channel {
    fn of_accumulator(
        requantization: &Requantization,
        channel: usize,
        base: i32,
        (low, high): (i64, i64),
    ) -> Self {
        // The importer makes sure that accumulators fit 32 bits.
        let narrow = |value: i64| i32::try_from(value).unwrap_or(i32::MAX);
        let range = (narrow(low), narrow(high));
        let steps = Steps::find(requantization, channel, base, range);
        let has_line = |bits: &u32| steps.line(1 << bits).is_some_and(|line| steps.allow(line));
        // Where the largest divisor has no line, smaller ones have none either, but for luck.
        let bits = has_line(&MOST_BITS).then(|| (1..=MOST_BITS).find(has_line)).flatten();
        let rows = if bits.is_some() { 0 } else { steps.rises().len() };
        Self { rows, bits, multiplier: Some(requantization.multiplier(channel).to_bits()) }
    }

    fn of_mean(mean: &Mean, count: usize, (low, high): (i64, i64)) -> Self {
        if high - low > MOST_SUMS {
            return Self { bits: None, rows: 0, multiplier: None };
        }
        #[allow(clippy::cast_precision_loss)]
        let slope = f64::from(mean.scale) / count as f64 / f64::from(mean.output_scale);
        let points: Vec<_> = (low..=high)
            .filter_map(|sum| i32::try_from(sum).ok())
            .map(|sum| (sum, 0, mean.apply(sum, count)))
            .collect();
        let found = Self::of_points([slope, 0.0], &points, (mean.min, mean.max));
        let steps = points.windows(2).filter(|pair| pair[0].2 != pair[1].2).count() + 1;
        Self { rows: if found.bits.is_some() { 0 } else { steps }, ..found }
    }

    /// Tries planes with the given slopes through all points `(x, y, output)`.
    fn of_points(slopes: [f64; 2], points: &[(i32, i32, i32)], (min, max): (i32, i32)) -> Self {
        let fits = |bits: &u32| {
            let d = 1_i128 << bits;
            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
            let [a, b] = slopes.map(|slope| (slope * d as f64).round_ties_even() as i128);
            let (mut least, mut most) = (i128::MIN, i128::MAX);
            for &(x, y, output) in points {
                let sum = a * i128::from(x) + b * i128::from(y);
                // Beyond the clamp's bounds, any level will do.
                if output > min {
                    least = least.max(i128::from(output) * d - sum);
                }
                if output < max {
                    most = most.min((i128::from(output) + 1) * d - 1 - sum);
                }
            }
            least <= most
        };
        let bits = fits(&MOST_BITS).then(|| (1..=MOST_BITS).find(fits)).flatten();
        Self { rows: if bits.is_some() { 0 } else { points.len() }, bits, multiplier: None }
    }
}

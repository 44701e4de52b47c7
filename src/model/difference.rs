//! How far integer definitions are from floats, where onnxruntime computes in floats.

use serde::Serialize;

use super::{
    Add, Exactness, Graph, LayerNormalization, Mean, Model, ModelError, Mul, Node, Operand,
    Operator, Requantization, Rescale, Softmax, TensorId,
};

/// How far integers are from floats that are quantized.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The node's name, or that of an output of the model.
    pub node: String,
    /// Its operator; `output` for an output of the model.
    pub operator: String,
    /// Elements that were compared.
    pub elements: usize,
    /// Elements that differ.
    pub different: usize,
    /// The largest difference, in steps of the output.
    pub largest: i32,
    /// The mean difference, in steps of the output.
    pub mean: f64,
}

impl Difference {
    fn new(node: &str, operator: &str) -> Self {
        let (node, operator) = (node.to_owned(), operator.to_owned());
        Self { node, operator, elements: 0, different: 0, largest: 0, mean: 0.0 }
    }

    fn count(&mut self, integers: &[i32], expected: &[i32]) {
        for (integer, expected) in integers.iter().zip(expected) {
            let steps = (integer - expected).abs();
            self.elements += 1;
            self.different += usize::from(steps != 0);
            self.largest = self.largest.max(steps);
            // Becomes the mean when all elements are counted.
            self.mean += f64::from(steps);
        }
    }

    fn finish(mut self) -> Self {
        #[allow(clippy::cast_precision_loss)]
        let elements = self.elements.max(1) as f64;
        self.mean /= elements;
        self
    }
}

impl Model {
    /// Compares nodes that are marked [`Exactness::Approximate`] with their operators in float64,
    /// quantized, over some inferences.
    ///
    /// Each node is compared on its own: it gets the integers that the nodes before it give here.
    /// Tables are not compared: they hold their functions' values as floats give them.
    pub fn differences(&self, inferences: &[Vec<Vec<i32>>]) -> Result<Vec<Difference>, ModelError> {
        let nodes: Vec<&Node> = self.graph.nodes.iter().filter(|node| is_compared(node)).collect();
        let mut differences: Vec<Difference> =
            nodes.iter().map(|node| Difference::new(&node.name, &node.origin.operator)).collect();
        for inputs in inferences {
            let evaluation = self.evaluate(inputs)?;
            for (node, difference) in nodes.iter().zip(&mut differences) {
                let expected = self.graph.by_floats(node, &evaluation.values);
                difference.count(evaluation.tensor(node.output), &expected);
            }
        }
        Ok(differences.into_iter().map(Difference::finish).collect())
    }

    /// Compares the outputs with those of the same graph whose approximate nodes are computed in float64
    /// and quantized: what the differences of all nodes together amount to.
    pub fn output_differences(
        &self,
        inferences: &[Vec<Vec<i32>>],
    ) -> Result<Vec<Difference>, ModelError> {
        let mut differences: Vec<Difference> =
            self.outputs.iter().map(|port| Difference::new(&port.name, "output")).collect();
        for inputs in inferences {
            let integers = self.evaluate(inputs)?;
            let floats = self.evaluate_with(inputs, |node, values| {
                if is_compared(node) {
                    self.graph.by_floats(node, values)
                } else {
                    self.graph.evaluate_node(node, values)
                }
            })?;
            for (port, difference) in self.outputs.iter().zip(&mut differences) {
                difference.count(integers.tensor(port.tensor), floats.tensor(port.tensor));
            }
        }
        Ok(differences.into_iter().map(Difference::finish).collect())
    }
}

/// Whether a node is approximate, and its float form can be told from its integers.
fn is_compared(node: &Node) -> bool {
    node.origin.exactness == Exactness::Approximate
        && !matches!(
            node.operator,
            Operator::Table(_)
                | Operator::Tables(_)
                | Operator::View(_)
                | Operator::MaxPool(_)
                | Operator::ReduceMax(_)
                | Operator::ArgMax(_)
        )
}

impl Graph {
    /// A node's output by its operator in float64, quantized.
    fn by_floats(&self, node: &Node, values: &[Vec<i32>]) -> Vec<i32> {
        let (min, max) = self.bounds(node);
        let round = |level: f64| {
            #[allow(clippy::cast_possible_truncation)]
            let rounded = level.clamp(f64::from(min), f64::from(max)).round_ties_even() as i32;
            rounded
        };
        self.levels(node, values).into_iter().map(round).collect()
    }

    /// The smallest and the largest output of a node.
    fn bounds(&self, node: &Node) -> (i32, i32) {
        match &node.operator {
            Operator::Add(Add { min, max, .. })
            | Operator::Mul(Mul { min, max, .. })
            | Operator::Softmax(Softmax { min, max, .. })
            | Operator::LayerNormalization(LayerNormalization { min, max, .. }) => (*min, *max),
            Operator::AveragePool(pool) => (pool.mean.min, pool.mean.max),
            Operator::Reduce(reduce) => match &reduce.rescale {
                Rescale::Mean(mean, _) => (mean.min, mean.max),
                Rescale::Requantization(requantization) => (requantization.min, requantization.max),
            },
            _ => match requantization(&node.operator) {
                Some(requantization) => (requantization.min, requantization.max),
                None => self.tensors[node.output.0].quantization.element.range(),
            },
        }
    }

    /// A node's output in float64, in steps of its scale and before rounding.
    fn levels(&self, node: &Node, values: &[Vec<i32>]) -> Vec<f64> {
        let integers = |id: TensorId| values[id.0].iter().copied().map(f64::from);
        let centred = |input: usize| self.centred(node, values, input);
        let output = self.tensors[node.output.0].quantization;
        let (scale, zero_point) = (f64::from(output.scale), f64::from(output.zero_point));
        let input_scale = f64::from(self.tensors[node.inputs[0].0].quantization.scale);
        if let Some(requantization) = requantization(&node.operator) {
            return self.map_sums(node, values, |acc, channel| {
                f64::from(acc) * f64::from(requantization.multiplier(channel)) + zero_point
            });
        }
        let x: Vec<f64> = integers(node.inputs[0]).collect();
        match &node.operator {
            Operator::Softmax(softmax) => softmax
                .reals(&x, input_scale)
                .into_iter()
                .map(|probability| probability / scale + zero_point)
                .collect(),
            Operator::LayerNormalization(normalization) => normalization.levels(&x),
            Operator::Reduce(reduce) => {
                let step = match &reduce.rescale {
                    Rescale::Mean(mean, count) => mean.step(*count),
                    Rescale::Requantization(requantization) => {
                        f64::from(requantization.multiplier(0))
                    }
                };
                let x = centred(0);
                x.chunks(reduce.length * reduce.inner)
                    .flat_map(|x| {
                        (0..reduce.inner).map(move |i| {
                            let sum: f64 = (0..reduce.length)
                                .map(|j| f64::from(x[j * reduce.inner + i]))
                                .sum();
                            sum * step + zero_point
                        })
                    })
                    .collect()
            }
            Operator::AveragePool(pool) => {
                let [rows, columns] = pool.window.output;
                let x = centred(0);
                x.chunks(pool.window.input.iter().product())
                    .flat_map(|x| {
                        (0..rows * columns).map(move |at| {
                            let seen: Vec<f64> = pool
                                .window
                                .positions([at / columns, at % columns])
                                .map(|position| f64::from(x[position]))
                                .collect();
                            let count =
                                if pool.count_include_pad { pool.window.len() } else { seen.len() };
                            seen.iter().sum::<f64>() * pool.mean.step(count) + zero_point
                        })
                    })
                    .collect()
            }
            Operator::Add(add) => {
                let sum = |(a, b): (f64, f64)| {
                    a * f64::from(add.left) + b * f64::from(add.right) + f64::from(add.fixed)
                };
                match &add.operand {
                    Operand::Tensor => {
                        x.into_iter().zip(integers(node.inputs[1])).map(sum).collect()
                    }
                    Operand::Constant(constants) => {
                        x.into_iter().zip(constants.iter().map(|&b| b.into())).map(sum).collect()
                    }
                }
            }
            Operator::Mul(mul) => {
                let product = |(&a, &b): (&i32, &i32)| {
                    f64::from(a) * f64::from(b - mul.operand_zero_point) * f64::from(mul.multiplier)
                        + zero_point
                };
                let b = match &mul.operand {
                    Operand::Tensor => &values[node.inputs[1].0],
                    Operand::Constant(constants) => constants,
                };
                centred(0).iter().zip(b).map(product).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// How a sum of products becomes an output.
fn requantization(operator: &Operator) -> Option<&Requantization> {
    match operator {
        Operator::Gemm(gemm) => Some(&gemm.requantization),
        Operator::Conv(conv) => Some(&conv.requantization),
        Operator::ConvTranspose(conv) => Some(&conv.requantization),
        Operator::MatMul(product) => Some(&product.requantization),
        _ => None,
    }
}

impl Mean {
    /// Steps of the output per step of a sum of `count` elements.
    fn step(&self, count: usize) -> f64 {
        #[allow(clippy::cast_precision_loss)]
        let count = count.max(1) as f64;
        f64::from(self.scale) / count / f64::from(self.output_scale)
    }
}

impl Softmax {
    fn reals(&self, x: &[f64], scale: f64) -> Vec<f64> {
        x.chunks(self.length)
            .flat_map(|row| {
                let largest = row.iter().copied().fold(f64::MIN, f64::max);
                let exponential = move |x: &f64| ((x - largest) * scale).exp();
                let sum: f64 = row.iter().map(exponential).sum();
                row.iter().map(move |x| exponential(x) / sum)
            })
            .collect()
    }
}

impl LayerNormalization {
    /// Weights, bias and epsilon come back from their fixed-point form; the zero point of `x` cancels out.
    fn levels(&self, x: &[f64]) -> Vec<f64> {
        #[allow(clippy::cast_precision_loss)]
        let (n, factor, epsilon) =
            (self.length as f64, self.variance_factor as f64, self.epsilon as f64);
        let epsilon = epsilon / factor / (n * n);
        let one = 2_f64.powi(i32::try_from(self.shift).unwrap_or(0));
        // y = gain · u · r / 2^shift, where u / n is the centred element and r the inverse root.
        let root = 2_f64.powi(i32::try_from(self.root_bits).unwrap_or(0)) / factor.sqrt();
        x.chunks(self.length)
            .flat_map(|row| {
                let mean = row.iter().sum::<f64>() / n;
                let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
                let deviation = (variance + epsilon).sqrt();
                row.iter().zip(&self.gain).zip(&self.offset).map(move |((x, &gain), &offset)| {
                    #[allow(clippy::cast_precision_loss)]
                    let (gain, offset) = (gain as f64, offset as f64);
                    gain * (x - mean) / deviation * root / one + offset / one - 0.5
                })
            })
            .collect()
    }
}

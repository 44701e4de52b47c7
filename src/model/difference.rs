//! How far integer definitions are from floats, where onnxruntime computes in floats.

use serde::Serialize;

use super::{
    Add, Exactness, Graph, LayerNormalization, Model, ModelError, Node, Operand, Operator, Reduce,
    Rescale, Softmax, TensorId,
};

/// How far the integers of a node are from its operator in float64 on the same inputs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The node's name.
    pub node: String,
    /// Its operator.
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

impl Model {
    /// Compares nodes that are marked [`Exactness::Approximate`] with their operators in floats,
    /// quantized, over some inferences.
    ///
    /// Each node is compared on its own: it gets the integers that the nodes before it give here.
    pub fn differences(&self, inferences: &[Vec<Vec<i32>>]) -> Result<Vec<Difference>, ModelError> {
        let mut differences: Vec<(usize, Difference)> = self
            .graph
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.origin.exactness == Exactness::Approximate)
            .filter(|(_, node)| has_float_form(&node.operator))
            .map(|(position, node)| {
                let difference = Difference {
                    node: node.name.clone(),
                    operator: node.origin.operator.clone(),
                    elements: 0,
                    different: 0,
                    largest: 0,
                    mean: 0.0,
                };
                (position, difference)
            })
            .collect();
        for inputs in inferences {
            let evaluation = self.evaluate(inputs)?;
            for (position, difference) in &mut differences {
                let node = &self.graph.nodes[*position];
                let reals = self.graph.reals(node, &evaluation.values);
                let quantization = self.graph.tensors[node.output.0].quantization;
                for (&integer, real) in evaluation.tensor(node.output).iter().zip(reals) {
                    let (min, max) = quantization.element.range();
                    let exact = (real / f64::from(quantization.scale)).round_ties_even()
                        + f64::from(quantization.zero_point);
                    let exact = exact.clamp(f64::from(min), f64::from(max));
                    #[allow(clippy::cast_possible_truncation)]
                    let steps = (integer - exact as i32).abs();
                    difference.elements += 1;
                    difference.different += usize::from(steps != 0);
                    difference.largest = difference.largest.max(steps);
                    difference.mean += f64::from(steps);
                }
            }
        }
        for (_, difference) in &mut differences {
            #[allow(clippy::cast_precision_loss)]
            let elements = difference.elements.max(1) as f64;
            difference.mean /= elements;
        }
        Ok(differences.into_iter().map(|(_, difference)| difference).collect())
    }
}

/// Whether an operator's float form can be told from its integers.
fn has_float_form(operator: &Operator) -> bool {
    match operator {
        Operator::Softmax(_) | Operator::LayerNormalization(_) | Operator::Add(_) => true,
        Operator::Reduce(reduce) => matches!(reduce.rescale, Rescale::Mean(..)),
        _ => false,
    }
}

impl Graph {
    /// A node's operator on the reals that its inputs stand for.
    fn reals(&self, node: &Node, values: &[Vec<i32>]) -> Vec<f64> {
        let real = |id: TensorId| -> Vec<f64> {
            let quantization = self.tensors[id.0].quantization;
            let scale = f64::from(quantization.scale);
            let zero_point = quantization.zero_point;
            values[id.0].iter().map(|q| f64::from(q - zero_point) * scale).collect()
        };
        let output = self.tensors[node.output.0].quantization;
        let x = real(node.inputs[0]);
        match &node.operator {
            Operator::Softmax(softmax) => softmax.reals(&x),
            Operator::LayerNormalization(normalization) => {
                let scale = f64::from(self.tensors[node.inputs[0].0].quantization.scale);
                normalization.reals(
                    &x,
                    scale,
                    f64::from(output.scale),
                    f64::from(output.zero_point),
                )
            }
            Operator::Reduce(reduce) => reduce.reals(&x),
            Operator::Add(Add { operand: Operand::Tensor, right, .. }) => {
                let sign = f64::from(right.signum());
                let b = node.inputs.get(1).map(|&id| real(id)).unwrap_or_default();
                x.iter().zip(b).map(|(a, b)| a + sign * b).collect()
            }
            // A constant's real is told by its integer and the ratio of scales.
            Operator::Add(add) => {
                let scale = f64::from(output.scale);
                let Operand::Constant(constants) = &add.operand else { return Vec::new() };
                values[node.inputs[0].0]
                    .iter()
                    .zip(constants)
                    .map(|(&a, &b)| {
                        (f64::from(a) * f64::from(add.left)
                            + f64::from(b) * f64::from(add.right)
                            + f64::from(add.fixed)
                            - f64::from(output.zero_point))
                            * scale
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Softmax {
    fn reals(&self, x: &[f64]) -> Vec<f64> {
        x.chunks(self.length)
            .flat_map(|row| {
                let largest = row.iter().copied().fold(f64::MIN, f64::max);
                let sum: f64 = row.iter().map(|x| (x - largest).exp()).sum();
                row.iter().map(move |x| (x - largest).exp() / sum)
            })
            .collect()
    }
}

impl LayerNormalization {
    /// Weights, bias and epsilon come back from their fixed-point form.
    fn reals(&self, x: &[f64], scale: f64, output_scale: f64, zero_point: f64) -> Vec<f64> {
        #[allow(clippy::cast_precision_loss)]
        let (n, factor, epsilon) =
            (self.length as f64, self.variance_factor as f64, self.epsilon as f64);
        let epsilon = epsilon / factor / (n * n) * scale * scale;
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
                    let steps = gain * (x - mean) / deviation * root / one + offset / one - 0.5;
                    (steps - zero_point) * output_scale
                })
            })
            .collect()
    }
}

impl Reduce {
    fn reals(&self, x: &[f64]) -> Vec<f64> {
        #[allow(clippy::cast_precision_loss)]
        let count = match self.rescale {
            Rescale::Mean(_, count) => count as f64,
            Rescale::Requantization(_) => self.length as f64,
        };
        x.chunks(self.length * self.inner)
            .flat_map(|x| {
                (0..self.inner).map(move |i| {
                    (0..self.length).map(|j| x[j * self.inner + i]).sum::<f64>() / count
                })
            })
            .collect()
    }
}

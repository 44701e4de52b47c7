//! What the circuit proves, in integers: a chain of dense layers over bytes.
//!
//! Every activation is a byte, its integer minus the smallest of its type, so that int8 and uint8
//! are one case and committed values are small and not negative.

use super::CircuitError;
use crate::circuit::activation::{Activation, byte};
use crate::model::{
    ElementType, Gemm, Graph, Model, Node, Operator, Requantization, Steps, Table, TensorId, View,
};

/// A chain of layers from the model's input to its output.
#[derive(Clone, Debug)]
pub struct Program {
    /// The type of the input's elements.
    pub input_element: ElementType,
    /// Number of input bytes.
    pub inputs: usize,
    /// Layers, each over the previous one's outputs.
    pub layers: Vec<Layer>,
    /// The type of the output's elements.
    pub output_element: ElementType,
}

/// `byte_o = activation( level_o(Σ_i weight[o, i] · byte_i + bias[o]) )`.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The node's name.
    pub name: String,
    /// Number of bytes taken.
    pub inputs: usize,
    /// Number of bytes given.
    pub outputs: usize,
    /// `[outputs][inputs]`.
    pub weights: Vec<i32>,
    /// `[outputs]`; the input's zero point is folded in.
    pub bias: Vec<i64>,
    /// From accumulators to levels.
    pub levels: Levels,
    /// From levels to bytes.
    pub activation: Activation,
}

/// How a layer's accumulators become levels.
#[derive(Clone, Debug)]
pub enum Levels {
    /// The level is the accumulator.
    Identity,
    /// The level steps as float32 requantization does.
    Steps {
        /// The requantization.
        requantization: Requantization,
        /// The smallest value of the output's type, where levels count from.
        base: i32,
        /// Its steps over each output's own range.
        steps: Vec<Steps>,
    },
}

impl Program {
    /// Reads a model's graph as a chain of layers.
    pub fn new(model: &Model) -> Result<Self, CircuitError> {
        let ([input], [output]) = (&model.inputs[..], &model.outputs[..]) else {
            return Err(CircuitError::Ports {
                inputs: model.inputs.len(),
                outputs: model.outputs.len(),
            });
        };
        let graph = &model.graph;
        let mut layers: Vec<Layer> = Vec::new();
        let mut at = input.tensor;
        for node in &graph.nodes {
            let [source] = node.inputs[..] else {
                return Err(unsupported(node));
            };
            if source != at {
                return Err(CircuitError::NotAChain {
                    node: node.name.clone(),
                    found: graph.tensors[source.0].name.clone(),
                    expected: graph.tensors[at.0].name.clone(),
                });
            }
            match &node.operator {
                Operator::Gemm(gemm) => layers.push(Layer::gemm(node, gemm, graph)?),
                Operator::Table(table) => match layers.last_mut() {
                    Some(layer) => layer.activation.then(&bytes(table, graph, node.output)),
                    None => layers.push(Layer::table(node, table, graph)),
                },
                Operator::View(View::Reshape) => {}
                _ => return Err(unsupported(node)),
            }
            at = node.output;
        }
        if at != output.tensor {
            return Err(CircuitError::NotAChain {
                node: output.name.clone(),
                found: graph.tensors[output.tensor.0].name.clone(),
                expected: graph.tensors[at.0].name.clone(),
            });
        }
        let first = layers.first().ok_or(CircuitError::Empty)?;
        Ok(Self {
            input_element: graph.tensors[input.tensor.0].quantization.element,
            inputs: first.inputs,
            layers,
            output_element: graph.tensors[output.tensor.0].quantization.element,
        })
    }

    /// Number of output bytes.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }
}

impl Layer {
    fn gemm(node: &Node, gemm: &Gemm, graph: &Graph) -> Result<Self, CircuitError> {
        let source = &graph.tensors[node.inputs[0].0];
        if source.len() != gemm.inputs {
            let rows = source.len() / gemm.inputs.max(1);
            return Err(CircuitError::Rows { node: node.name.clone(), rows });
        }
        let element = graph.tensors[node.output.0].quantization.element;
        let base = element.range().0;
        // byte − zero byte = integer − zero point
        let zero_byte =
            i64::from(source.quantization.zero_point - source.quantization.element.range().0);
        let (mut bias, mut steps) = (Vec::new(), Vec::new());
        for output in 0..gemm.outputs {
            let row = &gemm.weights[output * gemm.inputs..][..gemm.inputs];
            let sum: i64 = row.iter().map(|&weight| i64::from(weight)).sum();
            let folded = i64::from(gemm.bias[output]) - zero_byte * sum;
            let reach = |largest: bool| {
                let extremes = row.iter().filter(|&&weight| (weight > 0) == largest);
                folded + extremes.map(|&weight| 255 * i64::from(weight)).sum::<i64>()
            };
            let range = (i32::try_from(reach(false)).ok()).zip(i32::try_from(reach(true)).ok());
            let Some(range) = range else {
                return Err(CircuitError::AccumulatorRange { node: node.name.clone(), output });
            };
            bias.push(folded);
            steps.push(Steps::find(&gemm.requantization, output, base, range));
        }
        let clamp = |value: i32| {
            u8::try_from((value - base).clamp(0, 255)).expect("clamped between two bytes")
        };
        Ok(Self {
            name: node.name.clone(),
            inputs: gemm.inputs,
            outputs: gemm.outputs,
            weights: gemm.weights.clone(),
            bias,
            levels: Levels::Steps { requantization: gemm.requantization.clone(), base, steps },
            activation: Activation {
                min: clamp(gemm.requantization.min),
                max: clamp(gemm.requantization.max),
                table: None,
            },
        })
    }

    /// A table with no layer before it to be fused with: an identity matrix, then the table.
    fn table(node: &Node, table: &Table, graph: &Graph) -> Self {
        let width = graph.tensors[node.inputs[0].0].len();
        let mut weights = vec![0; width * width];
        weights.iter_mut().step_by(width + 1).for_each(|weight| *weight = 1);
        let mut activation = Activation { min: 0, max: 255, table: None };
        activation.then(&bytes(table, graph, node.output));
        Self {
            name: node.name.clone(),
            inputs: width,
            outputs: width,
            weights,
            bias: vec![0; width],
            levels: Levels::Identity,
            activation,
        }
    }

    /// The smallest and largest accumulator of an output, over all bytes.
    pub fn accumulator_range(&self, output: usize) -> (i128, i128) {
        let row = &self.weights[output * self.inputs..][..self.inputs];
        let bias = i128::from(self.bias[output]);
        row.iter().fold((bias, bias), |(low, high), &weight| {
            let most = 255 * i128::from(weight);
            (low + most.min(0), high + most.max(0))
        })
    }
}

fn unsupported(node: &Node) -> CircuitError {
    CircuitError::UnsupportedOperator {
        node: node.name.clone(),
        operator: node.origin.operator.clone(),
    }
}

/// A table's values as bytes of its output's type.
fn bytes(table: &Table, graph: &Graph, output: TensorId) -> Vec<u8> {
    let element = graph.tensors[output.0].quantization.element;
    let value = |&value| byte(value, element).expect("a table's values are of its output's type");
    table.values.iter().map(value).collect()
}

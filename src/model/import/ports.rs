//! Inputs and outputs of the model.

use super::{ImportOptions, Importer, RealKind, Source, Value, expression::Real};
use crate::model::{
    Code, ElementType, Model, ModelError, Port, Preparation, Quantization, TensorId, limits,
    onnx::{DataType, Dimension, GraphProto, ValueInfoProto},
};

/// An input of the model.
#[derive(Debug)]
pub(super) struct Input {
    pub name: String,
    pub shape: Vec<usize>,
    /// Known once it is quantized.
    pub tensor: Option<TensorId>,
    pub is_float: bool,
    pub kind: InputKind,
    /// What a text or whole number is compared with, once an operator tells.
    pub categories: Option<Code>,
    /// Known once it is quantized, too.
    pub preparation: Option<Preparation>,
}

/// What elements of an input are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputKind {
    Number,
    Text,
    /// Of 64 bits.
    Whole,
}

impl<'a> Importer<'a> {
    pub(super) fn read_inputs(
        &mut self,
        graph: &'a GraphProto,
        options: &ImportOptions<'_>,
    ) -> Result<(), ModelError> {
        options.check_dimensions(graph)?;
        for input in &graph.input {
            // Up to IR version 3, initializers are listed as inputs too.
            if matches!(self.values.get(input.name.as_str()), Some(Value::Constant(_))) {
                continue;
            }
            let (element, shape) = read_type(input, options)?;
            limits::elements(&input.name, &shape)?;
            let position = self.inputs.len();
            let value = match element {
                DataType::Float | DataType::String | DataType::Int64 => {
                    let id = self.add_real(Real {
                        shape,
                        kind: RealKind::Input(position),
                        depth: 0,
                        node: input.name.clone(),
                        operator: "input".into(),
                        parameters: 0,
                        source: Source::Other,
                    })?;
                    self.inputs.push(Input {
                        name: input.name.clone(),
                        shape: self.real(id).shape.clone(),
                        tensor: None,
                        is_float: true,
                        kind: match element {
                            DataType::String => InputKind::Text,
                            DataType::Int64 => InputKind::Whole,
                            _ => InputKind::Number,
                        },
                        categories: None,
                        preparation: None,
                    });
                    Value::Real(id)
                }
                DataType::Int8 | DataType::Uint8 => {
                    let element = if element == DataType::Int8 {
                        ElementType::Int8
                    } else {
                        ElementType::Uint8
                    };
                    // The scale is that of the first node that asks for one.
                    let quantization = Quantization { scale: 1.0, zero_point: 0, element };
                    let tensor = self.add_tensor(&input.name, shape, quantization)?;
                    self.unscaled.insert(tensor);
                    self.inputs.push(Input {
                        name: input.name.clone(),
                        shape: self.tensor(tensor).shape.clone(),
                        tensor: Some(tensor),
                        is_float: false,
                        kind: InputKind::Number,
                        categories: None,
                        preparation: None,
                    });
                    Value::Integers(tensor)
                }
                other => {
                    return Err(ModelError::Port {
                        direction: "input",
                        tensor: input.name.clone(),
                        reason: format!(
                            "its type is {other:?}, expected float32, int64, text, int8 or uint8"
                        ),
                    });
                }
            };
            self.define(&input.name, value)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self, name: &str, graph: &GraphProto) -> Result<Model, ModelError> {
        let mut outputs = Vec::new();
        for output in &graph.output {
            let port = |tensor, is_float| {
                let name = output.name.clone();
                let labels = self.labels.get(&tensor).cloned().unwrap_or_default();
                Port { name, tensor, is_float, preparation: None, labels }
            };
            let error = |reason: &str| ModelError::Port {
                direction: "output",
                tensor: output.name.clone(),
                reason: reason.into(),
            };
            match self.values.get(output.name.as_str()) {
                None => return Err(error("no node makes it")),
                Some(Value::Unknown) => {
                    return Err(error("the node that makes it does not give it"));
                }
                Some(Value::Constant(_)) => return Err(error("it does not depend on the input")),
                Some(&Value::Integers(tensor)) => outputs.push(port(tensor, false)),
                Some(&Value::Real(id)) => match self.reals[id.0].kind {
                    RealKind::Activation(tensor) => outputs.push(port(tensor, true)),
                    RealKind::Constant(_) | RealKind::Weights(_) => {
                        return Err(error("it does not depend on the input"));
                    }
                    _ => {
                        return Err(ModelError::OutputNotQuantized { tensor: output.name.clone() });
                    }
                },
            }
        }
        let mut inputs = Vec::new();
        for input in std::mem::take(&mut self.inputs) {
            let tensor = input.tensor.ok_or_else(|| ModelError::Port {
                direction: "input",
                tensor: input.name.clone(),
                reason: "no node quantizes it".into(),
            })?;
            let Input { name, is_float, preparation, .. } = input;
            inputs.push(Port { name, tensor, is_float, preparation, labels: Vec::new() });
        }
        let mut model = Model { name: name.to_owned(), inputs, outputs, graph: self.graph };
        drop_unused(&mut model);
        Ok(model)
    }
}

fn read_type(
    input: &ValueInfoProto,
    options: &ImportOptions<'_>,
) -> Result<(DataType, Vec<usize>), ModelError> {
    let error = |reason: String| ModelError::Port {
        direction: "input",
        tensor: input.name.clone(),
        reason,
    };
    let tensor_type = input
        .r#type
        .as_ref()
        .and_then(|r#type| r#type.tensor_type.as_ref())
        .ok_or_else(|| error("it is not a tensor".into()))?;
    let element = DataType::try_from(tensor_type.elem_type)
        .map_err(|_| error(format!("element type {} is not supported", tensor_type.elem_type)))?;
    let dims =
        &tensor_type.shape.as_ref().ok_or_else(|| error("its shape is not given".into()))?.dim;
    let leading = dims.first().map(|dim| options.leading(dim.value.as_ref())).transpose();
    let leading = leading.map_err(error)?.flatten();
    if options.batch.is_some() && leading.is_none() {
        return Err(error("it has no leading dimension for a batch".into()));
    }
    let dimensions = &options.dimensions;
    let shape = dims
        .iter()
        .enumerate()
        .map(|(axis, dim)| match &dim.value {
            _ if axis == 0 && leading.is_some() => Ok(leading.unwrap_or(1)),
            Some(Dimension::Value(value)) if *value > 0 => usize::try_from(*value)
                .map_err(|_| error(format!("dimension {axis} of its shape is {value}"))),
            Some(Dimension::Value(value)) => {
                Err(error(format!("dimension {axis} of its shape is {value}")))
            }
            Some(Dimension::Symbol(symbol)) if dimensions.contains_key(symbol) => {
                Ok(dimensions[symbol])
            }
            // One inference at a time.
            Some(Dimension::Symbol(_)) | None if axis == 0 => Ok(1),
            Some(Dimension::Symbol(symbol)) => {
                Err(error(format!("dimension {axis} of its shape is `{symbol}`, not a number")))
            }
            None => Err(error(format!("dimension {axis} of its shape is not given"))),
        })
        .collect::<Result<_, _>>()?;
    Ok((element, shape))
}

/// Removes nodes and tensors that no output depends on.
fn drop_unused(model: &mut Model) {
    let graph = &mut model.graph;
    let mut used = vec![false; graph.tensors.len()];
    for port in model.inputs.iter().chain(&model.outputs) {
        used[port.tensor.0] = true;
    }
    for node in graph.nodes.iter().rev() {
        if used[node.output.0] {
            for input in &node.inputs {
                used[input.0] = true;
            }
        }
    }
    graph.nodes.retain(|node| used[node.output.0]);

    let mut position = 0;
    let renumbered: Vec<TensorId> = used
        .iter()
        .map(|&used| {
            let id = TensorId(position);
            position += usize::from(used);
            id
        })
        .collect();
    let mut used = used.iter();
    graph.tensors.retain(|_| *used.next().expect("there is one flag per tensor"));
    for node in &mut graph.nodes {
        for input in &mut node.inputs {
            *input = renumbered[input.0];
        }
        node.output = renumbered[node.output.0];
    }
    for port in model.inputs.iter_mut().chain(&mut model.outputs) {
        port.tensor = renumbered[port.tensor.0];
    }
}

//! Makes batch normalizations part of the convolution before them.

use std::collections::HashMap;

use crate::model::{
    ModelError,
    onnx::{DataType, GraphProto, ModelProto, NodeProto, TensorProto},
};

/// Folds all that can be folded; others stay as they are.
pub(super) fn fold(file: &mut ModelProto) -> Result<(), ModelError> {
    let graph = file.graph.as_mut().ok_or(ModelError::Missing("graph"))?;
    let mut uses: HashMap<String, usize> = HashMap::new();
    for name in graph.node.iter().flat_map(|node| &node.input) {
        *uses.entry(name.clone()).or_default() += 1;
    }
    for output in &graph.output {
        *uses.entry(output.name.clone()).or_default() += 1;
    }
    let mut index = 0;
    while index < graph.node.len() {
        let norm = graph.node[index].clone();
        let conv = graph
            .node
            .iter()
            .position(|node| node.op_type == "Conv" && node.output.first() == norm.input.first());
        if norm.op_type == "BatchNormalization"
            && norm.output.len() == 1
            && let Some(conv) = conv
            && uses.get(&norm.input[0]) == Some(&1)
            && fold_one(graph, conv, &norm).is_some()
        {
            graph.node[conv].output[0].clone_from(&norm.output[0]);
            graph.node.remove(index);
        } else {
            index += 1;
        }
    }
    Ok(())
}

/// Gives a convolution weights and a bias that hold the normalization after it. `None` if something is
/// not a float constant of the right length.
fn fold_one(graph: &mut GraphProto, conv: usize, norm: &NodeProto) -> Option<()> {
    let node = graph.node[conv].clone();
    let constant = |name: &String| {
        let tensor = graph.initializer.iter().find(|tensor| tensor.name == *name)?;
        floats(tensor).map(|values| (tensor, values))
    };
    let (weights, values) = constant(node.input.get(1)?)?;
    let channels = usize::try_from(*weights.dims.first()?).ok().filter(|&n| n > 0)?;
    let per_channel = |position: usize| {
        let (_, values) = constant(norm.input.get(position)?)?;
        (values.len() == channels).then_some(values)
    };
    let (scale, shift, mean, variance) =
        (per_channel(1)?, per_channel(2)?, per_channel(3)?, per_channel(4)?);
    let bias = match node.input.get(2).filter(|name| !name.is_empty()) {
        Some(name) => constant(name).map(|(_, values)| values)?,
        None => vec![0.0; channels],
    };
    if bias.len() != channels || values.len() % channels != 0 {
        return None;
    }
    let epsilon = norm
        .attribute
        .iter()
        .find(|attribute| attribute.name == "epsilon")
        .and_then(|attribute| attribute.f)
        .unwrap_or(1e-5);
    let factors: Vec<f32> =
        scale.iter().zip(&variance).map(|(scale, v)| scale / (v + epsilon).sqrt()).collect();
    let per_output = values.len() / channels;
    let folded: Vec<f32> =
        values.iter().enumerate().map(|(i, value)| value * factors[i / per_output]).collect();
    let folded_bias: Vec<f32> =
        (0..channels).map(|c| (bias[c] - mean[c]) * factors[c] + shift[c]).collect();
    let dims = weights.dims.clone();
    let names = ["weights", "bias"].map(|part| format!("{}_folded_{part}", norm.output[0]));
    let lengths = i64::try_from(channels).ok()?;
    graph.initializer.push(float_tensor(&names[0], dims, &folded));
    graph.initializer.push(float_tensor(&names[1], vec![lengths], &folded_bias));
    let [weights, bias] = names;
    graph.node[conv].input.truncate(1);
    graph.node[conv].input.extend([weights, bias]);
    Some(())
}

/// The values of a float32 tensor.
fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    if tensor.data_type != i32::from(DataType::Float) || tensor.data_location == 1 {
        return None;
    }
    Some(match &tensor.raw_data {
        Some(raw) => raw.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect(),
        None => tensor.float_data.clone(),
    })
}

fn float_tensor(name: &str, dims: Vec<i64>, values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims,
        data_type: DataType::Float.into(),
        raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        ..TensorProto::default()
    }
}

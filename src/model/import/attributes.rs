//! Which attributes of each operator are known. One that is not may mean anything, and a node that has one is refused: what
//! it says would be ignored, and the result be another one.

use crate::model::{
    ModelError,
    import::NodeView,
    onnx::{AttributeProto, ModelProto, NodeProto},
};

/// A domain, operators, and what is known of them: each attribute with its kind (a float `f`, an integer `i`, a text `s`,
/// a tensor `t`, a graph `g`; `fs`, `is`, `ss` for several), and with the only integer that is taken where one is said.
type Row = (&'static str, &'static [&'static str], &'static str);

const ONNX: &str = "";
const MICROSOFT: &str = "com.microsoft";
const CLASSIC: &str = "ai.onnx.ml";

/// By which attributes they are read. Some say nothing about the result: which formula a mean of training has (`momentum`),
/// the order of positions that are not given (`storage_order`), how often a branch was taken (`nodes_hitrates`), what
/// eight-bit floats do (`saturate`, `round_mode`), shapes that follow from others (`hidden_size`, `num_outputs`,
/// `inputdimensions`), how precise sums are at least (`softmax_precision`, `accuracy_level`), what is given where there is nothing
/// (`default_*`, `zeros`, `extrapolation_value`), which is refused elsewhere.
#[rustfmt::skip]
const KNOWN: &[Row] = &[
    (ONNX, &["QuantizeLinear"], "axis:i block_size:i=0 output_dtype:i precision:i=0 saturate:i"),
    (ONNX, &["DequantizeLinear"], "axis:i block_size:i output_dtype:i"),
    (ONNX, &[
        "DynamicQuantizeLinear", "MatMul", "QLinearMatMul", "MatMulInteger", "Add", "Mul", "Sub", "Div", "Pow", "Min", "Max", "PRelu",
        "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "And", "Or", "Xor", "Where", "Relu", "Sigmoid", "Tanh", "Erf",
        "Exp", "Sqrt", "Abs", "Neg", "Reciprocal", "Softplus", "Softsign", "HardSwish", "Mish", "Log", "Sign", "Floor", "Ceil",
        "Round", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Not", "GlobalAveragePool",
        "Expand", "Tile", "Identity", "Size", "NonZero", "Sum", "Mean",
    ], ""),
    (ONNX, &["Conv", "QLinearConv", "ConvInteger"], "auto_pad:s dilations:is group:i kernel_shape:is pads:is strides:is"),
    (ONNX, &["ConvTranspose"], "auto_pad:s dilations:is group:i kernel_shape:is output_padding:is output_shape:is pads:is strides:is"),
    (ONNX, &["Gemm"], "alpha:f beta:f transA:i transB:i"),
    (ONNX, &["BatchNormalization"], "epsilon:f momentum:f spatial:i=1 training_mode:i"),
    (ONNX, &["Mod"], "fmod:i"),
    (ONNX, &["Clip"], "max:f min:f"),
    (ONNX, &["LeakyRelu", "Elu", "ThresholdedRelu", "Celu", "Swish"], "alpha:f"),
    (ONNX, &["Selu"], "alpha:f gamma:f"),
    (ONNX, &["HardSigmoid"], "alpha:f beta:f"),
    (ONNX, &["Gelu"], "approximate:s"),
    (ONNX, &["Shrink"], "bias:f lambd:f"),
    (ONNX, &["MaxPool"], "auto_pad:s ceil_mode:i dilations:is kernel_shape:is pads:is storage_order:i strides:is"),
    (ONNX, &["AveragePool"], "auto_pad:s ceil_mode:i count_include_pad:i dilations:is kernel_shape:is pads:is strides:is"),
    (ONNX, &[
        "ReduceMax", "ReduceMin", "ReduceMean", "ReduceSum", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
        "ReduceLogSum", "ReduceLogSumExp",
    ], "axes:is keepdims:i noop_with_empty_axes:i"),
    (ONNX, &["ArgMax", "ArgMin"], "axis:i keepdims:i select_last_index:i"),
    (ONNX, &["TopK"], "axis:i k:i largest:i sorted:i"),
    (ONNX, &["CumSum"], "exclusive:i reverse:i"),
    (ONNX, &["Einsum"], "equation:s"),
    (ONNX, &["Softmax", "LogSoftmax", "Flatten", "Concat", "Gather", "GatherElements", "OneHot"], "axis:i"),
    (ONNX, &["LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"], "axis:i epsilon:f stash_type:i=1"),
    (ONNX, &["InstanceNormalization"], "epsilon:f"),
    (ONNX, &["GroupNormalization"], "epsilon:f num_groups:i stash_type:i=1"),
    (ONNX, &["LpNormalization"], "axis:i p:i"),
    (ONNX, &["Reshape"], "allowzero:i"),
    (ONNX, &["Squeeze", "Unsqueeze", "MeanVarianceNormalization"], "axes:is"),
    (ONNX, &["Transpose"], "perm:is"),
    (ONNX, &["Split"], "axis:i num_outputs:i split:is"),
    (ONNX, &["Slice"], "axes:is ends:is starts:is"),
    (ONNX, &["Pad"], "mode:s pads:is value:f"),
    (ONNX, &["Trilu"], "upper:i"),
    (ONNX, &["GatherND"], "batch_dims:i"),
    (ONNX, &["ScatterElements"], "axis:i reduction:s"),
    (ONNX, &["ScatterND"], "reduction:s"),
    (ONNX, &["DepthToSpace", "SpaceToDepth"], "blocksize:i mode:s"),
    (ONNX, &["Upsample"], "mode:s scales:fs"),
    (ONNX, &["Resize"], "antialias:i axes:is coordinate_transformation_mode:s cubic_coeff_a:f exclude_outside:i \
        extrapolation_value:f keep_aspect_ratio_policy:s mode:s nearest_mode:s"),
    (ONNX, &["Dropout"], "ratio:f seed:i"),
    (ONNX, &["Constant"], "value:t value_float:f value_floats:fs value_int:i value_ints:is"),
    (ONNX, &["ConstantOfShape"], "value:t"),
    (ONNX, &["Range"], "stash_type:i=1"),
    (ONNX, &["Shape"], "end:i start:i"),
    (ONNX, &["Cast"], "round_mode:s saturate:i to:i"),
    (ONNX, &["LSTM", "GRU", "RNN"], "activations:ss clip:f direction:s hidden_size:i input_forget:i layout:i linear_before_reset:i"),
    (ONNX, &["Attention"], "is_causal:i kv_num_heads:i left_window_size:i q_num_heads:i qk_matmul_output_mode:i \
        right_window_size:i scale:f softcap:f softmax_precision:i"),
    (ONNX, &["RotaryEmbedding"], "interleaved:i num_heads:i rotary_embedding_dim:i"),
    (ONNX, &["SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"], "ignore_index:i reduction:s"),
    (ONNX, &["If"], "else_branch:g then_branch:g"),
    (CLASSIC, &["TreeEnsembleRegressor"], "aggregate_function:s base_values:fs n_targets:i nodes_falsenodeids:is nodes_featureids:is \
        nodes_hitrates:fs nodes_hitrates_as_tensor:t nodes_missing_value_tracks_true:is nodes_modes:ss nodes_nodeids:is \
        nodes_treeids:is nodes_truenodeids:is nodes_values:fs post_transform:s target_ids:is target_nodeids:is target_treeids:is \
        target_weights:fs"),
    (CLASSIC, &["TreeEnsembleClassifier"], "base_values:fs class_ids:is class_nodeids:is class_treeids:is class_weights:fs \
        classlabels_int64s:is classlabels_strings:ss nodes_falsenodeids:is nodes_featureids:is nodes_hitrates:fs \
        nodes_hitrates_as_tensor:t nodes_missing_value_tracks_true:is nodes_modes:ss nodes_nodeids:is nodes_treeids:is \
        nodes_truenodeids:is nodes_values:fs post_transform:s"),
    (CLASSIC, &["TreeEnsemble"], "aggregate_function:i leaf_targetids:is leaf_weights:t n_targets:i nodes_falseleafs:is \
        nodes_falsenodeids:is nodes_featureids:is nodes_hitrates:t nodes_missing_value_tracks_true:is nodes_modes:t nodes_splits:t \
        nodes_trueleafs:is nodes_truenodeids:is post_transform:i tree_roots:is"),
    (CLASSIC, &["Imputer"], "imputed_value_floats:fs replaced_value_float:f"),
    (CLASSIC, &["OneHotEncoder"], "cats_int64s:is cats_strings:ss zeros:i"),
    (CLASSIC, &["Binarizer"], "threshold:f"),
    (CLASSIC, &["LabelEncoder"], "default_float:f default_int64:i default_string:s default_tensor:t keys_int64s:is values_floats:fs values_int64s:is \
        values_strings:ss"),
    (CLASSIC, &["LinearRegressor"], "coefficients:fs intercepts:fs post_transform:s targets:i"),
    (CLASSIC, &["LinearClassifier"], "classlabels_ints:is classlabels_strings:ss coefficients:fs intercepts:fs multi_class:i post_transform:s"),
    (CLASSIC, &["SVMRegressor"], "coefficients:fs kernel_params:fs kernel_type:s n_supports:i one_class:i post_transform:s rho:fs \
        support_vectors:fs"),
    (CLASSIC, &["SVMClassifier"], "classlabels_ints:is classlabels_strings:ss coefficients:fs kernel_params:fs kernel_type:s \
        post_transform:s prob_a:fs prob_b:fs rho:fs support_vectors:fs vectors_per_class:is"),
    (CLASSIC, &["Scaler"], "offset:fs scale:fs"),
    (CLASSIC, &["Normalizer"], "norm:s"),
    (CLASSIC, &["FeatureVectorizer"], "inputdimensions:is"),
    (CLASSIC, &["ArrayFeatureExtractor"], ""),
    (CLASSIC, &["ZipMap"], "classlabels_int64s:is classlabels_strings:ss"),
    (MICROSOFT, &["QuantizeLinear", "DequantizeLinear"], "axis:i block_size:i"),
    (MICROSOFT, &["QGemm"], "alpha:f transA:i transB:i"),
    (MICROSOFT, &["QLinearAdd", "QLinearMul", "QLinearSigmoid", "Gelu", "FastGelu"], ""),
    (MICROSOFT, &["QLinearAveragePool"], "auto_pad:s ceil_mode:i channels_last:i count_include_pad:i kernel_shape:is pads:is strides:is"),
    (MICROSOFT, &["QLinearGlobalAveragePool"], "channels_last:i"),
    (MICROSOFT, &["QLinearConcat"], "axis:i"),
    (MICROSOFT, &["QLinearLeakyRelu", "QuickGelu"], "alpha:f"),
    (MICROSOFT, &["QLinearSoftmax"], "axis:i opset:i"),
    (MICROSOFT, &["MatMulNBits"], "K:i N:i accuracy_level:i bits:i block_size:i"),
];

/// What nodes of ONNX's own operators had before this operator set, and files in it have no more.
const OLD: (i64, &[&str]) =
    (7, &["axis", "broadcast", "consumed_inputs", "is_test", "output_sequence", "shape"]);

/// Kinds by the number that the file has for them.
const KINDS: [&str; 9] = ["", "f", "i", "s", "t", "g", "fs", "is", "ss"];

/// What is known of an operator's attributes, if it is one that is read.
fn known(domain: &str, operator: &str) -> Option<&'static str> {
    let of = |domain: &str| {
        let own = |row: &&Row| row.0 == domain && row.1.contains(&operator);
        KNOWN.iter().find(own).map(|row| row.2)
    };
    match domain {
        "ai.onnx" | "ai.onnx.quantize" => of(ONNX),
        // onnxruntime writes some of its own in ONNX's name, and the other way round.
        _ => of(domain),
    }
}

/// Why an attribute is not taken, if it is not.
fn refusal(attribute: &AttributeProto, known: &str) -> Option<String> {
    let name = attribute.name.as_str();
    let found = known.split_whitespace().find_map(|entry| {
        let (own, kind) = entry.split_once(':')?;
        (own == name).then_some(kind)
    });
    let Some(kind) = found else {
        return Some(format!("attribute `{name}`, which is not known here and may mean anything"));
    };
    let (kind, only) = kind.split_once('=').map_or((kind, None), |(kind, only)| (kind, Some(only)));
    let given = usize::try_from(attribute.r#type).ok().and_then(|given| KINDS.get(given).copied());
    if given != Some("") && given != Some(kind) {
        return Some(format!("attribute `{name}` of another kind than its operator has it"));
    }
    let value = attribute.i.unwrap_or(0).to_string();
    only.filter(|&only| only != value)
        .map(|only| format!("attribute `{name}` is {value}: only {only} is taken"))
}

/// Refuses a node by those of its attributes that are not known. What nothing is known of is refused elsewhere.
pub(super) fn check(node: &NodeProto, version: i64) -> Result<(), ModelError> {
    let Some(known) = known(&node.domain, &node.op_type) else { return Ok(()) };
    let (before, old) = OLD;
    let is_old = |own: &&AttributeProto| version < before && old.contains(&own.name.as_str());
    let mut attributes = node.attribute.iter().filter(|own| !is_old(own));
    match attributes.find_map(|attribute| refusal(attribute, known)) {
        None => Ok(()),
        Some(reason) => Err(NodeView::new(node).unsupported(reason)),
    }
}

/// The same of all nodes of a file, also those in branches.
pub(in crate::model) fn check_all(file: &ModelProto) -> Result<(), ModelError> {
    // What onnxmltools writes of trees alone names no set of ONNX's own operators, and has none of them.
    let version = match file.operator_set() {
        Err(ModelError::Missing(_)) => i64::MAX,
        version => version?,
    };
    let mut graphs: Vec<_> = file.graph.iter().collect();
    let mut refused = Vec::new();
    while let Some(graph) = graphs.pop() {
        for node in &graph.node {
            match check(node, version) {
                Err(ModelError::Unsupported(mut nodes)) => refused.append(&mut nodes),
                other => other?,
            }
        }
        let attributes = graph.node.iter().flat_map(|node| &node.attribute);
        graphs.extend(attributes.filter_map(|attribute| attribute.g.as_deref()));
    }
    if refused.is_empty() { Ok(()) } else { Err(ModelError::Unsupported(refused)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::import::operators::OPERATORS;

    fn node(domain: &str, operator: &str, attribute: AttributeProto) -> NodeProto {
        NodeProto {
            domain: domain.into(),
            op_type: operator.into(),
            attribute: vec![attribute],
            ..NodeProto::default()
        }
    }

    fn integer(name: &str, i: i64) -> AttributeProto {
        AttributeProto { name: name.into(), i: Some(i), r#type: 2, ..AttributeProto::default() }
    }

    #[test]
    fn every_operator_refuses_an_attribute_that_it_does_not_have() {
        for operator in OPERATORS {
            let unknown = node(operator.domain, operator.operator, integer("reverse_bits", 1));
            let refused = check(&unknown, 17).expect_err(operator.operator);
            assert!(refused.to_string().contains("`reverse_bits`"), "{refused}");
        }
        for (domain, operators, attributes) in KNOWN {
            for entry in attributes.split_whitespace() {
                let (name, kind) = entry.split_once(':').expect("a kind");
                let (kind, only) = kind.split_once('=').unwrap_or((kind, "0"));
                let number = KINDS.iter().position(|own| *own == kind).expect("a known kind");
                let mut attribute = integer(name, only.parse().expect("an integer"));
                attribute.r#type = i32::try_from(number).expect("few kinds");
                for operator in *operators {
                    check(&node(domain, operator, attribute.clone()), 17).expect(name);
                    let other =
                        AttributeProto { r#type: 1 + attribute.r#type % 8, ..attribute.clone() };
                    check(&node(domain, operator, other), 17).expect_err("another kind");
                    if entry.contains('=') {
                        let other = AttributeProto { i: Some(7), ..attribute.clone() };
                        let refused = check(&node(domain, operator, other), 17);
                        assert!(refused.expect_err("not taken").to_string().contains("is 7"));
                    }
                }
            }
        }
    }

    #[test]
    fn old_attributes_belong_to_old_files() {
        let old = node("", "Add", integer("broadcast", 1));
        check(&old, 6).expect("it had it");
        check(&old, 7).expect_err("it has it no more");
    }
}

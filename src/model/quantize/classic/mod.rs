//! Brings operators of `ai.onnx.ml` to those that products of matrices and functions are made of.

pub(super) mod leaves;
pub(super) mod modern;
pub(super) mod naive_bayes;
mod one_hot;
mod picked;
mod support_vectors;
pub(super) mod thresholds;
pub(super) mod tokens;

use super::parts::{Parts, Shapes, Taken, attribute, int, int_of, ints};
use crate::model::onnx::{AttributeProto, NodeProto};

/// The domain of classic models.
pub(super) const DOMAIN: &str = "ai.onnx.ml";

/// Takes a classic model's operator apart.
pub(super) fn take_apart(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let x = node.input.first()?;
    let y = node.output.first()?;
    let only_this = Some(vec![0]);
    match node.op_type.as_str() {
        "Scaler" => {
            let shape = shapes.of(x)?;
            let offset = per_feature(node, "offset", &shape)?;
            let scale = per_feature(node, "scale", &shape)?;
            // Inputs that are only put beside each other are scaled before that, each in its own range.
            let (names, joins) = match shapes.maker(x) {
                Some(join) if matches!(join.op_type.as_str(), "Concat" | "FeatureVectorizer") => {
                    (join.input.clone(), true)
                }
                _ => (vec![x.clone()], false),
            };
            let lengths = (names.iter())
                .map(|name| match shapes.of(name)?[..] {
                    [_, len] => Some(len),
                    _ => None,
                })
                .collect::<Option<Vec<usize>>>()?;
            if lengths.iter().sum::<usize>() != offset.len() {
                return None;
            }
            let mut scaled = Vec::new();
            let mut first = 0;
            for (name, len) in names.iter().zip(lengths) {
                let own = first..first + len;
                first += len;
                let centre = parts_floats(parts, &offset[own.clone()]);
                let centred = parts.node("Sub", &[name, &centre], Vec::new());
                let factor = parts_floats(parts, &scale[own]);
                if joins {
                    scaled.push(parts.node("Mul", &[&centred, &factor], Vec::new()));
                } else {
                    parts.named("Mul", &[&centred, &factor], Vec::new(), y);
                }
            }
            if joins {
                let scaled: Vec<&str> = scaled.iter().map(String::as_str).collect();
                parts.named("Concat", &scaled, vec![int("axis", 1)], y);
            }
            only_this
        }
        "LinearRegressor" => {
            let product = if has_no_transform(node) {
                linear(node, shapes, parts, int_of(node, "targets", 1), Some(y))
            } else {
                None
            };
            product.map(|_| vec![0])
        }
        "LinearClassifier" => classifier(node, shapes, parts),
        "Normalizer" => {
            let norm = attribute(node, "norm").and_then(|own| own.s.as_deref()).unwrap_or(b"MAX");
            let size = match norm {
                b"L1" => {
                    let sizes = parts.node("Abs", &[x], Vec::new());
                    let axes = parts.integers(&[-1]);
                    parts.node("ReduceSum", &[&sizes, &axes], vec![int("keepdims", 1)])
                }
                b"L2" => {
                    let attributes = vec![int("axis", -1), int("p", 2)];
                    parts.named("LpNormalization", &[x], attributes, y);
                    return only_this;
                }
                b"MAX" => {
                    let axes = [i64::try_from(shapes.of(x)?.len()).ok()? - 1];
                    parts.reduce("ReduceMax", x, &axes, 1, shapes, None)
                }
                _ => return None,
            };
            let inverse = parts.node("Reciprocal", &[&size], Vec::new());
            parts.named("Mul", &[x, &inverse], Vec::new(), y);
            only_this
        }
        "ArrayFeatureExtractor" => {
            let indices = node.input.get(1)?;
            if let Some(labels) = shapes.integers(x) {
                // The labels of positions.
                let count = i64::try_from(labels.len()).ok()?;
                let is_plain = labels.iter().copied().eq(0..count);
                let names = (!is_plain).then(|| ints("values_int64s", labels));
                Classes { count, names }.label(parts, indices, y);
                return only_this;
            }
            let rank = i64::try_from(shapes.of(x)?.len()).ok()?;
            // A single index keeps the axis too.
            let own = shapes.integers(indices)?;
            let indices = parts.integers(&own);
            parts.named("Gather", &[x, &indices], vec![int("axis", rank - 1)], y);
            only_this
        }
        "FeatureVectorizer" => {
            let inputs: Vec<&str> = node.input.iter().map(String::as_str).collect();
            parts.named("Concat", &inputs, vec![int("axis", 1)], y);
            only_this
        }
        "TreeEnsembleClassifier" => trees(node, parts),
        "SVMRegressor" => support_vectors::regressor(node, shapes, parts),
        "SVMClassifier" => support_vectors::classifier(node, shapes, parts),
        _ => None,
    }
}

fn parts_floats(parts: &mut Parts, values: &[f32]) -> String {
    parts.floats(&[1, values.len()], values)
}

fn floats<'a>(node: &'a NodeProto, name: &str) -> &'a [f32] {
    attribute(node, name).map(|own| own.floats.as_slice()).unwrap_or_default()
}

fn text<'a>(node: &'a NodeProto, name: &str) -> &'a [u8] {
    attribute(node, name).and_then(|own| own.s.as_deref()).unwrap_or(b"NONE")
}

fn has_no_transform(node: &NodeProto) -> bool {
    text(node, "post_transform") == b"NONE"
}

/// One value per feature.
fn per_feature(node: &NodeProto, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
    let &[_, features] = shape else { return None };
    match floats(node, name) {
        &[value] => Some(vec![value; features]),
        values if values.len() == features => Some(values.to_vec()),
        _ => None,
    }
}

/// `x · coefficientsᵀ + intercepts`, for so many outputs.
fn linear(
    node: &NodeProto,
    shapes: &Shapes<'_>,
    parts: &mut Parts,
    outputs: i64,
    name: Option<&str>,
) -> Option<String> {
    let x = node.input.first()?;
    let &[_, features] = shapes.of(x)?.as_slice() else { return None };
    let outputs = usize::try_from(outputs).ok()?;
    let coefficients = floats(node, "coefficients");
    let intercepts = match floats(node, "intercepts") {
        [] => vec![0.0; outputs],
        values => values.to_vec(),
    };
    if coefficients.len() != outputs * features || intercepts.len() != outputs {
        return None;
    }
    let weights = parts.floats(&[outputs, features], coefficients);
    let bias = parts.floats(&[outputs], &intercepts);
    let attributes = vec![int("transB", 1)];
    Some(match name {
        Some(name) => {
            parts.named("Gemm", &[x, &weights, &bias], attributes, name);
            name.to_owned()
        }
        None => parts.node("Gemm", &[x, &weights, &bias], attributes),
    })
}

/// A label, which is the position of the largest score, and the scores.
fn classifier(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let classes = Classes::read(node, "classlabels_ints")?;
    let product = linear(node, shapes, parts, classes.count, None)?;
    label_and_scores(node, parts, &product, &classes)
}

/// What classes are called.
struct Classes {
    count: i64,
    /// Unless it is 0, 1, 2, …
    names: Option<AttributeProto>,
}

impl Classes {
    fn read(node: &NodeProto, integers: &str) -> Option<Self> {
        let list = |name: &str| attribute(node, name).cloned().unwrap_or_default();
        let (integers, texts) = (list(integers), list("classlabels_strings"));
        let count = i64::try_from(integers.ints.len().max(texts.strings.len())).ok()?;
        let names = if !texts.strings.is_empty() {
            Some(AttributeProto { name: "values_strings".into(), ..texts })
        } else if integers.ints.iter().copied().eq(0..count) {
            None
        } else {
            Some(AttributeProto { name: "values_int64s".into(), ..integers })
        };
        (count > 1).then_some(Self { count, names })
    }

    /// From positions to labels.
    fn label(&self, parts: &mut Parts, positions: &str, label: &str) {
        match &self.names {
            None => parts.named("Identity", &[positions], Vec::new(), label),
            Some(names) => {
                let keys = ints("keys_int64s", (0..self.count).collect());
                parts.named("LabelEncoder", &[positions], vec![keys, names.clone()], label);
                if let Some(last) = parts.last() {
                    last.domain = DOMAIN.into();
                }
            }
        }
    }
}

/// The scores of classes, transformed, and the label of the largest.
fn label_and_scores(
    node: &NodeProto,
    parts: &mut Parts,
    product: &str,
    classes: &Classes,
) -> Taken {
    let name = |position: usize| node.output.get(position).filter(|name| !name.is_empty());
    let transform = match text(node, "post_transform") {
        b"NONE" => "Identity",
        b"LOGISTIC" => "Sigmoid",
        b"SOFTMAX" => "Softmax",
        _ => return None,
    };
    if let Some(scores) = name(1) {
        let attributes = if transform == "Softmax" { vec![int("axis", -1)] } else { Vec::new() };
        parts.named(transform, &[product], attributes, scores);
    }
    if let Some(label) = name(0) {
        let attributes = vec![int("axis", 1), int("keepdims", 0)];
        let position = parts.node("ArgMax", &[product], attributes);
        classes.label(parts, &position, label);
    }
    Some(vec![0])
}

/// Classes' scores are targets. Of two classes, files give the values of the second alone.
fn trees(node: &NodeProto, parts: &mut Parts) -> Taken {
    let own_classes = Classes::read(node, "classlabels_int64s")?;
    let count = own_classes.count;
    let list = |name: &str| attribute(node, name).map(|own| own.ints.clone()).unwrap_or_default();
    let mut classes = list("class_ids");
    let weights = floats(node, "class_weights").to_vec();
    let base = floats(node, "base_values").to_vec();
    let is_one = count == 2 && classes.iter().all(|class| Some(class) == classes.first());
    // Probabilities, if all are positive: the first class has the rest. Otherwise it has the negative.
    let is_probability = weights.iter().all(|&weight| weight >= 0.0);
    if is_one {
        if base.len() > 1 || (is_probability && !has_no_transform(node)) {
            return None;
        }
        classes.fill(0);
    }
    let of_nodes = |own: &&AttributeProto| own.name.starts_with("nodes_");
    let mut attributes: Vec<AttributeProto> =
        node.attribute.iter().filter(of_nodes).cloned().collect();
    attributes.extend([
        int("n_targets", if is_one { 1 } else { count }),
        ints("target_treeids", list("class_treeids")),
        ints("target_nodeids", list("class_nodeids")),
        ints("target_ids", classes),
        float_list("target_weights", weights),
    ]);
    if !base.is_empty() {
        attributes.push(float_list("base_values", base));
    }
    let mut scores = parts.node("TreeEnsembleRegressor", &[node.input.first()?], attributes);
    if let Some(last) = parts.last() {
        last.domain.clone_from(&node.domain);
    }
    if is_one {
        let other = if is_probability {
            let one = parts.floats(&[1], &[1.0]);
            parts.node("Sub", &[&one, &scores], Vec::new())
        } else {
            parts.node("Neg", &[&scores], Vec::new())
        };
        scores = parts.node("Concat", &[&other, &scores], vec![int("axis", 1)]);
    }
    label_and_scores(node, parts, &scores, &own_classes)
}

fn float_list(name: &str, values: Vec<f32>) -> AttributeProto {
    // `AttributeProto.AttributeType.FLOATS`.
    AttributeProto { name: name.into(), floats: values, r#type: 6, ..AttributeProto::default() }
}

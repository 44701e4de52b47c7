//! Brings operators of `ai.onnx.ml` to those that products of matrices and functions are made of.

use super::parts::{Parts, Shapes, Taken, attribute, float, int, int_of, ints};
use crate::model::onnx::{AttributeProto, NodeProto};

/// Takes a classic model's operator apart.
pub(super) fn take_apart(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let x = node.input.first()?;
    let y = node.output.first()?;
    let only_this = Some(vec![0]);
    match node.op_type.as_str() {
        "Scaler" => {
            let shape = shapes.of(x)?;
            let [offset, scale] = ["offset", "scale"].map(|name| per_feature(node, name, &shape));
            let offset = parts_floats(parts, &offset?);
            let centred = parts.node("Sub", &[x, &offset], Vec::new());
            let scale = parts_floats(parts, &scale?);
            parts.named("Mul", &[&centred, &scale], Vec::new(), y);
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
        "Imputer" => {
            // Inputs are finite: what stands for a missing value is none of them.
            let replaced = attribute(node, "replaced_value_float").and_then(|own| own.f)?;
            let is_missing = replaced.is_nan();
            is_missing.then(|| parts.named("Identity", &[x], Vec::new(), y))?;
            only_this
        }
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
                _ => return None,
            };
            let inverse = parts.node("Reciprocal", &[&size], Vec::new());
            parts.named("Mul", &[x, &inverse], Vec::new(), y);
            only_this
        }
        "ArrayFeatureExtractor" => {
            let indices = node.input.get(1)?;
            if let Some(labels) = shapes.integers(x) {
                // The labels of positions, which are the positions themselves.
                let count = i64::try_from(labels.len()).ok()?;
                labels.into_iter().eq(0..count).then_some(())?;
                parts.named("Identity", &[indices], Vec::new(), y);
                return only_this;
            }
            let rank = i64::try_from(shapes.of(x)?.len()).ok()?;
            parts.named("Gather", &[x, indices], vec![int("axis", rank - 1)], y);
            only_this
        }
        "FeatureVectorizer" => {
            let inputs: Vec<&str> = node.input.iter().map(String::as_str).collect();
            parts.named("Concat", &inputs, vec![int("axis", 1)], y);
            only_this
        }
        "TreeEnsembleClassifier" => trees(node, parts),
        "SVMRegressor" => support_vectors(node, shapes, parts),
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
    let count = labels(node, "classlabels_ints")?;
    let product = linear(node, shapes, parts, count, None)?;
    label_and_scores(node, parts, &product)
}

/// How many classes there are, if they are called 0, 1, 2, …
fn labels(node: &NodeProto, name: &str) -> Option<i64> {
    let labels = attribute(node, name).map(|own| own.ints.as_slice())?;
    let count = i64::try_from(labels.len()).ok()?;
    (labels.iter().copied().eq(0..count) && count > 1).then_some(count)
}

/// The scores of classes, transformed, and the position of the largest.
fn label_and_scores(node: &NodeProto, parts: &mut Parts, product: &str) -> Taken {
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
        parts.named("ArgMax", &[product], attributes, label);
    }
    Some(vec![0])
}

/// Classes' scores are targets. Of two classes, files give the values of the second alone.
fn trees(node: &NodeProto, parts: &mut Parts) -> Taken {
    let count = labels(node, "classlabels_int64s")?;
    let list = |name: &str| attribute(node, name).map(|own| own.ints.clone()).unwrap_or_default();
    let (mut leaf_trees, mut leaf_ids, mut classes) =
        (list("class_treeids"), list("class_nodeids"), list("class_ids"));
    let mut weights = floats(node, "class_weights").to_vec();
    let mut base = floats(node, "base_values").to_vec();
    let is_one = count == 2 && classes.iter().all(|class| Some(class) == classes.first());
    if is_one {
        if base.len() > 1 {
            return None;
        }
        // Probabilities, if all are positive: the first class has the rest. Otherwise it is the negative.
        let is_probability = weights.iter().all(|&weight| weight >= 0.0);
        if is_probability && !has_no_transform(node) {
            return None;
        }
        let own = base.first().copied().unwrap_or(0.0);
        base = vec![if is_probability { 1.0 - own } else { -own }, own];
        let negatives: Vec<f32> = weights.iter().map(|weight| -weight).collect();
        classes = [vec![0; classes.len()], vec![1; classes.len()]].concat();
        weights = [negatives, weights].concat();
        leaf_trees = [leaf_trees.clone(), leaf_trees].concat();
        leaf_ids = [leaf_ids.clone(), leaf_ids].concat();
    }
    let of_nodes = |own: &&AttributeProto| own.name.starts_with("nodes_");
    let mut attributes: Vec<AttributeProto> =
        node.attribute.iter().filter(of_nodes).cloned().collect();
    attributes.extend([
        int("n_targets", count),
        ints("target_treeids", leaf_trees),
        ints("target_nodeids", leaf_ids),
        ints("target_ids", classes),
        float_list("target_weights", weights),
    ]);
    if !base.is_empty() {
        attributes.push(float_list("base_values", base));
    }
    let scores = parts.node("TreeEnsembleRegressor", &[node.input.first()?], attributes);
    if let Some(last) = parts.last() {
        last.domain.clone_from(&node.domain);
    }
    label_and_scores(node, parts, &scores)
}

fn float_list(name: &str, values: Vec<f32>) -> AttributeProto {
    // `AttributeProto.AttributeType.FLOATS`.
    AttributeProto { name: name.into(), floats: values, r#type: 6, ..AttributeProto::default() }
}

/// `Σ coefficient · kernel(x, support vector) + ρ`.
fn support_vectors(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let (x, y) = (node.input.first()?, node.output.first()?);
    let &[_, features] = shapes.of(x)?.as_slice() else { return None };
    let (coefficients, rho) = (floats(node, "coefficients"), floats(node, "rho"));
    let vectors = floats(node, "support_vectors");
    let &[rho] = rho else { return None };
    let count = usize::try_from(int_of(node, "n_supports", 0)).ok()?;
    let is_plain = has_no_transform(node) && int_of(node, "one_class", 0) == 0;
    if !is_plain || vectors.len() != count * features || coefficients.len() != count || count == 0 {
        return None;
    }
    let rho = parts.floats(&[1], &[rho]);
    match text(node, "kernel_type") {
        b"LINEAR" | b"NONE" => {
            let mut weights = vec![0.0; features];
            for (vector, coefficient) in vectors.chunks(features).zip(coefficients) {
                weights.iter_mut().zip(vector).for_each(|(w, v)| *w += coefficient * v);
            }
            let weights = parts.floats(&[features, 1], &weights);
            parts.named("Gemm", &[x, &weights, &rho], Vec::new(), y);
            Some(vec![0])
        }
        b"RBF" => {
            // −γ·|x − v|² = 2γ·x·v − γ·|v|² − γ·|x|²
            let &[gamma, ..] = floats(node, "kernel_params") else { return None };
            let squares = parts.node("Mul", &[x, x], Vec::new());
            let factors = parts.floats(&[features, 1], &vec![gamma; features]);
            let size = parts.node("MatMul", &[&squares, &factors], Vec::new());
            let doubled: Vec<f32> = vectors.iter().map(|value| 2.0 * gamma * value).collect();
            let sizes: Vec<f32> = vectors
                .chunks(features)
                .map(|vector| -gamma * vector.iter().map(|value| value * value).sum::<f32>())
                .collect();
            let (weights, bias) =
                (parts.floats(&[count, features], &doubled), parts.floats(&[count], &sizes));
            let product = parts.node("Gemm", &[x, &weights, &bias], vec![int("transB", 1)]);
            let exponent = parts.node("Sub", &[&product, &size], Vec::new());
            let kernels = parts.node("Exp", &[&exponent], Vec::new());
            let coefficients = parts.floats(&[count, 1], coefficients);
            parts.named("Gemm", &[&kernels, &coefficients, &rho], vec![float("beta", 1.0)], y);
            Some(vec![0])
        }
        _ => None,
    }
}

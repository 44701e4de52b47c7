//! Support vector machines: products with the vectors, a function of each, and sums of these.

use super::{Classes, floats, has_no_transform, text};
use crate::model::onnx::NodeProto;
use crate::model::quantize::parts::{Parts, Shapes, Taken, attribute, int, int_of};

/// Coefficients of a sum of kernels: one list for each sum.
struct Sums {
    coefficients: Vec<Vec<f32>>,
    constants: Vec<f32>,
}

/// `Σ coefficient · kernel(x, vector) + ρ`
pub(super) fn regressor(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let y = node.output.first()?;
    let count = usize::try_from(int_of(node, "n_supports", 0)).ok()?;
    let (coefficients, rho) = (floats(node, "coefficients"), floats(node, "rho"));
    let is_plain = has_no_transform(node) && int_of(node, "one_class", 0) == 0;
    if !is_plain || coefficients.len() != count || rho.len() != 1 {
        return None;
    }
    let sums = Sums { coefficients: vec![coefficients.to_vec()], constants: rho.to_vec() };
    let sum = sums.of_kernels(node, shapes, parts, count)?;
    parts.named("Identity", &[&sum], Vec::new(), y);
    Some(vec![0])
}

/// A sum of kernels for each pair of classes: where it is positive, the pair's first class has a vote.
pub(super) fn classifier(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let classes = Classes::read(node, "classlabels_ints")?;
    let output = |position: usize| node.output.get(position).filter(|name| !name.is_empty());
    let sizes: Option<Vec<usize>> = attribute(node, "vectors_per_class")
        .map(|own| own.ints.iter().map(|&size| usize::try_from(size).ok()).collect())?;
    let sizes = sizes?;
    let (count, number) = (sizes.iter().sum::<usize>(), sizes.len());
    let coefficients = floats(node, "coefficients");
    let pairs: Vec<(usize, usize)> =
        (0..number).flat_map(|i| (i + 1..number).map(move |j| (i, j))).collect();
    let rho = floats(node, "rho");
    let fits = coefficients.len() == (number.max(1) - 1) * count && rho.len() == pairs.len();
    if !fits || !has_no_transform(node) || i64::try_from(number) != Ok(classes.count) {
        return None;
    }
    let first = |class: usize| sizes[..class].iter().sum::<usize>();
    let of_pair = |&(i, j): &(usize, usize)| {
        let mut own = vec![0.0; count];
        for (class, other) in [(i, j - 1), (j, i)] {
            let vectors = first(class)..first(class) + sizes[class];
            own[vectors.clone()].copy_from_slice(&coefficients[other * count..][vectors]);
        }
        own
    };
    let sums = Sums { coefficients: pairs.iter().map(of_pair).collect(), constants: rho.to_vec() };
    let sums = sums.of_kernels(node, shapes, parts, count)?;
    let (a, b) = (floats(node, "prob_a"), floats(node, "prob_b"));
    let scores = match (number, a, b) {
        (2, [], []) => {
            let other = parts.node("Neg", &[&sums], Vec::new());
            parts.node("Concat", &[&other, &sums], vec![int("axis", 1)])
        }
        // 1 / (1 + exp(a·s + b)), and the rest.
        (2, &[a], &[b]) => {
            let [a, b] = [-a, -b].map(|value| parts.floats(&[1], &[value]));
            let scaled = parts.node("Mul", &[&sums, &a], Vec::new());
            let logit = parts.node("Add", &[&scaled, &b], Vec::new());
            let other = parts.node("Neg", &[&logit], Vec::new());
            let logits = parts.node("Concat", &[&logit, &other], vec![int("axis", 1)]);
            parts.node("Sigmoid", &[&logits], Vec::new())
        }
        (_, [], []) => sums.clone(),
        _ => return None,
    };
    if let Some(name) = output(1) {
        parts.named("Identity", &[&scores], Vec::new(), name);
    }
    if let Some(label) = output(0) {
        let votes = if number == 2 && a.is_empty() {
            // The first class has the vote where the sum is positive.
            let other = parts.node("Neg", &[&sums], Vec::new());
            parts.node("Concat", &[&sums, &other], vec![int("axis", 1)])
        } else if number == 2 {
            scores
        } else {
            votes(parts, &sums, &pairs, number)
        };
        let mut attributes = vec![int("axis", 1), int("keepdims", 0)];
        if number == 2 && a.is_empty() {
            // Where neither has it, the second.
            attributes.push(int("select_last_index", 1));
        }
        let position = parts.node("ArgMax", &[&votes], attributes);
        classes.label(parts, &position, label);
    }
    Some(vec![0])
}

/// How many pairs each class wins.
fn votes(parts: &mut Parts, sums: &str, pairs: &[(usize, usize)], number: usize) -> String {
    let sign = parts.node("Sign", &[sums], Vec::new());
    let [zero, one] = [0.0, 1.0].map(|bound| parts.floats(&[], &[bound]));
    let wins = parts.node("Clip", &[&sign, &zero, &one], Vec::new());
    let (mut weights, mut constants) = (vec![0.0; pairs.len() * number], vec![0.0; number]);
    for (row, &(i, j)) in weights.chunks_mut(number).zip(pairs) {
        (row[i], row[j]) = (1.0, -1.0);
        constants[j] += 1.0;
    }
    let weights = parts.floats(&[pairs.len(), number], &weights);
    let constants = parts.floats(&[number], &constants);
    parts.node("Gemm", &[&wins, &weights, &constants], Vec::new())
}

impl Sums {
    fn of_kernels(
        &self,
        node: &NodeProto,
        shapes: &Shapes<'_>,
        parts: &mut Parts,
        count: usize,
    ) -> Option<String> {
        let x = node.input.first()?;
        let &[_, features] = shapes.of(x)?.as_slice() else { return None };
        let vectors = floats(node, "support_vectors");
        if vectors.len() != count * features || count == 0 {
            return None;
        }
        let sums = self.coefficients.len();
        let constants = parts.floats(&[sums], &self.constants);
        let transposed = |columns: &[Vec<f32>], rows: usize| -> Vec<f32> {
            (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
        };
        let kernel = text(node, "kernel_type");
        if matches!(kernel, b"LINEAR" | b"NONE") {
            // The sum of products is a product with a sum.
            let columns: Vec<Vec<f32>> = (self.coefficients.iter())
                .map(|coefficients| {
                    let mut weights = vec![0.0; features];
                    for (vector, coefficient) in vectors.chunks(features).zip(coefficients) {
                        weights.iter_mut().zip(vector).for_each(|(w, v)| *w += coefficient * v);
                    }
                    weights
                })
                .collect();
            let weights = parts.floats(&[features, sums], &transposed(&columns, features));
            return Some(parts.node("Gemm", &[x, &weights, &constants], Vec::new()));
        }
        let &[gamma, offset, degree] = floats(node, "kernel_params") else { return None };
        let scaled = |factor: f32| -> Vec<f32> { vectors.iter().map(|v| factor * v).collect() };
        let mut product = |factor: f32, bias: &[f32]| {
            let weights = parts.floats(&[count, features], &scaled(factor));
            let bias = parts.floats(&[count], bias);
            parts.node("Gemm", &[x, &weights, &bias], vec![int("transB", 1)])
        };
        let kernels = match kernel {
            b"RBF" => {
                // −γ·|x − v|² = 2γ·x·v − γ·|v|² − γ·|x|²
                let sizes: Vec<f32> = vectors
                    .chunks(features)
                    .map(|vector| -gamma * vector.iter().map(|value| value * value).sum::<f32>())
                    .collect();
                let product = product(2.0 * gamma, &sizes);
                let squares = parts.node("Mul", &[x, x], Vec::new());
                let factors = parts.floats(&[features, 1], &vec![gamma; features]);
                let size = parts.node("MatMul", &[&squares, &factors], Vec::new());
                let exponent = parts.node("Sub", &[&product, &size], Vec::new());
                parts.node("Exp", &[&exponent], Vec::new())
            }
            b"POLY" => {
                let product = product(gamma, &vec![offset; count]);
                let degree = parts.floats(&[], &[degree]);
                parts.node("Pow", &[&product, &degree], Vec::new())
            }
            b"SIGMOID" => {
                let product = product(gamma, &vec![offset; count]);
                parts.node("Tanh", &[&product], Vec::new())
            }
            _ => return None,
        };
        let weights = parts.floats(&[count, sums], &transposed(&self.coefficients, count));
        Some(parts.node("Gemm", &[&kernels, &weights, &constants], Vec::new()))
    }
}

//! Brings normalizations of a float model to one of rows.

use super::parts::{
    Parts, Shapes, Taken, attribute, axes_of, dims, float, float_of, int, int_of, ints,
};
use crate::model::{import::FloatConstant, onnx::NodeProto};

/// `(x − mean(x)) / √(mean((x − mean(x))²) + ε) · weights + bias`, where this quotient, or product with an
/// inverse, ends the root: one node in its place, and what comes after it.
pub(super) fn written_out(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let (centred, root) = match (node.op_type.as_str(), node.input.as_slice()) {
        ("Div", [centred, root]) => (centred, root),
        ("Mul", [centred, inverse]) => {
            let inverse = shapes.maker(inverse).filter(|own| {
                own.op_type == "Reciprocal"
                    || (own.op_type == "Div"
                        && own
                            .input
                            .first()
                            .and_then(|one| shapes.constant(one))
                            .is_some_and(|one| one.values.iter().all(|&value| value == 1.0)))
            })?;
            (centred, inverse.input.last()?)
        }
        _ => return None,
    };
    let is_last = |mean: &NodeProto, x: &str| -> Option<()> {
        let rank = i64::try_from(shapes.of(x)?.len()).ok()?;
        let axes = axes_of(mean, shapes)?;
        let is = mean.op_type == "ReduceMean"
            && mean.input.first().is_some_and(|input| input == x)
            && (axes == [-1] || axes == [rank - 1])
            && int_of(mean, "keepdims", 1) != 0;
        is.then_some(())
    };
    let difference = shapes.maker(centred).filter(|own| own.op_type == "Sub")?;
    let [x, mean] = difference.input.as_slice() else { return None };
    is_last(shapes.maker(mean)?, x)?;
    let sum =
        shapes.maker(shapes.maker(root).filter(|own| own.op_type == "Sqrt")?.input.first()?)?;
    let [a, b] = sum.input.as_slice() else { return None };
    let (variance, epsilon) = match (shapes.constant(a), shapes.constant(b)) {
        (None, Some(epsilon)) => (a, epsilon),
        (Some(epsilon), None) => (b, epsilon),
        _ => return None,
    };
    let (&[epsilon], "Add") = (epsilon.values.as_slice(), sum.op_type.as_str()) else {
        return None;
    };
    let variance = shapes.maker(variance)?;
    let square_name = variance.input.first()?;
    is_last(variance, square_name)?;
    let square = shapes.maker(square_name)?;
    // Of the same difference, also where it is computed twice.
    let is_difference = |name: &String| {
        name == centred
            || shapes
                .maker(name)
                .is_some_and(|own| own.op_type == "Sub" && own.input == difference.input)
    };
    let is_square = match (square.op_type.as_str(), square.input.as_slice()) {
        ("Pow", [base, two]) => {
            is_difference(base) && shapes.constant(two)?.values.iter().all(|&value| value == 2.0)
        }
        ("Mul", [a, b]) => is_difference(a) && is_difference(b),
        _ => false,
    };
    if !is_square {
        return None;
    }
    let length = *shapes.of(x)?.last()?;
    let (mut weights, mut bias) = (vec![1.0; length], vec![0.0; length]);
    let position = shapes.file.graph.as_ref()?.node.iter().position(|own| own == node)?;
    let (mut removed, mut output) = (vec![0], node.output.first()?);
    let of_row = |taker: &NodeProto, x: &String| -> Option<Vec<f32>> {
        let other = taker.input.iter().find(|name| *name != x)?;
        let FloatConstant { shape, values } = shapes.constant(other)?;
        let is_row = shape.iter().rev().skip(1).all(|&dim| dim == 1);
        match values.as_slice() {
            &[value] => Some(vec![value; length]),
            _ if is_row && values.len() == length => Some(values),
            _ => None,
        }
    };
    if let Some((at, taker)) = shapes.taker(output)
        && taker.op_type == "Mul"
        && let Some(values) = of_row(taker, output)
    {
        (weights, output) = (values, taker.output.first()?);
        removed.push(at.checked_sub(position)?);
    }
    if let Some((at, taker)) = shapes.taker(output)
        && taker.op_type == "Add"
        && let Some(values) = of_row(taker, output)
    {
        (bias, output) = (values, taker.output.first()?);
        removed.push(at.checked_sub(position)?);
    }
    let [weights, bias] = [weights, bias].map(|values| parts.floats(&[length], &values));
    let attributes = vec![float("epsilon", epsilon), int("axis", -1)];
    parts.named("LayerNormalization", &[x, &weights, &bias], attributes, output);
    Some(removed)
}

/// Normalizations of planes, or of groups of them, by one of rows.
pub(super) fn of_planes(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let (x, y) = (node.input.first()?, node.output.first()?);
    let shape = shapes.of(x)?;
    let &[batch, channels, ..] = shape.as_slice() else { return None };
    let area: usize = shape[2..].iter().product();
    let (rows, epsilon) = match node.op_type.as_str() {
        "InstanceNormalization" => (batch * channels, float_of(node, "epsilon", 1e-5)),
        "GroupNormalization" => {
            let groups = usize::try_from(int_of(node, "num_groups", 0)).ok()?;
            if groups == 0 || channels % groups != 0 {
                return None;
            }
            (batch * groups, float_of(node, "epsilon", 1e-5))
        }
        _ => {
            let axes = attribute(node, "axes").map(|own| own.ints.as_slice()).unwrap_or(&[0, 2, 3]);
            match axes {
                [2, 3] => (batch * channels, 1e-9),
                [0, 2, 3] if batch == 1 => (channels, 1e-9),
                [0, 2, 3] => return of_channels(x, y, &shape, parts),
                _ => return None,
            }
        }
    };
    let length = batch * channels * area / rows;
    let flat = parts.reshape(x, &[rows, length]);
    let ones = parts.floats(&[length], &vec![1.0; length]);
    let attributes = vec![float("epsilon", epsilon), int("axis", -1)];
    let normal = parts.node("LayerNormalization", &[&flat, &ones], attributes);
    if node.op_type == "MeanVarianceNormalization" {
        let shape = parts.integers(&dims(&shape));
        parts.named("Reshape", &[&normal, &shape], Vec::new(), y);
        return Some(vec![0]);
    }
    let back = parts.reshape(&normal, &shape);
    let mut per_channel = vec![1; shape.len()];
    per_channel[1] = channels;
    let mut of_channel = |position: usize| -> Option<String> {
        let values = shapes.constant(node.input.get(position)?)?.values;
        // Up to operator set 20, a group normalization has one per group.
        let repeated: Vec<f32> =
            (0..channels).map(|channel| values[channel * values.len() / channels]).collect();
        Some(parts.floats(&per_channel, &repeated))
    };
    let (scale, bias) = (of_channel(1)?, of_channel(2)?);
    let scaled = parts.node("Mul", &[&back, &scale], Vec::new());
    parts.named("Add", &[&scaled, &bias], Vec::new(), y);
    Some(vec![0])
}

/// A mean variance normalization over the batch: channels come first for it.
fn of_channels(x: &str, y: &str, shape: &[usize], parts: &mut Parts) -> Taken {
    let &[batch, channels, height, width] = shape else { return None };
    let perm = || vec![ints("perm", vec![1, 0, 2, 3])];
    let moved = parts.node("Transpose", &[x], perm());
    let length = batch * height * width;
    let flat = parts.reshape(&moved, &[channels, length]);
    let ones = parts.floats(&[length], &vec![1.0; length]);
    let attributes = vec![float("epsilon", 1e-9), int("axis", -1)];
    let normal = parts.node("LayerNormalization", &[&flat, &ones], attributes);
    let back = parts.reshape(&normal, &[channels, batch, height, width]);
    parts.named("Transpose", &[&back], perm(), y);
    Some(vec![0])
}

/// A row followed by its negative has the mean 0, and its mean square as variance: its first half, normalized, is
/// the row over its root mean square.
pub(super) fn root_mean_square(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let (x, y) = (node.input.first()?, node.output.first()?);
    let shape = shapes.of(x)?;
    let rank = i64::try_from(shape.len()).ok()?;
    let axis = match int_of(node, "axis", -1) {
        axis if axis < 0 => axis + rank,
        axis => axis,
    };
    let at = usize::try_from(axis).ok().filter(|&at| at < shape.len())?;
    let is_of_one_axis = node.op_type == "LpNormalization";
    if is_of_one_axis && int_of(node, "p", 2) == 1 {
        let sizes = parts.node("Abs", &[x], Vec::new());
        let sum = parts.reduce("ReduceSum", &sizes, &[axis], 1, shapes, None);
        let inverse = parts.node("Reciprocal", &[&sum], Vec::new());
        parts.named("Mul", &[x, &inverse], Vec::new(), y);
        return Some(vec![0]);
    }
    let mut order: Vec<i64> = (0..rank).collect();
    let length: usize = if is_of_one_axis { shape[at] } else { shape[at..].iter().product() };
    let (weights, epsilon) = if is_of_one_axis {
        order.swap(at, shape.len() - 1);
        #[allow(clippy::cast_precision_loss)]
        let norm = 1.0 / (length as f32).sqrt();
        (vec![norm; length], 1e-12)
    } else {
        (shapes.constant(node.input.get(1)?)?.values, float_of(node, "epsilon", 1e-5))
    };
    let weights: Vec<f32> = match weights.as_slice() {
        &[weight] => vec![weight; length],
        weights if weights.len() == length => weights.to_vec(),
        _ => return None,
    };
    let is_swapped = !order.is_sorted();
    let perm = || vec![ints("perm", order.clone())];
    let x = if is_swapped { parts.node("Transpose", &[x], perm()) } else { x.clone() };
    let rows = parts.reshape(&x, &[shape.iter().product::<usize>() / length.max(1), length]);
    let negative = parts.node("Neg", &[&rows], Vec::new());
    let both = parts.node("Concat", &[&rows, &negative], vec![int("axis", 1)]);
    let weights = parts.floats(&[2 * length], &[weights.clone(), weights].concat());
    let attributes = vec![float("epsilon", epsilon), int("axis", -1)];
    let normal = parts.node("LayerNormalization", &[&both, &weights], attributes);
    let half = parts.slice(&normal, 1, 0, length);
    let mut dims_of = dims(&shape);
    if is_swapped {
        dims_of.swap(at, shape.len() - 1);
        let dims_of = parts.integers(&dims_of);
        let back = parts.node("Reshape", &[&half, &dims_of], Vec::new());
        parts.named("Transpose", &[&back], perm(), y);
    } else {
        let dims_of = parts.integers(&dims_of);
        parts.named("Reshape", &[&half, &dims_of], Vec::new(), y);
    }
    Some(vec![0])
}

/// A layer normalization that gives its means and inverse deviations too.
pub(super) fn with_means(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let (x, y) = (node.input.first()?, node.output.first()?);
    let given = |position: usize| node.output.get(position).filter(|name| !name.is_empty());
    given(1).or(given(2))?;
    let rank = i64::try_from(shapes.of(x)?.len()).ok()?;
    let axis = match int_of(node, "axis", -1) {
        axis if axis < 0 => axis + rank,
        axis => axis,
    };
    let axes: Vec<i64> = (axis..rank).collect();
    let mean = parts.reduce("ReduceMean", x, &axes, 1, shapes, given(1).map(String::as_str));
    if let Some(inverse) = given(2) {
        let difference = parts.node("Sub", &[x, &mean], Vec::new());
        let square = parts.node("Mul", &[&difference, &difference], Vec::new());
        let variance = parts.reduce("ReduceMean", &square, &axes, 1, shapes, None);
        let epsilon = parts.floats(&[], &[float_of(node, "epsilon", 1e-5)]);
        let sum = parts.node("Add", &[&variance, &epsilon], Vec::new());
        let deviation = parts.node("Sqrt", &[&sum], Vec::new());
        parts.named("Reciprocal", &[&deviation], Vec::new(), inverse);
    }
    let inputs: Vec<&str> = node.input.iter().map(String::as_str).collect();
    parts.named("LayerNormalization", &inputs, node.attribute.clone(), y);
    Some(vec![0])
}

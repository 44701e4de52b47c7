//! Linear interpolation as products with constant matrices, one for each axis whose length changes.

use super::parts::{Parts, Shapes, Taken, attribute, int_of, ints};
use crate::model::onnx::NodeProto;

/// `Resize(x, roi, scales, sizes)` and `Upsample(x, scales)` with mode linear.
pub(super) fn linear(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let (x, y) = (node.input.first()?, node.output.first()?);
    let text = |name: &str, default: &'static str| match attribute(node, name) {
        None => Some(default.to_owned()),
        Some(own) => String::from_utf8(own.s.clone().unwrap_or_default()).ok(),
    };
    let is_old = node.op_type == "Upsample" || shapes.opset() < 11;
    if text("mode", "nearest")? != "linear"
        || int_of(node, "antialias", 0) != 0
        || attribute(node, "axes").is_some()
        || attribute(node, "keep_aspect_ratio_policy").is_some()
    {
        return None;
    }
    let transform = if is_old {
        "asymmetric".to_owned()
    } else {
        text("coordinate_transformation_mode", "half_pixel")?
    };
    let shape = shapes.of(x)?;
    let given = |position: usize| node.input.get(position).filter(|name| !name.is_empty());
    let sizes = given(3).and_then(|name| shapes.integers(name)).filter(|own| !own.is_empty());
    let scales = match given(if is_old { 1 } else { 2 }) {
        Some(name) => shapes.constant(name).map(|own| own.values),
        None => attribute(node, "scales").map(|own| own.floats.clone()),
    };
    let scales = scales.filter(|own| !own.is_empty());
    let mut resized: Vec<(usize, Vec<f32>, usize)> = Vec::new();
    for (axis, &dim) in shape.iter().enumerate() {
        let length = f64::from(u32::try_from(dim).ok()?);
        let (size, factor) = match (&sizes, &scales) {
            (Some(sizes), _) if sizes.len() == shape.len() => {
                let size = u32::try_from(sizes[axis]).ok().filter(|&size| size > 0)?;
                (size, f64::from(size) / length)
            }
            (None, Some(scales)) if scales.len() == shape.len() => {
                let factor = f64::from(scales[axis]);
                let size = (length * factor).floor();
                if !(1.0..1e6).contains(&size) {
                    return None;
                }
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let size = size as u32;
                (size, factor)
            }
            _ => return None,
        };
        if usize::try_from(size) == Ok(dim) {
            continue;
        }
        let columns = usize::try_from(size).ok()?;
        resized.push((axis, weights(&transform, dim, columns, factor)?, columns));
    }
    let last = shape.len() - 1;
    let mut value = x.clone();
    let count = resized.len();
    for (position, (axis, weights, size)) in resized.into_iter().enumerate() {
        let is_end = position + 1 == count;
        let weights = parts.floats(&[shape[axis], size], &weights);
        if axis == last {
            value = if is_end {
                parts.named("MatMul", &[&value, &weights], Vec::new(), y);
                y.clone()
            } else {
                parts.node("MatMul", &[&value, &weights], Vec::new())
            };
            continue;
        }
        let mut order: Vec<i64> = (0..i64::try_from(shape.len()).ok()?).collect();
        order.swap(axis, last);
        let moved = parts.node("Transpose", &[&value], vec![ints("perm", order.clone())]);
        let product = parts.node("MatMul", &[&moved, &weights], Vec::new());
        value = if is_end {
            parts.named("Transpose", &[&product], vec![ints("perm", order)], y);
            y.clone()
        } else {
            parts.node("Transpose", &[&product], vec![ints("perm", order)])
        };
    }
    if count == 0 {
        parts.named("Identity", &[x], Vec::new(), y);
    }
    Some(vec![0])
}

/// How much each of an axis' elements counts in each of the new ones, `[before][after]`.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn weights(transform: &str, before: usize, after: usize, factor: f64) -> Option<Vec<f32>> {
    let last = (before - 1) as f64;
    let mut weights = vec![0.0; before * after];
    for new in 0..after {
        let at = new as f64;
        let at = match transform {
            "pytorch_half_pixel" | "align_corners" if after == 1 => 0.0,
            "half_pixel" | "pytorch_half_pixel" => (at + 0.5) / factor - 0.5,
            "asymmetric" => at / factor,
            "align_corners" => at * last / (after - 1) as f64,
            _ => return None,
        };
        // Beyond the ends, elements are those at the ends.
        let at = at.clamp(0.0, last);
        let (below, share) = (at.floor() as usize, at.fract() as f32);
        weights[below * after + new] += 1.0 - share;
        weights[(below + 1).min(before - 1) * after + new] += share;
    }
    Some(weights)
}

#[cfg(test)]
mod tests {
    use super::weights;

    #[test]
    fn each_new_element_lies_between_two_neighbours() {
        let half = weights("half_pixel", 2, 4, 2.0).unwrap();
        assert_eq!(half, [1.0, 0.75, 0.25, 0.0, 0.0, 0.25, 0.75, 1.0]);
        let corners = weights("align_corners", 2, 3, 1.5).unwrap();
        assert_eq!(corners, [1.0, 0.5, 0.0, 0.0, 0.5, 1.0]);
        assert_eq!(weights("asymmetric", 2, 4, 2.0).unwrap()[..4], [1.0, 0.5, 0.0, 0.0]);
        assert_eq!(weights("tf_crop_and_resize", 2, 4, 2.0), None);
    }
}

//! Interpolation, linear or cubic, as products with constant matrices, one for each axis that changes.

use super::parts::{Parts, Shapes, Taken, attribute, float_of, int_of, ints};
use crate::model::{
    onnx::NodeProto,
    resizing::{Asked, Axis},
};

/// No axis becomes longer.
const MOST_ELEMENTS: usize = 1_000_000;

/// `Resize(x, roi, scales, sizes)` and `Upsample(x, scales)` with mode linear or cubic.
pub(super) fn interpolate(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let (x, y) = (node.input.first()?, node.output.first()?);
    let text = |name: &str, default: &'static str| match attribute(node, name) {
        None => Some(default.to_owned()),
        Some(own) => String::from_utf8(own.s.clone().unwrap_or_default()).ok(),
    };
    let is_old = node.op_type == "Upsample" || shapes.opset() < 11;
    let mode = text("mode", "nearest")?;
    // What lies between elements of the input where there are fewer of them, and its ends, are done in two ways.
    if !matches!(mode.as_str(), "linear" | "cubic") || int_of(node, "antialias", 0) != 0 {
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
    let region = match given(1).filter(|_| transform == "tf_crop_and_resize") {
        Some(name) => Some(shapes.constant(name)?.values),
        None => None,
    };
    let policy = text("keep_aspect_ratio_policy", "stretch")?;
    let asked = Asked {
        axes: attribute(node, "axes").map(|own| own.ints.as_slice()),
        sizes: sizes.as_deref(),
        scales: scales.as_deref(),
        policy: &policy,
        region: region.as_deref(),
    };
    let cubic = Cubic {
        a: float_of(node, "cubic_coeff_a", -0.75),
        excludes_outside: int_of(node, "exclude_outside", 0) != 0,
    };
    let cubic = (mode == "cubic").then_some(cubic);
    let mut resized: Vec<(usize, Vec<f32>, usize)> = Vec::new();
    for (number, axis) in asked.of(&shape)?.into_iter().enumerate() {
        if axis.after == 0 || axis.after > MOST_ELEMENTS {
            return None;
        }
        let is_whole = axis.region.is_none_or(|region| region == [0.0, 1.0]);
        if axis.before != axis.after || axis.factor != 1.0 || !is_whole {
            resized.push((number, weights(&transform, axis, cubic)?, axis.after));
        }
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

/// A curve through four neighbours.
#[derive(Clone, Copy)]
struct Cubic {
    a: f32,
    /// Those beyond the ends do not count; otherwise they are those at the ends.
    excludes_outside: bool,
}

impl Cubic {
    /// How much each of the four counts, for a share of the way between the two in the middle.
    fn shares(self, share: f64) -> [f64; 4] {
        let a = f64::from(self.a);
        let near = |x: f64| ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
        let far = |x: f64| ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
        [far(share + 1.0), near(share), near(1.0 - share), far(2.0 - share)]
    }
}

/// How much each of an axis' elements counts in each of the new ones, `[before][after]`.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn weights(transform: &str, axis: Axis, cubic: Option<Cubic>) -> Option<Vec<f32>> {
    let last = (axis.before - 1) as f64;
    let mut weights = vec![0.0; axis.before * axis.after];
    for new in 0..axis.after {
        let at = axis.position(transform, new)?;
        // What lies beyond a region would have a value of its own.
        if transform == "tf_crop_and_resize" && !(0.0..=last).contains(&at) {
            return None;
        }
        let Some(cubic) = cubic else {
            // Beyond the ends, elements are those at the ends.
            let at = at.clamp(0.0, last);
            let (below, share) = (at.floor() as usize, at.fract() as f32);
            weights[below * axis.after + new] += 1.0 - share;
            weights[(below + 1).min(axis.before - 1) * axis.after + new] += share;
            continue;
        };
        let below = at.floor();
        let mut shares = cubic.shares(at - below);
        let places = [-1.0, 0.0, 1.0, 2.0].map(|step| below + step);
        if cubic.excludes_outside {
            for (share, place) in shares.iter_mut().zip(places) {
                if !(0.0..=last).contains(&place) {
                    *share = 0.0;
                }
            }
            let sum: f64 = shares.iter().sum();
            shares.iter_mut().for_each(|share| *share /= sum);
        }
        for (share, place) in shares.into_iter().zip(places) {
            let place = place.clamp(0.0, last) as usize;
            weights[place * axis.after + new] += share as f32;
        }
    }
    Some(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(before: usize, after: usize, factor: f64) -> Axis {
        Axis { before, after, factor, region: None }
    }

    #[test]
    fn each_new_element_lies_between_two_neighbours() {
        let linear = |transform, axis| weights(transform, axis, None);
        let half = linear("half_pixel", axis(2, 4, 2.0)).unwrap();
        assert_eq!(half, [1.0, 0.75, 0.25, 0.0, 0.0, 0.25, 0.75, 1.0]);
        let corners = linear("align_corners", axis(2, 3, 1.5)).unwrap();
        assert_eq!(corners, [1.0, 0.5, 0.0, 0.0, 0.5, 1.0]);
        assert_eq!(linear("asymmetric", axis(2, 4, 2.0)).unwrap()[..4], [1.0, 0.5, 0.0, 0.0]);
        let beyond = Axis { region: Some([0.0, 1.5]), ..axis(4, 3, 0.75) };
        assert_eq!(linear("tf_crop_and_resize", beyond), None);
    }

    #[test]
    fn shares_of_a_curve_are_one_together() {
        for excludes_outside in [false, true] {
            let cubic = Some(Cubic { a: -0.75, excludes_outside });
            let weights = weights("half_pixel", axis(4, 8, 2.0), cubic).unwrap();
            for new in 0..8 {
                let sum: f32 = (0..4).map(|old| weights[old * 8 + new]).sum();
                assert!((sum - 1.0).abs() < 1e-6, "{new}: {sum}");
            }
        }
        // Half-way, as in the papers: −a/8 less and more.
        let [far, near, ..] = Cubic { a: -0.5, excludes_outside: false }.shares(0.5);
        assert_eq!((far, near), (-0.0625, 0.5625));
    }
}

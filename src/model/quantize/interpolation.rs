//! Resize in mode linear: along each axis a product with constants, two of them for each output.

use super::parts::{Parts, Shapes, Taken, attribute, int_of, ints};
use crate::model::onnx::NodeProto;

/// Takes an interpolation along the last two of four axes apart.
pub(super) fn resize(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let (x, y) = (node.input.first()?, node.output.first()?);
    let text = |name: &str| attribute(node, name).and_then(|own| own.s.as_deref());
    if text("mode") != Some(b"linear") || int_of(node, "antialias", 0) != 0 {
        return None;
    }
    let &[batch, channels, height, width] = shapes.of(x)?.as_slice() else { return None };
    let before = [batch, channels, height, width];
    let given = |position: usize| node.input.get(position).filter(|name| !name.is_empty());
    // What an axis is multiplied by, and how long it becomes.
    let (scales, after): (Vec<f64>, Vec<usize>) = match (given(2), given(3)) {
        (_, Some(sizes)) => {
            let after = shapes.integers(sizes)?;
            let after: Option<Vec<usize>> =
                after.into_iter().map(|size| usize::try_from(size).ok()).collect();
            let after = after?;
            #[allow(clippy::cast_precision_loss)]
            let scales = after.iter().zip(before).map(|(&a, b)| a as f64 / b as f64).collect();
            (scales, after)
        }
        (Some(scales), None) => {
            let scales: Vec<f64> =
                shapes.constant(scales)?.values.into_iter().map(f64::from).collect();
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss
            )]
            let after = scales.iter().zip(before).map(|(s, b)| (s * b as f64) as usize).collect();
            (scales, after)
        }
        (None, None) => return None,
    };
    let &[_, _, new_height, new_width] = after.as_slice() else { return None };
    if after[..2] != before[..2] || new_height == 0 || new_width == 0 {
        return None;
    }
    let mode = text("coordinate_transformation_mode").unwrap_or(b"half_pixel");
    let across = weights(mode, width, new_width, scales[3])?;
    let down = weights(mode, height, new_height, scales[2])?;
    let planes = batch * channels;
    let rows = parts.reshape(x, &[planes * height, width]);
    let across = parts.floats(&[width, new_width], &across);
    let wide = parts.node("MatMul", &[&rows, &across], Vec::new());
    let wide = parts.reshape(&wide, &[planes, height, new_width]);
    let swapped = || vec![ints("perm", vec![0, 2, 1])];
    let columns = parts.node("Transpose", &[&wide], swapped());
    let columns = parts.reshape(&columns, &[planes * new_width, height]);
    let down = parts.floats(&[height, new_height], &down);
    let tall = parts.node("MatMul", &[&columns, &down], Vec::new());
    let tall = parts.reshape(&tall, &[planes, new_width, new_height]);
    let rows = parts.node("Transpose", &[&tall], swapped());
    let shape = parts.integers(
        &[batch, channels, new_height, new_width]
            .map(|dim| i64::try_from(dim).expect("dimensions are within limits")),
    );
    parts.named("Reshape", &[&rows, &shape], Vec::new(), y);
    Some(vec![0])
}

/// How much each of the axis's elements counts in each of the new ones, `[before][after]`.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn weights(mode: &[u8], before: usize, after: usize, scale: f64) -> Option<Vec<f32>> {
    let mut weights = vec![0.0; before * after];
    for new in 0..after {
        let at = new as f64;
        let own = match mode {
            b"half_pixel" => (at + 0.5) / scale - 0.5,
            b"pytorch_half_pixel" if after > 1 => (at + 0.5) / scale - 0.5,
            b"align_corners" if after > 1 => at * (before - 1) as f64 / (after - 1) as f64,
            b"pytorch_half_pixel" | b"align_corners" => 0.0,
            b"asymmetric" => at / scale,
            _ => return None,
        };
        // Beyond the ends, elements are those at the ends.
        let own = own.clamp(0.0, (before - 1) as f64);
        let (first, share) = (own.floor() as usize, own.fract() as f32);
        weights[first * after + new] += 1.0 - share;
        weights[(first + 1).min(before - 1) * after + new] += share;
    }
    Some(weights)
}

#[cfg(test)]
mod tests {
    use super::weights;

    #[test]
    fn each_new_element_lies_between_two_neighbours() {
        let half = weights(b"half_pixel", 2, 4, 2.0).unwrap();
        assert_eq!(half, [1.0, 0.75, 0.25, 0.0, 0.0, 0.25, 0.75, 1.0]);
        let corners = weights(b"align_corners", 2, 3, 1.5).unwrap();
        assert_eq!(corners, [1.0, 0.5, 0.0, 0.0, 0.5, 1.0]);
        assert_eq!(weights(b"asymmetric", 2, 4, 2.0).unwrap()[..4], [1.0, 0.5, 0.0, 0.0]);
        assert_eq!(weights(b"tf_crop_and_resize", 2, 4, 2.0), None);
    }
}

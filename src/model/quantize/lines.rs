//! Scales for which requantizations have exact lines with small divisors.
//!
//! Whether a step function of float32 is a line, and how small the line's divisor can be, depends on the
//! last bits of its multiplier. So scales are moved by some of float32's last places, a few millionths, to
//! where the steps leave a line the most room. For the calibration error this is nothing.

use crate::model::{
    Add, AddOrder, ElementType, Mean, Operand, Quantization, Requantization, Steps,
};

/// How far a scale is moved at most, in float32's last places.
const MOST_PLACES: usize = 64;

/// Scales that are tried for one model, all channels together.
const MOST_TRIES: usize = 200_000;

/// Scales to choose from, the given one first.
fn candidates(scale: f32, channels: usize) -> impl Iterator<Item = f32> {
    let places = (MOST_TRIES / channels.max(1) / 2).clamp(16, MOST_PLACES);
    let places = u32::try_from(places).expect("there are few");
    let up = (1..=places).map(move |place| f32::from_bits(scale.to_bits() + place));
    let down = (1..=places).map(move |place| f32::from_bits(scale.to_bits() - place));
    [scale].into_iter().chain(up).chain(down).filter(|scale| scale.is_normal())
}

/// The candidate with the most room, given the most until then.
fn best(scale: f32, channels: usize, room: impl Fn(f32, f64) -> f64) -> f32 {
    // Of equals the first stays, which is the scale as it was.
    let mut best = (scale, f64::NEG_INFINITY);
    for candidate in candidates(scale, channels) {
        let room = room(candidate, best.1);
        if room > best.1 {
            best = (candidate, room);
        }
    }
    best.0
}

/// Room of a requantization over a range of accumulators.
fn room(multiplier: f32, output: Quantization, (low, high): (i64, i64)) -> f64 {
    let (Ok(low), Ok(high)) = (i32::try_from(low), i32::try_from(high)) else { return 0.0 };
    let (min, max) = output.element.range();
    let zero_point = output.zero_point;
    let requantization = Requantization { multipliers: vec![multiplier], zero_point, min, max };
    Steps::find(&requantization, 0, min, (low, high)).most_room()
}

/// A scale of weights for products of activations with scale `input`, whose accumulators have this range. One
/// of `channels`.
pub(super) fn weights(
    scale: f32,
    input: Quantization,
    output: Quantization,
    range: (i64, i64),
    channels: usize,
) -> f32 {
    best(scale, channels, |scale, _| room(input.scale * scale / output.scale, output, range))
}

/// The output of a product of matrices with `inner` terms each.
pub(super) fn mat_mul(a: Quantization, b: Quantization, inner: usize, output: Quantization) -> f32 {
    let reach = i64::from(a.max_centred()) * i64::from(b.max_centred());
    let reach = reach.saturating_mul(i64::try_from(inner).unwrap_or(i64::MAX));
    best(output.scale, 1, |scale, _| {
        room(a.scale * b.scale / scale, Quantization { scale, ..output }, (-reach, reach))
    })
}

/// The output of a product of elements.
pub(super) fn mul(a: Quantization, b: Quantization, output: Quantization) -> f32 {
    let reach = a.max_centred() * b.max_centred();
    let (min, max) = output.element.range();
    best(output.scale, 1, |scale, _| {
        let multiplier = a.scale * b.scale / scale;
        #[allow(clippy::cast_precision_loss)]
        let zero_point = output.zero_point as f32;
        let level = |product: i32| {
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
            let rounded = (product as f32 * multiplier + zero_point)
                .clamp(min as f32, max as f32)
                .round_ties_even() as i32;
            rounded - min
        };
        Steps::of(level, (0, max - min), multiplier.into(), (-reach, reach)).most_room()
    })
}

/// The output of a sum along an axis of this length, or of its mean.
pub(super) fn mean(x: Quantization, length: usize, is_mean: bool, output: Quantization) -> f32 {
    let Some(reach) = i32::try_from(length).ok().and_then(|n| n.checked_mul(x.max_centred()))
    else {
        return output.scale;
    };
    let (min, max) = output.element.range();
    let count = if is_mean { length } else { 1 };
    best(output.scale, 1, |scale, _| {
        let mean = Mean {
            scale: x.scale,
            output_scale: scale,
            zero_point: output.zero_point,
            round_last: false,
            min,
            max,
        };
        #[allow(clippy::cast_precision_loss)]
        let slope = f64::from(x.scale) / count as f64 / f64::from(scale);
        let level = |sum: i32| mean.apply(sum, count) - min;
        Steps::of(level, (0, max - min), slope, (-reach, reach)).most_room()
    })
}

/// The output of a sum of two activations, the second times 1 or −1.
pub(super) fn add(a: Quantization, b: Quantization, sign: f32, output: Quantization) -> f32 {
    best(output.scale, MOST_TRIES, |scale, most| {
        let (left, right) = (a.scale / scale, sign * b.scale / scale);
        #[allow(clippy::cast_precision_loss)]
        let real = |zero_point: i32| zero_point as f32;
        let zero_points = left.mul_add(real(a.zero_point), right * real(b.zero_point));
        let (min, max) = output.element.range();
        let add = Add {
            operand: Operand::Tensor,
            left,
            right,
            fixed: real(output.zero_point) - zero_points,
            order: AddOrder::LeftLast,
            min,
            max,
        };
        plane_room(&add, [a.element, b.element], most)
    })
}

/// The room of the plane through a sum's own factors, or less where it is no more than `enough`.
fn plane_room(add: &Add, elements: [ElementType; 2], enough: f64) -> f64 {
    let [left, right] = elements.map(ElementType::range);
    let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
    for a in left.0..=left.1 {
        for b in right.0..=right.1 {
            let level = add.apply(a, b);
            let above = f64::from(level)
                - f64::from(add.left) * f64::from(a)
                - f64::from(add.right) * f64::from(b);
            if level > add.min {
                least = least.max(above);
            }
            if level < add.max {
                most = most.min(above + 1.0);
            }
        }
        if most - least <= enough {
            break;
        }
    }
    most - least
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: Quantization =
        Quantization { scale: 0.03, zero_point: -128, element: ElementType::Int8 };

    // Ties alternate between rounding up and down, which no line does; a moved scale has none.
    #[test]
    fn multiplier_without_a_line_is_moved_by_some_millionths() {
        let input = Quantization { scale: 0.5, zero_point: 0, element: ElementType::Int8 };
        let output = Quantization { scale: 1.0, ..OUTPUT };
        let (scale, range) = (1.0 / 128.0, (-60_000, 60_000));
        assert!(room(input.scale * scale, output, range) < 1e-9);
        let moved = weights(scale, input, output, range, 1);
        assert!(room(input.scale * moved, output, range) > 1e-6);
        assert!((moved / scale - 1.0).abs() < 1e-5, "{moved}");
    }

    #[test]
    fn sum_without_a_plane_gets_one() {
        let a = Quantization { scale: 0.01, ..OUTPUT };
        let output = Quantization { scale: 0.02, ..OUTPUT };
        // What is taken away counts down from its zero point, as what is added counts up.
        for (sign, zero_point) in [(1.0, -128), (-1.0, 127)] {
            let b = Quantization { scale: 0.02, zero_point, ..OUTPUT };
            let scale = add(a, b, sign, output);
            assert_ne!(scale.to_bits(), output.scale.to_bits(), "halves are ties");
            assert!((scale / output.scale - 1.0).abs() < 1e-5, "{scale}");
        }
    }
}

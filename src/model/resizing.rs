//! Where the elements of a resized axis come from, as ONNX's Resize has it.

/// Sizes of an output, or factors, for some axes or all.
pub(super) struct Asked<'a> {
    pub axes: Option<&'a [i64]>,
    pub sizes: Option<&'a [i64]>,
    pub scales: Option<&'a [f32]>,
    /// `stretch`, `not_larger` or `not_smaller`.
    pub policy: &'a str,
    /// Starts of all axes, then ends, as shares of them.
    pub region: Option<&'a [f32]>,
}

/// An axis of the output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub before: usize,
    pub after: usize,
    pub factor: f64,
    /// The part that is cropped, of which nothing is said where it is all.
    pub region: Option<[f32; 2]>,
}

impl Asked<'_> {
    /// All axes; `None` where the numbers do not fit each other.
    pub fn of(&self, shape: &[usize]) -> Option<Vec<Axis>> {
        let rank = i64::try_from(shape.len()).ok()?;
        let axes: Vec<usize> = match self.axes {
            None => (0..shape.len()).collect(),
            Some(axes) => axes
                .iter()
                .map(|&axis| {
                    let axis = if axis < 0 { axis.checked_add(rank)? } else { axis };
                    usize::try_from(axis).ok().filter(|&axis| axis < shape.len())
                })
                .collect::<Option<_>>()?,
        };
        let mut all: Vec<Axis> = shape
            .iter()
            .map(|&dim| Axis { before: dim, after: dim, factor: 1.0, region: None })
            .collect();
        let of_sizes = |sizes: &[i64]| -> Option<Vec<f64>> {
            sizes
                .iter()
                .zip(&axes)
                .map(|(&size, &axis)| {
                    Some(f64::from(u32::try_from(size).ok()?) / real(shape[axis])?)
                })
                .collect()
        };
        let (factors, given) = match (self.sizes, self.scales) {
            (Some(sizes), _) if sizes.len() == axes.len() => (of_sizes(sizes)?, Some(sizes)),
            (None, Some(scales)) if scales.len() == axes.len() => {
                (scales.iter().map(|&scale| scale.into()).collect(), None)
            }
            _ => return None,
        };
        let one = match self.policy {
            "stretch" => None,
            "not_larger" => factors.iter().copied().reduce(f64::min),
            "not_smaller" => factors.iter().copied().reduce(f64::max),
            _ => return None,
        };
        for (position, &axis) in axes.iter().enumerate() {
            let own = &mut all[axis];
            let dim = real(own.before)?;
            let size = match (given, one) {
                (Some(sizes), None) => f64::from(u32::try_from(sizes[position]).ok()?),
                (Some(_), Some(one)) => (dim * one + 0.5).floor(),
                (None, _) => (dim * factors[position]).floor(),
            };
            if !(0.0..4e9).contains(&size) {
                return None;
            }
            own.factor = match (given, one) {
                (Some(_), Some(one)) => one,
                _ => factors[position],
            };
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let after = size as usize;
            own.after = after;
            if let Some(region) = self.region {
                if region.len() != 2 * axes.len() {
                    return None;
                }
                own.region = Some([region[position], region[position + axes.len()]]);
            }
        }
        Some(all)
    }
}

impl Axis {
    /// Where an element of the output lies among those of the input; `None` for transformations that are not known.
    pub fn position(&self, transform: &str, at: usize) -> Option<f64> {
        let (at, before, after) = (real(at)?, real(self.before)?, real(self.after)?);
        let half_pixel = (at + 0.5) / self.factor - 0.5;
        Some(match (transform, self.region) {
            ("tf_crop_and_resize", Some([start, end])) => {
                let (start, end) = (f64::from(start), f64::from(end));
                if self.after > 1 {
                    start * (before - 1.0) + at * (end - start) * (before - 1.0) / (after - 1.0)
                } else {
                    0.5 * (start + end) * (before - 1.0)
                }
            }
            ("tf_crop_and_resize", None) => at,
            _ if self.before == self.after && self.factor == 1.0 => at,
            ("pytorch_half_pixel" | "align_corners", _) if self.after == 1 => 0.0,
            ("half_pixel" | "pytorch_half_pixel", _) => half_pixel,
            ("half_pixel_symmetric", _) => {
                let adjustment = after / (self.factor * before);
                before / 2.0 * (1.0 - adjustment) + half_pixel
            }
            ("asymmetric", _) => at / self.factor,
            ("align_corners", _) => at * (before - 1.0) / (after - 1.0),
            _ => return None,
        })
    }
}

fn real(count: usize) -> Option<f64> {
    u32::try_from(count).ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Asked<'static> =
        Asked { axes: None, sizes: None, scales: None, policy: "stretch", region: None };

    #[test]
    fn some_axes_keep_their_length_and_a_policy_their_proportion() {
        let lengths = |asked: Asked<'_>, shape: &[usize]| -> Vec<usize> {
            asked.of(shape).unwrap().iter().map(|axis| axis.after).collect()
        };
        let asked = Asked { axes: Some(&[-1, 1]), scales: Some(&[3.0, 2.0]), ..ALL };
        assert_eq!(lengths(asked, &[5, 2, 4]), [5, 4, 12]);
        let some = Asked { axes: Some(&[2, 3]), sizes: Some(&[7, 8]), ..ALL };
        let larger = Asked { policy: "not_larger", ..some };
        assert_eq!(lengths(larger, &[1, 1, 2, 2]), [1, 1, 7, 7]);
        let some = Asked { axes: Some(&[2, 3]), sizes: Some(&[1, 3]), ..ALL };
        let smaller = Asked { policy: "not_smaller", ..some };
        assert_eq!(lengths(smaller, &[1, 1, 2, 4]), [1, 1, 2, 3]);
        assert_eq!(Asked { sizes: Some(&[2]), ..ALL }.of(&[1, 2]), None);
    }

    #[test]
    fn positions_are_those_of_their_transformation() {
        let axis = Axis { before: 4, after: 2, factor: 0.6, region: Some([0.4, 0.6]) };
        let at = |transform: &str, at: usize| axis.position(transform, at).unwrap();
        assert!((at("half_pixel", 1) - 2.0).abs() < 1e-12);
        assert!(
            (at("half_pixel_symmetric", 1) - at("half_pixel_symmetric", 0) - 1.0 / 0.6).abs()
                < 1e-9
        );
        // The middle of all new elements is that of all old ones.
        let middle = (at("half_pixel_symmetric", 0) + at("half_pixel_symmetric", 1)) / 2.0;
        assert!((middle - 1.5).abs() < 1e-9, "{middle}");
        assert!((at("tf_crop_and_resize", 1) - 1.8).abs() < 1e-6);
        assert_eq!(axis.position("other", 0), None);
    }
}

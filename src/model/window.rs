//! Windows that slide over planes.

use std::ops::Range;

/// A window that slides over a plane: which input positions each output position sees.
///
/// One-dimensional operators have planes of height 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width of the input plane.
    pub input: [usize; 2],
    /// Height and width of the output plane.
    pub output: [usize; 2],
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Distance between neighbouring windows.
    pub strides: [usize; 2],
    /// Distance between neighbouring positions of a window.
    pub dilations: [usize; 2],
    /// Rows above and columns left of the input that windows may begin in.
    pub pads: [usize; 2],
}

impl Window {
    /// Of one position, on a plane of one.
    pub fn of_one() -> Self {
        let one = [1, 1];
        Self { input: one, output: one, kernel: one, strides: one, dilations: one, pads: [0, 0] }
    }

    /// The input position that a window position falls on, `None` in the padding.
    pub fn position(&self, output: [usize; 2], kernel: [usize; 2]) -> Option<[usize; 2]> {
        let along = |axis: usize| {
            (output[axis] * self.strides[axis] + kernel[axis] * self.dilations[axis])
                .checked_sub(self.pads[axis])
                .filter(|&position| position < self.input[axis])
        };
        Some([along(0)?, along(1)?])
    }

    /// All input positions that a window sees, as offsets into the plane, padding left out.
    pub fn positions(&self, output: [usize; 2]) -> impl Iterator<Item = usize> + '_ {
        let [down, along] = self.taps(output);
        down.flat_map(move |i| {
            along.clone().filter_map(move |j| {
                self.position(output, [i, j]).map(|[row, column]| row * self.input[1] + column)
            })
        })
    }

    /// Which of its positions along each axis a window sees the input with: neighbours.
    pub fn taps(&self, output: [usize; 2]) -> [Range<usize>; 2] {
        [0, 1].map(|axis| self.taps_along(axis, output[axis]))
    }

    fn taps_along(&self, axis: usize, output: usize) -> Range<usize> {
        let start = output * self.strides[axis];
        self.seen_from(axis, start, self.dilations[axis], self.kernel[axis])
    }

    /// Which windows along each axis see the input with a position: neighbours.
    pub fn windows(&self, kernel: [usize; 2]) -> [Range<usize>; 2] {
        [0, 1].map(|axis| {
            let start = kernel[axis] * self.dilations[axis];
            self.seen_from(axis, start, self.strides[axis], self.output[axis])
        })
    }

    /// Which of so many places, some steps apart from `start` on, are not in the padding.
    fn seen_from(&self, axis: usize, start: usize, step: usize, count: usize) -> Range<usize> {
        let before = |place: usize| place.saturating_sub(start).div_ceil(step).min(count);
        before(self.pads[axis])..before(self.pads[axis] + self.input[axis])
    }

    /// How many windows along each axis would see the input if there were windows everywhere.
    pub fn reached(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let signed = |number: usize| i128::try_from(number).unwrap_or(i128::MAX >> 1);
            let (pad, stride) = (signed(self.pads[axis]), signed(self.strides[axis]));
            let (mut reached, mut least) = (0, i128::MAX);
            for tap in 0..self.kernel[axis] {
                // Those that see it with this position, which are below those of the one before.
                let first = pad - signed(tap) * signed(self.dilations[axis]);
                let last = (first + signed(self.input[axis]) - 1).div_euclid(stride).min(least - 1);
                let first = -(-first).div_euclid(stride);
                reached += (last - first + 1).max(0);
                least = least.min(first);
            }
            usize::try_from(reached).unwrap_or(usize::MAX)
        })
    }

    /// How many input positions all windows see together.
    pub fn seen(&self) -> usize {
        let along = |axis: usize| -> usize {
            (0..self.output[axis]).map(|output| self.taps_along(axis, output).len()).sum()
        };
        along(0).saturating_mul(along(1))
    }

    /// Whether some window sees padding only.
    pub(super) fn has_empty_positions(&self) -> bool {
        (0..2).any(|axis| {
            (0..self.output[axis]).any(|output| self.taps_along(axis, output).is_empty())
        })
    }

    /// Number of positions of a window, padding included.
    pub fn len(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether a window has no positions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_are_reached_are_counted() {
        for (strides, dilations, pads) in [
            ([1, 1], [1, 1], [0, 0]),
            ([2, 3], [1, 2], [1, 2]),
            ([1, 2], [9, 8], [2, 0]),
            ([5, 12], [3, 1], [2, 1]),
        ] {
            let (input, output, kernel) = ([7, 9], [4, 3], [3, 2]);
            let window = Window { input, output, kernel, strides, dilations, pads };
            let reached = [0, 1].map(|axis| {
                let sees = |place: &i32| {
                    (0..kernel[axis]).any(|tap| {
                        let number = |n: usize| i32::try_from(n).unwrap();
                        let at = place * number(strides[axis]) + number(tap * dilations[axis]);
                        (0..number(input[axis])).contains(&(at - number(pads[axis])))
                    })
                };
                (-100..100).filter(sees).count()
            });
            assert_eq!(window.reached(), reached, "{window:?}");
        }
    }

    #[test]
    fn positions_that_are_seen_are_counted() {
        for (strides, dilations, pads) in
            [([1, 1], [1, 1], [0, 0]), ([2, 3], [1, 2], [1, 2]), ([1, 2], [3, 1], [2, 0])]
        {
            let (input, output, kernel) = ([7, 9], [4, 3], [3, 2]);
            let window = Window { input, output, kernel, strides, dilations, pads };
            let outputs = (0..4).flat_map(|row| (0..3).map(move |column| [row, column]));
            let seen: usize = outputs.map(|output| window.positions(output).count()).sum();
            assert_eq!(window.seen(), seen, "{window:?}");
            for (place, kernel) in (0..12).flat_map(|o| (0..6).map(move |k| (o, k))) {
                let (output, kernel) = ([place / 3, place % 3], [kernel / 2, kernel % 2]);
                let is_seen = window.position(output, kernel).is_some();
                let of_both = |ranges: [Range<usize>; 2], at: [usize; 2]| {
                    (0..2).all(|axis| ranges[axis].contains(&at[axis]))
                };
                assert_eq!(of_both(window.taps(output), kernel), is_seen, "{window:?}");
                assert_eq!(of_both(window.windows(kernel), output), is_seen, "{window:?}");
            }
        }
    }
}

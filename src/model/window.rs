//! Windows that slide over planes.

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
        (0..self.kernel[0]).flat_map(move |i| {
            (0..self.kernel[1]).filter_map(move |j| {
                self.position(output, [i, j]).map(|[row, column]| row * self.input[1] + column)
            })
        })
    }

    /// How many input positions all windows see together.
    pub fn seen(&self) -> usize {
        let along = |axis: usize| -> usize {
            let (dilation, pad) = (self.dilations[axis], self.pads[axis]);
            // How many positions of a window lie before a place.
            let before = |place: usize, start: usize| {
                place.saturating_sub(start).div_ceil(dilation).min(self.kernel[axis])
            };
            let seen = (0..self.output[axis]).map(|output| {
                let start = output * self.strides[axis];
                before(pad + self.input[axis], start) - before(pad, start)
            });
            seen.sum()
        };
        along(0).saturating_mul(along(1))
    }

    /// Whether some window sees padding only.
    pub(super) fn has_empty_positions(&self) -> bool {
        (0..2).any(|axis| {
            (0..self.output[axis]).any(|output| {
                !(0..self.kernel[axis]).any(|kernel| {
                    (output * self.strides[axis] + kernel * self.dilations[axis])
                        .checked_sub(self.pads[axis])
                        .is_some_and(|position| position < self.input[axis])
                })
            })
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
    fn positions_that_are_seen_are_counted() {
        for (strides, dilations, pads) in
            [([1, 1], [1, 1], [0, 0]), ([2, 3], [1, 2], [1, 2]), ([1, 2], [3, 1], [2, 0])]
        {
            let (input, output, kernel) = ([7, 9], [4, 3], [3, 2]);
            let window = Window { input, output, kernel, strides, dilations, pads };
            let outputs = (0..4).flat_map(|row| (0..3).map(move |column| [row, column]));
            let seen: usize = outputs.map(|output| window.positions(output).count()).sum();
            assert_eq!(window.seen(), seen, "{window:?}");
        }
    }
}

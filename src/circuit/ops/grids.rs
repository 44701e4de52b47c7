//! Sums of grids over a plane. Wide windows on large planes see so many elements that these cannot be counted one by one.

/// A plane of integers to which grids are added, each in constant time: positions so many steps apart.
pub(super) struct GridSums {
    size: [usize; 2],
    steps: [usize; 2],
    /// What the sum at a position has beyond those a step before it along either axis.
    differences: Vec<i64>,
}

impl GridSums {
    /// A plane of zeros.
    pub(super) fn new(size: [usize; 2], steps: [usize; 2]) -> Self {
        Self { size, steps, differences: vec![0; size[0] * size[1]] }
    }

    /// Adds an amount at the first position, and at those that are fewer than `counts` steps from it along each axis.
    pub(super) fn add(&mut self, first: [usize; 2], counts: [usize; 2], amount: i64) {
        if counts.contains(&0) {
            return;
        }
        let ends = [0, 1]
            .map(|axis| first[axis].saturating_add(counts[axis].saturating_mul(self.steps[axis])));
        let [height, width] = self.size;
        for (row, sign) in [(first[0], 1), (ends[0], -1)] {
            for (column, other) in [(first[1], 1), (ends[1], -1)] {
                if row < height && column < width {
                    self.differences[row * width + column] += sign * other * amount;
                }
            }
        }
    }

    /// The sum at each position, row by row.
    pub(super) fn sums(self) -> Vec<i64> {
        let Self { size: [_, width], steps: [down, along], differences: mut sums } = self;
        for row in sums.chunks_mut(width.max(1)) {
            for column in along..width {
                row[column] += row[column - along];
            }
        }
        let above = down.saturating_mul(width);
        for at in above..sums.len() {
            sums[at] += sums[at - above];
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_summed_as_if_one_by_one() {
        let size = [7, 9];
        for steps in [[1, 1], [2, 3], [9, 1], [usize::MAX, 4]] {
            let mut sums = GridSums::new(size, steps);
            let mut expected = vec![0; 7 * 9];
            let grids = [
                ([0, 0], [1, 1], 3),
                ([2, 1], [3, 2], -5),
                ([6, 8], [1, 1], 7),
                ([1, 0], [9, 9], 11),
                ([3, 3], [0, 2], 13),
            ];
            for (first, counts, amount) in grids {
                sums.add(first, counts, amount);
                for (row, column) in (0..size[0]).flat_map(|i| (0..size[1]).map(move |j| (i, j))) {
                    let is_in = |axis: usize, at: usize| {
                        let away = at.checked_sub(first[axis]);
                        away.is_some_and(|away| {
                            away % steps[axis] == 0 && away / steps[axis] < counts[axis]
                        })
                    };
                    if is_in(0, row) && is_in(1, column) {
                        expected[row * size[1] + column] += amount;
                    }
                }
            }
            assert_eq!(sums.sums(), expected, "{steps:?}");
        }
    }
}

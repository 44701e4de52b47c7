//! Which elements of a line come first when it is sorted: ArgMax, ArgMin and TopK in float models.

use std::cmp::Ordering;

use crate::model::TensorId;

/// The first `count` elements of each line `[outer][length][inner]` in the order of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ranking {
    pub x: TensorId,
    pub length: usize,
    pub inner: usize,
    pub count: usize,
    /// The smallest come first.
    pub is_least: bool,
    /// Of equal elements the last comes first.
    pub select_last: bool,
}

impl Ranking {
    /// For each of the first elements `[outer][count][inner]`, its position in the line, and its value.
    pub fn first(&self, x: &[f32]) -> Vec<(usize, f32)> {
        let Self { length, inner, count, is_least, select_last, .. } = *self;
        let mut first = Vec::with_capacity(x.len() / length.max(1) * count);
        for plane in x.chunks(length * inner) {
            let lines: Vec<Vec<usize>> = (0..inner)
                .map(|i| {
                    let value = |position: &usize| plane[position * inner + i];
                    let mut order: Vec<usize> = (0..length).collect();
                    if select_last {
                        order.reverse();
                    }
                    // Stable: equal elements stay in order.
                    order.sort_by(|a, b| {
                        let (a, b) = if is_least { (a, b) } else { (b, a) };
                        value(a).partial_cmp(&value(b)).unwrap_or(Ordering::Equal)
                    });
                    order
                })
                .collect();
            for place in 0..count {
                let here = lines.iter().enumerate();
                first.extend(here.map(|(i, line)| (line[place], plane[line[place] * inner + i])));
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_elements_stay_in_order() {
        let line = [1.0, 3.0, 2.0, 3.0, -1.0, -1.0];
        let positions = |is_least, select_last| -> Vec<usize> {
            let ranking =
                Ranking { x: TensorId(0), length: 6, inner: 1, count: 3, is_least, select_last };
            ranking.first(&line).into_iter().map(|(position, _)| position).collect()
        };
        assert_eq!(positions(false, false), [1, 3, 2]);
        assert_eq!(positions(false, true), [3, 1, 2]);
        assert_eq!(positions(true, false), [4, 5, 0]);
        assert_eq!(positions(true, true), [5, 4, 0]);
    }
}

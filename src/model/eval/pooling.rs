//! Windows and reductions.

use crate::model::{ArgMax, AveragePool, MaxPool, Reduce, ReduceMax, Window};

/// All positions of the output plane.
fn outputs(window: &Window) -> impl Iterator<Item = [usize; 2]> + use<> {
    let [height, width] = window.output;
    (0..height).flat_map(move |row| (0..width).map(move |column| [row, column]))
}

impl MaxPool {
    pub(super) fn evaluate(&self, x: &[i32]) -> Vec<i32> {
        let plane: usize = self.window.input.iter().product();
        x.chunks(plane)
            .flat_map(|x| {
                outputs(&self.window).map(|output| {
                    self.window
                        .positions(output)
                        .map(|position| x[position])
                        .max()
                        .expect("the importer refuses windows that lie in the padding")
                })
            })
            .collect()
    }
}

impl AveragePool {
    pub(super) fn evaluate(&self, x: &[i32]) -> Vec<i32> {
        let plane: usize = self.window.input.iter().product();
        x.chunks(plane)
            .flat_map(|x| {
                outputs(&self.window).map(|output| {
                    self.apply(self.window.positions(output).map(|position| x[position]))
                })
            })
            .collect()
    }
}

/// The elements along the axis, for each element of the output.
fn lines(
    x: &[i32],
    length: usize,
    inner: usize,
) -> impl Iterator<Item = impl Iterator<Item = i32>> {
    x.chunks(length * inner)
        .flat_map(move |x| (0..inner).map(move |i| (0..length).map(move |j| x[j * inner + i])))
}

impl Reduce {
    pub(super) fn evaluate(&self, x: &[i32]) -> Vec<i32> {
        lines(x, self.length, self.inner).map(|line| self.rescale.apply(line.sum())).collect()
    }
}

impl ReduceMax {
    pub(super) fn evaluate(&self, x: &[i32]) -> Vec<i32> {
        lines(x, self.length, self.inner).map(|line| line.max().unwrap_or(0)).collect()
    }
}

impl ArgMax {
    pub(super) fn evaluate(&self, x: &[i32]) -> Vec<i32> {
        lines(x, self.length, self.inner)
            .map(|line| {
                let (mut best, mut at) = (i32::MIN, 0);
                for (position, value) in (0..).zip(line) {
                    if value > best || (self.select_last && value == best) {
                        (best, at) = (value, position);
                    }
                }
                at
            })
            .collect()
    }
}

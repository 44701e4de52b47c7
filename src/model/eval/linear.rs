//! Sums of products. The importer makes sure that none leaves 32 bits for any input.

use crate::model::{Conv, ConvTranspose, Gemm, MatMul, Window};

impl Gemm {
    /// A function of each accumulator and its output channel.
    pub(in crate::model) fn map_sums<T>(&self, x: &[i32], f: impl Fn(i32, usize) -> T) -> Vec<T> {
        let mut y = Vec::with_capacity(x.len() / self.inputs * self.outputs);
        for row in x.chunks(self.inputs) {
            for (o, weights) in self.weights.chunks(self.inputs).enumerate() {
                let acc = self.bias[o] + dot(row, weights);
                y.push(f(acc, o));
            }
        }
        y
    }
}

impl MatMul {
    /// A function of each accumulator.
    pub(in crate::model) fn map_sums<T>(
        &self,
        a: &[i32],
        b: &[i32],
        f: impl Fn(i32) -> T,
    ) -> Vec<T> {
        let mut y = Vec::with_capacity(self.batch * self.rows * self.columns);
        let matrices = a.chunks(self.rows * self.inner).zip(b.chunks(self.inner * self.columns));
        for (a, b) in matrices {
            for row in a.chunks(self.inner) {
                let mut sums = vec![0; self.columns];
                for (&factor, b) in row.iter().zip(b.chunks(self.columns)) {
                    add_scaled(&mut sums, b, factor);
                }
                y.extend(sums.iter().map(|&acc| f(acc)));
            }
        }
        y
    }
}

impl Conv {
    /// A function of each accumulator and its output channel.
    pub(in crate::model) fn map_sums<T>(&self, x: &[i32], f: impl Fn(i32, usize) -> T) -> Vec<T> {
        let Self { inputs, outputs, group, window, .. } = self;
        let (input_plane, output_plane) =
            (window.input.iter().product::<usize>(), window.output.iter().product::<usize>());
        let (group_inputs, group_outputs) = (inputs / group, outputs / group);
        let mut y = Vec::with_capacity(self.batch * outputs * output_plane);
        let mut sums = vec![0; output_plane];
        for x in x.chunks(inputs * input_plane) {
            for o in 0..*outputs {
                sums.fill(self.bias[o]);
                for c in 0..group_inputs {
                    let plane = o / group_outputs * group_inputs + c;
                    let x = &x[plane * input_plane..][..input_plane];
                    let weights = (o * group_inputs + c) * window.len();
                    for_each_row(window, |weight, output, input, len, step| {
                        let weight = self.weights[weights + weight];
                        let sums = &mut sums[output..output + len];
                        if step == 1 {
                            add_scaled(sums, &x[input..input + len], weight);
                        } else {
                            let x = x[input..].iter().step_by(step);
                            for (sum, x) in sums.iter_mut().zip(x) {
                                *sum += weight * x;
                            }
                        }
                    });
                }
                y.extend(sums.iter().map(|&acc| f(acc, o)));
            }
        }
        y
    }
}

impl ConvTranspose {
    /// A function of each accumulator and its output channel.
    pub(in crate::model) fn map_sums<T>(&self, x: &[i32], f: impl Fn(i32, usize) -> T) -> Vec<T> {
        let Self { inputs, outputs, group, window, .. } = self;
        // The window is that of the convolution which this one transposes.
        let (input_plane, output_plane) =
            (window.output.iter().product::<usize>(), window.input.iter().product::<usize>());
        let (group_inputs, group_outputs) = (inputs / group, outputs / group);
        let mut y = Vec::with_capacity(self.batch * outputs * output_plane);
        let mut sums = vec![0; output_plane];
        for x in x.chunks(inputs * input_plane) {
            for o in 0..*outputs {
                sums.fill(self.bias[o]);
                for c in 0..group_inputs {
                    let plane = o / group_outputs * group_inputs + c;
                    let x = &x[plane * input_plane..][..input_plane];
                    let weights = (plane * group_outputs + o % group_outputs) * window.len();
                    for_each_row(window, |weight, input, output, len, step| {
                        let weight = self.weights[weights + weight];
                        let sums = sums[output..].iter_mut().step_by(step);
                        for (sum, x) in sums.zip(&x[input..input + len]) {
                            *sum += weight * x;
                        }
                    });
                }
                y.extend(sums.iter().map(|&acc| f(acc, o)));
            }
        }
        y
    }
}

fn dot(a: &[i32], b: &[i32]) -> i32 {
    a.iter().zip(b).map(|(a, b)| a.wrapping_mul(*b)).fold(0, i32::wrapping_add)
}

fn add_scaled(sums: &mut [i32], x: &[i32], factor: i32) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum = sum.wrapping_add(factor.wrapping_mul(*x));
    }
}

/// Visits, for each position of the window and each row of the output, the part of the row in which
/// that position falls on the input: `(window position, output offset, input offset, length, step)`.
pub(in crate::model) fn for_each_row(
    window: &Window,
    mut visit: impl FnMut(usize, usize, usize, usize, usize),
) {
    let Window { input, output, kernel, strides, dilations, pads } = window;
    for i in 0..kernel[0] {
        for j in 0..kernel[1] {
            // Columns `first..last` of the output see a column of the input.
            let offset = j * dilations[1];
            let first = pads[1].saturating_sub(offset).div_ceil(strides[1]);
            let last =
                (input[1] + pads[1]).saturating_sub(offset).div_ceil(strides[1]).min(output[1]);
            if first >= last {
                continue;
            }
            for row in 0..output[0] {
                let Some(input_row) = (row * strides[0] + i * dilations[0])
                    .checked_sub(pads[0])
                    .filter(|&input_row| input_row < input[0])
                else {
                    continue;
                };
                visit(
                    i * kernel[1] + j,
                    row * output[1] + first,
                    input_row * input[1] + first * strides[1] + offset - pads[1],
                    last - first,
                    strides[1],
                );
            }
        }
    }
}

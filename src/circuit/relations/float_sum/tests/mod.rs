//! Float32 sums are proved bit for bit; each way to round otherwise is refused.

mod held;
mod progressions;
mod reference;

use crate::circuit::tests::{
    IS_AN_ENTRY, IS_TAKEN, assert_breaks, assert_other_output_is_refused, broken, integer,
    models::chain, relimb, reread, rows, table_row,
};
use crate::circuit::{ModelCircuit, Wishes, Witness, field::field};
use crate::model::{
    AveragePool, ElementType, Mean, Model, Operator, Quantization, Table, Tensor, Window,
};
use halo2_proofs::halo2curves::bn256::Fr;

/// A small source of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn between(&mut self, (low, high): (i32, i32)) -> i32 {
        low + i32::try_from(self.below(u64::from(high.abs_diff(low)) + 1)).expect("a small number")
    }
}

/// A pool to be proved.
#[derive(Clone, Debug)]
pub struct Case {
    element: ElementType,
    zeros: [i32; 2],
    scales: [f32; 2],
    planes: usize,
    input: [usize; 2],
    kernel: [usize; 2],
    strides: [usize; 2],
    pads: [usize; 2],
    count_include_pad: bool,
    round_last: bool,
    /// A table before the pool, which makes the pool's terms itself.
    table: bool,
}

/// Means of 4, of which every fourth sum is a tie.
pub fn ties() -> Case {
    Case {
        element: ElementType::Int8,
        zeros: [-128, -128],
        scales: [0.013_712_3, 0.013_712_3],
        planes: 2,
        input: [4, 6],
        kernel: [2, 2],
        strides: [2, 2],
        pads: [0, 0],
        count_include_pad: false,
        round_last: false,
        table: true,
    }
}

/// The same of windows side by side, so many that neighbours can share rows.
pub fn wide() -> Case {
    Case { input: [2, 16], ..ties() }
}

pub fn cases() -> Vec<Case> {
    let overlapping = Case {
        element: ElementType::Uint8,
        zeros: [117, 3],
        scales: [0.021_37, 0.021_37 / 2.0],
        planes: 1,
        input: [5, 4],
        kernel: [2, 2],
        strides: [1, 1],
        table: false,
        round_last: true,
        ..ties()
    };
    let padded =
        Case { kernel: [2, 3], pads: [1, 1], strides: [2, 1], scales: [0.1, 0.1], ..ties() };
    vec![
        ties(),
        Case { zeros: [0, -7], ..ties() },
        overlapping.clone(),
        Case { round_last: false, ..overlapping },
        padded.clone(),
        Case { count_include_pad: true, zeros: [-5, 9], ..padded.clone() },
        Case { element: ElementType::Uint8, zeros: [255, 128], table: false, ..padded },
        // Sums of two need no rows of their own.
        Case { kernel: [1, 2], input: [1, 8], strides: [1, 2], scales: [0.3, 0.3], ..ties() },
        // Exact in float32, though ties all the same.
        Case { scales: [0.125, 0.125], ..ties() },
        Case {
            kernel: [3, 3],
            input: [5, 5],
            pads: [1, 1],
            scales: [0.031_7, 0.031_7 / 9.0],
            planes: 1,
            ..ties()
        },
        // Single windows.
        Case { kernel: [3, 4], input: [3, 4], scales: [0.05, 0.05], ..ties() },
        Case { kernel: [2, 2], input: [2, 2], zeros: [-1, 0], table: false, ..ties() },
    ]
}

impl Case {
    fn pool(&self) -> AveragePool {
        let output = [0, 1].map(|axis| {
            (self.input[axis] + 2 * self.pads[axis] - self.kernel[axis]) / self.strides[axis] + 1
        });
        let (min, max) = self.element.range();
        AveragePool {
            planes: self.planes,
            window: Window {
                input: self.input,
                output,
                kernel: self.kernel,
                strides: self.strides,
                dilations: [1, 1],
                pads: self.pads,
            },
            count_include_pad: self.count_include_pad,
            mean: Mean {
                scale: self.scales[0],
                output_scale: self.scales[1],
                zero_point: self.zeros[1],
                round_last: self.round_last,
                min,
                max,
            },
        }
    }

    pub fn model(&self) -> Model {
        let pool = self.pool();
        let tensor = |name: &str, [height, width]: [usize; 2], zero_point, scale| Tensor {
            name: name.into(),
            shape: vec![1, self.planes, height, width],
            quantization: Quantization { scale, zero_point, element: self.element },
        };
        let output = pool.window.output;
        let (low, high) = self.element.range();
        let mut tensors = vec![tensor("x", self.input, self.zeros[0], self.scales[0])];
        let mut operators = Vec::new();
        if self.table {
            // Another order of the bytes.
            let values = (low..=high).map(|x| low + (x - low) * 91 % 256).collect();
            operators.push(Operator::Table(Table { values }));
            tensors.push(tensor("t", self.input, self.zeros[0], self.scales[0]));
        }
        operators.push(Operator::AveragePool(pool));
        tensors.push(tensor("y", output, self.zeros[1], self.scales[1]));
        chain(tensors, operators)
    }

    pub fn circuit(&self) -> ModelCircuit {
        ModelCircuit::new(&self.model(), Wishes::default()).expect("the model has a circuit")
    }

    fn len(&self) -> usize {
        self.planes * self.input[0] * self.input[1]
    }

    /// Both ends of the range, the zero point, and random ones of all and of few values.
    fn inputs(&self, random: &mut Random, count: usize) -> Vec<Vec<i32>> {
        let range = self.element.range();
        let mut inputs: Vec<Vec<i32>> =
            [range.0, range.1, self.zeros[0]].map(|value| vec![value; self.len()]).into();
        for number in 0..count {
            let ends = match number % 3 {
                0 => range,
                1 => (range.1 - 20, range.1),
                _ => (range.0, range.0 + 5),
            };
            inputs.push((0..self.len()).map(|_| random.between(ends)).collect());
        }
        inputs
    }
}

fn honest(circuit: &ModelCircuit) -> Witness {
    let input: Vec<i32> = (0..48).map(|i| i * 37 % 256 - 128).collect();
    circuit.witness(&input, Fr::from(5)).expect("an input of the model")
}

/// Writes two limbs that make a number.
fn relimb_pair(
    circuit: &ModelCircuit,
    witness: &mut Witness,
    first: usize,
    at: usize,
    value: i128,
) {
    let base = circuit.plan().shape.base();
    relimb(witness, first, at, field(value % base));
    relimb(witness, first + 1, at, field(value / base));
}

fn pair(circuit: &ModelCircuit, witness: &Witness, first: usize, at: usize) -> i128 {
    let [low, high] = [0, 1].map(|limb| integer(witness.limbs[first + limb].at(at)));
    low + high * circuit.plan().shape.base()
}

/// Moves an interval's accumulator by a little, in the same interval.
fn nudge(circuit: &ModelCircuit, witness: &mut Witness, at: usize, by: i128) {
    let [z, rest] = [0, 2].map(|first| pair(circuit, witness, first, at));
    relimb_pair(circuit, witness, 0, at, z + by);
    relimb_pair(circuit, witness, 2, at, rest - by);
}

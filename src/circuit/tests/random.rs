//! Random graphs of several operators: shapes, strides, pads and scales that nobody thought of.

use super::{
    assert_other_output_is_refused, broken,
    models::{Builder, NO_LINE, slopes},
    unique::assert_no_choice,
};
use crate::circuit::{Goal, InstanceLayout, ModelCircuit, Plans, Wishes};
use crate::model::{
    AveragePool, Claims, Conv, ConvTranspose, MaxPool, Mean, Model, Operator, Requantization,
    TensorId, Window,
};
use halo2_proofs::halo2curves::bn256::Fr;

const MODELS: u64 = 96;

/// Tensors that others are made from have no more elements.
const LARGEST_TENSOR: usize = 100;

pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    fn two(&mut self, low: usize, high: usize) -> [usize; 2] {
        [self.between(low, high), self.between(low, high)]
    }

    fn any<T: Copy, const N: usize>(&mut self, all: [T; N]) -> T {
        all[self.below(N)]
    }

    fn byte(&mut self) -> i32 {
        i32::try_from(self.below(256)).expect("a byte") - 128
    }

    /// With some zeros, which take no lanes.
    fn weights(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| if self.below(6) == 0 { 0 } else { self.byte().max(-127) }).collect()
    }

    fn requantization(&mut self, channels: usize) -> Requantization {
        let multipliers = match self.below(4) {
            0 => vec![NO_LINE],
            1 => (0..channels).map(|c| [NO_LINE, 2.0 * NO_LINE, 0.003_17][c % 3]).collect(),
            2 => slopes(channels),
            _ => vec![0.011_7],
        };
        let (min, max) = self.any([(-128, 127), (11, 127), (-3, 60)]);
        Requantization { multipliers, zero_point: 11, min, max }
    }

    /// A window that fits a plane, maybe with pads that differ at both ends.
    fn window(&mut self, input: [usize; 2]) -> Option<Window> {
        let [kernel, strides, dilations] = [(); 3].map(|()| self.two(1, 3));
        let [pads, ends] = [(); 2].map(|()| self.two(0, 2));
        let mut output = [0; 2];
        for axis in 0..2 {
            let reach = dilations[axis] * (kernel[axis] - 1) + 1;
            let padded = input[axis] + pads[axis] + ends[axis];
            output[axis] = padded.checked_sub(reach)? / strides[axis] + 1;
        }
        Some(Window { input, output, kernel, strides, dilations, pads })
    }

    /// The same where every position sees an element.
    fn seeing_window(&mut self, input: [usize; 2]) -> Option<Window> {
        self.window(input).filter(|window| {
            let [height, width] = window.output;
            (0..height).all(|i| (0..width).all(|j| window.positions([i, j]).next().is_some()))
        })
    }

    /// The window of a transposed convolution of a plane, whose output is the window's input.
    fn transposed_window(&mut self, output: [usize; 2]) -> Option<Window> {
        let [kernel, strides] = [(); 2].map(|()| self.two(1, 3));
        let (dilations, pads, extra) = (self.two(1, 2), self.two(0, 1), self.two(0, 1));
        let mut input = [0; 2];
        for axis in 0..2 {
            let reach = dilations[axis] * (kernel[axis] - 1) + 1;
            let full = (output[axis] - 1) * strides[axis] + reach + extra[axis];
            input[axis] = full.checked_sub(2 * pads[axis]).filter(|&size| size > 0)?;
        }
        Some(Window { input, output, kernel, strides, dilations, pads })
    }
}

/// A graph in the making: tensors that operators may take, with their shapes.
struct Growing {
    builder: Builder,
    tensors: Vec<(TensorId, [usize; 4])>,
}

impl Growing {
    fn node(
        &mut self,
        operator: Operator,
        x: TensorId,
        shape: [usize; 4],
    ) -> (TensorId, [usize; 4]) {
        (self.builder.node(operator, &[x], &shape), shape)
    }

    /// Any tensor of a shape.
    fn alike(&self, random: &mut Random, shape: [usize; 4]) -> TensorId {
        let alike: Vec<_> = self.tensors.iter().filter(|tensor| tensor.1 == shape).collect();
        alike[random.below(alike.len())].0
    }

    /// A random operator on a tensor; none where its window does not fit.
    fn grow(
        &mut self,
        random: &mut Random,
        x: TensorId,
        shape: [usize; 4],
    ) -> Option<(TensorId, [usize; 4])> {
        let [batch, channels, height, width] = shape;
        let plane = [height, width];
        let group = if random.below(3) == 0 { channels } else { 1 };
        let outputs = group * random.between(1, 2);
        Some(match random.below(9) {
            0 | 1 => {
                let window = random.window(plane)?;
                let ([rows, columns], len) = (window.output, window.len());
                let operator = Operator::Conv(Conv {
                    batch,
                    inputs: channels,
                    outputs,
                    group,
                    weights: random.weights(outputs * channels / group * len),
                    bias: random.weights(outputs),
                    window,
                    requantization: random.requantization(outputs),
                });
                self.node(operator, x, [batch, outputs, rows, columns])
            }
            2 => {
                let window = random.transposed_window(plane)?;
                let ([rows, columns], len) = (window.input, window.len());
                let operator = Operator::ConvTranspose(ConvTranspose {
                    batch,
                    inputs: channels,
                    outputs,
                    group,
                    weights: random.weights(channels * outputs / group * len),
                    bias: random.weights(outputs),
                    window,
                    requantization: random.requantization(outputs),
                });
                self.node(operator, x, [batch, outputs, rows, columns])
            }
            3 => {
                let window = random.seeing_window(plane)?;
                let [rows, columns] = window.output;
                let operator = Operator::MaxPool(MaxPool { planes: batch * channels, window });
                self.node(operator, x, [batch, channels, rows, columns])
            }
            4 => {
                let window = random.seeing_window(plane)?;
                let [rows, columns] = window.output;
                let operator = Operator::AveragePool(AveragePool {
                    planes: batch * channels,
                    window,
                    count_include_pad: random.below(2) == 0,
                    mean: Mean {
                        scale: random.any([0.05, 0.125, 0.013_712_3]),
                        output_scale: random.any([0.05, 0.125, 0.013_712_3]),
                        zero_point: 11,
                        round_last: random.below(2) == 0,
                        min: -128,
                        max: 127,
                    },
                });
                self.node(operator, x, [batch, channels, rows, columns])
            }
            5 => {
                let other = self.alike(random, shape);
                // Others take a table of all pairs, which is long.
                let scales = random.any([[0.713_241_7, 0.391_713_3], [1.0, 1.0], [1.0, -1.0]]);
                (self.builder.add(x, other, scales), shape)
            }
            6 => {
                let other = self.alike(random, shape);
                (self.builder.mul(&[x, other], 0.013), shape)
            }
            7 if random.below(2) == 0 => (self.builder.table(x), shape),
            7 => (self.builder.tables(x), shape),
            _ => (self.view(random, x, shape), shape),
        })
    }

    /// Elements of a tensor and another one, and constants, mostly in order.
    fn view(&mut self, random: &mut Random, x: TensorId, shape: [usize; 4]) -> TensorId {
        let len: usize = shape.iter().product();
        let (other, other_shape) = self.tensors[random.below(self.tensors.len())];
        let other_len: usize = other_shape.iter().product();
        let index = |index: usize| i32::try_from(index).expect("a small tensor");
        let element = |i: usize| match random.below(5) {
            0 => (None, random.byte()),
            1 => (Some(1), index(random.below(other_len))),
            2 => (Some(0), index(random.below(len))),
            _ => (Some(0), index(i)),
        };
        let elements = (0..len).map(element).collect();
        self.builder.view(&[x, other], elements, &shape)
    }
}

/// One to four operators, mostly each on the output of the last.
pub fn model(random: &mut Random, seed: u64) -> Model {
    let shape = [1, random.between(1, 3), random.between(1, 6), random.between(1, 6)];
    let builder = Builder::new(seed, &shape);
    let input = builder.last();
    let mut growing = Growing { builder, tensors: vec![(input, shape)] };
    let operators = random.between(1, 4);
    for _ in 0..40 {
        if growing.tensors.len() > operators {
            break;
        }
        let last = growing.tensors.len() - 1;
        let taken = if random.below(3) == 0 { random.below(last + 1) } else { last };
        let (x, shape) = growing.tensors[taken];
        if shape.iter().product::<usize>() <= LARGEST_TENSOR {
            let made = growing.grow(random, x, shape);
            growing.tensors.extend(made);
        }
    }
    growing.builder.model()
}

fn inputs(random: &mut Random, len: usize) -> Vec<Vec<i32>> {
    let mut inputs = vec![vec![-128; len], vec![127; len]];
    inputs.push((0..len).map(|_| random.any([-128, 127])).collect());
    inputs.extend((0..2).map(|_| (0..len).map(|_| random.byte()).collect::<Vec<_>>()));
    inputs
}

#[test]
fn random_graphs_are_the_reference() {
    let mut random = Random(77);
    let (mut planned, mut abreast) = (0, 0);
    for number in 0..MODELS {
        let model = model(&mut random, number);
        let wishes = Wishes {
            goal: if number % 4 == 1 { Goal::Gas } else { Goal::Speed },
            private_input: number % 3 == 0,
            max_k: Some(12),
            // Neighbours share rows, whatever it costs.
            packed: number % 8 == 4,
            abreast: Some([2, 4, 8][number as usize / 8 % 3]),
            ..Wishes::default()
        };
        // Some take more rows than that.
        let Ok(circuit) = ModelCircuit::new(&model, wishes) else { continue };
        planned += 1;
        if circuit.plan().layout.rows.iter().any(|row| row.several > 0) {
            abreast += 1;
        }
        let name = format!("graph {number}");
        let inputs = inputs(&mut random, model.graph.tensors[0].len());
        for input in &inputs {
            let witness = circuit.witness(input, Fr::from(5)).expect("an input of the model");
            let reference =
                model.evaluate(std::slice::from_ref(input)).expect("an input of the model");
            assert_eq!(witness.outputs, reference.tensor(model.outputs[0].tensor), "{name}");
        }
        assert_no_choice(&circuit, &name);
        if number % 8 == 6 {
            assert_claims_hold(&mut random, &model, wishes, &name);
        }
        if number % 4 == 0 || number % 4 == 1 {
            let input = &inputs[inputs.len() - 1];
            let witness = circuit.witness(input, Fr::from(5)).expect("an input of the model");
            assert_eq!(broken(&circuit, witness), [""; 0], "{name}");
            let element = random.below(circuit.compiled.net.outputs[0].len);
            assert_other_output_is_refused(&circuit, input, element);
        }
    }
    assert!(planned * 10 >= MODELS * 9, "{planned} of {MODELS} have a circuit");
    assert!(abreast * 16 >= MODELS, "{abreast} of {MODELS} have values abreast");
}

/// A claim about a random graph, whose output is not told: it is what it means, and another is refused.
fn assert_claims_hold(random: &mut Random, model: &Model, wishes: Wishes, name: &str) {
    let output = &model.graph.tensors[model.outputs[0].tensor.0];
    let element = random.below(output.len());
    let kinds = ["threshold", "range", "bucket:3", "equal", "values", "argmax", "top:2"];
    let (name_of, kind) = (&model.outputs[0].name, random.any(kinds));
    let one = format!("{name_of}[{element}]={kind}");
    let all = format!("{name_of}={kind}");
    let claims = Claims::read(model, &[&one], 1).or_else(|_| Claims::read(model, &[&all], 1));
    // Lines may have one element.
    let Ok(claims) = claims else { return };
    let layout = InstanceLayout::of_model(model, wishes.private_input);
    let layout = layout.with_claims(model, &claims).expect("claims about the model");
    let Ok(plans) = Plans::for_instances(model, layout, wishes) else { return };
    let circuit = plans.circuit(wishes.goal);
    assert_no_choice(&circuit, name);
    let input: Vec<i32> = (0..model.graph.tensors[0].len()).map(|_| random.byte()).collect();
    let evaluation = model.evaluate(std::slice::from_ref(&input)).expect("an input of the model");
    let about = evaluation.tensor(model.outputs[0].tensor)[element];
    let near = |random: &mut Random| (about + [-1, 0, 1][random.below(3)]).clamp(-128, 127);
    let chosen: Vec<Vec<i32>> = (circuit.layout().claims[0].parameters.iter())
        .map(|parameter| (0..parameter.len()).map(|_| near(random)).collect())
        .collect();
    let answers = circuit.layout().answers(model, &evaluation, &chosen).expect("its parameters");
    let all = [vec![input], chosen].concat().concat();
    let witness = circuit.witness(&all, Fr::from(5)).expect("an input and parameters");
    assert_eq!(witness.outputs, answers, "{name}: {:?}", claims.claims);
    assert_eq!(broken(&circuit, witness), [""; 0], "{name}: {:?}", claims.claims);
    assert_other_output_is_refused(&circuit, &all, 0);
}

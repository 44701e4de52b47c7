//! Float32 sums are proved bit for bit; each way to round otherwise is refused.

use super::average::{Binade, LIFT, MARK, QUOTIENTS};
use super::graph::{Kind, Net};
use super::intervals::LENGTH_FACTOR;
use super::layout::{CURSORS, Content, Row};
use super::plan::Plan;
use super::{NetCircuit, Witness};
use crate::circuit::Wishes;
use crate::circuit::field::field;
use crate::model::{
    AveragePool, ElementType, Graph, Mean, Model, Node, Operator, Origin, Port, Quantization,
    Table, Tensor, TensorId, View, ViewElement, Window,
};
use halo2_proofs::{
    dev::{MockProver, VerifyFailure},
    halo2curves::bn256::Fr,
    plonk::{Circuit, ConstraintSystem},
};

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
struct Case {
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
fn ties() -> Case {
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

fn cases() -> Vec<Case> {
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

    fn model(&self) -> Model {
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
        let nodes = operators.into_iter().enumerate().map(|(index, operator)| Node {
            name: format!("node{index}"),
            operator,
            inputs: vec![TensorId(index)],
            output: TensorId(index + 1),
            origin: Origin::default(),
        });
        let nodes: Vec<Node> = nodes.collect();
        let port = |name: &str, tensor| Port {
            name: name.into(),
            tensor: TensorId(tensor),
            is_float: false,
        };
        Model {
            name: "test".into(),
            inputs: vec![port("x", 0)],
            outputs: vec![port("y", nodes.len())],
            graph: Graph { tensors, nodes },
        }
    }

    fn circuit(&self) -> NetCircuit {
        NetCircuit::new(&self.model(), Wishes::default()).expect("the model has a circuit")
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

/// The names of the constraints that a witness breaks.
fn broken(circuit: &NetCircuit, witness: Witness) -> Vec<String> {
    let instances = witness.instances.clone();
    let circuit = circuit.with_witness(witness);
    let prover =
        MockProver::run(circuit.plan().k, &circuit, vec![instances]).expect("the circuit fits");
    let failures = prover.verify().err().unwrap_or_default();
    let mut names: Vec<String> = failures
        .into_iter()
        .map(|failure| match failure {
            VerifyFailure::ConstraintNotSatisfied { constraint, .. } => constraint.to_string(),
            other => panic!("{other}"),
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

#[track_caller]
fn assert_breaks_only(names: &[String], sentence: &str) {
    assert!(!names.is_empty(), "nothing refuses it");
    for name in names {
        assert!(name.contains(sentence), "expected `{sentence}`, found {names:?}");
    }
}

const IS_AN_ENTRY: &str = "every look-up is a table entry";
const IS_TAKEN: &str = "everything made is what was taken";

/// The rows of a kind, in order.
fn rows(circuit: &NetCircuit, is_it: impl Fn(Kind) -> bool) -> Vec<usize> {
    let kind = |row: &Row| match row.content {
        Content::Cell { block, cell } => {
            Some(circuit.compiled.net.blocks[block as usize].cells[cell as usize].kind)
        }
        _ => None,
    };
    let rows = circuit.plan().layout.rows.iter().enumerate();
    rows.filter(|(_, row)| kind(row).is_some_and(&is_it)).map(|(at, _)| at).collect()
}

/// The number that a field element stands for.
fn integer(value: Fr) -> i128 {
    let read = |value: Fr| {
        let bytes = value.to_bytes();
        bytes[16..].iter().all(|&byte| byte == 0).then(|| {
            let low = <[u8; 16]>::try_from(&bytes[..16]).expect("sixteen bytes");
            i128::from_le_bytes(low)
        })
    };
    read(value).or_else(|| read(-value).map(|value| -value)).expect("a small number")
}

/// Writes another limb and counts its use, as a prover who wants the look-ups to hold would.
fn relimb(witness: &mut Witness, limb: usize, at: usize, value: Fr) {
    let count = |witness: &mut Witness, value: Fr, by: Fr| {
        let index = (0..witness.limb_uses.len() - 1).find(|&i| Fr::from(i as u64) == value);
        if let Some(index) = index {
            witness.limb_uses[index + 1] += by;
        }
    };
    count(witness, witness.limbs[limb][at], -Fr::one());
    count(witness, value, Fr::one());
    witness.limbs[limb][at] = value;
}

/// Writes two limbs that make a number.
fn relimb_pair(circuit: &NetCircuit, witness: &mut Witness, first: usize, at: usize, value: i128) {
    let base = circuit.plan().shape.base();
    relimb(witness, first, at, field(value % base));
    relimb(witness, first + 1, at, field(value / base));
}

fn pair(circuit: &NetCircuit, witness: &Witness, first: usize, at: usize) -> i128 {
    let [low, high] = [0, 1].map(|limb| integer(witness.limbs[first + limb][at]));
    low + high * circuit.plan().shape.base()
}

fn table_row(witness: &Witness, at: usize) -> usize {
    usize::try_from(integer(witness.table_row[at])).expect("a row of the table")
}

/// Reads another row of the table.
fn reread(circuit: &NetCircuit, witness: &mut Witness, at: usize, row: usize) {
    let then = table_row(witness, at);
    witness.table_uses[then + 1] -= Fr::one();
    witness.table_uses[row + 1] += Fr::one();
    let fitted = &circuit.plan().fitted;
    witness.table_row[at] = field(i128::try_from(row).expect("a short table"));
    witness.byte[at] = Fr::from(u64::from(fitted.table[row]));
    let interval = fitted.intervals.as_ref().expect("there are intervals")[row];
    let steps = witness.steps.as_mut().expect("there are intervals");
    steps[0][at] = field(interval.start);
    steps[1][at] = field(interval.length);
}

/// Moves an interval's accumulator by a little, in the same interval.
fn nudge(circuit: &NetCircuit, witness: &mut Witness, at: usize, by: i128) {
    let [z, rest] = [0, 2].map(|first| pair(circuit, witness, first, at));
    relimb_pair(circuit, witness, 0, at, z + by);
    relimb_pair(circuit, witness, 2, at, rest - by);
}

#[test]
fn sums_are_rounded_as_float32_rounds_them() {
    let mut random = Random(3);
    for range in [(-(1_i128 << 34), 1 << 34), (0, 1 << 33), (-5, 3), (1 << 24, 1 << 24)] {
        let binades = Binade::all(range);
        let edges = (0..36).flat_map(|bit| (-9..9).map(move |by| (1_i128 << bit) + by));
        let halves = (23..34).flat_map(|bit| {
            // Halfway between neighbours, at both ends of a binade and in the middle.
            let half = 1_i128 << (bit - 23) >> 1;
            [1 << bit, 3 << (bit - 1), 2 << bit].into_iter().flat_map(move |at: i128| {
                (-6..6).flat_map(move |odd| [-1, 0, 1].map(|by| at + odd * half + by))
            })
        });
        let any = (0..2000).map(|_| i128::from(random.below(1 << 31) * 8 + random.below(8)));
        let all = edges.chain(halves).chain(any);
        for sum in all.flat_map(|sum| [sum, -sum]).filter(|sum| (range.0..=range.1).contains(sum)) {
            let of_it: Vec<_> = (binades.iter())
                .filter(|binade| {
                    (binade.low..binade.low + QUOTIENTS * binade.stride).contains(&sum)
                })
                .collect();
            assert_eq!(of_it.len(), 1, "{sum} is in one binade of {range:?}");
            let (rest, number) = of_it[0].find(sum);
            let entry = of_it[0].entries().nth(usize::try_from(rest).unwrap()).unwrap();
            assert_eq!(entry.start - MARK + entry.length * number, sum);
            assert!((0..QUOTIENTS).contains(&number));
            let rounded = sum + i128::from(entry.byte) - LIFT;
            assert_eq!(rounded, sum as f32 as i128, "{sum}");
        }
    }
}

#[test]
fn pools_are_proved_bit_for_bit() {
    let mut random = Random(1);
    for case in cases() {
        let (model, circuit) = (case.model(), case.circuit());
        for (number, input) in case.inputs(&mut random, 30).into_iter().enumerate() {
            let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
            let reference = model.evaluate(&[input]).expect("the model evaluates");
            assert_eq!(witness.outputs, reference.tensor(model.outputs[0].tensor), "{case:?}");
            if number == 3 {
                assert_eq!(broken(&circuit, witness), [""; 0], "{case:?}");
            }
        }
    }
}

#[test]
fn tensor_that_others_take_keeps_its_bytes() {
    // The pool takes the table's outputs under another shape, the model's output takes them too.
    let mut model = ties().model();
    let graph = &mut model.graph;
    let [table, pool] = &mut graph.nodes[..] else { panic!("a table and a pool") };
    let reshaped = TensorId(graph.tensors.len());
    graph.tensors.push(graph.tensors[1].clone());
    let view = |view| Operator::View(view);
    let mut reshape = table.clone();
    reshape.operator = view(View::Reshape);
    (reshape.inputs, reshape.output) = (vec![table.output], reshaped);
    pool.inputs = vec![reshaped];
    let mut both = pool.clone();
    let elements = [(0, 12), (1, 48)]
        .into_iter()
        .flat_map(|(input, len)| (0..len).map(move |index| ViewElement::Input { input, index }));
    both.operator = view(View::Elements(elements.collect()));
    both.inputs = vec![pool.output, table.output];
    both.output = TensorId(graph.tensors.len());
    let mut tensor = graph.tensors[2].clone();
    tensor.shape = vec![60];
    graph.tensors.push(tensor);
    model.outputs[0].tensor = both.output;
    graph.nodes.insert(1, reshape);
    graph.nodes.push(both);
    let circuit = NetCircuit::new(&model, Wishes::default()).expect("the model has a circuit");
    let witness = honest(&circuit);
    let input: Vec<i32> = (0..48).map(|i| i * 37 % 256 - 128).collect();
    let reference = model.evaluate(&[input]).expect("the model evaluates");
    assert_eq!(witness.outputs, reference.tensor(model.outputs[0].tensor));
    assert_eq!(broken(&circuit, witness), [""; 0]);
}

#[test]
fn only_sums_that_float32_rounds_take_rows() {
    let adds = |case: &Case| {
        let circuit = case.circuit();
        assert_eq!(circuit.plan().shape.averages, circuit.compiled.net.float_sums.is_some());
        rows(&circuit, |kind| matches!(kind, Kind::Adds { .. })).len()
    };
    // Two of the four elements' additions are rounded apart from the output, of 12 windows.
    assert_eq!(adds(&ties()), 24);
    assert_eq!(adds(&Case { scales: [0.125, 0.125], ..ties() }), 0);
    assert_eq!(adds(&Case { kernel: [1, 2], strides: [1, 2], ..ties() }), 0);
}

#[test]
fn gates_have_the_degree_that_there_is_room_for() {
    let mut system = ConstraintSystem::default();
    NetCircuit::configure_with_params(&mut system, ties().circuit().params());
    assert!(system.degree() <= crate::circuit::LARGEST_DEGREE);
}

fn honest(circuit: &NetCircuit) -> Witness {
    let input: Vec<i32> = (0..48).map(|i| i * 37 % 256 - 128).collect();
    circuit.witness(&input, Fr::from(5)).expect("an input of the model")
}

/// Rows that round, of windows whose sums are large enough for it, with the progression's stride.
fn rounding(circuit: &NetCircuit, witness: &Witness) -> Vec<(usize, i128)> {
    let rows = rows(circuit, |kind| matches!(kind, Kind::Adds { .. })).into_iter();
    let lengths = &witness.steps.as_ref().expect("there are intervals")[1];
    rows.map(|at| (at, integer(lengths[at]))).filter(|&(_, stride)| stride > 2).collect()
}

#[test]
fn output_off_by_one_is_refused() {
    let mut random = Random(9);
    for case in cases() {
        let circuit = case.circuit();
        let input = case.inputs(&mut random, 1).pop().expect("one was asked for");
        let honest = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
        let net = &circuit.compiled.net;
        let outputs: Vec<usize> = (circuit.plan().layout.rows.iter().enumerate())
            .filter(|(_, row)| {
                matches!(row.content, Content::Cell { block, .. } if block as usize == net.output)
            })
            .map(|(at, _)| at)
            .collect();
        for by in [-1_i128, 1] {
            let mut witness = honest.clone();
            // The first output, and the word that it begins.
            let (at, last) = (outputs[0], witness.instances.len() - 1);
            let last_words = net.blocks[net.output].len.div_ceil(crate::circuit::BYTES_PER_WORD);
            witness.instances[last + 1 - last_words] += field(by);
            if matches!(net.blocks[net.output].cells[0].kind, Kind::Made { .. }) {
                let row = table_row(&witness, at).checked_add_signed(isize::try_from(by).unwrap());
                if circuit.plan().fitted.intervals.is_some() {
                    reread(&circuit, &mut witness, at, row.expect("not the table's end"));
                }
            } else {
                let limb = witness.limbs[0][at] + field(by);
                relimb(&mut witness, 0, at, limb);
            }
            assert_ne!(broken(&circuit, witness), [""; 0], "{case:?}");
        }
    }
}

#[test]
fn neighbouring_output_of_a_mean_is_refused() {
    let circuit = ties().circuit();
    for at in rows(&circuit, |kind| matches!(kind, Kind::Average { .. })).into_iter().take(3) {
        for by in [-1, 1] {
            // The interval's row is another one, and its limbs are as they were, or make the same sum.
            let mut witness = honest(&circuit);
            let row = table_row(&witness, at).checked_add_signed(by).expect("not the first");
            reread(&circuit, &mut witness, at, row);
            let names = broken(&circuit, witness.clone());
            assert!(names.iter().any(|name| name.contains(IS_TAKEN)), "{names:?}");

            let steps = circuit.plan().fitted.intervals.as_ref().expect("there are intervals");
            let moved =
                steps[row.checked_add_signed(-by).expect("not the first")].start - steps[row].start;
            let z = pair(&circuit, &witness, 0, at) + moved;
            let low = field(z) - witness.limbs[1][at] * field(circuit.plan().shape.base());
            relimb(&mut witness, 0, at, low);
            let low = field(steps[row].length - 1 - z)
                - witness.limbs[3][at] * field(circuit.plan().shape.base());
            relimb(&mut witness, 2, at, low);
            let names = broken(&circuit, witness);
            assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
        }
    }
}

#[test]
fn other_rounding_is_refused() {
    let circuit = ties().circuit();
    let honest = honest(&circuit);
    // The last rounded sum of a window becomes the float next to it, and the last row goes on from there.
    let is_last = |at: usize| circuit.compiled.fixed.rows[at + 1].steps;
    let fits = |at: usize, by| pair(&circuit, &honest, 2, at + 1) >= by;
    let (at, stride) = (rounding(&circuit, &honest).into_iter())
        .find(|&(at, stride)| is_last(at) && fits(at, stride / 2))
        .expect("some interval is long enough");
    let mut witness = honest.clone();
    witness.byte[at] += field(stride / 2);
    nudge(&circuit, &mut witness, at + 1, stride / 2);
    assert_breaks_only(&broken(&circuit, witness), IS_AN_ENTRY);
}

#[test]
fn other_stride_is_refused() {
    let circuit = ties().circuit();
    let mut witness = honest(&circuit);
    let (at, _) = rounding(&circuit, &witness)[0];
    // A start that makes up for it: the same sum, rounded alike.
    let quotient = pair(&circuit, &witness, 0, at);
    let steps = witness.steps.as_mut().expect("there are intervals");
    steps[0][at] -= field(quotient);
    steps[1][at] += Fr::one();
    assert_breaks_only(&broken(&circuit, witness), IS_AN_ENTRY);
}

#[test]
fn start_that_makes_up_for_a_stride_is_refused() {
    let circuit = ties().circuit();
    let honest = honest(&circuit);
    // The next row of the table, which rounds by one less, with parts that make the same sum and, added up
    // as those of intervals are in circuits without float32 sums, the same entry.
    let (at, stride) = (rounding(&circuit, &honest).into_iter())
        .find(|&(at, _)| {
            circuit.compiled.fixed.rows[at + 1].steps && pair(&circuit, &honest, 0, at + 1) > 0
        })
        .expect("some interval is long enough");
    let factor = field(i128::from(LENGTH_FACTOR));
    let row = table_row(&honest, at);
    let entries = circuit.plan().fitted.intervals.as_ref().expect("there are intervals");
    assert_eq!(entries[row + 1].byte + 1, entries[row].byte);
    let mut witness = honest;
    reread(&circuit, &mut witness, at, row + 1);
    let quotient = field(pair(&circuit, &witness, 0, at));
    let steps = witness.steps.as_mut().expect("there are intervals");
    // One less than the start that was read: stride·z is the same.
    let by = (factor - quotient).invert().expect("no sum is that long");
    steps[0][at] -= factor * by;
    steps[1][at] += by;
    assert_eq!(
        steps[0][at] + steps[1][at] * quotient,
        field(entries[row].start) + field(stride) * quotient
    );
    nudge(&circuit, &mut witness, at + 1, -1);
    assert_breaks_only(&broken(&circuit, witness), IS_AN_ENTRY);
}

#[test]
fn progression_of_another_binade_is_refused() {
    let circuit = ties().circuit();
    let honest = honest(&circuit);
    let binades = &circuit.plan().fitted.binades;
    let number = |row: usize| binades.partition_point(|&(first, _)| first <= row) - 1;
    let (at, binade, sum) = (rounding(&circuit, &honest).into_iter())
        .find_map(|(at, stride)| {
            let row = table_row(&honest, at);
            let (first, binade) = binades[number(row)];
            let rest = i128::try_from(row - first).expect("a short table");
            let sum = binade.low + rest + stride * pair(&circuit, &honest, 0, at);
            // Sums that are floats in any binade below: only the quotient tells.
            (binade.correction(rest) == 0 && rest % 2 == 0).then_some((at, number(row), sum))
        })
        .expect("some sum is a float");
    let (first, below) = binades[binade - 1];
    let (rest, quotient) = below.find(sum);
    assert!(quotient >= QUOTIENTS);
    let mut witness = honest;
    reread(&circuit, &mut witness, at, first + usize::try_from(rest).unwrap());
    relimb_pair(&circuit, &mut witness, 0, at, quotient);
    let mut other = witness.clone();
    assert_breaks_only(&broken(&circuit, witness), "the quotient of a sum is below 2^22");

    // What is left of 2^22 below 0.
    relimb(&mut other, 3, at, Fr::zero());
    relimb(&mut other, 2, at, field(QUOTIENTS - 1 - quotient));
    assert_breaks_only(&broken(&circuit, other), IS_AN_ENTRY);
}

#[test]
fn interval_in_place_of_a_progression_is_refused() {
    let circuit = ties().circuit();
    for progression in [false, true] {
        let mut witness = honest(&circuit);
        let (at, _) = rounding(&circuit, &witness)[0];
        let last = rows(&circuit, |kind| matches!(kind, Kind::Average { .. }))[0];
        if progression {
            // An interval's row reads a progression.
            let row = circuit.plan().fitted.binades[0].0;
            reread(&circuit, &mut witness, last, row);
        } else {
            reread(&circuit, &mut witness, at, 3);
        }
        let names = broken(&circuit, witness);
        assert!(names.iter().any(|name| name.contains(IS_TAKEN)), "{names:?}");
    }
}

#[test]
fn value_in_place_of_a_progression_is_refused() {
    let circuit = ties().circuit();
    // A sum of 0 is start + stride·z of every row without an interval, which would have it "rounded" to
    // that row's value.
    let honest = circuit.witness(&[-128; 48], Fr::from(5)).expect("an input of the model");
    let at = rows(&circuit, |kind| matches!(kind, Kind::Average { .. }))[0] - 1;
    let fitted = &circuit.plan().fitted;
    let intervals = fitted.intervals.as_ref().expect("there are intervals");
    let room = pair(&circuit, &honest, 2, at + 1);
    let row = (0..fitted.table_rows)
        .find(|&row| {
            (1..room).contains(&(i128::from(fitted.table[row]) - LIFT)) && intervals[row].start == 0
        })
        .expect("some term is above 2^20");
    let mut witness = honest;
    reread(&circuit, &mut witness, at, row);
    nudge(&circuit, &mut witness, at + 1, i128::from(fitted.table[row]) - LIFT);
    assert_breaks_only(&broken(&circuit, witness), IS_TAKEN);
}

#[test]
fn other_terms_are_refused() {
    let circuit = ties().circuit();
    let mut witness = honest(&circuit);
    // One more in the element's own row, and the last sum of its window.
    let own = rows(&circuit, |kind| matches!(kind, Kind::Made { .. }))[0];
    witness.byte[own] += Fr::one();
    let names = broken(&circuit, witness);
    assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
}

#[test]
fn held_row_is_held() {
    let case = ties();
    let net = Net::new(&case.model(), false).expect("the model is a net");
    let mut plan = Plan::new(&net, Wishes::default()).expect("it fits");
    let is_last = |row: &Row| match row.content {
        Content::Cell { block, cell } => {
            matches!(net.blocks[block as usize].cells[cell as usize].kind, Kind::Average { .. })
        }
        _ => false,
    };
    // As if a cursor needed another move.
    let holds: Vec<usize> = plan
        .layout
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| is_last(row))
        .map(|(at, _)| at)
        .collect();
    for &at in holds.iter().rev() {
        let hold = Row {
            content: Content::Hold,
            moves: [0; CURSORS],
            takes: false,
            starts: false,
            packs: None,
            ends_word: false,
        };
        plan.layout.rows.insert(at, hold);
    }
    let circuit = NetCircuit::compile(net, plan);
    let honest = honest(&circuit);
    assert_eq!(broken(&circuit, honest.clone()), [""; 0]);

    // Another sum than the one that was rounded, and a last row that goes on from it.
    let lengths = &honest.steps.as_ref().expect("there are intervals")[1];
    let holds = || holds.iter().enumerate().map(|(number, at)| at + number);
    let fits = |at: usize, by: i128| {
        let [z, rest] = [0, 2].map(|first| pair(&circuit, &honest, first, at + 1));
        z + by >= 0 && rest >= by
    };
    let base = circuit.plan().shape.base();
    for (limb, factor, sentence) in
        [(0, 1, "the value is held"), (1, base, "the value beside it is held")]
    {
        let at = holds().find(|&at| fits(at, factor * integer(lengths[at])));
        let at = at.expect("some interval is long enough");
        let mut witness = honest.clone();
        nudge(&circuit, &mut witness, at + 1, factor * integer(lengths[at]));
        let more = witness.limbs[limb][at] + Fr::one();
        relimb(&mut witness, limb, at, more);
        assert_breaks_only(&broken(&circuit, witness), sentence);
    }
    let entry = |row: usize| {
        let entry = circuit.plan().fitted.intervals.as_ref().expect("there are intervals")[row];
        entry.start + i128::from(entry.byte)
    };
    // The next sum of a progression's neighbours.
    let moved = |at: usize| {
        let row = table_row(&honest, at);
        let stride = usize::try_from(integer(lengths[at])).expect("a stride");
        let other = row + stride / 2;
        let entries = circuit.plan().fitted.intervals.as_ref().expect("there are intervals");
        let alike = entries[other].length == entries[row].length;
        let by = entry(other) - entry(row);
        (alike && by != 0 && fits(at, by)).then_some((at, other, by))
    };
    let (at, other, by) = holds().find_map(moved).expect("some sum has a neighbour");
    let mut witness = honest.clone();
    nudge(&circuit, &mut witness, at + 1, by);
    reread(&circuit, &mut witness, at, other);
    assert_breaks_only(&broken(&circuit, witness), "the row read is held");
}

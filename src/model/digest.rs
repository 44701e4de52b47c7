//! The 32-byte name of a model: what its instances mean, and how its outputs follow from its inputs.
//!
//! `docs/model-digest.md` writes the description down that is hashed. Names and order of nodes are left out,
//! and so is all that no output depends on: an exporter chooses these anew each time. Whatever changes an answer
//! or its meaning is in it: operators with their constants, shapes, types, scales, zero points, the names of
//! inputs and outputs, and what a proof tells of them.

use super::{
    Add, AddOrder, ArgMax, Arithmetic, AveragePool, Code, Codes, Conv, ConvTranspose, Gemm, Graph,
    LayerNormalization, MatMul, MaxPool, Mean, Missing, Model, Mul, Operand, Operator, Port,
    Preparation, PreparationStep, Quantization, Reduce, ReduceMax, Requantization, Rescale,
    Softmax, Table, Tables, TensorId, View, ViewElement, Visibility, Window,
};
use sha3::{Digest, Keccak256};

/// A Keccak-256 hash.
type Hash = [u8; 32];

impl Model {
    /// The model's digest. `visibility` says what a proof tells of each input, then of each output; what it does
    /// not say of the last ones is public.
    pub fn digest(&self, visibility: &[Visibility]) -> [u8; 32] {
        self.description(visibility).finish()
    }

    /// What the digest is of, for whoever has more to say of it.
    pub(crate) fn description(&self, visibility: &[Visibility]) -> Description {
        let tensors = self.graph.tensor_hashes(&self.inputs);
        let mut description = Description::new("zkverdict model 1");
        let mut visibility = visibility.iter().copied();
        for ports in [&self.inputs, &self.outputs] {
            description.number(ports.len());
            for port in ports {
                description.text(&port.name);
                description.hash(tensors[port.tensor.0]);
                if !port.labels.is_empty() {
                    description.text("labels");
                    description.number(port.labels.len());
                    port.labels.iter().for_each(|label| description.text(label));
                }
                description.text(visibility.next().unwrap_or_default().name());
            }
        }
        description
    }
}

impl Graph {
    /// The hash of each tensor: of what it is and how it is made.
    fn tensor_hashes(&self, inputs: &[Port]) -> Vec<Hash> {
        let mut hashes = vec![Hash::default(); self.tensors.len()];
        for port in inputs {
            let mut description = self.describe(port.tensor);
            description.text("input");
            description.text(&port.name);
            if let Some(preparation) = &port.preparation {
                description.preparation(preparation);
            }
            hashes[port.tensor.0] = description.finish();
        }
        // Nodes come after those that make their inputs.
        for node in &self.nodes {
            let mut description = self.describe(node.output);
            description.operator(&node.operator);
            description.number(node.inputs.len());
            node.inputs.iter().for_each(|input| description.hash(hashes[input.0]));
            hashes[node.output.0] = description.finish();
        }
        hashes
    }

    fn describe(&self, tensor: TensorId) -> Description {
        let tensor = &self.tensors[tensor.0];
        let mut description = Description::new("zkverdict tensor 1");
        description.numbers(tensor.shape.iter().copied());
        let Quantization { scale, zero_point, element } = tensor.quantization;
        description.text(element.name());
        description.float(scale);
        description.integer(zero_point);
        description
    }
}

/// What is hashed. Every part of variable length begins with its length, so that no two descriptions are the
/// same bytes.
pub(crate) struct Description(Keccak256);

impl Description {
    fn new(what: &str) -> Self {
        let mut description = Self(Keccak256::new());
        description.text(what);
        description
    }

    /// The hash of an operator with its constants alone.
    pub(super) fn of_operator(operator: &Operator) -> Hash {
        let mut description = Self::new("zkverdict operator");
        description.operator(operator);
        description.finish()
    }

    pub(crate) fn finish(self) -> Hash {
        self.0.finalize().into()
    }

    /// 16 bytes, two's complement, big endian: as all integers.
    fn wide(&mut self, value: i128) {
        self.0.update(value.to_be_bytes());
    }

    fn integer(&mut self, value: impl Into<i64>) {
        self.wide(value.into().into());
    }

    pub(crate) fn number(&mut self, value: usize) {
        self.wide(i128::try_from(value).expect("usize is at most 64 bits"));
    }

    fn float(&mut self, value: f32) {
        self.integer(value.to_bits());
    }

    fn flag(&mut self, value: bool) {
        self.integer(i32::from(value));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.update(text);
    }

    fn hash(&mut self, hash: Hash) {
        self.0.update(hash);
    }

    pub(crate) fn numbers(&mut self, values: impl ExactSizeIterator<Item = usize>) {
        self.number(values.len());
        values.for_each(|value| self.number(value));
    }

    fn integers<T: Copy + Into<i128>>(&mut self, values: &[T]) {
        self.number(values.len());
        values.iter().for_each(|&value| self.wide(value.into()));
    }

    fn requantization(&mut self, requantization: &Requantization) {
        let Requantization { multipliers, zero_point, min, max } = requantization;
        self.number(multipliers.len());
        multipliers.iter().for_each(|&multiplier| self.float(multiplier));
        [zero_point, min, max].into_iter().for_each(|&value| self.integer(value));
    }

    fn window(&mut self, window: &Window) {
        let Window { input, output, kernel, strides, dilations, pads } = window;
        for pair in [input, output, kernel, strides, dilations, pads] {
            pair.iter().for_each(|&value| self.number(value));
        }
    }

    fn mean(&mut self, mean: &Mean) {
        let Mean { scale, output_scale, zero_point, round_last, min, max } = mean;
        [scale, output_scale].into_iter().for_each(|&value| self.float(value));
        self.integer(*zero_point);
        self.flag(*round_last);
        [min, max].into_iter().for_each(|&value| self.integer(value));
    }

    fn operand(&mut self, operand: &Operand) {
        match operand {
            Operand::Tensor => self.text("tensor"),
            Operand::Constant(values) => {
                self.text("constant");
                self.integers(values);
            }
        }
    }

    fn table(&mut self, Table { values }: &Table) {
        self.integers(values);
    }

    /// How a float input becomes what is quantized.
    fn preparation(&mut self, preparation: &Preparation) {
        self.text("prepared");
        self.number(preparation.steps().len());
        for PreparationStep { arithmetic, constants } in preparation.steps() {
            self.text(match arithmetic {
                Arithmetic::Add => "add",
                Arithmetic::Subtract => "subtract",
                Arithmetic::SubtractFrom => "subtract from",
                Arithmetic::Multiply => "multiply",
                Arithmetic::Divide => "divide",
                Arithmetic::Fill => "fill",
            });
            self.floats(constants);
        }
        let codes = preparation.codes();
        self.flag(codes.is_some());
        if let Some(Codes { shape, elements }) = codes {
            self.numbers(shape.iter().copied());
            elements.iter().for_each(|code| self.code(code));
        }
    }

    fn code(&mut self, code: &Code) {
        match code {
            Code::Rank { thresholds, missing } => {
                self.text("rank");
                self.floats(thresholds);
                self.text(match missing {
                    Missing::BelowAll => "missing below all",
                    Missing::AboveAll => "missing above all",
                    Missing::Apart => "missing apart",
                });
            }
            Code::Whole(end) => {
                self.text("whole");
                self.number(*end);
            }
            Code::Parts { scale, rest } => {
                self.text("parts");
                self.float(*scale);
                self.float(*rest);
            }
            Code::Category(names) => {
                self.text("category");
                self.number(names.len());
                names.iter().for_each(|name| self.text(name));
            }
        }
    }

    fn floats(&mut self, values: &[f32]) {
        self.number(values.len());
        values.iter().for_each(|&value| self.float(value));
    }

    /// The operator's name, then its fields as they are declared.
    fn operator(&mut self, operator: &Operator) {
        match operator {
            Operator::Gemm(gemm) => {
                let Gemm { inputs, outputs, weights, bias, requantization } = gemm;
                self.text("Gemm");
                [inputs, outputs].into_iter().for_each(|&value| self.number(value));
                [weights, bias].into_iter().for_each(|values| self.integers(values));
                self.requantization(requantization);
            }
            Operator::Table(table) => {
                self.text("Table");
                self.table(table);
            }
            Operator::Tables(Tables { tables, selector }) => {
                self.text("Tables");
                self.number(tables.len());
                tables.iter().for_each(|table| self.table(table));
                self.integers(selector);
            }
            Operator::Conv(conv) => {
                let Conv { batch, inputs, outputs, group, window, weights, bias, requantization } =
                    conv;
                self.text("Conv");
                [batch, inputs, outputs, group].into_iter().for_each(|&value| self.number(value));
                self.window(window);
                [weights, bias].into_iter().for_each(|values| self.integers(values));
                self.requantization(requantization);
            }
            Operator::ConvTranspose(conv) => {
                let ConvTranspose {
                    batch,
                    inputs,
                    outputs,
                    group,
                    window,
                    weights,
                    bias,
                    requantization,
                } = conv;
                self.text("ConvTranspose");
                [batch, inputs, outputs, group].into_iter().for_each(|&value| self.number(value));
                self.window(window);
                [weights, bias].into_iter().for_each(|values| self.integers(values));
                self.requantization(requantization);
            }
            Operator::MatMul(MatMul { batch, rows, inner, columns, requantization }) => {
                self.text("MatMul");
                [batch, rows, inner, columns].into_iter().for_each(|&value| self.number(value));
                self.requantization(requantization);
            }
            Operator::Add(Add { operand, left, right, fixed, order, min, max }) => {
                self.text("Add");
                self.operand(operand);
                [left, right, fixed].into_iter().for_each(|&value| self.float(value));
                self.text(match order {
                    AddOrder::LeftLast => "left last",
                    AddOrder::RightLast => "right last",
                });
                [min, max].into_iter().for_each(|&value| self.integer(value));
            }
            Operator::Mul(mul) => {
                let Mul { operand, operand_zero_point, multiplier, zero_point, min, max } = mul;
                self.text("Mul");
                self.operand(operand);
                self.integer(*operand_zero_point);
                self.float(*multiplier);
                [zero_point, min, max].into_iter().for_each(|&value| self.integer(value));
            }
            Operator::MaxPool(MaxPool { planes, window }) => {
                self.text("MaxPool");
                self.number(*planes);
                self.window(window);
            }
            Operator::AveragePool(AveragePool { planes, window, count_include_pad, mean }) => {
                self.text("AveragePool");
                self.number(*planes);
                self.window(window);
                self.flag(*count_include_pad);
                self.mean(mean);
            }
            Operator::Reduce(Reduce { outer, length, inner, rescale }) => {
                self.text("Reduce");
                [outer, length, inner].into_iter().for_each(|&value| self.number(value));
                match rescale {
                    Rescale::Requantization(requantization) => {
                        self.text("requantization");
                        self.requantization(requantization);
                    }
                    Rescale::Mean(mean, count) => {
                        self.text("mean");
                        self.mean(mean);
                        self.number(*count);
                    }
                }
            }
            Operator::ReduceMax(ReduceMax { outer, length, inner }) => {
                self.text("ReduceMax");
                [outer, length, inner].into_iter().for_each(|&value| self.number(value));
            }
            Operator::ArgMax(ArgMax { outer, length, inner, select_last }) => {
                self.text("ArgMax");
                [outer, length, inner].into_iter().for_each(|&value| self.number(value));
                self.flag(*select_last);
            }
            Operator::View(View::Reshape) => self.text("Reshape"),
            Operator::View(View::Elements(elements)) => {
                self.text("Elements");
                self.number(elements.len());
                for element in elements {
                    match *element {
                        ViewElement::Input { input, index } => {
                            self.integer(0);
                            [input, index].into_iter().for_each(|value| self.integer(value));
                        }
                        ViewElement::Constant(value) => {
                            self.integer(1);
                            self.integer(value);
                        }
                    }
                }
            }
            Operator::Softmax(softmax) => {
                let Softmax { rows, length, exponentials, levels, zero_point, min, max } = softmax;
                self.text("Softmax");
                [rows, length].into_iter().for_each(|&value| self.number(value));
                self.integers(exponentials);
                self.integer(*levels);
                [zero_point, min, max].into_iter().for_each(|&value| self.integer(value));
            }
            Operator::LayerNormalization(normalization) => {
                let LayerNormalization {
                    rows,
                    length,
                    variance_factor,
                    epsilon,
                    root_bits,
                    gain,
                    offset,
                    shift,
                    min,
                    max,
                } = normalization;
                self.text("LayerNormalization");
                [rows, length].into_iter().for_each(|&value| self.number(value));
                [variance_factor, epsilon].into_iter().for_each(|&value| self.integer(value));
                self.integer(*root_bits);
                self.integers(gain);
                self.integers(offset);
                self.integer(*shift);
                [min, max].into_iter().for_each(|&value| self.integer(value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Node;
    use std::path::Path;

    fn model(name: &str, variant: &str) -> Model {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/fixtures/models").join(name);
        let onnx = std::fs::read(folder.join(format!("{variant}.onnx"))).unwrap();
        Model::from_onnx(name, &onnx).unwrap()
    }

    /// The same integers with other zero points are another model.
    #[test]
    fn variants_that_mean_different_things_have_different_digests() {
        let digest = |variant: &str| model("digits_mlp", variant).digest(&[]);
        assert_ne!(digest("int8_qdq"), digest("uint8act_qdq"));
        assert_ne!(digest("int8_qop"), digest("uint8act_qop"));
    }

    /// One model in two of ONNX's formats is one model, under whatever name.
    #[test]
    fn format_and_name_of_a_file_do_not_matter() {
        for name in ["credit_logreg", "diagnosis_mlp", "digits_mlp"] {
            let [mut qdq, qop] = ["int8_qdq", "int8_qop"].map(|variant| model(name, variant));
            assert_eq!(qdq.digest(&[]), qop.digest(&[]), "{name}");
            "another".clone_into(&mut qdq.name);
            assert_eq!(qdq.digest(&[]), qop.digest(&[]), "{name}");
        }
    }

    /// As an exporter renames and reorders what is inside.
    #[test]
    fn names_and_order_of_nodes_do_not_matter() {
        let honest = model("lenet5", "int8_qop");
        let mut renamed = honest.clone();
        for (index, tensor) in renamed.graph.tensors.iter_mut().enumerate() {
            tensor.name = format!("tensor {index}");
        }
        renamed.graph.nodes.iter_mut().for_each(|node| node.name.clear());
        assert_eq!(renamed.digest(&[]), honest.digest(&[]));
        // All tensors in the opposite order.
        let mut moved = honest.clone();
        let last = moved.graph.tensors.len() - 1;
        moved.graph.tensors.reverse();
        let reverse = |id: &mut TensorId| id.0 = last - id.0;
        for Node { inputs, output, .. } in &mut moved.graph.nodes {
            inputs.iter_mut().for_each(reverse);
            reverse(output);
        }
        moved
            .inputs
            .iter_mut()
            .chain(&mut moved.outputs)
            .for_each(|port| reverse(&mut port.tensor));
        assert_eq!(moved.digest(&[]), honest.digest(&[]));
        // A node that nothing depends on.
        let mut idle = honest.clone();
        idle.graph.tensors.push(idle.graph.tensors[0].clone());
        let output = TensorId(last + 1);
        let mut node = idle.graph.nodes[0].clone();
        node.output = output;
        idle.graph.nodes.push(node);
        assert_eq!(idle.digest(&[]), honest.digest(&[]));
    }

    #[test]
    fn how_inputs_are_prepared_and_outputs_called_is_part_of_their_meaning() {
        let plain = model("credit_logreg", "int8_qop");
        let with = |preparation| {
            let mut prepared = plain.clone();
            prepared.inputs[0].preparation = Some(preparation);
            prepared.digest(&[])
        };
        let step = |arithmetic, constant| {
            Preparation::new(vec![PreparationStep { arithmetic, constants: vec![constant] }])
        };
        let coded = |elements| Preparation::coded(Codes { shape: vec![1, 2], elements });
        let ranks = |thresholds: [&[f32]; 2], missing| {
            let rank = |own: &[f32]| Code::Rank { thresholds: own.to_vec(), missing };
            coded(thresholds.map(rank).to_vec())
        };
        let labelled = |labels: &[&str]| {
            let mut labelled = plain.clone();
            labelled.outputs[0].labels = labels.iter().map(ToString::to_string).collect();
            labelled.digest(&[])
        };
        let digests = [
            plain.digest(&[]),
            with(step(Arithmetic::Fill, 1.0)),
            with(step(Arithmetic::Subtract, 1.0)),
            with(step(Arithmetic::Subtract, 2.0)),
            with(step(Arithmetic::Add, 1.0)),
            with(ranks([&[1.0, 2.0], &[]], Missing::BelowAll)),
            with(ranks([&[1.0], &[2.0]], Missing::BelowAll)),
            with(ranks([&[1.0], &[2.0]], Missing::Apart)),
            with(coded(vec![Code::Category(vec!["own".into(), "rent".into()])])),
            with(coded(vec![Code::Category(vec!["rent".into(), "own".into()])])),
            with(coded(vec![Code::Whole(2)])),
            with(coded(vec![Code::Whole(3)])),
            with(coded(vec![Code::Parts { scale: 1.0, rest: 0.5 }])),
            with(coded(vec![Code::Parts { scale: 1.0, rest: 0.25 }])),
            with(coded(vec![Code::Parts { scale: 2.0, rest: 0.25 }])),
            with(Preparation::default()),
            labelled(&["no", "yes"]),
            labelled(&["yes", "no"]),
        ];
        for (index, digest) in digests.iter().enumerate() {
            assert!(!digests[..index].contains(digest), "{index}");
        }
    }

    #[test]
    fn whatever_changes_an_answer_or_its_meaning_changes_the_digest() {
        let honest = model("credit_logreg", "int8_qdq");
        let mut changed: Vec<(&str, Model)> = Vec::new();
        let mut change = |what, change: &dyn Fn(&mut Model)| {
            let mut model = honest.clone();
            change(&mut model);
            changed.push((what, model));
        };
        let gemm = |model: &mut Model, change: &dyn Fn(&mut crate::model::Gemm)| {
            let operators = model.graph.nodes.iter_mut().map(|node| &mut node.operator);
            let mut gemms = operators.filter_map(|operator| match operator {
                Operator::Gemm(gemm) => Some(gemm),
                _ => None,
            });
            change(gemms.next().expect("a dense layer"));
        };
        let input = honest.inputs[0].tensor.0;
        // The attack that had the honest digest: one applicant scores 0.984 or 0.698.
        change("input scale", &|m| m.graph.tensors[input].quantization.scale *= 16.0);
        change("zero point", &|m| m.graph.tensors[input].quantization.zero_point += 1);
        change("shape", &|m| m.graph.tensors[input].shape.insert(0, 1));
        change("input name", &|m| m.inputs[0].name.push('x'));
        change("output name", &|m| m.outputs[0].name.push('x'));
        change("outputs", &|m| m.outputs.push(m.outputs[0].clone()));
        change("weight", &|m| gemm(m, &|gemm| gemm.weights[3] += 1));
        change("negated", &|m| gemm(m, &|gemm| gemm.weights.iter_mut().for_each(|w| *w = -*w)));
        change("bias", &|m| gemm(m, &|gemm| gemm.bias[0] += 1));
        change("multiplier", &|m| gemm(m, &|gemm| gemm.requantization.multipliers[0] *= 2.0));
        change("clamp", &|m| gemm(m, &|gemm| gemm.requantization.max -= 1));
        let output = honest.outputs[0].tensor.0;
        change("output scale", &|m| m.graph.tensors[output].quantization.scale *= 2.0);
        let mut digests: Vec<(&str, Hash)> =
            changed.iter().map(|(what, model)| (*what, model.digest(&[]))).collect();
        digests.push(("honest", honest.digest(&[])));
        for visibility in [Visibility::Private, Visibility::Hashed, Visibility::Committed] {
            digests.push(("visibility", honest.digest(&[visibility])));
        }
        assert_eq!(honest.digest(&[Visibility::Public; 2]), honest.digest(&[]));
        for (index, (what, digest)) in digests.iter().enumerate() {
            for (other, same) in &digests[..index] {
                assert_ne!(digest, same, "{what} and {other}");
            }
        }
    }
}

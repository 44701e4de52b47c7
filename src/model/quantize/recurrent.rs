//! Unrolls recurrent layers of a float model: each step has operators and scales of its own.

use super::parts::{Parts, Shapes, Taken, attribute, int, int_of};
use crate::model::onnx::NodeProto;

/// More steps make a graph that nobody waits for.
const MOST_STEPS: usize = 256;

/// One direction of a layer.
struct Direction<'a> {
    node: &'a NodeProto,
    /// Inputs and state of one step.
    sizes: [usize; 2],
    /// `[gates · state][inputs]`, `[gates · state][state]`.
    weights: [&'a [f32]; 2],
    /// For each of them, `[gates · state]`.
    bias: [Vec<f32>; 2],
    /// Of an LSTM, what its cell counts at the gates input, output and forget, if it does.
    peepholes: Option<&'a [f32]>,
}

/// Takes an LSTM, GRU or RNN apart.
pub(super) fn unroll(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let gates = match node.op_type.as_str() {
        "LSTM" => 4,
        "GRU" => 3,
        _ => 1,
    };
    let name = |position: usize| node.input.get(position).filter(|name| !name.is_empty());
    let x = name(0)?;
    let shape = shapes.of(x)?;
    let &[steps, batch, inputs] = shape.as_slice() else { return None };
    let (w, r) = (shapes.constant(name(1)?)?, shapes.constant(name(2)?)?);
    let &[directions, rows, state] = r.shape.as_slice() else { return None };
    let bias = match name(3) {
        Some(bias) => shapes.constant(bias)?.values,
        None => vec![0.0; directions * 2 * rows],
    };
    let peepholes = match name(7) {
        Some(name) => Some(shapes.constant(name)?.values),
        None => None,
    };
    // Initial states are 0 where nothing is said.
    let is_zero = |position: usize| match name(position) {
        None => true,
        Some(name) => {
            shapes.constant(name).is_some_and(|own| own.values.iter().all(|&value| value == 0.0))
        }
    };
    // Lengths say nothing where they are those of all steps.
    let all_steps = |name: &String| {
        let lengths = shapes.integers(name);
        lengths.is_some_and(|own| own.iter().all(|&own| usize::try_from(own) == Ok(steps)))
    };
    let expected: &[&[u8]] = match node.op_type.as_str() {
        "LSTM" => &[b"Sigmoid", b"Tanh", b"Tanh"],
        "GRU" => &[b"Sigmoid", b"Tanh"],
        _ => &[b"Tanh"],
    };
    let is_usual = attribute(node, "activations").is_none_or(|own| {
        own.strings.iter().zip(expected.iter().cycle()).all(|(own, usual)| own == usual)
    });
    let is_supported = is_usual
        && name(4).is_none_or(all_steps)
        && (5..=6).all(is_zero)
        && peepholes.as_ref().is_none_or(|own| own.len() == directions * 3 * state)
        && rows == gates * state
        && w.shape == [directions, rows, inputs]
        && bias.len() == directions * 2 * rows
        && (1..=MOST_STEPS).contains(&steps)
        && int_of(node, "layout", 0) == 0
        && int_of(node, "input_forget", 0) == 0
        && attribute(node, "clip").is_none();
    if !is_supported {
        return None;
    }
    let is_reverse = attribute(node, "direction")
        .and_then(|own| own.s.as_deref())
        .is_some_and(|direction| direction == b"reverse");
    let flat = parts.reshape(x, &[steps * batch, inputs]);
    let (mut sequences, mut last_states, mut last_cells) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..directions {
        let biases = &bias[number * 2 * rows..][..2 * rows];
        let direction = Direction {
            node,
            sizes: [inputs, state],
            weights: [
                &w.values[number * rows * inputs..][..rows * inputs],
                &r.values[number * rows * state..][..rows * state],
            ],
            bias: [biases[..rows].to_vec(), biases[rows..].to_vec()],
            peepholes: peepholes.as_ref().map(|own| &own[number * 3 * state..][..3 * state]),
        };
        let mut states = vec![String::new(); steps];
        let (mut h, mut c): (Option<String>, Option<String>) = (None, None);
        for step in 0..steps {
            let at = if is_reverse || number == 1 { steps - 1 - step } else { step };
            let x = parts.slice(&flat, 0, at * batch, (at + 1) * batch);
            let (next, cell) = match node.op_type.as_str() {
                "LSTM" => direction.lstm(parts, &x, h.as_deref(), c.as_deref()),
                "GRU" => (direction.gru(parts, &x, h.as_deref()), None),
                _ => (direction.rnn(parts, &x, h.as_deref()), None),
            };
            states[at].clone_from(&next);
            (h, c) = (Some(next), cell);
        }
        let pieces: Vec<String> =
            states.iter().map(|own| parts.reshape(own, &[1, 1, batch, state])).collect();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        sequences.push(parts.node("Concat", &pieces, vec![int("axis", 0)]));
        last_states.push(parts.reshape(&h?, &[1, batch, state]));
        if let Some(c) = c {
            last_cells.push(parts.reshape(&c, &[1, batch, state]));
        }
    }
    for (position, (pieces, axis)) in
        [(sequences, 1), (last_states, 0), (last_cells, 0)].into_iter().enumerate()
    {
        if let Some(output) = node.output.get(position).filter(|name| !name.is_empty()) {
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            parts.named("Concat", &pieces, vec![int("axis", axis)], output);
        }
    }
    Some(vec![0])
}

impl Direction<'_> {
    /// Rows of weights of some gates, transposed, and the sum of their biases.
    fn gates(&self, input: usize, from: usize, to: usize) -> Vec<f32> {
        let (length, state) = (self.sizes[input], self.sizes[1]);
        let rows = &self.weights[input][from * state * length..to * state * length];
        (0..length).flat_map(|column| rows.chunks(length).map(move |row| row[column])).collect()
    }

    /// The product of a step's input, of its state, or of both, with the weights of some gates.
    fn product(
        &self,
        parts: &mut Parts,
        [x, h]: [Option<&str>; 2],
        (from, to): (usize, usize),
        bias: &[f32],
    ) -> String {
        let [inputs, state] = self.sizes;
        let outputs = (to - from) * state;
        let (operand, length, weights) = match (x, h) {
            (Some(x), None) => (x.to_owned(), inputs, self.gates(0, from, to)),
            (None, Some(h)) => (h.to_owned(), state, self.gates(1, from, to)),
            (Some(x), Some(h)) => (
                parts.node("Concat", &[x, h], vec![int("axis", 1)]),
                inputs + state,
                [self.gates(0, from, to), self.gates(1, from, to)].concat(),
            ),
            (None, None) => unreachable!("a product has an operand"),
        };
        let weights = parts.floats(&[length, outputs], &weights);
        let bias = parts.floats(&[outputs], bias);
        parts.node("Gemm", &[&operand, &weights, &bias], Vec::new())
    }

    fn both_biases(&self, from: usize, to: usize) -> Vec<f32> {
        let state = self.sizes[1];
        let [a, b] = self.bias.each_ref().map(|bias| &bias[from * state..to * state]);
        a.iter().zip(b).map(|(a, b)| a + b).collect()
    }

    fn gate(&self, parts: &mut Parts, all: &str, at: usize, function: &str) -> String {
        let state = self.sizes[1];
        let own = parts.slice(all, 1, at * state, (at + 1) * state);
        parts.node(function, &[&own], Vec::new())
    }

    /// The same of a gate that sees the cell.
    fn gate_of_cell(&self, parts: &mut Parts, all: &str, at: usize, cell: Option<&str>) -> String {
        let (Some(peepholes), Some(cell)) = (self.peepholes, cell) else {
            return self.gate(parts, all, at, "Sigmoid");
        };
        let state = self.sizes[1];
        let own = parts.slice(all, 1, at * state, (at + 1) * state);
        let peepholes = parts.floats(&[state], &peepholes[at * state..][..state]);
        let seen = parts.node("Mul", &[cell, &peepholes], Vec::new());
        let sum = parts.node("Add", &[&own, &seen], Vec::new());
        parts.node("Sigmoid", &[&sum], Vec::new())
    }

    /// The next state and cell. Gates: input, output, forget, cell.
    fn lstm(
        &self,
        parts: &mut Parts,
        x: &str,
        h: Option<&str>,
        c: Option<&str>,
    ) -> (String, Option<String>) {
        let all = self.product(parts, [Some(x), h], (0, 4), &self.both_biases(0, 4));
        let input = self.gate_of_cell(parts, &all, 0, c);
        let new = self.gate(parts, &all, 3, "Tanh");
        let mut cell = parts.node("Mul", &[&input, &new], Vec::new());
        if let Some(c) = c {
            let forget = self.gate_of_cell(parts, &all, 2, Some(c));
            let kept = parts.node("Mul", &[&forget, c], Vec::new());
            cell = parts.node("Add", &[&kept, &cell], Vec::new());
        }
        let output = self.gate_of_cell(parts, &all, 1, Some(&cell));
        let shown = parts.node("Tanh", &[&cell], Vec::new());
        (parts.node("Mul", &[&output, &shown], Vec::new()), Some(cell))
    }

    /// The next state. Gates: update, reset, hidden.
    fn gru(&self, parts: &mut Parts, x: &str, h: Option<&str>) -> String {
        let state = self.sizes[1];
        let hidden = 2 * state..3 * state;
        let is_linear_first = int_of(self.node, "linear_before_reset", 0) != 0;
        let all = self.product(parts, [Some(x), h], (0, 2), &self.both_biases(0, 2));
        let update = self.gate(parts, &all, 0, "Sigmoid");
        let reset = self.gate(parts, &all, 1, "Sigmoid");
        let new = if is_linear_first {
            let of_x = self.product(parts, [Some(x), None], (2, 3), &self.bias[0][hidden.clone()]);
            let of_h = match h {
                Some(h) => self.product(parts, [None, Some(h)], (2, 3), &self.bias[1][hidden]),
                None => parts.floats(&[1, state], &self.bias[1][hidden]),
            };
            let kept = parts.node("Mul", &[&reset, &of_h], Vec::new());
            parts.node("Add", &[&of_x, &kept], Vec::new())
        } else {
            let kept = h.map(|h| parts.node("Mul", &[&reset, h], Vec::new()));
            self.product(parts, [Some(x), kept.as_deref()], (2, 3), &self.both_biases(2, 3))
        };
        let new = parts.node("Tanh", &[&new], Vec::new());
        match h {
            // update · h + (1 − update) · new
            Some(h) => {
                let change = parts.node("Sub", &[h, &new], Vec::new());
                let change = parts.node("Mul", &[&update, &change], Vec::new());
                parts.node("Add", &[&new, &change], Vec::new())
            }
            None => {
                let one = parts.floats(&[], &[1.0]);
                let rest = parts.node("Sub", &[&one, &update], Vec::new());
                parts.node("Mul", &[&rest, &new], Vec::new())
            }
        }
    }

    fn rnn(&self, parts: &mut Parts, x: &str, h: Option<&str>) -> String {
        let sum = self.product(parts, [Some(x), h], (0, 1), &self.both_biases(0, 1));
        parts.node("Tanh", &[&sum], Vec::new())
    }
}

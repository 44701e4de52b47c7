//! Dense layers and convolutions whose weights are committed: nothing here may depend on what they are.

use super::lowering::Lowering;
use super::windows::{phases, planes_of, shifts};
use crate::circuit::{
    CircuitError,
    shape::WIDEST_COMMITTED,
    weights::{BIAS_DIGITS, COMMITTED_RANGE, LARGEST_BIAS},
    wiring::{Cell, Kind, Members, Place, Position, Run, Scan, Term, Weight, exponent, index},
};
use crate::model::{Conv, Gemm, Node, Requantization};

/// A committed weight's number.
#[derive(Clone, Copy)]
struct Numbered(u32);

impl From<Numbered> for Weight {
    fn from(Numbered(number): Numbered) -> Self {
        Self::Committed { number, digit: 0 }
    }
}

pub(super) fn refused(node: &Node, why: &'static str) -> CircuitError {
    CircuitError::CommittedWeights {
        node: node.name.clone(),
        operator: node.origin.operator.clone(),
        why,
    }
}

/// What is behind the places of a layer's outputs: a row of its weights has lanes that are of none of them.
const BEHIND: usize = WIDEST_COMMITTED - 1;

impl Lowering<'_> {
    pub(super) fn committed_gemm(
        &mut self,
        node: &Node,
        gemm: &Gemm,
    ) -> Result<usize, CircuitError> {
        let &Gemm { inputs, outputs, ref requantization, .. } = gemm;
        let rows = self.len(node.inputs[0]) / inputs.max(1);
        let scan = self.wish(node).expect("a Gemm has one");
        let source = self.cut(node, node.inputs[0], scan);
        let rules = self.rules_of_any(node, requantization, (inputs, outputs))?;
        let first = self.number_weights(inputs * outputs);
        let positions = (0..rows).map(|row| [exponent(row), 0]).collect();
        let bias = self.biases(node, positions);
        let made = (0..rows * outputs).map(|element| {
            let (row, output) = (element / outputs, element % outputs);
            (Place { omega: index(output), at: [exponent(row), 0] }, rules[output], 0)
        });
        let made = made.collect();
        let taps = |_: &Run, input: usize| {
            let weight = |output| Numbered(first + index(output * inputs + input));
            (0..outputs).map(|output| (index(output), [0, 0], weight(output))).collect()
        };
        let natural =
            if rows == 1 { self.lines(node.output) } else { Scan::Columns { columns: outputs } };
        let places = self.add_biases(bias, outputs);
        debug_assert_eq!(places as usize, self.net.planes.len());
        Ok(self.linear(node, source, taps, outputs + BEHIND, made, natural))
    }

    pub(super) fn committed_conv(
        &mut self,
        node: &Node,
        conv: &Conv,
    ) -> Result<usize, CircuitError> {
        let window = &conv.window;
        if conv.group != 1 {
            return Err(refused(node, "are those of groups"));
        }
        if conv.batch != 1 {
            return Err(refused(node, "are those of several images"));
        }
        let [height, width] = window.output;
        // What is beyond the border contributes no zero point.
        let is_seen = |tap: usize| {
            let seen = window.windows([tap / window.kernel[1], tap % window.kernel[1]]);
            seen.map(|seen| seen.len()) == window.output
        };
        if self.zero_byte(node.inputs[0]) != 0 && !(0..window.len()).all(is_seen) {
            return Err(refused(node, "see a border of other bytes than the lowest"));
        }
        let scan = self.wish(node).expect("a Conv has one");
        let source = self.cut(node, node.inputs[0], scan);
        let (inputs, outputs) = (conv.inputs, conv.outputs);
        let taps_per_output = inputs * window.len();
        let rules = self.rules_of_any(node, &conv.requantization, (taps_per_output, outputs))?;
        let first = self.number_weights(taps_per_output * outputs);
        let at = |position: usize| [exponent(position % width), exponent(position / width)];
        let bias = self.biases(node, (0..height * width).map(at).collect());
        let mut made = Vec::with_capacity(outputs * height * width);
        for (output, &rule) in rules.iter().enumerate() {
            let place = |position| Place { omega: index(output), at: at(position) };
            made.extend((0..height * width).map(|position| (place(position), rule, 0)));
        }
        let phases = phases(window);
        let taps = |_: &Run, run: usize| {
            let (input, phase) = (run / phases.len(), phases[run % phases.len()]);
            let mut taps = Vec::new();
            for (tap, at) in shifts(window, phase) {
                for output in 0..outputs {
                    let number = output * taps_per_output + input * window.len() + tap;
                    taps.push((index(output), at, Numbered(first + index(number))));
                }
            }
            taps
        };
        let natural = planes_of(window.output, Members::ONE);
        let places = self.add_biases(bias, outputs);
        debug_assert_eq!(places as usize, self.net.planes.len());
        Ok(self.linear(node, source, taps, outputs + BEHIND, made, natural))
    }

    /// The rules of outputs that are sums of so many bytes times any weights, and a bias.
    fn rules_of_any(
        &mut self,
        node: &Node,
        requantization: &Requantization,
        (terms, outputs): (usize, usize),
    ) -> Result<Vec<u32>, CircuitError> {
        let terms = i64::try_from(terms).expect("layers are small");
        let most = |weight: i32| terms.saturating_mul(255 * i64::from(weight));
        let (low, high) = (most(*COMMITTED_RANGE.start()), most(*COMMITTED_RANGE.end()));
        let range = (low.saturating_sub(LARGEST_BIAS), high.saturating_add(LARGEST_BIAS));
        self.requantizations(node, requantization, &vec![range; outputs])
    }

    /// Gives numbers to weights; the first of them.
    fn number_weights(&mut self, count: usize) -> u32 {
        let first = self.net.committed_weights;
        self.net.committed_weights += count;
        index(first)
    }

    /// A 1 at each position of a layer's outputs, whose weights are the biases.
    fn biases(&mut self, node: &Node, positions: Vec<Position>) -> usize {
        let omega = self.omegas(1);
        let cell = |(element, &at): (usize, &Position)| Cell {
            kind: Kind::Read { constant: 1 },
            place: Some(Place { omega, at }),
            element: Some(index(element)),
        };
        let cells = positions.iter().enumerate().map(cell).collect();
        let block = self.block(&node.name, positions.len(), Scan::Flat, cells, 1);
        let elements = positions.into_iter().enumerate();
        let elements = elements.map(|(element, at)| (index(element), at)).collect();
        self.net.blocks[block].runs = vec![Run { elements, terms: Vec::new() }];
        block
    }

    /// Lets them contribute to the layer whose powers of ρ come next; the first of these.
    fn add_biases(&mut self, block: usize, outputs: usize) -> u32 {
        let first = index(self.net.planes.len());
        for digit in 0..BIAS_DIGITS {
            let number = self.number_weights(outputs);
            let terms = (0..index(outputs)).map(|output| Term {
                place: Place { omega: first + output, at: [0, 0] },
                weight: Weight::Committed { number: number + output, digit },
            });
            self.net.blocks[block].runs[0].terms.extend(terms);
        }
        first
    }
}

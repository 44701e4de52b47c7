//! The model's inputs and outputs.

use super::lowering::{Lowering, Value};
use crate::circuit::InstanceLayout;
use crate::circuit::wiring::{Cell, Kind, Port, Scan, index};
use crate::model::{ElementType, Model, Operator, TensorId, View, ViewElement};

impl Lowering<'_> {
    /// Makes the rows of all inputs: first those of committed ones, as their bytes are packed before all others.
    pub(super) fn inputs(&mut self, model: &Model, instances: &InstanceLayout) {
        let mut blocks = vec![0; model.inputs.len()];
        for committed_first in [true, false] {
            let inputs = model.inputs.iter().zip(&instances.inputs).zip(&mut blocks);
            for ((input, told), block) in inputs {
                if told.is_committed() == committed_first {
                    *block = self.input(input.tensor, told.is_packed());
                    self.net.blocks[*block].tensors = instances.inferences;
                }
            }
        }
        for (input, block) in model.inputs.iter().zip(blocks) {
            let first = self.net.inputs.last().map_or(0, |port| port.first + port.len);
            let (len, element) = (self.len(input.tensor), self.element(input.tensor));
            self.net.inputs.push(Port { block, first, len, element });
        }
    }

    /// Makes the rows of an input; its elements are in order where they are packed.
    fn input(&mut self, tensor: TensorId, is_packed: bool) -> usize {
        let len = self.len(tensor);
        let natural = if self.is_read_unevenly(tensor) { Scan::Flat } else { self.lines(tensor) };
        let will_do = |scan: Scan| !is_packed || scan.is_in_order(len);
        let scan = self.scan(tensor, natural, will_do);
        let cells = (0..len).map(|element| Cell {
            kind: Kind::Input,
            place: None,
            element: Some(index(element)),
        });
        let block = self.block("input", len, scan, cells.collect(), 1);
        self.net.blocks[block].is_packed = is_packed;
        self.values[tensor.0] = Some(Value::Block(block));
        block
    }

    /// Whether views read some elements so often that a copy of the others each time would be most of the rows: thresholds of
    /// trees are many for some features and few for others.
    fn is_read_unevenly(&self, tensor: TensorId) -> bool {
        let mut reads = vec![0; self.len(tensor)];
        for node in &self.graph.nodes {
            let Operator::View(View::Elements(elements)) = &node.operator else { continue };
            for element in elements {
                if let ViewElement::Input { input, index } = *element
                    && node.inputs[input as usize] == tensor
                {
                    reads[index as usize] += 1;
                }
            }
        }
        let most = reads.iter().copied().max().unwrap_or(0);
        let others: usize = reads.iter().map(|own| most - own).sum();
        others > 2 * reads.len()
    }

    fn element(&self, tensor: TensorId) -> ElementType {
        self.graph.tensors[tensor.0].quantization.element
    }

    /// All outputs of so many inferences. They are packed in the order of their rows: the only output lies as it is
    /// made, several of one inference one after the other, and several of several are copied inference by inference.
    pub(super) fn outputs(&mut self, outputs: &[crate::model::Port], inferences: usize) {
        let lengths: Vec<usize> = outputs.iter().map(|output| self.len(output.tensor)).collect();
        let is_only = outputs.len() == 1;
        let pieces = if is_only { 1 } else { inferences };
        for piece in 0..pieces {
            let mut first = 0;
            for (output, len) in outputs.iter().zip(&lengths) {
                let block = match pieces {
                    1 => self.output(output.tensor, is_only),
                    _ => {
                        let own = piece * len / pieces..(piece + 1) * len / pieces;
                        let sources = self.sources(output.tensor)[own].to_vec();
                        self.copy("output", &sources, self.lines(output.tensor))
                    }
                };
                let packed = &mut self.net.blocks[block];
                packed.is_packed = true;
                packed.tensors = inferences / pieces;
                let (at, element) = (first + piece * packed.len, self.element(output.tensor));
                self.net.outputs.push(Port { block, first: at, len: len / pieces, element });
                first += len;
            }
        }
    }

    /// The block of an output. Its rows lie in order, after those of the outputs before it, nothing else takes them, and
    /// packing has a fixed cell of its own: the only output may have all that, others are copied.
    fn output(&mut self, tensor: TensorId, is_only: bool) -> usize {
        let plain = match self.values[tensor.0] {
            Some(Value::Block(block)) => {
                let cells = &self.net.blocks[block].cells;
                let made = |cell: &Cell| matches!(cell.kind, Kind::Made { .. } | Kind::Read { .. });
                let in_order =
                    cells.iter().map(|cell| cell.element).eq((0..index(cells.len())).map(Some));
                let taken = self.net.blocks[block].is_taken();
                let is_input = self.net.inputs.iter().any(|input| input.block == block);
                (is_only && !is_input && in_order && !taken && cells.iter().all(made))
                    .then_some(block)
            }
            _ => None,
        };
        plain.unwrap_or_else(|| {
            let sources = self.sources(tensor);
            self.copy("output", &sources, self.lines(tensor))
        })
    }
}

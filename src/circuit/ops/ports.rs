//! The model's inputs and outputs.

use super::lowering::{Lowering, Source, Value};
use crate::circuit::InstanceLayout;
use crate::circuit::wiring::{Cell, Kind, Place, Port, Scan, index};
use crate::model::{ElementType, Model, Operator, TensorId, View, ViewElement};

impl Lowering<'_> {
    /// Makes the rows of all inputs: first those of committed ones and of hashed ones, as their bytes are packed before all others, then of the
    /// model's `own`, then of what claims take. They are packed in the order of their rows: of several inferences, several that are
    /// public lie inference by inference, and what takes them copies them.
    pub(super) fn inputs(&mut self, model: &Model, instances: &InstanceLayout, own: usize) {
        let mut ports = Vec::with_capacity(model.inputs.len());
        let mut first = 0;
        for (input, told) in model.inputs.iter().zip(&instances.inputs) {
            ports.push((input.tensor, told, first));
            first += self.len(input.tensor);
        }
        for &(tensor, told, first) in ports.iter().filter(|(_, told, _)| told.is_committed()) {
            self.input(tensor, told.is_packed(), first, instances.inferences);
        }
        for &(tensor, told, first) in ports.iter().filter(|(_, told, _)| told.is_hashed()) {
            match (told.tensor.words() % 2, instances.inferences) {
                // A word of 0 behind those of each inference.
                (0, pieces @ 2..) => {
                    for piece in 0..pieces {
                        self.piece_of_input(tensor, first, piece, pieces);
                        self.zero_word();
                    }
                }
                (0, one) => {
                    self.input(tensor, told.is_packed(), first, one);
                    self.zero_word();
                }
                (_, inferences) => self.input(tensor, told.is_packed(), first, inferences),
            }
        }
        self.net.hashed = self.net.inputs.len() - self.net.committed;
        let (own, chosen) = ports.split_at(own);
        for ports in [own, chosen] {
            let shown = ports.iter().filter(|(_, told, _)| told.is_public()).count();
            let is_hashed = ports.iter().any(|(_, told, _)| told.is_hashed());
            let pieces = if shown > 1 || is_hashed { instances.inferences } else { 1 };
            for piece in 0..pieces {
                for &(tensor, told, first) in ports {
                    if told.is_hashed() {
                        // In the place of the hash.
                        self.zero_word();
                    } else if told.is_public() && pieces != 1 {
                        self.piece_of_input(tensor, first, piece, pieces);
                    } else if !told.is_committed() && piece == 0 {
                        self.input(tensor, told.is_packed(), first, instances.inferences);
                    }
                }
            }
        }
    }

    /// Packs a word of 0: a byte that is nobody's sum, and no more.
    fn zero_word(&mut self) {
        let place = Place { omega: self.omegas(1), at: [0, 0] };
        let zero = Cell { kind: Kind::Read { constant: 0 }, place: Some(place), element: Some(0) };
        let block = self.block("hash", 1, Scan::Flat, vec![zero], 1);
        self.net.blocks[block].is_packed = true;
    }

    /// Makes the rows of an input's part of one inference.
    fn piece_of_input(&mut self, tensor: TensorId, first: usize, piece: usize, pieces: usize) {
        let len = self.len(tensor) / pieces;
        let first = first + piece * len;
        let block = self.input_block(len, Scan::Flat, first, self.element(tensor));
        self.net.blocks[block].is_packed = true;
        let block = index(block);
        let own = (0..index(len)).map(|element| Source::Element { block, element });
        match &mut self.values[tensor.0] {
            Some(Value::Sources(sources)) => sources.extend(own),
            value => *value = Some(Value::Sources(own.collect())),
        }
    }

    /// The rows of so many elements of the model's inputs, behind the first so many.
    fn input_block(&mut self, len: usize, scan: Scan, first: usize, element: ElementType) -> usize {
        let cells = (0..len).map(|element| Cell {
            kind: Kind::Input,
            place: None,
            element: Some(index(element)),
        });
        let block = self.block("input", len, scan, cells.collect(), 1);
        self.net.inputs.push(Port { block, first, len, element });
        block
    }

    /// Makes the rows of an input; its elements are in order where they are packed.
    fn input(&mut self, tensor: TensorId, is_packed: bool, first: usize, inferences: usize) {
        let len = self.len(tensor);
        let natural = if self.is_read_unevenly(tensor) { Scan::Flat } else { self.lines(tensor) };
        let in_order = |scan: Scan| if is_packed { scan.in_order(len) } else { Some(scan) };
        let scan = self.scan(tensor, natural, |scan| in_order(scan).is_some());
        let scan = in_order(scan).expect("lines are in order");
        let block = self.input_block(len, scan, first, self.element(tensor));
        self.net.blocks[block].is_packed = is_packed;
        self.net.blocks[block].tensors = inferences;
        self.values[tensor.0] = Some(Value::Block(block));
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

    /// All outputs of so many inferences: first what claims say, then the model's own. They are packed in the order of their rows: the
    /// only output lies as it is made, several of one inference one after the other, and several of several are copied inference
    /// by inference.
    pub(super) fn outputs(
        &mut self,
        outputs: &[crate::model::Port],
        claimed: usize,
        inferences: usize,
    ) {
        let is_only = outputs.len() == 1;
        let (claims, own) = outputs.split_at(claimed);
        let first = self.outputs_from(0, claims, inferences, is_only);
        self.outputs_from(first, own, inferences, is_only);
    }

    /// These outputs, behind so many elements of others; says how many there are with them.
    fn outputs_from(
        &mut self,
        start: usize,
        outputs: &[crate::model::Port],
        inferences: usize,
        is_only: bool,
    ) -> usize {
        let lengths: Vec<usize> = outputs.iter().map(|output| self.len(output.tensor)).collect();
        let pieces = if outputs.len() == 1 { 1 } else { inferences };
        for piece in 0..pieces {
            let mut first = start;
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
        start + lengths.iter().sum::<usize>()
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

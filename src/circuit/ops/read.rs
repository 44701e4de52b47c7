//! Elements are read elsewhere: copies in another order, or cut otherwise.

use super::lowering::{Lowering, Source, Value, read_cell};
use crate::circuit::wiring::{Cell, Kind, Place, Scan, Term, Weight, exponent, index};
use crate::model::{Node, TensorId};
use std::collections::{BTreeMap, HashMap};

impl Lowering<'_> {
    /// Where a tensor's elements are.
    pub(super) fn sources(&self, tensor: TensorId) -> Vec<Source> {
        match self.values[tensor.0].as_ref().expect("nodes come after those that make their inputs")
        {
            Value::Sources(sources) => sources.clone(),
            &Value::Block(block) => (0..index(self.net.blocks[block].len))
                .map(|element| Source::Element { block: index(block), element })
                .collect(),
        }
    }

    /// A block with the tensor's elements in order, cut as asked: the tensor's own or a copy.
    pub(super) fn cut(&mut self, node: &Node, tensor: TensorId, scan: Scan) -> usize {
        match self.values[tensor.0] {
            Some(Value::Block(block)) if self.net.blocks[block].scan.serves(scan) => block,
            _ => {
                if let Some(&block) = self.copies.get(&(tensor, scan)) {
                    return block;
                }
                let sources = self.sources(tensor);
                let block = self.copy(&node.name, &sources, scan);
                self.copies.insert((tensor, scan), block);
                block
            }
        }
    }

    /// A block of copies.
    pub(super) fn copy(&mut self, name: &str, sources: &[Source], scan: Scan) -> usize {
        let (places, border_cells) = self.read(sources);
        let cells = sources.iter().zip(places).enumerate().map(|(element, (source, place))| Cell {
            element: Some(index(element)),
            ..read_cell(*source, place)
        });
        let cells = cells.chain(border_cells).collect();
        self.block(name, sources.len(), scan, cells, 1)
    }

    /// Reads elements: where each copy is made, and rows for copies that nobody asked for.
    ///
    /// A term reads a whole run. An element read several times is read by as many terms; where others of
    /// its run are read less often, their copies are at the border. Elements that are runs of their own have no others:
    /// each is read where the one before was, or next to it.
    pub(super) fn read(&mut self, sources: &[Source]) -> (Vec<Place>, Vec<Cell>) {
        let mut by_element: HashMap<Source, usize> = HashMap::new();
        let mut last: HashMap<u32, usize> = HashMap::new();
        let mut layers: BTreeMap<(u32, usize), Vec<(u32, usize)>> = BTreeMap::new();
        let mut places = vec![Place { omega: 0, at: [0, 0] }; sources.len()];
        for (position, &source) in sources.iter().enumerate() {
            match source {
                Source::Element { block, element } => {
                    let next = by_element.entry(source).or_default();
                    if self.net.blocks[block as usize].scan == Scan::Flat {
                        let last = last.entry(block).or_default();
                        *last = *next.max(last);
                        *next = *last;
                    }
                    layers.entry((block, *next)).or_default().push((element, position));
                    *next += 1;
                }
                Source::Constant(_) => places[position].omega = self.omegas(1),
            }
        }
        let mut border_cells = Vec::new();
        for ((block, _), reads) in layers {
            let block = block as usize;
            let mut position_of = vec![None; self.net.blocks[block].len];
            for (element, position) in reads {
                position_of[element as usize] = Some(position);
            }
            debug_assert!(self.net.blocks[block].scan.is_injective(), "sums are taken alone");
            // Runs along one axis are read side by side along the other, near what else they contribute to.
            let runs = &self.net.blocks[block].runs;
            let is_flat = runs.iter().flat_map(|run| &run.elements).all(|(_, at)| at[1] == 0);
            let mut shared = None;
            for run in 0..self.net.blocks[block].runs.len() {
                let elements = std::mem::take(&mut self.net.blocks[block].runs[run].elements);
                if elements.iter().any(|&(element, _)| position_of[element as usize].is_some()) {
                    let first = if is_flat {
                        let omega = *shared.get_or_insert_with(|| self.omegas(1));
                        Place { omega, at: [0, exponent(run)] }
                    } else {
                        Place { omega: self.omegas(1), at: [0, 0] }
                    };
                    for &(element, at) in &elements {
                        let place = first.plus(at);
                        match position_of[element as usize] {
                            Some(position) => places[position] = place,
                            None => border_cells.push(Cell {
                                kind: Kind::Read { constant: 0 },
                                place: Some(place),
                                element: None,
                            }),
                        }
                    }
                    self.net.blocks[block].runs[run]
                        .terms
                        .push(Term { place: first, weight: Weight::Integer(1) });
                }
                self.net.blocks[block].runs[run].elements = elements;
            }
        }
        (places, border_cells)
    }

    /// Appends rows that belong to no element.
    pub(super) fn border_cell(&mut self, block: usize, border_cells: Vec<Cell>) {
        let block = &mut self.net.blocks[block];
        for cell in border_cells {
            block.groups.push(index(block.cells.len()));
            block.cells.push(cell);
        }
    }
}

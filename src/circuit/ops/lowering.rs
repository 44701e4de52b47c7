//! A lowering in progress, and what operators need of it.

use crate::circuit::{
    CircuitError,
    wiring::{Block, Cell, Kind, Members, Net, Place, Plane, Scan, index},
};
use crate::model::{Graph, Node, TensorId};
use std::collections::HashMap;

/// Lines of blocks that are read element by element are at most this long.
const WIDEST_LINE: usize = 64;

/// Where a tensor's elements are.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Block(usize),
    Sources(Vec<Source>),
}

/// A lowering in progress.
pub(super) struct Lowering<'a> {
    pub(super) graph: &'a Graph,
    pub(super) net: Net,
    pub(super) values: Vec<Option<Value>>,
    pub(super) uses: Vec<usize>,
    pub(super) wanted: Vec<Vec<Scan>>,
    pub(super) copies: HashMap<(TensorId, Scan), usize>,
    /// Weights of dense layers and convolutions are committed.
    pub(super) commits_weights: bool,
    /// Those of the batch.
    pub(super) members: Members,
}

/// An element of a block, or a constant byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    Element { block: u32, element: u32 },
    Constant(u8),
}

impl Lowering<'_> {
    pub(super) fn len(&self, tensor: TensorId) -> usize {
        self.graph.tensors[tensor.0].len()
    }

    /// The smallest integer of a tensor's type.
    pub(super) fn base(&self, tensor: TensorId) -> i32 {
        self.graph.tensors[tensor.0].quantization.element.range().0
    }

    /// The byte that stands for 0.
    pub(super) fn zero_byte(&self, tensor: TensorId) -> i32 {
        self.graph.tensors[tensor.0].quantization.zero_point - self.base(tensor)
    }

    /// How so many things lie that are those of the members one after the other, if they can be.
    pub(super) fn members(&self, count: usize) -> Members {
        if count.is_multiple_of(self.members.count()) { self.members } else { Members::ONE }
    }

    /// A scan for reading element by element.
    pub(super) fn lines(&self, tensor: TensorId) -> Scan {
        let members = self.members(self.len(tensor));
        let shape = &self.graph.tensors[tensor.0].shape;
        let own = if members == Members::ONE { shape } else { &shape[1.min(shape.len())..] };
        let last = own.iter().rev().find(|&&size| size > 1);
        let width = last.copied().unwrap_or(1).min(WIDEST_LINE);
        Scan::Whole { width, members }
    }

    /// The first scan that a taker wishes for and that will do, or else the natural one.
    pub(super) fn scan(
        &self,
        tensor: TensorId,
        natural: Scan,
        will_do: impl Fn(Scan) -> bool,
    ) -> Scan {
        let wanted = self.wanted[tensor.0].iter().rev().copied();
        let alone = self.uses[tensor.0] == 1;
        let mut possible = wanted.filter(|&scan| (scan.is_injective() || alone) && will_do(scan));
        possible.next().unwrap_or(natural)
    }

    /// Adds a block whose groups have `rows` rows each.
    pub(super) fn block(
        &mut self,
        name: &str,
        len: usize,
        scan: Scan,
        cells: Vec<Cell>,
        rows: usize,
    ) -> usize {
        self.block_of(name, len, scan, alike(cells, rows))
    }

    /// Adds a block of rows, given where groups begin.
    pub(super) fn block_of(
        &mut self,
        name: &str,
        len: usize,
        scan: Scan,
        (cells, groups): (Vec<Cell>, Vec<u32>),
    ) -> usize {
        self.net.blocks.push(Block {
            name: name.into(),
            len,
            scan,
            runs: scan.runs(len),
            cells,
            groups,
            is_packed: false,
            tensors: 1,
        });
        self.net.blocks.len() - 1
    }

    /// Reserves powers of ρ.
    pub(super) fn omegas(&mut self, count: usize) -> u32 {
        let first = index(self.net.planes.len());
        let none = Plane { start: 0, low: [0, 0], len: [0, 0] };
        self.net.planes.resize(self.net.planes.len() + count, none);
        first
    }
}

/// Rows, and where groups of as many each begin.
pub(super) fn alike(cells: Vec<Cell>, rows: usize) -> (Vec<Cell>, Vec<u32>) {
    let groups = (0..cells.len()).step_by(rows.max(1)).map(index).collect();
    (cells, groups)
}

pub(super) fn read_cell(source: Source, place: Place) -> Cell {
    Cell { kind: Kind::Read { constant: constant(source) }, place: Some(place), element: None }
}

/// What is added to the copy of a source: nothing is copied where a constant is.
pub(super) fn constant(source: Source) -> i32 {
    match source {
        Source::Element { .. } => 0,
        Source::Constant(byte) => byte.into(),
    }
}

pub(super) fn too_large(node: &Node) -> CircuitError {
    CircuitError::LargeIntegers { node: node.name.clone(), operator: node.origin.operator.clone() }
}

pub(super) fn unsupported(node: &Node) -> CircuitError {
    CircuitError::UnsupportedOperator {
        node: node.name.clone(),
        operator: node.origin.operator.clone(),
    }
}

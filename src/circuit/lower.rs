//! From a quantized graph to blocks and linear maps.
//!
//! | module | operators |
//! |---|---|
//! | [`linear`] | Gemm, Conv, ConvTranspose |
//! | [`mat_mul`] | MatMul |
//! | [`pooling`], [`rounded_pool`] | AveragePool, MaxPool, Reduce, ReduceMax |
//! | [`elementwise`] | Add, Mul, tables |
//! | [`softmax`], [`layer_norm`], [`arg_max`] | those on vectors, from [`vectors`] |
//!
//! [`read`] copies elements, [`rules`] says what becomes of accumulators.

use super::graph::{Block, Cell, Kind, Net, Plane, Port, Scan, index};
use crate::circuit::{CircuitError, activation::byte};
use crate::model::{self, Graph, Model, Node, Operator, TensorId, View, ViewElement, Window};
use read::Source;
use std::collections::HashMap;
use windows::whole_window;

mod arg_max;
mod elementwise;
mod layer_norm;
mod linear;
mod mat_mul;
mod pooling;
mod read;
mod rounded_pool;
mod rules;
mod softmax;
mod vectors;
mod windows;

/// Lines of blocks that are read element by element are at most this long.
const WIDEST_LINE: usize = 64;

/// Where a tensor's elements are.
#[derive(Clone, Debug)]
enum Value {
    Block(usize),
    Sources(Vec<Source>),
}

/// A lowering in progress.
struct Lowering<'a> {
    graph: &'a Graph,
    net: Net,
    values: Vec<Option<Value>>,
    uses: Vec<usize>,
    wanted: Vec<Vec<Scan>>,
    copies: HashMap<(TensorId, Scan), usize>,
}

impl Net {
    /// Lowers a model's graph.
    pub fn new(model: &Model, private_input: bool) -> Result<Self, CircuitError> {
        let graph = &model.graph;
        let tensors = graph.tensors.len();
        let mut lowering = Lowering {
            graph,
            net: Self {
                blocks: Vec::new(),
                rules: Vec::new(),
                // No accumulator at ρ⁰, which belongs to the packed instances.
                planes: vec![Plane { start: 0, low: [0, 0], len: [0, 0] }],
                accumulators: 0,
                float_sums: None,
                inputs: Vec::new(),
                outputs: Vec::new(),
            },
            values: vec![None; tensors],
            uses: vec![0; tensors],
            wanted: vec![Vec::new(); tensors],
            copies: HashMap::new(),
        };
        lowering.count_uses(&model.outputs);
        lowering.collect_wishes();
        for input in &model.inputs {
            lowering.input(input.tensor, !private_input);
        }
        for node in &graph.nodes {
            lowering.node(node)?;
        }
        for output in &model.outputs {
            lowering.output(output.tensor, model.outputs.len() == 1);
        }
        let mut net = lowering.net;
        net.measure_planes();
        assert!(net.makes_places_once(), "wires rest on this, see `gates`");
        Ok(net)
    }
}

impl Lowering<'_> {
    fn len(&self, tensor: TensorId) -> usize {
        self.graph.tensors[tensor.0].len()
    }

    /// The smallest integer of a tensor's type.
    fn base(&self, tensor: TensorId) -> i32 {
        self.graph.tensors[tensor.0].quantization.element.range().0
    }

    /// The byte that stands for 0.
    fn zero_byte(&self, tensor: TensorId) -> i32 {
        self.graph.tensors[tensor.0].quantization.zero_point - self.base(tensor)
    }

    /// How many operators take each tensor, through views.
    fn count_uses(&mut self, outputs: &[model::Port]) {
        for output in outputs {
            self.uses[output.tensor.0] += 1;
        }
        for node in self.graph.nodes.iter().rev() {
            let passed_on = match node.operator {
                Operator::View(_) => self.uses[node.output.0],
                _ => 1,
            };
            for input in &node.inputs {
                self.uses[input.0] += passed_on;
            }
        }
    }

    /// How each tensor's takers would like it to be cut, through views that keep the order.
    fn collect_wishes(&mut self) {
        for node in self.graph.nodes.iter().rev() {
            if let Operator::View(View::Reshape) = node.operator {
                let passed_on = self.wanted[node.output.0].clone();
                self.wanted[node.inputs[0].0].extend(passed_on);
            } else if let Some(scan) = self.wish(node) {
                self.wanted[node.inputs[0].0].push(scan);
            }
        }
    }

    fn wish(&self, node: &Node) -> Option<Scan> {
        let len = self.len(node.inputs[0]);
        let planes = |window: &Window| Scan::Planes { size: window.input, strides: window.strides };
        Some(match &node.operator {
            Operator::Gemm(gemm) if len == gemm.inputs => Scan::Flat,
            Operator::Gemm(gemm) => Scan::Columns { columns: gemm.inputs },
            Operator::Conv(conv) => planes(&conv.window),
            Operator::ConvTranspose(conv) => {
                let Window { output, strides, .. } = conv.window;
                Scan::Spread { size: output, factors: strides }
            }
            Operator::AveragePool(pool) => match whole_window(&pool.window) {
                // Each element is added on a row of its own.
                Some(_) if self.is_rounded(node, pool) => Scan::Flat,
                Some(length) => Scan::Sums { length, inner: 1 },
                None => planes(&pool.window),
            },
            Operator::MaxPool(pool) => planes(&pool.window),
            Operator::Reduce(reduce) => Scan::Sums { length: reduce.length, inner: reduce.inner },
            Operator::Softmax(softmax) => Scan::Columns { columns: softmax.length },
            Operator::LayerNormalization(normalization) => {
                Scan::Columns { columns: normalization.length }
            }
            Operator::ArgMax(arg_max) if arg_max.inner == 1 => {
                Scan::Columns { columns: arg_max.length }
            }
            _ => return None,
        })
    }

    fn node(&mut self, node: &Node) -> Result<(), CircuitError> {
        let value = match &node.operator {
            Operator::Gemm(gemm) => Value::Block(self.gemm(node, gemm)?),
            Operator::Conv(conv) => Value::Block(self.conv(node, conv)?),
            Operator::ConvTranspose(conv) => Value::Block(self.conv_transpose(node, conv)?),
            Operator::AveragePool(pool) => Value::Block(self.average_pool(node, pool)?),
            Operator::Reduce(reduce) => Value::Block(self.reduce(node, reduce)?),
            Operator::Add(add) => Value::Block(self.add(node, add)),
            Operator::Mul(mul) => Value::Block(self.mul(node, mul)),
            Operator::MatMul(product) => Value::Block(self.mat_mul(node, product)?),
            Operator::MaxPool(pool) => Value::Block(self.max_pool(node, pool)),
            Operator::ReduceMax(reduce) => Value::Block(self.reduce_max(node, reduce)),
            Operator::Table(table) => match self.fuse(node, &table.values) {
                Some(block) => Value::Block(block),
                None => Value::Block(self.tables(node, &[&table.values], |_| 0)),
            },
            Operator::Tables(tables) => {
                let values: Vec<&[i32]> = tables.tables.iter().map(|t| &t.values[..]).collect();
                let selector = |element: usize| tables.selector[element] as usize;
                Value::Block(self.tables(node, &values, selector))
            }
            Operator::View(View::Reshape) => {
                let [from, to] = [node.inputs[0], node.output].map(|tensor| self.base(tensor));
                if from != to {
                    return Err(unsupported(node));
                }
                self.values[node.inputs[0].0].clone().expect("made before")
            }
            Operator::View(View::Elements(elements)) => self.view(node, elements),
            Operator::ArgMax(arg_max) => Value::Block(self.arg_max(node, arg_max)?),
            Operator::Softmax(softmax) => Value::Block(self.softmax(node, softmax)?),
            Operator::LayerNormalization(normalization) => {
                Value::Block(self.layer_normalization(node, normalization)?)
            }
        };
        self.values[node.output.0] = Some(value);
        Ok(())
    }

    fn view(&self, node: &Node, elements: &[ViewElement]) -> Value {
        let inputs: Vec<_> = node.inputs.iter().map(|&input| self.sources(input)).collect();
        let element = self.graph.tensors[node.output.0].quantization.element;
        let source = |from: &ViewElement| match *from {
            ViewElement::Input { input, index } => inputs[input as usize][index as usize],
            ViewElement::Constant(value) => Source::Constant(
                byte(value, element).expect("constants are of their tensor's type"),
            ),
        };
        Value::Sources(elements.iter().map(source).collect())
    }

    fn input(&mut self, tensor: TensorId, is_public: bool) {
        let len = self.len(tensor);
        let natural = self.lines(tensor);
        let will_do = |scan: Scan| !is_public || scan.is_in_order(len);
        let scan = self.scan(tensor, natural, will_do);
        let cells = (0..len).map(|element| Cell {
            kind: Kind::Input,
            place: None,
            element: Some(index(element)),
        });
        let block = self.block("input", len, scan, cells.collect(), 1);
        self.net.blocks[block].is_public = is_public;
        let port = self.port(block, tensor, self.net.inputs.last());
        self.net.inputs.push(port);
        self.values[tensor.0] = Some(Value::Block(block));
    }

    fn port(&self, block: usize, tensor: TensorId, last: Option<&Port>) -> Port {
        Port {
            block,
            first: last.map_or(0, |port| port.first + port.len),
            len: self.len(tensor),
            element: self.graph.tensors[tensor.0].quantization.element,
        }
    }

    /// An output's rows lie in order, after those of the outputs before it, nothing else takes them, and
    /// packing has a fixed cell of its own: the only output may have all that, others are copied.
    fn output(&mut self, tensor: TensorId, is_only: bool) {
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
        let block = plain.unwrap_or_else(|| {
            let sources = self.sources(tensor);
            self.copy("output", &sources, self.lines(tensor))
        });
        self.net.blocks[block].is_public = true;
        let port = self.port(block, tensor, self.net.outputs.last());
        self.net.outputs.push(port);
    }

    /// A scan for reading element by element.
    fn lines(&self, tensor: TensorId) -> Scan {
        let last = self.graph.tensors[tensor.0].shape.iter().rev().find(|&&size| size > 1);
        Scan::Whole { width: last.copied().unwrap_or(1).min(WIDEST_LINE) }
    }

    /// The first scan that a taker wishes for and that will do, or else the natural one.
    fn scan(&self, tensor: TensorId, natural: Scan, will_do: impl Fn(Scan) -> bool) -> Scan {
        let wanted = self.wanted[tensor.0].iter().rev().copied();
        let alone = self.uses[tensor.0] == 1;
        let mut possible = wanted.filter(|&scan| (scan.is_injective() || alone) && will_do(scan));
        possible.next().unwrap_or(natural)
    }

    /// Adds a block whose groups have `rows` rows each.
    fn block(
        &mut self,
        name: &str,
        len: usize,
        scan: Scan,
        cells: Vec<Cell>,
        rows: usize,
    ) -> usize {
        let groups = (0..cells.len()).step_by(rows.max(1)).map(index).collect();
        self.net.blocks.push(Block {
            name: name.into(),
            len,
            scan,
            runs: scan.runs(len),
            cells,
            groups,
            is_public: false,
        });
        self.net.blocks.len() - 1
    }

    /// Reserves powers of ρ.
    fn omegas(&mut self, count: usize) -> u32 {
        let first = index(self.net.planes.len());
        let none = Plane { start: 0, low: [0, 0], len: [0, 0] };
        self.net.planes.resize(self.net.planes.len() + count, none);
        first
    }
}

fn too_large(node: &Node) -> CircuitError {
    CircuitError::LargeIntegers { node: node.name.clone(), operator: node.origin.operator.clone() }
}

fn unsupported(node: &Node) -> CircuitError {
    CircuitError::UnsupportedOperator {
        node: node.name.clone(),
        operator: node.origin.operator.clone(),
    }
}

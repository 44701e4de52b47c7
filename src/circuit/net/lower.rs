//! From a quantized graph to blocks and linear maps.

use super::average;
use super::graph::{
    Block, Cell, Kind, Net, Place, Plane, Position, Run, Scan, Term, Weight, exponent, index,
};
use super::rule::{Levels, Monotone, Rule, Sum};
use crate::circuit::{
    CircuitError,
    activation::{Activation, byte},
};
use crate::model::{
    Add, AveragePool, Conv, ConvTranspose, Gemm, Graph, MatMul, MaxPool, Model, Mul, Node, Operand,
    Operator, Reduce, Requantization, Rescale, Steps, TensorId, View, ViewElement, Window,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

mod arg_max;
mod layer_norm;
mod softmax;
mod vectors;

/// Sums with more constants are divisions: a table per constant would fill the table.
const MOST_TABLES: usize = 4;

/// Lines of blocks that are read element by element are at most this long.
const WIDEST_LINE: usize = 64;

/// An element of a block, or a constant byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    Element { block: u32, element: u32 },
    Constant(u8),
}

/// Where a tensor's elements are.
#[derive(Clone, Debug)]
enum Value {
    Block(usize),
    Sources(Vec<Source>),
}

/// A contribution of a run: relative power of ρ, position, weight.
type Tap = (u32, Position, i32);

/// A lowering in progress.
pub(super) struct Lowering<'a> {
    pub(super) graph: &'a Graph,
    pub(super) net: Net,
    values: Vec<Option<Value>>,
    uses: Vec<usize>,
    wanted: Vec<Vec<Scan>>,
    copies: HashMap<(TensorId, Scan), usize>,
}

impl Net {
    /// Lowers a model's graph.
    pub fn new(model: &Model, private_input: bool) -> Result<Self, CircuitError> {
        let ([input], [output]) = (&model.inputs[..], &model.outputs[..]) else {
            return Err(CircuitError::Ports {
                inputs: model.inputs.len(),
                outputs: model.outputs.len(),
            });
        };
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
                input: 0,
                input_element: graph.tensors[input.tensor.0].quantization.element,
                output: 0,
                output_element: graph.tensors[output.tensor.0].quantization.element,
            },
            values: vec![None; tensors],
            uses: vec![0; tensors],
            wanted: vec![Vec::new(); tensors],
            copies: HashMap::new(),
        };
        lowering.count_uses(output.tensor);
        lowering.collect_wishes();
        lowering.input(input.tensor, !private_input);
        for node in &graph.nodes {
            lowering.node(node)?;
        }
        lowering.output(output.tensor);
        let mut net = lowering.net;
        net.measure_planes();
        assert!(net.makes_places_once(), "soundness rests on this");
        Ok(net)
    }
}

impl Lowering<'_> {
    fn len(&self, tensor: TensorId) -> usize {
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

    /// How many operators take each tensor, through views.
    fn count_uses(&mut self, output: TensorId) {
        self.uses[output.0] += 1;
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

    pub(super) fn wish(&self, node: &Node) -> Option<Scan> {
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
        self.net.input = block;
        self.values[tensor.0] = Some(Value::Block(block));
    }

    /// The output's rows lie in order, nothing else takes them, and packing has a fixed cell of its own.
    fn output(&mut self, tensor: TensorId) {
        let plain = match self.values[tensor.0] {
            Some(Value::Block(block)) => {
                let cells = &self.net.blocks[block].cells;
                let made = |cell: &Cell| matches!(cell.kind, Kind::Made { .. } | Kind::Read { .. });
                let in_order =
                    cells.iter().map(|cell| cell.element).eq((0..index(cells.len())).map(Some));
                let taken = self.net.blocks[block].is_taken();
                (block != self.net.input && in_order && !taken && cells.iter().all(made))
                    .then_some(block)
            }
            _ => None,
        };
        let block = plain.unwrap_or_else(|| {
            let sources = self.sources(tensor);
            self.copy("output", &sources, self.lines(tensor))
        });
        self.net.blocks[block].is_public = true;
        self.net.output = block;
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
    pub(super) fn block(
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

    pub(super) fn rule(&mut self, rule: Rule) -> u32 {
        self.net.rules.push(rule);
        index(self.net.rules.len() - 1)
    }

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
    fn cut(&mut self, node: &Node, tensor: TensorId, scan: Scan) -> usize {
        match self.values[tensor.0] {
            Some(Value::Block(block)) if self.net.blocks[block].scan == scan => block,
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
    fn copy(&mut self, name: &str, sources: &[Source], scan: Scan) -> usize {
        let (places, spills) = self.read(sources);
        let cells = sources.iter().zip(places).enumerate().map(|(element, (source, place))| Cell {
            element: Some(index(element)),
            ..read_cell(*source, place)
        });
        let cells = cells.chain(spills).collect();
        self.block(name, sources.len(), scan, cells, 1)
    }

    /// Reads elements: where each copy is made, and rows for copies that nobody asked for.
    ///
    /// A term reads a whole run. An element read several times is read by as many terms; where others of
    /// its run are read less often, their copies are spilt.
    pub(super) fn read(&mut self, sources: &[Source]) -> (Vec<Place>, Vec<Cell>) {
        let mut by_element: HashMap<Source, usize> = HashMap::new();
        let mut layers: BTreeMap<(u32, usize), Vec<(u32, usize)>> = BTreeMap::new();
        let mut places = vec![Place { omega: 0, at: [0, 0] }; sources.len()];
        for (position, &source) in sources.iter().enumerate() {
            match source {
                Source::Element { block, element } => {
                    let times = by_element.entry(source).or_default();
                    layers.entry((block, *times)).or_default().push((element, position));
                    *times += 1;
                }
                Source::Constant(_) => places[position].omega = self.omegas(1),
            }
        }
        let mut spills = Vec::new();
        for ((block, _), reads) in layers {
            let block = block as usize;
            let mut position_of = vec![None; self.net.blocks[block].len];
            for (element, position) in reads {
                position_of[element as usize] = Some(position);
            }
            debug_assert!(self.net.blocks[block].scan.is_injective(), "sums are taken alone");
            for run in 0..self.net.blocks[block].runs.len() {
                let elements = std::mem::take(&mut self.net.blocks[block].runs[run].elements);
                if elements.iter().any(|&(element, _)| position_of[element as usize].is_some()) {
                    let omega = self.omegas(1);
                    for &(element, at) in &elements {
                        let place = Place { omega, at };
                        match position_of[element as usize] {
                            Some(position) => places[position] = place,
                            None => spills.push(Cell {
                                kind: Kind::Read { constant: 0 },
                                place: Some(place),
                                element: None,
                            }),
                        }
                    }
                    self.net.blocks[block].runs[run].terms.push(Term {
                        place: Place { omega, at: [0, 0] },
                        weight: Weight::Integer(1),
                    });
                }
                self.net.blocks[block].runs[run].elements = elements;
            }
        }
        (places, spills)
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
            Operator::ReduceMax(reduce) => {
                let windows = (0..reduce.outer * reduce.inner).map(|output| {
                    let (outer, inner) = (output / reduce.inner, output % reduce.inner);
                    (0..reduce.length)
                        .map(|i| (outer * reduce.length + i) * reduce.inner + inner)
                        .collect()
                });
                Value::Block(self.largest(node, windows.collect()))
            }
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

    /// The requantization of output channels as rules, for accumulators of their ranges.
    fn requantizations(
        &mut self,
        node: &Node,
        requantization: &Requantization,
        ranges: &[(i64, i64)],
    ) -> Result<Vec<u32>, CircuitError> {
        let base = self.base(node.output);
        let bounds = (requantization.min - base, requantization.max - base);
        let int32 = |channel: usize, (low, high): (i64, i64)| {
            let range = (i32::try_from(low).ok()).zip(i32::try_from(high).ok());
            range.ok_or_else(|| CircuitError::AccumulatorRange {
                node: node.name.clone(),
                output: channel,
            })
        };
        // Channels with one multiplier have one function.
        let mut alls: HashMap<u32, (i64, i64, usize)> = HashMap::new();
        for (channel, &(low, high)) in ranges.iter().enumerate() {
            let all = alls
                .entry(requantization.multiplier(channel).to_bits())
                .or_insert((low, high, channel));
            (all.0, all.1) = (all.0.min(low), all.1.max(high));
        }
        let mut functions = HashMap::new();
        for (multiplier, (low, high, channel)) in alls {
            let range = int32(channel, (low, high))?;
            let steps = Steps::find(requantization, channel, base, range);
            functions.insert(multiplier, Arc::new((low, high, steps)));
        }
        let mut rules = Vec::new();
        for (channel, &range) in ranges.iter().enumerate() {
            let steps = Steps::find(requantization, channel, base, int32(channel, range)?);
            let all = functions[&requantization.multiplier(channel).to_bits()].clone();
            let levels = Levels::Steps(Monotone { steps, all });
            rules.push(self.rule(Rule { range, levels, activation: clamp(bounds), values: None }));
        }
        Ok(rules)
    }

    /// Any monotone function of the accumulator as a rule.
    fn monotone(
        &mut self,
        level: impl Fn(i32) -> i32,
        bounds: (i32, i32),
        multiplier: f64,
        (low, high): (i32, i32),
    ) -> u32 {
        let steps = Steps::of(level, bounds, multiplier, (low, high));
        let range = (i64::from(low), i64::from(high));
        let all = Arc::new((range.0, range.1, steps.clone()));
        let levels = Levels::Steps(Monotone { steps, all });
        self.rule(Rule { range, levels, activation: clamp(bounds), values: None })
    }

    /// Lets the runs of a block contribute, and makes the outputs: `made` has each one's place, relative
    /// to the first power of ρ, its rule and its bias.
    fn linear(
        &mut self,
        node: &Node,
        source: usize,
        taps: impl Fn(&Run, usize) -> Vec<Tap>,
        omegas: usize,
        made: Vec<(Place, u32, i64)>,
        natural: Scan,
    ) -> usize {
        let cells = made.into_iter().enumerate().map(|(element, (place, rule, bias))| Cell {
            kind: Kind::Made { rule, bias },
            place: Some(place),
            element: Some(index(element)),
        });
        self.linear_groups(node, source, taps, omegas, (cells.collect(), 1), natural)
    }

    /// The same with several rows to an output, at places relative to the first power of ρ.
    pub(super) fn linear_groups(
        &mut self,
        node: &Node,
        source: usize,
        taps: impl Fn(&Run, usize) -> Vec<Tap>,
        omegas: usize,
        (mut cells, rows): (Vec<Cell>, usize),
        natural: Scan,
    ) -> usize {
        let first = self.omegas(omegas);
        // What the taps reach, by power of ρ.
        let mut boxes: Vec<Option<[Position; 2]>> = vec![None; omegas];
        // The least and the greatest accumulator.
        let mut ends = vec![[0_i64; 2]; omegas];
        let runs = self.net.blocks[source].runs.len();
        let mut all_taps = Vec::with_capacity(runs);
        for number in 0..runs {
            let run = &mut self.net.blocks[source].runs[number];
            let taps = taps(run, number);
            let [low, high] = bounds(run.elements.iter().map(|&(_, at)| at));
            for &(omega, at, weight) in &taps {
                let reached = &mut boxes[omega as usize];
                let tap = |corner: Position| [corner[0] + at[0], corner[1] + at[1]];
                let corners = reached.iter().flatten().copied().chain([tap(low), tap(high)]);
                *reached = Some(bounds(corners));
                // One tap reaches a place at most once, except in sums, where all elements do.
                let times = if low == high { run.elements.len() as i64 } else { 1 };
                let [low, high] = &mut ends[omega as usize];
                *low += 255 * i64::from(weight.min(0)) * times;
                *high += 255 * i64::from(weight.max(0)) * times;
                run.terms.push(Term {
                    place: Place { omega: first + omega, at },
                    weight: Weight::Integer(weight),
                });
            }
            all_taps.push(taps);
        }
        let mut marks: Vec<Vec<bool>> = Vec::with_capacity(omegas);
        let offset = |[low, high]: [Position; 2], at: Position| {
            let width = high[0] - low[0] + 1;
            usize::try_from((at[1] - low[1]) * width + at[0] - low[0]).expect("inside the box")
        };
        for reached in &boxes {
            marks.push(
                reached
                    .map_or(Vec::new(), |[low, high]| vec![false; offset([low, high], high) + 1]),
            );
        }
        for (run, taps) in self.net.blocks[source].runs.iter().zip(&all_taps) {
            for &(omega, at, _) in taps {
                let reached = boxes[omega as usize].expect("the tap reaches it");
                for &(_, position) in &run.elements {
                    let place = [at[0] + position[0], at[1] + position[1]];
                    marks[omega as usize][offset(reached, place)] = true;
                }
            }
        }
        for place in cells.iter_mut().filter_map(|cell| cell.place.as_mut()) {
            if let Some([low, high]) = boxes[place.omega as usize]
                && (0..2).all(|axis| (low[axis]..=high[axis]).contains(&place.at[axis]))
            {
                marks[place.omega as usize][offset([low, high], place.at)] = false;
            }
            place.omega += first;
        }
        let len = cells.len() / rows;
        let mut spilt: Vec<Vec<Position>> = Vec::with_capacity(omegas);
        for (marks, reached) in marks.into_iter().zip(&boxes) {
            let Some([low, high]) = *reached else {
                spilt.push(Vec::new());
                continue;
            };
            let width = high[0] - low[0] + 1;
            let places = marks.into_iter().enumerate().filter(|&(_, marked)| marked);
            let places = places.map(|(place, _)| {
                let place = exponent(place);
                [low[0] + place % width, low[1] + place / width]
            });
            spilt.push(places.collect());
        }
        let spills = spill_cells(&spilt, &ends, first, self.holds_bytes(source));
        let scan = self.scan(node.output, natural, |_| true);
        let block = self.block(&node.name, len, scan, cells, rows);
        self.spill(block, spills);
        block
    }

    fn gemm(&mut self, node: &Node, gemm: &Gemm) -> Result<usize, CircuitError> {
        let rows = self.len(node.inputs[0]) / gemm.inputs.max(1);
        let scan = self.wish(node).expect("a Gemm has one");
        let source = self.cut(node, node.inputs[0], scan);
        let zero = i64::from(self.zero_byte(node.inputs[0]));
        let (mut ranges, mut biases) = (Vec::new(), Vec::new());
        for output in 0..gemm.outputs {
            let weights = &gemm.weights[output * gemm.inputs..][..gemm.inputs];
            let bias = i64::from(gemm.bias[output]);
            ranges.push(centred_range(weights, zero, bias));
            let sum: i64 = weights.iter().map(|&weight| i64::from(weight)).sum();
            biases.push(bias - zero * sum);
        }
        let rules = self.requantizations(node, &gemm.requantization, &ranges)?;
        let made = (0..rows * gemm.outputs).map(|element| {
            let (row, output) = (element / gemm.outputs, element % gemm.outputs);
            let place = Place { omega: index(output), at: [exponent(row), 0] };
            (place, rules[output], biases[output])
        });
        let made = made.collect();
        let taps = |_: &Run, input: usize| {
            let weight = |output| gemm.weights[output * gemm.inputs + input];
            (0..gemm.outputs).map(|output| (index(output), [0, 0], weight(output))).collect()
        };
        let natural = if rows == 1 {
            self.lines(node.output)
        } else {
            Scan::Columns { columns: gemm.outputs }
        };
        Ok(self.linear(node, source, taps, gemm.outputs, made, natural))
    }

    fn conv(&mut self, node: &Node, conv: &Conv) -> Result<usize, CircuitError> {
        let window = &conv.window;
        let scan = self.wish(node).expect("a Conv has one");
        let source = self.cut(node, node.inputs[0], scan);
        let zero = i64::from(self.zero_byte(node.inputs[0]));
        let (inputs, outputs) = (conv.inputs / conv.group, conv.outputs / conv.group);
        let taps_per_output = inputs * window.len();
        let range = |output: usize| {
            let weights = &conv.weights[output * taps_per_output..][..taps_per_output];
            centred_range(weights, zero, conv.bias[output].into())
        };
        let ranges: Vec<_> = (0..conv.outputs).map(range).collect();
        let rules = self.requantizations(node, &conv.requantization, &ranges)?;
        // Zero points count only where the window sees the input.
        let [height, width] = window.output;
        let sums: Vec<i64> = (0..conv.outputs * window.len())
            .map(|position| {
                let (output, tap) = (position / window.len(), position % window.len());
                let weight =
                    |input| conv.weights[output * taps_per_output + input * window.len() + tap];
                (0..inputs).map(|input| i64::from(weight(input))).sum()
            })
            .collect();
        let mut made = Vec::with_capacity(conv.batch * conv.outputs * height * width);
        for (batch, output) in (0..conv.batch).flat_map(|b| (0..conv.outputs).map(move |o| (b, o)))
        {
            for (row, column) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                let seen = seen_taps(window, [row, column]);
                let sum: i64 = seen.map(|tap| sums[output * window.len() + tap]).sum();
                let omega = index(batch * conv.outputs + output);
                let place = Place { omega, at: [exponent(column), exponent(row)] };
                made.push((place, rules[output], i64::from(conv.bias[output]) - zero * sum));
            }
        }
        let phases = phases(window);
        let taps = |_: &Run, run: usize| {
            let (plane, phase) = (run / phases.len(), phases[run % phases.len()]);
            let (batch, channel) = (plane / conv.inputs, plane % conv.inputs);
            let (group, input) = (channel / inputs, channel % inputs);
            let mut taps = Vec::new();
            for (tap, at) in shifts(window, phase) {
                for output in group * outputs..(group + 1) * outputs {
                    let weight =
                        conv.weights[output * taps_per_output + input * window.len() + tap];
                    taps.push((index(batch * conv.outputs + output), at, weight));
                }
            }
            taps
        };
        let natural = Scan::Planes { size: window.output, strides: [1, 1] };
        Ok(self.linear(node, source, taps, conv.batch * conv.outputs, made, natural))
    }

    fn conv_transpose(&mut self, node: &Node, conv: &ConvTranspose) -> Result<usize, CircuitError> {
        let window = &conv.window;
        let scan = self.wish(node).expect("a ConvTranspose has one");
        let source = self.cut(node, node.inputs[0], scan);
        let zero = i64::from(self.zero_byte(node.inputs[0]));
        let (inputs, outputs) = (conv.inputs / conv.group, conv.outputs / conv.group);
        let weight = |channel: usize, output: usize, tap: usize| {
            conv.weights[(channel * outputs + output) * window.len() + tap]
        };
        // The window slides over this operator's output; the positions it sees there are reached.
        let [height, width] = window.input;
        let mut reached = vec![Vec::new(); height * width];
        for (row, column) in
            (0..window.output[0]).flat_map(|i| (0..window.output[1]).map(move |j| (i, j)))
        {
            for tap in 0..window.len() {
                let tap_position = [tap / window.kernel[1], tap % window.kernel[1]];
                if let Some([i, j]) = window.position([row, column], tap_position) {
                    reached[i * width + j].push(tap);
                }
            }
        }
        let (mut ranges, mut made) = (Vec::new(), Vec::new());
        for output in 0..conv.outputs {
            let (group, own) = (output / outputs, output % outputs);
            let channels = group * inputs..(group + 1) * inputs;
            let weights: Vec<i32> = (channels)
                .flat_map(|channel| (0..window.len()).map(move |tap| (channel, tap)))
                .map(|(channel, tap)| weight(channel, own, tap))
                .collect();
            ranges.push(centred_range(&weights, zero, conv.bias[output].into()));
        }
        let rules = self.requantizations(node, &conv.requantization, &ranges)?;
        for (batch, output) in (0..conv.batch).flat_map(|b| (0..conv.outputs).map(move |o| (b, o)))
        {
            let (group, own) = (output / outputs, output % outputs);
            for (position, reached) in reached.iter().enumerate() {
                let channels = group * inputs..(group + 1) * inputs;
                let sum: i64 = channels
                    .flat_map(|channel| reached.iter().map(move |&tap| (channel, tap)))
                    .map(|(channel, tap)| i64::from(weight(channel, own, tap)))
                    .sum();
                let omega = index(batch * conv.outputs + output);
                let at = [exponent(position % width), exponent(position / width)];
                made.push((
                    Place { omega, at },
                    rules[output],
                    i64::from(conv.bias[output]) - zero * sum,
                ));
            }
        }
        let taps = |_: &Run, plane: usize| {
            let (batch, channel) = (plane / conv.inputs, plane % conv.inputs);
            let group = channel / inputs;
            let mut taps = Vec::new();
            for tap in 0..window.len() {
                let along = |axis: usize, position: usize| {
                    exponent(position * window.dilations[axis]) - exponent(window.pads[axis])
                };
                let at = [along(1, tap % window.kernel[1]), along(0, tap / window.kernel[1])];
                for own in 0..outputs {
                    let omega = index(batch * conv.outputs + group * outputs + own);
                    taps.push((omega, at, weight(channel, own, tap)));
                }
            }
            taps
        };
        let natural = Scan::Planes { size: window.input, strides: [1, 1] };
        Ok(self.linear(node, source, taps, conv.batch * conv.outputs, made, natural))
    }

    fn average_pool(&mut self, node: &Node, pool: &AveragePool) -> Result<usize, CircuitError> {
        if self.is_rounded(node, pool) {
            return self.rounded_pool(node, pool);
        }
        let window = &pool.window;
        let scan = self.wish(node).expect("an AveragePool has one");
        let source = self.cut(node, node.inputs[0], scan);
        let zero = self.zero_byte(node.inputs[0]);
        let base = self.base(node.output);
        let mut rules: BTreeMap<usize, u32> = BTreeMap::new();
        let [height, width] = window.output;
        let mut made = Vec::new();
        for plane in 0..pool.planes {
            for (row, column) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                let seen = window.positions([row, column]).count();
                let rule = match rules.get(&seen) {
                    Some(&rule) => rule,
                    None => {
                        let count = i32::try_from(seen).expect("windows are small");
                        let range = (-zero * count, (255 - zero) * count);
                        let level = |sum| {
                            average::of_sum(pool, zero, sum, seen).expect("sums decide") - base
                        };
                        let bounds = (pool.mean.min - base, pool.mean.max - base);
                        let divisor = if pool.count_include_pad { window.len() } else { seen };
                        let rule = self.monotone(level, bounds, slope(&pool.mean, divisor), range);
                        rules.insert(seen, rule);
                        rule
                    }
                };
                let count = i64::try_from(seen).expect("windows are small");
                let at = [exponent(column), exponent(row)];
                made.push((Place { omega: index(plane), at }, rule, -i64::from(zero) * count));
            }
        }
        let phases = if matches!(scan, Scan::Sums { .. }) { vec![[0, 0]] } else { phases(window) };
        let taps = |_: &Run, run: usize| {
            let (plane, phase) = (run / phases.len(), phases[run % phases.len()]);
            if matches!(scan, Scan::Sums { .. }) {
                return vec![(index(plane), [0, 0], 1)];
            }
            let shifts = shifts(window, phase).into_iter();
            shifts.map(|(_, at)| (index(plane), at, 1)).collect()
        };
        let natural = Scan::Planes { size: window.output, strides: [1, 1] };
        Ok(self.linear(node, source, taps, pool.planes, made, natural))
    }

    fn reduce(&mut self, node: &Node, reduce: &Reduce) -> Result<usize, CircuitError> {
        let scan = self.wish(node).expect("a Reduce has one");
        let source = self.cut(node, node.inputs[0], scan);
        let zero = self.zero_byte(node.inputs[0]);
        let base = self.base(node.output);
        let count = i32::try_from(reduce.length).expect("axes are short");
        let range = (-zero * count, (255 - zero) * count);
        let rule = match &reduce.rescale {
            Rescale::Requantization(requantization) => {
                let range = (i64::from(range.0), i64::from(range.1));
                self.requantizations(node, requantization, &[range])?[0]
            }
            Rescale::Mean(mean, count) => {
                let level = |sum| mean.apply(sum, *count) - base;
                self.monotone(level, (mean.min - base, mean.max - base), slope(mean, *count), range)
            }
        };
        let bias = -i64::from(zero) * i64::from(count);
        let outputs = reduce.outer * reduce.inner;
        let made = (0..outputs)
            .map(|output| (Place { omega: index(output), at: [0, 0] }, rule, bias))
            .collect();
        let taps = |_: &Run, run: usize| vec![(index(run), [0, 0], 1)];
        let natural = self.lines(node.output);
        Ok(self.linear(node, source, taps, outputs, made, natural))
    }

    fn add(&mut self, node: &Node, add: &Add) -> usize {
        let base = self.base(node.output);
        if let Operand::Constant(constants) = &add.operand {
            let low = self.base(node.inputs[0]);
            let mut distinct = constants.clone();
            distinct.sort_unstable();
            distinct.dedup();
            if distinct.len() > MOST_TABLES && add.left > 0.0 {
                return self.add_constants(node, add, constants);
            }
            let values = |constant: i32| (0..256).map(|x| add.apply(x + low, constant)).collect();
            return self.by_constant(node, constants, values);
        }
        let [left, right] = [node.inputs[0], node.inputs[1]];
        let scan_of = |lowering: &Self, tensor: TensorId| match lowering.values[tensor.0] {
            Some(Value::Block(block)) => Some(lowering.net.blocks[block].scan),
            _ => None,
        };
        // Both operands are cut alike, so that an output has the same place for both.
        let scan = [left, right].into_iter().filter_map(|tensor| scan_of(self, tensor));
        let scan = scan.filter(|scan| scan.is_injective()).find(|&scan| scan != Scan::Flat);
        let scan = scan.unwrap_or_else(|| self.lines(left));
        let mut blocks = [left, right].map(|tensor| self.cut(node, tensor, scan));
        if blocks[0] == blocks[1] {
            // A run has one term for a place.
            let sources = self.sources(right);
            blocks[1] = self.copy(&node.name, &sources, scan);
        }
        let sum = Sum::new(add, [self.base(left), self.base(right)], base);
        let rule = self.rule(Rule {
            range: (0, 0),
            levels: Levels::Sum(Box::new(sum)),
            activation: clamp((add.min - base, add.max - base)),
            values: None,
        });
        let runs = self.net.blocks[blocks[0]].runs.len();
        let first = self.omegas(runs);
        let mut cells = Vec::new();
        for run in 0..runs {
            let omega = first + index(run);
            for (operand, &block) in blocks.iter().enumerate() {
                self.net.blocks[block].runs[run].terms.push(Term {
                    place: Place { omega, at: [0, 0] },
                    weight: Weight::Operand { rule, operand },
                });
            }
            for &(element, at) in &self.net.blocks[blocks[0]].runs[run].elements {
                cells.push(Cell {
                    kind: Kind::Made { rule, bias: 0 },
                    place: Some(Place { omega, at }),
                    element: Some(element),
                });
            }
        }
        cells.sort_by_key(|cell| cell.element);
        let scan = self.scan(node.output, scan, |_| true);
        self.block(&node.name, cells.len(), scan, cells, 1)
    }

    fn mul(&mut self, node: &Node, mul: &Mul) -> usize {
        let base = self.base(node.output);
        if let Operand::Constant(constants) = &mul.operand {
            let quantization = self.graph.tensors[node.inputs[0].0].quantization;
            let low = quantization.element.range().0 - quantization.zero_point;
            let values = |constant: i32| {
                (0..256).map(|x| mul.apply(x + low, constant - mul.operand_zero_point)).collect()
            };
            return self.by_constant(node, constants, values);
        }
        let [left, right] = [node.inputs[0], node.inputs[1]];
        let zeros = [left, right].map(|tensor| self.zero_byte(tensor));
        let reach = zeros.map(|zero| [-zero, 255 - zero]);
        let products = reach[0].iter().flat_map(|a| reach[1].iter().map(move |b| a * b));
        let range = (products.clone().min().unwrap_or(0), products.max().unwrap_or(0));
        let rule = self.monotone(
            |product| mul.apply(product, 1) - base,
            (mul.min - base, mul.max - base),
            mul.multiplier.into(),
            range,
        );
        let mut sources = self.sources(left);
        let len = sources.len();
        sources.extend(self.sources(right));
        let (places, spills) = self.read(&sources);
        let mut cells = Vec::new();
        for element in 0..len {
            cells.push(read_cell(sources[element], places[element]));
            let right = read_cell(sources[len + element], places[len + element]);
            let kind = match right.kind {
                Kind::Read { constant } => Kind::Pair { constant },
                other => other,
            };
            cells.push(Cell { kind, ..right });
            cells.push(Cell {
                kind: Kind::Product { rule, zeros },
                place: None,
                element: Some(index(element)),
            });
        }
        let natural = self.lines(node.output);
        let scan = self.scan(node.output, natural, |_| true);
        let block = self.block(&node.name, len, scan, cells, 3);
        self.spill(block, spills);
        block
    }

    /// Whether no rule of a block gives anything else in place of bytes, of which `ends` are the sums.
    fn holds_bytes(&self, block: usize) -> bool {
        self.net.blocks[block].cells.iter().all(|cell| match cell.kind {
            Kind::Made { rule, .. } => self.net.rules[rule as usize].values.is_none(),
            _ => true,
        })
    }

    /// Appends rows that belong to no element.
    pub(super) fn spill(&mut self, block: usize, spills: Vec<Cell>) {
        let block = &mut self.net.blocks[block];
        for cell in spills {
            block.groups.push(index(block.cells.len()));
            block.cells.push(cell);
        }
    }

    fn mat_mul(&mut self, node: &Node, product: &MatMul) -> Result<usize, CircuitError> {
        let MatMul { batch, rows, inner, columns, ref requantization } = *product;
        let [left, right] = [node.inputs[0], node.inputs[1]];
        let zeros = [left, right].map(|tensor| self.zero_byte(tensor));
        let most = |zero: i32| i64::from(zero.max(255 - zero));
        let reach = i64::try_from(inner).expect("axes are short") * most(zeros[0]) * most(zeros[1]);
        let rule = self.requantizations(node, requantization, &[(-reach, reach)])?[0];
        let [left, right] = [left, right].map(|tensor| self.sources(tensor));
        // Both factors are read in the order of the products of a column with a row.
        let mut sources = Vec::new();
        for (n, k) in (0..batch).flat_map(|n| (0..inner).map(move |k| (n, k))) {
            sources.extend((0..rows).map(|i| left[(n * rows + i) * inner + k]));
            sources.extend((0..columns).map(|j| right[(n * inner + k) * columns + j]));
        }
        let (places, spills) = self.read(&sources);
        let first = self.omegas(batch);
        let mut cells = Vec::with_capacity(sources.len());
        let mut groups = Vec::new();
        let mut next = 0;
        for (n, _) in (0..batch).flat_map(|n| (0..inner).map(move |k| (n, k))) {
            groups.push(index(cells.len()));
            let target = Place { omega: first + index(n), at: [0, 0] };
            for i in 0..rows {
                let target = target.plus([exponent(i), 0]);
                let (zero, constant) = (zeros[0], constant(sources[next]));
                let kind = Kind::Load { zero, constant, target, starts: i == 0 };
                cells.push(Cell { kind, ..read_cell(sources[next], places[next]) });
                next += 1;
            }
            for j in 0..columns {
                let (zero, constant) = (zeros[1], constant(sources[next]));
                let kind = Kind::Multiply { zero, constant, at: [0, exponent(j)] };
                cells.push(Cell { kind, ..read_cell(sources[next], places[next]) });
                next += 1;
            }
        }
        self.net.blocks.push(Block {
            name: node.name.clone(),
            len: 0,
            scan: Scan::Flat,
            runs: Vec::new(),
            cells,
            groups,
            is_public: false,
        });
        let factors = self.net.blocks.len() - 1;
        self.spill(factors, spills);
        let cells = (0..batch * rows * columns).map(|element| {
            let (n, rest) = (element / (rows * columns), element % (rows * columns));
            let at = [exponent(rest / columns), exponent(rest % columns)];
            Cell {
                kind: Kind::Made { rule, bias: 0 },
                place: Some(Place { omega: first + index(n), at }),
                element: Some(index(element)),
            }
        });
        let cells = cells.collect();
        let natural = self.lines(node.output);
        let scan = self.scan(node.output, natural, |_| true);
        Ok(self.block(&node.name, batch * rows * columns, scan, cells, 1))
    }

    fn max_pool(&mut self, node: &Node, pool: &MaxPool) -> usize {
        let window = &pool.window;
        let [height, width] = window.output;
        let plane = window.input[0] * window.input[1];
        let windows = (0..pool.planes * height * width).map(|output| {
            let (channel, position) = (output / (height * width), output % (height * width));
            let seen = window.positions([position / width, position % width]);
            seen.map(|offset| channel * plane + offset).collect()
        });
        self.largest(node, windows.collect())
    }

    /// The largest element of each window.
    fn largest(&mut self, node: &Node, windows: Vec<Vec<usize>>) -> usize {
        let all = self.sources(node.inputs[0]);
        let sources: Vec<Source> = windows.iter().flatten().map(|&element| all[element]).collect();
        let (places, spills) = self.read(&sources);
        let (mut cells, mut groups, mut next) = (Vec::new(), Vec::new(), 0);
        for (element, window) in windows.iter().enumerate() {
            groups.push(index(cells.len()));
            for position in 0..window.len() {
                let read = read_cell(sources[next], places[next]);
                let kind = match read.kind {
                    Kind::Read { constant } if position > 0 => Kind::Larger { constant },
                    first => first,
                };
                let is_last = position + 1 == window.len();
                cells.push(Cell { kind, element: is_last.then_some(index(element)), ..read });
                next += 1;
            }
        }
        let natural = self.lines(node.output);
        let scan = self.scan(node.output, natural, |_| true);
        self.net.blocks.push(Block {
            name: node.name.clone(),
            len: windows.len(),
            scan,
            runs: scan.runs(windows.len()),
            cells,
            groups,
            is_public: false,
        });
        let block = self.net.blocks.len() - 1;
        self.spill(block, spills);
        block
    }

    /// The block of a tensor that a single operator takes, and the rules that make all its elements.
    pub(super) fn own_rules(&self, tensor: TensorId) -> Option<(usize, Vec<u32>)> {
        let Some(Value::Block(block)) = self.values[tensor.0] else { return None };
        // A reshaped tensor is in the same block.
        let is_own = (self.values.iter().zip(&self.uses)).all(|(value, &uses)| {
            !matches!(value, Some(Value::Block(b)) if *b == block) || uses == 1
        });
        if !is_own {
            return None;
        }
        let rules: Option<Vec<u32>> = (self.net.blocks[block].cells.iter())
            .filter(|cell| cell.element.is_some())
            .map(|cell| match cell.kind {
                Kind::Made { rule, .. }
                | Kind::Product { rule, .. }
                | Kind::Average { rule, .. } => Some(rule),
                _ => None,
            })
            .collect();
        let mut rules = rules?;
        rules.sort_unstable();
        rules.dedup();
        Some((block, rules))
    }

    /// Composes a table behind the only rule of the block that it alone takes.
    fn fuse(&mut self, node: &Node, values: &[i32]) -> Option<usize> {
        let (block, rules) = self.own_rules(node.inputs[0])?;
        let element = self.graph.tensors[node.output.0].quantization.element;
        let next: Vec<u8> = values.iter().filter_map(|&value| byte(value, element)).collect();
        for rule in rules {
            let rule = &mut self.net.rules[rule as usize];
            match &mut rule.levels {
                Levels::Table(table) => {
                    table.iter_mut().for_each(|byte| *byte = next[*byte as usize].into());
                }
                _ => rule.activation.then(&next),
            }
        }
        // What the table's takers wish for holds for the block.
        let block_scan = self.net.blocks[block].scan;
        let scan = self.scan(node.output, block_scan, |_| true);
        let len = self.net.blocks[block].len;
        self.net.blocks[block].runs = scan.runs(len);
        self.net.blocks[block].scan = scan;
        Some(block)
    }

    /// A function of each element that a constant chooses.
    fn by_constant(
        &mut self,
        node: &Node,
        constants: &[i32],
        values: impl Fn(i32) -> Vec<i32>,
    ) -> usize {
        let mut distinct = constants.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let tables: Vec<Vec<i32>> = distinct.iter().map(|&constant| values(constant)).collect();
        let tables: Vec<&[i32]> = tables.iter().map(|table| &table[..]).collect();
        let selector = |element: usize| {
            distinct.binary_search(&constants[element]).expect("it is one of the constants")
        };
        self.tables(node, &tables, selector)
    }

    /// A sum with constants, whose rules share their clamp.
    fn add_constants(&mut self, node: &Node, add: &Add, constants: &[i32]) -> usize {
        let [low, base] = [node.inputs[0], node.output].map(|tensor| self.base(tensor));
        let bounds = (add.min - base, add.max - base);
        let mut rules = BTreeMap::new();
        for &constant in constants {
            rules.entry(constant).or_insert_with(|| {
                let level = |x: i32| add.apply(x + low, constant) - base;
                self.monotone(level, bounds, add.left.into(), (0, 255))
            });
        }
        self.elementwise(node, |element| rules[&constants[element]])
    }

    /// A table per element.
    fn tables(
        &mut self,
        node: &Node,
        tables: &[&[i32]],
        selector: impl Fn(usize) -> usize,
    ) -> usize {
        let element = self.graph.tensors[node.output.0].quantization.element;
        let rules: Vec<u32> = tables
            .iter()
            .map(|values| {
                let bytes = values.iter().filter_map(|&v| byte(v, element).map(u32::from));
                self.rule(Rule {
                    range: (0, 255),
                    levels: Levels::Table(bytes.collect()),
                    activation: clamp((0, 255)),
                    values: None,
                })
            })
            .collect();
        self.elementwise(node, |element| rules[selector(element)])
    }

    /// A rule per element.
    fn elementwise(&mut self, node: &Node, rule: impl Fn(usize) -> u32) -> usize {
        let sources = self.sources(node.inputs[0]);
        let (places, spills) = self.read(&sources);
        let cells =
            sources.iter().zip(places).enumerate().map(|(element, (&source, place))| Cell {
                kind: Kind::Made { rule: rule(element), bias: constant(source).into() },
                place: Some(place),
                element: Some(index(element)),
            });
        let cells: Vec<Cell> = cells.collect();
        let natural = self.lines(node.output);
        let scan = self.scan(node.output, natural, |_| true);
        let block = self.block(&node.name, cells.len(), scan, cells, 1);
        self.spill(block, spills);
        block
    }
}

impl Net {
    /// Whether no two rows make something at one place, but for digits of one integer, and none at ρ⁰.
    fn makes_places_once(&self) -> bool {
        let cells = self.blocks.iter().flat_map(|block| &block.cells);
        let alone = cells.filter(|cell| !matches!(cell.kind, Kind::Natural { .. }));
        let mut places: Vec<Place> = alone.flat_map(Cell::places).collect();
        places.sort_unstable();
        let is_once = places.windows(2).all(|pair| pair[0] != pair[1]);
        is_once && places.first().is_none_or(|place| place.omega > 0)
    }

    /// Gives every power of ρ room for the accumulators that terms reach or rows make.
    fn measure_planes(&mut self) {
        let mut boxes: Vec<Option<[Position; 2]>> = vec![None; self.planes.len()];
        let mut reach = |place: Place| {
            let reached = &mut boxes[place.omega as usize];
            let corners = reached.iter().flatten().copied().chain([place.at]);
            *reached = Some(bounds(corners));
        };
        for block in &self.blocks {
            for run in &block.runs {
                let corners = bounds(run.elements.iter().map(|&(_, at)| at));
                for term in &run.terms {
                    corners.iter().for_each(|&corner| reach(term.place.plus(corner)));
                }
            }
            for place in block.cells.iter().flat_map(Cell::places) {
                reach(place);
            }
        }
        let mut start = 0;
        for (plane, reached) in self.planes.iter_mut().zip(boxes) {
            let Some([low, high]) = reached else { continue };
            let len = [0, 1]
                .map(|axis| usize::try_from(high[axis] - low[axis] + 1).expect("high is higher"));
            *plane = Plane { start, low, len };
            start += len[0] * len[1];
        }
        self.accumulators = start;
    }
}

fn read_cell(source: Source, place: Place) -> Cell {
    Cell { kind: Kind::Read { constant: constant(source) }, place: Some(place), element: None }
}

/// What is added to the copy of a source: nothing is copied where a constant is.
pub(super) fn constant(source: Source) -> i32 {
    match source {
        Source::Element { .. } => 0,
        Source::Constant(byte) => byte.into(),
    }
}

/// The least and the greatest exponents.
fn bounds(positions: impl Iterator<Item = Position>) -> [Position; 2] {
    let boxes = positions.map(|at| [at, at]);
    boxes
        .reduce(|[low, high], [l, h]| {
            [[low[0].min(l[0]), low[1].min(l[1])], [high[0].max(h[0]), high[1].max(h[1])]]
        })
        .unwrap_or([[0, 0], [0, 0]])
}

/// Rows for what is spilt at each power of ρ, from `first` on, where accumulators lie between `ends`:
/// two to a row where they may share one and the next power has one at the same position, as channels of a
/// layer do.
fn spill_cells(
    spilt: &[Vec<Position>],
    ends: &[[i64; 2]],
    first: u32,
    may_share: bool,
) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut shared: HashSet<Position> = HashSet::new();
    for (omega, places) in spilt.iter().enumerate() {
        let none = Vec::new();
        let places = places.iter().copied().filter(|at| !shared.contains(at));
        let next: HashSet<Position> =
            spilt.get(omega + 1).unwrap_or(&none).iter().copied().collect();
        let (pairs, alone): (Vec<_>, Vec<_>) =
            places.partition(|at| may_share && next.contains(at));
        let most = ends[omega..].iter().take(2).flatten().map(|end| end.abs()).max().unwrap_or(0);
        let kinds =
            [(&pairs, Kind::Spills { most }), (&alone, Kind::Spill { low: ends[omega][0] })];
        for (places, kind) in kinds {
            cells.extend(step_by_step(places.clone()).into_iter().map(|at| Cell {
                kind,
                place: Some(Place { omega: first + index(omega), at }),
                element: None,
            }));
        }
        shared = pairs.into_iter().collect();
    }
    cells
}

/// Positions in an order in which each is near the one before.
fn step_by_step(mut rest: Vec<Position>) -> Vec<Position> {
    let mut sorted: Vec<Position> = Vec::with_capacity(rest.len());
    let mut last = [0, 0];
    while !rest.is_empty() {
        let away = |at: &Position| at[0].abs_diff(last[0]) + at[1].abs_diff(last[1]);
        let nearest = (0..rest.len()).min_by_key(|&i| away(&rest[i])).expect("not empty");
        last = rest.swap_remove(nearest);
        sorted.push(last);
    }
    sorted
}

/// The phases of a strided plane that have elements, as first row and column.
pub(super) fn phases(window: &Window) -> Vec<[usize; 2]> {
    let [down, along] = window.strides;
    let [height, width] = window.input;
    (0..down.min(height))
        .flat_map(|row| (0..along.min(width)).map(move |column| [row, column]))
        .collect()
}

/// For a phase, the taps that see it and how far they shift it: output = position in phase + shift.
pub(super) fn shifts(window: &Window, phase: [usize; 2]) -> Vec<(usize, Position)> {
    let along = |axis: usize, tap: usize| {
        let offset =
            exponent(phase[axis] + window.pads[axis]) - exponent(tap * window.dilations[axis]);
        let stride = exponent(window.strides[axis]);
        (offset.rem_euclid(stride) == 0).then(|| offset.div_euclid(stride))
    };
    (0..window.len())
        .filter_map(|tap| {
            let down = along(0, tap / window.kernel[1])?;
            Some((tap, [along(1, tap % window.kernel[1])?, down]))
        })
        .collect()
}

/// The taps with which a window sees the input.
pub(super) fn seen_taps(window: &Window, output: [usize; 2]) -> impl Iterator<Item = usize> + '_ {
    (0..window.len()).filter(move |tap| {
        window.position(output, [tap / window.kernel[1], tap % window.kernel[1]]).is_some()
    })
}

/// The length of a plane that a pool's only window sees whole.
fn whole_window(window: &Window) -> Option<usize> {
    let whole = window.output == [1, 1] && window.pads == [0, 0] && window.kernel == window.input;
    (whole && window.dilations == [1, 1]).then(|| window.len())
}

/// The range of an accumulator over all bytes, and over any part of the weights.
fn centred_range(weights: &[i32], zero: i64, bias: i64) -> (i64, i64) {
    weights.iter().fold((bias, bias), |(low, high), &weight| {
        let ends = [-zero * i64::from(weight), (255 - zero) * i64::from(weight)];
        (low + ends[0].min(ends[1]).min(0), high + ends[0].max(ends[1]).max(0))
    })
}

fn slope(mean: &crate::model::Mean, count: usize) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let count = count as f64;
    f64::from(mean.scale) / count / f64::from(mean.output_scale)
}

pub(super) fn clamp((min, max): (i32, i32)) -> Activation {
    let byte = |bound: i32| u8::try_from(bound.clamp(0, 255)).expect("clamped between two bytes");
    Activation { min: byte(min), max: byte(max), table: None }
}

pub(super) fn unsupported(node: &Node) -> CircuitError {
    CircuitError::UnsupportedOperator {
        node: node.name.clone(),
        operator: node.origin.operator.clone(),
    }
}

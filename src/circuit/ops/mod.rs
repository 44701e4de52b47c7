//! From a quantized graph to blocks and linear maps: a file for each operator.
//!
//! What they share: [`lowering`] is the net in the making, [`scans`] says how tensors are cut, [`read`] copies elements,
//! [`rules`] says what becomes of accumulators, [`linear`] makes weighted sums, [`vectors`] systems of equations and
//! inequalities.

mod add;
mod arg_max;
mod average_pool;
mod committed;
mod conv;
mod conv_transpose;
mod gemm;
mod grids;
mod layer_norm;
mod linear;
mod lowering;
mod mat_mul;
mod max_pool;
mod mul;
mod ports;
mod read;
mod reduce;
mod rounded_pool;
mod rules;
mod scans;
mod softmax;
mod table;
mod vectors;
mod view;
mod windows;

use super::wiring::{Members, Net, Plane};
use super::{
    CircuitError, InstanceLayout, Needs, parallel,
    shape::{LARGEST_K, most_abreast},
};
use crate::model::{Add, Model, Mul, Node, Operand, Operator, View, ViewElement};
use lowering::{Lowering, Value, unsupported};
use std::collections::HashMap;

impl Net {
    /// Lowers a model's graph, and what claims add to it.
    #[cfg(test)]
    pub fn new(model: &Model, instances: &InstanceLayout) -> Result<Self, CircuitError> {
        Self::of(model, instances, false)
    }

    /// The same for packed proofs, whose verifiers add the packed instances up, or for others.
    pub fn of(
        model: &Model,
        instances: &InstanceLayout,
        packed: bool,
    ) -> Result<Self, CircuitError> {
        let (own, claimed) = (instances.inputs.len(), instances.claims.len());
        let (model, instances) = instances.proved(model)?;
        let (model, instances) = (&*model, &*instances);
        let graph = &model.graph;
        let tensors = graph.tensors.len();
        let members = Members::of(instances.inferences);
        let mut lowering = Lowering {
            graph,
            net: Self {
                blocks: Vec::new(),
                rules: Vec::new(),
                functions: Vec::new(),
                // No accumulator at ρ⁰, which belongs to the packed instances.
                planes: vec![Plane { start: 0, low: [0, 0], len: [0, 0] }],
                accumulators: 0,
                float_sums: None,
                contexts: instances.inferences,
                members: members.along,
                free_instances: instances.free(),
                sums_words: packed,
                committed_weights: 0,
                inputs: Vec::new(),
                committed: instances.committed().count(),
                hashed: 0,
                hashes: instances.hashes(),
                outputs: Vec::new(),
                commits_outputs: instances.commits_outputs(),
            },
            values: vec![None; tensors],
            uses: vec![0; tensors],
            wanted: vec![Vec::new(); tensors],
            copies: HashMap::new(),
            commits_weights: instances.names_weights,
            members,
        };
        if let Some(node) = graph.nodes.iter().find(|node| node.inputs.len() < operands(node)) {
            return Err(unsupported(node));
        }
        lowering.count_uses(&model.outputs);
        lowering.collect_wishes();
        lowering.inputs(model, instances, own);
        let (mut blocks, mut rows) = (0, 0);
        for node in &graph.nodes {
            lowering.node(node)?;
            // Each cell takes a row, or its share of one: blocks that no circuit has room for are not made to the end.
            let all = &lowering.net.blocks;
            rows += all[blocks..].iter().map(|block| block.cells.len()).sum::<usize>();
            blocks = all.len();
            if rows >= most_abreast(packed) << LARGEST_K {
                CircuitError::check(Needs::of_net(&lowering.net))?;
            }
        }
        lowering.outputs(&model.outputs, claimed, instances.inferences);
        let mut net = lowering.net;
        if instances.names_weights && net.committed_weights == 0 {
            let what = "the weights are committed, and no layer has any that can be".into();
            return Err(CircuitError::Instances { what });
        }
        net.shrink();
        let (makes_places_once, (planes, accumulators)) =
            parallel::both(|| net.makes_places_once(), || net.measured_planes());
        assert!(makes_places_once, "wires rest on this, see `relations::wires`");
        assert!(net.commits_weights_once(), "no prover is to choose between two");
        Ok(Self { planes, accumulators, ..net })
    }

    /// Gives back room that was reserved for more: nets live as long as their circuits.
    fn shrink(&mut self) {
        for block in &mut self.blocks {
            block.cells.shrink_to_fit();
            block.groups.shrink_to_fit();
            block.runs.shrink_to_fit();
            for run in &mut block.runs {
                run.elements.shrink_to_fit();
                run.terms.shrink_to_fit();
            }
        }
    }
}

/// How many activations an operator takes at least. A view may be of constants alone.
fn operands(node: &Node) -> usize {
    match &node.operator {
        Operator::View(View::Elements(elements)) => {
            let of = |element: &ViewElement| match *element {
                ViewElement::Input { input, .. } => input as usize + 1,
                ViewElement::Constant(_) => 0,
            };
            elements.iter().map(of).max().unwrap_or(0)
        }
        Operator::Add(Add { operand: Operand::Tensor, .. })
        | Operator::Mul(Mul { operand: Operand::Tensor, .. })
        | Operator::MatMul(_) => 2,
        _ => 1,
    }
}

impl Lowering<'_> {
    fn node(&mut self, node: &Node) -> Result<(), CircuitError> {
        let value = match &node.operator {
            Operator::Gemm(gemm) if self.commits_weights => {
                Value::Block(self.committed_gemm(node, gemm)?)
            }
            Operator::Conv(conv) if self.commits_weights => {
                Value::Block(self.committed_conv(node, conv)?)
            }
            Operator::ConvTranspose(_) if self.commits_weights => {
                return Err(committed::refused(node, "spread over positions"));
            }
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
}

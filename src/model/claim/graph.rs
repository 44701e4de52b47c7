//! The graph that proves claims: parameters are inputs behind the model's own, what is said are outputs before it, and nodes behind
//! the model's own say it. With x, a and b integers of an output's type,
//!
//! ```text
//! x ≥ t     clamp( x − t + 1, 0, 1 )
//! a and b   clamp( a + b − 1, 0, 1 )                       of bits
//! x = v     d = clamp( x − v, −128, 127 )                  then a table that is 1 where d = 0
//! bucket    the sum of x ≥ b_i                             Reduce
//! ```

use super::{Claim, ClaimKind, Claims, lines, unit};
use crate::model::{
    Add, AddOrder, ArgMax, ElementType, Graph, Model, ModelError, Node, Operand, Operator, Origin,
    Port, Quantization, Reduce, Requantization, Rescale, Table, Tensor, TensorId, View,
    ViewElement, limits,
    top::{self, Growing, Lines, PLAIN, element},
};

/// Differences of bytes, cut off where only their sign matters.
const DIFFERENCES: Quantization =
    Quantization { scale: 1.0, zero_point: 0, element: ElementType::Int8 };

impl Model {
    /// The model that proves what is said of this one's outputs: its inputs are this one's and the claims' parameters, its
    /// outputs what is claimed and those of this one's that are told. Each of so many inferences along the leading axes has parameters
    /// and claims of its own, along leading axes too. Assumes that the claims are of this model.
    pub fn with_claims(&self, claims: &Claims, inferences: usize) -> Result<Self, ModelError> {
        let graph = self.graph.clone();
        let mut growth =
            Growth { graph, inferences: inferences.max(1), claim: String::new(), elements: 0 };
        let mut model = Self {
            name: self.name.clone(),
            inputs: self.inputs.clone(),
            outputs: Vec::new(),
            graph: Graph::default(),
        };
        for (claim, name) in claims.claims.iter().zip(claims.names()) {
            let port = self.outputs.iter().find(|port| port.name == claim.output);
            let output = port.expect("claims are of the model's outputs").tensor;
            growth.claim = format!("claim `{name}`");
            let parameter = growth.parameter(claim, output);
            let said = growth.claim(claim, output, parameter)?;
            let port = |tensor| Port {
                name: name.clone(),
                tensor,
                is_float: false,
                preparation: None,
                labels: Vec::new(),
            };
            model.inputs.extend(parameter.map(port));
            model.outputs.push(port(said));
        }
        let told = self.outputs.iter().zip(&claims.told).filter(|(_, told)| **told);
        model.outputs.extend(told.map(|(port, _)| port.clone()));
        growth.graph.keep_what_makes(model.outputs.iter().map(|port| port.tensor));
        model.graph = growth.graph;
        Ok(model)
    }
}

impl Graph {
    /// Leaves the nodes out that these tensors do not need.
    fn keep_what_makes(&mut self, tensors: impl Iterator<Item = TensorId>) {
        let mut needed = vec![false; self.tensors.len()];
        tensors.for_each(|tensor| needed[tensor.0] = true);
        for node in self.nodes.iter().rev().filter(|node| !node.inputs.is_empty()) {
            if needed[node.output.0] {
                node.inputs.iter().for_each(|input| needed[input.0] = true);
            }
        }
        self.nodes.retain(|node| needed[node.output.0]);
    }
}

/// A model's graph and what claims add.
struct Growth {
    graph: Graph,
    /// Inferences along the leading axes.
    inferences: usize,
    /// The claim that is added.
    claim: String,
    /// Elements of constants of what was added.
    elements: usize,
}

impl Growing for Growth {
    fn tensor(&self, id: TensorId) -> &Tensor {
        &self.graph.tensors[id.0]
    }

    fn make_room(&mut self, elements: usize) -> Result<(), ModelError> {
        self.elements = self.elements.saturating_add(elements);
        if self.elements <= limits::MAX_TOTAL_ELEMENTS {
            return Ok(());
        }
        Err(ModelError::TooLarge {
            what: format!("the number of elements of all constants up to {}", self.claim),
            got: self.elements as u128,
            limit: limits::MAX_TOTAL_ELEMENTS as u128,
        })
    }

    fn add(
        &mut self,
        operator: Operator,
        inputs: Vec<TensorId>,
        shape: Vec<usize>,
        quantization: Quantization,
    ) -> Result<TensorId, ModelError> {
        limits::elements(&self.claim, &shape)?;
        let output = self.new_tensor(shape, quantization);
        let origin = Origin { operator: "claim".into(), ..Origin::default() };
        let name = self.claim.clone();
        self.graph.nodes.push(Node { name, operator, inputs, output, origin });
        Ok(output)
    }
}

impl Growth {
    fn new_tensor(&mut self, shape: Vec<usize>, quantization: Quantization) -> TensorId {
        let id = TensorId(self.graph.tensors.len());
        let name = format!("{} ({})", self.claim, id.0);
        self.graph.tensors.push(Tensor { name, shape, quantization });
        id
    }

    /// The tensor of what the verifier chooses.
    fn parameter(&mut self, claim: &Claim, output: TensorId) -> Option<TensorId> {
        let output = self.tensor(output);
        let (mut shape, unit) = (claim.parameter(output)?.shape, unit(output));
        if self.inferences != 1 {
            shape.insert(0, self.inferences);
        }
        Some(self.new_tensor(shape, unit))
    }

    /// What is said.
    fn claim(
        &mut self,
        claim: &Claim,
        output: TensorId,
        parameter: Option<TensorId>,
    ) -> Result<TensorId, ModelError> {
        let whole = self.tensor(output).clone();
        let unit = unit(&whole);
        let x = match whole.quantization.element {
            ElementType::Int64 => {
                let view = Operator::View(View::Reshape);
                self.add(view, vec![output], whole.shape.clone(), unit)?
            }
            ElementType::Int8 | ElementType::Uint8 => output,
        };
        // One inference's, then along the leading axis those of all.
        let length = whole.len() / self.inferences;
        let elements: Vec<usize> = match claim.element {
            Some(element) => {
                (0..self.inferences).map(|inference| inference * length + element).collect()
            }
            None => (0..whole.len()).collect(),
        };
        let mut shape = claim.result(&whole).shape;
        if claim.element.is_some() && self.inferences != 1 {
            shape.insert(0, self.inferences);
        }
        // What the verifier chose for the inference that each element is of.
        let parameters = claim.kind.parameters();
        let choice = |number: usize| -> Vec<usize> {
            elements.iter().map(|element| element / length.max(1) * parameters + number).collect()
        };
        let (outer, length, inner) = lines(&whole);
        let chosen = parameter.unwrap_or(x);
        match claim.kind {
            ClaimKind::Values => self.pick(x, elements, shape),
            ClaimKind::ArgMax => {
                let arg_max = ArgMax { outer, length, inner, select_last: false };
                self.add(Operator::ArgMax(arg_max), vec![x], shape, PLAIN)
            }
            ClaimKind::Top(count) => {
                let lines = Lines { x, length, inner, count, is_least: false };
                Ok(top::first_of_lines(self, lines, &shape)?[1])
            }
            ClaimKind::Threshold => {
                let least = self.pick(chosen, choice(0), shape.clone())?;
                let x = self.pick(x, elements, shape)?;
                self.at_least(x, least)
            }
            ClaimKind::Equal => {
                let value = self.pick(chosen, choice(0), shape.clone())?;
                let x = self.pick(x, elements, shape.clone())?;
                let difference = sum(-1.0, 0.0, (-128, 127));
                let difference =
                    self.add(difference, vec![x, value], shape.clone(), DIFFERENCES)?;
                let is_zero = Table { values: (-128..=127).map(|d| i32::from(d == 0)).collect() };
                self.add(Operator::Table(is_zero), vec![difference], shape, PLAIN)
            }
            ClaimKind::Range => {
                let low = self.pick(chosen, choice(0), shape.clone())?;
                let high = self.pick(chosen, choice(1), shape.clone())?;
                let x = self.pick(x, elements, shape.clone())?;
                let (above, below) = (self.at_least(x, low)?, self.at_least(high, x)?);
                self.add(sum(1.0, -1.0, (0, 1)), vec![above, below], shape, PLAIN)
            }
            ClaimKind::Bucket(bounds) => {
                let lines = elements.len();
                let all = vec![lines, bounds];
                let firsts = choice(0);
                let repeated = firsts.into_iter().flat_map(|first| first..first + bounds);
                let values = self.pick(chosen, repeated.collect(), all.clone())?;
                let repeated = elements.iter().flat_map(|&x| std::iter::repeat_n(x, bounds));
                let x = self.pick(x, repeated.collect(), all)?;
                let reached = self.at_least(x, values)?;
                let most = i32::try_from(bounds).expect("bounds are few");
                let requantization =
                    Requantization { multipliers: vec![1.0], zero_point: 0, min: 0, max: most };
                let rescale = Rescale::Requantization(requantization);
                let reduce = Reduce { outer: lines, length: bounds, inner: 1, rescale };
                self.add(Operator::Reduce(reduce), vec![reached], shape, PLAIN)
            }
        }
    }

    /// These elements of a tensor.
    fn pick(
        &mut self,
        x: TensorId,
        elements: Vec<usize>,
        shape: Vec<usize>,
    ) -> Result<TensorId, ModelError> {
        let tensor = self.tensor(x);
        let quantization = tensor.quantization;
        if elements.iter().copied().eq(0..tensor.len()) && tensor.shape == shape {
            return Ok(x);
        }
        let elements: Vec<ViewElement> = elements.into_iter().map(|at| element(0, at)).collect();
        self.add(Operator::View(View::Elements(elements)), vec![x], shape, quantization)
    }

    /// 1 where an element of `x` is at least that of `least`, else 0.
    fn at_least(&mut self, x: TensorId, least: TensorId) -> Result<TensorId, ModelError> {
        let shape = self.tensor(x).shape.clone();
        self.add(sum(-1.0, 1.0, (0, 1)), vec![x, least], shape, PLAIN)
    }
}

/// `clamp( a + right · b + fixed )`, all of them integers that float32 holds.
fn sum(right: f32, fixed: f32, (min, max): (i32, i32)) -> Operator {
    let order = AddOrder::LeftLast;
    Operator::Add(Add { operand: Operand::Tensor, left: 1.0, right, fixed, order, min, max })
}

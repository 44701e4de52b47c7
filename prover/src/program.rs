//! Gates as one straight-line program, run on eight rows at a time.
//!
//! Equal subexpressions are computed once for a row, and what depends on constants and challenges alone once for a
//! proof. The program's result is `Σ yⁱ·gate`, by Horner's rule, as halo2 folds gates; gates that share a selector,
//! their first factor, are folded before it multiplies them:
//!
//! ```text
//! (…(acc·y + s·a)·y + s·b)…    =    acc·y² + s·(a·y + b)
//! ```

use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{Any, Expression, Gate},
};
use std::collections::HashMap;

/// A column's cell on another row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Query {
    /// Instance, advice or fixed.
    pub kind: Kind,
    /// Which of them.
    pub column: usize,
    /// How many rows further on.
    pub rotation: i32,
}

/// Kinds of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Instance,
    Advice,
    Fixed,
}

impl From<Any> for Kind {
    fn from(any: Any) -> Self {
        match any {
            Any::Instance => Self::Instance,
            Any::Advice(_) => Self::Advice,
            Any::Fixed => Self::Fixed,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    /// Index of a constant's words.
    Constant(usize),
    Challenge(usize),
    /// The challenge that separates gates.
    Y,
    Query(Query),
    Add(usize, usize),
    Sub(usize, usize),
    Mul(usize, usize),
}

/// An operation on registers.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "`to` and operands")]
pub enum Operation {
    Load { to: u32, query: u32 },
    Add { to: u32, a: u32, b: u32 },
    Sub { to: u32, a: u32, b: u32 },
    Mul { to: u32, a: u32, b: u32 },
}

/// A compiled system of gates.
#[derive(Debug, Clone)]
pub struct Program {
    nodes: Vec<Node>,
    constants: Vec<Fr>,
    /// Nodes whose values are the first registers.
    uniform: Vec<usize>,
    /// Cells that operations load.
    pub queries: Vec<Query>,
    /// In order.
    pub operations: Vec<Operation>,
    /// How many there are.
    pub registers: usize,
    /// The register of the result.
    pub result: usize,
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    uniform: Vec<bool>,
    known: HashMap<Node, usize>,
    constants: Vec<Fr>,
    constant_indices: HashMap<Fr, usize>,
}

impl Builder {
    fn node(&mut self, node: Node) -> usize {
        if let Some(&index) = self.known.get(&node) {
            return index;
        }
        let uniform = match node {
            Node::Constant(_) | Node::Challenge(_) | Node::Y => true,
            Node::Query(_) => false,
            Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) => {
                self.uniform[a] && self.uniform[b]
            }
        };
        self.nodes.push(node);
        self.uniform.push(uniform);
        self.known.insert(node, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn constant(&mut self, value: Fr) -> usize {
        let next = self.constants.len();
        let index = *self.constant_indices.entry(value).or_insert(next);
        if index == next {
            self.constants.push(value);
        }
        self.node(Node::Constant(index))
    }

    fn value(&self, node: usize) -> Option<Fr> {
        match self.nodes[node] {
            Node::Constant(index) => Some(self.constants[index]),
            _ => None,
        }
    }

    fn add(&mut self, a: usize, b: usize) -> usize {
        match (self.value(a), self.value(b)) {
            (Some(a), Some(b)) => self.constant(a + b),
            (Some(Fr::ZERO), _) => b,
            (_, Some(Fr::ZERO)) => a,
            _ => self.node(Node::Add(a.min(b), a.max(b))),
        }
    }

    fn sub(&mut self, a: usize, b: usize) -> usize {
        match (self.value(a), self.value(b)) {
            (Some(a), Some(b)) => self.constant(a - b),
            (_, Some(Fr::ZERO)) => a,
            _ => self.node(Node::Sub(a, b)),
        }
    }

    fn mul(&mut self, a: usize, b: usize) -> usize {
        match (self.value(a), self.value(b)) {
            (Some(a), Some(b)) => self.constant(a * b),
            (Some(Fr::ZERO), _) | (_, Some(Fr::ZERO)) => self.constant(Fr::ZERO),
            (Some(Fr::ONE), _) => b,
            (_, Some(Fr::ONE)) => a,
            _ => self.node(Node::Mul(a.min(b), a.max(b))),
        }
    }

    fn query(&mut self, kind: Kind, column: usize, rotation: i32) -> usize {
        self.node(Node::Query(Query { kind, column, rotation }))
    }

    fn expression(&mut self, expression: &Expression<Fr>) -> usize {
        match expression {
            Expression::Constant(value) => self.constant(*value),
            Expression::Selector(_) => unreachable!("keys have no selectors"),
            Expression::Fixed(query) => {
                self.query(Kind::Fixed, query.column_index(), query.rotation().0)
            }
            Expression::Advice(query) => {
                self.query(Kind::Advice, query.column_index(), query.rotation().0)
            }
            Expression::Instance(query) => {
                self.query(Kind::Instance, query.column_index(), query.rotation().0)
            }
            Expression::Challenge(challenge) => self.node(Node::Challenge(challenge.index())),
            Expression::Negated(inner) => {
                let (zero, inner) = (self.constant(Fr::ZERO), self.expression(inner));
                self.sub(zero, inner)
            }
            Expression::Sum(a, b) => match (&**a, &**b) {
                (a, Expression::Negated(b)) => {
                    let (a, b) = (self.expression(a), self.expression(b));
                    self.sub(a, b)
                }
                (Expression::Negated(a), b) => {
                    let (a, b) = (self.expression(a), self.expression(b));
                    self.sub(b, a)
                }
                (a, b) => {
                    let (a, b) = (self.expression(a), self.expression(b));
                    self.add(a, b)
                }
            },
            Expression::Product(a, b) => {
                let (a, b) = (self.expression(a), self.expression(b));
                self.mul(a, b)
            }
            Expression::Scaled(a, factor) => {
                let (a, factor) = (self.expression(a), self.constant(*factor));
                self.mul(a, factor)
            }
        }
    }
}

impl Program {
    /// Compiles gates.
    pub fn new(gates: &[Gate<Fr>]) -> Self {
        let mut builder = Builder::default();
        let y = builder.node(Node::Y);
        let mut sum = builder.constant(Fr::ZERO);
        let polynomials: Vec<&Expression<Fr>> =
            gates.iter().flat_map(|gate| gate.polynomials()).collect();
        let mut rest = &polynomials[..];
        while let Some(&first) = rest.first() {
            let selector = |polynomial: &Expression<Fr>, builder: &mut Builder| match polynomial {
                Expression::Product(selector, _) => Some(builder.expression(selector)),
                _ => None,
            };
            let shared = selector(first, &mut builder);
            let count = if shared.is_some() {
                rest.iter().take_while(|next| selector(next, &mut builder) == shared).count()
            } else {
                1
            };
            let (group, after) = rest.split_at(count);
            rest = after;
            let mut folded = builder.constant(Fr::ZERO);
            let mut power = builder.constant(Fr::ONE);
            for polynomial in group {
                let part = match (shared, polynomial) {
                    (Some(_), Expression::Product(_, part)) => builder.expression(part),
                    _ => builder.expression(polynomial),
                };
                let shifted = builder.mul(folded, y);
                folded = builder.add(shifted, part);
                power = builder.mul(power, y);
            }
            if let Some(selector) = shared {
                folded = builder.mul(selector, folded);
            }
            let shifted = builder.mul(sum, power);
            sum = builder.add(shifted, folded);
        }
        Self::schedule(builder, sum)
    }

    /// Orders what the result needs and gives it registers.
    fn schedule(builder: Builder, result: usize) -> Self {
        let Builder { nodes, uniform, constants, .. } = builder;
        let operands = |node: usize| match nodes[node] {
            Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) if !uniform[node] => vec![a, b],
            _ => vec![],
        };
        // Depth first, so that values live shortly.
        let (mut order, mut done) = (Vec::new(), vec![false; nodes.len()]);
        let mut stack = vec![(result, false)];
        while let Some((node, expanded)) = stack.pop() {
            if done[node] {
                continue;
            }
            if expanded {
                done[node] = true;
                order.push(node);
            } else {
                stack.push((node, true));
                stack.extend(operands(node).into_iter().rev().map(|operand| (operand, false)));
            }
        }
        let mut uses = vec![0_usize; nodes.len()];
        for &node in &order {
            for operand in operands(node) {
                uses[operand] += 1;
            }
        }
        uses[result] += 1;
        let mut place = vec![u32::MAX; nodes.len()];
        let in_order: Vec<usize> = order.iter().copied().filter(|&node| uniform[node]).collect();
        for (register, &node) in in_order.iter().enumerate() {
            place[node] = register as u32;
        }
        let mut registers = in_order.len() as u32;
        let (mut free, mut operations, mut queries) = (Vec::new(), Vec::new(), Vec::new());
        for &node in order.iter().filter(|&&node| !uniform[node]) {
            for operand in operands(node) {
                uses[operand] -= 1;
                if uses[operand] == 0 && !uniform[operand] {
                    free.push(place[operand]);
                }
            }
            let to = free.pop().unwrap_or_else(|| {
                registers += 1;
                registers - 1
            });
            place[node] = to;
            operations.push(match nodes[node] {
                Node::Query(query) => {
                    queries.push(query);
                    Operation::Load { to, query: queries.len() as u32 - 1 }
                }
                Node::Add(a, b) => Operation::Add { to, a: place[a], b: place[b] },
                Node::Sub(a, b) => Operation::Sub { to, a: place[a], b: place[b] },
                Node::Mul(a, b) => Operation::Mul { to, a: place[a], b: place[b] },
                Node::Constant(_) | Node::Challenge(_) | Node::Y => {
                    unreachable!("the same on every row")
                }
            });
        }
        let result = place[result] as usize;
        let registers = registers as usize;
        Self { nodes, constants, uniform: in_order, queries, operations, registers, result }
    }

    /// The values of the first registers.
    pub fn uniform(&self, challenges: &[Fr], y: Fr) -> Vec<Fr> {
        // Operands come before what is made of them. What differs between rows is not asked for.
        let mut values = vec![Fr::ZERO; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            values[index] = match *node {
                Node::Constant(index) => self.constants[index],
                Node::Challenge(index) => challenges[index],
                Node::Y => y,
                Node::Add(a, b) => values[a] + values[b],
                Node::Sub(a, b) => values[a] - values[b],
                Node::Mul(a, b) => values[a] * values[b],
                Node::Query(_) => Fr::ZERO,
            };
        }
        self.uniform.iter().map(|&node| values[node]).collect()
    }
}

//! Gates as one straight-line program, run on eight rows at a time.
//!
//! Equal subexpressions are computed once for a row, and what depends on constants and challenges alone once for a
//! proof. The program's result is `Σ yⁱ·gate`, as halo2 folds gates; what gates have in common, as a selector, multiplies
//! their sum:
//!
//! ```text
//! s·a·y + s·b    =    s·(a·y + b)
//! ```
//!
//! Where all columns together take too much memory, the sum is cut into parts that ask for some of the columns each: gates
//! of too many are multiplied out, and terms that share columns are put together again.

use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{Any, Expression, Gate},
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    /// The result is the sum of theirs.
    pub parts: Vec<Part>,
}

/// What of the gates is computed from a part of the columns.
#[derive(Debug, Clone)]
pub struct Part {
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

/// A product of a polynomial's sum: `scale`·Π `factors`.
#[derive(Debug, Clone)]
struct Term {
    /// The same on every row.
    scale: usize,
    /// What is not.
    factors: Vec<usize>,
}

impl Builder {
    /// The columns that nodes depend on.
    fn columns(&self, nodes: &[usize]) -> BTreeSet<(Kind, usize)> {
        let (mut columns, mut seen) = (BTreeSet::new(), vec![false; self.nodes.len()]);
        let mut stack = nodes.to_vec();
        while let Some(node) = stack.pop() {
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            match self.nodes[node] {
                Node::Query(query) => _ = columns.insert((query.kind, query.column)),
                Node::Add(a, b) | Node::Sub(a, b) | Node::Mul(a, b) => stack.extend([a, b]),
                Node::Constant(_) | Node::Challenge(_) | Node::Y => {}
            }
        }
        columns
    }

    /// Multiplies a term with a node, factor by factor.
    fn multiply(&mut self, term: &mut Term, node: usize) {
        match self.nodes[node] {
            _ if self.uniform[node] => term.scale = self.mul(term.scale, node),
            Node::Mul(a, b) => {
                self.multiply(term, a);
                self.multiply(term, b);
            }
            _ => term.factors.push(node),
        }
    }

    /// Multiplies a term out into ones of at most so many columns, as far as that is possible.
    fn split(&mut self, term: Term, most: usize, terms: &mut Vec<Term>) {
        // One of less leaves nearly as many columns.
        const LEAST: usize = 3;
        let sums = term.factors.iter().enumerate().filter_map(|(at, &factor)| {
            let (a, b, is_difference) = match self.nodes[factor] {
                Node::Add(a, b) => (a, b, false),
                Node::Sub(a, b) => (a, b, true),
                _ => return None,
            };
            Some((self.columns(&[factor]).len(), at, [a, b], is_difference))
        });
        let largest = sums.max_by_key(|&(columns, ..)| columns);
        let Some((LEAST.., at, summands, is_difference)) =
            largest.filter(|_| self.columns(&term.factors).len() > most)
        else {
            return terms.push(term);
        };
        for (summand, is_negative) in summands.into_iter().zip([false, is_difference]) {
            let mut part = term.clone();
            part.factors.remove(at);
            if is_negative {
                let zero = self.constant(Fr::ZERO);
                part.scale = self.sub(zero, part.scale);
            }
            self.multiply(&mut part, summand);
            self.split(part, most, terms);
        }
    }

    /// The terms' sum. What several have in common multiplies theirs.
    fn sum(&mut self, terms: Vec<Term>) -> usize {
        let mut counts = BTreeMap::<usize, usize>::new();
        for term in &terms {
            let factors: BTreeSet<usize> = term.factors.iter().copied().collect();
            factors.into_iter().for_each(|factor| *counts.entry(factor).or_default() += 1);
        }
        let common = counts.into_iter().filter(|&(_, count)| count > 1);
        if let Some((factor, _)) = common.max_by_key(|&(factor, count)| (count, Reverse(factor))) {
            let position = |term: &Term| term.factors.iter().position(|&of| of == factor);
            let (mut with, without): (Vec<Term>, Vec<Term>) =
                terms.into_iter().partition(|term| position(term).is_some());
            for term in &mut with {
                let at = position(term).expect("it has the factor");
                term.factors.remove(at);
            }
            let (inner, others) = (self.sum(with), self.sum(without));
            let product = self.mul(factor, inner);
            return self.add(product, others);
        }
        let mut sum = self.constant(Fr::ZERO);
        for Term { scale, factors } in terms {
            let product = factors.into_iter().reduce(|product, factor| self.mul(product, factor));
            let scaled = product.map_or(scale, |product| self.mul(product, scale));
            sum = self.add(sum, scaled);
        }
        sum
    }

    /// Puts terms together that have columns in common, as long as these are at most so many.
    fn group(&self, terms: Vec<Term>, most: usize) -> Vec<Vec<Term>> {
        let own = |term: Term| (self.columns(&term.factors), vec![term]);
        let mut groups: Vec<_> = terms.into_iter().map(own).collect();
        let all: BTreeSet<_> = groups.iter().flat_map(|(columns, _)| columns).collect();
        if all.len() <= most {
            return vec![groups.into_iter().flat_map(|(_, terms)| terms).collect()];
        }
        loop {
            let pairs = (0..groups.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
            let rated = pairs.filter_map(|(a, b)| {
                let both = groups[a].0.union(&groups[b].0).count();
                let shared = groups[a].0.len() + groups[b].0.len() - both;
                (both <= most).then_some((Reverse(shared), both, a, b))
            });
            let Some((.., a, b)) = rated.min() else {
                return groups.into_iter().map(|(_, terms)| terms).collect();
            };
            let (columns, terms) = groups.remove(b);
            groups[a].0.extend(columns);
            groups[a].1.extend(terms);
        }
    }
}

impl Program {
    /// Compiles gates, in parts of at most so many columns where gates can be taken apart so far.
    pub fn new(gates: &[Gate<Fr>], most: usize) -> Self {
        let mut builder = Builder::default();
        let y = builder.node(Node::Y);
        let mut scale = builder.constant(Fr::ONE);
        let mut terms = Vec::new();
        for polynomial in gates.iter().flat_map(|gate| gate.polynomials()).rev() {
            let mut term = Term { scale, factors: Vec::new() };
            let node = builder.expression(polynomial);
            builder.multiply(&mut term, node);
            // So small that they can be put together in many ways.
            let apart = if builder.columns(&term.factors).len() > most { most / 2 } else { most };
            builder.split(term, apart, &mut terms);
            scale = builder.mul(scale, y);
        }
        let parts = builder.group(terms, most);
        let sums: Vec<usize> = parts.into_iter().map(|terms| builder.sum(terms)).collect();
        let Builder { nodes, uniform, constants, .. } = builder;
        let parts = sums.into_iter().map(|sum| Part::new(&nodes, &uniform, sum)).collect();
        Self { nodes, constants, parts }
    }

    /// Of each part, the values of its first registers.
    pub fn uniform(&self, challenges: &[Fr], y: Fr) -> Vec<Vec<Fr>> {
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
        let of_part = |part: &Part| part.uniform.iter().map(|&node| values[node]).collect();
        self.parts.iter().map(of_part).collect()
    }
}

impl Part {
    /// Orders what the result needs and gives it registers.
    fn new(nodes: &[Node], uniform: &[bool], result: usize) -> Self {
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
        Self { uniform: in_order, queries, operations, registers, result }
    }
}

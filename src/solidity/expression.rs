//! From polynomials to straight-line Yul.
//!
//! Constraints become one graph in which equal subexpressions are one node, then Yul expressions over the
//! scalar field. Powers are one node too, whatever products they are written as; which powers are multiplied
//! to get them is decided when all are known. Additions are not reduced until they have to be: a value carries how many times the
//! modulus bounds it, and up to five times the modulus fits a word.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use halo2_proofs::{
    halo2curves::{
        bn256::Fr,
        ff::{Field, PrimeField},
    },
    plonk::Expression,
};

/// As many times the scalar modulus as a word can hold.
const MAX_BOUND: u32 = 5;

/// Stack slots that one expression may take; DUP reaches 16, and the variables around need some.
const MAX_DEPTH: u32 = 6;

/// A node of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    /// By its position in `Graph::leaves`.
    Leaf(usize),
    /// Little-endian; at most half the modulus, the larger ones being negated smaller ones.
    Constant([u8; 32]),
    Sum(Id, Id),
    Difference(Id, Id),
    Product(Id, Id),
    Negation(Id),
    /// To the second or a higher power; none is left when the graph is written.
    Power(Id, u32),
}

/// Polynomials with shared subexpressions.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    ids: HashMap<Node, Id>,
    leaves: Vec<String>,
    leaf_positions: HashMap<String, usize>,
}

/// Where the values that a polynomial refers to are, as Yul expressions below the modulus.
pub(super) trait Cells {
    fn fixed(&self, column: usize, rotation: i32) -> String;
    fn advice(&self, column: usize, rotation: i32) -> String;
    fn instance(&self, column: usize, rotation: i32) -> String;
    fn challenge(&self, index: usize) -> String;
}

impl Graph {
    fn insert(&mut self, node: Node) -> Id {
        let next = Id(self.nodes.len());
        let id = *self.ids.entry(node).or_insert(next);
        if id == next {
            self.nodes.push(node);
        }
        id
    }

    fn node(&self, id: Id) -> Node {
        self.nodes[id.0]
    }

    /// A Yul expression whose value is below the modulus.
    pub(super) fn leaf(&mut self, yul: String) -> Id {
        let next = self.leaves.len();
        let position = *self.leaf_positions.entry(yul.clone()).or_insert(next);
        if position == next {
            self.leaves.push(yul);
        }
        self.insert(Node::Leaf(position))
    }

    pub(super) fn constant(&mut self, value: Fr) -> Id {
        let negated = -value;
        if is_larger(value, negated) {
            let id = self.insert(Node::Constant(negated.to_repr()));
            return self.insert(Node::Negation(id));
        }
        self.insert(Node::Constant(value.to_repr()))
    }

    /// The value of a constant, negated or not.
    fn value(&self, id: Id) -> Option<Fr> {
        match self.node(id) {
            Node::Constant(repr) => Option::from(Fr::from_repr(repr)),
            Node::Negation(inner) => self.value(inner).map(|value| -value),
            _ => None,
        }
    }

    pub(super) fn negation(&mut self, a: Id) -> Id {
        if let Some(value) = self.value(a) {
            return self.constant(-value);
        }
        match self.node(a) {
            Node::Negation(inner) => inner,
            Node::Difference(left, right) => self.difference(right, left),
            _ => self.insert(Node::Negation(a)),
        }
    }

    pub(super) fn sum(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(a), Some(b)) => return self.constant(a + b),
            (Some(zero), None) if zero.is_zero_vartime() => return b,
            (None, Some(zero)) if zero.is_zero_vartime() => return a,
            _ => {}
        }
        match (self.node(a), self.node(b)) {
            (Node::Negation(a), Node::Negation(b)) => {
                let sum = self.sum(a, b);
                self.negation(sum)
            }
            (_, Node::Negation(b)) => self.difference(a, b),
            (Node::Negation(a), _) => self.difference(b, a),
            _ => self.insert(Node::Sum(a.min(b), a.max(b))),
        }
    }

    fn difference(&mut self, a: Id, b: Id) -> Id {
        match (self.value(a), self.value(b)) {
            (Some(a), Some(b)) => return self.constant(a - b),
            (Some(zero), None) if zero.is_zero_vartime() => return self.negation(b),
            (None, Some(zero)) if zero.is_zero_vartime() => return a,
            _ => {}
        }
        match (self.node(a), self.node(b)) {
            (_, Node::Negation(b)) => self.sum(a, b),
            (Node::Negation(inner), _) => {
                let sum = self.sum(inner, b);
                self.negation(sum)
            }
            _ => self.insert(Node::Difference(a, b)),
        }
    }

    pub(super) fn product(&mut self, a: Id, b: Id) -> Id {
        let one = Fr::ONE;
        match (self.value(a), self.value(b)) {
            (Some(a), Some(b)) => return self.constant(a * b),
            (Some(value), None) if value == one => return b,
            (None, Some(value)) if value == one => return a,
            (Some(zero), _) | (_, Some(zero)) if zero.is_zero_vartime() => {
                return self.constant(Fr::ZERO);
            }
            _ => {}
        }
        match (self.node(a), self.node(b)) {
            (Node::Negation(a), Node::Negation(b)) => self.product(a, b),
            (Node::Negation(a), _) => {
                let product = self.product(a, b);
                self.negation(product)
            }
            (_, Node::Negation(b)) => {
                let product = self.product(a, b);
                self.negation(product)
            }
            _ => match self.merged(a, b).or_else(|| self.merged(b, a)) {
                Some(product) => product,
                None => self.insert(Node::Product(a.min(b), a.max(b))),
            },
        }
    }

    /// a·b, if b is a power of what a is a power of, or of what one of a's two factors is a power of.
    fn merged(&mut self, a: Id, b: Id) -> Option<Id> {
        let (base, exponent) = self.as_power(b);
        if self.value(base).is_some() {
            return None;
        }
        let times = |graph: &mut Self, id: Id| {
            let (other, others) = graph.as_power(id);
            let exponent = exponent.checked_add(others).filter(|_| other == base)?;
            Some(graph.insert(Node::Power(base, exponent)))
        };
        if let Some(power) = times(self, a) {
            return Some(power);
        }
        let Node::Product(left, right) = self.node(a) else { return None };
        if let Some(left) = times(self, left) {
            return Some(self.product(left, right));
        }
        let right = times(self, right)?;
        Some(self.product(left, right))
    }

    fn as_power(&self, id: Id) -> (Id, u32) {
        match self.node(id) {
            Node::Power(base, exponent) => (base, exponent),
            _ => (id, 1),
        }
    }

    /// Turns the powers in `roots` into products of two smaller ones. Call it when all polynomials are there.
    pub(super) fn expand_powers(&mut self, roots: &[Id]) {
        let mut exponents: BTreeMap<Id, BTreeSet<u32>> = BTreeMap::new();
        for (id, uses) in self.uses(roots).into_iter().enumerate() {
            if let (Node::Power(base, exponent), 1..) = (self.nodes[id], uses) {
                exponents.entry(base).or_default().insert(exponent);
            }
        }
        for (base, mut wanted) in exponents {
            wanted.insert(1);
            // From the highest down; those that are not wanted but needed come among the lower ones.
            let mut below = u32::MAX;
            while let Some(&exponent) = wanted.range(2..below).next_back() {
                below = exponent;
                let is_wanted =
                    |part: &u32| wanted.contains(part) && wanted.contains(&(exponent - part));
                // Halves first: squares need only one factor.
                let part = Some(exponent / 2)
                    .filter(is_wanted)
                    .or_else(|| {
                        wanted.range(..exponent).rev().copied().find(|part| is_wanted(part))
                    })
                    .unwrap_or(if exponent.is_multiple_of(2) {
                        exponent / 2
                    } else {
                        exponent - 1
                    });
                wanted.extend([part, exponent - part]);
                let power = |graph: &mut Self, exponent| match exponent {
                    1 => base,
                    _ => graph.insert(Node::Power(base, exponent)),
                };
                let (a, b) = (power(self, part), power(self, exponent - part));
                let whole = power(self, exponent);
                self.nodes[whole.0] = Node::Product(a.min(b), a.max(b));
            }
        }
    }

    /// A polynomial of the circuit.
    pub(super) fn expression(&mut self, expression: &Expression<Fr>, cells: &impl Cells) -> Id {
        match expression {
            Expression::Constant(value) => self.constant(*value),
            // A key's selectors are fixed columns. Should one be left, no proof can hold it.
            Expression::Selector(_) => self.constant(Fr::ONE),
            Expression::Fixed(q) => self.leaf(cells.fixed(q.column_index(), q.rotation().0)),
            Expression::Advice(q) => self.leaf(cells.advice(q.column_index(), q.rotation().0)),
            Expression::Instance(q) => self.leaf(cells.instance(q.column_index(), q.rotation().0)),
            Expression::Challenge(challenge) => self.leaf(cells.challenge(challenge.index())),
            Expression::Negated(a) => {
                let a = self.expression(a, cells);
                self.negation(a)
            }
            Expression::Sum(a, b) => {
                let (a, b) = (self.expression(a, cells), self.expression(b, cells));
                self.sum(a, b)
            }
            Expression::Product(a, b) => {
                let (a, b) = (self.expression(a, cells), self.expression(b, cells));
                self.product(a, b)
            }
            Expression::Scaled(a, factor) => {
                let (a, factor) = (self.expression(a, cells), self.constant(*factor));
                self.product(a, factor)
            }
        }
    }

    /// Children that take part in an operation (a constant's negation is part of the operation).
    fn children(&self, id: Id) -> Vec<Id> {
        match self.node(id) {
            Node::Leaf(_) | Node::Constant(_) => vec![],
            Node::Sum(a, b) | Node::Difference(a, b) | Node::Product(a, b) => vec![a, b],
            Node::Negation(a) | Node::Power(a, _) => vec![a],
        }
    }

    /// How often each node is an operand, or a root.
    fn uses(&self, roots: &[Id]) -> Vec<usize> {
        let mut uses = vec![0; self.nodes.len()];
        let mut pending = roots.to_vec();
        let mut visited = vec![false; self.nodes.len()];
        for root in roots {
            uses[root.0] += 1;
        }
        while let Some(id) = pending.pop() {
            if std::mem::replace(&mut visited[id.0], true) {
                continue;
            }
            for child in self.children(id) {
                uses[child.0] += 1;
                pending.push(child);
            }
        }
        uses
    }
}

/// Whether `a > b` as integers.
fn is_larger(a: Fr, b: Fr) -> bool {
    a.to_repr().iter().rev().gt(b.to_repr().iter().rev())
}

/// A Yul expression.
#[derive(Debug, Clone)]
pub(super) struct Yul {
    pub(super) text: String,
    /// The value is at most this many times the modulus.
    bound: u32,
    /// Stack slots that it takes to compute.
    depth: u32,
}

/// A polynomial's Yul: first what it shares with others, then its value.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) shared: Vec<String>,
    /// At most four times the modulus, so that a reduced value can be added.
    pub(super) value: String,
}

/// Writes the nodes of a graph as Yul, values that are used again to memory.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    graph: &'a Graph,
    uses: Vec<usize>,
    written: HashMap<Id, Yul>,
    next_mptr: usize,
    shared: Vec<String>,
}

impl<'a> Writer<'a> {
    /// For the polynomials `roots`, with memory free from `mptr` on.
    pub(super) fn new(graph: &'a Graph, roots: &[Id], mptr: usize) -> Self {
        let uses = graph.uses(roots);
        Self { graph, uses, written: HashMap::new(), next_mptr: mptr, shared: vec![] }
    }

    /// Writes a polynomial.
    pub(super) fn step(&mut self, root: Id) -> Step {
        let mut yul = self.yul(root);
        if yul.bound >= MAX_BOUND {
            yul = reduce(yul);
        }
        Step { shared: std::mem::take(&mut self.shared), value: yul.text }
    }

    fn yul(&mut self, id: Id) -> Yul {
        if let Some(written) = self.written.get(&id) {
            return written.clone();
        }
        let yul = match self.graph.node(id) {
            Node::Leaf(position) => {
                return Yul { text: self.graph.leaves[position].clone(), bound: 1, depth: 1 };
            }
            Node::Constant(repr) => return Yul { text: literal(&repr), bound: 1, depth: 1 },
            Node::Sum(a, b) => self.sum(a, b),
            Node::Difference(a, b) => self.difference(a, b),
            Node::Product(a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                product(a, b)
            }
            Node::Negation(a) => {
                let a = self.reduced(a);
                Yul { text: format!("sub(r, {})", a.text), bound: 1, depth: a.depth.max(1) + 1 }
            }
            Node::Power(..) => unreachable!("powers are expanded before they are written"),
        };
        if self.uses[id.0] > 1 && self.is_worth_keeping(id) { self.keep(id, yul) } else { yul }
    }

    /// An operand that leaves enough of the stack to its operation.
    fn operand(&mut self, id: Id) -> Yul {
        let yul = self.yul(id);
        if yul.depth > MAX_DEPTH { self.keep(id, yul) } else { yul }
    }

    fn reduced(&mut self, id: Id) -> Yul {
        let yul = self.operand(id);
        if yul.bound == 1 { yul } else { reduce(yul) }
    }

    fn sum(&mut self, a: Id, b: Id) -> Yul {
        let (a, b) = (self.operand(a), self.operand(b));
        add(a, b)
    }

    fn difference(&mut self, a: Id, b: Id) -> Yul {
        let (a, b) = (self.operand(a), self.reduced(b));
        let negated = Yul { text: format!("sub(r, {})", b.text), bound: 1, depth: b.depth + 1 };
        add(a, negated)
    }

    /// Whether reading it again is cheaper than computing it again.
    fn is_worth_keeping(&self, id: Id) -> bool {
        let is_cheap = |id: Id| matches!(self.graph.node(id), Node::Leaf(_) | Node::Constant(_));
        match self.graph.node(id) {
            Node::Leaf(_) | Node::Constant(_) => false,
            Node::Negation(a) => !is_cheap(a) && self.uses[id.0] > 2,
            Node::Sum(a, b) => self.uses[id.0] > 2 || !is_cheap(a) || !is_cheap(b),
            Node::Difference(..) | Node::Product(..) | Node::Power(..) => true,
        }
    }

    /// Puts a value into memory and gives what reads it.
    fn keep(&mut self, id: Id, yul: Yul) -> Yul {
        let mptr = self.next_mptr;
        self.next_mptr += 0x20;
        self.shared.push(format!("mstore({mptr:#06x}, {})", yul.text));
        let read = Yul { text: format!("mload({mptr:#06x})"), bound: yul.bound, depth: 1 };
        self.written.insert(id, read.clone());
        read
    }
}

fn product(a: Yul, b: Yul) -> Yul {
    // Yul evaluates arguments from the last to the first.
    let (first, second) = if a.depth > b.depth { (b, a) } else { (a, b) };
    let depth = (second.depth + 1).max(first.depth + 2);
    Yul { text: format!("mulmod({}, {}, r)", first.text, second.text), bound: 1, depth }
}

fn add(a: Yul, b: Yul) -> Yul {
    let (first, second) = if a.depth > b.depth { (b, a) } else { (a, b) };
    let bound = first.bound + second.bound;
    if bound <= MAX_BOUND {
        let depth = second.depth.max(first.depth + 1);
        return Yul { text: format!("add({}, {})", first.text, second.text), bound, depth };
    }
    let depth = (second.depth + 1).max(first.depth + 2);
    Yul { text: format!("addmod({}, {}, r)", first.text, second.text), bound: 1, depth }
}

fn reduce(yul: Yul) -> Yul {
    // `mod` keeps the operation that made the value; sums turn into modular sums at no cost.
    match yul.text.strip_prefix("add(").and_then(|rest| rest.strip_suffix(')')) {
        Some(operands) => {
            Yul { text: format!("addmod({operands}, r)"), bound: 1, depth: yul.depth + 1 }
        }
        None => Yul { text: format!("mod({}, r)", yul.text), bound: 1, depth: yul.depth + 1 },
    }
}

/// A constant: decimal while it can be read, hexadecimal above.
fn literal(repr: &[u8; 32]) -> String {
    let mut big_endian = *repr;
    big_endian.reverse();
    word_literal(&big_endian)
}

/// A word as a Yul literal: decimal while it can be read, hexadecimal above.
pub(super) fn word_literal(big_endian: &[u8; 32]) -> String {
    let (high, low) = big_endian.split_at(28);
    if high.iter().all(|&byte| byte == 0) {
        let low: [u8; 4] = low.try_into().expect("a word has 28 + 4 bytes");
        return u32::from_be_bytes(low).to_string();
    }
    let digits: String = big_endian.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{}", digits.trim_start_matches('0'))
}

/// A field element as a Yul literal.
pub(super) fn field_literal(value: Fr) -> String {
    literal(&value.to_repr())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What multiplies until `exponents` of a challenge are there, written as somebody writes loops.
    fn multiplications(exponents: &[u32]) -> usize {
        let mut graph = Graph::default();
        let challenge = graph.leaf("mload(CHALLENGE_0_MPTR)".to_owned());
        let roots: Vec<Id> = exponents
            .iter()
            .map(|&exponent| {
                let cell = graph.leaf(format!("mload({exponent})"));
                (0..exponent).fold(cell, |product, _| graph.product(product, challenge))
            })
            .collect();
        graph.expand_powers(&roots);
        let mut writer = Writer::new(&graph, &roots, 0x1000);
        let steps: Vec<Step> = roots.iter().map(|&root| writer.step(root)).collect();
        let text: String = steps
            .iter()
            .flat_map(|step| step.shared.iter().chain([&step.value]))
            .cloned()
            .collect();
        // One of them multiplies each cell.
        text.matches("mulmod").count() - exponents.len()
    }

    #[test]
    fn powers_are_squared_and_multiplied() {
        assert_eq!(multiplications(&[64]), 6);
        assert_eq!(multiplications(&[2]), 1);
        assert_eq!(multiplications(&[63]), 10);
        // Each from those that are there anyhow.
        assert_eq!(multiplications(&[63, 64]), 11);
        let all: Vec<u32> = (1..=64).collect();
        assert_eq!(multiplications(&all), 63);
    }
}

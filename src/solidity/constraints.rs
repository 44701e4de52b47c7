//! The constraints at x: gates, permutation, look-ups.

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use super::{
    expression::{Cells, Graph, Id, Step, Writer},
    layout::Layout,
    protocol::{PermutationColumn, Protocol},
};

pub(super) struct ConstraintSource {
    pub(super) title: String,
    pub(super) shared: Vec<String>,
    pub(super) value: String,
}

impl ConstraintSource {
    /// All that the constraint takes, as Yul.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.shared.iter().cloned().chain([constraint_added(&self.value)])
    }
}

/// Another constraint's value, added to those before it.
pub(super) fn constraint_added(value: &str) -> String {
    format!("h := add(mulmod(h, y, r), {value})")
}

pub(super) struct PermutationSource {
    pub(super) first: String,
    pub(super) last: String,
    pub(super) links: Vec<LinkSource>,
    pub(super) products: Vec<ProductSource>,
}

pub(super) struct LinkSource {
    pub(super) start: String,
    pub(super) end: String,
}

pub(super) struct ProductSource {
    pub(super) current: String,
    pub(super) next: String,
    pub(super) columns: Vec<ColumnSource>,
}

pub(super) struct ColumnSource {
    pub(super) value: String,
    pub(super) sigma: String,
    pub(super) is_last: bool,
}

pub(super) struct LookupSource {
    pub(super) title: String,
    pub(super) input: Step,
    pub(super) table: Step,
    pub(super) product: String,
    pub(super) next: String,
    pub(super) permuted_input: String,
    pub(super) previous_input: String,
    pub(super) permuted_table: String,
}

/// Where the values that constraints refer to are.
struct Values<'a> {
    protocol: &'a Protocol,
    layout: &'a Layout,
}

impl Values<'_> {
    fn position(queries: &[(usize, i32)], column: usize, rotation: i32) -> usize {
        let position = queries.iter().position(|&query| query == (column, rotation));
        position.expect("halo2 records every query of a constraint")
    }
}

impl Cells for Values<'_> {
    fn fixed(&self, column: usize, rotation: i32) -> String {
        let query = Self::position(&self.protocol.fixed_queries, column, rotation);
        self.layout.evaluation(self.protocol.fixed_evaluation(query)).load()
    }

    fn advice(&self, column: usize, rotation: i32) -> String {
        let query = Self::position(&self.protocol.advice_queries, column, rotation);
        self.layout.evaluation(self.protocol.advice_evaluation(query)).load()
    }

    fn instance(&self, column: usize, rotation: i32) -> String {
        let query = Self::position(&self.protocol.instance_queries, column, rotation);
        self.layout.instance_evaluation(query).load()
    }

    fn challenge(&self, index: usize) -> String {
        self.layout.phase_challenge(index).load()
    }
}

/// The gates' constraints and the look-ups, which share subexpressions.
pub(super) fn polynomials(
    protocol: &Protocol,
    layout: &Layout,
) -> (Vec<ConstraintSource>, Vec<LookupSource>) {
    let values = Values { protocol, layout };
    let mut graph = Graph::default();
    let gates: Vec<Id> = protocol
        .constraints
        .iter()
        .map(|constraint| graph.expression(&constraint.expression, &values))
        .collect();
    let mut sides: Vec<Id> = vec![];
    for lookup in &protocol.lookups {
        for columns in [&lookup.inputs, &lookup.tables] {
            let mut compressed = graph.constant(Fr::ZERO);
            for column in columns {
                let theta = graph.leaf("mload(THETA_MPTR)".to_owned());
                let column = graph.expression(column, &values);
                let scaled = graph.product(compressed, theta);
                compressed = graph.sum(scaled, column);
            }
            sides.push(compressed);
        }
    }
    let roots: Vec<Id> = gates.iter().chain(&sides).copied().collect();
    graph.expand_powers(&roots);
    let mut writer = Writer::new(&graph, &roots, layout.shared_mptr());

    let mut constraints = vec![];
    for (constraint, &gate) in protocol.constraints.iter().zip(&gates) {
        let Step { shared, value } = writer.step(gate);
        constraints.push(ConstraintSource { title: comment(&constraint.name), shared, value });
    }
    let mut lookups = vec![];
    for (i, (lookup, sides)) in protocol.lookups.iter().zip(sides.chunks(2)).enumerate() {
        let at = |offset| layout.evaluation(protocol.lookup_evaluation(i) + offset).load();
        lookups.push(LookupSource {
            title: comment(&lookup.name),
            input: writer.step(sides[0]),
            table: writer.step(sides[1]),
            product: at(0),
            next: at(1),
            permuted_input: at(2),
            previous_input: at(3),
            permuted_table: at(4),
        });
    }
    (constraints, lookups)
}

/// A name from the circuit as a comment: one line, no control characters, not too long.
fn comment(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control() && !is_bidirectional(*c)).collect();
    let short: String = name.chars().take(100).collect();
    if short.is_empty() { "(no name)".to_owned() } else { short }
}

/// Characters that reorder text, which solc refuses in comments.
const fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

pub(super) fn permutation(protocol: &Protocol, layout: &Layout) -> Option<PermutationSource> {
    let at = |product: usize, offset| {
        layout.evaluation(protocol.permutation_evaluation(product) + offset).load()
    };
    let last = protocol.permutation.len().checked_sub(1)?;
    let value = |column| match column {
        PermutationColumn::Advice(query) => {
            layout.evaluation(protocol.advice_evaluation(query)).load()
        }
        PermutationColumn::Fixed(query) => {
            layout.evaluation(protocol.fixed_evaluation(query)).load()
        }
        PermutationColumn::Instance(query) => layout.instance_evaluation(query).load(),
    };
    let mut position = 0;
    let mut products = vec![];
    for (i, columns) in protocol.permutation.iter().enumerate() {
        let mut sources = vec![];
        for &column in columns {
            let sigma = layout.evaluation(protocol.sigma_evaluation(position)).load();
            position += 1;
            let is_last = position == protocol.key.sigma.len();
            sources.push(ColumnSource { value: value(column), sigma, is_last });
        }
        products.push(ProductSource { current: at(i, 0), next: at(i, 1), columns: sources });
    }
    Some(PermutationSource {
        first: at(0, 0),
        last: at(last, 0),
        links: (0..last).map(|i| LinkSource { start: at(i + 1, 0), end: at(i, 2) }).collect(),
        products,
    })
}

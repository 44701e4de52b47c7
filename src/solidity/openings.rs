//! SHPLONK's openings: what every value and every commitment is multiplied by.

use halo2_proofs::halo2curves::bn256::Fr;

use super::{
    expression::field_literal,
    layout::{Layout, Ptr, TermPlace, omega_power, rotation_title},
    protocol::{Polynomial, ProofPoint, Protocol},
};

pub(super) struct SetSource {
    pub(super) title: String,
    pub(super) prelude: Vec<String>,
    pub(super) points: Vec<SetPoint>,
    pub(super) scalar: String,
    pub(super) scalars: Vec<String>,
}

pub(super) struct SetPoint {
    /// The polynomials' values, the last polynomial's first.
    pub(super) values: Vec<String>,
    pub(super) factor: String,
}

pub(super) fn sets(protocol: &Protocol, layout: &Layout) -> Vec<SetSource> {
    let sources = protocol.sets.iter().enumerate().map(|(i, set)| {
        let rotations = &set.rotations;
        let titles: Vec<_> = rotations.iter().map(|&rotation| rotation_title(rotation)).collect();
        let others = rotations.len() - 1;
        // 1 / x^others is a factor of 1 / ∏ (p − other points).
        let mut prelude = vec![];
        if let Some(mptr) = layout.inverse_of_x_mptr.filter(|_| others > 0) {
            let factors = (1..others).map(|_| mptr.load());
            let (first, rest) = product(mptr.load(), factors, "factor");
            prelude.push(format!("let factor := {first}"));
            prelude.extend(rest);
        }
        let points = rotations.iter().enumerate().map(|(position, &rotation)| {
            let values = set.members.iter().rev();
            let inverse = layout.opening_point(rotation).load();
            let factor = if others == 0 {
                inverse
            } else {
                let weight = interpolation_weight(protocol, rotations, rotation);
                format!("mulmod(mulmod({inverse}, factor, r), {}, r)", field_literal(weight))
            };
            SetPoint {
                values: values.map(|member| layout.value(member.evaluations[position])).collect(),
                factor,
            }
        });
        // The first set's product cancels out.
        let (scalar, mut scalars_of_set) = if i == 0 {
            ("mload(WEIGHT_MPTR)".to_owned(), vec![])
        } else {
            let points = rotations.iter().map(|&rotation| layout.opening_point(rotation).load());
            product("scale".to_owned(), points, "scalar")
        };
        scalars_of_set.extend(scalars(protocol, layout, i));
        SetSource {
            title: titles.join(", "),
            prelude,
            points: points.collect(),
            scalar,
            scalars: scalars_of_set,
        }
    });
    sources.collect()
}

/// Factors multiplied in one expression: more would not fit the stack.
const FACTORS_PER_EXPRESSION: usize = 4;

/// A product as an expression, and the statements that go on where it is long.
fn product(
    first: String,
    factors: impl Iterator<Item = String>,
    variable: &str,
) -> (String, Vec<String>) {
    let factors: Vec<String> = factors.collect();
    let nest = |first: String, factors: &[String]| {
        factors.iter().fold(first, |product, factor| format!("mulmod({product}, {factor}, r)"))
    };
    let mut chunks = factors.chunks(FACTORS_PER_EXPRESSION);
    let expression = nest(first, chunks.next().unwrap_or_default());
    let statements =
        chunks.map(|factors| format!("{variable} := {}", nest(variable.to_owned(), factors)));
    (expression, statements.collect())
}

/// 1 / ∏ (ω^rotation − ω^other) over the other rotations.
fn interpolation_weight(protocol: &Protocol, rotations: &[i64], rotation: i64) -> Fr {
    let point = omega_power(protocol, rotation);
    let others = rotations.iter().filter(|&&other| other != rotation);
    let product: Fr = others.map(|&other| point - omega_power(protocol, other)).product();
    product.invert().expect("rotations of a set are different modulo the rows")
}

/// The variable `scalar` goes to the first polynomial, times y to the next, and so on.
fn scalars(protocol: &Protocol, layout: &Layout, set: usize) -> Vec<String> {
    let members = &protocol.sets[set].members;
    let mut statements = vec![];
    for (j, member) in members.iter().enumerate() {
        let terms = layout.terms(protocol, member.polynomial);
        if member.polynomial == Polynomial::Quotient {
            let mut pieces: Vec<String> = terms
                .iter()
                .flat_map(|term| [term.add(), "scalar := mulmod(scalar, x_to_n, r)".to_owned()])
                .collect();
            pieces.pop();
            statements.push("let power := scalar".to_owned());
            statements.extend(pieces);
            statements.push("scalar := power".to_owned());
        } else {
            statements.extend(terms.iter().map(|term| term.add()));
        }
        if j + 1 < members.len() {
            statements.push("scalar := mulmod(scalar, y, r)".to_owned());
        }
    }
    statements
}

/// The term whose scalar is the weight itself, if the proof brings it.
pub(super) fn unit_term(protocol: &Protocol, layout: &Layout) -> Option<(String, Ptr)> {
    if protocol.packed.is_some() {
        let point = ProofPoint::OpeningQuotient;
        return layout.proof_term(point).map(|mptr| (point.to_string(), mptr));
    }
    let polynomial = protocol.sets.first()?.members.first()?.polynomial;
    // What is linked has another scalar.
    if protocol.linked.iter().any(|link| polynomial == Polynomial::Advice(link.column)) {
        return None;
    }
    match layout.terms(protocol, polynomial).first()? {
        TermPlace::Proof(mptr) => Some((polynomial.to_string(), *mptr)),
        TermPlace::Key(_) => None,
    }
}

/// The proof's terms that have a scalar, without `unit`, as few ranges.
pub(super) fn term_ranges(
    protocol: &Protocol,
    layout: &Layout,
    unit: Option<Ptr>,
) -> Vec<(Ptr, Ptr)> {
    let members = protocol.sets.iter().flat_map(|set| &set.members);
    let opened = members.flat_map(|member| layout.terms(protocol, member.polynomial));
    let opened = opened.filter_map(|term| match term {
        TermPlace::Proof(mptr) => Some(mptr),
        TermPlace::Key(_) => None,
    });
    let others = protocol.points.iter().filter(|point| match point {
        ProofPoint::OpeningQuotient
        | ProofPoint::OpeningProof
        | ProofPoint::Committed(_)
        | ProofPoint::LinkQuotient
        | ProofPoint::LinkProof => true,
        // Where columns are packed, every point of the proof is a term.
        _ => protocol.packed.is_some(),
    });
    let mut mptrs: Vec<Ptr> = opened
        .chain(others.filter_map(|&point| layout.proof_term(point)))
        .filter(|&mptr| Some(mptr) != unit)
        .collect();
    mptrs.sort_unstable();
    let mut ranges: Vec<(Ptr, Ptr)> = vec![];
    for mptr in mptrs {
        let end = Ptr(mptr.0 + 0x60);
        match ranges.last_mut() {
            Some(range) if range.1 == mptr => range.1 = end,
            _ => ranges.push((mptr, end)),
        }
    }
    ranges
}

//! Keys of halo2's format: the constraint system, the key's points and the ends of the reference string.

use super::hex;
use crate::proving::{Verifier, word_of};
use halo2_proofs::{
    halo2curves::{
        bn256::{Fr, G1Affine, G2Affine},
        ff::PrimeField,
    },
    plonk::{ConstraintSystem, Expression},
    poly::{
        Rotation,
        commitment::{Params, ParamsProver},
    },
};
use serde::Serialize;
use serde_json::{Value, json};

/// What a verifier of halo2's proofs has to know. The digest covers k, the instances, the reference string and `transcript_repr`,
/// halo2's digest of all else: whoever reads this has to trust that for the constraints.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Key {
    transcript_repr: String,
    k: u32,
    /// Instances of each instance column.
    instances: Vec<usize>,
    /// The phase of each advice column, and after which phase each challenge is drawn.
    advice_phases: Vec<u8>,
    challenge_phases: Vec<u8>,
    degree: usize,
    blinding_factors: usize,
    /// Which columns are opened where: column and rotation.
    advice_queries: Vec<(usize, i32)>,
    fixed_queries: Vec<(usize, i32)>,
    instance_queries: Vec<(usize, i32)>,
    /// Polynomials that vanish on the usable rows.
    constraints: Vec<Value>,
    /// How many look-ups and columns of a permutation there are: models' circuits have none, and their readers need not know
    /// halo2's arguments for them.
    lookups: usize,
    permutation: usize,
    /// Commitments of the fixed columns: x and y, both zero at infinity.
    fixed: Vec<[String; 2]>,
    /// Which columns hold what commitments do: column, size class, and which instance is the commitment's name. `vk_digest` covers
    /// them; where there are none, nothing is said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<(usize, u32, usize)>,
    /// The ends of the reference string: `[1]₁`, `[1]₂`, `[τ]₂`, real parts first.
    g1: [String; 2],
    g2: [[String; 2]; 2],
    tau_g2: [[String; 2]; 2],
}

impl Key {
    pub(super) fn of(keys: &Verifier) -> Self {
        let (params, vk) = (keys.params(), keys.vk());
        let cs: &ConstraintSystem<Fr> = vk.cs();
        let queries = |all: Vec<(usize, Rotation)>| -> Vec<(usize, i32)> {
            all.into_iter().map(|(column, rotation)| (column, rotation.0)).collect()
        };
        Self {
            transcript_repr: word(&vk.transcript_repr()),
            k: params.k(),
            instances: vec![keys.instances()],
            advice_phases: cs.advice_column_phase(),
            challenge_phases: cs.challenge_phase(),
            degree: cs.degree(),
            blinding_factors: cs.blinding_factors(),
            advice_queries: queries(
                cs.advice_queries().iter().map(|&(column, at)| (column.index(), at)).collect(),
            ),
            fixed_queries: queries(
                cs.fixed_queries().iter().map(|&(column, at)| (column.index(), at)).collect(),
            ),
            instance_queries: queries(
                cs.instance_queries().iter().map(|&(column, at)| (column.index(), at)).collect(),
            ),
            constraints: cs
                .gates()
                .iter()
                .flat_map(|gate| gate.polynomials())
                .map(expression)
                .collect(),
            lookups: cs.lookups().len(),
            permutation: cs.permutation().get_columns().len(),
            fixed: vk.fixed_commitments().iter().map(in_g1).collect(),
            links: keys.links().iter().map(|link| (link.column, link.class, link.number)).collect(),
            g1: in_g1(&params.get_g()[0]),
            g2: in_g2(params.g2()),
            tau_g2: in_g2(params.s_g2()),
        }
    }
}

fn word<F: PrimeField<Repr = [u8; 32]>>(element: &F) -> String {
    hex(&word_of(element))
}

fn in_g1(point: &G1Affine) -> [String; 2] {
    [word(&point.x), word(&point.y)]
}

fn in_g2(point: G2Affine) -> [[String; 2]; 2] {
    [point.x, point.y].map(|coordinate| [word(&coordinate.c0), word(&coordinate.c1)])
}

/// A polynomial in prefix notation: a constant is a word, a cell its kind, column and rotation.
fn expression(polynomial: &Expression<Fr>) -> Value {
    match polynomial {
        Expression::Constant(value) => word(value).into(),
        // A key's selectors are fixed columns. Should one be left, no proof can hold it.
        Expression::Selector(_) => word(&Fr::from(1)).into(),
        Expression::Fixed(cell) => json!(["fixed", cell.column_index(), cell.rotation().0]),
        Expression::Advice(cell) => json!(["advice", cell.column_index(), cell.rotation().0]),
        Expression::Instance(cell) => json!(["instance", cell.column_index(), cell.rotation().0]),
        Expression::Challenge(challenge) => json!(["challenge", challenge.index()]),
        Expression::Negated(a) => json!(["-", expression(a)]),
        Expression::Sum(a, b) => json!(["+", expression(a), expression(b)]),
        Expression::Product(a, b) => json!(["*", expression(a), expression(b)]),
        Expression::Scaled(a, factor) => json!(["*", expression(a), word(factor)]),
    }
}

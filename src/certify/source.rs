//! The fixed columns and the constraint system that a verifying key commits to.
//!
//! The prover collects cells by code of its own (`prover/src/synthesis.rs`). Here nothing is shared with it: what one of
//! the two overlooks shows as a difference of commitments, not as agreement.

use super::CertifyError;
use super::gates::word_sums;
use super::shape::{Place, Places, Shape};
use crate::proving::{Keys, PackedVerifier, Verifier, commit_key};
use halo2_proofs::halo2curves::group::Curve;
use halo2_proofs::{
    circuit::Value,
    halo2curves::bn256::Fr,
    plonk::{
        Advice, Any, Assigned, Assignment, Challenge, Circuit, Column, ConstraintSystem, Error,
        Fixed, FloorPlanner, Instance, Selector,
    },
    poly::commitment::{Blind, Params},
};
use zkverdict_prover::packed::{Instances, Layout, Link, Named};

/// The links that a key has to have: each shows its commitment's words in its column, and is named by one of the
/// last instances before those that are packed.
fn links(shape: &Shape) -> Result<Vec<Link>, CertifyError> {
    let classes = shape.classes().ok_or(CertifyError::Shape)?;
    let first = shape.free_instances.checked_sub(classes.len()).ok_or(CertifyError::Shape)?;
    let columns = Places::new(shape)?.links;
    let link = |((number, class), [words, ..]): ((usize, u32), [Place; 3])| Link {
        column: words.column,
        class,
        instance_column: 0,
        number,
    };
    Ok((first..).zip(classes).zip(columns).map(link).collect())
}

/// The columns that proofs of a packed key have to bring commitments to, where weights are committed: the instance that names
/// them comes before those of links.
fn named(shape: &Shape) -> Result<Option<Named>, CertifyError> {
    let Some(weights) = Places::new(shape)?.weights else { return Ok(None) };
    let number = shape.free_instances.checked_sub(shape.links.len() + 1);
    let columns = weights.lanes.iter().map(|lane| lane.column).collect();
    let number = number.ok_or(CertifyError::Shape)?;
    Ok(Some(Named { columns, instance_column: 0, number }))
}

/// What a circuit's synthesis assigns.
#[derive(Clone, Debug)]
pub struct Columns {
    /// By column, then by row of the domain.
    pub fixed: Vec<Vec<Fr>>,
    /// First-phase advice, if the circuit has a witness.
    pub advice: Vec<Vec<Fr>>,
    copies: usize,
    out_of_range: bool,
}

impl Columns {
    /// Runs a circuit's synthesis.
    pub fn synthesize<C: Circuit<Fr>>(
        circuit: &C,
        k: u32,
        params: C::Params,
    ) -> Result<(Self, ConstraintSystem<Fr>), CertifyError> {
        let mut system = ConstraintSystem::default();
        let config = C::configure_with_params(&mut system, params);
        let rows = 1_usize << k;
        let mut columns = Self {
            fixed: vec![vec![Fr::zero(); rows]; system.num_fixed_columns()],
            advice: vec![Vec::new(); system.num_advice_columns()],
            copies: 0,
            out_of_range: false,
        };
        C::FloorPlanner::synthesize(&mut columns, circuit, config, system.constants().clone())
            .map_err(|_| CertifyError::Synthesis)?;
        if columns.out_of_range || columns.copies > 0 {
            return Err(CertifyError::Synthesis);
        }
        Ok((columns, system))
    }

    /// Whether a key commits to just these fixed columns.
    pub fn check_commitments(
        &self,
        keys: &Keys,
        system: &ConstraintSystem<Fr>,
        shape: &Shape,
    ) -> Result<(), CertifyError> {
        match keys {
            // Their verifiers add no words up and take no commitments to weights.
            Keys::Halo2(_) if shape.sums_words || shape.weight_lanes > 0 => {
                Err(CertifyError::Shape)
            }
            Keys::Halo2(keys) if keys.links() != links(shape)? => {
                let what = "its links are not the circuit's".to_owned();
                Err(CertifyError::System { what })
            }
            Keys::Halo2(keys) => self.check_columns(keys),
            Keys::Packed(keys) => self.check_packs(keys, system, shape),
        }
    }

    /// Each pack of a packed key at once, and that the key has the system's columns and gates, and the shape's sums, links and
    /// named columns.
    fn check_packs(
        &self,
        verifier: &PackedVerifier,
        system: &ConstraintSystem<Fr>,
        shape: &Shape,
    ) -> Result<(), CertifyError> {
        let (key, layout) = (verifier.key(), verifier.key().layout());
        let rows = self.fixed.first().map_or(0, Vec::len);
        if rows != 1 << layout.k {
            return Err(CertifyError::Pack { pack: 0 });
        }
        let public = Instances {
            counts: layout.instances.counts.clone(),
            sums: word_sums(shape),
            links: links(shape)?,
            named: named(shape)?,
        };
        let own = Layout::new(system, layout.k, &public, &layout.widths());
        if own.ok().as_ref() != Some(layout) || !key.has_gates_of(system) {
            let what =
                "its packs, sums of instances, links or gates are not the circuit's".to_owned();
            return Err(CertifyError::System { what });
        }
        let powers = verifier.powers().ok_or(CertifyError::String)?;
        let committed =
            commit_key(layout, &self.fixed, powers).map_err(|_| CertifyError::String)?;
        let mut packs = committed.iter().zip(key.commitments());
        match packs.position(|(commitment, expected)| commitment != expected) {
            Some(pack) => Err(CertifyError::Pack { pack }),
            None => Ok(()),
        }
    }

    fn check_columns(&self, verifier: &Verifier) -> Result<(), CertifyError> {
        let (params, vk) = (verifier.params(), verifier.vk());
        let committed = vk.fixed_commitments();
        if committed.len() != self.fixed.len() {
            return Err(CertifyError::Columns { got: self.fixed.len(), expected: committed.len() });
        }
        let rows = self.fixed.first().map_or(0, Vec::len);
        if u64::try_from(rows).ok() != Some(params.n()) {
            return Err(CertifyError::Key { column: 0 });
        }
        let domain = vk.get_domain();
        let other = self.fixed.iter().zip(committed).position(|(values, committed)| {
            let values = domain.lagrange_from_vec(values.clone());
            params.commit_lagrange(&values, Blind::default()).to_affine() != *committed
        });
        other.map_or(Ok(()), |column| Err(CertifyError::Key { column }))
    }
}

impl Assignment<Fr> for Columns {
    fn enter_region<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn annotate_column<A: FnOnce() -> AR, AR: Into<String>>(&mut self, _: A, _: Column<Any>) {}

    fn exit_region(&mut self) {}

    fn enable_selector<A: FnOnce() -> AR, AR: Into<String>>(
        &mut self,
        _: A,
        _: &Selector,
        _: usize,
    ) -> Result<(), Error> {
        Err(Error::Synthesis)
    }

    fn query_instance(&self, _: Column<Instance>, _: usize) -> Result<Value<Fr>, Error> {
        Ok(Value::unknown())
    }

    fn assign_advice<'v>(
        &mut self,
        column: Column<Advice>,
        row: usize,
        to: Value<Assigned<Fr>>,
    ) -> Value<&'v Assigned<Fr>> {
        let column = &mut self.advice[column.index()];
        to.map(|value| {
            if column.len() <= row {
                column.resize(row + 1, Fr::zero());
            }
            column[row] = value.evaluate();
        });
        Value::unknown()
    }

    fn assign_fixed(&mut self, column: Column<Fixed>, row: usize, to: Assigned<Fr>) {
        match self.fixed[column.index()].get_mut(row) {
            Some(cell) => *cell = to.evaluate(),
            None => self.out_of_range = true,
        }
    }

    fn copy(&mut self, _: Column<Any>, _: usize, _: Column<Any>, _: usize) {
        self.copies += 1;
    }

    fn fill_from_row(
        &mut self,
        _: Column<Fixed>,
        _: usize,
        _: Value<Assigned<Fr>>,
    ) -> Result<(), Error> {
        Err(Error::Synthesis)
    }

    fn get_challenge(&self, _: Challenge) -> Value<Fr> {
        Value::unknown()
    }

    fn push_namespace<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn pop_namespace(&mut self, _: Option<String>) {}
}

/// The signed integer that a field element stands for, if its magnitude is below 2^127.
pub fn integer(value: Fr) -> Option<i128> {
    let positive = |value: Fr| {
        let bytes = value.to_bytes();
        let (low, high) = bytes.split_at(16);
        let low = i128::from_le_bytes(low.try_into().ok()?);
        (high.iter().all(|&byte| byte == 0) && low >= 0).then_some(low)
    };
    positive(value).or_else(|| positive(-value).map(|value| -value))
}

/// The inverse of a field element that is not 0.
pub fn inverse(value: Fr) -> Option<Fr> {
    Option::from(value.invert())
}

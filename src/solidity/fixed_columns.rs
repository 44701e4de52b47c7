//! Which fixed columns of a circuit are equal or empty, without committing to them.
//!
//! The contract multiplies equal commitments once and those of empty columns never, so the columns' contents
//! decide how many multiplications there are. A circuit is synthesized as for a key, but of every column only a
//! hash is kept.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use halo2_proofs::{
    circuit::Value,
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{
        Advice, Any, Assigned, Assignment, Challenge, Circuit, Column, ConstraintSystem, Error,
        Fixed, FloorPlanner, Instance, Selector,
    },
};

/// For every fixed column the first one that is equal to it; none for an empty column. Those that selectors
/// become come last. Cells are taken to be assigned once.
pub(super) type Classes = Vec<Option<usize>>;

/// A circuit's constraints, its selectors turned into fixed columns, and the classes of those columns.
pub(super) fn classes<C: Circuit<Fr>>(
    circuit: &C,
) -> Result<(ConstraintSystem<Fr>, Classes), Error> {
    let mut cs = ConstraintSystem::default();
    let config = C::configure_with_params(&mut cs, circuit.params());
    let mut contents = Contents {
        columns: vec![0; cs.num_fixed_columns()],
        selectors: vec![0; cs.num_selectors()],
    };
    let constants = cs.constants().clone();
    C::FloorPlanner::synthesize(&mut contents, circuit, config, constants)?;
    let (cs, _) = cs.directly_convert_selectors_to_fixed(vec![vec![]; contents.selectors.len()]);
    let mut firsts = HashMap::new();
    let hashes = contents.columns.into_iter().chain(contents.selectors).enumerate();
    let classes = hashes
        .map(|(column, hash)| (hash != 0).then(|| *firsts.entry(hash).or_insert(column)))
        .collect();
    Ok((cs, classes))
}

/// The sum of the hashes of all cells of a column that are not 0.
#[derive(Debug)]
struct Contents {
    columns: Vec<u64>,
    selectors: Vec<u64>,
}

fn cell(row: usize, value: Fr) -> u64 {
    if value.is_zero_vartime() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    (row, value).hash(&mut hasher);
    hasher.finish()
}

impl Assignment<Fr> for Contents {
    fn enable_selector<A, AR>(&mut self, _: A, selector: &Selector, row: usize) -> Result<(), Error>
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        let hash = &mut self.selectors[selector.index()];
        *hash = hash.wrapping_add(cell(row, Fr::ONE));
        Ok(())
    }

    fn assign_fixed(&mut self, column: Column<Fixed>, row: usize, to: Assigned<Fr>) {
        let hash = &mut self.columns[column.index()];
        *hash = hash.wrapping_add(cell(row, to.evaluate()));
    }

    fn fill_from_row(
        &mut self,
        column: Column<Fixed>,
        row: usize,
        to: Value<Assigned<Fr>>,
    ) -> Result<(), Error> {
        // The rows that are filled are those to the end: they go in as one, at a row that no cell has.
        to.map(|to| self.assign_fixed(column, usize::MAX - row, to));
        Ok(())
    }

    fn query_instance(&self, _: Column<Instance>, _: usize) -> Result<Value<Fr>, Error> {
        Ok(Value::unknown())
    }

    fn assign_advice<'v>(
        &mut self,
        _: Column<Advice>,
        _: usize,
        _: Value<Assigned<Fr>>,
    ) -> Value<&'v Assigned<Fr>> {
        Value::unknown()
    }

    fn get_challenge(&self, _: Challenge) -> Value<Fr> {
        Value::unknown()
    }

    fn copy(&mut self, _: Column<Any>, _: usize, _: Column<Any>, _: usize) {}

    fn enter_region<NR, N>(&mut self, _: N)
    where
        NR: Into<String>,
        N: FnOnce() -> NR,
    {
    }

    fn exit_region(&mut self) {}

    fn annotate_column<A, AR>(&mut self, _: A, _: Column<Any>)
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
    }

    fn push_namespace<NR, N>(&mut self, _: N)
    where
        NR: Into<String>,
        N: FnOnce() -> NR,
    {
    }

    fn pop_namespace(&mut self, _: Option<String>) {}
}

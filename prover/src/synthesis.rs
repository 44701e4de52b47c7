//! A circuit's cells, taken as its synthesis assigns them.

use crate::columns::Cells;
use halo2_proofs::{
    circuit::Value,
    halo2curves::bn256::Fr,
    plonk::{
        Advice, Any, Assigned, Assignment, Challenge, Circuit, Column, ConstraintSystem, Error,
        Fixed, FloorPlanner, Instance, Selector,
    },
};

/// Takes cells. What a circuit reads back of those it assigned is unknown to it.
#[derive(Default)]
struct Collector<'a> {
    /// `None` for columns that are not asked for.
    advice: Vec<Option<Cells>>,
    fixed: Option<Vec<Cells>>,
    instances: &'a [&'a [Fr]],
    challenges: &'a [Option<Fr>],
    usable_rows: usize,
    misfit: bool,
}

impl Collector<'_> {
    fn fits(&mut self, row: usize) -> bool {
        self.misfit |= row >= self.usable_rows;
        row < self.usable_rows
    }
}

impl Assignment<Fr> for Collector<'_> {
    fn enter_region<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn annotate_column<A: FnOnce() -> AR, AR: Into<String>>(&mut self, _: A, _: Column<Any>) {}

    fn exit_region(&mut self) {}

    fn enable_selector<A, AR>(&mut self, _: A, _: &Selector, _: usize) -> Result<(), Error>
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        // Circuits with selectors are refused before.
        Err(Error::Synthesis)
    }

    fn query_instance(&self, column: Column<Instance>, row: usize) -> Result<Value<Fr>, Error> {
        let value = self.instances.get(column.index()).and_then(|column| column.get(row));
        value.map(|&value| Value::known(value)).ok_or(Error::BoundsFailure)
    }

    fn assign_advice<'v>(
        &mut self,
        column: Column<Advice>,
        row: usize,
        to: Value<Assigned<Fr>>,
    ) -> Value<&'v Assigned<Fr>> {
        if self.fits(row)
            && let Some(Some(cells)) = self.advice.get_mut(column.index())
        {
            let mut known = false;
            to.map(|value| {
                known = true;
                cells.set(row, value.evaluate());
            });
            self.misfit |= !known;
        }
        Value::unknown()
    }

    fn assign_fixed(&mut self, column: Column<Fixed>, row: usize, to: Assigned<Fr>) {
        if self.fits(row)
            && let Some(cells) = self.fixed.as_mut().and_then(|fixed| fixed.get_mut(column.index()))
        {
            cells.set(row, to.evaluate());
        }
    }

    fn copy(&mut self, _: Column<Any>, _: usize, _: Column<Any>, _: usize) {
        // Circuits with permutations are refused before.
        self.misfit = true;
    }

    fn fill_from_row(
        &mut self,
        column: Column<Fixed>,
        from: usize,
        to: Value<Assigned<Fr>>,
    ) -> Result<(), Error> {
        to.map(|to| (from..self.usable_rows).for_each(|row| self.assign_fixed(column, row, to)));
        Ok(())
    }

    fn get_challenge(&self, challenge: Challenge) -> Value<Fr> {
        self.challenges
            .get(challenge.index())
            .copied()
            .flatten()
            .map_or_else(Value::unknown, Value::known)
    }

    fn push_namespace<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn pop_namespace(&mut self, _: Option<String>) {}
}

fn run<C: Circuit<Fr>>(collector: &mut Collector<'_>, circuit: &C) -> Result<(), Error> {
    let mut system = ConstraintSystem::default();
    let config = C::configure_with_params(&mut system, circuit.params());
    collector.usable_rows -= system.blinding_factors() + 1;
    C::FloorPlanner::synthesize(collector, circuit, config, vec![])?;
    if collector.misfit { Err(Error::Synthesis) } else { Ok(()) }
}

/// The fixed columns of a circuit on `rows` rows.
pub fn fixed<C: Circuit<Fr>>(
    circuit: &C,
    columns: usize,
    rows: usize,
) -> Result<Vec<Cells>, Error> {
    let fixed = Some(vec![Cells::default(); columns]);
    let mut collector = Collector { fixed, usable_rows: rows, ..Collector::default() };
    run(&mut collector, &circuit.without_witnesses())?;
    Ok(collector.fixed.unwrap_or_default())
}

/// The advice columns of one phase.
pub fn advice<C: Circuit<Fr>>(
    circuit: &C,
    phases: &[u8],
    phase: u8,
    rows: usize,
    instances: &[&[Fr]],
    challenges: &[Option<Fr>],
) -> Result<Vec<Option<Cells>>, Error> {
    let wanted = |&of: &u8| (of == phase).then(Cells::default);
    let advice = phases.iter().map(wanted).collect();
    let mut collector =
        Collector { advice, instances, challenges, usable_rows: rows, ..Collector::default() };
    run(&mut collector, circuit)?;
    Ok(collector.advice)
}

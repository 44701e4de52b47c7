//! Where a circuit's cells come from; any circuit's, taken as its synthesis assigns them.

use crate::{Error, columns::Cells};
use halo2_proofs::{
    circuit::Value,
    halo2curves::bn256::Fr,
    plonk::{
        Advice, Any, Assigned, Assignment, Challenge, Circuit, Column, ConstraintSystem,
        Error as PlonkError, Fixed, FloorPlanner, Instance, Selector,
    },
};

/// Gives a circuit's cells away column by column, each with its index; what is not given is 0.
pub trait Source {
    /// The fixed columns of a circuit on so many rows.
    fn fixed(&self, rows: usize) -> Result<Vec<(usize, Cells)>, Error>;

    /// The advice columns of one phase, given what was drawn before it.
    fn advice(
        &self,
        phase: u8,
        rows: usize,
        instances: &[&[Fr]],
        challenges: &[Option<Fr>],
    ) -> Result<Vec<(usize, Cells)>, Error>;
}

/// Any circuit, run once for the fixed columns and once for each phase.
#[derive(Debug)]
pub struct Synthesized<'a, C>(pub &'a C);

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

    fn enable_selector<A, AR>(&mut self, _: A, _: &Selector, _: usize) -> Result<(), PlonkError>
    where
        A: FnOnce() -> AR,
        AR: Into<String>,
    {
        // Circuits with selectors are refused before.
        Err(PlonkError::Synthesis)
    }

    fn query_instance(
        &self,
        column: Column<Instance>,
        row: usize,
    ) -> Result<Value<Fr>, PlonkError> {
        let value = self.instances.get(column.index()).and_then(|column| column.get(row));
        value.map(|&value| Value::known(value)).ok_or(PlonkError::BoundsFailure)
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
    ) -> Result<(), PlonkError> {
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

impl<C: Circuit<Fr>> Synthesized<'_, C> {
    fn run(&self, circuit: &C, collector: &mut Collector<'_>, wanted: Wanted) -> Result<(), Error> {
        let mut system = ConstraintSystem::default();
        let config = C::configure_with_params(&mut system, circuit.params());
        match wanted {
            Wanted::Fixed => {
                collector.fixed = Some(vec![Cells::default(); system.num_fixed_columns()]);
            }
            Wanted::Phase(phase) => {
                let wanted = |of: u8| (of == phase).then(Cells::default);
                collector.advice = system.advice_column_phase().into_iter().map(wanted).collect();
            }
        }
        collector.usable_rows -= system.blinding_factors() + 1;
        C::FloorPlanner::synthesize(collector, circuit, config, vec![])?;
        if collector.misfit { Err(PlonkError::Synthesis.into()) } else { Ok(()) }
    }
}

enum Wanted {
    Fixed,
    Phase(u8),
}

impl<C: Circuit<Fr>> Source for Synthesized<'_, C> {
    fn fixed(&self, rows: usize) -> Result<Vec<(usize, Cells)>, Error> {
        let mut collector = Collector { usable_rows: rows, ..Collector::default() };
        self.run(&self.0.without_witnesses(), &mut collector, Wanted::Fixed)?;
        Ok(collector.fixed.into_iter().flatten().enumerate().collect())
    }

    fn advice(
        &self,
        phase: u8,
        rows: usize,
        instances: &[&[Fr]],
        challenges: &[Option<Fr>],
    ) -> Result<Vec<(usize, Cells)>, Error> {
        let mut collector =
            Collector { instances, challenges, usable_rows: rows, ..Collector::default() };
        self.run(self.0, &mut collector, Wanted::Phase(phase))?;
        let columns = collector.advice.into_iter().enumerate();
        Ok(columns.filter_map(|(index, cells)| Some((index, cells?))).collect())
    }
}

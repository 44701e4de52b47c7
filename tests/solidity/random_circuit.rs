//! Circuits of shapes drawn from a seed, and witnesses for them.

use crate::spec::{Cell, LookupSpec, SelectorKind, Spec, TABLE_ROWS};
use halo2_proofs::{
    circuit::{Layouter, Region, SimpleFloorPlanner, Value},
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Constraints, Error, Expression,
        FirstPhase, Fixed, Instance, SecondPhase, Selector, TableColumn, ThirdPhase,
    },
    poly::Rotation,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

#[derive(Debug, Clone)]
enum Enable {
    Selector(Selector),
    Fixed(Column<Fixed>),
}

#[derive(Debug, Clone)]
pub struct Config {
    advice: Vec<Column<Advice>>,
    fixed: Vec<Column<Fixed>>,
    instance: Vec<Column<Instance>>,
    challenges: Vec<Challenge>,
    enables: Vec<Enable>,
    tables: Vec<Option<(TableColumn, Selector)>>,
    usable_rows: usize,
}

/// A circuit of a random shape with a witness.
#[derive(Debug, Clone)]
pub struct RandomCircuit {
    pub spec: Spec,
    pub instances: Vec<Vec<Fr>>,
    pub witness_seed: u64,
}

impl RandomCircuit {
    pub fn new(spec: &Spec, witness_seed: u64) -> Self {
        Self { spec: spec.clone(), instances: spec.instances(witness_seed), witness_seed }
    }
}

impl Circuit<Fr> for RandomCircuit {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Spec;

    fn params(&self) -> Spec {
        self.spec.clone()
    }

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Config {
        unreachable!("the shape is a parameter")
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, spec: Spec) -> Config {
        let mut advice = vec![];
        let mut challenges = vec![];
        for phase in 0..3 {
            for _ in spec.advice.iter().filter(|&&p| p == phase) {
                advice.push(match phase {
                    0 => meta.advice_column_in(FirstPhase),
                    1 => meta.advice_column_in(SecondPhase),
                    _ => meta.advice_column_in(ThirdPhase),
                });
            }
            for _ in spec.challenges.iter().filter(|&&p| p == phase) {
                challenges.push(match phase {
                    0 => meta.challenge_usable_after(FirstPhase),
                    1 => meta.challenge_usable_after(SecondPhase),
                    _ => meta.challenge_usable_after(ThirdPhase),
                });
            }
        }
        let fixed: Vec<_> = (0..spec.num_fixed).map(|_| meta.fixed_column()).collect();
        let instance: Vec<_> =
            spec.instance_counts.iter().map(|_| meta.instance_column()).collect();
        if let Some(degree) = spec.minimum_degree {
            meta.set_minimum_degree(degree);
        }
        for cell in &spec.equality {
            match *cell {
                Cell::Advice(column, _) => meta.enable_equality(advice[column]),
                Cell::Fixed(column, _) => meta.enable_equality(fixed[column]),
                Cell::Instance(column, _) => meta.enable_equality(instance[column]),
            }
        }

        let mut enables = vec![];
        for (i, gate) in spec.gates.iter().enumerate() {
            let enable = match gate.selector {
                SelectorKind::Simple => Enable::Selector(meta.selector()),
                SelectorKind::Complex => Enable::Selector(meta.complex_selector()),
                SelectorKind::Fixed => Enable::Fixed(meta.fixed_column()),
            };
            enables.push(enable.clone());
            meta.create_gate(format!("gate {i}"), |meta| {
                let q = match enable {
                    Enable::Selector(selector) => meta.query_selector(selector),
                    Enable::Fixed(column) => meta.query_fixed(column, Rotation::cur()),
                };
                let output = meta.query_advice(advice[gate.output], Rotation::cur());
                let tree = gate.tree.evaluate(
                    &mut |cell| match cell {
                        Cell::Advice(column, at) => meta.query_advice(advice[column], Rotation(at)),
                        Cell::Fixed(column, at) => meta.query_fixed(fixed[column], Rotation(at)),
                        Cell::Instance(column, at) => {
                            meta.query_instance(instance[column], Rotation(at))
                        }
                    },
                    &mut |index| challenges[index].expr(),
                    &|value| Expression::Constant(Fr::from(value)),
                );
                Constraints::with_selector(q, [("the output is the tree's value", output - tree)])
            });
        }

        let mut tables = vec![];
        for (i, lookup) in spec.lookups.iter().enumerate() {
            let name = format!("look-up {i}");
            tables.push(match lookup {
                LookupSpec::Table { input, selected } => {
                    let (table, selector) = (meta.lookup_table_column(), meta.complex_selector());
                    meta.lookup(name, |meta| {
                        let input = meta.query_advice(advice[*input], Rotation::cur());
                        let q = meta.query_selector(selector);
                        vec![(if *selected { q * input } else { input }, table)]
                    });
                    Some((table, selector))
                }
                LookupSpec::Any { inputs, tables } => {
                    meta.lookup_any(name, |meta| {
                        let columns = inputs.iter().zip(tables);
                        columns
                            .map(|(&input, &table)| {
                                (
                                    meta.query_advice(advice[input], Rotation::cur()),
                                    meta.query_advice(advice[table], Rotation::cur()),
                                )
                            })
                            .collect()
                    });
                    None
                }
            });
        }
        let usable_rows = (1 << spec.k) - (meta.blinding_factors() + 1);
        Config { advice, fixed, instance, challenges, enables, tables, usable_rows }
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        for (table, _) in config.tables.iter().flatten() {
            layouter.assign_table(
                || "small integers",
                |mut cells| {
                    (0..TABLE_ROWS).try_for_each(|i| {
                        let value = || Value::known(Fr::from(i));
                        cells.assign_cell(|| "integer", *table, i as usize, value)
                    })
                },
            )?;
        }
        let copies = layouter.assign_region(|| "all", |region| self.assign(&config, region))?;
        for (cell, column, row) in copies {
            layouter.constrain_instance(cell, config.instance[column], row);
        }
        Ok(())
    }
}

type InstanceCopy = (halo2_proofs::circuit::Cell, usize, usize);

impl RandomCircuit {
    fn assign(
        &self,
        config: &Config,
        mut region: Region<'_, Fr>,
    ) -> Result<Vec<InstanceCopy>, Error> {
        let spec = &self.spec;
        let rows = config.usable_rows;
        // The shape's fixed values come from the shape, the witness from its own seed.
        let shape_rng = &mut StdRng::seed_from_u64(spec.seed ^ 0xf1);
        let fixed: Vec<Vec<Fr>> = (0..spec.num_fixed)
            .map(|_| (0..rows).map(|_| Fr::random(&mut *shape_rng)).collect())
            .collect();
        let mut fixed_cells = vec![];
        for (column, values) in config.fixed.iter().zip(&fixed) {
            let cells: Vec<_> = values
                .iter()
                .enumerate()
                .map(|(row, &v)| region.assign_fixed(*column, row, v))
                .collect();
            fixed_cells.push(cells);
        }

        let rng = &mut StdRng::seed_from_u64(self.witness_seed);
        let mut advice: Vec<Vec<Value<Fr>>> = spec
            .advice
            .iter()
            .map(|_| (0..rows).map(|_| Value::known(Fr::random(&mut *rng))).collect())
            .collect();
        for (lookup, table) in spec.lookups.iter().zip(&config.tables) {
            match lookup {
                LookupSpec::Table { input, .. } => {
                    for (row, cell) in advice[*input].iter_mut().enumerate() {
                        *cell = Value::known(Fr::from(rng.gen_range(0..TABLE_ROWS)));
                        if let Some((_, selector)) = table.filter(|_| row % 3 != 2) {
                            selector.enable(&mut region, row)?;
                        }
                    }
                }
                LookupSpec::Any { inputs, tables } =>
                {
                    #[allow(clippy::needless_range_loop, reason = "several columns are indexed")]
                    for row in 0..rows {
                        let from = rng.gen_range(0..rows);
                        for (&input, &table) in inputs.iter().zip(tables) {
                            advice[input][row] = advice[table][from];
                        }
                    }
                }
            }
        }

        // Copies, each cell in at most one: from a fixed, instance or advice cell to a free advice cell.
        let free: Vec<usize> = spec
            .equality
            .iter()
            .filter_map(
                |cell| if let Cell::Advice(column, _) = cell { Some(*column) } else { None },
            )
            .collect();
        let mut copies = vec![];
        for (i, &source) in spec.equality.iter().enumerate() {
            let Some(&target) = free.get(i % free.len().max(1)) else { break };
            let (from, to) = (2 * i, 2 * i + 1 + rows / 2);
            if to >= rows {
                break;
            }
            advice[target][to] = match source {
                Cell::Advice(column, _) => advice[column][from],
                Cell::Fixed(column, _) => Value::known(fixed[column][from]),
                Cell::Instance(column, _) => match self.instances[column].get(from) {
                    Some(&value) => Value::known(value),
                    None => continue,
                },
            };
            copies.push((source, from, target, to));
        }

        // Every fourth gate is enabled in the same rows: those selectors have one commitment.
        for (i, enable) in config.enables.iter().enumerate() {
            for row in 3 + i % 4..rows - 3 {
                match enable {
                    Enable::Selector(selector) => selector.enable(&mut region, row)?,
                    Enable::Fixed(column) => {
                        region.assign_fixed(*column, row, Fr::ONE);
                    }
                }
            }
        }

        let mut cells = vec![vec![]; spec.advice.len()];
        let mut phase = 0;
        for column in 0..spec.advice.len() {
            while phase < spec.advice[column] {
                region.next_phase();
                phase += 1;
            }
            if let Some(gate) = spec.gates.iter().find(|gate| gate.output == column) {
                for row in 3..rows - 3 {
                    let at = |rotation: i32| (row as i32 + rotation) as usize;
                    advice[column][row] = gate.tree.evaluate(
                        &mut |cell| match cell {
                            Cell::Advice(column, rotation) => advice[column][at(rotation)],
                            Cell::Fixed(column, rotation) => {
                                Value::known(fixed[column][at(rotation)])
                            }
                            Cell::Instance(column, rotation) => {
                                let value = self.instances[column].get(at(rotation));
                                Value::known(value.copied().unwrap_or(Fr::ZERO))
                            }
                        },
                        &mut |index| region.get_challenge(config.challenges[index]),
                        &|value| Value::known(Fr::from(value)),
                    );
                }
            }
            for (row, &value) in advice[column].iter().enumerate() {
                let cell = region.assign_advice(config.advice[column], row, value);
                cells[column].push(cell.cell());
            }
        }

        let mut instance_copies = vec![];
        for (source, from, target, to) in copies {
            let target = cells[target][to];
            match source {
                Cell::Advice(column, _) => region.constrain_equal(cells[column][from], target),
                Cell::Fixed(column, _) => region.constrain_equal(fixed_cells[column][from], target),
                Cell::Instance(column, _) => instance_copies.push((target, column, from)),
            }
        }
        Ok(instance_copies)
    }
}

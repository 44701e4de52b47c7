//! Any graph: one value per row, all wires by one random linear combination.
//!
//! | module | claim |
//! |---|---|
//! | [`lower`] | the graph is blocks of values with linear maps between them ([`graph`]); Softmax, LayerNormalization and ArgMax are systems of equations and inequalities (`lower::vectors`) |
//! | [`rule`], [`fit`] | each made byte is one exact division, or lies in an interval, and one table look-up |
//! | [`average`] | float32 sums are rounded as float32 rounds them |
//! | [`gates`] | everything made is the sum of what is contributed to it |
//! | [`cursor`] | weights, makers and positions are at the monomials that the layout says |
//! | [`packing`] | instances hold the input's and the output's bytes |
//!
//! [`plan`] chooses a layout, [`layout`] says what each row is, [`columns`] what each column is for, [`fixed`] what
//! fixed ones hold. [`compute`] runs a net, and [`witness`] is how an honest prover fills the others.

mod average;
mod columns;
mod compute;
mod cursor;
mod fit;
mod fixed;
mod gates;
mod graph;
mod intervals;
mod layout;
mod lower;
mod packing;
mod plan;
mod rule;
#[cfg(test)]
mod tests;
mod witness;

pub use columns::Columns;
pub use plan::{Plan, Shape};
pub use witness::Witness;

use super::{BYTES_PER_WORD, CircuitError, Wishes, activation, assign, lookups, query::Placed};
use crate::model::Model;
use fixed::{Fixed, Kinds};
use graph::{Net, Port};
use halo2_proofs::{
    circuit::{Layouter, Region, SimpleFloorPlanner},
    halo2curves::bn256::Fr,
    plonk::{Circuit, ConstraintSystem, Error, Fixed as FixedColumn},
};
use std::sync::Arc;
use witness::{Challenges, Sums};

/// A planned circuit, with or without a witness.
#[derive(Clone, Debug)]
pub struct NetCircuit {
    compiled: Arc<Compiled>,
    witness: Option<Arc<Witness>>,
    #[cfg(test)]
    forge: Option<Forge>,
}

/// What a cheating prover does to the second phase, knowing all that a prover knows.
#[cfg(test)]
type Forge = fn(&mut Sums, &Challenges, &Compiled, &Witness);

/// What a circuit is, whatever its witness.
#[derive(Debug)]
struct Compiled {
    net: Net,
    plan: Plan,
    fixed: Fixed,
}

impl NetCircuit {
    /// Plans a circuit for a model.
    pub fn new(model: &Model, wishes: Wishes) -> Result<Self, CircuitError> {
        let net = Net::new(model, wishes.private_input)?;
        let plan = Plan::new(&net, wishes)?;
        Ok(Self::compile(net, plan))
    }

    /// The circuit that was planned for a model earlier.
    pub fn restore(model: &Model, k: u32, shape: &Shape) -> Result<Self, CircuitError> {
        let net = Net::new(model, shape.private_input)?;
        let plan = Plan::restore(&net, k, shape).ok_or(CircuitError::OtherPlan)?;
        Ok(Self::compile(net, plan))
    }

    fn compile(net: Net, plan: Plan) -> Self {
        let fixed = Fixed::new(&net, &plan);
        Self {
            compiled: Arc::new(Compiled { net, plan, fixed }),
            witness: None,
            #[cfg(test)]
            forge: None,
        }
    }

    /// The layout that was chosen.
    pub fn plan(&self) -> &Plan {
        &self.compiled.plan
    }

    /// Number of instances: the context and the packed words.
    pub fn instances(&self) -> usize {
        self.compiled.plan.layout.instances
    }

    /// The witness for all inputs' integers, one after the other, and a context.
    pub fn witness(&self, input: &[i32], context: Fr) -> Result<Witness, CircuitError> {
        Witness::new(&self.compiled.net, &self.compiled.plan, input, context)
    }

    /// All outputs that instances hold, one after the other, given as big-endian words.
    pub fn outputs(&self, instances: &[[u8; 32]]) -> Vec<i32> {
        let outputs = &self.compiled.net.outputs;
        let words = |port: &Port| port.len.div_ceil(BYTES_PER_WORD);
        let mut first = self.instances() - outputs.iter().map(words).sum::<usize>();
        let mut integers = Vec::new();
        for port in outputs {
            let bytes = instances.iter().skip(first).flat_map(|word| {
                // The first byte weighs least, so it stands last.
                word.iter().rev().take(BYTES_PER_WORD)
            });
            let integer = |&byte| activation::integer(byte, port.element);
            integers.extend(bytes.take(port.len).map(integer));
            first += words(port);
        }
        integers
    }

    /// The circuit with a witness in it.
    pub fn with_witness(&self, witness: Witness) -> Self {
        Self { witness: Some(Arc::new(witness)), ..self.clone() }
    }
}

impl Circuit<Fr> for NetCircuit {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Shape;

    fn params(&self) -> Shape {
        self.compiled.plan.shape.clone()
    }

    fn without_witnesses(&self) -> Self {
        Self { witness: None, ..self.clone() }
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, shape: Shape) -> Columns {
        let columns = Columns::new(meta, &shape);
        lookups::configure(meta, &columns.lookups, |meta| columns.looks_up(meta));
        gates::configure(meta, &columns, &shape);
        packing::configure(meta, &columns, &shape);
        average::configure(meta, &columns, &shape);
        intervals::configure(meta, &columns, &shape);
        columns
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Columns {
        unreachable!("this circuit is configured with its shape")
    }

    fn synthesize(&self, columns: Columns, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let known = |challenge| layouter.get_challenge(challenge);
        let challenges = known(columns.lookups.beta).zip(known(columns.lookups.gamma));
        let points = known(columns.rho).zip(known(columns.axes[0]).zip(known(columns.axes[1])));
        let challenges = challenges.zip(points.zip(known(columns.tau)));
        let challenges = challenges.map(|((beta, gamma), ((rho, (along, down)), tau))| {
            Challenges { beta, gamma, points: [rho, along, down], tau }
        });
        // Synthesis runs once per phase; challenges are known from the second on.
        let mut drawn = None;
        challenges.map(|challenges| drawn = Some(challenges));
        layouter.assign_region(
            || "model",
            |mut region| {
                let compiled = &self.compiled;
                match (&self.witness, &drawn) {
                    (Some(witness), Some(challenges)) => {
                        #[allow(unused_mut, reason = "tests forge it")]
                        let mut sums = witness.sums(&compiled.fixed, &compiled.plan, challenges);
                        #[cfg(test)]
                        if let Some(forge) = self.forge {
                            forge(&mut sums, challenges, compiled, witness);
                        }
                        assign_sums(&mut region, &columns, &sums);
                    }
                    (Some(witness), None) => {
                        assign_witness(&mut region, &columns, witness);
                        assign_fixed(&mut region, &columns, &compiled.fixed);
                    }
                    (None, _) => assign_fixed(&mut region, &columns, &compiled.fixed),
                }
                Ok(())
            },
        )
    }
}

fn assign_witness(region: &mut Region<'_, Fr>, columns: &Columns, witness: &Witness) {
    let lookups = &columns.lookups;
    assign::advice(region, lookups.table_row, &witness.table_row);
    assign::advice(region, lookups.byte, &witness.byte);
    for (&column, values) in lookups.limbs.iter().zip(&witness.limbs) {
        assign::advice(region, column, values);
    }
    if let (Some(columns), Some(parts)) = (lookups.steps, &witness.steps) {
        for (column, values) in columns.parts.into_iter().zip(parts) {
            assign::advice(region, column, values);
        }
    }
    if let (Some(columns), Some(integers)) = (columns.wide, &witness.wide) {
        assign::advice(region, columns.integer, integers);
    }
    assign::advice(region, lookups.limb_uses, &witness.limb_uses);
    assign::advice(region, lookups.table_uses, &witness.table_uses);
}

fn assign_sums(region: &mut Region<'_, Fr>, columns: &Columns, sums: &Sums) {
    for (&column, values) in columns.lookups.sums.iter().zip(&sums.lookup_sums) {
        assign::advice(region, column, values);
    }
    for (cursor, values) in columns.cursors.iter().zip(&sums.cursors) {
        assign::advice(region, cursor.column, values);
    }
    assign::advice(region, columns.coefficient, &sums.coefficient);
    assign::advice(region, columns.balance, &sums.balance);
    assign::advice(region, columns.packed, &sums.packed);
}

fn assign_fixed(region: &mut Region<'_, Fr>, columns: &Columns, fixed: &Fixed) {
    assign::fixed(region, columns.lookups.index, &fixed.index);
    assign::fixed(region, columns.lookups.table, &fixed.table);
    if let (Some(columns), Some(steps)) = (columns.lookups.steps, &fixed.steps) {
        assign::fixed(region, columns.table, steps);
        if let (Some(column), Some(lengths)) = (columns.second_table, &fixed.lengths) {
            assign::fixed(region, column, lengths);
        }
    }
    for (&column, values) in columns.weights.iter().zip(&fixed.weights) {
        assign::fixed(region, column, values);
    }
    for (cursor, moves) in columns.cursors.iter().zip(&fixed.moves) {
        for (&column, moves) in cursor.moves.iter().zip(moves) {
            // After the lanes, which have 0 there.
            for (row, &step) in moves.iter().enumerate().filter(|&(_, &step)| step > 0) {
                region.assign_fixed(column.column, column.row(row), Fr::from(u64::from(step)));
            }
        }
    }
    let active: Vec<Fr> = fixed.active.iter().map(|&flag| Fr::from(u64::from(flag))).collect();
    assign::fixed(region, columns.lookups.active, &active);
    let mut flag = |column: FlagColumn, of: fn(&Kinds) -> bool| {
        let Some(column) = column else { return };
        // After the lanes, which have 0 there.
        for (row, _) in fixed.rows.iter().enumerate().filter(|(_, kinds)| of(kinds)) {
            region.assign_fixed(column.column, column.row(row), Fr::one());
        }
    };
    flag(Some(columns.weighs), |row| row.weighs);
    let flags = &columns.flags;
    flag(Some(flags.divides), |row| row.divides);
    flag(flags.steps, |row| row.steps);
    flag(flags.reads, |row| row.reads);
    flag(flags.inputs, |row| row.inputs);
    flag(Some(flags.takes), |row| row.takes);
    flag(Some(flags.starts), |row| row.starts);
    flag(Some(flags.packs), |row| row.packs);
    flag(Some(flags.ends_word), |row| row.ends_word || row.words);
    flag(flags.groups.map(|groups| groups.holds), |row| row.holds);
    flag(flags.groups.and_then(|groups| groups.larger), |row| row.larger);
    flag(flags.products.map(|products| products.pairs), |row| row.pairs);
    flag(flags.products.map(|products| products.multiplies), |row| row.multiplies);
    flag(flags.products.and_then(|products| products.multiplies_in), |row| row.multiplies_in);
    flag(flags.loads, |row| row.loads);
    flag(columns.wide.map(|wide| wide.flag), |row| row.wide);
    flag(columns.wide.map(|wide| wide.takes), |row| row.takes_wide);
    flag(columns.wide.map(|wide| wide.naturals), |row| row.naturals);
    flag(flags.averages.map(|averages| averages.adds), |row| row.adds);
    flag(flags.averages.map(|averages| averages.goes_on), |row| row.continues);
    flag(flags.spills, |row| row.spills);
}

type FlagColumn = Option<Placed<FixedColumn>>;

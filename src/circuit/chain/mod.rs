//! Chains of dense layers: one value per row, each multiplied with its weights where it lies.
//!
//! | module | claim |
//! |---|---|
//! | [`program`] | the graph is a chain of dense layers over bytes |
//! | [`fit`] | each output is one exact division and one table look-up |
//! | [`linear`] | dividends are the layers' weighted sums |
//! | [`public`] | instances hold the input's and the output's bytes |
//!
//! [`plan`] chooses a layout, [`rows`] says what each row is, [`columns`] what each column holds,
//! [`witness`] how an honest prover fills them.

mod columns;
mod fit;
mod linear;
mod plan;
pub(super) mod program;
mod public;
mod rows;
#[cfg(test)]
mod tests;
mod witness;

use super::{
    BYTES_PER_WORD, CircuitError, LARGEST_DEGREE, activation, assign, lookups, plan::Wishes,
    query::one, steps,
};
use crate::model::Model;
pub use columns::Columns;
use halo2_proofs::{
    circuit::{Layouter, Region, SimpleFloorPlanner},
    halo2curves::bn256::Fr,
    plonk::{Circuit, ConstraintSystem, Error},
};
use plan::Plan;
pub use plan::Shape;
use program::Program;
use std::sync::Arc;
pub use witness::Witness;
use witness::{Challenges, Fixed, Sums};

/// A planned circuit, with or without a witness.
#[derive(Clone, Debug)]
pub struct ChainCircuit {
    compiled: Arc<Compiled>,
    witness: Option<Arc<Witness>>,
    #[cfg(test)]
    forge: Option<Forge>,
}

/// What a cheating prover does to the second phase, knowing all that a prover knows.
#[cfg(test)]
type Forge = fn(&mut Sums, &Challenges, &Fixed, &Witness);

/// What a circuit is, whatever its witness.
#[derive(Debug)]
struct Compiled {
    program: Program,
    plan: Plan,
    fixed: Fixed,
}

impl ChainCircuit {
    /// Plans a circuit for a model.
    pub fn new(model: &Model, wishes: Wishes) -> Result<Self, CircuitError> {
        let program = Program::new(model)?;
        let plan = Plan::new(&program, wishes)?;
        Ok(Self::compile(program, plan))
    }

    /// The circuit that was planned for a model earlier.
    pub fn restore(model: &Model, k: u32, shape: Shape) -> Result<Self, CircuitError> {
        let program = Program::new(model)?;
        let plan = Plan::restore(&program, k, shape).ok_or(CircuitError::OtherPlan)?;
        Ok(Self::compile(program, plan))
    }

    fn compile(program: Program, plan: Plan) -> Self {
        let fixed = Fixed::new(&program, &plan);
        Self {
            compiled: Arc::new(Compiled { program, plan, fixed }),
            witness: None,
            #[cfg(test)]
            forge: None,
        }
    }

    /// Whether a model is a chain of dense layers.
    pub fn can_prove(model: &Model) -> bool {
        Program::new(model).is_ok()
    }

    /// The layout that was chosen.
    pub fn plan(&self) -> &Plan {
        &self.compiled.plan
    }

    /// The circuit's columns and gates.
    pub fn constraint_system(&self) -> ConstraintSystem<Fr> {
        let mut system = ConstraintSystem::default();
        Self::configure_with_params(&mut system, self.params());
        system
    }

    /// Number of instances: the context and the packed words.
    pub fn instances(&self) -> usize {
        self.compiled.plan.layout.instances
    }

    /// The witness for an input's integers and a context.
    pub fn witness(&self, input: &[i32], context: Fr) -> Result<Witness, CircuitError> {
        Witness::new(&self.compiled.program, &self.compiled.plan, input, context)
    }

    /// The outputs that instances hold, given as big-endian words.
    pub fn outputs(&self, instances: &[[u8; 32]]) -> Vec<i32> {
        let program = &self.compiled.program;
        let first = 1 + program.inputs.div_ceil(BYTES_PER_WORD);
        let bytes = instances.iter().skip(first).flat_map(|word| {
            // The first byte weighs least, so it stands last.
            word.iter().rev().take(BYTES_PER_WORD)
        });
        let integer = |&byte| activation::integer(byte, program.output_element);
        bytes.take(program.outputs()).map(integer).collect()
    }

    /// The circuit with a witness in it.
    pub fn with_witness(&self, witness: Witness) -> Self {
        Self { witness: Some(Arc::new(witness)), ..self.clone() }
    }
}

impl Circuit<Fr> for ChainCircuit {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Shape;

    fn params(&self) -> Shape {
        self.compiled.plan.shape
    }

    fn without_witnesses(&self) -> Self {
        Self { witness: None, ..self.clone() }
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, shape: Shape) -> Columns {
        let columns = Columns::new(meta, shape);
        lookups::configure(meta, &columns.lookups(), |_| one());
        linear::configure(meta, &columns, shape);
        public::configure(meta, &columns, shape);
        steps::configure(
            meta,
            &columns.lookups(),
            columns.makes,
            *columns.weights.get(1).unwrap_or(&columns.weights[0]),
            shape.table_rows,
        );
        let degree = meta.gates().iter().flat_map(|gate| gate.polynomials());
        let degree = degree.map(halo2_proofs::plonk::Expression::degree).max().unwrap_or(0);
        assert!(degree <= LARGEST_DEGREE, "a gate of degree {degree} would go unchecked");
        columns
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Columns {
        unreachable!("this circuit is configured with its shape")
    }

    fn synthesize(&self, columns: Columns, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let known = |challenge| layouter.get_challenge(challenge);
        let challenges = known(columns.beta).zip(known(columns.gamma));
        let challenges = challenges.zip(known(columns.rho).zip(known(columns.tau)));
        let challenges =
            challenges.map(|((beta, gamma), (rho, tau))| Challenges { beta, gamma, rho, tau });
        // Synthesis runs once per phase; challenges are known from the second on.
        let mut drawn = None;
        challenges.map(|challenges| drawn = Some(challenges));
        layouter.assign_region(
            || "model",
            |mut region| {
                match (&self.witness, &drawn) {
                    (Some(witness), Some(challenges)) => {
                        let compiled = &self.compiled;
                        #[allow(unused_mut, reason = "tests forge it")]
                        let mut sums = witness.sums(&compiled.fixed, &compiled.plan, challenges);
                        #[cfg(test)]
                        if let Some(forge) = self.forge {
                            forge(&mut sums, challenges, &compiled.fixed, witness);
                        }
                        assign_sums(&mut region, &columns, &sums);
                    }
                    (Some(witness), None) => {
                        assign_witness(&mut region, &columns, witness);
                        assign_fixed(&mut region, &columns, &self.compiled.fixed);
                    }
                    (None, _) => assign_fixed(&mut region, &columns, &self.compiled.fixed),
                }
                Ok(())
            },
        )
    }
}

fn assign_witness(region: &mut Region<'_, Fr>, columns: &Columns, witness: &Witness) {
    assign::advice(region, columns.table_row, &witness.table_row);
    assign::advice(region, columns.byte, &witness.byte);
    for (&column, values) in columns.limbs.iter().zip(&witness.limbs) {
        assign::advice(region, column, values);
    }
    if let (Some(columns), Some([thresholds, above])) = (columns.steps, &witness.steps) {
        assign::advice(region, columns.parts[0], thresholds);
        assign::advice(region, columns.parts[1], above);
    }
    assign::advice(region, columns.limb_uses, &witness.limb_uses);
    assign::advice(region, columns.table_uses, &witness.table_uses);
}

fn assign_sums(region: &mut Region<'_, Fr>, columns: &Columns, sums: &Sums) {
    for (&column, values) in columns.lookup_sums.iter().zip(&sums.lookup_sums) {
        assign::advice(region, column, values);
    }
    assign::advice(region, columns.segment, &sums.segment);
    assign::advice(region, columns.products, &sums.products);
    assign::advice(region, columns.owed, &sums.owed);
    assign::advice(region, columns.packed, &sums.packed);
}

fn assign_fixed(region: &mut Region<'_, Fr>, columns: &Columns, fixed: &Fixed) {
    let flags = [
        (columns.active, &fixed.active),
        (columns.takes, &fixed.takes),
        (columns.makes, &fixed.makes),
        (columns.marks, &fixed.marks),
        (columns.ends_block, &fixed.ends_block),
    ];
    for (column, flags) in flags {
        let values: Vec<Fr> = flags.iter().map(|&flag| Fr::from(u64::from(flag))).collect();
        assign::fixed(region, column, &values);
    }
    if let (Some(columns), Some(steps)) = (columns.steps, &fixed.steps) {
        assign::fixed(region, columns.table, steps);
    }
    assign::fixed(region, columns.index, &fixed.index);
    assign::fixed(region, columns.table, &fixed.table);
    for (&column, values) in columns.weights.iter().zip(&fixed.weights) {
        assign::fixed(region, column, values);
    }
}

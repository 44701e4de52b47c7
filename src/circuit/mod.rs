//! From a quantized graph to a Halo2 circuit.
//!
//! The circuit's claim: *the packed output instances are what the model computes from the packed input
//! instances*. One value lies on each row, or several neighbours, and all wires are one random linear combination.
//!
//! | module | says |
//! |---|---|
//! | [`ops`] | what each ONNX operator becomes: blocks of values with linear maps between them ([`wiring`]) |
//! | [`table`] | how bytes are made from accumulators: each by one exact division or interval, and one look-up |
//! | [`layout`] | what each row is, and how many columns there are |
//! | [`cost`] | what a plan takes, by which it is chosen |
//! | [`shape`], [`columns`] | what the columns are for, which flags rows have |
//! | [`relations`] | what must hold between cells, each with its argument |
//! | [`instances`] | what is public, and how it is packed |
//! | [`links`] | what is committed, and where its words lie |
//! | [`hashes`], [`poseidon`] | what is hashed, with what, and where its permutations lie |
//! | [`weights`] | weights that are committed, and where they lie |
//! | [`fixed`], [`compute`], [`witness`], [`values`], [`assign`] | what the cells hold |

mod activation;
mod assign;
mod columns;
mod compute;
mod cost;
mod error;
mod field;
mod fixed;
mod hashes;
mod instances;
mod layout;
mod links;
mod needs;
mod ops;
mod parallel;
mod poseidon;
mod query;
mod relations;
mod shape;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod values;
mod weights;
mod wiring;
mod wishes;
mod witness;

pub use columns::{Columns, WordSum};
pub use cost::Cost;
pub use error::CircuitError;
pub use field::pack;
pub use hashes::hash as hash_of_words;
pub use instances::*;
pub use links::{CommittedOutputs, Link};
pub use needs::Needs;
#[cfg(feature = "cli")]
pub(crate) use shape::LARGEST_K;
pub use shape::Shape;
pub use values::Values;
pub use wishes::{Goal, Wishes};
pub use witness::{Contexts, Witness};

use crate::model::Model;
use columns::Challenges;
use fixed::Fixed;
use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner},
    halo2curves::bn256::Fr,
    plonk::{Circuit, ConstraintSystem, Error},
};
use layout::plan::Plan;
use std::sync::{Arc, OnceLock};
use wiring::Net;
use witness::{Given, Known, Sums};

/// Bytes packed into one instance.
pub const BYTES_PER_WORD: usize = Code::Uint8.per_word();

/// The largest degree of a gate: halo2-axiom silently caps the degree it makes room for here.
pub(crate) const LARGEST_DEGREE: usize = 5;

/// A planned circuit, with or without a witness.
#[derive(Clone, Debug)]
pub struct ModelCircuit {
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
    instances: Arc<InstanceLayout>,
    net: Arc<Net>,
    plan: Plan,
    fixed: Fixed,
}

/// The best plans of a model's circuit for all goals, which are found together.
#[derive(Clone, Debug)]
pub struct Plans {
    instances: Arc<InstanceLayout>,
    net: Arc<Net>,
    /// In the order of [`Goal::ALL`].
    best: [Plan; Goal::ALL.len()],
    /// Those that were asked for.
    circuits: Arc<[OnceLock<ModelCircuit>; Goal::ALL.len()]>,
}

impl Plans {
    /// Plans circuits for a model; the goal of the wishes is of no concern.
    pub fn new(model: &Model, wishes: Wishes) -> Result<Self, CircuitError> {
        Self::for_instances(model, InstanceLayout::of_model(model, wishes.private_input), wishes)
    }

    /// The same for instances of choice; what the wishes say of the input is of no concern either.
    pub fn for_instances(
        model: &Model,
        instances: InstanceLayout,
        wishes: Wishes,
    ) -> Result<Self, CircuitError> {
        instances.check_model(model)?;
        Self::of_any(model, instances, wishes)
    }

    fn of_any(
        model: &Model,
        instances: InstanceLayout,
        wishes: Wishes,
    ) -> Result<Self, CircuitError> {
        instances.check_format(wishes.packed)?;
        CircuitError::check(Needs::of_model(model, wishes.packed))?;
        let net = Net::of(model, &instances, wishes.packed)?;
        let best = Plan::all(&net, wishes)?;
        let (instances, net) = (Arc::new(instances), Arc::new(net));
        Ok(Self { instances, net, best, circuits: Arc::default() })
    }

    /// Plans circuits of the same model and instances for packed proofs.
    pub fn packed(&self, wishes: Wishes) -> Result<Self, CircuitError> {
        let net = Net { sums_words: true, ..Net::clone(&self.net) };
        let best = Plan::all(&net, Wishes { packed: true, ..wishes })?;
        let (instances, net) = (Arc::clone(&self.instances), Arc::new(net));
        Ok(Self { instances, net, best, circuits: Arc::default() })
    }

    /// What any circuit of the model needs.
    pub fn needs(&self) -> Needs {
        Needs::of_net(&self.net)
    }

    /// The circuit that is best for a goal.
    pub fn circuit(&self, goal: Goal) -> ModelCircuit {
        let plan = &self.best[goal as usize];
        // Goals with the same plan have the same circuit.
        let is_same = |other: &Plan| (other.k, &other.shape) == (plan.k, &plan.shape);
        let first = self.best.iter().position(is_same).unwrap_or(goal as usize);
        let circuit = self.circuits[first].get_or_init(|| {
            let (instances, net) = (Arc::clone(&self.instances), Arc::clone(&self.net));
            ModelCircuit::compile(instances, net, plan.clone())
        });
        circuit.clone()
    }
}

impl Compiled {
    fn known<'a>(&'a self, witness: &'a Witness, challenges: &'a Challenges) -> Known<'a> {
        Known { witness, fixed: &self.fixed, plan: &self.plan, challenges }
    }
}

impl ModelCircuit {
    /// Plans a circuit for a model.
    pub fn new(model: &Model, wishes: Wishes) -> Result<Self, CircuitError> {
        Ok(Plans::new(model, wishes)?.circuit(wishes.goal))
    }

    /// The circuit that was planned for a model and its instances earlier.
    pub fn restore(
        model: &Model,
        instances: &InstanceLayout,
        k: u32,
        shape: &Shape,
    ) -> Result<Self, CircuitError> {
        instances.check_model(model)?;
        Self::restore_any(model, instances, k, shape)
    }

    fn restore_any(
        model: &Model,
        instances: &InstanceLayout,
        k: u32,
        shape: &Shape,
    ) -> Result<Self, CircuitError> {
        instances.check_format(shape.sums_words)?;
        let net = Net::of(model, instances, shape.sums_words)?;
        let plan = Plan::restore(&net, k, shape).ok_or(CircuitError::OtherPlan)?;
        Ok(Self::compile(Arc::new(instances.clone()), Arc::new(net), plan))
    }

    fn compile(instances: Arc<InstanceLayout>, net: Arc<Net>, mut plan: Plan) -> Self {
        Arc::make_mut(&mut plan.fitted).fill();
        let fixed = Fixed::new(&net, &plan);
        Self {
            compiled: Arc::new(Compiled { instances, net, plan, fixed }),
            witness: None,
            #[cfg(test)]
            forge: None,
        }
    }

    /// The layout that was chosen.
    fn plan(&self) -> &Plan {
        &self.compiled.plan
    }

    /// log₂ of the number of rows.
    pub fn k(&self) -> u32 {
        self.plan().k
    }

    /// What a proof takes.
    pub fn cost(&self) -> Cost {
        Cost::new(&self.plan().shape, self.k())
    }

    /// Rows in use.
    pub fn rows(&self) -> usize {
        self.plan().rows()
    }

    /// All that the columns and gates depend on.
    pub fn shape(&self) -> Shape {
        self.params()
    }

    /// The circuit's columns and gates.
    pub fn constraint_system(&self) -> ConstraintSystem<Fr> {
        self.plan().shape.constraint_system()
    }

    /// What the instances are.
    pub fn layout(&self) -> &InstanceLayout {
        &self.compiled.instances
    }

    /// Number of instances: the context and the packed words.
    pub fn instances(&self) -> usize {
        self.plan().layout.instances
    }

    /// The witness for all inputs' integers, one after the other, and a context for each inference.
    pub fn witness(
        &self,
        input: &[i32],
        contexts: impl Into<Contexts>,
    ) -> Result<Witness, CircuitError> {
        self.witness_of_any(Given { input, ..Given::default() }, contexts)
    }

    /// The same of a circuit whose weights are committed, with those of a model.
    pub fn witness_of(
        &self,
        model: &Model,
        input: &[i32],
        contexts: impl Into<Contexts>,
    ) -> Result<Witness, CircuitError> {
        self.witness_with(model, input, &[], contexts)
    }

    /// The same of a circuit with hashed inputs, with what blinds each of them.
    pub fn witness_with(
        &self,
        model: &Model,
        input: &[i32],
        blindings: &[Fr],
        contexts: impl Into<Contexts>,
    ) -> Result<Witness, CircuitError> {
        let weights = &self.committed_weights(model)?;
        self.witness_of_any(Given { input, weights, blindings }, contexts)
    }

    fn witness_of_any(
        &self,
        given: Given<'_>,
        contexts: impl Into<Contexts>,
    ) -> Result<Witness, CircuitError> {
        Witness::new(&self.compiled.net, self.plan(), given, contexts)
    }

    /// What the columns of committed weights hold for a model, from row 0 on: none where none are committed.
    pub fn weight_columns(&self, model: &Model) -> Result<Vec<Vec<i32>>, CircuitError> {
        let weights = self.committed_weights(model)?;
        Ok(weights::columns(self.plan(), &weights))
    }

    /// Which committed weight lies where: columns as [`Self::weight_columns`] gives them, of each weight's number, from 1 on.
    pub fn weight_numbers(&self) -> Vec<Vec<i32>> {
        let all = (1..).take(self.compiled.net.committed_weights).collect::<Vec<i32>>();
        weights::columns(self.plan(), &all)
    }

    fn committed_weights(&self, model: &Model) -> Result<Vec<i32>, CircuitError> {
        if self.compiled.instances.names_weights {
            weights::of_model(model)
        } else {
            Ok(Vec::new())
        }
    }

    /// The circuit with a witness in it, which must be one of this circuit.
    pub fn with_witness(&self, witness: Witness) -> Self {
        Self { witness: Some(Arc::new(witness)), ..self.clone() }
    }

    /// What the backend's fixed columns hold, from row 0 on, each with its index.
    pub fn fixed_columns(&self) -> Vec<(usize, Values)> {
        assign::whole(assign::statement(&self.compiled.fixed))
    }

    /// The same of the prover's columns of the first phase; none without a witness.
    pub fn first_phase(&self) -> Option<Vec<(usize, Values)>> {
        let witness = self.witness.as_deref()?;
        Some(assign::whole(assign::witness(&self.compiled.fixed.columns, witness)))
    }

    /// The same of the second phase, given the challenges by their index.
    pub fn second_phase(&self, drawn: &[Option<Fr>]) -> Option<Vec<(usize, Values)>> {
        let (columns, witness) = (&self.compiled.fixed.columns, self.witness.as_deref()?);
        let challenges =
            columns.challenges(|challenge| drawn.get(challenge.index()).copied().flatten())?;
        Some(assign::whole(assign::sums(columns, self.sums(witness, &challenges))))
    }

    fn sums(&self, witness: &Witness, challenges: &Challenges) -> Sums {
        let compiled = &self.compiled;
        #[allow(unused_mut, reason = "tests forge it")]
        let mut sums = Sums::new(compiled.known(witness, challenges));
        #[cfg(test)]
        if let Some(forge) = self.forge {
            forge(&mut sums, challenges, compiled, witness);
        }
        sums
    }
}

impl Shape {
    /// The columns and gates of circuits of this shape.
    pub fn constraint_system(&self) -> ConstraintSystem<Fr> {
        let mut system = ConstraintSystem::default();
        ModelCircuit::configure_with_params(&mut system, self.clone());
        system
    }

    /// What the verifier adds up, if no row takes a packed instance.
    pub fn word_sum(&self) -> Option<WordSum> {
        let columns = Columns::new(&mut ConstraintSystem::default(), self);
        columns.word_sum(self.free_instances)
    }

    /// The columns that proofs link to commitments, in the order of their names.
    pub fn links(&self) -> Vec<Link> {
        let columns = Columns::new(&mut ConstraintSystem::default(), self);
        // Names are the last instances before the packed ones.
        let names = self.free_instances.saturating_sub(self.links.len())..;
        let columns = columns.links.iter().map(|link| link.words.column.index());
        let links = columns.zip(&self.links).zip(names);
        let link =
            |((column, &words), name)| Some(Link { column, class: links::class_of(words)?, name });
        links.filter_map(link).collect()
    }

    /// The fixed columns of committed weights, and which instance is their name; none if there are none.
    pub fn named_columns(&self) -> Option<(Vec<usize>, usize)> {
        let columns = Columns::new(&mut ConstraintSystem::default(), self).weights?;
        let lanes = columns.lanes.iter().map(|lane| lane.column.index()).collect();
        // Theirs comes before those of inputs.
        Some((lanes, self.free_instances.checked_sub(self.links.len() + 1)?))
    }
}

impl Circuit<Fr> for ModelCircuit {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Shape;

    fn params(&self) -> Shape {
        self.plan().shape.clone()
    }

    fn without_witnesses(&self) -> Self {
        Self { witness: None, ..self.clone() }
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, shape: Shape) -> Columns {
        let columns = Columns::new(meta, &shape);
        relations::configure(meta, &columns, &shape);
        let degree = meta.gates().iter().flat_map(|gate| gate.polynomials());
        let degree = degree.map(halo2_proofs::plonk::Expression::degree).max().unwrap_or(0);
        assert!(degree <= LARGEST_DEGREE, "a gate of degree {degree} would go unchecked");
        columns
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Columns {
        unreachable!("this circuit is configured with its shape")
    }

    fn synthesize(&self, columns: Columns, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        // Synthesis runs once per phase; challenges are known from the second on.
        let challenges = columns.challenges(|challenge| {
            let mut known = None;
            layouter.get_challenge(challenge).map(|value| known = Some(value));
            known
        });
        layouter.assign_region(
            || "model",
            |mut region| {
                match (&self.witness, &challenges) {
                    (Some(witness), Some(challenges)) => {
                        let sums = self.sums(witness, challenges);
                        assign::advice_cells(&mut region, &assign::sums(&columns, sums));
                        return Ok(());
                    }
                    (Some(witness), None) => {
                        assign::advice_cells(&mut region, &assign::witness(&columns, witness));
                    }
                    (None, _) => {}
                }
                assign::fixed_cells(&mut region, &assign::statement(&self.compiled.fixed));
                Ok(())
            },
        )
    }
}

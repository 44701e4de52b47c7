//! From a quantized graph to a Halo2 circuit.
//!
//! The circuit's claim: *the packed output instances are what the model computes from the packed input
//! instances*. Its parts, each with its argument beside its gates:
//!
//! | module | claim |
//! |---|---|
//! | [`lookups`] | limbs are below N, bytes are read from the table |
//! | [`steps`] | outputs without an exact division are read from a table of steps |
//! | [`chain`] | chains of dense layers: few columns, so little gas |
//! | [`net`] | every other graph |

mod activation;
mod assign;
mod chain;
mod error;
mod field;
mod lookups;
mod net;
mod plan;
mod query;
mod steps;
#[cfg(test)]
mod tests;

pub use chain::Shape as ChainShape;
pub use error::CircuitError;
pub use field::pack;
pub use net::Shape as NetShape;
pub use plan::{Goal, Wishes};

use crate::model::Model;
use chain::ChainCircuit;
use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner},
    halo2curves::bn256::Fr,
    plonk::{Circuit, ConstraintSystem, Error},
};
use net::NetCircuit;

/// Bytes packed into one instance.
pub const BYTES_PER_WORD: usize = 31;

/// The largest degree of a gate: halo2-axiom silently caps the degree it makes room for here.
const LARGEST_DEGREE: usize = 5;

/// A planned circuit, with or without a witness.
#[derive(Clone, Debug)]
pub enum ModelCircuit {
    /// Of a chain of dense layers.
    Chain(ChainCircuit),
    /// Of any other graph.
    Net(NetCircuit),
}

/// All that a circuit's columns and gates depend on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Of a chain of dense layers.
    Chain(ChainShape),
    /// Of any other graph.
    Net(NetShape),
}

impl Shape {
    /// Whether a circuit could have this shape.
    pub fn is_possible(&self, k: u32) -> bool {
        match self {
            Self::Chain(shape) => shape.is_possible(k),
            Self::Net(shape) => shape.is_possible(k),
        }
    }

    /// Whether the input is among the instances.
    pub fn shows_input(&self) -> bool {
        match self {
            Self::Chain(_) => true,
            Self::Net(shape) => !shape.private_input,
        }
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self::Chain(ChainShape::default())
    }
}

/// What an honest prover fills in, and what it makes public.
#[derive(Clone, Debug)]
pub struct Witness {
    /// The context and the packed words.
    pub instances: Vec<Fr>,
    /// The model's outputs, one after the other.
    pub outputs: Vec<i32>,
    cells: Cells,
}

#[derive(Clone, Debug)]
enum Cells {
    Chain(chain::Witness),
    Net(net::Witness),
}

impl Witness {
    /// Whether the circuit computes what the reference does.
    pub fn agrees_with(&self, reference: impl Iterator<Item = i32>) -> Result<(), CircuitError> {
        for (index, (&circuit, reference)) in self.outputs.iter().zip(reference).enumerate() {
            if circuit != reference {
                return Err(CircuitError::Disagreement { index, circuit, reference });
            }
        }
        Ok(())
    }
}

impl ModelCircuit {
    /// Plans a circuit for a model.
    ///
    /// A chain's circuit has fewer columns; a net's can fold them, and keep the input private.
    pub fn new(model: &Model, wishes: Wishes) -> Result<Self, CircuitError> {
        let is_chain = wishes.goal != Goal::Gas && !wishes.private_input;
        if is_chain && ChainCircuit::can_prove(model) {
            ChainCircuit::new(model, wishes).map(Self::Chain)
        } else {
            NetCircuit::new(model, wishes).map(Self::Net)
        }
    }

    /// The circuit that was planned for a model earlier.
    pub fn restore(model: &Model, k: u32, shape: &Shape) -> Result<Self, CircuitError> {
        match shape {
            Shape::Chain(shape) => ChainCircuit::restore(model, k, *shape).map(Self::Chain),
            Shape::Net(shape) => NetCircuit::restore(model, k, shape).map(Self::Net),
        }
    }

    /// log₂ of the number of rows.
    pub fn k(&self) -> u32 {
        match self {
            Self::Chain(circuit) => circuit.plan().k,
            Self::Net(circuit) => circuit.plan().k,
        }
    }

    /// Rows in use.
    pub fn rows(&self) -> usize {
        match self {
            Self::Chain(circuit) => circuit.plan().layout.rows.len(),
            Self::Net(circuit) => circuit.plan().rows(),
        }
    }

    /// All that the columns and gates depend on.
    pub fn shape(&self) -> Shape {
        self.params()
    }

    /// The circuit's columns and gates.
    pub fn constraint_system(&self) -> ConstraintSystem<Fr> {
        let mut system = ConstraintSystem::default();
        Self::configure_with_params(&mut system, self.params());
        system
    }

    /// Number of instances: the context and the packed words.
    pub fn instances(&self) -> usize {
        match self {
            Self::Chain(circuit) => circuit.instances(),
            Self::Net(circuit) => circuit.instances(),
        }
    }

    /// The witness for all inputs' integers, one after the other, and a context.
    pub fn witness(&self, input: &[i32], context: Fr) -> Result<Witness, CircuitError> {
        match self {
            Self::Chain(circuit) => circuit.witness(input, context).map(|witness| Witness {
                instances: witness.instances.clone(),
                outputs: witness.outputs.clone(),
                cells: Cells::Chain(witness),
            }),
            Self::Net(circuit) => circuit.witness(input, context).map(|witness| Witness {
                instances: witness.instances.clone(),
                outputs: witness.outputs.clone(),
                cells: Cells::Net(witness),
            }),
        }
    }

    /// All outputs that instances hold, one after the other, given as big-endian words.
    pub fn outputs(&self, instances: &[[u8; 32]]) -> Vec<i32> {
        match self {
            Self::Chain(circuit) => circuit.outputs(instances),
            Self::Net(circuit) => circuit.outputs(instances),
        }
    }

    /// The circuit with a witness in it, which must be one of this circuit.
    pub fn with_witness(&self, witness: Witness) -> Self {
        match (self, witness.cells) {
            (Self::Chain(circuit), Cells::Chain(witness)) => {
                Self::Chain(circuit.with_witness(witness))
            }
            (Self::Net(circuit), Cells::Net(witness)) => Self::Net(circuit.with_witness(witness)),
            _ => self.clone(),
        }
    }
}

/// The columns of either circuit.
#[derive(Clone, Debug)]
pub enum Columns {
    /// Of a chain of dense layers.
    Chain(Box<chain::Columns>),
    /// Of any other graph.
    Net(Box<net::Columns>),
}

impl Circuit<Fr> for ModelCircuit {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Shape;

    fn params(&self) -> Shape {
        match self {
            Self::Chain(circuit) => Shape::Chain(circuit.params()),
            Self::Net(circuit) => Shape::Net(circuit.params()),
        }
    }

    fn without_witnesses(&self) -> Self {
        match self {
            Self::Chain(circuit) => Self::Chain(circuit.without_witnesses()),
            Self::Net(circuit) => Self::Net(circuit.without_witnesses()),
        }
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, shape: Shape) -> Columns {
        let columns = match shape {
            Shape::Chain(shape) => {
                Columns::Chain(Box::new(ChainCircuit::configure_with_params(meta, shape)))
            }
            Shape::Net(shape) => {
                Columns::Net(Box::new(NetCircuit::configure_with_params(meta, shape)))
            }
        };
        let degree = meta.gates().iter().flat_map(|gate| gate.polynomials());
        let degree = degree.map(halo2_proofs::plonk::Expression::degree).max().unwrap_or(0);
        assert!(degree <= LARGEST_DEGREE, "a gate of degree {degree} would go unchecked");
        columns
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Columns {
        unreachable!("this circuit is configured with its shape")
    }

    fn synthesize(&self, columns: Columns, layouter: impl Layouter<Fr>) -> Result<(), Error> {
        match (self, columns) {
            (Self::Chain(circuit), Columns::Chain(columns)) => {
                circuit.synthesize(*columns, layouter)
            }
            (Self::Net(circuit), Columns::Net(columns)) => circuit.synthesize(*columns, layouter),
            _ => unreachable!("a circuit is configured with its own shape"),
        }
    }
}

//! What a circuit will cost, before any key is made.
//!
//! Proof, gas and code follow from the constraint system and from which fixed columns are empty; tests compare
//! them with the real contract. Time and memory are those of [`Cost`](crate::circuit::Cost).

use super::{GasEstimate, Packing, SolidityError, estimate_circuit_gas, packing};
use crate::circuit::{
    Cost, Element, Goal, InstancePart, InstancePort, InstanceTensor, ModelCircuit,
};
use crate::proving::{Format, WORD_BYTES, links};
use serde::Serialize;

/// What a proof and its verification will cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Wall time of a proof on two quiet cores.
    pub prove_seconds: f64,
    /// The most memory that proving holds.
    pub memory_bytes: u64,
    /// Powers of the reference string that keys take.
    pub string_powers: usize,
    /// A proof's length.
    pub proof_bytes: usize,
    /// Total gas of a transaction that verifies it, under Osaka, whatever the input: none of its bytes is 0. (A byte
    /// of calldata that is 0 costs 12 gas less than another.)
    pub verify_gas: u64,
    /// The same for the cheapest instances, all of whose bytes are 0: a black image whose output is as small.
    pub verify_gas_least: u64,
    /// Mean of the same over example inputs, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_gas_mean: Option<u64>,
    /// Length of the contract's code.
    pub runtime_bytes: usize,
    #[serde(skip)]
    estimate: GasEstimate,
}

impl Prediction {
    /// Predicts from a planned circuit.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "figures far below 2^53, not negative"
    )]
    pub fn new(circuit: &ModelCircuit, format: Format, goal: Goal) -> Result<Self, SolidityError> {
        let cost = circuit.cost();
        let (estimate, string_powers, [seconds, bytes]) = match format {
            Format::Halo2 => {
                let estimate = estimate_circuit_gas(
                    circuit,
                    circuit.k(),
                    &[circuit.instances()],
                    &links(&circuit.shape()),
                )?;
                (estimate, 1 << circuit.k(), [cost.seconds, cost.bytes])
            }
            Format::Packed => {
                let packing = packing(circuit, goal)?;
                (packing.estimate, packing.powers, packed_cost(circuit, &packing))
            }
        };
        Ok(Self {
            prove_seconds: seconds,
            memory_bytes: bytes as u64,
            string_powers,
            proof_bytes: estimate.proof_bytes,
            verify_gas: estimate.with_zero_bytes(unused_bytes(circuit)).total,
            verify_gas_least: estimate.with_zero_bytes(WORD_BYTES * estimate.instances).total,
            verify_gas_mean: None,
            runtime_bytes: estimate.runtime_bytes,
            estimate,
        })
    }

    /// Adds the mean over example inputs, each given by its tensors' integers.
    #[must_use]
    pub fn with_inputs(self, circuit: &ModelCircuit, inferences: &[Vec<Vec<i32>>]) -> Self {
        let unused = unused_bytes(circuit);
        let gas = |inputs: &Vec<Vec<i32>>| {
            let zero_bytes = unused + zero_input_bytes(circuit, inputs);
            self.estimate.with_zero_bytes(zero_bytes).total
        };
        let sum: u64 = inferences.iter().map(gas).sum();
        Self { verify_gas_mean: sum.checked_div(inferences.len() as u64), ..self }
    }

    /// Total gas of verifying a proof of these instances.
    #[cfg(test)]
    pub fn verify_gas_of(&self, instances: &[[u8; WORD_BYTES]]) -> u64 {
        self.estimate.with_instances(instances).total
    }
}

/// Seconds and bytes of a packed proof: of the bytes those of halo2's format, and what long polynomials take beyond it.
#[allow(clippy::cast_precision_loss, reason = "numbers far below 2^53")]
fn packed_cost(circuit: &ModelCircuit, packing: &Packing) -> [f64; 2] {
    /// Without any, and of a power: the string's point, and the openings' polynomials.
    const BYTES: f64 = 8e6;
    const BYTES_PER_POWER: f64 = 110.0;
    let powers = packing.powers as f64;
    [
        Cost::packed_seconds(&circuit.shape(), circuit.k(), powers),
        circuit.cost().bytes + BYTES + BYTES_PER_POWER * powers,
    ]
}

/// Bytes of the instances in which nothing is packed. The context has none.
fn unused_bytes(circuit: &ModelCircuit) -> usize {
    let parts = circuit.layout().parts();
    let tensors = parts.iter().filter_map(|part| part.tensor.map(|tensor| (tensor, part)));
    let unused = |(tensor, part): (&InstanceTensor, &InstancePart<'_>)| {
        (WORD_BYTES * part.at.len()).saturating_sub(tensor.len() * tensor.code.bits() / 8)
    };
    tensors.map(unused).sum()
}

/// Bytes of the packed inputs that are 0: packing counts from the type's smallest value.
fn zero_input_bytes(circuit: &ModelCircuit, inputs: &[Vec<i32>]) -> usize {
    let zeros = |(told, integers): (&InstancePort, &Vec<i32>)| {
        let code = |&integer: &i32| told.tensor.code.encode(Element::Integer(integer.into()));
        integers.iter().filter(|&integer| code(integer) == Some(0)).count()
    };
    let told = circuit.layout().inputs.iter().zip(inputs);
    told.filter(|(told, _)| told.is_public()).map(zeros).sum()
}

//! How wide the packs of packed proofs are.

use super::{Packing, SolidityError, cheapest_packing};
use crate::circuit::{Goal, ModelCircuit};
use crate::proving::packed_instances;

/// What a power of the reference string may cost, in gas: a wider pack spares gas, and every power more takes a
/// multiplication in each of the two openings, about 3 µs of a processor.
fn gas_per_power(goal: Goal) -> f64 {
    match goal {
        // A thousand gas are worth 50 ms.
        Goal::Speed => 0.06,
        Goal::Gas => 0.0,
        Goal::Memory => 0.6,
    }
}

/// As many as the longest ceremony has.
pub const MOST_POWERS: usize = 1 << 28;

/// The packs of a circuit's proofs.
pub fn packing(circuit: &ModelCircuit, goal: Goal) -> Result<Packing, SolidityError> {
    packing_within(circuit, goal, MOST_POWERS)
}

/// The same under a string of so many powers. The narrowest packs may take more.
pub fn packing_within(
    circuit: &ModelCircuit,
    goal: Goal,
    most_powers: usize,
) -> Result<Packing, SolidityError> {
    let system = circuit.constraint_system();
    let public = packed_instances(&circuit.shape(), circuit.instances());
    cheapest_packing(&system, circuit.k(), &public, most_powers, gas_per_power(goal))
}

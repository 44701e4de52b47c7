//! The contract of a model.

use super::{InstanceCounts, InstanceKind, SolidityError, VerifierContract};
use crate::circuit::{InstanceLayout, Role};
use crate::proving::{Keys, ModelVerifier};

impl ModelVerifier {
    /// The contract that verifies the model's proofs, under a name that has to be a Solidity identifier.
    pub fn contract(&self, name: &str) -> Result<VerifierContract, SolidityError> {
        let keys = self.keys();
        let contract = match keys {
            Keys::Halo2(keys) => {
                VerifierContract::new(keys.params(), keys.vk(), &[keys.instances()])?
            }
            Keys::Packed(keys) => {
                VerifierContract::packed(keys.key(), &self.shape().constraint_system())?
            }
        };
        let contract = contract.with_instance_counts(instance_counts(self.layout()))?;
        contract.about(self.model_digest()).named(name)
    }
}

/// What the contract tells of its instances.
fn instance_counts(layout: &InstanceLayout) -> InstanceCounts {
    let kind = |role: Role| match role {
        Role::Context => InstanceKind::Context,
        Role::WeightsName | Role::InputName => InstanceKind::Name,
        Role::Input => InstanceKind::Input,
        Role::ClaimParameter => InstanceKind::ClaimParameter,
        Role::ClaimResult => InstanceKind::ClaimResult,
        Role::Output => InstanceKind::Output,
    };
    InstanceCounts::new(layout.parts().into_iter().map(|part| (kind(part.role), part.at.len())))
}

//! The contract of a model.

use super::{InstanceCounts, InstanceKind, SolidityError, VerifierContract};
use crate::circuit::{InstanceLayout, InstancePort, Role};
use crate::proving::{Keys, ModelVerifier};

impl ModelVerifier {
    /// The contract that verifies the model's proofs, under a name that has to be a Solidity identifier.
    pub fn contract(&self, name: &str) -> Result<VerifierContract, SolidityError> {
        let keys = self.keys();
        let contract = match keys {
            Keys::Halo2(keys) => {
                VerifierContract::new(keys.params(), keys.vk(), &[keys.instances()])?
                    .with_links(keys.links())
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
pub(super) fn instance_counts(layout: &InstanceLayout) -> InstanceCounts {
    let kind = |role: Role| match role {
        Role::Context => InstanceKind::Context,
        Role::WeightsName => InstanceKind::WeightsName,
        Role::InputName | Role::OutputName => InstanceKind::Name,
        Role::Input => InstanceKind::Input,
        Role::ClaimParameter => InstanceKind::ClaimParameter,
        Role::ClaimResult => InstanceKind::ClaimResult,
        Role::Output => InstanceKind::Output,
    };
    let parts = layout.parts();
    let mut counts: Vec<_> = parts.iter().map(|part| (kind(part.role), part.at.len())).collect();
    // Where the instances tell some inputs and not others, they do not say what the outputs follow from.
    let told = parts.iter().rposition(|part| part.role == Role::Input);
    let hides = layout.inputs.iter().any(InstancePort::is_private);
    if let Some(last) = told.filter(|_| hides) {
        counts.insert(last + 1, (InstanceKind::Input, 0));
    }
    InstanceCounts::new(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn inputs_that_are_private_beside_others_are_told_of() {
        let port = |visibility: &&str| -> InstancePort {
            let tensor = json!({ "name": "t", "code": "int8", "shape": [32] });
            let port = json!({ "tensor": tensor, "visibility": visibility });
            serde_json::from_value(port).expect("a port")
        };
        let counts_of = |names_weights: bool, inputs: &[&str]| {
            let layout = InstanceLayout {
                inferences: 1,
                names_weights,
                inputs: inputs.iter().map(port).collect(),
                claims: Vec::new(),
                outputs: vec![port(&"public")],
            };
            let counts = instance_counts(&layout);
            assert_eq!(counts.total(), layout.len());
            counts.to_string()
        };
        let counts = |inputs: &[&str]| counts_of(false, inputs);
        let (context, output) = ("00000001", "05000002");
        let told = |inputs: &str| format!("{context}{inputs}{output}");
        assert_eq!(counts(&["public"]), told("02000002"));
        // Verifiers of none that is public are as they were.
        assert_eq!(counts(&["private"]), told(""));
        assert_eq!(counts(&["private", "public"]), told("0200000202000000"));
        assert_eq!(counts(&["public", "private"]), told("0200000202000000"));
        assert_eq!(counts(&["public", "committed"]), told("0100000102000002"));
        // The weights' name is told from an input's.
        assert_eq!(counts_of(true, &["public", "committed"]), told("060000010100000102000002"));
    }
}

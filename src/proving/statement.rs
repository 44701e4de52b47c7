//! What the instances of a proof say.

use super::Proof;
use super::{Format, Refusal};
use crate::circuit::{InstanceError, InstanceLayout, InstancePart, InstanceTensor, Role, Word};
use crate::model::{ClaimValues, Model, OutputValues, Port};
use std::collections::BTreeMap;

/// What the instances of a proof say of one inference.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Statement {
    /// What the proof is bound to.
    pub context: Word,
    /// The name of the commitment to the weights, where they are committed.
    pub weights: Option<Word>,
    /// The names of the commitments to the inputs and outputs that are committed, by the tensor's name.
    pub names: BTreeMap<String, Word>,
    /// The hashes of the inputs that are hashed, by the input's name.
    pub hashes: BTreeMap<String, Word>,
    /// The inputs that are public, by name.
    pub inputs: BTreeMap<String, OutputValues>,
    /// The outputs that are public, by name.
    pub outputs: BTreeMap<String, OutputValues>,
    /// What is claimed of outputs, by the claim's name.
    pub claims: BTreeMap<String, ClaimValues>,
}

/// What proofs are checked against: the key of one circuit, or those of a model's parts.
pub trait Judge {
    /// The model.
    fn model(&self) -> &Model;

    /// What the instances are.
    fn layout(&self) -> &InstanceLayout;

    /// The format of the proofs.
    fn format(&self) -> Format;

    /// The digest that proofs name.
    fn digest(&self) -> Word;

    /// The model's digest, which that covers.
    fn model_digest(&self) -> Word;

    /// Whether a proof proves its instances, and if not, why not.
    fn verify(&self, proof: &Proof) -> Result<(), Refusal>;

    /// What instances say, inference by inference. A proof that does not verify says nothing, whatever its
    /// instances are.
    fn statements(&self, instances: &[Word]) -> Result<Vec<Statement>, InstanceError> {
        statements(self.model(), self.layout(), instances)
    }
}

/// What instances of a model say, inference by inference.
pub(super) fn statements(
    model: &Model,
    layout: &InstanceLayout,
    instances: &[Word],
) -> Result<Vec<Statement>, InstanceError> {
    layout.check(instances)?;
    let empty = Statement {
        context: Word::default(),
        weights: layout.range(Role::WeightsName).next().map(|at| instances[at]),
        names: BTreeMap::new(),
        hashes: BTreeMap::new(),
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        claims: BTreeMap::new(),
    };
    let batch = (model, layout.inferences);
    let mut chosen: Vec<BTreeMap<&str, Vec<i32>>> = vec![BTreeMap::new(); layout.inferences];
    let mut statements = vec![empty; layout.inferences];
    let is_name = |part: &InstancePart<'_>| matches!(part.role, Role::InputName | Role::OutputName);
    let names = layout.parts().into_iter().filter(is_name);
    let names: BTreeMap<String, Word> =
        names.map(|part| (part.name.to_owned(), instances[part.at.start])).collect();
    statements.iter_mut().for_each(|statement| statement.names.clone_from(&names));
    for part in layout.parts() {
        let Some(number) = part.inference else { continue };
        let Some(statement) = statements.get_mut(number) else { continue };
        let values = |ports: &[Port]| {
            let port = ports.iter().find(|port| port.name == part.name);
            let values = |(port, tensor): (&Port, &InstanceTensor)| {
                let (shape, integers) = (tensor.shape.clone(), part.integers(instances)?);
                Ok(OutputValues::of_shape(shape, model, port, integers))
            };
            port.zip(part.tensor).map(values).transpose()
        };
        let name = part.name.to_owned();
        match part.role {
            Role::Context => statement.context = instances[part.at.start],
            Role::Input if part.tensor.is_none() => {
                statement.hashes.insert(name, instances[part.at.start]);
            }
            Role::Input => statement.inputs.extend(values(&model.inputs)?.map(|v| (name, v))),
            Role::Output => statement.outputs.extend(values(&model.outputs)?.map(|v| (name, v))),
            // Parameters come before all results.
            Role::ClaimParameter => {
                chosen[number].insert(part.name, part.integers(instances)?);
            }
            Role::ClaimResult => {
                let claim = layout.claims.iter().find(|claim| claim.name == part.name);
                let parameter = chosen[number].remove(part.name).unwrap_or_default();
                let result = part.integers(instances)?;
                let said = claim
                    .and_then(|claim| ClaimValues::new(batch, &claim.claim, parameter, result));
                statement.claims.extend(said.map(|said| (name, said)));
            }
            Role::WeightsName | Role::InputName | Role::OutputName => {}
        }
    }
    Ok(statements)
}

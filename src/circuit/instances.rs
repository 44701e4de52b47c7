//! What the instances of a proof are: in which order they stand, and how tensors are packed into them.
//!
//! The order is one for all circuits and formats, and never changes, because contracts, proof files and
//! registries lean on it. What a circuit does not have takes no instances.
//!
//! | part | instances |
//! |---|---|
//! | contexts | one for each inference |
//! | names | of the weights where they are committed, then of each committed input, then of each committed output, whatever the number of inferences |
//! | inputs | inference by inference, in the model's order: a public one packed, the hash of a hashed one |
//! | claim parameters | inference by inference, claim by claim |
//! | claim results | inference by inference, claim by claim |
//! | outputs | inference by inference, in the model's order: public ones packed |
//!
//! A tensor begins a new word; [`Code`] says how its elements stand in it. `docs/instances.md` says what of this circuits
//! prove today.

mod claims;
mod code;
mod parts;

use super::hashes::{Hashed, MOST_HASHES};
use super::{
    CircuitError, Shape,
    links::{CommittedOutputs, MOST_LINKS},
    shape::LARGEST_K,
};
use crate::model::{Claim, Model, Port, Visibility};
use serde::{Deserialize, Serialize};
use std::ops::Range;

pub use code::{Code, Element, Word};

/// A tensor among the instances, or one that they only name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceTensor {
    /// Its name in the model, or what a claim calls it.
    pub name: String,
    /// How its elements stand.
    pub code: Code,
    /// Its shape; empty for a scalar.
    pub shape: Vec<usize>,
}

impl InstanceTensor {
    /// The tensor behind a port of a model.
    pub fn of_port(model: &Model, port: &Port) -> Self {
        Self::of_batch(model, port, 1).expect("one inference has all")
    }

    /// One inference's part of the tensor behind a port of a model that has so many along its leading axis.
    fn of_batch(model: &Model, port: &Port, inferences: usize) -> Option<Self> {
        let tensor = &model.graph.tensors[port.tensor.0];
        let code = Code::of(tensor.quantization.element);
        let mut shape = tensor.shape.clone();
        if inferences != 1 {
            let leading = shape.first_mut().filter(|leading| **leading == inferences)?;
            *leading = 1;
        }
        Some(Self { name: port.name.clone(), code, shape })
    }

    /// Elements. A description from outside can claim any number, also more than there can be.
    pub fn len(&self) -> usize {
        self.shape.iter().fold(1, |product, &length| product.saturating_mul(length))
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of its elements.
    pub fn bytes(&self) -> usize {
        self.len().saturating_mul(self.code.bits() / 8)
    }

    /// Instances that it takes where it is public.
    pub fn words(&self) -> usize {
        self.code.words(self.len())
    }
}

/// An input or output, and what the instances tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstancePort {
    /// The tensor.
    pub tensor: InstanceTensor,
    /// What is told of it.
    #[serde(default)]
    pub visibility: Visibility,
}

impl InstancePort {
    /// Whether the instances tell its elements.
    pub fn is_public(&self) -> bool {
        self.visibility == Visibility::Public
    }

    /// Whether the instances hold the name of a commitment to it.
    pub fn is_committed(&self) -> bool {
        self.visibility == Visibility::Committed
    }

    /// Whether the instances hold a hash of it.
    pub fn is_hashed(&self) -> bool {
        self.visibility == Visibility::Hashed
    }

    /// Whether the instances tell nothing of it.
    pub fn is_private(&self) -> bool {
        self.visibility == Visibility::Private
    }

    /// Whether its elements are packed into words: instances, or those of a commitment or a hash.
    pub fn is_packed(&self) -> bool {
        !self.is_private()
    }
}

/// Something said about an output, told or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceClaim {
    /// What it is called: after what it is about, an output or one element of it.
    pub name: String,
    /// What it says of which output.
    pub claim: Claim,
    /// What the verifier chooses: thresholds, bounds.
    pub parameters: Vec<InstanceTensor>,
    /// What is said: bits, positions.
    pub results: Vec<InstanceTensor>,
}

/// What the instances of a circuit are. The module's comment gives their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceLayout {
    /// Inferences in one proof.
    pub inferences: usize,
    /// Whether the weights are committed and named.
    #[serde(default, skip_serializing_if = "is_false")]
    pub names_weights: bool,
    /// The model's inputs.
    pub inputs: Vec<InstancePort>,
    /// What is claimed of outputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<InstanceClaim>,
    /// The model's outputs.
    pub outputs: Vec<InstancePort>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What instances are for. In the order of the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Who may use the proof, where, once.
    Context,
    /// The name of committed weights.
    WeightsName,
    /// The name of a committed input.
    InputName,
    /// The name of a committed output.
    OutputName,
    /// An input, or its hash.
    Input,
    /// A parameter of a claim.
    ClaimParameter,
    /// A claim.
    ClaimResult,
    /// An output, or its hash.
    Output,
}

/// Consecutive instances of one meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstancePart<'a> {
    /// What they are for.
    pub role: Role,
    /// Which inference they belong to; none where they belong to all.
    pub inference: Option<usize>,
    /// Of which input, claim or output they are.
    pub name: &'a str,
    /// The tensor that is packed in them; none for a context, a name or a hash.
    pub tensor: Option<&'a InstanceTensor>,
    /// Where they stand.
    pub at: Range<usize>,
}

/// Why instances say nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum InstanceError {
    /// There are more or fewer than the circuit has.
    #[error("{got} instances, expected {expected}")]
    Count { got: usize, expected: usize },

    /// A word holds something where no element is.
    #[error("instance {index}, of `{name}`: bytes without an element are not 0")]
    Packing { index: usize, name: String },
}

impl InstanceLayout {
    /// The instances of one inference of a model, whose input is public or private.
    pub fn of_model(model: &Model, private_input: bool) -> Self {
        let ports = |ports: &[Port], visibility| {
            let port =
                |port| InstancePort { tensor: InstanceTensor::of_port(model, port), visibility };
            ports.iter().map(port).collect()
        };
        let input = if private_input { Visibility::Private } else { Visibility::Public };
        Self {
            inferences: 1,
            names_weights: false,
            inputs: ports(&model.inputs, input),
            claims: Vec::new(),
            outputs: ports(&model.outputs, Visibility::Public),
        }
    }

    /// The instances of so many inferences of a model that has them along its leading axes.
    pub fn of_batch(self, inferences: usize) -> Self {
        let one = |mut port: InstancePort| {
            if let Some(leading) = port.tensor.shape.first_mut().filter(|_| inferences != 1) {
                *leading /= inferences;
            }
            port
        };
        let ports = |ports: Vec<InstancePort>| ports.into_iter().map(one).collect();
        Self { inferences, inputs: ports(self.inputs), outputs: ports(self.outputs), ..self }
    }

    /// Whether the ports and claims are a model's, and a circuit can be made whose instances are these: each input public,
    /// private, hashed or committed, each output public or private, or all of them committed and nothing claimed. Only packed
    /// proofs link committed ones.
    pub fn check_model(&self, model: &Model) -> Result<(), CircuitError> {
        let wrong = |what: String| Err(CircuitError::Instances { what });
        let told = [(&self.inputs, &model.inputs), (&self.outputs, &model.outputs)];
        for (told, ports) in told {
            let tensor = |port| InstanceTensor::of_batch(model, port, self.inferences);
            let are_told =
                |tensors: Vec<InstanceTensor>| told.iter().map(|told| &told.tensor).eq(&tensors);
            if !ports.iter().map(tensor).collect::<Option<_>>().is_some_and(are_told) {
                return wrong(format!(
                    "they are not of the inputs and outputs of `{}`",
                    model.name
                ));
            }
        }
        let unproved = |what: String| wrong(format!("{what}, which no circuit proves yet"));
        let is_told = |port: &InstancePort| {
            matches!(port.visibility, Visibility::Public | Visibility::Private)
        };
        let is_proved = |port: &InstancePort| is_told(port) || self.commits_outputs();
        if let Some(port) = self.outputs.iter().find(|output| !is_proved(output)) {
            let (name, told) = (&port.tensor.name, port.visibility.name());
            return unproved(format!("output `{name}` is {told}"));
        }
        let hashes = self.inferences.saturating_mul(self.hashed().count());
        if hashes > MOST_HASHES {
            return wrong(format!(
                "{hashes} hashes of inputs, more than the {MOST_HASHES} of a proof"
            ));
        }
        let committed = self.linked().count();
        if committed > MOST_LINKS {
            return wrong(format!(
                "{committed} committed inputs and outputs, more than the {MOST_LINKS} that a proof can be linked to"
            ));
        }
        if self.names_weights && self.inferences > 1 {
            return unproved("several inferences in one proof with committed weights".into());
        }
        if !self.commits_outputs() {
            return self.check_claims(model);
        }
        match self.inferences {
            1 if self.claims.is_empty() => Ok(()),
            1 => unproved("claims are made of committed outputs".into()),
            _ => unproved("several inferences in one proof with committed outputs".into()),
        }
    }

    /// Whether all outputs are committed: there are none of them among the instances, and names instead.
    pub fn commits_outputs(&self) -> bool {
        !self.outputs.is_empty() && self.outputs.iter().all(InstancePort::is_committed)
    }

    /// Whether a shape is one of circuits with these instances, as far as it tells.
    pub fn fits(&self, shape: &Shape) -> bool {
        shape.private_input != self.inputs.iter().all(InstancePort::is_packed)
            && shape.free_instances == self.free()
            && self.linked_words().eq(shape.links.iter().copied())
            && self.committed_outputs() == shape.outputs
            && self.hashes() == shape.hashes
            && self.names_weights == shape.commits_weights()
    }

    /// The words of each committed input, those of all inferences, and of each committed output.
    pub fn linked_words(&self) -> impl Iterator<Item = usize> {
        self.linked().map(|port| self.inferences.saturating_mul(port.tensor.words()))
    }

    /// What commitments are to, in the order of their names: inputs, then outputs.
    pub fn linked(&self) -> impl Iterator<Item = &InstancePort> {
        self.inputs.iter().chain(&self.outputs).filter(|port| port.is_committed())
    }

    /// What circuits know of committed outputs.
    pub fn committed_outputs(&self) -> Option<CommittedOutputs> {
        let (links, words) = (self.outputs.len(), self.len() - self.free());
        self.commits_outputs().then_some(CommittedOutputs { links, words })
    }

    /// The committed inputs, in the order of their names, each with its number among all inputs.
    pub fn committed(&self) -> impl Iterator<Item = (usize, &InstancePort)> {
        self.inputs.iter().enumerate().filter(|(_, port)| port.is_committed())
    }

    /// The hashed inputs, each with its number among all inputs.
    pub fn hashed(&self) -> impl Iterator<Item = (usize, &InstancePort)> {
        self.inputs.iter().enumerate().filter(|(_, port)| port.is_hashed())
    }

    /// What circuits know of hashed inputs: input by input, and of each inference by inference.
    pub fn hashes(&self) -> Vec<Hashed> {
        let (parts, free) = (self.parts(), self.free());
        let is_hash = |part: &&InstancePart<'_>| part.role == Role::Input && part.tensor.is_none();
        let places: Vec<usize> =
            parts.iter().filter(is_hash).map(|part| part.at.start - free).collect();
        // The places lie inference by inference.
        let inputs: Vec<&InstancePort> = self.hashed().map(|(_, port)| port).collect();
        let of_input = |(number, port): (usize, &&InstancePort)| {
            let (length, words) = (port.tensor.bytes(), port.tensor.words());
            let own = places.iter().skip(number).step_by(inputs.len());
            own.map(|&at| Hashed { length, words, at }).collect::<Vec<_>>()
        };
        inputs.iter().enumerate().flat_map(of_input).collect()
    }

    /// That whoever verifies proofs of these instances compares committed weights and outputs with their names: packed proofs do.
    pub fn check_format(&self, is_packed: bool) -> Result<(), CircuitError> {
        if self.names_weights && !is_packed {
            return Err(CircuitError::UnlinkedWeights);
        }
        let mut outputs = self.outputs.iter().filter(|port| port.is_committed());
        match outputs.next() {
            Some(port) if !is_packed => {
                Err(CircuitError::Unlinked { tensor: port.tensor.name.clone() })
            }
            _ => Ok(()),
        }
    }

    /// The digest of a model whose proofs have these instances: it covers all that they say.
    pub fn digest(&self, model: &Model) -> [u8; 32] {
        // Of a model with committed weights it is the architecture's.
        let architecture = self.names_weights.then(|| model.without_weights());
        let model = architecture.as_ref().unwrap_or(model);
        let mut description = model.description(&self.visibility());
        let Self { inferences, names_weights, claims, inputs: _, outputs: _ } = self;
        // What the first version does not have is left out where it is not there.
        if *inferences != 1 {
            description.text("inferences");
            description.number(*inferences);
        }
        if *names_weights {
            description.text("weights named");
        }
        if !claims.is_empty() {
            description.text("claims");
            description.number(claims.len());
        }
        for InstanceClaim { name, claim, parameters, results } in claims {
            let Claim { output, element, kind } = claim;
            description.text(name);
            description.text(output);
            description.numbers(element.iter().copied());
            description.text(&kind.to_string());
            for tensors in [parameters, results] {
                description.number(tensors.len());
                for InstanceTensor { name, code, shape } in tensors {
                    description.text(name);
                    description.text(code.name());
                    description.numbers(shape.iter().copied());
                }
            }
        }
        description.finish()
    }

    /// Instances before all that are packed or hashed: contexts and names. No row of a circuit takes them.
    pub fn free(&self) -> usize {
        self.range(Role::Input).start
    }

    /// All instances, part by part.
    pub fn parts(&self) -> Vec<InstancePart<'_>> {
        let mut parts = Parts::default();
        for inference in 0..self.inferences {
            parts.push(Role::Context, Some(inference), "context", None);
        }
        if self.names_weights {
            parts.push(Role::WeightsName, None, "weights", None);
        }
        for (role, ports) in [(Role::InputName, &self.inputs), (Role::OutputName, &self.outputs)] {
            for InstancePort { tensor, .. } in ports.iter().filter(|port| port.is_committed()) {
                parts.push(role, None, &tensor.name, None);
            }
        }
        for inference in 0..self.inferences {
            parts.push_ports(Role::Input, inference, &self.inputs);
        }
        for inference in 0..self.inferences {
            for InstanceClaim { name, parameters, .. } in &self.claims {
                parts.push_tensors(Role::ClaimParameter, inference, name, parameters);
            }
        }
        for inference in 0..self.inferences {
            for InstanceClaim { name, results, .. } in &self.claims {
                parts.push_tensors(Role::ClaimResult, inference, name, results);
            }
        }
        for inference in 0..self.inferences {
            parts.push_ports(Role::Output, inference, &self.outputs);
        }
        parts.parts
    }

    /// Number of instances.
    pub fn len(&self) -> usize {
        self.parts().last().map_or(0, |part| part.at.end)
    }

    /// Whether some circuit has a row for each part, of those that the largest have. Files may claim any number of
    /// inferences: nothing else here is asked of a layout from a file before this.
    pub fn is_possible(&self) -> bool {
        let Self { inferences, names_weights: _, inputs, outputs, claims } = self;
        let claimed = |claim: &InstanceClaim| claim.parameters.len() + claim.results.len();
        // The context, and all that has a part in some layout.
        let each = 1 + inputs.len() + outputs.len() + claims.iter().map(claimed).sum::<usize>();
        let names = 1 + inputs.len() + outputs.len();
        inferences.saturating_mul(each).saturating_add(names) <= 1 << LARGEST_K
    }

    /// Whether there are no instances. There is always a context.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the instances of a role stand: an empty range where there are none.
    pub fn range(&self, role: Role) -> Range<usize> {
        let parts = self.parts();
        let start = parts.iter().find(|part| part.role >= role).map(|part| part.at.start);
        let end = parts.iter().rev().find(|part| part.role <= role).map(|part| part.at.end);
        let end = end.unwrap_or(0);
        start.unwrap_or(end)..end
    }

    /// What the instances tell of each input, then of each output.
    pub fn visibility(&self) -> Vec<Visibility> {
        self.inputs.iter().chain(&self.outputs).map(|port| port.visibility).collect()
    }

    /// Whether the instances tell all inputs.
    pub fn shows_input(&self) -> bool {
        self.inputs.iter().all(InstancePort::is_public)
    }

    /// Whether there are as many words as instances, each packed as it should be. That contexts, names and
    /// hashes are below the scalar modulus is for whoever turns words into field elements.
    pub fn check(&self, instances: &[Word]) -> Result<(), InstanceError> {
        self.check_count(instances)?;
        self.parts().iter().try_for_each(|part| part.codes(instances).map(drop))
    }

    /// The integers of all outputs, one after the other.
    pub fn outputs(&self, instances: &[Word]) -> Result<Vec<i32>, InstanceError> {
        self.check_count(instances)?;
        let mut integers = Vec::new();
        for part in self.parts().iter().filter(|part| part.role == Role::Output) {
            integers.extend(part.integers(instances)?);
        }
        Ok(integers)
    }

    fn check_count(&self, instances: &[Word]) -> Result<(), InstanceError> {
        let (got, expected) = (instances.len(), self.len());
        if got == expected { Ok(()) } else { Err(InstanceError::Count { got, expected }) }
    }
}

#[derive(Default)]
struct Parts<'a> {
    parts: Vec<InstancePart<'a>>,
}

impl<'a> Parts<'a> {
    fn push(
        &mut self,
        role: Role,
        inference: Option<usize>,
        name: &'a str,
        tensor: Option<&'a InstanceTensor>,
    ) {
        let first = self.parts.last().map_or(0, |part| part.at.end);
        let end = first.saturating_add(tensor.map_or(1, InstanceTensor::words));
        self.parts.push(InstancePart { role, inference, name, tensor, at: first..end });
    }

    fn push_ports(&mut self, role: Role, inference: usize, ports: &'a [InstancePort]) {
        for InstancePort { tensor, visibility } in ports {
            match visibility {
                Visibility::Public => self.push(role, Some(inference), &tensor.name, Some(tensor)),
                Visibility::Hashed => self.push(role, Some(inference), &tensor.name, None),
                Visibility::Private | Visibility::Committed => {}
            }
        }
    }

    fn push_tensors(
        &mut self,
        role: Role,
        inference: usize,
        name: &'a str,
        tensors: &'a [InstanceTensor],
    ) {
        tensors.iter().for_each(|tensor| self.push(role, Some(inference), name, Some(tensor)));
    }
}

impl InstancePart<'_> {
    /// The codes that all instances together hold here; nothing where no tensor is packed.
    pub fn codes(&self, instances: &[Word]) -> Result<Vec<u32>, InstanceError> {
        let Some(tensor) = self.tensor else { return Ok(Vec::new()) };
        let count = InstanceError::Count { got: instances.len(), expected: self.at.end };
        let words = instances.get(self.at.clone()).ok_or(count)?;
        let packing =
            |at| InstanceError::Packing { index: self.at.start + at, name: self.name.to_owned() };
        tensor.code.unpack(words, tensor.len()).map_err(packing)
    }

    /// The elements that all instances together hold here.
    pub fn elements(&self, instances: &[Word]) -> Result<Vec<Element>, InstanceError> {
        let Some(tensor) = self.tensor else { return Ok(Vec::new()) };
        let codes = self.codes(instances)?;
        Ok(codes.into_iter().map(|code| tensor.code.decode(code)).collect())
    }

    /// The same, where they are integers of a model.
    pub fn integers(&self, instances: &[Word]) -> Result<Vec<i32>, InstanceError> {
        let elements = self.elements(instances)?;
        let integer = |element| match element {
            Element::Integer(value) => i32::try_from(value).ok(),
            Element::Float(_) => None,
        };
        Ok(elements.into_iter().filter_map(integer).collect())
    }

    /// The words of elements; none where there are more or fewer than the tensor has, or one is outside its
    /// type.
    pub fn pack(&self, elements: impl ExactSizeIterator<Item = Element>) -> Option<Vec<Word>> {
        let tensor = self.tensor.filter(|tensor| tensor.len() == elements.len())?;
        let codes: Option<Vec<u32>> = elements.map(|value| tensor.code.encode(value)).collect();
        Some(tensor.code.pack(&codes?))
    }
}

#[cfg(test)]
mod tests;

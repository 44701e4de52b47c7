//! What the instances of a proof are: in which order they stand, and how tensors are packed into them.
//!
//! The order is one for all circuits and formats, and never changes, because contracts, proof files and
//! registries lean on it. What a circuit does not have takes no instances.
//!
//! | part | instances |
//! |---|---|
//! | contexts | one for each inference |
//! | names | of the weights where they are committed, then of each committed input, whatever the number of inferences |
//! | inputs | inference by inference, in the model's order: a public one packed, the hash of a hashed one |
//! | claim parameters | inference by inference, claim by claim |
//! | claim results | inference by inference, claim by claim |
//! | outputs | inference by inference, in the model's order: public ones packed |
//!
//! A tensor begins a new word; [`Code`] says how its elements stand in it.

mod code;

use crate::model::{Model, Port, Visibility};
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
        let tensor = &model.graph.tensors[port.tensor.0];
        let code = Code::of(tensor.quantization.element);
        Self { name: port.name.clone(), code, shape: tensor.shape.clone() }
    }

    /// Elements. A description from outside can claim any number, also more than there can be.
    pub fn len(&self) -> usize {
        self.shape.iter().fold(1, |product, &length| product.saturating_mul(length))
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

/// Something said about an output that is not told itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceClaim {
    /// What it is about: an output, or one element of it.
    pub name: String,
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

    /// All instances, part by part.
    pub fn parts(&self) -> Vec<InstancePart<'_>> {
        let mut parts = Parts::default();
        for inference in 0..self.inferences {
            parts.push(Role::Context, Some(inference), "context", None);
        }
        if self.names_weights {
            parts.push(Role::WeightsName, None, "weights", None);
        }
        for InstancePort { tensor, visibility } in &self.inputs {
            if *visibility == Visibility::Committed {
                parts.push(Role::InputName, None, &tensor.name, None);
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
        self.inputs.iter().all(|port| port.visibility == Visibility::Public)
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
mod tests {
    use super::*;

    fn tensor(name: &str, code: Code, shape: &[usize]) -> InstanceTensor {
        InstanceTensor { name: name.into(), code, shape: shape.to_vec() }
    }

    fn port(name: &str, code: Code, len: usize, visibility: Visibility) -> InstancePort {
        InstancePort { tensor: tensor(name, code, &[len]), visibility }
    }

    /// Two inferences with all that there can be.
    fn everything() -> InstanceLayout {
        InstanceLayout {
            inferences: 2,
            names_weights: true,
            inputs: vec![
                port("scan", Code::Uint8, 32, Visibility::Public),
                port("age", Code::Int16, 1, Visibility::Hashed),
                port("key", Code::Int8, 5, Visibility::Private),
                port("template", Code::Int8, 40, Visibility::Committed),
                port("tokens", Code::Uint32, 8, Visibility::Public),
            ],
            claims: vec![
                InstanceClaim {
                    name: "scores[1]".into(),
                    parameters: vec![tensor("threshold", Code::Int8, &[])],
                    results: vec![tensor("holds", Code::Uint8, &[])],
                },
                InstanceClaim {
                    name: "scores".into(),
                    parameters: vec![],
                    results: vec![tensor("position", Code::Uint16, &[])],
                },
            ],
            outputs: vec![
                port("scores", Code::Int8, 10, Visibility::Private),
                port("embedding", Code::Float32, 15, Visibility::Public),
            ],
        }
    }

    #[test]
    fn parts_stand_in_the_order_that_never_changes() {
        let layout = everything();
        let parts = layout.parts();
        let found: Vec<_> =
            parts.iter().map(|p| (p.role, p.inference, p.name, p.at.clone())).collect();
        use Role::{ClaimParameter, ClaimResult, Context, Input, InputName, Output, WeightsName};
        let expected = [
            (Context, Some(0), "context", 0..1),
            (Context, Some(1), "context", 1..2),
            (WeightsName, None, "weights", 2..3),
            (InputName, None, "template", 3..4),
            (Input, Some(0), "scan", 4..6),
            (Input, Some(0), "age", 6..7),
            (Input, Some(0), "tokens", 7..9),
            (Input, Some(1), "scan", 9..11),
            (Input, Some(1), "age", 11..12),
            (Input, Some(1), "tokens", 12..14),
            (ClaimParameter, Some(0), "scores[1]", 14..15),
            (ClaimParameter, Some(1), "scores[1]", 15..16),
            (ClaimResult, Some(0), "scores[1]", 16..17),
            (ClaimResult, Some(0), "scores", 17..18),
            (ClaimResult, Some(1), "scores[1]", 18..19),
            (ClaimResult, Some(1), "scores", 19..20),
            (Output, Some(0), "embedding", 20..23),
            (Output, Some(1), "embedding", 23..26),
        ];
        assert_eq!(found, expected);
        assert_eq!(layout.len(), 26);
        let roles = [Context, WeightsName, InputName, Input, ClaimParameter, ClaimResult, Output];
        let ranges = roles.map(|role| layout.range(role));
        assert_eq!(ranges, [0..2, 2..3, 3..4, 4..14, 14..16, 16..20, 20..26]);
    }

    #[test]
    fn role_without_instances_has_an_empty_range() {
        let layout = InstanceLayout {
            inferences: 1,
            names_weights: false,
            inputs: vec![port("x", Code::Int8, 62, Visibility::Private)],
            claims: vec![],
            outputs: vec![port("y", Code::Int8, 32, Visibility::Public)],
        };
        assert!(!layout.shows_input());
        assert_eq!(layout.range(Role::Context), 0..1);
        for role in [Role::WeightsName, Role::InputName, Role::Input, Role::ClaimResult] {
            assert!(layout.range(role).is_empty(), "{role:?}");
        }
        assert_eq!(layout.range(Role::Output), 1..3);
    }

    #[test]
    fn description_survives_its_file_and_old_files_are_read() {
        let layout = everything();
        let text = serde_json::to_string(&layout).unwrap();
        assert_eq!(serde_json::from_str::<InstanceLayout>(&text).unwrap(), layout);
        // As the first version writes it: what came later is absent.
        let first = r#"{"inferences":1,
            "inputs":[{"tensor":{"name":"x","code":"int8","shape":[1,64]}}],
            "outputs":[{"tensor":{"name":"y","code":"uint8","shape":[1,10]},"visibility":"public"}]}"#;
        let layout: InstanceLayout = serde_json::from_str(first).unwrap();
        assert_eq!((layout.len(), layout.shows_input()), (1 + 3 + 1, true));
        assert!(serde_json::from_str::<InstanceLayout>(&first.replace("shape", "form")).is_err());
    }

    #[test]
    fn description_of_too_many_elements_is_no_panic() {
        let mut layout = everything();
        layout.outputs[1].tensor.shape = vec![usize::MAX, 3];
        let instances = vec![Word::default(); 30];
        assert!(matches!(layout.check(&instances), Err(InstanceError::Count { got: 30, .. })));
    }

    #[test]
    fn instances_are_checked_and_read_part_by_part() {
        let layout = everything();
        let mut instances = vec![Word::default(); layout.len()];
        // Contexts, names and hashes may be anything.
        for at in [0, 1, 2, 3, 6, 11] {
            instances[at] = [0x2f; 32];
        }
        let parts = layout.parts();
        let embedding = parts.last().unwrap();
        let values = (0..15_u8).map(|value| Element::Float(-f32::from(value)));
        let values: Vec<_> = values.collect();
        let words = embedding.pack(values.iter().copied()).unwrap();
        instances[embedding.at.clone()].copy_from_slice(&words);
        layout.check(&instances).unwrap();
        assert_eq!(embedding.elements(&instances).unwrap(), values);
        assert!(embedding.pack(values[1..].iter().copied()).is_none(), "an element too few");
        instances[25][1] = 1;
        let error = layout.check(&instances).unwrap_err();
        assert_eq!(error, InstanceError::Packing { index: 25, name: "embedding".into() });
        instances.pop();
        let error = layout.check(&instances).unwrap_err();
        assert_eq!(error, InstanceError::Count { got: 25, expected: 26 });
    }
}

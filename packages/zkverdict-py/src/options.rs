//! What keys are asked to be like.

use crate::error::Failure;
use serde::Deserialize;
use std::collections::BTreeMap;
use zkverdict::{
    circuit::{Goal, InstanceLayout, ModelCircuit, Plans, Wishes},
    model::{Claims, Model, Visibility},
    proving::Format,
};

/// What Python passes on, as JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    optimize: Optimize,
    pub format: Format,
    k: Option<u32>,
    max_k: Option<u32>,
    input_visibility: Visibility,
    inputs: BTreeMap<String, Visibility>,
    claims: Vec<String>,
    pub batch: usize,
    weights: Weights,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Weights {
    Public,
    Committed,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Optimize {
    Speed,
    Gas,
    Memory,
}

impl Options {
    pub fn read(json: &str) -> Result<Self, Failure> {
        let options: Self = serde_json::from_str(json).map_err(|error| {
            // Where in a document that nobody has seen is of no use.
            let message = error.to_string();
            Failure::option(message.split(" at line ").next().unwrap_or(&message), "")
        })?;
        match options.batch {
            0 => Err(Failure::option("a batch of 0 inferences proves nothing", "give 1 or more")),
            _ => Ok(options),
        }
    }

    pub fn goal(&self) -> Goal {
        match self.optimize {
            Optimize::Speed => Goal::Speed,
            Optimize::Gas => Goal::Gas,
            Optimize::Memory => Goal::Memory,
        }
    }

    /// A model and its file, or its architecture's where the weights are committed.
    pub fn subject(&self, model: Model, onnx: Vec<u8>) -> Result<(Model, Vec<u8>), Failure> {
        match self.weights {
            Weights::Public => Ok((model, onnx)),
            Weights::Committed => Ok(Model::architecture(&model.name, &onnx)?),
        }
    }

    /// The instances of a model's proofs.
    pub fn layout(&self, model: &Model) -> Result<InstanceLayout, Failure> {
        let mut layout = InstanceLayout::of_model(model, false).of_batch(self.batch);
        layout.inputs.iter_mut().for_each(|input| input.visibility = self.input_visibility);
        for (name, &visibility) in &self.inputs {
            let names: Vec<&str> =
                layout.inputs.iter().map(|input| input.tensor.name.as_str()).collect();
            let Some(at) = names.iter().position(|own| own == name) else {
                let message = format!("the model has no input `{}`", name.escape_debug());
                return Err(Failure::option(message, &format!("it has {names:?}")));
            };
            layout.inputs[at].visibility = visibility;
        }
        layout.names_weights = self.weights == Weights::Committed;
        let claims = Claims::read(model, &self.claims, layout.inferences)?;
        Ok(layout.with_claims(model, &claims)?)
    }

    /// The circuit that is planned for a model.
    pub fn circuit(&self, model: &Model) -> Result<ModelCircuit, Failure> {
        let wishes = Wishes {
            goal: self.goal(),
            k: self.k,
            max_k: self.max_k,
            packed: self.format == Format::Packed,
            private_input: self.input_visibility == Visibility::Private,
            ..Wishes::default()
        };
        Ok(Plans::for_instances(model, self.layout(model)?, wishes)?.circuit(wishes.goal))
    }
}

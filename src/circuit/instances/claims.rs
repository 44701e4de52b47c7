//! Claims about outputs, as instances.

use super::{Code, InstanceClaim, InstanceLayout, InstancePort, InstanceTensor};
use crate::circuit::CircuitError;
use crate::model::{Claim, ClaimError, ClaimTensor, Claims, Evaluation, Model, Visibility};
use std::borrow::Cow;

impl From<ClaimTensor> for InstanceTensor {
    fn from(ClaimTensor { name, element, shape }: ClaimTensor) -> Self {
        Self { name: name.into(), code: Code::of(element), shape }
    }
}

impl InstanceClaim {
    /// A claim about an output of one inference of a model that has so many, under a name.
    fn new(
        (model, inferences): (&Model, usize),
        claim: &Claim,
        name: String,
    ) -> Result<Self, ClaimError> {
        let (_, tensor) = claim.port(model, inferences)?;
        Ok(Self {
            name,
            claim: claim.clone(),
            parameters: claim.parameter(&tensor).map(InstanceTensor::from).into_iter().collect(),
            results: vec![claim.result(&tensor).into()],
        })
    }
}

impl InstanceLayout {
    /// The same with what is told and claimed of the outputs.
    pub fn with_claims(self, model: &Model, claims: &Claims) -> Result<Self, ClaimError> {
        let names = claims.names();
        let of_model = claims.claims.iter().zip(names);
        let batch = (model, self.inferences);
        let of_model = of_model.map(|(claim, name)| InstanceClaim::new(batch, claim, name));
        let mut layout = Self { claims: of_model.collect::<Result<_, _>>()?, ..self };
        for (output, &told) in layout.outputs.iter_mut().zip(&claims.told) {
            output.visibility = if told { Visibility::Public } else { Visibility::Private };
        }
        Ok(layout)
    }

    /// What is told and claimed of the outputs.
    pub fn said(&self) -> Claims {
        Claims {
            claims: self.claims.iter().map(|claim| claim.claim.clone()).collect(),
            told: self.outputs.iter().map(InstancePort::is_public).collect(),
        }
    }

    /// That the claims are ones about a model's outputs, each of them described as it is, and something is said.
    pub(super) fn check_claims(&self, model: &Model) -> Result<(), CircuitError> {
        let wrong = |what: String| Err(CircuitError::Instances { what });
        let said = self.said();
        if let Err(error) = said.check() {
            return wrong(error.to_string());
        }
        for (number, (claim, name)) in self.claims.iter().zip(said.names()).enumerate() {
            let named = |other: &InstanceClaim| other.name == name;
            match InstanceClaim::new((model, self.inferences), &claim.claim, name.clone()) {
                Err(error) => return wrong(error.to_string()),
                Ok(_) if self.claims[..number].iter().any(named) => {
                    return wrong(format!("two claims are called `{name}`"));
                }
                Ok(described) if described == *claim => {}
                Ok(_) => {
                    return wrong(format!("`{}` is not described as what it is", claim.name));
                }
            }
        }
        Ok(())
    }

    /// What proofs say of the outputs, or hold in commitments to them, claims first, given what the verifier chose for each claim that leaves something to choose; of
    /// several inferences one after the other, within each claim and output.
    pub fn answers(
        &self,
        model: &Model,
        evaluation: &Evaluation,
        chosen: &[Vec<i32>],
    ) -> Result<Vec<i32>, CircuitError> {
        let of_claims = self.claims.iter().flat_map(|claim| &claim.parameters);
        let expected = of_claims.map(|tensor| self.inferences.saturating_mul(tensor.len()));
        if !chosen.iter().map(Vec::len).eq(expected.clone()) {
            let what = format!(
                "{} parameters of claims of {:?} integers, expected {} of {:?}",
                chosen.len(),
                chosen.iter().map(Vec::len).collect::<Vec<_>>(),
                expected.clone().count(),
                expected.collect::<Vec<_>>()
            );
            return Err(CircuitError::Instances { what });
        }
        let (mut chosen, mut answers) = (chosen.iter(), Vec::new());
        for InstanceClaim { claim, parameters, .. } in &self.claims {
            let parameter = parameters.first().and_then(|_| chosen.next());
            let (port, output) = claim
                .port(model, self.inferences)
                .map_err(|error| CircuitError::Instances { what: error.to_string() })?;
            let parameter = parameter.map_or(&[][..], Vec::as_slice);
            let of_each = evaluation.tensor(port.tensor).chunks(output.len().max(1));
            for (inference, integers) in of_each.enumerate() {
                let width = parameter.len() / self.inferences;
                let own = &parameter[inference * width..(inference + 1) * width];
                answers.extend(claim.evaluate(&output, integers, own));
            }
        }
        let told = model.outputs.iter().zip(&self.outputs).filter(|(_, told)| told.is_packed());
        told.for_each(|(port, _)| answers.extend(evaluation.tensor(port.tensor)));
        Ok(answers)
    }

    /// The model that circuits with these instances compute, and its instances, none of which is of a claim: what the
    /// verifier chooses is an input there and what is claimed an output, each where the claims' instances stand here.
    pub fn proved<'a>(
        &'a self,
        model: &'a Model,
    ) -> Result<(Cow<'a, Model>, Cow<'a, Self>), CircuitError> {
        if self.claims.is_empty() && self.outputs.iter().all(InstancePort::is_packed) {
            return Ok((Cow::Borrowed(model), Cow::Borrowed(self)));
        }
        let model = model.with_claims(&self.said(), self.inferences);
        let model = model.map_err(|error| CircuitError::Instances { what: error.to_string() })?;
        let public = |port| InstancePort {
            tensor: InstanceTensor::of_batch(&model, port, self.inferences)
                .expect("what claims add has the inferences along its leading axis"),
            visibility: Visibility::Public,
        };
        let parameters = model.inputs.iter().skip(self.inputs.len()).map(public);
        let said = model.outputs.iter().take(self.claims.len()).map(public);
        let told = self.outputs.iter().filter(|port| port.is_public());
        let layout = Self {
            inputs: self.inputs.iter().cloned().chain(parameters).collect(),
            claims: Vec::new(),
            outputs: said.chain(told.cloned()).collect(),
            ..self.clone()
        };
        Ok((Cow::Owned(model), Cow::Owned(layout)))
    }
}

//! What provers know beside inputs: commitments, and the weights of a training under the key of its architecture.

use super::{ModelProver, ProvingKeys};
use crate::circuit::Word;
use crate::model::Model;
use crate::proving::{Commitment, ProvingError, link};
use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use std::sync::Arc;
use zkverdict_prover::packed::CommittedColumns;

/// What a prover knows and proofs do not tell, beside private inputs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Secrets<'a> {
    /// Commitments to the committed inputs, in the order of their names.
    pub inputs: &'a [Commitment],
    /// Where weights are committed, those of a model.
    pub weights: Option<&'a CommittedWeights>,
    /// What blinds the hashes of hashed inputs, input by input, and of each inference by inference: drawn anew for a proof where it is not said.
    pub blindings: Option<&'a Blindings>,
}

/// What blinds the hashes of a proof. It is overwritten when it is no longer needed.
pub struct Blindings(Vec<Fr>);

impl Blindings {
    /// From the operating system, for so many hashes.
    pub fn draw(count: usize) -> Self {
        vec![None; count].into()
    }

    pub(crate) fn all(&self) -> &[Fr] {
        &self.0
    }
}

/// Those that are known, and others from the operating system.
impl From<Vec<Option<Fr>>> for Blindings {
    fn from(known: Vec<Option<Fr>>) -> Self {
        let known = known.into_iter();
        Self(known.map(|known| known.unwrap_or_else(link::draw_blinding)).collect())
    }
}

/// Only how many.
impl std::fmt::Debug for Blindings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Blindings").field(&self.0.len()).finish()
    }
}

impl Drop for Blindings {
    fn drop(&mut self) {
        self.0.fill(Fr::zero());
        // The compiler leaves out what nobody reads.
        std::hint::black_box(&self.0);
    }
}

impl<'a> From<&'a [Commitment]> for Secrets<'a> {
    fn from(inputs: &'a [Commitment]) -> Self {
        Self { inputs, ..Self::default() }
    }
}

impl<'a> From<&'a CommittedWeights> for Secrets<'a> {
    fn from(weights: &'a CommittedWeights) -> Self {
        Self { weights: Some(weights), ..Self::default() }
    }
}

/// The weights of a model, committed to under the key of its architecture.
#[derive(Clone)]
pub struct CommittedWeights {
    pub(super) model: Arc<Model>,
    pub(super) columns: CommittedColumns,
    pub(super) name: Word,
}

impl CommittedWeights {
    /// What the commitment is called: the instance that stands for the weights.
    pub fn name(&self) -> Word {
        self.name
    }

    /// What is public of it beside its name.
    pub fn points(&self) -> &[G1Affine] {
        &self.columns.points
    }

    /// What hides the weights: as secret as they are.
    pub fn blindings(&self) -> &[Fr] {
        &self.columns.blindings
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }
}

/// Nothing of the weights.
impl std::fmt::Debug for CommittedWeights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommittedWeights").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ModelProver {
    /// Commits to the weights of a model of the circuit's architecture, with blindings from the operating system: the same
    /// weights have another name each time.
    pub fn commit_weights(&self, model: Model) -> Result<CommittedWeights, ProvingError> {
        let count = match &self.prover {
            ProvingKeys::Packed(prover) => prover.verifier().key().layout().named.len(),
            ProvingKeys::Halo2(_) => 0,
        };
        let blindings = (0..count).map(|_| link::draw_blinding()).collect();
        self.with_points(model, blindings, None)
    }

    /// The commitment to a model's weights with these points, and blindings that were drawn for it. That they belong together
    /// the first proof shows: [`ProvingError::OtherWeights`].
    pub fn committed_weights(
        &self,
        model: Model,
        blindings: Vec<Fr>,
        points: Vec<G1Affine>,
    ) -> Result<CommittedWeights, ProvingError> {
        self.with_points(model, blindings, Some(points))
    }

    fn with_points(
        &self,
        model: Model,
        blindings: Vec<Fr>,
        points: Option<Vec<G1Affine>>,
    ) -> Result<CommittedWeights, ProvingError> {
        let ProvingKeys::Packed(prover) = &self.prover else {
            return Err(ProvingError::Weights { expected: false });
        };
        if !self.layout().names_weights {
            return Err(ProvingError::Weights { expected: false });
        }
        if let Some(what) = self.model().other_architecture(&model) {
            return Err(ProvingError::OtherArchitecture(what));
        }
        let columns = self.circuit.weight_columns(&model)?;
        let columns = match points {
            Some(points) => CommittedColumns { points, columns, blindings },
            None => prover.commit_columns(columns, blindings, None)?,
        };
        let name = prover.verifier().key().name_of_columns(&columns.points);
        Ok(CommittedWeights { model: Arc::new(model), columns, name })
    }
}

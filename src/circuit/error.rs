//! Why a model has no circuit.

use super::needs::Needs;
use super::shape::LARGEST_K;
use crate::model::ElementType;

/// Why a model has no circuit, or a circuit no witness.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum CircuitError {
    /// No circuit is written for this operator here.
    #[error("node `{node}`: operator `{operator}` has no circuit yet")]
    UnsupportedOperator { node: String, operator: String },

    /// An operator on vectors needs integers that the circuit has no room for.
    #[error(
        "node `{node}`: with these scales, `{operator}` needs integers too large for a circuit"
    )]
    LargeIntegers { node: String, operator: String },

    /// The reference adds up floats, and the integers alone do not tell what it rounds to.
    #[error("node `{node}`: float32 additions decide how a sum of {sum} is rounded")]
    RoundedSum { node: String, sum: i32 },

    /// Outputs are bytes.
    #[error("node `{node}`: an index of {length} elements is not a byte")]
    IndexRange { node: String, length: usize },

    /// The accumulator leaves int32.
    #[error("node `{node}`: the accumulator of output {output} can leave int32")]
    AccumulatorRange { node: String, output: usize },

    /// The layout does not fit the wish.
    #[error(
        "the circuit needs k = {needed}, more than the {wish} that was asked for, for at least {} rows{} and the table \
         of the model's functions", .needs.rows, .needs.most()
    )]
    TooManyRows { needed: u32, wish: u32, needs: Box<Needs> },

    /// No k has as many rows.
    #[error(
        "the circuit has at least {} rows{}, more than the largest k, {LARGEST_K}, has; k = {} would do",
        .0.rows, .0.most(), .0.k
    )]
    TooLarge(Box<Needs>),

    /// No k has a table as long.
    #[error(
        "the table of the model's functions has at least {} rows{}, more than the largest k, {LARGEST_K}, has; k = {} \
         would do", .0.rows, .0.most(), .0.k
    )]
    LongTable(Box<Needs>),

    /// The description of the instances is not one of this model's, or asks for what no circuit proves yet.
    #[error("the instances: {what}")]
    Instances { what: String },

    /// Proofs of halo2's format are linked to no commitment to outputs.
    #[error("the output `{tensor}` is committed, which it is in packed proofs alone")]
    Unlinked { tensor: String },

    /// Weights that a layer has where they cannot be committed.
    #[error("node `{node}`: the weights of a `{operator}` {why}, and cannot be committed")]
    CommittedWeights { node: String, operator: String, why: &'static str },

    /// No proof of halo2's format brings commitments to weights.
    #[error(
        "the weights are committed, and proofs of halo2's format bring no commitments to weights"
    )]
    UnlinkedWeights,

    /// Another number of committed weights than the circuit has.
    #[error("{found} committed weights, expected {expected}")]
    Weights { found: usize, expected: usize },

    /// Another number of blindings than of hashed inputs.
    #[error("{found} blindings, expected {expected}: one for each hashed input")]
    Blindings { found: usize, expected: usize },

    /// A plan that was written down does not fit the model.
    #[error("the stored plan does not fit the model")]
    OtherPlan,

    /// The input is not what the circuit takes.
    #[error("{found} input values, expected {expected}")]
    InputLength { found: usize, expected: usize },

    /// Another number of contexts than of inferences.
    #[error("{found} contexts, expected {expected}: one for each inference")]
    Contexts { found: usize, expected: usize },

    /// An input is outside its type.
    #[error("input {index} is {value}, outside {element:?}")]
    InputRange { index: usize, value: i32, element: ElementType },

    /// The circuit's answer is not the reference's.
    #[error(
        "the circuit computes {circuit} at output {index} where the reference computes {reference}"
    )]
    Disagreement { index: usize, circuit: i32, reference: i32 },
}

impl CircuitError {
    /// Refuses what no circuit has room for.
    pub(super) fn check(needs: Needs) -> Result<(), Self> {
        if needs.fit() {
            return Ok(());
        }
        Err(Self::TooLarge(Box::new(needs)))
    }

    /// What any circuit of the model needs, if that is the trouble.
    pub fn needs(&self) -> Option<&Needs> {
        match self {
            Self::TooManyRows { needs, .. } | Self::TooLarge(needs) | Self::LongTable(needs) => {
                Some(needs)
            }
            _ => None,
        }
    }

    /// What to do about it, where the error alone can tell.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooManyRows { needed, .. } => Some(format!("ask for k = {needed} or more")),
            Self::Disagreement { .. } => {
                Some("this is a defect of zkverdict; please report it with the model".into())
            }
            Self::UnlinkedWeights | Self::Unlinked { .. } => {
                Some("make keys of packed proofs: leave out `--format halo2`".into())
            }
            Self::TooLarge(_) => {
                Some("make the model smaller: its inputs, or the results of its layers".into())
            }
            Self::LongTable(_) => Some("quantize with fewer scales, or with other ones".into()),
            Self::LargeIntegers { .. } => {
                Some("quantize its output with a larger scale, nearer to the values' range".into())
            }
            _ => None,
        }
    }
}

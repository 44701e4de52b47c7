//! What the command line asks of a circuit.

use super::CliError;
use super::bounds::{BoundArgs, Broken, beyond};
use crate::circuit::{Goal, LARGEST_K, ModelCircuit, Plans, Wishes};
use crate::proving::Format;
use crate::solidity::Prediction;
use serde::Serialize;

/// What the layout should be like.
#[derive(Clone, Copy, Default, clap::Args)]
pub struct WishArgs {
    /// What to be best at
    #[arg(long, value_enum, default_value_t)]
    pub optimize: Optimize,
    /// How proofs are written down
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Exactly this k (log2 of the number of rows)
    #[arg(long, conflicts_with = "max_k", value_parser = clap::value_parser!(u32).range(..=i64::from(LARGEST_K)))]
    k: Option<u32>,
    /// No larger k
    #[arg(long)]
    max_k: Option<u32>,
    #[command(flatten)]
    bounds: BoundArgs,
    /// What a proof shows of the input
    #[arg(long, value_enum, default_value_t)]
    pub input_visibility: Visibility,
}

/// What a proof shows of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Visibility {
    /// All of it
    #[default]
    Public,
    /// Nothing: the proof says that its maker knows an input with these outputs
    Private,
    /// A hash of it with a blinding, of the Poseidon that other circuits have
    Hashed,
    /// The name of a commitment to it, which `commit` makes: packed proofs alone can be linked to one
    Committed,
}

impl WishArgs {
    /// What a circuit will cost whose packs are as wide as a goal wants.
    pub fn predict(self, circuit: &ModelCircuit, goal: Goal) -> Result<Prediction, CliError> {
        Ok(Prediction::new(circuit, self.format, goal)?)
    }

    /// The circuit that these wishes choose among the plans for all goals, and the goal that it is of: another than the one
    /// asked for where bounds leave no choice.
    pub fn choose(self, plans: &Plans) -> Result<(ModelCircuit, Goal), CliError> {
        let own = self.optimize.into();
        let others = Goal::ALL.into_iter().filter(|&goal| goal != own);
        let mut nearest: Option<Vec<Broken>> = None;
        for goal in std::iter::once(own).chain(others) {
            let circuit = plans.circuit(goal);
            let broken = self.bounds.broken_by(&self.predict(&circuit, goal)?);
            if broken.is_empty() {
                return Ok((circuit, goal));
            }
            if nearest.as_ref().is_none_or(|nearest| beyond(&broken) < beyond(nearest)) {
                nearest = Some(broken);
            }
        }
        Err(CliError::BeyondBounds(nearest.unwrap_or_default()))
    }
}

/// What a layout should be best at.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimize {
    /// Proving time
    #[default]
    Speed,
    /// Gas of a verification
    Gas,
    /// Memory while proving
    Memory,
}

impl From<Optimize> for Goal {
    fn from(optimize: Optimize) -> Self {
        match optimize {
            Optimize::Speed => Self::Speed,
            Optimize::Gas => Self::Gas,
            Optimize::Memory => Self::Memory,
        }
    }
}

impl From<WishArgs> for Wishes {
    fn from(args: WishArgs) -> Self {
        Self {
            goal: args.optimize.into(),
            k: args.k,
            max_k: args.max_k,
            packed: args.format == Format::Packed,
            abreast: None,
            private_input: args.input_visibility == Visibility::Private,
        }
    }
}

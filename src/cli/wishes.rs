//! What the command line asks of a circuit.

use super::CliError;
use crate::circuit::{Goal, ModelCircuit, Plans, Wishes};
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
    #[arg(long, conflicts_with = "max_k")]
    k: Option<u32>,
    /// No larger k
    #[arg(long)]
    max_k: Option<u32>,
    /// No more gas per verification, as predicted for Osaka and the dearest input
    #[arg(long, value_name = "GAS")]
    max_gas: Option<u64>,
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
    /// What a circuit will cost.
    pub fn predict(self, circuit: &ModelCircuit) -> Result<Prediction, CliError> {
        Ok(Prediction::new(circuit, self.format, self.optimize.into())?)
    }

    /// The circuit that these wishes choose among the plans for all goals.
    pub fn choose(self, plans: &Plans) -> Result<ModelCircuit, CliError> {
        let circuit = plans.circuit(Wishes::from(self).goal);
        let Some(most) = self.max_gas else { return Ok(circuit) };
        if self.predict(&circuit)?.verify_gas <= most {
            return Ok(circuit);
        }
        let narrow = plans.circuit(Goal::Gas);
        match self.predict(&narrow)?.verify_gas {
            least if least > most => Err(CliError::TooMuchGas { least, most }),
            _ => Ok(narrow),
        }
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

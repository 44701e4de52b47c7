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
    #[command(flatten)]
    bounds: BoundArgs,
    /// What a proof shows of the input
    #[arg(long, value_enum, default_value_t)]
    pub input_visibility: Visibility,
}

/// Bounds of what a plan is predicted to cost.
#[derive(Clone, Copy, Default, clap::Args)]
struct BoundArgs {
    /// No more gas per verification, as predicted for Osaka and the dearest input
    #[arg(long, value_name = "GAS")]
    max_gas: Option<u64>,
    /// No more memory while proving, in bytes, as predicted
    #[arg(long, value_name = "BYTES")]
    max_memory: Option<u64>,
    /// No more time for a proof, in seconds, as predicted for two quiet cores
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_seconds: Option<f64>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0);
    seconds.ok_or_else(|| "expected seconds above 0, like 2.5".into())
}

impl BoundArgs {
    /// Those that are broken: what is bounded, what is predicted, and the bound.
    #[allow(clippy::cast_precision_loss, reason = "numbers far below 2^53")]
    fn broken_by(self, predicted: &Prediction) -> Vec<Broken> {
        let figures = [
            ("gas", predicted.verify_gas as f64, self.max_gas.map(|most| most as f64)),
            ("memory", predicted.memory_bytes as f64, self.max_memory.map(|most| most as f64)),
            ("seconds", predicted.prove_seconds, self.max_seconds),
        ];
        let broken = figures.into_iter().filter_map(|(what, found, most)| {
            most.filter(|&most| found > most).map(|most| Broken { what, found, most })
        });
        broken.collect()
    }
}

/// A bound that a plan breaks.
#[derive(Clone, Copy, Debug)]
pub struct Broken {
    what: &'static str,
    found: f64,
    most: f64,
}

impl Broken {
    /// The figure in words.
    fn figure(&self, value: f64) -> String {
        match self.what {
            "gas" => format!("{value:.0} gas"),
            "memory" => format!("{value:.0} bytes of memory"),
            // Rounded up, so that it may be asked for.
            _ => format!("{:.3} seconds", (value * 1000.0).ceil() / 1000.0),
        }
    }

    /// What is asked for, and what there is.
    pub fn in_words(&self) -> String {
        format!("{}, more than the {}", self.figure(self.found), self.figure(self.most))
    }

    /// The option with which there is a plan, as far as this bound goes.
    pub fn option(&self) -> String {
        let figure = self.figure(self.found);
        format!("--max-{} {}", self.what, figure.split(' ').next().unwrap_or_default())
    }
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
            let beyond = |broken: &[Broken]| -> f64 {
                broken.iter().map(|bound| (bound.found / bound.most).ln()).sum()
            };
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

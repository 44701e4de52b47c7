//! Bounds that the command line sets to plans.

use crate::solidity::Prediction;

/// Bounds of what a plan is predicted to cost.
#[derive(Clone, Copy, Default, clap::Args)]
pub struct BoundArgs {
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
    pub fn broken_by(self, predicted: &Prediction) -> Vec<Broken> {
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

/// How far a plan is from keeping its bounds.
pub fn beyond(broken: &[Broken]) -> f64 {
    broken.iter().map(|bound| (bound.found / bound.most).ln()).sum()
}

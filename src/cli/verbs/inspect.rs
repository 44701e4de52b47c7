//! `inspect`: what a model is, and what it will cost.

use super::keygen::Optimize;
use crate::cli::{Answer, CliError, Console, input, prediction::Prediction};
use crate::model::{PortSummary, Summary};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What `inspect` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The quantized ONNX model
    model: PathBuf,
    #[command(flatten)]
    wishes: super::keygen::WishArgs,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    summary: Summary,
    plan: PlanReport,
}

#[derive(Serialize)]
struct PlanReport {
    k: u32,
    rows: usize,
    advice_columns: usize,
    fixed_columns: usize,
    instances: usize,
    optimize: Optimize,
    predicted: Prediction,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { summary, plan } = self;
        writeln!(f, "{}", summary.model)?;
        let port = |port: &PortSummary| {
            let PortSummary { name, shape, element, scale, zero_point } = port;
            format!("{name} {shape:?} {element}, scale {scale}, zero point {zero_point}")
        };
        for input in &summary.inputs {
            writeln!(f, "  input       {}", port(input))?;
        }
        for output in &summary.outputs {
            writeln!(f, "  output      {}", port(output))?;
        }
        let operators: Vec<_> =
            summary.operators.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(f, "  operators   {}", operators.join(", "))?;
        writeln!(f, "  parameters  {}", summary.parameters)?;
        writeln!(f, "  macs        {}", summary.macs)?;
        writeln!(f, "plan")?;
        writeln!(f, "  k           {} ({} rows in use)", plan.k, plan.rows)?;
        writeln!(f, "  columns     {} advice, {} fixed", plan.advice_columns, plan.fixed_columns)?;
        writeln!(f, "  instances   {}", plan.instances)?;
        let Prediction { prove_seconds, memory_bytes, proof_bytes, verify_gas, runtime_bytes } =
            plan.predicted;
        writeln!(f, "predicted")?;
        writeln!(f, "  proving     {prove_seconds:.2} s, {} MB", memory_bytes >> 20)?;
        writeln!(f, "  proof       {proof_bytes} bytes")?;
        writeln!(f, "  verifying   {verify_gas} gas (Prague)")?;
        writeln!(f, "  contract    {runtime_bytes} bytes of code")
    }
}

/// Describes a model and the circuit that would be made for it.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let (model, _) = input::model(&args.model)?;
    let circuit = args.wishes.plan(&model).map_err(|error| error.at(&args.model))?;
    let system = circuit.constraint_system();
    console.result(&Report {
        summary: model.summary(),
        plan: PlanReport {
            k: circuit.k(),
            rows: circuit.rows(),
            advice_columns: system.num_advice_columns(),
            fixed_columns: system.num_fixed_columns(),
            instances: circuit.instances(),
            optimize: args.wishes.optimize,
            predicted: Prediction::new(&circuit)?,
        },
    })?;
    Ok(Answer::Yes)
}

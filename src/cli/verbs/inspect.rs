//! `inspect`: what a model is, and what it will cost.

use super::keygen::Optimize;
use crate::bundle::hex;
use crate::circuit::{InstanceLayout, Wishes};
use crate::cli::{Answer, CliError, Console, input, prediction::Prediction};
use crate::model::{
    Difference, Exactness, Model, NodeSummary, PortSummary, RequantizationForm, Summary,
};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What `inspect` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The quantized ONNX model
    model: PathBuf,
    /// Example inputs: how far approximate nodes are from floats on them, in steps of the output, and what
    /// verifying them costs on average
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Which exact form each node's requantization has, and its size
    #[arg(long)]
    layers: bool,
    #[command(flatten)]
    dimensions: input::DimensionArgs,
    #[command(flatten)]
    wishes: super::keygen::WishArgs,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    summary: Summary,
    /// Under the wishes: what proofs show is part of it.
    model_digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<Differences>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<RequantizationForm>>,
    plan: Option<PlanReport>,
    /// Why there is no plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_error: Option<String>,
}

/// How far approximate nodes are from floats.
#[derive(Serialize)]
struct Differences {
    inferences: usize,
    /// Over all nodes, in steps of each node's output.
    largest: i32,
    mean: f64,
    nodes: Vec<Difference>,
    outputs: Vec<Difference>,
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
        let Self { summary, .. } = self;
        writeln!(f, "{}", summary.model)?;
        let port = |port: &PortSummary| {
            let PortSummary { name, shape, element, scale, zero_point, preparation } = port;
            let prepared = match preparation {
                0 => String::new(),
                1 => ", after a step of float arithmetic".into(),
                steps => format!(", after {steps} steps of float arithmetic"),
            };
            format!("{name} {shape:?} {element}, scale {scale}, zero point {zero_point}{prepared}")
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
        writeln!(f, "  digest      {}", self.model_digest)?;
        writeln!(f, "nodes")?;
        let width = |text: fn(&NodeSummary) -> &str| {
            summary.nodes.iter().map(|node| text(node).len()).max().unwrap_or(0)
        };
        let (name_width, operator_width) = (width(|node| &node.name), width(|node| &node.operator));
        for NodeSummary { name, operator, shape, exactness } in &summary.nodes {
            let exactness = match exactness {
                Exactness::Exact => "exact",
                Exactness::Approximate => "approximate",
            };
            writeln!(
                f,
                "  {name:name_width$}  {operator:operator_width$}  {exactness:11}  {shape:?}"
            )?;
        }
        if let Some(differences) = &self.differences {
            writeln!(f, "{differences}")?;
        }
        if let Some(layers) = &self.layers {
            writeln!(f, "layers")?;
            layers.iter().try_for_each(|layer| writeln!(f, "  {}", Layer(layer, name_width)))?;
        }
        match (&self.plan, &self.plan_error) {
            (Some(plan), _) => write!(f, "{plan}"),
            (None, Some(why)) => writeln!(f, "no plan: {why}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for PlanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan")?;
        writeln!(f, "  k           {} ({} rows in use)", self.k, self.rows)?;
        writeln!(f, "  columns     {} advice, {} fixed", self.advice_columns, self.fixed_columns)?;
        writeln!(f, "  instances   {}", self.instances)?;
        let Prediction { prove_seconds, memory_bytes, proof_bytes, runtime_bytes, .. } =
            self.predicted;
        let Prediction { verify_gas, verify_gas_least, verify_gas_mean, .. } = self.predicted;
        writeln!(f, "predicted")?;
        writeln!(f, "  proving     {prove_seconds:.2} s, {} MB", memory_bytes >> 20)?;
        writeln!(f, "  proof       {proof_bytes} bytes")?;
        write!(f, "  verifying   {verify_gas} gas (Prague)")?;
        if let Some(mean) = verify_gas_mean {
            write!(f, ", {mean} for the example inputs")?;
        }
        writeln!(f, "; {verify_gas_least} if all bytes of the instances are 0")?;
        writeln!(f, "  contract    {runtime_bytes} bytes of code")
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inferences, nodes, outputs, .. } = self;
        write!(f, "differences from floats, in output steps, over {inferences} inferences")?;
        for Difference { node, operator, elements, different, largest, mean } in
            nodes.iter().chain(outputs)
        {
            write!(
                f,
                "\n  {node} ({operator}): {largest} at most, {mean:.6} on average, \
                 {different} of {elements} differ"
            )?;
        }
        if nodes.is_empty() {
            write!(f, "\n  none: no node is computed otherwise")?;
        }
        Ok(())
    }
}

/// A line about a node, whose name takes so many columns.
struct Layer<'a>(&'a RequantizationForm, usize);

impl fmt::Display for Layer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(layer, width) = self;
        let RequantizationForm { node, form, elements, channels, lines, .. } = layer;
        write!(f, "{node:width$}  {form:13}  {elements:>6} outputs")?;
        if let Some((least, most)) = layer.divisor_bits {
            write!(f, "  {lines} of {channels} by lines, divisor 2^{least}")?;
            if most > least {
                write!(f, " to 2^{most}")?;
            }
        }
        if layer.table_rows > 0 {
            write!(f, "  {} table rows", layer.table_rows)?;
        }
        Ok(())
    }
}

/// Describes a model and the circuit that would be made for it.
///
/// What is asked of the model itself is answered also where there is no circuit for it.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let (model, _) = input::model_with(&args.model, &args.dimensions)?;
    let inferences = args.calibration.as_ref().map(|path| input::inferences(&model, path));
    let inferences = inferences.transpose()?;
    let (plan, plan_error) = match plan(&args, &model, inferences.as_deref()) {
        Ok(plan) => (Some(plan), None),
        Err(error) if args.layers || args.calibration.is_some() => (None, Some(error.to_string())),
        Err(error) => return Err(error.at(&args.model)),
    };
    let stage = console.stage("comparing with floats");
    let differences = inferences.map(|inferences| differences(&model, &inferences)).transpose()?;
    drop(stage);
    let private_input = Wishes::from(args.wishes).private_input;
    let layout = InstanceLayout::of_model(&model, private_input);
    console.result(&Report {
        summary: model.summary(),
        model_digest: hex(&model.digest(&layout.visibility())),
        differences,
        layers: args.layers.then(|| model.requantization_forms()),
        plan,
        plan_error,
    })?;
    Ok(Answer::Yes)
}

/// The integers of each inference's inputs.
type Inferences = [Vec<Vec<i32>>];

fn plan(
    args: &Args,
    model: &Model,
    inferences: Option<&Inferences>,
) -> Result<PlanReport, CliError> {
    let circuit = args.wishes.plan(model)?;
    let system = circuit.constraint_system();
    Ok(PlanReport {
        k: circuit.k(),
        rows: circuit.rows(),
        advice_columns: system.num_advice_columns(),
        fixed_columns: system.num_fixed_columns(),
        instances: circuit.instances(),
        optimize: args.wishes.optimize,
        predicted: Prediction::new(model, &circuit)?.with_inputs(
            model,
            &circuit,
            inferences.unwrap_or_default(),
        ),
    })
}

fn differences(model: &Model, inferences: &Inferences) -> Result<Differences, CliError> {
    let nodes = model.differences(inferences)?;
    let outputs = model.output_differences(inferences)?;
    #[allow(clippy::cast_precision_loss)]
    let weight = |difference: &Difference| difference.elements as f64;
    let elements: f64 = nodes.iter().map(weight).sum();
    let steps: f64 = nodes.iter().map(|difference| difference.mean * weight(difference)).sum();
    Ok(Differences {
        inferences: inferences.len(),
        largest: nodes.iter().map(|difference| difference.largest).max().unwrap_or(0),
        mean: steps / elements.max(1.0),
        nodes,
        outputs,
    })
}

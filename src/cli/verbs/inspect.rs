//! `inspect`: what a model is, and what it will cost.

use crate::bundle::hex;
use crate::circuit::{CircuitError, Goal, ModelCircuit, Plans};
use crate::cli::{
    Answer, CliError, Console, files, input,
    statement::StatementArgs,
    wishes::{Optimize, WishArgs},
};
use crate::model::{
    Difference, Exactness, Model, NodeSummary, PortSummary, RequantizationForm, Summary,
};
use crate::proving::{Format, least_ptau_power};
use crate::solidity::{Prediction, packing};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

mod lanes;
mod page;

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
    /// Write a page with the graph, rows and exactness by node, and what each goal would choose
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    dimensions: input::DimensionArgs,
    #[command(flatten)]
    statement: StatementArgs,
    #[command(flatten)]
    wishes: WishArgs,
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
    plan: PlanReport,
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
    /// Whether there is a circuit as it is asked for.
    fits: bool,
    /// The least rows that any circuit of the model has, by node.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_needed: Option<usize>,
    /// The k that will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    k_needed: Option<u32>,
    by_node: Vec<NodeRows>,
    #[serde(flatten)]
    chosen: Option<ChosenPlan>,
    /// What each goal would choose.
    frontier: Vec<Alternative>,
}

#[derive(Serialize)]
struct NodeRows {
    node: String,
    rows: usize,
}

#[derive(Serialize)]
struct Alternative {
    optimize: Optimize,
    format: Format,
    k: u32,
    prove_seconds: f64,
    memory_bytes: u64,
    verify_gas: u64,
}

#[derive(Serialize)]
struct ChosenPlan {
    k: u32,
    rows: usize,
    advice_columns: usize,
    fixed_columns: usize,
    instances: usize,
    optimize: Optimize,
    predicted: Prediction,
}

/// Lists of thresholds are long: `--json` has all of them.
fn shortened(note: &str) -> String {
    const LONGEST: usize = 160;
    if note.chars().count() <= LONGEST {
        return note.to_owned();
    }
    note.chars().take(LONGEST).chain(" …".chars()).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { summary, .. } = self;
        writeln!(f, "{}", summary.model)?;
        for (role, ports) in [("input", &summary.inputs), ("output", &summary.outputs)] {
            for PortSummary { name, shape, element, scale, zero_point, notes } in ports {
                writeln!(
                    f,
                    "  {role:<10}  {name} {shape:?} {element}, scale {scale}, zero point {zero_point}"
                )?;
                for note in notes {
                    writeln!(f, "                {}", shortened(note))?;
                }
            }
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
        write!(f, "{}", self.plan)?;
        match &self.plan_error {
            Some(why) => writeln!(f, "no plan: {why}"),
            None => Ok(()),
        }
    }
}

/// How many nodes are listed for people.
const NODES_LISTED: usize = 5;

impl fmt::Display for PlanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(rows), Some(k)) = (self.rows_needed, self.k_needed) {
            writeln!(f, "needs         {rows} rows at least, k = {k}")?;
            for NodeRows { node, rows } in self.by_node.iter().take(NODES_LISTED) {
                writeln!(f, "  {rows:>9}  {node}")?;
            }
        }
        if let Some(chosen) = &self.chosen {
            write!(f, "{chosen}")?;
        }
        for alternative in &self.frontier {
            let Alternative { format, k, prove_seconds, memory_bytes, verify_gas, .. } =
                alternative;
            let memory = memory_bytes >> 20;
            let goal = alternative.goal();
            // The format that was asked for is the first one's.
            if *format != self.frontier[0].format {
                write!(f, "--format {format} ")?;
            }
            writeln!(
                f,
                "--optimize {goal}: k = {k}, {prove_seconds:.2} s, {memory} MB, {verify_gas} gas"
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for ChosenPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan")?;
        writeln!(f, "  k           {} ({} rows in use)", self.k, self.rows)?;
        writeln!(f, "  columns     {} advice, {} fixed", self.advice_columns, self.fixed_columns)?;
        writeln!(f, "  instances   {}", self.instances)?;
        let Prediction { prove_seconds, memory_bytes, proof_bytes, runtime_bytes, .. } =
            self.predicted;
        let Prediction { verify_gas, verify_gas_least, verify_gas_mean, string_powers, .. } =
            self.predicted;
        writeln!(f, "predicted")?;
        writeln!(f, "  proving     {prove_seconds:.2} s, {} MB", memory_bytes >> 20)?;
        let power = least_ptau_power(string_powers);
        writeln!(f, "  string      {string_powers} powers: a .ptau file of power {power} or more")?;
        writeln!(f, "  proof       {proof_bytes} bytes")?;
        write!(f, "  verifying   {verify_gas} gas (Osaka)")?;
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
    let batch = match args.statement.inferences() {
        1 => None,
        count => Some(input::batch_with(&args.model, &args.dimensions, count)?.0),
    };
    let proved = batch.as_ref().unwrap_or(&model);
    let inferences = args.calibration.as_ref().map(|path| input::inferences(&model, path));
    let inferences = inferences.transpose()?;
    // What inputs cost is known of proofs of one inference.
    let calldata = inferences.as_deref().filter(|_| batch.is_none());
    let (plan, error) = plan(&args, proved, calldata)?;
    let is_described = args.layers || args.calibration.is_some() || args.html.is_some();
    let error = match error {
        // A wish that cannot be kept is all there is to say.
        Some(error) if !is_described && !is_hopeless(&error) => return Err(error.at(&args.model)),
        error => error,
    };
    let stage = console.stage("comparing with floats");
    let differences = inferences.map(|inferences| differences(&model, &inferences)).transpose()?;
    drop(stage);
    let layout =
        args.statement.layout(proved, args.wishes).map_err(|error| error.at(&args.model))?;
    let report = Report {
        summary: model.summary(),
        model_digest: hex(&layout.digest(proved)),
        differences,
        layers: args.layers.then(|| model.requantization_forms()),
        plan,
        plan_error: error.as_ref().map(ToString::to_string),
    };
    if let Some(path) = &args.html {
        files::write(path, page::page(&report, proved)?.as_bytes())?;
    }
    console.result(&report)?;
    error.map_or(Ok(Answer::Yes), |error| Err(error.at(&args.model)))
}

/// Whether no circuit holds the model, whatever is asked for.
fn is_hopeless(error: &CliError) -> bool {
    matches!(error, CliError::Circuit(CircuitError::TooLarge(_) | CircuitError::LongTable(_)))
}

/// The integers of each inference's inputs.
type Inferences = [Vec<Vec<i32>>];

/// The plan, or what is known of it and why there is none.
fn plan(
    args: &Args,
    model: &Model,
    inferences: Option<&Inferences>,
) -> Result<(PlanReport, Option<CliError>), CliError> {
    let plans = args.statement.plans(model, args.wishes);
    let needs = match &plans {
        Ok(plans) => Some(plans.needs()),
        Err(CliError::Circuit(error)) => error.needs().cloned(),
        Err(_) => None,
    };
    let circuit = plans.and_then(|plans| Ok((args.wishes.choose(&plans)?, plans)));
    let needed = match &circuit {
        Ok(((circuit, _), _)) => Some(circuit.k()),
        Err(CliError::Circuit(CircuitError::TooManyRows { needed, .. })) => Some(*needed),
        Err(_) => needs.as_ref().map(|needs| needs.k),
    };
    // Of a model that has no circuit for another reason nothing is counted.
    let (rows_needed, by_node) =
        needs.map_or((None, Vec::new()), |needs| (Some(needs.rows), needs.by_node));
    let by_node = by_node.into_iter().map(|(node, rows)| NodeRows { node, rows }).collect();
    let report = PlanReport {
        fits: circuit.is_ok(),
        rows_needed,
        k_needed: needed,
        by_node,
        chosen: None,
        frontier: Vec::new(),
    };
    let ((circuit, goal), plans) = match circuit {
        Ok(planned) => planned,
        Err(error) => return Ok((report, Some(error))),
    };
    let chosen = chosen(args, (&circuit, goal), inferences)?;
    let frontier = frontier(args, &plans, (&circuit, goal), chosen.predicted)?;
    Ok((PlanReport { chosen: Some(chosen), frontier, ..report }, None))
}

/// What each goal chooses, as far as it is something else; then what packed proofs would be, if they are not asked for.
fn frontier(
    args: &Args,
    plans: &Plans,
    (chosen, chosen_goal): (&ModelCircuit, Goal),
    predicted: Prediction,
) -> Result<Vec<Alternative>, CliError> {
    let mut known = Vec::new();
    let mut frontier = Vec::new();
    for (optimize, goal) in [
        (Optimize::Speed, Goal::Speed),
        (Optimize::Gas, Goal::Gas),
        (Optimize::Memory, Goal::Memory),
    ] {
        let (circuit, format) = (plans.circuit(goal), args.wishes.format);
        // How wide packs are is chosen by goals too.
        let packing = match format {
            Format::Halo2 => None,
            Format::Packed => Some(packing(&circuit, goal)?.widths),
        };
        let plan = (circuit.k(), circuit.shape(), packing);
        if known.contains(&plan) {
            continue;
        }
        let is_chosen =
            goal == chosen_goal && (circuit.k(), circuit.shape()) == (chosen.k(), chosen.shape());
        frontier.push(if is_chosen {
            Alternative::of(&circuit, format, optimize, predicted)
        } else {
            Alternative::new(&circuit, format, optimize)?
        });
        known.push(plan);
    }
    if args.wishes.format == Format::Halo2 {
        let optimize = args.wishes.optimize;
        // There may be none under a bound on k, as columns do not share one there.
        if let Ok(plans) = plans.packed(args.wishes.into()) {
            let circuit = plans.circuit(optimize.into());
            frontier.push(Alternative::new(&circuit, Format::Packed, optimize)?);
        }
    }
    Ok(frontier)
}

impl Alternative {
    /// As `--optimize` takes it.
    fn goal(&self) -> String {
        format!("{:?}", self.optimize).to_lowercase()
    }

    fn new(circuit: &ModelCircuit, format: Format, optimize: Optimize) -> Result<Self, CliError> {
        let predicted = Prediction::new(circuit, format, optimize.into())?;
        Ok(Self::of(circuit, format, optimize, predicted))
    }

    fn of(
        circuit: &ModelCircuit,
        format: Format,
        optimize: Optimize,
        predicted: Prediction,
    ) -> Self {
        let Prediction { prove_seconds, memory_bytes, verify_gas, .. } = predicted;
        Self { optimize, format, k: circuit.k(), prove_seconds, memory_bytes, verify_gas }
    }
}

fn chosen(
    args: &Args,
    (circuit, goal): (&ModelCircuit, Goal),
    inferences: Option<&Inferences>,
) -> Result<ChosenPlan, CliError> {
    let system = circuit.constraint_system();
    Ok(ChosenPlan {
        k: circuit.k(),
        rows: circuit.rows(),
        advice_columns: system.num_advice_columns(),
        fixed_columns: system.num_fixed_columns(),
        instances: circuit.instances(),
        optimize: args.wishes.optimize,
        predicted: args
            .wishes
            .predict(circuit, goal)?
            .with_inputs(circuit, inferences.unwrap_or_default()),
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

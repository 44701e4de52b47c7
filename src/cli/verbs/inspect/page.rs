//! The report as one self-contained page: no script, style or picture is loaded from elsewhere.

use super::{Alternative, Report, lanes};
use crate::cli::CliError;
use crate::evm::{EvmError, Grouped};
use crate::model::{Exactness, Model, Node, PortSummary};
use crate::name::{Name, printable};
use askama::Template;
use std::collections::BTreeMap;

/// Width of the longest bar beside a node.
const LONGEST_BAR: f64 = 130.0;

#[derive(Template)]
#[template(path = "inspect.html")]
struct Page {
    model: Name,
    digest: String,
    fits: bool,
    problem: String,
    cards: Vec<Card>,
    plans: Vec<Plan>,
    lanes: lanes::Lanes,
    row_height: usize,
    rows: Vec<Row>,
    has_differences: bool,
    ports: Vec<PortRow>,
}

struct Card {
    title: &'static str,
    /// Where the JSON report has the figure.
    path: &'static str,
    figure: String,
    remark: String,
}

struct Plan {
    name: String,
    k: u32,
    is_chosen: bool,
    cells: [Cell; 3],
}

struct Cell {
    /// Of the largest of all plans.
    percent: f64,
    /// Where the JSON report has exactly what the text says.
    path: Option<String>,
    text: String,
}

/// An input or a node.
struct Row {
    kind: &'static str,
    name: Name,
    operator: Name,
    shape: String,
    macs: String,
    parameters: String,
    difference: String,
    rows: String,
    /// Pixels.
    percent: f64,
}

struct PortRow {
    name: Name,
    role: &'static str,
    shape: String,
    element: String,
    scale: f32,
    zero_point: i32,
    notes: String,
}

/// A page about a report on a model.
pub(super) fn page(report: &Report, model: &Model) -> Result<String, CliError> {
    let (taken, rows) = rows(report, model);
    let ports = |role, ports: &[PortSummary]| -> Vec<PortRow> {
        ports.iter().map(|port| PortRow::new(role, port)).collect()
    };
    let mut both = ports("input", &report.summary.inputs);
    both.extend(ports("output", &report.summary.outputs));
    let page = Page {
        model: Name::new(&report.summary.model),
        digest: report.model_digest.clone(),
        fits: report.plan.fits,
        problem: printable(report.plan_error.as_deref().unwrap_or_default()),
        cards: cards(report),
        plans: plans(report),
        lanes: lanes::Lanes::new(&taken),
        row_height: lanes::ROW,
        rows,
        has_differences: report.differences.is_some(),
        ports: both,
    };
    page.render().map_err(|error| EvmError::Page { reason: error.to_string() }.into())
}

fn count(value: impl TryInto<i64>) -> String {
    Grouped(value.try_into().unwrap_or(i64::MAX)).to_string()
}

fn cards(report: &Report) -> Vec<Card> {
    let mut cards = vec![
        Card::new(
            "parameters",
            "parameters",
            count(report.summary.parameters),
            "weights and biases",
        ),
        Card::new("macs", "macs", count(report.summary.macs), "products of one inference"),
    ];
    if let Some(rows) = report.plan.rows_needed {
        let k = report.plan.k_needed.map_or(String::new(), |k| format!("k = {k} holds them"));
        cards.push(Card::new("rows needed", "plan.rows_needed", count(rows), k));
    }
    let Some(chosen) = &report.plan.chosen else { return cards };
    let predicted = chosen.predicted;
    let columns =
        format!("{} advice, {} fixed columns", chosen.advice_columns, chosen.fixed_columns);
    let memory = format!("{} MB", predicted.memory_bytes >> 20);
    let least = format!("{} at least", count(predicted.verify_gas_least));
    let proof = format!("{} bytes of proof", count(predicted.proof_bytes));
    cards.extend([
        Card::new("k", "plan.k", chosen.k.to_string(), columns),
        Card::new(
            "proving, seconds",
            "plan.predicted.prove_seconds",
            format!("{:.2}", predicted.prove_seconds),
            memory,
        ),
        Card::new(
            "verifying, gas",
            "plan.predicted.verify_gas",
            count(predicted.verify_gas),
            least,
        ),
        Card::new(
            "contract, bytes",
            "plan.predicted.runtime_bytes",
            count(predicted.runtime_bytes),
            proof,
        ),
    ]);
    cards
}

impl Card {
    fn new(
        title: &'static str,
        path: &'static str,
        figure: String,
        remark: impl Into<String>,
    ) -> Self {
        Self { title, path, figure, remark: remark.into() }
    }
}

#[allow(clippy::cast_precision_loss, reason = "for bars")]
fn plans(report: &Report) -> Vec<Plan> {
    let frontier = &report.plan.frontier;
    let figures =
        |plan: &Alternative| [plan.prove_seconds, plan.memory_bytes as f64, plan.verify_gas as f64];
    let most = frontier
        .iter()
        .map(figures)
        .fold([0.0_f64; 3], |most, figures| [0, 1, 2].map(|at| most[at].max(figures[at])));
    let chosen = report.plan.chosen.as_ref();
    let plan = |(at, plan): (usize, &Alternative)| {
        let shares = [0, 1, 2].map(|figure| 100.0 * figures(plan)[figure] / most[figure]);
        let text = [
            (Some("prove_seconds"), format!("{:.2}", plan.prove_seconds)),
            (None, count(plan.memory_bytes >> 20)),
            (Some("verify_gas"), count(plan.verify_gas)),
        ];
        let mut cells = shares.into_iter().zip(text).map(|(percent, (field, text))| Cell {
            percent,
            path: field.map(|field| format!("plan.frontier.{at}.{field}")),
            text,
        });
        Plan {
            name: format!("--format {} --optimize {}", plan.format, plan.goal()),
            k: plan.k,
            is_chosen: chosen.is_some_and(|chosen| {
                plan.k == chosen.k
                    && plan.verify_gas == chosen.predicted.verify_gas
                    && plan.memory_bytes == chosen.predicted.memory_bytes
            }),
            cells: [(); 3].map(|()| cells.next().expect("a cell for each figure")),
        }
    };
    frontier.iter().enumerate().map(plan).collect()
}

/// Inputs, then nodes, and whose results each takes.
fn rows(report: &Report, model: &Model) -> (Vec<Vec<usize>>, Vec<Row>) {
    let mut needed: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &report.plan.by_node {
        *needed.entry(&node.node).or_default() += node.rows;
    }
    let differences: BTreeMap<&str, i32> = (report.differences.iter())
        .flat_map(|differences| &differences.nodes)
        .map(|difference| (difference.node.as_str(), difference.largest))
        .collect();
    let most = needed.values().copied().max().unwrap_or(0);
    let graph = &model.graph;
    let mut makers: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut taken, mut rows) = (Vec::new(), Vec::new());
    let ports = model.inputs.iter().map(|port| (port.name.as_str(), port.tensor, None));
    let nodes = graph.nodes.iter().map(|node| (node.name.as_str(), node.output, Some(node)));
    for (name, result, node) in ports.chain(nodes) {
        let takes = node.map_or(&[][..], |node| &node.inputs);
        taken.push(takes.iter().filter_map(|tensor| makers.get(&tensor.0).copied()).collect());
        makers.insert(result.0, rows.len());
        // Nodes that share a name share its rows: they are shown once.
        let count_of_rows = needed.remove(name);
        let given = |text: &dyn Fn(&Node) -> String| node.map(text).unwrap_or_default();
        rows.push(Row {
            kind: match node.map(|node| node.origin.exactness) {
                None => "input",
                Some(Exactness::Exact) => "exact",
                Some(Exactness::Approximate) => "approximate",
            },
            name: Name::new(name),
            operator: node.map_or(Name::new("input"), |node| Name::new(&node.origin.operator)),
            shape: format!("{:?}", graph.tensors[result.0].shape),
            macs: given(&|node| some(graph.macs(node))),
            parameters: given(&|node| some(node.origin.parameters)),
            difference: differences.get(name).map(ToString::to_string).unwrap_or_default(),
            rows: count_of_rows.map(some).unwrap_or_default(),
            percent: bar(count_of_rows.unwrap_or(0), most),
        });
    }
    (taken, rows)
}

/// Nothing for nothing.
fn some(value: impl TryInto<i64>) -> String {
    match value.try_into().unwrap_or(i64::MAX) {
        0 => String::new(),
        value => count(value),
    }
}

#[allow(clippy::cast_precision_loss, reason = "pixels")]
fn bar(part: usize, most: usize) -> f64 {
    if most == 0 { 0.0 } else { (LONGEST_BAR * part as f64 / most as f64).round() }
}

impl PortRow {
    fn new(role: &'static str, port: &PortSummary) -> Self {
        let PortSummary { name, shape, element, scale, zero_point, notes } = port;
        let (name, element) = (Name::new(name), element.clone());
        let notes: Vec<String> =
            notes.iter().map(|note| super::shortened(&printable(note))).collect();
        let (shape, notes) = (format!("{shape:?}"), notes.join("; "));
        Self { name, role, shape, element, scale: *scale, zero_point: *zero_point, notes }
    }
}

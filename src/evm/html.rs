//! Reports as one self-contained page: no script, style or picture is loaded from elsewhere.

use askama::Template;
use serde::Serialize;

use crate::name::{Name, printable_json};

use super::{EvmError, Experiment, Fork, GasReport, report::Entry, text::Grouped};

#[derive(Template)]
#[template(path = "gas_report.html")]
struct Page {
    contract: Name,
    forks: Vec<Column>,
    rows: Vec<Row>,
    /// Everything, for the page's script.
    data: String,
}

struct Column {
    name: &'static str,
}

/// A row of the table of forks.
struct Row {
    name: String,
    /// Whether it is a part of the total.
    is_part: bool,
    cells: Vec<Cell>,
}

struct Cell {
    fork: &'static str,
    /// Where the JSON report has the figure.
    path: String,
    text: String,
}

impl Experiment {
    /// A page on reports of this experiment under different forks, which shows `chosen` first.
    pub fn html_page(&self, reports: &[GasReport], chosen: Fork) -> Result<String, EvmError> {
        let page_error = |reason: String| EvmError::Page { reason };
        let data = data(self, reports, chosen).map_err(|error| page_error(error.to_string()))?;
        let page = Page {
            contract: Name::new(reports.first().map_or("contract", |report| &report.contract)),
            forks: reports.iter().map(|report| Column { name: report.fork.name() }).collect(),
            rows: rows(reports),
            data,
        };
        page.render().map_err(|error| page_error(error.to_string()))
    }
}

type Figure = fn(&GasReport) -> u64;

fn rows(reports: &[GasReport]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let signed = |gas: u64| i64::try_from(gas).unwrap_or(i64::MAX);
    let figures: [(&str, Figure); 4] = [
        ("total", |report| report.total),
        ("execution", |report| report.execution),
        ("floor", |report| report.floor),
        ("deploy_gas", |report| report.deploy_gas),
    ];
    let mut phases: Vec<&str> = Vec::new();
    for (phase, _) in reports.iter().flat_map(|report| report.phases.iter()) {
        if !phases.contains(&phase) {
            phases.push(phase);
        }
    }
    for phase in phases {
        let cells = reports
            .iter()
            .map(|report| Cell::new(report, &format!("phases.{phase}"), report.phases.get(phase)));
        rows.push(Row { name: phase.to_owned(), is_part: true, cells: cells.collect() });
    }
    for (index, (name, figure)) in figures.into_iter().enumerate() {
        let cells = reports.iter().map(|report| Cell::new(report, name, signed(figure(report))));
        let row = Row { name: name.replace('_', " "), is_part: false, cells: cells.collect() };
        // The total stands above its parts, the other figures below.
        rows.insert(if index == 0 { 0 } else { rows.len() }, row);
    }
    rows
}

impl Cell {
    fn new(report: &GasReport, path: &str, value: i64) -> Self {
        let fork = report.fork.name();
        Self { fork, path: format!("{fork}.{path}"), text: Grouped(value).to_string() }
    }
}

/// What the page's script reads.
#[derive(Serialize)]
struct Data<'a> {
    reports: Vec<WithLedger<'a>>,
    sources: Vec<Source<'a>>,
    chosen: Fork,
}

#[derive(Serialize)]
struct WithLedger<'a> {
    #[serde(flatten)]
    report: &'a GasReport,
    ledger: &'a [Entry],
}

#[derive(Serialize)]
struct Source<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
}

/// JSON that may stand in a `script` element.
fn data(
    experiment: &Experiment,
    reports: &[GasReport],
    chosen: Fork,
) -> Result<String, serde_json::Error> {
    let reports =
        reports.iter().map(|report| WithLedger { report, ledger: &report.ledger }).collect();
    let sources = experiment
        .files()
        .into_iter()
        .map(|file| Source { name: &file.name, lines: file.text.lines().collect() })
        .collect();
    let data = serde_json::to_string(&Data { reports, sources, chosen })?;
    // Neither `</script>` nor `<!--` may occur.
    Ok(printable_json(&data).replace('<', "\\u003c"))
}

//! What was measured as one self-contained page, beside earlier runs: no script, style or picture is loaded from elsewhere.

use super::Table;
use crate::cli::{CliError, files};
use crate::evm::{EvmError, Grouped};
use crate::name::Name;
use askama::Template;
use serde_json::Value;
use std::path::Path;

/// What is shown: the field of the JSON report, a title, how many of its units one of the shown has, and how many digits
/// stand behind the point.
const FIGURES: [(&str, &str, f64, usize); 8] = [
    ("prove_cpu_seconds", "Proving, processor seconds", 1.0, 2),
    ("prove_seconds", "Proving, seconds", 1.0, 2),
    ("keygen_seconds", "Keys, seconds", 1.0, 2),
    ("verify_seconds", "Verifying here, seconds", 1.0, 4),
    ("peak_memory_bytes", "Memory at most, MB", 1_048_576.0, 0),
    ("verify_gas", "Verifying on-chain, gas", 1.0, 0),
    ("proof_bytes", "Proof, bytes", 1.0, 0),
    ("runtime_bytes", "Contract, bytes", 1.0, 0),
];

#[derive(Template)]
#[template(path = "bench.html")]
struct Page {
    runs: Vec<Name>,
    charts: Vec<Chart>,
    stages: Vec<Stages>,
}

/// One figure of all models.
struct Chart {
    title: &'static str,
    models: Vec<Bars>,
}

/// One figure of one model.
struct Bars {
    model: Name,
    bars: Vec<Bar>,
    /// Of this run against the last before it that has the model.
    ratio: Option<f64>,
}

struct Bar {
    run: usize,
    is_now: bool,
    percent: f64,
    text: String,
    path: String,
}

/// What share each stage has of proving one model.
struct Stages {
    model: Name,
    shares: Vec<(Name, f64)>,
}

/// What one run measured.
pub(super) struct Run {
    name: Name,
    rows: Vec<Value>,
}

impl Run {
    /// As `bench --json` wrote it.
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let name = path.file_stem().unwrap_or(path.as_os_str());
        let name = Name::new(&name.to_string_lossy());
        let is_row = |row: &Value| {
            let figure = |&(field, ..): &(&str, _, _, _)| row[field].as_f64();
            let mut figures = FIGURES.iter().map(figure);
            // Processor seconds were not always measured.
            row["model"].is_string()
                && row["prove_seconds"].is_number()
                && figures.all(|figure| figure.is_none_or(|figure| figure >= 0.0))
        };
        match serde_json::from_slice(&files::read_document(path)?) {
            Ok(Value::Array(rows)) if !rows.is_empty() && rows.iter().all(is_row) => {
                Ok(Self { name, rows })
            }
            _ => Err(CliError::Usage {
                message: format!("`{}` is not what `bench` measured", path.display()),
                hint: "give a file that `bench --json` wrote".into(),
            }),
        }
    }
}

/// A page about this run and those before it.
pub(super) fn page(mut runs: Vec<Run>, now: &Table) -> Result<String, CliError> {
    let rows = now.0.iter().map(serde_json::to_value).collect::<Result<_, _>>();
    runs.push(Run { name: Name::new("this run"), rows: rows.map_err(CliError::Json)? });
    let chart = |&(field, title, unit, digits): &(_, _, _, _)| {
        let models = now.0.iter().enumerate().map(|(at, row)| {
            Bars::new(&runs, &row.model, (at, field), &|figure| number(figure / unit, digits))
        });
        Chart { title, models: models.collect() }
    };
    let stages = now.0.iter().map(|row| Stages {
        model: Name::new(&row.model),
        shares: row.stages.iter().map(|(stage, share)| (Name::new(stage), 100.0 * share)).collect(),
    });
    let page = Page {
        charts: FIGURES.iter().map(chart).collect(),
        stages: stages.collect(),
        runs: runs.into_iter().map(|run| run.name).collect(),
    };
    page.render().map_err(|error| EvmError::Page { reason: error.to_string() }.into())
}

/// With so many digits behind the point, or its thousands set apart.
#[allow(clippy::cast_possible_truncation, reason = "figures far below 2^53")]
fn number(figure: f64, digits: usize) -> String {
    match digits {
        0 => Grouped(figure.round() as i64).to_string(),
        _ => format!("{figure:.digits$}"),
    }
}

impl Bars {
    /// Of the model at a place of the last run, as far as earlier runs have it.
    fn new(
        runs: &[Run],
        model: &str,
        (at, field): (usize, &str),
        text: &dyn Fn(f64) -> String,
    ) -> Self {
        let figures: Vec<Option<f64>> = (runs.iter().enumerate())
            .map(|(run, Run { rows, .. })| {
                let is_now = run + 1 == runs.len();
                let row = rows
                    .iter()
                    .enumerate()
                    .find(|(place, row)| if is_now { *place == at } else { row["model"] == model });
                row?.1[field].as_f64()
            })
            .collect();
        let most = figures.iter().flatten().copied().fold(0.0, f64::max);
        let share = |figure: f64| if most > 0.0 { 100.0 * figure / most } else { 0.0 };
        let bars = figures.iter().enumerate().filter_map(|(run, figure)| {
            let (figure, is_now) = ((*figure)?, run + 1 == runs.len());
            let path = if is_now { format!("{at}.{field}") } else { String::new() };
            Some(Bar { run, is_now, percent: share(figure), text: text(figure), path })
        });
        let (earlier, now) = figures.split_at(figures.len() - 1);
        let before = earlier.iter().rev().flatten().next();
        let ratio = before.filter(|&&before| before > 0.0).zip(now[0]);
        Self {
            model: Name::new(model),
            bars: bars.collect(),
            ratio: ratio.map(|(before, now)| now / before),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(rows: Value) -> Run {
        let Value::Array(rows) = rows else { panic!("rows") };
        Run { name: Name::new("run"), rows }
    }

    #[test]
    fn a_model_is_held_against_the_last_run_that_has_it() {
        let runs = [
            run(json!([{ "model": "a", "verify_gas": 400 }])),
            run(json!([{ "model": "b", "verify_gas": 7 }, { "model": "a", "verify_gas": 200 }])),
            run(json!([{ "model": "b" }])),
            run(json!([{ "model": "a", "verify_gas": 100 }, { "model": "c", "verify_gas": 5 }])),
        ];
        let bars =
            |model, at| Bars::new(&runs, model, (at, "verify_gas"), &|figure| number(figure, 0));
        let a = bars("a", 0);
        assert_eq!(a.ratio, Some(0.5));
        let shares: Vec<_> = a.bars.iter().map(|bar| (bar.run, bar.percent)).collect();
        assert_eq!(shares, [(0, 100.0), (1, 50.0), (3, 25.0)]);
        assert!(a.bars[2].is_now && a.bars[2].path == "0.verify_gas");
        let c = bars("c", 1);
        assert_eq!((c.ratio, c.bars.len()), (None, 1));
    }
}

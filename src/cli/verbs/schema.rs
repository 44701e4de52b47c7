//! `schema`: what the integers of an input mean, checked, shown, or begun.

use super::commit::refuse_to_replace;
use crate::bundle::{Bundle, DataField, DataSchema, Rounding, hex};
use crate::circuit::InstanceTensor;
use crate::cli::{Answer, CliError, Console, commitments::hidden_input, files, schema};
use crate::name::Name;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// What `schema` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The schema: a JSON document that says what each integer of an input means, and is known by the Keccak-256 of its bytes
    #[arg(required_unless_present = "of")]
    schema: Option<PathBuf>,
    /// Check that it is of the type and shape of the input of a bundle, which is committed or hashed
    #[arg(long = "for", value_name = "BUNDLE", conflicts_with = "of")]
    bundle: Option<PathBuf>,
    /// Begin one to edit, of the committed or hashed input of a bundle, in the steps of the model's own scale
    #[arg(long, value_name = "BUNDLE", conflicts_with = "schema", requires = "out")]
    of: Option<PathBuf>,
    /// Which of several committed or hashed inputs of the bundle
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Where to put what is begun
    #[arg(long, value_name = "FILE", requires = "of")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    hash: String,
    title: String,
    code: &'static str,
    shape: Vec<usize>,
    fields: Vec<FieldReport>,
    /// The input that it was compared with, or begun of.
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

#[derive(Serialize)]
struct FieldReport {
    name: String,
    unit: String,
    /// Its first element, and how many it has.
    first: usize,
    count: usize,
    step: String,
    offset: String,
    range: [String; 2],
    integers: [i64; 2],
    rounding: Rounding,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<i64>,
}

impl FieldReport {
    fn new(field: &DataField, first: usize) -> Self {
        Self {
            name: field.name.clone(),
            unit: field.unit.clone(),
            first,
            count: field.len(),
            step: field.step.to_string(),
            offset: field.offset.to_string(),
            range: field.range.map(|end| end.to_string()),
            integers: field.integers,
            rounding: field.rounding,
            missing: field.missing,
        }
    }

    /// What it says, a column each.
    fn columns(&self) -> [String; 6] {
        let Self { first, count, range: [low, high], integers: [least, most], .. } = self;
        let elements = match count {
            1 => first.to_string(),
            _ => format!("{first}–{}", first + count - 1),
        };
        let between = match self.rounding {
            Rounding::Exact => "",
            Rounding::Nearest => ", rounded",
        };
        // A value within the range may stand for missing ones too.
        let missing = match self.missing {
            None => String::new(),
            Some(missing) if (*least..=*most).contains(&missing) => {
                format!("; {missing} also where it is missing")
            }
            Some(missing) => format!("; {missing} where it is missing"),
        };
        [
            elements,
            Name::new(&self.name).to_string(),
            format!("{low} to {high}"),
            Name::new(&self.unit).to_string(),
            format!("steps of {} from {}{between}", self.step, self.offset),
            format!("{least} to {most}{missing}"),
        ]
    }
}

impl Report {
    fn new(schema: &DataSchema) -> Self {
        let mut first = 0;
        let fields = schema.fields.iter().map(|field| {
            let report = FieldReport::new(field, first);
            first += field.len();
            report
        });
        Self {
            hash: hex(&schema.hash),
            title: schema.title.clone(),
            code: schema.code.name(),
            shape: schema.shape.clone(),
            fields: fields.collect(),
            input: None,
            file: None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "hash   {}", self.hash)?;
        writeln!(f, "title  {}", Name::new(&self.title))?;
        writeln!(f, "of     {} in the shape {:?}", self.code, self.shape)?;
        if let Some(input) = &self.input {
            writeln!(f, "input  {}", Name::new(input))?;
        }
        if let Some(file) = &self.file {
            writeln!(f, "file   {file}")?;
        }
        let head = ["element", "field", "range", "unit", "integer", "committed"].map(str::to_owned);
        let rows = std::iter::once(head).chain(self.fields.iter().map(FieldReport::columns));
        let rows: Vec<[String; 6]> = rows.collect();
        let widths: [usize; 6] = std::array::from_fn(|column| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        });
        for row in &rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// The bundle's input that is meant, and the position of that among all.
fn input_of(bundle: &Bundle, only: Option<&str>) -> Result<(usize, InstanceTensor), CliError> {
    let layout = &bundle.manifest.layout;
    let number = hidden_input(layout, only, true)?;
    Ok((number, layout.inputs[number].tensor.clone()))
}

/// Writes a schema to edit.
fn begin(args: &Args, bundle: &Path, out: &Path, console: &Console) -> Result<Answer, CliError> {
    refuse_to_replace(out, "what was signed under it would be under another")?;
    let bundle = Bundle::open(bundle)?;
    let (number, tensor) = input_of(&bundle, args.only.as_deref())?;
    let model = bundle.model()?;
    let draft = DataSchema::draft(&model, &model.inputs[number], &tensor)?;
    files::write(out, draft.as_bytes())?;
    let mut report = Report::new(&DataSchema::parse(draft.as_bytes())?);
    (report.input, report.file) = (Some(tensor.name), Some(out.display().to_string()));
    console.result(&report)?;
    Ok(Answer::Yes)
}

/// Says what a schema says, or begins one.
pub fn run(args: &Args, console: &Console) -> Result<Answer, CliError> {
    if let (Some(bundle), Some(out)) = (&args.of, &args.out) {
        return begin(args, bundle, out, console);
    }
    let Some(path) = &args.schema else {
        return Err(CliError::Usage {
            message: "there is no schema to read".into(),
            hint: "give one, or begin one with `--of BUNDLE --out FILE`".into(),
        });
    };
    let schema = schema::open(path)?;
    let mut report = Report::new(&schema);
    if let Some(bundle) = &args.bundle {
        let (_, tensor) = input_of(&Bundle::open(bundle)?, args.only.as_deref())?;
        schema.check_input(&tensor).map_err(|error| CliError::from(error).at(path))?;
        report.input = Some(tensor.name);
    }
    console.result(&report)?;
    Ok(Answer::Yes)
}

//! `quantize`: from a float model and example inputs to an int8 one.

use crate::cli::{Answer, CliError, Console, files, input};
use crate::model::quantize::{Examples, QuantizeOptions, QuantizeReport, Range};
use crate::model::{Exactness, Model};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// What `quantize` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The float ONNX model
    model: PathBuf,
    /// Example inputs: .npz, .npy or JSON; labels under `y` of an .npz give an accuracy report
    #[arg(long, value_name = "FILE")]
    calibration: PathBuf,
    /// Other inputs, with labels under `y`, to report on [default: those of --calibration]
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// Where to put the int8 model [default: the model's file name with .int8.onnx]
    #[arg(long)]
    out: Option<PathBuf>,
    /// How the range of an activation follows from the examples
    #[arg(long, value_enum, default_value_t)]
    method: Method,
    /// With `--method percentile`: this share of the values is in range, at either end
    #[arg(long, value_name = "PERCENT", default_value_t = 99.9)]
    percentile: f64,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
    /// One scale for all weights of a layer instead of one per output channel
    #[arg(long)]
    per_tensor: bool,
    /// Take all scales from an int8 model that was made here from the same architecture: after a retraining,
    /// the weights alone change
    #[arg(long, value_name = "INT8.onnx")]
    scales_of: Option<PathBuf>,
    #[command(flatten)]
    dimensions: input::DimensionArgs,
}

/// How ranges of activations are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Method {
    /// From the smallest value to the largest
    #[default]
    MinMax,
    /// Without the largest and smallest few
    Percentile,
}

#[derive(Serialize)]
struct Report {
    model: String,
    method: Method,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentile: Option<f64>,
    per_channel: bool,
    parameters: usize,
    operators: usize,
    approximate_operators: usize,
    #[serde(flatten)]
    report: QuantizeReport,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { report, .. } = self;
        writeln!(f, "model       {}", self.model)?;
        writeln!(
            f,
            "operators   {}, of which {} approximate",
            self.operators, self.approximate_operators
        )?;
        writeln!(f, "parameters  {}", self.parameters)?;
        if report.kept_weights > 0 {
            writeln!(f, "kept        the integers of {} weights", report.kept_weights)?;
        }
        for (output, rest) in &report.sums {
            writeln!(f, "16 bits     `{output}` and `{rest}`, which are added")?;
        }
        writeln!(f, "compared    on {} inputs", report.inputs)?;
        writeln!(
            f,
            "difference  {} at most ({} steps), {} on average",
            report.largest_difference_real, report.largest_difference_steps, report.mean_difference
        )?;
        if report.values_beyond_range > 0 {
            writeln!(f, "beyond      {} values of the inputs", report.values_beyond_range)?;
        }
        writeln!(f, "agreement   {:.2} %", 100.0 * report.agreement)?;
        if let (Some(float), Some(quantized)) = (report.float_accuracy, report.quantized_accuracy) {
            writeln!(f, "accuracy    {:.2} %, float {:.2} %", 100.0 * quantized, 100.0 * float)?;
        }
        Ok(())
    }
}

/// Quantizes, compares, writes.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let out = args.out.clone().unwrap_or_else(|| default_path(&args.model));
    refuse_to_replace(&out, &args)?;
    let float = args.dimensions.open(&args.model)?;
    let calibration = files::read(&args.calibration)?;
    let test = args.test.as_ref().map(|path| files::read(path)).transpose()?;
    let scales_of = args.scales_of.as_ref().map(|path| files::read(path)).transpose()?;
    let options = QuantizeOptions {
        range: match args.method {
            Method::MinMax => Range::MinMax,
            Method::Percentile => Range::Percentile(args.percentile),
        },
        per_channel: !args.per_tensor,
        scales_of: scales_of.as_deref(),
    };
    let stage = console.stage("quantizing");
    let quantized = float.read(1, |import| {
        let (examples, test) = (Examples::new(&calibration), test.as_deref().map(Examples::new));
        Model::quantize(&float.name, &float.bytes, examples, test, options, import)
    });
    let quantized = quantized.map_err(|error| match (error.is_of_input(), &args.test) {
        (false, _) => CliError::from(error).at(&args.model),
        (true, None) => CliError::from(error).at(&args.calibration),
        // Either of the two; the message says what is wrong.
        (true, Some(_)) => error.into(),
    })?;
    drop(stage);
    files::write(&out, &quantized.onnx)?;
    let summary = quantized.model.summary();
    let is_approximate = |exactness| exactness == Exactness::Approximate;
    console.result(&Report {
        model: out.display().to_string(),
        method: args.method,
        percentile: (args.method == Method::Percentile).then_some(args.percentile),
        per_channel: options.per_channel,
        parameters: summary.parameters,
        operators: summary.nodes.len(),
        approximate_operators: (summary.nodes.iter())
            .filter(|node| is_approximate(node.exactness))
            .count(),
        report: quantized.report,
    })?;
    Ok(Answer::Yes)
}

/// A file that is there stays there, unless it was said to go.
fn refuse_to_replace(out: &Path, args: &Args) -> Result<(), CliError> {
    let same = |path: &PathBuf| {
        path.canonicalize().is_ok_and(|path| out.canonicalize().is_ok_and(|out| out == path))
    };
    let is_read =
        [Some(&args.model), Some(&args.calibration), args.test.as_ref(), args.scales_of.as_ref()]
            .into_iter()
            .flatten()
            .any(same);
    let (message, hint) = if is_read {
        (format!("`{}` is also read", out.display()), "choose another path for --out")
    } else if out.exists() && !args.force {
        (format!("`{}` is there already", out.display()), "replace it with --force")
    } else {
        return Ok(());
    };
    Err(CliError::Usage { message, hint: hint.into() })
}

/// `model.onnx` becomes `model.int8.onnx`.
fn default_path(model: &Path) -> PathBuf {
    model.with_extension("int8.onnx")
}

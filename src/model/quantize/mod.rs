//! Post-training static quantization: from a float ONNX model and example inputs to an int8 one.
//!
//! The result is an ONNX file with DequantizeLinear and QuantizeLinear around every operator, as
//! onnxruntime's own quantizer writes it: int8 activations with the ranges that the examples show, int8
//! weights symmetric around 0, per output channel, int32 biases. Batch normalizations become
//! part of the convolution before them.

mod batch_norm;
mod ranges;
mod rewrite;

use prost::Message as _;
use serde::Serialize;

use super::{
    ImportOptions, InputFormat, Model, ModelError,
    import::FloatGraph,
    input::{read_floats, read_labels},
    onnx,
};

/// How the range of an activation follows from the values that the examples give it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Range {
    /// From the smallest to the largest.
    #[default]
    MinMax,
    /// All but this share of the values at either end, in percent: `Percentile(99.9)` leaves out one
    /// in a thousand.
    Percentile(f64),
}

/// Choices of a quantization.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantizeOptions {
    /// How ranges are found.
    pub range: Range,
    /// Whether weights have a scale per output channel, or one for all.
    pub per_channel: bool,
}

impl Default for QuantizeOptions {
    fn default() -> Self {
        Self { range: Range::MinMax, per_channel: true }
    }
}

/// Example inputs, as [`Model::read_inferences`] takes them; an archive may have their labels under `y`.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    /// The file's bytes.
    pub bytes: &'a [u8],
    /// How they are written down.
    pub format: InputFormat,
}

impl<'a> Examples<'a> {
    /// Bytes in the format that they begin like.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, format: InputFormat::detect(bytes) }
    }
}

/// A quantized model.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// The ONNX file.
    pub onnx: Vec<u8>,
    /// What it is.
    pub model: Model,
    /// How it compares with the float model.
    pub report: QuantizeReport,
}

/// How a quantized model compares with its float model, on example inputs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuantizeReport {
    /// Number of inputs that both models were compared on.
    pub inputs: usize,
    /// Largest difference of an output.
    pub max_difference: f32,
    /// Mean difference of an output.
    pub mean_difference: f32,
    /// Share of inputs for which the largest output is the same one.
    pub agreement: f64,
    /// Share of inputs for which the float model's largest output is the label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub float_accuracy: Option<f64>,
    /// The same for the quantized model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantized_accuracy: Option<f64>,
}

impl Model {
    /// Quantizes a float ONNX file.
    ///
    /// The ranges of activations are those that the examples of `calibration` show. The report is about
    /// the examples of `test`, or of `calibration` where there are no others.
    pub fn quantize(
        name: &str,
        float: &[u8],
        calibration: Examples<'_>,
        test: Option<Examples<'_>>,
        options: QuantizeOptions,
        import: &ImportOptions<'_>,
    ) -> Result<Quantized, ModelError> {
        let mut file = onnx::decode(float)?;
        let nodes = file.graph.iter().flat_map(|graph| &graph.node);
        if let Some(node) = nodes
            .into_iter()
            .find(|node| matches!(node.op_type.as_str(), "QuantizeLinear" | "DequantizeLinear"))
        {
            return Err(ModelError::AlreadyQuantized(node.op_type.clone()));
        }
        batch_norm::fold(&mut file)?;
        let graph = FloatGraph::read(&file, import)?;
        let read = |examples: Examples<'_>| {
            let floats = read_floats(examples.bytes, examples.format, &graph.inputs)?;
            Ok::<_, ModelError>((floats, read_labels(examples.bytes, examples.format)))
        };
        let (examples, labels) = read(calibration)?;
        let (tests, test_labels) = match test {
            Some(test) => read(test)?,
            None => (examples.clone(), labels),
        };
        let ranges = ranges::find(&file, &graph, &examples, options.range)?;
        let quantized = rewrite::rewrite(&file, &graph, &ranges, options.per_channel, import)?;
        let onnx = quantized.encode_to_vec();
        let model = Model::from_onnx(name, &onnx)?;
        let report = compare(&file, &graph, &model, &tests, test_labels.as_deref())?;
        Ok(Quantized { onnx, model, report })
    }
}

/// Computes all examples with both models.
fn compare(
    file: &onnx::ModelProto,
    float: &FloatGraph,
    model: &Model,
    examples: &[Vec<Vec<f32>>],
    labels: Option<&[i64]>,
) -> Result<QuantizeReport, ModelError> {
    let outputs = file.graph.as_ref().map(|graph| graph.output.as_slice()).unwrap_or_default();
    let (mut largest, mut sum, mut count) = (0.0_f32, 0.0_f64, 0.0_f64);
    let (mut agreeing, mut float_right, mut quantized_right) = (0.0, 0.0, 0.0);
    for (position, example) in examples.iter().enumerate() {
        let values = float.evaluate(example);
        let integers: Vec<Vec<i32>> = model
            .inputs
            .iter()
            .zip(example)
            .map(|(port, reals)| {
                let quantization = model.graph.tensors[port.tensor.0].quantization;
                reals.iter().map(|&real| quantization.quantize(real)).collect()
            })
            .collect();
        let answers = model.outputs(&model.evaluate(&integers)?);
        for (index, (output, answer)) in outputs.iter().zip(&answers).enumerate() {
            let Some(expected) = float.of(&values, &output.name) else { continue };
            for (real, quantized) in expected.iter().zip(&answer.dequantized) {
                largest = largest.max((real - quantized).abs());
                sum += f64::from((real - quantized).abs());
                count += 1.0;
            }
            if index == 0 {
                let (float_class, class) = (arg_max(expected), arg_max(&answer.dequantized));
                agreeing += f64::from(u8::from(float_class == class));
                if let Some(&label) = labels.and_then(|labels| labels.get(position)) {
                    let right =
                        |class: usize| f64::from(u8::from(i64::try_from(class) == Ok(label)));
                    float_right += right(float_class);
                    quantized_right += right(class);
                }
            }
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let total = examples.len() as f64;
    let has_labels = labels.is_some_and(|labels| labels.len() == examples.len());
    #[allow(clippy::cast_possible_truncation)]
    let mean_difference = (sum / f64::max(count, 1.0)) as f32;
    Ok(QuantizeReport {
        inputs: examples.len(),
        max_difference: largest,
        mean_difference,
        agreement: agreeing / total,
        float_accuracy: has_labels.then(|| float_right / total),
        quantized_accuracy: has_labels.then(|| quantized_right / total),
    })
}

/// The class that an output means: its largest element, or whether a single one is above one half.
fn arg_max(values: &[f32]) -> usize {
    if let [probability] = values {
        return usize::from(*probability > 0.5);
    }
    values
        .iter()
        .enumerate()
        .fold((0, f32::MIN), |best, (i, &value)| if value > best.1 { (i, value) } else { best })
        .0
}

//! Post-training static quantization: from a float ONNX model and example inputs to an int8 one.
//!
//! The result is an ONNX file with DequantizeLinear and QuantizeLinear around every operator, as
//! onnxruntime's own quantizer writes it: int8 activations with the ranges that the examples show, int8
//! weights symmetric around 0, per output channel, int32 biases. Batch normalizations become
//! part of the convolution before them.

mod attention;
mod batch_norm;
mod branches;
mod classic;
mod decompose;
mod einsum;
mod lines;
mod losses;
mod modern;
mod normalizations;
mod operators;
mod parts;
mod ranges;
mod recurrent;
mod resize;
mod rewrite;
mod scales;
mod scatter;
mod stored;
mod truths;
mod whole;
mod wide;

use prost::Message as _;
use serde::Serialize;

use super::{
    ImportOptions, InputFormat, Model, ModelError,
    import::{FloatGraph, check_attributes},
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
pub struct QuantizeOptions<'a> {
    /// How ranges are found.
    pub range: Range,
    /// Whether weights have a scale per output channel, or one for all.
    pub per_channel: bool,
    /// A file that was quantized with the same options from a model of the same architecture, whose scales all
    /// stay.
    pub scales_of: Option<&'a [u8]>,
}

impl Default for QuantizeOptions<'_> {
    fn default() -> Self {
        Self { range: Range::MinMax, per_channel: true, scales_of: None }
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
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct QuantizeReport {
    /// Number of inputs that both models were compared on.
    pub inputs: usize,
    /// Largest difference of an output.
    pub largest_difference_real: f32,
    /// The same, in steps of the quantized output.
    pub largest_difference_steps: i32,
    /// Mean difference of an output.
    pub mean_difference: f32,
    /// Share of inputs for which the first output means the same class: its largest element, or the position
    /// that it is.
    pub agreement: f64,
    /// Values of the inputs that lie beyond what their integers can stand for.
    pub values_beyond_range: usize,
    /// How many weights keep the integers that the file has for them.
    #[serde(skip_serializing_if = "is_zero")]
    pub kept_weights: usize,
    /// Outputs of 16 bits: the answer is the sum of the two. Differences are those of the sums, in steps of the second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<(String, String)>,
    /// Share of inputs for which the float model's largest output is the label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub float_accuracy: Option<f64>,
    /// The same for the quantized model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantized_accuracy: Option<f64>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &usize) -> bool {
    *count == 0
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
        options: QuantizeOptions<'_>,
        import: &ImportOptions<'_>,
    ) -> Result<Quantized, ModelError> {
        let mut file = onnx::decode(float)?;
        let mut nodes = file.graph.iter().flat_map(|graph| &graph.node);
        if let Some(node) = nodes.find(|node| node.op_type.contains("QuantizeLinear"))
            && Self::from_onnx_with(name, float, import).is_ok()
        {
            return Err(ModelError::AlreadyQuantized(node.op_type.clone()));
        }
        check_attributes(&file)?;
        let stored = stored::take(&mut file, import)?;
        decompose::decompose(&mut file, import)?;
        batch_norm::fold(&mut file)?;
        let graph = FloatGraph::read(&file, import)?;
        let reference = match stored.reference.clone() {
            Some(mut file) => {
                decompose::decompose(&mut file, import)?;
                Some(FloatGraph::read(&file, import)?)
            }
            None => None,
        };
        let read = |examples: Examples<'_>| {
            let floats = read_floats(examples.bytes, examples.format, &graph.inputs)?;
            Ok::<_, ModelError>((floats, read_labels(examples.bytes, examples.format)))
        };
        let (examples, labels) = read(calibration)?;
        let (tests, test_labels) = match test {
            Some(test) => read(test)?,
            None => (examples.clone(), labels),
        };
        let scales = options.scales_of.map(scales::Scales::read).transpose()?;
        let mut ranges = ranges::find(
            &file,
            &graph,
            reference.as_ref(),
            &examples,
            options.range,
            &stored,
            import,
        )?;
        if let Some(scales) = &scales {
            ranges::keep(&mut ranges, scales, &file)?;
        }
        let weights = rewrite::Weights {
            per_channel: options.per_channel,
            scales: scales.as_ref(),
            stored: &stored,
        };
        let rewritten = rewrite::rewrite(&file, &graph, &ranges, &weights, import)?;
        let rewrite::Rewritten { file: quantized, kept_weights, rests } = rewritten;
        let onnx = quantized.encode_to_vec();
        let model = Model::from_onnx(name, &onnx)?;
        let report = compare(
            &file,
            reference.as_ref().unwrap_or(&graph),
            &model,
            &rests,
            &tests,
            test_labels.as_deref(),
        )?;
        let report = QuantizeReport { kept_weights, sums: rests, ..report };
        Ok(Quantized { onnx, model, report })
    }
}

/// Computes all examples with both models.
fn compare(
    file: &onnx::ModelProto,
    float: &FloatGraph,
    model: &Model,
    rests: &[(String, String)],
    examples: &[Vec<Vec<f32>>],
    labels: Option<&[i64]>,
) -> Result<QuantizeReport, ModelError> {
    let outputs = file.graph.as_ref().map(|graph| graph.output.as_slice()).unwrap_or_default();
    let mut report = QuantizeReport { inputs: examples.len(), ..QuantizeReport::default() };
    let (mut sum, mut count) = (0.0_f64, 0.0_f64);
    let (mut agreeing, mut float_right, mut quantized_right) = (0.0, 0.0, 0.0);
    for (position, example) in examples.iter().enumerate() {
        let values = float.evaluate(example);
        let mut integers = Vec::new();
        for (port, reals) in model.inputs.iter().zip(example) {
            let tensor = &model.graph.tensors[port.tensor.0];
            let encoded = port.encode(tensor, reals);
            report.values_beyond_range += encoded.beyond;
            integers.push(encoded.integers);
        }
        let mut answers = model.outputs(&model.evaluate(&integers)?);
        let mut steps: Vec<Option<f32>> = vec![None; answers.len()];
        for (name, rest) in rests {
            let at = |name: &String| answers.iter().position(|own| own.name == *name);
            let (Some(at), Some(rest)) = (at(name), at(rest)) else { continue };
            let rests = answers[rest].dequantized.clone();
            let own = answers[at].dequantized.iter_mut();
            own.zip(rests).for_each(|(real, rest)| *real += rest);
            steps[at] = Some(model.graph.tensors[model.outputs[rest].tensor.0].quantization.scale);
        }
        for (index, ((output, answer), port)) in
            outputs.iter().zip(&answers).zip(&model.outputs).enumerate()
        {
            let quantization = model.graph.tensors[port.tensor.0].quantization;
            let classes =
                match (float.of(&values, &output.name), float.positions(&values, &output.name)) {
                    (Some(expected), _) => {
                        for (&real, (&value, &integer)) in
                            expected.iter().zip(answer.dequantized.iter().zip(&answer.quantized))
                        {
                            let difference = (real - value).abs();
                            report.largest_difference_real =
                                report.largest_difference_real.max(difference);
                            #[allow(clippy::cast_possible_truncation)]
                            let steps = match steps[index] {
                                Some(scale) => (difference / scale).round() as i32,
                                None => (quantization.quantize(real) - integer).abs(),
                            };
                            report.largest_difference_steps =
                                report.largest_difference_steps.max(steps);
                            sum += f64::from(difference);
                            count += 1.0;
                        }
                        [arg_max(expected), arg_max(&answer.dequantized)]
                    }
                    (None, Some(positions)) => [first(&positions), first(&answer.quantized)],
                    (None, None) => continue,
                };
            if index == 0 {
                agreeing += f64::from(u8::from(classes[0] == classes[1]));
                if let Some(&label) = labels.and_then(|labels| labels.get(position)) {
                    let right =
                        |class: usize| f64::from(u8::from(i64::try_from(class) == Ok(label)));
                    float_right += right(classes[0]);
                    quantized_right += right(classes[1]);
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
        mean_difference,
        agreement: agreeing / total,
        float_accuracy: has_labels.then(|| float_right / total),
        quantized_accuracy: has_labels.then(|| quantized_right / total),
        ..report
    })
}

/// The class that positions of a largest element mean.
fn first(positions: &[i32]) -> usize {
    positions.first().and_then(|&position| usize::try_from(position).ok()).unwrap_or(usize::MAX)
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

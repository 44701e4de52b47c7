//! Models: read, quantized, described, run, given keys.

use crate::{
    error::{Failure, raise},
    keys::{Keys, Source},
    options::Options,
    work::watched,
};
use pyo3::{prelude::*, types::PyBytes};
use serde_json::json;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use zkverdict::{
    bundle::{self, Inference, ModelFile, hex, read_string},
    model::quantize::{Examples, QuantizeOptions, Range},
    model::{self, InputFormat},
    proving::{Format, ModelProver, Powers, ProvingError, Srs},
    solidity::{Packing, Prediction, packing},
};

/// A quantized model.
#[pyclass(frozen, module = "zkverdict._zkverdict")]
pub struct Model {
    pub file: Arc<ModelFile>,
    model: Arc<model::Model>,
    onnx: Arc<Vec<u8>>,
}

impl Model {
    fn of(file: ModelFile) -> Result<Self, Failure> {
        let (model, onnx) = file.model(1)?;
        Ok(Self { file: Arc::new(file), model: Arc::new(model), onnx: Arc::new(onnx) })
    }
}

/// A file at a path, or of bytes.
fn model_file(
    name: Option<String>,
    path: Option<PathBuf>,
    bytes: Option<Vec<u8>>,
    dimensions: BTreeMap<String, usize>,
) -> Result<ModelFile, Failure> {
    let mut file = match (path, bytes) {
        (Some(path), _) => ModelFile::open(&path, dimensions)?,
        (None, bytes) => ModelFile::of_bytes("model", bytes.unwrap_or_default(), dimensions),
    };
    file.name = name.unwrap_or(file.name);
    Ok(file)
}

fn json_of(value: &impl serde::Serialize) -> Result<String, Failure> {
    let failed = |error: serde_json::Error| Failure::new("ZkverdictError", error.to_string(), "");
    serde_json::to_string(value).map_err(failed)
}

/// How many values of these inputs lie beyond the range that the model was quantized for.
pub fn beyond(
    model: &model::Model,
    ports: &[&model::Port],
    input: &[u8],
) -> Result<usize, Failure> {
    Ok(model.values_beyond_range_of(ports, input, InputFormat::detect(input))?)
}

#[pymethods]
impl Model {
    /// Reads a quantized model.
    #[staticmethod]
    fn load(
        py: Python<'_>,
        name: Option<String>,
        path: Option<PathBuf>,
        bytes: Option<Vec<u8>>,
        dimensions: BTreeMap<String, usize>,
    ) -> PyResult<Self> {
        watched(py, None, move |_| Self::of(model_file(name, path, bytes, dimensions)?))
    }

    /// Quantizes a float model; gives the report too.
    #[staticmethod]
    #[allow(clippy::too_many_arguments, reason = "Python's part calls it by name")]
    fn quantize(
        py: Python<'_>,
        name: Option<String>,
        path: Option<PathBuf>,
        bytes: Option<Vec<u8>>,
        dimensions: BTreeMap<String, usize>,
        calibration: Vec<u8>,
        test: Option<Vec<u8>>,
        percentile: Option<f64>,
        per_channel: bool,
        scales_of: Option<Vec<u8>>,
    ) -> PyResult<(Self, String)> {
        watched(py, None, move |_| {
            let file = model_file(name, path, bytes, dimensions)?;
            let options = QuantizeOptions {
                range: percentile.map_or(Range::MinMax, Range::Percentile),
                per_channel,
                scales_of: scales_of.as_deref(),
            };
            let test = test.as_deref().map(Examples::new);
            let quantized = file.read(1, |import| {
                let examples = Examples::new(&calibration);
                model::Model::quantize(&file.name, &file.bytes, examples, test, options, import)
            })?;
            let report = json_of(&quantized.report)?;
            let file = ModelFile::of_bytes(&file.name, quantized.onnx, BTreeMap::new());
            Ok((Self::of(file)?, report))
        })
    }

    /// The bytes of an ONNX file that holds all of it.
    fn onnx<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.onnx)
    }

    /// What it is.
    fn summary(&self, py: Python<'_>) -> PyResult<String> {
        json_of(&self.model.summary()).map_err(|failure| raise(py, failure))
    }

    /// What proofs of it will cost.
    fn plan(&self, py: Python<'_>, options: &str) -> PyResult<String> {
        let options = Options::read(options).map_err(|failure| raise(py, failure))?;
        let file = Arc::clone(&self.file);
        watched(py, None, move |_| {
            let (model, onnx) = file.model(options.batch)?;
            let (model, _) = options.subject(model, onnx)?;
            let circuit = options.circuit(&model)?;
            let predicted = Prediction::new(&circuit, options.format, options.goal())?;
            let system = circuit.constraint_system();
            let mut plan = json!(predicted);
            let own = json!({
                "model_digest": hex(&circuit.layout().digest(&model)),
                "k": circuit.k(),
                "rows": circuit.rows(),
                "advice_columns": system.num_advice_columns(),
                "fixed_columns": system.num_fixed_columns(),
                "instances": circuit.instances(),
            });
            if let (Some(plan), Some(own)) = (plan.as_object_mut(), own.as_object()) {
                plan.extend(own.clone());
            }
            json_of(&plan)
        })
    }

    /// The outputs of one or several inferences, and how many of their values lie beyond the range.
    fn run(&self, py: Python<'_>, input: Vec<u8>) -> PyResult<(String, usize)> {
        let model = Arc::clone(&self.model);
        watched(py, None, move |_| {
            let inferences = model.read_inferences(&input, InputFormat::detect(&input))?;
            let ports: Vec<_> = model.inputs.iter().collect();
            let beyond = beyond(&model, &ports, &input)?;
            let evaluate = |inputs: &Vec<Vec<i32>>| -> Result<Inference, Failure> {
                Ok(Inference::new(model.outputs(&model.evaluate(inputs)?)))
            };
            let all = inferences.iter().map(evaluate).collect::<Result<Vec<_>, _>>()?;
            Ok((json_of(&all)?, beyond))
        })
    }

    /// Makes keys, under a string from a file or the development string.
    fn keygen(
        &self,
        py: Python<'_>,
        options: &str,
        srs: Option<PathBuf>,
        unsafe_dev_srs: bool,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Keys> {
        let options = Options::read(options).map_err(|failure| raise(py, failure))?;
        let file = Arc::clone(&self.file);
        watched(py, progress.as_ref(), move |watch| {
            watch.enter("planning");
            let (model, onnx) = file.model(options.batch)?;
            let (model, onnx) = options.subject(model, onnx)?;
            let circuit = options.circuit(&model)?;
            let string = match (srs, unsafe_dev_srs) {
                (Some(_), true) => {
                    let message = "a string is given, and the development string is asked for too";
                    return Err(Failure::option(message, "give `srs` or `unsafe_dev_srs`"));
                }
                (None, false) => return Err(ProvingError::SrsMissing { k: circuit.k() }.into()),
                (Some(path), false) => Some(read_string(&path)?),
                (None, true) => None,
            };
            match options.format {
                Format::Halo2 => {
                    watch.enter("reference string");
                    let k = circuit.k();
                    let srs = match string {
                        Some(file) => Srs::read(&file, k)?,
                        None => bundle::unsafe_dev_srs(k),
                    };
                    watch.enter("keys");
                    let prover = ModelProver::of_circuit(model, circuit, &srs)?;
                    Ok(Keys::new(prover, Source::Halo2 { onnx, srs }))
                }
                Format::Packed => {
                    let Packing { widths, powers, .. } = packing(&circuit, options.goal())?;
                    watch.enter("reference string");
                    let powers = match string {
                        Some(file) => Powers::read(&file, powers)?,
                        None => Powers::unsafe_dev(powers),
                    };
                    watch.enter("keys");
                    let prover = ModelProver::packed(model, circuit, &powers, &widths)?;
                    Ok(Keys::new(prover, Source::Packed { onnx, powers }))
                }
            }
        })
    }
}

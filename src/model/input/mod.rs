//! From what a user gives to the integers that a model takes.

mod array;
mod json;
mod npy;
mod npz;

use array::{Array, Elements};

use super::{Model, ModelError, Port, Tensor};

/// Largest number of values that is read at once.
const MAX_VALUES: usize = 1 << 28;

/// How a user's inputs are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputFormat {
    /// A flat or nested array for a model with one input, or an object by input name.
    Json,
    /// One array in numpy's format.
    Npy,
    /// Several of them by input name, in a zip archive.
    Npz,
}

impl InputFormat {
    /// The format that these bytes begin like.
    pub fn detect(bytes: &[u8]) -> Self {
        if bytes.starts_with(npy::MAGIC) {
            Self::Npy
        } else if bytes.starts_with(b"PK") {
            Self::Npz
        } else {
            Self::Json
        }
    }
}

impl Model {
    /// Reads one or several inferences' inputs: the integers of each port, per inference.
    ///
    /// Floats are quantized as ONNX's QuantizeLinear does it where the ONNX file takes floats; elsewhere
    /// integers are expected. An array with one more leading dimension than the model's (or with
    /// another length of the leading dimension, if the model's is 1) is that many inferences.
    pub fn read_inferences(
        &self,
        bytes: &[u8],
        format: InputFormat,
    ) -> Result<Vec<Vec<Vec<i32>>>, ModelError> {
        let arrays = match format {
            InputFormat::Json => json::read(bytes)?,
            InputFormat::Npy => vec![(None, npy::read(bytes)?)],
            InputFormat::Npz => {
                let names: Vec<_> = self.inputs.iter().map(|port| port.name.as_str()).collect();
                npz::read(bytes, &names)?
            }
        };
        let arrays = self.assign(arrays)?;
        let ports: Vec<_> = self
            .inputs
            .iter()
            .zip(&arrays)
            .map(|(port, array)| self.quantize_port(port, array))
            .collect::<Result<_, _>>()?;
        let count = ports.first().map_or(0, Vec::len);
        for (port, inferences) in self.inputs.iter().zip(&ports) {
            if inferences.len() != count {
                return Err(ModelError::InputShape {
                    input: port.name.clone(),
                    got: format!("{} inferences", inferences.len()),
                    expected: format!("{count} as for `{}`", self.inputs[0].name),
                });
            }
        }
        let mut ports: Vec<_> = ports.into_iter().map(Vec::into_iter).collect();
        Ok((0..count).map(|_| ports.iter_mut().filter_map(Iterator::next).collect()).collect())
    }

    /// Puts arrays in the order of the model's inputs.
    fn assign(&self, mut arrays: Vec<(Option<String>, Array)>) -> Result<Vec<Array>, ModelError> {
        let names = || {
            let names: Vec<_> = self.inputs.iter().map(|port| format!("`{}`", port.name)).collect();
            names.join(", ")
        };
        let mut assigned = Vec::new();
        if let ([port], [(name, _)]) = (self.inputs.as_slice(), arrays.as_slice()) {
            // One array for one input: its name matters only where a person wrote it.
            if name.as_ref().is_none_or(|name| *name == port.name) {
                return Ok(arrays.drain(..).map(|(_, array)| array).collect());
            }
        }
        for port in &self.inputs {
            let position = arrays
                .iter()
                .position(|(name, _)| name.as_ref() == Some(&port.name))
                .ok_or_else(|| ModelError::InputMissing(port.name.clone()))?;
            assigned.push(arrays.swap_remove(position).1);
        }
        match arrays.into_iter().next() {
            Some((name, _)) => Err(ModelError::InputUnknown {
                got: name.unwrap_or_else(|| "(unnamed)".into()),
                expected: names(),
            }),
            None => Ok(assigned),
        }
    }

    /// The integers of each inference.
    fn quantize_port(&self, port: &Port, array: &Array) -> Result<Vec<Vec<i32>>, ModelError> {
        let tensor = &self.graph.tensors[port.tensor.0];
        let inferences =
            inferences(tensor, &array.shape).ok_or_else(|| ModelError::InputShape {
                input: port.name.clone(),
                got: match array.shape.as_slice() {
                    [len] => format!("{len} values"),
                    shape => format!("shape {shape:?}"),
                },
                expected: format!("shape {:?}, {} values", tensor.shape, tensor.len()),
            })?;
        let value = |index: usize| {
            let bad = |got: String, expected: String| ModelError::InputValue {
                input: port.name.clone(),
                index,
                got,
                expected,
            };
            if port.is_float {
                let real = match &array.elements {
                    // float64 rounds to the model's float32 first, as numpy and Python do it.
                    #[allow(clippy::cast_possible_truncation)]
                    Elements::Float(values) => values[index] as f32,
                    #[allow(clippy::cast_precision_loss)]
                    Elements::Integer(values) => values[index] as f32,
                };
                if !real.is_finite() {
                    let got = match &array.elements {
                        Elements::Float(values) if values[index].is_finite() => {
                            format!("{:e}", values[index])
                        }
                        _ => real.to_string(),
                    };
                    return Err(bad(got, "a finite float32".into()));
                }
                Ok(tensor.quantization.quantize(real))
            } else {
                let (min, max) = tensor.quantization.element.range();
                let range = || format!("an integer from {min} to {max}");
                match &array.elements {
                    Elements::Float(values) => Err(bad(format!("{:?}", values[index]), range())),
                    Elements::Integer(values) => i32::try_from(values[index])
                        .ok()
                        .filter(|value| (min..=max).contains(value))
                        .ok_or_else(|| bad(values[index].to_string(), range())),
                }
            }
        };
        let len = tensor.len();
        (0..inferences).map(|i| (i * len..(i + 1) * len).map(value).collect()).collect()
    }
}

/// How many inferences an array of this shape holds, `None` if it does not fit the tensor.
fn inferences(tensor: &Tensor, shape: &[usize]) -> Option<usize> {
    // Axes of length 1 do not change the order of values.
    let squeeze =
        |shape: &[usize]| -> Vec<usize> { shape.iter().copied().filter(|&dim| dim != 1).collect() };
    let model = tensor.shape.as_slice();
    let is_one = shape == model
        || shape == [tensor.len()]
        || (shape.len() <= model.len() && squeeze(shape) == squeeze(model));
    if is_one {
        return Some(1);
    }
    let (&count, rest) = shape.split_first()?;
    let is_many = rest == model
        || rest == [tensor.len()]
        || (model.first() == Some(&1) && rest == &model[1..]);
    (is_many && count > 0).then_some(count)
}

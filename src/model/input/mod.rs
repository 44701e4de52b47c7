//! From what a user gives to the integers that a model takes.

mod array;
mod json;
mod npy;
mod npz;

use array::{Array, Elements};

use super::{Code, Model, ModelError, Port, Preparation, Tensor};

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
        self.read_inferences_of(&self.inputs.iter().collect::<Vec<_>>(), bytes, format)
    }

    /// The same of some of the inputs, which are all that is given.
    pub fn read_inferences_of(
        &self,
        ports: &[&Port],
        bytes: &[u8],
        format: InputFormat,
    ) -> Result<Vec<Vec<Vec<i32>>>, ModelError> {
        let names: Vec<_> = ports.iter().map(|port| port.name.as_str()).collect();
        let arrays = read_arrays(bytes, format, &names)?;
        let ports: Vec<_> = ports
            .iter()
            .zip(&arrays)
            .map(|(port, array)| self.quantize_port(port, array))
            .collect::<Result<_, _>>()?;
        by_inference(&names, ports)
    }

    /// How many floats of inputs that [`read_inferences`](Self::read_inferences) takes lie beyond the range
    /// that the model's integers stand for: they are taken as the nearest end of it.
    pub fn values_beyond_range(
        &self,
        bytes: &[u8],
        format: InputFormat,
    ) -> Result<usize, ModelError> {
        self.values_beyond_range_of(&self.inputs.iter().collect::<Vec<_>>(), bytes, format)
    }

    /// The same of some of the inputs, which are all that is given.
    pub fn values_beyond_range_of(
        &self,
        ports: &[&Port],
        bytes: &[u8],
        format: InputFormat,
    ) -> Result<usize, ModelError> {
        let names: Vec<_> = ports.iter().map(|port| port.name.as_str()).collect();
        let arrays = read_arrays(bytes, format, &names)?;
        let mut beyond = 0;
        for (port, array) in ports.iter().zip(&arrays).filter(|(port, _)| port.is_float) {
            let tensor = &self.graph.tensors[port.tensor.0];
            for reals in port.source(tensor).read(array)? {
                beyond += port.encode(tensor, &reals).beyond;
            }
        }
        Ok(beyond)
    }

    /// The integers of each inference.
    fn quantize_port(&self, port: &Port, array: &Array) -> Result<Vec<Vec<i32>>, ModelError> {
        let tensor = &self.graph.tensors[port.tensor.0];
        let bad = |index: usize, got: String, expected: String| ModelError::InputValue {
            input: port.name.clone(),
            index,
            got,
            expected,
        };
        if port.is_float {
            let inferences = port.source(tensor).read(array)?;
            let len = inferences.first().map_or(0, Vec::len);
            return (inferences.iter().enumerate())
                .map(|(inference, reals)| {
                    let Encoded { integers, nothing, .. } = port.encode(tensor, reals);
                    match nothing {
                        Some(at) => {
                            let index = inference * len + at;
                            Err(bad(index, reals[at].to_string(), port.expected(at)))
                        }
                        None => Ok(integers),
                    }
                })
                .collect();
        }
        let inferences = inferences(&port.name, &tensor.shape, &array.shape)?;
        let (min, max) = tensor.quantization.element.range();
        let range = || format!("an integer from {min} to {max}");
        let value = |index: usize| match &array.elements {
            Elements::Float(values) => Err(bad(index, format!("{:?}", values[index]), range())),
            Elements::Text(_) => Err(bad(index, "a text".into(), range())),
            Elements::Integer(values) => i32::try_from(values[index])
                .ok()
                .filter(|value| (min..=max).contains(value))
                .ok_or_else(|| bad(index, values[index].to_string(), range())),
        };
        let len = tensor.len();
        (0..inferences).map(|i| (i * len..(i + 1) * len).map(value).collect()).collect()
    }
}

/// Floats as a model takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Encoded {
    pub integers: Vec<i32>,
    /// How many floats lie beyond the range that integers stand for.
    pub beyond: usize,
    /// The first that is no number.
    pub nothing: Option<usize>,
}

/// A float input, as it is read.
#[derive(Clone, Debug)]
pub(super) struct FloatInput {
    pub name: String,
    pub shape: Vec<usize>,
    /// Whether values may be missing (NaN) or infinite.
    pub takes_missing: bool,
    /// Of a text or whole number: what it may be.
    pub categories: Option<Code>,
}

impl FloatInput {
    /// The values of each inference.
    fn read(&self, array: &Array) -> Result<Vec<Vec<f32>>, ModelError> {
        let count = inferences(&self.name, &self.shape, &array.shape)?;
        let len: usize = self.shape.iter().product();
        (0..count)
            .map(|i| (i * len..(i + 1) * len).map(|index| self.real(array, index)).collect())
            .collect()
    }

    /// A value as float32; of a text, its position.
    fn real(&self, array: &Array, index: usize) -> Result<f32, ModelError> {
        let bad = |got: String, expected: &str| {
            let (input, expected) = (self.name.clone(), expected.to_owned());
            Err(ModelError::InputValue { input, index, got, expected })
        };
        let names = match &self.categories {
            Some(Code::Category(names)) => Some(names),
            _ => None,
        };
        let real = match (&array.elements, names) {
            // Positions are small.
            #[allow(clippy::cast_precision_loss)]
            (Elements::Text(texts), Some(names)) => {
                let position = names.iter().position(|name| *name == texts[index]);
                return Ok(position.unwrap_or(names.len()) as f32);
            }
            (Elements::Text(_), None) => return bad("a text".into(), "a number"),
            (_, Some(_)) => return bad("a number".into(), "a text"),
            // float64 rounds to the model's float32 first, as numpy and Python do it.
            #[allow(clippy::cast_possible_truncation)]
            (Elements::Float(values), None) => values[index] as f32,
            #[allow(clippy::cast_precision_loss)]
            (Elements::Integer(values), None) => values[index] as f32,
        };
        let is_as_given =
            matches!(&array.elements, Elements::Float(values) if !values[index].is_finite());
        if real.is_finite() || (self.takes_missing && is_as_given) {
            return Ok(real);
        }
        match &array.elements {
            Elements::Float(values) if !is_as_given => {
                bad(format!("{:e}", values[index]), "a finite float32")
            }
            _ => bad(real.to_string(), "a finite float32"),
        }
    }
}

impl Port {
    /// How a float input is read.
    fn source(&self, tensor: &Tensor) -> FloatInput {
        let preparation = self.preparation.as_ref();
        let codes = preparation.and_then(Preparation::codes);
        let categories = codes.and_then(|codes| codes.elements.first()).cloned();
        FloatInput {
            name: self.name.clone(),
            shape: codes.map_or(&tensor.shape, |codes| &codes.shape).clone(),
            takes_missing: preparation.is_some_and(Preparation::takes_missing),
            categories,
        }
    }

    /// What an element must be to have an integer.
    fn expected(&self, element: usize) -> String {
        let codes = self.preparation.as_ref().and_then(Preparation::codes);
        match codes.and_then(|codes| codes.elements.get(element)) {
            Some(Code::Whole(end)) => format!("a whole number below {end}"),
            _ => "a number after the model's own preparation of its input".into(),
        }
    }

    /// The integers of a float input of one inference.
    pub(super) fn encode(&self, tensor: &Tensor, reals: &[f32]) -> Encoded {
        let mut encoded = Encoded::default();
        if let Some(codes) = self.preparation.as_ref().and_then(Preparation::codes) {
            for (index, (code, &real)) in codes.elements.iter().zip(reals).enumerate() {
                let real = self.preparation.as_ref().map_or(real, |own| own.apply(index, real));
                if !code.takes(real) {
                    encoded.nothing.get_or_insert(index);
                }
                encoded.beyond += usize::from(code.is_beyond(real));
                let value = code.of(real);
                let bytes = [value >> 8, value & 0xff];
                let bytes = bytes[2 - code.bytes()..].iter();
                let integer = |&byte| i32::try_from(byte).map(|byte: i32| byte + code.lowest());
                encoded.integers.extend(bytes.map(|byte| integer(byte).expect("a byte")));
            }
            return encoded;
        }
        let (min, max) = tensor.quantization.element.range();
        let [low, high] = [min, max].map(|bound| tensor.quantization.dequantize(bound));
        let half = tensor.quantization.scale / 2.0;
        for (index, &real) in reals.iter().enumerate() {
            let prepared = self.preparation.as_ref().map_or(real, |own| own.apply(index, real));
            encoded.integers.push(tensor.quantization.quantize(prepared));
            encoded.beyond += usize::from(!(low - half..=high + half).contains(&prepared));
            if prepared.is_nan() {
                encoded.nothing.get_or_insert(index);
            }
        }
        encoded
    }
}

/// Reads several inferences of float inputs with these names and shapes: per inference, the values of
/// each input.
pub(super) fn read_floats(
    bytes: &[u8],
    format: InputFormat,
    inputs: &[FloatInput],
) -> Result<Vec<Vec<Vec<f32>>>, ModelError> {
    let names: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
    let arrays = read_arrays(bytes, format, &names)?;
    let ports = inputs
        .iter()
        .zip(&arrays)
        .map(|(input, array)| input.read(array))
        .collect::<Result<Vec<_>, _>>()?;
    by_inference(&names, ports)
}

/// The integers of an array that is called `y`, if there is one in an archive.
pub(super) fn read_labels(bytes: &[u8], format: InputFormat) -> Option<Vec<i64>> {
    if format != InputFormat::Npz {
        return None;
    }
    match npz::read_one(bytes, "y").ok()??.elements {
        Elements::Integer(labels) => Some(labels),
        Elements::Float(_) | Elements::Text(_) => None,
    }
}

/// Reads one array per name, in this order.
fn read_arrays(
    bytes: &[u8],
    format: InputFormat,
    names: &[&str],
) -> Result<Vec<Array>, ModelError> {
    let mut arrays = match format {
        InputFormat::Json => json::read(bytes)?,
        InputFormat::Npy => vec![(None, npy::read(bytes)?)],
        InputFormat::Npz => npz::read(bytes, names)?,
    };
    if let ([only], [(name, _)]) = (names, arrays.as_slice()) {
        // One array for one input: it needs no name.
        if name.as_ref().is_none_or(|name| name == only) {
            return Ok(arrays.drain(..).map(|(_, array)| array).collect());
        }
    }
    let unknown = |got: &str| ModelError::InputUnknown {
        got: got.to_owned(),
        expected: names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    };
    // A name that is mistyped says more than the one that is missing for it.
    let mut given = arrays.iter().filter_map(|(name, _)| name.as_deref());
    if let Some(got) = given.find(|name| !names.contains(name)) {
        return Err(unknown(got));
    }
    let mut assigned = Vec::new();
    for expected in names {
        let position = arrays
            .iter()
            .position(|(name, _)| name.as_deref() == Some(*expected))
            .ok_or_else(|| ModelError::InputMissing((*expected).to_owned()))?;
        assigned.push(arrays.swap_remove(position).1);
    }
    match arrays.into_iter().next() {
        Some((name, _)) => Err(unknown(name.as_deref().unwrap_or("(unnamed)"))),
        None => Ok(assigned),
    }
}

/// From the inferences of each input to the inputs of each inference.
fn by_inference<T>(names: &[&str], ports: Vec<Vec<T>>) -> Result<Vec<Vec<T>>, ModelError> {
    let count = ports.first().map_or(0, Vec::len);
    for (name, inferences) in names.iter().zip(&ports) {
        if inferences.len() != count {
            return Err(ModelError::InputShape {
                input: (*name).to_owned(),
                got: format!("{} inferences", inferences.len()),
                expected: format!("{count} as for `{}`", names[0]),
            });
        }
    }
    let mut ports: Vec<_> = ports.into_iter().map(Vec::into_iter).collect();
    Ok((0..count).map(|_| ports.iter_mut().filter_map(Iterator::next).collect()).collect())
}

/// How many inferences an array of this shape holds.
fn inferences(input: &str, model: &[usize], shape: &[usize]) -> Result<usize, ModelError> {
    let len: usize = model.iter().product();
    // Axes of length 1 do not change the order of values.
    let squeeze =
        |shape: &[usize]| -> Vec<usize> { shape.iter().copied().filter(|&dim| dim != 1).collect() };
    let is_one = shape == model
        || shape == [len]
        || (shape.len() <= model.len() && squeeze(shape) == squeeze(model));
    if is_one {
        return Ok(1);
    }
    if let Some((&count, rest)) = shape.split_first() {
        let is_many =
            rest == model || rest == [len] || (model.first() == Some(&1) && rest == &model[1..]);
        if is_many && count > 0 {
            return Ok(count);
        }
    }
    Err(ModelError::InputShape {
        input: input.to_owned(),
        got: match shape {
            [len] => format!("{len} values"),
            shape => format!("shape {shape:?}"),
        },
        expected: format!("shape {model:?}, {len} values"),
    })
}

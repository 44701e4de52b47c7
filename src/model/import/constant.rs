//! Constants of an ONNX file: initializers and what is folded from them.

use std::borrow::Cow;

use crate::model::{
    ElementType, ModelError, limits,
    onnx::{DataType, TensorProto},
};
use crate::name::Name;

/// Reads `(location, offset, length)`.
pub type ExternalData<'a> = dyn Fn(&str, u64, usize) -> std::io::Result<Vec<u8>> + 'a;

/// A tensor whose values the file gives.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub shape: Vec<usize>,
    pub data: Data,
}

/// Values of the types that quantized models have.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Float(Vec<f32>),
    /// float16 or bfloat16, which nothing is computed in here: they are cast.
    Half(Vec<f32>),
    /// Of weights alone, which are computed with like wider ones.
    Int4(Vec<i32>),
    Uint4(Vec<i32>),
    Int8(Vec<i32>),
    Uint8(Vec<i32>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Bool(Vec<bool>),
}

impl Data {
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Float(_) => "float32",
            Self::Half(_) => "float16",
            Self::Int4(_) => "int4",
            Self::Uint4(_) => "uint4",
            Self::Int8(_) => "int8",
            Self::Uint8(_) => "uint8",
            Self::Int32(_) => "int32",
            Self::Int64(_) => "int64",
            Self::Bool(_) => "bool",
        }
    }

    /// The type, if it is one that activations have.
    pub fn element(&self) -> Option<ElementType> {
        match self {
            Self::Int8(_) => Some(ElementType::Int8),
            Self::Uint8(_) => Some(ElementType::Uint8),
            _ => None,
        }
    }
}

impl Constant {
    pub fn new(shape: Vec<usize>, data: Data) -> Self {
        Self { shape, data }
    }

    pub fn len(&self) -> usize {
        match &self.data {
            Data::Float(values) | Data::Half(values) => values.len(),
            Data::Int4(values) | Data::Uint4(values) => values.len(),
            Data::Int8(values) | Data::Uint8(values) | Data::Int32(values) => values.len(),
            Data::Int64(values) => values.len(),
            Data::Bool(values) => values.len(),
        }
    }

    /// The values, if they are float32.
    pub fn floats(&self) -> Option<&[f32]> {
        if let Data::Float(values) = &self.data { Some(values) } else { None }
    }

    /// The values, if they are integers of at most 32 bits.
    pub fn small_integers(&self) -> Option<&[i32]> {
        match &self.data {
            Data::Int4(values) | Data::Uint4(values) => Some(values),
            Data::Int8(values) | Data::Uint8(values) | Data::Int32(values) => Some(values),
            _ => None,
        }
    }

    /// The values, if they are integers.
    pub fn integers(&self) -> Option<Vec<i64>> {
        match &self.data {
            Data::Int64(values) => Some(values.clone()),
            _ => Some(self.small_integers()?.iter().map(|&value| value.into()).collect()),
        }
    }

    /// The type of 8 bits that holds the values, if they are such integers.
    pub fn byte(&self) -> Option<ElementType> {
        match &self.data {
            Data::Int4(_) | Data::Int8(_) => Some(ElementType::Int8),
            Data::Uint4(_) | Data::Uint8(_) => Some(ElementType::Uint8),
            _ => None,
        }
    }

    /// Takes elements by position.
    pub fn gather(&self, shape: Vec<usize>, index: &[usize]) -> Self {
        fn take<T: Copy>(values: &[T], index: &[usize]) -> Vec<T> {
            index.iter().map(|&i| values[i]).collect()
        }
        let data = match &self.data {
            Data::Float(values) => Data::Float(take(values, index)),
            Data::Half(values) => Data::Half(take(values, index)),
            Data::Int4(values) => Data::Int4(take(values, index)),
            Data::Uint4(values) => Data::Uint4(take(values, index)),
            Data::Int8(values) => Data::Int8(take(values, index)),
            Data::Uint8(values) => Data::Uint8(take(values, index)),
            Data::Int32(values) => Data::Int32(take(values, index)),
            Data::Int64(values) => Data::Int64(take(values, index)),
            Data::Bool(values) => Data::Bool(take(values, index)),
        };
        Self { shape, data }
    }
}

/// Decodes an initializer in any of its encodings.
pub(super) fn decode(
    tensor: &TensorProto,
    external: Option<&ExternalData<'_>>,
) -> Result<Constant, ModelError> {
    let name = if tensor.name.is_empty() { "(unnamed)" } else { &tensor.name };
    let error = |reason: String| ModelError::Initializer { tensor: name.to_owned(), reason };
    let shape = tensor
        .dims
        .iter()
        .map(|&dim| {
            usize::try_from(dim).map_err(|_| error(format!("its shape has the dimension {dim}")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let len = limits::elements(name, &shape)?;

    let data_type = DataType::try_from(tensor.data_type)
        .map_err(|_| error(format!("element type {} is not supported", tensor.data_type)))?;
    let raw = match (tensor.data_location, &tensor.raw_data) {
        (1, _) => {
            let bytes = bytes_of(data_type, len);
            Some(Cow::Owned(read_external(tensor, name, bytes, external)?))
        }
        (_, Some(bytes)) => Some(Cow::Borrowed(bytes.as_slice())),
        (_, None) => None,
    };
    let expect_len = |got: usize, unit: usize| {
        if Some(got) == len.checked_mul(unit) {
            Ok(())
        } else {
            Err(error(format!(
                "shape {shape:?} asks for {len} values of {unit} bytes, the data has {got} bytes"
            )))
        }
    };
    let expect_typed = |got: usize| {
        if got == len {
            Ok(())
        } else {
            Err(error(format!("shape {shape:?} asks for {len} values, the data has {got}")))
        }
    };
    let narrow = |low: i32, high: i32| {
        expect_typed(tensor.int32_data.len())?;
        match tensor.int32_data.iter().find(|value| !(low..=high).contains(value)) {
            Some(value) => Err(error(format!("{value} is not between {low} and {high}"))),
            None => Ok(tensor.int32_data.clone()),
        }
    };

    let data = match (data_type, raw) {
        (DataType::Float, Some(raw)) => {
            expect_len(raw.len(), 4)?;
            Data::Float(words(&raw).map(f32::from_le_bytes).collect())
        }
        (DataType::Float, None) => {
            expect_typed(tensor.float_data.len())?;
            Data::Float(tensor.float_data.clone())
        }
        (DataType::Int8, Some(raw)) => {
            expect_len(raw.len(), 1)?;
            Data::Int8(raw.iter().map(|&byte| i8::from_le_bytes([byte]).into()).collect())
        }
        (DataType::Int8, None) => Data::Int8(narrow(-128, 127)?),
        (DataType::Uint8, Some(raw)) => {
            expect_len(raw.len(), 1)?;
            Data::Uint8(raw.iter().map(|&byte| byte.into()).collect())
        }
        (DataType::Uint8, None) => Data::Uint8(narrow(0, 255)?),
        (DataType::Int4 | DataType::Uint4, raw) => {
            let bytes: Vec<u8> = match raw {
                Some(raw) => raw.into_owned(),
                None => tensor.int32_data.iter().map(|word| word.to_le_bytes()[0]).collect(),
            };
            if bytes.len() != len.div_ceil(2) {
                return Err(error(format!(
                    "shape {shape:?} asks for {len} values of 4 bits, the data has {} bytes",
                    bytes.len()
                )));
            }
            if data_type == DataType::Int4 {
                Data::Int4(nibbles(&bytes, len, true))
            } else {
                Data::Uint4(nibbles(&bytes, len, false))
            }
        }
        (DataType::Bool, Some(raw)) => {
            expect_len(raw.len(), 1)?;
            Data::Bool(raw.iter().map(|&byte| byte != 0).collect())
        }
        (DataType::Bool, None) => {
            Data::Bool(narrow(0, 1)?.into_iter().map(|value| value != 0).collect())
        }
        (DataType::Int32, Some(raw)) => {
            expect_len(raw.len(), 4)?;
            Data::Int32(words(&raw).map(i32::from_le_bytes).collect())
        }
        (DataType::Int32, None) => Data::Int32(narrow(i32::MIN, i32::MAX)?),
        (DataType::Int64, Some(raw)) => {
            expect_len(raw.len(), 8)?;
            Data::Int64(words(&raw).map(i64::from_le_bytes).collect())
        }
        (DataType::Int64, None) => {
            expect_typed(tensor.int64_data.len())?;
            Data::Int64(tensor.int64_data.clone())
        }
        // Some exporters write scalar constants as doubles; they mean float32.
        #[allow(clippy::cast_possible_truncation)]
        (DataType::Double, Some(raw)) => {
            expect_len(raw.len(), 8)?;
            Data::Float(words(&raw).map(|word| f64::from_le_bytes(word) as f32).collect())
        }
        #[allow(clippy::cast_possible_truncation)]
        (DataType::Double, None) => {
            expect_typed(tensor.double_data.len())?;
            Data::Float(tensor.double_data.iter().map(|&value| value as f32).collect())
        }
        (DataType::Float16 | DataType::Bfloat16, raw) => {
            let bits: Vec<u16> = match raw {
                Some(raw) => {
                    expect_len(raw.len(), 2)?;
                    words(&raw).map(u16::from_le_bytes).collect()
                }
                None => narrow(0, i32::from(u16::MAX))?
                    .into_iter()
                    .map(|bits| u16::try_from(bits).expect("it was compared with the bounds"))
                    .collect(),
            };
            let real = if data_type == DataType::Float16 { of_half } else { of_bfloat };
            Data::Half(bits.into_iter().map(real).collect())
        }
        (other, _) => return Err(error(format!("element type {other:?} is not supported"))),
    };
    Ok(Constant::new(shape, data))
}

/// Takes an initializer's data from another file into the message; returns how many bytes, if it is there.
pub(super) fn embed(
    tensor: &mut TensorProto,
    external: Option<&ExternalData<'_>>,
) -> Result<Option<usize>, ModelError> {
    if tensor.data_location != 1 {
        return Ok(None);
    }
    let name = if tensor.name.is_empty() { "(unnamed)" } else { &tensor.name };
    let dims = tensor.dims.iter().map(|&dim| usize::try_from(dim));
    let wrong = |reason: String| ModelError::Initializer { tensor: name.to_owned(), reason };
    let shape = dims.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(error.to_string()))?;
    let data_type = DataType::try_from(tensor.data_type)
        .map_err(|_| wrong(format!("element type {} is not supported", tensor.data_type)))?;
    let bytes = bytes_of(data_type, limits::elements(name, &shape)?);
    tensor.raw_data = Some(read_external(tensor, name, bytes, external)?);
    tensor.external_data.clear();
    tensor.data_location = 0;
    Ok(Some(bytes))
}

/// How many bytes so many elements take.
fn bytes_of(data_type: DataType, len: usize) -> usize {
    match data_type {
        DataType::Float | DataType::Int32 => 4 * len,
        DataType::Int64 | DataType::Double => 8 * len,
        DataType::Float16 | DataType::Bfloat16 => 2 * len,
        DataType::Int4 | DataType::Uint4 => len.div_ceil(2),
        _ => len,
    }
}

/// Two integers of 4 bits in each byte, the lower first.
fn nibbles(bytes: &[u8], len: usize, is_signed: bool) -> Vec<i32> {
    let value = |nibble: u8| i32::from(nibble) - if is_signed && nibble > 7 { 16 } else { 0 };
    let both = |byte: &u8| [byte & 15, byte >> 4];
    bytes.iter().flat_map(both).take(len).map(value).collect()
}

/// The real that a half-precision float stands for.
fn of_half(bits: u16) -> f32 {
    let (sign, exponent) = (if bits >> 15 == 1 { -1.0 } else { 1.0 }, i32::from(bits >> 10 & 31));
    let fraction = f32::from(bits & 1023) / 1024.0;
    sign * match exponent {
        0 => fraction * 2_f32.powi(-14),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction) * 2_f32.powi(exponent - 15),
    }
}

/// A bfloat16 is the upper half of a float32.
fn of_bfloat(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// Reads an initializer's bytes from another file, in the model's folder or below it.
fn read_external(
    tensor: &TensorProto,
    name: &str,
    expected: usize,
    external: Option<&ExternalData<'_>>,
) -> Result<Vec<u8>, ModelError> {
    let error = |reason: String| ModelError::Initializer { tensor: name.to_owned(), reason };
    let entry = |key: &str| {
        tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    };
    let number = |key: &str| {
        entry(key)
            .map(|value| {
                value.parse::<u64>().map_err(|_| {
                    error(format!("`{key}` of its external data is `{}`", Name::new(value)))
                })
            })
            .transpose()
    };
    let location =
        entry("location").ok_or_else(|| error("its external data has no location".into()))?;
    let shown = Name::new(location);
    let is_beside_model = !location.contains(['\\', ':', '\0'])
        && location.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !is_beside_model {
        return Err(error(format!("its data is in `{shown}`, outside the model's folder")));
    }
    let offset = number("offset")?.unwrap_or(0);
    if let Some(length) = number("length")?
        && u64::try_from(expected) != Ok(length)
    {
        return Err(error(format!("its data has {length} bytes, its shape asks for {expected}")));
    }
    let external =
        external.ok_or_else(|| error(format!("its data is in another file, `{shown}`")))?;
    external(location, offset, expected).map_err(|source| ModelError::ExternalData {
        tensor: name.to_owned(),
        location: shown.to_string(),
        source,
    })
}

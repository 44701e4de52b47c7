//! numpy's format for one array: a magic number, a header that is a Python literal, the values.

use super::{Array, Elements, array::checked_len};
use crate::model::ModelError;
use crate::name::Name;

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
const FORMAT: &str = "a .npy array";

fn error(reason: impl Into<String>) -> ModelError {
    ModelError::InputFormat { format: FORMAT, reason: reason.into() }
}

pub(super) fn read(bytes: &[u8]) -> Result<Array, ModelError> {
    let truncated = || error("it ends in its header");
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| error("it begins differently"))?;
    let (&[major, _minor], rest) = rest.split_first_chunk::<2>().ok_or_else(truncated)?;
    let (header_len, rest) = match major {
        1 => {
            let (len, rest) = rest.split_first_chunk::<2>().ok_or_else(truncated)?;
            (usize::from(u16::from_le_bytes(*len)), rest)
        }
        2 | 3 => {
            let (len, rest) = rest.split_first_chunk::<4>().ok_or_else(truncated)?;
            (usize::try_from(u32::from_le_bytes(*len)).map_err(|_| truncated())?, rest)
        }
        other => return Err(error(format!("version {other} of the format is not known"))),
    };
    if rest.len() < header_len {
        return Err(truncated());
    }
    let (header, data) = rest.split_at(header_len);
    let header = std::str::from_utf8(header).map_err(|_| error("its header is not text"))?;
    let header = Header::parse(header).ok_or_else(|| {
        error(format!("its header `{}` is not understood", Name::new(header.trim())))
    })?;
    let len = checked_len(FORMAT, &header.shape)?;
    let elements = decode(&header.descr, data, len)?;
    if header.fortran_order && header.shape.len() > 1 {
        return Err(error("its values are in column-major order, expected row-major"));
    }
    Ok(Array { shape: header.shape, elements })
}

#[derive(Debug, PartialEq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &str) -> Option<Self> {
        let descr = value_of(text, "descr")?.strip_prefix('\'')?.split('\'').next()?.to_owned();
        let fortran_order = value_of(text, "fortran_order")?;
        let fortran_order = match () {
            () if fortran_order.starts_with("True") => true,
            () if fortran_order.starts_with("False") => false,
            () => return None,
        };
        let shape = value_of(text, "shape")?.strip_prefix('(')?.split(')').next()?;
        let shape = shape
            .split(',')
            .map(str::trim)
            .filter(|dim| !dim.is_empty())
            .map(|dim| dim.parse().ok())
            .collect::<Option<Vec<usize>>>()?;
        (shape.len() <= 32).then_some(Self { descr, fortran_order, shape })
    }
}

fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let after = text.split_once(&format!("'{key}'"))?.1;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

/// Texts of this many letters of 4 bytes, of which those at the end may be nothing.
fn texts(data: &[u8], len: usize, letters: usize) -> Result<Elements, ModelError> {
    let size = letters.checked_mul(4).filter(|&size| size > 0);
    if size.and_then(|size| size.checked_mul(len)) != Some(data.len()) {
        return Err(error(format!(
            "its shape asks for {len} texts of {letters} letters, the data has {} bytes",
            data.len()
        )));
    }
    let text = |bytes: &[u8]| -> Option<String> {
        let letters = bytes.as_chunks::<4>().0.iter().map(|&bytes| u32::from_le_bytes(bytes));
        letters.map(char::from_u32).collect::<Option<String>>()
    };
    let texts: Option<Vec<String>> = (data.chunks(letters * 4))
        .map(|bytes| Some(text(bytes)?.trim_end_matches('\0').to_owned()))
        .collect();
    texts.map(Elements::Text).ok_or_else(|| error("a text of it is not Unicode"))
}

fn decode(descr: &str, data: &[u8], len: usize) -> Result<Elements, ModelError> {
    fn floats<const N: usize>(data: &[u8], to: impl Fn([u8; N]) -> f64) -> Elements {
        Elements::Float(data.as_chunks::<N>().0.iter().map(|&bytes| to(bytes)).collect())
    }
    fn integers<const N: usize>(data: &[u8], to: impl Fn([u8; N]) -> i64) -> Elements {
        Elements::Integer(data.as_chunks::<N>().0.iter().map(|&bytes| to(bytes)).collect())
    }
    if let Some(letters) = descr.strip_prefix("<U").and_then(|letters| letters.parse().ok()) {
        return texts(data, len, letters);
    }
    let size = match descr {
        "|b1" | "|i1" | "|u1" => 1,
        "<i2" | "<u2" => 2,
        "<f4" | ">f4" | "<i4" | "<u4" => 4,
        "<f8" | ">f8" | "<i8" => 8,
        other => return Err(error(format!("its element type `{other}` is not supported"))),
    };
    if Some(data.len()) != len.checked_mul(size) {
        return Err(error(format!(
            "its shape asks for {len} values of {size} bytes, the data has {} bytes",
            data.len()
        )));
    }
    Ok(match descr {
        "|i1" => integers(data, |bytes| i8::from_le_bytes(bytes).into()),
        "|b1" | "|u1" => integers(data, |bytes| u8::from_le_bytes(bytes).into()),
        "<i2" => integers(data, |bytes| i16::from_le_bytes(bytes).into()),
        "<u2" => integers(data, |bytes| u16::from_le_bytes(bytes).into()),
        "<i4" => integers(data, |bytes| i32::from_le_bytes(bytes).into()),
        "<u4" => integers(data, |bytes| u32::from_le_bytes(bytes).into()),
        "<i8" => integers(data, i64::from_le_bytes),
        "<f4" => floats(data, |bytes| f32::from_le_bytes(bytes).into()),
        ">f4" => floats(data, |bytes| f32::from_be_bytes(bytes).into()),
        ">f8" => floats(data, f64::from_be_bytes),
        _ => floats(data, f64::from_le_bytes),
    })
}

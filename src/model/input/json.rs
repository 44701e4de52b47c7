//! Inputs in JSON.

use serde_json::Value;

use super::{Array, Elements};
use crate::model::ModelError;
use crate::name::Name;
use crate::regular_file::LARGEST_DOCUMENT;

fn error(reason: impl Into<String>) -> ModelError {
    ModelError::InputFormat {
        format: "JSON with arrays of numbers or texts",
        reason: reason.into(),
    }
}

/// One array without a name, or several with names.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<(Option<String>, Array)>, ModelError> {
    if bytes.len() as u64 > LARGEST_DOCUMENT {
        let length = bytes.len();
        return Err(error(format!(
            "it has {length} bytes, at most {LARGEST_DOCUMENT} are read; a .npy or .npz file may be larger"
        )));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|e| error(e.to_string()))?;
    match value {
        Value::Object(object) => object
            .into_iter()
            .map(|(mut name, value)| {
                Name::tame(&mut name);
                let array =
                    array(&value).map_err(|reason| error(format!("under `{name}`, {reason}")))?;
                Ok((Some(name), array))
            })
            .collect(),
        value @ (Value::Array(_) | Value::Number(_)) => {
            Ok(vec![(None, array(&value).map_err(error)?)])
        }
        _ => Err(error("it is neither an array nor an object")),
    }
}

fn array(value: &Value) -> Result<Array, String> {
    let mut shape = Vec::new();
    let mut first = value;
    while let Value::Array(items) = first {
        shape.push(items.len());
        match items.first() {
            Some(item) => first = item,
            None => return Err("an array is empty".into()),
        }
    }
    let mut values = Vec::new();
    collect(value, &shape, &mut values)?;
    let texts: Option<Vec<String>> =
        values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
    if let Some(texts) = texts {
        return Ok(Array { shape, elements: Elements::Text(texts) });
    }
    if let Some(text) = values.iter().find(|value| value.is_string()) {
        return Err(format!("`{}` is among numbers", shorten(&text.to_string())));
    }
    // One number with a fraction, or one that is missing, makes all of them floats.
    let integers: Option<Vec<i64>> = values.iter().map(|value| value.as_i64()).collect();
    let elements = match integers {
        Some(integers) => Elements::Integer(integers),
        None => {
            Elements::Float(values.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect())
        }
    };
    Ok(Array { shape, elements })
}

/// Numbers, texts, and `null` for numbers that are missing.
fn collect<'a>(
    value: &'a Value,
    shape: &[usize],
    values: &mut Vec<&'a Value>,
) -> Result<(), String> {
    match (value, shape) {
        (Value::Number(_) | Value::String(_) | Value::Null, []) => {
            values.push(value);
            Ok(())
        }
        (Value::Array(items), [len, rest @ ..]) if items.len() == *len => {
            items.iter().try_for_each(|item| collect(item, rest, values))
        }
        (Value::Array(_) | Value::Number(_) | Value::String(_) | Value::Null, _) => {
            Err("the lengths of nested arrays differ".into())
        }
        (other, _) => {
            Err(format!("`{}` is neither a number nor a text", shorten(&other.to_string())))
        }
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 {
        text.to_owned()
    } else {
        text.chars().take(40).chain("…".chars()).collect()
    }
}

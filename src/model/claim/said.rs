//! What is said, for people and scripts.

use super::{Claim, ClaimKind, unit};
use crate::model::{Model, Quantization};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::fmt;

/// What a claim says, and what the verifier chose for it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimValues {
    /// What is said of which output.
    pub claim: Claim,
    /// The integers that the verifier chose.
    pub parameter: Vec<i32>,
    /// What is said: bits, positions, numbers of buckets, or an element's integer.
    pub result: Vec<i32>,
    /// Its shape; empty for a scalar.
    pub shape: Vec<usize>,
    unit: Quantization,
    /// Of a claim about positions that have labels: the labels.
    labels: Vec<String>,
}

impl ClaimValues {
    /// What a claim about a model's output says with these integers; nothing where the model has no such output.
    pub fn new(
        (model, inferences): (&Model, usize),
        claim: &Claim,
        parameter: Vec<i32>,
        result: Vec<i32>,
    ) -> Option<Self> {
        let (port, tensor) = claim.port(model, inferences).ok()?;
        Some(Self {
            claim: claim.clone(),
            parameter,
            result,
            shape: claim.result(&tensor).shape,
            unit: unit(&tensor),
            labels: port.labels.clone(),
        })
    }

    /// What the verifier chose, in the model's units.
    pub fn chosen(&self) -> Vec<f32> {
        self.parameter.iter().map(|&integer| self.unit.dequantize(integer)).collect()
    }

    /// Whether it holds, of claims that hold or not: for all elements.
    pub fn holds(&self) -> Option<bool> {
        match self.claim.kind {
            ClaimKind::Threshold | ClaimKind::Range | ClaimKind::Equal => {
                Some(self.result.iter().all(|&bit| bit == 1))
            }
            _ => None,
        }
    }

    /// The labels of the integers that stand for some.
    fn labels(&self) -> Vec<&str> {
        let integers = match self.claim.kind {
            ClaimKind::Equal => &self.parameter,
            ClaimKind::Values => &self.result,
            _ => return Vec::new(),
        };
        let label = |&at: &i32| self.labels.get(usize::try_from(at).ok()?).map(String::as_str);
        integers.iter().filter_map(label).collect()
    }
}

/// One of a scalar, else a list.
fn entry<S: SerializeMap, T: Serialize>(
    map: &mut S,
    name: &str,
    values: &[T],
    is_scalar: bool,
) -> Result<(), S::Error> {
    match values {
        [value] if is_scalar => map.serialize_entry(name, value),
        values => map.serialize_entry(name, values),
    }
}

impl Serialize for ClaimValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let kind = self.claim.kind;
        map.serialize_entry("kind", kind.word())?;
        let name = match kind {
            ClaimKind::Threshold => "threshold",
            ClaimKind::Range => "range",
            ClaimKind::Bucket(_) => "bounds",
            ClaimKind::Equal | ClaimKind::Values | ClaimKind::ArgMax | ClaimKind::Top(_) => "value",
        };
        if !self.parameter.is_empty() {
            let is_scalar = matches!(kind, ClaimKind::Threshold | ClaimKind::Equal);
            entry(&mut map, name, &self.chosen(), is_scalar)?;
            entry(&mut map, "quantized", &self.parameter, is_scalar)?;
        }
        let is_scalar = self.result.len() == 1;
        match kind {
            ClaimKind::Threshold | ClaimKind::Range | ClaimKind::Equal => {
                let bits: Vec<bool> = self.result.iter().map(|&bit| bit == 1).collect();
                entry(&mut map, "holds", &bits, is_scalar)?;
            }
            ClaimKind::Bucket(_) => entry(&mut map, "bucket", &self.result, is_scalar)?,
            ClaimKind::ArgMax => entry(&mut map, "position", &self.result, is_scalar)?,
            ClaimKind::Top(_) => entry(&mut map, "positions", &self.result, false)?,
            ClaimKind::Values => {
                let reals: Vec<f32> =
                    self.result.iter().map(|&integer| self.unit.dequantize(integer)).collect();
                entry(&mut map, name, &reals, is_scalar)?;
                entry(&mut map, "quantized", &self.result, is_scalar)?;
            }
        }
        if let [label] = self.labels()[..] {
            map.serialize_entry("label", label)?;
        }
        if !is_scalar {
            map.serialize_entry("shape", &self.shape)?;
        }
        map.end()
    }
}

/// What is said in words, after what it is said of.
impl fmt::Display for ClaimValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen: Vec<String> = self.chosen().iter().map(f32::to_string).collect();
        let chosen = chosen.join(", ");
        match self.claim.kind {
            ClaimKind::Threshold => write!(f, "is at least {chosen}")?,
            ClaimKind::Range => write!(f, "is between {chosen}")?,
            ClaimKind::Bucket(_) => write!(f, "in the buckets between {chosen}")?,
            ClaimKind::Equal => write!(f, "is {chosen}")?,
            ClaimKind::ArgMax => f.write_str("is largest at")?,
            ClaimKind::Top(_) => f.write_str("is largest, in this order, at")?,
            ClaimKind::Values => f.write_str("is, quantized,")?,
        }
        if let [label] = self.labels()[..] {
            write!(f, " ({label:?})")?;
        }
        match self.claim.kind {
            ClaimKind::Threshold | ClaimKind::Range | ClaimKind::Equal => {
                let words = self.result.iter().map(|&bit| if bit == 1 { "yes" } else { "no" });
                write!(f, ": {}", words.collect::<Vec<_>>().join(", "))
            }
            ClaimKind::Bucket(_) | ClaimKind::ArgMax | ClaimKind::Top(_) | ClaimKind::Values => {
                let numbers: Vec<String> = self.result.iter().map(i32::to_string).collect();
                write!(f, ": {}", numbers.join(", "))
            }
        }
    }
}

//! Schemas: what the integers of an input mean, for whoever commits to them, signs them, or relies on that.
//!
//! A schema is a JSON document, which is known by the Keccak-256 of its bytes as they are. It tells of each element of an input its field,
//! unit, step, offset and range:
//!
//! ```text
//! integer = (value − offset) / step        low ≤ value ≤ high
//! ```
//!
//! in decimals of 18 digits behind the point, without floats. A value between two integers is refused, or becomes the nearest one, of two
//! the even one, where its field says so.

mod data;
mod decimal;
mod draft;
mod error;
#[cfg(test)]
mod tests;

pub use decimal::Decimal;
pub use error::{SchemaError, ValuePlace};

use crate::circuit::{Code, Element, InstanceTensor, Word};
use crate::name::Name;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, IntoDeserializer},
};
use serde_json::value::RawValue;
use sha3::{Digest, Keccak256};
use std::collections::BTreeSet;

const FORMAT: &str = "zkverdict schema";
const VERSION: u64 = 1;

/// Bytes of a document.
const LARGEST: usize = 1 << 20;

/// Elements of an input.
const MOST_ELEMENTS: u64 = 1 << 24;

/// Characters of a title, name or unit.
const LONGEST_TEXT: usize = 256;

/// What the integers of an input mean.
#[derive(Clone, Debug)]
pub struct DataSchema {
    /// What the data are, in words.
    pub title: String,
    /// The type of the integers.
    pub code: Code,
    /// The shape of one inference's input.
    pub shape: Vec<usize>,
    /// Its fields, in the order of the elements.
    pub fields: Vec<DataField>,
    /// Keccak-256 of the document's bytes.
    pub hash: Word,
}

/// What one or several alike elements of an input mean.
#[derive(Clone, Debug)]
pub struct DataField {
    /// Its name.
    pub name: String,
    /// In what values are counted.
    pub unit: String,
    /// How many elements it has; none where it is a single one, whose value is no list.
    pub count: Option<usize>,
    /// How much one integer step is.
    pub step: Decimal,
    /// The value at integer 0.
    pub offset: Decimal,
    /// The least value and the largest.
    pub range: [Decimal; 2],
    /// Their integers.
    pub integers: [i64; 2],
    /// What is done with a value between two integers.
    pub rounding: Rounding,
    /// The integer of a missing value.
    pub missing: Option<i64>,
}

/// What is done with a value between two integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rounding {
    /// It is refused.
    #[default]
    Exact,
    /// It becomes the nearest integer, of two the even one.
    Nearest,
}

/// What every schema begins with, whatever its version.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u64,
}

/// The document; `F` is a field's.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<F> {
    format: String,
    version: u64,
    title: String,
    #[serde(deserialize_with = "named")]
    code: Code,
    shape: Vec<u64>,
    fields: Vec<F>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldDocument {
    name: String,
    unit: String,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    step: String,
    #[serde(default = "zero")]
    offset: String,
    range: [String; 2],
    #[serde(default, deserialize_with = "named")]
    rounding: Rounding,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    missing: Option<i64>,
}

fn zero() -> String {
    "0".into()
}

/// A value where there is one, which is not `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// One of several names, which serde also takes from an object.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    let name = IntoDeserializer::<D::Error>::into_deserializer(String::deserialize(from)?);
    T::deserialize(name)
}

/// An object's fields by their names, which serde also takes from an array by their places.
fn object<T: DeserializeOwned>(json: &str) -> Result<T, SchemaError> {
    if !json.trim_start().starts_with('{') {
        return Err(SchemaError::Malformed("an object is expected".into()));
    }
    serde_json::from_str(json).map_err(malformed)
}

fn malformed(error: serde_json::Error) -> SchemaError {
    SchemaError::Malformed(Name::new(&error.to_string()).to_string())
}

impl DataSchema {
    /// Reads a document.
    pub fn parse(bytes: &[u8]) -> Result<Self, SchemaError> {
        if bytes.len() > LARGEST {
            let length = bytes.len();
            let why = format!("it has {length} bytes, at most {LARGEST} are read");
            return Err(SchemaError::Malformed(why));
        }
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|_| SchemaError::Malformed("it is no text in UTF-8".into()))?;
        let head: Head = object(text)?;
        if head.format != FORMAT {
            return Err(SchemaError::Malformed(format!("`format` is not `{FORMAT}`")));
        }
        if head.version != VERSION {
            return Err(SchemaError::OtherVersion(head.version));
        }
        let document: Document<Box<RawValue>> = object(text)?;
        check_text(&document.title, || "`title`".into())?;
        let code = document.code;
        if code == Code::Float32 {
            return Err(SchemaError::NotIntegers);
        }
        let mut fields = Vec::with_capacity(document.fields.len());
        let mut names = BTreeSet::new();
        for (number, field) in document.fields.iter().enumerate() {
            let field = object(field.get()).map_err(|error| match error {
                SchemaError::Malformed(why) => {
                    SchemaError::Malformed(format!("field {number}: {why}"))
                }
                other => other,
            })?;
            let field = DataField::new(field, number, code)?;
            if !names.insert(field.name.clone()) {
                return Err(SchemaError::SameName(field.name));
            }
            fields.push(field);
        }
        let product = document.shape.iter().try_fold(1u64, |product, &length| {
            product.checked_mul(length).filter(|product| (1..=MOST_ELEMENTS).contains(product))
        });
        let elements = product.ok_or_else(|| {
            SchemaError::Shape(format!("`shape` has no elements, or more than {MOST_ELEMENTS}"))
        })?;
        let held = fields.iter().try_fold(0u64, |sum, field| sum.checked_add(field.len() as u64));
        if held != Some(elements) {
            let held = held.map_or("more".into(), |held| held.to_string());
            let message = format!("`shape` has {elements} elements, and `fields` {held}");
            return Err(SchemaError::Shape(message));
        }
        // Each of them divides the number of elements.
        let shape = document.shape.iter().filter_map(|&length| usize::try_from(length).ok());
        let (shape, hash) = (shape.collect(), Keccak256::digest(bytes).into());
        Ok(Self { title: document.title, code, shape, fields, hash })
    }

    /// How many elements an inference has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has none, which no schema is of.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// That it is of an input's type and shape.
    pub fn check_input(&self, input: &InstanceTensor) -> Result<(), SchemaError> {
        if (self.code, &self.shape) == (input.code, &input.shape) {
            return Ok(());
        }
        let in_words =
            |code: Code, shape: &[usize]| format!("{} in the shape {shape:?}", code.name());
        Err(SchemaError::OtherInput {
            input: input.name.clone(),
            got: in_words(input.code, &input.shape),
            expected: in_words(self.code, &self.shape),
        })
    }

    /// That elements of one inference or several are data of this schema: each an integer of its field's range, or the one for a
    /// missing value.
    pub fn check_elements(&self, elements: &[Element]) -> Result<(), SchemaError> {
        let inferences = elements.chunks(self.len());
        let several = inferences.len() > 1;
        for (inference, elements) in inferences.enumerate() {
            let own =
                self.fields.iter().flat_map(|field| (0..field.len()).map(move |at| (field, at)));
            for (element, (field, at)) in elements.iter().zip(own) {
                let Element::Integer(integer) = *element else {
                    return Err(SchemaError::NotIntegers);
                };
                let [low, high] = field.integers;
                if !(low..=high).contains(&integer) && field.missing != Some(integer) {
                    let place = field.place(at, several.then_some(inference));
                    return Err(SchemaError::OtherInteger { place, integers: field.integers });
                }
            }
        }
        Ok(())
    }
}

/// That a text says something, and not too much.
fn check_text(text: &str, what: impl FnOnce() -> String) -> Result<(), SchemaError> {
    let length = text.chars().take(LONGEST_TEXT + 1).count();
    if (1..=LONGEST_TEXT).contains(&length) { Ok(()) } else { Err(SchemaError::Text(what())) }
}

impl DataField {
    fn new(document: FieldDocument, number: usize, code: Code) -> Result<Self, SchemaError> {
        let FieldDocument { name, unit, count, step, offset, range, rounding, missing } = document;
        check_text(&name, || format!("`name` of field {number}"))?;
        check_text(&unit, || format!("`unit` of the field `{}`", Name::new(&name)))?;
        let count = match count {
            Some(count) if !(1..=MOST_ELEMENTS).contains(&count) => {
                let message = format!(
                    "`count` of the field `{}` is 0, or more than {MOST_ELEMENTS}",
                    Name::new(&name)
                );
                return Err(SchemaError::Shape(message));
            }
            count => count.and_then(|count| usize::try_from(count).ok()),
        };
        let decimal = |text: &str, what: &'static str| {
            let decimal = Decimal::parse(text);
            decimal.ok_or_else(|| SchemaError::NoDecimal { field: name.clone(), what })
        };
        let (step, offset) = (decimal(&step, "step")?, decimal(&offset, "offset")?);
        let range = [decimal(&range[0], "range")?, decimal(&range[1], "range")?];
        if !step.is_positive() {
            return Err(SchemaError::Step(name));
        }
        let wrong = |why: String| SchemaError::Range { field: name.clone(), why };
        if range[0] > range[1] {
            return Err(wrong("ends below its beginning".into()));
        }
        let ends = range.map(|end| end.steps(offset, step));
        if rounding == Rounding::Exact && ends.iter().any(|(_, is_exact)| !is_exact) {
            return Err(wrong(format!(
                "begins or ends at no whole number of steps of {step} from {offset}"
            )));
        }
        let holds = |integer: i64| code.encode(Element::Integer(integer)).is_some();
        let [low, high] =
            ends.map(|(integer, _)| i64::try_from(integer).ok().filter(|&end| holds(end)));
        let (Some(low), Some(high)) = (low, high) else {
            let [(low, _), (high, _)] = ends;
            return Err(wrong(format!(
                "is that of integers from {low} to {high}, which are not all {}",
                code.name()
            )));
        };
        if missing.is_some_and(|missing| !holds(missing)) {
            return Err(SchemaError::Missing { field: name, code: code.name() });
        }
        let integers = [low, high];
        Ok(Self { name, unit, count, step, offset, range, integers, rounding, missing })
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.count.unwrap_or(1)
    }

    /// Whether it has none, which no field has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where one of its elements stands.
    fn place(&self, element: usize, inference: Option<usize>) -> ValuePlace {
        ValuePlace { field: self.name.clone(), element: self.count.map(|_| element), inference }
    }

    /// The integer that stands for a value.
    fn integer(&self, value: Decimal, place: impl Fn() -> ValuePlace) -> Result<i64, SchemaError> {
        let [low, high] = self.range;
        if !(low..=high).contains(&value) {
            let (place, unit) = (place(), self.unit.clone());
            return Err(SchemaError::OutOfRange { place, range: Box::new(self.range), unit });
        }
        let (integer, is_exact) = value.steps(self.offset, self.step);
        if self.rounding == Rounding::Exact && !is_exact {
            let (step, offset) = (self.step, self.offset);
            return Err(SchemaError::OffStep { place: place(), step, offset });
        }
        Ok(i64::try_from(integer).expect("it is between those of the range's ends"))
    }
}

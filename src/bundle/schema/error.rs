//! What is wrong with schemas, and with data for them. What data are is told by none of these.

use super::decimal::Decimal;
use crate::name::Name;
use std::fmt;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValuePlace {
    /// The field.
    pub field: String,
    /// Which of the field's elements, where it has several.
    pub element: Option<usize>,
    /// Which inference, where there are several.
    pub inference: Option<usize>,
}

impl fmt::Display for ValuePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, element, inference } = self;
        match element {
            Some(element) => write!(f, "element {element} of `{}`", Name::new(field))?,
            None => write!(f, "`{}`", Name::new(field))?,
        }
        inference.map_or(Ok(()), |inference| write!(f, " in inference {inference}"))
    }
}

/// Why a document is no schema, or data are not as one says. The package in JavaScript has the same names.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum SchemaError {
    /// The document is not as a schema is written.
    #[error("it is no schema: {0}")]
    Malformed(String),

    /// The document is of another version.
    #[error("it is a schema of version {0}, expected 1")]
    OtherVersion(u64),

    /// A text says nothing, or too much.
    #[error("{0} is empty, or has more than 256 characters")]
    Text(String),

    /// Its elements are no integers.
    #[error("its `code` is float32, and a schema is of integers")]
    NotIntegers,

    /// Its fields do not fill its shape.
    #[error("{0}")]
    Shape(String),

    /// Two fields have one name.
    #[error("two fields are called `{}`", Name::new(.0))]
    SameName(String),

    /// A text is no decimal.
    #[error(
        "`{what}` of the field `{}` is no decimal with at most 18 digits before the point and 18 behind it",
        Name::new(field)
    )]
    NoDecimal { field: String, what: &'static str },

    /// A step leads nowhere.
    #[error("`step` of the field `{}` is not above 0", Name::new(.0))]
    Step(String),

    /// A range holds nothing, or what has no integer.
    #[error("`range` of the field `{}` {why}", Name::new(field))]
    Range { field: String, why: String },

    /// What is committed to for a missing value is no integer of the code.
    #[error("`missing` of the field `{}` is no {code}", Name::new(field))]
    Missing { field: String, code: &'static str },

    /// An input is of another type or shape.
    #[error("the schema is of {expected}, and the input `{}` is of {got}", Name::new(input))]
    OtherInput { input: String, got: String, expected: String },

    /// No model takes integers as large as these.
    #[error("the input `{}` is of {code}, which no circuit takes", Name::new(input))]
    NoCircuit { input: String, code: &'static str },

    /// Data are not as JSON has them.
    #[error("it holds no data in a schema's units: {0}")]
    MalformedData(String),

    /// There are more inferences, or fewer.
    #[error("it holds {got} inferences, a proof of this bundle {expected}")]
    Inferences { got: usize, expected: usize },

    /// A field is left out.
    #[error("{0} is left out")]
    AbsentField(ValuePlace),

    /// There is no such field.
    #[error("{0} is no field of the schema")]
    UnknownField(ValuePlace),

    /// A field is given twice.
    #[error("{0} is given twice")]
    DoubledField(ValuePlace),

    /// A field of several elements has others, or one of a single has several.
    #[error("{place} is not {expected}")]
    Count { place: ValuePlace, expected: String },

    /// A value is no number.
    #[error(
        "{0} is no number, nor a text of one, with at most 18 digits before the point and 18 behind it"
    )]
    NoNumber(ValuePlace),

    /// A value is missing that must not.
    #[error("{0} is `null`, and its field has nothing for missing values")]
    NoValue(ValuePlace),

    /// A value is between two integers.
    #[error("{place} is no whole number of steps of {step} from {offset}")]
    OffStep { place: ValuePlace, step: Decimal, offset: Decimal },

    /// A value is beyond its field's range.
    #[error("{place} is not from {} to {} (in {})", range[0], range[1], Name::new(unit))]
    OutOfRange { place: ValuePlace, range: Box<[Decimal; 2]>, unit: String },

    /// What is committed to is no data of the schema.
    #[error("{place} is committed to as an integer that is not from {} to {}", integers[0], integers[1])]
    OtherInteger { place: ValuePlace, integers: [i64; 2] },

    /// A model's own scale makes no schema.
    #[error(
        "the scale {scale} of the input `{}` is no decimal with at most 18 digits before the point and 18 behind it",
        Name::new(input)
    )]
    Scale { input: String, scale: f32 },
}

impl SchemaError {
    /// What to do about it, where the error alone can tell.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Malformed(_) | Self::OtherVersion(_) => {
                "`zkverdict schema --of BUNDLE --out FILE` begins one; docs/attestations.md says what is in it"
            }
            Self::Text(_) => "say in few words what it is",
            Self::NotIntegers => {
                "name the type of the integers that are committed to, such as int8"
            }
            Self::Shape(_) => {
                "`shape` is that of one inference's input, and `count` of a field how many alike elements it has"
            }
            Self::SameName(_) => {
                "give each field its own name, or make one of alike fields with `count`"
            }
            Self::NoDecimal { .. } => "write it as a text such as \"0.01\"",
            Self::Step(_) => "say how much of the unit one integer step is",
            Self::Range { .. } => {
                "give the least and the largest value that the integers stand for"
            }
            Self::Missing { .. } => {
                "give the integer that is committed to where a value is missing, or leave `missing` out"
            }
            Self::OtherInput { .. } => {
                "take the schema that the data and the bundle are of: `zkverdict schema SCHEMA --for BUNDLE` compares"
            }
            Self::NoCircuit { .. } => "take a bundle that this version made",
            Self::MalformedData(_) => {
                "give an object of the schema's fields, such as {\"income\": 4800}, of several inferences an array of them"
            }
            Self::Inferences { .. } => "give an array of one object for each inference",
            Self::AbsentField(_) => {
                "give all fields, those that are missing as `null` where the schema allows it"
            }
            Self::UnknownField(_) | Self::DoubledField(_) => {
                "give each field of the schema once: `zkverdict schema SCHEMA` lists them"
            }
            Self::Count { .. } => "the schema's `count` says how many values a field has",
            Self::NoNumber(_) => "write numbers as JSON has them",
            Self::NoValue(_) => {
                "give the value, or take a schema that says what is committed to where it is missing"
            }
            Self::OffStep { .. } => {
                "round it as the schema's readers expect, or take a schema whose field says `\"rounding\": \"nearest\"`"
            }
            Self::OutOfRange { .. } => {
                "give it in the field's unit; a value beyond the range has no place in this schema"
            }
            Self::OtherInteger { .. } => {
                "what was committed to is of another schema: sign nothing that was not made by this one"
            }
            Self::Scale { .. } => "write a schema by hand, in units of your own",
        })
    }
}

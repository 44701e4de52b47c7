//! What a proof can say of an output without telling it.
//!
//! | claim | the verifier chooses | what is said, of each element unless it is about one |
//! |---|---|---|
//! | values | | the element itself |
//! | argmax | | the position of the largest of a line, the first of several |
//! | top:K | | the positions of the K largest of a line, the largest first; of equal ones the first |
//! | threshold | a value t | whether y ≥ t |
//! | range | two values | whether low ≤ y ≤ high |
//! | bucket:N | N values | how many of them y reaches: its bucket's number, where they ascend |
//! | equal | a value v | whether y = v |
//!
//! Lines go along the last axis that has more than one element. All is said of the integers of the output, which keep the order of
//! what they stand for. [`Claim::evaluate`] is what claims mean; the graph that proves them is in `graph`, and both are compared.

mod graph;
mod said;
#[cfg(test)]
mod tests;
mod units;

use super::{ElementType, Model, Port, Quantization, Tensor, top::LONGEST};
use crate::name::Name;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

pub use said::ClaimValues;

/// Claims of one model: descriptions from outside can have any number.
const MOST_CLAIMS: usize = 256;

/// Bounds of buckets: the number of a bucket is a byte.
const MOST_BOUNDS: usize = 255;

/// What is said of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum ClaimKind {
    /// One element itself.
    Values,
    /// Where the largest elements are.
    ArgMax,
    /// Where the so many largest are.
    Top(usize),
    /// Whether elements are at least a value.
    Threshold,
    /// Whether elements are between two values or one of them.
    Range,
    /// How many of so many bounds elements reach.
    Bucket(usize),
    /// Whether elements are a value.
    Equal,
}

impl ClaimKind {
    /// The word for it, without numbers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::ArgMax => "argmax",
            Self::Top(_) => "top",
            Self::Threshold => "threshold",
            Self::Range => "range",
            Self::Bucket(_) => "bucket",
            Self::Equal => "equal",
        }
    }

    /// How many values the verifier chooses.
    pub const fn parameters(self) -> usize {
        match self {
            Self::Values | Self::ArgMax | Self::Top(_) => 0,
            Self::Threshold | Self::Equal => 1,
            Self::Range => 2,
            Self::Bucket(bounds) => bounds,
        }
    }
}

impl fmt::Display for ClaimKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Top(number) | Self::Bucket(number) => write!(f, ":{number}"),
            _ => Ok(()),
        }
    }
}

impl From<ClaimKind> for String {
    fn from(kind: ClaimKind) -> Self {
        kind.to_string()
    }
}

impl TryFrom<String> for ClaimKind {
    type Error = ClaimError;

    fn try_from(text: String) -> Result<Self, ClaimError> {
        text.parse()
    }
}

impl FromStr for ClaimKind {
    type Err = ClaimError;

    fn from_str(text: &str) -> Result<Self, ClaimError> {
        let (word, number) = match text.split_once(':') {
            Some((word, number)) => (word, Some(number)),
            None => (text, None),
        };
        let unknown = || ClaimError::Kind { found: Name::new(text).to_string() };
        let number: Option<usize> =
            number.map(|number| number.parse().map_err(|_| unknown())).transpose()?;
        match (word, number) {
            ("values", None) => Ok(Self::Values),
            ("argmax", None) => Ok(Self::ArgMax),
            ("top", Some(count)) => Ok(Self::Top(count)),
            ("threshold", None) => Ok(Self::Threshold),
            ("range", None) => Ok(Self::Range),
            ("bucket", Some(bounds)) => Ok(Self::Bucket(bounds)),
            ("equal", None) => Ok(Self::Equal),
            _ => Err(unknown()),
        }
    }
}

/// Something said of an output, or of one element of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The output's name.
    pub output: String,
    /// Which element, row major; none for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<usize>,
    /// What is said.
    pub kind: ClaimKind,
}

/// A tensor that a claim takes or gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimTensor {
    /// What it is.
    pub name: &'static str,
    /// The type of its elements.
    pub element: ElementType,
    /// Its shape; empty for a scalar.
    pub shape: Vec<usize>,
}

/// Why a claim cannot be made of a model, or a parameter not be one of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum ClaimError {
    #[error(
        "`{found}` is no claim, expected values, none, argmax, top:K, threshold, range, bucket:N or equal"
    )]
    Kind { found: String },

    #[error("`{found}` says nothing of an output, expected NAME=claim or NAME[element]=claim")]
    Form { found: String },

    #[error("the model has no output `{name}`, its outputs are {known}")]
    Output { name: String, known: String },

    #[error("claim about `{claim}`: the output has {length} elements")]
    Element { claim: String, length: usize },

    #[error(
        "claim about `{claim}`: `{kind}` compares the elements of an output, and is of no single one"
    )]
    OfOne { claim: String, kind: ClaimKind },

    #[error("claim about `{claim}`: `none` is of a whole output")]
    NoneOfOne { claim: String },

    #[error(
        "claim about `{claim}`: `{kind}` needs lines of 2 to {LONGEST} elements, this output's have {length}"
    )]
    Line { claim: String, kind: ClaimKind, length: usize },

    #[error("claim about `{claim}`: `{kind}` is of 1 to {most}")]
    Count { claim: String, kind: ClaimKind, most: usize },

    #[error("claim about `{claim}`: `{kind}` is claimed already")]
    Twice { claim: String, kind: ClaimKind },

    #[error("claim about `{claim}`: `none` and `values` exclude each other")]
    NoneAndValues { claim: String },

    #[error("{found} claims, at most {MOST_CLAIMS} are made of a model")]
    Many { found: usize },

    #[error("proofs would say nothing: no output is told and nothing is claimed")]
    Nothing,

    #[error("claim `{claim}`: `{found}` is no number{}", .labels.as_ref().map(|labels| format!(" and none of the labels {labels}")).unwrap_or_default())]
    Number { claim: String, found: String, labels: Option<String> },

    #[error("claim `{claim}`: {found} numbers, expected {expected}")]
    Numbers { claim: String, found: usize, expected: usize },

    #[error("claim `{claim}`: {found} is outside the output's values, which are {low} to {high}")]
    OutsideOutput { claim: String, found: String, low: String, high: String },

    #[error("claim `{claim}`: the numbers do not ascend")]
    Descending { claim: String },

    #[error(
        "claim `{claim}`: no value of the output lies between the two, its steps are {step} apart"
    )]
    Empty { claim: String, step: String },

    #[error("claim `{claim}`: {found} is no value of the output, the nearest are {nearest}")]
    NoValue { claim: String, found: String, nearest: String },
}

impl Claim {
    /// What it is about: `NAME` or `NAME[element]`.
    pub fn subject(&self) -> String {
        match self.element {
            Some(element) => format!("{}[{element}]", self.output),
            None => self.output.clone(),
        }
    }

    /// The output of the model that it is about, and the tensor of one inference, of so many that the model has along its leading
    /// axes; an error where nothing such can be claimed of it.
    pub fn port<'a>(
        &self,
        model: &'a Model,
        inferences: usize,
    ) -> Result<(&'a Port, Tensor), ClaimError> {
        let port = model.outputs.iter().find(|port| port.name == self.output);
        let port = port.ok_or_else(|| no_output(model, &self.output))?;
        let tensor = of_one(&model.graph.tensors[port.tensor.0], inferences);
        let (claim, kind) = (Name::new(&self.subject()).to_string(), self.kind);
        if self.element.is_some_and(|element| element >= tensor.len()) {
            return Err(ClaimError::Element { claim, length: tensor.len() });
        }
        let of_lines = matches!(kind, ClaimKind::ArgMax | ClaimKind::Top(_));
        if of_lines && self.element.is_some() {
            return Err(ClaimError::OfOne { claim, kind });
        }
        let (_, length, _) = lines(&tensor);
        if of_lines && !(2..=LONGEST).contains(&length) {
            return Err(ClaimError::Line { claim, kind, length });
        }
        match kind {
            ClaimKind::Top(count) if !(1..=length).contains(&count) => {
                Err(ClaimError::Count { claim, kind, most: length })
            }
            ClaimKind::Bucket(bounds) if !(1..=MOST_BOUNDS).contains(&bounds) => {
                Err(ClaimError::Count { claim, kind, most: MOST_BOUNDS })
            }
            _ => Ok((port, tensor)),
        }
    }

    /// What the verifier chooses, of a claim about an output that is this tensor: values in the output's own unit.
    pub fn parameter(&self, output: &Tensor) -> Option<ClaimTensor> {
        let (name, shape) = match self.kind {
            ClaimKind::Values | ClaimKind::ArgMax | ClaimKind::Top(_) => return None,
            ClaimKind::Threshold => ("threshold", vec![]),
            ClaimKind::Range => ("range", vec![2]),
            ClaimKind::Bucket(bounds) => ("bounds", vec![bounds]),
            ClaimKind::Equal => ("value", vec![]),
        };
        Some(ClaimTensor { name, element: unit(output).element, shape })
    }

    /// What is said.
    pub fn result(&self, output: &Tensor) -> ClaimTensor {
        let (name, element) = match self.kind {
            ClaimKind::Values => ("value", unit(output).element),
            ClaimKind::ArgMax => ("position", ElementType::Uint8),
            ClaimKind::Top(_) => ("positions", ElementType::Uint8),
            ClaimKind::Threshold | ClaimKind::Range | ClaimKind::Equal => {
                ("holds", ElementType::Uint8)
            }
            ClaimKind::Bucket(_) => ("bucket", ElementType::Uint8),
        };
        let mut shape = if self.element.is_some() { vec![] } else { output.shape.clone() };
        match (self.kind, axis(output)) {
            (ClaimKind::ArgMax, Some(axis)) => shape[axis] = 1,
            (ClaimKind::Top(count), Some(axis)) => shape[axis] = count,
            _ => {}
        }
        ClaimTensor { name, element, shape }
    }

    /// What is said of an output with these integers, given the integers that the verifier chose. Assumes as many as
    /// [`Self::parameter`] has. Output and integers are one inference's.
    pub fn evaluate(&self, output: &Tensor, integers: &[i32], parameter: &[i32]) -> Vec<i32> {
        let elements = match self.element {
            Some(element) => &integers[element..=element],
            None => integers,
        };
        let of_each = |said: &dyn Fn(i32) -> i32| elements.iter().map(|&y| said(y)).collect();
        match (self.kind, parameter) {
            (ClaimKind::Threshold, &[least]) => of_each(&|y| i32::from(y >= least)),
            (ClaimKind::Equal, &[value]) => of_each(&|y| i32::from(y == value)),
            (ClaimKind::Range, &[low, high]) => of_each(&|y| i32::from((low..=high).contains(&y))),
            (ClaimKind::Bucket(_), bounds) => {
                of_each(&|y| bounds.iter().map(|&bound| i32::from(y >= bound)).sum())
            }
            (ClaimKind::ArgMax, _) => first_of_lines(output, integers, 1),
            (ClaimKind::Top(count), _) => first_of_lines(output, integers, count),
            (ClaimKind::Values, _) => elements.to_vec(),
            (ClaimKind::Threshold | ClaimKind::Equal | ClaimKind::Range, _) => {
                unreachable!("the claim has another number of parameters")
            }
        }
    }
}

fn no_output(model: &Model, name: &str) -> ClaimError {
    let known: Vec<String> = model.outputs.iter().map(|port| port.name.clone()).collect();
    ClaimError::Output { name: Name::new(name).to_string(), known: Name::list(&known).to_string() }
}

/// The unit of an output's integers, positions among them being bytes.
fn unit(output: &Tensor) -> Quantization {
    match output.quantization.element {
        ElementType::Int64 => super::top::PLAIN,
        ElementType::Int8 | ElementType::Uint8 => output.quantization,
    }
}

/// One inference's part of a tensor that has so many along its leading axis.
fn of_one(tensor: &Tensor, inferences: usize) -> Tensor {
    let mut tensor = tensor.clone();
    if let Some(leading) = tensor.shape.first_mut() {
        *leading /= inferences.max(1);
    }
    tensor
}

/// The axis along which lines go.
fn axis(output: &Tensor) -> Option<usize> {
    output.shape.iter().rposition(|&length| length > 1)
}

/// `[outer][length][inner]` of an output's lines.
fn lines(output: &Tensor) -> (usize, usize, usize) {
    let Some(axis) = axis(output) else { return (1, 1, 1) };
    let product = |lengths: &[usize]| lengths.iter().product();
    (product(&output.shape[..axis]), output.shape[axis], product(&output.shape[axis + 1..]))
}

/// The positions of the largest elements of lines, `[outer][count][inner]`.
fn first_of_lines(output: &Tensor, integers: &[i32], count: usize) -> Vec<i32> {
    let (_, length, inner) = lines(output);
    let mut found = Vec::new();
    for plane in integers.chunks(length * inner) {
        let orders: Vec<Vec<usize>> = (0..inner)
            .map(|i| {
                let mut order: Vec<usize> = (0..length).collect();
                // Stable: equal elements stay in order.
                order.sort_by_key(|position| std::cmp::Reverse(plane[position * inner + i]));
                order
            })
            .collect();
        let places = (0..count).flat_map(|place| orders.iter().map(move |order| order[place]));
        found.extend(places.map(|position| i32::try_from(position).expect("lines are short")));
    }
    found
}

/// What proofs say of a model's outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// What is claimed, in the order in which it was asked for.
    pub claims: Vec<Claim>,
    /// Of each output, whether it is told.
    pub told: Vec<bool>,
}

impl Claims {
    /// Reads what is asked of a model's outputs: each `NAME=claim` or `NAME[element]=claim`, where a claim is `values`, `none`,
    /// `argmax`, `top:K`, `threshold`, `range`, `bucket:N` or `equal`. An output is told unless something else than `values` is
    /// asked of it. The same is said of each of so many inferences that the model has along its leading axes.
    pub fn read<T: AsRef<str>>(
        model: &Model,
        texts: &[T],
        inferences: usize,
    ) -> Result<Self, ClaimError> {
        let mut claims: Vec<Claim> = Vec::new();
        // What was asked of each output as a whole.
        let mut asked = vec![(false, false, false); model.outputs.len()];
        for text in texts {
            let text = text.as_ref();
            let form = || ClaimError::Form { found: Name::new(text).to_string() };
            let (subject, kind) = text.rsplit_once('=').ok_or_else(form)?;
            let (output, element) = subject_of(model, subject)?;
            let (values, none, others) = &mut asked[output];
            let name = Name::new(subject).to_string();
            let kind = match (kind, element) {
                ("values", None) => {
                    *values = true;
                    continue;
                }
                ("none", None) => {
                    *none = true;
                    continue;
                }
                ("none", Some(_)) => return Err(ClaimError::NoneOfOne { claim: name }),
                (kind, _) => kind.parse::<ClaimKind>()?,
            };
            *others = true;
            let claim = Claim { output: model.outputs[output].name.clone(), element, kind };
            claim.port(model, inferences)?;
            let is_same = |other: &Claim| {
                (&other.output, other.element, other.kind.word())
                    == (&claim.output, claim.element, claim.kind.word())
            };
            if claims.iter().any(is_same) {
                return Err(ClaimError::Twice { claim: name, kind });
            }
            claims.push(claim);
            if claims.len() > MOST_CLAIMS {
                return Err(ClaimError::Many { found: claims.len() });
            }
        }
        let both = asked.iter().position(|&(values, none, _)| values && none);
        if let Some(output) = both {
            let claim = Name::new(&model.outputs[output].name).to_string();
            return Err(ClaimError::NoneAndValues { claim });
        }
        let told = asked.iter().map(|&(values, none, others)| values || !none && !others);
        let read = Self { told: told.collect(), claims };
        read.check()?;
        Ok(read)
    }

    /// That something is said, and not too much.
    pub fn check(&self) -> Result<(), ClaimError> {
        match self.claims.len() {
            0 if !self.told.contains(&true) => Err(ClaimError::Nothing),
            found if found > MOST_CLAIMS => Err(ClaimError::Many { found }),
            _ => Ok(()),
        }
    }

    /// All outputs, and nothing else.
    pub fn all(model: &Model) -> Self {
        Self { claims: Vec::new(), told: vec![true; model.outputs.len()] }
    }

    /// What each claim is called: after what it is about, and where several are about the same, after its kind too.
    pub fn names(&self) -> Vec<String> {
        let name = |claim: &Claim| {
            let subject = claim.subject();
            match self.claims.iter().filter(|other| other.subject() == subject).count() {
                1 => subject,
                _ => format!("{subject}:{}", claim.kind.word()),
            }
        };
        self.claims.iter().map(name).collect()
    }
}

/// The output, and maybe the element, that a name means. An output that is called so comes first.
fn subject_of(model: &Model, name: &str) -> Result<(usize, Option<usize>), ClaimError> {
    let output = |name: &str| model.outputs.iter().position(|port| port.name == name);
    if let Some(output) = output(name) {
        return Ok((output, None));
    }
    let element = name.strip_suffix(']').and_then(|name| name.rsplit_once('['));
    let element = element.and_then(|(name, at)| Some((output(name)?, at.parse().ok()?)));
    match element {
        Some((output, element)) => Ok((output, Some(element))),
        None => Err(no_output(model, name)),
    }
}

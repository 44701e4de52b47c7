//! Claims about outputs, as functions of the library.

use super::{IoTensor, Role, TensorSource, identifier_words};
use crate::name::Name;
use serde_json::{Value, json};

/// What is said of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoClaimKind {
    /// An element itself.
    Values,
    /// Where the largest elements are.
    ArgMax,
    /// Where the largest elements are, several of a line.
    Top,
    /// Whether elements are at least a value.
    Threshold,
    /// Whether elements are between two values.
    Range,
    /// How many bounds elements reach.
    Bucket,
    /// Whether elements are a value.
    Equal,
}

impl IoClaimKind {
    fn name(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::ArgMax => "argmax",
            Self::Top => "top",
            Self::Threshold => "threshold",
            Self::Range => "range",
            Self::Bucket => "bucket",
            Self::Equal => "equal",
        }
    }
}

/// Something said of an output.
#[derive(Debug, Clone, PartialEq)]
pub struct IoClaim {
    /// What it is called.
    pub name: String,
    /// What it says.
    pub kind: IoClaimKind,
    /// What the verifier chooses, in the output's unit.
    pub parameter: Option<IoTensor>,
    /// What is said.
    pub result: IoTensor,
    /// Whether it is about positions, which have no unit.
    pub is_of_positions: bool,
}

impl IoClaim {
    pub(super) fn schema(&self, parameter: Option<Value>, result: Value) -> Value {
        let mut schema = json!({ "name": self.name, "kind": self.kind.name(), "result": result });
        if let Some(parameter) = parameter {
            schema["parameter"] = parameter;
        }
        schema
    }
}

/// The functions of a claim.
pub(super) struct ClaimSource {
    pub title: String,
    /// What the names of its functions end in.
    pub function: String,
    pub kind: IoClaimKind,
    pub is_of_positions: bool,
    /// How many elements are said something of.
    pub length: usize,
    /// How many values the verifier chooses.
    pub chosen: usize,
    /// The identifiers of what the verifier chooses, and of what is said.
    pub parameter: Identifiers,
    pub result: Identifiers,
}

/// The identifiers of a tensor.
#[derive(Clone, Default)]
pub(super) struct Identifiers {
    pub constant: String,
    pub function: String,
    pub getter: String,
}

impl Identifiers {
    fn of(tensor: &TensorSource) -> Self {
        let TensorSource { constant, function, getter, .. } = tensor;
        Self { constant: constant.clone(), function: function.clone(), getter: getter.clone() }
    }

    /// An element's steps from the zero point.
    pub fn steps(&self, index: &str) -> String {
        let Self { getter, constant, .. } = self;
        format!("_steps({getter}At(instances, {index}), {constant}_ZERO_POINT)")
    }

    /// The scale, as arguments of a function.
    pub fn scale(&self) -> String {
        let constant = &self.constant;
        format!("{constant}_SCALE_NUMERATOR, {constant}_SCALE_DENOMINATOR")
    }
}

impl ClaimSource {
    /// The functions of claims, whose tensors these are, among others.
    pub fn all(claims: &[IoClaim], tensors: &[TensorSource]) -> Vec<Self> {
        let of = |role| tensors.iter().filter(move |tensor| tensor.role == role);
        let (mut parameters, mut results) = (of(Role::Parameter), of(Role::Claim));
        let mut sources: Vec<Self> = Vec::new();
        for claim in claims {
            let tensor = claim.parameter.as_ref().and_then(|_| parameters.next());
            let parameter = tensor.map(Identifiers::of).unwrap_or_default();
            let result = results.next().map(Identifiers::of).unwrap_or_default();
            let words = identifier_words(&claim.name, "claim");
            let capital = |word: &String| {
                let (first, rest) = word.split_at(1);
                first.to_ascii_uppercase() + rest
            };
            let name: String = words.iter().map(capital).collect();
            // Different names may become the same identifier, and two functions may not be called the same.
            let number = (1_usize..).map(|number| match number {
                1 => name.clone(),
                number => format!("{name}{number}"),
            });
            let is_free = |name: &String| {
                // Functions that read an element of a tensor end in `At`.
                sources.iter().all(|other| other.function != *name) && !name.ends_with("At")
            };
            let function = number.into_iter().find(is_free);
            sources.push(Self {
                title: format!("`{}`", Name::new(&claim.name).comment()),
                function: function.expect("some number is free"),
                kind: claim.kind,
                is_of_positions: claim.is_of_positions,
                length: claim.result.len(),
                chosen: claim.parameter.as_ref().map_or(0, IoTensor::len),
                parameter,
                result,
            });
        }
        sources
    }

    /// Whether it says one thing only, so that functions take no index.
    pub fn is_one(&self) -> bool {
        self.length == 1
    }

    /// The last parameter of functions, where they take an index.
    pub fn index(&self) -> &'static str {
        if self.is_one() { "" } else { ", uint256 index" }
    }

    /// Which element functions read.
    pub fn at(&self) -> &'static str {
        if self.is_one() { "0" } else { "index" }
    }

    /// What functions are about.
    pub fn subject(&self) -> String {
        match self.is_one() {
            true => self.title.clone(),
            false => format!("element `index` of {}", self.title),
        }
    }

    /// Whether it is of this kind.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.name() == kind
    }
}

//! What is done to a float input before it is quantized: missing values filled in, standardization, another unit;
//! or its code, where a model does nothing with it but compare.
//!
//! Like the quantization after it, this is how the input is encoded. What is proved begins with the integers, and
//! whatever integers they are, there are values that become them.

use super::{ElementType, Quantization};
use crate::name::Name;

/// Steps in float32, one after the other as the ONNX file has them, or codes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preparation {
    steps: Vec<PreparationStep>,
    codes: Option<Codes>,
}

/// One of them, with one constant or one for each element.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparationStep {
    /// What is done.
    pub arithmetic: Arithmetic,
    /// With what.
    pub constants: Vec<f32>,
}

/// What is done to an element `x` with a constant `c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// x + c
    Add,
    /// x − c
    Subtract,
    /// c − x
    SubtractFrom,
    /// x · c
    Multiply,
    /// x / c
    Divide,
    /// c where x is missing (NaN)
    Fill,
}

impl Arithmetic {
    /// Applies it.
    pub fn apply(self, x: f32, constant: f32) -> f32 {
        match self {
            Self::Add => x + constant,
            Self::Subtract => x - constant,
            Self::SubtractFrom => constant - x,
            Self::Multiply => x * constant,
            Self::Divide => x / constant,
            Self::Fill if x.is_nan() => constant,
            Self::Fill => x,
        }
    }
}

/// Codes of an input's elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Codes {
    /// The shape of what is coded.
    pub shape: Vec<usize>,
    /// One for each element.
    pub elements: Vec<Code>,
}

/// How an element becomes a small integer.
#[derive(Clone, Debug, PartialEq)]
pub enum Code {
    /// How many of these numbers, which ascend, it is above.
    Rank {
        /// The numbers.
        thresholds: Vec<f32>,
        /// What a missing value (NaN) becomes.
        missing: Missing,
    },
    /// Its position among these names, or their number if it is none of them.
    Category(Vec<String>),
    /// The whole number that it is, below this one.
    Whole(usize),
    /// Two bytes from −128 to 127: the first one times a scale, and what that leaves times another.
    Parts {
        /// The real step of the first.
        scale: f32,
        /// That of the second.
        rest: f32,
    },
}

/// The code of a missing value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is above no threshold.
    BelowAll,
    /// It is above all thresholds.
    AboveAll,
    /// It has the code 0; all others are one more than their rank.
    Apart,
}

impl Code {
    /// The largest code.
    pub fn largest(&self) -> usize {
        match self {
            Self::Rank { thresholds, missing: Missing::Apart } => thresholds.len() + 1,
            Self::Rank { thresholds, .. } => thresholds.len(),
            Self::Category(names) => names.len(),
            Self::Whole(end) => end.saturating_sub(1),
            Self::Parts { .. } => u16::MAX.into(),
        }
    }

    /// Whether a value has a code.
    pub fn takes(&self, x: f32) -> bool {
        match self {
            Self::Rank { .. } | Self::Category(_) => true,
            // Both are exact: ends are at most 65,536.
            #[allow(clippy::cast_precision_loss)]
            Self::Whole(end) => x.fract() == 0.0 && (0.0..*end as f32).contains(&x),
            Self::Parts { .. } => !x.is_nan(),
        }
    }

    /// How many bytes a code takes: one, or two of which the first counts 256.
    pub fn bytes(&self) -> usize {
        1 + usize::from(self.largest() > usize::from(u8::MAX))
    }

    /// The code of a value: of a category, that of its position.
    pub fn of(&self, x: f32) -> usize {
        match self {
            Self::Rank { thresholds, missing } => match missing {
                Missing::BelowAll if x.is_nan() => 0,
                Missing::AboveAll if x.is_nan() => thresholds.len(),
                Missing::Apart if x.is_nan() => 0,
                Missing::Apart => 1 + thresholds.partition_point(|&threshold| x > threshold),
                _ => thresholds.partition_point(|&threshold| x > threshold),
            },
            // Positions are small.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Self::Category(_) | Self::Whole(_) => (x as usize).min(self.largest()),
            // Of bytes that count from −128.
            #[allow(clippy::cast_sign_loss)]
            Self::Parts { scale, rest } => {
                let [first, second] = parts(x, *scale, *rest);
                ((first + 128) as usize) << 8 | (second + 128) as usize
            }
        }
    }

    /// The least of its bytes.
    pub fn lowest(&self) -> i32 {
        if matches!(self, Self::Parts { .. }) { -128 } else { 0 }
    }

    /// Whether a value is nearer to others than to all that have a code.
    pub fn is_beyond(&self, x: f32) -> bool {
        let Self::Parts { scale, rest } = *self else { return false };
        let [low, high] = [-128.0, 127.0].map(|end: f32| end.mul_add(scale, end * rest));
        !(low - rest / 2.0..=high + rest / 2.0).contains(&x)
    }
}

/// The nearest of the integers from −128 to 127, and of what it leaves.
fn parts(x: f32, scale: f32, rest: f32) -> [i32; 2] {
    let [whole, rest] = [scale, rest].map(|scale| Quantization {
        scale,
        zero_point: 0,
        element: ElementType::Int8,
    });
    let first = whole.quantize(x);
    [first, rest.quantize(x - whole.dequantize(first))]
}

impl Preparation {
    /// Steps in their order.
    pub fn new(steps: Vec<PreparationStep>) -> Self {
        Self { steps, codes: None }
    }

    /// Codes in place of values.
    pub fn coded(codes: Codes) -> Self {
        Self { steps: Vec::new(), codes: Some(codes) }
    }

    /// Codes of values that come after these steps.
    pub fn coded_after(steps: Vec<PreparationStep>, codes: Codes) -> Self {
        Self { steps, codes: Some(codes) }
    }

    /// The codes, where there are such.
    pub fn codes(&self) -> Option<&Codes> {
        self.codes.as_ref()
    }

    /// The steps in their order.
    pub fn steps(&self) -> &[PreparationStep] {
        &self.steps
    }

    /// Whether a missing value has a meaning.
    pub fn takes_missing(&self) -> bool {
        self.codes.is_some() || self.steps.iter().any(|step| step.arithmetic == Arithmetic::Fill)
    }

    /// An element after all steps.
    pub fn apply(&self, element: usize, x: f32) -> f32 {
        self.steps.iter().fold(x, |x, step| {
            let constant = match step.constants.as_slice() {
                &[constant] => constant,
                constants => constants[element],
            };
            step.arithmetic.apply(x, constant)
        })
    }
}

impl Preparation {
    /// How an element of the input becomes what is quantized, or its code, in words.
    pub fn description(&self) -> Vec<String> {
        let list = |values: &[f32]| {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            values.join(", ")
        };
        let mut lines = Vec::new();
        if let Some(Codes { elements, .. }) = &self.codes {
            let mut at = 0;
            let first = elements.first();
            if let Some(Code::Parts { scale, rest }) = first
                && elements.iter().all(|code| Some(code) == first)
            {
                lines.push(format!(
                    "{scale} times element 2i plus {rest} times element 2i + 1 is value i"
                ));
                at = 2 * elements.len();
            }
            let elements = if at == 0 { &elements[..] } else { &[] };
            for (index, code) in elements.iter().enumerate() {
                let place = match code.bytes() {
                    1 => format!("element {at}"),
                    _ => format!("256 times element {at} plus element {}", at + 1),
                };
                at += code.bytes();
                lines.push(match code {
                    Code::Category(names) => format!(
                        "{place} is the position of text {index} among [{}], and {} for any other",
                        Name::list(names),
                        names.len()
                    ),
                    Code::Whole(end) => {
                        format!("{place} is the whole number {index}, which is below {end}")
                    }
                    Code::Parts { scale, rest } => format!(
                        "{scale} times element {} plus {rest} times element {} is value {index}",
                        at - 2,
                        at - 1
                    ),
                    Code::Rank { thresholds, .. }
                        if thresholds.is_empty() && code.largest() == 0 =>
                    {
                        format!("{place} is 0: nothing is asked of value {index}")
                    }
                    Code::Rank { thresholds, missing } => {
                        let count =
                            format!("how many of [{}] value {index} is above", list(thresholds));
                        match missing {
                            Missing::BelowAll => format!("{place} is {count}; 0 if it is missing"),
                            Missing::AboveAll => {
                                format!("{place} is {count}; {} if it is missing", thresholds.len())
                            }
                            Missing::Apart => format!(
                                "{place} is 0 if value {index} is missing, otherwise 1 + {count}"
                            ),
                        }
                    }
                });
            }
        }
        for (number, PreparationStep { arithmetic, constants }) in self.steps.iter().enumerate() {
            let constants = list(constants);
            let formula = match arithmetic {
                Arithmetic::Add => format!("x + [{constants}]"),
                Arithmetic::Subtract => format!("x - [{constants}]"),
                Arithmetic::SubtractFrom => format!("[{constants}] - x"),
                Arithmetic::Multiply => format!("x times [{constants}]"),
                Arithmetic::Divide => format!("x / [{constants}]"),
                Arithmetic::Fill => format!("[{constants}] where x is missing"),
            };
            let step = number + 1;
            lines.push(format!("step {step} before scale and zero point, in float32: {formula}"));
        }
        lines
    }
}

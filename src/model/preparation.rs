//! What is done to a float input before it is quantized: standardization, another unit, ranks among thresholds.
//!
//! Like the quantization after it, this is how the input is encoded. What is proved begins with the integers.

/// Sums and products with constants, in float32, one after the other as the ONNX file has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preparation {
    steps: Vec<PreparationStep>,
    /// By element, ascending: in place of the real comes how many of these it is above.
    ranks: Option<Vec<Vec<f32>>>,
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
}

impl Preparation {
    /// Steps in their order.
    pub fn new(steps: Vec<PreparationStep>) -> Self {
        Self { steps, ranks: None }
    }

    /// The same, and then ranks among these thresholds of each element, which ascend.
    pub fn ranked(self, thresholds: Vec<Vec<f32>>) -> Self {
        Self { ranks: Some(thresholds), ..self }
    }

    /// The thresholds of each element, where the real's rank among them is taken.
    pub fn thresholds(&self) -> Option<&[Vec<f32>]> {
        self.ranks.as_deref()
    }

    /// The steps in their order.
    pub fn steps(&self) -> &[PreparationStep] {
        &self.steps
    }

    /// An element as it is quantized.
    pub fn apply(&self, element: usize, x: f32) -> f32 {
        let real = self.steps.iter().fold(x, |x, step| {
            let constant = match step.constants.as_slice() {
                &[constant] => constant,
                constants => constants[element],
            };
            match step.arithmetic {
                Arithmetic::Add => x + constant,
                Arithmetic::Subtract => x - constant,
                Arithmetic::SubtractFrom => constant - x,
                Arithmetic::Multiply => x * constant,
                Arithmetic::Divide => x / constant,
            }
        });
        match &self.ranks {
            // Ranks are small integers, exact in float32.
            #[allow(clippy::cast_precision_loss)]
            Some(thresholds) if !real.is_nan() => {
                thresholds[element].partition_point(|&threshold| real > threshold) as f32
            }
            _ => real,
        }
    }
}

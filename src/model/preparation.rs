//! What is done to a float input before it is quantized: standardization, another unit.
//!
//! Like the quantization after it, this is how the input is encoded. What is proved begins with the integers.

/// Sums and products with constants, in float32, one after the other as the ONNX file has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preparation {
    steps: Vec<PreparationStep>,
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
        Self { steps }
    }

    /// The steps in their order.
    pub fn steps(&self) -> &[PreparationStep] {
        &self.steps
    }

    /// An element as it is quantized.
    pub fn apply(&self, element: usize, x: f32) -> f32 {
        self.steps.iter().fold(x, |x, step| {
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
        })
    }
}

//! Functions of single values, in the float32 arithmetic that onnxruntime computes them in.

/// A function of each element of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Identity,
    Relu,
    /// Between the two bounds.
    Clip(f32, f32),
    Sigmoid,
}

impl Function {
    /// The function's value.
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::Identity => x,
            Self::Relu => x.max(0.0),
            Self::Clip(low, high) => x.max(low).min(high),
            Self::Sigmoid => sigmoid(x),
        }
    }

    /// The bounds, for functions that only clamp. They commute with quantization, which is monotone.
    pub fn as_clamp(self) -> Option<(f32, f32)> {
        match self {
            Self::Identity => Some((f32::NEG_INFINITY, f32::INFINITY)),
            Self::Relu => Some((0.0, f32::INFINITY)),
            Self::Clip(low, high) => Some((low, high)),
            Self::Sigmoid => None,
        }
    }
}

/// Evaluates a polynomial in `x`, highest coefficient first, with fused multiply-adds.
fn polynomial(x: f32, coefficients: &[f32]) -> f32 {
    let (first, rest) = coefficients.split_first().expect("polynomials here have coefficients");
    rest.iter().fold(*first, |sum, &coefficient| sum.mul_add(x, coefficient))
}

/// The rational approximation of the logistic function that onnxruntime uses: an odd polynomial over
/// an even one, plus one half.
fn sigmoid(x: f32) -> f32 {
    const ODD: [f32; 5] =
        [4.370_310_126e-11, 1.156_273_245e-7, 6.085_748_646e-5, 8.513_771_333e-3, 2.482_879_471e-1];
    const EVEN: [f32; 6] = [
        6.102_473_898e-13,
        5.761_021_370e-9,
        6.291_067_850e-6,
        1.701_988_174e-3,
        1.168_176_569e-1,
        9.931_519_210e-1,
    ];
    let x = x.clamp(-18.0, 18.0);
    let square = x * x;
    (x * polynomial(square, &ODD) / polynomial(square, &EVEN) + 0.5).clamp(0.0, 1.0)
}

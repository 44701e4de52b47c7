//! Functions of single values, in the float32 arithmetic that onnxruntime computes them in.
//!
//! Exponentials and their kin come from the crate `libm`, not from the platform: a model has the same tables, and so the
//! same key, on every machine.

use super::{Importer, NodeView};
use crate::model::ModelError;
use libm::{exp, log1p};

/// A function of each element of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Relu,
    /// Between the two bounds.
    Clip(f32, f32),
    Sigmoid,
    Tanh,
    Erf,
    Exp,
    Sqrt,
    Abs,
    Neg,
    Reciprocal,
    Softplus,
    Softsign,
    LeakyRelu(f32),
    Elu(f32),
    Selu(f32, f32),
    HardSigmoid(f32, f32),
    HardSwish,
    ThresholdedRelu(f32),
    Mish,
    Gelu,
    /// Gelu with its approximation by tanh.
    TanhGelu,
    Log,
    Celu(f32),
    Sign,
    Floor,
    Ceil,
    /// Ties to even.
    Round,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Asinh,
    Acosh,
    Atanh,
    /// x · sigmoid(α · x)
    Swish(f32),
    /// Towards 0 by the second, within the first of 0 to 0.
    Shrink(f32, f32),
    /// Of truth values.
    Not,
}

impl Function {
    /// The function that a node stands for.
    pub fn read(importer: &Importer<'_>, node: NodeView<'_>) -> Result<Self, ModelError> {
        Ok(match node.operator() {
            "Relu" => Self::Relu,
            "Clip" => read_clip(importer, node)?,
            "Sigmoid" | "QLinearSigmoid" => Self::Sigmoid,
            "Tanh" => Self::Tanh,
            "Erf" => Self::Erf,
            "Exp" => Self::Exp,
            "Sqrt" => Self::Sqrt,
            "Abs" => Self::Abs,
            "Neg" => Self::Neg,
            "Reciprocal" => Self::Reciprocal,
            "Softplus" => Self::Softplus,
            "Softsign" => Self::Softsign,
            "LeakyRelu" | "QLinearLeakyRelu" => Self::LeakyRelu(node.float("alpha", 0.01)?),
            "Elu" => Self::Elu(node.float("alpha", 1.0)?),
            "Selu" => {
                Self::Selu(node.float("alpha", 1.673_263_2)?, node.float("gamma", 1.050_701)?)
            }
            "HardSigmoid" => Self::HardSigmoid(node.float("alpha", 0.2)?, node.float("beta", 0.5)?),
            "HardSwish" => Self::HardSwish,
            "ThresholdedRelu" => Self::ThresholdedRelu(node.float("alpha", 1.0)?),
            "Mish" => Self::Mish,
            "Gelu" | "FastGelu" => match node.string("approximate")? {
                Some("tanh") => Self::TanhGelu,
                _ if node.operator() == "FastGelu" => Self::TanhGelu,
                _ => Self::Gelu,
            },
            "Log" => Self::Log,
            "Celu" => Self::Celu(node.float("alpha", 1.0)?),
            "Sign" => Self::Sign,
            "Floor" => Self::Floor,
            "Ceil" => Self::Ceil,
            "Round" => Self::Round,
            "Sin" => Self::Sin,
            "Cos" => Self::Cos,
            "Tan" => Self::Tan,
            "Asin" => Self::Asin,
            "Acos" => Self::Acos,
            "Atan" => Self::Atan,
            "Sinh" => Self::Sinh,
            "Cosh" => Self::Cosh,
            "Asinh" => Self::Asinh,
            "Acosh" => Self::Acosh,
            "Atanh" => Self::Atanh,
            "Swish" => Self::Swish(node.float("alpha", 1.0)?),
            "QuickGelu" => Self::Swish(node.float("alpha", 1.702)?),
            "Shrink" => Self::Shrink(node.float("lambd", 0.5)?, node.float("bias", 0.0)?),
            "Not" => Self::Not,
            other => return Err(node.unsupported(format!("the function {other}"))),
        })
    }

    /// The function's value.
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Clip(low, high) => x.max(low).min(high),
            Self::Sigmoid => sigmoid(x),
            Self::Tanh => tanh(x),
            Self::Erf => erf(x),
            Self::Exp => round(exp(x.into())),
            Self::Sqrt => x.sqrt(),
            Self::Abs => x.abs(),
            Self::Neg => -x,
            Self::Reciprocal => 1.0 / x,
            Self::Softplus => {
                if x > 0.0 {
                    x + round(log1p(exp((-x).into())))
                } else {
                    round(log1p(exp(x.into())))
                }
            }
            Self::Softsign => x * (1.0 / (1.0 + x.abs())),
            Self::LeakyRelu(alpha) => {
                if x >= 0.0 {
                    x
                } else {
                    alpha * x
                }
            }
            Self::Elu(alpha) => {
                if x >= 0.0 {
                    x
                } else {
                    alpha * (round(exp(x.into())) - 1.0)
                }
            }
            Self::Selu(alpha, gamma) => {
                if x > 0.0 {
                    gamma * x
                } else {
                    gamma * (alpha * round(exp(x.into())) - alpha)
                }
            }
            Self::HardSigmoid(alpha, beta) => (alpha * x + beta).clamp(0.0, 1.0),
            Self::HardSwish => x * (x * (1.0 / 6.0) + 0.5).clamp(0.0, 1.0),
            Self::ThresholdedRelu(alpha) => {
                if x > alpha {
                    x
                } else {
                    0.0
                }
            }
            Self::Mish => {
                let x = f64::from(x);
                round(x * libm::tanh(log1p(exp(x))))
            }
            Self::Gelu => 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)),
            Self::Log => round(libm::log(x.into())),
            Self::Celu(alpha) => {
                x.max(0.0) + (alpha * round(libm::expm1((x / alpha).into()))).min(0.0)
            }
            // Of 0 as well as of NaN it is itself.
            Self::Sign => match x {
                x if x > 0.0 => 1.0,
                x if x < 0.0 => -1.0,
                x => x,
            },
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Round => x.round_ties_even(),
            Self::Sin => round(libm::sin(x.into())),
            Self::Cos => round(libm::cos(x.into())),
            Self::Tan => round(libm::tan(x.into())),
            Self::Asin => round(libm::asin(x.into())),
            Self::Acos => round(libm::acos(x.into())),
            Self::Atan => round(libm::atan(x.into())),
            Self::Sinh => round(libm::sinh(x.into())),
            Self::Cosh => round(libm::cosh(x.into())),
            Self::Asinh => round(libm::asinh(x.into())),
            Self::Acosh => round(libm::acosh(x.into())),
            Self::Atanh => round(libm::atanh(x.into())),
            Self::Swish(alpha) => x * sigmoid(alpha * x),
            Self::Shrink(lambda, bias) => match x {
                x if x < -lambda => x + bias,
                x if x > lambda => x - bias,
                _ => 0.0,
            },
            Self::Not => f32::from(u8::from(x == 0.0)),
            Self::TanhGelu => {
                let inner = x * (0.044_715 * x * x * 0.797_884_6 + 0.797_884_6);
                x * (0.5 * tanh(inner) + 0.5)
            }
        }
    }

    /// Whether every bit is that of onnxruntime's float32. It approximates the others by polynomials, which
    /// are off by some units in float32's last place; here they are rounded correctly, or nearly so.
    pub fn is_exact(self) -> bool {
        match self {
            Self::Relu
            | Self::Clip(..)
            | Self::Sigmoid
            | Self::Sqrt
            | Self::Abs
            | Self::Neg
            | Self::Reciprocal
            | Self::Softsign
            | Self::LeakyRelu(_)
            | Self::HardSigmoid(..)
            | Self::HardSwish
            | Self::ThresholdedRelu(_)
            | Self::Sign
            | Self::Floor
            | Self::Ceil
            | Self::Round
            | Self::Shrink(..)
            | Self::Not => true,
            Self::Tanh
            | Self::Erf
            | Self::Exp
            | Self::Softplus
            | Self::Elu(_)
            | Self::Selu(..)
            | Self::Mish
            | Self::Gelu
            | Self::TanhGelu
            | Self::Log
            | Self::Celu(_)
            | Self::Sin
            | Self::Cos
            | Self::Tan
            | Self::Asin
            | Self::Acos
            | Self::Atan
            | Self::Sinh
            | Self::Cosh
            | Self::Asinh
            | Self::Acosh
            | Self::Atanh
            | Self::Swish(_) => false,
        }
    }

    /// The bounds, for functions that only clamp. They commute with quantization, which is monotone.
    pub fn as_clamp(self) -> Option<(f32, f32)> {
        match self {
            Self::Relu => Some((0.0, f32::INFINITY)),
            Self::Clip(low, high) => Some((low, high)),
            _ => None,
        }
    }
}

/// A correctly rounded float32, or nearly so: the functions of the standard library are exact to the
/// last of float64's bits.
#[allow(clippy::cast_possible_truncation)]
fn round(value: f64) -> f32 {
    value as f32
}

/// Bounds are attributes up to operator set 10, inputs later.
fn read_clip(importer: &Importer<'_>, node: NodeView<'_>) -> Result<Function, ModelError> {
    let bound = |index, name, default: f32| -> Result<f32, ModelError> {
        match importer.optional(node, index) {
            None => node.float(name, default),
            Some(_) => importer
                .constant_float(node, index)?
                .filter(|bound| !bound.is_nan())
                .ok_or_else(|| node.error("its bounds are not float32 numbers")),
        }
    };
    let (low, high) = (bound(1, "min", f32::MIN)?, bound(2, "max", f32::MAX)?);
    if low > high {
        return Err(node.error(format!("its bounds are {low} and {high}")));
    }
    Ok(Function::Clip(low, high))
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
        [4.370_31e-11, 1.156_273_2e-7, 6.085_748_5e-5, 8.513_771e-3, 2.482_879_5e-1];
    const EVEN: [f32; 6] = [
        6.102_473_7e-13,
        5.761_021_4e-9,
        6.291_068e-6,
        1.701_988_2e-3,
        1.168_176_5e-1,
        9.931_519e-1,
    ];
    let x = x.clamp(-18.0, 18.0);
    let square = x * x;
    (x * polynomial(square, &ODD) / polynomial(square, &EVEN) + 0.5).clamp(0.0, 1.0)
}

fn tanh(x: f32) -> f32 {
    round(libm::tanh(x.into()))
}

/// The error function, to about the last bit of float32: its series near 0, its continued fraction
/// further out.
fn erf(x: f32) -> f32 {
    let x = f64::from(x);
    let magnitude = x.abs();
    let value = if magnitude < 3.0 {
        // Σ (−1)^k x^(2k+1) / (k! (2k+1)), as a series of positive terms times exp(−x²).
        let (mut term, mut sum, mut k) = (magnitude, magnitude, 0.0);
        while term > sum * 1e-17 {
            k += 1.0;
            term *= 2.0 * magnitude * magnitude / (2.0 * k + 1.0);
            sum += term;
        }
        std::f64::consts::FRAC_2_SQRT_PI * sum * exp(-magnitude * magnitude)
    } else if magnitude < 6.0 {
        let mut fraction = 0.0;
        for k in (1..=60).rev() {
            fraction = f64::from(k) / 2.0 / (magnitude + fraction);
        }
        let complement =
            exp(-magnitude * magnitude) / (magnitude + fraction) / std::f64::consts::PI.sqrt();
        1.0 - complement
    } else {
        1.0
    };
    round(value.copysign(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha3::{Digest, Keccak256};

    /// Keys hang on these values to the last bit.
    #[test]
    fn functions_have_the_same_values_on_every_platform() {
        let functions = [
            (Function::Sigmoid, "93566b37"),
            (Function::Tanh, "7ab73046"),
            (Function::Erf, "0f75fa8e"),
            (Function::Exp, "f8f9f3d1"),
            (Function::Softplus, "710987cf"),
            (Function::Elu(1.0), "7e4aae64"),
            (Function::Selu(1.673_263_2, 1.050_701), "bc0b64b4"),
            (Function::Mish, "57a9362b"),
            (Function::Gelu, "3dd5f1de"),
            (Function::TanhGelu, "15e544b2"),
            (Function::Log, "31fad08d"),
            (Function::Celu(1.5), "8fc20438"),
            (Function::Sin, "8dc3ac41"),
            (Function::Cos, "798d9552"),
            (Function::Tan, "c95c8036"),
            (Function::Asin, "b7e70565"),
            (Function::Acos, "9231b195"),
            (Function::Atan, "5a6daafe"),
            (Function::Sinh, "163afa6e"),
            (Function::Cosh, "fc5e4cb2"),
            (Function::Asinh, "646e4fbb"),
            (Function::Acosh, "153a6d9d"),
            (Function::Atanh, "7067821e"),
            (Function::Swish(1.702), "2524b200"),
        ];
        for (function, expected) in functions {
            let mut values = Keccak256::new();
            for step in -4096_i16..=4096 {
                let value = function.apply(f32::from(step) / 317.0);
                // Not every NaN has the same bits.
                let bits = if value.is_nan() { f32::NAN } else { value }.to_bits();
                values.update(bits.to_be_bytes());
            }
            let digest = values.finalize();
            let found: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(found, expected, "{function:?}");
        }
    }
}

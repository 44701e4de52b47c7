//! Between reals and 8-bit integers, one value at a time, as ONNX's QuantizeLinear and
//! DequantizeLinear do it.

/// `real = scale · (integer − zero_point)`, integers of type `element`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantization {
    /// The real step between neighbouring integers.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i32,
    /// The integers' type.
    pub element: ElementType,
}

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ElementType {
    /// −128 to 127.
    Int8,
    /// 0 to 255.
    Uint8,
    /// Positions, as ArgMax gives them. Only outputs of a model have this type.
    Int64,
}

impl ElementType {
    /// The name that ONNX gives the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
            Self::Int64 => "int64",
        }
    }

    /// The smallest and the largest value.
    pub fn range(self) -> (i32, i32) {
        match self {
            Self::Int8 => (-128, 127),
            Self::Uint8 => (0, 255),
            Self::Int64 => (0, i32::MAX),
        }
    }
}

impl std::fmt::Display for ElementType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Quantization {
    /// `saturate( round_ties_to_even(real / scale) + zero_point )`, in float32.
    ///
    /// NaN has no place on the grid; it becomes the zero point.
    pub fn quantize(&self, real: f32) -> i32 {
        let (min, max) = self.element.range();
        // These bounds are below 2^24 in magnitude, so exact in float32. Clamping first keeps huge
        // values out of the conversion.
        #[allow(clippy::cast_precision_loss)]
        let (low, high) = ((min - self.zero_point) as f32, (max - self.zero_point) as f32);
        let scaled = (real / self.scale).clamp(low, high);
        // Ties go to even, as in ONNX; Rust's `round` moves them away from zero.
        #[allow(clippy::cast_possible_truncation)]
        let rounded = scaled.round_ties_even() as i32;
        rounded + self.zero_point
    }

    /// `(quantized − zero_point) · scale`, in float32.
    pub fn dequantize(&self, quantized: i32) -> f32 {
        #[allow(clippy::cast_precision_loss)]
        let centred = (quantized - self.zero_point) as f32;
        centred * self.scale
    }

    /// The largest magnitude of a value minus the zero point.
    pub fn max_centred(&self) -> i32 {
        let (min, max) = self.element.range();
        (max - self.zero_point).max(self.zero_point - min)
    }
}

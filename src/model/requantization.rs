//! From int32 accumulators to 8-bit outputs, as onnxruntime's integer kernels do it.
//!
//! ```text
//! f(acc) = clamp( round_ties_to_even( float32(acc) · multiplier ) + zero_point )
//! ```
//!
//! `f` is a monotone step function of `acc`: its steps are found by bisection on the float32
//! computation itself, and whatever a circuit uses instead is checked against every step.

/// How accumulators become outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Requantization {
    /// `scale_x · scale_w / scale_y` in float32: one, or one per output channel.
    pub multipliers: Vec<f32>,
    /// Zero point of the output.
    pub zero_point: i32,
    /// Smallest output: that of the type, or of a fused activation.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

impl Requantization {
    /// The multiplier of an output channel.
    pub fn multiplier(&self, channel: usize) -> f32 {
        if self.multipliers.len() == 1 { self.multipliers[0] } else { self.multipliers[channel] }
    }

    /// The output for an accumulator of an output channel.
    pub fn apply(&self, acc: i32, channel: usize) -> i32 {
        // int32 → float32 rounds above 2^24, in the kernels as here.
        #[allow(clippy::cast_precision_loss)]
        let scaled = acc as f32 * self.multiplier(channel);
        // The bounds are small integers, exact in float32; clamping first keeps huge values out of
        // the conversion, NaN cannot arise from finite factors.
        #[allow(clippy::cast_precision_loss)]
        let (low, high) =
            ((self.min - self.zero_point) as f32, (self.max - self.zero_point) as f32);
        #[allow(clippy::cast_possible_truncation)]
        let rounded = scaled.clamp(low, high).round_ties_even() as i32;
        rounded + self.zero_point
    }
}

//! Operators on activations.
//!
//! All tensors are row major. "Centred" means minus the zero point of the tensor's quantization.

use super::{ElementType, Quantization, Requantization, Window};

/// What a node computes, on integers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operator {
    /// A matrix of weights times each row of the input, requantized.
    Gemm(Gemm),
    /// A function of each element.
    Table(Table),
    /// A function of each element, of several that the element's position chooses from.
    Tables(Tables),
    /// A convolution with weights, requantized.
    Conv(Conv),
    /// A transposed convolution with weights, requantized.
    ConvTranspose(ConvTranspose),
    /// A product of two activations, requantized.
    MatMul(MatMul),
    /// A sum or difference of elements.
    Add(Add),
    /// A product of elements.
    Mul(Mul),
    /// The largest element of each window.
    MaxPool(MaxPool),
    /// The mean of each window.
    AveragePool(AveragePool),
    /// A sum or mean along an axis.
    Reduce(Reduce),
    /// The largest element along an axis.
    ReduceMax(ReduceMax),
    /// The position of the largest element along an axis.
    ArgMax(ArgMax),
    /// Elements in another order.
    View(View),
    /// Softmax along rows.
    Softmax(Softmax),
    /// Layer normalization along rows.
    LayerNormalization(LayerNormalization),
}

/// `y[m, o] = requantize_o( Σ_i weights[o, i] · (x[m, i] − zero point of x) + bias[o] )`.
#[derive(Clone, Debug)]
pub struct Gemm {
    /// Length of the summed axis.
    pub inputs: usize,
    /// Number of results per row of the input.
    pub outputs: usize,
    /// Weights minus their zero point, `[outputs][inputs]`.
    pub weights: Vec<i32>,
    /// Added to the accumulator, `[outputs]`.
    pub bias: Vec<i32>,
    /// From accumulator to output, with any fused clamp (Relu, Clip).
    pub requantization: Requantization,
}

/// `y = values[x − smallest x]`: any int8 → int8 function, tabulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The function's values from the smallest element of the input's type to the largest.
    pub values: Vec<i32>,
}

/// A convolution:
/// `y[n, o, i] = requantize_o( Σ_{c, k} weights[o, c, k] · centred x[n, c, i·stride + k·dilation − pad] + bias[o] )`,
/// where the padding counts as centred 0. In a group, outputs see the inputs of the same group.
#[derive(Clone, Debug)]
pub struct Conv {
    /// Independent inputs.
    pub batch: usize,
    /// Channels of the input, of all groups together.
    pub inputs: usize,
    /// Channels of the output, of all groups together.
    pub outputs: usize,
    /// Number of groups; `inputs` for a depthwise convolution.
    pub group: usize,
    /// Which positions are seen.
    pub window: Window,
    /// Minus their zero point, `[outputs][inputs / group][kernel height][kernel width]`.
    pub weights: Vec<i32>,
    /// Added to the accumulator, `[outputs]`.
    pub bias: Vec<i32>,
    /// From accumulator to output, with any fused clamp.
    pub requantization: Requantization,
}

/// A transposed convolution: each input position adds `weights · centred x` to the output positions that
/// a convolution with this window, from output to input, would read.
#[derive(Clone, Debug)]
pub struct ConvTranspose {
    /// Independent inputs.
    pub batch: usize,
    /// Channels of the input, of all groups together.
    pub inputs: usize,
    /// Channels of the output, of all groups together.
    pub outputs: usize,
    /// Number of groups.
    pub group: usize,
    /// The window of the convolution that this one transposes: its `input` is the plane of this
    /// operator's output, its `output` the plane of this operator's input.
    pub window: Window,
    /// Minus their zero point, `[inputs][outputs / group][kernel height][kernel width]`.
    pub weights: Vec<i32>,
    /// Added to the accumulator, `[outputs]`.
    pub bias: Vec<i32>,
    /// From accumulator to output, with any fused clamp.
    pub requantization: Requantization,
}

/// A product of two activations, each `batch` matrices:
/// `y[n, i, j] = requantize( Σ_k centred a[n, i, k] · centred b[n, k, j] )`.
#[derive(Clone, Debug)]
pub struct MatMul {
    /// Independent products.
    pub batch: usize,
    /// Rows of `a` and of the result.
    pub rows: usize,
    /// Columns of `a`, rows of `b`.
    pub inner: usize,
    /// Columns of `b` and of the result.
    pub columns: usize,
    /// From accumulator to output, with any fused clamp.
    pub requantization: Requantization,
}

/// The second operand of an operator on pairs of elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The node's second input, of the output's shape.
    Tensor,
    /// Integers known from the file, one per element of the output.
    Constant(Vec<i32>),
}

/// A sum or difference of elements, `y = clamp( round( left · a + right · b + fixed ) )`.
#[derive(Clone, Debug, PartialEq)]
pub struct Add {
    /// `b`.
    pub operand: Operand,
    /// Scale of `a` over that of the output.
    pub left: f32,
    /// Scale of `b` over that of the output, negative for a difference.
    pub right: f32,
    /// What the three zero points add up to.
    pub fixed: f32,
    /// In which order float32 adds the terms.
    pub order: AddOrder,
    /// Smallest output.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

/// In which order float32 adds the terms of an [`Add`]; `·⁺` is a multiplication fused with the addition
/// after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddOrder {
    /// `left ·⁺ a + (right ·⁺ b + fixed)`.
    LeftLast,
    /// `right ·⁺ b + (left ·⁺ a + fixed)`.
    RightLast,
}

impl Add {
    /// The output for two elements.
    pub fn apply(&self, a: i32, b: i32) -> i32 {
        // Elements of 8 bits are exact in float32.
        #[allow(clippy::cast_precision_loss)]
        let (a, b) = (a as f32, b as f32);
        let (left, right, fixed) = (self.left, self.right, self.fixed);
        let sum = match self.order {
            AddOrder::LeftLast => a.mul_add(left, b.mul_add(right, fixed)),
            AddOrder::RightLast => b.mul_add(right, a.mul_add(left, fixed)),
        };
        round_between(sum, self.min, self.max)
    }
}

/// A product of elements,
/// `y = clamp( round( multiplier · (centred a · centred b) + zero_point ) )`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mul {
    /// `b`.
    pub operand: Operand,
    /// Zero point of `b`.
    pub operand_zero_point: i32,
    /// Product of the operands' scales over that of the output.
    pub multiplier: f32,
    /// Zero point of the output. Added before rounding, so that ties go to even outputs.
    pub zero_point: i32,
    /// Smallest output.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

impl Mul {
    /// The output for two centred elements.
    pub fn apply(&self, a: i32, b: i32) -> i32 {
        // Products of 9-bit values are exact in float32.
        #[allow(clippy::cast_precision_loss)]
        let (product, zero_point) = ((a * b) as f32, self.zero_point as f32);
        round_between(product * self.multiplier + zero_point, self.min, self.max)
    }
}

/// The largest element of each window; padding does not take part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Planes: batch times channels.
    pub planes: usize,
    /// Which positions are seen.
    pub window: Window,
}

/// The mean of each window, as onnxruntime's kernel computes it: in float32, adding up dequantized
/// elements row by row.
///
/// ```text
/// y = clamp( round( (((0 + x_0·scale) + x_1·scale) + …) / count / output_scale + zero_point ) )
/// ```
///
/// Where the exact mean is not close to half a step, this is a function of the sum of integers alone
/// ([`AveragePool::of_sum`]). Close to it, it depends on how float32 rounds each addition.
#[derive(Clone, Debug, PartialEq)]
pub struct AveragePool {
    /// Planes: batch times channels.
    pub planes: usize,
    /// Which positions are seen.
    pub window: Window,
    /// Whether padding counts as zeros, or is left out of sum and count.
    pub count_include_pad: bool,
    /// From sum and count to output.
    pub mean: Mean,
}

impl AveragePool {
    /// The output for the centred elements of a window, in order.
    pub fn apply(&self, elements: impl Iterator<Item = i32>) -> i32 {
        let (mut sum, mut seen) = (0.0, 0);
        for element in elements {
            // Centred elements have 9 bits, exact in float32.
            #[allow(clippy::cast_precision_loss)]
            let real = element as f32 * self.mean.scale;
            sum += real;
            seen += 1;
        }
        let count = if self.count_include_pad { self.window.len() } else { seen };
        self.mean.of_real(sum, count)
    }

    /// The output of a window of which `seen` elements, not padding, have this sum, if it is the same
    /// however the sum is made up.
    pub fn of_sum(&self, sum: i32, seen: usize) -> Option<i32> {
        let count = if self.count_include_pad { self.window.len() } else { seen };
        // No addition, nor the products before them, is off by more than half of float32's last
        // place, relative to the largest sum on the way; the steps after them add as much each.
        #[allow(clippy::cast_precision_loss)]
        let (terms, count_real) = (seen as f64, count as f64);
        let Mean { scale, output_scale, zero_point, .. } = self.mean;
        let step = f64::from(scale) / count_real / f64::from(output_scale);
        let mean = f64::from(sum) * step;
        let slack =
            (terms + 4.0) * (terms * 255.0 * step + mean.abs() + 256.0) * f64::from(f32::EPSILON);
        let outputs = [mean - slack, mean + slack].map(|mean| {
            let output = (mean + f64::from(zero_point))
                .clamp(f64::from(self.mean.min), f64::from(self.mean.max))
                .round_ties_even();
            #[allow(clippy::cast_possible_truncation)]
            let output = output as i32;
            output
        });
        (outputs[0] == outputs[1]).then_some(outputs[0])
    }
}

/// From a sum of centred elements to a rescaled mean,
/// `clamp( round( sum · scale / count / output_scale + zero_point ) )`, in this order in float32.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// Scale of the summed tensor.
    pub scale: f32,
    /// Scale of the output.
    pub output_scale: f32,
    /// Zero point of the output.
    pub zero_point: i32,
    /// Whether the zero point is added before rounding, so that ties go to even outputs.
    pub round_last: bool,
    /// Smallest output.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

impl Mean {
    /// The output for a sum of `count` centred elements.
    pub fn apply(&self, sum: i32, count: usize) -> i32 {
        // Sums of up to 2^16 elements are exact in float32.
        #[allow(clippy::cast_precision_loss)]
        let real = sum as f32 * self.scale;
        self.of_real(real, count)
    }

    /// The output for a real sum of `count` elements.
    pub fn of_real(&self, sum: f32, count: usize) -> i32 {
        #[allow(clippy::cast_precision_loss)]
        let (count, zero_point) = (count as f32, self.zero_point as f32);
        let mean = sum / count / self.output_scale;
        if self.round_last {
            round_between(mean + zero_point, self.min, self.max)
        } else {
            round_between(mean, self.min - self.zero_point, self.max - self.zero_point)
                + self.zero_point
        }
    }
}

/// Sums along an axis, rescaled: the input is `[outer][length][inner]`, the output `[outer][inner]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce {
    /// Product of the axes before.
    pub outer: usize,
    /// Length of the summed axis.
    pub length: usize,
    /// Product of the axes after.
    pub inner: usize,
    /// From the sum of centred elements to the output.
    pub rescale: Rescale,
}

/// From a sum to an output.
#[derive(Clone, Debug, PartialEq)]
pub enum Rescale {
    /// As accumulators of products (one multiplier).
    Requantization(Requantization),
    /// As a mean of so many elements; 1 for a plain sum.
    Mean(Mean, usize),
}

impl Rescale {
    /// The output for a sum of centred elements.
    pub fn apply(&self, sum: i32) -> i32 {
        match self {
            Self::Requantization(requantization) => requantization.apply(sum, 0),
            Self::Mean(mean, count) => mean.apply(sum, *count),
        }
    }
}

/// The largest element along an axis: `[outer][length][inner]` → `[outer][inner]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReduceMax {
    /// Product of the axes before.
    pub outer: usize,
    /// Length of the axis.
    pub length: usize,
    /// Product of the axes after.
    pub inner: usize,
}

/// The position of the largest element along an axis: `[outer][length][inner]` → `[outer][inner]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgMax {
    /// Product of the axes before.
    pub outer: usize,
    /// Length of the axis.
    pub length: usize,
    /// Product of the axes after.
    pub inner: usize,
    /// Which of several equal elements counts: the last one, or the first.
    pub select_last: bool,
}

/// Elements of the inputs in another order, as they are: Reshape, Transpose, Slice, Concat, Pad, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// The same elements in the same order, under another shape or scale.
    Reshape,
    /// Where each element of the output comes from.
    Elements(Vec<ViewElement>),
}

/// Where an element of a view comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewElement {
    /// Element `index` of input `input` of the node.
    Input {
        /// Position among the node's inputs.
        input: u32,
        /// Position in that input, row major.
        index: u32,
    },
    /// An integer known from the file.
    Constant(i32),
}

/// Softmax along rows, in integers:
///
/// ```text
/// d_i = max x − x_i        e_i = exponentials[d_i]        s = Σ e_i
/// y_i = clamp( floor( (2·levels·e_i + s) / (2·s) ) + zero_point )
/// ```
///
/// `exponentials[d] = round( 2^bits · exp(−d · scale of x) )`, so that `e_i / s` is the softmax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Softmax {
    /// Number of rows.
    pub rows: usize,
    /// Length of each.
    pub length: usize,
    /// By distance from the row's largest element.
    pub exponentials: Vec<u32>,
    /// Output steps of probability 1.
    pub levels: u32,
    /// Zero point of the output.
    pub zero_point: i32,
    /// Smallest output.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

/// Layer normalization along rows, in integers. With centred `x` of a row of `n` elements:
///
/// ```text
/// s = Σ x_i        u_i = n·x_i − s        d = variance_factor · (n·Σ x_i² − s²) + epsilon
/// r = floor( 2^root_bits / √d )           the largest r with r²·d ≤ 2^(2·root_bits)
/// y_i = clamp( floor( (gain_i · u_i · r + offset_i) / 2^shift ) )
/// ```
///
/// `offset_i` holds bias, zero point and one half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerNormalization {
    /// Number of rows.
    pub rows: usize,
    /// Length of each.
    pub length: usize,
    /// Factor of the variance, a power of 4.
    pub variance_factor: i64,
    /// Epsilon in the same unit.
    pub epsilon: i64,
    /// Precision of the inverse root.
    pub root_bits: u32,
    /// Fixed-point weights over the output's scale, `[length]`.
    pub gain: Vec<i64>,
    /// `[length]`.
    pub offset: Vec<i128>,
    /// Fixed-point position of the result.
    pub shift: u32,
    /// Smallest output.
    pub min: i32,
    /// Largest output.
    pub max: i32,
}

/// A table per element: `y[i] = tables[selector[i]][x[i] − smallest x]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tables {
    /// Each with one value per value of the input's type.
    pub tables: Vec<Table>,
    /// Which table each element takes.
    pub selector: Vec<u32>,
}

impl Table {
    /// The mirror image of a type's values.
    pub(super) fn mirror(element: ElementType) -> Self {
        let (low, high) = element.range();
        Self { values: (low..=high).rev().collect() }
    }

    /// The table, or nothing but another unit where every integer stays what it is.
    pub(super) fn or_view(self, from: ElementType, to: ElementType) -> Operator {
        let (min, max) = from.range();
        if from == to && (min..=max).eq(self.values.iter().copied()) {
            Operator::View(View::Reshape)
        } else {
            Operator::Table(self)
        }
    }
}

impl Operator {
    /// A table that does the same, if this adds or multiplies by one integer known from the file.
    pub(super) fn as_table(&self, input: Quantization) -> Option<Table> {
        let operand = match self {
            Self::Add(add) => &add.operand,
            Self::Mul(mul) => &mul.operand,
            _ => return None,
        };
        let Operand::Constant(constants) = operand else { return None };
        let (&first, rest) = constants.split_first()?;
        if rest.iter().any(|&constant| constant != first) {
            return None;
        }
        let (min, max) = input.element.range();
        let value = |x: i32| match self {
            Self::Mul(mul) => mul.apply(x - input.zero_point, first - mul.operand_zero_point),
            Self::Add(add) => add.apply(x, first),
            _ => 0,
        };
        Some(Table { values: (min..=max).map(value).collect() })
    }
}

/// Rounds ties to even and clamps. NaN cannot arise from finite factors.
fn round_between(value: f32, min: i32, max: i32) -> i32 {
    // The bounds are at most 9 bits long, exact in float32; clamping first keeps huge values out of
    // the conversion.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    let rounded = value.clamp(min as f32, max as f32).round_ties_even() as i32;
    rounded
}

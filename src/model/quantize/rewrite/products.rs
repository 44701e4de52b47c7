//! Sums of products over integers that have factors of their own, and the nodes that compute them.

use super::{Integers, Rewriter, linear_node};
use crate::model::{
    ElementType, Quantization,
    onnx::{AttributeProto, DataType, NodeProto},
    quantize::parts::{attribute, dims, int, node_of},
};

/// Sums that are made of 16 bits stay below this for any input, so that there is room for R beside them.
const REACH: f64 = 750_000_000.0;

/// With fewer values between two of 8 bits there is no point in it.
pub(super) const LEAST_FACTOR: i32 = 16;

/// An activation of 16 bits.
#[derive(Clone, Debug)]
pub(super) struct Limbs {
    pub high: String,
    pub low: String,
    pub factor: i32,
    /// Of the lower one.
    pub scale: f32,
    /// The integer, of both, that stands for 0.
    pub zero: i32,
}

/// A sum of products with weights.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub x: String,
    pub y: String,
    pub outputs: usize,
    /// `[outputs][inputs of a group and places of the window]`
    pub weights: Vec<i32>,
    /// What a 1 of them stands for.
    pub unit: f32,
    pub bias: Vec<f32>,
    pub shape: Layout,
    /// Whether the integers are the file's.
    pub is_kept: bool,
}

/// Where a layer's inputs lie.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// In rows.
    Rows { rows: usize, inputs: usize },
    /// In planes, with the node's own attributes.
    Planes { attributes: Vec<AttributeProto>, group: usize, x: Vec<usize>, kernel: Vec<usize> },
}

/// Integers that a sum takes.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub name: String,
    pub factor: i32,
    pub zero: i32,
}

/// A layer over integers.
pub(super) struct Product {
    pub layer: Layer,
    pub parts: Vec<Part>,
    /// What a 1 of them, times their factors, stands for.
    pub scale: f32,
}

/// Weights and bias in integers, for all parts one after the other.
pub(super) struct Sum {
    pub weights: Vec<i32>,
    pub bias: Vec<i32>,
}

/// What an activation of 16 bits is to be like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// The scale of its higher integer.
    pub scale: f64,
    /// Whether its least value is 0, at which sums are cut.
    pub is_cut: bool,
    /// Whether sums are cut at the greatest, too.
    pub is_bounded: bool,
    /// The most that its factor may be.
    pub most: i32,
}

impl Target {
    pub(super) fn of(range: Quantization, most: i32) -> Self {
        let (low, high) = range.element.range();
        let [low, high] = [low, high].map(|end| f64::from(range.dequantize(end)));
        let is_cut = low == 0.0;
        // Zero points of 8 bits are off by half a step.
        let half = f64::from(range.scale) / 2.0;
        let scale = if is_cut { high / 256.0 } else { (high.max(-low) + half) / 127.5 };
        Self { scale, is_cut, is_bounded: false, most }
    }

    pub(super) fn zero(self) -> i32 {
        if self.is_cut { ElementType::Int8.range().0 } else { 0 }
    }

    /// The largest factor up to this ratio of sums to higher integers: odd where sums are rounded down, so that no sum is between two, and even
    /// where what is left counts from −factor/2 to factor/2.
    pub(super) fn factor(self, ratio: f64) -> Option<i32> {
        // The greatest value of both integers is 256 of the scale, with these to a ten-thousandth.
        let (least, least_ratio) = if self.is_bounded { (250, 1e4) } else { (LEAST_FACTOR, 1.0) };
        let most = ratio.min(f64::from(self.most)).min(if self.is_cut { 255.0 } else { 254.0 });
        #[allow(clippy::cast_possible_truncation)]
        let most = most.max(0.0) as i32;
        let factor = if self.is_cut { (most - 1) | 1 } else { most & !1 };
        (factor >= least && ratio >= least_ratio).then_some(factor)
    }
}

impl Rewriter<'_> {
    /// A product's sums as floats, perhaps with its own output of this shape among its inputs.
    pub(super) fn sums(
        &mut self,
        y: &str,
        product: &Product,
        sum: &Sum,
        own: Option<(&str, &[usize])>,
    ) -> String {
        let Product { layer, parts, scale } = product;
        let mut names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
        let (mut operator, mut attributes, mut axis) = ("Gemm", vec![int("transB", 1)], 1);
        let per_output = sum.weights.len() / layer.outputs;
        let mut weights_shape = vec![layer.outputs, per_output];
        let mut joined_shape = None;
        match &layer.shape {
            Layout::Rows { rows, inputs } => {
                for name in &mut names {
                    *name = self.reshaped(y, name, &[*rows, *inputs]);
                }
                // As the first sum made it.
                names.extend(own.map(|(own, _)| own.to_owned()));
            }
            Layout::Planes { attributes: given, group, x, kernel } => {
                names.extend(own.map(|(own, to)| {
                    let center = layer.shape.center(to).unwrap_or_default();
                    let mut own = own.to_owned();
                    for (axis, Center { stride, first, .. }) in center.into_iter().enumerate() {
                        let (last, len) = (to[axis + 2] - 1, x[axis + 2]);
                        if (stride, first, len) != (1, 0, last + 1) {
                            let place = |at: usize| (at.saturating_sub(first) / stride).min(last);
                            let places = (0..len).filter_map(|at| i64::try_from(place(at)).ok());
                            own = self.gathered(y, &own, axis + 2, &places.collect::<Vec<_>>());
                        }
                    }
                    own
                }));
                let taps: usize = kernel.iter().product();
                weights_shape = [&[layer.outputs, per_output / taps], &kernel[..]].concat();
                if *group > 1 {
                    axis = 2;
                    let channels = |name: usize| {
                        if name < parts.len() { x[1] } else { layer.outputs }
                    };
                    for (at, name) in names.iter_mut().enumerate() {
                        let grouped = [&[x[0], *group, channels(at) / group], &x[2..]].concat();
                        *name = self.reshaped(y, name, &grouped);
                    }
                    joined_shape = Some([&[x[0], group * per_output / taps], &x[2..]].concat());
                }
                (operator, attributes) = ("Conv", given.clone());
            }
        }
        let mut x = names[0].clone();
        if names.len() > 1 {
            x = self.fresh(&format!("{y}_parts"));
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.push("Concat", &names, &x, vec![int("axis", axis)]);
        }
        if let Some(shape) = joined_shape {
            x = self.reshaped(y, &x, &shape);
        }
        let names = self.scale_and_zero(&x, *scale, parts[0].zero);
        let reals = self.fresh(&format!("{x}_dequantized"));
        self.push("DequantizeLinear", &[&x, &names[0], &names[1]], &reals, Vec::new());
        let mut constant = |name: &str, shape: &[usize], values: &[i32], scale: f32| {
            let integers = Integers { element: None, ..Integers::symmetric(values.to_vec()) };
            let name = self.fresh(&format!("{y}_{name}"));
            self.dequantized_constant(&name, &name, shape, None, &[scale], integers)
        };
        let weights = constant("weights", &weights_shape, &sum.weights, layer.unit);
        let bias = constant("bias", &[layer.outputs], &sum.bias, scale * layer.unit);
        let sums = self.fresh(&format!("{y}_sums"));
        self.push(operator, &[&reals, &weights, &bias], &sums, attributes);
        sums
    }

    pub(super) fn push(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attribute: Vec<AttributeProto>,
    ) {
        self.nodes.push(node_of(operator, inputs, attribute, output));
    }

    pub(super) fn scale_and_zero(&mut self, name: &str, scale: f32, zero: i32) -> [String; 2] {
        let scale = self.float_initializer(&format!("{name}_scale"), &[], &[scale]);
        let zero_name = format!("{name}_zero_point");
        [scale, self.integers(Some(ElementType::Int8), &zero_name, &[], &[zero])]
    }

    pub(super) fn rounded(&mut self, name: &str, float: &str, scale: f32, zero: i32) -> String {
        let [scale, zero] = self.scale_and_zero(name, scale, zero);
        let output = self.fresh(&format!("{name}_quantized"));
        self.nodes.push(linear_node(
            "QuantizeLinear",
            [float.to_owned(), scale, zero],
            &output,
            None,
        ));
        output
    }

    pub(super) fn reshaped(&mut self, name: &str, x: &str, shape: &[usize]) -> String {
        // The first is that of a batch, or goes through it.
        let shape: Vec<i64> = [-1].into_iter().chain(dims(shape).into_iter().skip(1)).collect();
        let shape = self.longs(name, &shape);
        let output = self.fresh(&format!("{name}_reshaped"));
        self.push("Reshape", &[x, &shape], &output, Vec::new());
        output
    }

    pub(super) fn gathered(&mut self, name: &str, x: &str, axis: usize, places: &[i64]) -> String {
        let places = self.longs(name, places);
        let output = self.fresh(&format!("{name}_gathered"));
        let axis = int("axis", i64::try_from(axis).expect("ranks are within limits"));
        self.push("Gather", &[x, &places], &output, vec![axis]);
        output
    }

    pub(super) fn longs(&mut self, name: &str, values: &[i64]) -> String {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(&format!("{name}_places"), &[values.len()], DataType::Int64, raw)
    }
}

impl Limbs {
    /// Both integers, so many times.
    pub(super) fn parts(&self, times: i32) -> Vec<Part> {
        let part = |name: &String, factor: i32| Part {
            name: name.clone(),
            factor: factor * times,
            zero: self.zero,
        };
        vec![part(&self.high, self.factor), part(&self.low, 1)]
    }
}

impl Layer {
    /// The largest factor of an input of 16 bits, of this range, for which sums stay in reach.
    pub(super) fn most_factor(&self, range: Option<Quantization>) -> i32 {
        let per_output = self.weights.len() / self.outputs.max(1);
        let scale = range.map_or(1.0, |range| Target::of(range, i32::MAX).scale);
        let largest = |output: usize| {
            let weights = &self.weights[output * per_output..][..per_output];
            let sum: f64 = weights.iter().map(|weight| f64::from(weight.abs())).sum();
            255.0 * sum + f64::from(self.bias[output].abs()) / (scale * f64::from(self.unit))
        };
        let largest = (0..self.outputs).map(largest).fold(1.0, f64::max);
        #[allow(clippy::cast_possible_truncation)]
        let most = (REACH / largest - 1.0).clamp(0.0, 1e6) as i32;
        most
    }
}

/// Where the output at a place along an axis finds the input that it gives its own one to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Center {
    pub stride: usize,
    /// The input's place of the first output's.
    pub first: usize,
    /// Which position of the window is there.
    pub tap: usize,
}

impl Layout {
    /// By axis of planes, for an output of this shape.
    pub(super) fn center(&self, to: &[usize]) -> Option<Vec<Center>> {
        let Self::Planes { attributes, x, kernel, .. } = self else { return Some(Vec::new()) };
        let listed = |name: &str, axis: usize, default: usize| {
            let own = attributes.iter().find(|own| own.name == name)?.ints.get(axis);
            Some(own.map_or(Some(default), |&value| usize::try_from(value).ok()))
        };
        let listed = |name, axis, default| listed(name, axis, default).unwrap_or(Some(default));
        (0..kernel.len())
            .map(|axis| {
                let (stride, step) = (listed("strides", axis, 1)?, listed("dilations", axis, 1)?);
                let pad = listed("pads", axis, 0)?;
                let tap = pad.div_ceil(step.max(1));
                let first = tap * step - pad;
                let last = (to.get(axis + 2)?.checked_sub(1)?) * stride + first;
                let fits = stride > 0 && tap < kernel[axis] && last < *x.get(axis + 2)?;
                fits.then_some(Center { stride, first, tap })
            })
            .collect()
    }
}

impl Product {
    /// Of the elements of these parts, at one place each.
    pub(super) fn of_elements(parts: Vec<Part>, scale: f32, to: &[usize]) -> Self {
        let layer = Layer {
            x: String::new(),
            y: String::new(),
            outputs: 1,
            weights: vec![1],
            unit: 1.0,
            bias: vec![0.0],
            shape: Layout::Rows { rows: to.iter().product(), inputs: 1 },
            is_kept: false,
        };
        Self { layer, parts, scale }
    }

    /// Weights for all parts, and for the sum's own output if that is among them: minus so many times, from this zero
    /// point. None where a sum could leave 32 bits.
    pub(super) fn sum(&self, own: Option<(i32, i32)>, shift: i64) -> Option<Sum> {
        let Self { layer, parts, scale } = self;
        let (taps, group, tap) = match &layer.shape {
            Layout::Rows { .. } => (1, 1, 0),
            Layout::Planes { group, kernel, x, .. } => {
                // The center does not depend on how many outputs there are.
                let first = [&[x[0], layer.outputs], &vec![1; kernel.len()][..]].concat();
                let center = layer.shape.center(&first)?;
                let tap = kernel.iter().zip(center).fold(0, |at, (len, own)| at * len + own.tap);
                (kernel.iter().product(), *group, tap)
            }
        };
        let per_output = layer.weights.len() / layer.outputs;
        let outputs = layer.outputs / group;
        let zero = parts.first()?.zero;
        let range = Quantization { scale: 1.0, zero_point: zero, element: ElementType::Int8 };
        let step = f64::from(*scale) * f64::from(layer.unit);
        let (mut all, mut bias) = (Vec::new(), Vec::new());
        for output in 0..layer.outputs {
            let first = all.len();
            let weights = &layer.weights[output * per_output..][..per_output];
            let total: i64 = weights.iter().map(|&weight| i64::from(weight)).sum();
            #[allow(clippy::cast_possible_truncation)]
            let mut constant = (f64::from(layer.bias[output]) / step).round() as i64 + shift;
            for part in parts {
                for &weight in weights {
                    all.push(weight.checked_mul(part.factor)?);
                }
                constant += total * i64::from(part.factor) * i64::from(zero - part.zero);
            }
            if let Some((ratio, own_zero)) = own {
                let place = output % outputs * taps + tap;
                all.extend((0..outputs * taps).map(|at| if at == place { -ratio } else { 0 }));
                constant -= i64::from(ratio) * i64::from(zero - own_zero);
            }
            let sum: u64 = all[first..].iter().map(|w| u64::from(w.unsigned_abs())).sum();
            let reach =
                sum * u64::from(range.max_centred().unsigned_abs()) + constant.unsigned_abs();
            if reach > u64::from(i32::MAX.unsigned_abs()) {
                return None;
            }
            bias.push(i32::try_from(constant).ok()?);
        }
        Some(Sum { weights: all, bias })
    }
}

/// Whether a node says its pads itself.
pub(super) fn has_plain_pads(node: &NodeProto) -> bool {
    attribute(node, "auto_pad")
        .is_none_or(|own| own.s.as_deref().is_none_or(|text| text.is_empty() || text == b"NOTSET"))
}

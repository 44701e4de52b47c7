//! Activations of 16 bits, as two integers of 8 bits each: `real = scale · (factor · high + low)`.
//!
//! Whatever is linear takes both, each times its factor. Where a sum becomes such an activation itself, it is made twice:
//!
//! ```text
//! high = clamp( round( sum / R ) )        low = clamp( round( (sum − R·high) · factor / R ) )
//! ```
//!
//! The second sum takes the first one's output beside its own inputs, with the weight −R, which is an integer: the
//! scale is moved by some millionths for that. Where negative sums are cut, `high` is rounded down, so that `low` is never
//! below 0 elsewhere, and cut at 0 as `high` is.

use std::collections::HashSet;

use super::{
    Rewriter,
    products::{LEAST_FACTOR, Layer, Layout, Limbs, Part, Product, Target, has_plain_pads},
};
use crate::model::{
    ElementType, ModelError, Quantization,
    onnx::NodeProto,
    quantize::{
        operators,
        parts::{attribute, float_of, int_of},
    },
};

/// Operators that move elements, and of which each has one output: both integers of an element go the same way.
const MOVERS: &[&str] = &["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity"];

/// Weights of layers of which the file has no integers: the first of these largest ones for which sums have room.
const LARGEST_WEIGHTS: [f32; 4] = [2047.0, 1023.0, 511.0, 255.0];

impl Rewriter<'_> {
    /// Whether anything takes both integers of a value.
    pub(super) fn wants_limbs(&self, name: &str) -> bool {
        // Where the file itself has 8 bits, these stay.
        let has_wide = self.is_wide && !self.stored.activations.contains_key(name);
        has_wide && (self.is_output(name) || self.most_factor(name).is_some())
    }

    fn is_output(&self, name: &str) -> bool {
        self.graph.output.iter().any(|port| port.name == name)
    }

    /// The largest factor that all takers of both integers have room for; none where there is no such taker.
    fn most_factor(&self, name: &str) -> Option<i32> {
        let mut most = None;
        let mut names = vec![name];
        let mut seen = HashSet::new();
        while let Some(name) = names.pop() {
            if !seen.insert(name) {
                continue;
            }
            for node in self.graph.node.iter().filter(|node| node.input.iter().any(|x| x == name)) {
                let of_layer = self.layer(node).filter(|layer| layer.x == *name);
                let own = match (of_layer, node.op_type.as_str()) {
                    (Some(layer), _) => Some(layer.most_factor(self.ranges.get(name).copied())),
                    (None, "Add") if self.is_sum_of_two(node) => Some(i32::MAX),
                    (None, _) if self.is_mover(node) || self.is_max_pool(node) => {
                        let output = node.output.first().filter(|_| node.input[0] == *name);
                        names.extend(output.map(String::as_str));
                        let is_output = output.is_some_and(|output| self.is_output(output));
                        is_output.then_some(i32::MAX)
                    }
                    _ => None,
                };
                most = own.into_iter().chain(most).min();
            }
        }
        most.filter(|&most| most >= LEAST_FACTOR)
    }

    /// Whether a node moves elements, or cuts them where they are cut already.
    fn is_mover(&self, node: &NodeProto) -> bool {
        let is_cut = || {
            let range = node.input.first().and_then(|x| self.ranges.get(x));
            range.is_some_and(|range| Target::of(*range, i32::MAX).is_cut)
        };
        MOVERS.contains(&node.op_type.as_str()) || node.op_type == "Relu" && is_cut()
    }

    fn is_sum_of_two(&self, node: &NodeProto) -> bool {
        let shape =
            |name: &String| self.float.shape(name).filter(|_| self.float.is_activation(name));
        match node.input.as_slice() {
            [a, b] => a != b && shape(a).is_some() && shape(a) == shape(b),
            _ => false,
        }
    }

    fn is_max_pool(&self, node: &NodeProto) -> bool {
        let all_ones = |name: &str| {
            attribute(node, name).is_none_or(|own| own.ints.iter().all(|&step| step == 1))
        };
        node.op_type == "MaxPool"
            && node.output.len() == 1
            && all_ones("dilations")
            && has_plain_pads(node)
            && int_of(node, "storage_order", 0) == 0
    }

    /// A node as a sum of products with weights that are known.
    fn layer(&self, node: &NodeProto) -> Option<Layer> {
        let (x, y) = (node.input.first()?, node.output.first()?);
        let y = self.renamed.get(y).unwrap_or(y);
        let (from, to) = (self.float.shape(x)?, self.float.shape(node.output.first()?)?);
        self.float.is_activation(x).then_some(())?;
        if node.op_type == "GlobalAveragePool" {
            let inputs = from.get(2..)?.iter().product::<usize>();
            let rows = from.iter().product::<usize>() / inputs.max(1);
            #[allow(clippy::cast_precision_loss)]
            let unit = 1.0 / inputs as f32;
            return Some(Layer {
                x: x.clone(),
                y: y.clone(),
                outputs: 1,
                weights: vec![1; inputs],
                unit,
                bias: vec![0.0],
                shape: Layout::Rows { rows, inputs },
                is_kept: false,
            });
        }
        let w = node.input.get(1)?;
        let constant = self.float_constant(w).filter(|_| !self.float.is_activation(w))?;
        let trans_b = int_of(node, "transB", 0) != 0;
        let (mut alpha, mut beta) = (1.0, 1.0);
        let (outputs, shape) = match (node.op_type.as_str(), constant.shape.as_slice()) {
            ("Gemm" | "MatMul", &[rows, columns]) if int_of(node, "transA", 0) == 0 => {
                let (inputs, outputs) = if trans_b { (columns, rows) } else { (rows, columns) };
                if node.op_type == "Gemm" {
                    (alpha, beta) = (float_of(node, "alpha", 1.0), float_of(node, "beta", 1.0));
                }
                let rows = from.iter().product::<usize>() / inputs.max(1);
                (outputs, Layout::Rows { rows, inputs })
            }
            ("Conv", &[outputs, _, ref kernel @ ..])
                if (1..=2).contains(&kernel.len()) && has_plain_pads(node) =>
            {
                let attributes = node.attribute.clone();
                let group = usize::try_from(int_of(node, "group", 1)).ok().filter(|&g| g > 0)?;
                let (x, kernel) = (from.to_vec(), kernel.to_vec());
                let planes = Layout::Planes { attributes, group, x, kernel };
                planes.center(to).is_some().then_some(())?;
                (outputs, planes)
            }
            _ => return None,
        };
        let output_first = |values: Vec<i32>| -> Vec<i32> {
            match shape {
                Layout::Rows { inputs, .. } if !trans_b => (0..values.len())
                    .map(|at| values[at % inputs * outputs + at / inputs])
                    .collect(),
                _ => values,
            }
        };
        let bias = match node.input.get(2).filter(|name| !name.is_empty()) {
            None => vec![0.0; outputs],
            Some(name) => match self.float_constant(name)?.values.as_slice() {
                &[value] => vec![value * beta; outputs],
                values if values.len() == outputs => values.iter().map(|v| v * beta).collect(),
                _ => return None,
            },
        };
        let layer = Layer {
            x: x.clone(),
            y: y.clone(),
            outputs,
            weights: Vec::new(),
            unit: 1.0,
            bias,
            shape: shape.clone(),
            is_kept: false,
        };
        if let Some(own) = self.stored.weights.get(w)
            && let (true, [unit], &[zero]) = (alpha == 1.0, &own.scales[..], &own.zero_points[..])
            && own.stand_for(&constant.values)
        {
            let weights = own.integers.iter().map(|integer| integer - zero).collect();
            let weights = output_first(weights);
            return Some(Layer { weights, unit: *unit, is_kept: true, ..layer });
        }
        let reals: Vec<f32> = constant.values.iter().map(|value| value * alpha).collect();
        let largest = reals.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let with = |most: f32| {
            let unit = if (largest / most).is_normal() { largest / most } else { 1.0 };
            #[allow(clippy::cast_possible_truncation)]
            let integer = |real: &f32| (real / unit).round_ties_even() as i32;
            let weights = output_first(reals.iter().map(integer).collect());
            Layer { weights, unit, ..layer.clone() }
        };
        let range = self.ranges.get(x).copied();
        let has_room = |layer: &Layer| layer.most_factor(range) >= 255;
        let found = LARGEST_WEIGHTS.into_iter().map(with).find(has_room);
        Some(found.unwrap_or_else(|| with(127.0)))
    }

    /// Makes a node of integers of 16 bits, if its inputs or its outputs are such; whether it does.
    pub(super) fn rewrite_wide(&mut self, node: &NodeProto) -> Result<bool, ModelError> {
        if !self.is_wide {
            return Ok(false);
        }
        let [Some(x), Some(y)] = [node.input.first(), node.output.first()] else {
            return Ok(false);
        };
        if let Some(limbs) = self.limbs.get(x).cloned() {
            if self.is_mover(node) && (node.op_type != "Relu" || limbs.zero != 0) {
                let operator = if node.op_type == "Relu" { "Identity" } else { &node.op_type };
                let moved = [&limbs.high, &limbs.low].map(|part| {
                    let output = self.fresh(&format!("{y}_part"));
                    let mut node = node.clone();
                    (node.input[0], node.output) = (part.clone(), vec![output.clone()]);
                    node.name = format!("{output}_{operator}");
                    node.op_type = operator.into();
                    self.nodes.push(node);
                    output
                });
                let [high, low] = moved;
                self.register(y, Limbs { high, low, ..limbs });
                return Ok(true);
            }
            if self.is_max_pool(node) && self.wants_limbs(y) {
                let pooled = self.max_pool(node, &limbs)?;
                if let Some(pooled) = pooled {
                    self.register(y, pooled);
                    return Ok(true);
                }
            }
        }
        if node.op_type == "Add" && self.is_sum_of_two(node) {
            return self.sum_of_two(node);
        }
        let Some(layer) = self.layer(node) else { return Ok(false) };
        let target = self.target(&layer.y, self.renamed.contains_key(y));
        let (parts, scale) = match self.limbs.get(x) {
            Some(limbs) => (limbs.parts(1), limbs.scale),
            None if target.is_none() || node.op_type == "GlobalAveragePool" => return Ok(false),
            None => {
                self.narrow(x)?;
                let (Some(name), Some(range)) = (self.quantized.get(x), self.ranges.get(x)) else {
                    return Ok(false);
                };
                if range.element != ElementType::Int8 {
                    return Ok(false);
                }
                let zero = range.zero_point;
                (vec![Part { name: name.clone(), factor: 1, zero }], range.scale)
            }
        };
        let y = layer.y.clone();
        let (is_kept, to) = (layer.is_kept, self.shape(&y)?);
        let product = Product { layer, parts, scale };
        if let Some(limbs) = target.and_then(|target| self.limbs_of(&y, &product, &to, target)) {
            self.register(&y, limbs);
        } else if self.limbs.contains_key(x)
            && let Some(sum) = product.sum(None, 0)
        {
            let range = self.range(&y)?;
            let sums = self.sums(&y, &product, &sum, None);
            let integers = self.rounded(&y, &sums, range.scale, range.zero_point);
            let integers = self.reshaped(&y, &integers, &to);
            self.dequantize(&y, &integers, range);
        } else {
            return Ok(false);
        }
        self.kept += usize::from(is_kept);
        Ok(true)
    }

    fn range(&self, name: &str) -> Result<Quantization, ModelError> {
        let range = self.ranges.get(name).copied();
        range.ok_or_else(|| ModelError::Quantize(format!("`{name}` has no range")))
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, ModelError> {
        let shape = self.float.shape(name).map(<[usize]>::to_vec);
        shape.ok_or_else(|| ModelError::Quantize(format!("`{name}` has no shape")))
    }

    /// What a value is to be like in 16 bits, where anything takes that.
    fn target(&self, name: &str, is_clamped: bool) -> Option<Target> {
        let range = self.ranges.get(name).filter(|_| self.wants_limbs(name))?;
        let most = self.most_factor(name).unwrap_or(i32::MAX);
        let mut target = Target::of(*range, most);
        target.is_bounded = self.graph.node.iter().any(|node| {
            is_clamped && node.op_type == "Clip" && node.output.iter().any(|own| own == name)
        });
        // Other bounds than 0 and the range's own end no two integers can be cut at.
        (range.element == ElementType::Int8 && (target.is_cut || !is_clamped)).then_some(target)
    }

    /// The two integers of a model's input, or of what it is prepared to.
    pub(super) fn limbs_of_input(&mut self, name: &str, float: &str) -> Result<bool, ModelError> {
        let Some(mut target) = self.target(name, false) else { return Ok(false) };
        if target.is_cut {
            // Integers of inputs count from 0 in both directions.
            target = Target { scale: target.scale * 256.0 / 127.5, is_cut: false, ..target };
        }
        #[allow(clippy::cast_possible_truncation)]
        let scale = target.scale as f32;
        let Some(factor) = target.factor(255.0) else { return Ok(false) };
        #[allow(clippy::cast_precision_loss)]
        let rest = scale / factor as f32;
        let high = self.rounded(name, float, scale, 0);
        let whole = self.fresh(&format!("{name}_whole"));
        let names = self.scale_and_zero(name, scale, 0);
        self.push("DequantizeLinear", &[&high, &names[0], &names[1]], &whole, Vec::new());
        let left = self.fresh(&format!("{name}_rest"));
        self.push("Sub", &[float, &whole], &left, Vec::new());
        let low = self.rounded(name, &left, rest, 0);
        self.register(name, Limbs { high, low, factor, scale: rest, zero: 0 });
        Ok(true)
    }

    /// A product's sums in two integers; none where there is no room for them.
    fn limbs_of(
        &mut self,
        y: &str,
        product: &Product,
        to: &[usize],
        target: Target,
    ) -> Option<Limbs> {
        let step = f64::from(product.scale) * f64::from(product.layer.unit);
        // Up, so that no end of the range is cut; but a scale that is a multiple stays.
        let ratio = (target.scale / step * (1.0 - 1e-6)).ceil();
        if !(1.0..=f64::from(1 << 23)).contains(&ratio) {
            return None;
        }
        #[allow(clippy::cast_possible_truncation)]
        let ratio_integer = ratio as i64;
        let factor = target.factor(ratio)?;
        let zero = target.zero();
        #[allow(clippy::cast_possible_truncation)]
        let [scale, rest] = [ratio, ratio / f64::from(factor)].map(|own| (own * step) as f32);
        // From the nearest to the one below.
        #[allow(clippy::cast_possible_truncation)]
        let down = ((ratio - ratio / f64::from(factor)) / 2.0).round() as i64;
        let sum = product.sum(None, if target.is_cut { -down } else { 0 })?;
        let own = (i32::try_from(ratio_integer).ok()?, zero);
        let rest_sum = product.sum(Some(own), 0)?;
        let sums = self.sums(y, product, &sum, None);
        let high = self.rounded(y, &sums, scale, zero);
        let sums = self.sums(y, product, &rest_sum, Some((&high, to)));
        let low = self.rounded(y, &sums, rest, zero);
        let [high, low] = [high, low].map(|part| self.reshaped(y, &part, to));
        Some(Limbs { high, low, factor, scale: rest, zero })
    }

    /// The sum of two activations, at least one of which has 16 bits.
    fn sum_of_two(&mut self, node: &NodeProto) -> Result<bool, ModelError> {
        let [a, b] = [0, 1].map(|input| self.limbs.get(&node.input[input]).cloned());
        let (Some(a), Some(b)) = (a, b) else { return Ok(false) };
        let y = self.renamed.get(&node.output[0]).unwrap_or(&node.output[0]).clone();
        let Some(target) = self.target(&y, y != node.output[0]) else { return Ok(false) };
        // Whole numbers in the proportion of the scales.
        let proportion = f64::from(b.scale) / f64::from(a.scale);
        let off = |times: &i32| {
            let other = proportion * f64::from(*times);
            ((other.round() - other) / other).abs()
        };
        let Some(times) = (1..=256).min_by(|x, y| off(x).total_cmp(&off(y))) else {
            return Ok(false);
        };
        #[allow(clippy::cast_possible_truncation)]
        let other = (proportion * f64::from(times)).round().min(65536.0) as i32;
        if other < 1 {
            return Ok(false);
        }
        let to = self.shape(&y)?;
        #[allow(clippy::cast_precision_loss)]
        let scale = a.scale / times as f32;
        let product = Product::of_elements([a.parts(times), b.parts(other)].concat(), scale, &to);
        let limbs = self.limbs_of(&y, &product, &to, target);
        if let Some(limbs) = limbs.clone() {
            self.register(&y, limbs);
        }
        Ok(limbs.is_some())
    }

    /// The largest of each window, axis by axis: `max(a, b) = b + max(a − b, 0)`.
    fn max_pool(&mut self, node: &NodeProto, x: &Limbs) -> Result<Option<Limbs>, ModelError> {
        let (from, to) = (self.shape(&node.input[0])?, self.shape(&node.output[0])?);
        let y = node.output[0].clone();
        let listed = |name: &str, default: i64| {
            let own = attribute(node, name).map(|own| own.ints.clone()).unwrap_or_default();
            move |axis: usize| own.get(axis).copied().unwrap_or(default)
        };
        let (kernel, strides, pads) =
            (listed("kernel_shape", 1), listed("strides", 1), listed("pads", 0));
        let (mut largest, mut shape) = (x.clone(), from);
        for axis in 0..to.len().saturating_sub(2) {
            let before = largest.clone();
            let last = i64::try_from(shape[axis + 2]).unwrap_or(i64::MAX) - 1;
            shape[axis + 2] = to[axis + 2];
            for tap in 0..kernel(axis) {
                // What is beyond a border is as large as what is at it, which the window has too.
                let place = |at: i64| (at * strides(axis) + tap - pads(axis)).clamp(0, last);
                let places: Vec<i64> = (0..).map(place).take(to[axis + 2]).collect();
                let [high, low] = [&before.high, &before.low]
                    .map(|part| self.gathered(&y, part, axis + 2, &places));
                let other = Limbs { high, low, ..before.clone() };
                if tap == 0 {
                    largest = other;
                    continue;
                }
                let most = i32::MAX;
                let scale = 255.0 * f64::from(x.scale);
                let target = Target { scale, is_cut: true, is_bounded: false, most };
                let parts = [other.parts(1), largest.parts(-1)].concat();
                let above = Product::of_elements(parts, x.scale, &shape);
                let Some(above) = self.limbs_of(&y, &above, &shape, target) else {
                    return Ok(None);
                };
                let scale = f64::from(x.factor) * f64::from(x.scale);
                let (is_cut, most) = (x.zero != 0, x.factor);
                let target = Target { scale, is_cut, is_bounded: false, most };
                let parts = [largest.parts(1), above.parts(1)].concat();
                let sum = Product::of_elements(parts, x.scale, &shape);
                let Some(sum) = self.limbs_of(&y, &sum, &shape, target) else { return Ok(None) };
                largest = sum;
            }
        }
        Ok(Some(largest))
    }

    /// Lets others take a value's two integers. What takes only one gets the higher, if it is the nearest.
    fn register(&mut self, name: &str, limbs: Limbs) {
        let is_output = self.is_output(name);
        if limbs.zero == 0 || is_output {
            #[allow(clippy::cast_precision_loss)]
            let scale = limbs.scale * limbs.factor as f32;
            let (zero_point, element) = (limbs.zero, ElementType::Int8);
            self.dequantize(name, &limbs.high, Quantization { scale, zero_point, element });
        }
        if is_output {
            let rest = self.fresh(&format!("{name}_rest"));
            let names = self.scale_and_zero(&rest, limbs.scale, limbs.zero);
            self.push("DequantizeLinear", &[&limbs.low, &names[0], &names[1]], &rest, Vec::new());
            self.rests.push((name.to_owned(), rest));
        }
        self.limbs.insert(name.to_owned(), limbs);
    }

    /// What a value's only integers stand for, under its own name where that is free.
    fn dequantize(&mut self, name: &str, integers: &str, range: Quantization) {
        let is_input = self.float.inputs.iter().any(|input| input.name == name);
        let is_prepared = self.nodes.iter().any(|node| node.output.iter().any(|own| own == name));
        let float = match is_input || is_prepared {
            true => self.fresh(&format!("{name}_dequantized")),
            false => name.to_owned(),
        };
        let [scale, zero] = self.scale_and_zero(name, range.scale, range.zero_point);
        self.push("DequantizeLinear", &[integers, &scale, &zero], &float, Vec::new());
        self.stand_ins.insert(name.to_owned(), float);
        self.quantized.insert(name.to_owned(), integers.to_owned());
        // What only moves it keeps its scale.
        let mut names = vec![name.to_owned()];
        while let Some(name) = names.pop() {
            self.ranges.insert(name.clone(), range);
            let movers = self.graph.node.iter().filter(|node| {
                operators::MOVERS.contains(&node.op_type.as_str())
                    && node.input.first() == Some(&name)
            });
            let moved = movers.flat_map(|node| &node.output);
            names.extend(moved.filter(|own| self.ranges.contains_key(*own)).cloned());
        }
    }

    /// Makes one integer of a value's two, where something takes no more than that.
    pub(super) fn narrow(&mut self, name: &str) -> Result<(), ModelError> {
        if self.stand_ins.contains_key(name) {
            return Ok(());
        }
        let Some(limbs) = self.limbs.get(name).cloned() else { return Ok(()) };
        let (range, to) = (self.range(name)?, self.shape(name)?);
        let product = Product::of_elements(limbs.parts(1), limbs.scale, &to);
        let sum = product.sum(None, 0);
        let sum = sum.ok_or_else(|| ModelError::Quantize(format!("`{name}` has no room")))?;
        let sums = self.sums(name, &product, &sum, None);
        let integers = self.rounded(name, &sums, range.scale, range.zero_point);
        let integers = self.reshaped(name, &integers, &to);
        self.dequantize(name, &integers, range);
        Ok(())
    }
}

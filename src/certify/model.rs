//! What a model's tensors are, from its graph and the scalar functions of `model` alone.

use super::maps::{Listed, Monotone, check_slope, entry, int32, of_sum};
use super::sums::Adder;
use super::values::{Atom, Checked, Kind, Obstacle, Scalar, Value, Values, fits, wrong};
use super::weights::{self, Layer};
use crate::model::{
    Add, ArgMax, AveragePool, Conv, ConvTranspose, Gemm, LayerNormalization, MatMul, Model, Mul,
    Node, Operand, Operator, Requantization, Rescale, Softmax, TensorId, View, ViewElement, Window,
};
use std::collections::HashMap;

/// A model's tensors, one after the other.
pub struct Tensors<'a> {
    model: &'a Model,
    /// By tensor: bytes, which are integers minus the least of their type.
    pub bytes: Vec<Vec<Value>>,
    /// By node, the number of its first committed weight.
    committed: Vec<Option<u32>>,
}

/// What a model's outputs are.
pub struct Outputs {
    /// By port.
    pub by_port: Vec<Vec<Value>>,
    /// The first node of which a value was not known before.
    pub first_new: Option<String>,
}

/// A model's outputs, or those of an architecture with any weights. What was known before is what atoms below `known` are.
pub fn outputs(
    model: &Model,
    commits_weights: bool,
    values: &mut Values,
    known: usize,
) -> Result<Outputs, (String, Obstacle)> {
    let bytes = vec![Vec::new(); model.graph.tensors.len()];
    let committed = match commits_weights {
        true => weights::numbers(model).0,
        false => vec![None; model.graph.nodes.len()],
    };
    let mut tensors = Tensors { model, bytes, committed };
    let mut number = 0;
    for port in &model.inputs {
        let len = model.graph.tensors[port.tensor.0].len();
        tensors.bytes[port.tensor.0] = (0..len).map(|_| input(values, &mut number)).collect();
    }
    // A circuit need not have a value that it goes on from, but what that is a function of.
    let (mut new_argument, mut new_function) = (None, None);
    for (index, node) in model.graph.nodes.iter().enumerate() {
        let output = tensors.node(values, index, node).map_err(|why| (node.name.clone(), why))?;
        let len = model.graph.tensors[node.output.0].len();
        if output.len() != len {
            let why = format!("it gives {} elements, expected {len}", output.len());
            return Err((node.name.clone(), Obstacle::Wrong(why)));
        }
        for value in output.iter().filter(|value| value.factor != 0) {
            let is_new = |atom: Atom| atom as usize >= known;
            if is_new(value.atom) {
                new_function.get_or_insert_with(|| node.name.clone());
            }
            if matches!(*values.kind(value.atom), Kind::Of(argument, _) if is_new(argument)) {
                new_argument.get_or_insert_with(|| node.name.clone());
            }
        }
        tensors.bytes[node.output.0] = output;
    }
    let by_port = model.outputs.iter().map(|port| tensors.bytes[port.tensor.0].clone()).collect();
    Ok(Outputs { by_port, first_new: new_argument.or(new_function) })
}

/// The next byte of the input.
pub fn input(values: &mut Values, number: &mut u32) -> Value {
    let atom = values.atom(Kind::Input(*number), (0, 255));
    *number += 1;
    Value::of(atom)
}

impl Tensors<'_> {
    fn base(&self, tensor: TensorId) -> i128 {
        self.model.graph.tensors[tensor.0].quantization.element.range().0.into()
    }

    /// The byte that stands for 0.
    fn zero(&self, tensor: TensorId) -> i128 {
        let zero: i128 = self.model.graph.tensors[tensor.0].quantization.zero_point.into();
        zero - self.base(tensor)
    }

    fn centred(&self, tensor: TensorId) -> Checked<Vec<Value>> {
        let zero = self.zero(tensor);
        self.bytes[tensor.0].iter().map(|byte| fits(byte.plus(-zero))).collect()
    }

    fn node(&self, values: &mut Values, index: usize, node: &Node) -> Checked<Vec<Value>> {
        let x = &self.bytes[node.inputs[0].0];
        let base = self.base(node.output);
        match &node.operator {
            Operator::Gemm(gemm) => self.gemm(values, index, node, gemm),
            Operator::Conv(conv) => self.conv(values, index, node, conv),
            Operator::ConvTranspose(conv) => self.conv_transpose(values, index, node, conv),
            Operator::MatMul(product) => self.mat_mul(values, index, node, product),
            Operator::Add(add) => self.add(values, index, node, add),
            Operator::Mul(mul) => self.mul(values, index, node, mul),
            Operator::AveragePool(pool) => self.average_pool(values, index, node, pool),
            Operator::Softmax(softmax) => self.softmax(values, index, node, softmax),
            Operator::LayerNormalization(normalization) => {
                self.layer_normalization(values, index, node, normalization)
            }
            Operator::ArgMax(arg_max) => Self::arg_max(values, index, x, arg_max),
            Operator::Table(table) => {
                let of = Listed(|x| Ok(entry(&table.values, x)? - base));
                x.iter().map(|&x| values.apply(x, Scalar::Model(index, 0), &of)).collect()
            }
            Operator::Tables(tables) => (x.iter().zip(&tables.selector))
                .map(|(&x, &selected)| {
                    let selected = selected as usize;
                    let table = &tables.tables[selected].values;
                    let of = Listed(|x| Ok(entry(table, x)? - base));
                    values.apply(x, Scalar::Model(index, selected), &of)
                })
                .collect(),
            Operator::View(View::Reshape) => Ok(x.clone()),
            Operator::View(View::Elements(elements)) => elements
                .iter()
                .map(|element| match *element {
                    ViewElement::Constant(value) => Ok(Value::constant(i128::from(value) - base)),
                    ViewElement::Input { input, index } => {
                        let tensor = node.inputs[input as usize];
                        let shift = self.base(tensor) - base;
                        fits(self.bytes[tensor.0][index as usize].plus(shift))
                    }
                })
                .collect(),
            Operator::MaxPool(pool) => windows(&pool.window, pool.planes)
                .map(|seen| values.largest(seen.into_iter().map(|position| x[position])))
                .collect(),
            Operator::ReduceMax(reduce) => {
                lines(x, reduce.length, reduce.inner).map(|line| values.largest(line)).collect()
            }
            Operator::Reduce(reduce) => {
                check_slope(match &reduce.rescale {
                    Rescale::Requantization(requantization) => requantization.multiplier(0),
                    Rescale::Mean(mean, _) => mean.scale / mean.output_scale,
                })?;
                let centred = self.centred(node.inputs[0])?;
                let of = Monotone(|sum| Ok(i128::from(reduce.rescale.apply(int32(sum)?)) - base));
                lines(&centred, reduce.length, reduce.inner)
                    .map(|line| {
                        let mut sum = Adder::default();
                        line.into_iter().try_for_each(|x| sum.add(x, 1))?;
                        values.function_of(&sum, Scalar::Model(index, 0), &of)
                    })
                    .collect()
            }
        }
    }

    /// The output of an accumulator. Channels with one multiplier share a name.
    fn requantized(
        &self,
        values: &mut Values,
        (index, node): (usize, &Node),
        (requantization, channel): (&Requantization, usize),
        sum: &Adder,
    ) -> Checked<Value> {
        let base = self.base(node.output);
        let bits = requantization.multiplier(channel).to_bits();
        check_slope(requantization.multiplier(channel))?;
        let of = Monotone(|acc| Ok(i128::from(requantization.apply(int32(acc)?, channel)) - base));
        values.function_of(sum, Scalar::Model(index, bits as usize), &of)
    }

    /// A node's weights, and what its sums begin with.
    fn layer(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        [weights, biases]: [&[i32]; 2],
    ) -> Checked<Layer> {
        match self.committed[index] {
            None => Layer::known(weights, biases),
            Some(first) => {
                let (all, zero) = ([weights.len(), biases.len()], self.zero(node.inputs[0]));
                Layer::committed(values, first, all, zero)
            }
        }
    }

    fn gemm(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        gemm: &Gemm,
    ) -> Checked<Vec<Value>> {
        let x = self.centred(node.inputs[0])?;
        let layer = self.layer(values, index, node, [&gemm.weights, &gemm.bias])?;
        let mut y = Vec::new();
        for row in x.chunks(gemm.inputs) {
            for (channel, weights) in layer.weights.chunks(gemm.inputs).enumerate() {
                let mut sum = layer.begun[channel].clone();
                for (&x, &weight) in row.iter().zip(weights) {
                    sum.product(values, x, weight)?;
                }
                let channel = (&gemm.requantization, channel);
                y.push(self.requantized(values, (index, node), channel, &sum)?);
            }
        }
        Ok(y)
    }

    fn conv(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        conv: &Conv,
    ) -> Checked<Vec<Value>> {
        let x = self.centred(node.inputs[0])?;
        let window = &conv.window;
        let plane = window.input[0] * window.input[1];
        let (inputs, outputs) = (conv.inputs / conv.group, conv.outputs / conv.group);
        let layer = self.layer(values, index, node, [&conv.weights, &conv.bias])?;
        let mut y = Vec::new();
        for x in x.chunks(conv.inputs * plane) {
            for (channel, at) in product(conv.outputs, window.output) {
                let mut sum = layer.begun[channel].clone();
                for (c, kernel) in product(inputs, window.kernel) {
                    let Some([row, column]) = window.position(at, kernel) else { continue };
                    let tap = kernel[0] * window.kernel[1] + kernel[1];
                    let weight = layer.weights[(channel * inputs + c) * window.len() + tap];
                    let source = channel / outputs * inputs + c;
                    let x = x[source * plane + row * window.input[1] + column];
                    sum.product(values, x, weight)?;
                }
                let channel = (&conv.requantization, channel);
                y.push(self.requantized(values, (index, node), channel, &sum)?);
            }
        }
        Ok(y)
    }

    fn conv_transpose(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        conv: &ConvTranspose,
    ) -> Checked<Vec<Value>> {
        let x = self.centred(node.inputs[0])?;
        // The window goes from this operator's output to its input.
        let window = &conv.window;
        let plane = window.output[0] * window.output[1];
        let area = window.input[0] * window.input[1];
        let (inputs, outputs) = (conv.inputs / conv.group, conv.outputs / conv.group);
        let mut y = Vec::new();
        for x in x.chunks(conv.inputs * plane) {
            let mut sums = vec![Adder::default(); conv.outputs * area];
            for (position, sum) in sums.iter_mut().enumerate() {
                sum.constant(conv.bias[position / area].into())?;
            }
            for (source, from) in product(conv.inputs, window.output) {
                let x = x[source * plane + from[0] * window.output[1] + from[1]];
                for (o, kernel) in product(outputs, window.kernel) {
                    let Some([row, column]) = window.position(from, kernel) else { continue };
                    let tap = kernel[0] * window.kernel[1] + kernel[1];
                    let weight = conv.weights[(source * outputs + o) * window.len() + tap];
                    let channel = source / inputs * outputs + o;
                    let at = channel * area + row * window.input[1] + column;
                    sums[at].add(x, weight.into())?;
                }
            }
            for (position, sum) in sums.iter().enumerate() {
                let channel = (&conv.requantization, position / area);
                y.push(self.requantized(values, (index, node), channel, sum)?);
            }
        }
        Ok(y)
    }

    fn mat_mul(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        product: &MatMul,
    ) -> Checked<Vec<Value>> {
        let [a, b] = [0, 1].map(|input| self.centred(node.inputs[input]));
        let (a, b) = (a?, b?);
        let MatMul { batch, rows, inner, columns, .. } = *product;
        let mut y = Vec::new();
        for element in 0..batch * rows * columns {
            let (row, column) = (element / columns, element % columns);
            let matrix = row / rows;
            let mut sum = Adder::default();
            for k in 0..inner {
                let b = b[(matrix * inner + k) * columns + column];
                sum.product(values, a[row * inner + k], b)?;
            }
            let channel = (&product.requantization, 0);
            y.push(self.requantized(values, (index, node), channel, &sum)?);
        }
        Ok(y)
    }

    /// The second operand's integers.
    fn second(&self, node: &Node, operand: &Operand) -> Checked<Vec<Value>> {
        match operand {
            Operand::Constant(all) => {
                Ok(all.iter().map(|&value| Value::constant(value.into())).collect())
            }
            Operand::Tensor => self.integers(node.inputs[1]),
        }
    }

    fn integers(&self, tensor: TensorId) -> Checked<Vec<Value>> {
        let base = self.base(tensor);
        self.bytes[tensor.0].iter().map(|byte| fits(byte.plus(base))).collect()
    }

    fn add(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        add: &Add,
    ) -> Checked<Vec<Value>> {
        let base = self.base(node.output);
        let of = |a: i128, b: i128| Ok(i128::from(add.apply(int32(a)?, int32(b)?)) - base);
        let operands = self.integers(node.inputs[0])?.into_iter();
        operands
            .zip(self.second(node, &add.operand)?)
            .map(|(a, b)| values.apply_to_pair([a, b], Scalar::Model(index, 0), &of))
            .collect()
    }

    fn mul(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        mul: &Mul,
    ) -> Checked<Vec<Value>> {
        let base = self.base(node.output);
        let zero = i128::from(mul.operand_zero_point);
        let of = |a: i128, b: i128| Ok(i128::from(mul.apply(int32(a)?, int32(b - zero)?)) - base);
        let operands = self.centred(node.inputs[0])?.into_iter();
        operands
            .zip(self.second(node, &mul.operand)?)
            .map(|(a, b)| values.apply_to_pair([a, b], Scalar::Model(index, 0), &of))
            .collect()
    }

    fn average_pool(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        pool: &AveragePool,
    ) -> Checked<Vec<Value>> {
        let (base, zero) = (self.base(node.output), self.zero(node.inputs[0]));
        let seen: Vec<Vec<usize>> = windows(&pool.window, pool.planes).collect();
        let mut counts: Vec<usize> = seen.iter().map(Vec::len).collect();
        counts.sort_unstable();
        counts.dedup();
        let mut of_sums = HashMap::new();
        for count in counts {
            let length = fits(i128::try_from(count).ok())?;
            let (low, high) = (int32(-zero * length)?, int32((255 - zero) * length)?);
            let all = (low..=high).map(|sum| of_sum(pool, zero, sum, count));
            let all = all.collect::<Option<Vec<i32>>>().map(|all| (i128::from(low), all));
            of_sums.insert(count, all);
        }
        if of_sums.values().any(Option::is_none) {
            return self.rounded_pool(values, index, node, pool, &seen);
        }
        let centred = self.centred(node.inputs[0])?;
        let mut y = Vec::new();
        for seen in seen {
            let count = seen.len();
            let Some((low, all)) = of_sums[&count].as_ref() else {
                return wrong("a mean that depends on how its sum is made");
            };
            let of = Listed(|sum: i128| Ok(entry(all, sum - low)? - base));
            let mut sum = Adder::default();
            seen.iter().try_for_each(|&position| sum.add(centred[position], 1))?;
            y.push(values.function_of(&sum, Scalar::Model(index, count), &of)?);
        }
        Ok(y)
    }

    /// Addition by addition, as float32 rounds them. All in units of the last place of the scale.
    fn rounded_pool(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        pool: &AveragePool,
        seen: &[Vec<usize>],
    ) -> Checked<Vec<Value>> {
        let (base, zero) = (self.base(node.output), self.zero(node.inputs[0]));
        let scale = pool.mean.scale;
        check_slope(scale / pool.mean.output_scale)?;
        let exponent = i32::try_from(scale.to_bits() >> 23).unwrap_or(0) - 127 - 23;
        let unit = 2_f64.powi(exponent);
        let mut terms = Vec::new();
        for byte in 0..256_i128 {
            #[allow(clippy::cast_precision_loss, reason = "nine bits are exact in float32")]
            let term = int32(byte - zero)? as f32 * scale;
            let term = f64::from(term) / unit;
            #[allow(clippy::cast_possible_truncation, reason = "compared right after")]
            let integer = term as i64;
            #[allow(clippy::cast_precision_loss, clippy::float_cmp)]
            if integer as f64 != term || !(1e-30..1e30).contains(&scale) {
                return wrong("a scale's terms are no integers of its last place");
            }
            terms.push(i128::from(integer));
        }
        let least = terms[0];
        let term = Listed(|byte| Ok(entry(&terms, byte)? - least));
        let bytes = &self.bytes[node.inputs[0].0];
        // Rounding once more changes no mean. A circuit does so where the window's last position is padding.
        let window = &pool.window;
        let last = [0, 1].map(|axis| window.kernel[axis] - 1);
        let ends = product(pool.planes, window.output)
            .map(|(_, at)| window.len() > 2 && window.position(at, last).is_none());
        let mut y = Vec::new();
        for (seen, is_rounded) in seen.iter().zip(ends) {
            let divisor = if pool.count_include_pad { pool.window.len() } else { seen.len() };
            if divisor == 0 {
                return wrong("a mean of nothing");
            }
            let mut sum = Adder::default();
            for (number, &position) in seen.iter().enumerate() {
                let term = values.apply(bytes[position], Scalar::Model(index, 0), &term)?;
                sum.add(term, 1)?;
                sum.constant(least)?;
                if number + 1 < seen.len() || is_rounded {
                    let rounded = values.rounded(&sum)?;
                    sum = Adder::default();
                    sum.add(rounded, 1)?;
                }
            }
            let mean = Monotone(|sum: i128| {
                // Sums have 50 bits and units are powers of two: only the last step rounds.
                #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
                let real = (fits(i64::try_from(sum).ok())? as f64 * unit) as f32;
                Ok(i128::from(pool.mean.of_real(real, divisor)) - base)
            });
            y.push(values.function_of(&sum, Scalar::Model(index, divisor), &mean)?);
        }
        Ok(y)
    }

    fn softmax(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        softmax: &Softmax,
    ) -> Checked<Vec<Value>> {
        let base = self.base(node.output);
        let exponential = Listed(|distance| entry(&softmax.exponentials, distance));
        let [zero, min, max] =
            [softmax.zero_point, softmax.min, softmax.max].map(|level| i128::from(level) - base);
        let level = Monotone(|q: i128| Ok((q + zero).clamp(min, max)));
        let mut y = Vec::new();
        for row in self.bytes[node.inputs[0].0].chunks(softmax.length) {
            let largest = values.largest(row.iter().copied())?;
            let mut all = Vec::new();
            let mut sum = Adder::default();
            for &x in row {
                let mut distance = Adder::default();
                distance.add(largest, 1)?;
                distance.add(x, -1)?;
                let e = values.function_of(&distance, Scalar::Model(index, 0), &exponential)?;
                sum.add(e, 1)?;
                all.push(e);
            }
            let sum = values.wide(&sum)?;
            let twice = Value { factor: 2 * sum.factor, constant: 2 * sum.constant, ..sum };
            for e in all {
                let mut dividend = Adder::default();
                dividend.add(e, 2 * i128::from(softmax.levels))?;
                dividend.add(sum, 1)?;
                let q = values.quotient(&dividend, twice)?;
                y.push(values.apply(q, Scalar::Model(index, 1), &level)?);
            }
        }
        Ok(y)
    }

    fn layer_normalization(
        &self,
        values: &mut Values,
        index: usize,
        node: &Node,
        normalization: &LayerNormalization,
    ) -> Checked<Vec<Value>> {
        let (base, zero) = (self.base(node.output), self.zero(node.inputs[0]));
        let n = fits(i128::try_from(normalization.length).ok())?;
        let factor = i128::from(normalization.variance_factor);
        let [min, max] = [normalization.min, normalization.max].map(|end| i128::from(end) - base);
        let level = Monotone(|q: i128| Ok((q - base).clamp(min, max)));
        let divisor = 1_i128 << normalization.shift.min(100);
        let mut y = Vec::new();
        for row in self.bytes[node.inputs[0].0].chunks(normalization.length) {
            let (mut sum, mut spread) = (Adder::default(), Adder::default());
            for &x in row {
                sum.add(fits(x.plus(-zero))?, 1)?;
                spread.add(values.square(x, zero)?, factor * n)?;
            }
            let sum = values.wide(&sum)?;
            let scaled =
                Value { factor: -factor * sum.factor, constant: -factor * sum.constant, ..sum };
            spread.product(values, scaled, sum)?;
            spread.constant(normalization.epsilon.into())?;
            let spread = values.wide(&spread)?;
            let root = values.root(spread, normalization.root_bits)?;
            let parameters = normalization.gain.iter().zip(&normalization.offset);
            for (&x, (&gain, &offset)) in row.iter().zip(parameters) {
                let gain = i128::from(gain);
                let mut distance = Adder::default();
                distance.add(fits(x.plus(-zero))?, gain * n)?;
                distance.add(sum, -gain)?;
                let distance = values.wide(&distance)?;
                let mut dividend = Adder::default();
                dividend.product(values, distance, root)?;
                dividend.constant(offset)?;
                let q = values.quotient(&dividend, Value::constant(divisor))?;
                y.push(values.apply(q, Scalar::Model(index, 0), &level)?);
            }
        }
        Ok(y)
    }

    /// Lemma 3: the largest of ranks that count where `m − x` is 0 says where the first or last largest is.
    fn arg_max(
        values: &mut Values,
        index: usize,
        x: &[Value],
        arg_max: &ArgMax,
    ) -> Checked<Vec<Value>> {
        let n = fits(i128::try_from(arg_max.length).ok())?;
        let is_zero = Listed(|distance| Ok(i128::from(distance == 0)));
        let all = lines(x, arg_max.length, arg_max.inner);
        all.map(|line| {
            let largest = values.largest(line.iter().copied())?;
            let mut ranks = Vec::new();
            for (position, x) in (0..).zip(line) {
                let mut distance = Adder::default();
                distance.add(largest, 1)?;
                distance.add(x, -1)?;
                let here = values.function_of(&distance, Scalar::Model(index, 0), &is_zero)?;
                let mut rank = Adder::default();
                rank.add(here, if arg_max.select_last { position + 1 } else { n - position })?;
                ranks.push(values.narrow(&rank)?);
            }
            let best = values.largest(ranks)?;
            let (factor, constant) = if arg_max.select_last { (1, -1) } else { (-1, n) };
            let mut position = Adder::default();
            position.add(best, factor)?;
            position.constant(constant)?;
            values.narrow(&position)
        })
        .collect()
    }
}

/// All pairs of a number below `count` and a position in a plane.
fn product(count: usize, [height, width]: [usize; 2]) -> impl Iterator<Item = (usize, [usize; 2])> {
    (0..count).flat_map(move |number| {
        (0..height).flat_map(move |row| (0..width).map(move |column| (number, [row, column])))
    })
}

/// The positions that each window of each plane sees.
fn windows(window: &Window, planes: usize) -> impl Iterator<Item = Vec<usize>> + '_ {
    let plane = window.input[0] * window.input[1];
    product(planes, window.output).map(move |(number, at)| {
        window.positions(at).map(|position| number * plane + position).collect()
    })
}

/// The elements along an axis, for each element of the output.
fn lines(x: &[Value], length: usize, inner: usize) -> impl Iterator<Item = Vec<Value>> + '_ {
    x.chunks(length * inner)
        .flat_map(move |x| (0..inner).map(move |i| (0..length).map(|j| x[j * inner + i]).collect()))
}

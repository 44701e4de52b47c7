//! Comparisons with inputs: what all of them tell of an element is its code.
//!
//! An element of a float input becomes its rank among all thresholds that it is compared with, also where sums and
//! products with constants come between: they are monotone in float32 too, so there is a largest value of the input
//! below each threshold. A text becomes its position among the names that it is compared with. All that is asked of
//! an element is then whether its code is within an interval, which is a difference of two *bits*:
//!
//! ```text
//! bit = clamp( code − place, 0, 1 )      whether the code is above the place
//! ```

use std::collections::BTreeMap;

use crate::model::import::{
    Importer, RealId, RealKind,
    expression::{Categories, Pair, Real, element},
    ports::InputKind,
};
use crate::model::{
    Arithmetic, Code, Codes, ElementType, Exactness, Gemm, Missing, ModelError, Operator, Origin,
    Preparation, Quantization, Requantization, Tensor, TensorId, View, ViewElement, limits,
};

/// Integers that are themselves.
pub(super) const PLAIN: Quantization =
    Quantization { scale: 1.0, zero_point: 0, element: ElementType::Uint8 };

/// An element of an input: the input's position, and its own.
pub(super) type Place = (usize, usize);

/// What a condition asks of an element of an input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Condition {
    pub place: Place,
    /// A value in there, the first left out, the second not.
    pub from: Option<f32>,
    pub to: Option<f32>,
    /// Whether a missing value fulfils it.
    pub missing: bool,
    /// Whether it asks for the opposite.
    pub is_opposite: bool,
}

/// What became of a condition when all steps before it were looked through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Asked {
    Always,
    Never,
    Of(Condition),
}

impl Condition {
    /// The opposite, as an interval if it is one.
    pub fn opposite(self) -> Self {
        let missing = !self.missing;
        match (self.from, self.to) {
            _ if self.is_opposite => Self { is_opposite: false, ..self },
            (Some(from), None) => Self { from: None, to: Some(from), missing, ..self },
            (None, Some(to)) => Self { from: Some(to), to: None, missing, ..self },
            _ => Self { is_opposite: true, ..self },
        }
    }

    /// Both of two conditions on one element; `None` if they exclude each other.
    pub fn and(self, other: Self) -> Option<Self> {
        let larger = |a: f32, b: f32| if b > a { b } else { a };
        let from = [self.from, other.from].into_iter().flatten().reduce(larger);
        let to = [self.to, other.to].into_iter().flatten().reduce(f32::min);
        let missing = self.missing && other.missing;
        let is_empty = matches!((from, to), (Some(from), Some(to)) if from >= to);
        // Where only a missing value is left, no other lies between the bounds.
        let to = if is_empty { from } else { to };
        (!is_empty || missing).then_some(Self { from, to, missing, ..self })
    }
}

/// A step on the way from an input's element to an element of an expression.
#[derive(Clone, Copy, Debug)]
enum Step {
    Arithmetic(Arithmetic, f32),
    /// 1 above this number, 0 elsewhere.
    IsAbove(f32),
    /// 1 for the category at this position, 0 otherwise.
    IsAt(usize),
    /// 1 for this number, 0 otherwise.
    Is(f32),
}

impl Step {
    fn apply(self, x: f32) -> f32 {
        match self {
            Self::Arithmetic(arithmetic, constant) => arithmetic.apply(x, constant),
            Self::IsAbove(number) => f32::from(u8::from(x > number)),
            #[allow(clippy::cast_precision_loss)]
            Self::IsAt(position) => f32::from(u8::from(x == position as f32)),
            Self::Is(number) => f32::from(u8::from(x == number)),
        }
    }
}

impl Importer<'_> {
    /// Where an element of an expression comes from, if it is made of one element of an input alone.
    fn element_of_input(&self, id: RealId, element: usize) -> Option<(Place, Vec<Step>)> {
        let real = self.real(id);
        match &real.kind {
            RealKind::Input(position) => Some(((*position, element), Vec::new())),
            RealKind::View(elements, inputs) => match &elements.view {
                View::Reshape => self.element_of_input(*inputs.first()?, element),
                View::Elements(elements) => match *elements.get(element)? {
                    ViewElement::Input { input, index } => {
                        let at = |position: u32| usize::try_from(position).ok();
                        self.element_of_input(*inputs.get(at(input)?)?, at(index)?)
                    }
                    ViewElement::Constant(_) => None,
                },
            },
            RealKind::Filled(x, values) => {
                let (place, mut steps) = self.element_of_input(*x, element)?;
                let value = values[element % values.len()];
                steps.push(Step::Arithmetic(Arithmetic::Fill, value));
                Some((place, steps))
            }
            RealKind::OneHot(x, categories) => {
                let count = categories.len();
                let (place, mut steps) = self.element_of_input(*x, element / count)?;
                steps.push(match &**categories {
                    Categories::Positions(_) => Step::IsAt(element % count),
                    Categories::Numbers(numbers) => Step::Is(numbers[element % count] + 0.0),
                });
                Some((place, steps))
            }
            &RealKind::Pair { pair: Pair::Greater, operands: [a, b], .. } => {
                let constants = self.constant_reals(b)?;
                let (place, mut steps) = self.element_of_input(a, element)?;
                steps.push(Step::IsAbove(*constants.get(element % constants.len().max(1))?));
                Some((place, steps))
            }
            &RealKind::Pair { pair, operands: [a, b], .. } => {
                let (x, constants, arithmetic) = self.with_constants(pair, a, b)?;
                let (place, mut steps) = self.element_of_input(x, element)?;
                let constant = constants[element % constants.len()];
                steps.push(Step::Arithmetic(arithmetic, constant));
                Some((place, steps))
            }
            _ => None,
        }
    }

    /// Whether an expression says of elements of inputs alone whether they are above constants.
    pub(super) fn is_comparison_of_inputs(&self, id: RealId) -> bool {
        let len = self.real(id).shape.iter().product();
        (0..len).all(|element| self.element_of_input(id, element).is_some())
    }

    /// A sum or product with constants, as a step.
    pub(super) fn with_constants(
        &self,
        pair: Pair,
        a: RealId,
        b: RealId,
    ) -> Option<(RealId, Vec<f32>, Arithmetic)> {
        let (x, constants, is_swapped) = match (self.constant_reals(a), self.constant_reals(b)) {
            (None, Some(constants)) => (a, constants, false),
            (Some(constants), None) => (b, constants, true),
            _ => return None,
        };
        let arithmetic = match (pair, is_swapped) {
            (Pair::Add, _) => Arithmetic::Add,
            (Pair::Sub, false) => Arithmetic::Subtract,
            (Pair::Sub, true) => Arithmetic::SubtractFrom,
            (Pair::Mul, _) => Arithmetic::Multiply,
            (Pair::Div, false) => Arithmetic::Divide,
            _ => return None,
        };
        (!constants.is_empty()).then_some((x, constants, arithmetic))
    }

    /// Whether an element of an expression is above a threshold, as a question to an element of an input.
    pub(super) fn asked(
        &self,
        (id, element): (RealId, usize),
        threshold: f32,
        missing_is_above: bool,
    ) -> Option<Asked> {
        let (place, steps) = self.element_of_input(id, element)?;
        let value = |steps: &[Step], x: f32| steps.iter().fold(x, |x, step| step.apply(x));
        let is_above = |x: f32| if x.is_nan() { missing_is_above } else { x > threshold };
        // From a category on there are only two values.
        let choice = steps.iter().position(|step| matches!(step, Step::IsAt(_) | Step::Is(_)));
        if self.inputs[place.0].kind != InputKind::Number && choice != Some(0) {
            return None;
        }
        if let Some(choice) = choice {
            let [without, with] = [0.0, 1.0].map(|bit| is_above(value(&steps[choice + 1..], bit)));
            let (from, to) = match steps[choice] {
                Step::IsAt(position) if choice == 0 => {
                    // The last whole number is whatever is not below it.
                    let is_last = matches!(self.inputs[place.0].categories, Some(Code::Whole(end)) if position + 1 == end);
                    #[allow(clippy::cast_precision_loss)]
                    let position = position as f32;
                    let from = (position > 0.0).then_some(position - 1.0);
                    (from, (!is_last).then_some(position))
                }
                Step::Is(number) if choice == 0 => (Some(number.next_down()), Some(number)),
                _ => return None,
            };
            return Some(match (without, with) {
                (false, false) => Asked::Never,
                (true, true) => Asked::Always,
                (is_opposite, _) => {
                    Asked::Of(Condition { place, from, to, missing: false, is_opposite })
                }
            });
        }
        let at = |x: f32| is_above(value(&steps, x));
        let missing = at(f32::NAN);
        let none = Condition { place, from: None, to: None, missing, is_opposite: false };
        // Infinities are values too, unless a step makes nothing of them.
        let is_nothing = |x: f32| value(&steps, x).is_nan();
        let end = if is_nothing(f32::INFINITY) || is_nothing(f32::NEG_INFINITY) {
            f32::MAX
        } else {
            f32::INFINITY
        };
        let last = |holds: &dyn Fn(f32) -> bool| last(end, holds);
        let (lowest, highest) = (at(-end), at(end));
        Some(match (lowest, highest) {
            // A missing value may still make a difference.
            (false, false) if !missing => Asked::Never,
            (true, true) if missing => Asked::Always,
            (true, true) => Asked::Of(none),
            (false, false) => Asked::Of(Condition { missing: false, is_opposite: true, ..none }),
            (false, true) => Asked::Of(Condition { from: Some(last(&|x| !at(x))), ..none }),
            (true, false) => Asked::Of(Condition { to: Some(last(&at)), ..none }),
        })
    }
}

/// The largest float32, up to an end on either side, for which something holds that holds up to there.
fn last(end: f32, holds: &dyn Fn(f32) -> bool) -> f32 {
    // Integers in the order of floats: −0 counts as 0.
    let float = |code: i64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let bits = code.unsigned_abs() as u32;
        if code < 0 { -f32::from_bits(bits) } else { f32::from_bits(bits) }
    };
    let end = i64::from(end.to_bits());
    let (mut low, mut high) = (-end, end);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(float(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    float(low)
}

/// The codes of all elements that are compared with something.
pub(super) struct Coding {
    codes: BTreeMap<Place, Code>,
    /// By position of the input.
    tensors: Vec<(usize, TensorId)>,
    /// Where the bytes of each code begin, of all inputs one after the other.
    offsets: BTreeMap<Place, usize>,
    len: usize,
}

/// Whether the code of an element is above a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Bit {
    pub element: Place,
    pub above: usize,
}

/// `constant + Σ ±bit`
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sum {
    pub constant: i32,
    pub bits: Vec<(Bit, i32)>,
}

impl Coding {
    /// The codes that tell these conditions.
    pub fn new(
        importer: &mut Importer<'_>,
        real: &Real,
        conditions: &[Condition],
    ) -> Result<Self, ModelError> {
        let mut asked: BTreeMap<Place, Vec<&Condition>> = BTreeMap::new();
        for condition in conditions {
            asked.entry(condition.place).or_default().push(condition);
        }
        let mut coding =
            Self { codes: BTreeMap::new(), tensors: Vec::new(), offsets: BTreeMap::new(), len: 0 };
        let mut inputs: Vec<usize> = asked.keys().map(|place| place.0).collect();
        inputs.dedup();
        for input in inputs {
            let shape = importer.inputs[input].shape.clone();
            let mut elements = Vec::new();
            let mut bytes = 0;
            for element in 0..shape.iter().product() {
                let own = asked.get(&(input, element)).map(Vec::as_slice).unwrap_or_default();
                let categories = importer.inputs[input].categories.clone();
                let code = categories.unwrap_or_else(|| rank(own));
                if code.largest() > usize::from(u16::MAX) {
                    return Err(real.unsupported("a feature with more than 65,534 thresholds"));
                }
                coding.offsets.insert((input, element), coding.len + bytes);
                bytes += code.bytes();
                coding.codes.insert((input, element), code.clone());
                elements.push(code);
            }
            let preparation = Preparation::coded(Codes { shape: shape.clone(), elements });
            let is_as_before = bytes == shape.iter().product::<usize>();
            let coded = if is_as_before { shape } else { vec![1, bytes] };
            let tensor = importer.encoded_input(real, input, Some(preparation), (coded, PLAIN))?;
            coding.tensors.push((input, tensor));
            coding.len += bytes;
        }
        Ok(coding)
    }

    /// Whether nothing is compared.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// A condition in bits: 1 where it holds, 0 otherwise.
    pub fn sum(&self, condition: &Condition) -> Sum {
        let element = condition.place;
        let bit = |above: usize| Bit { element, above };
        let (is_apart, place) = match &self.codes[&element] {
            Code::Rank { thresholds, missing } => {
                let is_apart = *missing == Missing::Apart;
                let place = |value: f32| {
                    thresholds.partition_point(|&own| own < value) + usize::from(is_apart)
                };
                (is_apart, [condition.from, condition.to].map(|value| value.map(place)))
            }
            // The positions themselves.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Code::Category(_) | Code::Whole(_) => {
                (false, [condition.from, condition.to].map(|at| at.map(|at| at as usize)))
            }
        };
        let mut sum = Sum::default();
        match place[0] {
            Some(from) => sum.bits.push((bit(from), 1)),
            None if is_apart && !condition.missing => sum.bits.push((bit(0), 1)),
            None => sum.constant += 1,
        }
        if is_apart && condition.missing && place[0].is_some() {
            sum.constant += 1;
            sum.bits.push((bit(0), -1));
        }
        if let Some(to) = place[1] {
            sum.bits.push((bit(to), -1));
        }
        if condition.is_opposite {
            sum.constant = 1 - sum.constant;
            sum.bits.iter_mut().for_each(|(_, factor)| *factor = -*factor);
        }
        sum
    }
}

impl Importer<'_> {
    /// Makes bits, in a row; `None` is always 0.
    pub(super) fn bits(
        &mut self,
        real: &Real,
        coding: &Coding,
        bits: &[Option<Bit>],
        name: &str,
    ) -> Result<TensorId, ModelError> {
        let inputs = coding.len;
        limits::elements(&real.node, &[bits.len(), inputs])?;
        let codes = plain(name, "codes", vec![1, inputs]);
        let elements = (coding.tensors.iter().enumerate())
            .flat_map(|(input, &(_, tensor))| {
                (0..self.tensor(tensor).len()).map(move |index| element(input, index))
            })
            .collect();
        let tensors: Vec<TensorId> = coding.tensors.iter().map(|&(_, tensor)| tensor).collect();
        let codes = match tensors[..] {
            [only] if self.tensor(only).shape == codes.shape => only,
            _ => {
                let view = Operator::View(View::Elements(elements));
                self.add_node(&real.node, view, tensors, codes, exact("Concat"))?
            }
        };
        let (mut weights, mut bias) = (vec![0; bits.len() * inputs], vec![0; bits.len()]);
        for ((row, bias), bit) in weights.chunks_mut(inputs).zip(&mut bias).zip(bits) {
            let Some(bit) = bit else { continue };
            let first = coding.offsets[&bit.element];
            match coding.codes[&bit.element].bytes() {
                1 => row[first] = 1,
                _ => (row[first], row[first + 1]) = (256, 1),
            }
            *bias = -i32::try_from(bit.above).expect("codes have 16 bits");
        }
        let requantization =
            Requantization { multipliers: vec![1.0], zero_point: 0, min: 0, max: 1 };
        let gemm = Gemm { inputs, outputs: bits.len(), weights, bias, requantization };
        let output = plain(name, "bits", vec![1, bits.len()]);
        self.add_node(&real.node, Operator::Gemm(gemm), vec![codes], output, exact("Greater"))
    }

    /// Makes 1 where a condition on an element holds, as that it has a category, and 0 elsewhere, quantized.
    pub(in crate::model::import) fn lower_conditions(
        &mut self,
        real: &Real,
        id: RealId,
        (min, max): (i32, i32),
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let conditions = (0..real.shape.iter().product())
            .map(|element| match self.asked((id, element), 0.5, false) {
                Some(Asked::Of(condition)) => Ok(condition),
                _ => Err(real.unsupported("a condition that is not one on an input of the model")),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let coding = Coding::new(self, real, &conditions)?;
        let sums: Vec<Sum> = conditions.iter().map(|condition| coding.sum(condition)).collect();
        let mut all: Vec<Bit> =
            sums.iter().flat_map(|sum| &sum.bits).map(|(bit, _)| *bit).collect();
        all.sort();
        all.dedup();
        let bits: Vec<Option<Bit>> = all.iter().copied().map(Some).collect();
        let made = self.bits(real, &coding, &bits, &output.name)?;
        let step = 1.0 / output.quantization.scale;
        let inputs = all.len();
        let mut weights = vec![0; sums.len() * inputs];
        for (row, sum) in weights.chunks_mut(inputs).zip(&sums) {
            for (bit, factor) in &sum.bits {
                row[all.binary_search(bit).expect("all bits are there")] += factor;
            }
        }
        let gemm = Gemm {
            inputs,
            outputs: sums.len(),
            weights,
            bias: sums.iter().map(|sum| sum.constant).collect(),
            requantization: Requantization {
                multipliers: vec![step],
                zero_point: output.quantization.zero_point,
                min,
                max,
            },
        };
        let shape = output.shape.clone();
        let flat = Tensor {
            name: format!("{} (in a row)", output.name),
            shape: vec![1, sums.len()],
            quantization: output.quantization,
        };
        let is_flat = shape == flat.shape;
        let made = self.add_node(
            &real.node,
            Operator::Gemm(gemm),
            vec![made],
            if is_flat { output.clone() } else { flat },
            exact(&real.operator),
        )?;
        if is_flat {
            return Ok(made);
        }
        self.add_node(
            &real.node,
            Operator::View(View::Reshape),
            vec![made],
            output,
            exact("Reshape"),
        )
    }
}

fn plain(name: &str, what: &str, shape: Vec<usize>) -> Tensor {
    Tensor { name: format!("{name} ({what})"), shape, quantization: PLAIN }
}

fn exact(operator: &str) -> Origin {
    Origin { operator: operator.into(), exactness: Exactness::Exact, parameters: 0 }
}

/// The code of an element that is asked these questions.
fn rank(conditions: &[&Condition]) -> Code {
    let mut thresholds: Vec<f32> =
        conditions.iter().flat_map(|own| [own.from, own.to]).flatten().collect();
    thresholds.sort_by(f32::total_cmp);
    thresholds.dedup();
    // A place of its own only if no end will do.
    let all = |fits: fn(&Condition) -> bool| conditions.iter().all(|own| fits(own));
    let missing = if all(|own| own.missing == own.from.is_none()) {
        Missing::BelowAll
    } else if all(|own| own.missing == own.to.is_none()) {
        Missing::AboveAll
    } else {
        Missing::Apart
    };
    Code::Rank { thresholds, missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(from: Option<f32>, to: Option<f32>, missing: bool) -> Condition {
        Condition { place: (0, 0), from, to, missing, is_opposite: false }
    }

    fn holds(condition: &Condition, x: f32) -> bool {
        let is_within = match x.is_nan() {
            true => condition.missing,
            false => {
                condition.from.is_none_or(|from| x > from) && condition.to.is_none_or(|to| x <= to)
            }
        };
        is_within != condition.is_opposite
    }

    fn coding(code: Code) -> Coding {
        let one = |value| BTreeMap::from([((0, 0), value)]);
        let codes = BTreeMap::from([((0, 0), code)]);
        Coding { codes, tensors: Vec::new(), offsets: one(0), len: 1 }
    }

    fn value(sum: &Sum, code: usize) -> i32 {
        let bits = sum.bits.iter().map(|(bit, factor)| factor * i32::from(code > bit.above));
        sum.constant + bits.sum::<i32>()
    }

    #[test]
    fn bits_tell_whether_conditions_hold() {
        let values = [f32::NEG_INFINITY, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0, f32::INFINITY, f32::NAN];
        let bounds = [None, Some(-1.0), Some(0.5), Some(1.0)];
        let mut all = Vec::new();
        for (from, to) in bounds.into_iter().flat_map(|from| bounds.map(|to| (from, to))) {
            if from.zip(to).is_none_or(|(from, to)| from < to) {
                let own = [false, true].map(|missing| condition(from, to, missing));
                all.extend(own.into_iter().flat_map(|own| [own, own.opposite()]));
            }
        }
        // Alone each may have a missing value at an end of the ranks; together they need a code for it.
        for together in all.iter().map(|own| vec![own]).chain([all.iter().collect()]) {
            let code = rank(&together);
            let coding = coding(code.clone());
            for (own, x) in together.into_iter().flat_map(|own| values.map(|x| (own, x))) {
                let told = value(&coding.sum(own), code.of(x));
                assert_eq!(told, i32::from(holds(own, x)), "{own:?} of {x}, {code:?}");
            }
        }
        assert!(matches!(
            rank(&all.iter().collect::<Vec<_>>()),
            Code::Rank { missing: Missing::Apart, .. }
        ));
    }

    #[test]
    fn conditions_join_to_what_both_ask() {
        let values = [-2.0, -1.0, 0.0, 0.5, 0.75, 1.0, 2.0, f32::NAN];
        let bounds = [None, Some(-1.0), Some(0.5), Some(1.0)];
        let pairs = bounds.into_iter().flat_map(|from| bounds.map(|to| (from, to)));
        let all: Vec<Condition> = pairs
            .flat_map(|(from, to)| [false, true].map(|missing| condition(from, to, missing)))
            .collect();
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            for x in values {
                let both = a.and(*b).is_some_and(|both| holds(&both, x));
                assert_eq!(both, holds(a, x) && holds(b, x), "{a:?} and {b:?} of {x}");
            }
        }
    }

    // Whoever proves may choose any byte: whatever it is, at most one category has it.
    #[test]
    fn a_text_is_of_one_category_at_most() {
        for code in [Code::Category(vec!["a".into(), "b".into(), "c".into()]), Code::Whole(3)] {
            let coding = coding(code.clone());
            let ends = matches!(code, Code::Whole(_));
            let at = |position: usize| {
                let from = (position > 0).then_some([0.0, 0.0, 1.0][position]);
                let to = (!ends || position < 2).then_some([0.0, 1.0, 2.0][position]);
                coding.sum(&condition(from, to, false))
            };
            for byte in 0..=255 {
                let told: Vec<i32> = (0..3).map(|position| value(&at(position), byte)).collect();
                let own = if ends { byte.min(2) } else { byte };
                let expected: Vec<i32> =
                    (0..3).map(|position| i32::from(position == own)).collect();
                assert_eq!(told, expected, "{byte} {code:?}");
            }
        }
    }

    #[test]
    fn the_last_float_is_found_on_either_side_of_zero() {
        for end in [-3.5, -f32::MIN_POSITIVE, 0.0, 1e-40, 7.25, f32::MAX] {
            assert_eq!(last(f32::INFINITY, &|x| x <= end), end);
        }
    }
}

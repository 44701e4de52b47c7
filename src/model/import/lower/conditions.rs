//! Comparisons with inputs: what they ask of an element of an input.
//!
//! Also where sums and products with constants come between, a comparison asks for an interval of the input's values: they
//! are monotone in float32 too, so there is a largest value of the input below each threshold.

use crate::model::import::{
    Importer, RealId, RealKind,
    expression::{Categories, Pair},
    ports::InputKind,
};
use crate::model::{Arithmetic, Code, View, ViewElement};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_float_is_found_on_either_side_of_zero() {
        for end in [-3.5, -f32::MIN_POSITIVE, 0.0, 1e-40, 7.25, f32::MAX] {
            assert_eq!(last(f32::INFINITY, &|x| x <= end), end);
        }
    }
}

//! Codes of inputs, and the bits that conditions on them are made of.
//!
//! An element of a float input becomes its rank among all thresholds that it is compared with, a text its position among
//! the names that it is compared with. All that is asked of an element is then whether its code is within an interval,
//! which is a difference of two *bits*:
//!
//! ```text
//! bit = clamp( code − place, 0, 1 )      whether the code is above the place
//! ```
//!
//! A missing value may have a place apart, the code 0, below all others. A bit that counts it as above is that of a code
//! whose bytes are the largest ones where the value is missing:
//!
//! ```text
//! byte = clamp( byte of the code + 255·( 1 − there ), 0, 255 )      there = clamp( code, 0, 1 )
//! ```

use std::collections::BTreeMap;

use super::conditions::{Asked, Condition, Place};
use crate::model::import::{
    Importer, RealId,
    expression::{Real, element},
};
use crate::model::{
    Code, Codes, ElementType, Exactness, Gemm, Missing, ModelError, Operator, Origin, Preparation,
    Quantization, Requantization, Tensor, TensorId, View, limits,
};

/// Integers that are themselves.
pub(super) const PLAIN: Quantization =
    Quantization { scale: 1.0, zero_point: 0, element: ElementType::Uint8 };

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
    /// Whether a missing value is above it, though it has the code 0.
    pub or_missing: bool,
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
            Code::Category(_) | Code::Whole(_) | Code::Parts { .. } => {
                (false, [condition.from, condition.to].map(|at| at.map(|at| at as usize)))
            }
        };
        let bit = |above: usize, or_missing: bool| Bit {
            element,
            above,
            or_missing: is_apart && or_missing,
        };
        // Of two bits the first says where a missing value is, of one that one.
        let is_within = condition.missing;
        let mut sum = match place {
            [None, None] if is_apart && !is_within => {
                Sum { constant: 0, bits: vec![(bit(0, false), 1)] }
            }
            [None, None] => Sum { constant: 1, bits: Vec::new() },
            [Some(from), None] => Sum { constant: 0, bits: vec![(bit(from, is_within), 1)] },
            [None, Some(to)] => Sum { constant: 1, bits: vec![(bit(to, !is_within), -1)] },
            [Some(from), Some(to)] => {
                Sum { constant: 0, bits: vec![(bit(from, is_within), 1), (bit(to, false), -1)] }
            }
        };
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
        // Codes of elements, of which some may be missing, and whether each of these is there.
        let mut apart: Vec<Place> =
            bits.iter().flatten().filter(|bit| bit.or_missing).map(|bit| bit.element).collect();
        apart.sort_unstable();
        apart.dedup();
        let own = |bit: Bit| (bit, coding.offsets[&bit.element]);
        if apart.is_empty() {
            let rows: Vec<_> = bits.iter().map(|bit| bit.map(own)).collect();
            return self.above(real, coding, codes, &rows, name);
        }
        let there = |&element: &Place| Some(own(Bit { element, above: 0, or_missing: false }));
        let there: Vec<_> = apart.iter().map(there).collect();
        let there = self.above(real, coding, codes, &there, &format!("{name}, that are there"))?;
        let both = self.beside(real, [codes, there], (name, "codes, and what is there"))?;
        // Each byte of a code, and whether its element is there; and where the first bytes of codes come to be.
        let (mut bytes, mut firsts) = (Vec::new(), BTreeMap::new());
        for (position, &element) in apart.iter().enumerate() {
            firsts.insert(element, inputs + bytes.len());
            let first = coding.offsets[&element];
            let own = first..first + coding.codes[&element].bytes();
            bytes.extend(own.map(|byte| [byte, inputs + position]));
        }
        let width = inputs + apart.len();
        let mut weights = vec![0; bytes.len() * width];
        for (row, &[byte, there]) in weights.chunks_mut(width).zip(&bytes) {
            (row[byte], row[there]) = (1, -255);
        }
        let requantization =
            Requantization { multipliers: vec![1.0], zero_point: 0, min: 0, max: 255 };
        let (outputs, bias) = (bytes.len(), vec![255; bytes.len()]);
        let gemm = Gemm { inputs: width, outputs, weights, bias, requantization };
        let output = plain(name, "codes, the largest where nothing is there", vec![1, outputs]);
        let raised = Operator::Gemm(gemm);
        let raised = self.add_node(&real.node, raised, vec![both], output, exact("Where"))?;
        let codes = self.beside(real, [codes, raised], (name, "codes of both kinds"))?;
        let rows = bits.iter().map(|bit| {
            bit.map(|bit| if bit.or_missing { (bit, firsts[&bit.element]) } else { own(bit) })
        });
        let rows: Vec<_> = rows.collect();
        self.above(real, coding, codes, &rows, name)
    }

    /// Two rows of integers, one after the other.
    fn beside(
        &mut self,
        real: &Real,
        rows: [TensorId; 2],
        (name, what): (&str, &str),
    ) -> Result<TensorId, ModelError> {
        let lengths = rows.map(|row| self.tensor(row).len());
        let all = (0..2).flat_map(|row| (0..lengths[row]).map(move |index| element(row, index)));
        let view = Operator::View(View::Elements(all.collect()));
        let output = plain(name, what, vec![1, lengths.iter().sum()]);
        self.add_node(&real.node, view, rows.to_vec(), output, exact("Concat"))
    }

    /// Whether codes are above places, each with where the first byte of its code is.
    fn above(
        &mut self,
        real: &Real,
        coding: &Coding,
        codes: TensorId,
        bits: &[Option<(Bit, usize)>],
        name: &str,
    ) -> Result<TensorId, ModelError> {
        let inputs = self.tensor(codes).len();
        let (mut weights, mut bias) = (vec![0; bits.len() * inputs], vec![0; bits.len()]);
        for ((row, bias), bit) in weights.chunks_mut(inputs).zip(&mut bias).zip(bits) {
            let Some((bit, first)) = *bit else { continue };
            if coding.codes[&bit.element].bytes() == 1 {
                row[first] = 1;
            } else {
                (row[first], row[first + 1]) = (256, 1);
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
        let is_above = |bit: &Bit| code > bit.above || (bit.or_missing && code == 0);
        let bits = sum.bits.iter().map(|(bit, factor)| factor * i32::from(is_above(bit)));
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
}

//! What a prover says of roots, quotients and flags are integers: field elements that make equations hold are not.

use super::{
    IS_AN_ENTRY, assert_breaks, broken, circuit, field, relimb, row, rows,
    vectors::{arg_max, hinting, normalization, output_rows, rewrite},
};
use crate::circuit::columns::Constant;
use crate::circuit::{
    ModelCircuit, Witness,
    compute::Held,
    field::pack,
    wiring::{Hint, Kind, NATURAL_DIGIT},
};
use crate::model::{LayerNormalization, Operator};
use halo2_proofs::halo2curves::bn256::Fr;

const INPUT: [i32; 5] = [-90, 14, 63, -7, 101];

/// A layer normalization of one vector, with what its integers are.
struct Normalization {
    operator: LayerNormalization,
    circuit: ModelCircuit,
    /// Its elements, centred and times their number.
    centred: Vec<i128>,
    /// d.
    spread: i128,
    /// r.
    root: i128,
}

impl Normalization {
    /// With 4 as epsilon, d is a multiple of 4; with even gains, r may be half an integer as far as remainders go.
    fn new() -> Self {
        let mut model = normalization(1, INPUT.len(), 40);
        let Operator::LayerNormalization(operator) = &mut model.graph.nodes[0].operator else {
            panic!("a layer normalization")
        };
        operator.epsilon = 4;
        operator.gain.iter_mut().for_each(|gain| *gain *= 2);
        let operator = operator.clone();
        let circuit = circuit(&model);
        let elements = INPUT.map(i128::from);
        let (n, sum) = (INPUT.len() as i128, elements.iter().sum::<i128>());
        let centred: Vec<i128> = elements.iter().map(|x| n * x - sum).collect();
        let squares: i128 = elements.iter().map(|x| x * x).sum();
        let spread = i128::from(operator.variance_factor) * (n * squares - sum * sum) + 4;
        let root = ((1_i128 << (2 * operator.root_bits)) / spread).isqrt();
        Self { operator, circuit, centred, spread, root }
    }

    fn honest(&self) -> Witness {
        hinting(&self.circuit, &INPUT, |_, honest| honest)
    }

    /// The rows of the digits of 2^(2·root_bits) − r²·d, and of (r + 1)²·d − 1 − 2^(2·root_bits).
    fn root_rows(&self) -> [Vec<usize>; 2] {
        let two_pow = 1 << (2 * self.operator.root_bits);
        [two_pow, -1 - two_pow].map(|bias| {
            let is_it = |kind| matches!(kind, Kind::Natural { bias: own, .. } if own == bias);
            rows(&self.circuit, is_it)
        })
    }

    /// The rows of the elements' remainders, and of what they are short of.
    fn remainder_rows(&self) -> [Vec<usize>; 2] {
        let others = self.root_rows().concat();
        let mut rows = rows(&self.circuit, |kind| matches!(kind, Kind::Natural { .. }));
        rows.retain(|at| !others.contains(at));
        // There and back.
        let mut back = rows.split_off(INPUT.len());
        back.reverse();
        [rows, back]
    }

    /// gain·u·r + offset − 2^shift·q, from twice the root.
    fn remainder(&self, element: usize, twice_root: i128, quotient: i128) -> i128 {
        let LayerNormalization { gain, offset, shift, .. } = &self.operator;
        let scaled = i128::from(gain[element]) / 2 * self.centred[element] * twice_root;
        scaled + offset[element] - (quotient << shift)
    }

    fn quotient(&self, element: usize) -> i128 {
        self.remainder(element, 2 * self.root, 0) >> self.operator.shift
    }
}

/// Writes an integer that is not negative into the rows of its digits.
fn write_digits(circuit: &ModelCircuit, witness: &mut Witness, rows: &[usize], integer: i128) {
    assert!(integer >= 0 && integer >> (NATURAL_DIGIT * rows.len() as u32) == 0);
    for (digit, &at) in (0..).zip(rows) {
        let digit = integer >> (NATURAL_DIGIT * digit) & ((1 << NATURAL_DIGIT) - 1);
        rewrite(circuit, witness, at, digit);
    }
}

/// Writes any integer into the first limb of its digits' rows.
fn write_as_limb(circuit: &ModelCircuit, witness: &mut Witness, rows: &[usize], integer: i128) {
    write_digits(circuit, witness, rows, 0);
    relimb(witness, 0, rows[0], field(integer));
}

#[test]
fn negative_remainder_of_a_root_is_refused() {
    let normalization = Normalization::new();
    let Normalization { circuit, operator, spread, .. } = &normalization;
    let two_pow = 1_i128 << (2 * operator.root_bits);
    for by in [-1, 1] {
        let root = normalization.root + by;
        let mut witness = hinting(circuit, &INPUT, |kind, honest| match kind {
            Kind::Free { hint: Hint::InverseRoot { .. }, .. } => {
                assert_eq!(honest, normalization.root);
                root
            }
            _ => honest,
        });
        let [above, below] = normalization.root_rows();
        let sides = [two_pow - root * root * spread, (root + 1).pow(2) * spread - 1 - two_pow];
        assert_eq!(sides.map(|side| side < 0), [by == 1, by == -1]);
        // What is negative is a limb, as if N were larger than the field.
        for (rows, side) in [above, below].iter().zip(sides) {
            if side < 0 {
                write_as_limb(circuit, &mut witness, rows, side);
            } else {
                write_digits(circuit, &mut witness, rows, side);
            }
        }
        assert_breaks(&broken(circuit, witness), &[IS_AN_ENTRY]);
    }
}

#[test]
fn negative_remainder_of_a_normalized_element_is_refused() {
    let normalization = Normalization::new();
    let circuit = &normalization.circuit;
    let honest = normalization.honest();
    for by in [-1, 1] {
        let mut witness = hinting(circuit, &INPUT, |kind, honest| match kind {
            Kind::Free { hint: Hint::Quotient { .. }, .. } => honest + by,
            _ => honest,
        });
        assert_ne!(witness.outputs, honest.outputs);
        let most = (1_i128 << normalization.operator.shift) - 1;
        let [remainders, rests] = normalization.remainder_rows();
        for element in 0..INPUT.len() {
            let quotient = normalization.quotient(element) + by;
            let remainder = normalization.remainder(element, 2 * normalization.root, quotient);
            for (at, side) in [(remainders[element], remainder), (rests[element], most - remainder)]
            {
                if side < 0 {
                    write_as_limb(circuit, &mut witness, &[at], side);
                }
            }
        }
        assert_breaks(&broken(circuit, witness), &[IS_AN_ENTRY]);
    }
}

// r and r ± 1/2 both satisfy the inequalities as rational numbers: one of the halves lies in their interval.
#[test]
fn half_a_root_is_refused() {
    let normalization = Normalization::new();
    let Normalization { circuit, operator, spread, root, .. } = &normalization;
    let two_pow = 1_i128 << (2 * operator.root_bits);
    let sides = |twice: i128| {
        [two_pow - twice * twice * (spread / 4), (twice + 2).pow(2) * (spread / 4) - 1 - two_pow]
    };
    let twice = [2 * root - 1, 2 * root + 1]
        .into_iter()
        .find(|&twice| sides(twice).iter().all(|&side| side >= 0));
    let twice = twice.expect("an interval of length 1 has a half");
    let mut witness = normalization.honest();
    let half = field(2).invert().expect("2 is not 0");
    let other_root = field(twice) * half;
    // The root's least digit, and integers that are multiples of it.
    let is_root =
        |kind| matches!(kind, Kind::Free { hint: Hint::InverseRoot { .. }, digit: 0, .. });
    let at = rows(circuit, is_root)[0];
    let digit = witness.limbs[0].at(at) + other_root - field(*root);
    relimb(&mut witness, 0, at, digit);
    let multiples = [1, -1, *spread].map(field);
    let wide = witness.wide.as_mut().expect("there are integers of any size");
    for at in rows(circuit, Kind::is_wide) {
        if let Some(factor) = multiples.iter().find(|&factor| wide.at(at) == field(*root) * factor)
        {
            wide.set_element(at, other_root * factor);
        }
    }
    // All else holds in integers: only the root is none.
    for (rows, side) in normalization.root_rows().iter().zip(sides(twice)) {
        write_digits(circuit, &mut witness, rows, side);
    }
    let most = (1_i128 << operator.shift) - 1;
    let [remainders, rests] = normalization.remainder_rows();
    for element in 0..INPUT.len() {
        let remainder = normalization.remainder(element, twice, normalization.quotient(element));
        write_digits(circuit, &mut witness, &remainders[element..=element], remainder);
        write_digits(circuit, &mut witness, &rests[element..=element], most - remainder);
    }
    assert_breaks(&broken(circuit, witness), &[IS_AN_ENTRY]);
}

#[test]
fn half_a_quotient_is_refused() {
    let normalization = Normalization::new();
    let Normalization { circuit, operator, root, .. } = &normalization;
    let most = (1_i128 << operator.shift) - 1;
    let half = field(2).invert().expect("2 is not 0");
    let is_quotient = |kind| matches!(kind, Kind::Free { hint: Hint::Quotient { .. }, .. });
    let quotients = rows(circuit, is_quotient);
    let [remainders, rests] = normalization.remainder_rows();
    for element in 0..INPUT.len() {
        let mut witness = normalization.honest();
        let remainder = normalization.remainder(element, 2 * root, normalization.quotient(element));
        // Half a quotient more where it fits, or less.
        let by = if remainder > most / 2 { 1 } else { -1 };
        let remainder = remainder - by * (most + 1) / 2;
        write_digits(circuit, &mut witness, &remainders[element..=element], remainder);
        write_digits(circuit, &mut witness, &rests[element..=element], most - remainder);
        let at = quotients[element];
        let digit = witness.limbs[0].at(at) + field(by) * half;
        relimb(&mut witness, 0, at, digit);
        // The output's division takes the half into its remainder.
        let at = output_rows(circuit)[element];
        let slope = circuit
            .compiled
            .fixed
            .constant(Constant::Scale, at)
            .invert()
            .expect("slopes are not 0");
        let limb = witness.limbs[0].at(at) + slope * field(by) * half;
        relimb(&mut witness, 0, at, limb);
        assert_breaks(&broken(circuit, witness), &[IS_AN_ENTRY]);
    }
}

#[test]
fn flag_of_the_provers_choice_is_refused() {
    // The largest are elements 1 and 4; 1 comes first.
    let input = [3, 9, -5, 8, 9, 0];
    let model = arg_max([1, 6, 1], false);
    let circuit = circuit(&model);
    let net = &circuit.compiled.net;
    let flags = net
        .blocks
        .iter()
        .position(|block| block.cells.iter().all(|cell| matches!(cell.kind, Kind::Made { .. })));
    let flags = flags.expect("flags are made");
    let divisor = circuit.plan().fitted.divisor();
    // A flag of an element that is not the largest, and none of one that is.
    for (element, other, index) in [(0_usize, 6_i128, 0), (1, -1, 4)] {
        let tamper = |block: usize, cell: usize, held: &mut Held| {
            if block == flags && net.blocks[flags].cells[cell].element == Some(element as u32) {
                let row = i128::from(held.division.u) - other;
                held.division.u = u32::try_from(row).expect("a row of the table");
                held.division.byte = circuit.plan().fitted.table[held.division.u as usize];
            }
        };
        let plan = circuit.plan();
        let witness = Witness::tampered(net, plan, &input, Fr::from(5), &tamper);
        let mut witness = witness.expect("an input of the model");
        assert_eq!(witness.outputs, [index]);
        assert_eq!(witness.instances.last(), pack(&[index as u8]).last());
        let cell =
            net.blocks[flags].cells.iter().position(|cell| cell.element == Some(element as u32));
        let at = row(&circuit, (flags, cell.expect("each element has a flag")));
        // The quotient is another one: the remainder makes up for it.
        let limb = witness.limbs[0].at(at) + field(other * divisor);
        relimb(&mut witness, 0, at, limb);
        assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
    }
}

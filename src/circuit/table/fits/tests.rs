//! Integers that could wrap around the field, or leave their type, are refused.

use crate::circuit::tests::{
    average::ties,
    circuit,
    models::{Builder, NO_LINE},
    net,
};
use crate::circuit::{CircuitError, ModelCircuit, Wishes};
use crate::circuit::{
    table::binades::MOST_POSITIONS,
    table::fits::{self, Fitted, FittedRule},
    table::intervals::MOST_ACCUMULATORS,
    table::rules::{Levels, Rises, Sum},
    wiring::{Net, Weight},
};
use crate::model::{Add, AddOrder, Operand, Operator, Table, Tables};

/// A convolution of one channel with this multiplier.
fn conv(multiplier: f32) -> Net {
    let mut builder = Builder::new(5, &[1, 2, 3, 3]);
    let plain = ([1, 1], [1, 1], [0, 0]);
    builder.conv(builder.last(), (1, 1), [2, 2], plain, vec![multiplier]);
    Net::clone(&circuit(&builder.model()).compiled.net)
}

fn fits(net: &Net, table_rows: usize, limbs: usize) -> bool {
    Fitted::new(net, &fits::slopes(&net.rules), table_rows, limbs, None).is_some()
}

#[test]
fn line_that_could_wrap_does_not_fit() {
    const LONGEST: usize = 1 << 20;
    let mut net = conv(0.713_2);
    assert!(fits(&net, LONGEST, 3));
    // Levels are as few as before, far from 0.
    let far = 1 << 62;
    net.rules[0].range = (far, far + 5);
    assert!(!fits(&net, LONGEST, 3), "slopes of 2^59 times 2^62");
    assert!(fits(&net, 1 << 10, 3), "slopes of 2^29 times 2^62");
}

#[test]
fn more_positions_than_parts_can_be_told_apart_do_not_fit() {
    let mut net = conv(NO_LINE);
    assert!(fits(&net, 1 << 13, 2));
    for (length, may_fit) in [(MOST_ACCUMULATORS, true), (MOST_ACCUMULATORS + 1, false)] {
        let function = &mut net.functions[0];
        function.range.1 = function.range.0 + length - 1;
        // 2^39 positions are 2^13 intervals of 2^26.
        assert_eq!(fits(&net, 1 << 14, 2), may_fit);
        assert!(!fits(&net, 1 << 12, 2), "the table is too short");
    }
}

#[test]
fn positions_near_the_mark_of_float32_sums_do_not_fit() {
    let mut net = Net::clone(&ties().circuit().compiled.net);
    let rows = 1 << 13;
    assert!(fits(&net, rows, 2));
    let function = net.rules.iter().find_map(|rule| match rule.levels {
        Levels::Rises(function) => Some(function),
        _ => None,
    });
    let function = function.expect("a mean of float32 sums");
    let Rises { range, .. } = &mut net.functions[function.0 as usize];
    range.1 = range.0 + MOST_POSITIONS;
    assert!(!fits(&net, rows, 2));
}

fn sum(scales: [f32; 2]) -> Sum {
    let add = Add {
        operand: Operand::Tensor,
        left: scales[0],
        right: scales[1],
        fixed: 0.0,
        order: AddOrder::LeftLast,
        min: -128,
        max: 127,
    };
    Sum::new(&add, [0, 0], -128)
}

#[test]
fn factors_that_leave_their_type_have_no_plane() {
    assert!(sum([1.0, 1.0]).plane(1 << 40).is_some());
    // All sums above 0 are at the clamp.
    assert!(sum([1.0e4, 1.0e4]).plane(1 << 60).is_some());
    for scales in [[1.0e10, 1.0], [1.0, -1.0e10], [f32::MAX, f32::MAX], [f32::INFINITY, 0.1]] {
        assert!(sum(scales).plane(1 << 60).is_none(), "{scales:?}");
    }
    for d in [0, -1, 1 << 76, i128::MAX] {
        assert!(sum([1.0, 1.0]).plane(d).is_none(), "{d}");
    }
}

/// The block of a sum of two tensors, without its operands.
fn sum_of_tables(scales: [f32; 2]) -> Net {
    let mut builder = Builder::new(5, &[12]);
    let table = builder.table(builder.last());
    let mirrored = builder.tables(builder.last());
    builder.add(table, mirrored, scales);
    net(&builder.model())
}

// Scales that are powers of two: a table of all pairs would have 65,536 rows.
#[test]
fn sums_whose_ties_alternate_are_read_from_intervals() {
    for scales in [[0.5, 0.5], [0.5, -0.25], [0.75, 1.25], [-0.125, -0.5]] {
        let net = sum_of_tables(scales);
        let rule = net.rules.iter().position(|rule| matches!(rule.levels, Levels::Sum(_)));
        let number = rule.expect("a sum has a rule");
        let Levels::Sum(sum) = &net.rules[number].levels else { unreachable!("it is a sum") };
        let fitted = Fitted::new(&net, &fits::slopes(&net.rules), 1 << 11, 2, Some(4));
        let fitted = fitted.expect("256 intervals, two tables and a few more rows");
        assert!(matches!(fitted.rules[number], FittedRule::Intervals { .. }), "{scales:?}");
        let rule = u32::try_from(number).expect("few rules");
        let [left, right] =
            [0, 1].map(|operand| fitted.weight(Weight::Operand { rule, operand }, &[]));
        for (pair, &level) in (0_u16..=u16::MAX).zip(&sum.table) {
            let [a, b] = pair.to_be_bytes().map(i128::from);
            let made = fitted.make(rule, left * a + right * b).byte;
            assert_eq!(made, u32::from(level), "{scales:?}: {a}, {b}");
        }
    }
}

#[test]
fn proportions_that_are_too_fine_are_left_to_a_table_of_pairs() {
    for scales in [[0.0, 0.5], [0.5, f32::MIN_POSITIVE], [f32::INFINITY, 0.5], [0.5, f32::NAN]] {
        assert!(
            sum(scales).weighed().is_none_or(|(factors, _)| factors.contains(&0)),
            "{scales:?}"
        );
    }
}

#[test]
fn products_by_positive_constants_are_divisions() {
    let count = 500;
    let mut builder = Builder::new(5, &[count]);
    let constants = (0..count).map(|i| 3 + 2 * i as i32).collect();
    builder.mul_by(builder.last(), constants, 1.0e-4);
    let net = net(&builder.model());
    let rows = fits::least_rows(&net, &fits::slopes(&net.rules));
    assert!(rows.len() < 20, "{rows:?}");
}

#[test]
fn tables_that_no_circuit_has_room_for_are_counted_before_any_is_made() {
    let count = 20_000;
    let mut builder = Builder::new(5, &[count]);
    // One value of each is different.
    let table = |number: usize| Table {
        values: (0..256)
            .map(|x| if x == number % 256 { 100 } else { (number / 256) as i32 })
            .collect(),
    };
    let selector = (0..count).map(|i| i as u32).collect();
    let tables = Tables { tables: (0..count).map(table).collect(), selector };
    builder.node(Operator::Tables(tables), &[builder.last()], &[count]);
    let Err(error) = ModelCircuit::new(&builder.model(), Wishes::default()) else {
        panic!("so many tables do not fit")
    };
    let CircuitError::LongTable(needs) = &error else { panic!("{error}") };
    assert_eq!((needs.rows, needs.k), (count * 256, 23));
    assert!(error.to_string().contains("node `node0`"), "{error}");
}

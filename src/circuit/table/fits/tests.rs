//! Integers that could wrap around the field, or leave their type, are refused.

use crate::circuit::tests::{
    average::ties,
    circuit,
    models::{Builder, NO_LINE},
};
use crate::circuit::{
    table::binades::MOST_POSITIONS,
    table::fits::{self, Fitted},
    table::intervals::MOST_ACCUMULATORS,
    table::rules::{Levels, Rises, Sum},
    wiring::Net,
};
use crate::model::{Add, AddOrder, Operand};

/// A convolution of one channel with this multiplier.
fn conv(multiplier: f32) -> Net {
    let mut builder = Builder::new(5, &[1, 2, 3, 3]);
    let plain = ([1, 1], [1, 1], [0, 0]);
    builder.conv(builder.last(), (1, 1), [2, 2], plain, vec![multiplier]);
    circuit(&builder.model()).compiled.net.clone()
}

fn fits(net: &Net, table_rows: usize, limbs: usize) -> bool {
    Fitted::new(net, &fits::slopes(&net.rules), table_rows, limbs, false).is_some()
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
    let mut net = ties().circuit().compiled.net.clone();
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

//! Integers that could wrap around the field, or leave their type, are refused.

use crate::circuit::net::rule::Sum;
use crate::model::{Add, AddOrder, Operand};

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

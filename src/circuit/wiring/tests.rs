//! What nets are, before they are laid out.

use crate::circuit::tests::{
    cell, circuit,
    models::{self, Builder, slopes},
    net, vectors,
};
use crate::circuit::wiring::{Cell, Kind, Net, Place};

/// A net with a copy of one cell, maybe changed, at the end of its block.
fn with_another(net: &Net, (block, number): (usize, usize), change: impl Fn(&mut Cell)) -> Net {
    let mut net = net.clone();
    let cells = &mut net.blocks[block].cells;
    let mut cell = cells[number];
    change(&mut cell);
    cells.push(cell);
    net
}

#[test]
fn places_made_twice_are_noticed() {
    let net = circuit(&models::all().swap_remove(0).1).compiled.net.clone();
    assert!(net.makes_places_once());
    let made = cell(&net, |kind| matches!(kind, Kind::Made { .. }));
    assert!(!with_another(&net, made, |_| ()).makes_places_once());
    let at_instances = |cell: &mut Cell| cell.place = Some(Place { omega: 0, at: [0, 0] });
    assert!(!with_another(&net, made, at_instances).makes_places_once());
    // The integer of another row's place.
    let digit =
        |digit| move |cell: &mut Cell| cell.kind = Kind::Natural { bias: 0, digit, goes_on: false };
    for number in [0, 1] {
        assert!(!with_another(&net, made, digit(number)).makes_places_once());
    }
}

#[test]
fn integers_made_twice_are_noticed() {
    let net = circuit(&vectors::normalization(2, 5, 40)).compiled.net.clone();
    assert!(net.makes_places_once());
    let natural = |which| move |kind| matches!(kind, Kind::Natural { digit, .. } if digit == which);
    let digits = [0, 1].map(|digit| cell(&net, natural(digit)));
    for digit in digits {
        assert!(!with_another(&net, digit, |_| ()).makes_places_once());
        let elsewhere = |cell: &mut Cell| {
            let place = cell.place.expect("digits make something");
            cell.place = Some(place.plus([1 << 20, 0]));
        };
        let is_first = digit == digits[0];
        assert_eq!(with_another(&net, digit, elsewhere).makes_places_once(), is_first);
    }
    let omitted = |cell: &mut Cell| {
        if let Kind::Natural { digit, .. } = &mut cell.kind {
            *digit += 2;
        }
    };
    assert!(!with_another(&net, digits[1], omitted).makes_places_once());
}

#[test]
fn per_channel_slopes_share_nothing() {
    let mut builder = Builder::new(9, &[1, 8]);
    builder.gemm(builder.last(), 3, slopes(3));
    let model = builder.model();
    let net = net(&model);
    assert_eq!(net.rules.len(), 3);
}

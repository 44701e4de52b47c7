//! What nets are, before they are laid out.

use crate::circuit::tests::{
    cell, circuit,
    models::{self, Builder, slopes},
    net, vectors,
};
use crate::circuit::wiring::{Cell, Kind, MOST_BESIDE, Members, Net, Place, Run, Scan};

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

/// Each element of all members is in one run, and no two of a run are at one position; neighbours of a member are as many steps apart as
/// there are members beside each other.
#[test]
fn members_of_a_batch_lie_among_each_other() {
    for (inferences, along, down) in
        [(1, 1, 1), (6, 6, 1), (7, 7, 1), (8, 8, 1), (16, 8, 2), (11, 1, 11)]
    {
        let members = Members::of(inferences);
        assert_eq!(members, Members { along, down });
        assert!(along <= MOST_BESIDE && members.count() == inferences);
        let (planes, size) = (2, [3, 4]);
        let len = inferences * planes * 12;
        let planes_of = |strides, alone| Scan::Planes { size, strides, members, alone };
        let scans = [
            (planes_of([1, 1], false), planes),
            (planes_of([2, 1], false), 2 * planes),
            (planes_of([1, 1], true), inferences * planes),
            (Scan::Whole { width: 4, members }, 1),
        ];
        for (scan, count) in scans {
            let runs: Vec<Run> = scan.runs(len);
            assert_eq!(runs.len(), count, "{scan:?}");
            let mut all: Vec<u32> = Vec::new();
            for run in &runs {
                let mut positions: Vec<_> = run.elements.iter().map(|&(_, at)| at).collect();
                positions.sort_unstable();
                positions.dedup();
                assert_eq!(positions.len(), run.elements.len(), "{scan:?}");
                all.extend(run.elements.iter().map(|&(element, _)| element));
                let steps = run.elements.windows(2).filter_map(|pair| {
                    let [(one, from), (next, to)] = [pair[0], pair[1]];
                    (next == one + 1 && next % 4 != 0).then_some([to[0] - from[0], to[1] - from[1]])
                });
                assert!(steps.into_iter().all(|step| step == [along as i32, 0]), "{scan:?}");
            }
            all.sort_unstable();
            assert!(all.into_iter().eq(0..len as u32), "{scan:?}");
        }
        // Of several planes of a member, only runs of each alone are in order.
        let wish = planes_of([1, 1], false);
        let in_order = wish.in_order(len).expect("each plane is in order");
        assert_eq!(in_order == wish, inferences == 1);
        assert!(in_order.serves(wish) && wish.serves(wish));
        assert!(!planes_of([2, 1], false).serves(wish));
        assert_eq!(planes_of([2, 1], false).in_order(len), None);
    }
}

#[test]
fn per_channel_slopes_share_nothing() {
    let mut builder = Builder::new(9, &[1, 8]);
    builder.gemm(builder.last(), 3, slopes(3));
    let model = builder.model();
    let net = net(&model);
    assert_eq!(net.rules.len(), 3);
}

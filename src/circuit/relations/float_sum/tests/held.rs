//! A rounded sum stays what it is while cursors move.

use super::{assert_breaks, broken, honest, integer, nudge, pair, relimb, reread, table_row, ties};
use crate::circuit::{
    InstanceLayout, ModelCircuit, Wishes,
    layout::plan::Plan,
    layout::rows::{Content, Row},
    tests::net,
    wiring::Kind,
};
use halo2_proofs::halo2curves::bn256::Fr;
use std::sync::Arc;

#[test]
fn held_row_is_held() {
    let case = ties();
    let model = case.model();
    let net = net(&model);
    let mut plan = Plan::new(&net, Wishes::default()).expect("it fits");
    let is_last = |row: &Row| match row.content {
        Content::Cell { block, cell } => {
            matches!(net.blocks[block as usize].cells[cell as usize].kind, Kind::Average { .. })
        }
        _ => false,
    };
    // As if a cursor needed another move.
    let holds: Vec<usize> = plan
        .layout
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| is_last(row))
        .map(|(at, _)| at)
        .collect();
    for &at in holds.iter().rev() {
        let hold = Row::new(Content::Hold);
        Arc::make_mut(&mut plan.layout).rows.insert(at, hold);
    }
    let circuit = ModelCircuit::compile(
        Arc::new(InstanceLayout::of_model(&model, false)),
        Arc::new(net),
        plan,
    );
    let honest = honest(&circuit);
    assert_eq!(broken(&circuit, honest.clone()), [""; 0]);

    // Another sum than the one that was rounded, and a last row that goes on from it.
    let lengths = &honest.parts.as_ref().expect("there are intervals")[1];
    let holds = || holds.iter().enumerate().map(|(number, at)| at + number);
    let fits = |at: usize, by: i128| {
        let [z, rest] = [0, 2].map(|first| pair(&circuit, &honest, first, at + 1));
        z + by >= 0 && rest >= by
    };
    let base = circuit.plan().shape.base();
    for (limb, factor, sentence) in
        [(0, 1, "the value is held"), (1, base, "the value beside it is held")]
    {
        let at = holds().find(|&at| fits(at, factor * integer(lengths.at(at))));
        let at = at.expect("some interval is long enough");
        let mut witness = honest.clone();
        nudge(&circuit, &mut witness, at + 1, factor * integer(lengths.at(at)));
        let more = witness.limbs[limb].at(at) + Fr::one();
        relimb(&mut witness, limb, at, more);
        assert_breaks(&broken(&circuit, witness), &[sentence]);
    }
    let entry = |row: usize| {
        let entry = circuit.plan().fitted.intervals.as_ref().expect("there are intervals")[row];
        entry.start + i128::from(entry.byte)
    };
    // The next sum of a progression's neighbours.
    let moved = |at: usize| {
        let row = table_row(&honest, at);
        let stride = usize::try_from(integer(lengths.at(at))).expect("a stride");
        let other = row + stride / 2;
        let entries = circuit.plan().fitted.intervals.as_ref().expect("there are intervals");
        let alike = entries[other].length == entries[row].length;
        let by = entry(other) - entry(row);
        (alike && by != 0 && fits(at, by)).then_some((at, other, by))
    };
    let (at, other, by) = holds().find_map(moved).expect("some sum has a neighbour");
    let mut witness = honest.clone();
    nudge(&circuit, &mut witness, at + 1, by);
    reread(&circuit, &mut witness, at, other);
    assert_breaks(&broken(&circuit, witness), &["the row read is held"]);
}

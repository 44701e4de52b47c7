//! Where cursors move: on the rows between two that need them, or on idle rows where these are too few.

use super::{Content, Row, Wish};
use crate::circuit::layout::moves::{CURSORS, Exponents, Menu, WEIGHT};
use std::collections::HashMap;

/// Whether a row has room for a cursor's move: rows of weights have for the weight monomial's alone.
fn may_move(row: &Row, cursor: usize) -> bool {
    cursor == WEIGHT || !matches!(row.content, Content::Weights(_))
}

/// Inserts idle rows where cursors need more moves than there are rows; none if there were `most` or more.
pub(super) fn schedule(wishes: &[Wish], menus: &[Menu; CURSORS], most: usize) -> Option<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::with_capacity(wishes.len());
    let mut now = [[0; 3]; CURSORS];
    // Most displacements are alike, and many the same as the one before. No move is path 0.
    let mut all_paths: Vec<Vec<u8>> = vec![Vec::new()];
    let mut known: [HashMap<Exponents, usize>; CURSORS] = Default::default();
    let mut last = [([0; 3], 0); CURSORS];
    // The row after the last one that needed the cursor: from there on it may move.
    let mut free = [1; CURSORS];
    for wish in wishes {
        let mut paths = [0; CURSORS];
        let mut missing = 0;
        for cursor in 0..CURSORS {
            let Some(target) = wish.at[cursor] else { continue };
            let step = [0, 1, 2].map(|axis| target[axis] - now[cursor][axis]);
            if last[cursor].0 != step {
                let path = known[cursor].entry(step).or_insert_with(|| {
                    all_paths.push(menus[cursor].path(step));
                    all_paths.len() - 1
                });
                last[cursor] = (step, *path);
            }
            paths[cursor] = last[cursor].1;
            // This row's own move, and those of the rows before.
            let since = rows.get(free[cursor]..).unwrap_or_default();
            let room = since.iter().chain([&wish.row]).filter(|row| may_move(row, cursor)).count();
            missing = missing.max(all_paths[paths[cursor]].len().saturating_sub(room));
            now[cursor] = target;
        }
        let content = if wish.goes_on { Content::Hold } else { Content::Idle };
        if rows.len() + missing >= most {
            return None;
        }
        // All values of the row before are held.
        let several = if wish.goes_on { wish.row.several.min(1) } else { 0 };
        rows.extend(std::iter::repeat_n(Row { several, ..Row::new(content) }, missing));
        rows.push(wish.row);
        for cursor in 0..CURSORS {
            if wish.at[cursor].is_some() {
                let movable = rows.iter_mut().rev().filter(|row| may_move(row, cursor));
                for (row, step) in movable.zip(all_paths[paths[cursor]].iter().rev()) {
                    row.moves[cursor] = *step;
                }
                free[cursor] = rows.len();
            }
        }
    }
    rows.shrink_to_fit();
    Some(rows)
}

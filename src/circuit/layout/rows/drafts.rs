//! How long layouts are: many are compared, and the rows of few are made.

use super::{Content, Layout, MENUS, MOST_ROWS, Planner, Room, Wish, menus};
use crate::circuit::layout::moves::{CURSORS, Exponents, Menu, WEIGHT};
use crate::circuit::{parallel, wiring::Net};
use std::collections::HashMap;

/// A layout without its rows.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The moves of each cursor.
    pub menus: [Menu; CURSORS],
    /// How many rows it has.
    pub rows: usize,
    /// The most known weights of a row: a room for so many has the same rows.
    pub known: usize,
    /// Some values that are abreast are farther apart than one step.
    pub apart: bool,
}

impl Layout {
    /// The layouts of a net whose rows have so much room that some k has room for, one for each choice of columns of
    /// moves.
    ///
    /// They have a row per instance, which is more than enough where several lie on one.
    pub fn drafts(net: &Net, room: impl Into<Room>) -> Vec<Draft> {
        Ways::of(net, room).drafts(MENUS, MOST_ROWS)
    }
}

/// Where cursors go from one wish to the next.
pub(super) struct Ways {
    /// The displacements of each cursor and how often it is displaced by each, none first.
    displacements: [Vec<(Exponents, usize)>; CURSORS],
    wishes: Vec<Way>,
    known: usize,
    apart: bool,
    of_batch: bool,
}

/// What a wish takes.
struct Way {
    /// Of each cursor that must be somewhere, by which displacement it gets there.
    steps: [Option<u32>; CURSORS],
    /// Its row has room for a move of the weight cursor alone.
    weighs: bool,
}

impl Ways {
    /// Those of a net whose rows have so much room.
    pub(super) fn of(net: &Net, room: impl Into<Room>) -> Self {
        let planner = Planner::draft(net, room);
        let of_batch = net.members > 1;
        let Planner { known, apart, ref wishes, .. } = planner;
        Self { known, apart, of_batch, ..Self::new(wishes) }
    }

    fn new(wishes: &[Wish]) -> Self {
        let none = ([0; 3], 0);
        let mut displacements = [WEIGHT; CURSORS].map(|_| vec![none]);
        let mut known = [WEIGHT; CURSORS].map(|_| HashMap::from([([0; 3], 0)]));
        let mut now = [[0; 3]; CURSORS];
        // Most displacements are the same as the one before.
        let mut last = [0_u32; CURSORS];
        let mut way = |wish: &Wish| {
            let mut steps = [None; CURSORS];
            for cursor in 0..CURSORS {
                let Some(target) = wish.at[cursor] else { continue };
                let step = [0, 1, 2].map(|axis| target[axis] - now[cursor][axis]);
                now[cursor] = target;
                let counts = &mut displacements[cursor];
                if counts[last[cursor] as usize].0 != step {
                    last[cursor] = *known[cursor].entry(step).or_insert_with(|| {
                        counts.push((step, 0));
                        u32::try_from(counts.len() - 1).expect("fewer than rows")
                    });
                }
                counts[last[cursor] as usize].1 += 1;
                steps[cursor] = Some(last[cursor]);
            }
            Way { steps, weighs: matches!(wish.row.content, Content::Weights(_)) }
        };
        let wishes = wishes.iter().map(&mut way).collect();
        Self { displacements, wishes, known: 0, apart: false, of_batch: false }
    }

    /// Layouts of fewer than `most` rows.
    pub(super) fn drafts(
        &self,
        choices: impl IntoIterator<Item = ([usize; CURSORS], bool)>,
        most: usize,
    ) -> Vec<Draft> {
        let counts = self.displacements.each_ref().map(|all| all[1..].iter().copied().collect());
        let draft = |(columns, strides)| {
            let menus = menus(&counts, columns, (strides, self.of_batch));
            let rows = self.rows(&menus, most)?;
            Some(Draft { menus, rows, known: self.known, apart: self.apart })
        };
        parallel::each(choices, draft).into_iter().flatten().collect()
    }

    /// How many rows [`schedule`](super::schedule::schedule) makes, if they are fewer than `most`.
    fn rows(&self, menus: &[Menu; CURSORS], most: usize) -> Option<usize> {
        let lengths = [0, 1, 2].map(|cursor| -> Vec<usize> {
            let displacements = self.displacements[cursor].iter();
            displacements.map(|&(step, _)| menus[cursor].path(step).len()).collect()
        });
        // Rows so far, and those on which all cursors may move; how many there were after the last that needed a cursor.
        let [mut rows, mut movable] = [0, 0];
        let mut free = [1; CURSORS];
        for way in &self.wishes {
            let own = usize::from(!way.weighs);
            let mut missing = 0;
            for cursor in 0..CURSORS {
                let Some(step) = way.steps[cursor] else { continue };
                let room = match cursor {
                    WEIGHT => rows + 1_usize,
                    _ => movable + own,
                };
                let room = room.saturating_sub(free[cursor]);
                missing = missing.max(lengths[cursor][step as usize].saturating_sub(room));
            }
            if rows + missing >= most {
                return None;
            }
            rows += missing + 1;
            movable += missing + own;
            for (cursor, free) in free.iter_mut().enumerate() {
                if way.steps[cursor].is_some() {
                    *free = if cursor == WEIGHT { rows } else { movable };
                }
            }
        }
        Some(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{
        layout::rows::schedule::schedule,
        shape::LANES,
        tests::{models, net},
    };

    /// What the widest row has of known weights is room enough for all.
    #[test]
    fn rows_are_the_same_with_as_many_lanes_as_the_widest_has() {
        let mut narrower = 0;
        for (name, model) in models::all() {
            let net = net(&model);
            for lanes in LANES.into_iter().step_by(3) {
                let Some(draft) = Layout::drafts(&net, lanes).pop() else { continue };
                let rows = |lanes: usize| {
                    let layout = Layout::new(&net, lanes, &draft.menus).expect("it has its rows");
                    (format!("{:?}", layout.rows), layout.weights)
                };
                assert!(draft.known <= lanes, "{name}");
                narrower += usize::from(draft.known < lanes);
                let narrow = rows(draft.known.max(1));
                assert!(narrow == rows(lanes), "{name}, {lanes}");
                let widest = narrow.1.iter().map(|row| row.lanes.len()).max().unwrap_or(0);
                assert_eq!(widest, draft.known, "{name}, {lanes}");
            }
        }
        assert!(narrower > 4, "{narrower}");
    }

    #[test]
    fn drafts_are_as_long_as_their_rows() {
        for (name, model) in models::all() {
            let net = net(&model);
            for lanes in LANES.into_iter().step_by(3) {
                let drafts = Layout::drafts(&net, lanes);
                assert!(!drafts.is_empty(), "{name}");
                for draft in drafts {
                    let layout = Layout::new(&net, lanes, &draft.menus).expect("it has rows");
                    assert_eq!(layout.rows.len(), draft.rows, "{name}: {:?}", draft.menus);
                    assert_eq!(layout.menus, draft.menus);
                }
            }
        }
    }

    #[test]
    fn rows_are_counted_up_to_the_most() {
        let (_, model) = models::all().swap_remove(0);
        let net = net(&model);
        let Planner { wishes, .. } = Planner::draft(&net, 8);
        let ways = Ways::new(&wishes);
        let draft = ways.drafts(MENUS, MOST_ROWS).swap_remove(0);
        for most in [draft.rows / 2, draft.rows - 1, draft.rows, draft.rows + 1] {
            let made = schedule(&wishes, &draft.menus, most).map(|rows| rows.len());
            assert_eq!(ways.rows(&draft.menus, most), made, "{most}");
        }
    }
}

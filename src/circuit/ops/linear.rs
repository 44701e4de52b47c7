//! Weighted sums: what dense layers, convolutions and pools share.

use super::{
    grids::GridSums,
    lowering::{Lowering, alike},
};
use crate::circuit::wiring::{
    Cell, Kind, MOST_BORDER_CELLS, Members, Place, Position, Run, Scan, Term, Weight, bounds,
    exponent, index,
};
use crate::model::Node;
use std::collections::HashSet;

/// A contribution of a run: relative power of ρ, position, weight.
pub(super) type Tap<W = i32> = (u32, Position, W);

impl Lowering<'_> {
    /// Lets the runs of a block contribute, and makes the outputs: `made` has each one's place, relative
    /// to the first power of ρ, its rule and its bias.
    pub(super) fn linear<W: Into<Weight> + Copy>(
        &mut self,
        node: &Node,
        source: usize,
        taps: impl Fn(&Run, usize) -> Vec<Tap<W>>,
        omegas: usize,
        made: Vec<(Place, u32, i64)>,
        natural: Scan,
    ) -> usize {
        let cells = made.into_iter().enumerate().map(|(element, (place, rule, bias))| Cell {
            kind: Kind::Made { rule, bias },
            place: Some(place),
            element: Some(index(element)),
        });
        self.linear_groups(node, source, taps, omegas, alike(cells.collect(), 1), natural)
    }

    /// The same with several rows to an output, at places relative to the first power of ρ: rows, and where each
    /// output's begin.
    pub(super) fn linear_groups<W: Into<Weight> + Copy>(
        &mut self,
        node: &Node,
        source: usize,
        taps: impl Fn(&Run, usize) -> Vec<Tap<W>>,
        omegas: usize,
        (mut cells, groups): (Vec<Cell>, Vec<u32>),
        natural: Scan,
    ) -> usize {
        let first = self.omegas(omegas);
        // What the taps reach, by power of ρ.
        let mut boxes: Vec<Option<[Position; 2]>> = vec![None; omegas];
        let runs = self.net.blocks[source].runs.len();
        let mut all_taps = Vec::with_capacity(runs);
        for number in 0..runs {
            let run = &mut self.net.blocks[source].runs[number];
            let taps = taps(run, number);
            let [low, high] = bounds(run.elements.iter().map(|&(_, at)| at));
            for &(omega, at, weight) in &taps {
                let reached = &mut boxes[omega as usize];
                let tap = |corner: Position| [corner[0] + at[0], corner[1] + at[1]];
                let corners = reached.iter().flatten().copied().chain([tap(low), tap(high)]);
                *reached = Some(bounds(corners));
                run.terms.push(Term {
                    place: Place { omega: first + omega, at },
                    weight: weight.into(),
                });
            }
            all_taps.push(taps);
        }
        // How often the taps reach each place of a box.
        let scan = self.net.blocks[source].scan;
        let steps = match scan {
            Scan::Spread { factors, .. } => factors,
            _ => [1, 1],
        };
        let mut reached: Vec<GridSums> =
            boxes.iter().map(|&reached| GridSums::new(size_of(reached), steps)).collect();
        for (run, taps) in self.net.blocks[source].runs.iter().zip(&all_taps) {
            let [low, high] = bounds(run.elements.iter().map(|&(_, at)| at));
            let counts = size_of(Some([low, high]));
            let counts = [0, 1].map(|axis| counts[axis].div_ceil(steps[axis]));
            let is_grid = counts == [1, 1]
                || scan.is_injective() && counts[0] * counts[1] == run.elements.len();
            for &(omega, at, _) in taps {
                let from = boxes[omega as usize].expect("the tap reaches it")[0];
                let place = |element: Position| {
                    [1, 0].map(|axis| offset(at[axis] + element[axis], from[axis]))
                };
                let reached = &mut reached[omega as usize];
                if is_grid {
                    reached.add(place(low), counts, 1);
                } else {
                    run.elements.iter().for_each(|&(_, at)| reached.add(place(at), [1, 1], 1));
                }
            }
        }
        let mut reached: Vec<Vec<i64>> = reached.into_iter().map(GridSums::sums).collect();
        for place in cells.iter_mut().filter_map(|cell| cell.place.as_mut()) {
            if let Some([low, high]) = boxes[place.omega as usize]
                && (0..2).all(|axis| (low[axis]..=high[axis]).contains(&place.at[axis]))
            {
                let [column, row] = [0, 1].map(|axis| offset(place.at[axis], low[axis]));
                let [_, width] = size_of(Some([low, high]));
                reached[place.omega as usize][row * width + column] = 0;
            }
            place.omega += first;
        }
        let mut at_border: Vec<Vec<Position>> = Vec::with_capacity(omegas);
        for (reached, &bounds) in reached.into_iter().zip(&boxes) {
            let [low, _] = bounds.unwrap_or_default();
            let [_, width] = size_of(bounds);
            let places = reached.into_iter().enumerate().filter(|&(_, times)| times > 0);
            let places = places.map(|(place, _)| {
                [low[0] + exponent(place % width), low[1] + exponent(place / width)]
            });
            at_border.push(places.collect());
        }
        let members = match natural {
            Scan::Planes { members, .. } => members,
            _ => Members::ONE,
        };
        let border_cells = border_cells(&at_border, first, members);
        let scan = self.scan(node.output, natural, |_| true);
        let block = self.block_of(&node.name, groups.len(), scan, (cells, groups));
        self.border_cell(block, border_cells);
        block
    }
}

/// How far a position is from a lower one, along an axis.
fn offset(at: i32, low: i32) -> usize {
    usize::try_from(at - low).expect("inside the box")
}

/// Height and width of a box between two positions.
fn size_of(bounds: Option<[Position; 2]>) -> [usize; 2] {
    bounds.map_or([0, 0], |[low, high]| [1, 0].map(|axis| offset(high[axis], low[axis]) + 1))
}

/// Rows for what is at the border at each power of ρ, from `first` on: as many to a row as there are neighbouring powers
/// with a border cell at the same position, like channels of a layer.
fn border_cells(at_border: &[Vec<Position>], first: u32, members: Members) -> Vec<Cell> {
    let mut left: Vec<HashSet<Position>> =
        at_border.iter().map(|places| places.iter().copied().collect()).collect();
    let mut cells = Vec::new();
    for (omega, places) in at_border.iter().enumerate() {
        let places = places.iter().copied().filter(|at| left[omega].contains(at)).collect();
        for at in member_by_member(places, members) {
            let neighbours = left[omega..].iter_mut().take(MOST_BORDER_CELLS);
            let taken = neighbours.map(|places| places.remove(&at));
            let count = taken.take_while(|&was_left| was_left).count();
            cells.push(Cell {
                kind: Kind::Border { count },
                place: Some(Place { omega: first + index(omega), at }),
                element: None,
            });
        }
    }
    cells
}

/// Positions in such an order, those of a batch's members beside each other, all of which have the same.
fn member_by_member(places: Vec<Position>, members: Members) -> Vec<Position> {
    let steps = [members.along, members.down].map(exponent);
    let is_first = |at: &&Position| (0..2).all(|axis| at[axis].rem_euclid(steps[axis]) == 0);
    let own = places.iter().filter(is_first);
    let own = own.map(|at| [0, 1].map(|axis| at[axis].div_euclid(steps[axis])));
    let own = step_by_step(own.collect());
    debug_assert_eq!(own.len() * members.count(), places.len(), "members are alike");
    own.into_iter()
        .flat_map(|at| {
            let first = members.shift(at);
            (0..members.count()).map(move |member| {
                let [along, down] = members.at(member, [0, 0]);
                [first[0] + along, first[1] + down]
            })
        })
        .collect()
}

/// Among more positions than this the nearest is not looked for: that takes time with their square.
const MANY_POSITIONS: usize = 1 << 12;

/// Positions in an order in which each is near the one before.
fn step_by_step(mut rest: Vec<Position>) -> Vec<Position> {
    if rest.len() > MANY_POSITIONS {
        // Row by row, back and forth.
        rest.sort_by_key(|at| (at[1], if at[1] & 1 == 0 { at[0] } else { -at[0] }));
        return rest;
    }
    let mut sorted: Vec<Position> = Vec::with_capacity(rest.len());
    let mut last = [0, 0];
    while !rest.is_empty() {
        let away = |at: &Position| at[0].abs_diff(last[0]) + at[1].abs_diff(last[1]);
        let nearest = (0..rest.len()).min_by_key(|&i| away(&rest[i])).expect("not empty");
        last = rest.swap_remove(nearest);
        sorted.push(last);
    }
    sorted
}

/// The range of an accumulator over all bytes, and over any part of the weights.
pub(super) fn centred_range(weights: &[i32], zero: i64, bias: i64) -> (i64, i64) {
    weights.iter().fold((bias, bias), |(low, high), &weight| {
        let ends = [-zero * i64::from(weight), (255 - zero) * i64::from(weight)];
        (low + ends[0].min(ends[1]).min(0), high + ends[0].max(ends[1]).max(0))
    })
}

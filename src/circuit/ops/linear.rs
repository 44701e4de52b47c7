//! Weighted sums: what dense layers, convolutions and pools share.

use super::lowering::{Lowering, alike};
use crate::circuit::wiring::{
    Cell, Kind, MOST_BORDER_CELLS, Place, Position, Run, Scan, Term, Weight, bounds, exponent,
    index,
};
use crate::model::Node;
use std::collections::HashSet;

/// A contribution of a run: relative power of ρ, position, weight.
pub(super) type Tap = (u32, Position, i32);

impl Lowering<'_> {
    /// Lets the runs of a block contribute, and makes the outputs: `made` has each one's place, relative
    /// to the first power of ρ, its rule and its bias.
    pub(super) fn linear(
        &mut self,
        node: &Node,
        source: usize,
        taps: impl Fn(&Run, usize) -> Vec<Tap>,
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
    pub(super) fn linear_groups(
        &mut self,
        node: &Node,
        source: usize,
        taps: impl Fn(&Run, usize) -> Vec<Tap>,
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
                    weight: Weight::Integer(weight),
                });
            }
            all_taps.push(taps);
        }
        let mut marks: Vec<Vec<bool>> = Vec::with_capacity(omegas);
        let offset = |[low, high]: [Position; 2], at: Position| {
            let width = high[0] - low[0] + 1;
            usize::try_from((at[1] - low[1]) * width + at[0] - low[0]).expect("inside the box")
        };
        for reached in &boxes {
            marks.push(
                reached
                    .map_or(Vec::new(), |[low, high]| vec![false; offset([low, high], high) + 1]),
            );
        }
        for (run, taps) in self.net.blocks[source].runs.iter().zip(&all_taps) {
            for &(omega, at, _) in taps {
                let reached = boxes[omega as usize].expect("the tap reaches it");
                for &(_, position) in &run.elements {
                    let place = [at[0] + position[0], at[1] + position[1]];
                    marks[omega as usize][offset(reached, place)] = true;
                }
            }
        }
        for place in cells.iter_mut().filter_map(|cell| cell.place.as_mut()) {
            if let Some([low, high]) = boxes[place.omega as usize]
                && (0..2).all(|axis| (low[axis]..=high[axis]).contains(&place.at[axis]))
            {
                marks[place.omega as usize][offset([low, high], place.at)] = false;
            }
            place.omega += first;
        }
        let mut at_border: Vec<Vec<Position>> = Vec::with_capacity(omegas);
        for (marks, reached) in marks.into_iter().zip(&boxes) {
            let Some([low, high]) = *reached else {
                at_border.push(Vec::new());
                continue;
            };
            let width = high[0] - low[0] + 1;
            let places = marks.into_iter().enumerate().filter(|&(_, marked)| marked);
            let places = places.map(|(place, _)| {
                let place = exponent(place);
                [low[0] + place % width, low[1] + place / width]
            });
            at_border.push(places.collect());
        }
        let border_cells = border_cells(&at_border, first);
        let scan = self.scan(node.output, natural, |_| true);
        let block = self.block_of(&node.name, groups.len(), scan, (cells, groups));
        self.border_cell(block, border_cells);
        block
    }
}

/// Rows for what is at the border at each power of ρ, from `first` on: as many to a row as there are neighbouring powers
/// with a border cell at the same position, like channels of a layer.
fn border_cells(at_border: &[Vec<Position>], first: u32) -> Vec<Cell> {
    let mut left: Vec<HashSet<Position>> =
        at_border.iter().map(|places| places.iter().copied().collect()).collect();
    let mut cells = Vec::new();
    for (omega, places) in at_border.iter().enumerate() {
        let places = places.iter().copied().filter(|at| left[omega].contains(at)).collect();
        for at in step_by_step(places) {
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

//! Which values are abreast: neighbours of one kind, which share a row and all that is fixed about it.
//!
//! The first value of a row is where its cursors say, and value j is j steps further along the first axis: of its run by one
//! for each, and of what is made by one or by two, as images that are taken with a stride lie. Where members of a batch lie beside
//! each other, both by one, which are several members, or both by as many as these are, which is one. Elements that are packed
//! follow each other within a word. What takes several rows, as a window's largest or its float32 sum does, takes them side by side. Border
//! cells are at the powers of ρ behind those of the value before.

use crate::circuit::BYTES_PER_WORD;
use crate::circuit::shape;
use crate::circuit::wiring::{Block, Cell, Kind, MOST_BORDER_CELLS, Place, Position, exponent};
use std::{collections::HashMap, ops::Range};

/// A group of a block's cells.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    /// Its number.
    pub(super) group: usize,
    /// The element that it is laid out for, and that one's position.
    pub(super) element: Option<(u32, Position)>,
}

/// Cuts units into those that share rows: `values` neighbours that are alike, or one.
pub(super) fn bundles(
    block: &Block,
    groups: &[Range<usize>],
    units: &[Unit],
    (values, members): (usize, usize),
) -> Vec<Range<usize>> {
    let mut bundles = Vec::with_capacity(units.len() / values);
    let mut first = 0;
    while first < units.len() {
        let is_full = |end: &usize| {
            let own = units.get(first..*end);
            values > 1 && own.is_some_and(|units| are_abreast(block, groups, units, members))
        };
        let end = Some(first + values).filter(is_full).unwrap_or(first + 1);
        bundles.push(first..end);
        first = end;
    }
    bundles
}

fn are_abreast(block: &Block, groups: &[Range<usize>], units: &[Unit], members: usize) -> bool {
    let ([first, .., last], Some(along)) = (units, along(units)) else { return false };
    let rows = groups[first.group].len();
    let cells =
        |row: usize| units.iter().map(move |unit| &block.cells[groups[unit.group].start + row]);
    let elements = groups[first.group].clone().filter(|&cell| block.cells[cell].element.is_some());
    units.iter().all(|unit| groups[unit.group].len() == rows)
        && elements.count() <= 1
        && (0..rows).all(|row| several(cells(row), along, members).is_some())
        && (!block.is_packed || rows == 1 && are_of_a_word(block, cells(0).clone(), last, groups))
}

/// Whether elements follow each other in one word.
fn are_of_a_word<'a>(
    block: &Block,
    cells: impl Iterator<Item = &'a Cell>,
    last: &Unit,
    groups: &[Range<usize>],
) -> bool {
    let mut elements = cells.map(|cell| cell.element);
    let Some(first) = elements.next().flatten() else { return false };
    let word = |element: u32| {
        let (tensor, within) =
            (element as usize / block.tensor_len(), element as usize % block.tensor_len());
        (tensor, within / BYTES_PER_WORD)
    };
    let end = block.cells[groups[last.group].start].element;
    (first + 1..).zip(elements).all(|(next, element)| element == Some(next))
        && end.is_some_and(|end| word(first) == word(end))
}

/// How many steps the positions of units are apart, if they have some; none if that is not one number.
pub(super) fn along(units: &[Unit]) -> Option<Option<i32>> {
    let at = |unit: &Unit| unit.element.map(|(_, at)| at);
    let Some(apart) = at(units.first()?).zip(units.get(1).and_then(at)) else {
        return units.iter().all(|unit| at(unit).is_none()).then_some(None);
    };
    let ([from, down], [to, _]) = apart;
    let mut all = (0..).zip(units);
    let is_next = |(number, unit)| at(unit) == Some([from + (to - from) * number, down]);
    all.all(is_next).then_some(Some(to - from))
}

/// Which flag says how far cells are apart, from 1 on, if they can be abreast: their places, and of those with elements the
/// positions, which are so many steps apart if they have some.
pub(super) fn several<'a>(
    mut cells: impl Iterator<Item = &'a Cell>,
    along: Option<i32>,
    members: usize,
) -> Option<u8> {
    let first = cells.next()?;
    let along = along.filter(|_| first.element.is_some());
    // Of inputs only the positions are told.
    let mut apart = None;
    let mut is_one = true;
    for (number, cell) in (1_usize..).zip(cells) {
        if cell.kind != first.kind || cell.element.is_some() != first.element.is_some() {
            return None;
        }
        is_one = false;
        let own = match (first.kind, first.place, cell.place) {
            (Kind::Input, None, None) => continue,
            (Kind::Border { count: MOST_BORDER_CELLS }, Some(place), Some(other))
                if members == 1 =>
            {
                let further = u32::try_from(MOST_BORDER_CELLS * number).ok()?;
                (other == Place { omega: place.omega + further, ..place }).then_some(1)?
            }
            (
                Kind::Made { .. }
                | Kind::Read { .. }
                | Kind::Larger { .. }
                | Kind::Adds { .. }
                | Kind::Average { .. }
                | Kind::Border { .. },
                Some(place),
                Some(other),
            ) if members > 1 || !matches!(first.kind, Kind::Border { .. }) => {
                let distance = other.at[0].checked_sub(place.at[0])? / exponent(number);
                let at = [place.at[0] + distance * exponent(number), place.at[1]];
                (other == Place { at, ..place }).then_some(distance)?
            }
            _ => return None,
        };
        if *apart.get_or_insert(own) != own {
            return None;
        }
    }
    let is = |apart: Option<i32>, steps: u32| apart.is_none_or(|apart| apart == steps as i32);
    let flags = (1..).zip(shape::several(members));
    let mut fitting = flags.filter(|&(number, (_, [places, positions]))| {
        // The certificate knows no border cells that are farther apart.
        is(apart, places)
            && is(along, positions)
            && (number == 1 || !matches!(first.kind, Kind::Border { .. }))
    });
    fitting.next().filter(|_| !is_one).map(|(number, _)| number)
}

/// Puts full rows of border cells beside those whose places are behind theirs.
pub(super) fn gather_border(
    block: &Block,
    groups: &[Range<usize>],
    units: &mut [Unit],
    values: usize,
) {
    let full = |unit: &Unit| {
        let cell = &block.cells[groups[unit.group].start];
        (cell.kind == Kind::Border { count: MOST_BORDER_CELLS }).then_some(cell.place)?
    };
    let mut left: HashMap<Place, Unit> =
        units.iter().filter_map(|unit| Some((full(unit)?, *unit))).collect();
    let mut gathered = Vec::with_capacity(units.len());
    for unit in &*units {
        let Some(first) = full(unit) else {
            gathered.push(*unit);
            continue;
        };
        if !left.contains_key(&first) {
            continue;
        }
        let places = (0..values).map(|value| {
            let further = u32::try_from(MOST_BORDER_CELLS * value).expect("few values share a row");
            Place { omega: first.omega + further, ..first }
        });
        let places: Vec<Place> = places.collect();
        if places.iter().all(|place| left.contains_key(place)) {
            gathered.extend(places.iter().filter_map(|place| left.remove(place)));
        } else {
            gathered.extend(left.remove(&first));
        }
    }
    units.copy_from_slice(&gathered);
}

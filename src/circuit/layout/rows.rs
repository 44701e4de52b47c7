//! What each row is, and on which rows cursors move.
//!
//! Rows follow from the blocks: for each run, the rows of its weights, then its values. Between two rows that
//! need it, a cursor moves on the rows between, or on idle rows where these are too few.

mod abreast;
mod drafts;
mod schedule;

use super::moves::{CURSORS, Exponents, Menu, OUTPUT, POSITION, WEIGHT};
use crate::circuit::wiring::{Block, Kind, Net, Place, Position, Run, Term, Weight};
use crate::circuit::{
    BYTES_PER_WORD, Needs, parallel,
    shape::{LARGEST_K, WIDEST, WIDEST_COMMITTED, most_abreast},
};
use std::{borrow::Cow, collections::HashMap, ops::Range};

use abreast::{Unit, bundles, gather_border};
pub use drafts::Draft;
use drafts::Ways;
use schedule::schedule;

/// Columns of moves for each cursor, at most: few, or more where they save rows enough. With strides or without:
/// long vectors have ways of every length, images of a few.
const MENUS: [([usize; CURSORS], bool); 7] = [
    ([2, 2, 2], false),
    ([3, 3, 2], false),
    ([3, 5, 3], false),
    ([4, 6, 3], false),
    ([4, 8, 4], false),
    ([3, 5, 3], true),
    ([4, 8, 4], true),
];

/// Layouts have fewer rows: those of the largest k.
const MOST_ROWS: usize = 1 << LARGEST_K;

/// Planning takes long for nets of more rows: whether they fit at all is asked first.
const MANY_ROWS: usize = 1 << 17;

/// So many of them, from the end, have as few rows as any.
const WIDE_MENUS: usize = 3;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Before the table's first row.
    Boundary,
    /// Takes one packed instance.
    Instance,
    /// Cursors move.
    Idle,
    /// Cursors move, and the next row finds what the row before held.
    Hold,
    /// Weights of [`Layout::weights`].
    Weights(u32),
    /// A cell of a block.
    Cell {
        /// Which block.
        block: u32,
        /// Which of its cells.
        cell: u32,
    },
    /// Several cells of a block.
    Abreast {
        /// Which block.
        block: u32,
        /// The first of them in [`Layout::abreast`].
        first: u32,
    },
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it is.
    pub content: Content,
    /// The move of each cursor, 0 for none.
    pub moves: [u8; CURSORS],
    /// Its value contributes.
    pub takes: bool,
    /// The coefficient begins anew.
    pub starts: bool,
    /// A packed byte, and by which power of 256 the next one is apart.
    pub packs: Option<u8>,
    /// Last byte of its word.
    pub ends_word: bool,
    /// If it has several values: which of [`SEVERAL`](crate::circuit::shape::SEVERAL) it is, from 1 on.
    pub several: u8,
}

impl Row {
    /// One that has nothing but its content.
    pub fn new(content: Content) -> Self {
        Self {
            content,
            moves: [0; CURSORS],
            takes: false,
            starts: false,
            packs: None,
            ends_word: false,
            several: 0,
        }
    }
}

/// Weights on one row: lane j weighs for the place j powers of ρ on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightRow {
    /// The place of the first lane.
    pub place: Place,
    /// If they are committed: which digit they are.
    pub digit: Option<u8>,
    /// By lane.
    pub lanes: Vec<Weight>,
}

impl WeightRow {
    /// That of ascending terms of one position, the first of which is at a place.
    fn new(place: Place, terms: &[Term]) -> Self {
        let ascend = terms.is_sorted_by(|one, next| one.place.omega < next.place.omega);
        assert!(ascend, "a run has one term for a place");
        let last = terms.last().map_or(place, |term| term.place);
        let mut lanes = vec![Weight::Integer(0); (last.omega - place.omega) as usize + 1];
        for term in terms {
            lanes[(term.place.omega - place.omega) as usize] = term.weight;
        }
        Self { place, digit: terms.first().and_then(|term| committed_digit(term.weight)), lanes }
    }
}

/// Which digit of a committed weight it is; none of one that is known.
fn committed_digit(weight: Weight) -> Option<u8> {
    match weight {
        Weight::Committed { digit, .. } => Some(digit),
        _ => None,
    }
}

/// What a row has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Weights that are known.
    pub known: usize,
    /// Committed ones.
    pub committed: usize,
    /// Values abreast of each other.
    pub values: usize,
}

impl From<usize> for Room {
    fn from(known: usize) -> Self {
        Self { known, committed: 0, values: 1 }
    }
}

/// All rows in use.
#[derive(Clone, Debug)]
pub struct Layout {
    /// From row 0 on.
    pub rows: Vec<Row>,
    /// The rows of weights.
    pub weights: Vec<WeightRow>,
    /// Cells that share a row, as many for each such row.
    abreast: Vec<u32>,
    /// How many share one.
    values: usize,
    /// Some of them are farther apart than one step.
    pub apart: bool,
    /// The moves of each cursor.
    pub menus: [Menu; CURSORS],
    /// Number of instances: the free ones and the packed words.
    pub instances: usize,
}

/// A row and where the cursors must be.
struct Wish {
    row: Row,
    goes_on: bool,
    at: [Option<Exponents>; CURSORS],
}

impl Layout {
    /// The layout of a net whose rows have so much room that has these menus, which are a [`Draft`]'s; none if no k has
    /// room for it.
    pub fn new(net: &Net, room: impl Into<Room>, menus: &[Menu; CURSORS]) -> Option<Self> {
        Planner::plan(net, room).layout(menus)
    }

    /// The cells of a row, value by value.
    pub fn cells<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = (usize, usize)> + 'a {
        let (block, cells) = match row.content {
            Content::Cell { block, ref cell } => (block, std::slice::from_ref(cell)),
            Content::Abreast { block, first } => {
                (block, &self.abreast[first as usize..][..self.values])
            }
            _ => (0, &[][..]),
        };
        cells.iter().map(move |&cell| (block as usize, cell as usize))
    }

    /// The one of [`Self::drafts`] that has these menus.
    pub fn restore(net: &Net, room: Room, known: &[Menu; CURSORS]) -> Option<Self> {
        let planner = Planner::plan(net, room);
        let counts = displacements(&planner.wishes);
        let of_batch = net.members > 1;
        let is_known = |(columns, strides)| menus(&counts, columns, (strides, of_batch)) == *known;
        let is_one = parallel::each(MENUS, is_known).contains(&true);
        is_one.then(|| planner.layout(known)).flatten()
    }

    /// What any layout of a net needs: of large nets the rows of the shortest layout, on which cursors move too.
    pub fn needs(net: &Net) -> Needs {
        let needs = Needs::of_net(net);
        let cells: usize = net.blocks.iter().map(|block| block.cells.len()).sum();
        if !needs.fit() || needs.rows.max(cells) < MANY_ROWS {
            return needs;
        }
        let choices = MENUS.into_iter().rev().take(WIDE_MENUS);
        let values = most_abreast(net.sums_words);
        let widest = Room { known: WIDEST, committed: WIDEST_COMMITTED, values };
        let drafts = Ways::of(net, widest).drafts(choices, 2 * MOST_ROWS);
        let rows = drafts.into_iter().map(|draft| draft.rows).min();
        needs.at_least(rows.unwrap_or(2 * MOST_ROWS))
    }
}

struct Planner<'a> {
    net: &'a Net,
    room: Room,
    wishes: Vec<Wish>,
    /// The rows of weights, if they are kept.
    weights: Vec<WeightRow>,
    keeps_weights: bool,
    /// The most known weights of a row.
    known: usize,
    /// See [`Layout::abreast`].
    abreast: Vec<u32>,
    apart: bool,
    instances: usize,
    /// The block whose bytes are packed last.
    last_packed: Option<usize>,
    is_backwards: bool,
}

impl<'a> Planner<'a> {
    /// What rows of a net wish for.
    fn plan(net: &'a Net, room: impl Into<Room>) -> Self {
        let mut planner = Self::new(net, room.into());
        planner.blocks();
        planner
    }

    /// The same without the weights, of which there are many.
    fn draft(net: &'a Net, room: impl Into<Room>) -> Self {
        let mut planner = Self { keeps_weights: false, ..Self::new(net, room.into()) };
        planner.blocks();
        planner
    }

    fn new(net: &'a Net, room: Room) -> Self {
        let words = net.words();
        let mut planner = Self {
            net,
            room,
            wishes: Vec::new(),
            weights: Vec::new(),
            keeps_weights: true,
            known: 0,
            abreast: Vec::new(),
            apart: false,
            instances: net.free_instances + words,
            last_packed: net.blocks.iter().rposition(|block| block.is_packed),
            is_backwards: false,
        };
        planner.push(Content::Boundary, [None; CURSORS]);
        for _ in 0..if net.sums_words { 0 } else { words } {
            planner.push(Content::Instance, [None; CURSORS]);
        }
        planner
    }

    /// Makes the rows; none if there are too many.
    fn layout(self, menus: &[Menu; CURSORS]) -> Option<Layout> {
        let Self { wishes, weights, abreast, apart, instances, room, .. } = self;
        let rows = schedule(&wishes, menus, MOST_ROWS)?;
        let (menus, values) = (menus.clone(), room.values);
        Some(Layout { rows, weights, abreast, values, apart, menus, instances })
    }

    fn push(&mut self, content: Content, at: [Option<Exponents>; CURSORS]) -> &mut Row {
        self.wishes.push(Wish { row: Row::new(content), goes_on: false, at });
        &mut self.wishes.last_mut().expect("one was pushed").row
    }

    fn blocks(&mut self) {
        for number in 0..self.net.blocks.len() {
            let block = &self.net.blocks[number];
            let ranges: Vec<_> = block.groups().collect();
            let without = |group: usize| Unit { group, element: None };
            if !block.is_taken() {
                self.end_run();
                self.units(number, &ranges, (0..ranges.len()).map(without).collect(), None);
                continue;
            }
            let mut group_of = vec![None; block.len];
            let mut is_done = vec![false; ranges.len()];
            for (group, range) in ranges.iter().enumerate() {
                for cell in range.clone() {
                    if let Some(element) = block.cells[cell].element {
                        group_of[element as usize] = Some(group);
                    }
                }
            }
            for run in &block.runs {
                self.run_weights(run);
                let mut units = Vec::with_capacity(run.elements.len());
                for (element, at) in self.order(block, run) {
                    let group = group_of[element as usize].expect("every element has a row");
                    if !std::mem::replace(&mut is_done[group], true) {
                        units.push(Unit { group, element: Some((element, at)) });
                    }
                }
                self.units(number, &ranges, units, Some(run));
            }
            self.end_run();
            let rest = (0..ranges.len()).filter(|&group| !is_done[group]).map(without);
            self.units(number, &ranges, rest.collect(), None);
        }
    }

    /// The rows of groups, those of a run if there is one.
    fn units(
        &mut self,
        number: usize,
        groups: &[Range<usize>],
        mut units: Vec<Unit>,
        run: Option<&Run>,
    ) {
        let (block, values) = (&self.net.blocks[number], self.room.values);
        // Those of a batch are beside each other.
        if values > 1 && run.is_none() && self.net.members == 1 {
            gather_border(block, groups, &mut units, values);
        }
        let room = (values, self.net.members);
        let mut bundles = bundles(block, groups, &units, room);
        if values > 1 && run.is_some() && !block.is_packed {
            let at = |unit: Unit| unit.element.map_or([0; 2], |(_, at)| at);
            bundles.sort_by_key(|bundle| snake(at(units[bundle.start])));
            self.turn(&mut bundles);
        }
        for bundle in bundles {
            let units = &units[bundle];
            let along = abreast::along(units).flatten();
            for row in 0..groups[units[0].group].len() {
                let cells = units.iter().map(|unit| groups[unit.group].start + row);
                let cells: Vec<usize> = cells.collect();
                let at = block.cells[cells[0]].element.zip(run).and_then(|(own, run)| {
                    let at = match units[0].element {
                        Some((element, at)) if element == own => Some(at),
                        _ => Some(position_of(run, own)),
                    };
                    at.filter(|_| !run.terms.is_empty())
                });
                self.row(number, &cells, at, along);
            }
        }
    }

    /// Makes the coefficient 0: made bytes always contribute.
    fn end_run(&mut self) {
        self.push(Content::Idle, [None; CURSORS]).starts = true;
    }

    /// The elements of a run: back and forth, so that cursors move by single steps; line by line where neighbours share
    /// rows, which go back and forth later. Packed bytes stay in order, in which they are packed.
    fn order(&mut self, block: &Block, run: &Run) -> Vec<(u32, Position)> {
        let mut elements = run.elements.clone();
        if block.is_packed {
            return elements;
        }
        if self.room.values > 1 {
            elements.sort_by_key(|&(_, at)| (at[1], at[0]));
            return elements;
        }
        elements.sort_by_key(|&(_, at)| snake(at));
        self.turn(&mut elements);
        elements
    }

    /// Every other run goes backwards.
    fn turn<T>(&mut self, run: &mut [T]) {
        if self.is_backwards {
            run.reverse();
        }
        self.is_backwards = !self.is_backwards;
    }

    /// A row of a cell, or of several abreast, whose positions are so many steps apart if they have some.
    fn row(&mut self, block: usize, cells: &[usize], at: Option<Position>, along: Option<i32>) {
        let own = &self.net.blocks[block];
        let (len, tensor) = (own.len, own.tensor_len());
        let (is_packed, spec) = (own.is_packed, own.cells[cells[0]]);
        let all = cells.iter().map(|&cell| &own.cells[cell]);
        let several = abreast::several(all, along, self.net.members).unwrap_or(0);
        let mut cursors = [None; CURSORS];
        cursors[OUTPUT] = spec.place.map(Exponents::from);
        cursors[POSITION] = at.map(|at| [0, at[0], at[1]]);
        let (mut takes, mut starts) = (at.is_some(), false);
        match spec.kind {
            Kind::Load { target, starts: first, .. } | Kind::WideLoad { target, starts: first } => {
                cursors[WEIGHT] = Some(target.into());
                starts = first;
            }
            Kind::Multiply { at, .. }
            | Kind::WideMultiply { at, .. }
            | Kind::Quotient { at, .. } => {
                cursors[POSITION] = Some([0, at[0], at[1]]);
                takes = true;
            }
            _ => {}
        }
        let small = |number: usize| u32::try_from(number).expect("few blocks and cells");
        let content = match *cells {
            [cell] => Content::Cell { block: small(block), cell: small(cell) },
            _ => {
                let first = small(self.abreast.len());
                self.abreast.extend(cells.iter().map(|&cell| small(cell)));
                Content::Abreast { block: small(block), first }
            }
        };
        self.apart |= several > 1;
        let row = self.push(content, cursors);
        (row.takes, row.starts, row.several) = (takes, starts, several);
        let row = {
            let wish = self.wishes.last_mut().expect("one was pushed");
            wish.goes_on = spec.kind.goes_on();
            &mut wish.row
        };
        if let (true, Some(element)) = (is_packed, spec.element) {
            let last = element as usize + cells.len() - 1;
            let (in_tensor, behind) = (last % tensor, last + 1);
            let (in_word, is_last) = (in_tensor % BYTES_PER_WORD, in_tensor + 1 == tensor);
            // A tensor's last word may be short: what follows it still begins at a whole word.
            let others_follow = behind < len || self.last_packed != Some(block);
            let short = if is_last && others_follow { BYTES_PER_WORD - in_word - 1 } else { 0 };
            row.packs = Some(u8::try_from(cells.len() + short).expect("at most 31"));
            row.ends_word = is_last || in_word + 1 == BYTES_PER_WORD;
        }
    }

    /// The rows of a run's weights, back and forth.
    fn run_weights(&mut self, run: &Run) {
        // A row's weights are all known or all committed, and are one digit.
        let kind = |term: &Term| committed_digit(term.weight);
        let order =
            |term: &Term| (kind(term), term.place.at[1], term.place.at[0], term.place.omega);
        let mut terms = Cow::Borrowed(&run.terms);
        if !terms.is_sorted_by_key(order) {
            terms.to_mut().sort_by_key(order);
        }
        // Each row's first place, and its terms.
        let mut rows: Vec<(Place, Range<usize>)> = Vec::new();
        for (number, term) in terms.iter().enumerate() {
            let lanes = match kind(term) {
                Some(_) => self.room.committed,
                None => self.room.known,
            };
            let fits = |place: &Place, first: usize| {
                place.at == term.place.at
                    && kind(&terms[first]) == kind(term)
                    && term.place.omega - place.omega < lanes as u32
            };
            if term.weight == Weight::Integer(0) {
                continue;
            }
            match rows.last_mut() {
                Some((place, terms)) if fits(place, terms.start) => terms.end = number + 1,
                _ => rows.push((term.place, number..number + 1)),
            }
        }
        // Neighbouring rows of weights are near each other: those of every other position lie in reverse.
        let mut is_reversed = false;
        let is_same = |one: &(Place, Range<usize>), next: &(Place, Range<usize>)| {
            one.0.at == next.0.at && kind(&terms[one.1.start]) == kind(&terms[next.1.start])
        };
        for group in rows.chunk_by_mut(is_same) {
            if is_reversed {
                group.reverse();
            }
            is_reversed = !is_reversed;
        }
        if let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) {
            let from = self.last_weight();
            let away = |place: &Place| {
                let to = Exponents::from(*place);
                (0..3).map(|axis| from[axis].abs_diff(to[axis])).sum::<u32>()
            };
            if away(last) < away(first) {
                rows.reverse();
            }
        }
        if rows.is_empty() {
            self.end_run();
        }
        for (number, (place, range)) in rows.into_iter().enumerate() {
            if kind(&terms[range.start]).is_none() {
                let last = terms[range.clone()].iter().map(|term| term.place.omega).max();
                let own = last.map_or(0, |last| (last - place.omega) as usize + 1);
                self.known = self.known.max(own);
            }
            let index = u32::try_from(self.weights.len()).expect("few rows");
            if self.keeps_weights {
                self.weights.push(WeightRow::new(place, &terms[range]));
            }
            let mut cursors = [None; CURSORS];
            cursors[WEIGHT] = Some(place.into());
            self.push(Content::Weights(index), cursors).starts = number == 0;
        }
    }

    fn last_weight(&self) -> Exponents {
        self.wishes.iter().rev().find_map(|wish| wish.at[WEIGHT]).unwrap_or([0; 3])
    }
}

/// Rank of a position in an order that goes back and forth.
fn snake(at: Position) -> (i32, i32) {
    (at[1], if at[1] & 1 == 0 { at[0] } else { -at[0] })
}

fn position_of(run: &Run, element: u32) -> Position {
    let found = run.elements.iter().find(|&&(own, _)| own == element);
    found.expect("the elements of a group are of one run").1
}

/// How often each cursor is displaced by what, between consecutive wishes.
fn displacements(wishes: &[Wish]) -> [HashMap<Exponents, usize>; CURSORS] {
    let counts = parallel::each([WEIGHT, OUTPUT, POSITION], |cursor| {
        let mut counts = HashMap::new();
        // Most displacements are the same as the one before.
        let (mut now, mut last, mut count) = ([0; 3], [0; 3], 0);
        let mut add = |step: Exponents, count: usize| {
            if step != [0; 3] && count > 0 {
                *counts.entry(step).or_default() += count;
            }
        };
        for target in wishes.iter().filter_map(|wish| wish.at[cursor]) {
            let step = [0, 1, 2].map(|axis| target[axis] - now[axis]);
            if step != last {
                add(std::mem::replace(&mut last, step), std::mem::take(&mut count));
            }
            count += 1;
            now = target;
        }
        add(last, count);
        counts
    });
    counts.try_into().expect("one of each cursor")
}

/// The menus that suit displacements.
fn menus(
    counts: &[HashMap<Exponents, usize>; CURSORS],
    columns: [usize; CURSORS],
    (strides, of_batch): (bool, bool),
) -> [Menu; CURSORS] {
    let menu = |cursor| Menu::new(&counts[cursor], columns[cursor], strides, of_batch);
    [WEIGHT, OUTPUT, POSITION].map(menu)
}

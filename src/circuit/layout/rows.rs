//! What each row is, and on which rows cursors move.
//!
//! Rows follow from the blocks: for each run, the rows of its weights, then its values. Between two rows that
//! need it, a cursor moves on the rows between, or on idle rows where these are too few.

mod drafts;

use super::moves::{CURSORS, Exponents, Menu, OUTPUT, POSITION, WEIGHT};
use crate::circuit::wiring::{Block, Kind, Net, Place, Position, Run, Term, Weight};
use crate::circuit::{
    BYTES_PER_WORD, Needs, parallel,
    shape::{LARGEST_K, WIDEST, WIDEST_COMMITTED},
};
use std::{borrow::Cow, collections::HashMap, ops::Range};

pub use drafts::Draft;
use drafts::Ways;

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

/// Weights to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Known ones.
    pub known: usize,
    /// Committed ones.
    pub committed: usize,
}

impl From<usize> for Lanes {
    fn from(known: usize) -> Self {
        Self { known, committed: 0 }
    }
}

/// All rows in use.
#[derive(Clone, Debug)]
pub struct Layout {
    /// From row 0 on.
    pub rows: Vec<Row>,
    /// The rows of weights.
    pub weights: Vec<WeightRow>,
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
    /// The layout of a net with `lanes` weights per row that has these menus, which are a [`Draft`]'s; none if no k has
    /// room for it.
    pub fn new(net: &Net, lanes: impl Into<Lanes>, menus: &[Menu; CURSORS]) -> Option<Self> {
        let Planner { wishes, weights, instances, .. } = Planner::plan(net, lanes);
        let rows = schedule(&wishes, menus, MOST_ROWS)?;
        Some(Self { rows, weights, menus: menus.clone(), instances })
    }

    /// The one of [`Self::drafts`] that has these menus.
    pub fn restore(net: &Net, lanes: Lanes, known: &[Menu; CURSORS]) -> Option<Self> {
        let Planner { wishes, weights, instances, .. } = Planner::plan(net, lanes);
        let counts = displacements(&wishes);
        let is_known = |(columns, strides)| menus(&counts, columns, strides) == *known;
        let menus = parallel::each(MENUS, is_known).contains(&true).then(|| known.clone())?;
        let rows = schedule(&wishes, &menus, MOST_ROWS)?;
        Some(Self { rows, weights, menus, instances })
    }

    /// What any layout of a net needs: of large nets the rows of the shortest layout, on which cursors move too.
    pub fn needs(net: &Net) -> Needs {
        let needs = Needs::of_net(net);
        if !needs.fit() || needs.rows < MANY_ROWS {
            return needs;
        }
        let choices = MENUS.into_iter().rev().take(WIDE_MENUS);
        let widest = Lanes { known: WIDEST, committed: WIDEST_COMMITTED };
        let drafts = Ways::of(net, widest).drafts(choices, 2 * MOST_ROWS);
        let rows = drafts.into_iter().map(|draft| draft.rows).min();
        needs.at_least(rows.unwrap_or(2 * MOST_ROWS))
    }
}

struct Planner<'a> {
    net: &'a Net,
    lanes: Lanes,
    wishes: Vec<Wish>,
    /// The rows of weights, if they are kept.
    weights: Vec<WeightRow>,
    keeps_weights: bool,
    instances: usize,
    /// The block whose bytes are packed last.
    last_packed: Option<usize>,
    is_backwards: bool,
}

impl<'a> Planner<'a> {
    /// What rows of a net with `lanes` weights per row wish for.
    fn plan(net: &'a Net, lanes: impl Into<Lanes>) -> Self {
        let mut planner = Self::new(net, lanes.into());
        planner.blocks();
        planner
    }

    /// The same without the weights, of which there are many.
    fn draft(net: &'a Net, lanes: impl Into<Lanes>) -> Self {
        let mut planner = Self { keeps_weights: false, ..Self::new(net, lanes.into()) };
        planner.blocks();
        planner
    }

    fn new(net: &'a Net, lanes: Lanes) -> Self {
        let packed = net.blocks.iter().filter(|block| block.is_packed);
        let words: usize = packed.map(Block::words).sum();
        let words = words - net.hidden_words();
        let mut planner = Self {
            net,
            lanes,
            wishes: Vec::new(),
            weights: Vec::new(),
            keeps_weights: true,
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

    fn push(&mut self, content: Content, at: [Option<Exponents>; CURSORS]) -> &mut Row {
        self.wishes.push(Wish {
            row: Row {
                content,
                moves: [0; CURSORS],
                takes: false,
                starts: false,
                packs: None,
                ends_word: false,
            },
            goes_on: false,
            at,
        });
        &mut self.wishes.last_mut().expect("one was pushed").row
    }

    fn blocks(&mut self) {
        for number in 0..self.net.blocks.len() {
            let block = &self.net.blocks[number];
            let ranges: Vec<_> = block.groups().collect();
            if !block.is_taken() {
                self.end_run();
                for range in ranges {
                    range.for_each(|cell| self.cell(number, cell, None));
                }
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
                for (element, at) in self.order(block, run) {
                    let group = group_of[element as usize].expect("every element has a row");
                    if std::mem::replace(&mut is_done[group], true) {
                        continue;
                    }
                    for cell in ranges[group].clone() {
                        let at = block.cells[cell]
                            .element
                            .map(|own| if own == element { at } else { position_of(run, own) });
                        self.cell(number, cell, at.filter(|_| !run.terms.is_empty()));
                    }
                }
            }
            self.end_run();
            for (group, range) in ranges.into_iter().enumerate() {
                if !is_done[group] {
                    range.for_each(|cell| self.cell(number, cell, None));
                }
            }
        }
    }

    /// Makes the coefficient 0: made bytes always contribute.
    fn end_run(&mut self) {
        self.push(Content::Idle, [None; CURSORS]).starts = true;
    }

    /// The elements of a run: back and forth, so that cursors move by single steps. Packed bytes stay in
    /// order, in which they are packed.
    fn order(&mut self, block: &Block, run: &Run) -> Vec<(u32, Position)> {
        let mut elements = run.elements.clone();
        if block.is_packed {
            return elements;
        }
        elements.sort_by_key(|&(_, at)| (at[1], if at[1] & 1 == 0 { at[0] } else { -at[0] }));
        if self.is_backwards {
            elements.reverse();
        }
        self.is_backwards = !self.is_backwards;
        elements
    }

    fn cell(&mut self, block: usize, cell: usize, at: Option<Position>) {
        let is_packed = self.net.blocks[block].is_packed;
        let (len, tensor) = (self.net.blocks[block].len, self.net.blocks[block].tensor_len());
        let spec = self.net.blocks[block].cells[cell];
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
        let content = Content::Cell {
            block: u32::try_from(block).expect("few blocks"),
            cell: u32::try_from(cell).expect("few cells"),
        };
        let row = self.push(content, cursors);
        (row.takes, row.starts) = (takes, starts);
        let row = {
            let wish = self.wishes.last_mut().expect("one was pushed");
            wish.goes_on = spec.kind.goes_on();
            &mut wish.row
        };
        if let (true, Some(element)) = (is_packed, spec.element) {
            let (in_tensor, behind) = (element as usize % tensor, element as usize + 1);
            let (in_word, is_last) = (in_tensor % BYTES_PER_WORD, in_tensor + 1 == tensor);
            // A tensor's last word may be short: what follows it still begins at a whole word.
            let others_follow = behind < len || self.last_packed != Some(block);
            let shift = if is_last && others_follow { BYTES_PER_WORD - in_word } else { 1 };
            row.packs = Some(u8::try_from(shift).expect("at most 31"));
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
                Some(_) => self.lanes.committed,
                None => self.lanes.known,
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
    strides: bool,
) -> [Menu; CURSORS] {
    [WEIGHT, OUTPUT, POSITION].map(|cursor| Menu::new(&counts[cursor], columns[cursor], strides))
}

/// Whether a row has room for a cursor's move: rows of weights have for the weight monomial's alone.
fn may_move(row: &Row, cursor: usize) -> bool {
    cursor == WEIGHT || !matches!(row.content, Content::Weights(_))
}

/// Inserts idle rows where cursors need more moves than there are rows; none if there were `most` or more.
fn schedule(wishes: &[Wish], menus: &[Menu; CURSORS], most: usize) -> Option<Vec<Row>> {
    let idle = Row {
        content: Content::Idle,
        moves: [0; CURSORS],
        takes: false,
        starts: false,
        packs: None,
        ends_word: false,
    };
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
        rows.extend(std::iter::repeat_n(Row { content, ..idle }, missing));
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

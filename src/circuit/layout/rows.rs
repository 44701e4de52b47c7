//! What each row is, and on which rows cursors move.
//!
//! Rows follow from the blocks: for each run, the rows of its weights, then its values. Between two rows that
//! need it, a cursor moves on the rows between, or on idle rows where these are too few.

use super::moves::{CURSORS, Exponents, Menu, OUTPUT, POSITION, WEIGHT};
use crate::circuit::wiring::{Block, Kind, Net, Place, Position, Run, Weight};
use crate::circuit::{
    BYTES_PER_WORD, Needs, parallel,
    shape::{LARGEST_K, WIDEST},
};
use std::{collections::HashMap, rc::Rc, sync::Arc};

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
const MANY_ROWS: usize = MOST_ROWS / 8;

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
    /// A public byte, and by which power of 256 the next one is apart.
    pub packs: Option<u8>,
    /// Last byte of its word.
    pub ends_word: bool,
}

/// Weights on one row: lane j weighs for the place j powers of ρ on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightRow {
    /// The place of the first lane.
    pub place: Place,
    /// By lane.
    pub lanes: Vec<Weight>,
}

/// All rows in use.
#[derive(Clone, Debug)]
pub struct Layout {
    /// From row 0 on.
    pub rows: Vec<Row>,
    /// The rows of weights. All layouts of as many lanes share them.
    pub weights: Arc<Vec<WeightRow>>,
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
    /// Lays a net out with `lanes` weights per row, for each choice of columns of moves.
    ///
    /// It has a row per instance, which is more than enough where several lie on one.
    pub fn all(net: &Net, lanes: usize) -> Vec<Self> {
        let mut planner = Planner::new(net, lanes);
        planner.plan();
        let Planner { wishes, weights, instances, .. } = planner;
        let (counts, weights) = (displacements(&wishes), Arc::new(weights));
        let layout = |(columns, strides)| {
            let menus = menus(&counts, columns, strides);
            let rows = schedule(&wishes, &menus, MOST_ROWS)?;
            Some(Self { rows, weights: Arc::clone(&weights), menus, instances })
        };
        MENUS.into_iter().filter_map(layout).collect()
    }

    /// The one of [`Self::all`] that has these menus.
    pub fn restore(net: &Net, lanes: usize, known: &[Menu; CURSORS]) -> Option<Self> {
        let mut planner = Planner::new(net, lanes);
        planner.plan();
        let Planner { wishes, weights, instances, .. } = planner;
        let counts = displacements(&wishes);
        let is_known = |(columns, strides)| menus(&counts, columns, strides) == *known;
        let menus = parallel::each(MENUS, is_known).contains(&true).then(|| known.clone())?;
        let rows = schedule(&wishes, &menus, MOST_ROWS)?;
        Some(Self { rows, weights: Arc::new(weights), menus, instances })
    }

    /// What any layout of a net needs: of large nets the rows of the shortest layout, on which cursors move too.
    pub fn needs(net: &Net) -> Needs {
        let needs = Needs::of_net(net);
        if !needs.fit() || needs.rows < MANY_ROWS {
            return needs;
        }
        let mut planner = Planner::new(net, WIDEST);
        planner.plan();
        let counts = displacements(&planner.wishes);
        let rows = MENUS.into_iter().rev().take(WIDE_MENUS).map(|(columns, strides)| {
            let menus = menus(&counts, columns, strides);
            let rows = schedule(&planner.wishes, &menus, 2 * MOST_ROWS);
            rows.map_or(2 * MOST_ROWS, |rows| rows.len())
        });
        needs.at_least(rows.min().unwrap_or(0))
    }
}

struct Planner<'a> {
    net: &'a Net,
    lanes: usize,
    wishes: Vec<Wish>,
    weights: Vec<WeightRow>,
    instances: usize,
    /// The block whose bytes are packed last.
    last_public: Option<usize>,
    is_backwards: bool,
}

impl<'a> Planner<'a> {
    fn new(net: &'a Net, lanes: usize) -> Self {
        let public = net.blocks.iter().filter(|block| block.is_public);
        let words: usize = public.map(|block| block.len.div_ceil(BYTES_PER_WORD)).sum();
        let mut planner = Self {
            net,
            lanes,
            wishes: Vec::new(),
            weights: Vec::new(),
            instances: net.free_instances + words,
            last_public: net.blocks.iter().rposition(|block| block.is_public),
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

    fn plan(&mut self) {
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

    /// The elements of a run: back and forth, so that cursors move by single steps. Public bytes stay in
    /// order, in which they are packed.
    fn order(&mut self, block: &Block, run: &Run) -> Vec<(u32, Position)> {
        let mut elements = run.elements.clone();
        if block.is_public {
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
        let is_public = self.net.blocks[block].is_public;
        let len = self.net.blocks[block].len;
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
        if let (true, Some(element)) = (is_public, spec.element) {
            let element = element as usize;
            let (in_word, is_last) = (element % BYTES_PER_WORD, element + 1 == len);
            // A tensor's last word may be short: what follows it still begins at a whole word.
            let others_follow = self.last_public != Some(block);
            let shift = if is_last && others_follow { BYTES_PER_WORD - in_word } else { 1 };
            row.packs = Some(u8::try_from(shift).expect("at most 31"));
            row.ends_word = is_last || in_word + 1 == BYTES_PER_WORD;
        }
    }

    /// The rows of a run's weights, back and forth.
    fn run_weights(&mut self, run: &Run) {
        let mut rows: Vec<WeightRow> = Vec::new();
        let mut terms: Vec<_> = run.terms.clone();
        terms.sort_by_key(|term| (term.place.at[1], term.place.at[0], term.place.omega));
        for term in terms {
            let fits = |row: &WeightRow| {
                row.place.at == term.place.at
                    && (term.place.omega - row.place.omega) < self.lanes as u32
            };
            if term.weight == Weight::Integer(0) {
                continue;
            }
            let row = match rows.last_mut().filter(|row| fits(row)) {
                Some(row) => row,
                None => {
                    rows.push(WeightRow { place: term.place, lanes: Vec::new() });
                    rows.last_mut().expect("one was pushed")
                }
            };
            let lane = (term.place.omega - row.place.omega) as usize;
            if row.lanes.len() == lane {
                row.lanes.push(term.weight);
            } else if row.lanes.len() < lane {
                row.lanes.resize(lane, Weight::Integer(0));
                row.lanes.push(term.weight);
            } else {
                unreachable!("a run has one term for a place");
            }
        }
        // Neighbouring rows of weights are near each other.
        rows.sort_by_key(|row| (row.place.at[1], row.place.at[0]));
        let mut sorted: Vec<WeightRow> = Vec::with_capacity(rows.len());
        let mut by_position: Vec<Vec<WeightRow>> = Vec::new();
        for row in rows {
            match by_position.last_mut().filter(|group| group[0].place.at == row.place.at) {
                Some(group) => group.push(row),
                None => by_position.push(vec![row]),
            }
        }
        for (number, mut group) in by_position.into_iter().enumerate() {
            if number % 2 == 1 {
                group.reverse();
            }
            sorted.extend(group);
        }
        if let (Some(first), Some(last)) = (sorted.first(), sorted.last()) {
            let from = self.last_weight();
            let away = |row: &WeightRow| {
                let to = Exponents::from(row.place);
                (0..3).map(|axis| from[axis].abs_diff(to[axis])).sum::<u32>()
            };
            if away(last) < away(first) {
                sorted.reverse();
            }
        }
        if sorted.is_empty() {
            self.end_run();
        }
        for (number, mut row) in sorted.into_iter().enumerate() {
            row.lanes.shrink_to_fit();
            let index = u32::try_from(self.weights.len()).expect("few rows");
            let mut cursors = [None; CURSORS];
            cursors[WEIGHT] = Some(row.place.into());
            self.weights.push(row);
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
    [WEIGHT, OUTPUT, POSITION].map(|cursor| {
        let mut counts = HashMap::new();
        let mut now = [0; 3];
        for target in wishes.iter().filter_map(|wish| wish.at[cursor]) {
            let step = [0, 1, 2].map(|axis| target[axis] - now[axis]);
            if step != [0; 3] {
                *counts.entry(step).or_default() += 1;
            }
            now = target;
        }
        counts
    })
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
    // Most displacements are alike.
    let mut known: [HashMap<Exponents, Rc<[u8]>>; CURSORS] = Default::default();
    // The row after the last one that needed the cursor: from there on it may move.
    let mut free = [1; CURSORS];
    for wish in wishes {
        let mut paths: [Rc<[u8]>; CURSORS] = Default::default();
        let mut missing = 0;
        for cursor in 0..CURSORS {
            let Some(target) = wish.at[cursor] else { continue };
            let step = [0, 1, 2].map(|axis| target[axis] - now[cursor][axis]);
            let path = || menus[cursor].path(step).into();
            paths[cursor] = Rc::clone(known[cursor].entry(step).or_insert_with(path));
            // This row's own move, and those of the rows before.
            let since = rows.get(free[cursor]..).unwrap_or_default();
            let room = since.iter().chain([&wish.row]).filter(|row| may_move(row, cursor)).count();
            missing = missing.max(paths[cursor].len().saturating_sub(room));
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
                for (row, step) in movable.zip(paths[cursor].iter().rev()) {
                    row.moves[cursor] = *step;
                }
                free[cursor] = rows.len();
            }
        }
    }
    rows.shrink_to_fit();
    Some(rows)
}

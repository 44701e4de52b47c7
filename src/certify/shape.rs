//! Where each cell lies: read from a bundle's description of the shape, and from nothing else.
//!
//! The order of columns is stated here a second time, on purpose: `gates` compares all constraints of the key's
//! system with what they should be on these cells, so an order that differs from the circuit's cannot go unseen.

use super::CertifyError;
use serde::{Deserialize, Serialize};

/// Moves that one fixed column chooses from, beside staying.
pub const MOVES_PER_COLUMN: usize = 3;

/// Exponents of ρ, s₁ and s₂.
pub type Exponents = [i32; 3];

/// What the shape says.
#[derive(Clone, Debug, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are the shape's")]
pub struct Shape {
    pub fold: usize,
    pub lanes: usize,
    pub limbs: usize,
    pub table_rows: usize,
    pub intervals: bool,
    pub reads: bool,
    pub groups: bool,
    pub larger: bool,
    pub products: bool,
    pub loads: bool,
    pub private_input: bool,
    pub vectors: bool,
    pub averages: bool,
    pub border_cells: bool,
    pub menus: [Vec<Exponents>; 3],
    #[serde(default = "one")]
    pub free_instances: usize,
    #[serde(default)]
    pub sums_words: bool,
    #[serde(default)]
    pub links: Vec<usize>,
    #[serde(default)]
    pub outputs: Option<CommittedOutputs>,
    #[serde(default)]
    pub weight_lanes: usize,
    #[serde(default)]
    pub hashes: Vec<Hash>,
    #[serde(default = "one")]
    pub abreast: usize,
    #[serde(default)]
    pub apart: bool,
    #[serde(default = "one")]
    pub members: usize,
}

/// Of outputs that are committed: the last links are theirs, behind so many packed instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct CommittedOutputs {
    pub links: usize,
    pub words: usize,
}

/// A hash of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Hash {
    /// Bytes of the input's elements.
    pub length: usize,
    /// Words of them.
    pub words: usize,
    /// Which of the packed instances it is.
    pub at: usize,
}

impl Hash {
    /// Words that are hashed: two at a time, the blinding before the first; the last is 0 where their number is even.
    pub fn taken(self) -> usize {
        self.words + 1 - self.words % 2
    }
}

fn one() -> usize {
    1
}

impl Shape {
    /// Reads a shape as bundles hold it.
    pub fn read(shape: &impl Serialize) -> Result<Self, CertifyError> {
        let document = serde_json::to_value(shape).map_err(|_| CertifyError::Shape)?;
        serde_json::from_value(document).map_err(|_| CertifyError::Shape)
    }

    /// Whether the verifier adds packed instances up: where outputs are committed there may be none.
    pub fn has_word_sum(&self) -> bool {
        self.sums_words && self.outputs.is_none_or(|outputs| outputs.words > 0)
    }

    /// Columns of limbs.
    pub fn limb_columns(&self) -> usize {
        if self.intervals { 4 } else { self.limbs }
    }

    /// By how many steps of s₁ places, and positions, of a row's neighbours differ, by which flag the row has. Two members of a batch
    /// that lie beside each other are one step apart, and so are neighbours of one where there is no batch.
    pub fn apart_by(&self) -> [[i32; 2]; 2] {
        match i32::try_from(self.members) {
            Ok(members @ 2..) => [[1, 1], [members, members]],
            _ => [[1, 1], [2, 1]],
        }
    }

    /// N, the base of limbs.
    pub fn base(&self) -> i128 {
        self.table_rows.try_into().unwrap_or(i128::MAX)
    }

    /// The class of each link: the least m ≥ 6 for which 2^m rows, less the first and the last 16, hold its words.
    pub fn classes(&self) -> Option<Vec<u32>> {
        let class = |&words: &usize| (6..=28).find(|m| words.saturating_add(17) <= 1 << m);
        self.links.iter().map(class).collect()
    }
}

/// A cell of a row: a column of the backend, of which it takes every `fold`-th row from `offset` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub column: usize,
    pub offset: usize,
}

/// Flags of rows, in the order in which lanes hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    Divides,
    Intervals,
    Reads,
    Inputs,
    Takes,
    Packs,
    EndsWord,
    Holds,
    Larger,
    Pairs,
    Multiplies,
    MultipliesIn,
    Loads,
    Adds,
    Continues,
    Border,
    Wide,
    TakesWide,
    Naturals,
}

/// All cells of a row.
#[derive(Clone, Debug)]
pub struct Places {
    // First phase.
    pub table_row: Place,
    pub byte: Place,
    pub limbs: Vec<Place>,
    pub parts: Option<[Place; 2]>,
    /// Of the values abreast of the first.
    pub abreast: Vec<ValuePlaces>,
    pub integer: Option<Place>,
    pub limb_uses: Place,
    pub table_uses: Place,
    // Second phase.
    pub sums: Vec<Place>,
    pub cursors: [Place; 3],
    pub coefficient: Place,
    pub balance: Place,
    pub packed: Place,
    /// Of each link: its words, of the first phase; what is left of them, of the second; the rows with words, fixed.
    pub links: Vec<[Place; 3]>,
    pub weights: Option<WeightPlaces>,
    pub hashes: Option<HashPlaces>,
    // Fixed.
    pub active: Place,
    pub weighs: Place,
    pub lanes: Vec<Place>,
    pub starts: Place,
    /// Rows of several values, as [`Shape::apart_by`] has them.
    pub several: [Option<Place>; 2],
    pub flags: Vec<(Flag, Place)>,
    pub moves: [Vec<Place>; 3],
    pub index: Place,
    pub table: Place,
    pub starts_table: Option<Place>,
    pub lengths_table: Option<Place>,
    /// Columns of the backend: first phase, second phase, fixed.
    pub columns: [usize; 3],
}

/// The cells that a value of a row has to itself.
#[derive(Clone, Debug)]
pub struct ValuePlaces {
    pub table_row: Place,
    pub byte: Place,
    pub limbs: Vec<Place>,
    pub parts: Option<[Place; 2]>,
}

/// The cells of committed weights: in fixed columns that proofs bring commitments to, and looked up in a table.
#[derive(Clone, Debug)]
pub struct WeightPlaces {
    pub lanes: Vec<Place>,
    pub scale: Place,
    pub table: Place,
    pub uses: Place,
}

/// The cells of hashes.
#[derive(Clone, Debug)]
pub struct HashPlaces {
    // First phase.
    pub state: [Place; 4],
    pub square: Place,
    // Second phase.
    pub sum: Place,
    // Fixed.
    pub constant: Place,
    /// The state is the one before, turned past its first element; that times the matrix; the one before times the matrix.
    pub turns: [Place; 3],
    pub begins: Place,
    /// Of each hash.
    pub ends: Vec<Place>,
}

impl HashPlaces {
    /// Those of flags.
    pub fn flags(&self) -> impl Iterator<Item = Place> {
        self.turns.into_iter().chain([self.begins]).chain(self.ends.iter().copied())
    }
}

/// Hands out cells, `fold` to a column.
struct Hands {
    fold: usize,
    first: usize,
    count: usize,
}

impl Hands {
    fn next(&mut self) -> Place {
        let place =
            Place { column: self.first + self.count / self.fold, offset: self.count % self.fold };
        self.count += 1;
        place
    }

    fn many(&mut self, count: usize) -> Vec<Place> {
        (0..count).map(|_| self.next()).collect()
    }

    fn end(&self) -> usize {
        self.first + self.count.div_ceil(self.fold)
    }
}

impl Places {
    /// The cells of a shape.
    pub fn new(shape: &Shape) -> Result<Self, CertifyError> {
        let fold = shape.fold;
        let is_known = shape.lanes <= 64 && shape.weight_lanes <= 64 && shape.hashes.len() <= 64;
        if fold == 0 || !is_known || !(2..=8).contains(&shape.limbs) {
            return Err(CertifyError::Shape);
        }
        // Bytes abreast lie in one word, and only one of each kind of column is told of.
        let has_several = (2..=16).contains(&shape.abreast) && fold == 1;
        if (shape.abreast != 1 || shape.apart) && !has_several {
            return Err(CertifyError::Shape);
        }
        // What bounds exponents rests on it.
        if !(1..=8).contains(&shape.members) {
            return Err(CertifyError::Shape);
        }
        let mut first = Hands { fold, first: 0, count: 0 };
        // Columns by themselves come where they are asked for: here after the tables of starts and lengths.
        let mut fixed = Hands { fold, first: 0, count: 0 };
        let [table_row, byte] = [(); 2].map(|()| first.next());
        let limbs = first.many(shape.limb_columns());
        let parts = shape.intervals.then(|| [(); 2].map(|()| first.next()));
        let starts_table = shape.intervals.then(|| fixed.next());
        let lengths_table = (shape.intervals && shape.averages).then(|| fixed.next());
        let mut abreast = Vec::new();
        for _ in 1..shape.abreast {
            let [table_row, byte] = [(); 2].map(|()| first.next());
            let limbs = first.many(shape.limb_columns());
            let parts = shape.intervals.then(|| [(); 2].map(|()| first.next()));
            abreast.push(ValuePlaces { table_row, byte, limbs, parts });
        }
        let integer = shape.vectors.then(|| first.next());
        let [limb_uses, table_uses] = [(); 2].map(|()| first.next());
        let uses = (shape.weight_lanes > 0).then(|| first.next());
        let linked = first.many(shape.links.len());
        let states =
            (!shape.hashes.is_empty()).then(|| ([(); 4].map(|()| first.next()), first.next()));
        let mut second = Hands { fold, first: first.end(), count: 0 };
        let alone = shape.weight_lanes.saturating_sub(shape.abreast * limbs.len());
        let of_weights = uses.map_or(0, |_| alone + 1);
        let terms = shape.abreast * (limbs.len() + 1) + 2 + of_weights;
        let sums = second.many(terms.div_ceil(3));
        let cursors = [(); 3].map(|()| second.next());
        // The backend numbers columns as they are made: `active` and `weighs` get theirs while the last column
        // of tables may still have room.
        let begun = fixed.end();
        let active = Place { column: begun, offset: 0 };
        let weighs = Place { column: begun + 1, offset: 0 };
        let mut fixed = After { hands: fixed, begun, skipped: 2 };
        let lanes = fixed.many(shape.lanes);
        let starts = fixed.next();
        let several = [shape.abreast > 1, shape.apart].map(|there| there.then(|| fixed.next()));
        let constants = if shape.products { 4 } else { 3 };
        let mut free = lanes.iter().copied().skip(constants);
        let mut flags = Vec::new();
        let order = [
            (Flag::Divides, true),
            (Flag::Intervals, shape.intervals),
            (Flag::Reads, shape.reads),
            (Flag::Inputs, shape.private_input),
            (Flag::Takes, true),
            (Flag::Packs, true),
            (Flag::EndsWord, true),
            (Flag::Holds, shape.groups),
            (Flag::Larger, shape.larger),
            (Flag::Pairs, shape.products),
            (Flag::Multiplies, shape.products),
            (Flag::MultipliesIn, shape.products && shape.intervals),
            (Flag::Loads, shape.loads),
            (Flag::Adds, shape.averages),
            (Flag::Continues, shape.averages),
            (Flag::Border, shape.border_cells),
            (Flag::Wide, shape.vectors),
            (Flag::TakesWide, shape.vectors),
            (Flag::Naturals, shape.vectors),
        ];
        for (flag, there) in order {
            if there {
                flags.push((flag, free.next().ok_or(CertifyError::Shape)?));
            }
        }
        let mut moves: [Vec<Place>; 3] = Default::default();
        for (cursor, menu) in shape.menus.iter().enumerate() {
            for _ in 0..menu.len().div_ceil(MOVES_PER_COLUMN) {
                // The weight monomial's moves have columns of their own, since rows of weights need all lanes.
                let place = if cursor == 0 { Some(fixed.next()) } else { free.next() };
                moves[cursor].push(place.ok_or(CertifyError::Shape)?);
            }
        }
        let [index, table] = [(); 2].map(|()| fixed.next());
        let [coefficient, balance, packed] = [(); 3].map(|()| second.next());
        let link = |words: Place| [words, second.next(), fixed.next()];
        let links = linked.into_iter().map(link).collect();
        let weights = uses.map(|uses| WeightPlaces {
            scale: fixed.next(),
            table: fixed.next(),
            lanes: fixed.many(shape.weight_lanes),
            uses,
        });
        // Flags of hashes have columns by themselves, the last ones.
        let mut alone = 0;
        let hashes = states.map(|(state, square)| {
            let (sum, constant) = (second.next(), fixed.next());
            let mut flag = || {
                alone += 1;
                Place { column: fixed.end() + alone - 1, offset: 0 }
            };
            let (turns, begins) = ([(); 3].map(|()| flag()), flag());
            let ends = shape.hashes.iter().map(|_| flag()).collect();
            HashPlaces { state, square, sum, constant, turns, begins, ends }
        });
        let columns = [first.end(), second.end() - first.end(), fixed.end() + alone];
        Ok(Self {
            table_row,
            byte,
            limbs,
            parts,
            abreast,
            integer,
            limb_uses,
            table_uses,
            sums,
            cursors,
            coefficient,
            balance,
            packed,
            links,
            weights,
            hashes,
            active,
            weighs,
            lanes,
            starts,
            several,
            flags,
            moves,
            index,
            table,
            starts_table,
            lengths_table,
            columns,
        })
    }

    /// The cells of a value, by its number.
    pub fn value(&self, value: usize) -> ValuePlaces {
        match value.checked_sub(1) {
            Some(further) => self.abreast[further].clone(),
            None => ValuePlaces {
                table_row: self.table_row,
                byte: self.byte,
                limbs: self.limbs.clone(),
                parts: self.parts,
            },
        }
    }

    /// The cell of a flag, if the shape has it.
    pub fn flag(&self, flag: Flag) -> Option<Place> {
        self.flags.iter().find(|(own, _)| *own == flag).map(|&(_, place)| place)
    }
}

/// Hands out cells where other columns were made in between.
struct After {
    hands: Hands,
    begun: usize,
    skipped: usize,
}

impl After {
    fn next(&mut self) -> Place {
        let place = self.hands.next();
        let skipped = if place.column >= self.begun { self.skipped } else { 0 };
        Place { column: place.column + skipped, ..place }
    }

    fn many(&mut self, count: usize) -> Vec<Place> {
        (0..count).map(|_| self.next()).collect()
    }

    fn end(&self) -> usize {
        self.hands.end() + self.skipped
    }
}

//! What a graph becomes: blocks of values, and the linear maps between them.
//!
//! Every value lies on a row of its own, or shares it with neighbours of its kind. What a row *makes* (an accumulator, or a copy of another value)
//! has a [`Place`], the monomial ρ^ω·s₁^at₀·s₂^at₁ that it is weighed with; no two have the same. What a
//! value *contributes* follows from the [`Term`]s of its run: the value at position p of a run adds
//! weight·value to what is made at term.place + p, for each term. So a convolution's run is a plane and
//! its terms are the kernel's taps; a dense layer's run is a single value and its terms are a column of
//! the matrix; reading a value elsewhere is a single term of weight 1.
//!
//! A contribution may land where no value is made, beyond a convolution's border: those places are made
//! by *border cell* rows, whose accumulator nothing uses.

mod scan;

pub use scan::{MOST_BESIDE, Members, Scan};

use super::hashes::Hashed;
use super::links::CommittedOutputs;
use super::table::rules::{Rises, Rule};
use super::{BYTES_PER_WORD, parallel};
use crate::model::ElementType;

/// Exponents of s₁ and s₂.
pub type Position = [i32; 2];

/// The monomial that something made is weighed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Exponent of ρ.
    pub omega: u32,
    /// Exponents of s₁ and s₂.
    pub at: Position,
}

impl Place {
    /// The place of a contribution at a position of a run.
    pub fn plus(self, position: Position) -> Self {
        Self { at: [self.at[0] + position[0], self.at[1] + position[1]], ..self }
    }

    /// The place a power of ρ on.
    pub fn next(self) -> Self {
        Self { omega: self.omega + 1, ..self }
    }
}

/// A factor known from the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Itself.
    Integer(i32),
    /// Itself, where an operator on vectors has it.
    Long(Long),
    /// The factor of an operand of a sum of two, which depends on the divisor.
    Operand {
        /// The sum's rule.
        rule: u32,
        /// Which operand.
        operand: u32,
    },
    /// One that is committed, or a digit of such a one.
    Committed {
        /// Its number among all of them.
        number: u32,
        /// Which digit.
        digit: u8,
    },
}

impl From<i32> for Weight {
    fn from(weight: i32) -> Self {
        Self::Integer(weight)
    }
}

/// Bits of the digits that committed integers are made of: each from −128 to 127.
pub const COMMITTED_DIGIT: u32 = 8;

/// An integer of any size that lies beside shorter ones without a gap: most weights are short, and there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub struct Long(pub i128);

/// Where and how much the values of a run contribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Where the value at position 0 contributes to.
    pub place: Place,
    /// How much of it.
    pub weight: Weight,
}

/// Values that contribute alike, apart from their position.
#[derive(Clone, Debug)]
pub struct Run {
    /// The values, as element of the block and position.
    pub elements: Vec<(u32, Position)>,
    /// What they contribute to.
    pub terms: Vec<Term>,
}

/// An element's number; tensors have fewer than 2^32 elements.
pub fn index(value: usize) -> u32 {
    u32::try_from(value).expect("tensors have fewer than 2^32 elements")
}

/// A small number as an exponent.
pub fn exponent(value: usize) -> i32 {
    i32::try_from(value).expect("planes are narrower than 2^31")
}

/// What a row does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Holds a byte of the input.
    Input,
    /// Makes `rule(accumulator + bias)`.
    Made {
        /// Which rule.
        rule: u32,
        /// What is added to the accumulator of bytes: the layer's bias and its zero points.
        bias: i64,
    },
    /// Copies a value; without one, holds the constant.
    Read {
        /// What is added to the copy.
        constant: i32,
    },
    /// Copies a value and holds the larger of it and the value of the row before.
    Larger {
        /// What is added to the copy.
        constant: i32,
    },
    /// Copies a value and holds it together with the value of the row before.
    Pair {
        /// What is added to the copy.
        constant: i32,
    },
    /// Makes `rule(product)` of the two values that the row before holds, minus their zero points.
    Product {
        /// Which rule.
        rule: u32,
        /// Zero points of the factors.
        zeros: [i32; 2],
    },
    /// Makes terms of a float32 sum, adds them to the sum of the row before, and holds the rounded sum.
    Adds {
        /// What is added to the accumulator of terms.
        bias: i64,
        /// Whether there is a sum before.
        goes_on: bool,
    },
    /// Makes the last term of a float32 sum, and `rule(sum + term + bias)`.
    Average {
        /// Which rule.
        rule: u32,
        /// What is added to the accumulator of terms.
        bias: i64,
    },
    /// Takes accumulators that nothing uses: the one at its place, and those a power of ρ on each.
    Border {
        /// How many, at most [`MOST_BORDER_CELLS`].
        count: usize,
    },
    /// Copies a left factor of a product of matrices, and adds it to its run's coefficient.
    Load {
        /// The factor's zero point.
        zero: i32,
        /// What is added to the copy.
        constant: i32,
        /// Which of the product's accumulators it weighs for.
        target: Place,
        /// First of its run.
        starts: bool,
    },
    /// Copies a right factor of a product of matrices, and contributes it times the run's coefficient.
    Multiply {
        /// The factor's zero point.
        zero: i32,
        /// What is added to the copy.
        constant: i32,
        /// Its position.
        at: Position,
    },
    /// Copies an integer of any size.
    Wide {
        /// What is added to the copy.
        constant: i128,
    },
    /// Copies an integer of any size as a left factor, see [`Kind::Load`].
    WideLoad {
        /// Which of the product's accumulators it weighs for.
        target: Place,
        /// First of its run.
        starts: bool,
    },
    /// Copies an integer of any size as a right factor, see [`Kind::Multiply`].
    WideMultiply {
        /// What is added to the copy.
        constant: i128,
        /// Its position.
        at: Position,
    },
    /// Holds what the prover says, at least 0 and below N.
    Free {
        /// What an honest prover says.
        hint: Hint,
        /// Which digit of it.
        digit: u32,
        /// Whether more digits follow.
        goes_on: bool,
    },
    /// Holds what the prover says, as a right factor. An honest one says how often the first left factor can be
    /// taken off what is at its target.
    Quotient {
        /// Its position.
        at: Position,
        /// No honest prover's is larger.
        most: u32,
    },
    /// Takes off an accumulator an integer that is at least 0.
    Natural {
        /// What is added to the accumulator, before anything is taken off.
        bias: i128,
        /// Which digit of the integer.
        digit: u32,
        /// Whether more digits follow.
        goes_on: bool,
    },
}

/// What an honest prover says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// An accumulator plus `offset`, divided by `divisor`.
    Quotient {
        /// Where the accumulator is.
        place: Place,
        /// What is added.
        offset: i128,
        /// At least 1.
        divisor: i128,
    },
    /// The largest r with r²·d ≤ 2^(2·bits), d being an accumulator plus `constant`.
    InverseRoot {
        /// Where the accumulator is.
        place: Place,
        /// What is added.
        constant: i128,
        /// Precision.
        bits: u32,
    },
}

/// How many border cells a row takes at most, in as many cells that no border cell row needs for anything else.
pub const MOST_BORDER_CELLS: usize = 4;

/// Bits of a digit that the prover says: below N in nets with such digits.
pub const FREE_DIGIT: u32 = 11;

/// Bits of a digit of an integer that is at least 0: below N⁴ in nets with such digits.
pub const NATURAL_DIGIT: u32 = 47;

/// Limbs in nets with such digits.
pub const NATURAL_LIMBS: usize = 3;

/// The table is at least this long in nets with such digits: 4000⁴ > 2^47.
pub const NATURAL_TABLE: usize = 4000;

/// A row of a block.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// What it does.
    pub kind: Kind,
    /// Where it makes something.
    pub place: Option<Place>,
    /// Which element of the block it holds.
    pub element: Option<u32>,
}

/// Values, in the order in which they are computed.
#[derive(Clone, Debug)]
pub struct Block {
    /// The node that made it.
    pub name: String,
    /// Number of elements.
    pub len: usize,
    /// How its elements are cut into runs.
    pub scan: Scan,
    /// The runs.
    pub runs: Vec<Run>,
    /// Its rows; those of one group stay together.
    pub cells: Vec<Cell>,
    /// Beginnings of groups among the cells.
    pub groups: Vec<u32>,
    /// The model's input or output, to be packed into instances or into the words of a commitment.
    pub is_packed: bool,
    /// How many tensors lie in it one after the other, each of which begins a new word: those of as many inferences.
    pub tensors: usize,
}

impl Kind {
    /// Whether it goes on from the row before.
    pub fn goes_on(self) -> bool {
        match self {
            Self::Adds { goes_on, .. } => goes_on,
            Self::Larger { .. }
            | Self::Pair { .. }
            | Self::Product { .. }
            | Self::Average { .. } => true,
            _ => false,
        }
    }

    /// Whether it loads a factor of a product of matrices, or contributes products with those that were loaded.
    pub fn multiplies(self) -> bool {
        matches!(
            self,
            Self::Load { .. }
                | Self::Multiply { .. }
                | Self::WideLoad { .. }
                | Self::WideMultiply { .. }
                | Self::Quotient { .. }
        )
    }

    /// Whether neighbours of its kind can share a row.
    pub fn may_be_abreast(self) -> bool {
        matches!(
            self,
            Self::Input
                | Self::Made { .. }
                | Self::Read { .. }
                | Self::Larger { .. }
                | Self::Adds { .. }
                | Self::Average { .. }
                | Self::Border { .. }
        )
    }

    /// Whether it copies what is contributed to its place.
    pub fn is_copy(self) -> bool {
        matches!(
            self,
            Self::Read { .. }
                | Self::Larger { .. }
                | Self::Pair { .. }
                | Self::Load { .. }
                | Self::Multiply { .. }
        ) || self.is_wide()
    }

    /// Whether its value is an integer of any size.
    pub fn is_wide(self) -> bool {
        matches!(self, Self::Wide { .. } | Self::WideLoad { .. } | Self::WideMultiply { .. })
    }
}

impl Cell {
    /// Where it makes something.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let count = match self.kind {
            Kind::Border { count } => count,
            _ => 1,
        };
        std::iter::successors(self.place, |place| Some(place.next())).take(count)
    }
}

impl Block {
    /// The cells of each group.
    pub fn groups(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let ends = self.groups.iter().skip(1).map(|&end| end as usize);
        let ends = ends.chain(std::iter::once(self.cells.len()));
        self.groups.iter().zip(ends).map(|(&start, end)| start as usize..end)
    }

    /// Elements of each of its tensors.
    pub fn tensor_len(&self) -> usize {
        self.len / self.tensors
    }

    /// Words that its tensors take where they are packed.
    pub fn words(&self) -> usize {
        self.tensors * self.tensor_len().div_ceil(BYTES_PER_WORD)
    }

    /// Whether anything takes its values.
    pub fn is_taken(&self) -> bool {
        self.runs.iter().any(|run| !run.terms.is_empty())
    }
}

/// Where the accumulators of a power of ρ are stored, and how small and large they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plane {
    /// The first one's index.
    pub start: usize,
    /// Least exponents.
    pub low: Position,
    /// How many exponents.
    pub len: [usize; 2],
}

impl Plane {
    /// The index of a position's accumulator.
    pub fn index(&self, at: Position) -> usize {
        let offset = |axis: usize| {
            usize::try_from(at[axis] - self.low[axis]).expect("positions lie in their plane")
        };
        self.start + offset(1) * self.len[0] + offset(0)
    }
}

/// A graph, ready to be laid out.
#[derive(Clone, Debug)]
pub struct Net {
    /// In the order in which they can be computed.
    pub blocks: Vec<Block>,
    /// What becomes of accumulators.
    pub rules: Vec<Rule>,
    /// The monotone functions of rules, by [`FunctionId`](super::table::rules::FunctionId).
    pub functions: Vec<Rises>,
    /// By power of ρ.
    pub planes: Vec<Plane>,
    /// Number of accumulators.
    pub accumulators: usize,
    /// The least and the greatest sum that float32 rounds, in units of its own.
    pub float_sums: Option<(i128, i128)>,
    /// Inferences, each of which has a context: the first instances.
    pub contexts: usize,
    /// So many members of a batch lie beside each other: see [`Members::along`].
    pub members: usize,
    /// Instances before the packed ones: contexts and names.
    pub free_instances: usize,
    /// The packed instances are added up by the verifier, and no row takes one.
    pub sums_words: bool,
    /// How many weights are committed, digit by digit.
    pub committed_weights: usize,
    /// The model's inputs in the order in which they are packed: those that are committed first, then those that are hashed, and several public ones of several
    /// inferences inference by inference.
    pub inputs: Vec<Port>,
    /// How many of them are committed.
    pub committed: usize,
    /// How many behind these are hashed, or parts of hashed ones.
    pub hashed: usize,
    /// Their hashes.
    pub hashes: Vec<Hashed>,
    /// The model's outputs, in the order in which they are packed: inference by inference, if a block has not those of all.
    pub outputs: Vec<Port>,
    /// Whether these are committed.
    pub commits_outputs: bool,
}

/// An input or an output.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// Its block.
    pub block: usize,
    /// How many elements of the model's inputs, or outputs, are before its own.
    pub first: usize,
    /// How many it has.
    pub len: usize,
    /// Their type.
    pub element: ElementType,
}

impl Port {
    /// Its part of what all ports hold.
    pub fn of<T>(self, all: &[T]) -> &[T] {
        &all[self.first..self.first + self.len]
    }
}

impl Net {
    /// The words of each committed input, and of each committed output.
    pub fn linked_words(&self) -> Vec<usize> {
        let outputs = self.outputs.iter().filter(|_| self.commits_outputs);
        let committed = self.inputs[..self.committed].iter().chain(outputs);
        committed.map(|port| self.blocks[port.block].words()).collect()
    }

    /// What there is to committed outputs.
    pub fn committed_outputs(&self) -> Option<CommittedOutputs> {
        let (links, words) = (self.outputs.len(), self.words());
        self.commits_outputs.then_some(CommittedOutputs { links, words })
    }

    /// Words that are instances.
    pub fn words(&self) -> usize {
        let packed = self.blocks.iter().filter(|block| block.is_packed);
        packed.map(Block::words).sum::<usize>() - self.hidden_words()
    }

    /// Words that are packed and no instances: those of commitments and of hashed inputs.
    fn hidden_words(&self) -> usize {
        let hashed = self.hashes.iter().map(|hashed| hashed.taken());
        self.linked_words().into_iter().chain(hashed).sum()
    }

    /// Whether no committed weight is one of two terms: their rows could hold two integers for it.
    pub fn commits_weights_once(&self) -> bool {
        let runs = self.blocks.iter().flat_map(|block| &block.runs);
        let mut seen = vec![false; self.committed_weights];
        runs.flat_map(|run| &run.terms).all(|term| match term.weight {
            Weight::Committed { number, .. } => {
                seen.get_mut(number as usize).is_some_and(|seen| !std::mem::replace(seen, true))
            }
            _ => true,
        })
    }

    /// Whether there are integers of any size.
    pub fn has_vectors(&self) -> bool {
        self.blocks.iter().flat_map(|block| &block.cells).any(|cell| cell.kind.is_wide())
    }

    /// The shortest table that has all digits and quotients.
    pub fn shortest_table(&self) -> usize {
        let cells = self.blocks.iter().flat_map(|block| &block.cells);
        let needed = cells.map(|cell| match cell.kind {
            Kind::Quotient { most, .. } => most as usize + 1,
            Kind::Wide { .. } => NATURAL_TABLE,
            _ => 0,
        });
        needed.max().unwrap_or(0)
    }

    /// Whether every place is made by one row, or by the digits of one integer, and none is at ρ⁰.
    ///
    /// What contributes to a place is what its rows make together: two rows that both make all of it would
    /// leave the prover to choose how they share it. Digits do share, and digit 0 alone adds the bias.
    pub fn makes_places_once(&self) -> bool {
        let digit = |kind| match kind {
            Kind::Natural { digit, .. } => Some(digit),
            _ => None,
        };
        let cells = self.blocks.iter().flat_map(|block| &block.cells);
        let mut makers: Vec<(Place, Option<u32>)> =
            cells.flat_map(|cell| cell.places().map(|place| (place, digit(cell.kind)))).collect();
        parallel::sort(&mut makers);
        let is_one = |makers: &[(Place, Option<u32>)]| match makers {
            [(_, None)] => true,
            _ => (0..).zip(makers).all(|(number, &(_, digit))| digit == Some(number)),
        };
        makers.chunk_by(|one, next| one.0 == next.0).all(is_one)
            && makers.first().is_none_or(|(place, _)| place.omega > 0)
    }

    /// Of every power of ρ, room for the accumulators that terms reach or rows make; and how many these are.
    pub fn measured_planes(&self) -> (Vec<Plane>, usize) {
        let mut boxes: Vec<Option<[Position; 2]>> = vec![None; self.planes.len()];
        let mut reach = |place: Place| {
            let reached = &mut boxes[place.omega as usize];
            let corners = reached.iter().flatten().copied().chain([place.at]);
            *reached = Some(bounds(corners));
        };
        for block in &self.blocks {
            for run in &block.runs {
                let corners = bounds(run.elements.iter().map(|&(_, at)| at));
                for term in &run.terms {
                    corners.iter().for_each(|&corner| reach(term.place.plus(corner)));
                }
            }
            for place in block.cells.iter().flat_map(Cell::places) {
                reach(place);
            }
        }
        let mut start = 0;
        let mut planes = self.planes.clone();
        for (plane, reached) in planes.iter_mut().zip(boxes) {
            let Some([low, high]) = reached else { continue };
            let len = [0, 1]
                .map(|axis| usize::try_from(high[axis] - low[axis] + 1).expect("high is higher"));
            *plane = Plane { start, low, len };
            start += len[0] * len[1];
        }
        (planes, start)
    }
}

/// The least and the greatest exponents.
pub fn bounds(positions: impl Iterator<Item = Position>) -> [Position; 2] {
    let boxes = positions.map(|at| [at, at]);
    boxes
        .reduce(|[low, high], [l, h]| {
            [[low[0].min(l[0]), low[1].min(l[1])], [high[0].max(h[0]), high[1].max(h[1])]]
        })
        .unwrap_or([[0, 0], [0, 0]])
}

#[cfg(test)]
mod tests;

//! The columns of hashed inputs, and the names of their cells.

use crate::circuit::{hashes::FLAGS, poseidon::Fields, query::Placed};
use halo2_proofs::plonk::{Advice, Fixed};

/// A cell of hashes, see [`hashing`](crate::circuit::relations::hashing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashCell {
    /// An element of the state.
    State(usize),
    /// The square of what enters the S-box: the first element and the constant.
    Square,
    /// What is left of the words that are hashed, less the hashes.
    Sum,
    /// What is added to the first element before its S-box.
    Constant,
    /// 1 where the state is the one before, turned past its first element.
    Past,
    /// 1 where it is that times the matrix.
    Full,
    /// 1 where it is the one before times the matrix.
    Partial,
    /// 1 where a permutation begins.
    Begins,
    /// 1 where the first element is the hash of this number.
    Ends(usize),
}

/// The columns of hashes.
#[derive(Clone, Debug)]
pub struct HashColumns {
    /// See [`HashCell::State`], in the first phase.
    pub state: [Placed<Advice>; Fields::WIDTH],
    /// See [`HashCell::Square`], in the first phase.
    pub square: Placed<Advice>,
    /// See [`HashCell::Sum`], in the second phase.
    pub sum: Placed<Advice>,
    /// See [`HashCell::Constant`].
    pub constant: Placed<Fixed>,
    /// [`HashCell::Past`], [`HashCell::Full`], [`HashCell::Partial`], [`HashCell::Begins`]. By themselves, like that of the
    /// rows of weights.
    pub flags: [Placed<Fixed>; FLAGS],
    /// See [`HashCell::Ends`].
    pub ends: Vec<Placed<Fixed>>,
}

impl HashColumns {
    pub(super) fn place(&self, cell: HashCell) -> Result<Placed<Advice>, Placed<Fixed>> {
        Ok(match cell {
            HashCell::State(element) => self.state[element],
            HashCell::Square => self.square,
            HashCell::Sum => self.sum,
            HashCell::Constant => return Err(self.constant),
            HashCell::Past => return Err(self.flags[0]),
            HashCell::Full => return Err(self.flags[1]),
            HashCell::Partial => return Err(self.flags[2]),
            HashCell::Begins => return Err(self.flags[3]),
            HashCell::Ends(hash) => return Err(self.ends[hash]),
        })
    }

    pub(super) fn fixed(&self) -> impl Iterator<Item = Placed<Fixed>> {
        std::iter::once(self.constant).chain(self.flags).chain(self.ends.iter().copied())
    }
}

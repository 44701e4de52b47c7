//! Hashes of inputs, and where their permutations lie.
//!
//! A hashed input's elements are bytes on rows, as a public one's, and pack into words as those do. What is public is their
//! hash: with n bytes of elements in m words and a blinding,
//!
//! ```text
//! h₀ = 2^64·"zkverdict" + n
//! h₁ = H(h₀, blinding, word₁)      hᵢ₊₁ = H(hᵢ, word₂ᵢ, word₂ᵢ₊₁)      a last word of 0 where m is even
//! ```
//!
//! H is Poseidon of three inputs as [`poseidon`] has it, and the last of them the instance. One row makes one S-box, of which
//! a permutation has 88. The first is of 0, and so known: the row that begins a permutation is the state behind it.

use super::BYTES_PER_WORD;
use super::poseidon::{self, Fields, Order, S_BOXES, Turn};
use halo2_proofs::halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// How many hashes a proof can have: each takes a fixed column.
pub const MOST_HASHES: usize = 64;

/// Rows of a permutation: one for each S-box but the first.
pub const ROWS: usize = S_BOXES - 1;

/// Flags that say how a row's state comes from the one before, and whether a permutation begins.
pub const FLAGS: usize = 4;

/// A hashed input of one inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hashed {
    /// Bytes of its elements.
    pub length: usize,
    /// Words of them.
    pub words: usize,
    /// Which of the packed instances is the hash.
    pub at: usize,
}

impl Hashed {
    /// Words that are hashed: theirs, and one of 0 where the blinding needs it beside the last.
    pub fn taken(self) -> usize {
        self.words | 1
    }

    /// Permutations that take them, two at a time after the first.
    fn permutations(self) -> usize {
        self.words / 2 + 1
    }

    /// What the first permutation begins with.
    fn begins_with(length: usize) -> Fr {
        let tag = "zkverdict"
            .bytes()
            .fold(Fr::zero(), |tag, letter| tag * Fr::from(256) + Fr::from(u64::from(letter)));
        tag * Fr::from_raw([0, 1, 0, 0]) + Fr::from(length as u64)
    }

    /// Whether an input in a circuit of so many rows can have them: files may say anything.
    pub fn is_possible(self, rows: usize) -> bool {
        (1..=rows).contains(&self.words)
            && self.at < rows
            && self.length <= self.words * BYTES_PER_WORD
    }
}

/// The hash of words that hold so many bytes.
pub fn hash(length: usize, words: &[Fr], blinding: Fr) -> Fr {
    let mut taken = vec![blinding];
    taken.extend(words);
    if taken.len() % 2 == 1 {
        taken.push(Fr::zero());
    }
    let begins_with = Hashed::begins_with(length);
    taken.chunks(2).fold(begins_with, |hash, pair| poseidon::hash([hash, pair[0], pair[1]]))
}

/// The rows of each hash, from that which begins its first permutation to that which holds it.
pub fn rows(hashes: &[Hashed]) -> impl Iterator<Item = RangeInclusive<usize>> {
    hashes.iter().scan(1_usize, |next, hashed| {
        let first = *next;
        let last = first.saturating_add(ROWS.saturating_mul(hashed.permutations()));
        *next = last.saturating_add(1);
        Some(first..=last)
    })
}

/// In the running sum of their words, by how many words each hash is behind those above its row: where the packed
/// instances that it is among begin behind all words that are hashed.
pub fn words_behind(hashes: &[Hashed]) -> Vec<usize> {
    let mut rest: usize = hashes.iter().map(|hashed| hashed.taken()).sum();
    let behind = |hashed: &Hashed| {
        rest -= hashed.taken();
        rest + hashed.at
    };
    hashes.iter().map(behind).collect()
}

/// The last row of all of them.
pub fn last_row(hashes: &[Hashed]) -> usize {
    rows(hashes).last().map_or(0, |rows| *rows.end())
}

/// What is fixed about a row of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedRow {
    /// How the state comes from the one of the row before; not at all, where a hash begins.
    pub turn: Option<Turn>,
    /// A permutation begins: two elements are anything.
    pub begins: bool,
    /// What is added to what enters the row's S-box.
    pub constant: Fr,
    /// It holds the hash.
    pub ends: bool,
}

/// What is fixed about the rows of a hash.
pub fn fixed_rows(hashed: Hashed) -> impl Iterator<Item = FixedRow> {
    let Order { steps, .. } = Order::get();
    let last = hashed.permutations() * ROWS;
    (0..=last).map(move |row| {
        // The S-box of this row, and that of the row before.
        let (own, before) = (1 + row % ROWS, 1 + (row + ROWS - 1) % ROWS);
        let ends = row == last;
        let mut constant = if ends { Fr::zero() } else { steps[own].constant };
        if row == 0 {
            constant += Hashed::begins_with(hashed.length);
        }
        FixedRow {
            turn: (row != 0).then_some(steps[before].turn),
            begins: row % ROWS == 0 && !ends,
            constant,
            ends,
        }
    })
}

/// What the rows of a hash hold: the state before the row's constant is added, and the square of what enters its S-box.
pub fn state_rows(hashed: Hashed, words: &[Fr], blinding: Fr) -> Vec<[Fr; Fields::WIDTH + 1]> {
    tampered_rows(hashed, words, blinding, &|_, _| {})
}

/// The same of a prover who cheats in some of them and goes on honestly.
pub fn tampered_rows(
    hashed: Hashed,
    words: &[Fr],
    blinding: Fr,
    tamper: &dyn Fn(usize, &mut [Fr; Fields::WIDTH + 1]),
) -> Vec<[Fr; Fields::WIDTH + 1]> {
    let mut taken = std::iter::once(&blinding).chain(words).copied();
    let mut state = Fields([Fr::zero(); Fields::WIDTH]);
    let mut rows: Vec<[Fr; Fields::WIDTH + 1]> = Vec::new();
    // What comes out of the S-box.
    let mut out = Fr::zero();
    for (number, row) in fixed_rows(hashed).enumerate() {
        if let Some(turn) = row.turn {
            state = state.turned(turn, out);
        }
        if row.begins {
            let [first, second] = [(); 2].map(|()| taken.next().unwrap_or(Fr::zero()));
            state.0[1..].copy_from_slice(&[first, second, Order::get().first]);
        }
        let square = (state.0[0] + row.constant).square();
        let [a, b, c, d] = state.0;
        let mut own = [a, b, c, d, square];
        tamper(number, &mut own);
        let [a, b, c, d, square] = own;
        state = Fields([a, b, c, d]);
        out = square * square * (a + row.constant);
        rows.push(own);
    }
    rows
}

#[cfg(test)]
mod tests;

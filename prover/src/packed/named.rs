//! Named columns: fixed columns that no key commits to. A proof brings the commitments, which are the same in all proofs about
//! the same columns, and an instance names them. So one key serves all that these columns may hold, as the weights of a
//! model that is trained anew.
//!
//! With c_i what is committed to, F_C = Σ Xⁱ·c_i(Xᵗ) the pack, and Z 0 on all rows but the last [`FREE_ROWS`], a proof is about
//!
//! ```text
//! a_i  =  c_i + Z·d_i                d_i of a few random coefficients, drawn for this proof
//! ```
//!
//! which is c_i on every row that gates ask anything of. It brings D = [Σ τⁱ·d_i(τᵗ)]₁, and opens C + Z(x)·D modulo Xᵗ − x, as
//! it opens a pack of the key: nothing is committed to but D, and of c_i nothing is told.

use super::transcript::{WORD, point};
use crate::domain::root_to;
use halo2_proofs::halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};
use sha3::{Digest, Keccak256};

#[cfg(feature = "prove")]
use super::{Layout, link::wipe};
#[cfg(feature = "prove")]
use crate::columns::{Cells, Column};
#[cfg(feature = "prove")]
use std::{fmt, sync::Arc};

/// The last rows, on which a proof says nothing of what is committed to. A column is seen at x, at τᵗ, and at τ through the
/// quotient: as many random values hide it.
pub const FREE_ROWS: usize = 3;

/// What names begin with; the key's digest and the points follow.
const TAG: &[u8; WORD] = b"zkverdict committed columns v1\0\0";

/// Columns that proofs bring commitments to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Their numbers among the fixed columns, ascending. Gates look at each on its own row.
    pub columns: Vec<usize>,
    /// The column of instances that has the name.
    pub instance_column: usize,
    /// The number of the name among that column's values.
    pub number: usize,
}

/// What commitments to a key's named columns are called. The highest byte is 0.
pub fn name(digest: &[u8; WORD], points: &[G1Affine]) -> [u8; WORD] {
    let mut hash = Keccak256::new();
    hash.update(TAG);
    hash.update(digest);
    points.iter().for_each(|commitment| hash.update(point(commitment)));
    let hash: [u8; WORD] = hash.finalize().into();
    let mut name = [0; WORD];
    name[1..].copy_from_slice(&hash[..WORD - 1]);
    name
}

/// The word that names are hashed behind.
pub fn tag() -> [u8; WORD] {
    *TAG
}

/// The points of the last rows.
pub fn free_points(k: u32) -> impl Iterator<Item = Fr> + Clone {
    (1..=FREE_ROWS as i32).rev().map(move |before| root_to(k, -before))
}

/// Z(x). None on one of its own points.
pub(super) fn vanishing(k: u32, x: Fr) -> Option<Fr> {
    let free: Fr = free_points(k).map(|point| x - point).product();
    let inverse: Option<Fr> = free.invert().into();
    inverse.map(|inverse| (x.pow_vartime([1_u64 << k]) - Fr::ONE) * inverse)
}

/// Commitments to named columns with all that opens them, which is as secret as they are.
#[cfg(feature = "prove")]
#[derive(Clone, PartialEq, Eq)]
pub struct CommittedColumns {
    /// What is public of them, with their name: a commitment to each pack.
    pub points: Vec<G1Affine>,
    /// From the first row on; the others are 0.
    pub columns: Vec<Vec<i32>>,
    /// On the last row of each pack's first column: what hides them. They are drawn at random, are not 0, and serve one
    /// commitment alone.
    pub blindings: Vec<Fr>,
}

#[cfg(feature = "prove")]
impl CommittedColumns {
    /// The columns among so many, as they are committed to.
    pub(super) fn place(&self, layout: &Layout, count: usize) -> Vec<Column> {
        let mut placed = vec![Column::default(); count];
        let mut columns = self.columns.iter();
        for (pack, &blinding) in layout.named.iter().zip(&self.blindings) {
            for (number, slot) in pack.slots.iter().enumerate() {
                let cells = columns.next().cloned().unwrap_or_default();
                let last = if number == 0 { blinding } else { Fr::ZERO };
                let mut tail = vec![Fr::ZERO; FREE_ROWS - 1];
                tail.push(last);
                placed[slot.column] = Column { cells: Cells::Ints(Arc::new(cells)), tail };
            }
        }
        placed
    }
}

/// Tells how many columns there are and no more.
#[cfg(feature = "prove")]
impl fmt::Debug for CommittedColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommittedColumns")
            .field("points", &self.points)
            .field("columns", &self.columns.len())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "prove")]
impl Drop for CommittedColumns {
    fn drop(&mut self) {
        for column in &mut self.columns {
            column.fill(0);
            std::hint::black_box(column);
        }
        wipe(&mut self.blindings);
    }
}

/// What hides a named column in one proof: d.
#[cfg(feature = "prove")]
pub(super) struct Mask {
    coefficients: Vec<Fr>,
    /// Z·d on the last rows.
    tail: Vec<Fr>,
}

#[cfg(feature = "prove")]
impl Mask {
    /// That of random coefficients.
    pub(super) fn new(k: u32, coefficients: Vec<Fr>) -> Self {
        let points: Vec<Fr> = free_points(k).collect();
        let value = |at: &Fr| {
            // Z has there the value of the derivative of Xⁿ − 1 over the differences to the others.
            let others = points.iter().filter(|other| *other != at);
            let others: Fr = others.map(|other| *at - other).product();
            let denominator =
                (*at * others).invert().expect("the points are several roots of unity");
            Fr::from(1 << k) * denominator * super::layout::horner(&coefficients, *at)
        };
        let tail = points.iter().map(value).collect();
        Self { coefficients, tail }
    }

    /// A column with Z·d added.
    pub(super) fn hide(&self, k: u32, column: &Column) -> Column {
        let first = (1 << k) - FREE_ROWS;
        let tail = self.tail.iter().enumerate();
        let tail = tail.map(|(row, mask)| column.element(first + row, 1 << k) + mask);
        Column { cells: column.cells.clone(), tail: tail.collect() }
    }

    /// The coefficients of d, lowest first, so many times.
    pub(super) fn times(&self, factor: Fr) -> Vec<Fr> {
        self.coefficients.iter().map(|coefficient| factor * coefficient).collect()
    }
}

/// The coefficients of Σ Xⁱ·d_i(Xᵗ).
#[cfg(feature = "prove")]
pub(super) fn packed(width: usize, masks: &[Mask]) -> Vec<Fr> {
    let mut packed = vec![Fr::ZERO; width * FREE_ROWS];
    for (slot, mask) in masks.iter().enumerate() {
        let places = packed[slot..].iter_mut().step_by(width);
        places.zip(&mask.coefficients).for_each(|(place, coefficient)| *place = *coefficient);
    }
    packed
}

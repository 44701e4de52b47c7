//! What must hold between the cells of a row and of the row before it.
//!
//! Each relation is stated once, over whatever [`Row`] gives: gates ask it of expressions, the witness of field
//! elements. Its argument, its gate, what an honest prover does about it and its tests stand beside it.
//!
//! | module | claim |
//! |---|---|
//! | [`lookup`] | limbs are below N, bytes are read from the table |
//! | [`division`] | a made byte is a quotient's |
//! | [`interval`] | a made byte is that of an interval |
//! | [`float_sum`] | float32 sums are rounded as float32 rounds them |
//! | [`larger`] | a value is the larger of two |
//! | [`product`] | an accumulator is the product of two values |
//! | [`wires`] | everything made is the sum of what is contributed to it |
//! | [`packing`] | instances hold the input's and the output's bytes |
//! | [`linking`] | committed inputs are the words of commitments |
//! | [`hashing`] | hashes are those of the words of hashed inputs |

pub mod division;
pub mod float_sum;
mod gate;
pub mod hashing;
pub mod interval;
pub mod larger;
pub mod linking;
pub mod lookup;
pub mod packing;
pub mod product;
mod row;
pub mod wires;

pub use row::Row;

use super::columns::Columns;
use super::shape::Shape;
use gate::Gates;
use halo2_proofs::{halo2curves::bn256::Fr, plonk::ConstraintSystem};

/// Adds the gates of all relations.
pub fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns, shape: &Shape) {
    let mut gates = Gates::new(meta, columns, shape);
    lookup::configure(&mut gates);
    wires::configure(&mut gates);
    larger::configure(&mut gates);
    product::configure(&mut gates);
    packing::configure(&mut gates);
    linking::configure(&mut gates);
    hashing::configure(&mut gates);
    float_sum::configure(&mut gates);
    interval::configure(&mut gates);
}

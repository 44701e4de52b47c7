//! What the table holds: for each function of accumulators, the rows that its bytes are read from.
//!
//! | module | says |
//! |---|---|
//! | [`rules`] | what becomes of an accumulator |
//! | [`fits`] | how each rule is proved with a table of some length |
//! | [`intervals`] | where a function is constant |
//! | [`binades`] | how float32 rounds sums |

pub mod binades;
pub mod fits;
pub mod intervals;
pub mod rules;

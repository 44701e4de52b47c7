//! Work on many rows: on all threads where proofs are made, on one where they are only checked.

use std::ops::Range;

/// Rows that a thread takes at once.
const PART: usize = 1 << 11;

/// What `of` makes of each item, in order.
pub fn each<I: Send, T: Send>(
    items: impl IntoIterator<Item = I>,
    of: impl Fn(I) -> T + Sync,
) -> Vec<T> {
    let items: Vec<I> = items.into_iter().collect();
    #[cfg(feature = "prove")]
    {
        use rayon::prelude::*;
        items.into_par_iter().map(&of).collect()
    }
    #[cfg(not(feature = "prove"))]
    items.into_iter().map(of).collect()
}

/// What both make.
pub fn both<A: Send, B: Send>(
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    #[cfg(feature = "prove")]
    {
        rayon::join(a, b)
    }
    #[cfg(not(feature = "prove"))]
    (a(), b())
}

/// Sorts, equal items in any order.
pub fn sort<T: Ord + Send>(items: &mut [T]) {
    #[cfg(feature = "prove")]
    {
        use rayon::prelude::*;
        items.par_sort_unstable();
    }
    #[cfg(not(feature = "prove"))]
    items.sort_unstable();
}

/// What `of` makes of one part of the rows after the other.
pub fn parts<T: Send>(rows: Range<usize>, of: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let starts = rows.clone().step_by(PART);
    each(starts, |start| of(start..(start + PART).min(rows.end)))
}

/// What `of` makes of each row.
pub fn map<T: Send>(rows: Range<usize>, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
    parts(rows, |rows| rows.map(&of).collect::<Vec<T>>()).into_iter().flatten().collect()
}

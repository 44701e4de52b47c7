//! Columns that hold what commitments hold.
//!
//! The elements of a committed input or output are bytes on rows, as a public one's, and pack into words as those do. The words stand in
//! a column of their own, its *link*, of which packed proofs show that it holds what a commitment holds
//! (`docs/protocol.md`). A commitment is of a *class*: over a domain of 2^class rows, whatever the circuit. So its words lie
//! as far apart in the circuit as the circuit is longer than that.

pub use zkverdict_prover::packed::link::class_of;

/// How many inputs and outputs of a model can be committed.
pub const MOST_LINKS: usize = 4;

/// A column that holds what a commitment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The backend's advice column.
    pub column: usize,
    /// The commitment's class.
    pub class: u32,
    /// Which instance is the commitment's name.
    pub name: usize,
}

/// What a circuit knows of outputs that are committed, all of them: the last links are theirs, and their words are packed behind
/// all instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CommittedOutputs {
    /// How many there are.
    pub links: usize,
    /// Packed instances, which come before their words.
    pub words: usize,
}

/// The rows of so many words in a circuit of 2^k rows; none if it is shorter than their class's domain.
pub fn rows(words: usize, k: u32) -> Option<impl DoubleEndedIterator<Item = usize>> {
    let apart = 1 << k.checked_sub(class_of(words)?)?;
    Some((1..=words).map(move |word| word * apart))
}

/// The last row of links with so many words each.
pub fn last_row(links: &[usize], k: u32) -> Option<usize> {
    links
        .iter()
        .try_fold(0, |last, &words| Some(rows(words, k)?.next_back().unwrap_or(0).max(last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lie_on_the_rows_of_their_domain() {
        assert!(rows(3, 8).unwrap().eq([4, 8, 12]));
        assert!(rows(47, 6).unwrap().eq(1..48));
        assert!(rows(48, 6).is_none());
        assert_eq!(last_row(&[3, 48], 9), Some(48 * 4));
        assert_eq!(last_row(&[48, 3], 9), Some(48 * 4));
        assert_eq!(last_row(&[], 9), Some(0));
        assert_eq!(last_row(&[3, 48], 6), None);
    }
}

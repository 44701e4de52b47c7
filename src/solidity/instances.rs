//! What the instances are, as the contract tells it.

use std::fmt;

/// What a part of the instances is. The numbers are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceKind {
    /// What ties an inference to its use.
    Context = 0,
    /// The name of a committed input.
    Name = 1,
    /// An input of the model.
    Input = 2,
    /// What a claim about the outputs is asked with.
    ClaimParameter = 3,
    /// What a claim says.
    ClaimResult = 4,
    /// An output of the model.
    Output = 5,
    /// The name of committed weights: whoever serves a version knows it, where a name of an input is somebody's.
    WeightsName = 6,
}

/// The parts of the instances in order, one for each tensor, and how many instances each takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceCounts(Vec<(InstanceKind, usize)>);

impl InstanceCounts {
    /// Of these parts.
    pub fn new(parts: impl IntoIterator<Item = (InstanceKind, usize)>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// All instances.
    pub fn total(&self) -> usize {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Those that hold the model's inputs.
    pub fn inputs(&self) -> usize {
        self.of(InstanceKind::Input)
    }

    /// Those that hold the model's outputs.
    pub fn outputs(&self) -> usize {
        self.of(InstanceKind::Output)
    }

    fn of(&self, wanted: InstanceKind) -> usize {
        self.0.iter().filter(|(part, _)| *part == wanted).map(|(_, count)| count).sum()
    }
}

/// Hexadecimal digits of four bytes for each part, as the contract has them: what it is, how many instances.
impl fmt::Display for InstanceCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&(part, count)| write!(f, "{:02x}{count:06x}", part as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_and_written_in_order() {
        let counts = InstanceCounts::new([
            (InstanceKind::Context, 1),
            (InstanceKind::Input, 26),
            (InstanceKind::Input, 2),
            (InstanceKind::Output, 300),
        ]);
        assert_eq!((counts.total(), counts.inputs(), counts.outputs()), (329, 28, 300));
        assert_eq!(counts.to_string(), "00000001_0200001a_02000002_0500012c".replace('_', ""));
    }
}

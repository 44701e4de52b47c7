//! What is asked of a layout, whatever its circuit.

/// What a layout should be best at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// Proving time.
    #[default]
    Speed,
    /// Gas of a verification.
    Gas,
    /// Memory while proving.
    Memory,
}

impl Goal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Speed, Self::Gas, Self::Memory];
}

/// What the caller asks of a layout.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// What to be best at.
    pub goal: Goal,
    /// Exactly this k.
    pub k: Option<u32>,
    /// No larger k.
    pub max_k: Option<u32>,
    /// Columns share commitments in proofs: that they also share the backend's columns would spare nothing then, and take
    /// random rows. Verifiers add the packed instances up, so that no row takes them: a verifier that does not, as halo2's,
    /// binds none of them.
    pub packed: bool,
    /// Just so many values to a row of packed proofs' circuits, where neighbours are alike; as many as cost least if none.
    pub abreast: Option<usize>,
    /// The input stays with the prover.
    pub private_input: bool,
}

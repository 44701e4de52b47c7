//! Why no contract could be made.

/// Why a verifying key did not become a contract.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SolidityError {
    /// The parameters are for circuits of another size.
    #[error("the SRS is for k = `{srs}`, expected `{key}` as in the verifying key")]
    SrsSize {
        /// k of the parameters.
        srs: u32,
        /// k of the verifying key.
        key: u32,
    },

    /// A count of instances is given for too few or too many columns.
    #[error("instance counts are given for `{received}` columns, expected `{expected}`")]
    InstanceColumns {
        /// Columns with a count.
        received: usize,
        /// Instance columns of the circuit.
        expected: usize,
    },

    /// An instance column is longer than the usable rows of the circuit.
    #[error("instance column `{column}` has `{count}` instances, at most `{rows}` rows are usable")]
    TooManyInstances {
        /// Index of the column.
        column: usize,
        /// Its instances.
        count: usize,
        /// What fits.
        rows: usize,
    },

    /// A description of the instances is another circuit's.
    #[error("`{received}` instances are described, expected `{expected}`")]
    InstanceCounts {
        /// Instances described.
        received: usize,
        /// Instances of the circuit.
        expected: usize,
    },

    /// More or fewer addresses than parts.
    #[error("`{received}` addresses of parts, expected `{expected}`")]
    PartAddresses {
        /// Addresses given.
        received: usize,
        /// Parts.
        expected: usize,
    },

    /// A constraint needs a higher degree than the constraint system allows, so that no proof can be made.
    #[error(
        "`{constraint}` has degree `{degree}`, the constraint system allows `{allowed}` (raise it with \
         `set_minimum_degree`)"
    )]
    DegreeTooHigh {
        /// The gate or look-up.
        constraint: String,
        /// Its degree.
        degree: usize,
        /// The degree of the constraint system.
        allowed: usize,
    },

    /// One polynomial is opened twice at the same point, because two rotations are equal modulo the rows.
    #[error(
        "`{polynomial}` is opened twice at rotation `{rotation}`: rotations are equal modulo `{rows}` rows"
    )]
    QueryCollision {
        /// The polynomial.
        polynomial: String,
        /// The rotation, between −rows/2 and rows/2.
        rotation: i64,
        /// Rows of the circuit.
        rows: u64,
    },

    /// The name is not a Solidity identifier.
    #[error("`{name}` is not a Solidity identifier")]
    InvalidName {
        /// The name.
        name: String,
    },

    /// A tensor's scale is not a positive number of ordinary size.
    #[error("tensor `{tensor}`: scale `{scale}` cannot be a fixed-point number")]
    InvalidScale {
        /// The tensor.
        tensor: String,
        /// Its scale.
        scale: f32,
    },

    /// The circuit's columns cannot be packed.
    #[error(transparent)]
    Packed(#[from] zkverdict_prover::packed::Error),

    /// The circuit cannot be laid out.
    #[error("the circuit cannot be synthesized: {0}")]
    Synthesis(#[source] halo2_proofs::plonk::Error),

    /// The verifying key does not fit together.
    #[error("the verifying key has {what}")]
    InconsistentKey {
        /// What does not fit.
        what: String,
    },

    /// The template failed.
    #[error("the contract could not be rendered: {0}")]
    Template(#[from] askama::Error),

    /// No Solidity compiler is installed where one is looked for.
    #[cfg(feature = "compile")]
    #[error("no Solidity compiler found; looked at {}", list(looked))]
    NoCompiler {
        /// Where one might have been.
        looked: Vec<std::path::PathBuf>,
    },

    /// The compiler cannot be run.
    #[cfg(feature = "compile")]
    #[error("the Solidity compiler `{}` failed", path.display())]
    Compiler {
        /// The compiler.
        path: std::path::PathBuf,
        /// How it failed.
        source: std::io::Error,
    },

    /// No chain takes a contract with so many points.
    #[error(
        "the key's `{points}` points take a contract of `{bytes}` bytes, a chain takes at most `{limit}`"
    )]
    KeyTooLarge {
        /// Points of the key, each counted once.
        points: usize,
        /// Bytes of the contract that holds them.
        bytes: usize,
        /// The largest that can be deployed.
        limit: usize,
    },

    /// No chain takes a contract of this size.
    #[cfg(feature = "compile")]
    #[error("the contract takes `{bytes}` bytes, a chain takes at most `{limit}`")]
    CodeTooLarge {
        /// Bytes of runtime code.
        bytes: usize,
        /// The largest that can be deployed.
        limit: usize,
    },

    /// No chain takes a constructor of this size.
    #[cfg(feature = "compile")]
    #[error("the contract's init code takes `{bytes}` bytes, a chain takes at most `{limit}`")]
    InitCodeTooLarge {
        /// Bytes of init code.
        bytes: usize,
        /// The largest that can be deployed.
        limit: usize,
    },

    /// The compiler refused the contract.
    #[cfg(feature = "compile")]
    #[error("the contract does not compile: {message}")]
    Compilation {
        /// The compiler's message.
        message: String,
    },
}

#[cfg(feature = "compile")]
fn list(paths: &[std::path::PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    paths.join(", ")
}

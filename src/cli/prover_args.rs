//! Which prover makes a proof, and from which random values.

use super::CliError;
use crate::bundle::unhex;
use crate::proving::{ProverKind, Seeded};

/// What `prove` takes.
#[derive(clap::Args)]
pub struct ProverArgs {
    /// Which prover makes the proof; what is accepted is the same
    #[cfg_attr(feature = "cluster", arg(conflicts_with = "nats"))]
    #[arg(long, value_enum, default_value_t = Choice::Own)]
    prover: Choice,
    /// For tests: takes all random values from this seed, which is as secret as the input
    #[cfg_attr(feature = "cluster", arg(conflicts_with = "nats"))]
    #[arg(long, value_name = "HEX32", value_parser = parse_seed)]
    seed: Option<[u8; 32]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Choice {
    /// This project's
    Own,
    /// This project's without AVX-512
    Portable,
    /// Halo2's
    Stock,
}

fn parse_seed(text: &str) -> Result<[u8; 32], String> {
    let bytes = unhex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| "expected `0x` and 64 hexadecimal digits".into())
}

impl ProverArgs {
    /// The prover.
    pub fn kind(&self) -> ProverKind {
        match self.prover {
            Choice::Own => ProverKind::Own,
            Choice::Portable => ProverKind::Portable,
            Choice::Stock => ProverKind::Stock,
        }
    }

    /// The random values, where they are not the system's.
    pub fn randomness(&self) -> Result<Option<Seeded>, CliError> {
        match (self.seed, self.prover) {
            (Some(_), Choice::Stock) => Err(CliError::Usage {
                message: "halo2's prover takes no seed".into(),
                hint: "leave out `--seed` or `--prover stock`".into(),
            }),
            (seed, _) => Ok(seed.map(Seeded::new)),
        }
    }
}

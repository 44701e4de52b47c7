//! Proofs for circuits of halo2-axiom that have neither permutations nor look-ups of the backend, made several times
//! faster and in less memory than by its `create_proof`, and accepted by the same verifiers: the messages, their order
//! and the challenges are the same.
//!
//! | module | does |
//! |---|---|
//! | `domain` | roots of unity |
//! | `field` | eight elements at a time, with AVX-512 or without |
//! | `fft` | transforms without reordering |
//! | `msm` | commitments |
//! | `columns`, `synthesis` | a circuit's cells, as integers where they are |
//! | `program`, `quotient` | gates, compiled, on one coset after the other |
//! | `engine` | the choice between the two kinds of lanes |
//! | `device` | sums and quotients on a CUDA device, with the feature `cuda` |
//! | `memory` | gives memory back |
//! | `open` | evaluations and their proof |
//! | `rng` | the random values that hide the witness |
//! | `warnings` | says what a device fails at to who listens |
//! | `prove` | all of it, in order |
//! | [`packed`] | proofs of another format, with fewer commitments |
//!
//! Without the feature `prove` there are [`packed`]'s keys and verdicts alone.
//!
//! Memory is unsafe in three modules: `field` reads the curve library's words and uses the processor's intrinsics,
//! `device` calls a library of another language, and `memory` the allocator.

#[cfg(feature = "prove")]
mod columns;
#[cfg(any(feature = "cuda", all(test, feature = "prove")))]
mod device;
mod domain;
#[cfg(feature = "prove")]
mod engine;
#[cfg(feature = "prove")]
mod fft;
#[cfg(feature = "prove")]
mod field;
#[cfg(feature = "prove")]
mod memory;
#[cfg(feature = "prove")]
mod msm;
#[cfg(feature = "prove")]
mod open;
pub mod packed;
#[cfg(feature = "prove")]
mod program;
#[cfg(feature = "prove")]
mod prove;
#[cfg(feature = "prove")]
mod quotient;
#[cfg(feature = "prove")]
mod rng;
#[cfg(feature = "prove")]
mod synthesis;
#[cfg(feature = "prove")]
mod warnings;
#[cfg(feature = "prove")]
mod watch;

#[cfg(feature = "prove")]
pub use columns::Cells;
#[cfg(feature = "prove")]
pub use engine::multiples;
#[cfg(feature = "prove")]
pub use field::Arithmetic;
#[cfg(feature = "prove")]
pub use rng::{Randomness, Seeded};
#[cfg(feature = "prove")]
pub use synthesis::{Source, Synthesized};
#[cfg(feature = "prove")]
pub use warnings::on_warning;
#[cfg(feature = "prove")]
pub use watch::{Stage, Times};

use halo2_proofs::plonk;
#[cfg(feature = "prove")]
use halo2_proofs::{
    SerdeFormat,
    halo2curves::{
        bn256::{Bn256, Fr, G1Affine},
        group::{Curve, prime::PrimeCurveAffine},
        serde::SerdeObject,
    },
    plonk::{ConstraintSystem, VerifyingKey},
    poly::{
        commitment::{Params, ParamsProver},
        kzg::commitment::ParamsKZG,
    },
    transcript::{EncodedChallenge, TranscriptWrite},
};
use std::io;
#[cfg(feature = "prove")]
use std::sync::atomic::AtomicBool;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The circuit has what this prover does not do.
    #[error("the circuit has {0}, which this prover does not do")]
    Unsupported(&'static str),

    /// Not as many instance columns as the circuit has, or more instances than rows.
    #[error("the instances do not fit the circuit")]
    Instances,

    /// The circuit does not fit its rows, or its witness is not known.
    #[error("the circuit's cells cannot be assigned: {0}")]
    Synthesis(#[from] plonk::Error),

    /// The transcript takes no more, or not this: a commitment at infinity.
    #[error("the transcript does not take a message")]
    Transcript(#[from] io::Error),

    /// Whoever asked for the proof does not want it any more.
    #[error("the proof was cancelled")]
    Cancelled,
}

#[cfg(feature = "prove")]
/// Why there is no device to prove on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDevice {
    /// The feature `cuda` is off.
    #[error("the program was built without the feature `cuda`")]
    NotBuilt,

    /// It was asked for none.
    #[error("`ZKVERDICT_CUDA` is `off`")]
    Off,

    /// There is no library to ask for one.
    #[error("`ZKVERDICT_CUDA` names no library, and none lies beside the program")]
    NoLibrary,

    /// The library cannot be loaded, or finds none.
    #[error("{path}: {why}")]
    Library {
        /// Where it is.
        path: String,
        /// What it says.
        why: String,
    },
}

/// The name of the CUDA device that proofs are made on, as far as it helps: what else there is to do, and all of it where the
/// device fails, the processor does.
#[cfg(feature = "prove")]
pub fn device() -> Result<String, NoDevice> {
    #[cfg(feature = "cuda")]
    return device::name();
    #[cfg(not(feature = "cuda"))]
    Err(NoDevice::NotBuilt)
}

#[cfg(feature = "prove")]
/// How a proof is made.
#[derive(Default)]
pub struct Options<'a> {
    /// Where random values come from; from the operating system if there is nothing.
    pub randomness: Option<&'a dyn Randomness>,
    /// Told of each stage as it begins.
    pub progress: Option<&'a dyn Fn(Stage)>,
    /// Set to stop: looked at between stages, and several times in long ones.
    pub cancel: Option<&'a AtomicBool>,
}

#[cfg(feature = "prove")]
/// What proofs of one circuit are made with.
pub struct Key(prove::Key);

#[cfg(feature = "prove")]
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

#[cfg(feature = "prove")]
/// Whether this prover makes proofs for a constraint system on 2^k rows, or why not.
pub fn supports(system: &ConstraintSystem<Fr>, k: u32) -> Result<(), Error> {
    let unsupported = |what| Err(Error::Unsupported(what));
    if !system.permutation().get_columns().is_empty() {
        return unsupported("copy constraints");
    }
    if !system.lookups().is_empty() {
        return unsupported("look-ups of the backend");
    }
    if system.num_selectors() > 0 {
        return unsupported("selectors");
    }
    // Half of them are transformed at once.
    if k <= fft::SMALLEST {
        return unsupported("fewer than 128 rows");
    }
    if system.gates().iter().flat_map(|gate| gate.polynomials()).next().is_none() {
        return unsupported("no gates");
    }
    Ok(())
}

#[cfg(feature = "prove")]
impl Key {
    /// For a circuit, with or without its witness, under a structured reference string.
    ///
    /// `next`, the power `[τⁿ]₁` that follows the string's last, lets the quotient's pieces be blinded.
    pub fn new(
        params: &ParamsKZG<Bn256>,
        system: &ConstraintSystem<Fr>,
        source: &dyn Source,
        next: Option<G1Affine>,
        arithmetic: Arithmetic,
    ) -> Result<Self, Error> {
        supports(system, params.k())?;
        let points = lagrange_points(params)?;
        let vanishing = next.map(|next| (next.to_curve() - params.get_g()[0]).to_affine());
        let engine = engine::new(&points, arithmetic);
        #[cfg(any(feature = "cuda", all(test, feature = "prove")))]
        let engine = device::on_device(&points, engine);
        Ok(Self(prove::Key::new(&points, vanishing, system, source, engine)?))
    }

    /// The bytes of the circuit's verifying key, as halo2 writes them in [`SerdeFormat::Processed`].
    pub fn verifying_key(&self) -> Vec<u8> {
        self.0.verifying_key()
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// Writes the proof of a circuit with its witness, and says what its stages took.
    pub fn prove<E, T>(
        &self,
        vk: &VerifyingKey<G1Affine>,
        source: &dyn Source,
        instances: &[&[Fr]],
        options: &Options<'_>,
        transcript: &mut T,
    ) -> Result<Times, Error>
    where
        E: EncodedChallenge<G1Affine>,
        T: TranscriptWrite<G1Affine, E>,
    {
        let system;
        let randomness = match options.randomness {
            Some(randomness) => randomness,
            None => {
                system = Seeded::from_system();
                &system
            }
        };
        let mut watch = watch::Watch::new(options.progress, options.cancel);
        self.0.prove(vk, source, instances, randomness, &mut watch, transcript)?;
        Ok(watch.into_times())
    }
}

#[cfg(feature = "prove")]
/// The points that commit to values on the rows: halo2 gives them only to who has a string written.
fn lagrange_points(params: &ParamsKZG<Bn256>) -> Result<Vec<G1Affine>, Error> {
    const POINT: usize = 64;
    struct Tap {
        skip: usize,
        wanted: usize,
        pending: Vec<u8>,
        points: Vec<G1Affine>,
    }
    impl io::Write for Tap {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            if self.points.len() < self.wanted {
                self.pending.extend(&bytes[skipped..]);
            }
            while self.pending.len() >= POINT && self.points.len() < self.wanted {
                // As it lies in memory, where it was checked.
                self.points.push(G1Affine::from_raw_bytes_unchecked(&self.pending[..POINT]));
                self.pending.drain(..POINT);
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let n = params.n() as usize;
    let mut tap = Tap {
        skip: 4 + n * POINT,
        wanted: n,
        pending: Vec::with_capacity(2 * POINT),
        points: Vec::with_capacity(n),
    };
    params.write_custom(&mut tap, SerdeFormat::RawBytesUnchecked)?;
    Ok(tap.points)
}

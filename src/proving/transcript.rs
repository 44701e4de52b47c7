//! The Fiat-Shamir transcript that a contract can follow: Keccak-256 over 32-byte big-endian words.
//!
//! Everything absorbed is appended to a buffer, and a challenge is the hash of that buffer:
//!
//! ```text
//! buffer     = previous hash ‖ what was absorbed since     (at first: only what was absorbed)
//! hash       = keccak256(buffer)                           if the buffer is not a single word
//!            = keccak256(buffer ‖ 0x01)                    if it is
//! challenge  = hash mod r
//! ```
//!
//! A point is its two coordinates, a scalar is itself, each one word. The proof is the concatenation of
//! what the prover writes, in the same encoding, and so exactly what the contract takes. The format is
//! that of `EvmTranscript` in the `snark-verifier` crate.
//!
//! The reader accepts one encoding per value: a scalar or a coordinate not below its modulus, a point off
//! the curve and the point at infinity are errors.

use std::io::{self, Read, Write};

use super::Refusal;
use halo2_proofs::{
    halo2curves::{
        Coordinates, CurveAffine,
        bn256::{Fq, Fr, G1Affine},
        ff::{FromUniformBytes, PrimeField},
        group::prime::PrimeCurveAffine,
    },
    transcript::{
        EncodedChallenge, Transcript, TranscriptRead, TranscriptReadBuffer, TranscriptWrite,
        TranscriptWriterBuffer,
    },
};
use sha3::{Digest, Keccak256};

/// Bytes of a scalar or a coordinate in a proof.
pub const WORD_BYTES: usize = 32;

/// A hash, reduced to a challenge in the scalar field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeccakChallenge(Fr);

impl EncodedChallenge<G1Affine> for KeccakChallenge {
    type Input = [u8; WORD_BYTES];

    fn new(hash: &Self::Input) -> Self {
        // A little-endian integer of 64 bytes, reduced.
        let mut wide = [0; 2 * WORD_BYTES];
        for (to, from) in wide.iter_mut().zip(hash.iter().rev()) {
            *to = *from;
        }
        Self(Fr::from_uniform_bytes(&wide))
    }

    fn get_scalar(&self) -> Fr {
        self.0
    }
}

/// What has been absorbed since the last challenge.
#[derive(Debug, Clone, Default)]
struct Buffer(Vec<u8>);

impl Buffer {
    fn absorb_point(&mut self, point: G1Affine) -> io::Result<[[u8; WORD_BYTES]; 2]> {
        // The curve library gives the point at infinity the coordinates (0, 0).
        let finite = Option::<Coordinates<G1Affine>>::from(point.coordinates())
            .filter(|_| !bool::from(point.is_identity()));
        let coordinates = finite.ok_or_else(|| {
            io::Error::other("the point at infinity has no encoding in a transcript")
        })?;
        let words = [word_of(coordinates.x()), word_of(coordinates.y())];
        self.0.extend(words.as_flattened());
        Ok(words)
    }

    fn absorb_scalar(&mut self, scalar: Fr) -> [u8; WORD_BYTES] {
        let word = word_of(&scalar);
        self.0.extend(word);
        word
    }

    fn squeeze(&mut self) -> KeccakChallenge {
        let mut hasher = Keccak256::new_with_prefix(&self.0);
        if self.0.len() == WORD_BYTES {
            // Distinguishes a second challenge from the state that it is drawn from.
            hasher.update([1]);
        }
        let hash = hasher.finalize().into();
        self.0.clear();
        self.0.extend(hash);
        KeccakChallenge::new(&hash)
    }
}

/// The prover's side: writes a proof as the contract takes it.
#[derive(Debug, Clone)]
pub struct KeccakWrite<W> {
    buffer: Buffer,
    writer: W,
}

/// The verifier's side: reads a proof, refusing all that the contract refuses.
#[derive(Debug, Clone)]
pub struct KeccakRead<R> {
    buffer: Buffer,
    reader: R,
    points: u64,
    scalars: u64,
    refusal: Option<Refusal>,
}

impl<R> KeccakRead<R> {
    /// Returns the reader: what is left in it is not part of the proof.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// What is left to be read.
    pub(super) fn reader(&self) -> &R {
        &self.reader
    }

    /// What was wrong with the first value that could not be read, counted among those of its kind.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal.clone()
    }
}

impl<W> Transcript<G1Affine, KeccakChallenge> for KeccakWrite<W> {
    fn squeeze_challenge(&mut self) -> KeccakChallenge {
        self.buffer.squeeze()
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.buffer.absorb_point(point).map(drop)
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.buffer.absorb_scalar(scalar);
        Ok(())
    }
}

impl<W: Write> TranscriptWrite<G1Affine, KeccakChallenge> for KeccakWrite<W> {
    fn write_point(&mut self, point: G1Affine) -> io::Result<()> {
        let words = self.buffer.absorb_point(point)?;
        self.writer.write_all(words.as_flattened())
    }

    fn write_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        let word = self.buffer.absorb_scalar(scalar);
        self.writer.write_all(&word)
    }
}

impl<W: Write> TranscriptWriterBuffer<W, G1Affine, KeccakChallenge> for KeccakWrite<W> {
    fn init(writer: W) -> Self {
        Self { buffer: Buffer::default(), writer }
    }

    fn finalize(self) -> W {
        self.writer
    }
}

impl<R> Transcript<G1Affine, KeccakChallenge> for KeccakRead<R> {
    fn squeeze_challenge(&mut self) -> KeccakChallenge {
        self.buffer.squeeze()
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.buffer.absorb_point(point).map(drop)
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.buffer.absorb_scalar(scalar);
        Ok(())
    }
}

impl<R: Read> TranscriptRead<G1Affine, KeccakChallenge> for KeccakRead<R> {
    fn read_point(&mut self) -> io::Result<G1Affine> {
        let index = self.points;
        self.points += 1;
        let point = self.next_point();
        if point.is_err() {
            self.refusal.get_or_insert(Refusal::PointNotOnCurve { index });
        }
        point
    }

    fn read_scalar(&mut self) -> io::Result<Fr> {
        let index = self.scalars;
        self.scalars += 1;
        let scalar = read_word(&mut self.reader, "scalar");
        if scalar.is_err() {
            self.refusal.get_or_insert(Refusal::ScalarOutOfRange { index });
        }
        let scalar = scalar?;
        self.buffer.absorb_scalar(scalar);
        Ok(scalar)
    }
}

impl<R: Read> KeccakRead<R> {
    fn next_point(&mut self) -> io::Result<G1Affine> {
        let x: Fq = read_word(&mut self.reader, "coordinate")?;
        let y: Fq = read_word(&mut self.reader, "coordinate")?;
        let point = Option::from(G1Affine::from_xy(x, y))
            .ok_or_else(|| invalid("a point of the proof is not on the curve"))?;
        // Refuses (0, 0), which `from_xy` takes for the point at infinity.
        self.buffer.absorb_point(point)?;
        Ok(point)
    }
}

impl<R: Read> TranscriptReadBuffer<R, G1Affine, KeccakChallenge> for KeccakRead<R> {
    fn init(reader: R) -> Self {
        Self { buffer: Buffer::default(), reader, points: 0, scalars: 0, refusal: None }
    }
}

/// The big-endian encoding of a field element.
pub fn word_of<F: PrimeField<Repr = [u8; WORD_BYTES]>>(element: &F) -> [u8; WORD_BYTES] {
    let mut word = element.to_repr();
    word.reverse();
    word
}

pub(super) fn read_word<F: PrimeField<Repr = [u8; WORD_BYTES]>>(
    reader: &mut impl Read,
    what: &str,
) -> io::Result<F> {
    let mut word = [0; WORD_BYTES];
    reader.read_exact(&mut word)?;
    word.reverse();
    Option::from(F::from_repr(word))
        .ok_or_else(|| invalid(&format!("a {what} of the proof is not below its modulus")))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_proofs::halo2curves::ff::Field;
    use rand::{Rng, SeedableRng, rngs::StdRng};
    use snark_verifier::{
        loader::native::NativeLoader,
        system::halo2::transcript::evm::{ChallengeEvm, EvmTranscript},
    };

    type Reference<S> = EvmTranscript<G1Affine, NativeLoader, S, Vec<u8>>;

    fn point(rng: &mut StdRng) -> G1Affine {
        (G1Affine::generator() * Fr::random(rng)).into()
    }

    /// The same random messages to a transcript; returns its challenges.
    fn speak<E: EncodedChallenge<G1Affine>>(
        seed: u64,
        transcript: &mut impl TranscriptWrite<G1Affine, E>,
    ) -> Vec<Fr> {
        let rng = &mut StdRng::seed_from_u64(seed);
        let mut challenges = vec![];
        for _ in 0..40 {
            match rng.gen_range(0..6) {
                0 => transcript.common_point(point(rng)).expect("points are finite"),
                1 => transcript.common_scalar(Fr::random(&mut *rng)).expect("buffers do not fail"),
                2 => transcript.write_point(point(rng)).expect("points are finite"),
                3 => transcript.write_scalar(Fr::random(&mut *rng)).expect("buffers do not fail"),
                // Often twice in a row, the case that appends 0x01.
                _ => challenges.push(transcript.squeeze_challenge().get_scalar()),
            }
        }
        challenges
    }

    #[test]
    fn writer_is_byte_compatible_with_snark_verifier() {
        for seed in 0..20 {
            let mut ours = KeccakWrite::init(vec![]);
            let mut theirs = Reference::new(vec![]);
            let challenges = speak(seed, &mut ours);
            assert_eq!(challenges, speak::<ChallengeEvm<G1Affine>>(seed, &mut theirs));
            assert_eq!(ours.finalize(), theirs.finalize());
        }
    }

    #[test]
    fn reader_gives_back_what_was_written_and_the_same_challenges() {
        let rng = &mut StdRng::seed_from_u64(7);
        let (p, s) = (point(rng), Fr::random(rng));
        let mut writer = KeccakWrite::init(vec![]);
        writer.write_point(p).expect("a finite point");
        writer.write_scalar(s).expect("buffers do not fail");
        let challenge = writer.squeeze_challenge();
        let proof = writer.finalize();

        let mut reader = KeccakRead::init(&proof[..]);
        assert_eq!(reader.read_point().expect("a point was written"), p);
        assert_eq!(reader.read_scalar().expect("a scalar was written"), s);
        assert_eq!(reader.squeeze_challenge(), challenge);
        assert!(reader.into_inner().is_empty());
    }

    #[test]
    fn challenge_is_the_hash_modulo_r() {
        let hash = [0xff; 32];
        let expected = ChallengeEvm::<G1Affine>::new(&hash).get_scalar();
        assert_eq!(KeccakChallenge::new(&hash).get_scalar(), expected);
    }

    fn modulus<F: PrimeField>() -> Vec<u8> {
        let digits = F::MODULUS.trim_start_matches("0x");
        let byte = |i: usize| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16);
        (0..WORD_BYTES).map(|i| byte(i).expect("the modulus is hexadecimal")).collect()
    }

    fn refuses_point(bytes: &[u8]) -> bool {
        KeccakRead::init(bytes).read_point().is_err()
    }

    #[test]
    fn scalar_at_or_above_the_modulus_is_refused() {
        assert!(KeccakRead::init(&modulus::<Fr>()[..]).read_scalar().is_err());
        assert!(KeccakRead::init(&[0xff; 32][..]).read_scalar().is_err());
        assert!(KeccakRead::init(&[0; 31][..]).read_scalar().is_err());
    }

    #[test]
    fn coordinate_at_or_above_the_modulus_is_refused() {
        // (1 + q, 2) and (1, 2 + q) are the generator to a reader that reduces.
        let word = |small: u8| {
            let mut word = [0; 32];
            word[31] = small;
            word
        };
        let above = |small: u8| {
            let mut word = modulus::<Fq>();
            word[31] += small;
            word
        };
        assert!(!refuses_point(&[word(1), word(2)].concat()));
        assert!(refuses_point(&[above(1), word(2).to_vec()].concat()));
        assert!(refuses_point(&[word(1).to_vec(), above(2)].concat()));
    }

    #[test]
    fn point_off_the_curve_is_refused() {
        let mut bytes = [0; 64];
        bytes[31] = 1;
        bytes[63] = 3;
        assert!(refuses_point(&bytes));
    }

    #[test]
    fn point_at_infinity_is_refused() {
        assert!(refuses_point(&[0; 64]));
        let infinity = G1Affine::default();
        assert!(KeccakWrite::init(vec![]).write_point(infinity).is_err());
        assert!(KeccakWrite::init(vec![]).common_point(infinity).is_err());
    }
}

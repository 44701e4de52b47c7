//! The powers of a structured reference string alone, as many as packed proofs take: halo2's strings have as many as a
//! circuit has rows, and for each a point that commits to a value.
//!
//! They are read from the same files as halo2's, and checked as those are; what lies in a bundle is
//! `[1]₂ ‖ [τ]₂ ‖ [1]₁ ‖ [τ]₁ …`, uncompressed.

use super::srs::{
    G1_BYTES, G2_BYTES, LARGEST_K, MALFORMED, check_points, check_powers, fingerprint_of,
    points_of, ptau_count, ptau_points, public_secret, raw_count, raw_points,
};
use super::{ProvingError, Srs, SrsOrigin, WORD_BYTES, ceremony, development};
use halo2_proofs::{
    halo2curves::{
        bn256::{G1Affine, G2Affine},
        group::Curve,
        serde::SerdeObject,
    },
    poly::commitment::ParamsProver,
};
use std::sync::Arc;
use zkverdict_prover::packed as library;

/// The powers of a structured reference string.
#[derive(Clone)]
pub struct Powers {
    /// `[1]₁`, `[τ]₁` and so on.
    pub g1: Arc<Vec<G1Affine>>,
    /// `[1]₂` and `[τ]₂`.
    pub g2: [G2Affine; 2],
    /// Where the string comes from.
    pub origin: SrsOrigin,
}

impl std::fmt::Debug for Powers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Powers({}, {:?})", self.g1.len(), self.origin)
    }
}

/// Those of halo2's form: as many as rows.
impl From<&Srs> for Powers {
    fn from(srs: &Srs) -> Self {
        let (params, origin) = (&srs.params, srs.origin);
        Self { g1: params.get_g().to_vec().into(), g2: [params.g2(), params.s_g2()], origin }
    }
}

impl Powers {
    /// Those of the string that [`Srs::unsafe_dev`] makes, whose secret is public.
    pub fn unsafe_dev(count: usize) -> Self {
        let secret = development::secret();
        let g1 = development::multiples(&development::powers(secret, count));
        let g2 = G2Affine::generator();
        let g2 = [g2, (g2 * secret).to_affine()];
        Self { g1: g1.into(), g2, origin: SrsOrigin::UnsafeDev }
    }

    /// How many a `.ptau` or raw file says that it has in G1.
    pub fn in_file(bytes: &[u8]) -> Result<usize, ProvingError> {
        if bytes.starts_with(b"ptau") { ptau_count(bytes) } else { raw_count(bytes) }
    }

    /// Reads so many powers of a `.ptau` or raw file, and checks them.
    pub fn read(bytes: &[u8], count: usize) -> Result<Self, ProvingError> {
        let (origin, (mut g1, g2)) = if bytes.starts_with(b"ptau") {
            (SrsOrigin::Ptau, ptau_points(bytes, count)?)
        } else {
            (SrsOrigin::Raw, raw_points(bytes, count)?)
        };
        g1.truncate(count);
        let powers = Self { g1: g1.into(), g2, origin };
        powers.check_length(count)?;
        powers.check()?;
        match powers.public_secret() {
            Some(name) => Err(ProvingError::SrsPublicSecret(name)),
            None => Ok(powers),
        }
    }

    /// The bytes that [`Self::from_bytes_unchecked`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 * G2_BYTES + G1_BYTES * self.g1.len());
        bytes.extend(self.g2.iter().flat_map(SerdeObject::to_raw_bytes));
        for power in self.g1.iter() {
            power.write_raw(&mut bytes).expect("memory takes all that is written");
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote, without the pairings: as of
    /// [`Srs::from_bytes_unchecked`], only for files whose writer is trusted.
    pub fn from_bytes_unchecked(bytes: &[u8], origin: SrsOrigin) -> Result<Self, ProvingError> {
        let malformed = || ProvingError::SrsInvalid(MALFORMED);
        let (in_g2, in_g1) = bytes.split_at_checked(2 * G2_BYTES).ok_or_else(malformed)?;
        if in_g1.is_empty()
            || in_g1.len() % G1_BYTES != 0
            || in_g1.len() / G1_BYTES > 1 << LARGEST_K
        {
            return Err(malformed());
        }
        let (g2, tau_g2) = in_g2.split_at(G2_BYTES);
        let in_g2 = |bytes| G2Affine::from_raw_bytes(bytes).ok_or_else(malformed);
        let g2 = [in_g2(g2)?, in_g2(tau_g2)?];
        let g1 = points_of(in_g1);
        let powers = Self { g1: g1.into(), g2, origin };
        check_points(powers.g1[0], powers.g2, powers.g1.iter())?;
        Ok(powers)
    }

    /// The name of the string, where its secret is one that everybody can compute.
    pub fn public_secret(&self) -> Option<&'static str> {
        public_secret(self.g2[1])
    }

    /// The public ceremony that the string comes from, where it is one that this crate knows.
    pub fn ceremony(&self) -> Option<&'static str> {
        ceremony::of(self.g2[1])
    }

    /// What tells the string from others: see [`fingerprint`](super::fingerprint).
    pub fn fingerprint(&self) -> [u8; WORD_BYTES] {
        fingerprint_of(self.g2[1])
    }

    /// The first of them.
    #[must_use]
    pub fn cut_down(&self, count: usize) -> Self {
        if count >= self.g1.len() {
            return self.clone();
        }
        Self { g1: Arc::new(self.g1[..count].to_vec()), ..self.clone() }
    }

    /// Whether there are so many.
    pub(super) fn check_length(&self, needed: usize) -> Result<(), ProvingError> {
        match self.g1.len() {
            found if found < needed => Err(ProvingError::SrsTooFewPowers { needed, found }),
            _ => Ok(()),
        }
    }

    /// Checks them by pairings: see the module of [`Srs`] for what holds afterwards.
    pub(super) fn check(&self) -> Result<(), ProvingError> {
        check_points(self.g1[0], self.g2, self.g1.iter())?;
        check_powers(&self.g1, self.g2)
    }

    pub(super) fn as_library(&self) -> library::Powers<'_> {
        library::Powers { g1: &self.g1, g2: self.g2 }
    }
}

/// A structured reference string in the form that keys of a format take.
pub trait ReferenceString {
    /// What a bundle keeps.
    fn to_bytes(&self) -> Vec<u8>;
    /// Where it comes from.
    fn origin(&self) -> SrsOrigin;
}

impl ReferenceString for Powers {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes()
    }

    fn origin(&self) -> SrsOrigin {
        self.origin
    }
}

impl ReferenceString for Srs {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes()
    }

    fn origin(&self) -> SrsOrigin {
        self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proving::Srs;
    use halo2_proofs::poly::commitment::ParamsProver;

    #[test]
    fn powers_are_those_of_the_string() {
        let srs = Srs::unsafe_dev(5);
        let mut file = srs.to_bytes();
        let own = Powers::unsafe_dev(33);
        assert_eq!((&own.g1[..32], Some(own.g1[32])), (srs.params.get_g(), srs.next));
        assert_eq!(own.g2, [srs.params.g2(), srs.params.s_g2()]);
        assert_eq!(own.fingerprint(), srs.fingerprint());
        own.check().expect("they are powers");
        let kept = Powers::from_bytes_unchecked(&own.to_bytes(), own.origin).expect("its bytes");
        assert_eq!((&kept.g1, kept.g2), (&own.g1, own.g2));
        // Known by its secret in whatever file.
        for count in [20, 33] {
            let error = Powers::read(&file, count).expect_err("its secret is public");
            assert!(matches!(error, ProvingError::SrsPublicSecret(_)), "{error}");
        }
        let error = Powers::read(&file, 34).expect_err("there are fewer");
        let is_short = matches!(error, ProvingError::SrsTooFewPowers { needed: 34, found: 33 });
        assert!(is_short, "{error}");
        // The second power in the third one's place, and one that is no point.
        let (second, third) = (4 + G1_BYTES, 4 + 2 * G1_BYTES);
        file.copy_within(second..third, third);
        let error = Powers::read(&file, 20).expect_err("they are powers of nothing");
        assert!(
            matches!(error, ProvingError::SrsInvalid(what) if what.contains("powers")),
            "{error}"
        );
        file[third] ^= 1;
        let error = Powers::read(&file, 20).expect_err("one is no point");
        assert!(matches!(error, ProvingError::SrsInvalid(MALFORMED)), "{error}");
        for (at, length) in [(0, 300), (2 * G2_BYTES, 200), (2 * G2_BYTES, 2 * G2_BYTES)] {
            let mut bytes = own.to_bytes();
            bytes[at] ^= 1;
            Powers::from_bytes_unchecked(&bytes, own.origin).expect_err("a point is none");
            Powers::from_bytes_unchecked(&own.to_bytes()[..length], own.origin).expect_err("short");
        }
    }
}

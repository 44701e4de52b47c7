//! Structured reference strings: powers of a secret nobody knows, checked before use.
//!
//! Two formats are read: snarkjs' `.ptau`, and halo2's raw `ParamsKZG` (`k ‖ g ‖ g_lagrange ‖ g2 ‖ s_g2`,
//! points uncompressed or compressed). A string is used only when
//!
//! - every point is on the curve (and in the right group, for G2), `g₀` and `g2` are the generators,
//! - `e(Σ cᵢ·gᵢ₊₁, g2) = e(Σ cᵢ·gᵢ, s·g2)` for random cᵢ: the points are powers of s, except with
//!   probability 2^-128,
//! - s is neither 0 nor 1, which a ceremony without contributions leaves,
//! - `g_lagrange` commits to random values as `g` does to their interpolation,
//! - one more power, `[τⁿ]₁`, is kept where the file has it, and is one,
//! - its secret is none that everybody can compute: strings are known by [τ]₂, whatever file they are in.

use super::{ProvingError, WORD_BYTES, ceremony, development, word_of};
use halo2_proofs::{
    SerdeCurveAffine, SerdeFormat,
    arithmetic::{best_multiexp, parallelize},
    halo2curves::{
        bn256::{Bn256, Fr, G1, G1Affine, G2, G2Affine},
        ff::{Field, PrimeField},
        group::{Curve, Group, cofactor::CofactorGroup, prime::PrimeCurveAffine},
        pairing::{MillerLoopResult, MultiMillerLoop},
        serde::SerdeObject,
    },
    poly::{
        EvaluationDomain,
        commitment::{Blind, Params, ParamsProver},
        kzg::commitment::ParamsKZG,
    },
};
use rand::{RngCore, SeedableRng, rngs::OsRng};
use sha3::{Digest, Keccak256};
use std::{
    cmp::Ordering,
    sync::{Arc, OnceLock},
};

/// The largest k a file may claim: the perpetual ceremony's.
pub(super) const LARGEST_K: u32 = 28;

/// What halo2's arithmetic does not take.
const AT_INFINITY: &str = "one of its points is at infinity";

/// What is no point at all.
pub(super) const MALFORMED: &str = "a point is malformed";

/// Bytes of an uncompressed point of G1.
pub(super) const G1_BYTES: usize = 64;

/// The same of G2.
pub(super) const G2_BYTES: usize = 2 * G1_BYTES;

/// Where a string comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SrsOrigin {
    /// A snarkjs powers-of-tau file.
    #[serde(rename = "ptau")]
    Ptau,
    /// A halo2 parameter file.
    #[serde(rename = "raw")]
    Raw,
    /// Made here from a secret that everybody can compute: anybody can forge proofs under it.
    #[serde(rename = "unsafe-dev")]
    UnsafeDev,
}

/// A structured reference string.
#[derive(Clone, Debug)]
pub struct Srs {
    /// In halo2's form.
    pub params: Arc<ParamsKZG<Bn256>>,
    /// The power that follows its last, `[τⁿ]₁`, where the file had it: provers hide with it what halo2's do not.
    pub next: Option<G1Affine>,
    /// Where it comes from.
    pub origin: SrsOrigin,
}

impl Srs {
    /// A string whose secret is public: for development, never for value.
    ///
    /// The same on every machine, so that contracts made with it can be compared.
    pub fn unsafe_dev(k: u32) -> Self {
        let secret = development::secret();
        let mut g = development::multiples(&development::powers(secret, (1 << k) + 1));
        let next = g.pop();
        let in_lagrange = development::multiples(&development::lagrange(secret, k));
        let g2 = G2Affine::generator();
        let tau_g2 = (g2 * secret).to_affine();
        let params = Arc::new(any_params().from_parts(k, g, Some(in_lagrange), g2, tau_g2));
        Self { params, next, origin: SrsOrigin::UnsafeDev }
    }

    /// Reads a `.ptau` or raw file, cut down to a k, and checks it.
    pub fn read(bytes: &[u8], k: u32) -> Result<Self, ProvingError> {
        let srs =
            if bytes.starts_with(b"ptau") { read_ptau(bytes, k) } else { read_raw(bytes, k) }?;
        check(&srs)?;
        match srs.public_secret() {
            Some(name) => Err(ProvingError::SrsPublicSecret(name)),
            None => Ok(srs),
        }
    }

    /// The bytes that [`Self::from_bytes_unchecked`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.params
            .write_custom(&mut bytes, SerdeFormat::RawBytes)
            .expect("memory takes all that is written");
        bytes.extend(self.next.iter().flat_map(SerdeObject::to_raw_bytes));
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote, without the pairings: only for files whose writer is trusted and
    /// which a checksum has shown to be as they were written. An unkeyed checksum beside a file shows its
    /// integrity, not its origin: whoever can replace the one can replace the other.
    pub fn from_bytes_unchecked(bytes: &[u8], origin: SrsOrigin) -> Result<Self, ProvingError> {
        let k = bytes.first().map_or(0, |&k| k.into());
        let srs = Self { origin, ..read_raw(bytes, k)? };
        check_shape(&srs)?;
        Ok(srs)
    }

    /// The name of the string, where its secret is one that everybody can compute.
    pub fn public_secret(&self) -> Option<&'static str> {
        public_secret(self.params.s_g2())
    }

    /// The public ceremony that the string comes from, where it is one that this crate knows.
    pub fn ceremony(&self) -> Option<&'static str> {
        ceremony::of(self.params.s_g2())
    }

    /// What tells the string from others: see [`fingerprint`].
    pub fn fingerprint(&self) -> [u8; WORD_BYTES] {
        fingerprint(&self.params)
    }

    /// The string for a smaller k; none where this is the one.
    pub fn cut_down(&self, k: u32) -> Result<Option<Self>, ProvingError> {
        match self.k().cmp(&k) {
            Ordering::Less => Err(ProvingError::SrsTooSmall { needed: k, found: self.k() }),
            Ordering::Equal => Ok(None),
            Ordering::Greater => {
                let mut params = (*self.params).clone();
                let next = params.get_g().get(1 << k).copied();
                params.downsize(k);
                Ok(Some(Self { params: Arc::new(params), next, origin: self.origin }))
            }
        }
    }

    /// log₂ of the number of powers.
    pub fn k(&self) -> u32 {
        self.params.k()
    }

    /// The powers in G1.
    fn powers(&self) -> impl Iterator<Item = &G1Affine> {
        self.params.get_g().iter().chain(&self.next)
    }
}

/// Some string: halo2 has no other constructor from points than a method of one.
fn any_params() -> ParamsKZG<Bn256> {
    ParamsKZG::setup(0, rand_chacha::ChaCha20Rng::from_seed(development::SEED))
}

/// What is in a file in halo2's raw format.
struct RawFile<'a> {
    k: u32,
    body: &'a [u8],
    point_bytes: usize,
    next: Option<G1Affine>,
}

impl<'a> RawFile<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ProvingError> {
        let (head, body) = split(bytes, 4)?;
        let k = u32::from_le_bytes(head.try_into().expect("four bytes were split off"));
        if k > LARGEST_K {
            return Err(ProvingError::SrsSize(k));
        }
        let powers = 1_u64 << k;
        // Uncompressed or compressed points, or as bundles have them, with one more power at the end: the length tells.
        let expected = |g1: u64| 2 * powers * g1 + 4 * g1;
        let found = body.len() as u64;
        let mut next = None;
        let point_bytes = match found {
            length if length == expected(64) => G1_BYTES,
            length if length == expected(64) + G1_BYTES as u64 => {
                let point = G1Affine::from_raw_bytes(&body[body.len() - G1_BYTES..]);
                next = Some(point.ok_or(ProvingError::SrsInvalid(MALFORMED))?);
                G1_BYTES
            }
            length if length == expected(32) => G1_BYTES / 2,
            _ => return Err(ProvingError::SrsLength { k, found, expected: expected(64) }),
        };
        Ok(Self { k, body, point_bytes, next })
    }

    fn format(point_bytes: usize) -> SerdeFormat {
        if point_bytes == G1_BYTES { SerdeFormat::RawBytes } else { SerdeFormat::Processed }
    }
}

fn read_raw(bytes: &[u8], k: u32) -> Result<Srs, ProvingError> {
    let RawFile { k: file_k, body, point_bytes, mut next } = RawFile::parse(bytes)?;
    if file_k < k {
        return Err(ProvingError::SrsTooSmall { needed: k, found: file_k });
    }
    let mut params = match RawFile::format(point_bytes) {
        SerdeFormat::RawBytes => uncompressed(file_k, body)?,
        format => {
            // The two highest bits are flags, and no coordinate has them.
            let is_nothing =
                |(at, &byte): (usize, &u8)| byte == 0 || at == point_bytes - 1 && byte & 0x3f == 0;
            let mut points = body.chunks_exact(point_bytes).take(2 << file_k);
            if points.any(|point| point.iter().enumerate().all(is_nothing)) {
                return Err(ProvingError::SrsInvalid(AT_INFINITY));
            }
            ParamsKZG::read_custom(&mut &bytes[..], format)
                .map_err(|_| ProvingError::SrsInvalid(MALFORMED))?
        }
    };
    if k < file_k {
        next = params.get_g().get(1 << k).copied();
        params.downsize(k);
    }
    Ok(Srs { params: Arc::new(params), next, origin: SrsOrigin::Raw })
}

/// A string of uncompressed points, all of which are on the curve and none at infinity.
fn uncompressed(k: u32, body: &[u8]) -> Result<ParamsKZG<Bn256>, ProvingError> {
    let malformed = || ProvingError::SrsInvalid(MALFORMED);
    let points = |bytes: &[u8]| {
        let points = points_of(bytes);
        match points.iter().position(|point| bool::from(point.is_identity())) {
            None => Ok(points),
            Some(at) if bytes[G1_BYTES * at..][..G1_BYTES] == [0; G1_BYTES] => {
                Err(ProvingError::SrsInvalid(AT_INFINITY))
            }
            Some(_) => Err(malformed()),
        }
    };
    let (g, rest) = body.split_at_checked(G1_BYTES << k).ok_or_else(malformed)?;
    let (in_lagrange, rest) = rest.split_at_checked(G1_BYTES << k).ok_or_else(malformed)?;
    let (g, in_lagrange) = (points(g)?, points(in_lagrange)?);
    let in_g2 = |at: usize| {
        let bytes = rest.get(G2_BYTES * at..G2_BYTES * (at + 1)).ok_or_else(malformed)?;
        G2Affine::from_raw_bytes(bytes).ok_or_else(malformed)
    };
    Ok(any_params().from_parts(k, g, Some(in_lagrange), in_g2(0)?, in_g2(1)?))
}

/// Uncompressed points; what is none is at infinity, as no point of a string is.
pub(super) fn points_of(bytes: &[u8]) -> Vec<G1Affine> {
    let mut points = vec![G1Affine::default(); bytes.len() / G1_BYTES];
    parallelize(&mut points, |points, start| {
        for (point, bytes) in points.iter_mut().zip(bytes[G1_BYTES * start..].chunks(G1_BYTES)) {
            *point = G1Affine::from_raw_bytes(bytes).unwrap_or_default();
        }
    });
    points
}

/// snarkjs' binary files: a magic word, a version, and typed sections. Those of the types that are known here.
fn ptau_sections(bytes: &[u8]) -> Result<[Option<&[u8]>; 8], ProvingError> {
    let (head, mut rest) = split(bytes, 12)?;
    if number(&head[4..8]) != 1 {
        return Err(ProvingError::SrsInvalid("the file's version is not 1"));
    }
    let mut sections = [None; 8];
    for _ in 0..number(&head[8..12]) {
        let (head, body) = split(rest, 12)?;
        let size = u64::from_le_bytes(head[4..12].try_into().expect("eight bytes"));
        let size = usize::try_from(size).ok().filter(|&size| size <= body.len());
        let (section, after) = body.split_at(size.ok_or_else(truncated)?);
        if let Some(slot) = sections.get_mut(number(&head[..4]) as usize) {
            *slot = Some(section);
        }
        rest = after;
    }
    Ok(sections)
}

/// A number of four bytes.
fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}

fn read_ptau(bytes: &[u8], k: u32) -> Result<Srs, ProvingError> {
    let power = ptau_power(bytes)?;
    if power < k {
        return Err(ProvingError::SrsTooSmall { needed: k, found: power });
    }
    let (mut g, [g2, s_g2]) = ptau_points(bytes, (1 << k) + 1)?;
    if g.len() < 1 << k {
        return Err(truncated());
    }
    let last = if g.len() > 1 << k { g.pop() } else { None };
    let params = Arc::new(any_params().from_parts(k, g, None, g2, s_g2));
    Ok(Srs { params, next: last, origin: SrsOrigin::Ptau })
}

fn ptau_section(bytes: &[u8], id: usize) -> Result<&[u8], ProvingError> {
    ptau_sections(bytes)?[id].ok_or(ProvingError::SrsInvalid("a section of the file is missing"))
}

/// log₂ of half the powers in G1 that a `.ptau` file says it has.
fn ptau_power(bytes: &[u8]) -> Result<u32, ProvingError> {
    const HEADER: usize = 1;
    let header = ptau_section(bytes, HEADER)?;
    // Field size in bytes, the field's modulus, the power.
    let modulus = header.get(4..36).ok_or_else(truncated)?;
    if number(&header[..4]) != 32 || modulus != base_field_modulus() {
        return Err(ProvingError::SrsInvalid("the file is not for the curve BN254"));
    }
    match number(header.get(36..40).ok_or_else(truncated)?) {
        power if power > LARGEST_K => Err(ProvingError::SrsSize(power)),
        power => Ok(power),
    }
}

/// How many powers a `.ptau` file has in G1.
pub(super) fn ptau_count(bytes: &[u8]) -> Result<usize, ProvingError> {
    Ok((2 << ptau_power(bytes)?) - 1)
}

/// The same of halo2's raw file.
pub(super) fn raw_count(bytes: &[u8]) -> Result<usize, ProvingError> {
    let RawFile { k, next, .. } = RawFile::parse(bytes)?;
    Ok((1 << k) + usize::from(next.is_some()))
}

/// At most so many powers of a `.ptau` file in G1, and the first two in G2.
pub(super) fn ptau_points(
    bytes: &[u8],
    count: usize,
) -> Result<(Vec<G1Affine>, [G2Affine; 2]), ProvingError> {
    const TAU_G1: usize = 2;
    const TAU_G2: usize = 3;
    ptau_power(bytes)?;
    // Coordinates are in Montgomery form, little endian, as halo2's raw points.
    let points = ptau_section(bytes, TAU_G1)?.chunks_exact(G1_BYTES).take(count);
    let in_g1 = |(index, point)| {
        G1Affine::from_raw_bytes(point).ok_or(ProvingError::SrsPoint { group: "G1", index })
    };
    let g = points.enumerate().map(in_g1).collect::<Result<_, _>>()?;
    let mut in_g2 = ptau_section(bytes, TAU_G2)?.chunks_exact(G2_BYTES).enumerate();
    let mut next = || {
        let (index, point) = in_g2.next().ok_or_else(truncated)?;
        G2Affine::from_raw_bytes(point).ok_or(ProvingError::SrsPoint { group: "G2", index })
    };
    Ok((g, [next()?, next()?]))
}

/// At most so many powers of halo2's raw file in G1, and the first two in G2; points that commit to values are left out.
pub(super) fn raw_points(
    bytes: &[u8],
    count: usize,
) -> Result<(Vec<G1Affine>, [G2Affine; 2]), ProvingError> {
    let RawFile { k, body, point_bytes, next } = RawFile::parse(bytes)?;
    let (in_g1, in_g2) = body.split_at((2 * point_bytes) << k);
    let format = RawFile::format(point_bytes);
    // Read as bytes, uncompressed points are checked to be on the curve; read from a stream they are not.
    let in_first = |mut bytes: &[u8]| match format {
        SerdeFormat::RawBytes => G1Affine::from_raw_bytes(bytes),
        _ => G1Affine::read(&mut bytes, format).ok(),
    };
    let in_second = |mut bytes: &[u8]| match format {
        SerdeFormat::RawBytes => G2Affine::from_raw_bytes(bytes),
        _ => G2Affine::read(&mut bytes, format).ok(),
    };
    let malformed = || ProvingError::SrsInvalid(MALFORMED);
    let first = in_g1.chunks_exact(point_bytes).take(count.min(1 << k));
    let read = |bytes| in_first(bytes).ok_or_else(malformed);
    let mut g = first.map(read).collect::<Result<Vec<_>, _>>()?;
    g.extend(next.filter(|_| count > g.len()));
    let mut in_g2 = in_g2.chunks_exact(2 * point_bytes);
    let mut next = || in_g2.next().and_then(in_second).ok_or_else(malformed);
    Ok((g, [next()?, next()?]))
}

/// The hash after the last contribution, where a file is a `.ptau` and has one: the name that a ceremony gives to its
/// state. It is what the file claims; its points are what counts.
pub fn last_contribution(file: &[u8]) -> Option<[u8; 64]> {
    const CONTRIBUTIONS: usize = 7;
    /// A hash function's state, which binds the contributor's key.
    const STATE_BYTES: usize = 216;
    // The points after it, the contributor's key: six points of G1 and three of G2.
    const HASH_AT: usize = 9 * G1_BYTES + 5 * G2_BYTES + STATE_BYTES;
    let file = file.starts_with(b"ptau").then_some(file)?;
    let (count, mut rest) = ptau_sections(file).ok()?[CONTRIBUTIONS]?.split_at_checked(4)?;
    let mut hash = None;
    for _ in 0..number(count) {
        let (found, after) = rest.get(HASH_AT..)?.split_at_checked(64)?;
        hash = found.try_into().ok();
        // Its kind, and the length of its parameters.
        let (head, after) = after.split_at_checked(8)?;
        rest = after.get(number(&head[4..]) as usize..)?;
    }
    hash
}

fn truncated() -> ProvingError {
    ProvingError::SrsInvalid("the file ends inside a section")
}

fn split(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8]), ProvingError> {
    bytes.split_at_checked(at).ok_or_else(truncated)
}

fn base_field_modulus() -> Vec<u8> {
    use halo2_proofs::halo2curves::bn256::Fq;
    // −1, plus 1.
    let mut modulus = (-Fq::ONE).to_repr().as_ref().to_vec();
    modulus[0] += 1;
    modulus
}

/// Strings whose secret everybody can compute, by the seed of the generator that halo2's set-up draws it from.
const PUBLIC_SECRETS: [(&str, [u8; 32]); 2] = [
    ("the development string", development::SEED),
    // What `gen_srs` of halo2-lib and its examples make where there is no file.
    ("halo2-lib's test string", [0; 32]),
];

pub(super) fn public_secret(tau_g2: G2Affine) -> Option<&'static str> {
    static KNOWN: OnceLock<[G2Affine; PUBLIC_SECRETS.len()]> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        PUBLIC_SECRETS.map(|(_, seed)| {
            ParamsKZG::<Bn256>::setup(1, rand_chacha::ChaCha20Rng::from_seed(seed)).s_g2()
        })
    });
    let at = known.iter().position(|&point| point == tau_g2)?;
    Some(PUBLIC_SECRETS[at].0)
}

/// Whether everybody can compute the secret behind the string with this `[τ]₂`, whatever file it came in.
pub fn has_public_secret(tau_g2: G2Affine) -> bool {
    public_secret(tau_g2).is_some()
}

/// Keccak-256 of `[τ]₂`, in the order in which precompiles take its coordinates: the same for all files and sizes of
/// one ceremony's string.
pub fn fingerprint(params: &ParamsKZG<Bn256>) -> [u8; WORD_BYTES] {
    fingerprint_of(params.s_g2())
}

/// The same of a `[τ]₂`.
pub(super) fn fingerprint_of(point: G2Affine) -> [u8; WORD_BYTES] {
    let words = [point.x.c1, point.x.c0, point.y.c1, point.y.c0].map(|word| word_of(&word));
    Keccak256::digest(words.as_flattened()).into()
}

fn invalid(what: &'static str) -> Result<(), ProvingError> {
    Err(ProvingError::SrsInvalid(what))
}

/// What the first points must be.
fn check_shape(srs: &Srs) -> Result<(), ProvingError> {
    let params = &srs.params;
    check_points(params.get_g()[0], [params.g2(), params.s_g2()], srs.powers())
}

/// The same of a string's first point, its points in G2, and all its powers.
pub(super) fn check_points<'a>(
    first: G1Affine,
    [g2, s_g2]: [G2Affine; 2],
    mut powers: impl Iterator<Item = &'a G1Affine>,
) -> Result<(), ProvingError> {
    if first != G1Affine::generator() || g2 != G2Affine::generator() {
        return invalid("it does not begin with the generators");
    }
    // Raw bytes are checked for the curve alone; G2's curve is larger than the group.
    if !bool::from(G2::from(s_g2).is_torsion_free()) {
        return invalid("its G2 point is outside the group");
    }
    if bool::from(s_g2.is_identity()) || s_g2 == g2 {
        return invalid("its secret is 0 or 1: the ceremony has no contributions");
    }
    if powers.any(|point| bool::from(point.is_identity())) {
        return invalid(AT_INFINITY);
    }
    Ok(())
}

/// Whether points are powers of the secret of `[τ]₂`, by pairings.
pub(super) fn check_powers(g: &[G1Affine], [g2, s_g2]: [G2Affine; 2]) -> Result<(), ProvingError> {
    let random: Vec<Fr> = (1..g.len())
        .map(|_| {
            let mut bytes = [0; 16];
            OsRng.fill_bytes(&mut bytes);
            Fr::from_u128(u128::from_le_bytes(bytes))
        })
        .collect();
    let lower: G1 = best_multiexp(&random, &g[..g.len() - 1]);
    let upper: G1 = best_multiexp(&random, &g[1..]);
    let product = Bn256::multi_miller_loop(&[
        (&upper.to_affine(), &g2.into()),
        (&(-lower).to_affine(), &s_g2.into()),
    ]);
    if !bool::from(product.final_exponentiation().is_identity()) {
        return invalid("its points are not powers of one secret");
    }
    Ok(())
}

/// Checks a string by pairings. See the module's comment for what holds afterwards.
pub(super) fn check(srs: &Srs) -> Result<(), ProvingError> {
    check_shape(srs)?;
    let params = &srs.params;
    let g: Vec<G1Affine> = srs.powers().copied().collect();
    check_powers(&g, [params.g2(), params.s_g2()])?;
    let domain = EvaluationDomain::<Fr>::new(1, params.k());
    let mut values = domain.empty_lagrange();
    values.iter_mut().for_each(|value| *value = Fr::random(OsRng));
    let in_lagrange = params.commit_lagrange(&values, Blind::default());
    let coefficients = domain.lagrange_to_coeff(values);
    if in_lagrange != params.commit(&coefficients, Blind::default()) {
        return invalid("its Lagrange points do not belong to its powers");
    }
    Ok(())
}

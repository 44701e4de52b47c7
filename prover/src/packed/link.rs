//! Links: a column holds the words of a hiding commitment that a proof brings along and an instance names.
//!
//! Commitments live on domains that are the same for all circuits, keys and formats, so that what was committed to once
//! is good for all of them that have its reference string.

use super::transcript::{WORD, point};
use crate::domain::root_to;
use halo2_proofs::{
    arithmetic::best_multiexp,
    halo2curves::{
        bn256::{Fr, G1Affine},
        ff::{Field, PrimeField},
        group::Curve,
    },
};
use sha3::{Digest, Keccak256};
use std::fmt;

/// The last rows of a domain, of which a link says nothing; neither does it of the first.
pub const TAIL: usize = 16;

/// log₂ of the rows of the smallest domain.
pub const SMALLEST: u32 = 6;

/// log₂ of the rows of the largest domain.
pub const LARGEST: u32 = Fr::S;

/// What names begin with that are of inputs; the size class goes behind it.
const TAG: &[u8; WORD - 4] = b"zkverdict committed input v1";

/// A column that holds the words of a commitment: those on its rows s, 2·s and so on, the circuit having s times as many
/// rows as the commitment's domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Of advice in the first phase, which is opened at x.
    pub column: usize,
    /// The commitment's size class.
    pub class: u32,
    /// The column of instances that has the commitment's name.
    pub instance_column: usize,
    /// The number of the name among that column's values.
    pub number: usize,
}

/// How many words a size class holds.
pub fn capacity(class: u32) -> usize {
    1_usize.checked_shl(class).map_or(0, |rows| rows.saturating_sub(TAIL + 1))
}

/// The size class of so many words: the smallest domain that holds them. There is none for more than the field has roots of
/// unity.
pub fn class_of(words: usize) -> Option<u32> {
    (SMALLEST..=LARGEST).find(|&class| words <= capacity(class))
}

/// What a commitment to an input is called. The highest byte is 0, so that names are below the field's modulus.
pub fn name(class: u32, commitment: &G1Affine) -> [u8; WORD] {
    let mut hash = Keccak256::new();
    hash.update(tag(class));
    hash.update(point(commitment));
    let hash: [u8; WORD] = hash.finalize().into();
    let mut name = [0; WORD];
    name[1..].copy_from_slice(&hash[..WORD - 1]);
    name
}

/// The word that names are hashed behind.
pub fn tag(class: u32) -> [u8; WORD] {
    let mut tag = [0; WORD];
    tag[..TAG.len()].copy_from_slice(TAG);
    tag[TAG.len()..].copy_from_slice(&class.to_be_bytes());
    tag
}

/// A blinding for one commitment, from the operating system: 64 bytes modulo r, so that no value is more likely than
/// another and the words are hidden from whoever can compute anything.
#[cfg(feature = "prove")]
pub fn draw_blinding() -> Fr {
    loop {
        let blinding = Fr::random(rand::rngs::OsRng);
        if blinding != Fr::ZERO {
            return blinding;
        }
    }
}

/// The points of a domain that hold no word: the first, and the last [`TAIL`].
pub fn free_points(class: u32) -> impl Iterator<Item = Fr> {
    let last = (1..=TAIL as i32).rev().map(move |before| root_to(class, -before));
    std::iter::once(Fr::ONE).chain(last)
}

/// By what links are multiplied where they are added up at x: λ_j = μʲ/Z_j(x). None where x is of the domain of one.
pub fn factors(links: &[Link], mu: Fr, x: Fr) -> Option<Vec<Fr>> {
    let mut power = Fr::ONE;
    let factor = |link: &Link| {
        let factor = power * inverse_vanishing(link.class, x)?;
        power *= mu;
        Some(factor)
    };
    links.iter().map(factor).collect()
}

/// 1/Z(x), Z being the polynomial that is 0 where a class holds words and nowhere else. None on the domain.
pub(super) fn inverse_vanishing(class: u32, x: Fr) -> Option<Fr> {
    let whole: Option<Fr> = (x.pow_vartime([1_u64 << class]) - Fr::ONE).invert().into();
    let free: Fr = free_points(class).map(|point| x - point).product();
    whole.map(|inverse| inverse * free)
}

/// A commitment to words with all that opens it, which is as secret as they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Commitment {
    /// What is public of it, with its name.
    pub point: G1Affine,
    /// From the domain's second row on; the others are 0.
    pub words: Vec<Fr>,
    /// On the last row: what hides the words. It is drawn at random, is not 0, and serves one commitment alone.
    pub blinding: Fr,
}

impl Commitment {
    /// Commits to words under the powers of a reference string. None if there are more words than classes hold or too few
    /// powers.
    pub fn new(powers: &[G1Affine], words: Vec<Fr>, blinding: Fr) -> Option<Self> {
        let mut commitment = Self { point: G1Affine::default(), words, blinding };
        commitment.point = commitment.expected(powers)?;
        Some(commitment)
    }

    /// Its size class, which follows from the number of its words.
    pub fn class(&self) -> Option<u32> {
        class_of(self.words.len())
    }

    /// The commitment to its words.
    fn expected(&self, powers: &[G1Affine]) -> Option<G1Affine> {
        let polynomial = self.polynomial()?;
        let powers = powers.get(..polynomial.0.len())?;
        Some(best_multiexp(&polynomial.0, powers).to_affine())
    }

    /// Whether its point is that to its words.
    pub fn is_of(&self, powers: &[G1Affine]) -> bool {
        self.expected(powers) == Some(self.point)
    }

    /// The coefficients of what is committed to, lowest first.
    pub(super) fn polynomial(&self) -> Option<Secret> {
        let class = self.class()?;
        let rows = 1_usize << class;
        let mut values = Secret(vec![Fr::ZERO; rows]);
        values.0[1..=self.words.len()].copy_from_slice(&self.words);
        values.0[rows - 1] = self.blinding;
        interpolate(&mut values.0, class);
        Some(values)
    }
}

/// Tells how many words there are and no more.
impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { point, words, .. } = self;
        f.debug_struct("Commitment")
            .field("point", point)
            .field("words", &words.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Commitment {
    fn drop(&mut self) {
        wipe(&mut self.words);
        wipe(std::slice::from_mut(&mut self.blinding));
    }
}

/// Numbers that do not outlive their use.
pub(super) struct Secret(pub(super) Vec<Fr>);

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Zeroizes, and lets the compiler believe that the zeros are looked at, or it would leave them out.
pub(super) fn wipe(secret: &mut [Fr]) {
    secret.fill(Fr::ZERO);
    std::hint::black_box(secret);
}

/// From values on the 2^class rows of a domain to coefficients, in place.
pub fn interpolate(values: &mut [Fr], class: u32) {
    let rows = values.len();
    for index in 0..rows {
        let reversed = index.reverse_bits() >> (usize::BITS - class);
        if index < reversed {
            values.swap(index, reversed);
        }
    }
    for level in 1..=class {
        let (half, step) = (1 << (level - 1), root_to(level, -1));
        for chunk in values.chunks_exact_mut(2 * half) {
            let (low, high) = chunk.split_at_mut(half);
            let mut factor = Fr::ONE;
            for (low, high) in low.iter_mut().zip(high) {
                let difference = *high * factor;
                *high = *low - difference;
                *low += difference;
                factor *= step;
            }
        }
    }
    let scale = Fr::from(rows as u64).invert().expect("the number of rows is not 0");
    values.iter_mut().for_each(|value| *value *= scale);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::layout::horner;
    use halo2_proofs::halo2curves::group::{Group, prime::PrimeCurveAffine};

    #[test]
    fn classes_are_the_smallest_that_hold_the_words() {
        let classes = [0, 1, 47, 48, 111, 112, 239].map(class_of);
        assert_eq!(classes, [6, 6, 6, 7, 7, 8, 8].map(Some));
        assert_eq!(class_of(capacity(LARGEST)), Some(LARGEST));
        assert_eq!(class_of(capacity(LARGEST) + 1), None);
    }

    /// The bytes must never change: names outlive models, keys and versions.
    #[test]
    fn names_are_the_hash_of_the_class_and_the_point() {
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        let expected = "7a6b7665726469637420636f6d6d697474656420696e70757420763100000007";
        assert_eq!(hex(&tag(7)), expected);
        let generator = G1Affine::generator();
        let mut bytes = tag(6).to_vec();
        bytes.extend([[0; 31].as_slice(), &[1], &[0; 31], &[2]].concat());
        let hash = hex(&Keccak256::digest(&bytes));
        assert_eq!(hex(&name(6, &generator)), format!("00{}", &hash[..62]));
        assert_ne!(name(6, &generator), name(7, &generator));
    }

    #[test]
    fn a_commitment_is_to_its_words_on_their_rows_and_the_blinding_on_the_last() {
        for (words, class) in [(0, 6), (3, 6), (47, 6), (48, 7)] {
            let words: Vec<Fr> = (0..words).map(|word| Fr::from(word * word + 5)).collect();
            let (count, blinding) = (words.len(), Fr::from(77));
            let commitment =
                Commitment { point: G1Affine::default(), words: words.clone(), blinding };
            assert_eq!(commitment.class(), Some(class));
            let polynomial = commitment.polynomial().expect("there is such a class");
            for row in 0..1_i32 << class {
                let expected = match row as usize {
                    row if (1..=count).contains(&row) => words[row - 1],
                    row if row + 1 == 1 << class => blinding,
                    _ => Fr::ZERO,
                };
                assert_eq!(horner(&polynomial.0, root_to(class, row)), expected, "{row}");
            }
        }
    }

    #[test]
    fn a_commitment_is_found_out_that_is_of_other_words_or_another_blinding() {
        let tau = Fr::from(5);
        let powers: Vec<G1Affine> = (0..64)
            .map(|power| (G1Affine::generator() * tau.pow_vartime([power])).to_affine())
            .collect();
        let words = vec![Fr::from(3), Fr::from(4)];
        let made = Commitment::new(&powers, words.clone(), Fr::from(9)).expect("two are few");
        assert!(made.is_of(&powers));
        let polynomial = made.polynomial().expect("two are few");
        let expected = G1Affine::generator() * horner(&polynomial.0, tau);
        assert_eq!(made.point, expected.to_affine());
        let changes: [fn(&mut Commitment); 4] = [
            |made| made.words[1] += Fr::ONE,
            |made| made.words.swap(0, 1),
            |made| made.blinding += Fr::ONE,
            |made| made.point = (-made.point.to_curve()).to_affine(),
        ];
        for change in changes {
            let mut other = made.clone();
            change(&mut other);
            assert!(!other.is_of(&powers));
        }
        // Words of 0 behind the others are the same words.
        let longer = Commitment::new(&powers, [words, vec![Fr::ZERO]].concat(), Fr::from(9));
        assert_eq!(longer.expect("three are few").point, made.point);
        assert!(Commitment::new(&powers[..63], made.words.clone(), Fr::ONE).is_none());
        assert!(!bool::from(made.point.to_curve().is_identity()));
    }

    #[test]
    fn z_is_0_where_words_are_and_nowhere_else() {
        let class = 6;
        let (count, x) = (1 << class, Fr::from(12_345));
        let words = 1..=capacity(class) as i32;
        let z: Fr = words.clone().map(|row| x - root_to(class, row)).product();
        assert_eq!(inverse_vanishing(class, x).map(|inverse| inverse * z), Some(Fr::ONE));
        assert_eq!(words.clone().count() + free_points(class).count(), count);
        assert_eq!(inverse_vanishing(class, root_to(class, 3)), None);
        assert_eq!(inverse_vanishing(class, Fr::ONE), None);
    }

    #[test]
    fn neither_words_nor_blinding_are_shown() {
        let words = vec![Fr::from(0xABCD_EF01)];
        let commitment =
            Commitment { point: G1Affine::generator(), words, blinding: Fr::from(0x1234_5678) };
        let shown = format!("{commitment:?}").to_lowercase();
        assert!(!shown.contains("abcdef01") && !shown.contains("12345678"), "{shown}");
        assert!(shown.contains("words: 1"), "{shown}");
    }
}

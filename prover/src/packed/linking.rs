//! What a proof says of its links.
//!
//! ```text
//! δ  =  Σ_j μʲ·(a_j − c_j)/Z_j
//! P  =  Σ_j λ_j·c_j + δ,    λ_j = μʲ/Z_j(x)            P(x) = Σ_j λ_j·a_j(x)
//! ```
//!
//! Behind a proof whose openings are not this crate's, L = Σ_j λ_j·(a_j − c_j) − δ is 0 at a point of its own.

use super::Error;
use super::link::{self, Commitment, Link, Secret};
use super::transcript::element;
use halo2_proofs::halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};

/// Why a commitment is not what its link is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// It has words of another size class.
    #[error("is to {words} words, which are not of the link's size class {class}")]
    Class {
        /// The commitment's.
        words: usize,
        /// The link's.
        class: u32,
    },
    /// Nothing hides its words.
    #[error("has a blinding of 0")]
    Blinding,
    /// Its point is that of other words, of another blinding, or under another reference string.
    #[error("is not one to its words with its blinding under this reference string")]
    Point,
    /// The instances name another.
    #[error("is not the one that the instances name")]
    Name,
    /// The circuit's column holds others.
    #[error("has other words than the circuit's column from word {word} on")]
    Words {
        /// The first that differs, from 0 on.
        word: usize,
    },
}

/// The commitments of a proof's links, all of one circuit.
pub struct Linking<'a> {
    links: &'a [Link],
    commitments: &'a [Commitment],
    /// Theirs.
    polynomials: Vec<Secret>,
    /// log₂ of the circuit's rows.
    k: u32,
}

impl<'a> Linking<'a> {
    /// Refuses commitments that are not what the links are to; `instances` are those of all columns, and `commit` commits
    /// to coefficients, which it gives back.
    pub fn new(
        (links, k): (&'a [Link], u32),
        commitments: &'a [Commitment],
        instances: &[&[Fr]],
        commit: impl Fn(Vec<Fr>) -> (G1Affine, Vec<Fr>),
    ) -> Result<Self, Error> {
        let (got, expected) = (commitments.len(), links.len());
        if got != expected {
            return Err(Error::Commitments { got, expected });
        }
        let check = |link: &Link, commitment: &Commitment| {
            let (class, point) = (link.class, &commitment.point);
            let of_class = commitment.polynomial().filter(|_| commitment.class() == Some(class));
            let words = commitment.words.len();
            let mut polynomial = of_class.ok_or(Mismatch::Class { words, class })?;
            if commitment.blinding == Fr::ZERO {
                return Err(Mismatch::Blinding);
            }
            let (expected, coefficients) = commit(std::mem::take(&mut polynomial.0));
            polynomial.0 = coefficients;
            if expected != *point {
                return Err(Mismatch::Point);
            }
            let named = instances[link.instance_column][link.number];
            if element(&link::name(class, point)) != Some(named) {
                return Err(Mismatch::Name);
            }
            Ok(polynomial)
        };
        let checked = links.iter().zip(commitments).enumerate().map(|(link, (of, commitment))| {
            check(of, commitment).map_err(|mismatch| Error::Commitment { link, mismatch })
        });
        let polynomials = checked.collect::<Result<_, _>>()?;
        Ok(Self { links, commitments, polynomials, k })
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The points to be absorbed.
    pub fn points(&self) -> impl Iterator<Item = &'a G1Affine> {
        self.commitments.iter().map(|commitment| &commitment.point)
    }

    /// That columns hold the words, `cell` giving a column's value on a row.
    pub fn check_columns(&self, cell: impl Fn(usize, usize) -> Fr) -> Result<(), Error> {
        for (link, (of, commitment)) in self.links.iter().zip(self.commitments).enumerate() {
            let step = 1 << (self.k - of.class);
            let word = |index: usize| commitment.words.get(index).copied().unwrap_or(Fr::ZERO);
            let differs = |&index: &usize| cell(of.column, (index + 1) * step) != word(index);
            if let Some(word) = (0..link::capacity(of.class)).find(differs) {
                return Err(Error::Commitment { link, mismatch: Mismatch::Words { word } });
            }
        }
        Ok(())
    }

    /// δ, `column` giving a column's coefficients.
    pub fn quotient(&self, mu: Fr, column: impl Fn(usize) -> Vec<Fr>) -> Vec<Fr> {
        let n = 1_usize << self.k;
        let mut sum = vec![Fr::ZERO; n];
        let mut classes: Vec<u32> = self.links.iter().map(|link| link.class).collect();
        classes.sort_unstable();
        classes.dedup();
        for class in classes {
            let mut differences = vec![Fr::ZERO; n];
            let mut power = Fr::ONE;
            for (link, polynomial) in self.links.iter().zip(&self.polynomials) {
                if link.class == class {
                    add(&mut differences, &column(link.column), power);
                    add(&mut differences, &polynomial.0, -power);
                }
                power *= mu;
            }
            link::free_points(class).for_each(|point| multiply(&mut differences, point));
            add(&mut sum, divide(&mut differences, 1 << class), Fr::ONE);
        }
        sum
    }

    /// P and its value at x, where there are links; `at_x` gives a column's.
    pub fn opened(
        &self,
        mu: Fr,
        x: Fr,
        quotient: Vec<Fr>,
        at_x: impl Fn(usize) -> Fr,
    ) -> Result<(Vec<Fr>, Fr), Error> {
        let (mut sum, mut value) = (quotient, Fr::ZERO);
        for (link, polynomial, factor) in self.added_up(mu, x)? {
            add(&mut sum, &polynomial.0, factor);
            value += factor * at_x(link.column);
        }
        Ok((sum, value))
    }

    /// L/(X − z), `column` giving a column's coefficients.
    pub fn shown(
        &self,
        mu: Fr,
        z: Fr,
        quotient: &[Fr],
        column: impl Fn(usize) -> Vec<Fr>,
    ) -> Result<Vec<Fr>, Error> {
        let mut sum: Vec<Fr> = quotient.iter().map(|coefficient| -coefficient).collect();
        for (link, polynomial, factor) in self.added_up(mu, z)? {
            add(&mut sum, &column(link.column), factor);
            add(&mut sum, &polynomial.0, -factor);
        }
        let mut carried = Fr::ZERO;
        for coefficient in sum.iter_mut().rev() {
            let here = *coefficient + carried * z;
            *coefficient = std::mem::replace(&mut carried, here);
        }
        Ok(sum)
    }

    fn added_up(&self, mu: Fr, x: Fr) -> Result<impl Iterator<Item = (&Link, &Secret, Fr)>, Error> {
        let factors = link::factors(self.links, mu, x).ok_or(Error::Challenge)?;
        let all = self.links.iter().zip(&self.polynomials).zip(factors);
        Ok(all.map(|((link, polynomial), factor)| (link, polynomial, factor)))
    }
}

fn add(to: &mut [Fr], from: &[Fr], factor: Fr) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}

/// f·(X − p) in place of f.
fn multiply(f: &mut Vec<Fr>, p: Fr) {
    let mut before = Fr::ZERO;
    for coefficient in f.iter_mut() {
        let here = *coefficient;
        *coefficient = before - here * p;
        before = here;
    }
    f.push(before);
}

/// f/(X^rows − 1), which divides f.
fn divide(f: &mut [Fr], rows: usize) -> &[Fr] {
    for index in (rows..f.len()).rev() {
        let carried = f[index];
        f[index - rows] += carried;
    }
    &f[rows..]
}

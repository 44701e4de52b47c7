//! The proof, step by step, in halo2's order.

use crate::columns::{Cells, Column};
use crate::engine::Engine;
use crate::open::Set;
use crate::program::{Kind, Program};
use crate::quotient::Table;
use crate::watch::{Stage, Watch};
use crate::{Error, Randomness, Source};
use halo2_proofs::{
    arithmetic::best_multiexp,
    halo2curves::{
        bn256::{Fr, G1, G1Affine},
        ff::Field,
        group::{Curve, GroupEncoding, prime::PrimeCurveAffine},
    },
    plonk::{ConstraintSystem, Error as PlonkError, VerifyingKey},
    transcript::{EncodedChallenge, TranscriptWrite},
};
use rayon::prelude::*;
use std::sync::Arc;

/// What proofs of one circuit are made with.
pub struct Key {
    k: u32,
    /// Has the points that commit to values on the rows.
    engine: Box<dyn Engine>,
    /// The points of the last rows.
    last: Vec<G1Affine>,
    /// Commits to Xⁿ − 1, where the string is that long.
    vanishing: Option<G1Affine>,
    fixed: Vec<Column>,
    program: Program,
}

/// Rows that a circuit may use: those after them are random in advice columns.
fn usable_rows(rows: usize, system: &ConstraintSystem<Fr>) -> Result<usize, Error> {
    rows.checked_sub(system.blinding_factors() + 1).ok_or(Error::Synthesis(PlonkError::Synthesis))
}

/// Puts cells into columns, if these are `wanted` and have room.
pub fn place(
    columns: &mut [Column],
    cells: Vec<(usize, Cells)>,
    usable: usize,
    wanted: impl Fn(usize) -> bool,
) -> Result<(), Error> {
    for (index, cells) in cells {
        match columns.get_mut(index).filter(|_| wanted(index)) {
            Some(column) if cells.len() <= usable => column.cells = cells,
            _ => return Err(Error::Synthesis(PlonkError::Synthesis)),
        }
    }
    Ok(())
}

impl Key {
    /// From the points that commit to values on the rows, perhaps the one that commits to Xⁿ − 1, and the points' engine.
    pub fn new(
        points: &[G1Affine],
        vanishing: Option<G1Affine>,
        system: &ConstraintSystem<Fr>,
        source: &dyn Source,
        engine: Box<dyn Engine>,
    ) -> Result<Self, Error> {
        let usable = usable_rows(points.len(), system)?;
        let k = points.len().trailing_zeros();
        let mut fixed = vec![Column::default(); system.num_fixed_columns()];
        place(&mut fixed, source.fixed(points.len())?, usable, |_| true)?;
        Ok(Self {
            k,
            program: Program::new(system.gates(), engine.columns_at_once(k)),
            engine,
            last: points[usable..].to_vec(),
            vanishing,
            fixed,
        })
    }

    /// The bytes of the verifying key: halo2 makes one of its parts only for who has its domain, or its bytes.
    pub fn verifying_key(&self) -> Vec<u8> {
        const VERSION: u8 = 2;
        let commitments = self.commit(&self.fixed.iter().collect::<Vec<_>>());
        let count = u32::try_from(commitments.len()).expect("few columns");
        let mut bytes = vec![VERSION];
        bytes.extend(self.k.to_le_bytes());
        // No selectors, compressed or not.
        bytes.push(0);
        bytes.extend(count.to_le_bytes());
        for commitment in commitments {
            bytes.extend_from_slice(commitment.to_bytes().as_ref());
        }
        bytes
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let cells: usize = self.fixed.iter().map(|column| column.cells.bytes()).sum();
        (64 << self.k) + cells
    }

    fn commit(&self, columns: &[&Column]) -> Vec<G1Affine> {
        let mut sums = self.engine.sums(columns);
        sums.par_iter_mut().zip(columns).filter(|(_, column)| !column.tail.is_empty()).for_each(
            |(sum, column)| {
                let points = &self.last[self.last.len() - column.tail.len()..];
                *sum += best_multiexp(&column.tail, points);
            },
        );
        let mut commitments = vec![G1Affine::identity(); sums.len()];
        G1::batch_normalize(&sums, &mut commitments);
        commitments
    }

    /// Writes a proof.
    pub fn prove<E, T>(
        &self,
        vk: &VerifyingKey<G1Affine>,
        source: &dyn Source,
        instances: &[&[Fr]],
        randomness: &dyn Randomness,
        watch: &mut Watch<'_>,
        transcript: &mut T,
    ) -> Result<(), Error>
    where
        E: EncodedChallenge<G1Affine>,
        T: TranscriptWrite<G1Affine, E>,
    {
        let system = vk.cs();
        let n = 1_usize << self.k;
        let blinding = system.blinding_factors() + 1;
        let squeeze = |transcript: &mut T| *transcript.squeeze_challenge_scalar::<()>();
        if instances.len() != system.num_instance_columns()
            || instances.iter().any(|values| values.len() > n - blinding)
        {
            return Err(Error::Instances);
        }
        vk.hash_into(transcript)?;
        for value in instances.iter().copied().flatten() {
            transcript.common_scalar(*value)?;
        }
        let instance = instances.iter().map(|values| {
            let mut cells = Cells::default();
            values.iter().enumerate().for_each(|(row, &value)| cells.set(row, value));
            Column::new(cells)
        });
        let instance: Vec<Column> = instance.collect();

        let phases = system.advice_column_phase();
        let mut advice = vec![Column::default(); phases.len()];
        let mut challenges = vec![None; system.num_challenges()];
        let last = phases.iter().chain(&system.challenge_phase()).copied().max().unwrap_or(0);
        for phase in 0..=last {
            watch.enter(Stage::Witness)?;
            let assigned = source.advice(phase, n, instances, &challenges)?;
            place(&mut advice, assigned, n - blinding, |index| phases[index] == phase)?;
            for (index, _) in phases.iter().enumerate().filter(|(_, of)| **of == phase) {
                advice[index].tail = randomness.blinding(index, blinding);
            }
            watch.enter(Stage::Commitments)?;
            let of_phase = phases.iter().zip(&advice).filter(|(of, _)| **of == phase);
            let of_phase: Vec<&Column> = of_phase.map(|(_, column)| column).collect();
            for commitment in self.commit(&of_phase) {
                transcript.write_point(commitment)?;
            }
            for (challenge, _) in
                challenges.iter_mut().zip(system.challenge_phase()).filter(|(_, of)| *of == phase)
            {
                *challenge = Some(squeeze(transcript));
            }
        }
        let challenges: Vec<Fr> = challenges.into_iter().flatten().collect();
        // Of look-ups and permutations, which there are none of: θ, β, γ.
        for _ in 0..3 {
            squeeze(transcript);
        }

        watch.enter(Stage::RandomPolynomial)?;
        // Drawn again where it is opened: the quotient takes all the room there is.
        let random = || Column::new(Cells::Elements(Arc::new(randomness.polynomial(n))));
        transcript.write_point(self.commit(&[&random()])[0])?;
        let y = squeeze(transcript);

        watch.enter(Stage::Quotient)?;
        let table = Table { k: self.k, instance: &instance, advice: &advice, fixed: &self.fixed };
        let count = system.degree() - 1;
        let uniform = self.program.uniform(&challenges, y);
        let pieces = self
            .engine
            .pieces(&table, &self.program, &uniform, count, &mut || watch.enter(Stage::Quotient))?;
        // hᵢ + cᵢ·Xⁿ − cᵢ₋₁ in place of hᵢ: Σ X^(n·i)·hᵢ stays, and no piece depends on the witness alone. On the rows,
        // Xⁿ is 1.
        let mut shifts = match self.vanishing {
            Some(_) => randomness.quotient(count - 1),
            None => vec![],
        };
        shifts.resize(count, Fr::ZERO);
        let before = std::iter::once(Fr::ZERO).chain(shifts.iter().copied());
        let pieces = pieces.into_iter().zip(shifts.iter().zip(before));
        let pieces = pieces.map(|(mut piece, (shift, before))| {
            let shift = *shift - before;
            piece.par_iter_mut().with_min_len(1 << 12).for_each(|value| *value += shift);
            Column::new(Cells::Elements(Arc::new(piece)))
        });
        let pieces: Vec<Column> = pieces.collect();
        watch.enter(Stage::QuotientCommitments)?;
        let commitments = self.commit(&pieces.iter().collect::<Vec<_>>());
        for (commitment, shift) in commitments.into_iter().zip(&shifts) {
            let vanishing = self.vanishing.unwrap_or_default() * *shift;
            transcript.write_point((vanishing + commitment).to_affine())?;
        }
        let x = squeeze(transcript);
        let to_n = x.pow_vartime([n as u64]);

        watch.enter(Stage::Evaluations)?;
        let combined = self.engine.combination(&pieces.iter().collect::<Vec<_>>(), to_n, n);
        drop(pieces);
        let combined = Column::new(Cells::Elements(Arc::new(combined)));
        let point = self.engine.point(self.k, x);
        let queries = || {
            let advice = system.advice_queries().iter();
            let advice = advice.map(|(column, at)| (Kind::Advice, column.index(), at.0));
            let fixed = system.fixed_queries().iter();
            advice.chain(fixed.map(|(column, at)| (Kind::Fixed, column.index(), at.0)))
        };
        // Each column once, in the order of its first query, with its rotations in theirs.
        let mut opened: Vec<(Kind, usize, Vec<i32>)> = Vec::new();
        for (kind, index, rotation) in queries() {
            match opened.iter_mut().find(|(of, column, _)| (*of, *column) == (kind, index)) {
                Some((_, _, rotations)) => rotations.push(rotation),
                None => opened.push((kind, index, vec![rotation])),
            }
        }
        let evaluations: Vec<Vec<Fr>> = opened
            .par_iter()
            .map(|(kind, index, rotations)| point.evaluate(table.column(*kind, *index), rotations))
            .collect();
        for (kind, index, rotation) in queries() {
            let at = opened.iter().position(|(of, column, _)| (*of, *column) == (kind, index));
            let at = at.expect("every query is opened");
            let rotations = opened[at].2.iter().zip(&evaluations[at]);
            let mut found = rotations.filter(|(of, _)| **of == rotation);
            transcript.write_scalar(*found.next().expect("every query is opened").1)?;
        }
        let random = random();
        let of_random = point.evaluate(&random, &[0]);
        transcript.write_scalar(of_random[0])?;
        // Its values on the rows are not all of it: Σ cᵢ·X^(n·i)·(Xⁿ − 1) is 0 there.
        let shift = shifts.iter().rev().fold(Fr::ZERO, |sum, shift| sum * to_n + shift);
        let of_combined = [point.evaluate(&combined, &[0])[0] + shift * (to_n - Fr::ONE)];

        watch.enter(Stage::Opening)?;
        let mut sets: Vec<Set<'_>> = Vec::new();
        let mut open = |column, rotations: &[i32], values: &[Fr]| {
            let mut sorted: Vec<(i32, Fr)> =
                rotations.iter().copied().zip(values.iter().copied()).collect();
            sorted.sort_unstable_by_key(|(rotation, _)| *rotation);
            let (rotations, values): (Vec<i32>, Vec<Fr>) = sorted.into_iter().unzip();
            match sets.iter_mut().find(|set| set.rotations == rotations) {
                Some(set) => set.polynomials.push((column, values)),
                None => sets.push(Set { rotations, polynomials: vec![(column, values)] }),
            }
        };
        for ((kind, index, rotations), values) in opened.iter().zip(&evaluations) {
            open(table.column(*kind, *index), rotations, values);
        }
        open(&combined, &[0], &of_combined);
        open(&random, &[0], &of_random);
        let y = squeeze(transcript);
        let v = squeeze(transcript);
        // The opening writes a point, draws, and writes another.
        let transcript = std::cell::RefCell::new(transcript);
        let mut commit = |values: Vec<Fr>| -> Result<(), Error> {
            let commitment = self.commit(&[&Column::new(Cells::Elements(Arc::new(values)))])[0];
            transcript.borrow_mut().write_point(commitment)?;
            Ok(())
        };
        let mut challenge = || squeeze(*transcript.borrow_mut());
        point.open(&sets, y, v, &mut commit, &mut challenge)?;
        watch.finish();
        Ok(())
    }
}

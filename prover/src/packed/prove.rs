//! The proof, step by step.

use super::coefficients::{self, Interpolation};
use super::layout::horner;
use super::link;
use super::linking::Linking;
use super::named::{self, CommittedColumns, Mask};
use super::open::{Held, Opened, Single, add_packed, open, rotated};
use super::transcript::{Transcript, element, point, word};
use super::{Commitment, Error, Instances, Layout, Pack, Powers, VerifyingKey, Widths};
use crate::columns::{Cells, Column};
use crate::domain::root_to;
use crate::engine::{self, Engine};
use crate::field::Arithmetic;
use crate::program::Program;
use crate::prove::place;
use crate::quotient::Table;
use crate::watch::{Stage, Times, Watch};
use crate::{Options, Randomness, Seeded, Source};
use halo2_proofs::{
    halo2curves::{
        bn256::{Fr, G1Affine},
        ff::Field,
        group::{Curve, Group},
    },
    plonk::ConstraintSystem,
};
use rayon::prelude::*;
use std::sync::Arc;

/// What proofs of one circuit are made with.
pub struct ProvingKey {
    verifying: VerifyingKey,
    /// Has the powers of the reference string.
    engine: Box<dyn Engine>,
    interpolation: Box<dyn Interpolation>,
    phases: Vec<u8>,
    fixed: Vec<Column>,
    program: Program,
    /// Pieces of n coefficients that the quotient has.
    pieces: usize,
    /// Random rows of each advice column.
    random_rows: usize,
    powers: usize,
}

impl std::fmt::Debug for ProvingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProvingKey").finish_non_exhaustive()
    }
}

impl ProvingKey {
    /// For a circuit of 2^k rows. The reference string may be longer than it has to be.
    pub fn new(
        string: Powers<'_>,
        k: u32,
        system: &ConstraintSystem<Fr>,
        source: &dyn Source,
        instances: &Instances,
        widths: &Widths,
        arithmetic: Arithmetic,
    ) -> Result<Self, Error> {
        crate::supports(system, k)?;
        let layout = Layout::new(system, k, instances, widths)?;
        let verifying = VerifyingKey::of_circuit(layout, string, Vec::new(), system);
        let mut key = Self::of_verifying(verifying, string, system, source, arithmetic)?;
        let layout = key.verifying.layout.clone();
        key.verifying = VerifyingKey::of_circuit(layout, string, key.commitments(), system);
        Ok(key)
    }

    /// What belongs to a verifying key of this circuit. That it commits to the circuit's columns is not checked, which takes
    /// as long as half a proof: where it does not, no proof is accepted, and [`Self::commitments`] tells why.
    pub fn of_verifying(
        verifying: VerifyingKey,
        string: Powers<'_>,
        system: &ConstraintSystem<Fr>,
        source: &dyn Source,
        arithmetic: Arithmetic,
    ) -> Result<Self, Error> {
        let layout = &verifying.layout;
        let (k, instances) = (layout.k, &layout.instances);
        crate::supports(system, k)?;
        if *layout != Layout::new(system, k, instances, &layout.widths())?
            || !verifying.has_gates_of(system)
        {
            return Err(Error::OtherCircuit);
        }
        let n = 1_usize << k;
        let random_rows = system.blinding_factors() + 1;
        if instances.counts.iter().any(|&count| count + random_rows > n) {
            return Err(crate::Error::Instances.into());
        }
        for (link, of) in instances.links.iter().enumerate() {
            if link::capacity(of.class) << (k - of.class) >= n - random_rows {
                return Err(Error::Link { link, what: "its last word is on a random row" });
            }
        }
        for pack in layout.phases.iter().flat_map(|phase| &phase.packs) {
            // Seen of a column: its values at these points, at τᵗ, and at τ·ω^r through the quotient.
            let (points, needed) = (pack.rotations.len(), 2 * pack.rotations.len() + 1);
            if random_rows < needed {
                return Err(Error::RandomRows { points, needed, rows: random_rows });
            }
        }
        let pieces = Layout::pieces(system);
        let (powers, found) = (layout.powers(pieces), string.g1.len());
        if found < powers {
            return Err(Error::StringTooShort { found, needed: powers });
        }
        let engine = engine::new(&string.g1[..powers], arithmetic);
        #[cfg(any(feature = "cuda", all(test, feature = "prove")))]
        let engine = crate::device::on_device(&string.g1[..powers], engine);
        let interpolation = coefficients::new(k, arithmetic);
        let mut fixed = vec![Column::default(); system.num_fixed_columns()];
        place(&mut fixed, source.fixed(n)?, n - random_rows, |_| true)?;
        Ok(Self {
            verifying,
            interpolation,
            phases: system.advice_column_phase(),
            fixed,
            program: Program::new(system.gates(), engine.columns_at_once(k)),
            engine,
            pieces,
            random_rows,
            powers,
        })
    }

    /// The same on an engine of a test's.
    #[cfg(test)]
    pub(crate) fn on(mut self, engine: impl FnOnce(Box<dyn Engine>) -> Box<dyn Engine>) -> Self {
        self.engine = engine(self.engine);
        self
    }

    /// What the proofs are checked against.
    pub fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// To the packs of the circuit's fixed columns.
    pub fn commitments(&self) -> Vec<G1Affine> {
        let layout = &self.verifying.layout;
        let packs = layout.key.iter();
        packs.map(|pack| self.commit(pack, &self.fixed)).collect()
    }

    /// To a pack of these columns.
    fn commit(&self, pack: &Pack, columns: &[Column]) -> G1Affine {
        let mut packed = vec![Fr::ZERO; pack.width << self.verifying.layout.k];
        add_packed(&mut packed, pack.width, pack.slots.len(), |slot| {
            let column = rotated(&pack.slots[slot], columns, self.verifying.layout.k);
            self.interpolation.coefficients(&column)
        });
        commit(&*self.engine, packed).0
    }

    /// Powers of the reference string that it holds.
    pub fn powers(&self) -> usize {
        self.powers
    }

    /// These powers.
    pub fn string(&self) -> Vec<G1Affine> {
        self.engine.points()
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        size_of::<G1Affine>() * self.powers
            + self.fixed.iter().map(|column| column.cells.bytes()).sum::<usize>()
    }

    /// Commits to the named columns of a circuit, given row by row from the first on; each commitment is blinded by an element
    /// of its own.
    pub fn commit_columns(
        &self,
        columns: Vec<Vec<i32>>,
        blindings: Vec<Fr>,
    ) -> Result<CommittedColumns, Error> {
        let layout = &self.verifying.layout;
        let count = layout.named.iter().map(|pack| pack.slots.len()).sum::<usize>();
        let most = (1 << layout.k) - self.random_rows;
        if columns.len() != count || columns.iter().any(|column| column.len() > most) {
            return Err(Error::Named("not as many columns, or longer ones"));
        }
        if blindings.len() != layout.named.len() || blindings.contains(&Fr::ZERO) {
            return Err(Error::Named("not a blinding for each commitment, or one that is 0"));
        }
        let mut committed = CommittedColumns { points: Vec::new(), columns, blindings };
        let all = committed.place(layout, self.fixed.len());
        committed.points = layout.named.iter().map(|pack| self.commit(pack, &all)).collect();
        Ok(committed)
    }

    /// Proves a circuit with its witness; says also what the stages took. Instances are given column by column, and for
    /// each link the commitment that its instance names.
    pub fn prove(
        &self,
        source: &dyn Source,
        instances: &[&[Fr]],
        commitments: &[Commitment],
        options: &Options<'_>,
    ) -> Result<(Vec<u8>, Times), Error> {
        self.prove_with_columns(source, instances, commitments, None, options)
    }

    /// The same of a circuit with named columns, which hold these.
    pub fn prove_with_columns(
        &self,
        source: &dyn Source,
        instances: &[&[Fr]],
        commitments: &[Commitment],
        columns: Option<&CommittedColumns>,
        options: &Options<'_>,
    ) -> Result<(Vec<u8>, Times), Error> {
        let system;
        let randomness = match options.randomness {
            Some(randomness) => randomness,
            None => {
                system = Seeded::from_system();
                &system
            }
        };
        let mut watch = Watch::new(options.progress, options.cancel);
        let secrets = (commitments, columns);
        let proof = self.run(source, instances, secrets, randomness, &mut watch)?;
        watch.finish();
        Ok((proof, watch.into_times()))
    }

    fn run(
        &self,
        source: &dyn Source,
        instances: &[&[Fr]],
        (commitments, columns): (&[Commitment], Option<&CommittedColumns>),
        randomness: &dyn Randomness,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<u8>, Error> {
        let layout = &self.verifying.layout;
        let (k, n) = (layout.k, 1_usize << layout.k);
        let counts = layout.instances.counts.iter().copied();
        if !instances.iter().map(|column| column.len()).eq(counts) {
            return Err(crate::Error::Instances.into());
        }
        let links = (&layout.instances.links[..], layout.k);
        let linking = Linking::new(links, commitments, instances, |polynomial| {
            commit(&*self.engine, polynomial)
        })?;
        let mut proof = Messages {
            transcript: Transcript::new(self.verifying.digest),
            bytes: Vec::with_capacity(layout.proof_length()),
            last: Vec::new(),
            last_named: Vec::new(),
        };
        instances.iter().copied().flatten().for_each(|value| proof.transcript.absorb(&word(value)));
        linking.points().try_for_each(|&commitment| proof.last_point(commitment))?;
        // Whatever hides them in this proof: before anything is drawn.
        let (mut fixed, mut committed, mut masks) = (self.fixed.clone(), vec![], vec![]);
        if let Some(columns) = self.check_columns(columns, instances)? {
            committed = columns.place(layout, self.fixed.len());
            for pack in &layout.named {
                let of_slot = |slot: &super::Slot| {
                    let number = self.phases.len() + slot.column;
                    Mask::new(k, randomness.blinding(number, named::FREE_ROWS))
                };
                let of_pack: Vec<Mask> = pack.slots.iter().map(of_slot).collect();
                for (slot, mask) in pack.slots.iter().zip(&of_pack) {
                    fixed[slot.column] = mask.hide(k, &committed[slot.column]);
                }
                masks.push(of_pack);
            }
            columns.points.iter().try_for_each(|&point| proof.last_named(point))?;
            for (pack, masks) in layout.named.iter().zip(&masks) {
                let (mask, _) = commit(&*self.engine, named::packed(pack.width, masks));
                proof.last_named(mask)?;
            }
        }
        let instance = instances.iter().map(|values| {
            let mut cells = Cells::default();
            values.iter().enumerate().for_each(|(row, &value)| cells.set(row, value));
            Column::new(cells)
        });
        let instance: Vec<Column> = instance.collect();

        let mut advice = vec![Column::default(); self.phases.len()];
        let mut challenges = vec![None; layout.num_challenges()];
        for (number, phase) in (0..).zip(&layout.phases) {
            watch.enter(Stage::Witness)?;
            let assigned = source.advice(number, n, instances, &challenges)?;
            let is_of_phase = |index: usize| self.phases[index] == number;
            place(&mut advice, assigned, n - self.random_rows, is_of_phase)?;
            for (index, _) in self.phases.iter().enumerate().filter(|(_, of)| **of == number) {
                advice[index].tail = randomness.blinding(index, self.random_rows);
            }
            if number == 0 {
                linking.check_columns(|column, row| advice[column].element(row, n))?;
            }
            watch.enter(Stage::Commitments)?;
            for pack in &phase.packs {
                proof.point(self.commit(pack, &advice))?;
            }
            for &challenge in &phase.challenges {
                challenges[challenge] = Some(proof.transcript.draw());
            }
        }
        for sum in &layout.instances.sums {
            let of = |point: usize| challenges[point].expect("all challenges are drawn");
            challenges[sum.challenge] = Some(sum.value(instances[sum.column], of));
        }
        let challenges: Vec<Fr> = challenges.into_iter().flatten().collect();
        let y = proof.transcript.draw();

        watch.enter(Stage::Quotient)?;
        let table = Table { k, instance: &instance, advice: &advice, fixed: &fixed };
        let uniform = self.program.uniform(&challenges, y);
        let pieces =
            self.engine.pieces(&table, &self.program, &uniform, self.pieces, &mut || {
                watch.enter(Stage::Quotient)
            })?;
        let pieces: Vec<Vec<Fr>> = pieces
            .into_par_iter()
            .map(|piece| {
                self.interpolation.coefficients(&Column::new(Cells::Elements(piece.into())))
            })
            .collect();
        let quotient = pieces.concat();
        drop(pieces);
        watch.enter(Stage::QuotientCommitments)?;
        let (commitment, quotient) = commit(&*self.engine, quotient);
        proof.point(commitment)?;
        let mut difference = Vec::new();
        if !linking.is_empty() {
            let column = |column: usize| self.interpolation.coefficients(&advice[column]);
            let (commitment, coefficients) = commit(&*self.engine, linking.quotient(y, column));
            proof.last_point(commitment)?;
            difference = coefficients;
        }
        let x = proof.transcript.draw();
        if x.pow_vartime([n as u64]) == Fr::ONE {
            return Err(Error::Challenge);
        }

        let vanishing = named::vanishing(k, x).ok_or(Error::Challenge)?;
        watch.enter(Stage::Evaluations)?;
        let at_x = self.engine.point(k, x);
        let first_of_key = layout.proof_packs();
        let columns = |index: usize| if index < first_of_key { &advice } else { &fixed };
        // By pack, by point, by slot.
        let values: Vec<Vec<Vec<Fr>>> = layout
            .packs()
            .enumerate()
            .map(|(index, pack)| {
                let of_slot = |slot: &super::Slot| {
                    let rotations: Vec<i32> =
                        pack.rotations.iter().map(|rotation| rotation + slot.rotation).collect();
                    at_x.evaluate(&columns(index)[slot.column], &rotations)
                };
                let by_slot: Vec<Vec<Fr>> = pack.slots.par_iter().map(of_slot).collect();
                let of_point = |point| by_slot.iter().map(|values| values[point]).collect();
                (0..pack.rotations.len()).map(of_point).collect()
            })
            .collect();
        values.iter().flatten().flatten().for_each(|value| proof.scalar(value));
        let gamma = proof.transcript.draw();

        watch.enter(Stage::Opening)?;
        let opened: Vec<Opened<'_>> = layout
            .packs()
            .enumerate()
            .zip(&values)
            .map(|((index, pack), values)| {
                let of_point = |(&rotation, values): (&i32, &Vec<Fr>)| {
                    (rotation, x * root_to(k, rotation), values.clone())
                };
                let points = pack.rotations.iter().zip(values).map(of_point).collect();
                let slots = match index.checked_sub(first_of_key + layout.key.len()) {
                    Some(number) => {
                        let masks = masks[number].iter().map(|mask| Some((mask, vanishing)));
                        let held = pack.slots.iter().map(|slot| Held::new(slot, &committed, k));
                        held.zip(masks).map(|(held, mask)| Held { mask, ..held }).collect()
                    }
                    None => {
                        let columns = columns(index);
                        pack.slots.iter().map(|slot| Held::new(slot, columns, k)).collect()
                    }
                };
                Opened { width: pack.width, slots, points }
            })
            .collect();
        let value = horner(&quotient, x);
        let mut singles = vec![Single { coefficients: quotient, value }];
        if !linking.is_empty() {
            let flat: Vec<Fr> = values.iter().flatten().flatten().copied().collect();
            let at_x = |column| layout.advice(column, 0).map_or(Fr::ZERO, |at| flat[at]);
            let (coefficients, value) = linking.opened(y, x, difference, at_x)?;
            singles.push(Single { coefficients, value });
        }
        let proof = std::cell::RefCell::new(proof);
        let mut commit = |coefficients: Vec<Fr>| {
            let (commitment, coefficients) = commit(&*self.engine, coefficients);
            proof.borrow_mut().point(commitment).map(|()| coefficients)
        };
        let mut draw = || proof.borrow_mut().transcript.draw();
        let rows = (x, &*at_x, &*self.interpolation);
        open(&opened, &singles, rows, gamma, &mut commit, &mut draw)?;
        Ok(proof.into_inner().into_bytes())
    }
}

impl ProvingKey {
    /// The committed columns, if the circuit has named ones, and the instances name these.
    fn check_columns<'a>(
        &self,
        columns: Option<&'a CommittedColumns>,
        instances: &[&[Fr]],
    ) -> Result<Option<&'a CommittedColumns>, Error> {
        let layout = &self.verifying.layout;
        let Some(named) = &layout.instances.named else {
            let none = columns.is_none().then_some(None);
            return none.ok_or(Error::Named("committed ones are given, and the circuit has none"));
        };
        let columns = columns.ok_or(Error::Named("no commitment to them is given"))?;
        if columns.points.len() != layout.named.len() {
            return Err(Error::Named("not a commitment for each pack"));
        }
        let own = element(&self.verifying.name_of_columns(&columns.points));
        if own != Some(instances[named.instance_column][named.number]) {
            return Err(Error::Named("the instances name others"));
        }
        Ok(Some(columns))
    }
}

/// A proof as it is written: everything in it is absorbed.
struct Messages {
    transcript: Transcript,
    bytes: Vec<u8>,
    /// What stands behind all else, whenever it is absorbed: of links, then of named packs.
    last: Vec<u8>,
    last_named: Vec<u8>,
}

impl Messages {
    fn point(&mut self, commitment: G1Affine) -> Result<(), Error> {
        if commitment == G1Affine::default() {
            return Err(Error::Zero);
        }
        self.absorb(&point(&commitment));
        Ok(())
    }

    /// Of those at the end.
    fn last_point(&mut self, commitment: G1Affine) -> Result<(), Error> {
        if commitment == G1Affine::default() {
            return Err(Error::Zero);
        }
        self.transcript.absorb(&point(&commitment));
        self.last.extend(point(&commitment));
        Ok(())
    }

    fn last_named(&mut self, commitment: G1Affine) -> Result<(), Error> {
        if commitment == G1Affine::default() {
            return Err(Error::Zero);
        }
        self.transcript.absorb(&point(&commitment));
        self.last_named.extend(point(&commitment));
        Ok(())
    }

    fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.append(&mut self.last);
        self.bytes.append(&mut self.last_named);
        self.bytes
    }

    fn scalar(&mut self, scalar: &Fr) {
        self.absorb(&word(scalar));
    }

    fn absorb(&mut self, bytes: &[u8]) {
        self.transcript.absorb(bytes);
        self.bytes.extend_from_slice(bytes);
    }
}

/// A commitment to coefficients, and these.
fn commit(engine: &dyn Engine, coefficients: Vec<Fr>) -> (G1Affine, Vec<Fr>) {
    let coefficients = Arc::new(coefficients);
    let sum = engine.sum(&Column::new(Cells::Elements(Arc::clone(&coefficients))));
    let is_zero = bool::from(sum.is_identity());
    let commitment = if is_zero { G1Affine::default() } else { sum.to_affine() };
    (commitment, Arc::unwrap_or_clone(coefficients))
}

//! What proofs of a circuit are made with.
//!
//! Circuits of models have neither copy constraints nor the backend's look-ups; their proofs are made by
//! `zkverdict-prover`, several times faster and in less memory than by halo2's `create_proof`, which proves all
//! others. The proofs have one format, and every proof is checked before it is given away.

use super::{
    Commitment, KeccakChallenge, KeccakWrite, ProvingError, Seeded, Srs, Verifier,
    check_environment, linked,
};
use halo2_proofs::{
    SerdeFormat,
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    plonk::{Circuit, ConstraintSystem, ProvingKey, VerifyingKey, create_proof, keygen_pk},
    poly::{
        commitment::Params,
        kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
    },
    transcript::TranscriptWriterBuffer,
};
use rand::rngs::OsRng;
use std::sync::Arc;
use zkverdict_prover::{Arithmetic, Key as OwnKey, Options, Source, Synthesized, Times};

/// Which prover makes the proofs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProverKind {
    /// This project's, with the fastest arithmetic that the processor has.
    #[default]
    Own,
    /// This project's, with arithmetic that every processor has.
    Portable,
    /// Halo2's.
    Stock,
}

/// What proofs of one circuit are made with.
#[derive(Clone, Debug)]
pub struct Prover {
    key: Key,
    verifier: Verifier,
}

#[derive(Clone, Debug)]
enum Key {
    Own(Arc<OwnKey>),
    Stock(Arc<ProvingKey<G1Affine>>),
}

impl Prover {
    /// Makes the proving key that belongs to a verifying key, for the prover that suits the circuit.
    pub fn generate<C: Circuit<Fr>>(verifier: Verifier, circuit: &C) -> Result<Self, ProvingError> {
        let system = verifier.vk().cs();
        let kind = match zkverdict_prover::supports(system, verifier.params().k()) {
            Ok(()) => ProverKind::Own,
            Err(_) => ProverKind::Stock,
        };
        Self::generate_for(kind, verifier, circuit)
    }

    /// Makes the proving key for a prover of choice.
    pub fn generate_for<C: Circuit<Fr>>(
        kind: ProverKind,
        verifier: Verifier,
        circuit: &C,
    ) -> Result<Self, ProvingError> {
        Self::of_source(kind, verifier, circuit, &Synthesized(circuit))
    }

    /// The same of a circuit that gives its columns away.
    pub(super) fn of_source<C: Circuit<Fr>>(
        kind: ProverKind,
        verifier: Verifier,
        circuit: &C,
        source: &dyn Source,
    ) -> Result<Self, ProvingError> {
        check_environment()?;
        let (srs, vk) = (verifier.srs(), verifier.vk());
        let key = match kind {
            ProverKind::Own => {
                return Ok(Self::of_key(own_key(srs, vk.cs(), source)?, verifier));
            }
            ProverKind::Portable => {
                let (params, next) = (&srs.params, srs.next);
                let portable = Arithmetic::without_avx512();
                Key::Own(Arc::new(OwnKey::new(params, vk.cs(), source, next, portable)?))
            }
            ProverKind::Stock => {
                // With its roots of unity: a key that was read may lack them.
                let (bytes, format) = (verifier.to_bytes(), SerdeFormat::Processed);
                let vk = VerifyingKey::from_bytes::<C>(&bytes, format, circuit.params())
                    .map_err(ProvingError::VerifyingKey)?;
                Key::Stock(Arc::new(keygen_pk(&*srs.params, vk, circuit)?))
            }
        };
        Ok(Self { key, verifier })
    }

    /// Of a key that was made already.
    pub(super) fn of_key(key: OwnKey, verifier: Verifier) -> Self {
        Self { key: Key::Own(Arc::new(key)), verifier }
    }

    /// What the proofs are checked against.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Bytes that the proving key takes: in memory, or in a file if it is halo2's.
    pub fn key_bytes(&self) -> usize {
        match &self.key {
            Key::Own(key) => key.bytes(),
            Key::Stock(pk) => pk.to_bytes(SerdeFormat::RawBytesUnchecked).len(),
        }
    }

    /// Proves a circuit that has its witness, and checks the proof before it is given away.
    pub fn prove<C: Circuit<Fr>>(
        &self,
        circuit: C,
        instances: &[Fr],
    ) -> Result<Vec<u8>, ProvingError> {
        self.prove_with(circuit, instances, &Options::default()).map(|(proof, _)| proof)
    }

    /// As [`Self::prove`], followed, stopped or seeded; says also what the stages took. Halo2's prover takes no
    /// options and has no stages.
    pub fn prove_with<C: Circuit<Fr>>(
        &self,
        circuit: C,
        instances: &[Fr],
        options: &Options<'_>,
    ) -> Result<(Vec<u8>, Times), ProvingError> {
        self.prove_source((&circuit, &Synthesized(&circuit)), instances, &[], options)
    }

    /// The same of a circuit that gives its columns away, whose links are to these commitments.
    pub(super) fn prove_source<C: Circuit<Fr>>(
        &self,
        (circuit, source): (&C, &dyn Source),
        instances: &[Fr],
        commitments: &[Commitment],
        options: &Options<'_>,
    ) -> Result<(Vec<u8>, Times), ProvingError> {
        let system;
        let randomness = match options.randomness {
            Some(randomness) => randomness,
            None => {
                system = Seeded::from_system();
                &system
            }
        };
        // What hides columns is drawn once more where they are linked.
        let &Options { progress, cancel, .. } = options;
        let options = &Options { randomness: Some(randomness), progress, cancel };
        let mut transcript = KeccakWrite::init(Vec::new());
        let (params, vk) = (self.verifier.params(), self.verifier.vk());
        let times = match &self.key {
            Key::Own(key) => key.prove(vk, source, &[instances], options, &mut transcript)?,
            Key::Stock(_) if !self.verifier.links().is_empty() => {
                return Err(ProvingError::StockLinked);
            }
            Key::Stock(pk) => {
                create_proof::<
                    KZGCommitmentScheme<Bn256>,
                    ProverSHPLONK<'_, Bn256>,
                    KeccakChallenge,
                    _,
                    _,
                    _,
                >(
                    params,
                    pk,
                    std::slice::from_ref(circuit),
                    &[&[instances]],
                    OsRng,
                    &mut transcript,
                )?;
                Times::new()
            }
        };
        let mut tail = Vec::new();
        if !self.verifier.links().is_empty() {
            let (behind, links) = (&mut transcript, self.verifier.links());
            let key = (params, vk.cs());
            tail = linked::tail(behind, key, links, source, instances, commitments, randomness)?;
        }
        let mut proof = transcript.finalize();
        proof.extend(tail);
        match self.verifier.verify(&proof, instances) {
            Ok(()) => Ok((proof, times)),
            // Points of a damaged string that no verifier looks at.
            Err(_) => {
                let damage = super::srs::check(self.verifier.srs()).err();
                Err(damage.unwrap_or(ProvingError::OwnProof))
            }
        }
    }
}

/// A key of the own prover, with the fastest arithmetic that the processor has.
pub(super) fn own_key(
    srs: &Srs,
    system: &ConstraintSystem<Fr>,
    source: &dyn Source,
) -> Result<OwnKey, ProvingError> {
    Ok(OwnKey::new(&srs.params, system, source, srs.next, Arithmetic::best())?)
}

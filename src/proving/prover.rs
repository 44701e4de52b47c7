//! What proofs of a circuit are made with.
//!
//! Circuits of models have neither copy constraints nor the backend's look-ups; their proofs are made by
//! `zkverdict-prover`, several times faster and in less memory than by halo2's `create_proof`, which proves all
//! others. The proofs have one format, and every proof is checked before it is given away.

use super::{KeccakChallenge, KeccakWrite, ProvingError, Verifier, check_environment};
use halo2_proofs::{
    SerdeFormat,
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    plonk::{Circuit, ProvingKey, create_proof, keygen_pk},
    poly::{
        commitment::Params,
        kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
    },
    transcript::TranscriptWriterBuffer,
};
use rand::rngs::OsRng;
use std::sync::Arc;
use zkverdict_prover::{Arithmetic, Options, Times};

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
    Own(Arc<zkverdict_prover::Key>),
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
        check_environment()?;
        let (params, vk) = (verifier.params(), verifier.vk());
        let own = |arithmetic| zkverdict_prover::Key::new(params, vk, circuit, None, arithmetic);
        let key = match kind {
            ProverKind::Own => Key::Own(Arc::new(own(Arithmetic::best())?)),
            ProverKind::Portable => Key::Own(Arc::new(own(Arithmetic::Portable)?)),
            ProverKind::Stock => Key::Stock(Arc::new(keygen_pk(params, vk.clone(), circuit)?)),
        };
        Ok(Self { key, verifier })
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
        let mut transcript = KeccakWrite::init(Vec::new());
        let (params, vk) = (self.verifier.params(), self.verifier.vk());
        let times = match &self.key {
            Key::Own(key) => key.prove(vk, &circuit, &[instances], options, &mut transcript)?,
            Key::Stock(pk) => {
                create_proof::<
                    KZGCommitmentScheme<Bn256>,
                    ProverSHPLONK<'_, Bn256>,
                    KeccakChallenge,
                    _,
                    _,
                    _,
                >(params, pk, &[circuit], &[&[instances]], OsRng, &mut transcript)?;
                Times::new()
            }
        };
        let proof = transcript.finalize();
        match self.verifier.verify(&proof, instances) {
            Ok(()) => Ok((proof, times)),
            // Points of a damaged string that no verifier looks at.
            Err(_) => Err(super::srs::check(params).err().unwrap_or(ProvingError::OwnProof)),
        }
    }
}

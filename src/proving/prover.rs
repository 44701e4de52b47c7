//! The proving key of a circuit, and proofs.

use super::{KeccakChallenge, KeccakWrite, ProvingError, Verifier, check_environment};
use halo2_proofs::{
    SerdeFormat,
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    plonk::{Circuit, ProvingKey, create_proof, keygen_pk},
    poly::kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
    transcript::TranscriptWriterBuffer,
};
use rand::rngs::OsRng;

/// What proofs of one circuit are made with.
#[derive(Clone, Debug)]
pub struct Prover {
    pk: ProvingKey<G1Affine>,
    verifier: Verifier,
}

impl Prover {
    /// Makes the proving key that belongs to a verifying key.
    pub fn generate<C: Circuit<Fr>>(verifier: Verifier, circuit: &C) -> Result<Self, ProvingError> {
        check_environment()?;
        let pk = keygen_pk(verifier.params(), verifier.vk().clone(), circuit)?;
        Ok(Self { pk, verifier })
    }

    /// What the proofs are checked against.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Bytes that the proving key would take in a file.
    pub fn key_bytes(&self) -> usize {
        self.pk.to_bytes(SerdeFormat::RawBytesUnchecked).len()
    }

    /// Proves a circuit that has its witness, and checks the proof before it is given away.
    pub fn prove<C: Circuit<Fr>>(
        &self,
        circuit: C,
        instances: &[Fr],
    ) -> Result<Vec<u8>, ProvingError> {
        let mut transcript = KeccakWrite::init(Vec::new());
        create_proof::<
            KZGCommitmentScheme<Bn256>,
            ProverSHPLONK<'_, Bn256>,
            KeccakChallenge,
            _,
            _,
            _,
        >(
            self.verifier.params(), &self.pk, &[circuit], &[&[instances]], OsRng, &mut transcript
        )?;
        let proof = transcript.finalize();
        match self.verifier.verify(&proof, instances) {
            Ok(()) => Ok(proof),
            // Points of a damaged string that no verifier looks at.
            Err(_) => Err(super::srs::check(self.verifier.params())
                .err()
                .unwrap_or(ProvingError::OwnProof)),
        }
    }
}

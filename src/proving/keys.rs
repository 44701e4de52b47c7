//! Keys of a circuit, and what is done with them.

use super::{KeccakChallenge, KeccakRead, KeccakWrite, ProvingError, Srs, WORD_BYTES, vk_digest};
use halo2_proofs::{
    SerdeFormat,
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    plonk::{Circuit, ProvingKey, VerifyingKey, create_proof, keygen_pk, keygen_vk, verify_proof},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::{ProverSHPLONK, VerifierSHPLONK},
        strategy::SingleStrategy,
    },
    transcript::{TranscriptReadBuffer, TranscriptWriterBuffer},
};
use rand::rngs::OsRng;

/// What proofs of one circuit are checked against.
#[derive(Clone, Debug)]
pub struct Verifier {
    params: ParamsKZG<Bn256>,
    vk: VerifyingKey<G1Affine>,
    instances: usize,
}

impl Verifier {
    /// Makes the verifying key of a circuit with one instance column.
    pub fn generate<C: Circuit<Fr>>(
        srs: &Srs,
        circuit: &C,
        instances: usize,
    ) -> Result<Self, ProvingError> {
        let vk = keygen_vk(&srs.params, circuit)?;
        Ok(Self { params: srs.params.clone(), vk, instances })
    }

    /// Reads a verifying key that [`Self::to_bytes`] wrote.
    pub fn from_bytes<C: Circuit<Fr>>(
        bytes: &[u8],
        srs: &Srs,
        shape: C::Params,
        instances: usize,
    ) -> Result<Self, ProvingError> {
        let damaged = |why: &str| {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidData, why);
            ProvingError::VerifyingKey(source)
        };
        // The version byte, then k: halo2 makes room for 2^k before it looks any further.
        if bytes.get(1..5) != Some(&srs.k().to_le_bytes()[..]) {
            return Err(damaged("its k is not that of the structured reference string"));
        }
        let mut rest = bytes;
        let vk = VerifyingKey::read::<_, C>(&mut rest, SerdeFormat::Processed, shape)
            .map_err(ProvingError::VerifyingKey)?;
        if !rest.is_empty() {
            return Err(damaged("bytes are left over"));
        }
        Ok(Self { params: srs.params.clone(), vk, instances })
    }

    /// The verifying key's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.vk.to_bytes(SerdeFormat::Processed)
    }

    /// The verifying key.
    pub fn vk(&self) -> &VerifyingKey<G1Affine> {
        &self.vk
    }

    /// The structured reference string.
    pub fn params(&self) -> &ParamsKZG<Bn256> {
        &self.params
    }

    /// Number of instances of a proof.
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// The verifying key's digest.
    pub fn digest(&self) -> [u8; WORD_BYTES] {
        vk_digest(&self.params, &self.vk, &[self.instances])
    }

    /// Whether a proof proves its instances.
    ///
    /// As the contract: the number of instances is the circuit's (halo2 alone would fill up with
    /// zeros), and no byte follows the proof.
    pub fn verify(&self, proof: &[u8], instances: &[Fr]) -> bool {
        if instances.len() != self.instances {
            return false;
        }
        let mut transcript = KeccakRead::init(proof);
        let accepted = verify_proof::<
            KZGCommitmentScheme<Bn256>,
            VerifierSHPLONK<'_, Bn256>,
            KeccakChallenge,
            _,
            _,
        >(
            &self.params,
            &self.vk,
            SingleStrategy::new(&self.params),
            &[&[instances]],
            &mut transcript,
        );
        accepted.is_ok() && transcript.into_inner().is_empty()
    }
}

/// What proofs of one circuit are made with.
#[derive(Clone, Debug)]
pub struct Prover {
    pk: ProvingKey<G1Affine>,
    verifier: Verifier,
}

impl Prover {
    /// Makes the proving key that belongs to a verifying key.
    pub fn generate<C: Circuit<Fr>>(verifier: Verifier, circuit: &C) -> Result<Self, ProvingError> {
        let pk = keygen_pk(&verifier.params, verifier.vk.clone(), circuit)?;
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
            &self.verifier.params, &self.pk, &[circuit], &[&[instances]], OsRng, &mut transcript
        )?;
        let proof = transcript.finalize();
        if !self.verifier.verify(&proof, instances) {
            return Err(ProvingError::OwnProof);
        }
        Ok(proof)
    }
}

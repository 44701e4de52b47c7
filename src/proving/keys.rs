//! Keys of a circuit, and what is done with them.

use crate::circuit::LARGEST_DEGREE;

use super::{
    KeccakChallenge, KeccakRead, ProvingError, Refusal, Srs, SrsOrigin, WORD_BYTES,
    model_vk_digest, vk_digest,
};
use halo2_proofs::{
    SerdeFormat,
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    plonk::{Circuit, ConstraintSystem, VerifyingKey, keygen_vk, verify_proof},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::VerifierSHPLONK,
        strategy::SingleStrategy,
    },
    transcript::TranscriptReadBuffer,
};
use std::sync::Arc;

/// What proofs of one circuit are checked against.
#[derive(Clone, Debug)]
pub struct Verifier {
    srs: Srs,
    /// Shared: it has halo2's roots of unity, seven times as many as rows and their inverses.
    vk: Arc<VerifyingKey<G1Affine>>,
    instances: usize,
    model_digest: Option<[u8; WORD_BYTES]>,
}

impl Verifier {
    /// Makes the verifying key of a circuit with one instance column.
    pub fn generate<C: Circuit<Fr>>(
        srs: &Srs,
        circuit: &C,
        instances: usize,
    ) -> Result<Self, ProvingError> {
        check_environment()?;
        let vk = keygen_vk(&*srs.params, circuit)?;
        Ok(Self::new(srs, vk, instances))
    }

    fn new(srs: &Srs, vk: VerifyingKey<G1Affine>, instances: usize) -> Self {
        Self { srs: srs.clone(), vk: Arc::new(vk), instances, model_digest: None }
    }

    /// The same of a circuit that is a model's.
    #[must_use]
    pub fn about(self, model_digest: [u8; WORD_BYTES]) -> Self {
        Self { model_digest: Some(model_digest), ..self }
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
        check_environment()?;
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
        Ok(Self::new(srs, vk, instances))
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
        &self.srs.params
    }

    /// The same with where it comes from.
    pub fn srs(&self) -> &Srs {
        &self.srs
    }

    /// Where the structured reference string comes from.
    pub fn srs_origin(&self) -> SrsOrigin {
        self.srs.origin
    }

    /// Number of instances of a proof.
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// The verifying key's digest.
    pub fn digest(&self) -> [u8; WORD_BYTES] {
        let digest = vk_digest(self.params(), &self.vk, &[self.instances]);
        self.model_digest.map_or(digest, |model| model_vk_digest(digest, model))
    }

    /// The digest of the model whose circuit this is of, if it is one's.
    pub fn model_digest(&self) -> Option<[u8; WORD_BYTES]> {
        self.model_digest
    }

    /// Bytes of every proof.
    pub fn proof_length(&self) -> usize {
        proof_length(self.vk.cs())
    }

    /// Whether a proof of so many bytes with so many instances can be one of this circuit.
    pub fn check_lengths(&self, proof: usize, instances: usize) -> Result<(), Refusal> {
        Refusal::of_lengths(proof, self.proof_length(), instances, self.instances)
    }

    /// Whether a proof proves its instances, and if not, why not.
    ///
    /// As the contract: the number of instances is the circuit's (halo2 alone would fill up with
    /// zeros), and no byte follows the proof.
    pub fn verify(&self, proof: &[u8], instances: &[Fr]) -> Result<(), Refusal> {
        self.check_lengths(proof.len(), instances.len())?;
        let mut transcript = KeccakRead::init(proof);
        let accepted = verify_proof::<
            KZGCommitmentScheme<Bn256>,
            VerifierSHPLONK<'_, Bn256>,
            KeccakChallenge,
            _,
            _,
        >(
            self.params(),
            &self.vk,
            SingleStrategy::new(self.params()),
            &[&[instances]],
            &mut transcript,
        );
        match transcript.refusal() {
            Some(Refusal::ScalarOutOfRange { index }) => {
                Err(Refusal::ScalarOutOfRange { index: instances.len() as u64 + index })
            }
            Some(refusal) => Err(refusal),
            None if accepted.is_ok() && transcript.into_inner().is_empty() => Ok(()),
            None => Err(Refusal::InvalidProof),
        }
    }
}

/// Bytes of every proof of a circuit with these constraints.
pub fn proof_length(cs: &ConstraintSystem<Fr>) -> usize {
    let (lookups, degree) = (cs.lookups().len(), cs.degree());
    let permuted = cs.permutation().get_columns().len();
    // One degree is for the product itself, one for the rows where it is active.
    let products = permuted.div_ceil(degree.saturating_sub(2).max(1));
    // Columns, look-ups, products, the random polynomial, the quotient's pieces, the two of SHPLONK.
    let points = cs.num_advice_columns() + 3 * lookups + products + 1 + (degree - 1) + 2;
    let queries = cs.advice_queries().len() + cs.fixed_queries().len();
    let of_products = (3 * products).saturating_sub(1);
    let evaluations = queries + 1 + permuted + of_products + 5 * lookups;
    WORD_BYTES * (2 * points + evaluations)
}

/// That halo2 makes room for gates of the degree that they have here: it takes the largest from a variable of the
/// environment, and circuits whose gates have a higher degree lose their proofs without a word.
pub fn check_environment() -> Result<(), ProvingError> {
    const VARIABLE: &str = "MAX_DEGREE";
    let Some(value) = std::env::var_os(VARIABLE) else { return Ok(()) };
    let degree = value.to_str().and_then(|value| value.parse::<usize>().ok());
    match degree {
        Some(degree) if degree >= LARGEST_DEGREE => Ok(()),
        _ => Err(ProvingError::MaxDegree { value: value.to_string_lossy().into_owned() }),
    }
}

//! Keys of a circuit, and what is done with them.

use crate::circuit::LARGEST_DEGREE;

use super::{
    KeccakChallenge, KeccakRead, ProvingError, Refusal, Srs, SrsOrigin, WORD_BYTES,
    linked::{self, Tail},
    linked_vk_digest, model_vk_digest, vk_digest,
};
use halo2_proofs::{
    SerdeCurveAffine, SerdeFormat,
    halo2curves::{
        bn256::{Bn256, Fr, G1Affine},
        ff::{PrimeField, WithSmallOrderMulGroup},
    },
    plonk::{Circuit, ConstraintSystem, VerifyingKey, keygen_vk, permutation, verify_proof},
    poly::{
        EvaluationDomain,
        kzg::{
            commitment::{KZGCommitmentScheme, ParamsKZG},
            multiopen::VerifierSHPLONK,
            strategy::SingleStrategy,
        },
    },
    transcript::TranscriptReadBuffer,
};
use std::{io, sync::Arc};
use zkverdict_prover::packed::Link;

/// What proofs of one circuit are checked against.
#[derive(Clone, Debug)]
pub struct Verifier {
    srs: Srs,
    vk: Arc<VerifyingKey<G1Affine>>,
    instances: usize,
    links: Vec<Link>,
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
        Self { srs: srs.clone(), vk: Arc::new(vk), instances, links: vec![], model_digest: None }
    }

    /// The same of a circuit that is a model's.
    #[must_use]
    pub fn about(self, model_digest: [u8; WORD_BYTES]) -> Self {
        Self { model_digest: Some(model_digest), ..self }
    }

    /// The same of a circuit whose columns hold what commitments do, which its proofs have to show. They are part of the key.
    #[must_use]
    pub fn with_links(self, links: Vec<Link>) -> Self {
        Self { links, ..self }
    }

    /// The columns that hold what commitments do.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Reads a verifying key that [`Self::to_bytes`] wrote, of a circuit with these columns and gates and without selectors.
    pub fn from_bytes(
        bytes: &[u8],
        srs: &Srs,
        system: ConstraintSystem<Fr>,
        instances: usize,
    ) -> Result<Self, ProvingError> {
        check_environment()?;
        let vk = read(bytes, srs.k(), system).map_err(ProvingError::VerifyingKey)?;
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
        let digest = linked_vk_digest(digest, &self.links);
        self.model_digest.map_or(digest, |model| model_vk_digest(digest, model))
    }

    /// The digest of the model whose circuit this is of, if it is one's.
    pub fn model_digest(&self) -> Option<[u8; WORD_BYTES]> {
        self.model_digest
    }

    /// Bytes of every proof.
    pub fn proof_length(&self) -> usize {
        proof_length(self.vk.cs()) + linked::bytes(self.links.len())
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
        let (system, links) = (self.vk.cs(), &self.links[..]);
        let (proof, tail) = proof.split_at(proof_length(system));
        let (is_accepted, mut transcript) = self.read(proof, instances);
        match transcript.refusal() {
            Some(Refusal::ScalarOutOfRange { index }) => {
                return Err(Refusal::ScalarOutOfRange { index: instances.len() as u64 + index });
            }
            Some(refusal) => return Err(refusal),
            None => {}
        }
        let tail = match links {
            [] => None,
            _ => Some(Tail::read(tail, proof_points(system) as u64, links, instances)?),
        };
        if !is_accepted || !transcript.reader().is_empty() {
            return Err(Refusal::InvalidProof);
        }
        let Some(tail) = tail else { return Ok(()) };
        let columns = linked::columns(proof, links, system).ok_or(Refusal::InvalidProof)?;
        tail.check(links, &columns, self.params(), &mut transcript)
    }

    /// Whether halo2 accepts a proof, and the transcript as the proof left it.
    pub(super) fn read<'a>(
        &self,
        proof: &'a [u8],
        instances: &[Fr],
    ) -> (bool, KeccakRead<&'a [u8]>) {
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
        (accepted.is_ok(), transcript)
    }
}

/// A verifying key as halo2 reads it, but for roots of unity, seven times as many as rows and their inverses: its prover
/// alone needs them.
fn read(bytes: &[u8], k: u32, system: ConstraintSystem<Fr>) -> io::Result<VerifyingKey<G1Affine>> {
    const VERSION: u8 = 2;
    let damaged = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
    let (&[version, k0, k1, k2, k3, compressed, c0, c1, c2, c3], mut rest) =
        bytes.split_first_chunk().ok_or_else(|| damaged("it is too short"))?;
    if u32::from_le_bytes([k0, k1, k2, k3]) != k {
        return Err(damaged("its k is not that of the structured reference string"));
    }
    if version != VERSION || compressed > 1 || system.num_selectors() > 0 {
        return Err(damaged("it is not one of this version's"));
    }
    if u32::from_le_bytes([c0, c1, c2, c3]) as usize != system.num_fixed_columns() {
        return Err(damaged("it has not as many commitments as the circuit has fixed columns"));
    }
    let mut points = |count: usize| {
        let point = |_| SerdeCurveAffine::read(&mut rest, SerdeFormat::Processed);
        (0..count).map(point).collect::<io::Result<Vec<G1Affine>>>()
    };
    let fixed = points(system.num_fixed_columns())?;
    let permuted = points(system.permutation().get_columns().len())?;
    if !rest.is_empty() {
        return Err(damaged("bytes are left over"));
    }
    let permutation = permutation::VerifyingKey::from_commitments(permuted);
    let domain = domain(system.degree() as u64 - 1, k);
    // There are none, but gates have to be in the form that this leaves.
    let (system, _) = system.directly_convert_selectors_to_fixed(Vec::new());
    let key =
        VerifyingKey::from_parts(domain, fixed, permutation, system, Vec::new(), compressed == 1);
    // Points have a bit that is not looked at in most of them.
    if key.to_bytes(SerdeFormat::Processed) != bytes {
        return Err(damaged("it is not written as keys are"));
    }
    Ok(key)
}

/// Halo2's domain for quotients of so many pieces, without what its transforms are made with.
fn domain(pieces: u64, k: u32) -> EvaluationDomain<Fr> {
    let extended_k = k + pieces.next_power_of_two().trailing_zeros();
    let root = |k: u32| (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
    let invert =
        |element: Fr| element.invert().expect("neither roots of unity nor powers of 2 are 0");
    let (omega, extended_omega) = (root(k), root(extended_k));
    let of_rows = invert(Fr::from(1 << k));
    EvaluationDomain {
        n: 1 << k,
        k,
        extended_k,
        omega,
        omega_inv: invert(omega),
        extended_omega,
        extended_omega_inv: invert(extended_omega),
        g_coset: Fr::ZETA,
        g_coset_inv: Fr::ZETA.square(),
        quotient_poly_degree: pieces,
        ifft_divisor: of_rows,
        extended_ifft_divisor: invert(Fr::from(1 << extended_k)),
        t_evaluations: Vec::new(),
        barycentric_weight: of_rows,
        fft_data: Default::default(),
    }
}

/// How many products a permutation argument has.
fn permutation_products(cs: &ConstraintSystem<Fr>) -> usize {
    // One degree is for the product itself, one for the rows where it is active.
    cs.permutation().get_columns().len().div_ceil(cs.degree().saturating_sub(2).max(1))
}

/// Points of every proof of a circuit with these constraints.
fn proof_points(cs: &ConstraintSystem<Fr>) -> usize {
    let (lookups, pieces) = (cs.lookups().len(), cs.degree() - 1);
    // Columns, look-ups, products, the random polynomial, the quotient's pieces, the two of SHPLONK.
    cs.num_advice_columns() + 3 * lookups + permutation_products(cs) + 1 + pieces + 2
}

/// Bytes of every proof of a circuit with these constraints and without links.
pub fn proof_length(cs: &ConstraintSystem<Fr>) -> usize {
    let (lookups, products) = (cs.lookups().len(), permutation_products(cs));
    let permuted = cs.permutation().get_columns().len();
    let queries = cs.advice_queries().len() + cs.fixed_queries().len();
    let of_products = (3 * products).saturating_sub(1);
    let evaluations = queries + 1 + permuted + of_products + 5 * lookups;
    WORD_BYTES * (2 * proof_points(cs) + evaluations)
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

#[cfg(all(test, feature = "prove"))]
mod tests {
    use super::*;
    use crate::circuit::{ModelCircuit, Wishes, tests::models};

    #[test]
    fn keys_are_read_as_halo2_reads_them() {
        let (_, model) = models::all().swap_remove(0);
        let circuit = ModelCircuit::new(&model, Wishes::default()).unwrap();
        let srs = Srs::unsafe_dev(circuit.k());
        let bytes = Verifier::generate(&srs, &circuit, circuit.instances()).unwrap().to_bytes();
        let system = || circuit.constraint_system();
        let read = Verifier::from_bytes(&bytes, &srs, system(), circuit.instances()).unwrap();
        let format = SerdeFormat::Processed;
        let shape = circuit.shape();
        let whole =
            VerifyingKey::<G1Affine>::from_bytes::<ModelCircuit>(&bytes, format, shape).unwrap();
        assert_eq!(read.vk().transcript_repr(), whole.transcript_repr());
        assert_eq!(read.to_bytes(), bytes);
        type Damage = fn(&mut Vec<u8>);
        let damage: [(&str, Damage); 6] = [
            ("short", |bytes| bytes.truncate(9)),
            ("version", |bytes| bytes[0] = 3),
            ("k", |bytes| bytes[1] += 1),
            ("count", |bytes| bytes[6] -= 1),
            ("points", |bytes| bytes.truncate(bytes.len() - 1)),
            ("rest", |bytes| bytes.push(0)),
        ];
        for (what, damage) in damage {
            let mut damaged = bytes.clone();
            damage(&mut damaged);
            let refused = Verifier::from_bytes(&damaged, &srs, system(), circuit.instances());
            assert!(matches!(refused, Err(ProvingError::VerifyingKey(_))), "{what}: {refused:?}");
        }
    }

    #[test]
    fn a_key_has_one_encoding() {
        let (_, model) = models::all().swap_remove(0);
        let circuit = ModelCircuit::new(&model, Wishes::default()).expect("it has a circuit");
        let (srs, count) = (Srs::unsafe_dev(circuit.k()), circuit.instances());
        let keys = Verifier::generate(&srs, &circuit, count).expect("it has a key");
        let read =
            |bytes: &[u8]| Verifier::from_bytes(bytes, &srs, circuit.constraint_system(), count);
        let bytes = keys.to_bytes();
        assert_eq!(read(&bytes).expect("its own bytes").digest(), keys.digest());
        // Points lie behind ten bytes. The last byte of each has two flags.
        for at in (10..bytes.len()).skip(31).step_by(32) {
            for flag in [1 << 6, 1 << 7] {
                let mut other = bytes.clone();
                other[at] ^= flag;
                let digest = read(&other).ok().map(|read| read.digest());
                assert_ne!(digest, Some(keys.digest()), "byte {at}, {flag:#x}");
            }
        }
    }
}

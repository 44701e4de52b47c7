//! Keys and proofs of the packed format (`docs/protocol.md`).

use super::{Powers, ProvingError, Refusal, SrsOrigin, WORD_BYTES, model_vk_digest};
use crate::circuit::{self, Shape, WordSum};
use halo2_proofs::{
    arithmetic::best_multiexp,
    halo2curves::{
        bn256::{Fr, G1Affine, G2Affine},
        ff::Field,
        group::Curve,
    },
    plonk::ConstraintSystem,
    poly::{EvaluationDomain, Rotation},
};
use zkverdict_prover::packed::{self as library, InstanceSum, Layout, Link, Named, VerifyingKey};

pub use zkverdict_prover::packed::{Commitment, Instances, Widths, link};

#[cfg(feature = "prove")]
use super::{Options, ProverKind, Times, check_environment};
#[cfg(feature = "prove")]
use std::sync::Arc;
#[cfg(feature = "prove")]
use zkverdict_prover::{
    Arithmetic, Source,
    packed::{CommittedColumns, ProvingKey},
};

/// The columns of a model's circuit of a shape that hold what commitments do.
pub fn links(shape: &Shape) -> Vec<Link> {
    let link = |circuit::Link { column, class, name }| Link {
        column,
        class,
        instance_column: 0,
        number: name,
    };
    shape.links().into_iter().map(link).collect()
}

/// What is public of a model's circuit of a shape, in so many instances.
pub fn packed_instances(shape: &Shape, count: usize) -> Instances {
    let sum = |WordSum { challenge, first, factor, point }| InstanceSum {
        challenge,
        column: 0,
        first,
        factor,
        point,
    };
    Instances {
        counts: vec![count],
        sums: shape.word_sum().into_iter().map(sum).collect(),
        links: links(shape),
        named: shape.named_columns().map(|(columns, number)| Named {
            columns,
            instance_column: 0,
            number,
        }),
    }
}

/// What packed proofs of one circuit with one instance column are checked against.
#[derive(Clone, Debug)]
pub struct PackedVerifier {
    key: VerifyingKey,
    /// Verifying takes none but those in the key.
    powers: Option<Powers>,
    origin: SrsOrigin,
    model_digest: Option<[u8; WORD_BYTES]>,
}

impl PackedVerifier {
    /// Makes the verifying key of a circuit from its fixed columns, each with all rows. It takes as many powers as
    /// the longest polynomial has coefficients.
    pub fn generate(
        powers: &Powers,
        system: &ConstraintSystem<Fr>,
        k: u32,
        instances: &Instances,
        fixed: &[Vec<Fr>],
        widths: &Widths,
    ) -> Result<Self, ProvingError> {
        let layout = Layout::new(system, k, instances, widths)?;
        let commitments = commit_key(&layout, fixed, powers)?;
        let key = VerifyingKey::of_circuit(layout, powers.as_library(), commitments, system);
        Self::new(key, powers.origin).with_powers(powers.clone())
    }

    fn new(key: VerifyingKey, origin: SrsOrigin) -> Self {
        Self { key, powers: None, origin, model_digest: None }
    }

    /// Reads the verifying key of a circuit that [`Self::to_bytes`] wrote. That its commitments are those of the
    /// circuit is not checked.
    pub fn from_bytes(
        bytes: &[u8],
        system: &ConstraintSystem<Fr>,
        k: u32,
        instances: &Instances,
        origin: SrsOrigin,
    ) -> Result<Self, ProvingError> {
        let damaged = |source: Box<dyn std::error::Error + Send + Sync>| {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidData, source);
            ProvingError::VerifyingKey(source)
        };
        let key = VerifyingKey::from_bytes(bytes).map_err(|damage| damaged(damage.into()))?;
        let layout = key.layout();
        if *layout != Layout::new(system, k, instances, &layout.widths())? {
            return Err(damaged("its packs or instances are not the circuit's".into()));
        }
        if !key.has_gates_of(system) {
            return Err(damaged("its gates are not the circuit's".into()));
        }
        let [g2, tau_g2] = key.g2();
        if key.g1() != G1Affine::generator() || g2 != G2Affine::generator() || tau_g2 == g2 {
            return Err(damaged("its generators are others, or its secret is 1".into()));
        }
        Ok(Self::new(key, origin))
    }

    /// The same with the string that it was made with, which proofs and other keys are made with.
    pub fn with_powers(self, powers: Powers) -> Result<Self, ProvingError> {
        if powers.g2 != self.key.g2() {
            return Err(ProvingError::SrsInvalid("it is not the verifying key's"));
        }
        Ok(Self { powers: Some(powers), ..self })
    }

    /// The same of a circuit that is a model's.
    #[must_use]
    pub fn about(self, model_digest: [u8; WORD_BYTES]) -> Self {
        Self { model_digest: Some(model_digest), ..self }
    }

    /// The verifying key's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.key.to_bytes()
    }

    /// The verifying key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The structured reference string, where it is at hand.
    pub fn powers(&self) -> Option<&Powers> {
        self.powers.as_ref()
    }

    /// Where the structured reference string comes from.
    pub fn srs_origin(&self) -> SrsOrigin {
        self.origin
    }

    /// Number of instances of a proof.
    pub fn instances(&self) -> usize {
        self.key.layout().num_instances()
    }

    /// Bytes of every proof.
    pub fn proof_length(&self) -> usize {
        self.key.layout().proof_length()
    }

    /// The verifying key's digest.
    pub fn digest(&self) -> [u8; WORD_BYTES] {
        let digest = self.key.digest();
        self.model_digest.map_or(digest, |model| model_vk_digest(digest, model))
    }

    /// The digest of the model whose circuit this is of, if it is one's.
    pub fn model_digest(&self) -> Option<[u8; WORD_BYTES]> {
        self.model_digest
    }

    /// Whether a proof proves its instances, and if not, why not.
    pub fn verify(&self, proof: &[u8], instances: &[Fr]) -> Result<(), Refusal> {
        Ok(self.key.verify(proof, instances)?)
    }
}

impl From<library::Refusal> for Refusal {
    fn from(refusal: library::Refusal) -> Self {
        match refusal {
            library::Refusal::InstanceCount { got, expected } => {
                Self::InstanceCount { got: got as u64, expected: expected as u64 }
            }
            library::Refusal::ProofLength { got, expected } => {
                Self::ProofLength { got: got as u64, expected: expected as u64 }
            }
            library::Refusal::ScalarOutOfRange { index } => {
                Self::ScalarOutOfRange { index: index as u64 }
            }
            library::Refusal::PointNotOnCurve { index } => {
                Self::PointNotOnCurve { index: index as u64 }
            }
            library::Refusal::WrongName { link } => Self::WrongName { link: link as u64 },
            library::Refusal::ChallengeInDomain => Self::ChallengeInDomain,
            _ => Self::InvalidProof,
        }
    }
}

/// Commitments to the key's packs, with halo2's arithmetic: the prover's own is another.
pub(crate) fn commit_key(
    layout: &Layout,
    fixed: &[Vec<Fr>],
    powers: &Powers,
) -> Result<Vec<G1Affine>, ProvingError> {
    let domain = EvaluationDomain::<Fr>::new(1, layout.k);
    let commit = |pack: &library::Pack| -> Result<G1Affine, ProvingError> {
        let mut packed = vec![Fr::ZERO; pack.width << layout.k];
        powers.check_length(packed.len())?;
        for (at, slot) in pack.slots.iter().enumerate() {
            let values = domain.lagrange_from_vec(fixed[slot.column].clone());
            // f(ω^rotation·X)
            let step = domain.rotate_omega(Fr::ONE, Rotation(slot.rotation));
            let mut power = Fr::ONE;
            let places = packed[at..].iter_mut().step_by(pack.width);
            for (place, coefficient) in places.zip(domain.lagrange_to_coeff(values).iter()) {
                *place = *coefficient * power;
                power *= step;
            }
        }
        Ok(best_multiexp(&packed, &powers.g1[..packed.len()]).to_affine())
    };
    layout.key.iter().map(commit).collect()
}

/// What packed proofs of one circuit are made with.
#[cfg(feature = "prove")]
#[derive(Clone, Debug)]
pub struct PackedProver {
    key: Arc<ProvingKey>,
    verifier: PackedVerifier,
}

#[cfg(feature = "prove")]
impl PackedProver {
    /// Makes both keys of a circuit that gives its columns away.
    pub(super) fn generate(
        kind: ProverKind,
        powers: &Powers,
        k: u32,
        system: &ConstraintSystem<Fr>,
        source: &dyn Source,
        instances: &Instances,
        widths: &Widths,
    ) -> Result<Self, ProvingError> {
        check_environment()?;
        let (string, arithmetic) = (powers.as_library(), arithmetic(kind)?);
        let key = ProvingKey::new(string, k, system, source, instances, widths, arithmetic)?;
        // No longer than the keys need it.
        let powers = powers.cut_down(key.powers());
        let verifier = PackedVerifier::new(key.verifying().clone(), powers.origin);
        Ok(Self { key: Arc::new(key), verifier: verifier.with_powers(powers)? })
    }

    /// Makes the proving key that belongs to a verifying key with its string. It keeps the string, and the verifying key
    /// does so no more.
    pub(super) fn of_verifier(
        kind: ProverKind,
        verifier: PackedVerifier,
        system: &ConstraintSystem<Fr>,
        source: &dyn Source,
    ) -> Result<Self, ProvingError> {
        check_environment()?;
        let (key, k) = (verifier.key.clone(), verifier.key.layout().k);
        let powers = verifier.powers.as_ref().ok_or(ProvingError::SrsMissing { k })?;
        let (string, arithmetic) = (powers.as_library(), arithmetic(kind)?);
        let key = ProvingKey::of_verifying(key, string, system, source, arithmetic)?;
        Ok(Self { key: Arc::new(key), verifier: PackedVerifier { powers: None, ..verifier } })
    }

    /// What the proofs are checked against.
    pub fn verifier(&self) -> &PackedVerifier {
        &self.verifier
    }

    /// Bytes that the proving key takes in memory.
    pub fn key_bytes(&self) -> usize {
        self.key.bytes()
    }

    /// Proves a circuit with its witness, whose links are to these commitments, and checks the proof before it is given away.
    pub(super) fn prove_source(
        &self,
        source: &dyn Source,
        instances: &[Fr],
        commitments: &[Commitment],
        columns: Option<&CommittedColumns>,
        options: &Options<'_>,
    ) -> Result<(Vec<u8>, Times), ProvingError> {
        let key = &self.key;
        let instances_of = [instances];
        let (proof, times) =
            key.prove_with_columns(source, &instances_of, commitments, columns, options)?;
        match self.verifier.verify(&proof, instances) {
            Ok(()) => Ok((proof, times)),
            Err(_) => {
                if let Some(columns) = columns {
                    let CommittedColumns { columns: own, blindings, .. } = columns;
                    self.commit_columns(own.clone(), blindings.clone(), Some(&columns.points))?;
                }
                Err(self.why_refused())
            }
        }
    }

    /// Commits to named columns, which are to have these points if any.
    pub(super) fn commit_columns(
        &self,
        columns: Vec<Vec<i32>>,
        blindings: Vec<Fr>,
        points: Option<&[G1Affine]>,
    ) -> Result<CommittedColumns, ProvingError> {
        let columns = self.key.commit_columns(columns, blindings)?;
        match points {
            Some(points) if points != columns.points => Err(ProvingError::OtherWeights),
            _ => Ok(columns),
        }
    }

    /// Why there are no proofs: the string is damaged, the verifying key is another circuit's, or the prover is wrong.
    fn why_refused(&self) -> ProvingError {
        let PackedVerifier { key, origin, .. } = &self.verifier;
        let powers = Powers { g1: self.key.string().into(), g2: key.g2(), origin: *origin };
        match powers.check() {
            Err(damage) => damage,
            Ok(()) if self.key.commitments() != key.commitments() => ProvingError::OtherPackedKey,
            Ok(()) => ProvingError::OwnProof,
        }
    }
}

/// What a prover of packed proofs computes with.
#[cfg(feature = "prove")]
fn arithmetic(kind: ProverKind) -> Result<Arithmetic, ProvingError> {
    match kind {
        ProverKind::Own => Ok(Arithmetic::best()),
        ProverKind::Portable => Ok(Arithmetic::Portable),
        ProverKind::Stock => Err(ProvingError::StockPacked),
    }
}

#[cfg(all(test, feature = "prove"))]
mod tests {
    use super::*;
    use crate::circuit::{ModelCircuit, Wishes, tests::models};

    fn fixed(circuit: &ModelCircuit) -> Vec<Vec<Fr>> {
        let system = circuit.constraint_system();
        let mut fixed = vec![vec![Fr::ZERO; 1 << circuit.k()]; system.num_fixed_columns()];
        for (column, values) in circuit.fixed_columns() {
            (0..values.len()).for_each(|row| fixed[column][row] = values.at(row));
        }
        fixed
    }

    #[test]
    fn random_rows_hide_the_columns_of_every_model() {
        for (name, model) in models::all() {
            for private_input in [false, true] {
                let wishes = Wishes { packed: true, private_input, ..Wishes::default() };
                let circuit = ModelCircuit::new(&model, wishes).expect("the model has a circuit");
                let system = circuit.constraint_system();
                let widths = Widths::all(&system, 30);
                let public = packed_instances(&circuit.shape(), circuit.instances());
                let layout = Layout::new(&system, circuit.k(), &public, &widths).unwrap();
                let points = layout.packs().map(|pack| pack.rotations.len()).max();
                let needed = 2 * points.unwrap() + 1;
                assert!(needed <= system.blinding_factors() + 1, "{name}: {needed} rows");
            }
        }
    }

    #[test]
    fn a_key_has_the_same_bytes_from_two_arithmetics_and_no_others_are_read() {
        let (_, model) = models::all().swap_remove(0);
        let wishes = Wishes { packed: true, ..Wishes::default() };
        let circuit = ModelCircuit::new(&model, wishes).expect("the model has a circuit");
        let (system, k, count) = (circuit.constraint_system(), circuit.k(), circuit.instances());
        let public = packed_instances(&circuit.shape(), count);
        assert_eq!(public.sums.len(), 1);
        let widths = Widths { phases: vec![7, 5], key: 6 };
        let powers = Powers::unsafe_dev(7 << k);
        let columns = fixed(&circuit);
        let slow =
            PackedVerifier::generate(&powers, &system, k, &public, &columns, &widths).unwrap();
        let kind = ProverKind::Own;
        let own = PackedProver::generate(kind, &powers, k, &system, &circuit, &public, &widths);
        let own = own.unwrap();
        let bytes = slow.to_bytes();
        assert_eq!(bytes, own.verifier().to_bytes());
        let read = |bytes: &[u8], k, count| {
            let public = packed_instances(&circuit.shape(), count);
            PackedVerifier::from_bytes(bytes, &system, k, &public, SrsOrigin::UnsafeDev)
        };
        assert_eq!(read(&bytes, k, count).unwrap().digest(), slow.digest());
        for (bytes, k, count) in [
            (&bytes[1..], k, count),
            (&bytes[..bytes.len() - 1], k, count),
            (&bytes[..], k + 1, count),
            (&bytes[..], k, count + 1),
        ] {
            let refused = read(bytes, k, count).map(drop);
            assert!(matches!(refused, Err(ProvingError::VerifyingKey(_))), "{refused:?}");
        }
        let short = Powers::unsafe_dev(5 << k);
        let refused = PackedProver::generate(kind, &short, k, &system, &circuit, &public, &widths);
        assert!(refused.is_err());
        let refused = PackedProver::of_verifier(
            kind,
            read(&bytes, k, count).unwrap(),
            &circuit.constraint_system(),
            &circuit,
        );
        assert!(matches!(refused, Err(ProvingError::SrsMissing { .. })));
    }

    #[test]
    fn why_there_are_no_proofs_under_a_key_is_found_out_with_the_first() {
        let (_, model) = models::all().swap_remove(0);
        let wishes = Wishes { packed: true, ..Wishes::default() };
        let circuit = ModelCircuit::new(&model, wishes).expect("the model has a circuit");
        let (system, k) = (circuit.constraint_system(), circuit.k());
        let public = packed_instances(&circuit.shape(), circuit.instances());
        let widths = Widths::all(&system, 9);
        let powers = Powers::unsafe_dev(9 << k);
        let kind = ProverKind::Own;
        let own = PackedProver::generate(kind, &powers, k, &system, &circuit, &public, &widths);
        let own = own.unwrap();
        let input: Vec<i32> = (model.inputs.iter())
            .flat_map(|port| {
                let tensor = &model.graph.tensors[port.tensor.0];
                vec![tensor.quantization.element.range().0; tensor.len()]
            })
            .collect();
        let witness = circuit.witness(&input, Fr::ZERO).expect("an input of the model");
        let instances = witness.instances.clone();
        let proven = circuit.with_witness(witness);
        let prove = |bytes: &[u8], powers: Powers| {
            let key = PackedVerifier::from_bytes(bytes, &system, k, &public, SrsOrigin::UnsafeDev);
            let key = key.unwrap().with_powers(powers).unwrap();
            let prover = PackedProver::of_verifier(kind, key, &system, &circuit).unwrap();
            assert!(prover.verifier().powers().is_none(), "it keeps them once");
            prover.prove_source(&proven, &instances, &[], None, &Options::default()).map(drop)
        };
        let bytes = own.verifier().to_bytes();
        prove(&bytes, powers.clone()).expect("there is a witness");
        // The key of another circuit with the same gates.
        let commitments = own.verifier().key().commitments();
        let [from, to] = [commitments[0], commitments[1]].map(|point| {
            let mut words = [point.x.to_bytes(), point.y.to_bytes()];
            words.iter_mut().for_each(|word| word.reverse());
            words.concat()
        });
        let at = bytes.windows(64).position(|window| window == from).expect("it is in the key");
        let mut other = bytes.clone();
        other[at..at + 64].copy_from_slice(&to);
        let refused = prove(&other, powers.clone());
        assert!(matches!(refused, Err(ProvingError::OtherPackedKey)), "{refused:?}");
        let mut g1 = powers.g1.to_vec();
        g1.swap(5, 6);
        let refused = prove(&bytes, Powers { g1: g1.into(), ..powers });
        assert!(matches!(refused, Err(ProvingError::SrsInvalid(_))), "{refused:?}");
    }
}

//! Committed weights of models, by the library: one key for all trainings of an architecture.

use super::*;
use crate::circuit::{Goal, Plans};
use halo2_proofs::halo2curves::{
    bn256::{Fq, G1Affine},
    group::{Curve, prime::PrimeCurveAffine},
};

struct Case {
    model: Model,
    prover: ModelProver,
}

/// The architecture that a training has.
fn prover(model: &Model) -> ModelProver {
    let architecture = model.without_weights();
    let instances =
        InstanceLayout { names_weights: true, ..InstanceLayout::of_model(&architecture, false) };
    let wishes = Wishes { packed: true, ..Wishes::default() };
    let plans = Plans::for_instances(&architecture, instances, wishes).unwrap();
    let circuit = plans.circuit(Goal::Speed);
    let widths = Widths::all(&circuit.constraint_system(), 9);
    let powers = Powers::unsafe_dev(9 << circuit.k());
    ModelProver::packed(architecture, circuit, &powers, &widths).unwrap()
}

impl Case {
    fn new() -> Self {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/test/fixtures/models");
        let bytes = std::fs::read(format!("{fixtures}/digits_mlp/int8_qdq.onnx")).unwrap();
        let model = Model::from_onnx("digits_mlp", &bytes).unwrap();
        let prover = prover(&model);
        Self { model, prover }
    }

    /// Another training of the same architecture.
    fn retrained(&self, seed: i32) -> Model {
        let own = self.model.weights().into_iter().zip(0..);
        let moved = own.map(|(weight, at)| match weight {
            -120..=120 => weight + (at * seed) % 7 - 3,
            _ => weight,
        });
        self.model.with_weights(&moved.collect::<Vec<_>>()).expect("as many")
    }

    fn input(&self) -> Vec<Vec<i32>> {
        vec![(0..64).map(|at| at * 4 - 128).collect()]
    }

    fn prove(&self, weights: &CommittedWeights) -> Proof {
        let options = Options::default();
        let proof = self.prover.prove_linked(&self.input(), Fr::from(5), weights, &options);
        proof.expect("there is a witness").0
    }

    fn verdict(&self, proof: &Proof) -> Result<(), Refusal> {
        self.prover.verifier().verify(proof)
    }
}

#[test]
fn trainings_are_proved_under_one_key_by_their_names() {
    let case = Case::new();
    let verifier = case.prover.verifier();
    let trainings = [1, 2].map(|seed| case.retrained(seed));
    // Whatever training a key is made of, it is the same to the byte, and so is what it is about.
    for model in &trainings {
        let other = self::prover(model);
        assert_eq!(other.verifier().keys().to_bytes(), verifier.keys().to_bytes());
        assert_eq!(other.verifier().digest(), verifier.digest());
        assert_eq!(other.verifier().shape(), verifier.shape());
    }
    let proofs = trainings.clone().map(|model| {
        let expected = model.evaluate(&case.input()).unwrap();
        let expected = expected.tensor(model.outputs[0].tensor).to_vec();
        let weights = case.prover.commit_weights(model).unwrap();
        let proof = case.prove(&weights);
        assert_eq!(case.verdict(&proof), Ok(()));
        let statement = verifier.statements(&proof.instances).unwrap().remove(0);
        assert_eq!(statement.weights, Some(weights.name()));
        assert_eq!(statement.outputs.values().next().unwrap().quantized, expected);
        (proof, weights)
    });
    let [(first, own), (second, others)] = &proofs;
    assert_ne!(own.name(), others.name());
    assert_eq!(first.bytes.len(), second.bytes.len());
    // Equal weights have another name each time, and proofs of one have no word in common but its commitment, and what the
    // key's columns without any cell are at x.
    let again = case.prover.commit_weights(trainings[0].clone()).unwrap();
    assert_ne!(again.name(), own.name());
    assert_ne!(again.points(), own.points());
    let twice = case.prove(own);
    let words = |proof: &Proof| proof.bytes.chunks(32).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let [once, twice] = [words(first), words(&twice)];
    let is_same = |&word: &usize| once[word] == twice[word] && once[word] != [0; 32];
    let same: Vec<usize> = (0..once.len()).filter(is_same).collect();
    let packs = own.points().len();
    let end = once.len() - 2 * packs;
    assert_eq!(same, (end - 2 * packs..end).collect::<Vec<_>>());
    // The name of another training, and another training under the name.
    let mut renamed = first.clone();
    renamed.instances[1] = others.name();
    assert_eq!(case.verdict(&renamed), Err(Refusal::WrongName { link: 0 }));
    let mut swapped = first.clone();
    swapped.bytes[32 * (end - 2 * packs)..32 * end]
        .copy_from_slice(&second.bytes[32 * (end - 2 * packs)..32 * end]);
    assert_eq!(case.verdict(&swapped), Err(Refusal::WrongName { link: 0 }));
    swapped.instances[1] = others.name();
    assert_eq!(case.verdict(&swapped), Err(Refusal::InvalidProof));
    // With what hides it too.
    let from = 32 * (end - 2 * packs);
    swapped.bytes[from..].copy_from_slice(&second.bytes[from..]);
    assert_eq!(case.verdict(&swapped), Err(Refusal::InvalidProof));
}

#[test]
fn commitments_are_those_of_the_proof_canonical_on_the_curve_and_finite() {
    let case = Case::new();
    let weights = case.prover.commit_weights(case.retrained(3)).unwrap();
    let proof = case.prove(&weights);
    let key = case.prover.verifier().keys().packed().unwrap().key();
    let layout = key.layout();
    let packs = layout.named.len();
    let first = proof.bytes.len() - 128 * packs;
    let bytes_of = |point: &G1Affine| -> Vec<u8> {
        [point.x, point.y].iter().flat_map(|of| of.to_repr().into_iter().rev()).collect()
    };
    assert_eq!(proof.bytes[first..first + 64 * packs].to_vec(), {
        weights.points().iter().flat_map(bytes_of).collect::<Vec<u8>>()
    });
    // Another point, negated, with the name of the points as they are: nothing else is wrong.
    for number in 0..packs {
        let mut points = weights.points().to_vec();
        for other in [-points[number], G1Affine::generator()] {
            points[number] = other;
            let mut forged = proof.clone();
            let at = first + 64 * number;
            forged.bytes[at..at + 64].copy_from_slice(&bytes_of(&other));
            assert_eq!(case.verdict(&forged), Err(Refusal::WrongName { link: 0 }));
            forged.instances[1] = key.name_of_columns(&points);
            assert_eq!(case.verdict(&forged), Err(Refusal::InvalidProof));
        }
    }
    // What hides each in the proof is no other point either.
    for number in packs..2 * packs {
        let at = first + 64 * number;
        let mut forged = proof.clone();
        forged.bytes[at..at + 64].copy_from_slice(&bytes_of(&G1Affine::generator()));
        assert_eq!(case.verdict(&forged), Err(Refusal::InvalidProof));
    }
    let before = (layout.proof_packs() + 3) as u64;
    for number in 0..2 * packs {
        let at = first + 64 * number;
        let refused = Err(Refusal::PointNotOnCurve { index: before + number as u64 });
        // The field's modulus, highest byte first: −1, and 1 more.
        let mut modulus = (-Fq::one()).to_bytes();
        modulus[0] += 1;
        modulus.reverse();
        // The point at infinity, one beside the curve, and x + q, which has room in its word.
        let honest = &proof.bytes[at..at + 64];
        let mut beside = honest.to_vec();
        beside[63] ^= 1;
        let (mut larger, mut carry) = (honest.to_vec(), 0);
        for (byte, own) in larger[..32].iter_mut().zip(&modulus).rev() {
            let sum = u16::from(*byte) + u16::from(*own) + carry;
            (*byte, carry) = (sum as u8, sum >> 8);
        }
        for other in [vec![0; 64], beside, larger] {
            let mut forged = proof.clone();
            forged.bytes[at..at + 64].copy_from_slice(&other);
            assert_eq!(case.verdict(&forged), refused);
        }
    }
}

#[test]
fn what_is_not_of_the_architecture_is_refused_where_it_differs() {
    let case = Case::new();
    let refused = |change: &dyn Fn(&mut Model)| {
        let mut model = case.model.clone();
        change(&mut model);
        match case.prover.commit_weights(model) {
            Err(ProvingError::OtherArchitecture(what)) => what,
            other => panic!("{other:?}"),
        }
    };
    let output = case.model.graph.nodes[1].output.0;
    let what = refused(&|model| model.graph.tensors[output].quantization.scale *= 2.0);
    assert!(what.contains("the output of its node") && what.contains("scale"), "{what}");
    let what = refused(&|model| model.graph.tensors[0].quantization.zero_point += 1);
    assert!(what.contains("its input"), "{what}");
    let what = refused(&|model| {
        let crate::model::Operator::Gemm(gemm) = &mut model.graph.nodes[0].operator else {
            panic!("a dense layer")
        };
        gemm.requantization.multipliers[0] *= 1.5;
    });
    assert!(what.contains("other scales of weights"), "{what}");
    let what = refused(&|model| model.outputs[0].name = "other".into());
    assert!(what.contains("inputs or outputs"), "{what}");

    // Proofs are about some weights, and keys with weights in them about no others.
    let options = Options::default();
    let none = case.prover.prove_with(&case.input(), Fr::from(5), &options);
    assert!(matches!(none, Err(ProvingError::Weights { expected: true })));
    // A file whose points are not those of its weights.
    let own = case.prover.commit_weights(case.retrained(1)).unwrap();
    let points: Vec<G1Affine> =
        own.points().iter().map(|point| (-point.to_curve()).to_affine()).collect();
    let blindings = own.blindings().to_vec();
    let other = case.prover.committed_weights(case.retrained(1), blindings, points).unwrap();
    let refused = case.prover.prove_linked(&case.input(), Fr::from(5), &other, &options);
    assert!(matches!(refused, Err(ProvingError::OtherWeights)));
    assert!(!format!("{own:?}").contains(&format!("{:?}", own.blindings()[0])));
}

//! Committed inputs of models, by the library.

use super::*;
use crate::circuit::tests::{ports, summed};
use crate::model::Visibility::{self, Committed, Private, Public};
use crate::proving::{Commitment, link};
use zkverdict_prover::packed::Error;

struct Case {
    prover: ModelProver,
    powers: Powers,
}

impl Case {
    fn new(told: [Visibility; 2]) -> Self {
        let model = ports::model();
        let circuit = summed::told(&model, &told);
        let widths = Widths::all(&circuit.constraint_system(), 6);
        let powers = Powers::unsafe_dev(6 << circuit.k());
        let prover = ModelProver::packed(model, circuit, &powers, &widths).unwrap();
        Self { prover, powers }
    }

    /// A commitment to the words of an input.
    fn commitment(&self, input: usize) -> Commitment {
        let words = crate::circuit::pack(&ports::codes()[input]);
        Commitment::new(&self.powers.g1, words, link::draw_blinding()).unwrap()
    }

    fn prove(&self, inputs: &[Vec<i32>], own: &[Commitment]) -> Result<Proof, ProvingError> {
        let options = Options::default();
        self.prover.prove_linked(inputs, Fr::from(5), own, &options).map(|(proof, _)| proof)
    }

    fn name(&self, commitment: &Commitment) -> Word {
        link::name(commitment.class().unwrap(), &commitment.point)
    }
}

#[test]
fn committed_inputs_are_proved_beside_public_and_private_ones() {
    let inputs = ports::inputs();
    for told in [[Public, Committed], [Private, Committed], [Committed; 2]] {
        let case = Case::new(told);
        let committed = (0..2).filter(|&input| told[input] == Committed);
        let own: Vec<Commitment> = committed.map(|input| case.commitment(input)).collect();
        let proof = case.prove(&inputs, &own).unwrap();
        let verifier = case.prover.verifier();
        assert_eq!(verifier.verify(&proof), Ok(()), "{told:?}");
        let statement = verifier.statements(&proof.instances).unwrap().remove(0);
        let names: Vec<Word> = own.iter().map(|own| case.name(own)).collect();
        assert_eq!(statement.names.values().copied().collect::<Vec<_>>(), names);
        assert_eq!(statement.inputs.len(), told.iter().filter(|&&told| told == Public).count());
        // Read from its bytes the key links as before.
        let (bytes, k) = (verifier.keys().to_bytes(), verifier.keys().k());
        let (model, layout) = (Arc::new(ports::model()), verifier.layout().clone());
        let shape = verifier.shape().clone();
        let origin = case.powers.origin;
        let read = ModelVerifier::from_packed_bytes(model, layout, shape, k, origin, &bytes);
        assert_eq!(read.unwrap().verify(&proof), Ok(()), "{told:?}");

        // Another name, another commitment in the proof, and both.
        let other = case.commitment(usize::from(told[0] != Committed));
        let mut renamed = proof.clone();
        renamed.instances[1] = case.name(&other);
        assert_eq!(verifier.verify(&renamed), Err(Refusal::WrongName { link: 0 }));
        let at = proof.bytes.len() - 64 * (own.len() + 1);
        for forged in [proof.clone(), renamed] {
            let mut forged = forged;
            let coordinates = [other.point.x, other.point.y];
            for (number, coordinate) in coordinates.into_iter().enumerate() {
                let mut word = coordinate.to_repr();
                word.reverse();
                forged.bytes[at + 32 * number..][..32].copy_from_slice(&word);
            }
            let is_renamed = forged.instances != proof.instances;
            let expected =
                if is_renamed { Refusal::InvalidProof } else { Refusal::WrongName { link: 0 } };
            assert_eq!(verifier.verify(&forged), Err(expected), "{told:?}");
        }
    }
}

#[test]
fn commitments_that_are_not_to_the_inputs_are_refused() {
    let case = Case::new([Public, Committed]);
    let inputs = ports::inputs();
    let own = case.commitment(1);
    for given in [vec![], vec![own.clone(), own.clone()]] {
        let got = given.len();
        let refused = case.prove(&inputs, &given);
        let is_told =
            matches!(refused, Err(ProvingError::Commitments { got: g, expected: 1 }) if g == got);
        assert!(is_told, "{refused:?}");
    }
    let mut others = inputs.clone();
    others[1][0] ^= 1;
    let mut longer = own.clone();
    longer.words.push(Fr::zero());
    let mut elsewhere = own.clone();
    elsewhere.point = case.commitment(1).point;
    for (inputs, commitment) in
        [(&others, own.clone()), (&inputs, case.commitment(0)), (&inputs, elsewhere)]
    {
        let refused = case.prove(inputs, &[commitment]);
        let is_told =
            matches!(refused, Err(ProvingError::Packed(Error::Commitment { link: 0, .. })));
        assert!(is_told, "{refused:?}");
    }
    // A longer list of words of the same class is the same commitment.
    case.prove(&inputs, &[longer]).map(drop).unwrap();
    case.prove(&inputs, &[own]).map(drop).unwrap();
}

/// What is published says nothing by its length, and nothing of the input.
#[test]
fn proofs_of_all_inputs_are_as_long() {
    let case = Case::new([Committed, Public]);
    let lengths = [0, -128].map(|integer| {
        let inputs = [vec![integer; ports::inputs()[0].len()], ports::inputs()[1].clone()];
        let codes = vec![u8::try_from(integer + 128).unwrap(); inputs[0].len()];
        let words = crate::circuit::pack(&codes);
        let own = Commitment::new(&case.powers.g1, words, link::draw_blinding()).unwrap();
        let proof = case.prove(&inputs, &[own]).unwrap();
        (proof.bytes.len(), proof.instances.len())
    });
    assert_eq!(lengths[0], lengths[1]);
}

/// Halo2's verifiers link nothing: a name would be a word that whoever proves chooses.
#[test]
fn committed_inputs_have_no_keys_of_halo2() {
    let circuit = summed::told(&ports::model(), &[Committed, Public]);
    let layout = circuit.layout().clone();
    let shape = Shape { sums_words: false, ..circuit.shape() };
    let (model, srs) = (Arc::new(ports::model()), Srs::unsafe_dev(circuit.k()));
    let refused = ModelVerifier::from_bytes(model, layout, shape, &srs, &[]).map(drop);
    let is_told = matches!(refused, Err(ProvingError::Circuit(CircuitError::Unlinked { .. })));
    assert!(is_told, "{refused:?}");
}

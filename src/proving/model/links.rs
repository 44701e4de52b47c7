//! Committed inputs of models, by the library.

use super::*;
use crate::circuit::tests::{ports, summed};
use crate::model::Visibility::{self, Committed, Private, Public};
use crate::proving::{Commitment, link, linked};
use halo2_proofs::halo2curves::bn256::{Fq, G1Affine};
use zkverdict_prover::Source;
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

/// In halo2's format: the same commitments, shown behind a proof that verifiers of halo2's take.
struct Behind {
    prover: ModelProver,
    srs: Srs,
    own: Vec<Commitment>,
    proof: Proof,
}

impl Behind {
    fn new(told: [Visibility; 2]) -> Self {
        let model = ports::model();
        let circuit = summed::told_in(&model, &told, false);
        let srs = Srs::unsafe_dev(circuit.k());
        let prover = ModelProver::of_circuit(model, circuit, &srs).unwrap();
        // Under the powers that packed proofs have.
        let powers = Powers::unsafe_dev(64);
        assert_eq!(Powers::from(&srs).g1[..64], powers.g1[..]);
        let committed = (0..2).filter(|&input| told[input] == Committed);
        let commit = |input: usize| {
            let words = crate::circuit::pack(&ports::codes()[input]);
            Commitment::new(&powers.g1, words, link::draw_blinding()).unwrap()
        };
        let own: Vec<Commitment> = committed.map(commit).collect();
        let options = Options::default();
        let proof = prover.prove_linked(&ports::inputs(), Fr::from(5), &own[..], &options);
        Self { prover, srs, own, proof: proof.unwrap().0 }
    }

    fn verify(&self, change: impl FnOnce(&mut Proof)) -> Result<(), Refusal> {
        let mut proof = self.proof.clone();
        change(&mut proof);
        self.prover.verifier().verify(&proof)
    }

    /// Where the points behind the proof begin.
    fn start(&self) -> usize {
        self.proof.bytes.len() - 64 * (self.own.len() + 2)
    }

    fn links(&self) -> Vec<zkverdict_prover::packed::Link> {
        self.prover.verifier().keys().halo2().unwrap().links().to_vec()
    }
}

fn encoded(point: G1Affine) -> Vec<u8> {
    [point.x, point.y].map(|coordinate| word_of(&coordinate)).concat()
}

#[test]
fn halo2s_proofs_are_followed_by_what_shows_commitments() {
    for told in [[Public, Committed], [Private, Committed], [Committed; 2]] {
        let case = Behind::new(told);
        let verifier = case.prover.verifier();
        assert_eq!(case.verify(|_| {}), Ok(()), "{told:?}");
        let statement = verifier.statements(&case.proof.instances).unwrap().remove(0);
        let names = case.own.iter().map(|own| link::name(own.class().unwrap(), &own.point));
        assert!(statement.names.values().copied().eq(names));
        let keys = verifier.keys().halo2().unwrap();
        let shape = verifier.shape();
        let system = || shape.constraint_system();
        let count = case.proof.instances.len();
        // What every verifier of halo2's takes is in front.
        let alone = Verifier::from_bytes(&keys.to_bytes(), &case.srs, system(), count).unwrap();
        let scalars = case.proof.scalars().unwrap();
        assert_eq!(alone.verify(&case.proof.bytes[..case.start()], &scalars), Ok(()));
        // The key is another where other columns are linked, or none.
        let digests: Vec<[u8; 32]> = [0, 1, 2]
            .map(|change| {
                let mut links = case.links();
                match change {
                    0 => {}
                    1 => links[0].class += 1,
                    _ => links.clear(),
                }
                alone.clone().with_links(links).digest()
            })
            .to_vec();
        assert_eq!(digests[2], alone.digest());
        assert!(digests[0] != digests[1] && digests[0] != digests[2] && digests[1] != digests[2]);
        // Read from its bytes the key links as before.
        let (model, layout) = (Arc::new(ports::model()), verifier.layout().clone());
        let (shape, bytes) = (shape.clone(), keys.to_bytes());
        let read = ModelVerifier::from_bytes(model, layout, shape, &case.srs, &bytes);
        assert_eq!(read.unwrap().verify(&case.proof), Ok(()));
    }
}

#[test]
fn forged_commitments_behind_halo2s_proofs_are_refused() {
    let case = Behind::new([Committed; 2]);
    let other = Behind::new([Committed; 2]);
    let (start, count) = (case.start(), case.own.len());
    let put = |proof: &mut Proof, at: usize, bytes: &[u8]| {
        proof.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    };
    let first = (start - 32 * evaluations(&case)) / 64;
    for link in 0..count {
        let (at, wrong) = (start + 64 * link, Err(Refusal::WrongName { link: link as u64 }));
        let name = 1 + link;
        let theirs = other.own[link].point;
        // Another name, another commitment, and both: of a proof of other instances.
        assert_eq!(case.verify(|proof| proof.instances[name] = other.proof.instances[name]), wrong);
        assert_eq!(case.verify(|proof| put(proof, at, &encoded(theirs))), wrong);
        let both = case.verify(|proof| {
            put(proof, at, &encoded(theirs));
            proof.instances[name] = other.proof.instances[name];
        });
        assert_eq!(both, Err(Refusal::InvalidProof));
        assert_eq!(case.verify(|proof| put(proof, at, &encoded(-case.own[link].point))), wrong);
    }
    let swapped = [encoded(case.own[1].point), encoded(case.own[0].point)].concat();
    assert_eq!(
        case.verify(|proof| put(proof, start, &swapped)),
        Err(Refusal::WrongName { link: 0 })
    );
    for point in 0..count + 2 {
        let at = start + 64 * point;
        let refused = Err(Refusal::PointNotOnCurve { index: (first + point) as u64 });
        assert_eq!(case.verify(|proof| put(proof, at, &[0; 64])), refused, "infinity");
        // The same coordinate, q more.
        let above = case.verify(|proof| {
            let mut q = word_of(&-Fq::one());
            q[31] += 1;
            let x = &mut proof.bytes[at..at + 32];
            let mut carry = 0_u16;
            for (byte, q) in x.iter_mut().zip(q).rev() {
                let sum = u16::from(*byte) + u16::from(q) + carry;
                (*byte, carry) = ((sum & 0xff) as u8, sum >> 8);
            }
        });
        assert_eq!(above, refused, "not canonical");
        if point >= count {
            // The links' quotient and what shows them: of another proof, negated, and another point.
            let theirs = &other.proof.bytes[at..at + 64];
            let generator = encoded(G1Affine::generator());
            for bytes in [theirs, &generator[..]] {
                let refused = case.verify(|proof| put(proof, at, bytes));
                assert_eq!(refused, Err(Refusal::InvalidProof));
            }
        }
    }
    assert!(matches!(
        case.verify(|proof| proof.bytes.truncate(start)),
        Err(Refusal::ProofLength { .. })
    ));
}

/// Evaluations of a proof.
fn evaluations(case: &Behind) -> usize {
    let system = case.prover.verifier().shape().constraint_system();
    system.advice_queries().len() + system.fixed_queries().len() + 1
}

/// A column that holds other words than the one that was proved.
struct Lying<'a> {
    honest: &'a ModelCircuit,
    column: usize,
    words: Vec<(usize, Fr)>,
}

impl Source for Lying<'_> {
    fn fixed(
        &self,
        rows: usize,
    ) -> Result<Vec<(usize, zkverdict_prover::Cells)>, zkverdict_prover::Error> {
        self.honest.fixed(rows)
    }

    fn advice(
        &self,
        phase: u8,
        rows: usize,
        instances: &[&[Fr]],
        challenges: &[Option<Fr>],
    ) -> Result<Vec<(usize, zkverdict_prover::Cells)>, zkverdict_prover::Error> {
        let mut columns = self.honest.advice(phase, rows, instances, challenges)?;
        let own = columns.iter_mut().filter(|(column, _)| *column == self.column);
        own.for_each(|(_, cells)| {
            self.words.iter().for_each(|&(row, word)| cells.set(row, word));
        });
        Ok(columns)
    }
}

/// A proof of one input, followed by as honest an argument as there is that its column holds what another one is committed to.
#[test]
fn a_commitment_to_other_words_is_refused_by_the_pairing_alone() {
    let case = Behind::new([Public, Committed]);
    let ProvingKeys::Halo2(prover) = &case.prover.prover else { panic!("it is halo2's") };
    let mut codes = ports::codes();
    codes[1][0] ^= 1;
    let other = crate::circuit::pack(&codes[1]);
    let powers = Powers::unsafe_dev(64);
    let theirs = Commitment::new(&powers.g1, other.clone(), link::draw_blinding()).unwrap();
    for commitment in [&case.own[0], &theirs] {
        let is_own = commitment.point == case.own[0].point;
        let (circuit, contexts) = (case.prover.circuit(), Fr::from(5));
        let mut witness = circuit.witness(&ports::inputs().concat(), contexts).unwrap();
        witness.instances[1] = scalar_of(link::name(6, &commitment.point)).unwrap();
        let instances = witness.instances.clone();
        let circuit = circuit.with_witness(witness);
        let seeded = zkverdict_prover::Seeded::new([7; 32]);
        let options = Options { randomness: Some(&seeded), ..Options::default() };
        let keys = case.prover.verifier().keys().halo2().unwrap();
        let unlinked = keys.clone().with_links(vec![]);
        let alone = Prover::of_source(ProverKind::default(), unlinked, &circuit, &circuit).unwrap();
        let (proof, _) =
            alone.prove_source((&circuit, &circuit), &instances, &[], &options).unwrap();
        let links = case.links();
        let words = if is_own { case.own[0].words.clone() } else { other.clone() };
        let apart = 1 << (case.prover.circuit().k() - 6);
        let words = (1..).map(|word| word * apart).zip(words).collect();
        let lying = Lying { honest: &circuit, column: links[0].column, words };
        let (is_accepted, mut transcript) = keys.read(&proof, &instances);
        assert!(is_accepted);
        let given = std::slice::from_ref(commitment);
        let tail = linked::tail(
            &mut transcript,
            (keys.params(), keys.vk().cs()),
            &links,
            &lying,
            &instances,
            given,
            &seeded,
        );
        let whole = [&proof[..], &tail.unwrap()].concat();
        let expected = if is_own { Ok(()) } else { Err(Refusal::InvalidProof) };
        assert_eq!(prover.verifier().verify(&whole, &instances), expected);
    }
    // Whoever gives a commitment to other words is told so.
    let refused =
        case.prover.prove_linked(&ports::inputs(), Fr::from(5), &[theirs][..], &Options::default());
    assert!(
        matches!(refused, Err(ProvingError::Link(Error::Commitment { link: 0, .. }))),
        "{refused:?}"
    );
}

#[test]
fn halo2s_prover_shows_no_commitments() {
    let case = Behind::new([Public, Committed]);
    let verifier = case.prover.verifier().clone();
    let circuit = case.prover.circuit().clone();
    let stock = ModelProver::of_verifier_for(ProverKind::Stock, verifier, circuit).unwrap();
    let refused =
        stock.prove_linked(&ports::inputs(), Fr::from(5), &case.own[..], &Options::default());
    assert!(matches!(refused, Err(ProvingError::StockLinked)), "{refused:?}");
}

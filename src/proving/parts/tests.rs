//! Models in parts, and what cheating provers put together of proofs that are valid by themselves.

use super::*;
use crate::circuit::tests::models::Builder;
use crate::circuit::{Contexts, Goal, InstanceTensor, ModelCircuit, Plans, Wishes, pack};
use crate::model::{Claim, ClaimKind, Claims, Operator, TensorId, Visibility};
use crate::proving::{
    Commitment, ModelProver, Options, Powers, Secrets, Widths, link, scalar_of, word_of,
};
use halo2_proofs::halo2curves::bn256::Fr;
use std::sync::OnceLock;

const CUTS: [usize; 2] = [1, 2];

/// Layers whose parts look alike; what crosses the last cut is two tensors, one of which also crosses the first.
fn model() -> Model {
    let mut builder = Builder::new(3, &[1, 33]);
    let first = builder.gemm(TensorId(0), 7, vec![0.001_7]);
    let second = builder.gemm(first, 7, vec![0.002_1]);
    let third = builder.gemm(second, 7, vec![0.002_1]);
    builder.add(third, first, [0.5, 0.25]);
    let mut model = builder.model();
    for (number, tensor) in model.graph.tensors.iter_mut().enumerate() {
        tensor.name = format!("tensor {number}");
    }
    model
}

struct Case {
    provers: Vec<ModelProver>,
    verifier: PartsVerifier,
    powers: Powers,
    parts: Vec<Part>,
}

/// Names and proofs of one inference, each with its own instances.
#[derive(Clone)]
struct Proved {
    names: Vec<Word>,
    proofs: Vec<Proof>,
    instances: Vec<Word>,
}

fn case() -> &'static Case {
    static CASE: OnceLock<Case> = OnceLock::new();
    CASE.get_or_init(|| Case::new(&model()))
}

fn input(seed: i32) -> Vec<i32> {
    (0..33).map(|at| (at * 31 + seed * 7) % 256 - 128).collect()
}

fn layout(model: &Model) -> InstanceLayout {
    InstanceLayout::of_model(model, false)
}

/// The circuits of the parts, as short as can be.
fn circuits(model: &Model) -> Vec<(Part, ModelCircuit)> {
    let parts = model.cut(&CUTS).unwrap();
    let count = parts.len();
    let circuit = |(number, part): (usize, Part)| {
        let layout = layout(model).of_part(&part, count, number);
        let plans = (9..=20).find_map(|k| {
            let wishes = Wishes { packed: true, k: Some(k), ..Wishes::default() };
            Plans::for_instances(&part.model, layout.clone(), wishes).ok()
        });
        (part, plans.expect("the part has circuits").circuit(Goal::Speed))
    };
    parts.into_iter().enumerate().map(circuit).collect()
}

fn keys(circuits: Vec<(Part, ModelCircuit)>, powers: &Powers) -> Vec<ModelProver> {
    let key = |(part, circuit): (Part, ModelCircuit)| {
        let widths = Widths::all(&circuit.constraint_system(), 4);
        ModelProver::packed(part.model, circuit, powers, &widths).unwrap()
    };
    circuits.into_iter().map(key).collect()
}

impl Case {
    fn new(model: &Model) -> Self {
        let circuits = circuits(model);
        let longest = circuits.iter().map(|(_, circuit)| circuit.k()).max();
        let powers = Powers::unsafe_dev(4 << longest.unwrap());
        let provers = keys(circuits, &powers);
        let verifiers = provers.iter().map(|prover| prover.verifier().clone()).collect();
        let verifier = PartsVerifier::new(model.clone(), layout(model), &CUTS, verifiers);
        let parts = model.cut(&CUTS).unwrap();
        Self { provers, verifier: verifier.unwrap(), powers, parts }
    }

    fn commit(&self, integers: &[i32]) -> Commitment {
        let codes: Vec<u8> = integers.iter().map(|x| u8::try_from(x + 128).unwrap()).collect();
        Commitment::new(&self.powers.g1, pack(&codes), link::draw_blinding()).unwrap()
    }

    /// Of an input, and behind the first part of another, with a context for each part.
    fn prove(&self, [first, others]: [i32; 2], contexts: [u64; 3]) -> Proved {
        let model = self.verifier.model();
        let own = model.evaluate(&[input(first)]).unwrap();
        let other = model.evaluate(&[input(others)]).unwrap();
        let crossing = self.parts[..2].iter().flat_map(|part| &part.model.outputs);
        let crossing: Vec<TensorId> = crossing.map(|port| port.tensor).collect();
        let made: Vec<Commitment> =
            crossing.iter().map(|tensor| self.commit(own.tensor(*tensor))).collect();
        // Other values have commitments of their own, those of the same inference none but its own.
        let forged: Vec<Commitment> = if first == others {
            made.clone()
        } else {
            crossing.iter().map(|tensor| self.commit(other.tensor(*tensor))).collect()
        };
        let proofs =
            self.parts.iter().zip(&self.provers).enumerate().map(|(number, (part, prover))| {
                let (evaluation, commitments) =
                    if number == 0 { (&own, &made) } else { (&other, &forged) };
                let inputs: Vec<Vec<i32>> = part
                    .model
                    .inputs
                    .iter()
                    .map(|port| evaluation.tensor(port.tensor).to_vec())
                    .collect();
                let linked = part.takes.iter().chain(&part.gives);
                let linked: Vec<Commitment> = linked.map(|&at| commitments[at].clone()).collect();
                let context = Contexts::from(Fr::from(contexts[number]));
                let secrets = Secrets::from(&linked[..]);
                prover.prove_linked(&inputs, context, secrets, &Options::default()).unwrap().0
            });
        let proofs: Vec<Proof> = proofs.collect();
        let name = |own: &Commitment| link::name(own.class().unwrap(), &own.point);
        let evaluation = own.tensor(model.outputs[0].tensor);
        let packed = |integers: &[i32]| {
            let codes: Vec<u8> = integers.iter().map(|x| u8::try_from(x + 128).unwrap()).collect();
            pack(&codes).iter().map(word_of).collect::<Vec<Word>>()
        };
        let context = vec![word_of(&Fr::from(contexts[0]))];
        let said = if first == others { evaluation } else { other.tensor(model.outputs[0].tensor) };
        let instances = [context, packed(&input(first)), packed(said)].concat();
        Proved { names: made.iter().map(name).collect(), proofs, instances }
    }

    fn join(&self, proved: &Proved) -> Proof {
        self.verifier.join(&proved.names, &proved.proofs, proved.instances.clone())
    }

    fn verify(&self, proved: &Proved) -> Result<(), Refusal> {
        self.verifier.verify(&self.join(proved))
    }
}

fn part_of(refused: Result<(), Refusal>) -> (u64, Refusal) {
    match refused {
        Err(Refusal::WrongPart { part, refusal }) => (part, *refusal),
        other => panic!("{other:?}"),
    }
}

#[test]
fn parts_together_say_what_the_model_computes() {
    let case = case();
    let takes: Vec<_> = case.parts.iter().map(|part| (&part.takes[..], &part.gives[..])).collect();
    assert_eq!(takes, [(&[][..], &[0][..]), (&[0], &[1]), (&[0, 1], &[])]);
    let proved = case.prove([1, 1], [5; 3]);
    assert_eq!(case.verify(&proved), Ok(()));
    let proof = case.join(&proved);
    assert_eq!(proof.bytes.len(), case.verifier.proof_length());
    let said = case.verifier.statements(&proof.instances).unwrap().remove(0);
    let model = case.verifier.model();
    let evaluation = model.evaluate(&[input(1)]).unwrap();
    let output = said.outputs.values().next().unwrap();
    assert_eq!(output.quantized, evaluation.tensor(model.outputs[0].tensor));
    assert_eq!(said.context, word_of(&Fr::from(5)));
    // Two proofs of one inference have no name in common.
    let again = case.prove([1, 1], [5; 3]);
    assert!(again.names.iter().all(|name| !proved.names.contains(name)));
}

/// Each of these proofs is valid by itself, for instances of its own.
#[test]
fn valid_proofs_of_other_values_do_not_fit_together() {
    let case = case();
    let honest = case.prove([1, 1], [5; 3]);
    // What the second part goes on with is not what the first has made.
    let forged = case.prove([1, 2], [5; 3]);
    for (part, proof) in case.verifier.parts().iter().zip(&forged.proofs) {
        assert_eq!(part.verifier.verify(proof), Ok(()));
    }
    let wrong_name = (1, Refusal::WrongName { link: 0 });
    assert_eq!(part_of(case.verify(&forged)), wrong_name);
    // Nor are the same values under another proof's names, whichever of the two are told.
    let other = case.prove([1, 1], [5; 3]);
    let mixed = Proved {
        proofs: vec![honest.proofs[0].clone(), other.proofs[1].clone(), other.proofs[2].clone()],
        ..honest.clone()
    };
    assert_eq!(part_of(case.verify(&mixed)), wrong_name);
    let renamed = Proved { names: other.names.clone(), ..mixed.clone() };
    assert_eq!(part_of(case.verify(&renamed)), (0, Refusal::WrongName { link: 0 }));
    // One name of another proof: the tensor that the first and the last part share, and the other.
    for (name, part, link) in [(0, 0, 0), (1, 1, 1)] {
        let mut renamed = honest.clone();
        renamed.names[name] = other.names[name];
        assert_eq!(part_of(case.verify(&renamed)), (part, Refusal::WrongName { link }));
    }
    // The last part's proof alone is another's.
    let mut last = honest.clone();
    last.proofs[2] = other.proofs[2].clone();
    assert_eq!(part_of(case.verify(&last)), (2, Refusal::WrongName { link: 0 }));
}

#[test]
fn parts_that_are_swapped_dropped_or_repeated_are_refused() {
    let case = case();
    let honest = case.prove([1, 1], [5; 3]);
    for order in [[1, 0, 2], [0, 2, 1], [0, 1, 1], [0, 0, 2], [2, 1, 0]] {
        let proofs = order.iter().map(|&part| honest.proofs[part].clone()).collect();
        let moved = Proved { proofs, ..honest.clone() };
        let first = (0..3).find(|&part| order[part] != part).unwrap() as u64;
        match case.verify(&moved) {
            Err(Refusal::WrongPart { part, .. }) => assert_eq!(part, first, "{order:?}"),
            Err(Refusal::ProofLength { .. }) => {}
            other => panic!("{order:?}: {other:?}"),
        }
    }
    let expected = case.verifier.proof_length() as u64;
    for count in 0..3 {
        let dropped = Proved { proofs: honest.proofs[..count].to_vec(), ..honest.clone() };
        let got = case.join(&dropped).bytes.len() as u64;
        assert_eq!(case.verify(&dropped), Err(Refusal::ProofLength { got, expected }));
    }
    let mut swapped = honest.clone();
    swapped.names.swap(0, 1);
    assert_eq!(part_of(case.verify(&swapped)), (0, Refusal::WrongName { link: 0 }));
    let mut proof = case.join(&honest);
    proof.vk_digest = case.provers[0].verifier().digest();
    assert!(matches!(case.verifier.verify(&proof), Err(Refusal::WrongKey { .. })));
    proof.vk_digest = case.verifier.digest();
    proof.instances.pop();
    assert!(matches!(case.verifier.verify(&proof), Err(Refusal::InstanceCount { .. })));
}

#[test]
fn a_part_with_another_context_input_or_output_is_refused() {
    let case = case();
    for part in 0..3 {
        let mut contexts = [5; 3];
        contexts[part] = 6;
        let mut proved = case.prove([1, 1], contexts);
        proved.instances[0] = word_of(&Fr::from(5));
        let (at, refusal) = part_of(case.verify(&proved));
        assert_eq!((at, refusal), (part as u64, Refusal::InvalidProof));
    }
    let honest = case.prove([1, 1], [5; 3]);
    for (at, part) in [(1, 0), (honest.instances.len() - 1, 2)] {
        let mut changed = honest.clone();
        let more = scalar_of(changed.instances[at]).unwrap() + Fr::one();
        changed.instances[at] = word_of(&more);
        assert_eq!(part_of(case.verify(&changed)), (part, Refusal::InvalidProof));
    }
}

#[test]
fn keys_that_are_not_those_of_the_models_parts_are_refused() {
    let case = case();
    let own = || case.provers.iter().map(|prover| prover.verifier().clone()).collect::<Vec<_>>();
    let refused = |keys: Vec<ModelVerifier>, cuts: &[usize], layout: InstanceLayout| {
        let model = case.verifier.model().clone();
        match PartsVerifier::new(model, layout, cuts, keys) {
            Err(ProvingError::Parts(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    let told = layout(case.verifier.model());
    let mut retrained = model();
    let Operator::Gemm(gemm) = &mut retrained.graph.nodes[1].operator else { panic!("a layer") };
    gemm.weights[0] ^= 1;
    let others = keys(circuits(&retrained), &case.powers);
    let mut one = own();
    one[1] = others[1].verifier().clone();
    assert_eq!(refused(one, &CUTS, told.clone()), "key 1 is not of part 1 of the model");
    let mut swapped = own();
    swapped.swap(0, 1);
    assert_eq!(refused(swapped, &CUTS, told.clone()), "key 0 is not of part 0 of the model");
    let mut repeated = own();
    repeated[2] = repeated[1].clone();
    assert_eq!(refused(repeated, &CUTS, told.clone()), "key 2 is not of part 2 of the model");
    assert_eq!(refused(own()[..2].to_vec(), &CUTS, told.clone()), "there are 2 keys, and 3 parts");
    assert_eq!(refused(own(), &[1, 3], told.clone()), "key 1 is not of part 1 of the model");
    let mut private = told;
    private.inputs[0].visibility = Visibility::Private;
    assert_eq!(refused(own(), &CUTS, private), "key 0 is not of part 0 of the model");
}

#[test]
fn the_first_part_is_told_inputs_and_the_last_says_outputs_and_claims() {
    let model = model();
    let claim =
        Claim { output: model.outputs[0].name.clone(), element: None, kind: ClaimKind::ArgMax };
    let claims = Claims { claims: vec![claim], told: vec![false] };
    let mut whole = layout(&model).with_claims(&model, &claims).unwrap();
    whole.inputs[0].visibility = Visibility::Committed;
    let parts = model.cut(&CUTS).unwrap();
    let own: Vec<_> = (parts.iter().enumerate())
        .map(|(number, part)| whole.of_part(part, parts.len(), number))
        .collect();
    for (part, layout) in parts.iter().zip(&own) {
        layout.check_model(&part.model).unwrap();
    }
    assert_eq!(
        (&own[0].inputs, own[0].outputs[0].visibility),
        (&whole.inputs, Visibility::Committed)
    );
    assert_eq!(own[1].len(), 1 + 2);
    assert_eq!((own[2].inputs.len(), &own[2].claims), (2, &whole.claims));
    let tensor = InstanceTensor::of_port(&parts[1].model, &parts[1].model.outputs[0]);
    assert_eq!((tensor.name.as_str(), own[1].outputs[0].tensor == tensor), ("tensor 2", true));
}

//! Honest keys and proofs of either format, for targets that change them.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};
use zkverdict::{
    Fr, ModelProver, ModelVerifier, ProofFile, Wishes,
    circuit::ModelCircuit,
    model::{InputFormat, Model},
    proving::{Powers, Proof, Srs, Widths},
};

const MODEL: &[u8] = include_bytes!("../test/fixtures/models/digits_mlp/int8_qdq.onnx");
const PROOFS: [&[u8]; 4] = [
    include_bytes!("../test/fixtures/proofs/digits.json"),
    include_bytes!("../test/fixtures/proofs/consumer.json"),
    include_bytes!("../test/fixtures/proofs/content.json"),
    include_bytes!("../test/fixtures/proofs/game.json"),
];
const INPUT: &[u8] = include_bytes!("../test/fixtures/models/digits_mlp/samples.npy");

/// Columns that share a commitment.
const WIDTH: usize = 9;

fn model(wishes: Wishes) -> (Model, ModelCircuit) {
    let model = Model::from_onnx("digits_mlp", MODEL).expect("the fixture is a model");
    let circuit = ModelCircuit::new(&model, wishes).expect("it has a circuit");
    (model, circuit)
}

/// Proofs of one model, all of which are valid.
pub static HALO2: LazyLock<(ModelVerifier, Vec<Proof>)> = LazyLock::new(|| {
    let (model, circuit) = model(Wishes::default());
    let srs = Srs::unsafe_dev(circuit.k());
    let verifier = ModelVerifier::generate(Arc::new(model), &circuit, &srs).expect("it has a key");
    let proof = |file| ProofFile::parse(file).expect("the fixture is a proof file").proof;
    let proofs = PROOFS.map(proof).to_vec();
    proofs.iter().for_each(|proof| verifier.verify(proof).expect("it is of this version"));
    (verifier, proofs)
});

pub static PACKED: LazyLock<(ModelVerifier, Vec<Proof>)> = LazyLock::new(|| {
    let (model, circuit) = model(Wishes { packed: true, ..Wishes::default() });
    let powers = Powers::unsafe_dev(WIDTH << circuit.k());
    let widths = Widths::all(&circuit.constraint_system(), WIDTH);
    let input =
        model.read_inferences(INPUT, InputFormat::detect(INPUT)).expect("the fixture is read");
    let prover = ModelProver::packed(model, circuit, &powers, &widths).expect("it has a key");
    let proof = prover.prove(&input[0], Fr::zero()).expect("it has a proof");
    (prover.verifier().clone(), vec![proof])
});

/// Puts a file that follows from this version's circuits among those that a target starts from.
pub fn seed(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    std::fs::create_dir_all(&folder).expect("the corpus can be written");
    std::fs::write(folder.join(name), bytes).expect("the corpus can be written");
}

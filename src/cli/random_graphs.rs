//! Proofs of random graphs are accepted by all three verifiers: halo2's, snark-verifier's, and the contract.

use crate::circuit::tests::random::{self, Random};
use crate::circuit::{Goal, ModelCircuit, Wishes};
use crate::evm::{Fork, Machine, Outcome};
use crate::proving::ModelProver;
use crate::solidity::{
    CompilerSettings, SolidityCompiler, VerifierContract, verify_proof_calldata,
};
use halo2_proofs::{
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    poly::commitment::ParamsProver,
};
use snark_verifier::{
    loader::native::NativeLoader,
    pcs::kzg::{Bdfg21, KzgAs, KzgDecidingKey},
    system::halo2::{Config, compile, transcript::evm::EvmTranscript},
    verifier::{SnarkVerifier, plonk::PlonkVerifier},
};
use std::path::Path;

type Plonk = PlonkVerifier<KzgAs<Bn256, Bdfg21>>;

/// As many as have a circuit of at most this k.
const GRAPHS: usize = 200;
const MOST_K: u32 = 12;

fn snark_verifier_accepts(prover: &ModelProver, proof: &[u8], instances: &[Fr]) -> bool {
    let keys = prover.verifier().keys().halo2().expect("their format");
    let params = keys.params();
    let config = Config::kzg().with_num_instance(vec![keys.instances()]);
    let protocol = compile(params, keys.vk(), config);
    let key: KzgDecidingKey<Bn256> = (params.get_g()[0], params.g2(), params.s_g2()).into();
    let mut transcript = EvmTranscript::<G1Affine, NativeLoader, _, _>::new(proof);
    let instances = [instances.to_vec()];
    Plonk::read_proof(&key, &protocol, &instances, &mut transcript)
        .and_then(|proof| Plonk::verify(&key, &protocol, &instances, &proof))
        .is_ok()
}

fn contract_accepts(
    compiler: &SolidityCompiler,
    prover: &ModelProver,
    proof: &[u8],
    instances: &[Fr],
) -> bool {
    let keys = prover.verifier().keys().halo2().expect("their format");
    let contract = VerifierContract::new(keys.params(), keys.vk(), &[keys.instances()]);
    let rendered = contract.and_then(|contract| contract.render()).expect("a contract");
    let compiled = compiler.compile(&rendered, CompilerSettings::default()).expect("it compiles");
    let mut machine = Machine::new(Fork::default());
    let address = machine.deploy(&compiled.init_code).expect("it is deployed").address;
    let calldata = verify_proof_calldata(proof, instances);
    matches!(machine.call(address, &calldata).expect("a call").outcome, Outcome::Returned(_))
}

#[test]
#[ignore = "200 contracts are compiled: script/slow.sh"]
fn proofs_of_random_graphs_are_accepted_by_all_verifiers() {
    let compiler = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/solc");
    let compiler = SolidityCompiler::at(&compiler).expect("npm has fetched it");
    let mut random = Random(1812);
    let mut accepted = 0;
    for seed in 0.. {
        let model = random::model(&mut random, seed);
        let goal = if seed % 2 == 0 { Goal::Speed } else { Goal::Gas };
        let private_input = seed % 3 == 0;
        let wishes = Wishes { goal, private_input, max_k: Some(MOST_K), ..Wishes::default() };
        let Ok(circuit) = ModelCircuit::new(&model, wishes) else { continue };
        let len = model.graph.tensors[0].len();
        let input = (0..len).map(|_| random.below(256) as i32 - 128).collect();
        let srs = crate::bundle::unsafe_dev_srs(circuit.k());
        let prover = ModelProver::of_circuit(model, circuit, &srs).expect("keys");
        // Halo2's verifier accepts each proof before it is given away.
        let proof = prover.prove(&[input], Fr::from(seed)).expect("a proof");
        let mut instances = proof.scalars().expect("they are elements");
        let verdicts = |instances: &[Fr]| {
            [
                snark_verifier_accepts(&prover, &proof.bytes, instances),
                contract_accepts(&compiler, &prover, &proof.bytes, instances),
            ]
        };
        assert_eq!(verdicts(&instances), [true; 2], "graph {seed}");
        accepted += 1;
        if accepted % 20 == 0 {
            instances[1] += Fr::one();
            assert_eq!(verdicts(&instances), [false; 2], "graph {seed}");
            eprintln!("{accepted} of {} graphs", seed + 1);
        }
        if accepted == GRAPHS {
            break;
        }
    }
}

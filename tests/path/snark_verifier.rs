//! The snark-verifier crate, an independent implementation, accepts our proofs.

use super::keyed::{Fixture as _, MODELS, keyed};
use halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1Affine};
use snark_verifier::{
    loader::native::NativeLoader,
    pcs::kzg::{Bdfg21, KzgAs, KzgDecidingKey},
    system::halo2::{Config, compile, transcript::evm::EvmTranscript},
    verifier::{SnarkVerifier, plonk::PlonkVerifier},
};
use zkverdict::proving::ModelProver;

type NativePlonk = PlonkVerifier<KzgAs<Bn256, Bdfg21>>;

fn accepts(keyed: &ModelProver, proof: &[u8], instances: &[Fr]) -> bool {
    let verifier = keyed.verifier().keys().halo2().unwrap();
    let config = Config::kzg().with_num_instance(vec![verifier.instances()]);
    let protocol = compile(verifier.params(), verifier.vk(), config);
    let params = verifier.params();
    let generator = halo2_proofs::poly::commitment::ParamsProver::get_g(params)[0];
    let key: KzgDecidingKey<Bn256> = (generator, params.g2(), params.s_g2()).into();
    let mut transcript = EvmTranscript::<G1Affine, NativeLoader, _, _>::new(proof);
    let instances = [instances.to_vec()];
    NativePlonk::read_proof(&key, &protocol, &instances, &mut transcript)
        .and_then(|proof| NativePlonk::verify(&key, &protocol, &instances, &proof))
        .is_ok()
}

#[test]
fn snark_verifier_accepts_our_proofs() {
    for (name, _, variants) in MODELS {
        let keyed = keyed(name, variants[0]);
        let (proof, instances) = keyed.prove_witness(keyed.witness(&keyed.samples()[0]));
        assert!(accepts(&keyed, &proof, &instances), "{name}");
        let mut changed = instances.clone();
        changed[1] += Fr::one();
        assert!(!accepts(&keyed, &proof, &changed), "{name}");
    }
}

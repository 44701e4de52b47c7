//! `snark-verifier`, an independent implementation, makes proofs for our contracts and verifies ours.

use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    plonk::{Advice, Circuit, Column, ConstraintSystem, Error, Fixed, Instance, create_proof},
    poly::{
        Rotation,
        commitment::ParamsProver,
        kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
    },
    transcript::TranscriptWriterBuffer,
};
use rand::{SeedableRng, rngs::StdRng};
use snark_verifier::{
    loader::native::NativeLoader,
    pcs::kzg::{Bdfg21, KzgAs, KzgDecidingKey},
    system::halo2::{
        Config, compile,
        transcript::evm::{ChallengeEvm, EvmTranscript},
    },
    verifier::{SnarkVerifier, plonk::PlonkVerifier},
};
use zkverdict::{evm::Fork, solidity::CompilerSettings};

use crate::{
    fixture::{Deployed, Fixture, RICH, srs, verdict},
    random_circuit::RandomCircuit,
    spec::Spec,
};

/// The circuit of snark-verifier's own EVM example: one gate, copies, an instance.
#[derive(Clone, Default)]
struct StandardPlonk(Fr);

#[derive(Clone)]
struct StandardPlonkConfig {
    advice: [Column<Advice>; 3],
    fixed: [Column<Fixed>; 5],
    _instance: Column<Instance>,
}

impl Circuit<Fr> for StandardPlonk {
    type Config = StandardPlonkConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        Self::default()
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Self::Config {
        meta.set_minimum_degree(4);
        let advice = [(); 3].map(|()| meta.advice_column());
        let fixed = [(); 5].map(|()| meta.fixed_column());
        let instance = meta.instance_column();
        for column in advice {
            meta.enable_equality(column);
        }
        meta.create_gate(
            "q_a·a + q_b·b + q_c·c + q_ab·a·b + constant + instance = 0",
            |meta| {
                let [a, b, c] = advice.map(|column| meta.query_advice(column, Rotation::cur()));
                let [q_a, q_b, q_c, q_ab, constant] =
                    fixed.map(|column| meta.query_fixed(column, Rotation::cur()));
                let instance = meta.query_instance(instance, Rotation::cur());
                [q_a * a.clone() + q_b * b.clone() + q_c * c + q_ab * a * b + constant + instance]
            },
        );
        StandardPlonkConfig { advice, fixed, _instance: instance }
    }

    fn synthesize(
        &self,
        config: Self::Config,
        mut layouter: impl Layouter<Fr>,
    ) -> Result<(), Error> {
        layouter.assign_region(
            || "all",
            |mut region| {
                let [a, b, c] = config.advice;
                region.assign_advice(a, 0, Value::known(self.0));
                region.assign_fixed(config.fixed[0], 0, -Fr::one());
                region.assign_advice(a, 1, Value::known(-Fr::from(5)));
                for (i, column) in (1..).zip(config.fixed) {
                    region.assign_fixed(column, 1, Fr::from(i));
                }
                let one = region.assign_advice(a, 2, Value::known(Fr::one())).cell();
                for column in [b, c] {
                    let copy = region.assign_advice(column, 3, Value::known(Fr::one())).cell();
                    region.constrain_equal(one, copy);
                }
                Ok(())
            },
        )
    }
}

/// A proof made with snark-verifier's transcript.
fn prove_with_their_transcript<C: Circuit<Fr>>(
    fixture: &Fixture,
    circuit: C,
    instances: &[Vec<Fr>],
) -> Vec<u8> {
    let columns: Vec<&[Fr]> = instances.iter().map(Vec::as_slice).collect();
    let mut transcript = EvmTranscript::<G1Affine, NativeLoader, _, _>::new(vec![]);
    create_proof::<
        KZGCommitmentScheme<Bn256>,
        ProverSHPLONK<'_, Bn256>,
        ChallengeEvm<G1Affine>,
        _,
        EvmTranscript<G1Affine, NativeLoader, Vec<u8>, Vec<u8>>,
        _,
    >(
        &fixture.params,
        &fixture.pk,
        &[circuit],
        &[&columns],
        StdRng::seed_from_u64(3),
        &mut transcript,
    )
    .unwrap();
    TranscriptWriterBuffer::<_, G1Affine, ChallengeEvm<G1Affine>>::finalize(transcript)
}

fn their_verifier_accepts(fixture: &Fixture, proof: &[u8], instances: &[Vec<Fr>]) -> bool {
    type Verifier = PlonkVerifier<KzgAs<Bn256, Bdfg21>>;
    let params = &fixture.params;
    let counts: Vec<usize> = instances.iter().map(Vec::len).collect();
    let config = Config::kzg().with_num_instance(counts);
    let protocol = compile(params, fixture.pk.get_vk(), config);
    let key = KzgDecidingKey::<Bn256>::from((params.get_g()[0], params.g2(), params.s_g2()));
    let mut transcript = EvmTranscript::<G1Affine, NativeLoader, _, _>::new(proof);
    let Ok(read) = Verifier::read_proof(&key, &protocol, instances, &mut transcript) else {
        return false;
    };
    Verifier::verify(&key, &protocol, instances, &read).is_ok()
}

#[test]
fn proof_of_their_circuit_with_their_transcript_is_accepted() {
    let circuit = StandardPlonk(Fr::from(42));
    let instances = vec![vec![Fr::from(42)]];
    let fixture = Fixture::new(srs(5, 1), &circuit, false);
    let proof = prove_with_their_transcript(&fixture, circuit, &instances);
    assert!(their_verifier_accepts(&fixture, &proof, &instances));
    assert!(fixture.accepts(&proof, &instances));
    let compiled = crate::fixture::compile(&fixture.contract(&[1]), CompilerSettings::default());
    let run = Deployed::new(&compiled, Fork::default()).verify(&proof, &instances);
    assert_eq!(verdict(&run), Ok(()));
}

#[test]
fn our_proofs_are_accepted_by_their_verifier() {
    assert!(their_verifier_accepts(&RICH.fixture, &RICH.proof, &RICH.instances));
    let mut wrong = RICH.proof.clone();
    let evaluation = wrong.len() - 0x81;
    wrong[evaluation] ^= 1;
    assert!(!their_verifier_accepts(&RICH.fixture, &wrong, &RICH.instances));

    let circuit = RandomCircuit::new(&Spec::model_like(), 1);
    let instances = circuit.instances.clone();
    let fixture = Fixture::new(srs(circuit.spec.k, 1), &circuit, false);
    let proof = fixture.prove(circuit, &instances, 1);
    assert!(their_verifier_accepts(&fixture, &proof, &instances));
}

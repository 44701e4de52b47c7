//! From a circuit of one's own to a verifier contract: proves knowledge of x with x³ + x + 5 = y, prints the
//! contract on standard output, and sizes and gas on standard error.
//!
//! ```sh
//! cargo run --example cubic > CubicVerifier.sol
//! ```

use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    halo2curves::bn256::{Bn256, Fr},
    plonk::{
        Advice, Circuit, Column, ConstraintSystem, Error, Fixed, Instance, create_proof, keygen_pk,
        keygen_vk,
    },
    poly::{
        Rotation,
        kzg::{
            commitment::{KZGCommitmentScheme, ParamsKZG},
            multiopen::ProverSHPLONK,
        },
    },
    transcript::TranscriptWriterBuffer,
};
use rand::rngs::OsRng;
use zkverdict::{
    proving::KeccakWrite,
    solidity::{VerifierContract, verify_proof_calldata},
};

#[derive(Clone, Default)]
struct Cubic {
    x: Fr,
}

#[derive(Clone)]
struct Config {
    q: Column<Fixed>,
    x: Column<Advice>,
    y: Column<Advice>,
    public: Column<Instance>,
}

impl Circuit<Fr> for Cubic {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        Self::default()
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Config {
        let config = Config {
            q: meta.fixed_column(),
            x: meta.advice_column(),
            y: meta.advice_column(),
            public: meta.instance_column(),
        };
        meta.enable_equality(config.y);
        meta.enable_equality(config.public);
        meta.create_gate("cubic", |meta| {
            let q = meta.query_fixed(config.q, Rotation::cur());
            let x = meta.query_advice(config.x, Rotation::cur());
            let y = meta.query_advice(config.y, Rotation::cur());
            let five = halo2_proofs::plonk::Expression::Constant(Fr::from(5));
            [("y is x³ + x + 5", q * (x.clone() * x.clone() * x.clone() + x + five - y))]
        });
        config
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let y = layouter.assign_region(
            || "cubic",
            |mut region| {
                region.assign_fixed(config.q, 0, Fr::one());
                region.assign_advice(config.x, 0, Value::known(self.x));
                let y = self.x * self.x * self.x + self.x + Fr::from(5);
                Ok(region.assign_advice(config.y, 0, Value::known(y)).cell())
            },
        )?;
        layouter.constrain_instance(y, config.public, 0);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A trusted setup for the example alone: whoever runs it knows its secret.
    let params = ParamsKZG::<Bn256>::setup(5, OsRng);
    let circuit = Cubic { x: Fr::from(3) };
    let instances = [Fr::from(35)];
    let vk = keygen_vk(&params, &circuit)?;
    let pk = keygen_pk(&params, vk, &circuit)?;

    let contract =
        VerifierContract::new(&params, pk.get_vk(), &[instances.len()])?.named("CubicVerifier")?;
    println!("{}", contract.render()?.source);

    let mut transcript = KeccakWrite::init(vec![]);
    create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
        &params,
        &pk,
        &[circuit],
        &[&[&instances]],
        OsRng,
        &mut transcript,
    )?;
    let proof = transcript.finalize();
    let calldata = verify_proof_calldata(&proof, &instances);
    let gas = contract.estimate_gas();
    eprintln!("proof: {} bytes, calldata: {} bytes", proof.len(), calldata.len());
    eprintln!("predicted: {} gas, contract of {} bytes", gas.total, gas.runtime_bytes);
    Ok(())
}

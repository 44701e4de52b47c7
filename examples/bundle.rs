//! Opens a bundle, proves an inference, verifies it, renders the contract, as a service would:
//!
//! ```sh
//! zkverdict keygen test/fixtures/models/digits_mlp/int8_qdq.onnx --unsafe-dev-srs --out digits.zkv
//! cargo run --example bundle -- digits.zkv test/fixtures/models/digits_mlp/samples.npy
//! ```

use std::{env, error::Error, fs, path::Path};
use zkverdict::{Fr, bundle::Bundle, model::InputFormat};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, bundle, input] = &arguments[..] else {
        return Err("give a bundle and an input".into());
    };
    let prover = Bundle::open(Path::new(bundle))?.prover()?;
    let bytes = fs::read(input)?;
    let inferences = prover.model().read_inferences(&bytes, InputFormat::detect(&bytes))?;
    let proof = prover.prove(&inferences[0], Fr::zero())?;
    prover.verifier().verify(&proof)?;
    for (name, values) in &prover.verifier().statements(&proof.instances)?[0].outputs {
        println!("{name} = {:?}", values.dequantized);
    }
    println!("{}", prover.verifier().contract("Digits")?.render()?.source);
    Ok(())
}

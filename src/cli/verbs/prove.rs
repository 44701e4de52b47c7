//! `prove`: makes a proof file.

use crate::circuit::ModelCircuit;
use crate::cli::bundle::Bundle;
use crate::cli::proof_file::{self, Inference, ProofDocument, scalar, unhex, word};
use crate::cli::{Answer, CliError, Console, bundle::hex, input};
use crate::model::Model;
use crate::proving::{Prover, WORD_BYTES};
use crate::solidity::verify_proof_calldata;
use halo2_proofs::halo2curves::bn256::Fr;
use std::path::PathBuf;
use std::time::Instant;

/// What `prove` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// JSON, .npy or .npz
    #[arg(long)]
    input: PathBuf,
    /// A field element that the proof is bound to: who may use it, where, once
    #[arg(long, value_name = "HEX32", value_parser = parse_context, default_value = "0x0")]
    context: Fr,
    /// Where to put the proof file
    #[arg(long)]
    out: PathBuf,
}

/// `0x` and at most 64 digits, below the BN254 scalar modulus.
fn parse_context(text: &str) -> Result<Fr, String> {
    let digits = text.strip_prefix("0x").ok_or("expected `0x` and up to 64 hexadecimal digits")?;
    let padded = format!("0x{digits:0>64}");
    let word: [u8; WORD_BYTES] = unhex(&padded)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("expected `0x` and up to 64 hexadecimal digits")?;
    scalar(word).ok_or_else(|| "not below the BN254 scalar modulus".into())
}

/// Makes a proof.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let bundle = Bundle::open(&args.bundle)?;
    let model = bundle.model()?;
    let circuit = bundle.circuit(&model)?;
    let stage = console.stage("making the proving key");
    let prover = Prover::generate(bundle.verifier()?, &circuit)?;
    drop(stage);
    let inferences = input::inferences(&model, &args.input)?;
    let [inputs] = &inferences[..] else {
        return Err(CliError::Usage {
            message: format!(
                "`{}` holds {} inferences, a proof of this bundle holds 1",
                args.input.display(),
                inferences.len()
            ),
            hint: "prove them one by one".into(),
        });
    };
    let document = prove(&model, &circuit, &prover, inputs, args.context, console)?;
    proof_file::write(&args.out, &document)?;
    console.result(&document)?;
    Ok(Answer::Yes)
}

/// Proves one inference; the circuit's answer is compared with the reference's before anything else.
pub fn prove(
    model: &Model,
    circuit: &ModelCircuit,
    prover: &Prover,
    inputs: &[Vec<i32>],
    context: Fr,
    console: &Console,
) -> Result<ProofDocument, CliError> {
    let evaluation = model.evaluate(inputs)?;
    let start = Instant::now();
    let _stage = console.stage("proving");
    let witness = circuit.witness(&inputs.concat(), context)?;
    let reference = model.outputs.iter().flat_map(|port| evaluation.tensor(port.tensor));
    witness.agrees_with(reference.copied())?;
    let instances = witness.instances.clone();
    let proof = prover.prove(circuit.with_witness(witness), &instances)?;
    Ok(ProofDocument {
        vk_digest: hex(&prover.verifier().digest()),
        calldata: hex(&verify_proof_calldata(&proof, &instances)),
        proof: hex(&proof),
        context: word(&context),
        instances: instances.iter().map(word).collect(),
        inferences: vec![Inference::new(model.outputs(&evaluation))],
        seconds: start.elapsed().as_secs_f64(),
        peak_memory_bytes: super::super::usage::peak_bytes(),
    })
}

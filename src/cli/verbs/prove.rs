//! `prove`: makes a proof file.

use crate::circuit::ModelCircuit;
use crate::cli::bundle::Bundle;
use crate::cli::context::ContextArgs;
use crate::cli::proof_file::{self, Inference, ProofDocument, word};
use crate::cli::{Answer, CliError, Console, bundle::hex, input};
use crate::model::Model;
use crate::proving::Prover;
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
    #[command(flatten)]
    context: ContextArgs,
    /// Where to put the proof file
    #[arg(long)]
    out: PathBuf,
}

/// Makes a proof.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    // Before the minutes that keys take.
    let context = args.context.resolve()?;
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
    let document = prove(&model, &circuit, &prover, inputs, context, console)?;
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

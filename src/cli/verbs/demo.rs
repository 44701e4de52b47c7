//! `demo`: the whole path, on a trained model and a local chain.

use super::gas;
use crate::bundle::Inference;
use crate::bundle::peak_bytes;
use crate::chain::{
    Deployed, Deployment, LocalChain, Revert, SendOptions, Submission, Verdict, block_on,
};
use crate::cli::chain_args::deployable;
use crate::cli::{Answer, CliError, Console, contract, input, path};
use crate::evm::Fork;
use crate::model::{InputFormat, Model, Summary};
use crate::proving::{Proof, Statement};
use alloy::primitives::{Address, U256};
use halo2_proofs::halo2curves::bn256::Fr;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

/// A multi-layer perceptron trained on 8×8 handwritten digits, and one of them.
pub const MODEL: &[u8] = include_bytes!("../../../test/fixtures/models/digits_mlp/int8_qdq.onnx");
pub const INPUT: &[u8] = include_bytes!("../../../test/fixtures/models/digits_mlp/samples.npy");

/// What `demo` takes.
#[derive(clap::Args)]
pub struct Args {
    /// A quantized ONNX model of your own
    #[arg(requires = "input")]
    model: Option<PathBuf>,
    /// An input for it
    #[arg(long, requires = "model")]
    input: Option<PathBuf>,
    #[command(flatten)]
    wishes: crate::cli::wishes::WishArgs,
    #[command(flatten)]
    compiler: contract::CompilerArgs,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    summary: Summary,
    k: u32,
    inference: Inference,
    prove_seconds: f64,
    peak_memory_bytes: u64,
    proof_bytes: usize,
    contract: String,
    runtime_bytes: usize,
    predicted_deploy_gas: u64,
    verify_gas: u64,
    address: Address,
    chain_id: u64,
    gas_used: u64,
    valid: bool,
    tampered: Revert,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operators: Vec<_> =
            self.summary.operators.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(f, "model      {} ({})", self.summary.model, operators.join(", "))?;
        for (name, values) in &self.inference.outputs {
            let best =
                values.quantized.iter().enumerate().max_by_key(|&(at, &q)| (q, usize::MAX - at));
            write!(f, "answer     {name} = {:?}", values.quantized)?;
            if let Some((class, _)) = best.filter(|_| values.quantized.len() > 1) {
                write!(f, ", largest at {class}")?;
            }
            writeln!(f)?;
        }
        writeln!(
            f,
            "proof      {} bytes in {:.2} s (k = {}, {} MB at most)",
            self.proof_bytes,
            self.prove_seconds,
            self.k,
            self.peak_memory_bytes >> 20
        )?;
        writeln!(f, "contract   {}, {} bytes of code", self.contract, self.runtime_bytes)?;
        writeln!(f, "gas        {} per verification, measured before deployment", self.verify_gas)?;
        writeln!(f, "address    {} on chain {}", self.address, self.chain_id)?;
        writeln!(f, "verdict    valid, {} gas used", self.gas_used)?;
        writeln!(f, "tampered   refused with {}", self.tampered)
    }
}

/// Walks the path from model to verdict.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let (model, inputs) = match (&args.model, &args.input) {
        (Some(model), Some(input)) => {
            let (model, _) = input::model(model)?;
            let inferences = input::inferences(&model, input)?;
            (model, inferences)
        }
        _ => {
            let model = Model::from_onnx("digits_mlp", MODEL)?;
            let inferences = model.read_inferences(INPUT, InputFormat::Npy)?;
            (model, inferences)
        }
    };
    let summary = model.summary();
    let inputs = inputs.into_iter().next().unwrap_or_default();
    let (prover, _) = path::generate(model, args.wishes, console)?;
    let verifier = prover.verifier();
    let stage = console.stage("proving");
    let start = Instant::now();
    let proof = prover.prove(&inputs, Fr::zero())?;
    let prove_seconds = start.elapsed().as_secs_f64();
    let peak_memory_bytes = peak_bytes();
    drop(stage);
    let Statement { outputs, claims, .. } = verifier.statements(&proof.instances)?.remove(0);
    let compiled = path::compile(verifier, &args.compiler, console)?;
    let gas = gas::measure(&compiled, &proof, Fork::default())?;
    let contract = deployable(&compiled)?;
    block_on(async {
        let stage = console.stage("asking a local chain");
        let (chain, _node) = LocalChain::start_or_in_process().await?;
        let deployment = Deployment::plan(&chain, &contract, &Default::default()).await?;
        let deployed = deployment.send(&chain, &SendOptions::default()).await?;
        let submit = async |proof: &Proof| -> Result<Verdict, CliError> {
            let words = proof.instances.iter().map(|&word| U256::from_be_bytes(word));
            let words: Vec<U256> = words.collect();
            let submission = Submission::to_verifier(deployed.address, &proof.bytes, &words);
            Ok(submission.send(&chain, &contract.abi, &SendOptions::default()).await?)
        };
        let verdict = submit(&proof).await?;
        // Claims another answer under the same proof.
        let mut tampered = proof.clone();
        if let Some(byte) = tampered.instances.last_mut().and_then(|word| word.last_mut()) {
            *byte ^= 1;
        }
        let refusal = submit(&tampered).await?;
        drop(stage);
        let (Verdict::Accepted(sent), Verdict::Refused { error: tampered, .. }) =
            (verdict, refusal)
        else {
            console.warn("the chain's verdicts are not the expected ones");
            return Ok(Answer::No);
        };
        let Deployed { address, chain_id, .. } = deployed;
        let report = Report {
            k: prover.circuit().k(),
            inference: Inference { outputs, claims, hashes: BTreeMap::new() },
            prove_seconds,
            peak_memory_bytes,
            proof_bytes: proof.bytes.len(),
            contract: compiled.name.clone(),
            runtime_bytes: compiled.runtime_code.len(),
            predicted_deploy_gas: gas.deploy_gas,
            verify_gas: gas.total,
            address,
            chain_id,
            gas_used: sent.gas_used,
            valid: true,
            tampered,
            summary,
        };
        console.result(&report)?;
        Ok(Answer::Yes)
    })
}

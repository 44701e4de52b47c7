//! `submit`: gets a chain's verdict on a proof.

use crate::chain::{Deployment, Revert, Submission, Verdict, VerdictReport, block_on};
use crate::cli::bundle::{AnyBundle, TrustArgs, hex};
use crate::cli::chain_args::ChainArgs;
use crate::cli::contracts::Contracts;
use crate::cli::proof_file::{Inference, ProofFile};
use crate::cli::{Answer, CliError, Console, contract};
use crate::model::{ClaimValues, OutputValues};
use crate::proving::{Judge, Proof};
use alloy::primitives::{Address, B256, U256};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What `submit` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// The proof file
    proof: PathBuf,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    compiler: contract::CompilerArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// A verifier, or a consumer [default: the deployed verifier]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    /// The salt that the verifier was deployed with
    #[arg(long, value_name = "HEX32", default_value_t)]
    salt: B256,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    verdict: VerdictReport,
    /// The name of the committed weights that the proof is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<String, OutputValues>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    claims: BTreeMap<String, ClaimValues>,
    verifier: Address,
    /// What is known without believing the node.
    checked: Checked,
}

/// What the verdict rests on.
#[derive(Clone, Serialize)]
struct Checked {
    /// The proof, by this program's own verifier.
    proof: bool,
    /// The contract's code, by the compiler's; absent for a consumer, whose code is not known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<bool>,
    /// What says that a block holds the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'static str>,
    /// What the nodes did not prove.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unproved: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let VerdictReport { transaction, gas_used, error, .. } = &self.verdict;
        match error {
            None => writeln!(f, "valid")?,
            Some(error) => writeln!(f, "refused: {error}")?,
        }
        let Self { weights, outputs, claims, .. } = self;
        weights.iter().try_for_each(|name| writeln!(f, "weights      {name}"))?;
        write!(
            f,
            "{}",
            Inference { outputs: outputs.clone(), claims: claims.clone(), hashes: BTreeMap::new() }
        )?;
        writeln!(f, "verifier     {}", self.verifier)?;
        if let Some(transaction) = transaction {
            writeln!(f, "transaction  {transaction}")?;
        }
        if let Some(gas) = gas_used {
            writeln!(f, "gas          {gas}")?;
        }
        writeln!(f, "checked      {}", self.checked)
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the proof {}",
            if self.proof { "is valid here too" } else { "is not valid here" }
        )?;
        match self.code {
            Some(true) => write!(f, "; the code is the compiler's")?,
            Some(false) => write!(f, "; the code is not the compiler's")?,
            None => write!(f, "; the code is not known here")?,
        }
        self.receipt.map_or(Ok(()), |receipt| write!(f, "; the block: {receipt}"))?;
        self.unproved.iter().try_for_each(|what| write!(f, "; {what}"))
    }
}

/// What a transaction would do.
#[derive(Serialize)]
struct DryRun {
    dry_run: bool,
    transaction: Option<B256>,
    valid: bool,
    estimated_gas: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Revert>,
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.error, self.estimated_gas) {
            (Some(error), _) => writeln!(f, "would be refused: {error}"),
            (None, gas) => writeln!(f, "would be accepted, {} gas", gas.unwrap_or_default()),
        }
    }
}

/// Sends a proof and says what the chain thinks of it.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let send = args.chain.send_options(console);
    let bundle = AnyBundle::open(&args.bundle)?;
    let file = ProofFile::open(&args.proof)?;
    let any = bundle.verifier()?;
    let keys = any.judge();
    let proof = file.proof_of(keys)?;
    args.trust.check_any(&bundle, keys.model(), console)?;
    let compiler = args.compiler.find()?;
    let contracts = Contracts::new(&any, args.salt, &args.compiler, &compiler, console)?;
    let contract = &contracts.verifier.contract;
    let instances: Vec<U256> =
        proof.instances.iter().map(|&word| U256::from_be_bytes(word)).collect();
    block_on(async {
        let connection = args.chain.connect(console).await?;
        let chain = &connection.chain;
        let verifier = match (args.to, connection.is_own) {
            (Some(address), _) => address,
            (None, false) => Deployment::predict(contract, args.salt),
            (None, true) => {
                let _stage = console.stage("deploying to the local chain");
                contracts.deploy(chain, &send).await?.address
            }
        };
        let submission = Submission::detect(chain, verifier, &proof.bytes, &instances).await?;
        if args.chain.dry_run {
            let simulated = submission.simulate(chain, &contract.abi).await?;
            let report = DryRun {
                dry_run: true,
                transaction: None,
                valid: simulated.is_ok(),
                estimated_gas: simulated.as_ref().ok().copied(),
                error: simulated.err(),
            };
            let answer = if report.valid { Answer::Yes } else { Answer::No };
            hint_at_context(report.error.as_ref(), console);
            console.result(&report)?;
            return Ok(answer);
        }
        // Whatever the chain says.
        let is_valid = keys.verify(proof).is_ok();
        let stage = console.stage("submitting the proof");
        let verdict = if is_valid {
            submission.send(chain, &contract.abi, &send).await?
        } else {
            // Nothing is paid for a false proof. The contract says it in its own words, if it does.
            let error = submission.simulate(chain, &contract.abi).await?.err();
            let error = error.unwrap_or_else(not_valid_here);
            Verdict::Refused { error, transaction: None }
        };
        drop(stage);
        let checked = Checked {
            proof: is_valid,
            code: match &verdict {
                Verdict::Accepted(sent) if !submission.is_to_consumer() => {
                    contract.is_code(&chain.code_in(verifier, sent.block_hash).await?)
                }
                _ => None,
            },
            receipt: verdict.is_valid().then(|| match chain.proves_receipts() {
                true => "proved by the block's header, whose hash the nodes agree on",
                false => "by the word of the nodes that were asked",
            }),
            unproved: chain.unproved(),
        };
        if checked.code == Some(false) && args.to.is_none() {
            return Err(CliError::Usage {
                message: format!("the code at {verifier} is not this bundle's verifier"),
                hint: "the node lies, or the contract is another one: ask another `--rpc-url`"
                    .into(),
            });
        }
        let (weights, Inference { outputs, claims, .. }) = match &verdict {
            Verdict::Accepted(_) => said(keys, proof)?,
            Verdict::Refused { .. } => (None, Inference::new(Vec::new())),
        };
        let answer = if verdict.is_valid() { Answer::Yes } else { Answer::No };
        if let Verdict::Refused { .. } = &verdict {
            hint_at_context(verdict.report().error.as_ref(), console);
        }
        let verdict = verdict.report();
        console.result(&Report { verdict, weights, outputs, claims, verifier, checked })?;
        Ok(answer)
    })
}

fn not_valid_here() -> Revert {
    Revert {
        name: Some("InvalidProof".into()),
        arguments: vec![
            "by this program's verifier; the node says that the contract accepts it".into(),
        ],
        data: Default::default(),
    }
}

/// Says what to do about a proof that was made for another turn.
fn hint_at_context(error: Option<&Revert>, console: &Console) {
    let Some(error) = error.filter(|error| error.name.as_deref() == Some("WrongContext")) else {
        return;
    };
    if let [_, expected] = &error.arguments[..] {
        console.note(format!("hint: prove again with `--context {expected}`"));
    }
}

/// Which weights a proof's instances name, and what they say of outputs.
fn said(verifier: &dyn Judge, proof: &Proof) -> Result<(Option<String>, Inference), CliError> {
    let (mut weights, mut said) = (None, Inference::new(Vec::new()));
    for statement in verifier.statements(&proof.instances)? {
        weights = statement.weights.map(|name| hex(&name));
        said.outputs.extend(statement.outputs);
        said.claims.extend(statement.claims);
    }
    Ok((weights, said))
}

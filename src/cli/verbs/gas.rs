//! `gas`: runs the contract on a proof in process, and reports what it costs.

use crate::cli::{
    Answer, CliError, Console,
    artifact::{Artifact, Compilation},
    bundle::{AnyBundle, AnyVerifier, Bundle},
    contract, files,
    proof_file::{ProofFile, unhex},
    rendered::{AllRendered, Rendered},
};
use crate::evm::{
    Abi, Address, Called, ConstructorWord, Consumer, DebugInfo, Experiment, Fork, ForkChanges,
    ForkComparison, GasReport, Machine, Prices, Snapshot, SnapshotCheck, SourceFile, U256,
};
use crate::proving::{ModelVerifier, Proof, links};
use crate::solidity::{
    CompiledContract, GasEstimate, SolidityCompiler, estimate_circuit_gas, estimate_packed_gas,
    verify_batch_calldata_of_words, verify_proof_calldata_of_words,
};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};

/// What `gas` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    #[arg(required_unless_present = "contract", conflicts_with = "contract")]
    bundle: Option<PathBuf>,
    /// The proof file; several for a batch, which `verifyBatch` takes in one call
    #[arg(required_unless_present = "contract")]
    proofs: Vec<PathBuf>,
    /// Measure this contract instead of a bundle's: a JSON artifact of Foundry, Hardhat or solc, or a Solidity file
    #[arg(long, value_name = "FILE", requires = "calldata")]
    contract: Option<PathBuf>,
    /// What to call the contract with
    #[arg(long, value_name = "0xHEX", requires = "contract", value_parser = parse_bytes)]
    calldata: Option<Bytes>,
    /// Measure this contract around the verifier: a Solidity file or an artifact. Given again: one around the other
    #[arg(long, value_name = "FILE")]
    with_consumer: Vec<PathBuf>,
    /// What a consumer's constructor takes, for each in turn: words, as `verifier` (an address), `previous` (that of
    /// the consumer before), 0xHEX or a number [default: previous]
    #[arg(long, value_name = "WORD,…", requires = "with_consumer", value_parser = parse_words)]
    consumer_args: Vec<Words>,
    /// What to call the last consumer with [default: its function of (bytes, uint256[]), with the proof]
    #[arg(long, value_name = "0xHEX", requires = "with_consumer", value_parser = parse_bytes)]
    consumer_calldata: Option<Bytes>,
    /// Whose prices hold: cancun, prague, osaka, amsterdam, or all of them
    #[arg(long, default_value = "osaka", value_parser = parse_forks)]
    fork: Forks,
    /// Write a page with charts, the source by gas, and all forks side by side
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Keep the figures in a file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Compare with figures that were kept: exit code 1 if one got worse
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// By how many per cent a figure may get worse
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    tolerance: f64,
    /// Give the call this much gas
    #[arg(long, value_name = "GAS")]
    gas_limit: Option<u64>,
    /// Measure on a chain that lacks a precompile, for example 0x08
    #[arg(long, value_name = "0xHEX", value_parser = parse_precompile)]
    without_precompile: Vec<Address>,
    #[command(flatten)]
    prices: PriceArgs,
    #[command(flatten)]
    compiler: contract::CompilerArgs,
}

/// At which prices costs are computed.
#[derive(clap::Args)]
struct PriceArgs {
    /// Gas price on L1
    #[arg(long, value_name = "GWEI")]
    gas_price: Option<f64>,
    /// Gas price on a rollup
    #[arg(long, value_name = "GWEI")]
    l2_gas_price: Option<f64>,
    /// Base fee of L1 that a rollup pays for data [default: the gas price on L1]
    #[arg(long, value_name = "GWEI")]
    l1_base_fee: Option<f64>,
    /// Base fee of L1's blobs
    #[arg(long, value_name = "GWEI")]
    blob_base_fee: Option<f64>,
    /// The OP-stack chain's base fee scalar, in millionths
    #[arg(long, value_name = "N")]
    op_base_fee_scalar: Option<u32>,
    /// The OP-stack chain's blob base fee scalar, in millionths
    #[arg(long, value_name = "N")]
    op_blob_base_fee_scalar: Option<u32>,
    /// What one ETH costs
    #[arg(long, value_name = "PRICE")]
    eth_price: Option<f64>,
    /// In which currency
    #[arg(long, value_name = "NAME", default_value = "USD")]
    currency: String,
}

impl PriceArgs {
    fn prices(&self) -> Prices {
        let usual = Prices::default();
        let gas_price_gwei = self.gas_price.unwrap_or(usual.gas_price_gwei);
        Prices {
            gas_price_gwei,
            l2_gas_price_gwei: self.l2_gas_price.unwrap_or(usual.l2_gas_price_gwei),
            l1_base_fee_gwei: self.l1_base_fee.unwrap_or(gas_price_gwei),
            blob_base_fee_gwei: self.blob_base_fee.unwrap_or(usual.blob_base_fee_gwei),
            op_base_fee_scalar: self.op_base_fee_scalar.unwrap_or(usual.op_base_fee_scalar),
            op_blob_base_fee_scalar: self
                .op_blob_base_fee_scalar
                .unwrap_or(usual.op_blob_base_fee_scalar),
            eth: self.eth_price.map(|price| (price, self.currency.clone())),
        }
    }
}

#[derive(Clone)]
struct Forks(Vec<Fork>);

fn parse_forks(text: &str) -> Result<Forks, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(Forks(Fork::ALL.to_vec()));
    }
    text.parse().map(|fork| Forks(vec![fork])).map_err(|error| format!("{error}"))
}

#[derive(Clone)]
struct Bytes(Vec<u8>);

fn parse_bytes(text: &str) -> Result<Bytes, String> {
    let bytes = unhex(text).map(Bytes);
    bytes.ok_or_else(|| format!("`{text}` is not `0x` and an even number of digits"))
}

#[derive(Clone)]
struct Words(Vec<ConstructorWord>);

fn parse_words(text: &str) -> Result<Words, String> {
    let word = |text: &str| match text {
        "verifier" => Ok(ConstructorWord::Verifier),
        "previous" => Ok(ConstructorWord::Previous),
        // In hexadecimal or decimal, as U256 reads it.
        _ => text
            .parse::<U256>()
            .map(|value| ConstructorWord::Value(value.to_be_bytes()))
            .map_err(|_| format!("`{text}` is neither `verifier`, `previous`, nor a number")),
    };
    text.split(',').map(|text| word(text.trim())).collect::<Result<_, _>>().map(Words)
}

/// An address, of which leading zeros may be left out.
fn parse_precompile(text: &str) -> Result<Address, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    unhex(&format!("0x{digits:0>40}"))
        .and_then(|bytes| Address::try_from(bytes.as_slice()).ok())
        .ok_or_else(|| format!("`{text}` is not an address"))
}

/// What `gas` found out.
struct Measured {
    reports: Vec<GasReport>,
    check: Option<SnapshotCheck>,
}

/// A report with how it compares to the figures that were kept.
#[derive(Serialize)]
struct Compared<'a> {
    #[serde(flatten)]
    report: &'a GasReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<&'a ForkChanges>,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.check, self.reports.as_slice()) {
            (Some(check), _) => write!(f, "{check}"),
            (None, [report]) => write!(f, "{report}"),
            (None, reports) => write!(f, "{}", ForkComparison(reports.to_vec())),
        }
    }
}

impl Serialize for Measured {
    /// One fork is an object, several are an array.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let changes = |index: usize| self.check.as_ref().and_then(|check| check.forks.get(index));
        let compared: Vec<Compared<'_>> = (self.reports.iter().enumerate())
            .map(|(index, report)| Compared { report, snapshot: changes(index) })
            .collect();
        match compared.as_slice() {
            [only] => only.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

/// Measures a call.
pub fn run(args: &Args, console: &Console) -> Result<Answer, CliError> {
    let workbench = Workbench { args, console, compiler: OnceCell::new() };
    let experiment = workbench.experiment()?;
    let stage = console.stage("measuring");
    let run = |forks: &[Fork]| -> Result<Vec<GasReport>, CliError> {
        Ok(forks.iter().map(|&fork| experiment.run(fork)).collect::<Result<_, _>>()?)
    };
    let reports = run(&args.fork.0)?;
    if let Some(path) = &args.html {
        let chosen = args.fork.0.first().copied().unwrap_or_default();
        let chosen = if args.fork.0.len() > 1 { Fork::default() } else { chosen };
        let page = experiment.html_page(&run(&Fork::ALL)?, chosen)?;
        files::write(path, page.as_bytes())?;
    }
    drop(stage);
    for problem in reports.iter().flat_map(|report| &report.limits.problems) {
        console.warn(format_args!("over the limit: {problem}"));
    }
    let check = match &args.check {
        Some(path) => {
            let at = |error| CliError::from(error).at(path);
            let saved = Snapshot::from_json(&files::read_document(path)?).map_err(at)?;
            Some(saved.check(&reports, args.tolerance).map_err(at)?)
        }
        None => None,
    };
    if let Some(path) = &args.save {
        files::write(path, Snapshot::of(&reports).to_json().as_bytes())?;
    }
    let accepted = reports.iter().all(|report| report.call.accepted);
    let holds = check.as_ref().is_none_or(|check| check.holds);
    console.result(&Measured { reports, check })?;
    Ok(if accepted && holds { Answer::Yes } else { Answer::No })
}

/// Measures a proof's verification under one fork, without a look at the source.
pub fn measure(
    compiled: &CompiledContract,
    proof: &Proof,
    fork: Fork,
) -> Result<GasReport, CliError> {
    Ok(experiment(compiled, std::slice::from_ref(proof))?.run(fork)?)
}

/// Runs the compiler.
type Compile<'a> = dyn Fn(&Value) -> Result<Value, CliError> + 'a;

/// Puts together what is measured.
struct Workbench<'a> {
    args: &'a Args,
    console: &'a Console,
    /// Asking a compiler for its version takes a second, so once.
    compiler: OnceCell<SolidityCompiler>,
}

impl Workbench<'_> {
    fn experiment(&self) -> Result<Experiment, CliError> {
        let Args { contract, calldata, bundle, proofs, with_consumer, .. } = self.args;
        if proofs.len() > 1 && !with_consumer.is_empty() && self.args.consumer_calldata.is_none() {
            return Err(CliError::Usage {
                message: "a consumer takes one proof".into(),
                hint: "give one proof file, or --consumer-calldata".into(),
            });
        }
        let mut experiment = match (contract, calldata, bundle, proofs.as_slice()) {
            (Some(contract), Some(calldata), _, _) => {
                let artifact = self.artifact(contract)?;
                let experiment = Experiment::new(&artifact.creation_code, &calldata.0)
                    .named(&artifact.name)
                    .with_abi(abi(&artifact)?);
                match self.positions_of(&artifact) {
                    Some(debug) => experiment.with_debug_info(debug),
                    None => experiment,
                }
            }
            (None, _, Some(bundle), [_, ..]) => self.of_bundle(bundle, proofs)?,
            // The arguments require one of the two.
            _ => {
                return Err(CliError::Usage {
                    message: "there is nothing to measure".into(),
                    hint: "give a bundle and a proof file, or --contract and --calldata".into(),
                });
            }
        };
        for (index, path) in self.args.with_consumer.iter().enumerate() {
            let consumer = self.consumer(index, path, experiment.calldata())?;
            experiment = experiment.with_consumer(consumer);
        }
        if let Some(gas_limit) = self.args.gas_limit {
            experiment = experiment.with_gas_limit(gas_limit);
        }
        for &address in &self.args.without_precompile {
            experiment = experiment.without_precompile(address);
        }
        Ok(experiment.with_prices(self.args.prices.prices()))
    }

    fn of_bundle(&self, bundle: &Path, proofs: &[PathBuf]) -> Result<Experiment, CliError> {
        let bundle = AnyBundle::open(bundle)?;
        let verifier = bundle.verifier()?;
        let proof = |path: &PathBuf| -> Result<Proof, CliError> {
            Ok(ProofFile::open(path)?.proof_of(verifier.judge())?.clone())
        };
        let proofs = proofs.iter().map(proof).collect::<Result<Vec<_>, _>>()?;
        let place = |number: u64, _: &CompiledContract| Machine::address_of(number);
        let with = (&self.args.compiler, self.compiler()?);
        let made = AllRendered::new(&verifier, None, place, with, self.console)?;
        let compiled = &made.verifier.compiled;
        let mut experiment =
            experiment(compiled, &proofs)?.with_debug_info(self.source_of(compiled));
        for (Rendered { compiled, .. }, _) in &made.parts {
            let (name, init_code) = (compiled.name.clone(), compiled.init_code.clone());
            let debug = Some(self.source_of(compiled));
            experiment = experiment.with_called(Called { name, init_code, debug });
        }
        // What is predicted is one call of `verifyProof`, of a model in one circuit.
        Ok(match (&bundle, &verifier, proofs.as_slice()) {
            (AnyBundle::Whole(bundle), AnyVerifier::Whole(verifier), [proof]) => {
                let predicted = estimate(bundle, verifier)?.with_instances(&proof.instances).total;
                experiment.with_prediction(Fork::default(), predicted)
            }
            _ => experiment,
        })
    }

    /// A contract's source, with its lines where they can be found.
    fn source_of(&self, compiled: &CompiledContract) -> DebugInfo {
        let file = format!("{}.sol", compiled.name);
        let debug = self.positions(&compiled.name, |compile| {
            let CompiledContract { standard_json, name, init_code, .. } = compiled;
            DebugInfo::from_compiler(standard_json, &file, name, init_code, compile)
        });
        debug.unwrap_or_else(|| {
            let source = SourceFile { id: 0, name: file, text: compiled.source.clone() };
            let (source_map, files) = (compiled.source_map.clone(), vec![source]);
            DebugInfo { source_map, files, is_coarse: true }
        })
    }

    fn consumer(&self, index: usize, path: &Path, direct: &[u8]) -> Result<Consumer, CliError> {
        let artifact = self.artifact(path)?;
        let abi = abi(&artifact)?;
        let is_last = index + 1 == self.args.with_consumer.len();
        let calldata = match (&self.args.consumer_calldata, abi.proof_function()) {
            // Called by the consumers around it.
            _ if !is_last => Vec::new(),
            (Some(calldata), _) => calldata.0.clone(),
            // The same arguments as the verifier's, behind another selector.
            (None, Some((selector, _))) => {
                let arguments = direct.get(selector.len()..).unwrap_or_default();
                [&selector, arguments].concat()
            }
            (None, None) => {
                return Err(CliError::Usage {
                    message: format!(
                        "`{}` has not one function of `(bytes, uint256[])`",
                        artifact.name
                    ),
                    hint: "say what to call it with: --consumer-calldata".into(),
                });
            }
        };
        let arguments = self.args.consumer_args.get(index).map(|words| words.0.clone());
        Ok(Consumer {
            debug: self.positions_of(&artifact),
            name: artifact.name,
            creation_code: artifact.creation_code,
            // Of the first one, the previous contract is the verifier.
            arguments: arguments.unwrap_or_else(|| vec![ConstructorWord::Previous]),
            calldata,
            abi,
        })
    }

    fn artifact(&self, path: &Path) -> Result<Artifact, CliError> {
        match path.extension() {
            Some(extension) if extension == "sol" => {
                let _stage = self.console.stage("compiling the contract");
                Artifact::compile(path, self.compiler()?)
            }
            _ => Artifact::read(path),
        }
    }

    fn positions_of(&self, artifact: &Artifact) -> Option<DebugInfo> {
        let Artifact { name, creation_code, compilation, .. } = artifact;
        match compilation {
            Some(Compilation { input, file, output: Some(output) }) => self
                .positions(name, |compile| {
                    DebugInfo::from_output(input, output, file, name, compile)
                }),
            Some(Compilation { input, file, output: None }) => self.positions(name, |compile| {
                DebugInfo::from_compiler(input, file, name, creation_code, compile)
            }),
            None => {
                self.console.warn(format_args!(
                    "no phases and lines of `{name}`: its source is not there, or has changed since"
                ));
                None
            }
        }
    }

    /// Positions are worth having, but a report is possible without.
    fn positions(
        &self,
        name: &str,
        find: impl FnOnce(&Compile<'_>) -> Result<DebugInfo, CliError>,
    ) -> Option<DebugInfo> {
        let stage = self.console.stage("finding source lines");
        let debug = self.compiler().and_then(|compiler| {
            find(&|input: &Value| compiler.standard_json(input).map_err(CliError::from))
        });
        drop(stage);
        match debug {
            Ok(debug) => {
                if debug.is_coarse {
                    self.console
                        .warn(format_args!("lines inside assembly of `{name}` are not told apart"));
                }
                Some(debug)
            }
            Err(error) => {
                self.console.warn(format_args!("no lines of `{name}`: {error}"));
                None
            }
        }
    }

    fn compiler(&self) -> Result<&SolidityCompiler, CliError> {
        if let Some(known) = self.compiler.get() {
            return Ok(known);
        }
        let found = self.args.compiler.find()?;
        Ok(self.compiler.get_or_init(|| found))
    }
}

/// What a verification is predicted to cost.
fn estimate(bundle: &Bundle, verifier: &ModelVerifier) -> Result<GasEstimate, CliError> {
    let circuit = bundle.circuit(verifier.model())?;
    let (k, counts) = (circuit.k(), [circuit.instances()]);
    Ok(match verifier.keys().packed() {
        None => estimate_circuit_gas(&circuit, k, &counts, &links(&circuit.shape()))?,
        Some(keys) => {
            let layout = keys.key().layout();
            let (public, widths) = (&layout.instances, layout.widths());
            estimate_packed_gas(&circuit.constraint_system(), k, public, &widths)?
        }
    })
}

/// A contract without an ABI is measured all the same.
fn abi(artifact: &Artifact) -> Result<Abi, CliError> {
    Ok(if artifact.abi.is_null() { Abi::default() } else { Abi::from_json(&artifact.abi)? })
}

/// A call with one proof, or a batch.
fn experiment(compiled: &CompiledContract, proofs: &[Proof]) -> Result<Experiment, CliError> {
    let calldata = match proofs {
        [proof] => verify_proof_calldata_of_words(&proof.bytes, &proof.instances),
        _ => {
            let (proofs, instances): (Vec<_>, Vec<_>) =
                proofs.iter().map(|proof| (&proof.bytes, &proof.instances)).unzip();
            verify_batch_calldata_of_words(&proofs, &instances)
        }
    };
    Ok(Experiment::new(&compiled.init_code, &calldata)
        .named(&compiled.name)
        .with_abi(Abi::from_json(&compiled.abi)?))
}

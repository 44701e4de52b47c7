//! What a contract and a call to it cost, and where the gas goes.

use std::collections::BTreeMap;

use revm::primitives::Address;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    Abi, DebugInfo, DecodedError, EvmError, Fork, Gas, Machine, Outcome, Run,
    error::hex,
    precompiles,
    rollup::{Cost, Prices, RollupBytes},
    source::{Line, Places, SourceFile},
    trace::{Account, Spender, Tally, Traced, Tracer},
};

/// A contract and a call to it, to be measured under any fork.
#[derive(Clone, Debug)]
pub struct Experiment {
    name: String,
    init_code: Vec<u8>,
    calldata: Vec<u8>,
    debug: Option<DebugInfo>,
    abi: Abi,
    consumer: Option<Consumer>,
    prices: Prices,
    missing_precompiles: Vec<Address>,
    gas_limit: Option<u64>,
    prediction: Option<(Fork, u64)>,
}

/// A contract that calls the measured one. Its constructor takes that one's address.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its name, as reports show it.
    pub name: String,
    /// Creation bytecode, without constructor arguments.
    pub creation_code: Vec<u8>,
    /// The call that is measured instead of a direct one.
    pub calldata: Vec<u8>,
    /// Its source, if known.
    pub debug: Option<DebugInfo>,
    /// Its ABI.
    pub abi: Abi,
}

/// What one call costs under one fork. All figures are in gas unless their names say otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct GasReport {
    /// The measured contract.
    pub contract: String,
    /// The fork whose prices hold.
    pub fork: Fork,
    /// What the receipt says: `max(intrinsic + execution − refund, floor)`.
    pub total: u64,
    /// The price of the transaction and its calldata, before any code runs.
    pub intrinsic: u64,
    /// The least that a transaction with this calldata costs; zero before Prague.
    pub floor: u64,
    /// The price of running code.
    pub execution: u64,
    /// What cleared storage gives back.
    pub refund: u64,
    /// Size of the deployed code.
    pub runtime_bytes: usize,
    /// Size of the creation code.
    pub init_bytes: usize,
    /// What deploying costs.
    pub deploy_gas: u64,
    /// Size of the calldata.
    pub calldata_bytes: usize,
    /// How many of these are zero, and so cheap.
    pub calldata_zero_bytes: usize,
    /// How the call ended.
    pub call: CallResult,
    /// What the fork's limits say.
    pub limits: LimitsReport,
    /// Gas by phase; adds up to `total`.
    pub phases: Parts,
    /// Gas by class of opcode, and by precompile; adds up to `total`.
    pub spenders: Parts,
    /// Calls to precompiles.
    pub precompiles: Vec<PrecompileReport>,
    /// Gas by line of source, where the source is known; the other parts are in `phases`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineReport>,
    /// Bytes that the transaction puts on L1 from a rollup.
    pub rollup: RollupBytes,
    /// Costs at the given prices.
    pub costs: Vec<Cost>,
    /// What a planner expected, beside what was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Prediction>,
    /// Every combination of phase, line and spender.
    #[serde(skip)]
    pub(super) ledger: Vec<Entry>,
}

/// Named parts of a whole, in the order in which they happen or by size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts(Vec<(String, i64)>);

/// How the measured call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallResult {
    /// Whether it returned, and not a zero word.
    pub accepted: bool,
    /// `returned`, `reverted` or `halted`.
    pub outcome: &'static str,
    /// What it returned or reverted with, in hexadecimal.
    pub data: String,
    /// The typed error, if the ABI knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<DecodedError>,
    /// In words, unless the call was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether a chain under this fork takes the contract and the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitsReport {
    /// Largest runtime code in bytes.
    pub runtime_bytes: usize,
    /// Largest init code in bytes.
    pub init_bytes: usize,
    /// Most gas of a transaction, if there is a limit.
    pub transaction_gas: Option<u64>,
    /// Whether the contract can be deployed.
    pub deployable: bool,
    /// Whether the call fits into a transaction.
    pub callable: bool,
    /// What is over which limit.
    pub problems: Vec<String>,
}

/// Calls to one precompile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrecompileReport {
    /// Its usual name.
    pub name: &'static str,
    /// Its address.
    pub address: String,
    /// Number of calls.
    pub count: u64,
    /// What they cost, without the price of the calling instruction.
    pub gas: i64,
    /// Calls that failed and consumed everything given to them.
    pub failed: u64,
    /// Calls that found no precompile there, and so succeeded without an answer.
    pub missing: u64,
}

/// What a line of source costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineReport {
    /// The file's name.
    pub file: String,
    /// Counted from one.
    pub line: usize,
    /// The gas booked to the line.
    pub gas: i64,
    /// Number of instructions and precompile calls.
    pub count: u64,
}

/// A figure that was predicted before anything ran.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The predicted total.
    pub total: u64,
    /// How far the measured total is above it, as a fraction of the measured one.
    pub error: f64,
}

/// One combination of phase, line and spender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    pub phase: String,
    /// File and line, the line counted from one.
    pub line: Option<(String, usize)>,
    pub spender: String,
    pub gas: i64,
    pub count: u64,
}

impl Experiment {
    /// Deploys `init_code` and calls the contract with `calldata`.
    pub fn new(init_code: &[u8], calldata: &[u8]) -> Self {
        Self {
            name: "contract".to_owned(),
            init_code: init_code.to_vec(),
            calldata: calldata.to_vec(),
            debug: None,
            abi: Abi::default(),
            consumer: None,
            prices: Prices::default(),
            missing_precompiles: Vec::new(),
            gas_limit: None,
            prediction: None,
        }
    }

    /// Calls the contract by this name in the report.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The call's data, without a consumer around it.
    pub fn calldata(&self) -> &[u8] {
        &self.calldata
    }

    /// Attributes gas to phases and lines of this source.
    #[must_use]
    pub fn with_debug_info(mut self, debug: DebugInfo) -> Self {
        self.debug = Some(debug);
        self
    }

    /// Decodes errors by this ABI.
    #[must_use]
    pub fn with_abi(mut self, abi: Abi) -> Self {
        self.abi = abi;
        self
    }

    /// Sends the call to this contract, which calls the measured one.
    #[must_use]
    pub fn with_consumer(mut self, consumer: Consumer) -> Self {
        self.consumer = Some(consumer);
        self
    }

    /// Computes costs at these prices.
    #[must_use]
    pub fn with_prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// Measures on a chain that lacks this precompile.
    #[must_use]
    pub fn without_precompile(mut self, address: Address) -> Self {
        self.missing_precompiles.push(address);
        self
    }

    /// Gives the measured call this much gas.
    #[must_use]
    pub const fn with_gas_limit(mut self, gas_limit: u64) -> Self {
        self.gas_limit = Some(gas_limit);
        self
    }

    /// Sets this prediction of an accepted direct call's total beside what is measured under `fork`.
    #[must_use]
    pub const fn with_prediction(mut self, fork: Fork, total: u64) -> Self {
        self.prediction = Some((fork, total));
        self
    }

    /// Measures under the rules of `fork`.
    pub fn run(&self, fork: Fork) -> Result<GasReport, EvmError> {
        let mut machine = Machine::new(fork).without_size_limits();
        for &address in &self.missing_precompiles {
            machine = machine.without_precompile(address);
        }
        let deployment = machine.deploy(&self.init_code)?;
        let mut traced = vec![Traced {
            address: deployment.address,
            places: places(&deployment.runtime, self.debug.as_ref())?,
            first_phase: first_phase(self.debug.as_ref(), "execution"),
        }];
        let (mut to, mut calldata, mut abi) = (deployment.address, &self.calldata, &self.abi);
        if let Some(consumer) = &self.consumer {
            let mut init_code = consumer.creation_code.clone();
            init_code.extend_from_slice(deployment.address.into_word().as_slice());
            let deployed = machine.deploy(&init_code)?;
            traced.push(Traced {
                address: deployed.address,
                places: places(&deployed.runtime, consumer.debug.as_ref())?,
                first_phase: "consumer".to_owned(),
            });
            (to, calldata, abi) = (deployed.address, &consumer.calldata, &consumer.abi);
        }

        if let Some(gas_limit) = self.gas_limit {
            machine = machine.with_gas_limit(gas_limit);
        }
        let mut tracer = Tracer::new(traced, machine.precompiles());
        let run = machine.inspect(to, calldata, &mut tracer)?;
        let call = CallResult::new(&run.outcome, abi, &self.abi, calldata);
        let ledger = self.ledger(&tracer, &run.gas);
        let rollup = RollupBytes::of_call(calldata);
        let limits = LimitsReport::new(
            fork,
            deployment.runtime.len(),
            self.init_code.len(),
            &deployment.gas,
            &run.gas,
        );
        Ok(GasReport {
            contract: self.name.clone(),
            fork,
            total: run.gas.total,
            intrinsic: run.gas.intrinsic,
            floor: run.gas.floor,
            execution: run.gas.execution,
            refund: run.gas.refund,
            runtime_bytes: deployment.runtime.len(),
            init_bytes: self.init_code.len(),
            deploy_gas: deployment.gas.total,
            calldata_bytes: calldata.len(),
            calldata_zero_bytes: calldata.iter().filter(|&&byte| byte == 0).count(),
            call,
            limits,
            phases: Parts::by_phase(&ledger, &tracer),
            spenders: Parts::by_spender(&ledger),
            precompiles: precompile_reports(&tracer),
            lines: line_reports(&ledger),
            rollup,
            costs: rollup.costs(run.gas.total, &self.prices),
            predicted: self.predicted(fork, &run),
            ledger,
        })
    }

    fn predicted(&self, fork: Fork, run: &Run) -> Option<Prediction> {
        let (_, predicted) = self.prediction.filter(|(known, _)| *known == fork)?;
        if self.consumer.is_some() || !run.outcome.is_success() {
            return None;
        }
        // Gas is far below 2^52.
        let measured = run.gas.total as f64;
        let error = (measured - predicted as f64) / measured.max(1.0);
        Some(Prediction { total: predicted, error })
    }

    /// The files that reports speak of, each once.
    pub(super) fn files(&self) -> impl Iterator<Item = &SourceFile> {
        let consumer = self.consumer.as_ref().and_then(|consumer| consumer.debug.as_ref());
        let own: &[SourceFile] = self.debug.as_ref().map_or(&[], |debug| &debug.files);
        let others: &[SourceFile] = consumer.map_or(&[], |debug| &debug.files);
        let new = others.iter().filter(|file| own.iter().all(|known| known.name != file.name));
        own.iter().chain(new)
    }

    /// The tracer's ledger in words, with what no instruction has spent. Adds up to the total.
    fn ledger(&self, tracer: &Tracer, gas: &Gas) -> Vec<Entry> {
        let files = |contract: usize| {
            let debug = match contract {
                0 => self.debug.as_ref(),
                _ => self.consumer.as_ref().and_then(|consumer| consumer.debug.as_ref()),
            };
            debug.map_or(&[][..], |debug| &debug.files)
        };
        let mut booked: Vec<(&Account, &Tally)> = tracer.ledger.iter().collect();
        booked.sort_unstable_by_key(|(account, _)| **account);
        let mut ledger: Vec<Entry> = booked
            .into_iter()
            .map(|(account, tally)| Entry {
                phase: tracer.phases.get(account.phase).cloned().unwrap_or_default(),
                line: account.line.and_then(|(contract, Line { file, line })| {
                    Some((files(contract).get(file)?.name.clone(), line + 1))
                }),
                spender: spender_name(account.spender),
                gas: tally.gas,
                count: tally.count,
            })
            .collect();

        let executed: i64 = ledger.iter().map(|entry| entry.gas).sum();
        let paid = signed(gas.intrinsic) + signed(gas.execution) - signed(gas.refund);
        for (name, gas) in [
            (INTRINSIC, signed(gas.intrinsic)),
            // What the chain takes without running an instruction; nothing for calls without value.
            ("unattributed", signed(gas.execution) - executed),
            ("refund", -signed(gas.refund)),
            // What the calldata floor adds to what was used.
            ("floor", signed(gas.total) - paid),
        ] {
            if gas != 0 {
                let (phase, spender) = (name.to_owned(), name.to_owned());
                ledger.push(Entry { phase, line: None, spender, gas, count: 1 });
            }
        }
        ledger
    }
}

/// The part that pays for the transaction and its calldata before any code runs.
const INTRINSIC: &str = "intrinsic";

impl GasReport {
    /// Measures a call to the contract that `init_code` deploys. [`Experiment`] offers more.
    pub fn measure(init_code: &[u8], calldata: &[u8], fork: Fork) -> Result<Self, EvmError> {
        Experiment::new(init_code, calldata).run(fork)
    }
}

impl CallResult {
    fn new(outcome: &Outcome, abi: &Abi, inner: &Abi, calldata: &[u8]) -> Self {
        let data = outcome.data();
        let mut result = Self {
            accepted: false,
            outcome: "returned",
            data: format!("0x{}", hex(data)),
            error: None,
            reason: None,
        };
        match outcome {
            Outcome::Returned(data) => {
                result.accepted = data.is_empty() || data.iter().any(|&byte| byte != 0);
                if !result.accepted {
                    result.reason = Some("the contract returned zero".to_owned());
                }
            }
            Outcome::Reverted(data) => {
                result.outcome = "reverted";
                // A consumer usually passes the verifier's errors on.
                result.error = abi.decode(data).or_else(|| inner.decode(data));
                result.reason = Some(match &result.error {
                    Some(error) => format!("the contract reverted with `{error}`"),
                    None if data.is_empty() && abi.lacks_function_for(calldata) => {
                        let selector = hex(calldata.get(..4).unwrap_or(calldata));
                        format!("the contract has no function `0x{selector}`")
                    }
                    None if data.is_empty() => "the contract reverted without data".to_owned(),
                    None => format!("the contract reverted with `0x{}`", hex(data)),
                });
            }
            Outcome::Halted(halt) => {
                result.outcome = "halted";
                result.reason = Some(format!("the execution halted: {halt}"));
            }
        }
        result
    }
}

impl LimitsReport {
    fn new(fork: Fork, runtime: usize, init: usize, deployment: &Gas, call: &Gas) -> Self {
        let limits = fork.limits();
        let over = |what: &str, value: u64, limit: Option<u64>| {
            let limit = limit.filter(|&limit| value > limit)?;
            Some(format!("{what} is `{value}`, `{fork}` allows `{limit}`"))
        };
        let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        // Gas for state does not count (EIP-8037).
        let regular = |gas: &Gas| gas.total.saturating_sub(gas.state);
        let deployment: Vec<String> = [
            over("runtime code in bytes", bytes(runtime), Some(bytes(limits.runtime_bytes))),
            over("init code in bytes", bytes(init), Some(bytes(limits.init_code_bytes))),
            over("gas of the deployment", regular(deployment), limits.transaction_gas),
        ]
        .into_iter()
        .flatten()
        .collect();
        let call = over("gas of the call", regular(call), limits.transaction_gas);
        Self {
            runtime_bytes: limits.runtime_bytes,
            init_bytes: limits.init_code_bytes,
            transaction_gas: limits.transaction_gas,
            deployable: deployment.is_empty(),
            callable: deployment.is_empty() && call.is_none(),
            problems: deployment.into_iter().chain(call).collect(),
        }
    }
}

impl Parts {
    /// The parts in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.iter().map(|(name, gas)| (name.as_str(), *gas))
    }

    /// One part; zero if there is none of this name.
    pub fn get(&self, name: &str) -> i64 {
        self.iter().find(|(known, _)| *known == name).map_or(0, |(_, gas)| gas)
    }

    /// The whole.
    pub fn sum(&self) -> i64 {
        self.iter().map(|(_, gas)| gas).sum()
    }

    fn collect<'a>(parts: impl Iterator<Item = (&'a str, i64)>) -> BTreeMap<&'a str, i64> {
        let mut sums = BTreeMap::new();
        for (name, gas) in parts {
            *sums.entry(name).or_default() += gas;
        }
        sums
    }

    /// First what comes before any code, then phases as they first ran, last what comes after all code.
    fn by_phase(ledger: &[Entry], tracer: &Tracer) -> Self {
        let mut sums = Self::collect(ledger.iter().map(|entry| (entry.phase.as_str(), entry.gas)));
        let ran = tracer.phase_order.iter().filter_map(|&phase| tracer.phases.get(phase));
        let mut parts: Vec<(String, i64)> = std::iter::once(INTRINSIC)
            .chain(ran.map(String::as_str))
            .filter_map(|name| Some((name.to_owned(), sums.remove(name)?)))
            .collect();
        parts.extend(sums.into_iter().map(|(name, gas)| (name.to_owned(), gas)));
        Self(parts)
    }

    /// The largest first.
    fn by_spender(ledger: &[Entry]) -> Self {
        let sums = Self::collect(ledger.iter().map(|entry| (entry.spender.as_str(), entry.gas)));
        let mut parts: Vec<(String, i64)> =
            sums.into_iter().map(|(name, gas)| (name.to_owned(), gas)).collect();
        parts.sort_by_key(|(_, gas)| std::cmp::Reverse(*gas));
        Self(parts)
    }
}

impl Serialize for Parts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, gas) in self.iter() {
            map.serialize_entry(name, &gas)?;
        }
        map.end()
    }
}

fn places(runtime: &[u8], debug: Option<&DebugInfo>) -> Result<Places, EvmError> {
    debug.map_or_else(|| Ok(Places::default()), |debug| Places::new(runtime, debug))
}

/// Where a contract announces phases, what comes before the first one is the dispatch.
fn first_phase(debug: Option<&DebugInfo>, otherwise: &str) -> String {
    let announced =
        debug.is_some_and(|debug| debug.files.iter().any(|file| file.text.contains("@phase")));
    if announced { "dispatch" } else { otherwise }.to_owned()
}

fn spender_name(spender: Spender) -> String {
    match spender {
        Spender::Opcodes(class) => class.name().to_owned(),
        Spender::Precompile(address) => {
            precompiles::name(address).map_or_else(|| address.to_string(), str::to_owned)
        }
    }
}

fn precompile_reports(tracer: &Tracer) -> Vec<PrecompileReport> {
    tracer
        .precompiles
        .iter()
        .map(|(address, calls)| PrecompileReport {
            name: precompiles::name(*address).unwrap_or("unknown"),
            address: format!("0x{}", hex(address.as_slice())),
            count: calls.count,
            gas: calls.gas,
            failed: calls.failed,
            missing: calls.missing,
        })
        .collect()
}

fn line_reports(ledger: &[Entry]) -> Vec<LineReport> {
    let mut lines: BTreeMap<&(String, usize), (i64, u64)> = BTreeMap::new();
    for entry in ledger {
        if let Some(line) = &entry.line {
            let (gas, count) = lines.entry(line).or_default();
            *gas += entry.gas;
            *count += entry.count;
        }
    }
    lines
        .into_iter()
        .map(|((file, line), (gas, count))| LineReport {
            file: file.clone(),
            line: *line,
            gas,
            count,
        })
        .collect()
}

fn signed(gas: u64) -> i64 {
    i64::try_from(gas).unwrap_or(i64::MAX)
}

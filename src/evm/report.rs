//! What a contract and a call to it cost, and where the gas goes.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    Abi, DecodedError, Deployment, Fork, Gas, Machine, Outcome,
    error::hex,
    precompiles,
    rollup::{Cost, Prices, RollupBytes},
    trace::{Spender, Tracer},
};

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
    /// Length of each contract's code that the constructor creates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub created_bytes: Vec<usize>,
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
    /// What the contracts that the measured one calls spend, and what they cost to deploy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<CalledReport>,
    /// Calls to precompiles.
    pub precompiles: Vec<PrecompileReport>,
    /// Gas by line of source, where the source is known; the other parts are in `phases`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineReport>,
    /// Bytes that the transaction puts on L1 from a rollup.
    pub rollup: RollupBytes,
    /// The prices that `costs` assume.
    pub prices: Prices,
    /// What the transaction costs at these prices.
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

/// A contract that the measured one calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CalledReport {
    /// Its name.
    pub contract: String,
    /// What calls of it have spent, with the calls that it made; part of `execution`.
    pub gas: i64,
    /// Size of the deployed code.
    pub runtime_bytes: usize,
    /// Length of each contract's code that the constructor creates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub created_bytes: Vec<usize>,
    /// Size of the creation code.
    pub init_bytes: usize,
    /// What deploying it costs.
    pub deploy_gas: u64,
}

/// A contract that was deployed.
pub(super) struct Deployed<'a> {
    pub name: &'a str,
    pub deployment: Deployment,
    pub created_bytes: Vec<usize>,
    pub init_bytes: usize,
}

impl<'a> Deployed<'a> {
    pub fn new(
        name: &'a str,
        deployment: Deployment,
        init_bytes: usize,
        machine: &Machine,
    ) -> Self {
        let created = deployment.created.iter();
        let created_bytes = created.map(|&at| machine.code(at).len()).collect();
        Self { name, deployment, created_bytes, init_bytes }
    }
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

/// The part that pays for the transaction and its calldata before any code runs.
pub(super) const INTRINSIC: &str = "intrinsic";

/// What a report is made of.
pub(super) struct Measurement<'a> {
    pub deployed: &'a Deployed<'a>,
    pub called: &'a [Deployed<'a>],
    pub fork: Fork,
    pub calldata: &'a [u8],
    pub gas: Gas,
    pub call: CallResult,
    pub limits: LimitsReport,
    pub ledger: Vec<Entry>,
    pub tracer: &'a Tracer,
    pub prices: &'a Prices,
    pub predicted: Option<Prediction>,
}

impl GasReport {
    pub(super) fn new(measured: Measurement<'_>) -> Self {
        let Measurement { fork, gas, calldata, deployed, ledger, tracer, .. } = measured;
        let rollup = RollupBytes::of_call(calldata);
        Self {
            contract: deployed.name.to_owned(),
            fork,
            total: gas.total,
            intrinsic: gas.intrinsic,
            floor: gas.floor,
            execution: gas.execution,
            refund: gas.refund,
            runtime_bytes: deployed.deployment.runtime.len(),
            created_bytes: deployed.created_bytes.clone(),
            init_bytes: deployed.init_bytes,
            deploy_gas: deployed.deployment.gas.total,
            calldata_bytes: calldata.len(),
            calldata_zero_bytes: calldata.iter().filter(|&&byte| byte == 0).count(),
            call: measured.call,
            limits: measured.limits,
            phases: Parts::by_phase(&ledger, tracer),
            spenders: Parts::by_spender(&ledger),
            parts: called_reports(measured.called, tracer),
            precompiles: precompile_reports(tracer),
            lines: line_reports(&ledger),
            rollup,
            prices: measured.prices.clone(),
            costs: rollup.costs(gas.total, measured.prices),
            predicted: measured.predicted,
            ledger,
        }
    }
}

impl CallResult {
    /// `abis` are those of the called contract and of the contracts that it calls.
    pub(super) fn new(outcome: &Outcome, abis: &[&Abi], calldata: &[u8]) -> Self {
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
                result.error = abis.iter().find_map(|abi| abi.decode(data));
                let unknown = abis.first().is_some_and(|abi| abi.lacks_function_for(calldata));
                result.reason = Some(match &result.error {
                    Some(error) => format!("the contract reverted with `{error}`"),
                    None if data.is_empty() && unknown => {
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
    pub(super) fn new(
        fork: Fork,
        deployed: &Deployed<'_>,
        called: &[Deployed<'_>],
        call: &Gas,
    ) -> Self {
        let limits = fork.limits();
        let over = |what: &str, value: u64, limit: Option<u64>| {
            let limit = limit.filter(|&limit| value > limit)?;
            Some(format!("{what} is `{value}`, `{fork}` allows `{limit}`"))
        };
        let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        // Gas for state does not count (EIP-8037).
        let regular = |gas: &Gas| gas.total.saturating_sub(gas.state);
        let of_one = |one: &Deployed<'_>| {
            [
                over(
                    "runtime code in bytes",
                    bytes(one.deployment.runtime.len()),
                    Some(bytes(limits.runtime_bytes)),
                ),
                over(
                    "code in bytes that the constructor creates",
                    bytes(one.created_bytes.iter().copied().max().unwrap_or(0)),
                    Some(bytes(limits.runtime_bytes)),
                ),
                over(
                    "init code in bytes",
                    bytes(one.init_bytes),
                    Some(bytes(limits.init_code_bytes)),
                ),
                over("gas of the deployment", regular(&one.deployment.gas), limits.transaction_gas),
            ]
        };
        let of_called = called.iter().flat_map(|one| {
            of_one(one).into_iter().flatten().map(|problem| format!("{}: {problem}", one.name))
        });
        let problems: Vec<String> =
            of_one(deployed).into_iter().flatten().chain(of_called).collect();
        let call = over("gas of the call", regular(call), limits.transaction_gas);
        Self {
            runtime_bytes: limits.runtime_bytes,
            init_bytes: limits.init_code_bytes,
            transaction_gas: limits.transaction_gas,
            deployable: problems.is_empty(),
            callable: problems.is_empty() && call.is_none(),
            problems: problems.into_iter().chain(call).collect(),
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

pub(super) fn spender_name(spender: Spender) -> String {
    match spender {
        Spender::Opcodes(class) => class.name().to_owned(),
        Spender::Precompile(address) => {
            precompiles::name(address).map_or_else(|| address.to_string(), str::to_owned)
        }
    }
}

fn called_reports(called: &[Deployed<'_>], tracer: &Tracer) -> Vec<CalledReport> {
    // They are followed right behind the measured contract.
    let spent = tracer.spent.iter().skip(1);
    let report = |(called, &gas): (&Deployed<'_>, &i64)| CalledReport {
        contract: called.name.to_owned(),
        gas,
        runtime_bytes: called.deployment.runtime.len(),
        created_bytes: called.created_bytes.clone(),
        init_bytes: called.init_bytes,
        deploy_gas: called.deployment.gas.total,
    };
    called.iter().zip(spent).map(report).collect()
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

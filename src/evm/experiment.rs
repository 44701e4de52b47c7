//! A contract and a call to it, set up to be measured.

use revm::primitives::Address;

use super::{
    Abi, DebugInfo, EvmError, Fork, Gas, GasReport, Machine, Prices, Run,
    report::{
        CallResult, Deployed, Entry, INTRINSIC, LimitsReport, Measurement, Prediction, spender_name,
    },
    source::{Line, Places, SourceFile},
    trace::{Account, Tally, Traced, Tracer},
};

/// A contract and a call to it, to be measured under any fork.
#[derive(Clone, Debug)]
pub struct Experiment {
    name: String,
    init_code: Vec<u8>,
    calldata: Vec<u8>,
    debug: Option<DebugInfo>,
    abi: Abi,
    called: Vec<Called>,
    consumers: Vec<Consumer>,
    prices: Prices,
    missing_precompiles: Vec<Address>,
    gas_limit: Option<u64>,
    prediction: Option<(Fork, u64)>,
}

/// A contract that the measured one calls, deployed before it.
#[derive(Clone, Debug)]
pub struct Called {
    /// Its name, as reports show it.
    pub name: String,
    /// Creation bytecode, with constructor arguments if there are any.
    pub init_code: Vec<u8>,
    /// Its source, if known.
    pub debug: Option<DebugInfo>,
}

/// A contract that calls the measured one, or another consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its name, as reports show it.
    pub name: String,
    /// Creation bytecode, without constructor arguments.
    pub creation_code: Vec<u8>,
    /// What its constructor takes.
    pub arguments: Vec<ConstructorWord>,
    /// The call that is measured instead of a direct one, unless another consumer follows.
    pub calldata: Vec<u8>,
    /// Its source, if known.
    pub debug: Option<DebugInfo>,
    /// Its ABI.
    pub abi: Abi,
}

/// A word of a constructor's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstructorWord {
    /// The address of the measured contract.
    Verifier,
    /// The address of the contract deployed before this one.
    Previous,
    /// This word.
    Value([u8; 32]),
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
            called: Vec::new(),
            consumers: Vec::new(),
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

    /// Deploys this contract before the measured one, which calls it. It lies where [`Machine::address_of`] says, by how many were
    /// given before it.
    #[must_use]
    pub fn with_called(mut self, called: Called) -> Self {
        self.called.push(called);
        self
    }

    /// Sends the call to this contract, which calls the measured one, or the consumer given before it.
    #[must_use]
    pub fn with_consumer(mut self, consumer: Consumer) -> Self {
        self.consumers.push(consumer);
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
        let mut called = Vec::new();
        for contract in &self.called {
            let deployment = machine.deploy(&contract.init_code)?;
            called.push(Deployed::new(
                &contract.name,
                deployment,
                contract.init_code.len(),
                &machine,
            ));
        }
        let deployment = machine.deploy(&self.init_code)?;
        let deployed = Deployed::new(&self.name, deployment, self.init_code.len(), &machine);
        let deployment = &deployed.deployment;
        let debugs = [self.debug.as_ref()].into_iter();
        let debugs = debugs.chain(self.called.iter().map(|called| called.debug.as_ref()));
        let mut traced = Vec::new();
        for (deployed, debug) in [&deployed].into_iter().chain(&called).zip(debugs) {
            traced.push(Traced {
                address: deployed.deployment.address,
                places: places(&deployed.deployment.runtime, debug)?,
                first_phase: first_phase(debug),
            });
        }
        let (mut to, mut calldata) = (deployment.address, self.calldata.as_slice());
        for consumer in &self.consumers {
            let deployed = machine.deploy(&consumer.init_code(deployment.address, to))?;
            traced.push(Traced {
                address: deployed.address,
                places: places(&deployed.runtime, consumer.debug.as_ref())?,
                first_phase: "consumer".to_owned(),
            });
            (to, calldata) = (deployed.address, &consumer.calldata);
        }

        if let Some(gas_limit) = self.gas_limit {
            machine = machine.with_gas_limit(gas_limit);
        }
        let mut tracer = Tracer::new(traced, machine.precompiles());
        let run = machine.inspect(to, calldata, &mut tracer)?;
        // The contract that is called first; contracts usually pass on the errors of those they call.
        let abis = self.consumers.iter().rev().map(|consumer| &consumer.abi).chain([&self.abi]);
        Ok(GasReport::new(Measurement {
            calldata,
            call: CallResult::new(&run.outcome, &abis.collect::<Vec<_>>(), calldata),
            limits: LimitsReport::new(fork, &deployed, &called, &run.gas),
            ledger: self.ledger(&tracer, &run.gas),
            predicted: self.predicted(fork, &run),
            prices: &self.prices,
            deployed: &deployed,
            called: &called,
            tracer: &tracer,
            gas: run.gas,
            fork,
        }))
    }

    fn predicted(&self, fork: Fork, run: &Run) -> Option<Prediction> {
        let (_, predicted) = self.prediction.filter(|(known, _)| *known == fork)?;
        if !self.consumers.is_empty() || !run.outcome.is_success() {
            return None;
        }
        // Gas is far below 2^52.
        let measured = run.gas.total as f64;
        let error = (measured - predicted as f64) / measured.max(1.0);
        Some(Prediction { total: predicted, error })
    }

    /// What is known about the source of each contract, in the order of their deployment.
    fn debug(&self) -> impl Iterator<Item = Option<&DebugInfo>> {
        let called = self.called.iter().map(|called| called.debug.as_ref());
        let consumers = self.consumers.iter().map(|consumer| consumer.debug.as_ref());
        std::iter::once(self.debug.as_ref()).chain(called).chain(consumers)
    }

    /// The files that reports speak of, each once.
    pub(super) fn files(&self) -> Vec<&SourceFile> {
        let mut files: Vec<&SourceFile> = Vec::new();
        for file in self.debug().flatten().flat_map(|debug| &debug.files) {
            if files.iter().all(|known| known.name != file.name) {
                files.push(file);
            }
        }
        files
    }

    /// The tracer's ledger in words, with what no instruction has spent. Adds up to the total.
    fn ledger(&self, tracer: &Tracer, gas: &Gas) -> Vec<Entry> {
        let debug: Vec<Option<&DebugInfo>> = self.debug().collect();
        let file_name = |contract: usize, file: usize| {
            Some(debug.get(contract).copied().flatten()?.files.get(file)?.name.clone())
        };
        let mut booked: Vec<(&Account, &Tally)> = tracer.ledger.iter().collect();
        booked.sort_unstable_by_key(|(account, _)| **account);
        let mut ledger: Vec<Entry> = booked
            .into_iter()
            .map(|(account, tally)| Entry {
                phase: tracer.phases.get(account.phase).cloned().unwrap_or_default(),
                line: account.line.and_then(|(contract, Line { file, line })| {
                    Some((file_name(contract, file)?, line + 1))
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

impl Consumer {
    fn init_code(&self, verifier: Address, previous: Address) -> Vec<u8> {
        let word = |word: &ConstructorWord| match word {
            ConstructorWord::Verifier => verifier.into_word().0,
            ConstructorWord::Previous => previous.into_word().0,
            ConstructorWord::Value(value) => *value,
        };
        self.creation_code.iter().copied().chain(self.arguments.iter().flat_map(word)).collect()
    }
}

fn places(runtime: &[u8], debug: Option<&DebugInfo>) -> Result<Places, EvmError> {
    debug.map_or_else(|| Ok(Places::default()), |debug| Places::new(runtime, debug))
}

/// Where a contract announces phases, what comes before the first one is the dispatch.
fn first_phase(debug: Option<&DebugInfo>) -> String {
    let announced =
        debug.is_some_and(|debug| debug.files.iter().any(|file| file.text.contains("@phase")));
    if announced { "dispatch" } else { "execution" }.to_owned()
}

fn signed(gas: u64) -> i64 {
    i64::try_from(gas).unwrap_or(i64::MAX)
}

impl GasReport {
    /// Measures a call to the contract that `init_code` deploys. [`Experiment`] offers more.
    pub fn measure(init_code: &[u8], calldata: &[u8], fork: Fork) -> Result<Self, EvmError> {
        Experiment::new(init_code, calldata).run(fork)
    }
}

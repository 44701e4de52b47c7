//! Watches an execution and books every unit of gas to the place that spent it.
//!
//! An instruction costs what is available before it less what is available before the next one in the
//! same frame, less what the calls that it made have spent by themselves. So the bookings of a
//! frame add up to what the frame spent, whatever the prices are, and a price list of our own is
//! not needed.

use std::collections::{BTreeMap, HashMap};

use revm::{
    Inspector,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Gas, InstructionResult, Interpreter,
        interpreter_types::Jumps,
    },
    primitives::{Address, AddressSet},
};

use super::{
    opcode_class::OpcodeClass,
    precompiles,
    source::{Line, Places},
};

/// What spent the gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Spender {
    Opcodes(OpcodeClass),
    Precompile(Address),
}

/// Where gas is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Account {
    /// Index into the tracer's phases.
    pub phase: usize,
    /// The contract and the line in its files; nothing for contracts without source.
    pub line: Option<(usize, Line)>,
    pub spender: Spender,
}

/// How often an account was booked on, and how much in all. Storage that is given back can
/// make an instruction's gas negative (EIP-8037).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub gas: i64,
    pub count: u64,
}

/// The calls to one precompile's address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PrecompileCalls {
    pub gas: i64,
    pub count: u64,
    /// Calls that failed, and so consumed all gas given to them.
    pub failed: u64,
    /// Calls that found no precompile at the address, and so "succeeded" without an answer.
    pub missing: u64,
}

/// A contract whose source is known, or at least its name.
#[derive(Debug)]
pub(super) struct Traced {
    pub address: Address,
    pub places: Places,
    /// The phase of code that comes before any marked code.
    pub first_phase: String,
}

/// Books the gas of one transaction.
#[derive(Debug)]
pub(super) struct Tracer {
    contracts: Vec<Known>,
    /// Names of phases.
    pub phases: Vec<String>,
    /// Phases in the order in which they first ran.
    pub phase_order: Vec<usize>,
    pub ledger: HashMap<Account, Tally>,
    pub precompiles: BTreeMap<Address, PrecompileCalls>,
    /// What calls of each contract have spent, with the calls that they made.
    pub spent: Vec<i64>,
    present: AddressSet,
    frames: Vec<Frame>,
}

#[derive(Debug)]
struct Known {
    address: Address,
    places: Places,
    /// From the contract's phases to the tracer's.
    phases: Vec<usize>,
    first_phase: usize,
}

/// A call in progress.
#[derive(Debug)]
struct Frame {
    precompile: Option<Address>,
    contract: Option<usize>,
    phase: usize,
    line: Option<(usize, Line)>,
    given: i64,
    /// The instruction that runs, with what was available before it.
    running: Option<(Account, i64)>,
    /// What the calls made by that instruction have spent.
    spent_below: i64,
}

impl Tracer {
    /// Follows these contracts; `present` are the addresses that have precompiles.
    pub fn new(contracts: Vec<Traced>, present: AddressSet) -> Self {
        let mut phases: Vec<String> = Vec::new();
        let mut intern = |name: String| {
            phases.iter().position(|known| *known == name).unwrap_or_else(|| {
                phases.push(name);
                phases.len() - 1
            })
        };
        let contracts: Vec<Known> = contracts
            .into_iter()
            .map(|Traced { address, places, first_phase }| Known {
                address,
                first_phase: intern(first_phase),
                phases: places.phases.iter().cloned().map(&mut intern).collect(),
                places,
            })
            .collect();
        if phases.is_empty() {
            phases.push("execution".to_owned());
        }
        Self {
            spent: vec![0; contracts.len()],
            contracts,
            phases,
            phase_order: Vec::new(),
            ledger: HashMap::new(),
            precompiles: BTreeMap::new(),
            present,
            frames: Vec::new(),
        }
    }

    fn enter(&mut self, code: Option<Address>, given: i64) {
        let caller = self.frames.last();
        let contract =
            code.and_then(|code| self.contracts.iter().position(|known| known.address == code));
        let phase = match contract.and_then(|index| self.contracts.get(index)) {
            Some(known) => known.first_phase,
            // A library or a precompile works for its caller.
            None => caller.map_or(0, |caller| caller.phase),
        };
        let line = if contract.is_some() { None } else { caller.and_then(|caller| caller.line) };
        self.frames.push(Frame {
            precompile: code.filter(|code| precompiles::name(*code).is_some()),
            contract,
            phase,
            line,
            given,
            running: None,
            spent_below: 0,
        });
    }

    fn leave(&mut self, result: InstructionResult, gas: &Gas, answered: bool) {
        let left = left(result, gas);
        let Some(mut frame) = self.frames.pop() else { return };
        let spent = frame.given - left;
        if let Some(sum) = frame.contract.and_then(|index| self.spent.get_mut(index)) {
            *sum += spent;
        }
        match frame.running.take() {
            Some((account, before)) => self.book(account, before - left - frame.spent_below),
            None => self.book_empty_frame(&frame, spent, result, answered),
        }
        if let Some(caller) = self.frames.last_mut() {
            caller.spent_below += spent;
        }
    }

    /// A frame without an instruction: a precompile, or an account without code.
    fn book_empty_frame(
        &mut self,
        frame: &Frame,
        spent: i64,
        result: InstructionResult,
        answered: bool,
    ) {
        let account = |spender| Account { phase: frame.phase, line: frame.line, spender };
        let Some(address) = frame.precompile else {
            if spent != 0 {
                self.book(account(Spender::Opcodes(OpcodeClass::Call)), spent);
            }
            return;
        };
        let calls = self.precompiles.entry(address).or_default();
        calls.gas += spent;
        calls.count += 1;
        if !self.present.contains(&address) {
            calls.missing += u64::from(!answered);
        } else if !result.is_ok() {
            calls.failed += 1;
        }
        self.book(account(Spender::Precompile(address)), spent);
    }

    fn book(&mut self, account: Account, gas: i64) {
        if !self.phase_order.contains(&account.phase) {
            self.phase_order.push(account.phase);
        }
        let tally = self.ledger.entry(account).or_default();
        tally.gas += gas;
        tally.count += 1;
    }
}

impl<C> Inspector<C> for Tracer {
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut C) {
        let now = available(&interpreter.gas);
        let Some(frame) = self.frames.last_mut() else { return };
        let done = frame.running.take().map(|(account, before)| {
            (account, before - now - std::mem::take(&mut frame.spent_below))
        });
        if let Some((index, known)) =
            frame.contract.and_then(|index| Some((index, self.contracts.get(index)?)))
            && let Some(place) = known.places.at(interpreter.bytecode.pc())
        {
            frame.line = Some((index, place.line));
            if let Some(&phase) = place.phase.and_then(|phase| known.phases.get(phase)) {
                frame.phase = phase;
            }
        }
        let spender = Spender::Opcodes(OpcodeClass::of(interpreter.bytecode.opcode()));
        frame.running = Some((Account { phase: frame.phase, line: frame.line, spender }, now));
        if let Some((account, gas)) = done {
            self.book(account, gas);
        }
    }

    fn call(&mut self, _: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        let given = signed(inputs.gas_limit) + signed(inputs.reservoir);
        self.enter(Some(inputs.bytecode_address), given);
        None
    }

    fn call_end(&mut self, _: &mut C, _: &CallInputs, outcome: &mut CallOutcome) {
        let result = &outcome.result;
        self.leave(result.result, &result.gas, !result.output.is_empty());
    }

    fn create(&mut self, _: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.enter(None, signed(inputs.gas_limit()) + signed(inputs.reservoir()));
        None
    }

    fn create_end(&mut self, _: &mut C, _: &CreateInputs, outcome: &mut CreateOutcome) {
        let result = &outcome.result;
        self.leave(result.result, &result.gas, !result.output.is_empty());
    }
}

/// What is left of a frame's gas when it has ended. A frame that fails gets back what it paid for
/// state (EIP-8037); its last instruction is booked with that. One that halts loses the rest.
fn left(result: InstructionResult, gas: &Gas) -> i64 {
    let mut settled = *gas;
    if !result.is_ok() {
        settled.rollback_state_gas();
    }
    if result.is_halt() {
        settled.spend_all();
    }
    available(&settled)
}

fn available(gas: &Gas) -> i64 {
    signed(gas.remaining()) + signed(gas.reservoir())
}

/// Gas is far below 2^63: the machine's largest gas limit is.
fn signed(gas: u64) -> i64 {
    i64::try_from(gas).unwrap_or(i64::MAX)
}

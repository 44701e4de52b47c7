//! An EVM in process: no node, no RPC, no disk.

use revm::{
    Context, ExecuteCommitEvm, InspectCommitEvm, Inspector, MainBuilder, MainContext,
    context::{
        BlockEnv, CfgEnv, ContextTr, Journal, TxEnv,
        result::{EVMError, ExecutionResult, Output, ResultGas},
    },
    context_interface::{
        Cfg,
        cfg::{GasParams, gas_params::Eip2780TxInfo},
    },
    database::{CacheDB, EmptyDB},
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, InterpreterResult},
    primitives::{Address, AddressSet, Bytes, TxKind, U256, hardfork::SpecId},
    state::{AccountInfo, Bytecode},
};

use super::{EvmError, Fork, Halt};

/// The account that sends every transaction.
pub const CALLER: Address = Address::new([0x11; 20]);

/// The id of the chain unless [`Machine::with_chain_id`] sets another: a local one, where contracts under the development string may lie.
pub const CHAIN_ID: u64 = 31337;

/// Gas limit of a transaction unless [`Machine::with_gas_limit`] sets another. Above every fork's cap on
/// purpose: the report says what a transaction over the cap would cost.
const DEFAULT_GAS_LIMIT: u64 = 1 << 30;

/// A chain of one's own under the rules of one fork.
#[derive(Debug)]
pub struct Machine {
    db: CacheDB<EmptyDB>,
    fork: Fork,
    nonce: u64,
    gas_limit: u64,
    chain_id: u64,
    code_size_limit: Option<usize>,
    missing_precompiles: AddressSet,
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned this data.
    Returned(Vec<u8>),
    /// It reverted with this data; the gas that was left goes back to the sender.
    Reverted(Vec<u8>),
    /// It halted; all gas is gone.
    Halted(Halt),
}

impl Outcome {
    /// Whether the execution returned.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Returned(_))
    }

    /// What it returned or reverted with; empty after a halt.
    pub fn data(&self) -> &[u8] {
        match self {
            Self::Returned(data) | Self::Reverted(data) => data,
            Self::Halted(_) => &[],
        }
    }
}

/// What a transaction cost.
///
/// `total = max(intrinsic + execution − refund, floor)`, which is the receipt's `gasUsed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gas {
    /// What the sender pays.
    pub total: u64,
    /// The price of the transaction itself and of its calldata, before any code runs.
    pub intrinsic: u64,
    /// The price of running code.
    pub execution: u64,
    /// What cleared storage gives back.
    pub refund: u64,
    /// The least that a transaction with this calldata costs (EIP-7623, EIP-7976); zero before Prague.
    pub floor: u64,
    /// The part of `intrinsic + execution` that pays for state (EIP-8037); zero before Amsterdam.
    pub state: u64,
}

/// A transaction that called a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub outcome: Outcome,
    /// What it cost.
    pub gas: Gas,
}

/// A transaction that created a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Where the contract is.
    pub address: Address,
    /// Its code.
    pub runtime: Vec<u8>,
    /// The contracts that its constructor created, by address.
    pub created: Vec<Address>,
    /// What the deployment cost.
    pub gas: Gas,
}

impl Machine {
    /// An empty chain with one rich account, [`CALLER`].
    pub fn new(fork: Fork) -> Self {
        let mut db = CacheDB::new(EmptyDB::default());
        let rich = AccountInfo::from_balance(U256::from(10).pow(U256::from(30)));
        db.insert_account_info(CALLER, rich);
        Self {
            db,
            fork,
            nonce: 0,
            gas_limit: DEFAULT_GAS_LIMIT,
            chain_id: CHAIN_ID,
            code_size_limit: None,
            missing_precompiles: AddressSet::default(),
        }
    }

    /// Sends every transaction with this gas limit.
    #[must_use]
    pub const fn with_gas_limit(mut self, gas_limit: u64) -> Self {
        self.gas_limit = gas_limit;
        self
    }

    /// Gives the chain another id.
    #[must_use]
    pub const fn with_chain_id(mut self, id: u64) -> Self {
        self.chain_id = id;
        self
    }

    /// Lets contracts be deployed whatever their size, to measure those that no chain would take.
    #[must_use]
    pub const fn without_size_limits(mut self) -> Self {
        self.code_size_limit = Some(usize::MAX);
        self
    }

    /// Takes a precompile away, as on chains that lack it: calls to its address then succeed and return nothing.
    #[must_use]
    pub fn without_precompile(mut self, address: Address) -> Self {
        self.missing_precompiles.insert(address);
        self
    }

    /// The fork whose rules hold.
    pub const fn fork(&self) -> Fork {
        self.fork
    }

    /// The addresses that have a precompile.
    pub(super) fn precompiles(&self) -> AddressSet {
        Precompiles::new(self.fork.spec_id(), &self.missing_precompiles).present
    }

    /// Puts runtime code at an address, without a constructor and without a size limit.
    pub fn set_code(&mut self, at: Address, runtime: &[u8]) {
        let code = Bytecode::new_raw(Bytes::copy_from_slice(runtime));
        self.db.insert_account_info(at, AccountInfo::from_bytecode(code));
    }

    /// The code at an address, empty if there is none.
    pub fn code(&self, at: Address) -> Vec<u8> {
        let info = self.db.cache.accounts.get(&at).map(|account| &account.info);
        let code = info.and_then(|info| {
            info.code.as_ref().or_else(|| self.db.cache.contracts.get(&info.code_hash))
        });
        code.map(|code| code.original_byte_slice().to_vec()).unwrap_or_default()
    }

    /// Where the contract lies that is deployed behind so many others on an empty chain.
    pub fn address_of(before: u64) -> Address {
        CALLER.create(before)
    }

    /// Deploys a contract: `init_code` is creation bytecode followed by the encoded constructor arguments.
    pub fn deploy(&mut self, init_code: &[u8]) -> Result<Deployment, EvmError> {
        let before: AddressSet = self.db.cache.accounts.keys().copied().collect();
        let (result, gas) = self.transact(TxKind::Create, init_code, None::<NoInspector>)?;
        match result {
            ExecutionResult::Success { output: Output::Create(runtime, Some(address)), .. } => {
                let addresses = self.db.cache.accounts.keys().copied();
                let mut created: Vec<Address> = addresses
                    .filter(|at| {
                        *at != address && !before.contains(at) && !self.code(*at).is_empty()
                    })
                    .collect();
                created.sort_unstable();
                Ok(Deployment { address, runtime: runtime.to_vec(), created, gas })
            }
            ExecutionResult::Success { .. } => Err(EvmError::InvalidTransaction {
                reason: "the deployment created no contract".to_owned(),
            }),
            ExecutionResult::Revert { output, .. } => {
                Err(EvmError::ConstructorReverted { data: output.to_vec() })
            }
            ExecutionResult::Halt { reason, .. } => {
                Err(EvmError::DeploymentHalted { halt: reason.into() })
            }
        }
    }

    /// Sends a transaction with `calldata` to a contract and keeps what it changes.
    pub fn call(&mut self, to: Address, calldata: &[u8]) -> Result<Run, EvmError> {
        let (result, gas) = self.transact(TxKind::Call(to), calldata, None::<NoInspector>)?;
        Ok(Run { outcome: Outcome::from(result), gas })
    }

    /// As [`call`](Self::call), with `inspector` looking on at every step.
    pub(super) fn inspect<I>(
        &mut self,
        to: Address,
        calldata: &[u8],
        inspector: I,
    ) -> Result<Run, EvmError>
    where
        I: for<'a> Inspector<MachineContext<'a>>,
    {
        let (result, gas) = self.transact(TxKind::Call(to), calldata, Some(inspector))?;
        Ok(Run { outcome: Outcome::from(result), gas })
    }

    fn transact<I>(
        &mut self,
        kind: TxKind,
        data: &[u8],
        inspector: Option<I>,
    ) -> Result<(ExecutionResult, Gas), EvmError>
    where
        I: for<'a> Inspector<MachineContext<'a>>,
    {
        let fork = self.fork;
        let invalid = |reason: String| -> EvmError { EvmError::InvalidTransaction { reason } };
        let tx = TxEnv::builder()
            .caller(CALLER)
            .kind(kind)
            .data(Bytes::copy_from_slice(data))
            .gas_limit(self.gas_limit)
            .nonce(self.nonce)
            .chain_id(Some(self.chain_id))
            .build()
            .map_err(|error| invalid(format!("{error:?}")))?;
        let (chain_id, code_size_limit) = (self.chain_id, self.code_size_limit);
        let precompiles = Precompiles::new(fork.spec_id(), &self.missing_precompiles);
        let context = Context::mainnet()
            .with_db(&mut self.db)
            .with_block(BlockEnv { gas_limit: u64::MAX, ..BlockEnv::default() })
            .modify_cfg_chained(|cfg| {
                // `set_spec` alone would keep the gas table of the default fork.
                cfg.set_spec_and_mainnet_gas_params(fork.spec_id());
                cfg.chain_id = chain_id;
                cfg.tx_gas_limit_cap = Some(u64::MAX);
                cfg.limit_contract_code_size = code_size_limit;
            });
        let result = match inspector {
            Some(inspector) => context
                .build_mainnet_with_inspector(inspector)
                .with_precompiles(precompiles)
                .inspect_tx_commit(tx),
            None => context.build_mainnet().with_precompiles(precompiles).transact_commit(tx),
        };
        let result = result.map_err(|error| match error {
            EVMError::Transaction(error) => EvmError::refused(error, data.len(), fork),
            other => invalid(other.to_string()),
        })?;
        self.nonce += 1;
        let gas = Gas::new(fork, kind, data, result.gas());
        Ok((result, gas))
    }
}

impl From<ExecutionResult> for Outcome {
    fn from(result: ExecutionResult) -> Self {
        match result {
            ExecutionResult::Success { output, .. } => Self::Returned(output.into_data().to_vec()),
            ExecutionResult::Revert { output, .. } => Self::Reverted(output.to_vec()),
            ExecutionResult::Halt { reason, .. } => Self::Halted(reason.into()),
        }
    }
}

impl Gas {
    fn new(fork: Fork, kind: TxKind, data: &[u8], spent: &ResultGas) -> Self {
        // From Amsterdam on, the base price depends on the recipient and the value (EIP-2780).
        let eip2780 = (fork >= Fork::Amsterdam)
            .then_some(Eip2780TxInfo { value: U256::ZERO, is_self_transfer: false });
        let initial = GasParams::new_spec(fork.spec_id()).initial_tx_gas(
            data,
            kind.is_create(),
            0,
            0,
            0,
            eip2780,
        );
        let intrinsic = initial.initial_regular_gas();
        Self {
            total: spent.tx_gas_used(),
            intrinsic,
            execution: spent.total_gas_spent().saturating_sub(intrinsic),
            refund: spent.inner_refunded(),
            floor: spent.floor_gas(),
            state: spent.state_gas_spent_final(),
        }
    }
}

/// What an inspector sees of the machine.
pub(super) type MachineContext<'a> = Context<
    BlockEnv,
    TxEnv,
    CfgEnv,
    &'a mut CacheDB<EmptyDB>,
    Journal<&'a mut CacheDB<EmptyDB>>,
    (),
>;

/// Looks away.
type NoInspector = revm::inspector::NoOpInspector;

/// A fork's precompiles without those that were taken away.
struct Precompiles {
    all: EthPrecompiles,
    present: AddressSet,
}

impl Precompiles {
    fn new(spec: SpecId, missing: &AddressSet) -> Self {
        let all = EthPrecompiles::new(spec);
        let present = all.warm_addresses().difference(missing).copied().collect();
        Self { all, present }
    }
}

impl<C: ContextTr> PrecompileProvider<C> for Precompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, _: <C::Cfg as Cfg>::Spec) -> bool {
        // The fork never changes, but the addresses have to be warmed for every transaction.
        true
    }

    fn run(
        &mut self,
        context: &mut C,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        if !self.present.contains(&inputs.bytecode_address) {
            return Ok(None);
        }
        self.all.run(context, inputs)
    }

    fn warm_addresses(&self) -> &AddressSet {
        &self.present
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Init code that returns the bytes after it as runtime code.
    fn deployer(runtime: &[u8]) -> Vec<u8> {
        let length = u16::try_from(runtime.len()).expect("test contracts are short").to_be_bytes();
        // PUSH2 len, DUP1, PUSH1 0x0a, PUSH0, CODECOPY, PUSH0, RETURN
        let mut code = vec![0x61, length[0], length[1], 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3];
        code.extend_from_slice(runtime);
        code
    }

    /// Copies calldata to memory and calls precompile 6 (ecAdd) with it; returns what it returns.
    const EC_ADD: &[u8] = &[
        0x36, 0x5f, 0x5f, 0x37, // calldatacopy(0, 0, calldatasize())
        0x5f, 0x5f, 0x36, 0x5f, 0x60, 0x06, 0x5a, 0xfa,
        0x50, // staticcall(gas(), 6, 0, calldatasize(), 0, 0)
        0x3d, 0x5f, 0x5f, 0x3e, 0x3d, 0x5f, 0xf3, // return what it returned
    ];

    #[test]
    fn deploys_and_calls_on_every_fork() {
        for fork in Fork::ALL {
            let mut machine = Machine::new(fork);
            let deployment = machine.deploy(&deployer(EC_ADD)).unwrap();
            assert_eq!(deployment.runtime, EC_ADD);
            let run = machine.call(deployment.address, &[0; 128]).unwrap();
            assert_eq!(run.outcome, Outcome::Returned(vec![0; 64]), "{fork}");
            let Gas { total, intrinsic, execution, refund, floor, .. } = run.gas;
            assert_eq!(total, (intrinsic + execution - refund).max(floor));
            assert!(execution > 150, "ecAdd alone costs 150");
        }
    }

    #[test]
    fn intrinsic_and_floor_follow_the_forks() {
        let calldata = [1; 3000];
        let figures = Fork::ALL.map(|fork| {
            let mut machine = Machine::new(fork);
            machine.set_code(Address::with_last_byte(0xcc), &[0x00]);
            let gas = machine.call(Address::with_last_byte(0xcc), &calldata).unwrap().gas;
            assert_eq!(gas.execution, 0, "STOP costs nothing");
            (gas.intrinsic, gas.floor, gas.total)
        });
        assert_eq!(figures[0], (69_000, 0, 69_000));
        assert_eq!(figures[1], (69_000, 141_000, 141_000));
        assert_eq!(figures[2], (69_000, 141_000, 141_000));
        let (intrinsic, floor, total) = figures[3];
        assert!(intrinsic < floor && total == floor);
    }

    #[test]
    fn missing_precompile_succeeds_and_returns_nothing() {
        let at = Address::with_last_byte(0xcc);
        let mut machine = Machine::new(Fork::Prague).without_precompile(Address::with_last_byte(6));
        machine.set_code(at, EC_ADD);
        assert_eq!(machine.call(at, &[0; 128]).unwrap().outcome, Outcome::Returned(vec![]));
    }

    #[test]
    fn limits_are_enforced() {
        let too_large = vec![0; 24_577];
        let error = Machine::new(Fork::Osaka).deploy(&deployer(&too_large)).unwrap_err();
        assert_eq!(error, EvmError::DeploymentHalted { halt: Halt::CodeTooLarge });
        assert!(Machine::new(Fork::Amsterdam).deploy(&deployer(&too_large)).is_ok());
        let unlimited =
            Machine::new(Fork::Osaka).without_size_limits().deploy(&deployer(&too_large));
        assert_eq!(unlimited.map(|deployment| deployment.runtime.len()), Ok(24_577));

        let error = Machine::new(Fork::Prague).deploy(&vec![0; 49_153]).unwrap_err();
        assert_eq!(
            error,
            EvmError::InitCodeTooLarge { bytes: 49_153, limit: 49_152, fork: Fork::Prague }
        );
    }

    #[test]
    fn reverts_and_halts_are_told_apart() {
        let at = Address::with_last_byte(0xcc);
        let mut machine = Machine::new(Fork::Prague).with_gas_limit(100_000);
        machine.set_code(at, &[0x60, 0x01, 0x5f, 0xfd]); // revert(0, 1)
        let run = machine.call(at, &[]).unwrap();
        assert_eq!(run.outcome, Outcome::Reverted(vec![0]));
        assert!(run.gas.total < 22_000);

        machine.set_code(at, &[0x5b, 0x5f, 0x56]); // loops for ever
        let run = machine.call(at, &[]).unwrap();
        assert_eq!((run.outcome, run.gas.total), (Outcome::Halted(Halt::OutOfGas), 100_000));

        machine.set_code(at, &[0xfe]);
        let run = machine.call(at, &[]).unwrap();
        assert_eq!(run.outcome, Outcome::Halted(Halt::InvalidOpcode));

        let error = machine.with_gas_limit(20_000).call(at, &[]).unwrap_err();
        assert_eq!(error, EvmError::GasLimitTooLow { needed: 21_000, limit: 20_000 });
    }
}

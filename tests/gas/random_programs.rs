//! Programs that nobody would write: however they run and end, every unit of gas is attributed.

use rand::{Rng, SeedableRng, rngs::StdRng};
use revm::bytecode::opcode as op;
use zkverdict::evm::{Experiment, Fork};

use crate::assert_adds_up;

/// Opcodes that do something interesting to gas; what they take from the stack is pushed before them.
const INTERESTING: [u8; 30] = [
    op::ADD,
    op::MULMOD,
    op::EXP,
    op::KECCAK256,
    op::CALLDATACOPY,
    op::CODECOPY,
    op::EXTCODECOPY,
    op::BALANCE,
    op::EXTCODESIZE,
    op::MLOAD,
    op::MSTORE,
    op::MCOPY,
    op::SLOAD,
    op::SSTORE,
    op::SSTORE,
    op::TSTORE,
    op::LOG1,
    op::CREATE,
    op::CREATE2,
    op::CALL,
    op::CALL,
    op::CALLCODE,
    op::DELEGATECALL,
    op::STATICCALL,
    op::STATICCALL,
    op::RETURNDATASIZE,
    op::RETURN,
    op::REVERT,
    op::SELFDESTRUCT,
    op::INVALID,
];

/// Pushes a number that may mean something: an address of a precompile, a size, a key, much gas.
fn push(code: &mut Vec<u8>, rng: &mut StdRng) {
    match rng.gen_range(0..10) {
        0..=5 => code.extend([op::PUSH1, rng.gen_range(0..=12)]),
        6 => code.extend([op::PUSH1, rng.r#gen()]),
        7 => code.extend([op::PUSH2, rng.gen_range(0..4), rng.r#gen()]),
        8 => code.extend([op::ADDRESS]),
        _ => code.extend([op::GAS]),
    }
}

fn program(rng: &mut StdRng) -> Vec<u8> {
    let mut code = Vec::new();
    // Some programs carry init code in memory, so that what they create does something too.
    if rng.gen_bool(0.5) {
        let inner: [u8; 8] =
            [0x60, rng.gen_range(0..40), 0x60, rng.gen_range(0..3), 0x55, 0x5f, 0x5f, 0xf3];
        code.push(op::PUSH8);
        code.extend(inner);
        code.extend([op::PUSH0, op::MSTORE]);
    }
    for _ in 0..rng.gen_range(1..25) {
        for _ in 0..rng.gen_range(0..8) {
            push(&mut code, rng);
        }
        code.push(INTERESTING[rng.gen_range(0..INTERESTING.len())]);
    }
    code
}

/// Init code that returns a program.
fn deployer(program: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(program.len()).unwrap().to_be_bytes();
    let mut code = vec![0x61, high, low, 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3];
    code.extend_from_slice(program);
    code
}

#[test]
fn every_unit_of_random_programs_is_attributed() {
    let mut ends = std::collections::BTreeMap::<&str, u32>::new();
    for seed in 0..2_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let program = program(&mut rng);
        let calldata: Vec<u8> = (0..rng.gen_range(0..200)).map(|_| rng.r#gen()).collect();
        let gas_limit = if rng.gen_bool(0.3) { rng.gen_range(60_000..300_000) } else { 3_000_000 };
        for fork in Fork::ALL {
            let experiment =
                Experiment::new(&deployer(&program), &calldata).with_gas_limit(gas_limit);
            let report =
                experiment.run(fork).unwrap_or_else(|error| panic!("{seed}, {fork}: {error}"));
            assert_adds_up(&report);
            *ends.entry(report.call.outcome).or_default() += 1;
        }
    }
    // The programs are no good if they all end in the same way.
    assert!(ends.len() == 3 && ends.values().all(|&count| count > 100), "{ends:?}");
}

//! Sorts opcodes into the classes that a report shows.

use revm::bytecode::opcode as op;
use serde::Serialize;

/// What kind of work an opcode does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OpcodeClass {
    /// ADDMOD and MULMOD: the work of a verifier outside the precompiles.
    Modular,
    /// Other arithmetic, comparisons, shifts, bits.
    Arithmetic,
    /// KECCAK256.
    Keccak,
    /// Reading calldata.
    Calldata,
    /// Reading and writing memory.
    Memory,
    /// Persistent and transient storage.
    Storage,
    /// PUSH, DUP, SWAP, POP.
    Stack,
    /// Jumps and ends.
    Control,
    /// What calling and creating contracts costs by itself.
    Call,
    /// Events.
    Log,
    /// Code, accounts, the block, the transaction.
    Environment,
}

impl OpcodeClass {
    /// The class of an opcode; undefined ones end the execution and count as control.
    pub const fn of(opcode: u8) -> Self {
        match opcode {
            op::ADDMOD | op::MULMOD => Self::Modular,
            op::ADD..=op::SIGNEXTEND | op::LT..=op::CLZ => Self::Arithmetic,
            op::KECCAK256 => Self::Keccak,
            op::CALLDATALOAD | op::CALLDATASIZE | op::CALLDATACOPY => Self::Calldata,
            op::MLOAD | op::MSTORE | op::MSTORE8 | op::MSIZE | op::MCOPY => Self::Memory,
            op::SLOAD | op::SSTORE | op::TLOAD | op::TSTORE => Self::Storage,
            op::POP | op::PUSH0..=op::SWAP16 => Self::Stack,
            op::CREATE
            | op::CALL
            | op::CALLCODE
            | op::DELEGATECALL
            | op::CREATE2
            | op::STATICCALL => Self::Call,
            op::LOG0..=op::LOG4 => Self::Log,
            op::ADDRESS..=op::SLOTNUM | op::GAS => Self::Environment,
            _ => Self::Control,
        }
    }

    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Modular => "modular",
            Self::Arithmetic => "arithmetic",
            Self::Keccak => "keccak",
            Self::Calldata => "calldata",
            Self::Memory => "memory",
            Self::Storage => "storage",
            Self::Stack => "stack",
            Self::Control => "control",
            Self::Call => "call",
            Self::Log => "log",
            Self::Environment => "environment",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_fall_where_they_belong() {
        for (opcode, class) in [
            (op::ADD, OpcodeClass::Arithmetic),
            (op::MULMOD, OpcodeClass::Modular),
            (op::EXP, OpcodeClass::Arithmetic),
            (op::SHR, OpcodeClass::Arithmetic),
            (op::KECCAK256, OpcodeClass::Keccak),
            (op::CALLER, OpcodeClass::Environment),
            (op::CALLDATACOPY, OpcodeClass::Calldata),
            (op::CODECOPY, OpcodeClass::Environment),
            (op::RETURNDATASIZE, OpcodeClass::Environment),
            (op::TIMESTAMP, OpcodeClass::Environment),
            (op::GAS, OpcodeClass::Environment),
            (op::MCOPY, OpcodeClass::Memory),
            (op::TSTORE, OpcodeClass::Storage),
            (op::PUSH32, OpcodeClass::Stack),
            (op::SWAP16, OpcodeClass::Stack),
            (op::JUMPDEST, OpcodeClass::Control),
            (op::RETURN, OpcodeClass::Control),
            (op::STATICCALL, OpcodeClass::Call),
            (op::LOG2, OpcodeClass::Log),
            (0x0c, OpcodeClass::Control),
        ] {
            assert_eq!(OpcodeClass::of(opcode), class, "{opcode:#04x}");
        }
    }
}

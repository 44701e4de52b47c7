// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Contracts whose answers can never change
/// @notice A contract without storage, without clock and without calls but to precompiles answers the same call in the
/// same way for ever. That can be seen in its bytecode. Looking for `DELEGATECALL` and `SELFDESTRUCT` would not do: a
/// wrapper that makes a plain `STATICCALL` to a contract that can be changed has neither.
/// @dev What is accepted, and nothing else: arithmetic, memory, calldata, the code itself, jumps, and `STATICCALL` where
/// the two instructions before it put a precompile's number and the gas on the stack. Nothing can jump in between, as
/// jumps end at a `JUMPDEST`. Code behind an unconditional end is dead until the next `JUMPDEST`: the compiler's
/// metadata lie there.
library FixedCode {
    /// @dev The opcodes that are accepted, one bit each: 0x00…0x0b, 0x10…0x1e, 0x20, 0x30 (ADDRESS), 0x34…0x39 (CALLVALUE,
    /// CALLDATA*, CODE*), 0x3d, 0x3e (RETURNDATA*), 0x50…0x53, 0x56…0x5b, 0x5e (MCOPY), 0x5f…0x9f, 0xf3, 0xfd, 0xfe.
    uint256 private constant ACCEPTED = (2 ** 12 - 1) | (2 ** 15 - 1) << 0x10 | 1 << 0x20 | 1 << 0x30 | (2 ** 6 - 1)
        << 0x34 | 3 << 0x3d | 15 << 0x50 | (2 ** 6 - 1) << 0x56 | (2 ** 66 - 1) << 0x5e | 1 << 0xf3 | 3 << 0xfd;

    /// @dev What ends a run of instructions: STOP, JUMP, RETURN, REVERT, INVALID.
    uint256 private constant ENDS = 1 | 1 << 0x56 | 1 << 0xf3 | 3 << 0xfd;

    uint256 private constant GAS = 0x5a;
    uint256 private constant JUMPDEST = 0x5b;
    uint256 private constant PUSH0 = 0x5f;
    uint256 private constant PUSH1 = 0x60;
    uint256 private constant PUSH32 = 0x7f;
    uint256 private constant STATICCALL = 0xfa;

    /// @dev The precompiles of every fork since Byzantium have numbers from 1; those up to 10 are on every chain.
    uint256 private constant LAST_PRECOMPILE = 0x0a;

    /// @notice What `find` gives if everything in the code is accepted.
    uint256 internal constant NOWHERE = type(uint256).max;

    /// @notice Whether an account's code is that of a contract, rather than none or a delegation to another account's,
    /// which whoever holds the account's key can change.
    function isContract(address account) internal view returns (bool) {
        bytes memory code = account.code;
        // No contract can begin with 0xef since London; a delegation does.
        return code.length != 0 && code[0] != 0xef;
    }

    /// @notice Where in a contract's code the first instruction lies that could make its answers change, or `NOWHERE`.
    function find(address account) internal view returns (uint256) {
        bytes memory code = account.code;
        unchecked {
            bool dead = false;
            // Positions of the last two instructions.
            uint256 last = NOWHERE;
            uint256 beforeLast = NOWHERE;
            uint256 next;
            for (uint256 pc = 0; pc < code.length; pc = next) {
                uint256 op = _byte(code, pc);
                next = pc + 1;
                if (op >= PUSH1 && op <= PUSH32) {
                    next += op - PUSH0;
                } else if (op == JUMPDEST) {
                    dead = false;
                } else if (!dead) {
                    if (op == STATICCALL) {
                        bool known = pc >= 3 && last == pc - 1 && beforeLast == pc - 3 && _byte(code, last) == GAS
                            && _byte(code, beforeLast) == PUSH1;
                        uint256 target = known ? _byte(code, pc - 2) : 0;
                        if (target == 0 || target > LAST_PRECOMPILE) return pc;
                    } else if (ACCEPTED >> op & 1 == 0) {
                        return pc;
                    }
                    dead = ENDS >> op & 1 == 1;
                }
                (beforeLast, last) = (last, pc);
            }
        }
        return NOWHERE;
    }

    function _byte(bytes memory code, uint256 position) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(0, mload(add(add(code, 0x20), position)))
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IPartsVerifier} from "../interfaces/IPartsVerifier.sol";

/// @title Contracts whose answers can never change
/// @notice A contract without storage, without clock and without calls but to precompiles answers the same call in the
/// same way for ever, and so does one that also calls such contracts, as long as their code is there. That can be seen in bytecode.
/// Looking for `DELEGATECALL` and `SELFDESTRUCT` would not do: a wrapper that makes a plain `STATICCALL` to a contract that can be
/// changed has neither.
/// @dev What is accepted, and nothing else: arithmetic, memory, calldata, the code itself, jumps, and `STATICCALL` where
/// the two instructions before it put a precompile's number, or the address of a part, and the gas on the stack. Nothing can jump in
/// between, as jumps end at a `JUMPDEST`, and never into what a push has as its data. Code behind an unconditional end is dead until
/// the next `JUMPDEST`: the compiler's metadata lie there. Parts are what a contract says that they are; whether it is so is seen in its
/// code, which calls nothing else. They call precompiles alone. What the code of an account is can change where its address does not
/// follow from it: so `hash` covers the codes of all, and has to be compared whenever an answer counts.
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

    /// @notice Which contracts a verifier says that it calls: those of a model's parts. None if it does not say.
    function partsOf(address account) internal view returns (address[] memory parts) {
        (bool ok, bytes memory data) = account.staticcall(abi.encodeCall(IPartsVerifier.PARTS, ()));
        // An array's one encoding: where it is, how many there are, and as many words.
        if (!ok || data.length < 0x40 || data.length % 0x20 != 0) return parts;
        uint256 count = data.length / 0x20 - 2;
        if (_word(data, 0x00) != 0x20 || _word(data, 0x20) != count) return parts;
        for (uint256 i = 0; i < count; ++i) {
            if (_word(data, 0x40 + 0x20 * i) > type(uint160).max) return parts;
        }
        return abi.decode(data, (address[]));
    }

    /// @notice The hash of a contract's code, and of the codes of parts.
    function hash(address account, address[] memory parts) internal view returns (bytes32) {
        if (parts.length == 0) return account.codehash;
        bytes memory all = abi.encode(account.codehash, parts);
        for (uint256 i = 0; i < parts.length; ++i) {
            all = bytes.concat(all, parts[i].codehash);
        }
        return keccak256(all);
    }

    /// @notice The same, of the parts that a contract says it has, if it is known to have some. The code that says it is hashed with
    /// theirs; where it says another thing for less gas, the hash is another.
    function hash(address account, bool inParts) internal view returns (bytes32) {
        return inParts ? hash(account, partsOf(account)) : account.codehash;
    }

    /// @notice Where in the code of a contract, or of one of its parts, the first instruction lies that could make its answers change:
    /// in which contract, and at which place, or `NOWHERE`; and the parts, without whose codes that is not said.
    function find(address account) internal view returns (address where, uint256 pc, address[] memory parts) {
        parts = partsOf(account);
        (where, pc) = (account, find(account, parts));
        for (uint256 i = 0; i < parts.length && pc == NOWHERE; ++i) {
            // Where there is no contract yet, anything can come to lie.
            (where, pc) = (parts[i], isContract(parts[i]) ? find(parts[i], new address[](0)) : 0);
        }
    }

    /// @notice Where in a contract's code the first instruction lies that could make its answers change although those of certain
    /// other contracts do not, or `NOWHERE`.
    function find(address account, address[] memory parts) internal view returns (uint256) {
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
                        bool known = beforeLast != NOWHERE && _byte(code, last) == GAS;
                        if (!known || !_isFixed(_pushed(code, beforeLast), parts)) return pc;
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

    /// Whether this is a precompile's number or the address of one of the parts.
    function _isFixed(uint256 target, address[] memory parts) private pure returns (bool) {
        if (target != 0 && target <= LAST_PRECOMPILE) return true;
        for (uint256 i = 0; i < parts.length; ++i) {
            if (target == uint160(parts[i])) return true;
        }
        return false;
    }

    /// What an instruction pushes; zero, which nobody may call, if it is none that does.
    function _pushed(bytes memory code, uint256 position) private pure returns (uint256) {
        uint256 op = _byte(code, position);
        if (op < PUSH1 || op > PUSH32) return 0;
        return _word(code, position + 1) >> (8 * (PUSH32 - op));
    }

    function _word(bytes memory data, uint256 position) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 0x20), position))
        }
    }

    function _byte(bytes memory code, uint256 position) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(0, mload(add(add(code, 0x20), position)))
        }
    }
}

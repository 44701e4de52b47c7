// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IERC1271} from "../../contracts/interfaces/IERC1271.sol";

/// @notice Signs what it was told to, whatever the signature.
contract Wallet is IERC1271 {
    mapping(bytes32 digest => bool) public signed;

    function sign(bytes32 digest) external {
        signed[digest] = true;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return signed[digest] ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    function act(address to, bytes calldata data) external {
        (bool ok, bytes memory answer) = to.call(data);
        if (ok) return;
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }
}

/// @notice Answers every call in the same way.
contract Answerer {
    enum Kind {
        /// The right word, and then another one.
        TooLong,
        /// The right four bytes alone.
        TooShort,
        /// The right four bytes, and something behind them.
        Dirty,
        /// True, as contracts that do not know ERC-1271 may say.
        True,
        Nothing,
        Reverts,
        /// Reverts with what would be the right answer.
        RevertsRightly,
        BurnsGas
    }

    Kind public immutable KIND;

    constructor(Kind kind) {
        KIND = kind;
    }

    fallback() external {
        bytes memory answer = abi.encode(IERC1271.isValidSignature.selector);
        if (KIND == Kind.BurnsGas) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (KIND == Kind.TooLong) answer = abi.encode(IERC1271.isValidSignature.selector, uint256(0));
        if (KIND == Kind.TooShort) answer = abi.encodePacked(IERC1271.isValidSignature.selector);
        if (KIND == Kind.Dirty) answer = abi.encodePacked(IERC1271.isValidSignature.selector, uint224(1));
        if (KIND == Kind.True) answer = abi.encode(true);
        if (KIND == Kind.Nothing || KIND == Kind.Reverts) answer = "";
        bool reverts = KIND == Kind.Reverts || KIND == Kind.RevertsRightly;
        assembly ("memory-safe") {
            if reverts { revert(add(answer, 0x20), mload(answer)) }
            return(add(answer, 0x20), mload(answer))
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {Vm, vm} from "./Vm.sol";

/// @notice What tests here have in common.
abstract contract Test {
    /// @dev Tells forge that this is a test contract.
    bool public constant IS_TEST = true;

    error NotEqual(bytes32 found, bytes32 expected);
    error NotTrue(string claim);

    function assertEq(uint256 found, uint256 expected) internal pure {
        if (found != expected) revert NotEqual(bytes32(found), bytes32(expected));
    }

    function assertEq(bytes32 found, bytes32 expected) internal pure {
        if (found != expected) revert NotEqual(found, expected);
    }

    function assertEq(address found, address expected) internal pure {
        assertEq(uint160(found), uint160(expected));
    }

    function assertTrue(bool value, string memory claim) internal pure {
        if (!value) revert NotTrue(claim);
    }

    /// The last event since `vm.recordLogs()`: which of its arguments are topics is part of a standard's text.
    function assertLastEvent(bytes memory topics, bytes memory data) internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(keccak256(abi.encodePacked(logs[logs.length - 1].topics)), keccak256(topics));
        assertEq(keccak256(logs[logs.length - 1].data), keccak256(data));
    }

    /// An account that nothing else uses.
    function account(string memory name) internal returns (address made) {
        made = address(uint160(uint256(keccak256(bytes(name)))));
        vm.label(made, name);
    }

    /// The compiler takes the block's time and number for constants in a transaction; these ask anew.
    function skip(uint256 duration) internal {
        vm.warp(vm.getBlockTimestamp() + duration);
    }

    function mine() internal {
        vm.roll(vm.getBlockNumber() + 1);
    }

    /// A value between bounds, both included.
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + value % (high - low + 1);
    }
}

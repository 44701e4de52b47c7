// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {vm} from "../test/Vm.sol";

/// @title Checks that what `contracts/deployments` names on this chain is what the sources compile to
contract CheckDeployments {
    /// @notice The code at an address is another.
    error NotOurs(address where, bytes32 found, bytes32 expected);

    function run() external view returns (address registry) {
        return check(vm.readFile(string.concat("contracts/deployments/", vm.toString(block.chainid), ".json")));
    }

    /// @notice Checks the addresses in a chain's document.
    function check(string memory json) public view returns (address registry) {
        registry = vm.parseJsonAddress(json, ".ModelRegistry");
        // Whose registry it is lies in storage, so that all registries have one code.
        bytes32 expected = keccak256(type(ModelRegistry).runtimeCode);
        if (registry.codehash != expected) revert NotOurs(registry, registry.codehash, expected);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {SingleModelVerifier} from "../contracts/SingleModelVerifier.sol";
import {ERC7992Adapter} from "../contracts/adapters/ERC7992Adapter.sol";
import {ERC8004Validator} from "../contracts/adapters/ERC8004Validator.sol";
import {ERC8084Metadata} from "../contracts/adapters/ERC8084Metadata.sol";
import {vm} from "../test/Vm.sol";
import {addressOf} from "./Deploy.s.sol";

/// @title Checks that what `contracts/deployments` names on this chain began as these sources
/// @notice The code at an address is not enough: whoever made it by a constructor of his own may have filled its storage
/// first, a registry's with versions of his choice. The deterministic deployer's addresses depend on all of the code that
/// ran, constructor and arguments included, so the address itself shows where a contract began.
contract CheckDeployments {
    /// @notice Another chain's document.
    error AnotherChain(uint256 found, uint256 expected);

    /// @notice These sources have no such contract that is deployed by itself.
    error UnknownContract(string contractName);

    /// @notice With these arguments and this salt, these sources are deployed elsewhere.
    error NotOurs(string contractName, address found, address expected);

    /// @notice Nothing was deployed there yet.
    error NotDeployed(string contractName, address where);

    /// @notice Checks this chain's document.
    /// @return checked How many contracts it names.
    function run() external view returns (uint256 checked) {
        return check(vm.readFile(string.concat("contracts/deployments/", vm.toString(block.chainid), ".json")));
    }

    /// @notice Checks a document as `zkverdict registry deploy --deployments` writes it.
    /// @return checked How many contracts it names.
    function check(string memory json) public view returns (uint256 checked) {
        uint256 chainId = vm.parseJsonUint(json, ".chain_id");
        if (chainId != block.chainid) revert AnotherChain(chainId, block.chainid);
        for (;; ++checked) {
            string memory key = string.concat(".contracts[", vm.toString(checked), "]");
            if (!vm.keyExistsJson(json, key)) return checked;
            string memory contractName = vm.parseJsonString(json, string.concat(key, ".name"));
            address found = vm.parseJsonAddress(json, string.concat(key, ".address"));
            bytes memory initCode = creationCode(contractName);
            initCode = bytes.concat(initCode, vm.parseJsonBytes(json, string.concat(key, ".arguments")));
            address expected = addressOf(initCode, vm.parseJsonBytes32(json, string.concat(key, ".salt")));
            if (found != expected) revert NotOurs(contractName, found, expected);
            if (found.code.length == 0) revert NotDeployed(contractName, found);
        }
    }

    /// @notice Where a contract of these sources is deployed, on every chain.
    /// @param contractName Which one.
    /// @param arguments What its constructor takes, as the ABI encodes it.
    /// @param salt Another salt gives another address.
    function locate(string memory contractName, bytes memory arguments, bytes32 salt) public pure returns (address) {
        return addressOf(bytes.concat(creationCode(contractName), arguments), salt);
    }

    /// @notice What a contract of these sources is made by, before its arguments.
    function creationCode(string memory contractName) public pure returns (bytes memory) {
        bytes32 hash = keccak256(bytes(contractName));
        if (hash == keccak256("ModelRegistry")) return type(ModelRegistry).creationCode;
        if (hash == keccak256("SingleModelVerifier")) return type(SingleModelVerifier).creationCode;
        if (hash == keccak256("ERC7992Adapter")) return type(ERC7992Adapter).creationCode;
        if (hash == keccak256("ERC8004Validator")) return type(ERC8004Validator).creationCode;
        if (hash == keccak256("ERC8084Metadata")) return type(ERC8084Metadata).creationCode;
        revert UnknownContract(contractName);
    }
}

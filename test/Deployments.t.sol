// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {CheckDeployments} from "../script/CheckDeployments.s.sol";
import {CREATE2_DEPLOYER} from "../script/Deploy.s.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice A registry with a version from before its beginning, and then its very code.
contract Poisoned is ModelRegistry {
    constructor(address owner) ModelRegistry(owner) {
        versionCount["digits"] = 1;
        bytes memory code = type(ModelRegistry).runtimeCode;
        assembly ("memory-safe") {
            return(add(code, 0x20), mload(code))
        }
    }
}

contract DeploymentsTest is Test {
    CheckDeployments private checker;
    bytes private arguments;

    function setUp() public {
        checker = new CheckDeployments();
        arguments = abi.encode(account("somebody"));
        // As on nearly all chains.
        vm.etch(
            CREATE2_DEPLOYER,
            hex"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
        );
    }

    function deploy(bytes32 salt) private returns (address where) {
        (bool ok,) = CREATE2_DEPLOYER.call(bytes.concat(salt, type(ModelRegistry).creationCode, arguments));
        assertTrue(ok, "deployed");
        where = checker.locate("ModelRegistry", arguments, salt);
    }

    function entry(string memory name, address where, bytes32 salt) private view returns (string memory) {
        return string.concat(
            '{ "name": "',
            name,
            '", "address": "',
            vm.toString(where),
            '", "salt": "',
            vm.toString(salt),
            '", "arguments": "',
            vm.toString(arguments),
            '" }'
        );
    }

    function document(string memory entries) private view returns (string memory) {
        return string.concat('{ "chain_id": ', vm.toString(block.chainid), ', "contracts": [', entries, "] }");
    }

    function test_what_the_deployer_put_there_is_ours() public {
        (address first, address second) = (deploy("1"), deploy("2"));
        assertEq(ModelRegistry(first).owner(), account("somebody"));
        string memory two = string.concat(entry("ModelRegistry", first, "1"), ", ", entry("ModelRegistry", second, "2"));
        assertEq(checker.check(document(two)), 2);
        assertEq(checker.check(document("")), 0);
    }

    function test_the_same_code_with_another_beginning_is_not_ours() public {
        address poisoned = address(new Poisoned(account("somebody")));
        address honest = deploy(0);
        assertEq(poisoned.codehash, honest.codehash);
        assertEq(ModelRegistry(poisoned).versionCount("digits"), 1);
        string memory json = document(entry("ModelRegistry", poisoned, 0));
        vm.expectRevert(abi.encodeWithSelector(CheckDeployments.NotOurs.selector, "ModelRegistry", poisoned, honest));
        checker.check(json);
    }

    function test_other_addresses_names_and_chains_are_refused() public {
        address where = checker.locate("ModelRegistry", arguments, 0);
        string memory json = document(entry("ModelRegistry", where, 0));
        vm.expectRevert(abi.encodeWithSelector(CheckDeployments.NotDeployed.selector, "ModelRegistry", where));
        checker.check(json);
        deploy(0);
        assertEq(checker.check(json), 1);
        vm.chainId(5);
        vm.expectRevert(abi.encodeWithSelector(CheckDeployments.AnotherChain.selector, 31337, 5));
        checker.check(json);
        vm.chainId(31337);
        json = document(entry("ModelRegistry", address(this), 0));
        vm.expectPartialRevert(CheckDeployments.NotOurs.selector);
        checker.check(json);
        json = document(entry("Registry", where, 0));
        vm.expectRevert(abi.encodeWithSelector(CheckDeployments.UnknownContract.selector, "Registry"));
        checker.check(json);
    }

    /// `node script/deployments.mjs` writes the file anew.
    function test_the_package_names_the_code_that_these_sources_compile_to() public view {
        string memory json = vm.readFile("contracts/deployments/code.json");
        string[5] memory names =
            ["ModelRegistry", "SingleModelVerifier", "ERC7992Adapter", "ERC8004Validator", "ERC8084Metadata"];
        for (uint256 i = 0; i < names.length; ++i) {
            bytes32 named = vm.parseJsonBytes32(json, string.concat(".contracts.", names[i], ".creation_code_hash"));
            assertEq(named, keccak256(checker.creationCode(names[i])));
        }
        assertEq(vm.parseJsonAddress(json, ".deployer"), CREATE2_DEPLOYER);
    }
}

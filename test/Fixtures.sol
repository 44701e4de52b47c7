// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice Real proofs, made by script/proofs.mjs for these accounts and contracts.
abstract contract Fixtures is Test {
    struct Proof {
        bytes32 vkDigest;
        bytes proof;
        uint256[] instances;
    }

    function load(string memory name) internal view returns (Proof memory made) {
        string memory json = vm.readFile(string.concat("test/fixtures/proofs/", name, ".json"));
        made.vkDigest = vm.parseJsonBytes32(json, ".vk_digest");
        made.proof = vm.parseJsonBytes(json, ".proof");
        made.instances = vm.parseJsonUintArray(json, ".instances");
    }

    /// Moves a contract without storage to the address that proofs were made for.
    function place(address made, string memory name) internal returns (address at_) {
        at_ = account(name);
        vm.etch(at_, made.code);
    }
}

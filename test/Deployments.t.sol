// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {CheckDeployments} from "../script/CheckDeployments.s.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

contract DeploymentsTest is Test {
    function document(address where) private pure returns (string memory) {
        return string.concat('{ "ModelRegistry": "', vm.toString(where), '" }');
    }

    function test_code_of_these_sources_is_ours_and_no_other_is() public {
        CheckDeployments checker = new CheckDeployments();
        address made = address(new ModelRegistry(account("somebody")));
        assertEq(checker.check(document(made)), made);
        string memory other = document(address(checker));
        vm.expectPartialRevert(CheckDeployments.NotOurs.selector);
        checker.check(other);
        string memory nothing = document(account("nobody"));
        vm.expectPartialRevert(CheckDeployments.NotOurs.selector);
        checker.check(nothing);
    }
}

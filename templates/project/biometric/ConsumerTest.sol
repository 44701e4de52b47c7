// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {NamedConsumer} from "zkverdict/NamedConsumer.sol";
import {ProvedForOne} from "./Proved.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";

contract {{ project.prefix }}ConsumerTest is ProvedForOne {
    {{ project.prefix }}Consumer private lock;

    function setUp() public override {
        super.setUp();
        lock = {{ project.prefix }}Consumer(deploy(abi.encode(model, MODEL_ID, 1, address(this))));
    }

    function target() internal view override returns (InferenceConsumer) {
        return lock;
    }

    /// The name of the template that the proof is about.
    function template() private view returns (bytes32) {
        return bytes32(instances[NAME]);
    }

    function test_it_opens_for_a_while_to_whom_it_recognizes() public {
        lock.enrol(alice, template());
        submit(alice);
        assertTrue(lock.isOpenTo(alice), "recognized");
        skip(lock.SESSION());
        assertTrue(!lock.isOpenTo(alice), "no longer");
    }

    function test_only_an_enrolled_template_counts() public {
        vm.expectPartialRevert(NamedConsumer.NoNameExpected.selector);
        submit(alice);
        lock.enrol(alice, bytes32(uint256(1)));
        vm.expectPartialRevert(NamedConsumer.NameMismatch.selector);
        submit(alice);
        vm.expectPartialRevert({{ project.prefix }}Consumer.NotEnroller.selector);
        vm.prank(alice);
        lock.enrol(alice, 0);
    }

    function test_it_closes_when_the_enroller_says_so() public {
        lock.enrol(alice, template());
        submit(alice);
        lock.enrol(alice, 0);
        assertTrue(!lock.isOpenTo(alice), "closed");
    }

    function test_nothing_outlasts_the_model() public {
        lock.enrol(alice, template());
        submit(alice);
        withdrawModel();
        assertTrue(!lock.isOpenTo(alice), "closed");
    }
}

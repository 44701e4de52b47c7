// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {IInferenceConsumer} from "zkverdict/interfaces/IInferenceConsumer.sol";
import {Attested} from "./Attested.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";

contract {{ project.prefix }}ConsumerTest is Attested {
    {{ project.prefix }}Consumer private insurer;

    function setUp() public override {
        super.setUp();
        insurer = {{ project.prefix }}Consumer(deploy(abi.encode(model, MODEL_ID, 1, vm.addr(ISSUER_KEY))));
        attesting = insurer;
        vm.deal(address(insurer), 2 ether);
    }

    function test_a_covered_finding_is_paid_once() public {
        present(alice);
        submit(alice);
        assertEq(insurer.covers(alice), insurer.COVER());
        vm.prank(alice);
        insurer.withdraw();
        assertEq(alice.balance, insurer.COVER());
        assertEq(insurer.covers(alice), 0);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        submit(alice);
    }
}

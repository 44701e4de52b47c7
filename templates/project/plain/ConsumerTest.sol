// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {IInferenceConsumer} from "zkverdict/interfaces/IInferenceConsumer.sol";
import {ProvedForOne} from "./Proved.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";

contract {{ project.prefix }}ConsumerTest is ProvedForOne {
    {{ project.prefix }}Consumer private consumer;

    function setUp() public override {
        super.setUp();
        consumer = {{ project.prefix }}Consumer(deploy(abi.encode(model, MODEL_ID, 1)));
    }

    function target() internal view override returns (InferenceConsumer) {
        return consumer;
    }

    function test_a_proof_is_acted_on_once() public {
        submit(alice);
        assertEq(consumer.answers(alice), {{ project.answer }});
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        submit(alice);
    }
}

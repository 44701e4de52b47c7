// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {ProvedForOne} from "./Proved.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";

contract {{ project.prefix }}ConsumerTest is ProvedForOne {
    uint256 private constant VERDICT = {{ project.answer }};

    {{ project.prefix }}Consumer private treasury;
    address private shop;

    function setUp() public override {
        super.setUp();
        treasury = {{ project.prefix }}Consumer(payable(deploy(abi.encode(model, MODEL_ID, 1, address(this)))));
        shop = account("shop");
        vm.deal(address(treasury), 100 ether);
        // The proof is about these features: 2 % of the treasury, 192 bytes of reasons, and nothing else.
        treasury.propose(shop, 2.5 ether, "", string(new bytes(192)));
    }

    function target() internal view override returns (InferenceConsumer) {
        return treasury;
    }

    function test_features_are_the_contracts_own() public view {
        int8[] memory features = treasury.featuresOf(0);
        assertEq(uint256(int256(features[0])), 2);
        assertEq(uint256(int256(features[6])), 12);
    }

    function test_the_models_verdict_decides() public {
        assertTrue(!treasury.mayPass(0), "there is no verdict yet");
        submit(alice);
        assertTrue(treasury.mayPass(0) == (VERDICT == treasury.PASSES()), "by the verdict alone");
        treasury.approve(0);
        assertTrue(treasury.mayPass(0) == (VERDICT <= treasury.HELD()), "or the council's as well");
    }

    function test_what_passes_is_executed_once_after_its_delay() public {
        submit(alice);
        treasury.approve(0);
        if (VERDICT > treasury.HELD()) return;
        vm.expectPartialRevert({{ project.prefix }}Consumer.TooEarly.selector);
        treasury.execute(0);
        skip(treasury.DELAY());
        treasury.execute(0);
        assertEq(shop.balance, 2.5 ether);
        vm.expectPartialRevert({{ project.prefix }}Consumer.NotPassed.selector);
        treasury.execute(0);
    }

    function test_the_council_alone_vetoes() public {
        submit(alice);
        treasury.approve(0);
        vm.expectPartialRevert({{ project.prefix }}Consumer.NotCouncil.selector);
        vm.prank(alice);
        treasury.veto(0);
        treasury.veto(0);
        assertTrue(!treasury.mayPass(0), "vetoed");
        vm.expectPartialRevert({{ project.prefix }}Consumer.NotOpen.selector);
        treasury.approve(0);
        vm.expectPartialRevert({{ project.prefix }}Consumer.NotOpen.selector);
        treasury.approve(1);
    }

    function test_a_verdict_is_on_its_features_alone() public {
        submit(alice);
        treasury.propose(shop, 100 ether, "", string(new bytes(192)));
        treasury.approve(1);
        assertTrue(!treasury.mayPass(1), "other features");
    }

    function test_nothing_outlasts_the_model() public {
        submit(alice);
        treasury.approve(0);
        withdrawModel();
        assertTrue(!treasury.mayPass(0), "nothing passes");
    }
}

// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {TradingSignal} from "zkverdict/examples/TradingSignal.sol";
import {Retrained} from "./Retrained.sol";
import {TestExchange} from "./TestExchange.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";

/// @notice The proof is of the signal after thirty returns of one percent.
contract {{ project.prefix }}ConsumerTest is Retrained {
    {{ project.prefix }}Consumer private vault;
    TestExchange private exchange;

    function setUp() public override {
        super.setUp();
        exchange = new TestExchange();
        vault = {{ project.prefix }}Consumer(payable(deploy(abi.encode(model, MODEL_ID, 0, exchange))));
        vm.deal(address(vault), 100 ether);
        uint256 price = 1 ether;
        for (uint256 i = 0; i <= vault.WINDOW(); ++i) {
            exchange.setPrice(price);
            skip(vault.PERIOD());
            vault.recordPrice();
            price = price * 10102 / 10000;
        }
    }

    function target() internal view override returns (InferenceConsumer) {
        return vault;
    }

    function prepare() internal override {
        mine();
    }

    /// The quantized outputs of a proof, less the type's smallest value.
    function output(uint256 i) private view returns (uint256) {
        return (instances[{{ project.first_output }}] >> (8 * i)) & 0xff;
    }

    function test_the_window_is_the_vaults_own() public view {
        int8[] memory window = vault.window();
        for (uint256 i = 0; i < window.length; ++i) {
            assertEq(uint256(int256(window[i])), uint256(int256(window[0])));
        }
    }

    function test_the_signal_is_acted_on_within_bounds() public {
        mine();
        submit(alice);
        (uint256 down, uint256 up) = (output(0), output(1));
        bool buys = up >= down + vault.MARGIN();
        assertEq(address(vault).balance, buys ? 90 ether : 100 ether);
    }

    function test_not_in_the_block_of_its_price_nor_when_that_is_old() public {
        vm.expectPartialRevert(TradingSignal.RecordedInThisBlock.selector);
        submit(alice);
        mine();
        skip(vault.PERIOD());
        vm.expectPartialRevert(TradingSignal.PriceIsOld.selector);
        submit(alice);
    }

    function test_another_history_is_refused() public {
        skip(vault.PERIOD());
        vault.recordPrice();
        mine();
        exchange.setPrice(5 ether);
        skip(vault.PERIOD());
        vault.recordPrice();
        mine();
        vm.expectPartialRevert(TradingSignal.WrongInputs.selector);
        submit(alice);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {CreditLending} from "../../contracts/examples/CreditLending.sol";
import {GameAgent} from "../../contracts/examples/GameAgent.sol";
import {TradingSignal} from "../../contracts/examples/TradingSignal.sol";
import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {Test} from "../Test.sol";
import {vm} from "../Vm.sol";
import {MockExchange} from "./TradingSignal.t.sol";

/// @notice Takes no ether.
contract Refuser {}

/// @notice Pays back at once what it is paid.
contract Reenterer {
    CreditLending private immutable _POOL;

    bytes4 public refusal;

    constructor(CreditLending pool) {
        _POOL = pool;
    }

    receive() external payable {
        try _POOL.deposit{value: msg.value}() {}
        catch (bytes memory reason) {
            // forge-lint: disable-next-line(unsafe-typecast) the selector
            refusal = bytes4(reason);
        }
    }
}

/// @notice Whoever is paid is called.
contract PaymentsTest is Test {
    ModelRegistry private registry;
    CreditLending private pool;
    address private lender;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        registry.addVersion("credit", new MockVerifier("credit", 1, 1), "credit", "");
        registry.addVersion("game", new MockVerifier("game", 3, 1), "game", "");
        pool = new CreditLending(registry, "credit", 1, account("attester"));
        lender = account("lender");
        vm.deal(lender, 1 ether);
        vm.startPrank(lender);
        pool.deposit{value: 1 ether}();
        pool.announceExit();
        vm.stopPrank();
        skip(3 days);
    }

    function withdrawAll() private {
        uint256 all = pool.shares(lender);
        vm.prank(lender);
        pool.withdraw(all);
    }

    function test_a_payment_that_is_refused_changes_nothing() public {
        uint256 all = pool.shares(lender);
        vm.etch(lender, address(new Refuser()).code);
        vm.expectRevert(abi.encodeWithSelector(CreditLending.TransferFailed.selector, lender));
        vm.prank(lender);
        pool.withdraw(all);
        assertEq(pool.shares(lender), all);

        // This contract takes no ether either.
        GameAgent game = new GameAgent(registry, "game", 1);
        game.fund{value: 1 ether}();
        vm.expectRevert(abi.encodeWithSelector(GameAgent.TransferFailed.selector, address(this)));
        game.defund(1 ether);
        TradingSignal vault = new TradingSignal(registry, "credit", 1, new MockExchange(), address(this));
        vm.expectRevert(abi.encodeWithSelector(TradingSignal.TransferFailed.selector, address(this)));
        vault.withdraw();
    }

    function test_a_payment_reenters_nothing() public {
        Reenterer reenterer = new Reenterer(pool);
        vm.etch(lender, address(reenterer).code);
        withdrawAll();
        assertEq(bytes32(Reenterer(payable(lender)).refusal()), bytes32(CreditLending.Reentered.selector));
        assertTrue(lender.balance > 0.99 ether, "paid all the same");
    }
}

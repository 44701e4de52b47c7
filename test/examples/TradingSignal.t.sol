// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {IExchange, TradingSignal} from "../../contracts/examples/TradingSignal.sol";
import {IModelVerifier} from "../../contracts/interfaces/IModelVerifier.sol";
import {Test} from "../Test.sol";
import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {vm} from "../Vm.sol";

/// @notice Trades any amount at its price, or a little worse.
contract MockExchange is IExchange {
    uint256 public price = 1 ether;
    uint256 public slippageBps;
    mapping(address account => uint256) public balanceOf;

    uint256 private _sum;
    uint256 private _since = block.timestamp;

    error Slipped(uint256 found, uint256 least);

    function set(uint256 newPrice, uint256 newSlippageBps) external {
        (_sum, _since) = (cumulativePrice(), block.timestamp);
        (price, slippageBps) = (newPrice, newSlippageBps);
    }

    function cumulativePrice() public view returns (uint256) {
        return _sum + price * (block.timestamp - _since);
    }

    function buy(uint256 minTokens) external payable returns (uint256 tokens) {
        tokens = msg.value * 1 ether / price * (10_000 - slippageBps) / 10_000;
        if (tokens < minTokens) revert Slipped(tokens, minTokens);
        balanceOf[msg.sender] += tokens;
    }

    function sell(uint256 tokens, uint256 minEther) external returns (uint256 received) {
        balanceOf[msg.sender] -= tokens;
        received = tokens * price / 1 ether * (10_000 - slippageBps) / 10_000;
        if (received < minEther) revert Slipped(received, minEther);
        (bool ok,) = msg.sender.call{value: received}("");
        require(ok);
    }
}

/// @notice A pool whose product of reserves stays the same, without fees.
contract PoolExchange is IExchange {
    uint256 private _ether;
    uint256 private _tokens;
    uint256 private _sum;
    uint256 private _since = block.timestamp;
    mapping(address account => uint256) public balanceOf;

    constructor(uint256 tokens) payable {
        (_ether, _tokens) = (msg.value, tokens);
    }

    /// An account has tokens from elsewhere.
    function credit(address account, uint256 tokens) external {
        balanceOf[account] += tokens;
    }

    function cumulativePrice() public view returns (uint256) {
        return _sum + _ether * 1 ether / _tokens * (block.timestamp - _since);
    }

    function buy(uint256 minTokens) external payable returns (uint256 tokens) {
        (_sum, _since) = (cumulativePrice(), block.timestamp);
        tokens = _tokens - (_ether * _tokens + _ether + msg.value - 1) / (_ether + msg.value);
        require(tokens >= minTokens, "too few");
        (_ether, _tokens) = (_ether + msg.value, _tokens - tokens);
        balanceOf[msg.sender] += tokens;
    }

    function sell(uint256 tokens, uint256 minEther) external returns (uint256 received) {
        (_sum, _since) = (cumulativePrice(), block.timestamp);
        received = _ether - (_ether * _tokens + _tokens + tokens - 1) / (_tokens + tokens);
        require(received >= minEther, "too little");
        (_ether, _tokens) = (_ether - received, _tokens + tokens);
        balanceOf[msg.sender] -= tokens;
        (bool ok,) = msg.sender.call{value: received}("");
        require(ok);
    }
}

contract TradingSignalTest is Test {
    MockVerifier private verifier;
    MockExchange private exchange;
    TradingSignal private vault;

    function setUp() public {
        ModelRegistry registry = new ModelRegistry(address(this));
        verifier = new MockVerifier("signal", 1, 1);
        registry.addVersion("signal", verifier, "signal", "");
        exchange = new MockExchange();
        vault = new TradingSignal(registry, "signal", 1, exchange, address(this));
        vm.deal(address(vault), 10 ether);
        vm.deal(address(exchange), 100 ether);
        for (uint256 i = 0; i < 31; ++i) {
            record(1 ether);
        }
    }

    receive() external payable {}

    /// A period at one price.
    function record(uint256 price) private {
        exchange.set(price, exchange.slippageBps());
        skip(1 hours);
        vault.recordPrice();
        mine();
    }

    function inference(uint8 down, uint8 up) private view returns (bytes memory proof, uint256[] memory made) {
        made = new uint256[](3);
        made[0] = vault.contextOf(address(this));
        made[1] = vault.inputs()[0];
        made[2] = uint256(down) + 256 * uint256(up);
        proof = verifier.prove(made);
    }

    function act(uint8 down, uint8 up) private {
        (bytes memory proof, uint256[] memory instances) = inference(down, up);
        vault.submitInference(proof, instances);
    }

    function test_the_input_is_the_history_oldest_first() public {
        // 1 % up: 10,000 millionths are 20 steps; then far down, clamped.
        record(1.01 ether);
        record(0.5 ether);
        uint256 word = vault.inputs()[0];
        assertEq(word >> (8 * 28) & 0xff, 128 + 20);
        assertEq(word >> (8 * 29) & 0xff, 0);
        for (uint256 i = 0; i < 28; ++i) {
            assertEq(word >> (8 * i) & 0xff, 128);
        }
        assertEq(word >> (8 * 30), 0);
    }

    function test_a_buy_signal_moves_a_tenth_of_the_ether() public {
        act(100, 110);
        assertEq(address(vault).balance, 9 ether);
        assertEq(exchange.balanceOf(address(vault)), 1 ether);
    }

    function test_a_sell_signal_moves_a_tenth_of_the_tokens() public {
        act(100, 110);
        record(2 ether);
        act(110, 100);
        assertEq(exchange.balanceOf(address(vault)), 0.9 ether);
        assertEq(address(vault).balance, 9.2 ether);
    }

    function test_a_narrow_lead_holds() public {
        act(100, 103);
        assertEq(address(vault).balance, 10 ether);
        assertEq(vault.actedInRound(), 31);
    }

    function test_one_round_moves_once() public {
        act(100, 110);
        (bytes memory proof, uint256[] memory instances) = inference(100, 110);
        vm.expectRevert(abi.encodeWithSelector(TradingSignal.ActedAlready.selector, 31));
        vault.submitInference(proof, instances);
    }

    function test_another_history_is_refused() public {
        (, uint256[] memory instances) = inference(100, 110);
        instances[1] += 1;
        bytes memory proof = verifier.prove(instances);
        vm.expectRevert(abi.encodeWithSelector(TradingSignal.WrongInputs.selector, 31));
        vault.submitInference(proof, instances);
    }

    function test_a_bad_price_is_refused() public {
        exchange.set(1 ether, 51);
        (bytes memory proof, uint256[] memory instances) = inference(100, 110);
        vm.expectPartialRevert(MockExchange.Slipped.selector);
        vault.submitInference(proof, instances);
    }

    function test_prices_are_recorded_once_per_period() public {
        vm.expectPartialRevert(TradingSignal.TooEarly.selector);
        vault.recordPrice();
        exchange.set(0, 0);
        skip(1 hours);
        vm.expectRevert(TradingSignal.PriceIsZero.selector);
        vault.recordPrice();
    }

    function test_a_short_history_gives_no_signal() public {
        TradingSignal young = new TradingSignal(vault.VERIFIER(), "signal", 1, exchange, address(this));
        vm.expectRevert(abi.encodeWithSelector(TradingSignal.NotEnoughPrices.selector, 0));
        young.inputs();
        vm.expectRevert(abi.encodeWithSelector(TradingSignal.NotEnoughPrices.selector, 0));
        young.lastPrice();
    }

    function test_a_vault_needs_a_beneficiary() public {
        IModelVerifier verifies = vault.VERIFIER();
        vm.expectRevert(TradingSignal.ZeroAddress.selector);
        new TradingSignal(verifies, "signal", 1, exchange, address(0));
    }

    function test_a_price_is_acted_on_for_a_period() public {
        (bytes memory proof, uint256[] memory instances) = inference(100, 110);
        skip(1 hours);
        vm.expectPartialRevert(TradingSignal.PriceIsOld.selector);
        vault.submitInference(proof, instances);
        vault.recordPrice();
        mine();
        (proof, instances) = inference(100, 110);
        skip(1 hours - 1);
        vault.submitInference(proof, instances);
    }

    function test_the_beneficiary_sells_everything_for_what_he_asks_at_least() public {
        act(100, 110);
        vm.expectPartialRevert(TradingSignal.NotBeneficiary.selector);
        vm.prank(account("stranger"));
        vault.sellAll(0);
        vm.expectPartialRevert(MockExchange.Slipped.selector);
        vault.sellAll(1 ether + 1);
        vault.sellAll(1 ether);
        assertEq(address(vault).balance, 10 ether);
    }

    function test_only_the_beneficiary_withdraws() public {
        vm.expectPartialRevert(TradingSignal.NotBeneficiary.selector);
        vm.prank(account("stranger"));
        vault.withdraw();
        uint256 before = address(this).balance;
        vault.withdraw();
        assertEq(address(this).balance, before + 10 ether);
    }

    // ── What stood open once: the price of a moment was recorded ──

    /// A pool of ether and tokens, which anybody can move, given the money for a moment.
    function flashLoan(uint256 amount) private returns (uint256 gained) {
        PoolExchange pool = new PoolExchange{value: 1000 ether}(1000 ether);
        TradingSignal victim = new TradingSignal(vault.VERIFIER(), "signal", 1, pool, address(this));
        vm.deal(address(victim), 100 ether);
        for (uint256 i = 0; i < 31; ++i) {
            skip(1 hours);
            victim.recordPrice();
            mine();
        }
        skip(1 hours);
        // All in one transaction, with money that is given back at its end.
        vm.deal(address(this), amount);
        uint256 tokens = pool.buy{value: amount}(0);
        victim.recordPrice();
        uint256[] memory made = new uint256[](3);
        (made[0], made[1], made[2]) = (victim.contextOf(address(this)), victim.inputs()[0], 100 + 256 * 110);
        try victim.submitInference(verifier.prove(made), made) {} catch {}
        assertEq(victim.lastPrice(), 1 ether);
        gained = pool.sell(tokens, 0);
        // The next block: what was recorded is the average, at which the pool does not trade while it is moved.
        mine();
        skip(12);
        vm.deal(address(this), amount);
        tokens = pool.buy{value: amount}(0);
        try victim.submitInference(verifier.prove(made), made) {
            assertTrue(address(victim).balance == 100 ether, "nothing is bought from a moved pool");
        } catch {}
        pool.sell(tokens, 0);
    }

    function testFuzz_a_flash_loan_earns_nothing(uint256 amount) public {
        amount = bound(amount, 10 ether, 10_000 ether);
        assertTrue(flashLoan(amount) <= amount, "no more than was put in");
    }

    function test_a_price_is_not_acted_on_in_its_own_block() public {
        skip(1 hours);
        vault.recordPrice();
        (bytes memory proof, uint256[] memory instances) = inference(100, 110);
        vm.expectPartialRevert(TradingSignal.RecordedInThisBlock.selector);
        vault.submitInference(proof, instances);
        mine();
        vault.submitInference(proof, instances);
    }

    function test_a_moment_does_not_move_the_recorded_price() public {
        skip(1 hours - 12);
        exchange.set(100 ether, 0);
        exchange.set(1 ether, 0);
        skip(12);
        exchange.set(100 ether, 0);
        vault.recordPrice();
        assertEq(vault.lastPrice(), 1 ether);
    }

    function testFuzz_no_signal_moves_more_than_a_tenth(uint8 down, uint8 up, uint64 price) public {
        act(100, 110);
        record(bound(price, 0.5 ether, 2 ether));
        uint256 tokens = exchange.balanceOf(address(vault));
        act(down, up);
        assertTrue(address(vault).balance >= 9 ether * 9 / 10, "at most a tenth of the ether");
        assertTrue(exchange.balanceOf(address(vault)) >= tokens * 9 / 10, "at most a tenth of the tokens");
    }
}

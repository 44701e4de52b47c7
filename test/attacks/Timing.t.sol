// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelClient} from "../../contracts/ModelClient.sol";
import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {CreditLending} from "../../contracts/examples/CreditLending.sol";
import {TradingSignal} from "../../contracts/examples/TradingSignal.sol";
import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {Tally} from "../BatchConsumer.t.sol";
import {PoolExchange} from "../examples/TradingSignal.t.sol";
import {Test} from "../Test.sol";
import {vm} from "../Vm.sol";

/// @notice Harm by coming earlier or later than was meant. The names say what stands now.
contract TimingTest is Test {
    bytes32 private constant MODEL = "model";

    ModelRegistry private registry;
    MockVerifier private older;
    MockVerifier private newer;
    Tally private tally;
    address private alice;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        (older, newer) = (new MockVerifier("older", 1, 1), new MockVerifier("newer", 1, 1));
        registry.addVersion(MODEL, older, "older", "");
        tally = new Tally(registry, MODEL, 0);
        alice = account("alice");
    }

    receive() external payable {}

    function inference(uint256 output) private view returns (bytes[] memory proofs, uint256[][] memory instances) {
        (proofs, instances) = (new bytes[](1), new uint256[][](1));
        instances[0] = new uint256[](3);
        (instances[0][0], instances[0][1], instances[0][2]) = (tally.contextOf(alice), 5, output);
    }

    function settle(uint256 version, MockVerifier verifier, uint256 output)
        private
        returns (bytes32 root, uint256[][] memory instances)
    {
        bytes[] memory proofs;
        (proofs, instances) = inference(output);
        proofs[0] = verifier.prove(instances[0]);
        root = tally.settleBatch(version, proofs, instances);
    }

    function claim(bytes32 root, uint256[][] memory instances) private {
        vm.prank(alice);
        tally.claimInference(root, instances[0], new bytes32[](0));
    }

    // ── Batches ──

    /// An old version's answer was kept for as long as it pleased whom it favours, where a proof would long be refused.
    function test_a_claim_waits_no_longer_than_a_proof() public {
        (bytes32 root, uint256[][] memory instances) = settle(0, older, 9);
        registry.addVersion(MODEL, newer, "newer", "");
        skip(1 days + 1);
        bytes memory proof = older.prove(instances[0]);
        vm.expectRevert(abi.encodeWithSelector(ModelClient.NotCurrentVersion.selector, 1));
        vm.prank(alice);
        tally.submitInferenceOf(1, proof, instances[0]);
        vm.expectPartialRevert(ModelClient.NotCurrentVersion.selector);
        claim(root, instances);
        (root, instances) = settle(0, newer, 9);
        claim(root, instances);
        assertEq(tally.said(alice), 9);
    }

    /// Anybody settles the same inferences once more, by the version before: they went with that one from then on.
    function test_a_batch_is_not_settled_down_to_an_older_version() public {
        registry.addVersion(MODEL, newer, "newer", "");
        (bytes32 root, uint256[][] memory instances) = settle(2, newer, 9);
        (bytes32 same,) = settle(1, older, 9);
        assertEq(same, root);
        registry.stopVersion(MODEL, 1);
        claim(root, instances);
        assertEq(tally.said(alice), 9);
    }

    function test_a_batch_of_a_version_that_is_withdrawn_is_settled_anew() public {
        registry.addVersion(MODEL, newer, "newer", "");
        (bytes32 root, uint256[][] memory instances) = settle(2, newer, 9);
        registry.stopVersion(MODEL, 2);
        settle(0, older, 9);
        assertEq(tally.batchVersion(root), 1);
        claim(root, instances);
        assertEq(tally.said(alice), 9);
    }

    // ── Versions ──

    /// While the newer version was stopped, proofs were made for the older; a resumption refused them all at once.
    function test_a_resumed_version_leaves_proofs_on_their_way_their_grace() public {
        registry.addVersion(MODEL, newer, "newer", "");
        registry.stopVersion(MODEL, 2);
        skip(30 days);
        (, uint256[][] memory instances) = inference(9);
        bytes memory proof = older.prove(instances[0]);
        registry.resumeVersion(MODEL, 2);
        assertTrue(registry.isCurrent(MODEL, 1) && registry.isCurrent(MODEL, 2), "both for a day");
        vm.prank(alice);
        tally.submitInferenceOf(1, proof, instances[0]);
        skip(1 days + 1);
        assertTrue(!registry.isCurrent(MODEL, 1) && registry.isCurrent(MODEL, 2), "the newer from then on");
    }

    // ── Lending ──

    /// Whoever saw a repayment coming lent for a moment, and had nearly all the interest.
    function test_interest_is_not_had_by_lending_for_a_moment() public {
        registry.addVersion("credit", new MockVerifier("credit", 1, 1), "credit", "");
        CreditLending pool = new CreditLending(registry, "credit", 1, address(this));
        (address lender, address rich) = (account("lender"), account("rich"));
        vm.deal(lender, 10 ether);
        vm.prank(lender);
        pool.deposit{value: 10 ether}();
        vm.deal(rich, 1000 ether);
        vm.prank(rich);
        uint256 shares = pool.deposit{value: 1000 ether}();
        // What a repayment brings.
        vm.deal(address(pool), address(pool).balance + 1 ether);
        vm.prank(rich);
        (bool ok,) = address(pool).call(abi.encodeCall(pool.withdraw, (shares)));
        assertTrue(!ok && rich.balance == 0, "the money stays for days, with its risk");
    }

    // ── Trading ──

    /// While nobody recorded prices the market moved away; the vault bought at what it last recorded.
    function test_an_old_price_bounds_no_trade() public {
        PoolExchange pool = new PoolExchange{value: 1000 ether}(1000 ether);
        MockVerifier signals = new MockVerifier("signal", 1, 1);
        registry.addVersion("signal", signals, "signal", "");
        TradingSignal vault = new TradingSignal(registry, "signal", 1, pool, address(this));
        vm.deal(address(vault), 10 ether);
        for (uint256 i = 0; i < 31; ++i) {
            skip(1 hours);
            vault.recordPrice();
            mine();
        }
        // The price halves and more; ten hours later somebody lifts it for a moment, to sell to the vault.
        pool.credit(address(this), 500 ether);
        uint256 received = pool.sell(500 ether, 0);
        skip(10 hours);
        uint256 tokens = pool.buy{value: received}(0);
        uint256[] memory made = new uint256[](3);
        (made[0], made[1], made[2]) = (vault.contextOf(address(this)), vault.inputs()[0], 100 + 256 * 110);
        try vault.submitInference(signals.prove(made), made) {} catch {}
        assertEq(address(vault).balance, 10 ether);
        pool.sell(tokens, 0);
    }

    /// The tokens of a vault whose model was withdrawn for good stayed in it for ever.
    function test_a_vault_without_a_model_gives_everything_back() public {
        PoolExchange pool = new PoolExchange{value: 1000 ether}(1000 ether);
        registry.addVersion("signal", new MockVerifier("signal", 1, 1), "signal", "");
        TradingSignal vault = new TradingSignal(registry, "signal", 1, pool, address(this));
        pool.credit(address(vault), 10 ether);
        registry.tombstoneVersion("signal", 1);
        (bool ok,) = address(vault).call(abi.encodeWithSignature("sellAll(uint256)", uint256(9 ether)));
        assertTrue(ok && pool.balanceOf(address(vault)) == 0, "sold");
        uint256 before = address(this).balance;
        vault.withdraw();
        assertTrue(address(this).balance >= before + 9 ether, "and paid out");
    }
}

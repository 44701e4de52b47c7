// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {Attested} from "./Attested.sol";
import {Proved} from "./Proved.sol";
import {Retrained} from "./Retrained.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";

contract {{ project.prefix }}ConsumerTest is Attested, Retrained {
    {{ project.prefix }}Consumer private pool;

    function setUp() public override(Proved, Retrained) {
        super.setUp();
        pool = {{ project.prefix }}Consumer(deploy(abi.encode(model, MODEL_ID, 0, vm.addr(ISSUER_KEY))));
        attesting = pool;
        vm.deal(address(pool), 2 ether);
    }

    function prepare() internal override {
        present(alice);
    }

    function approve() private {
        prepare();
        submit(alice);
    }

    function borrow() private {
        vm.prank(alice);
        pool.borrow();
    }

    function test_who_scores_high_enough_borrows_once_at_a_time() public {
        vm.expectPartialRevert({{ project.prefix }}Consumer.NotApproved.selector);
        borrow();
        approve();
        borrow();
        assertEq(alice.balance, pool.LOAN());
        vm.expectPartialRevert({{ project.prefix }}Consumer.Owes.selector);
        borrow();
        uint256 debt = pool.debts(alice);
        vm.deal(alice, debt);
        vm.prank(alice);
        pool.repay{value: debt}();
        borrow();
    }

    function test_an_approval_ends_with_what_it_rests_on() public {
        approve();
        assertTrue(pool.isApproved(alice), "approved");
        vm.prank(vm.addr(ISSUER_KEY));
        pool.revokeAttestation(alice, dataName(), 1);
        assertTrue(!pool.isApproved(alice), "not after the bank takes it back");
    }

    function test_an_approval_ends_when_other_weights_count() public {
        approve();
        name(bytes32(otherInstances[WEIGHTS]));
        assertTrue(!pool.isApproved(alice), "another model has not seen her");
        model.stopVersion(MODEL_ID, 2);
        assertTrue(pool.isApproved(alice), "the former counts again");
    }

    function test_nothing_outlasts_attestation_and_model() public {
        approve();
        vm.warp(EXPIRY - 1);
        assertTrue(pool.isApproved(alice), "approved to the last second");
        vm.warp(EXPIRY);
        assertTrue(!pool.isApproved(alice), "expired");
        vm.warp(1);
        withdrawModel();
        assertTrue(!pool.isApproved(alice), "without its model");
    }
}

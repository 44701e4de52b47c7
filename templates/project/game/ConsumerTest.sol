// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {IRequestConsumer} from "zkverdict/interfaces/IRequestConsumer.sol";
import {GameAgent} from "zkverdict/examples/GameAgent.sol";
import {Proved} from "./Proved.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";

/// @notice The proof is of the model's answer to a stone in the first column, by `alice` as operator.
contract {{ project.prefix }}ConsumerTest is Proved {
    {{ project.prefix }}Consumer private game;
    address private player;

    function setUp() public override {
        super.setUp();
        game = {{ project.prefix }}Consumer(deploy(abi.encode(model, MODEL_ID, 1)));
        game.fund{value: 1 ether}();
        player = account("player");
        vm.deal(player, 1 ether);
        uint256 stake = game.STAKE();
        vm.prank(player);
        game.start{value: stake}();
        play(0);
    }

    function play(uint256 column) private {
        vm.prank(player);
        game.play(0, column);
    }

    function submit(address operator) internal override {
        vm.prank(operator);
        game.answerInference(0, proof, instances);
    }

    function test_the_house_plays_what_the_model_says() public {
        vm.expectPartialRevert(GameAgent.WrongState.selector);
        play(1);
        submit(alice);
        (,,,, uint128 house) = game.games(0);
        assertEq(house, {{ project.answer }} == 0 ? 2 : 2 ** (9 * {{ project.answer }}));
        play(1);
        // Each request is answered once.
        vm.expectPartialRevert(IRequestConsumer.NotOpen.selector);
        submit(alice);
    }

    function test_a_proof_is_its_operators() public {
        vm.expectPartialRevert(IRequestConsumer.WrongContext.selector);
        submit(account("mallory"));
    }

    function test_another_board_is_not_answered() public {
        instances[1] ^= 1;
        vm.expectPartialRevert(IRequestConsumer.WrongInputs.selector);
        submit(alice);
    }

    function test_a_house_that_does_not_answer_loses() public {
        skip(game.MOVE_TIME() + 1);
        game.claimTimeout(0);
        assertEq(game.winnings(player), 2 * game.STAKE());
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {GameAgent} from "../../contracts/examples/GameAgent.sol";
import {IRequestConsumer} from "../../contracts/interfaces/IRequestConsumer.sol";
import {Test} from "../Test.sol";
import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {vm} from "../Vm.sol";

contract GameAgentTest is Test {
    ModelRegistry private registry;
    MockVerifier private verifier;
    GameAgent private game;
    address private player;
    address private operator;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        verifier = new MockVerifier("game", 3, 1);
        registry.addVersion("game", verifier, "game", "");
        game = new GameAgent(registry, "game", 1);
        player = account("player");
        operator = account("operator");
        vm.deal(player, 1 ether);
        game.fund{value: 0.1 ether}();
        vm.prank(player);
        game.start{value: 0.01 ether}();
    }

    receive() external payable {}

    function play(uint256 column) private {
        vm.prank(player);
        game.play(0, column);
    }

    function inference(uint256 gameId, uint256 requestId, uint256 outputs)
        private
        view
        returns (bytes memory proof, uint256[] memory made)
    {
        uint256[] memory board = game.board(gameId);
        made = new uint256[](5);
        made[0] = game.contextOf(operator, requestId);
        (made[1], made[2], made[3], made[4]) = (board[0], board[1], board[2], outputs);
        proof = verifier.prove(made);
    }

    function answer(uint256 outputs) private {
        answerIn(0, outputs);
    }

    function answerIn(uint256 gameId, uint256 outputs) private {
        uint256 requestId = game.requestCount() - 1;
        (bytes memory proof, uint256[] memory instances) = inference(gameId, requestId, outputs);
        vm.prank(operator);
        game.answerInference(requestId, proof, instances);
    }

    /// Outputs whose greatest is a column's.
    function prefer(uint256 column) private pure returns (uint256) {
        return 200 * 256 ** column;
    }

    function stateOf(uint256 gameId) private view returns (GameAgent.State state) {
        (, state,,,) = game.games(gameId);
    }

    function cell(uint256 column, uint256 row) private view returns (uint256) {
        uint256 index = 8 * column + row;
        return game.board(0)[index / 31] >> (8 * (index % 31)) & 0xff;
    }

    function test_the_house_plays_what_the_model_says() public {
        play(3);
        assertEq(cell(3, 0), 0x40);
        answer(prefer(3));
        assertEq(cell(3, 1), 0xc0);
        assertEq(cell(0, 0), 0x80);
        assertTrue(stateOf(0) == GameAgent.State.PlayerToMove, "the player is next");
    }

    function test_the_player_wins_a_column_and_takes_both_stakes() public {
        for (uint256 i = 0; i < 3; ++i) {
            play(0);
            answer(prefer(i + 2));
        }
        play(0);
        assertTrue(stateOf(0) == GameAgent.State.PlayerWon, "four in a column");
        assertEq(game.winnings(player), 0.02 ether);
        vm.prank(player);
        game.withdraw();
        assertEq(player.balance, 1.01 ether);
    }

    function test_the_house_wins_a_row() public {
        uint256[4] memory moves = [uint256(0), 0, 7, 7];
        for (uint256 i = 0; i < 4; ++i) {
            play(moves[i]);
            answer(prefer(i + 2));
        }
        assertTrue(stateOf(0) == GameAgent.State.HouseWon, "four in a row");
        assertEq(game.bankroll(), 0.11 ether);
        game.defund(0.11 ether);
        assertEq(game.bankroll(), 0);
    }

    function test_a_diagonal_wins() public {
        // The player gets (0,0), (1,1), (2,2), (3,3); what lies below is filled on the way.
        uint256[5] memory moves = [uint256(0), 1, 3, 2, 3];
        uint256[5] memory house = [uint256(1), 2, 2, 3, 7];
        for (uint256 i = 0; i < 5; ++i) {
            play(moves[i]);
            answer(prefer(house[i]));
        }
        play(3);
        assertTrue(stateOf(0) == GameAgent.State.PlayerWon, "four along a diagonal");
    }

    function test_full_columns_are_illegal_for_both() public {
        for (uint256 i = 0; i < 4; ++i) {
            play(5);
            answer(prefer(5));
        }
        vm.expectRevert(abi.encodeWithSelector(GameAgent.IllegalColumn.selector, 5));
        play(5);
        vm.expectRevert(abi.encodeWithSelector(GameAgent.IllegalColumn.selector, 8));
        play(8);
        play(4);
        // The model prefers the full column; the next best is played.
        answer(prefer(5) | 100 * 256 ** 6);
        assertEq(cell(6, 0), 0xc0);
    }

    function test_a_line_does_not_run_from_one_column_into_the_next() public {
        // The player gets the two upper cells of column 0 and the two lower ones of column 1.
        uint256[7] memory moves = [uint256(0), 0, 0, 0, 0, 1, 1];
        uint256[7] memory house = [uint256(0), 0, 0, 5, 5, 6, 6];
        for (uint256 i = 0; i < 7; ++i) {
            play(moves[i]);
            answer(prefer(house[i]));
        }
        assertEq(cell(0, 7), 0x40);
        assertEq(cell(1, 1), 0x40);
        assertTrue(stateOf(0) == GameAgent.State.PlayerToMove, "nobody has won");
    }

    function test_a_full_board_without_a_line_is_a_draw() public {
        bytes memory columns = "1714173145510415775102134266367075072454533225203666327326464000";
        for (uint256 move = 0; move < 64; move += 2) {
            play(uint8(columns[move]) - 48);
            assertTrue(stateOf(0) == GameAgent.State.HouseToMove, "the house has the last move");
            answer(prefer(uint8(columns[move + 1]) - 48));
        }
        assertTrue(stateOf(0) == GameAgent.State.Drawn, "no cell is left");
        assertEq(game.winnings(player), 0.01 ether);
        assertEq(game.bankroll(), 0.1 ether);
    }

    function test_a_move_on_another_board_is_refused() public {
        play(3);
        (, uint256[] memory instances) = inference(0, 0, prefer(0));
        instances[1] += 1;
        bytes memory proof = verifier.prove(instances);
        vm.expectRevert(abi.encodeWithSelector(IRequestConsumer.WrongInputs.selector, 0));
        vm.prank(operator);
        game.answerInference(0, proof, instances);
    }

    function test_a_house_that_does_not_answer_loses() public {
        play(3);
        vm.expectPartialRevert(GameAgent.TooEarly.selector);
        game.claimTimeout(0);
        skip(1 hours + 1);
        (bytes memory proof, uint256[] memory instances) = inference(0, 0, prefer(0));
        game.claimTimeout(0);
        assertTrue(stateOf(0) == GameAgent.State.PlayerWon, "by timeout");
        vm.expectPartialRevert(GameAgent.WrongState.selector);
        vm.prank(operator);
        game.answerInference(0, proof, instances);
        vm.expectPartialRevert(GameAgent.WrongState.selector);
        game.claimTimeout(0);
    }

    function test_a_player_who_does_not_move_loses() public {
        skip(1 hours + 1);
        vm.expectPartialRevert(GameAgent.TooLate.selector);
        play(0);
        game.claimTimeout(0);
        assertTrue(stateOf(0) == GameAgent.State.HouseWon, "by timeout");
    }

    function test_turns_stakes_and_money_are_respected() public {
        vm.expectPartialRevert(GameAgent.NotPlayer.selector);
        game.play(0, 0);
        play(0);
        vm.expectPartialRevert(GameAgent.WrongState.selector);
        play(0);
        vm.expectPartialRevert(GameAgent.WrongStake.selector);
        game.start{value: 1}();
        vm.expectPartialRevert(GameAgent.NotHouseOwner.selector);
        vm.prank(player);
        game.defund(1);
        game.defund(game.bankroll());
        vm.expectPartialRevert(GameAgent.BankrollTooSmall.selector);
        game.start{value: 0.01 ether}();
    }

    // ── What stood open once ──

    function isVoid(uint256 gameId) private view returns (bool) {
        return stateOf(gameId) == GameAgent.State.Void;
    }

    function test_a_stop_voids_games_and_costs_the_house_nothing() public {
        play(3);
        vm.expectRevert(GameAgent.ModelUsable.selector);
        game.voidGame(0);
        registry.stopVersion("game", 1);
        skip(1 hours + 1);
        game.claimTimeout(0);
        assertTrue(isVoid(0), "the house could not answer");
        assertEq(game.bankroll(), 0.1 ether);
        assertEq(game.winnings(player), 0.01 ether);
        vm.expectRevert(GameAgent.ModelUnusable.selector);
        vm.prank(player);
        game.start{value: 0.01 ether}();
        vm.expectPartialRevert(GameAgent.WrongState.selector);
        game.voidGame(0);
    }

    function test_a_stopped_game_is_void_before_the_model_goes_on() public {
        play(3);
        registry.stop();
        game.voidGame(0);
        registry.resume();
        assertTrue(isVoid(0), "at once");
        assertEq(game.bankroll() + game.winnings(player), address(game).balance);
    }

    /// One winning line against a model that answers the same to the same board, again and again.
    function test_a_winning_line_pays_once() public {
        for (uint256 round = 0; round < 5; ++round) {
            if (round != 0) {
                vm.prank(player);
                game.start{value: 0.01 ether}();
            }
            for (uint256 i = 0; i < 3; ++i) {
                vm.prank(player);
                game.play(round, 0);
                answerIn(round, prefer(i + 2));
            }
            vm.prank(player);
            game.play(round, 0);
            assertTrue(
                stateOf(round) == (round == 0 ? GameAgent.State.PlayerWon : GameAgent.State.Drawn),
                "the first time alone"
            );
        }
        assertEq(game.bankroll(), 0.09 ether);
    }

    function test_a_day_has_so_many_games() public {
        for (uint256 i = 1; i < 20; ++i) {
            game.fund{value: 0.01 ether}();
            vm.prank(player);
            game.start{value: 0.01 ether}();
        }
        vm.expectPartialRevert(GameAgent.TooManyGames.selector);
        vm.prank(player);
        game.start{value: 0.01 ether}();
        skip(1 days);
        vm.prank(player);
        game.start{value: 0.01 ether}();
    }

    /// Plays at random to the end; every ether stays accounted for.
    function testFuzz_money_is_conserved(uint256 seed) public {
        for (uint256 i = 0; stateOf(0) == GameAgent.State.PlayerToMove; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            vm.prank(player);
            try game.play(0, seed % 8) {}
            catch {
                continue;
            }
            if (stateOf(0) == GameAgent.State.HouseToMove) answer(seed >> 8);
        }
        assertEq(game.bankroll() + game.winnings(player), address(game).balance);
    }
}

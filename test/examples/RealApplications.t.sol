// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {ContentNft} from "../../contracts/examples/ContentNft.sol";
import {CreditLending} from "../../contracts/examples/CreditLending.sol";
import {GameAgent} from "../../contracts/examples/GameAgent.sol";
import {TradingSignal} from "../../contracts/examples/TradingSignal.sol";
import {IHalo2Verifier} from "../../contracts/interfaces/IHalo2Verifier.sol";
import {IRequestConsumer} from "../../contracts/interfaces/IRequestConsumer.sol";
import {PackedTensor} from "../../contracts/libraries/PackedTensor.sol";
import {Fixtures} from "../Fixtures.sol";
import {vm} from "../Vm.sol";
import {CreditVerifier} from "../fixtures/verifiers/CreditVerifier.sol";
import {DigitsVerifier} from "../fixtures/verifiers/DigitsVerifier.sol";
import {SignalVerifier} from "../fixtures/verifiers/SignalVerifier.sol";
import {MockExchange} from "./TradingSignal.t.sol";

/// @notice Each application acts on a proof of a real model, once, and on no other.
contract RealApplicationsTest is Fixtures {
    using PackedTensor for uint256[];

    ModelRegistry private registry;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        registry.addVersion("credit", IHalo2Verifier(address(new CreditVerifier())), load("lending").vkDigest, "");
        registry.addVersion("signal", IHalo2Verifier(address(new SignalVerifier())), load("signal").vkDigest, "");
        registry.addVersion("digits", IHalo2Verifier(address(new DigitsVerifier())), load("digits").vkDigest, "");
    }

    function test_lending() public {
        address attester = account("attester");
        CreditLending pool = CreditLending(place(address(new CreditLending(registry, "credit", 1, attester)), "pool"));
        pool.deposit{value: 10 ether}();
        address borrower = account("borrower");
        Proof memory made = load("lending");

        vm.expectPartialRevert(CreditLending.NotAttested.selector);
        vm.prank(borrower);
        pool.submitInference(made.proof, made.instances);

        vm.prank(attester);
        pool.attest(borrower, keccak256(abi.encodePacked(made.instances[1])), type(uint64).max);
        vm.prank(borrower);
        pool.submitInference(made.proof, made.instances);
        vm.snapshotGasLastCall("examples", "CreditLending.submitInference");
        (uint128 limit,,,,) = pool.credits(borrower);
        assertEq(limit, (made.instances[2] - 127) * 0.01 ether);
        vm.prank(borrower);
        pool.borrow(limit);
        assertEq(borrower.balance, limit);
    }

    function test_trading() public {
        MockExchange exchange = new MockExchange();
        address payable made =
            payable(place(address(new TradingSignal(registry, "signal", 1, exchange, address(this))), "vault"));
        TradingSignal vault = TradingSignal(made);
        vm.deal(address(vault), 10 ether);
        vm.prank(address(vault));
        exchange.buy{value: 5 ether}(0);
        for (uint256 i = 0; i < 31; ++i) {
            skip(1 hours);
            vault.recordPrice();
        }
        mine();
        Proof memory signal = load("signal");
        vm.prank(account("keeper"));
        vault.submitInference(signal.proof, signal.instances);
        vm.snapshotGasLastCall("examples", "TradingSignal.submitInference");
        // On prices that do not move, this model says sell.
        assertEq(exchange.balanceOf(address(vault)), 4.5 ether);
        assertEq(address(vault).balance, 5.5 ether);
    }

    function test_game() public {
        GameAgent game = GameAgent(place(address(new GameAgent(registry, "digits", 1)), "game"));
        game.fund{value: 1 ether}();
        address player = account("player");
        vm.deal(player, 1 ether);
        vm.startPrank(player);
        game.start{value: 0.01 ether}();
        game.play(0, 3);
        vm.stopPrank();

        Proof memory move = load("game");
        vm.expectPartialRevert(IRequestConsumer.WrongContext.selector);
        game.answerInference(0, move.proof, move.instances);
        vm.prank(account("operator"));
        game.answerInference(0, move.proof, move.instances);
        vm.snapshotGasLastCall("examples", "GameAgent.answerInference");
        uint256 column = this.bestColumn(move.instances);
        uint256 cell = 8 * column + (column == 3 ? 1 : 0);
        uint256[] memory board = game.board(0);
        assertEq(board[cell / 31] >> (8 * (cell % 31)) & 0xff, 0xc0);
        vm.expectPartialRevert(IRequestConsumer.NotOpen.selector);
        vm.prank(account("operator"));
        game.answerInference(0, move.proof, move.instances);
    }

    function bestColumn(uint256[] calldata instances) external pure returns (uint256) {
        return instances.argmax(4, 8);
    }

    function test_content() public {
        Proof memory made = load("content");
        bytes memory prompt = this.unpack(made.instances, 1, 64);
        bytes memory content = this.unpack(made.instances, 4, 10);
        ContentNft nft = ContentNft(place(address(new ContentNft(registry, "digits", 1, 64, 10)), "nft"));
        bytes32 commitment = nft.commitmentOf(address(this), prompt, "salt");
        nft.commit(commitment);
        mine();
        uint256 tokenId = nft.claim(prompt, "salt");
        assertEq(made.instances[0], nft.contextOf(tokenId));
        nft.addAigcData(tokenId, prompt, content, made.proof);
        vm.snapshotGasLastCall("examples", "ContentNft.addAigcData");
        assertEq(nft.contentHash(tokenId), keccak256(content));
        content[0] ^= 0x01;
        assertTrue(!nft.verify(prompt, content, made.proof), "no other content");
    }

    function unpack(uint256[] calldata instances, uint256 first, uint256 length) external pure returns (bytes memory) {
        return instances.unpack(first, length);
    }

    function onERC721Received(address, address, uint256, bytes calldata) external pure returns (bytes4) {
        return this.onERC721Received.selector;
    }
}

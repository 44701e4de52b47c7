// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {ContentNft} from "../../contracts/examples/ContentNft.sol";
import {CreditLending} from "../../contracts/examples/CreditLending.sol";
import {GameAgent} from "../../contracts/examples/GameAgent.sol";
import {TradingSignal} from "../../contracts/examples/TradingSignal.sol";
import {PackedTensor} from "../../contracts/libraries/PackedTensor.sol";
import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {Handler, InvariantTest} from "./Handler.sol";
import {vm} from "../Vm.sol";
import {MockExchange} from "../examples/TradingSignal.t.sol";

/// @notice Borrows, repays, defaults, lends and withdraws, and keeps its own books.
contract LendingHandler is Handler {
    ModelRegistry public immutable REGISTRY = new ModelRegistry(address(this));
    MockVerifier public immutable VERIFIER = new MockVerifier("credit", 1, 1);
    CreditLending public immutable POOL;
    /// What lenders put in and borrowers paid back, less what both took out.
    uint256 public booked;

    constructor() {
        REGISTRY.addVersion("credit", VERIFIER, "credit", "");
        POOL = new CreditLending(REGISTRY, "credit", 1, address(this));
    }

    function who(uint256 seed) public pure returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast) one of four small numbers
        return address(uint160(0xb0 + seed % 4));
    }

    function attest(uint256 seed, uint32 lasts) external {
        bytes32 inputs = keccak256(abi.encodePacked(uint256(7)));
        POOL.attest(who(seed), inputs, uint64(vm.getBlockTimestamp()) + lasts % 60 days);
    }

    function prove(uint256 seed, uint8 score) external {
        uint256[] memory made = new uint256[](3);
        (made[0], made[1], made[2]) = (POOL.contextOf(who(seed)), 7, score);
        bytes memory proof = VERIFIER.prove(made);
        vm.prank(who(seed));
        try POOL.submitInference(proof, made) {} catch {}
    }

    function deposit(uint256 seed, uint96 amount) external {
        vm.deal(who(seed), amount);
        vm.prank(who(seed));
        try POOL.deposit{value: amount}() {
            booked += amount;
        } catch {}
    }

    function announce(uint256 seed) external {
        vm.prank(who(seed));
        POOL.announceExit();
        skip(3 days);
    }

    function withdraw(uint256 seed, uint256 part) external {
        uint256 burned = bound(part, 0, POOL.shares(who(seed)));
        vm.prank(who(seed));
        try POOL.withdraw(burned) returns (uint256 amount) {
            booked -= amount;
        } catch {}
    }

    function borrow(uint256 seed, uint64 amount) external {
        (uint128 limit,,,,) = POOL.credits(who(seed));
        (bytes32 inputs, uint64 expires) = POOL.attestations(who(seed));
        bool usable = REGISTRY.isUsable("credit", 1);
        vm.prank(who(seed));
        try POOL.borrow(amount) {
            booked -= amount;
            check(amount <= limit && inputs != 0 && expires > vm.getBlockTimestamp() && usable, "on a living line");
        } catch {}
    }

    function repay(uint256 seed) external {
        (,, uint128 debt,,) = POOL.credits(who(seed));
        vm.deal(who(seed), debt);
        vm.prank(who(seed));
        try POOL.repay{value: debt}() {
            booked += debt;
        } catch {}
    }

    function writeOff(uint256 seed) external {
        try POOL.writeOff(who(seed)) {} catch {}
    }

    function stopAll(bool on) external {
        if (on) REGISTRY.stop();
        else REGISTRY.resume();
    }

    function wait(uint32 duration) external {
        skip(duration % 40 days);
    }
}

/// @notice Plays any column at any time, answers anything, and stops the model now and then.
contract GameHandler is Handler {
    ModelRegistry public immutable REGISTRY = new ModelRegistry(address(this));
    MockVerifier public immutable VERIFIER = new MockVerifier("game", 3, 1);
    GameAgent public immutable GAME;

    constructor() {
        REGISTRY.addVersion("game", VERIFIER, "game", "");
        GAME = new GameAgent(REGISTRY, "game", 1);
    }

    receive() external payable {}

    function who(uint256 seed) public pure returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast) one of two small numbers
        return address(uint160(0xc0 + seed % 2));
    }

    function fund(uint64 amount) external {
        vm.deal(address(this), amount);
        GAME.fund{value: amount}();
    }

    function defund(uint64 amount) external {
        try GAME.defund(amount) {} catch {}
    }

    function start(uint256 seed) external {
        vm.deal(who(seed), 0.01 ether);
        vm.prank(who(seed));
        try GAME.start{value: 0.01 ether}() {} catch {}
    }

    function play(uint256 seed, uint256 column, uint256 outputs) external {
        if (GAME.gameCount() == 0) return;
        uint256 gameId = seed % GAME.gameCount();
        (address player,,,,) = GAME.games(gameId);
        vm.prank(player);
        try GAME.play(gameId, column % 9) {} catch {}
        (, GameAgent.State state,,,) = GAME.games(gameId);
        if (state != GameAgent.State.HouseToMove || outputs % 5 == 0) return;
        uint256 requestId = GAME.requestCount() - 1;
        uint256[] memory board = GAME.board(gameId);
        uint256[] memory made = new uint256[](5);
        made[0] = GAME.contextOf(address(this), requestId);
        (made[1], made[2], made[3], made[4]) = (board[0], board[1], board[2], outputs >> 8);
        bytes memory proof = VERIFIER.prove(made);
        try GAME.answerInference(requestId, proof, made) {} catch {}
    }

    function end(uint256 seed, bool void_) external {
        if (GAME.gameCount() == 0) return;
        uint256 gameId = seed % GAME.gameCount();
        if (void_) try GAME.voidGame(gameId) {} catch {} else try GAME.claimTimeout(gameId) {} catch {}
    }

    function withdraw(uint256 seed) external {
        vm.prank(who(seed));
        GAME.withdraw();
    }

    function stopAll(bool on) external {
        if (on) REGISTRY.stop();
        else REGISTRY.resume();
    }

    function wait(uint32 duration) external {
        skip(duration % 2 hours);
    }
}

/// @notice Moves the exchange's price, records it and acts on any signal.
contract VaultHandler is Handler {
    ModelRegistry public immutable REGISTRY = new ModelRegistry(address(this));
    MockVerifier public immutable VERIFIER = new MockVerifier("signal", 1, 1);
    MockExchange public immutable EXCHANGE = new MockExchange();
    TradingSignal public immutable VAULT;

    constructor() {
        REGISTRY.addVersion("signal", VERIFIER, "signal", "");
        VAULT = new TradingSignal(REGISTRY, "signal", 1, EXCHANGE, address(this));
        vm.deal(address(VAULT), 100 ether);
        vm.deal(address(EXCHANGE), 1000 ether);
        for (uint256 i = 0; i < 31; ++i) {
            record(1);
        }
    }

    function record(uint32 more) public {
        skip(1 hours + more % 1 hours);
        VAULT.recordPrice();
        if (more % 4 != 0) mine();
    }

    function move(uint64 price, uint8 slippage) external {
        EXCHANGE.set(bound(price, 0.5 ether, 2 ether), slippage % 200);
    }

    function act(uint8 down, uint8 up) external {
        uint256[] memory made = new uint256[](3);
        (made[0], made[1], made[2]) = (VAULT.contextOf(address(this)), VAULT.inputs()[0], down + 256 * uint256(up));
        bytes memory proof = VERIFIER.prove(made);
        (uint256 wealth, uint256 tokens, uint256 price) =
            (address(VAULT).balance, EXCHANGE.balanceOf(address(VAULT)), VAULT.lastPrice());
        try VAULT.submitInference(proof, made) {
            (uint256 now_, uint256 held) = (address(VAULT).balance, EXCHANGE.balanceOf(address(VAULT)));
            check(now_ >= wealth - wealth / 10 && held >= tokens - tokens / 10, "a tenth at most");
            // Worth by the recorded price, less half a percent of what moved, and rounding.
            uint256 moved = wealth > now_ ? wealth - now_ : (tokens - held) * price / 1 ether;
            check(
                now_ + held * price / 1 ether + moved * 51 / 10_000 + 10 >= wealth + tokens * price / 1 ether,
                "at the recorded price, nearly"
            );
        } catch {}
    }
}

/// @notice Claims prompts and adds content, right and wrong.
contract ContentHandler is Handler {
    ModelRegistry public immutable REGISTRY = new ModelRegistry(address(this));
    MockVerifier public immutable VERIFIER = new MockVerifier("content", 1, 1);
    ContentNft public immutable NFT;
    uint256[] public tokens;
    mapping(uint256 tokenId => bytes) public first;

    constructor() {
        REGISTRY.addVersion("content", VERIFIER, "content", "");
        NFT = new ContentNft(REGISTRY, "content", 1, 2, 3);
    }

    function count() external view returns (uint256) {
        return tokens.length;
    }

    function claim(uint8 a, bool early) external {
        bytes memory prompt = abi.encodePacked(a % 4, uint8(0));
        NFT.commit(NFT.commitmentOf(address(this), prompt, "salt"));
        if (!early) mine();
        try NFT.claim(prompt, "salt") returns (uint256 tokenId) {
            tokens.push(tokenId);
        } catch {}
    }

    function addContent(uint8 a, bytes3 content, bool forged) external {
        bytes memory prompt = abi.encodePacked(a % 4, uint8(0));
        uint256 tokenId = NFT.tokenIdOf(prompt);
        uint256[] memory made = new uint256[](3);
        made[0] = NFT.contextOf(tokenId);
        made[1] = PackedTensor.pack(prompt)[0];
        made[2] = PackedTensor.pack(abi.encodePacked(content))[0];
        bytes memory proof = forged ? bytes("") : VERIFIER.prove(made);
        try NFT.addAigcData(tokenId, prompt, abi.encodePacked(content), proof) {
            check(!forged && first[tokenId].length == 0, "once, with a proof");
            first[tokenId] = abi.encodePacked(content);
        } catch {}
    }

    function onERC721Received(address, address, uint256, bytes calldata) external pure returns (bytes4) {
        return this.onERC721Received.selector;
    }
}

contract LendingInvariantTest is InvariantTest {
    LendingHandler private handler = new LendingHandler();

    function target() internal view override returns (Handler) {
        return handler;
    }

    function invariant_no_ether_leaves_but_by_the_rules() public view {
        CreditLending pool = handler.POOL();
        assertEq(address(pool).balance, handler.booked());
        uint256 shares = 0;
        uint256 lent = 0;
        for (uint256 i = 0; i < 4; ++i) {
            shares += pool.shares(handler.who(i));
            (, uint128 principal,, uint64 due,) = pool.credits(handler.who(i));
            if (due != type(uint64).max) lent += principal;
        }
        assertEq(pool.totalShares(), shares);
        assertEq(pool.lent(), lent);
    }
}

contract GameInvariantTest is InvariantTest {
    GameHandler private handler = new GameHandler();

    function target() internal view override returns (Handler) {
        return handler;
    }

    function invariant_every_stake_is_somebodys() public view {
        GameAgent game = handler.GAME();
        uint256 owed = game.bankroll() + game.winnings(handler.who(0)) + game.winnings(handler.who(1));
        for (uint256 i = 0; i < game.gameCount(); ++i) {
            (, GameAgent.State state,, uint128 player, uint128 house) = game.games(i);
            if (state == GameAgent.State.PlayerToMove || state == GameAgent.State.HouseToMove) {
                owed += 2 * game.STAKE();
            }
            assertEq(player & house, 0);
        }
        assertEq(address(game).balance, owed);
    }
}

contract VaultInvariantTest is InvariantTest {
    VaultHandler private handler = new VaultHandler();

    function target() internal view override returns (Handler) {
        return handler;
    }

    function invariant_the_vault_acts_once_in_a_round() public view {
        assertTrue(handler.VAULT().actedInRound() <= handler.VAULT().rounds(), "never ahead");
    }
}

contract ContentInvariantTest is InvariantTest {
    ContentHandler private handler = new ContentHandler();

    function target() internal view override returns (Handler) {
        return handler;
    }

    function invariant_content_never_changes() public view {
        ContentNft nft = handler.NFT();
        for (uint256 i = 0; i < handler.count(); ++i) {
            uint256 tokenId = handler.tokens(i);
            assertEq(keccak256(nft.contentOf(tokenId)), keccak256(handler.first(tokenId)));
            assertEq(nft.ownerOf(tokenId), address(handler));
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {RequestConsumer} from "../RequestConsumer.sol";
import {IModelVerifier} from "../interfaces/IModelVerifier.sol";
import {PackedTensor} from "../libraries/PackedTensor.sol";

/// @title Four in a row on eight columns, against a model
/// @notice The house must play what the model says: each of the player's moves asks for an inference on the board, and
/// only a proved answer moves the house. A house that does not answer in time loses, unless it could not: when the model
/// is stopped, games are void and stakes go back.
///
/// The model is public and gives one answer to each board, so whoever finds a line that beats it can play that line again,
/// and one close to it. So a final position pays once, ever, and on any day only so many games begin: that bounds what
/// the house can lose before its owner sees it.
/// @dev The model takes 64 cells (column after column, bottom first) and gives at least 8 outputs, one per column; the
/// house plays the legal column with the greatest.
contract GameAgent is RequestConsumer {
    using PackedTensor for uint256[];
    using PackedTensor for bytes;

    /// @notice Whose turn it is, or how it ended.
    enum State {
        None,
        PlayerToMove,
        HouseToMove,
        PlayerWon,
        HouseWon,
        Drawn,
        Void
    }

    /// @notice A game. Each side's stones are a set of bits: row r of column c is bit 9·c + r, and the ninth bit of
    /// a column stays empty, so that no line runs over the edge.
    struct Game {
        address player;
        State state;
        uint64 deadline;
        uint128 playerStones;
        uint128 houseStones;
    }

    /// @notice Columns, and rows.
    uint256 public constant SIZE = 8;
    /// @notice What a game costs; the winner takes both sides' stakes.
    uint256 public constant STAKE = 0.01 ether;
    /// @notice Seconds for a move.
    uint64 public constant MOVE_TIME = 1 hours;
    /// @notice Games that may begin on one day: the house loses at most as many stakes in it.
    uint256 public constant GAMES_PER_DAY = 20;
    /// @notice Bytes that the model sees for a cell: int8 0, 64 and -64.
    bytes1 private constant EMPTY = 0x80;
    bytes1 private constant HOUSE = 0xc0;
    bytes1 private constant PLAYER = 0x40;

    /// @notice Owns the house's money.
    address public immutable HOUSE_OWNER;

    /// @notice All games.
    mapping(uint256 gameId => Game) public games;
    /// @notice Number of games.
    uint256 public gameCount;
    /// @notice The house's money that no game needs.
    uint256 public bankroll;
    /// @notice What winners can withdraw.
    mapping(address player => uint256) public winnings;

    /// @notice Games that began, by day since 1970.
    mapping(uint256 day => uint256) public gamesOn;
    /// @notice Whether a player has been paid for this final position.
    mapping(bytes32 position => bool) public isPaid;

    mapping(uint256 requestId => uint256 gameId) private _gameOf;

    /// @notice A game has begun.
    event GameStarted(uint256 indexed gameId, address indexed player);
    /// @notice A stone fell into a column.
    event Moved(uint256 indexed gameId, bool house, uint256 column);
    /// @notice A game is over.
    event GameEnded(uint256 indexed gameId, State state);
    /// @notice The house has added money, or taken some out.
    event BankrollChanged(uint256 bankroll);

    /// @notice A game costs one stake.
    error WrongStake(uint256 found, uint256 expected);
    /// @notice The house cannot match the stake.
    error BankrollTooSmall(uint256 bankroll);
    /// @notice Only the house's owner takes its money out.
    error NotHouseOwner(address caller);
    /// @notice It is somebody else's game.
    error NotPlayer(address caller);
    /// @notice It is the other side's turn, or the game is over.
    error WrongState(State found);
    /// @notice The column is full, or is none.
    error IllegalColumn(uint256 column);
    /// @notice The other side may still move.
    error TooEarly(uint64 deadline);
    /// @notice The time for this move is over.
    error TooLate(uint64 deadline);
    /// @notice No more games begin on this day.
    error TooManyGames(uint256 day);
    /// @notice The model is not stopped, so the game goes on.
    error ModelUsable();
    /// @notice The model is stopped, so the house could not answer.
    error ModelUnusable();
    /// @notice The receiver refuses ether.
    error TransferFailed(address to);

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model that plays for the house.
    /// @param version Its version; 0 follows the newest.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version) RequestConsumer(verifier, modelId, version) {
        HOUSE_OWNER = msg.sender;
    }

    // ── The player ──

    /// @notice Starts a game; the player moves first.
    function start() external payable returns (uint256 gameId) {
        if (msg.value != STAKE) revert WrongStake(msg.value, STAKE);
        if (bankroll < STAKE) revert BankrollTooSmall(bankroll);
        if (!VERIFIER.isUsable(_MODEL, _VERSION)) revert ModelUnusable();
        uint256 day = block.timestamp / 1 days;
        if (gamesOn[day]++ == GAMES_PER_DAY) revert TooManyGames(day);
        bankroll -= STAKE;
        gameId = gameCount++;
        games[gameId] = Game(msg.sender, State.PlayerToMove, uint64(block.timestamp) + MOVE_TIME, 0, 0);
        emit GameStarted(gameId, msg.sender);
    }

    /// @notice Drops a stone and asks for the house's answer.
    function play(uint256 gameId, uint256 column) external {
        Game storage game = games[gameId];
        if (msg.sender != game.player) revert NotPlayer(msg.sender);
        if (game.state != State.PlayerToMove) revert WrongState(game.state);
        if (block.timestamp > game.deadline) revert TooLate(game.deadline);
        uint128 stone = _drop(game.playerStones | game.houseStones, column);
        if (stone == 0) revert IllegalColumn(column);
        game.playerStones |= stone;
        emit Moved(gameId, false, column);
        if (_hasFour(game.playerStones)) {
            // A line that somebody was paid for before gives a draw.
            bytes32 position = keccak256(abi.encode(game.playerStones, game.houseStones));
            _end(gameId, isPaid[position] ? State.Drawn : State.PlayerWon);
            isPaid[position] = true;
        } else {
            // There is a cell left: of an even number the house takes the last.
            game.state = State.HouseToMove;
            game.deadline = uint64(block.timestamp) + MOVE_TIME;
            _gameOf[requestCount] = gameId;
            _request(board(gameId));
        }
    }

    /// @notice Ends a game in which the other side did not move in time. While the model is stopped, the house could not.
    function claimTimeout(uint256 gameId) external {
        Game storage game = games[gameId];
        State state = game.state;
        if (state != State.PlayerToMove && state != State.HouseToMove) revert WrongState(state);
        if (block.timestamp <= game.deadline) revert TooEarly(game.deadline);
        if (state == State.PlayerToMove) _end(gameId, State.HouseWon);
        else _end(gameId, VERIFIER.isUsable(_MODEL, _VERSION) ? State.PlayerWon : State.Void);
    }

    /// @notice Ends a game while the model is stopped; both stakes go back. Anybody may, so that neither side waits for the
    /// other, or for the model to go on.
    function voidGame(uint256 gameId) external {
        State state = games[gameId].state;
        if (state != State.PlayerToMove && state != State.HouseToMove) revert WrongState(state);
        if (VERIFIER.isUsable(_MODEL, _VERSION)) revert ModelUsable();
        _end(gameId, State.Void);
    }

    /// @notice Takes the caller's winnings out.
    function withdraw() external {
        uint256 amount = winnings[msg.sender];
        winnings[msg.sender] = 0;
        _pay(msg.sender, amount);
    }

    /// @notice The board as the model sees it.
    function board(uint256 gameId) public view returns (uint256[] memory) {
        Game storage game = games[gameId];
        bytes memory cells = new bytes(SIZE * SIZE);
        for (uint256 cell = 0; cell < SIZE * SIZE; ++cell) {
            uint256 bit = 9 * (cell / SIZE) + cell % SIZE;
            if (game.playerStones >> bit & 1 == 1) cells[cell] = PLAYER;
            else if (game.houseStones >> bit & 1 == 1) cells[cell] = HOUSE;
            else cells[cell] = EMPTY;
        }
        return cells.pack();
    }

    // ── The house ──

    /// @notice Adds money for stakes.
    function fund() external payable {
        bankroll += msg.value;
        emit BankrollChanged(bankroll);
    }

    /// @notice Takes money out that no game needs.
    function defund(uint256 amount) external {
        if (msg.sender != HOUSE_OWNER) revert NotHouseOwner(msg.sender);
        bankroll -= amount;
        emit BankrollChanged(bankroll);
        _pay(HOUSE_OWNER, amount);
    }

    /// @dev Plays what the model says: the legal column with the greatest output.
    function _onAnswer(uint256 requestId, address, uint256[] calldata outputs) internal override {
        uint256 gameId = _gameOf[requestId];
        Game storage game = games[gameId];
        // A timeout may have ended the game while the proof was made.
        if (game.state != State.HouseToMove) revert WrongState(game.state);
        uint128 taken = game.playerStones | game.houseStones;
        uint128 best = 0;
        uint256 bestColumn = 0;
        uint256 greatest = 0;
        for (uint256 column = 0; column < SIZE; ++column) {
            uint128 stone = _drop(taken, column);
            uint256 value = uint256(outputs.byteAt(0, column)) + 1;
            if (stone != 0 && value > greatest) (best, bestColumn, greatest) = (stone, column, value);
        }
        game.houseStones |= best;
        emit Moved(gameId, true, bestColumn);
        if (_hasFour(game.houseStones)) {
            _end(gameId, State.HouseWon);
        } else if (_isFull(game)) {
            _end(gameId, State.Drawn);
        } else {
            game.state = State.PlayerToMove;
            game.deadline = uint64(block.timestamp) + MOVE_TIME;
        }
    }

    function _inputLengths() internal pure override returns (uint256[] memory lengths) {
        lengths = new uint256[](1);
        lengths[0] = SIZE * SIZE;
    }

    // ── The rules ──

    /// The stone that falls into a column, zero if the column is full or is none.
    function _drop(uint128 taken, uint256 column) private pure returns (uint128) {
        if (column >= SIZE) return 0;
        for (uint256 row = 0; row < SIZE; ++row) {
            // forge-lint: disable-next-line(unsafe-typecast) at most bit 9·7 + 7
            uint128 stone = uint128(2 ** (9 * column + row));
            if (taken & stone == 0) return stone;
        }
        return 0;
    }

    /// Whether four stones lie in a line: up, across, or along a diagonal.
    function _hasFour(uint128 stones) private pure returns (bool) {
        return _hasFour(stones, 1) || _hasFour(stones, 9) || _hasFour(stones, 8) || _hasFour(stones, 10);
    }

    function _hasFour(uint128 stones, uint128 step) private pure returns (bool) {
        uint128 pairs = stones & (stones >> step);
        return pairs & (pairs >> (2 * step)) != 0;
    }

    function _isFull(Game storage game) private view returns (bool) {
        uint128 taken = game.playerStones | game.houseStones;
        for (uint256 column = 0; column < SIZE; ++column) {
            if (_drop(taken, column) != 0) return false;
        }
        return true;
    }

    function _end(uint256 gameId, State state) private {
        Game storage game = games[gameId];
        game.state = state;
        if (state == State.PlayerWon) {
            winnings[game.player] += 2 * STAKE;
        } else if (state == State.HouseWon) {
            bankroll += 2 * STAKE;
        } else {
            winnings[game.player] += STAKE;
            bankroll += STAKE;
        }
        emit GameEnded(gameId, state);
    }

    function _pay(address to, uint256 amount) private {
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert TransferFailed(to);
    }
}

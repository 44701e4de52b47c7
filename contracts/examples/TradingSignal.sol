// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "../InferenceConsumer.sol";
import {IModelVerifier} from "../interfaces/IModelVerifier.sol";
import {PackedTensor} from "../libraries/PackedTensor.sol";

/// @title Where the vault trades ether against a token that it holds at the exchange
interface IExchange {
    /// @notice The sum, over every second since the exchange began, of what one token cost in wei. The price of a second
    /// is the one at its beginning: what happens within a block, a flash loan say, counts for nothing before the block
    /// is over and others could trade against it.
    function cumulativePrice() external view returns (uint256);

    /// @notice Tokens of an account.
    function balanceOf(address account) external view returns (uint256);

    /// @notice Buys tokens for ether; reverts if it gets fewer than `minTokens`.
    function buy(uint256 minTokens) external payable returns (uint256 tokens);

    /// @notice Sells tokens for ether; reverts if it gets less than `minEther`.
    function sell(uint256 tokens, uint256 minEther) external returns (uint256 received);
}

/// @title A vault that trades on a model's signal, within bounds
/// @notice The price history is recorded here, so the model's input is this contract's own state and whoever has the model may prove
/// the signal. Whatever the model says, one step moves a bounded part of the vault, at a bounded price, once per
/// recorded price.
///
/// A recorded price is the average over the whole period before it. The price of a moment would be for sale: with a flash
/// loan anybody moves it, records it, and sells to the vault at it, all in one transaction. An average over an hour moves
/// by a hundredth of what somebody holds against all other traders for 36 seconds. Nobody can record a price and act on it
/// in one block either, so what a trade may cost is fixed before anybody can shape the block it happens in; nor act on one that is
/// older than a period, when the market may be elsewhere.
contract TradingSignal is InferenceConsumer {
    using PackedTensor for uint256[];
    using PackedTensor for bytes;

    /// @notice What the model says.
    enum Signal {
        Hold,
        Buy,
        Sell
    }

    /// @notice The model sees as many returns, that is one price more.
    uint256 public constant WINDOW = 30;
    /// @notice A return of this many millionths is one step of the int8 input.
    int256 public constant RETURN_STEP = 500;
    /// @notice The winning output must lead by as many steps; otherwise the vault holds.
    uint8 public constant MARGIN = 4;
    /// @notice A step moves at most this part of the side it sells, in hundredths of a percent.
    uint256 public constant MAX_STEP_BPS = 1_000;
    /// @notice A trade may be worse than the recorded price by as much, in hundredths of a percent.
    uint256 public constant MAX_SLIPPAGE_BPS = 50;
    /// @notice Seconds between two recorded prices, at least.
    uint256 public constant PERIOD = 1 hours;

    /// @notice Where the vault trades.
    IExchange public immutable EXCHANGE;

    /// @notice Whose money it is.
    address public immutable BENEFICIARY;

    /// @notice Number of recorded prices.
    uint256 public rounds;
    /// @notice The time of the last recorded price, or of the start of the first period.
    uint256 public recordedAt;
    /// @notice The block of the last recorded price.
    uint256 public recordedInBlock;
    /// @notice The exchange's sum of prices then.
    uint256 public recordedSum;
    /// @notice The round in which the vault acted last.
    uint256 public actedInRound;

    uint256[WINDOW + 1] private _prices;

    /// @notice The average price of a period is recorded.
    event PriceRecorded(uint256 indexed round, uint256 price);
    /// @notice The vault has acted, or held.
    event Acted(uint256 indexed round, Signal signal, uint256 amount);

    /// @notice The period is not over.
    error TooEarly(uint256 until);
    /// @notice The window is not full yet.
    error NotEnoughPrices(uint256 rounds);
    /// @notice A price is acted on in a later block than it is recorded in.
    error RecordedInThisBlock(uint256 blockNumber);
    /// @notice The recorded price says nothing of now any more: record one first.
    error PriceIsOld(uint256 recordedAt);
    /// @notice The vault has acted in this round.
    error ActedAlready(uint256 round);
    /// @notice The proof is about another history.
    error WrongInputs(uint256 round);
    /// @notice Only the beneficiary sells everything, and withdraws.
    error NotBeneficiary(address caller);
    /// @notice The exchange has no price.
    error PriceIsZero();
    /// @notice Nobody has the address zero.
    error ZeroAddress();
    /// @notice The receiver refuses ether.
    error TransferFailed(address to);

    modifier onlyBeneficiary() {
        if (msg.sender != BENEFICIARY) revert NotBeneficiary(msg.sender);
        _;
    }

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model whose signals count.
    /// @param version Its version; 0 follows the newest.
    /// @param exchange Where the vault trades.
    /// @param beneficiary Whose money it is.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version, IExchange exchange, address beneficiary)
        InferenceConsumer(verifier, modelId, version)
    {
        if (beneficiary == address(0)) revert ZeroAddress();
        EXCHANGE = exchange;
        BENEFICIARY = beneficiary;
        recordedAt = block.timestamp;
        recordedSum = exchange.cumulativePrice();
    }

    receive() external payable {}

    /// @notice Records the average price since the last time. Anybody may, once per period.
    function recordPrice() external {
        if (block.timestamp < recordedAt + PERIOD) revert TooEarly(recordedAt + PERIOD);
        uint256 sum = EXCHANGE.cumulativePrice();
        uint256 price = (sum - recordedSum) / (block.timestamp - recordedAt);
        if (price == 0) revert PriceIsZero();
        _prices[rounds % (WINDOW + 1)] = price;
        (recordedAt, recordedInBlock, recordedSum) = (block.timestamp, block.number, sum);
        emit PriceRecorded(++rounds, price);
    }

    /// @notice The model's input now: the returns of the window, oldest first, as packed words.
    function inputs() public view returns (uint256[] memory) {
        uint256 count = rounds;
        if (count < WINDOW + 1) revert NotEnoughPrices(count);
        bytes memory elements = new bytes(WINDOW);
        for (uint256 i = 0; i < WINDOW; ++i) {
            // The ring's oldest price is the one that the next round overwrites.
            uint256 from = _prices[(count + i) % (WINDOW + 1)];
            uint256 to = _prices[(count + i + 1) % (WINDOW + 1)];
            // forge-lint: disable-next-line(unsafe-typecast) a ratio of prices stays far below 2^255
            int256 millionths = int256(to * 1_000_000 / from) - 1_000_000;
            int256 steps = millionths / RETURN_STEP;
            if (steps > 127) steps = 127;
            if (steps < -128) steps = -128;
            // forge-lint: disable-next-line(unsafe-typecast) between 0 and 255 by the lines above
            elements[i] = bytes1(uint8(uint256(steps + 128)));
        }
        return elements.pack();
    }

    /// @notice The last recorded price.
    function lastPrice() public view returns (uint256) {
        if (rounds == 0) revert NotEnoughPrices(0);
        return _prices[(rounds - 1) % (WINDOW + 1)];
    }

    /// @notice Sells all tokens, whatever the model says: it may have been withdrawn for good. Only for the beneficiary.
    /// @param minEther What they have to fetch.
    function sellAll(uint256 minEther) external onlyBeneficiary {
        EXCHANGE.sell(EXCHANGE.balanceOf(address(this)), minEther);
    }

    /// @notice Gives everything in ether to the beneficiary.
    function withdraw() external onlyBeneficiary {
        (bool ok,) = BENEFICIARY.call{value: address(this).balance}("");
        if (!ok) revert TransferFailed(BENEFICIARY);
    }

    /// @dev Acts on the signal, once per round.
    function _onInference(address, uint256[] calldata instances) internal override {
        uint256 round = rounds;
        if (recordedInBlock == block.number) revert RecordedInThisBlock(block.number);
        if (block.timestamp >= recordedAt + PERIOD) revert PriceIsOld(recordedAt);
        if (actedInRound == round) revert ActedAlready(round);
        uint256[] memory expected = inputs();
        if (!instances.equals(_INPUT_START, expected)) revert WrongInputs(round);
        actedInRound = round;

        uint8 down = instances.byteAt(_OUTPUT_START, 0);
        uint8 up = instances.byteAt(_OUTPUT_START, 1);
        uint256 price = lastPrice();
        if (up > down && up - down >= MARGIN) {
            uint256 amount = address(this).balance * MAX_STEP_BPS / 10_000;
            uint256 minTokens = amount * 1 ether * (10_000 - MAX_SLIPPAGE_BPS) / (price * 10_000);
            emit Acted(round, Signal.Buy, amount);
            if (amount != 0) EXCHANGE.buy{value: amount}(minTokens);
        } else if (down > up && down - up >= MARGIN) {
            uint256 tokens = EXCHANGE.balanceOf(address(this)) * MAX_STEP_BPS / 10_000;
            uint256 minEther = tokens * price * (10_000 - MAX_SLIPPAGE_BPS) / (1 ether * 10_000);
            emit Acted(round, Signal.Sell, tokens);
            if (tokens != 0) EXCHANGE.sell(tokens, minEther);
        } else {
            emit Acted(round, Signal.Hold, 0);
        }
    }
}

// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {IExchange, TradingSignal} from "zkverdict/examples/TradingSignal.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";
import {PackedTensor} from "zkverdict/libraries/PackedTensor.sol";

/// @title A vault that trades on the signal of a hidden strategy
/// @notice The strategy's owner proves what it makes of the prices that the vault has recorded itself, and shows its weights to
/// nobody: proofs are about those that the registry names. The bounds are those of `TradingSignal`: how much a step moves, at
/// which price, how often. Edit its constants there.
contract {{ project.prefix }}Consumer is TradingSignal {
    /// @param version The version whose signals count; 0 follows the newest training.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version, IExchange exchange)
        TradingSignal(verifier, modelId, version, exchange, msg.sender)
    {}

    /// @notice The model's input now, as integers: the returns of the window, oldest first.
    function window() external view returns (int8[] memory steps) {
        uint256 word = PackedTensor.reverse(inputs()[0]);
        steps = new int8[](WINDOW);
        for (uint256 i = 0; i < WINDOW; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast) from -128 to 127
            steps[i] = int8(int256(word >> 248) - 128);
            word <<= 8;
        }
    }
}

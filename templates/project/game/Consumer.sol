// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {GameAgent} from "zkverdict/examples/GameAgent.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";

/// @title Four in a row against `{{ project.model }}`
/// @notice The house has to play what the model says. The rules are those of `GameAgent`: stakes, times, what happens when the
/// house does not answer. Edit its constants there, or write another game on `RequestConsumer`.
contract {{ project.prefix }}Consumer is GameAgent {
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version) GameAgent(verifier, modelId, version) {}
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IModelVerifier} from "./interfaces/IModelVerifier.sol";
import {IRequestConsumer} from "./interfaces/IRequestConsumer.sol";
import {InferenceContext} from "./libraries/InferenceContext.sol";

/// @title Base of contracts that ask for a model's answers
/// @notice Requests carry their inputs; any operator may answer, each request is answered once. A proof is bound to
/// the operator who made it, so nobody else can collect what an answer earns.
abstract contract RequestConsumer is IRequestConsumer {
    /// @notice Checks proofs.
    IModelVerifier public immutable VERIFIER;

    /// @inheritdoc IRequestConsumer
    bytes32 public immutable MODEL_ID;

    /// @inheritdoc IRequestConsumer
    uint256 public immutable PINNED_VERSION;

    /// @notice Number of requests so far; the next one has this id.
    uint256 public requestCount;

    /// @dev Hash of the inputs; zero when answered.
    mapping(uint256 requestId => bytes32) private _open;

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 pinnedVersion) {
        VERIFIER = verifier;
        MODEL_ID = modelId;
        PINNED_VERSION = pinnedVersion;
    }

    /// @inheritdoc IRequestConsumer
    function isOpen(uint256 requestId) public view returns (bool) {
        return _open[requestId] != 0;
    }

    /// @inheritdoc IRequestConsumer
    function contextOf(address operator, uint256 requestId) public view returns (uint256) {
        return InferenceContext.derive(address(this), operator, requestId);
    }

    /// @inheritdoc IRequestConsumer
    function answerInference(uint256 requestId, bytes calldata proof, uint256[] calldata instances) external virtual {
        bytes32 inputsHash = _open[requestId];
        if (inputsHash == 0) revert NotOpen(requestId);
        uint256 expected = contextOf(msg.sender, requestId);
        uint256 found = instances.length == 0 ? 0 : instances[0];
        if (found != expected) revert WrongContext(found, expected);
        uint256 inputEnd = 1 + _inputWords();
        if (instances.length <= inputEnd || keccak256(abi.encodePacked(instances[1:inputEnd])) != inputsHash) {
            revert WrongInputs(requestId);
        }
        // Before anything else runs, so that no call from inside answers a second time.
        delete _open[requestId];
        uint256 version = VERIFIER.verifyInference(MODEL_ID, PINNED_VERSION, proof, instances);
        emit InferenceAnswered(requestId, msg.sender, version);
        _onAnswer(requestId, msg.sender, instances[inputEnd:]);
    }

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId) public view virtual returns (bool) {
        // 0x01ffc9a7 is ERC-165 itself.
        return interfaceId == type(IRequestConsumer).interfaceId || interfaceId == 0x01ffc9a7;
    }

    /// @dev Asks for an answer.
    function _request(uint256[] memory inputs) internal returns (uint256 requestId) {
        if (inputs.length != _inputWords()) revert WrongInputs(requestCount);
        requestId = requestCount++;
        _open[requestId] = keccak256(abi.encodePacked(inputs));
        emit InferenceRequested(requestId, msg.sender, inputs);
    }

    /// @dev How many packed words the model's inputs take.
    function _inputWords() internal view virtual returns (uint256);

    /// @dev Acts on an answer: `outputs` are the model's packed outputs for the request's inputs.
    function _onAnswer(uint256 requestId, address operator, uint256[] calldata outputs) internal virtual;
}

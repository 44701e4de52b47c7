// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelClient} from "./ModelClient.sol";
import {IModelVerifier} from "./interfaces/IModelVerifier.sol";
import {IRequestConsumer} from "./interfaces/IRequestConsumer.sol";
import {IVersionedRequests} from "./interfaces/IVersionedRequests.sol";
import {InferenceContext} from "./libraries/InferenceContext.sol";
import {PackedTensor} from "./libraries/PackedTensor.sol";

/// @title Base of contracts that ask for a model's answers
/// @notice Requests carry their inputs; any operator may answer, each request is answered once. A proof is bound to
/// the operator who made it, so nobody else can collect what an answer earns.
abstract contract RequestConsumer is ModelClient, IRequestConsumer, IVersionedRequests {
    /// @notice Number of requests so far; the next one has this id.
    uint256 public requestCount;

    /// @dev Hash of the inputs; zero when answered.
    mapping(uint256 requestId => bytes32) private _open;

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model whose answers count.
    /// @param pinnedVersion The version whose answers count; 0 follows the newest.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 pinnedVersion)
        ModelClient(verifier, modelId, pinnedVersion)
    {
        if (verifier.shapeOf(modelId, pinnedVersion).hidesInputs) revert HiddenInputs();
    }

    /// @inheritdoc IRequestConsumer
    function MODEL_ID() external view returns (bytes32) {
        return _MODEL;
    }

    /// @inheritdoc IRequestConsumer
    function PINNED_VERSION() external view returns (uint256) {
        return _VERSION;
    }

    /// @inheritdoc IRequestConsumer
    function isOpen(uint256 requestId) public view returns (bool) {
        return _open[requestId] != 0;
    }

    /// @inheritdoc IRequestConsumer
    function contextOf(address operator, uint256 requestId) public view returns (uint256) {
        return InferenceContext.derive(InferenceContext.ANSWER, address(this), operator, requestId);
    }

    /// @inheritdoc IRequestConsumer
    function answerInference(uint256 requestId, bytes calldata proof, uint256[] calldata instances) external virtual {
        _answer(_VERSION, requestId, proof, instances);
    }

    /// @inheritdoc IVersionedRequests
    function answerInferenceOf(uint256 version, uint256 requestId, bytes calldata proof, uint256[] calldata instances)
        external
        virtual
    {
        _answer(_acceptVersion(version), requestId, proof, instances);
    }

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId) public view virtual returns (bool) {
        // 0x01ffc9a7 is ERC-165 itself.
        return interfaceId == type(IRequestConsumer).interfaceId || interfaceId == type(IVersionedRequests).interfaceId
            || interfaceId == 0x01ffc9a7;
    }

    function _answer(uint256 version, uint256 requestId, bytes calldata proof, uint256[] calldata instances) private {
        bytes32 inputsHash = _open[requestId];
        if (inputsHash == 0) revert NotOpen(requestId);
        uint256 expected = contextOf(msg.sender, requestId);
        uint256 found = instances.length == 0 ? 0 : instances[0];
        if (found != expected) revert WrongContext(found, expected);
        if (instances.length <= _OUTPUT_START || _inputsHash(instances) != inputsHash) revert WrongInputs(requestId);
        // Before anything else runs, so that no call from inside answers a second time.
        delete _open[requestId];
        version = VERIFIER.verifyInference(_MODEL, version, proof, instances);
        emit InferenceAnswered(requestId, msg.sender, version);
        _onAnswer(requestId, msg.sender, instances[_OUTPUT_START:]);
    }

    /// @dev Asks for an answer. Inputs that no proof can have are refused here: a request for them would stay open for
    /// ever, and whoever made it would win whatever goes to whoever is not answered.
    function _request(uint256[] memory inputs) internal returns (uint256 requestId) {
        if (inputs.length != _INPUT_END - _INPUT_START) revert WrongInputs(requestCount);
        if (!PackedTensor.isProvable(inputs, _inputLengths())) revert UnprovableInputs();
        requestId = requestCount++;
        _open[requestId] = keccak256(abi.encodePacked(inputs));
        emit InferenceRequested(requestId, msg.sender, inputs);
    }

    /// @dev How many elements each of the model's input tensors has, in their order.
    function _inputLengths() internal view virtual returns (uint256[] memory);

    /// @dev Acts on an answer: `outputs` are the model's packed outputs for the request's inputs.
    function _onAnswer(uint256 requestId, address operator, uint256[] calldata outputs) internal virtual;
}

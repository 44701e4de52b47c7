// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IInferenceConsumer} from "./interfaces/IInferenceConsumer.sol";
import {IModelVerifier} from "./interfaces/IModelVerifier.sol";
import {InferenceContext} from "./libraries/InferenceContext.sol";

/// @title Base of contracts that act on the answers of a model
/// @notice Accepts each proof once, from the sender it was made for, on the chain and for the contract it was made
/// for: a proof copied from the mempool is worth nothing.
///
/// What a proof does not say is where its input comes from. An application has to check in `_onInference` that the
/// input words are those it means: its own state, something it has seen before, or something signed.
abstract contract InferenceConsumer is IInferenceConsumer {
    /// @notice Checks proofs.
    IModelVerifier public immutable VERIFIER;

    /// @inheritdoc IInferenceConsumer
    bytes32 public immutable MODEL_ID;

    /// @inheritdoc IInferenceConsumer
    uint256 public immutable PINNED_VERSION;

    /// @inheritdoc IInferenceConsumer
    mapping(address sender => uint256) public nonces;

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model whose answers count.
    /// @param pinnedVersion The version whose answers count. 0 follows the newest active one, which trusts the
    /// registry's owner with all that this contract does.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 pinnedVersion) {
        VERIFIER = verifier;
        MODEL_ID = modelId;
        PINNED_VERSION = pinnedVersion;
    }

    /// @inheritdoc IInferenceConsumer
    function contextOf(address sender) public view returns (uint256) {
        return InferenceContext.derive(address(this), sender, nonces[sender]);
    }

    /// @inheritdoc IInferenceConsumer
    function submitInference(bytes calldata proof, uint256[] calldata instances) public virtual {
        uint256 expected = contextOf(msg.sender);
        uint256 found = instances.length == 0 ? 0 : instances[0];
        if (found != expected) revert WrongContext(found, expected);
        // Before anything else runs: no call from inside `_onInference` finds the nonce unused.
        uint256 nonce = nonces[msg.sender]++;
        uint256 version = VERIFIER.verifyInference(MODEL_ID, PINNED_VERSION, proof, instances);
        emit InferenceAccepted(msg.sender, nonce, version);
        _onInference(msg.sender, instances);
    }

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId) public view virtual returns (bool) {
        // 0x01ffc9a7 is ERC-165 itself.
        return interfaceId == type(IInferenceConsumer).interfaceId || interfaceId == 0x01ffc9a7;
    }

    /// @dev Acts on a valid inference. The proof holds for `instances`, which are those of the sender's choice:
    /// check that the input is the one that is meant.
    function _onInference(address sender, uint256[] calldata instances) internal virtual;
}

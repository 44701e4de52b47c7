// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelClient} from "./ModelClient.sol";
import {IInferenceConsumer} from "./interfaces/IInferenceConsumer.sol";
import {IModelVerifier} from "./interfaces/IModelVerifier.sol";
import {IVersionedConsumer} from "./interfaces/IVersionedConsumer.sol";
import {InferenceContext} from "./libraries/InferenceContext.sol";

/// @title Base of contracts that act on the answers of a model
/// @notice Accepts each proof once, from the sender it was made for, on the chain and for the contract it was made
/// for: a proof copied from the mempool is worth nothing.
///
/// What a proof does not say is where its input comes from. An application has to check in `_onInference` that the
/// input words are those it means: its own state, something it has seen before, or something signed.
abstract contract InferenceConsumer is ModelClient, IInferenceConsumer, IVersionedConsumer {
    /// @inheritdoc IInferenceConsumer
    mapping(address sender => uint256) public nonces;

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model whose answers count.
    /// @param pinnedVersion The version whose answers count; 0 follows the newest.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 pinnedVersion)
        ModelClient(verifier, modelId, pinnedVersion)
    {}

    /// @inheritdoc IInferenceConsumer
    function MODEL_ID() external view returns (bytes32) {
        return _MODEL;
    }

    /// @inheritdoc IInferenceConsumer
    function PINNED_VERSION() external view returns (uint256) {
        return _VERSION;
    }

    /// @inheritdoc IInferenceConsumer
    function contextOf(address sender) public view returns (uint256) {
        return InferenceContext.derive(InferenceContext.TURN, address(this), sender, nonces[sender]);
    }

    /// @inheritdoc IInferenceConsumer
    function submitInference(bytes calldata proof, uint256[] calldata instances) public virtual {
        _submit(_VERSION, proof, instances);
    }

    /// @inheritdoc IVersionedConsumer
    function submitInferenceOf(uint256 version, bytes calldata proof, uint256[] calldata instances) public virtual {
        _submit(_acceptVersion(version), proof, instances);
    }

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId) public view virtual returns (bool) {
        // 0x01ffc9a7 is ERC-165 itself.
        return interfaceId == type(IInferenceConsumer).interfaceId
            || interfaceId == type(IVersionedConsumer).interfaceId || interfaceId == 0x01ffc9a7;
    }

    /// @dev Uses up the sender's context, or refuses instances that were not made with it.
    function _takeTurn(uint256[] calldata instances) internal returns (uint256 nonce) {
        nonce = nonces[msg.sender];
        uint256 expected = InferenceContext.derive(InferenceContext.TURN, address(this), msg.sender, nonce);
        uint256 found = instances.length == 0 ? 0 : instances[0];
        if (found != expected) revert WrongContext(found, expected);
        nonces[msg.sender] = nonce + 1;
    }

    function _submit(uint256 version, bytes calldata proof, uint256[] calldata instances) private {
        // Of several, only what `BatchConsumer` has settled is claimed, inference by inference.
        if (_INFERENCES != 1) revert SeveralInferences(_INFERENCES);
        // Before anything else runs: no call from inside `_onInference` finds the nonce unused.
        uint256 nonce = _takeTurn(instances);
        version = VERIFIER.verifyInference(_MODEL, version, proof, instances);
        _accept(nonce, version, instances);
    }

    /// @dev Announces what was proved, and acts on it. Every way to `_onInference` leads through here, and so through the
    /// comparison of names, and of the hash that is attested.
    function _accept(uint256 nonce, uint256 version, uint256[] calldata instances) internal {
        _useNames(msg.sender, instances);
        _useHash(msg.sender, instances);
        emit InferenceAccepted(msg.sender, nonce, version, _inputsHash(instances), _outputsHash(instances));
        _onInference(msg.sender, instances);
    }

    /// @dev Has each name in a valid proof compared.
    function _useNames(address sender, uint256[] calldata instances) private {
        for (uint256 i = 0; i < _NAMES; ++i) {
            _useName(i, sender, bytes32(instances[_NAME_START + i]));
        }
    }

    /// @dev Refuses a name but the one that counts, and uses it up where that is meant.
    function _useName(uint256, address, bytes32) internal virtual {
        // There is one, or this would not be called: the compiler warns of code behind what always reverts.
        if (_NAMES != 0) revert UncomparedNames(_NAMES);
    }

    /// @dev Refuses the hash of an input but one that counts, and uses it up where that is meant.
    function _useHash(address, uint256[] calldata) internal virtual {}

    /// @dev Acts on a valid inference. The proof holds for `instances`, which are those of the sender's choice:
    /// check that the input is the one that is meant.
    function _onInference(address sender, uint256[] calldata instances) internal virtual;
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "./InferenceConsumer.sol";
import {ModelClient} from "./ModelClient.sol";
import {IBatchConsumer} from "./interfaces/IBatchConsumer.sol";
import {IModelVerifier} from "./interfaces/IModelVerifier.sol";
import {MerkleRoot} from "./libraries/MerkleRoot.sol";
import {PackedTensor} from "./libraries/PackedTensor.sol";

/// @title Base of consumers that settle many inferences by one verification
/// @notice Proofs may be of one inference each or, of a model whose key was made so, of several. A claim is as good as a proof of the version that the batch was verified against, and no better: it has to be the
/// sender's next context, it counts once, and it waits no longer than a proof of that version may be on its way.
abstract contract BatchConsumer is InferenceConsumer, IBatchConsumer {
    using PackedTensor for uint256[];

    /// @dev Keeps leaves apart from everything else that is hashed.
    bytes32 private constant LEAF = keccak256("zkverdict.batch.leaf.v1");

    /// @dev Instances of one inference of what claims compare with, and of what they say.
    uint256 private immutable _PARAMETERS;
    uint256 private immutable _CLAIMS;

    /// @inheritdoc IBatchConsumer
    mapping(bytes32 root => uint256 version) public batchVersion;

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model whose answers count.
    /// @param pinnedVersion The version whose answers count; 0 follows the newest.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 pinnedVersion)
        InferenceConsumer(verifier, modelId, pinnedVersion)
    {
        IModelVerifier.Shape memory shape = verifier.shapeOf(modelId, pinnedVersion);
        uint256 parameters = shape.firstOutput - shape.contexts - shape.names - shape.inputs;
        if (parameters % shape.contexts != 0 || shape.claims % shape.contexts != 0) {
            revert UnevenInferences(shape.contexts, parameters, shape.claims);
        }
        _PARAMETERS = parameters / shape.contexts;
        _CLAIMS = shape.claims / shape.contexts;
    }

    /// @inheritdoc IBatchConsumer
    function leafOf(uint256[] calldata instances) public view returns (bytes32) {
        uint256 context = instances[0];
        // All that is given: inputs, and whatever else lies between context and outputs.
        bytes32 given = instances.hash(1, _OUTPUT_START);
        return keccak256(abi.encode(LEAF, context, given, _outputsHash(instances)));
    }

    /// @inheritdoc IBatchConsumer
    function settleBatch(uint256 version, bytes[] calldata proofs, uint256[][] calldata instances)
        external
        virtual
        returns (bytes32 root)
    {
        version = VERIFIER.verifyBatch(_MODEL, version == 0 ? _VERSION : _acceptVersion(version), proofs, instances);
        // The verifier has checked that there is a proof, and that each has all its instances.
        bytes32[] memory leaves = new bytes32[](instances.length * _INFERENCES);
        for (uint256 i = 0; i < leaves.length; ++i) {
            uint256[] calldata proved = instances[i / _INFERENCES];
            leaves[i] = _INFERENCES == 1 ? leafOf(proved) : _leafOf(proved, i % _INFERENCES);
        }
        root = MerkleRoot.ofLeaves(leaves);
        // The same inferences may be settled again: by a newer version, or where the former one is withdrawn.
        uint256 former = batchVersion[root];
        if (former == 0 || version > former || !VERIFIER.isUsable(_MODEL, former)) batchVersion[root] = version;
        emit BatchSettled(root, version, msg.sender, leaves.length);
    }

    /// @inheritdoc IBatchConsumer
    function claimInference(bytes32 root, uint256[] calldata instances, bytes32[] calldata path) external virtual {
        uint256 version = batchVersion[root];
        if (version == 0) revert UnknownBatch(root);
        // What was true when it was settled may have been withdrawn since, or been followed by a newer version.
        if (!VERIFIER.isUsable(_MODEL, version)) revert BatchVersionUnusable(root, version);
        _acceptVersion(version);
        uint256 nonce = _takeTurn(instances);
        bytes32 leaf = leafOf(instances);
        if (MerkleRoot.ofPath(leaf, path) != root) revert NotInBatch(root, leaf);
        _accept(nonce, version, instances);
    }

    /// @inheritdoc ModelClient
    function _takesBatches() internal pure virtual override returns (bool) {
        return true;
    }

    /// @dev The leaf of one inference of a proof of several: what `leafOf` says of its instances alone.
    function _leafOf(uint256[] calldata proved, uint256 inference) private view returns (bytes32) {
        return keccak256(abi.encode(LEAF, proved[inference], _given(proved, inference), _said(proved, inference)));
    }

    /// @dev Names, which all share, an inference's inputs, and what claims about it compare with.
    function _given(uint256[] calldata proved, uint256 inference) private view returns (bytes32) {
        uint256 named = _named();
        uint256 inputs = _OUTPUT_START - _NAME_START - _NAMES - _PARAMETERS;
        uint256 parameters = named + _INFERENCES * inputs;
        return keccak256(
            abi.encodePacked(
                proved[_INFERENCES:named],
                _own(proved, inference, named, inputs),
                _own(proved, inference, parameters, _PARAMETERS)
            )
        );
    }

    /// @dev What is claimed of an inference, and its outputs.
    function _said(uint256[] calldata proved, uint256 inference) private view returns (bytes32) {
        uint256 claims = _named() + _INFERENCES * (_OUTPUT_START - _NAME_START - _NAMES);
        uint256 outputs = claims + _INFERENCES * _CLAIMS;
        uint256 length = (proved.length - outputs) / _INFERENCES;
        return
            keccak256(
                abi.encodePacked(_own(proved, inference, claims, _CLAIMS), _own(proved, inference, outputs, length))
            );
    }

    /// @dev Contexts, and the names that all inferences share: of weights, of inputs.
    function _named() private view returns (uint256) {
        return _INFERENCES + (_NAME_START - 1) + _NAMES;
    }

    /// @dev What an inference has of instances that begin at `first` and are `length` of each.
    function _own(uint256[] calldata proved, uint256 inference, uint256 first, uint256 length)
        private
        pure
        returns (uint256[] calldata)
    {
        first += inference * length;
        return proved[first:first + length];
    }

    /// @inheritdoc InferenceConsumer
    function supportsInterface(bytes4 interfaceId) public view virtual override returns (bool) {
        return interfaceId == type(IBatchConsumer).interfaceId || super.supportsInterface(interfaceId);
    }
}

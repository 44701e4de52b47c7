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

    /// @inheritdoc IBatchConsumer
    mapping(bytes32 root => uint256 version) public batchVersion;

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model whose answers count.
    /// @param pinnedVersion The version whose answers count; 0 follows the newest.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 pinnedVersion)
        InferenceConsumer(verifier, modelId, pinnedVersion)
    {}

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
        uint256 named = _INFERENCES + _NAMES;
        uint256 inputs = _OUTPUT_START - _NAME_START - _NAMES;
        uint256 outputs = (proved.length - named) / _INFERENCES - inputs;
        uint256 input = named + inference * inputs;
        uint256 output = named + _INFERENCES * inputs + inference * outputs;
        bytes32 given = keccak256(abi.encodePacked(proved[_INFERENCES:named], proved[input:input + inputs]));
        return keccak256(abi.encode(LEAF, proved[inference], given, proved.hash(output, output + outputs)));
    }

    /// @inheritdoc InferenceConsumer
    function supportsInterface(bytes4 interfaceId) public view virtual override returns (bool) {
        return interfaceId == type(IBatchConsumer).interfaceId || super.supportsInterface(interfaceId);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IERCZKMLRegistry, IERCZKMLVerifier} from "../interfaces/IERC7992.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";

/// @title A model registry as ERC-7992 wants it
/// @notice Each id names one version of one model for good; a new version is a new id. Whether an id is deprecated is
/// up to who registered it here, and to the status of the version in the model registry.
///
/// `proof` is `abi.encode(bytes proof, uint256[] instances)`, `output` is `abi.encode(uint256[] outputWords)`.
contract ERC7992Adapter is IERCZKMLRegistry, IERCZKMLVerifier {
    /// @notice Halo2 with KZG on BN254.
    bytes4 public constant PROOF_SYSTEM = bytes4(keccak256("halo2-kzg-bn254-v1"));

    /// @notice Domain of input commitments.
    bytes32 public constant INPUT_DOMAIN = keccak256("zkverdict.erc7992.input.v1");

    /// @notice Where the versions and their verifiers are.
    IModelRegistry public immutable MODELS;

    struct Model {
        ModelCommitment commitment;
        address owner;
        bool deprecated;
    }

    mapping(uint256 modelId => Model) private _models;

    /// @notice How many ids were given out; the first is 1.
    uint256 public modelCount;

    /// @notice The model registry knows no such verifying key.
    error UnknownVerifyingKey(bytes32 vkHash);

    /// @notice A model never changes here: register the new version.
    error ModelsAreImmutable();

    constructor(IModelRegistry models) {
        MODELS = models;
    }

    /// @inheritdoc IERCZKMLRegistry
    function registerModel(ModelCommitment calldata commitment) external returns (uint256 modelId) {
        if (commitment.proofSystemId != PROOF_SYSTEM) {
            revert UnsupportedProofSystem(commitment.proofSystemId);
        }
        (, uint256 version) = MODELS.versionOfKey(commitment.vkHash);
        if (version == 0) revert UnknownVerifyingKey(commitment.vkHash);
        modelId = ++modelCount;
        _models[modelId] = Model(commitment, msg.sender, false);
        emit ModelRegistered(modelId, msg.sender, commitment);
    }

    /// @inheritdoc IERCZKMLRegistry
    /// @dev Always refused.
    function updateModel(uint256 modelId, ModelCommitment calldata) external view {
        _owned(modelId);
        revert ModelsAreImmutable();
    }

    /// @inheritdoc IERCZKMLRegistry
    function deprecateModel(uint256 modelId) external {
        _owned(modelId).deprecated = true;
        emit ModelDeprecated(modelId);
    }

    /// @inheritdoc IERCZKMLRegistry
    function getModel(uint256 modelId)
        external
        view
        returns (ModelCommitment memory commitment, bool deprecated, address owner)
    {
        Model storage model = _get(modelId);
        deprecated = model.deprecated || _version(model).status != IModelRegistry.Status.Active;
        return (model.commitment, deprecated, model.owner);
    }

    /// @inheritdoc IERCZKMLVerifier
    function verifyInference(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external
    {
        Model storage model = _get(modelId);
        IModelRegistry.Version memory version = _version(model);
        if (model.deprecated || version.status != IModelRegistry.Status.Active) {
            revert VerificationRefused_ModelDeprecated(modelId);
        }
        (bytes memory halo2Proof, uint256[] memory instances) = abi.decode(proof, (bytes, uint256[]));
        uint256 inputEnd = 1 + uint256(version.inputInstances);
        if (instances.length < inputEnd) revert InvalidProof();
        if (inputCommitment != commitInput(instances[0], _slice(instances, 1, inputEnd))) {
            revert InputCommitmentMismatch();
        }
        if (keccak256(output) != keccak256(abi.encode(_slice(instances, inputEnd, instances.length)))) {
            revert OutputMismatch();
        }
        (bytes32 id, uint256 number) = MODELS.versionOfKey(model.commitment.vkHash);
        // Reverts with the verifier's own error; the version it returns is the one that was asked for.
        uint256 used = MODELS.verifyInference(id, number, halo2Proof, instances);
        if (used != number) revert ModelMismatch();
        emit InferenceVerified(modelId, inputCommitment, output, msg.sender);
    }

    /// @notice The commitment to an input: the context makes it unique, so it cannot be replayed where contexts are
    /// used once.
    function commitInput(uint256 context, uint256[] memory inputWords) public pure returns (bytes32) {
        return keccak256(abi.encode(INPUT_DOMAIN, context, inputWords));
    }

    /// @inheritdoc IERCZKMLVerifier
    function proofSystemOf(uint256 modelId) external view returns (bytes4) {
        return _get(modelId).commitment.proofSystemId;
    }

    /// @inheritdoc IERCZKMLVerifier
    function registry() external view returns (address registryAddress) {
        return address(this);
    }

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERCZKMLRegistry).interfaceId || interfaceId == type(IERCZKMLVerifier).interfaceId
            || interfaceId == 0x01ffc9a7;
    }

    function _get(uint256 modelId) private view returns (Model storage model) {
        model = _models[modelId];
        if (model.owner == address(0)) revert ModelNotFound(modelId);
    }

    function _owned(uint256 modelId) private view returns (Model storage model) {
        model = _get(modelId);
        if (model.owner != msg.sender) revert NotModelOwner(modelId, msg.sender);
    }

    function _version(Model storage model) private view returns (IModelRegistry.Version memory) {
        (bytes32 id, uint256 number) = MODELS.versionOfKey(model.commitment.vkHash);
        return MODELS.getVersion(id, number);
    }

    function _slice(uint256[] memory words, uint256 from, uint256 to) private pure returns (uint256[] memory part) {
        part = new uint256[](to - from);
        for (uint256 i = 0; i < part.length; ++i) {
            part[i] = words[from + i];
        }
    }
}

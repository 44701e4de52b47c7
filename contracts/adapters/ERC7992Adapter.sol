// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {TwoStepOwned} from "../TwoStepOwned.sol";
import {IERCZKMLRegistry, IERCZKMLVerifier} from "../interfaces/IERC7992.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IModelVerifier} from "../interfaces/IModelVerifier.sol";

/// @title A model registry as ERC-7992 wants it
/// @notice Each id names one version of one model for good; a new version is a new id. Who owns the model registry owns
/// the ids: nobody else says what the hashes and the URI of a key are. An id is deprecated by the owner here, and
/// whenever the model registry does not accept its version.
///
/// `proof` is `abi.encode(bytes proof, uint256[] instances)`, `output` is `abi.encode(uint256[] outputWords)`.
contract ERC7992Adapter is IERCZKMLRegistry, IERCZKMLVerifier {
    /// @notice Halo2 with KZG on BN254.
    bytes4 public constant PROOF_SYSTEM = bytes4(keccak256("halo2-kzg-bn254-v1"));

    /// @notice Domain of input commitments.
    bytes32 public constant INPUT_DOMAIN = keccak256("zkverdict.erc7992.input.v1");

    /// @notice Where the versions and their verifiers are.
    IModelRegistry public immutable MODELS;

    /// @dev What an id stands for.
    struct Model {
        ModelCommitment commitment;
        bytes32 id;
        uint256 version;
        bool deprecated;
    }

    /// @dev Which version of which model an id stands for.
    mapping(uint256 modelId => Model) private _models;

    /// @notice How many ids were given out; the first is 1.
    uint256 public modelCount;

    /// @notice The model registry knows no such verifying key.
    error UnknownVerifyingKey(bytes32 vkHash);

    /// @notice Only who owns the model registry registers its models.
    error NotRegistryOwner(address caller);

    /// @notice A model never changes here: register the new version.
    error ModelsAreImmutable();

    /// @notice Proofs of the model name committed weights or inputs, which `verifyInference` has no words for: whoever makes
    /// a proof would choose the names.
    error UncomparedNames(uint256 names);

    /// @param models The model registry.
    constructor(IModelRegistry models) {
        MODELS = models;
    }

    /// @inheritdoc IERCZKMLRegistry
    function registerModel(ModelCommitment calldata commitment) external returns (uint256 modelId) {
        if (msg.sender != _owner()) revert NotRegistryOwner(msg.sender);
        if (commitment.proofSystemId != PROOF_SYSTEM) {
            revert UnsupportedProofSystem(commitment.proofSystemId);
        }
        (bytes32 id, uint256 version) = MODELS.versionOfKey(commitment.vkHash);
        if (version == 0) revert UnknownVerifyingKey(commitment.vkHash);
        uint256 names = MODELS.shapeOf(id, version).names;
        if (names != 0) revert UncomparedNames(names);
        modelId = ++modelCount;
        _models[modelId] = Model(commitment, id, version, false);
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
        return (model.commitment, _isDeprecated(model), _owner());
    }

    /// @inheritdoc IERCZKMLVerifier
    function verifyInference(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external
    {
        Model storage model = _get(modelId);
        if (_isDeprecated(model)) revert VerificationRefused_ModelDeprecated(modelId);
        IModelVerifier.Shape memory shape = MODELS.shapeOf(model.id, model.version);
        (bytes memory halo2Proof, uint256[] memory instances) = _decode(proof);
        if (instances.length != shape.instances) revert InvalidProof();
        uint256[] memory inputs = _slice(instances, shape.firstInput, shape.firstInput + shape.inputs);
        if (inputCommitment != commitInput(instances[0], inputs)) revert InputCommitmentMismatch();
        if (keccak256(output) != keccak256(abi.encode(_slice(instances, shape.firstOutput, instances.length)))) {
            revert OutputMismatch();
        }
        // Reverts with the verifier's own error.
        MODELS.verifyInference(model.id, model.version, halo2Proof, instances);
        emit InferenceVerified(modelId, inputCommitment, output, msg.sender);
    }

    /// @notice A proof and its instances, as `verifyInference` takes them; reverts if they are no such thing.
    /// @param proof `abi.encode(bytes proof, uint256[] instances)`
    /// @return halo2Proof The proof.
    /// @return instances What it proves.
    function decode(bytes calldata proof) external pure returns (bytes memory halo2Proof, uint256[] memory instances) {
        return abi.decode(proof, (bytes, uint256[]));
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
        if (model.version == 0) revert ModelNotFound(modelId);
    }

    function _owned(uint256 modelId) private view returns (Model storage model) {
        model = _get(modelId);
        if (msg.sender != _owner()) revert NotModelOwner(modelId, msg.sender);
    }

    function _owner() private view returns (address) {
        return TwoStepOwned(address(MODELS)).owner();
    }

    function _isDeprecated(Model storage model) private view returns (bool) {
        return model.deprecated || !MODELS.isUsable(model.id, model.version);
    }

    /// The decoder reverts without a reason; a call to it can be caught.
    function _decode(bytes calldata proof) private view returns (bytes memory halo2Proof, uint256[] memory instances) {
        try this.decode(proof) returns (bytes memory decoded, uint256[] memory words) {
            return (decoded, words);
        } catch {
            revert InvalidProof();
        }
    }

    function _slice(uint256[] memory words, uint256 from, uint256 to) private pure returns (uint256[] memory part) {
        part = new uint256[](to - from);
        for (uint256 i = 0; i < part.length; ++i) {
            part[i] = words[from + i];
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IHalo2Verifier} from "./interfaces/IHalo2Verifier.sol";
import {IModelVerifier} from "./interfaces/IModelVerifier.sol";
import {FixedCode} from "./libraries/FixedCode.sol";
import {VerifierShape} from "./libraries/VerifierShape.sol";

/// @title One version of one model, without owner or registry
/// @notice For applications that want a verifier that nobody can ever stop or replace. `VOUCHED` says whether that the
/// verifier's answers never change is seen in its code, or is the word of whoever made this contract.
contract SingleModelVerifier is IModelVerifier {
    /// @notice Checks the proofs.
    IHalo2Verifier public immutable VERIFIER;

    /// @notice The model.
    bytes32 public immutable MODEL_ID;

    /// @notice Whether the verifier calls or reads what might change, as one does that keeps its key in a second contract.
    bool public immutable VOUCHED;

    /// @notice The name of the committed weights that proofs have to be about; zero where the verifier's key holds them.
    bytes32 public immutable WEIGHTS;

    /// @notice Hash of the verifier's code; of a model in parts whose contracts show that they never change, of the parts' codes too.
    bytes32 public immutable CODE_HASH;

    /// @dev Whether the hash is of the parts' codes too.
    bool private immutable _IN_PARTS;

    /// @dev Where the name of weights stands.
    uint256 private immutable _CONTEXTS;

    Shape private _shape;

    /// @notice This contract knows one version, 1, of one model.
    error UnknownModel(bytes32 modelId, uint256 version);

    /// @notice There is no contract at the verifier's address.
    error NotAContract(address verifier);

    /// @notice The code at the verifier's address, or at that of one of its parts, is not the code that was there first.
    error VerifierChanged(address verifier, bytes32 found, bytes32 expected);

    /// @param verifier Checks the proofs.
    /// @param modelId The model's name for this contract.
    /// @param vkDigest The digest that the verifier must have.
    /// @param weights The name of the committed weights that count; zero where the verifier's key holds them.
    constructor(IHalo2Verifier verifier, bytes32 modelId, bytes32 vkDigest, bytes32 weights) {
        if (!FixedCode.isContract(address(verifier))) revert NotAContract(address(verifier));
        Shape memory shape = VerifierShape.check(verifier, vkDigest, weights);
        _shape = shape;
        _CONTEXTS = shape.contexts;
        WEIGHTS = weights;
        VERIFIER = verifier;
        MODEL_ID = modelId;
        (, uint256 pc, address[] memory parts) = FixedCode.find(address(verifier));
        VOUCHED = pc != FixedCode.NOWHERE;
        // Who vouches does so for all that the verifier calls.
        if (pc != FixedCode.NOWHERE) parts = new address[](0);
        _IN_PARTS = parts.length != 0;
        CODE_HASH = FixedCode.hash(address(verifier), parts);
    }

    /// @inheritdoc IModelVerifier
    function verifyInference(bytes32 modelId, uint256 version, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (uint256 usedVersion)
    {
        IHalo2Verifier verifier = _checked(modelId, version);
        VerifierShape.compareWeights(WEIGHTS, _CONTEXTS, instances);
        if (!verifier.verifyProof(proof, instances)) revert ProofRejected();
        return 1;
    }

    /// @inheritdoc IModelVerifier
    function verifyBatch(bytes32 modelId, uint256 version, bytes[] calldata proofs, uint256[][] calldata instances)
        external
        view
        returns (uint256 usedVersion)
    {
        IHalo2Verifier verifier = _checked(modelId, version);
        for (uint256 i = 0; i < instances.length; ++i) {
            VerifierShape.compareWeights(WEIGHTS, _CONTEXTS, instances[i]);
        }
        if (!verifier.verifyBatch(proofs, instances)) revert ProofRejected();
        return 1;
    }

    /// @inheritdoc IModelVerifier
    function shapeOf(bytes32 modelId, uint256 version) external view returns (Shape memory) {
        if (modelId != MODEL_ID || version > 1) revert UnknownModel(modelId, version);
        return _shape;
    }

    /// @inheritdoc IModelVerifier
    function weightsOf(bytes32 modelId, uint256 version) external view returns (bytes32) {
        if (modelId != MODEL_ID || version > 1) revert UnknownModel(modelId, version);
        return WEIGHTS;
    }

    /// @inheritdoc IModelVerifier
    function isUsable(bytes32 modelId, uint256 version) public view returns (bool) {
        return modelId == MODEL_ID && version <= 1 && FixedCode.hash(address(VERIFIER), _IN_PARTS) == CODE_HASH;
    }

    /// @inheritdoc IModelVerifier
    function isCurrent(bytes32 modelId, uint256 version) external view returns (bool) {
        return version == 1 && isUsable(modelId, version);
    }

    function _checked(bytes32 modelId, uint256 version) private view returns (IHalo2Verifier verifier) {
        if (modelId != MODEL_ID || version > 1) revert UnknownModel(modelId, version);
        verifier = VERIFIER;
        bytes32 codeHash = FixedCode.hash(address(verifier), _IN_PARTS);
        if (codeHash != CODE_HASH) revert VerifierChanged(address(verifier), codeHash, CODE_HASH);
    }
}

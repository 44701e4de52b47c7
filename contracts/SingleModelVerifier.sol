// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IHalo2Verifier} from "./interfaces/IHalo2Verifier.sol";
import {IModelVerifier} from "./interfaces/IModelVerifier.sol";

/// @title One version of one model, without owner or registry
/// @notice For applications that want a verifier that nobody can ever stop or replace.
contract SingleModelVerifier is IModelVerifier {
    /// @notice Checks the proofs.
    IHalo2Verifier public immutable VERIFIER;

    /// @notice The model.
    bytes32 public immutable MODEL_ID;

    /// @notice This contract knows one version, 1, of one model.
    error UnknownModel(bytes32 modelId, uint256 version);

    /// @notice The verifier checks proofs of another key.
    error WrongVerifyingKey(bytes32 found, bytes32 expected);

    constructor(IHalo2Verifier verifier, bytes32 modelId, bytes32 vkDigest) {
        bytes32 digest = verifier.VK_DIGEST();
        if (digest != vkDigest) revert WrongVerifyingKey(digest, vkDigest);
        VERIFIER = verifier;
        MODEL_ID = modelId;
    }

    /// @inheritdoc IModelVerifier
    function verifyInference(bytes32 modelId, uint256 version, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (uint256 usedVersion)
    {
        if (modelId != MODEL_ID || version > 1) revert UnknownModel(modelId, version);
        if (!VERIFIER.verifyProof(proof, instances)) revert ProofRejected();
        return 1;
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Checks inferences of models by the model's name
/// @notice A proof says: this version of this model, on some input, gives the outputs in `instances`.
/// @dev No boolean is returned, so none can be forgotten.
interface IModelVerifier {
    /// @notice The verifier answered `false`. Verifiers made by zkverdict revert with their own errors instead.
    error ProofRejected();

    /// @notice Returns if the proof is valid, reverts if it is not or if the version must not be used.
    /// @param modelId The model.
    /// @param version A version of it, or 0 for the newest one that may be used.
    /// @param proof The proof, as its verifier takes it.
    /// @param instances The public values: the context, the packed inputs, the packed outputs.
    /// @return usedVersion The version that the proof was checked against.
    function verifyInference(bytes32 modelId, uint256 version, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (uint256 usedVersion);
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title A contract that asks for answers, and whose operators say which version of the model their proof is of
interface IVersionedRequests {
    /// @notice As `answerInference`, with a proof of the version that is named.
    /// @param version The version that the proof is of.
    /// @param requestId The request.
    /// @param proof The proof.
    /// @param instances What it proves: context, packed inputs, packed outputs.
    function answerInferenceOf(uint256 version, uint256 requestId, bytes calldata proof, uint256[] calldata instances)
        external;
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title A consumer whose callers say which version of the model their proof is of
/// @notice When the model's owner adds a version, proofs of the one before are still on their way. Whoever names the
/// version has them accepted for as long as the owner's period of grace lasts.
interface IVersionedConsumer {
    /// @notice As `submitInference`, with a proof of the version that is named.
    /// @param version The version that the proof is of.
    /// @param proof The proof.
    /// @param instances What it proves: context, packed inputs, packed outputs.
    function submitInferenceOf(uint256 version, bytes calldata proof, uint256[] calldata instances) external;
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Verifier of the proofs of one Halo2 circuit
interface IHalo2Verifier {
    /// @notice True if the proof is valid; reverts with a typed error if it is not.
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool);

    /// @notice Names the verifying key, its SRS and the number of instances.
    function VK_DIGEST() external view returns (bytes32);

    /// @notice How many instances a proof has.
    function NUM_INSTANCES() external view returns (uint256);
}

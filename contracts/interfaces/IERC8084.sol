// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title ERC-8084: metadata of zero-knowledge proofs
interface IZKMetadata {
    /// @notice The metadata are these now.
    event CircuitMetadataUpdated(bytes32 indexed circuitId, uint64 circuitVersion, bytes4 proofSystem);

    /// @notice Hash of the artifact that the verifying key is made from.
    function circuitId() external view returns (bytes32);

    /// @notice Major version in the upper 32 bits, minor version in the lower.
    function circuitVersion() external view returns (uint64);

    /// @notice Keccak-256 of the document that describes the instances.
    function publicInputsSchemaHash() external view returns (bytes32);

    /// @notice Where that document is.
    function publicInputsSchemaURI() external view returns (string memory);

    /// @notice Where the verifying key is.
    function verificationKeyURI() external view returns (string memory);

    /// @notice Which proof system this is; 3 is Halo2.
    function proofSystem() external view returns (bytes4);
}

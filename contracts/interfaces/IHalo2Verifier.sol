// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Verifier of one Halo2 circuit
/// @notice A proof says: somebody knows a witness with which the circuit holds for these instances.
interface IHalo2Verifier {
    /// @notice The proof does not prove the instances.
    error InvalidProof();

    /// @notice The proof has another length than every proof of this circuit.
    error ProofLength(uint256 received, uint256 expected);

    /// @notice There are more or fewer instances than the circuit has.
    error InstanceCount(uint256 received, uint256 expected);

    /// @notice The calldata is not the one canonical ABI encoding of its arguments.
    error MalformedCalldata();

    /// @notice A scalar is not below the modulus of the BN254 scalar field.
    /// @param index Counts the instances, then the evaluations in the proof.
    error ScalarOutOfRange(uint256 index);

    /// @notice A point of the proof is not on the curve, or a coordinate is not below the modulus.
    /// @param index Counts the points in the proof.
    error PointNotOnCurve(uint256 index);

    /// @notice A challenge hits a point where the argument divides by zero; the prover has to try again.
    error ChallengeInDomain();

    /// @notice The chain has no such precompile, or the gas did not suffice for it.
    error PrecompileFailed(uint256 precompile);

    /// @notice The contract was changed so that memory is in use where the verification works.
    error MemoryInUse();

    /// @notice A batch of nothing proves nothing.
    error EmptyBatch();

    /// @notice A batch has not as many lists of instances as proofs.
    error BatchLength(uint256 proofs, uint256 instances);

    /// @notice Returns true if the proof is valid, reverts if it is not.
    /// @param proof The proof in transcript order: points as two words, scalars as one, big-endian.
    /// @param instances The public inputs, column by column, each below the BN254 scalar modulus.
    /// @return Always true.
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool);

    /// @notice Returns true if all proofs are valid, reverts if one is not. One pairing serves all of them.
    /// @param proofs The proofs.
    /// @param instances For each proof its public inputs.
    /// @return Always true.
    function verifyBatch(bytes[] calldata proofs, uint256[][] calldata instances) external view returns (bool);

    /// @notice Names the statement: the circuit, its number of rows and instances, and the trusted setup.
    function VK_DIGEST() external view returns (bytes32);

    /// @notice How many instances a proof has.
    function NUM_INSTANCES() external view returns (uint256);

    /// @notice The version of this interface and of the proofs' encoding.
    function VERSION() external view returns (uint256);
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title A consumer that settles many inferences by one verification
/// @notice Whoever collects proofs settles them: their pairing is shared, and what they prove is kept as the root of a
/// Merkle tree. Each sender then claims, without a proof of his own but a path to the root.
interface IBatchConsumer {
    /// @notice Inferences are settled, to be claimed.
    event BatchSettled(bytes32 indexed root, uint256 indexed version, address indexed settler, uint256 inferences);

    /// @notice There is no settled batch with this root.
    error UnknownBatch(bytes32 root);

    /// @notice The inference is not in the batch.
    error NotInBatch(bytes32 root, bytes32 leaf);

    /// @notice The version that a batch was verified against must not be used any more.
    error BatchVersionUnusable(bytes32 root, uint256 version);

    /// @notice The version that a batch was verified against, zero if there is no such batch. Of several, the newest: a batch is
    /// only settled down to an older one where the newer must not be used any more.
    function batchVersion(bytes32 root) external view returns (uint256);

    /// @notice The leaf of an inference: it names context, inputs and outputs.
    function leafOf(uint256[] calldata instances) external view returns (bytes32);

    /// @notice Verifies proofs of anybody's inferences at once, and keeps the root of their leaves.
    /// @param version The version that the proofs are of; 0 for the pinned or newest one.
    /// @param proofs The proofs, of one inference each or of several.
    /// @param instances For each proof its public values.
    /// @return root The root, by which the inferences are claimed.
    function settleBatch(uint256 version, bytes[] calldata proofs, uint256[][] calldata instances)
        external
        returns (bytes32 root);

    /// @notice Acts on a settled inference whose context is the caller's next one.
    /// @param root The batch.
    /// @param instances What was proved of the inference: context, names, packed inputs, packed outputs.
    /// @param path The leaf's siblings up to the root.
    function claimInference(bytes32 root, uint256[] calldata instances, bytes32[] calldata path) external;
}

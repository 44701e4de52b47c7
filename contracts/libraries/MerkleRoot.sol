// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Merkle trees of which a pair is hashed in order of size
/// @notice A path is a list of siblings, as in the trees of OpenZeppelin and solady. A node without a sibling goes up as it is.
/// Leaves must be hashes of something that is not two words, so that no inner node is taken for one.
library MerkleRoot {
    /// @notice The root of leaves, in their order. The list is used up.
    function ofLeaves(bytes32[] memory nodes) internal pure returns (bytes32) {
        unchecked {
            for (uint256 count = nodes.length; count > 1; count = (count + 1) / 2) {
                for (uint256 i = 0; i < count; i += 2) {
                    nodes[i / 2] = i + 1 < count ? pair(nodes[i], nodes[i + 1]) : nodes[i];
                }
            }
        }
        return nodes[0];
    }

    /// @notice The root that a leaf and its siblings lead to.
    function ofPath(bytes32 leaf, bytes32[] calldata path) internal pure returns (bytes32 node) {
        node = leaf;
        for (uint256 i = 0; i < path.length; ++i) {
            node = pair(node, path[i]);
        }
    }

    /// @notice The node above two.
    function pair(bytes32 a, bytes32 b) internal pure returns (bytes32 node) {
        if (a > b) (a, b) = (b, a);
        assembly ("memory-safe") {
            mstore(0x00, a)
            mstore(0x20, b)
            node := keccak256(0x00, 0x40)
        }
    }
}

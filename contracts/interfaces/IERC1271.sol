// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title ERC-1271: contracts that sign
interface IERC1271 {
    /// @notice Answers its own selector if the contract signed the hash.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4);
}

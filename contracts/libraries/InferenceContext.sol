// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title What ties a proof to one use
/// @notice Instance 0 of every model is a free value that the proof is bound to. Made from chain, consumer,
/// sender and nonce, it makes a proof worthless to everybody else, everywhere else, and a second time.
library InferenceContext {
    /// @notice Modulus of BN254's scalar field: instances are below it.
    uint256 internal constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// @notice The context for one use of a proof.
    /// @param consumer The contract that acts on the proof.
    /// @param sender Who may submit the proof; zero if anybody may.
    /// @param nonce Which of the sender's uses this is.
    function derive(address consumer, address sender, uint256 nonce) internal view returns (uint256) {
        return uint256(keccak256(abi.encode(block.chainid, consumer, sender, nonce))) % R;
    }
}

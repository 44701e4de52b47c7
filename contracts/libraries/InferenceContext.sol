// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title What ties a proof to one use
/// @notice Instance 0 of every model is a free value that the proof is bound to. Made from a kind of use, chain, consumer,
/// sender and nonce, it makes a proof worthless to everybody else, everywhere else, for anything else, and a second time.
library InferenceContext {
    /// @notice Modulus of BN254's scalar field: instances are below it.
    uint256 internal constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// @notice A sender's turn at an inference consumer; the nonce counts turns.
    bytes32 internal constant TURN = keccak256("zkverdict.context.turn.v1");

    /// @notice An operator's answer to a request; the nonce is the request.
    bytes32 internal constant ANSWER = keccak256("zkverdict.context.answer.v1");

    /// @notice A token's content, by anybody; the nonce is the token.
    bytes32 internal constant CONTENT = keccak256("zkverdict.context.content.v1");

    /// @notice A validation that an agent asks for, by anybody; the nonce is the request.
    bytes32 internal constant VALIDATION = keccak256("zkverdict.context.validation.v1");

    /// @notice The context for one use of a proof.
    /// @param kind What the proof is used for, so that uses of different kinds never share a context.
    /// @param consumer The contract that acts on the proof.
    /// @param sender Who may submit the proof; zero if anybody may.
    /// @param nonce Which of the sender's uses this is.
    /// @return The context, a field element.
    function derive(bytes32 kind, address consumer, address sender, uint256 nonce) internal view returns (uint256) {
        return uint256(keccak256(abi.encode(kind, block.chainid, consumer, sender, nonce))) % R;
    }
}

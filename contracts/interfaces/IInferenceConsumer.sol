// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title A contract that acts on the answers of a model
interface IInferenceConsumer {
    /// @notice A proof was accepted and acted on.
    /// @param sender Who submitted it.
    /// @param nonce Which of the sender's proofs this was.
    /// @param version The version of the model.
    /// @param inputsHash Hash of the packed inputs, `keccak256(abi.encodePacked(words))`; that of nothing if private.
    /// @param outputsHash Hash of the packed outputs.
    event InferenceAccepted(
        address indexed sender, uint256 indexed nonce, uint256 indexed version, bytes32 inputsHash, bytes32 outputsHash
    );

    /// @notice The proof was made for another chain, consumer, sender or turn.
    error WrongContext(uint256 found, uint256 expected);

    /// @notice The model whose answers count.
    function MODEL_ID() external view returns (bytes32);

    /// @notice The version whose answers count, 0 for the newest.
    function PINNED_VERSION() external view returns (uint256);

    /// @notice How many proofs of this sender were accepted; the next one has this nonce.
    function nonces(address sender) external view returns (uint256);

    /// @notice The context that the sender's next proof must be made with.
    function contextOf(address sender) external view returns (uint256);

    /// @notice Checks a proof made by the caller for the caller, and acts on it.
    /// @param proof The proof.
    /// @param instances What it proves: context, packed inputs, packed outputs.
    function submitInference(bytes calldata proof, uint256[] calldata instances) external;
}

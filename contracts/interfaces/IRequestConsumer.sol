// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title A contract that asks for a model's answers, which operators then prove
interface IRequestConsumer {
    /// @notice Somebody wants to know what the model says about these packed inputs.
    event InferenceRequested(uint256 indexed requestId, address indexed requester, uint256[] inputs);

    /// @notice An operator has answered.
    event InferenceAnswered(uint256 indexed requestId, address indexed operator, uint256 indexed version);

    /// @notice There is no such request, or it has been answered.
    error NotOpen(uint256 requestId);

    /// @notice The proof was made for another chain, consumer, operator or request.
    error WrongContext(uint256 found, uint256 expected);

    /// @notice The proof is about another input than the request.
    error WrongInputs(uint256 requestId);

    /// @notice No proof can have this word among its inputs: an unused byte of it is set. The request could never be
    /// answered.
    error UnprovableInputs();

    /// @notice The model has private inputs beside those that a request holds: whoever answers would choose them.
    error HiddenInputs();

    /// @notice The model whose answers count.
    function MODEL_ID() external view returns (bytes32);

    /// @notice The version whose answers count, 0 for the newest.
    function PINNED_VERSION() external view returns (uint256);

    /// @notice Whether a request waits for its answer.
    function isOpen(uint256 requestId) external view returns (bool);

    /// @notice The context of an operator's proof for a request.
    function contextOf(address operator, uint256 requestId) external view returns (uint256);

    /// @notice Answers a request with a proof made by the caller for the caller.
    /// @param requestId The request.
    /// @param proof The proof.
    /// @param instances What it proves: context, packed inputs, packed outputs.
    function answerInference(uint256 requestId, bytes calldata proof, uint256[] calldata instances) external;
}

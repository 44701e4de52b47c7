// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title ERC-8004: the validation registry, as it stands since January 2026
/// @notice Agents ask for their work to be validated; the validator that they name responds.
interface IERC8004ValidationRegistry {
    /// @notice An agent asks for a validation.
    event ValidationRequest(
        address indexed validatorAddress, uint256 indexed agentId, string requestURI, bytes32 indexed requestHash
    );

    /// @notice A validator responds.
    event ValidationResponse(
        address indexed validatorAddress,
        uint256 indexed agentId,
        bytes32 indexed requestHash,
        uint8 response,
        string responseURI,
        bytes32 responseHash,
        string tag
    );

    /// @notice Asks for a validation. Only for the agent's owner or operator.
    /// @param validatorAddress Who is to respond.
    /// @param agentId Whose work it is.
    /// @param requestURI Where all that the validator needs is found.
    /// @param requestHash Keccak-256 of what is found there.
    function validationRequest(
        address validatorAddress,
        uint256 agentId,
        string calldata requestURI,
        bytes32 requestHash
    ) external;

    /// @notice Responds. Only for the validator that was named.
    /// @param requestHash The request.
    /// @param response 0 for failed to 100 for passed.
    /// @param responseURI Where the evidence is found; may be empty.
    /// @param responseHash Keccak-256 of the evidence; may be zero.
    /// @param tag The validator's own category; may be empty.
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external;

    /// @notice Where agents are registered.
    function getIdentityRegistry() external view returns (address identityRegistry);

    /// @notice How many responses an agent has, and their mean.
    /// @param agentId The agent.
    /// @param validatorAddresses Whose responses count; everybody's if there are none.
    /// @param tag Which responses count; all if it is empty.
    function getSummary(uint256 agentId, address[] calldata validatorAddresses, string calldata tag)
        external
        view
        returns (uint64 count, uint8 averageResponse);

    /// @notice All requests of an agent.
    function getAgentValidations(uint256 agentId) external view returns (bytes32[] memory requestHashes);

    /// @notice All requests to a validator.
    function getValidatorRequests(address validatorAddress) external view returns (bytes32[] memory requestHashes);

    /// @notice What is known of a request.
    function getValidationStatus(bytes32 requestHash)
        external
        view
        returns (
            address validatorAddress,
            uint256 agentId,
            uint8 response,
            bytes32 responseHash,
            string memory tag,
            uint256 lastUpdate
        );
}

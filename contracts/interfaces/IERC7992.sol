// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title ERC-7992: models and what they are committed to
/// @dev The draft also declares an error `ModelDeprecated`, which Solidity refuses beside the event of that name.
interface IERCZKMLRegistry {
    /// @notice What a model is committed to.
    struct ModelCommitment {
        /// Weights and architecture.
        bytes32 modelHash;
        /// Circuit.
        bytes32 circuitHash;
        /// Verifying key.
        bytes32 vkHash;
        /// Proof system, curve and version.
        bytes4 proofSystemId;
        /// Where people read about it.
        string uri;
    }

    /// @notice There is a new id.
    event ModelRegistered(uint256 indexed modelId, address indexed owner, ModelCommitment commitment);
    /// @notice An id has another commitment.
    event ModelUpdated(uint256 indexed modelId, ModelCommitment oldCommitment, ModelCommitment newCommitment);
    /// @notice An id must not be used any more.
    event ModelDeprecated(uint256 indexed modelId);

    /// @notice There is no such id.
    error ModelNotFound(uint256 modelId);
    /// @notice The id is somebody else's.
    error NotModelOwner(uint256 modelId, address caller);

    /// @notice Gives a commitment an id.
    function registerModel(ModelCommitment calldata commitment) external returns (uint256 modelId);
    /// @notice Gives an id another commitment.
    function updateModel(uint256 modelId, ModelCommitment calldata newCommitment) external;
    /// @notice Says that an id must not be used any more.
    function deprecateModel(uint256 modelId) external;
    /// @notice What an id stands for.
    function getModel(uint256 modelId)
        external
        view
        returns (ModelCommitment memory commitment, bool deprecated, address owner);
}

/// @title ERC-7992: verified inferences
interface IERCZKMLVerifier {
    /// @notice An inference was verified.
    event InferenceVerified(
        uint256 indexed modelId, bytes32 indexed inputCommitment, bytes output, address indexed caller
    );

    /// @notice The proof proves nothing.
    error InvalidProof();
    /// @notice The proof is of another model.
    error ModelMismatch();
    /// @notice The proof is about another input.
    error InputCommitmentMismatch();
    /// @notice The proof is about another output.
    error OutputMismatch();
    /// @notice Proofs of this system are not verified here.
    error UnsupportedProofSystem(bytes4 proofSystemId);
    /// @notice The id must not be used any more.
    error VerificationRefused_ModelDeprecated(uint256 modelId);

    /// @notice Returns if the model gives this output for the committed input, reverts if it does not or the proof does not show it.
    function verifyInference(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external;
    /// @notice The proof system of an id.
    function proofSystemOf(uint256 modelId) external view returns (bytes4);
    /// @notice Where ids are registered.
    function registry() external view returns (address registryAddress);
}

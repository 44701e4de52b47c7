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

    event ModelRegistered(uint256 indexed modelId, address indexed owner, ModelCommitment commitment);
    event ModelUpdated(uint256 indexed modelId, ModelCommitment oldCommitment, ModelCommitment newCommitment);
    event ModelDeprecated(uint256 indexed modelId);

    error ModelNotFound(uint256 modelId);
    error NotModelOwner(uint256 modelId, address caller);

    function registerModel(ModelCommitment calldata commitment) external returns (uint256 modelId);
    function updateModel(uint256 modelId, ModelCommitment calldata newCommitment) external;
    function deprecateModel(uint256 modelId) external;
    function getModel(uint256 modelId)
        external
        view
        returns (ModelCommitment memory commitment, bool deprecated, address owner);
}

/// @title ERC-7992: verified inferences
interface IERCZKMLVerifier {
    event InferenceVerified(
        uint256 indexed modelId, bytes32 indexed inputCommitment, bytes output, address indexed caller
    );

    error InvalidProof();
    error ModelMismatch();
    error InputCommitmentMismatch();
    error OutputMismatch();
    error UnsupportedProofSystem(bytes4 proofSystemId);
    error VerificationRefused_ModelDeprecated(uint256 modelId);

    function verifyInference(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external;
    function proofSystemOf(uint256 modelId) external view returns (bytes4);
    function registry() external view returns (address registryAddress);
}

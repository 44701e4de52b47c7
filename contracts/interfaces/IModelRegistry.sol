// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IHalo2Verifier} from "./IHalo2Verifier.sol";
import {IModelVerifier} from "./IModelVerifier.sol";

/// @title Models, their versions, and the verifiers that check them
interface IModelRegistry is IModelVerifier {
    /// @notice What may be done with a version.
    enum Status {
        /// There is no such version.
        Absent,
        /// Its proofs are accepted.
        Active,
        /// The owner or the guardian has stopped it; the owner can resume it.
        Stopped,
        /// Two valid proofs contradict each other: its verifier must not be trusted, ever.
        Contradicted,
        /// The owner has withdrawn it for good.
        Tombstoned
    }

    /// @notice One version of a model.
    struct Version {
        /// Checks its proofs.
        IHalo2Verifier verifier;
        /// Whether its proofs are accepted.
        Status status;
        /// How many instances after the context describe the input; 0 if proofs keep it private.
        uint64 inputInstances;
        /// Names the verifying key, and with it circuit, weights and SRS.
        bytes32 vkDigest;
        /// Hash of the verifier's code when it was added.
        bytes32 codeHash;
        /// Where people read about it.
        string metadataURI;
    }

    /// @notice A proof and what it proves.
    struct Inference {
        bytes proof;
        uint256[] instances;
    }

    /// @notice A version was added, and is active.
    event VersionAdded(
        bytes32 indexed modelId, uint256 indexed version, address indexed verifier, bytes32 vkDigest, string metadataURI
    );

    /// @notice A version has another status now.
    event VersionStatusChanged(bytes32 indexed modelId, uint256 indexed version, Status status);

    /// @notice Somebody showed two valid proofs with the same input and different outputs.
    event ContradictionShown(bytes32 indexed modelId, uint256 indexed version, address indexed reporter);

    /// @notice Everything is stopped, or no longer.
    event RegistryStopped(bool stopped);

    /// @notice Another account may stop things.
    event GuardianChanged(address indexed guardian);

    /// @notice The registry is stopped as a whole.
    error RegistryIsStopped();

    /// @notice The model has no such version.
    error UnknownVersion(bytes32 modelId, uint256 version);

    /// @notice None of the model's versions may be used.
    error NoActiveVersion(bytes32 modelId);

    /// @notice The version must not be used, or not be changed in this way.
    error VersionIs(bytes32 modelId, uint256 version, Status status);

    /// @notice The code at the verifier's address is not the code that was added.
    error VerifierChanged(address verifier, bytes32 found, bytes32 expected);

    /// @notice There is no contract at the verifier's address.
    error NotAContract(address verifier);

    /// @notice The verifier checks proofs of another key.
    error WrongVerifyingKey(bytes32 found, bytes32 expected);

    /// @notice A key can be registered once, whatever became of that version.
    error DuplicateVerifyingKey(bytes32 vkDigest, bytes32 modelId, uint256 version);

    /// @notice The verifier has too few instances for a context, that input and an output.
    error TooManyInputInstances(uint256 inputInstances, uint256 instances);

    /// @notice The model's inputs are private: outputs may differ without any contradiction.
    error InputsArePrivate();

    /// @notice The proofs agree, or are about different inputs.
    error NoContradiction();

    /// @notice The caller is neither the owner nor the guardian.
    error NotGuardian(address caller);

    /// @notice How many versions a model has; they are numbered from 1.
    function versionCount(bytes32 modelId) external view returns (uint256);

    /// @notice A version, whatever its status.
    function getVersion(bytes32 modelId, uint256 version) external view returns (Version memory);

    /// @notice The newest version whose proofs are accepted.
    function latestVersion(bytes32 modelId) external view returns (uint256);

    /// @notice The model and version of a verifying key, zeros if there is none.
    function versionOfKey(bytes32 vkDigest) external view returns (bytes32 modelId, uint256 version);

    /// @notice Stops a version for good by two valid proofs with the same input and different outputs.
    /// @dev Anybody may call this: a verifier that accepts both accepts a falsehood.
    function reportContradiction(bytes32 modelId, uint256 version, Inference calldata first, Inference calldata second)
        external;
}

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
        /// The owner has withdrawn it for good, and its key.
        Tombstoned,
        /// The owner has withdrawn it without blame: its key may be added again.
        Retired
    }

    /// @notice One version of a model.
    struct Version {
        /// Checks its proofs.
        IHalo2Verifier verifier;
        /// Whether its proofs are accepted.
        Status status;
        /// Whether nothing but the owner's word says that the verifier's answers never change.
        bool vouched;
        /// When it was added, or resumed last: proofs of older versions are on their way from then on.
        uint64 activeSince;
        /// Whether its weights are committed: here, beside what every verification reads.
        bool namesWeights;
        /// Whether its model is in parts, whose verifiers its verifier calls.
        bool inParts;
        /// Where inputs and outputs lie in its proofs' instances, as its verifier tells.
        Shape shape;
        /// Names the verifying key, and with it circuit, weights and SRS; where weights are committed, their architecture.
        bytes32 vkDigest;
        /// Hash of the verifier's code when it was added; of a model in parts, of the parts' codes too.
        bytes32 codeHash;
        /// Where people read about it.
        string metadataURI;
        /// The name of its committed weights; zero where its key holds them.
        bytes32 weights;
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

    /// @notice A version's proofs are about the committed weights of this name.
    event WeightsNamed(bytes32 indexed modelId, uint256 indexed version, bytes32 indexed weights);

    /// @notice A version's verifier calls or reads what may change; that it does not is the owner's word alone.
    event VersionVouchedFor(bytes32 indexed modelId, uint256 indexed version, address indexed verifier);

    /// @notice Proofs of a version are accepted for another time after a newer one was added.
    event GracePeriodChanged(bytes32 indexed modelId, uint64 gracePeriod);

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

    /// @notice The code at the verifier's address, or at that of one of its parts, is not the code that was added.
    error VerifierChanged(address verifier, bytes32 found, bytes32 expected);

    /// @notice There is no contract at the verifier's address.
    error NotAContract(address verifier);

    /// @notice The code of the verifier, or of one of its parts, has an instruction, at this place in it, with which answers could change;
    /// or there is no code.
    error VerifierCouldChange(address verifier, uint256 pc);

    /// @notice A key, or where weights are committed their name, is registered once, until that version is retired.
    error DuplicateVerifyingKey(bytes32 vkDigest, bytes32 modelId, uint256 version);

    /// @notice The versions before it have other inputs or outputs: that is another model.
    error AnotherShape(bytes32 modelId, uint256 version);

    /// @notice The model's inputs are private: outputs may differ without any contradiction.
    error InputsArePrivate();

    /// @notice The proofs agree, or are about different inputs.
    error NoContradiction();

    /// @notice The caller is neither the owner nor the guardian.
    error NotGuardian(address caller);

    /// @notice Whether everything is stopped.
    function stopped() external view returns (bool);

    /// @notice Seconds for which proofs of a version are accepted, by whoever follows the newest, after a newer was added.
    function gracePeriod(bytes32 modelId) external view returns (uint64);

    /// @notice How many versions a model has; they are numbered from 1.
    function versionCount(bytes32 modelId) external view returns (uint256);

    /// @notice A version, whatever its status.
    function getVersion(bytes32 modelId, uint256 version) external view returns (Version memory);

    /// @notice The newest version whose proofs are accepted.
    function latestVersion(bytes32 modelId) external view returns (uint256);

    /// @notice The model and version of a verifying key, or of committed weights by their name; zeros if there is none.
    function versionOfKey(bytes32 vkDigest) external view returns (bytes32 modelId, uint256 version);

    /// @notice Stops a version for good by two valid proofs with the same input and different outputs.
    /// @dev Anybody may call this: a verifier that accepts both accepts a falsehood. With committed weights the proofs may be
    /// about those of any name, the same one: they stop every version with that verifier, one call each.
    function reportContradiction(bytes32 modelId, uint256 version, Inference calldata first, Inference calldata second)
        external;
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {TwoStepOwned} from "./TwoStepOwned.sol";
import {IHalo2Verifier} from "./interfaces/IHalo2Verifier.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IModelVerifier} from "./interfaces/IModelVerifier.sol";

/// @title Models, their versions, and the verifiers that check them
/// @notice The owner adds versions and may withdraw them, but can never change one: whoever pins a version
/// gets that verifier or none. Anybody can stop a version whose verifier accepts a falsehood.
contract ModelRegistry is IModelRegistry, TwoStepOwned {
    /// @notice Who, besides the owner, may stop things. Cannot resume them.
    address public guardian;

    /// @notice Whether everything is stopped.
    bool public stopped;

    mapping(bytes32 modelId => Version[]) private _versions;

    struct KeyUse {
        bytes32 modelId;
        uint256 version;
    }

    mapping(bytes32 vkDigest => KeyUse) private _keyUses;

    modifier onlyGuardian() {
        if (msg.sender != owner && msg.sender != guardian) revert NotGuardian(msg.sender);
        _;
    }

    constructor(address initialOwner) TwoStepOwned(initialOwner) {}

    // ── Reading ──

    /// @inheritdoc IModelVerifier
    function verifyInference(bytes32 modelId, uint256 version, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (uint256 usedVersion)
    {
        if (stopped) revert RegistryIsStopped();
        usedVersion = version == 0 ? latestVersion(modelId) : version;
        Version storage entry = _get(modelId, usedVersion);
        if (entry.status != Status.Active) revert VersionIs(modelId, usedVersion, entry.status);
        _verify(entry, proof, instances);
    }

    /// @inheritdoc IModelRegistry
    function versionCount(bytes32 modelId) external view returns (uint256) {
        return _versions[modelId].length;
    }

    /// @inheritdoc IModelRegistry
    function getVersion(bytes32 modelId, uint256 version) external view returns (Version memory) {
        return _get(modelId, version);
    }

    /// @inheritdoc IModelRegistry
    function latestVersion(bytes32 modelId) public view returns (uint256) {
        Version[] storage versions = _versions[modelId];
        for (uint256 version = versions.length; version > 0; --version) {
            if (versions[version - 1].status == Status.Active) return version;
        }
        revert NoActiveVersion(modelId);
    }

    /// @inheritdoc IModelRegistry
    function versionOfKey(bytes32 vkDigest) external view returns (bytes32 modelId, uint256 version) {
        KeyUse storage use = _keyUses[vkDigest];
        return (use.modelId, use.version);
    }

    // ── The owner ──

    /// @notice Adds a version, active at once.
    /// @param modelId The model; the first version makes it.
    /// @param verifier Checks proofs of this version.
    /// @param vkDigest The digest that the verifier must have.
    /// @param inputInstances How many instances after the context describe the input; 0 if proofs keep it
    /// private. Too small a number would let honest proofs look like contradictions.
    /// @param metadataURI Where people read about it.
    /// @return version Its number.
    function addVersion(
        bytes32 modelId,
        IHalo2Verifier verifier,
        bytes32 vkDigest,
        uint64 inputInstances,
        string calldata metadataURI
    ) external onlyOwner returns (uint256 version) {
        if (address(verifier).code.length == 0) revert NotAContract(address(verifier));
        bytes32 digest = verifier.VK_DIGEST();
        if (digest != vkDigest) revert WrongVerifyingKey(digest, vkDigest);
        KeyUse storage use = _keyUses[vkDigest];
        if (use.version != 0) revert DuplicateVerifyingKey(vkDigest, use.modelId, use.version);
        uint256 instances = verifier.NUM_INSTANCES();
        if (instances < 2 || inputInstances > instances - 2) {
            revert TooManyInputInstances(inputInstances, instances);
        }

        _versions[modelId].push(
            Version({
                verifier: verifier,
                status: Status.Active,
                inputInstances: inputInstances,
                vkDigest: vkDigest,
                codeHash: address(verifier).codehash,
                metadataURI: metadataURI
            })
        );
        version = _versions[modelId].length;
        _keyUses[vkDigest] = KeyUse(modelId, version);
        emit VersionAdded(modelId, version, address(verifier), vkDigest, metadataURI);
    }

    /// @notice Resumes a stopped version.
    function resumeVersion(bytes32 modelId, uint256 version) external onlyOwner {
        Version storage entry = _get(modelId, version);
        if (entry.status != Status.Stopped) revert VersionIs(modelId, version, entry.status);
        _setStatus(modelId, version, entry, Status.Active);
    }

    /// @notice Withdraws a version for good. Neither it nor its key ever comes back.
    function tombstoneVersion(bytes32 modelId, uint256 version) external onlyOwner {
        Version storage entry = _get(modelId, version);
        if (entry.status == Status.Tombstoned) revert VersionIs(modelId, version, entry.status);
        _setStatus(modelId, version, entry, Status.Tombstoned);
    }

    /// @notice Resumes the registry.
    function resume() external onlyOwner {
        stopped = false;
        emit RegistryStopped(false);
    }

    /// @notice Chooses who else may stop things; zero for nobody.
    function setGuardian(address newGuardian) external onlyOwner {
        guardian = newGuardian;
        emit GuardianChanged(newGuardian);
    }

    // ── Stopping ──

    /// @notice Stops everything.
    function stop() external onlyGuardian {
        stopped = true;
        emit RegistryStopped(true);
    }

    /// @notice Stops a version.
    function stopVersion(bytes32 modelId, uint256 version) external onlyGuardian {
        Version storage entry = _get(modelId, version);
        if (entry.status != Status.Active) revert VersionIs(modelId, version, entry.status);
        _setStatus(modelId, version, entry, Status.Stopped);
    }

    /// @inheritdoc IModelRegistry
    function reportContradiction(bytes32 modelId, uint256 version, Inference calldata first, Inference calldata second)
        external
    {
        Version storage entry = _get(modelId, version);
        // A stopped version may be shown to be worse than stopped.
        if (entry.status != Status.Active && entry.status != Status.Stopped) {
            revert VersionIs(modelId, version, entry.status);
        }
        uint256 inputEnd = 1 + entry.inputInstances;
        if (inputEnd == 1) revert InputsArePrivate();
        // The verifier checks the number of instances, so both have the same one.
        _verify(entry, first.proof, first.instances);
        _verify(entry, second.proof, second.instances);
        // Contexts differ from proof to proof and do not enter the model.
        bool sameInput = keccak256(abi.encodePacked(first.instances[1:inputEnd]))
            == keccak256(abi.encodePacked(second.instances[1:inputEnd]));
        bool sameOutput = keccak256(abi.encodePacked(first.instances[inputEnd:]))
            == keccak256(abi.encodePacked(second.instances[inputEnd:]));
        if (!sameInput || sameOutput) revert NoContradiction();

        _setStatus(modelId, version, entry, Status.Contradicted);
        emit ContradictionShown(modelId, version, msg.sender);
    }

    // ── Inside ──

    function _get(bytes32 modelId, uint256 version) private view returns (Version storage) {
        Version[] storage versions = _versions[modelId];
        if (version == 0 || version > versions.length) revert UnknownVersion(modelId, version);
        return versions[version - 1];
    }

    function _setStatus(bytes32 modelId, uint256 version, Version storage entry, Status status) private {
        entry.status = status;
        emit VersionStatusChanged(modelId, version, status);
    }

    /// Reverts unless the verifier, unchanged since it was added, accepts.
    function _verify(Version storage entry, bytes calldata proof, uint256[] calldata instances) private view {
        IHalo2Verifier verifier = entry.verifier;
        // Before Cancun, and on chains that never had it, code at an address can be replaced.
        bytes32 codeHash = address(verifier).codehash;
        if (codeHash != entry.codeHash) {
            revert VerifierChanged(address(verifier), codeHash, entry.codeHash);
        }
        if (!verifier.verifyProof(proof, instances)) revert ProofRejected();
    }
}

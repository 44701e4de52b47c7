// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {TwoStepOwned} from "./TwoStepOwned.sol";
import {IHalo2Verifier} from "./interfaces/IHalo2Verifier.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {IModelVerifier} from "./interfaces/IModelVerifier.sol";
import {FixedCode} from "./libraries/FixedCode.sol";
import {PackedTensor} from "./libraries/PackedTensor.sol";
import {VerifierShape} from "./libraries/VerifierShape.sol";

/// @title Models, their versions, and the verifiers that check them
/// @notice The owner adds versions and may withdraw them, but can never change one: whoever pins a version gets that
/// verifier or none. That a verifier's answers cannot change is seen in its code. Where it cannot be seen, the owner has
/// to vouch for it, and the version says so: whoever pins a version that is vouched for trusts the owner in this.
/// Anybody can stop a version whose verifier accepts a falsehood.
contract ModelRegistry is IModelRegistry, TwoStepOwned {
    using PackedTensor for uint256[];

    /// @notice A model's period of grace until the owner sets another.
    uint64 public constant DEFAULT_GRACE_PERIOD = 1 days;

    /// @notice Who, besides the owner, may stop things. Cannot resume them.
    address public guardian;

    /// @inheritdoc IModelRegistry
    bool public stopped;

    /// @inheritdoc IModelRegistry
    mapping(bytes32 modelId => uint64) public gracePeriod;

    /// @inheritdoc IModelRegistry
    mapping(bytes32 modelId => uint256) public versionCount;

    mapping(bytes32 modelId => mapping(uint256 version => Version)) private _versions;

    /// @dev Which version of which model uses a key, or weights that are committed.
    struct KeyUse {
        bytes32 modelId;
        uint256 version;
    }

    /// @dev By the key's digest, or by the name of committed weights, which share one key.
    mapping(bytes32 digestOrName => KeyUse) private _keyUses;

    modifier onlyGuardian() {
        if (msg.sender != owner && msg.sender != guardian) revert NotGuardian(msg.sender);
        _;
    }

    /// @param initialOwner Who owns this first.
    constructor(address initialOwner) TwoStepOwned(initialOwner) {}

    // ── Reading ──

    /// @inheritdoc IModelVerifier
    function verifyInference(bytes32 modelId, uint256 version, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (uint256 usedVersion)
    {
        Version storage entry;
        (usedVersion, entry) = _usable(modelId, version);
        _compareWeights(entry, instances);
        _verify(entry, proof, instances);
    }

    /// @inheritdoc IModelVerifier
    function verifyBatch(bytes32 modelId, uint256 version, bytes[] calldata proofs, uint256[][] calldata instances)
        external
        view
        returns (uint256 usedVersion)
    {
        Version storage entry;
        (usedVersion, entry) = _usable(modelId, version);
        for (uint256 i = 0; i < instances.length; ++i) {
            _compareWeights(entry, instances[i]);
        }
        if (!_verifierOf(entry).verifyBatch(proofs, instances)) revert ProofRejected();
    }

    /// @inheritdoc IModelVerifier
    function shapeOf(bytes32 modelId, uint256 version) external view returns (Shape memory) {
        return _get(modelId, version == 0 ? latestVersion(modelId) : version).shape;
    }

    /// @inheritdoc IModelVerifier
    function weightsOf(bytes32 modelId, uint256 version) external view returns (bytes32) {
        return _get(modelId, version == 0 ? latestVersion(modelId) : version).weights;
    }

    /// @inheritdoc IModelVerifier
    function isUsable(bytes32 modelId, uint256 version) public view returns (bool) {
        if (stopped) return false;
        if (version == 0) return _latestVersion(modelId) != 0;
        Version storage entry = _versions[modelId][version];
        if (entry.status != Status.Active) return false;
        return FixedCode.hash(address(entry.verifier), entry.inParts) == entry.codeHash;
    }

    /// @inheritdoc IModelVerifier
    function isCurrent(bytes32 modelId, uint256 version) external view returns (bool) {
        if (version == 0 || !isUsable(modelId, version)) return false;
        uint256 count = versionCount[modelId];
        for (uint256 newer = version + 1; newer <= count; ++newer) {
            Version storage entry = _versions[modelId][newer];
            if (entry.status == Status.Active) {
                return block.timestamp <= uint256(entry.activeSince) + gracePeriod[modelId];
            }
        }
        return true;
    }

    /// @inheritdoc IModelRegistry
    function getVersion(bytes32 modelId, uint256 version) external view returns (Version memory) {
        return _get(modelId, version);
    }

    /// @inheritdoc IModelRegistry
    function latestVersion(bytes32 modelId) public view returns (uint256 version) {
        version = _latestVersion(modelId);
        if (version == 0) revert NoActiveVersion(modelId);
    }

    /// @inheritdoc IModelRegistry
    function versionOfKey(bytes32 vkDigest) external view returns (bytes32 modelId, uint256 version) {
        KeyUse storage use = _keyUses[vkDigest];
        return (use.modelId, use.version);
    }

    // ── The owner ──

    /// @notice Adds a version, active at once, whose verifier's code shows that its answers never change.
    /// @param modelId The model; the first version makes it.
    /// @param verifier Checks proofs of this version, and tells what their instances are.
    /// @param vkDigest The digest that the verifier must have.
    /// @param metadataURI Where people read about it.
    /// @return version Its number.
    function addVersion(bytes32 modelId, IHalo2Verifier verifier, bytes32 vkDigest, string calldata metadataURI)
        external
        onlyOwner
        returns (uint256 version)
    {
        return _add(modelId, verifier, vkDigest, 0, metadataURI, false);
    }

    /// @notice Adds a version, active at once, for whose verifier the owner vouches: its code calls or reads what might
    /// change, so that it does not change is the owner's word. Verifiers that keep their key in a second contract are
    /// such; so is every proxy.
    /// @param modelId The model; the first version makes it.
    /// @param verifier Checks proofs of this version, and tells what their instances are.
    /// @param vkDigest The digest that the verifier must have.
    /// @param metadataURI Where people read about it.
    /// @return version Its number.
    function addVouchedVersion(bytes32 modelId, IHalo2Verifier verifier, bytes32 vkDigest, string calldata metadataURI)
        external
        onlyOwner
        returns (uint256 version)
    {
        return _add(modelId, verifier, vkDigest, 0, metadataURI, true);
    }

    /// @notice Adds a version, active at once, of an architecture whose weights are committed. The versions of a model may
    /// share one verifier: each accepts proofs about its own weights alone, and is stopped and withdrawn by itself.
    /// @param modelId The model; the first version makes it.
    /// @param verifier Checks proofs of the architecture, and tells what their instances are.
    /// @param vkDigest The digest that the verifier must have.
    /// @param weights The name of the weights.
    /// @param vouched Whether the owner vouches for the verifier, as `addVouchedVersion` says, where its code does not show
    /// that its answers never change.
    /// @param metadataURI Where people read about it.
    /// @return version Its number.
    function addNamedVersion(
        bytes32 modelId,
        IHalo2Verifier verifier,
        bytes32 vkDigest,
        bytes32 weights,
        bool vouched,
        string calldata metadataURI
    ) external onlyOwner returns (uint256 version) {
        version = _add(modelId, verifier, vkDigest, weights, metadataURI, vouched);
        emit WeightsNamed(modelId, version, weights);
    }

    /// @notice Sets for how long proofs of a version are accepted, by whoever follows the newest, after a newer was added.
    /// @param modelId The model.
    /// @param seconds_ The time; 0 for none. A version that must not be used is stopped, not outwaited.
    function setGracePeriod(bytes32 modelId, uint64 seconds_) external onlyOwner {
        gracePeriod[modelId] = seconds_;
        emit GracePeriodChanged(modelId, seconds_);
    }

    /// @notice Resumes a stopped version. Those before it have their period of grace anew.
    function resumeVersion(bytes32 modelId, uint256 version) external onlyOwner {
        Version storage entry = _get(modelId, version);
        if (entry.status != Status.Stopped) revert VersionIs(modelId, version, entry.status);
        entry.activeSince = uint64(block.timestamp);
        _setStatus(modelId, version, entry, Status.Active);
    }

    /// @notice Withdraws a version without blame. It does not come back under this number, but its key, or its weights, may be added again:
    /// this is how a version that was added wrongly is replaced.
    function retireVersion(bytes32 modelId, uint256 version) external onlyOwner {
        Version storage entry = _get(modelId, version);
        if (entry.status != Status.Active && entry.status != Status.Stopped) {
            revert VersionIs(modelId, version, entry.status);
        }
        _setStatus(modelId, version, entry, Status.Retired);
        delete _keyUses[_idOf(entry.vkDigest, entry.weights)];
    }

    /// @notice Withdraws a version for good. Neither it nor its key, or where they are committed its weights, ever comes back.
    function tombstoneVersion(bytes32 modelId, uint256 version) external onlyOwner {
        Version storage entry = _get(modelId, version);
        // Of a retired version the key may be in use again.
        if (entry.status == Status.Tombstoned || entry.status == Status.Retired) {
            revert VersionIs(modelId, version, entry.status);
        }
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
        Shape memory shape = entry.shape;
        // Outputs may differ where something differs that the instances do not tell.
        if (shape.inputs == 0 || shape.hidesInputs) revert InputsArePrivate();
        // The verifier checks the number of instances, so both have the same one.
        _verify(entry, first.proof, first.instances);
        _verify(entry, second.proof, second.instances);
        // Contexts differ from proof to proof and do not enter the model.
        bool sameInput = first.instances.hash(shape.contexts, shape.firstOutput)
            == second.instances.hash(shape.contexts, shape.firstOutput);
        bool sameOutput = first.instances.hash(shape.firstOutput, shape.instances)
            == second.instances.hash(shape.firstOutput, shape.instances);
        if (!sameInput || sameOutput) revert NoContradiction();

        _setStatus(modelId, version, entry, Status.Contradicted);
        // Also where the key serves many weights: none are added to it any more.
        _keyUses[entry.vkDigest] = KeyUse(modelId, version);
        emit ContradictionShown(modelId, version, msg.sender);
    }

    // ── Inside ──

    function _add(
        bytes32 modelId,
        IHalo2Verifier verifier,
        bytes32 vkDigest,
        bytes32 weights,
        string calldata metadataURI,
        bool vouched
    ) private returns (uint256 version) {
        if (!FixedCode.isContract(address(verifier))) revert NotAContract(address(verifier));
        Shape memory shape = VerifierShape.check(verifier, vkDigest, weights);
        // Of a key that serves many weights there is a use if it was contradicted.
        _requireUnused(vkDigest);
        bytes32 id = _idOf(vkDigest, weights);
        _requireUnused(id);
        version = ++versionCount[modelId];
        if (version == 1) gracePeriod[modelId] = DEFAULT_GRACE_PERIOD;
        _requireShapeOfModel(modelId, version, shape);
        Version storage entry = _versions[modelId][version];
        (entry.verifier, entry.status, entry.vouched) = (verifier, Status.Active, vouched);
        (entry.activeSince, entry.namesWeights) = (uint64(block.timestamp), weights != 0);
        entry.shape = shape;
        (entry.vkDigest, entry.weights, entry.metadataURI) = (vkDigest, weights, metadataURI);
        _keyUses[id] = KeyUse(modelId, version);
        emit VersionAdded(modelId, version, address(verifier), vkDigest, metadataURI);
        if (vouched) {
            // For all that the verifier calls.
            entry.codeHash = address(verifier).codehash;
            emit VersionVouchedFor(modelId, version, address(verifier));
            return version;
        }
        (address where, uint256 pc, address[] memory parts) = FixedCode.find(address(verifier));
        if (pc != FixedCode.NOWHERE) revert VerifierCouldChange(where, pc);
        (entry.inParts, entry.codeHash) = (parts.length != 0, FixedCode.hash(address(verifier), parts));
    }

    /// What a version is known by: its key, or the name of weights under it.
    function _idOf(bytes32 vkDigest, bytes32 weights) private pure returns (bytes32) {
        return weights == 0 ? vkDigest : weights;
    }

    function _requireUnused(bytes32 id) private view {
        KeyUse storage use = _keyUses[id];
        if (use.version != 0) revert DuplicateVerifyingKey(id, use.modelId, use.version);
    }

    /// Whoever follows the newest version reads all of them alike. Retired ones were mistakes.
    function _requireShapeOfModel(bytes32 modelId, uint256 version, Shape memory shape) private view {
        for (uint256 older = version - 1; older > 0; --older) {
            Version storage entry = _versions[modelId][older];
            if (entry.status == Status.Retired) continue;
            Shape memory other = entry.shape;
            // The trusted setup may differ.
            other.unsafeDevSrs = shape.unsafeDevSrs;
            if (keccak256(abi.encode(other)) != keccak256(abi.encode(shape))) revert AnotherShape(modelId, older);
            return;
        }
    }

    /// The newest active version, zero if there is none.
    function _latestVersion(bytes32 modelId) private view returns (uint256 version) {
        version = versionCount[modelId];
        while (version != 0 && _versions[modelId][version].status != Status.Active) --version;
    }

    function _usable(bytes32 modelId, uint256 version)
        private
        view
        returns (uint256 usedVersion, Version storage entry)
    {
        if (stopped) revert RegistryIsStopped();
        usedVersion = version == 0 ? latestVersion(modelId) : version;
        entry = _get(modelId, usedVersion);
        if (entry.status != Status.Active) revert VersionIs(modelId, usedVersion, entry.status);
    }

    function _get(bytes32 modelId, uint256 version) private view returns (Version storage entry) {
        entry = _versions[modelId][version];
        if (entry.status == Status.Absent) revert UnknownVersion(modelId, version);
    }

    function _setStatus(bytes32 modelId, uint256 version, Version storage entry, Status status) private {
        entry.status = status;
        emit VersionStatusChanged(modelId, version, status);
    }

    /// The verifier of a version, unchanged since it was added.
    function _verifierOf(Version storage entry) private view returns (IHalo2Verifier verifier) {
        verifier = entry.verifier;
        // Harmless code may have been returned by a constructor that also had the account destroyed at the end of its
        // transaction, and other code been put there since. Before Cancun, code can go at any time.
        bytes32 codeHash = FixedCode.hash(address(verifier), entry.inParts);
        if (codeHash != entry.codeHash) revert VerifierChanged(address(verifier), codeHash, entry.codeHash);
    }

    /// Refuses a proof about other weights than the version's.
    function _compareWeights(Version storage entry, uint256[] calldata instances) private view {
        if (entry.namesWeights) VerifierShape.compareWeights(entry.weights, entry.shape.contexts, instances);
    }

    /// Reverts unless the verifier accepts.
    function _verify(Version storage entry, bytes calldata proof, uint256[] calldata instances) private view {
        if (!_verifierOf(entry).verifyProof(proof, instances)) revert ProofRejected();
    }
}

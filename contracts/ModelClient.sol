// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IModelVerifier} from "./interfaces/IModelVerifier.sol";
import {PackedTensor} from "./libraries/PackedTensor.sol";
import {VerifierShape} from "./libraries/VerifierShape.sol";

/// @title Base of contracts that depend on one model
/// @notice Knows whose proofs count, and where inputs and outputs lie in their instances.
abstract contract ModelClient {
    using PackedTensor for uint256[];

    /// @notice Checks proofs.
    IModelVerifier public immutable VERIFIER;

    /// @dev The model, and the version whose answers count; 0 follows the newest.
    bytes32 internal immutable _MODEL;
    uint256 internal immutable _VERSION;

    /// @dev Inferences of a proof. Of several, each has instances of its own, as a proof of one has them: its context, the names, which
    /// all share, its inputs, its outputs. All positions below are among those of one inference.
    uint256 internal immutable _INFERENCES;

    /// @dev Where the names of committed inputs begin in the instances of a proof, and how many there are. That of committed
    /// weights stands before them; the verifier compares it with the version's.
    uint256 internal immutable _NAME_START;
    uint256 internal immutable _NAMES;

    /// @dev Where inputs begin and end, and outputs begin, in the instances of a proof. What claims compare with is given as
    /// inputs are, and stands behind them; what claims say stands before the outputs, and counts as one.
    uint256 internal immutable _INPUT_START;
    uint256 internal immutable _INPUT_END;
    uint256 internal immutable _OUTPUT_START;

    /// @notice Another version was named than the one that is pinned.
    error NotPinnedVersion(uint256 found, uint256 pinned);

    /// @notice The version is not the newest, and has not been for longer than proofs may be on their way.
    error NotCurrentVersion(uint256 version);

    /// @notice A proof has one context for each inference; these contracts act on one inference at a time.
    error SeveralInferences(uint256 contexts);

    /// @notice Inferences of a proof have the same number of instances each.
    error UnevenInferences(uint256 inferences, uint256 given, uint256 answered);

    /// @notice Proofs of the model name committed inputs, and this contract compares no names: whoever makes a proof would
    /// choose them.
    error UncomparedNames(uint256 names);

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model whose answers count.
    /// @param pinnedVersion The version whose answers count. 0 follows the newest active one, which trusts the
    /// registry's owner with all that this contract does.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 pinnedVersion) {
        IModelVerifier.Shape memory shape = verifier.shapeOf(modelId, pinnedVersion);
        if (shape.contexts != 1 && !_takesBatches()) revert SeveralInferences(shape.contexts);
        // The registry refuses such verifiers as well; other contracts that verify may not.
        if (shape.unsafeDevSrs && !VerifierShape.isLocal()) {
            revert VerifierShape.UnsafeDevSrs(address(verifier), block.chainid);
        }
        uint256 weights = shape.namesWeights ? 1 : 0;
        uint256 names = shape.names - weights;
        if (names != 0 && !_comparesNames()) revert UncomparedNames(names);
        VERIFIER = verifier;
        _MODEL = modelId;
        _VERSION = pinnedVersion;
        _INFERENCES = shape.contexts;
        _NAME_START = 1 + weights;
        _NAMES = names;
        uint256 named = 1 + shape.names;
        uint256 given = shape.firstOutput - shape.contexts - shape.names;
        uint256 answered = shape.instances - shape.firstOutput;
        if (given % shape.contexts != 0 || answered % shape.contexts != 0) {
            revert UnevenInferences(shape.contexts, given, answered);
        }
        uint256 outputStart = named + given / shape.contexts;
        _INPUT_START = shape.inputs == 0 ? shape.firstInput : named;
        _INPUT_END = shape.inputs == 0 ? shape.firstInput : outputStart;
        _OUTPUT_START = outputStart;
    }

    /// @dev Whether proofs of several inferences are taken, as `BatchConsumer` settles them.
    function _takesBatches() internal pure virtual returns (bool) {
        return false;
    }

    /// @dev Whether every name of an input in a proof is compared with one that counts, as `NamedConsumer` does it.
    function _comparesNames() internal pure virtual returns (bool) {
        return false;
    }

    /// @dev The version to check a proof against whose sender names it: the pinned one, or one that may still be used.
    function _acceptVersion(uint256 named) internal view returns (uint256) {
        if (_VERSION != 0) {
            if (named != _VERSION) revert NotPinnedVersion(named, _VERSION);
        } else if (!VERIFIER.isCurrent(_MODEL, named)) {
            revert NotCurrentVersion(named);
        }
        return named;
    }

    /// @dev The name of the committed weights that an inference was made with; zero where the model's key holds them.
    function _weightsOf(uint256[] calldata instances) internal view returns (bytes32) {
        return _NAME_START == 1 ? bytes32(0) : bytes32(instances[_NAME_START - 1]);
    }

    /// @dev Hash of a proof's packed inputs; that of nothing if they are private.
    function _inputsHash(uint256[] calldata instances) internal view returns (bytes32) {
        return instances.hash(_INPUT_START, _INPUT_END);
    }

    /// @dev Hash of a proof's packed outputs.
    function _outputsHash(uint256[] calldata instances) internal view returns (bytes32) {
        return instances.hash(_OUTPUT_START, instances.length);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Checks inferences of models by the model's name
/// @notice A proof says: this version of this model, on some input, gives the outputs in `instances`.
/// @dev No boolean is returned by what checks proofs, so none can be forgotten.
interface IModelVerifier {
    /// @notice Where in the instances of a model's proofs its inputs and outputs lie, as its verifier tells.
    struct Shape {
        /// Instances of a proof.
        uint32 instances;
        /// Contexts come first: so many instances.
        uint32 contexts;
        /// The first instance of the inputs.
        uint32 firstInput;
        /// Instances of the inputs; 0 if proofs keep them private.
        uint32 inputs;
        /// What the model makes of its inputs begins here and ends with the instances.
        uint32 firstOutput;
        /// Whether the trusted setup is the development string, under which anybody can forge proofs.
        bool unsafeDevSrs;
        /// Names of committed weights and inputs, behind the contexts: so many instances.
        uint32 names;
        /// Whether an input is private beside those that the instances tell: then these do not say what the outputs follow from.
        bool hidesInputs;
        /// Instances of what is claimed of the outputs: the first of what the model makes of its inputs.
        uint32 claims;
        /// Whether the first of the names is that of committed weights: a version has one, and whoever verifies compares it.
        bool namesWeights;
    }

    /// @notice The verifier answered `false`. Verifiers made by zkverdict revert with their own errors instead.
    error ProofRejected();

    /// @notice The proof is about other committed weights than the version's.
    error WrongWeights(bytes32 found, bytes32 expected);

    /// @notice Returns if the proof is valid, reverts if it is not or if the version must not be used.
    /// @param modelId The model.
    /// @param version A version of it, or 0 for the newest one that may be used.
    /// @param proof The proof, as its verifier takes it.
    /// @param instances The public values: the context, names of what is committed, the packed inputs, the packed outputs.
    /// The name of committed weights is compared with the version's. That those of inputs are meant is for the caller to
    /// compare: whoever makes a proof chooses them.
    /// @return usedVersion The version that the proof was checked against.
    function verifyInference(bytes32 modelId, uint256 version, bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (uint256 usedVersion);

    /// @notice Returns if all proofs are valid, reverts if one is not. One pairing serves all of them.
    /// @param modelId The model.
    /// @param version A version of it, or 0 for the newest one that may be used.
    /// @param proofs The proofs.
    /// @param instances For each proof its public values.
    /// @return usedVersion The version that the proofs were checked against.
    function verifyBatch(bytes32 modelId, uint256 version, bytes[] calldata proofs, uint256[][] calldata instances)
        external
        view
        returns (uint256 usedVersion);

    /// @notice Where inputs and outputs lie in the instances of a version's proofs.
    /// @param modelId The model.
    /// @param version A version of it, whatever its status, or 0 for the newest one that may be used.
    function shapeOf(bytes32 modelId, uint256 version) external view returns (Shape memory);

    /// @notice The name of a version's committed weights, which all its proofs are about; zero where its key holds the weights.
    /// @param modelId The model.
    /// @param version A version of it, whatever its status, or 0 for the newest one that may be used.
    function weightsOf(bytes32 modelId, uint256 version) external view returns (bytes32);

    /// @notice Whether proofs of a version are accepted now, or with version 0 those of any.
    function isUsable(bytes32 modelId, uint256 version) external view returns (bool);

    /// @notice Whether whoever follows the newest version accepts this one as well: it is the newest that may be used, or
    /// was until so recently that proofs of it are still on their way.
    function isCurrent(bytes32 modelId, uint256 version) external view returns (bool);
}

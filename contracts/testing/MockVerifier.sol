// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IModelHalo2Verifier} from "../interfaces/IModelHalo2Verifier.sol";

/// @title Stands in for a generated verifier in tests, also for one whose proofs have names
/// @notice What it takes for a proof is the hash of its key and the instances, so that every change of either is refused.
/// It checks shapes as a generated one does. As anybody can make its proofs, it says so: registries and consumers refuse it
/// on every chain but local ones.
abstract contract AnyMockVerifier is IModelHalo2Verifier {
    /// @notice What stands for the verifying key.
    bytes32 public immutable VK_DIGEST;
    /// @notice How many instances a proof has.
    uint256 public immutable NUM_INSTANCES;
    /// @notice How many of them are contexts: inferences of a proof.
    uint256 public immutable CONTEXT_INSTANCES;
    /// @notice How many of them are names of committed weights and inputs.
    uint256 public immutable NAME_INSTANCES;
    /// @notice How many of them hold inputs.
    uint256 public immutable INPUT_INSTANCES;
    /// @notice How many of them hold outputs.
    uint256 public immutable OUTPUT_INSTANCES;
    /// @notice How many of them hold what claims compare with.
    uint256 public immutable PARAMETER_INSTANCES;
    /// @notice How many of them hold what claims say.
    uint256 public immutable CLAIM_INSTANCES;
    /// @notice The version of the interface.
    uint256 public constant VERSION = 1;
    /// @notice Anybody can make these proofs.
    bool public constant UNSAFE_DEV_SRS = true;

    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// @param digest What stands for the verifying key.
    /// @param contexts How many inferences a proof has.
    /// @param names How many things are committed.
    /// @param inputs How many instances the inputs take; 0 if they are private.
    /// @param parameters How many instances claims compare with.
    /// @param claims How many instances claims take.
    /// @param outputs How many instances the outputs take.
    constructor(
        bytes32 digest,
        uint256 contexts,
        uint256 names,
        uint256 inputs,
        uint256 parameters,
        uint256 claims,
        uint256 outputs
    ) {
        VK_DIGEST = digest;
        CONTEXT_INSTANCES = contexts;
        NAME_INSTANCES = names;
        INPUT_INSTANCES = inputs;
        PARAMETER_INSTANCES = parameters;
        CLAIM_INSTANCES = claims;
        OUTPUT_INSTANCES = outputs;
        NUM_INSTANCES = contexts + names + inputs + parameters + claims + outputs;
    }

    /// @notice The parts of the instances: contexts, names, inputs, what claims compare with, what they say, outputs.
    function INSTANCES() external view virtual returns (bytes memory) {
        return abi.encodePacked(
            _part(0, CONTEXT_INSTANCES),
            _names(),
            _part(2, INPUT_INSTANCES),
            PARAMETER_INSTANCES == 0 ? bytes("") : _part(3, PARAMETER_INSTANCES),
            CLAIM_INSTANCES == 0 ? bytes("") : _part(4, CLAIM_INSTANCES),
            _part(5, OUTPUT_INSTANCES)
        );
    }

    function _names() internal view virtual returns (bytes memory) {
        return NAME_INSTANCES == 0 ? bytes("") : _part(1, NAME_INSTANCES);
    }

    function _part(uint8 kind, uint256 count) internal pure returns (bytes memory) {
        // forge-lint: disable-next-line(unsafe-typecast) a count of instances
        return abi.encodePacked(kind, uint24(count));
    }

    /// @notice As a generated verifier.
    function verifyProof(bytes calldata proof, uint256[] calldata instances) public view virtual returns (bool) {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        for (uint256 i = 0; i < instances.length; ++i) {
            if (instances[i] >= R) revert ScalarOutOfRange(i);
        }
        if (keccak256(proof) != keccak256(prove(instances))) revert InvalidProof();
        return true;
    }

    /// @notice As a generated verifier.
    function verifyBatch(bytes[] calldata proofs, uint256[][] calldata instances) external view virtual returns (bool) {
        if (proofs.length != instances.length) revert BatchLength(proofs.length, instances.length);
        if (proofs.length == 0) revert EmptyBatch();
        for (uint256 i = 0; i < proofs.length; ++i) {
            verifyProof(proofs[i], instances[i]);
        }
        return true;
    }

    /// @notice The proof that this accepts. Unlike a real prover it proves anything, falsehoods too.
    function prove(uint256[] memory instances) public view returns (bytes memory) {
        return abi.encode(keccak256(abi.encode(VK_DIGEST, instances)));
    }
}

/// @title Stands in for a generated verifier in tests
contract MockVerifier is AnyMockVerifier {
    /// @param digest What stands for the verifying key.
    /// @param inputs How many instances the inputs take; 0 if they are private.
    /// @param outputs How many instances the outputs take.
    constructor(bytes32 digest, uint256 inputs, uint256 outputs) AnyMockVerifier(digest, 1, 0, inputs, 0, 0, outputs) {}
}

/// @title Stands in for a generated verifier of proofs about something that is committed
contract NamedMockVerifier is AnyMockVerifier {
    /// @param digest What stands for the verifying key.
    /// @param names How many inputs are committed.
    /// @param inputs How many instances the inputs take that are public.
    /// @param outputs How many instances the outputs take.
    constructor(bytes32 digest, uint256 names, uint256 inputs, uint256 outputs)
        AnyMockVerifier(digest, 1, names, inputs, 0, 0, outputs)
    {}
}

/// @title Stands in for a generated verifier of proofs of several inferences
contract BatchMockVerifier is AnyMockVerifier {
    /// @param digest What stands for the verifying key.
    /// @param inferences How many inferences a proof has.
    /// @param names How many things are committed, by all inferences together.
    /// @param inputs How many instances the inputs of all of them take; 0 if they are private.
    /// @param outputs How many instances their outputs take.
    constructor(bytes32 digest, uint256 inferences, uint256 names, uint256 inputs, uint256 outputs)
        AnyMockVerifier(digest, inferences, names, inputs, 0, 0, outputs)
    {}
}

/// @title Stands in for a generated verifier of proofs that claim something of the outputs
contract ClaimMockVerifier is AnyMockVerifier {
    /// @param digest What stands for the verifying key.
    /// @param inferences How many inferences a proof has.
    /// @param inputs How many instances the inputs of all of them take; 0 if they are private.
    /// @param parameters How many instances claims about all of them compare with.
    /// @param claims How many instances these claims take.
    /// @param outputs How many instances the outputs that are told take.
    constructor(bytes32 digest, uint256 inferences, uint256 inputs, uint256 parameters, uint256 claims, uint256 outputs)
        AnyMockVerifier(digest, inferences, 0, inputs, parameters, claims, outputs)
    {}
}

/// @title Stands in for a generated verifier of an architecture whose weights are committed
contract WeightsMockVerifier is AnyMockVerifier {
    /// @param digest What stands for the verifying key.
    /// @param names How many inputs are committed beside the weights.
    /// @param inputs How many instances the inputs take that are public.
    /// @param outputs How many instances the outputs take.
    constructor(bytes32 digest, uint256 names, uint256 inputs, uint256 outputs)
        AnyMockVerifier(digest, 1, 1 + names, inputs, 0, 0, outputs)
    {}

    function _names() internal view override returns (bytes memory) {
        uint256 inputs = NAME_INSTANCES - 1;
        return abi.encodePacked(_part(6, 1), inputs == 0 ? bytes("") : _part(1, inputs));
    }
}

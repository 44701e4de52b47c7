// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

{{ interface }}

/// @title {{ name }}
/// @notice Verifies proofs of a model in {{ parts.len() }} parts, each of which has a verifier of its own.
/// @dev Rendered by zkverdict. A proof begins with a name for each tensor that leads from one part to others, and holds each part's
/// proof behind them. Every part that makes or takes such a tensor compares its name with the commitment in its own proof, so that all of
/// them are about the same values. No storage, no owner, and no address that anybody can change.
contract {{ name }} is IHalo2Verifier {
    /// @notice A part's verifier refused its proof.
    /// @param part Counts the parts.
    /// @param reason What that verifier reverted with.
    error WrongPart(uint256 part, bytes reason);

    /// @notice What lies where a part's verifier should is not its verifier. It has to be deployed first.
    error OtherPart(uint256 part, address found);

    /// @inheritdoc IHalo2Verifier
    bytes32 public constant override VK_DIGEST = {{ vk_digest }};

    /// @notice Names the model: what the instances mean, and how the outputs follow from the inputs. `VK_DIGEST` covers it.
    bytes32 public constant MODEL_DIGEST = {{ model_digest }};

    /// @inheritdoc IHalo2Verifier
    uint256 public constant override NUM_INSTANCES = {{ num_instances }};

    /// @inheritdoc IHalo2Verifier
    uint256 public constant override VERSION = 1;

    /// @notice Whether the trusted setup is the development string, under which anybody can forge proofs.
    bool public constant UNSAFE_DEV_SRS = {{ unsafe_dev_srs }};

    /// @notice How many instances hold the model's inputs: they come after the contexts, in order.
    uint256 public constant INPUT_INSTANCES = {{ counts.inputs() }};

    /// @notice How many instances hold the model's outputs: they are the last.
    uint256 public constant OUTPUT_INSTANCES = {{ counts.outputs() }};

    /// @notice Every part of the instances in order, four bytes each: what it is (0 context, 1 name, 2 input, 3 claim
    /// parameter, 4 claim result, 5 output, 6 name of committed weights), then how many instances it takes.
    bytes public constant INSTANCES = hex"{{ counts }}";

    /// @notice How many parts the model is proved in.
    uint256 public constant NUM_PARTS = {{ parts.len() }};

    uint256 internal constant PROOF_LENGTH = {{ proof_length }};

    // The parts' verifiers.
    {%- for part in parts %}
    IHalo2Verifier internal constant PART_{{ loop.index0 }} =
        IHalo2Verifier(address(uint160(uint256({{ part.address }}))));
    {%- endfor %}

    constructor() {
        {%- for part in parts %}
        _check({{ loop.index0 }}, PART_{{ loop.index0 }}, {{ part.vk_digest }});
        {%- endfor %}
    }

    /// @inheritdoc IHalo2Verifier
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view override returns (bool) {
        _verify(proof, instances);
        return true;
    }

    /// @notice As `IHalo2Verifier` says, but for the pairings: each part of each proof has its own.
    /// @inheritdoc IHalo2Verifier
    function verifyBatch(bytes[] calldata proofs, uint256[][] calldata instances)
        external
        view
        override
        returns (bool)
    {
        if (proofs.length == 0) revert EmptyBatch();
        if (proofs.length != instances.length) revert BatchLength(proofs.length, instances.length);
        for (uint256 i = 0; i < proofs.length; ++i) {
            _verify(proofs[i], instances[i]);
        }
        return true;
    }

    /// @dev Every part has the same contexts. The first has the model's inputs, the last what is said of its outputs.
    function _verify(bytes calldata proof, uint256[] calldata instances) internal view {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        if (proof.length != PROOF_LENGTH) revert ProofLength(proof.length, PROOF_LENGTH);
        uint256[] memory own;
        {%- for part in parts %}

        own = new uint256[]({{ part.instances }});
        {%- for (at, range) in part.own %}
        _copy(own, {{ at }}, instances[{{ range.start }}:{{ range.end }}]);
        {%- endfor %}
        {%- for (at, start) in part.names %}
        own[{{ at }}] = uint256(bytes32(proof[{{ start }}:{{ start + 32 }}]));
        {%- endfor %}
        _verifyPart({{ loop.index0 }}, PART_{{ loop.index0 }}, proof[{{ part.proof.start }}:{{ part.proof.end }}], own);
        {%- endfor %}
    }

    function _copy(uint256[] memory to, uint256 at, uint256[] calldata from) private pure {
        for (uint256 i = 0; i < from.length; ++i) {
            to[at + i] = from[i];
        }
    }

    function _verifyPart(uint256 part, IHalo2Verifier verifier, bytes calldata proof, uint256[] memory instances)
        private
        view
    {
        try verifier.verifyProof(proof, instances) returns (bool valid) {
            if (!valid) revert WrongPart(part, "");
        } catch (bytes memory reason) {
            revert WrongPart(part, reason);
        }
    }

    function _check(uint256 part, IHalo2Verifier verifier, bytes32 digest) private view {
        if (address(verifier).code.length == 0 || verifier.VK_DIGEST() != digest) {
            revert OtherPart(part, address(verifier));
        }
    }
}

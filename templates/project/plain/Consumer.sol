// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";
import {PackedTensor} from "zkverdict/libraries/PackedTensor.sol";

/// @title Acts on the answers of `{{ project.model }}`
/// @notice Everybody submits proofs of their own; each is acted on once.
contract {{ project.prefix }}Consumer is InferenceConsumer {
    using PackedTensor for uint256[];

{% if project.input_words > 0 %}    /// @notice Elements of the model's input, packed into instances 1 to {{ project.input_words }}.
    uint256 public constant INPUT_LENGTH = {{ project.input_length }};

{% endif %}    /// @notice Elements of the model's output, packed into the instances from {{ project.first_output }} on.
    uint256 public constant OUTPUT_LENGTH = {{ project.output_length }};

    /// @notice What the model said to whom.
    mapping(address sender => uint256) public answers;

    /// @notice The model has an answer.
    event Answered(address indexed sender, uint256 answer);

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version)
        InferenceConsumer(verifier, modelId, version)
    {}

    /// @dev Edit from here: say which inputs count, and what happens.
    function _onInference(address sender, uint256[] calldata instances) internal override {
{%- if project.input_words > 0 %}
        // A proof shows that the model gives these outputs for these inputs, not where the inputs come from. Compare
        // instances[1] to instances[{{ project.input_words }}] with what this contract knows, or has had attested.
{%- else %}
        // A proof shows that the model gives these outputs for some input, which nobody but the prover sees and which
        // the prover may have chosen freely. Act on the outputs only where that is good enough.
{%- endif %}
{% if project.output_length > 1 %}        // The first of the greatest outputs.
        uint256 answer = instances.argmax({{ project.first_output }}, OUTPUT_LENGTH);
{% else %}        // The quantized output, less the type's smallest value: 0 to 255.
        uint256 answer = instances.byteAt({{ project.first_output }}, 0);
{% endif %}        answers[sender] = answer;
        emit Answered(sender, answer);
    }
}

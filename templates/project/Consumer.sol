// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";
import {PackedTensor} from "zkverdict/libraries/PackedTensor.sol";

{% match template %}
{%- when Application::Plain %}/// @title Acts on the answers of `{{ model }}`
/// @notice Everybody submits proofs of their own; each is acted on once.
{%- when Application::Credit %}/// @title Credit by the score of `{{ model }}`
/// @notice A bureau attests a borrower's features, the model's answer becomes a line, and the line ends with its term or with
/// the attestation.
{%- when Application::Biometric %}/// @title Opens to whom `{{ model }}` recognizes
/// @notice An enroller says what a person's measurements are and as which class the model has to recognize them.
{%- when Application::Dao %}/// @title Lets proposals pass that `{{ model }}` lets pass
/// @notice The council describes a proposal in the model's terms; anybody proves the verdict.
{%- when Application::Game %}/// @title A game whose moves `{{ model }}` makes
/// @notice The referee says what a player sees; the player proves the model's move for it.
{%- when Application::Oracle %}/// @title What `{{ model }}` makes of what a reporter has seen
/// @notice The reporter commits to observations, anybody proves the answer, and readers get it while it is fresh.
{%- endmatch %}
contract {{ prefix }}Consumer is InferenceConsumer {
    using PackedTensor for uint256[];

{% if input_words > 0 %}    /// @notice Elements of the model's input, packed into instances 1 to {{ input_words }}.
    uint256 public constant INPUT_LENGTH = {{ input_length }};

{% endif %}    /// @notice Elements of the model's output, packed into the instances from {{ first_output }} on.
    uint256 public constant OUTPUT_LENGTH = {{ output_length }};
{%- match template %}
{%- when Application::Plain %}
{%- when Application::Credit %}

    /// @notice What a step of the answer is worth.
    uint256 public constant CREDIT_PER_STEP = 0.01 ether;

    /// @notice How long a line lasts.
    uint256 public constant TERM = 30 days;
{%- when Application::Biometric %}

    /// @notice How long it stays open.
    uint256 public constant SESSION = 10 minutes;

    /// @notice As which class the model has to recognize somebody, plus one; zero for nobody.
    mapping(address sender => uint256) public classes;
{%- when Application::Dao %}

    /// @notice The verdict that lets a proposal pass.
    uint256 public constant PASSES = 1;

    /// @notice The verdict on a proposal, plus one; zero while there is none.
    mapping(bytes32 proposal => uint256) public verdicts;
{%- when Application::Game %}

    /// @notice How many moves a player has made.
    mapping(address sender => uint256) public moves;

    /// @notice The model has moved.
    event Moved(address indexed player, uint256 indexed number, uint256 move);
{%- when Application::Oracle %}

    /// @notice How long an answer is fresh.
    uint256 public constant FRESH = 1 hours;

    /// @notice The last answer, and when it was proved.
    uint256 public latest;
    uint256 public updatedAt;

    /// @notice There is no fresh answer.
    error Stale(uint256 updatedAt);
{%- endmatch %}
{%- if template.is_attested() %}

    /// @notice Who says which inputs count.
    address public immutable ATTESTER;

    /// @notice Hash of the packed inputs that count for somebody; zero if none do.
    mapping(address sender => bytes32) public attested;
{%- endif %}

    /// @notice What the model said to whom.
    mapping(address sender => uint256) public answers;
{%- if template.has_times() %}

    /// @notice When it said so, and hash of the inputs that it said so about.
    mapping(address sender => uint256) public answeredAt;
    mapping(address sender => bytes32) public answeredAbout;
{%- endif %}

    /// @notice The model has an answer.
    event Answered(address indexed sender, uint256 answer);
{%- if template.is_attested() %}

    /// @notice Only the attester says which inputs count.
    error NotAttester(address caller);

    /// @notice The inputs are not those that were attested.
    error NotAttested(address sender);

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version, address attester)
        InferenceConsumer(verifier, modelId, version)
    {
        ATTESTER = attester;
    }

    /// @notice Says which inputs count for somebody: `keccak256(abi.encodePacked(words))`; zero takes it back.
    function attest(address sender, bytes32 inputsHash{% if template.is_biometric() %}, uint256 class{% endif %}) external {
        if (msg.sender != ATTESTER) revert NotAttester(msg.sender);
        attested[sender] = inputsHash;
{%- if template.is_biometric() %}
        classes[sender] = class + 1;
{%- endif %}
    }
{%- else %}

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version)
        InferenceConsumer(verifier, modelId, version)
    {}
{%- endif %}
{%- match template %}
{%- when Application::Plain %}
{%- when Application::Credit %}

    /// @notice What somebody may borrow now. It ends with the term, with the attestation that it was proved for, and with the
    /// model's version.
    function limitOf(address sender) external view returns (uint256) {
        return _counts(sender, TERM) ? answers[sender] * CREDIT_PER_STEP : 0;
    }
{%- when Application::Biometric %}

    /// @notice Whether somebody was recognized, so recently that it is still open. It closes when the enroller says something
    /// else, and with the model's version.
    function isOpenTo(address sender) external view returns (bool) {
        return _counts(sender, SESSION) && answers[sender] + 1 == classes[sender];
    }
{%- when Application::Dao %}

    /// @notice Whether a proposal, named by the hash of its description in the model's terms, may pass. It may not while the
    /// model must not be used.
    function passes(bytes32 proposal) external view returns (bool) {
        return verdicts[proposal] == PASSES + 1 && VERIFIER.isUsable(_MODEL, _VERSION);
    }
{%- when Application::Game %}
{%- when Application::Oracle %}

    /// @notice The last answer, while it is fresh and the model may be used.
    function read() external view returns (uint256) {
        bool isFresh = updatedAt != 0 && block.timestamp <= updatedAt + FRESH;
        if (!isFresh || !VERIFIER.isUsable(_MODEL, _VERSION)) revert Stale(updatedAt);
        return latest;
    }
{%- endmatch %}

    /// @dev Edit from here: say which inputs count, and what happens.
    function _onInference(address sender, uint256[] calldata instances) internal override {
{%- if template.is_attested() %}
        bytes32 inputsHash = _inputsHash(instances);
        if (inputsHash != attested[sender]) revert NotAttested(sender);
{%- else if input_words > 0 %}
        // A proof shows that the model gives these outputs for these inputs, not where the inputs come from. Compare
        // instances[1] to instances[{{ input_words }}] with what this contract knows, or has had attested.
{%- else %}
        // A proof shows that the model gives these outputs for some input, which nobody but the prover sees and which
        // the prover may have chosen freely. Act on the outputs only where that is good enough.
{%- endif %}
{% if output_length > 1 %}        // The first of the greatest outputs.
        uint256 answer = instances.argmax({{ first_output }}, OUTPUT_LENGTH);
{% else %}        // The quantized output, less the type's smallest value: 0 to 255.
        uint256 answer = instances.byteAt({{ first_output }}, 0);
{% endif %}        answers[sender] = answer;
{%- if template.has_times() %}
        (answeredAt[sender], answeredAbout[sender]) = (block.timestamp, inputsHash);
{%- endif %}
{%- match template %}
{%- when Application::Plain %}
{%- when Application::Credit %}
{%- when Application::Biometric %}
{%- when Application::Dao %}
        verdicts[inputsHash] = answer + 1;
{%- when Application::Game %}
        // What the player saw is played: the referee shows the next position.
        delete attested[sender];
        emit Moved(sender, ++moves[sender], answer);
{%- when Application::Oracle %}
        (latest, updatedAt) = (answer, block.timestamp);
{%- endmatch %}
        emit Answered(sender, answer);
    }
{%- if template.has_times() %}

    /// @dev Whether what the model said to somebody still counts: not too long ago, about what is attested now, by a version
    /// that may be used now.
    function _counts(address sender, uint256 duration) private view returns (bool) {
        bool isRecent = answeredAt[sender] != 0 && block.timestamp <= answeredAt[sender] + duration;
        return isRecent && answeredAbout[sender] == attested[sender] && VERIFIER.isUsable(_MODEL, _VERSION);
    }
{%- endif %}
}

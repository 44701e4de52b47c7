// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelClient} from "../ModelClient.sol";
import {IERC8004ValidationRegistry} from "../interfaces/IERC8004.sol";
import {IModelVerifier} from "../interfaces/IModelVerifier.sol";
import {InferenceContext} from "../libraries/InferenceContext.sol";
import {PackedTensor} from "../libraries/PackedTensor.sol";

/// @title A validator of ERC-8004 that believes proofs
/// @notice An agent says what a model gave for an input, and names this contract as the validator. Whoever proves what
/// the model gives for that input has the response written: 100 if it is what the agent said, 0 if it is not.
contract ERC8004Validator is ModelClient {
    using PackedTensor for uint256[];

    /// @notice The tag of responses.
    string public constant TAG = "zkml/halo2-kzg-bn254";

    /// @notice The registry whose requests this validates.
    IERC8004ValidationRegistry public immutable VALIDATIONS;

    /// @notice Whether a request was responded to.
    mapping(bytes32 requestHash => bool) public isAnswered;

    /// @notice A response is final, so a version has to be named.
    error NoVersion();

    /// @notice Whose inputs are private, nobody can say for which input an output was claimed.
    error InputsArePrivate();

    /// @notice The request names another validator, or there is none.
    error NotOurRequest(bytes32 requestHash, address validator);

    /// @notice The request is about other inputs or outputs.
    error WrongRequest(bytes32 found, bytes32 expected);

    /// @notice The proof was made for another chain, validator or request.
    error WrongContext(uint256 found, uint256 expected);

    /// @notice Each request is responded to once: a model does not change its mind.
    error Answered(bytes32 requestHash);

    /// @param validations The registry whose requests this validates.
    /// @param verifier A registry of models, or a verifier of one model.
    /// @param modelId The model that agents speak of.
    /// @param version Its version.
    constructor(IERC8004ValidationRegistry validations, IModelVerifier verifier, bytes32 modelId, uint256 version)
        ModelClient(verifier, modelId, version)
    {
        if (version == 0) revert NoVersion();
        if (_INPUT_START == _INPUT_END || verifier.shapeOf(modelId, version).hidesInputs) revert InputsArePrivate();
        VALIDATIONS = validations;
    }

    /// @notice What a request's URI has to lead to; the request's hash is the hash of it.
    /// @param agentId The agent.
    /// @param salt Anything new. A registry has each hash once, whoever comes first with it: whose request somebody else
    /// has asked for before him asks with another salt.
    /// @param inputs The packed inputs.
    /// @param outputs The packed outputs that the agent says the model gives.
    function payloadOf(uint256 agentId, bytes32 salt, uint256[] memory inputs, uint256[] memory outputs)
        public
        view
        returns (bytes memory)
    {
        return abi.encode(block.chainid, address(this), agentId, salt, inputs, outputs);
    }

    /// @notice The context that a proof for a request must be made with, by whomever.
    function contextOf(bytes32 requestHash) public view returns (uint256) {
        return InferenceContext.derive(InferenceContext.VALIDATION, address(this), address(0), uint256(requestHash));
    }

    /// @notice Responds to a request by a proof of what the model gives for its inputs. The proof is found in the transaction,
    /// and the response names its hash, that of `abi.encode(proof, instances)`; there is no URI, as anybody may respond, and
    /// would choose where it leads.
    /// @param requestHash The request.
    /// @param salt The payload's.
    /// @param claimed The packed outputs that the agent says the model gives.
    /// @param proof The proof.
    /// @param instances What it proves: context, packed inputs, packed outputs.
    /// @return response 100 if the model gives what was claimed, 0 if it gives something else.
    function validate(
        bytes32 requestHash,
        bytes32 salt,
        uint256[] calldata claimed,
        bytes calldata proof,
        uint256[] calldata instances
    ) external returns (uint8 response) {
        if (isAnswered[requestHash]) revert Answered(requestHash);
        // Reverts unless there are as many instances as the model has.
        VERIFIER.verifyInference(_MODEL, _VERSION, proof, instances);
        _requireRequest(requestHash, salt, claimed, instances);
        isAnswered[requestHash] = true;
        response = claimed.hash(0, claimed.length) == _outputsHash(instances) ? 100 : 0;
        bytes32 evidence = keccak256(abi.encode(proof, instances));
        VALIDATIONS.validationResponse(requestHash, response, "", evidence, TAG);
    }

    /// Refuses instances that are not about what the request asks.
    function _requireRequest(
        bytes32 requestHash,
        bytes32 salt,
        uint256[] calldata claimed,
        uint256[] calldata instances
    ) private view {
        (address validator, uint256 agentId,,,,) = VALIDATIONS.getValidationStatus(requestHash);
        if (validator != address(this)) revert NotOurRequest(requestHash, validator);
        uint256 context = contextOf(requestHash);
        if (instances[0] != context) revert WrongContext(instances[0], context);
        bytes32 found = keccak256(payloadOf(agentId, salt, instances[_INPUT_START:_INPUT_END], claimed));
        if (found != requestHash) revert WrongRequest(found, requestHash);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {AttestedConsumer} from "../../contracts/AttestedConsumer.sol";
import {InferenceConsumer} from "../../contracts/InferenceConsumer.sol";
import {RequestConsumer} from "../../contracts/RequestConsumer.sol";
import {IModelVerifier} from "../../contracts/interfaces/IModelVerifier.sol";
import {NamedMockVerifier} from "../../contracts/testing/MockVerifier.sol";

/// Refuses what a verifier refuses, without any cryptography: a proof is good if it is the Keccak-256
/// of its instances.
contract StandIn {
    error InvalidProof();
    error InstanceOutOfRange(uint256 index);

    bytes32 public immutable VK_DIGEST;
    uint256 public constant NUM_INSTANCES = 3;
    uint256 public constant INPUT_INSTANCES = 1;
    uint256 public constant OUTPUT_INSTANCES = 1;
    bytes public constant INSTANCES = hex"000000010200000105000001";
    bool public constant UNSAFE_DEV_SRS = true;
    uint256 public constant VERSION = 1;
    uint256 internal constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    constructor() {
        VK_DIGEST = keccak256(abi.encode(address(this)));
    }

    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool) {
        for (uint256 i = 0; i < instances.length; ++i) {
            if (instances[i] >= R) revert InstanceOutOfRange(i);
        }
        if (keccak256(proof) != keccak256(abi.encode(keccak256(abi.encodePacked(instances))))) revert InvalidProof();
        return true;
    }
}

/// Takes one answer, and no second one.
contract Once {
    error AlreadyAnswered(address by);

    StandIn public immutable verifier;
    address public answeredBy;

    constructor(StandIn verifier_) {
        verifier = verifier_;
    }

    function answer(bytes calldata proof, uint256[] calldata instances) external {
        if (answeredBy != address(0)) revert AlreadyAnswered(answeredBy);
        verifier.verifyProof(proof, instances);
        answeredBy = msg.sender;
    }
}

contract RefusesToBeBuilt {
    error NotHere(uint256 chainId);

    constructor() {
        revert NotHere(block.chainid);
    }
}

contract ReturnsFalse {
    function verifyProof(bytes calldata, uint256[] calldata) external pure returns (bool) {
        return false;
    }
}

contract ReturnsTrue {
    function verifyProof(bytes calldata, uint256[] calldata) external pure returns (bool) {
        return true;
    }
}

contract Recorder is InferenceConsumer {
    uint256 public lastOutput;

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version)
        InferenceConsumer(verifier, modelId, version)
    {}

    function _onInference(address, uint256[] calldata instances) internal override {
        lastOutput = instances[instances.length - 1];
    }
}

/// Verifies proofs about one committed input, whose answer is one word.
contract NamedStandIn is NamedMockVerifier {
    constructor() NamedMockVerifier("named", 1, 0, 1) {}
}

/// Records answers about data that an issuer attests.
contract AttestedRecorder is AttestedConsumer {
    uint256 public lastOutput;

    constructor(IModelVerifier verifier, bytes32 modelId, bytes32 schema, address issuer)
        InferenceConsumer(verifier, modelId, 1)
        AttestedConsumer(new bytes32[](1), schema, true, issuer, issuer)
    {}

    function _onInference(address, uint256[] calldata instances) internal override {
        lastOutput = instances[_OUTPUT_START];
    }
}

/// Asks any number of questions, and counts the answers.
contract Asker is RequestConsumer {
    mapping(uint256 requestId => uint256) public answers;
    uint256 public answerCount;

    constructor(IModelVerifier verifier, bytes32 modelId) RequestConsumer(verifier, modelId, 0) {}

    function ask(uint256 count) external {
        for (uint256 i = 0; i < count; ++i) {
            uint256[] memory inputs = new uint256[](1);
            inputs[0] = 1000 + requestCount;
            _request(inputs);
        }
    }

    function _inputLengths() internal pure override returns (uint256[] memory lengths) {
        lengths = new uint256[](1);
        lengths[0] = 2;
    }

    function _onAnswer(uint256 requestId, address, uint256[] calldata outputs) internal override {
        answers[requestId] = outputs[0];
        ++answerCount;
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "../contracts/InferenceConsumer.sol";
import {ModelClient} from "../contracts/ModelClient.sol";
import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {RequestConsumer} from "../contracts/RequestConsumer.sol";
import {SingleModelVerifier} from "../contracts/SingleModelVerifier.sol";
import {IInferenceConsumer} from "../contracts/interfaces/IInferenceConsumer.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {IRequestConsumer} from "../contracts/interfaces/IRequestConsumer.sol";
import {IHalo2Verifier} from "../contracts/interfaces/IHalo2Verifier.sol";
import {VerifierShape} from "../contracts/libraries/VerifierShape.sol";
import {Test} from "./Test.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";
import {vm} from "./Vm.sol";

/// @notice Remembers who said what last.
contract Recorder is InferenceConsumer {
    address public lastSender;
    uint256 public lastOutput;
    uint256 public calls;

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version)
        InferenceConsumer(verifier, modelId, version)
    {}

    function _onInference(address sender, uint256[] calldata instances) internal override {
        lastSender = sender;
        lastOutput = instances[2];
        ++calls;
    }
}

/// @notice Submits the same proof again while the first submission is under way.
contract Reenterer is InferenceConsumer {
    bytes private _proof;

    constructor(IModelVerifier verifier, bytes32 modelId) InferenceConsumer(verifier, modelId, 1) {}

    function attack(bytes calldata proof, uint256[] calldata instances) external {
        _proof = proof;
        this.submitInference(proof, instances);
    }

    function _onInference(address, uint256[] calldata instances) internal override {
        this.submitInference(_proof, instances);
    }
}

/// @notice Verifies proofs of two inferences each.
contract SeveralInferences {
    function shapeOf(bytes32, uint256) external pure returns (IModelVerifier.Shape memory shape) {
        shape.contexts = 2;
    }
}

/// @notice Verifies whatever claims: a context, an input, a threshold, and whether it is reached.
contract ClaimVerifier {
    function shapeOf(bytes32, uint256) external pure returns (IModelVerifier.Shape memory shape) {
        (shape.contexts, shape.inputs, shape.firstInput, shape.firstOutput, shape.instances) = (1, 1, 1, 3, 4);
    }

    function verifyInference(bytes32, uint256, bytes calldata, uint256[] calldata) external pure returns (uint256) {
        return 1;
    }
}

/// @notice Asks whether an input reaches a threshold.
contract ThresholdAsker is RequestConsumer {
    uint256 public answer;

    constructor(IModelVerifier verifier) RequestConsumer(verifier, "model", 1) {}

    function ask(uint256 input, uint256 threshold) external returns (uint256) {
        uint256[] memory words = new uint256[](2);
        (words[0], words[1]) = (input, threshold);
        return _request(words);
    }

    function _inputLengths() internal pure override returns (uint256[] memory lengths) {
        lengths = new uint256[](2);
        (lengths[0], lengths[1]) = (1, 1);
    }

    function _onAnswer(uint256, address, uint256[] calldata outputs) internal override {
        require(outputs.length == 1, "the claim alone");
        answer = 1 + outputs[0];
    }
}

/// @notice Asks, and remembers answers.
contract Asker is RequestConsumer {
    mapping(uint256 requestId => uint256) public answers;
    mapping(uint256 requestId => address) public operators;

    constructor(IModelVerifier verifier, bytes32 modelId) RequestConsumer(verifier, modelId, 0) {}

    function ask(uint256 input) external returns (uint256) {
        uint256[] memory inputs = new uint256[](1);
        inputs[0] = input;
        return _request(inputs);
    }

    function askBadly() external {
        _request(new uint256[](2));
    }

    function _inputLengths() internal pure override returns (uint256[] memory lengths) {
        lengths = new uint256[](1);
        lengths[0] = 2;
    }

    function _onAnswer(uint256 requestId, address operator, uint256[] calldata outputs) internal override {
        answers[requestId] = outputs[0];
        operators[requestId] = operator;
    }
}

contract InferenceConsumerTest is Test {
    bytes32 private constant MODEL = "model";
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    ModelRegistry private registry;
    MockVerifier private first;
    MockVerifier private second;
    Recorder private pinned;
    Recorder private following;
    Asker private asker;
    address private alice;
    address private mallory;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        first = new MockVerifier("first", 1, 1);
        second = new MockVerifier("second", 1, 1);
        registry.addVersion(MODEL, first, "first", "");
        pinned = new Recorder(registry, MODEL, 1);
        following = new Recorder(registry, MODEL, 0);
        asker = new Asker(registry, MODEL);
        alice = account("alice");
        mallory = account("mallory");
    }

    function instancesOf(uint256 context, uint256 input, uint256 output) private pure returns (uint256[] memory made) {
        made = new uint256[](3);
        (made[0], made[1], made[2]) = (context, input, output);
    }

    function wordHash(uint256 word) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(word));
    }

    // ── Proofs of one's own ──

    function test_the_context_is_the_documented_hash() public view {
        uint256 expected = uint256(
            keccak256(
                abi.encode(keccak256("zkverdict.context.turn.v1"), block.chainid, address(pinned), alice, uint256(0))
            )
        ) % R;
        assertEq(pinned.contextOf(alice), expected);
    }

    function test_a_proof_is_acted_on_once() public {
        uint256[] memory instances = instancesOf(pinned.contextOf(alice), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.expectEmit();
        emit IInferenceConsumer.InferenceAccepted(alice, 0, 1, wordHash(5), wordHash(6));
        vm.prank(alice);
        pinned.submitInference(proof, instances);
        assertEq(pinned.lastSender(), alice);
        assertEq(pinned.lastOutput(), 6);
        assertEq(pinned.nonces(alice), 1);

        vm.expectRevert(
            abi.encodeWithSelector(IInferenceConsumer.WrongContext.selector, instances[0], pinned.contextOf(alice))
        );
        vm.prank(alice);
        pinned.submitInference(proof, instances);
        assertEq(pinned.calls(), 1);
    }

    function test_a_proof_taken_by_somebody_else_is_refused() public {
        uint256[] memory instances = instancesOf(pinned.contextOf(alice), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        vm.prank(mallory);
        pinned.submitInference(proof, instances);
        // Changing the context breaks the proof.
        instances[0] = pinned.contextOf(mallory);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        vm.prank(mallory);
        pinned.submitInference(proof, instances);
    }

    function test_a_proof_for_another_consumer_is_refused() public {
        uint256[] memory instances = instancesOf(following.contextOf(alice), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        vm.prank(alice);
        pinned.submitInference(proof, instances);
    }

    function test_a_proof_for_another_chain_is_refused() public {
        uint256[] memory instances = instancesOf(pinned.contextOf(alice), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.chainId(10);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        vm.prank(alice);
        pinned.submitInference(proof, instances);
    }

    function test_a_context_above_the_modulus_is_refused() public {
        uint256[] memory instances = instancesOf(pinned.contextOf(alice), 5, 6);
        bytes memory proof = first.prove(instances);
        instances[0] += R;
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        vm.prank(alice);
        pinned.submitInference(proof, instances);
    }

    function test_no_instances_are_refused() public {
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        pinned.submitInference("", new uint256[](0));
    }

    function test_an_empty_proof_is_refused_and_the_nonce_stays() public {
        uint256[] memory instances = instancesOf(pinned.contextOf(alice), 5, 6);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        vm.prank(alice);
        pinned.submitInference("", instances);
        assertEq(pinned.nonces(alice), 0);
    }

    function test_reentering_with_the_same_proof_is_refused() public {
        Reenterer reenterer = new Reenterer(registry, MODEL);
        uint256[] memory instances = instancesOf(reenterer.contextOf(address(reenterer)), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        reenterer.attack(proof, instances);
    }

    function testFuzz_senders_and_nonces_never_share_a_context(address a, address b, uint256 m, uint256 n) public view {
        vm.assume(a != b || m != n);
        assertTrue(asker.contextOf(a, m) != asker.contextOf(b, n), "contexts differ");
        assertTrue(asker.contextOf(a, m) < R, "a context is a field element");
    }

    // ── Versions ──

    function test_a_pinned_consumer_stays_and_a_following_one_follows() public {
        registry.addVersion(MODEL, second, "second", "");
        uint256[] memory instances = instancesOf(pinned.contextOf(alice), 5, 6);
        bytes memory old = first.prove(instances);
        vm.prank(alice);
        pinned.submitInference(old, instances);

        instances = instancesOf(following.contextOf(alice), 5, 6);
        old = first.prove(instances);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        vm.prank(alice);
        following.submitInference(old, instances);
        bytes memory proof = second.prove(instances);
        vm.expectEmit();
        emit IInferenceConsumer.InferenceAccepted(alice, 0, 2, wordHash(5), wordHash(6));
        vm.prank(alice);
        following.submitInference(proof, instances);
    }

    function test_a_tombstoned_version_stops_its_consumers() public {
        registry.tombstoneVersion(MODEL, 1);
        uint256[] memory instances = instancesOf(pinned.contextOf(alice), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.VersionIs.selector, MODEL, 1, IModelRegistry.Status.Tombstoned)
        );
        vm.prank(alice);
        pinned.submitInference(proof, instances);
        instances = instancesOf(following.contextOf(alice), 5, 6);
        proof = first.prove(instances);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoActiveVersion.selector, MODEL));
        vm.prank(alice);
        following.submitInference(proof, instances);
    }

    function test_a_stopped_registry_stops_its_consumers() public {
        registry.stop();
        uint256[] memory instances = instancesOf(pinned.contextOf(alice), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.expectRevert(IModelRegistry.RegistryIsStopped.selector);
        vm.prank(alice);
        pinned.submitInference(proof, instances);
    }

    function test_a_consumer_can_do_without_registry() public {
        SingleModelVerifier single = new SingleModelVerifier(first, MODEL, "first", 0);
        Recorder consumer = new Recorder(single, MODEL, 1);
        uint256[] memory instances = instancesOf(consumer.contextOf(alice), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.prank(alice);
        consumer.submitInference(proof, instances);
        assertEq(consumer.calls(), 1);

        vm.expectRevert(abi.encodeWithSelector(SingleModelVerifier.UnknownModel.selector, MODEL, 2));
        single.verifyInference(MODEL, 2, proof, instances);
        vm.expectPartialRevert(SingleModelVerifier.UnknownModel.selector);
        single.verifyInference("another", 1, proof, instances);
        vm.expectPartialRevert(VerifierShape.WrongVerifyingKey.selector);
        new SingleModelVerifier(first, MODEL, "second", 0);
    }

    // ── Requests ──

    function test_a_request_is_answered_once() public {
        vm.expectEmit();
        uint256[] memory inputs = new uint256[](1);
        inputs[0] = 5;
        emit IRequestConsumer.InferenceRequested(0, address(this), inputs);
        uint256 id = asker.ask(5);
        assertTrue(asker.isOpen(id), "it is open");

        uint256[] memory instances = instancesOf(asker.contextOf(alice, id), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.expectEmit();
        emit IRequestConsumer.InferenceAnswered(id, alice, 1);
        vm.prank(alice);
        asker.answerInference(id, proof, instances);
        assertEq(asker.answers(id), 6);
        assertEq(asker.operators(id), alice);
        assertTrue(!asker.isOpen(id), "it is closed");

        vm.expectRevert(abi.encodeWithSelector(IRequestConsumer.NotOpen.selector, id));
        vm.prank(alice);
        asker.answerInference(id, proof, instances);
    }

    function test_an_answer_taken_by_another_operator_is_refused() public {
        uint256 id = asker.ask(5);
        uint256[] memory instances = instancesOf(asker.contextOf(alice, id), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.expectPartialRevert(IRequestConsumer.WrongContext.selector);
        vm.prank(mallory);
        asker.answerInference(id, proof, instances);
    }

    function test_an_answer_to_another_request_or_input_is_refused() public {
        uint256 id = asker.ask(5);
        uint256 other = asker.ask(5);
        uint256[] memory instances = instancesOf(asker.contextOf(alice, id), 5, 6);
        bytes memory proof = first.prove(instances);
        vm.expectPartialRevert(IRequestConsumer.WrongContext.selector);
        vm.prank(alice);
        asker.answerInference(other, proof, instances);

        instances = instancesOf(asker.contextOf(alice, id), 4, 6);
        proof = first.prove(instances);
        vm.expectRevert(abi.encodeWithSelector(IRequestConsumer.WrongInputs.selector, id));
        vm.prank(alice);
        asker.answerInference(id, proof, instances);

        vm.expectRevert(abi.encodeWithSelector(IRequestConsumer.NotOpen.selector, 7));
        asker.answerInference(7, proof, instances);
        vm.expectPartialRevert(IRequestConsumer.WrongInputs.selector);
        asker.askBadly();
    }

    function test_answers_without_outputs_are_refused() public {
        uint256 id = asker.ask(5);
        uint256[] memory instances = new uint256[](2);
        instances[0] = asker.contextOf(alice, id);
        instances[1] = 5;
        vm.expectRevert(abi.encodeWithSelector(IRequestConsumer.WrongInputs.selector, id));
        vm.prank(alice);
        asker.answerInference(id, "", instances);
    }

    function test_what_a_claim_compares_with_is_the_requests() public {
        ThresholdAsker thresholds = new ThresholdAsker(IModelVerifier(address(new ClaimVerifier())));
        uint256 id = thresholds.ask(5, 200);
        uint256[] memory instances = new uint256[](4);
        (instances[0], instances[1], instances[2], instances[3]) = (thresholds.contextOf(alice, id), 5, 199, 1);
        vm.expectRevert(abi.encodeWithSelector(IRequestConsumer.WrongInputs.selector, id));
        vm.prank(alice);
        thresholds.answerInference(id, "", instances);

        instances[2] = 200;
        vm.prank(alice);
        thresholds.answerInference(id, "", instances);
        assertEq(thresholds.answer(), 2);
    }

    function test_a_proof_of_several_inferences_is_not_acted_on() public {
        IModelVerifier several = IModelVerifier(address(new SeveralInferences()));
        vm.expectRevert(abi.encodeWithSelector(ModelClient.SeveralInferences.selector, 2));
        new Recorder(several, "model", 1);
    }

    function test_interfaces_are_announced() public view {
        assertTrue(pinned.supportsInterface(type(IInferenceConsumer).interfaceId), "a consumer");
        assertTrue(asker.supportsInterface(type(IRequestConsumer).interfaceId), "it takes answers");
        assertTrue(!asker.supportsInterface(type(IInferenceConsumer).interfaceId), "it is not a consumer");
        assertTrue(pinned.supportsInterface(0x01ffc9a7) && !pinned.supportsInterface(0xffffffff), "ERC-165");
    }
}

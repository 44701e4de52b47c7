// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {BatchConsumer} from "../contracts/BatchConsumer.sol";
import {InferenceConsumer} from "../contracts/InferenceConsumer.sol";
import {ModelClient} from "../contracts/ModelClient.sol";
import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {NamedConsumer} from "../contracts/NamedConsumer.sol";
import {RequestConsumer} from "../contracts/RequestConsumer.sol";
import {SingleModelVerifier} from "../contracts/SingleModelVerifier.sol";
import {TwoStepOwned} from "../contracts/TwoStepOwned.sol";
import {ERC7992Adapter} from "../contracts/adapters/ERC7992Adapter.sol";
import {IERCZKMLRegistry} from "../contracts/interfaces/IERC7992.sol";
import {IAttestedConsumer} from "../contracts/interfaces/IAttestedConsumer.sol";
import {IHalo2Verifier} from "../contracts/interfaces/IHalo2Verifier.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {VerifierShape} from "../contracts/libraries/VerifierShape.sol";
import {MockVerifier, NamedMockVerifier, WeightsMockVerifier} from "../contracts/testing/MockVerifier.sol";
import {Attesting, Lender} from "./Attesting.sol";
import {vm} from "./Vm.sol";

/// @notice Acts on answers, and never heard of weights.
contract Unconcerned is InferenceConsumer {
    uint256 public lastInput;
    uint256 public lastOutput;

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version)
        InferenceConsumer(verifier, modelId, version)
    {}

    function _onInference(address, uint256[] calldata instances) internal override {
        (lastInput, lastOutput) = (instances[_INPUT_START], instances[_OUTPUT_START]);
    }
}

/// @notice Settles batches, and never heard of weights either.
contract UnconcernedTally is BatchConsumer {
    uint256 public lastOutput;

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version) BatchConsumer(verifier, modelId, version) {}

    function _onInference(address, uint256[] calldata instances) internal override {
        lastOutput = instances[_OUTPUT_START];
    }
}

/// @notice Asks, and takes whatever answer the model gives.
contract UnconcernedAsker is RequestConsumer {
    uint256 public lastOutput;

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version)
        RequestConsumer(verifier, modelId, version)
    {}

    function ask(uint256 input) external returns (uint256) {
        uint256[] memory inputs = new uint256[](1);
        inputs[0] = input;
        return _request(inputs);
    }

    function _inputLengths() internal pure override returns (uint256[] memory lengths) {
        lengths = new uint256[](1);
        lengths[0] = 31;
    }

    function _onAnswer(uint256, address, uint256[] calldata outputs) internal override {
        lastOutput = outputs[0];
    }
}

/// @notice Pins a template beside whatever weights the version has.
contract UnconcernedLock is NamedConsumer {
    constructor(IModelVerifier verifier, bytes32 modelId, bytes32[] memory names)
        InferenceConsumer(verifier, modelId, 1)
        NamedConsumer(names)
    {}

    function _onInference(address, uint256[] calldata) internal override {}
}

/// Versions of one architecture, each the name of its weights.
contract CommittedWeightsTest is Attesting {
    bytes32 private constant MODEL = "signal";
    bytes32 private constant NO_MODEL = "none";
    bytes32 private constant KEY = "key";

    ModelRegistry private registry;
    WeightsMockVerifier private mock;
    address private alice;

    /// The names of the weights of the first training, and of the second.
    bytes32 private immutable FIRST = nameOf(1);
    bytes32 private immutable SECOND = nameOf(2);
    /// Somebody else's.
    bytes32 private immutable OTHER = nameOf(3);

    function setUp() public {
        registry = new ModelRegistry(address(this));
        mock = new WeightsMockVerifier("key", 0, 1, 1);
        alice = account("alice");
        add(FIRST);
    }

    function add(bytes32 weights) private returns (uint256) {
        return registry.addNamedVersion(MODEL, mock, "key", weights, false, "ipfs://model");
    }

    /// Context, name of the weights, one word of input, one of output.
    function about(uint256 context, bytes32 weights, uint256 output) private pure returns (uint256[] memory made) {
        made = new uint256[](4);
        (made[0], made[1], made[2], made[3]) = (context, uint256(weights), 5, output);
    }

    function wrong(bytes32 found, bytes32 expected) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IModelVerifier.WrongWeights.selector, found, expected);
    }

    function submit(InferenceConsumer consumer, bytes32 weights, bytes memory refusal) private {
        uint256[] memory instances = about(consumer.contextOf(alice), weights, 7);
        bytes memory proof = mock.prove(instances);
        if (refusal.length != 0) vm.expectRevert(refusal);
        vm.prank(alice);
        consumer.submitInference(proof, instances);
    }

    function versionIs(uint256 version, IModelRegistry.Status status) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IModelRegistry.VersionIs.selector, MODEL, version, status);
    }

    // ── Versions ──

    function test_a_training_is_a_version_of_the_same_verifier() public {
        vm.expectEmit();
        emit IModelRegistry.WeightsNamed(MODEL, 2, SECOND);
        assertEq(add(SECOND), 2);
        assertEq(registry.weightsOf(MODEL, 1), FIRST);
        assertEq(registry.weightsOf(MODEL, 2), SECOND);
        assertEq(registry.weightsOf(MODEL, 0), SECOND);
        IModelRegistry.Version memory second = registry.getVersion(MODEL, 2);
        assertEq(address(second.verifier), address(mock));
        assertEq(second.weights, SECOND);
        assertTrue(second.shape.namesWeights && second.shape.names == 1, "one name, of weights");
        (bytes32 modelId, uint256 version) = registry.versionOfKey(SECOND);
        assertTrue(modelId == MODEL && version == 2, "found by the name");
        // The key is of none of them.
        (, version) = registry.versionOfKey("key");
        assertEq(version, 0);
    }

    function test_only_the_owner_names_weights() public {
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotOwner.selector, alice));
        vm.prank(alice);
        registry.addNamedVersion(MODEL, mock, "key", OTHER, false, "");
    }

    function test_no_version_of_an_architecture_is_without_a_name() public {
        bytes memory refusal = abi.encodeWithSelector(VerifierShape.WeightsNotNamed.selector, address(mock));
        vm.expectRevert(refusal);
        registry.addVersion(MODEL, mock, "key", "");
        vm.expectRevert(refusal);
        registry.addVouchedVersion(MODEL, mock, "key", "");
        vm.expectRevert(refusal);
        registry.addNamedVersion(MODEL, mock, "key", 0, false, "");
        vm.expectRevert(refusal);
        new SingleModelVerifier(mock, MODEL, "key", 0);
    }

    function test_a_key_that_holds_its_weights_takes_no_name() public {
        MockVerifier plain = new MockVerifier("plain", 1, 1);
        bytes memory refusal = abi.encodeWithSelector(VerifierShape.WeightsOfKey.selector, address(plain), FIRST);
        vm.expectRevert(refusal);
        registry.addNamedVersion("plain", plain, "plain", FIRST, false, "");
        vm.expectRevert(refusal);
        new SingleModelVerifier(plain, "plain", "plain", FIRST);
        // The name of an input is none of weights.
        NamedMockVerifier named = new NamedMockVerifier("named", 1, 1, 1);
        refusal = abi.encodeWithSelector(VerifierShape.WeightsOfKey.selector, address(named), FIRST);
        vm.expectRevert(refusal);
        registry.addNamedVersion("named", named, "named", FIRST, false, "");
    }

    function test_versions_of_a_model_all_name_weights_or_none_does() public {
        // As many names, of an input.
        NamedMockVerifier named = new NamedMockVerifier("named", 1, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.AnotherShape.selector, MODEL, 1));
        registry.addVersion(MODEL, named, "named", "");
    }

    function test_weights_are_registered_once_until_they_are_retired() public {
        bytes memory refusal = abi.encodeWithSelector(IModelRegistry.DuplicateVerifyingKey.selector, FIRST, MODEL, 1);
        vm.expectRevert(refusal);
        add(FIRST);
        registry.retireVersion(MODEL, 1);
        assertEq(add(FIRST), 2);
        registry.tombstoneVersion(MODEL, 2);
        refusal = abi.encodeWithSelector(IModelRegistry.DuplicateVerifyingKey.selector, FIRST, MODEL, 2);
        vm.expectRevert(refusal);
        add(FIRST);
        // The other training is not concerned.
        assertEq(add(SECOND), 3);
    }

    function test_a_verifier_whose_code_shows_nothing_is_vouched_for_or_refused() public {
        address proxy = account("proxy");
        // Delegates every call to the mock.
        bytes memory code =
            abi.encodePacked(hex"363d3d373d3d3d363d73", address(mock), hex"5af43d82803e903d91602b57fd5bf3");
        vm.etch(proxy, code);
        vm.expectPartialRevert(IModelRegistry.VerifierCouldChange.selector);
        registry.addNamedVersion(MODEL, IHalo2Verifier(proxy), "key", SECOND, false, "");
        vm.expectEmit();
        emit IModelRegistry.VersionVouchedFor(MODEL, 2, proxy);
        registry.addNamedVersion(MODEL, IHalo2Verifier(proxy), "key", SECOND, true, "");
        assertTrue(registry.getVersion(MODEL, 2).vouched, "said of the version");
    }

    // ── Whose weights a proof is about ──

    function test_a_proof_about_somebody_elses_weights_is_refused_by_name() public {
        Unconcerned pinned = new Unconcerned(registry, MODEL, 1);
        Unconcerned single = new Unconcerned(new SingleModelVerifier(mock, MODEL, "key", FIRST), MODEL, 1);
        submit(pinned, OTHER, wrong(OTHER, FIRST));
        submit(single, OTHER, wrong(OTHER, FIRST));
        submit(pinned, FIRST, "");
        submit(single, FIRST, "");
        assertTrue(pinned.lastInput() == 5 && pinned.lastOutput() == 7, "read behind the name");
    }

    function test_a_swapped_name_is_refused_by_the_proof() public {
        Unconcerned consumer = new Unconcerned(registry, MODEL, 1);
        uint256[] memory instances = about(consumer.contextOf(alice), OTHER, 7);
        bytes memory proof = mock.prove(instances);
        instances[1] = uint256(FIRST);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        vm.prank(alice);
        consumer.submitInference(proof, instances);
    }

    function test_a_proof_about_another_version_is_one_of_that_version_alone() public {
        Unconcerned pinned = new Unconcerned(registry, MODEL, 1);
        Unconcerned follower = new Unconcerned(registry, MODEL, 0);
        submit(follower, FIRST, "");
        add(SECOND);
        submit(pinned, SECOND, wrong(SECOND, FIRST));
        submit(follower, FIRST, wrong(FIRST, SECOND));
        submit(follower, SECOND, "");
        // The sender may name the version while the proof is on its way, and no other than its own.
        uint256[] memory instances = about(follower.contextOf(alice), FIRST, 7);
        bytes memory proof = mock.prove(instances);
        vm.expectRevert(wrong(FIRST, SECOND));
        vm.prank(alice);
        follower.submitInferenceOf(2, proof, instances);
        vm.prank(alice);
        follower.submitInferenceOf(1, proof, instances);
    }

    function testFuzz_no_other_name_is_a_versions(uint256 found) public {
        bytes32 other = bytes32(found >> 8);
        vm.assume(other != FIRST);
        uint256[] memory instances = about(0, other, 7);
        bytes memory proof = mock.prove(instances);
        vm.expectRevert(wrong(other, FIRST));
        registry.verifyInference(MODEL, 1, proof, instances);
    }

    function test_too_few_instances_name_nothing() public {
        SingleModelVerifier single = new SingleModelVerifier(mock, MODEL, "key", FIRST);
        for (uint256 length = 0; length < 2; ++length) {
            vm.expectRevert(wrong(0, FIRST));
            registry.verifyInference(MODEL, 1, "", new uint256[](length));
            vm.expectRevert(wrong(0, FIRST));
            single.verifyInference(MODEL, 1, "", new uint256[](length));
        }
    }

    function test_a_batch_with_one_proof_about_others_is_refused() public {
        SingleModelVerifier single = new SingleModelVerifier(mock, MODEL, "key", FIRST);
        UnconcernedTally[2] memory tallies =
            [new UnconcernedTally(registry, MODEL, 1), new UnconcernedTally(single, MODEL, 1)];
        for (uint256 which = 0; which < 2; ++which) {
            UnconcernedTally tally = tallies[which];
            bytes[] memory proofs = new bytes[](3);
            uint256[][] memory instances = new uint256[][](3);
            for (uint256 i = 0; i < 3; ++i) {
                instances[i] = about(i == 0 ? tally.contextOf(alice) : i, i == 2 ? OTHER : FIRST, 7);
                proofs[i] = mock.prove(instances[i]);
            }
            vm.expectRevert(wrong(OTHER, FIRST));
            tally.settleBatch(1, proofs, instances);
            instances[2][1] = uint256(FIRST);
            vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
            tally.settleBatch(1, proofs, instances);
            proofs[2] = mock.prove(instances[2]);
            bytes32 root = tally.settleBatch(1, proofs, instances);
            bytes32[] memory path = new bytes32[](2);
            (path[0], path[1]) = (tally.leafOf(instances[1]), tally.leafOf(instances[2]));
            vm.prank(alice);
            tally.claimInference(root, instances[0], path);
            assertEq(tally.lastOutput(), 7);
        }
    }

    function test_an_answer_about_other_weights_is_none() public {
        UnconcernedAsker asker = new UnconcernedAsker(registry, MODEL, 1);
        uint256 id = asker.ask(5);
        uint256[] memory instances = about(asker.contextOf(alice, id), OTHER, 7);
        bytes memory proof = mock.prove(instances);
        vm.expectRevert(wrong(OTHER, FIRST));
        vm.prank(alice);
        asker.answerInference(id, proof, instances);
        instances[1] = uint256(FIRST);
        proof = mock.prove(instances);
        vm.prank(alice);
        asker.answerInference(id, proof, instances);
        assertEq(asker.lastOutput(), 7);
    }

    // ── Stopping and withdrawing ──

    function test_a_name_is_stopped_alone_and_comes_back() public {
        add(SECOND);
        Unconcerned pinned = new Unconcerned(registry, MODEL, 2);
        Unconcerned other = new Unconcerned(registry, MODEL, 1);
        Unconcerned follower = new Unconcerned(registry, MODEL, 0);
        registry.stopVersion(MODEL, 2);
        submit(pinned, SECOND, versionIs(2, IModelRegistry.Status.Stopped));
        submit(other, FIRST, "");
        submit(follower, SECOND, wrong(SECOND, FIRST));
        submit(follower, FIRST, "");
        registry.resumeVersion(MODEL, 2);
        submit(pinned, SECOND, "");
        submit(follower, SECOND, "");
    }

    function test_a_name_is_tombstoned_alone_and_for_ever() public {
        add(SECOND);
        registry.tombstoneVersion(MODEL, 1);
        Unconcerned pinned = new Unconcerned(registry, MODEL, 1);
        submit(pinned, FIRST, versionIs(1, IModelRegistry.Status.Tombstoned));
        // Its name does not pass as another version's.
        Unconcerned follower = new Unconcerned(registry, MODEL, 0);
        submit(follower, FIRST, wrong(FIRST, SECOND));
        submit(follower, SECOND, "");
        vm.expectPartialRevert(IModelRegistry.DuplicateVerifyingKey.selector);
        registry.addNamedVersion("another", mock, "key", FIRST, false, "");
    }

    /// A verifier that accepts two answers accepts a falsehood, whatever weights that is shown with.
    function test_a_contradiction_about_any_weights_stops_every_version_with_that_verifier() public {
        add(SECOND);
        uint256[] memory one = about(1, OTHER, 7);
        uint256[] memory other = about(2, OTHER, 8);
        IModelRegistry.Inference memory first = IModelRegistry.Inference(mock.prove(one), one);
        IModelRegistry.Inference memory second = IModelRegistry.Inference(mock.prove(other), other);
        for (uint256 version = 1; version <= 2; ++version) {
            registry.reportContradiction(MODEL, version, first, second);
            assertTrue(!registry.isUsable(MODEL, version), "stopped for good");
        }
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.DuplicateVerifyingKey.selector, KEY, MODEL, 2));
        add(OTHER);
    }

    /// Whoever trains a model of that architecture makes it say what he likes.
    function test_two_trainings_contradict_nothing() public {
        uint256[] memory one = about(1, FIRST, 7);
        uint256[] memory other = about(1, OTHER, 8);
        IModelRegistry.Inference memory first = IModelRegistry.Inference(mock.prove(one), one);
        IModelRegistry.Inference memory second = IModelRegistry.Inference(mock.prove(other), other);
        vm.expectRevert(IModelRegistry.NoContradiction.selector);
        registry.reportContradiction(MODEL, 1, first, second);
    }

    // ── Beside committed inputs ──

    function test_names_of_inputs_are_counted_without_that_of_weights() public {
        WeightsMockVerifier both = new WeightsMockVerifier("both", 1, 0, 1);
        registry.addNamedVersion("both", both, "both", SECOND, false, "");
        vm.expectRevert(abi.encodeWithSelector(ModelClient.UncomparedNames.selector, 1));
        new Unconcerned(registry, "both", 1);
        bytes32[] memory names = new bytes32[](2);
        vm.expectRevert(abi.encodeWithSelector(NamedConsumer.NameCount.selector, 2, 1));
        new UnconcernedLock(registry, "both", names);
        names = new bytes32[](1);
        names[0] = nameOf(9);
        UnconcernedLock lock = new UnconcernedLock(registry, "both", names);
        bytes32[2][3] memory cases = [[OTHER, names[0]], [SECOND, OTHER], [SECOND, names[0]]];
        bytes[3] memory refusals = [
            wrong(OTHER, SECOND),
            abi.encodeWithSelector(NamedConsumer.NameMismatch.selector, 0, OTHER, names[0]),
            bytes("")
        ];
        for (uint256 i = 0; i < 3; ++i) {
            uint256[] memory instances = about(lock.contextOf(alice), cases[i][0], 7);
            instances[2] = uint256(cases[i][1]);
            bytes memory proof = both.prove(instances);
            if (refusals[i].length != 0) vm.expectRevert(refusals[i]);
            vm.prank(alice);
            lock.submitInference(proof, instances);
        }
    }

    function test_attested_data_under_other_weights_count_for_nothing() public {
        WeightsMockVerifier both = new WeightsMockVerifier("both", 1, 0, 1);
        SingleModelVerifier single = new SingleModelVerifier(both, "credit", "both", FIRST);
        address issuer = vm.addr(ISSUER_KEY);
        Lender lender = new Lender(single, new bytes32[](1), SCHEMA, false, issuer, address(this));
        IAttestedConsumer.Attestation memory made = attestation(9, alice, 1);
        bytes memory signature = signed(lender, made);
        uint256[] memory instances = about(lender.contextOf(alice), OTHER, 7);
        instances[2] = uint256(nameOf(9));
        bytes memory proof = both.prove(instances);
        vm.expectRevert(wrong(OTHER, FIRST));
        vm.prank(alice);
        lender.submitAttested(made, signature, proof, instances);
        instances[1] = uint256(FIRST);
        proof = both.prove(instances);
        vm.prank(alice);
        lender.submitAttested(made, signature, proof, instances);
        assertEq(lender.lastOutput(), 7);
    }

    // ── Elsewhere ──

    function test_single_verifiers_tell_their_weights() public {
        SingleModelVerifier single = new SingleModelVerifier(mock, MODEL, "key", FIRST);
        assertEq(single.weightsOf(MODEL, 0), FIRST);
        assertEq(single.weightsOf(MODEL, 1), FIRST);
        vm.expectRevert(abi.encodeWithSelector(SingleModelVerifier.UnknownModel.selector, MODEL, 2));
        single.weightsOf(MODEL, 2);
        vm.expectRevert(abi.encodeWithSelector(SingleModelVerifier.UnknownModel.selector, NO_MODEL, 1));
        single.weightsOf(NO_MODEL, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownVersion.selector, MODEL, 2));
        registry.weightsOf(MODEL, 2);
    }

    function test_the_adapter_of_erc7992_has_no_words_for_weights() public {
        ERC7992Adapter adapter = new ERC7992Adapter(registry);
        IERCZKMLRegistry.ModelCommitment memory commitment;
        (commitment.vkHash, commitment.proofSystemId) = ("key", adapter.PROOF_SYSTEM());
        vm.expectRevert(abi.encodeWithSelector(ERC7992Adapter.UnknownVerifyingKey.selector, KEY));
        adapter.registerModel(commitment);
        commitment.vkHash = FIRST;
        vm.expectRevert(abi.encodeWithSelector(ERC7992Adapter.UncomparedNames.selector, 1));
        adapter.registerModel(commitment);
    }
}

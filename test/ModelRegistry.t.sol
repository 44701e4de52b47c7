// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {TwoStepOwned} from "../contracts/TwoStepOwned.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {IHalo2Verifier} from "../contracts/interfaces/IHalo2Verifier.sol";
import {VerifierShape} from "../contracts/libraries/VerifierShape.sol";
import {Test} from "./Test.sol";
import {FalseVerifier} from "./mocks/Verifiers.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";
import {vm} from "./Vm.sol";

contract ModelRegistryTest is Test {
    bytes32 private constant MODEL = "model";
    bytes32 private constant FIRST = "first";
    bytes32 private constant SECOND = "second";

    ModelRegistry private registry;
    MockVerifier private first;
    MockVerifier private second;
    address private guardian;
    address private stranger;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        first = new MockVerifier(FIRST, 2, 1);
        second = new MockVerifier(SECOND, 2, 1);
        guardian = account("guardian");
        stranger = account("stranger");
        registry.setGuardian(guardian);
    }

    function add(MockVerifier verifier) private returns (uint256) {
        return registry.addVersion(MODEL, verifier, verifier.VK_DIGEST(), "ipfs://model");
    }

    /// Context, two words of input, one of output.
    function instancesOf(uint256 context, uint256 input, uint256 output) private pure returns (uint256[] memory made) {
        made = new uint256[](4);
        (made[0], made[1], made[2], made[3]) = (context, input, input + 1, output);
    }

    function verify(uint256 version, bytes memory proof, uint256[] memory instances) private view returns (uint256) {
        return registry.verifyInference(MODEL, version, proof, instances);
    }

    // ── Versions ──

    function test_versions_are_numbered_from_one_and_never_change() public {
        assertEq(add(first), 1);
        assertEq(add(second), 2);
        IModelRegistry.Version memory version = registry.getVersion(MODEL, 1);
        assertEq(address(version.verifier), address(first));
        assertEq(version.vkDigest, first.VK_DIGEST());
        assertEq(version.codeHash, address(first).codehash);
        assertEq(version.shape.inputs, 2);
        assertEq(version.shape.firstOutput, 3);
        assertTrue(!version.vouched, "seen in its code");
        assertEq(registry.latestVersion(MODEL), 2);
        assertEq(registry.versionCount(MODEL), 2);
        (bytes32 modelId, uint256 number) = registry.versionOfKey(second.VK_DIGEST());
        assertEq(modelId, MODEL);
        assertEq(number, 2);
    }

    function test_adding_needs_the_owner() public {
        bytes32 digest = first.VK_DIGEST();
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotOwner.selector, guardian));
        vm.prank(guardian);
        registry.addVersion(MODEL, first, digest, "");
    }

    function test_a_verifier_of_another_key_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(VerifierShape.WrongVerifyingKey.selector, FIRST, SECOND));
        registry.addVersion(MODEL, first, "second", "");
    }

    function test_an_address_without_code_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotAContract.selector, stranger));
        registry.addVersion(MODEL, IHalo2Verifier(stranger), "first", "");
    }

    function test_a_key_is_registered_once() public {
        add(first);
        registry.tombstoneVersion(MODEL, 1);
        MockVerifier again = new MockVerifier(FIRST, 2, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.DuplicateVerifyingKey.selector, FIRST, MODEL, 1));
        registry.addVersion("another", again, "first", "");
    }

    // ── Verifying ──

    function test_a_valid_proof_names_its_version() public {
        add(first);
        add(second);
        uint256[] memory instances = instancesOf(0, 1, 2);
        assertEq(verify(1, first.prove(instances), instances), 1);
        assertEq(verify(2, second.prove(instances), instances), 2);
        assertEq(verify(0, second.prove(instances), instances), 2);
    }

    function test_a_proof_of_another_version_is_refused_with_the_verifiers_error() public {
        add(first);
        add(second);
        uint256[] memory instances = instancesOf(0, 1, 2);
        bytes memory proof = first.prove(instances);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        verify(2, proof, instances);
    }

    function test_an_empty_proof_is_refused() public {
        add(first);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        verify(1, "", instancesOf(0, 1, 2));
    }

    function test_false_is_a_refusal() public {
        FalseVerifier verifier = new FalseVerifier();
        registry.addVersion(MODEL, verifier, verifier.VK_DIGEST(), "");
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        verify(1, "", instancesOf(0, 1, 2));
    }

    function test_unknown_versions_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownVersion.selector, MODEL, 1));
        verify(1, "", instancesOf(0, 1, 2));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoActiveVersion.selector, MODEL));
        verify(0, "", instancesOf(0, 1, 2));
    }

    function test_replaced_code_is_refused() public {
        add(first);
        uint256[] memory instances = instancesOf(0, 1, 2);
        bytes memory proof = first.prove(instances);
        vm.etch(address(first), address(new FalseVerifier()).code);
        vm.expectPartialRevert(IModelRegistry.VerifierChanged.selector);
        verify(1, proof, instances);
    }

    function testFuzz_any_changed_instance_is_refused(uint256 index, uint256 value) public {
        add(first);
        uint256[] memory instances = instancesOf(3, 5, 8);
        bytes memory proof = first.prove(instances);
        index = bound(index, 0, 3);
        vm.assume(instances[index] != value);
        instances[index] = value;
        vm.expectRevert();
        verify(1, proof, instances);
    }

    // ── Stopping ──

    function test_a_stopped_version_is_passed_over_and_comes_back() public {
        add(first);
        add(second);
        vm.prank(guardian);
        registry.stopVersion(MODEL, 2);
        assertEq(registry.latestVersion(MODEL), 1);
        uint256[] memory instances = instancesOf(0, 1, 2);
        bytes memory proof = second.prove(instances);
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.VersionIs.selector, MODEL, 2, IModelRegistry.Status.Stopped)
        );
        verify(2, proof, instances);
        registry.resumeVersion(MODEL, 2);
        assertEq(verify(0, proof, instances), 2);
    }

    function test_a_guardian_stops_but_does_not_resume() public {
        add(first);
        vm.startPrank(guardian);
        registry.stopVersion(MODEL, 1);
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotOwner.selector, guardian));
        registry.resumeVersion(MODEL, 1);
        registry.stop();
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotOwner.selector, guardian));
        registry.resume();
        vm.stopPrank();
    }

    function test_strangers_stop_nothing() public {
        add(first);
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotGuardian.selector, stranger));
        registry.stopVersion(MODEL, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotGuardian.selector, stranger));
        registry.stop();
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotOwner.selector, stranger));
        registry.tombstoneVersion(MODEL, 1);
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotOwner.selector, stranger));
        registry.setGuardian(stranger);
        vm.stopPrank();
    }

    function test_the_newest_can_be_used_while_there_is_one() public {
        assertTrue(!registry.isUsable(MODEL, 0), "there is none yet");
        add(first);
        assertTrue(registry.isUsable(MODEL, 0), "there is one");
        registry.stop();
        assertTrue(!registry.isUsable(MODEL, 0), "everything is stopped");
    }

    function test_a_stopped_registry_verifies_nothing() public {
        add(first);
        uint256[] memory instances = instancesOf(0, 1, 2);
        bytes memory proof = first.prove(instances);
        registry.stop();
        vm.expectRevert(IModelRegistry.RegistryIsStopped.selector);
        verify(1, proof, instances);
        registry.resume();
        assertEq(verify(1, proof, instances), 1);
    }

    function test_a_tombstone_is_for_ever() public {
        add(first);
        registry.tombstoneVersion(MODEL, 1);
        bytes memory isTombstoned =
            abi.encodeWithSelector(IModelRegistry.VersionIs.selector, MODEL, 1, IModelRegistry.Status.Tombstoned);
        vm.expectRevert(isTombstoned);
        registry.resumeVersion(MODEL, 1);
        vm.expectRevert(isTombstoned);
        registry.stopVersion(MODEL, 1);
        vm.expectRevert(isTombstoned);
        registry.tombstoneVersion(MODEL, 1);
        uint256[] memory instances = instancesOf(0, 1, 2);
        bytes memory proof = first.prove(instances);
        vm.expectRevert(isTombstoned);
        verify(1, proof, instances);
        reportFails(isTombstoned, instancesOf(0, 1, 2), instancesOf(0, 1, 3));
    }

    // ── The circuit breaker ──

    function report(uint256[] memory a, uint256[] memory b) private {
        IModelRegistry.Inference memory one = IModelRegistry.Inference(first.prove(a), a);
        IModelRegistry.Inference memory other = IModelRegistry.Inference(first.prove(b), b);
        registry.reportContradiction(MODEL, 1, one, other);
    }

    function reportFails(bytes memory reason, uint256[] memory a, uint256[] memory b) private {
        IModelRegistry.Inference memory one = IModelRegistry.Inference(first.prove(a), a);
        IModelRegistry.Inference memory other = IModelRegistry.Inference(first.prove(b), b);
        vm.expectRevert(reason);
        registry.reportContradiction(MODEL, 1, one, other);
    }

    function test_anybody_stops_a_version_by_a_contradiction() public {
        add(first);
        uint256[] memory a = instancesOf(1, 5, 7);
        uint256[] memory b = instancesOf(2, 5, 8);
        IModelRegistry.Inference memory one = IModelRegistry.Inference(first.prove(a), a);
        IModelRegistry.Inference memory other = IModelRegistry.Inference(first.prove(b), b);
        vm.expectEmit();
        emit IModelRegistry.ContradictionShown(MODEL, 1, stranger);
        vm.prank(stranger);
        registry.reportContradiction(MODEL, 1, one, other);

        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.VersionIs.selector, MODEL, 1, IModelRegistry.Status.Contradicted)
        );
        verify(1, one.proof, a);
        // The owner cannot talk it away.
        vm.expectPartialRevert(IModelRegistry.VersionIs.selector);
        registry.resumeVersion(MODEL, 1);
        registry.tombstoneVersion(MODEL, 1);
    }

    function test_a_stopped_version_can_be_contradicted() public {
        add(first);
        registry.stopVersion(MODEL, 1);
        report(instancesOf(1, 5, 7), instancesOf(2, 5, 8));
        vm.expectPartialRevert(IModelRegistry.VersionIs.selector);
        registry.resumeVersion(MODEL, 1);
    }

    function test_other_inputs_contradict_nothing() public {
        add(first);
        reportFails(
            abi.encodePacked(IModelRegistry.NoContradiction.selector), instancesOf(1, 5, 7), instancesOf(1, 6, 8)
        );
    }

    function test_other_contexts_contradict_nothing() public {
        add(first);
        reportFails(
            abi.encodePacked(IModelRegistry.NoContradiction.selector), instancesOf(1, 5, 7), instancesOf(2, 5, 7)
        );
    }

    function test_invalid_proofs_contradict_nothing() public {
        add(first);
        uint256[] memory a = instancesOf(1, 5, 7);
        uint256[] memory b = instancesOf(2, 5, 8);
        IModelRegistry.Inference memory good = IModelRegistry.Inference(first.prove(a), a);
        IModelRegistry.Inference memory bad = IModelRegistry.Inference(first.prove(a), b);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        registry.reportContradiction(MODEL, 1, good, bad);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        registry.reportContradiction(MODEL, 1, bad, good);
        assertEq(registry.latestVersion(MODEL), 1);
    }

    function test_private_inputs_cannot_contradict() public {
        first = new MockVerifier(FIRST, 0, 3);
        registry.addVersion(MODEL, first, first.VK_DIGEST(), "");
        reportFails(
            abi.encodePacked(IModelRegistry.InputsArePrivate.selector), instancesOf(1, 5, 7), instancesOf(1, 5, 8)
        );
    }

    // ── Ownership ──

    function test_ownership_takes_two_steps() public {
        registry.transferOwnership(stranger);
        assertEq(registry.owner(), address(this));
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotPendingOwner.selector, guardian));
        vm.prank(guardian);
        registry.acceptOwnership();
        vm.prank(stranger);
        registry.acceptOwnership();
        assertEq(registry.owner(), stranger);
        assertEq(registry.pendingOwner(), address(0));
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotOwner.selector, address(this)));
        registry.transferOwnership(address(this));
    }

    function test_an_offer_can_be_taken_back() public {
        registry.transferOwnership(stranger);
        registry.transferOwnership(address(0));
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotPendingOwner.selector, stranger));
        vm.prank(stranger);
        registry.acceptOwnership();
    }

    function test_zero_owns_nothing() public {
        vm.expectRevert(TwoStepOwned.ZeroOwner.selector);
        new ModelRegistry(address(0));
    }
}

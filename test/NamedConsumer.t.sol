// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "../contracts/InferenceConsumer.sol";
import {ModelClient} from "../contracts/ModelClient.sol";
import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {NamedConsumer} from "../contracts/NamedConsumer.sol";
import {RequestConsumer} from "../contracts/RequestConsumer.sol";
import {SingleModelVerifier} from "../contracts/SingleModelVerifier.sol";
import {ERC7992Adapter} from "../contracts/adapters/ERC7992Adapter.sol";
import {IERCZKMLRegistry} from "../contracts/interfaces/IERC7992.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {NamedMockVerifier} from "../contracts/testing/MockVerifier.sol";
import {Attesting} from "./Attesting.sol";
import {vm} from "./Vm.sol";

/// @notice Opens to whoever proves that a scan is close to the owner's enrolled template.
contract Lock is NamedConsumer {
    uint256 public opened;

    constructor(IModelVerifier verifier, bytes32[] memory names)
        InferenceConsumer(verifier, "faces", 1)
        NamedConsumer(names)
    {}

    function enroll(uint256 index, bytes32 name) external {
        _pinName(index, name);
    }

    function _onInference(address, uint256[] calldata) internal override {
        ++opened;
    }
}

/// @notice Has a template for each account.
contract Doors is NamedConsumer {
    mapping(address account => bytes32) public templates;
    uint256 public opened;

    constructor(IModelVerifier verifier) InferenceConsumer(verifier, "faces", 1) NamedConsumer(new bytes32[](1)) {}

    function enroll(bytes32 name) external {
        templates[msg.sender] = name;
    }

    function _expectedName(uint256, address sender) internal view override returns (bytes32) {
        return templates[sender];
    }

    function _onInference(address, uint256[] calldata) internal override {
        ++opened;
    }
}

/// @notice Never heard of names.
contract Unaware is InferenceConsumer {
    constructor(IModelVerifier verifier) InferenceConsumer(verifier, "faces", 1) {}

    function _onInference(address, uint256[] calldata) internal override {}
}

/// @notice Says that it compares names, and does not.
contract Pretender is InferenceConsumer {
    constructor(IModelVerifier verifier) InferenceConsumer(verifier, "faces", 1) {}

    function _comparesNames() internal pure override returns (bool) {
        return true;
    }

    function _onInference(address, uint256[] calldata) internal override {}
}

/// @notice Never heard of names either.
contract UnawareAsker is RequestConsumer {
    constructor(IModelVerifier verifier) RequestConsumer(verifier, "faces", 1) {}

    function _inputLengths() internal pure override returns (uint256[] memory) {}

    function _onAnswer(uint256, address, uint256[] calldata) internal override {}
}

contract NamedConsumerTest is Attesting {
    bytes32 private constant MODEL = "faces";

    NamedMockVerifier private mock;
    SingleModelVerifier private verifier;
    address private alice;

    function setUp() public {
        mock = new NamedMockVerifier("key", 1, 0, 1);
        verifier = new SingleModelVerifier(mock, "faces", "key", 0);
        alice = account("alice");
    }

    function one(bytes32 name) private pure returns (bytes32[] memory names) {
        names = new bytes32[](1);
        names[0] = name;
    }

    function submit(InferenceConsumer consumer, address sender, uint256 which, bytes memory refusal) private {
        uint256[] memory instances = instancesOf(consumer.contextOf(sender), nameOf(which), 7);
        bytes memory proof = mock.prove(instances);
        if (refusal.length != 0) vm.expectRevert(refusal);
        vm.prank(sender);
        consumer.submitInference(proof, instances);
    }

    function mismatch(uint256 found, uint256 expected) private pure returns (bytes memory) {
        return abi.encodeWithSelector(NamedConsumer.NameMismatch.selector, 0, nameOf(found), nameOf(expected));
    }

    function test_a_pinned_name_is_the_only_one() public {
        Lock lock = new Lock(verifier, one(nameOf(1)));
        submit(lock, alice, 1, "");
        submit(lock, alice, 2, mismatch(2, 1));
        assertEq(lock.opened(), 1);
    }

    function test_an_enrolment_is_renewed_by_the_applications_rules() public {
        Lock lock = new Lock(verifier, one(nameOf(1)));
        vm.expectEmit();
        emit NamedConsumer.NamePinned(0, nameOf(2));
        lock.enroll(0, nameOf(2));
        submit(lock, alice, 1, mismatch(1, 2));
        submit(lock, alice, 2, "");
        // There is no second name.
        vm.expectRevert(abi.encodeWithSelector(NamedConsumer.NameCount.selector, 2, 1));
        lock.enroll(1, nameOf(2));
    }

    function test_without_an_enrolment_nothing_opens() public {
        Lock lock = new Lock(verifier, one(0));
        submit(lock, alice, 1, abi.encodeWithSelector(NamedConsumer.NoNameExpected.selector, 0, alice));
        // Also not a name of zero.
        uint256[] memory instances = instancesOf(lock.contextOf(alice), 0, 7);
        bytes memory proof = mock.prove(instances);
        vm.expectRevert(abi.encodeWithSelector(NamedConsumer.NoNameExpected.selector, 0, alice));
        vm.prank(alice);
        lock.submitInference(proof, instances);
    }

    function test_each_account_has_a_template_of_its_own() public {
        Doors doors = new Doors(verifier);
        address bob = account("bob");
        vm.prank(alice);
        doors.enroll(nameOf(1));
        submit(doors, alice, 1, "");
        submit(doors, bob, 1, abi.encodeWithSelector(NamedConsumer.NoNameExpected.selector, 0, bob));
        vm.prank(bob);
        doors.enroll(nameOf(2));
        submit(doors, bob, 1, mismatch(1, 2));
        submit(doors, bob, 2, "");
    }

    function testFuzz_no_other_name_is_the_pinned_one(uint256 pinned, uint256 found) public {
        (pinned, found) = (pinned >> 8, found >> 8);
        vm.assume(pinned != 0 && found != pinned);
        Lock lock = new Lock(verifier, one(bytes32(pinned)));
        uint256[] memory instances = instancesOf(lock.contextOf(alice), bytes32(found), 7);
        bytes memory proof = mock.prove(instances);
        vm.expectPartialRevert(NamedConsumer.NameMismatch.selector);
        vm.prank(alice);
        lock.submitInference(proof, instances);
    }

    function test_as_many_names_are_pinned_as_proofs_have() public {
        vm.expectRevert(abi.encodeWithSelector(NamedConsumer.NameCount.selector, 0, 1));
        new Lock(verifier, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(NamedConsumer.NameCount.selector, 2, 1));
        new Lock(verifier, new bytes32[](2));
    }

    function test_every_name_of_several_is_compared() public {
        NamedMockVerifier named = new NamedMockVerifier("three", 3, 1, 1);
        SingleModelVerifier three = new SingleModelVerifier(named, "faces", "three", 0);
        bytes32[] memory names = new bytes32[](3);
        for (uint256 i = 0; i < 3; ++i) {
            names[i] = nameOf(i);
        }
        Lock lock = new Lock(three, names);
        uint256[] memory instances = new uint256[](6);
        for (uint256 i = 0; i < 3; ++i) {
            instances[1 + i] = uint256(names[i]);
        }
        instances[0] = lock.contextOf(alice);
        for (uint256 i = 0; i < 3; ++i) {
            instances[1 + i] ^= 1;
            bytes memory refusal =
                abi.encodeWithSelector(NamedConsumer.NameMismatch.selector, i, bytes32(instances[1 + i]), names[i]);
            bytes memory forged = named.prove(instances);
            vm.expectRevert(refusal);
            vm.prank(alice);
            lock.submitInference(forged, instances);
            instances[1 + i] ^= 1;
        }
        bytes memory proof = named.prove(instances);
        vm.prank(alice);
        lock.submitInference(proof, instances);
        assertEq(lock.opened(), 1);
    }

    // ── Who compares no names takes no proofs with names ──

    function test_consumers_that_compare_no_names_cannot_be_made_for_them() public {
        bytes memory refusal = abi.encodeWithSelector(ModelClient.UncomparedNames.selector, 1);
        vm.expectRevert(refusal);
        new Unaware(verifier);
        vm.expectRevert(refusal);
        new UnawareAsker(verifier);
        Pretender pretender = new Pretender(verifier);
        submit(pretender, alice, 1, refusal);
    }

    function test_the_adapter_of_erc7992_takes_no_models_with_names() public {
        ModelRegistry registry = new ModelRegistry(address(this));
        registry.addVersion("faces", mock, "key", "");
        ERC7992Adapter adapter = new ERC7992Adapter(registry);
        IERCZKMLRegistry.ModelCommitment memory commitment;
        (commitment.vkHash, commitment.proofSystemId) = ("key", adapter.PROOF_SYSTEM());
        vm.expectRevert(abi.encodeWithSelector(ERC7992Adapter.UncomparedNames.selector, 1));
        adapter.registerModel(commitment);
    }

    function test_versions_of_a_model_have_as_many_names() public {
        ModelRegistry registry = new ModelRegistry(address(this));
        registry.addVersion("faces", mock, "key", "");
        NamedMockVerifier other = new NamedMockVerifier("other", 2, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.AnotherShape.selector, MODEL, 1));
        registry.addVersion("faces", other, "other", "");
        // As many in all, one of them public.
        other = new NamedMockVerifier("other", 0, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.AnotherShape.selector, MODEL, 1));
        registry.addVersion("faces", other, "other", "");
    }

    /// Proofs about two commitments are no contradiction, whatever they say.
    function test_answers_about_two_names_contradict_nothing() public {
        ModelRegistry registry = new ModelRegistry(address(this));
        NamedMockVerifier mixed = new NamedMockVerifier("mixed", 1, 1, 1);
        registry.addVersion("mixed", mixed, "mixed", "");
        uint256[] memory instances = new uint256[](4);
        (instances[1], instances[2], instances[3]) = (uint256(nameOf(1)), 5, 6);
        IModelRegistry.Inference memory first = IModelRegistry.Inference(mixed.prove(instances), instances);
        uint256[] memory others = new uint256[](4);
        (others[1], others[2], others[3]) = (uint256(nameOf(2)), 5, 7);
        IModelRegistry.Inference memory second = IModelRegistry.Inference(mixed.prove(others), others);
        vm.expectRevert(IModelRegistry.NoContradiction.selector);
        registry.reportContradiction("mixed", 1, first, second);
        // About one they are.
        others[1] = instances[1];
        second = IModelRegistry.Inference(mixed.prove(others), others);
        registry.reportContradiction("mixed", 1, first, second);
    }
}

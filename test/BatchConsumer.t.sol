// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {BatchConsumer} from "../contracts/BatchConsumer.sol";
import {InferenceConsumer} from "../contracts/InferenceConsumer.sol";
import {ModelClient} from "../contracts/ModelClient.sol";
import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {IBatchConsumer} from "../contracts/interfaces/IBatchConsumer.sol";
import {IHalo2Verifier} from "../contracts/interfaces/IHalo2Verifier.sol";
import {IInferenceConsumer} from "../contracts/interfaces/IInferenceConsumer.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {MerkleRoot} from "../contracts/libraries/MerkleRoot.sol";
import {SingleModelVerifier} from "../contracts/SingleModelVerifier.sol";
import {NamedConsumer} from "../contracts/NamedConsumer.sol";
import {BatchMockVerifier, ClaimMockVerifier, MockVerifier} from "../contracts/testing/MockVerifier.sol";
import {FalseVerifier} from "./mocks/Verifiers.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice Remembers what the model said to whom.
contract Tally is BatchConsumer {
    mapping(address sender => uint256) public said;
    uint256 public count;

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version) BatchConsumer(verifier, modelId, version) {}

    function _onInference(address sender, uint256[] calldata instances) internal override {
        said[sender] = instances[2];
        ++count;
    }
}

/// @notice The same of inferences about something that is committed.
contract NamedTally is Tally, NamedConsumer {
    constructor(IModelVerifier verifier, bytes32 modelId, bytes32[] memory names)
        Tally(verifier, modelId, 0)
        NamedConsumer(names)
    {}

    function supportsInterface(bytes4 interfaceId)
        public
        view
        override(BatchConsumer, InferenceConsumer)
        returns (bool)
    {
        return super.supportsInterface(interfaceId);
    }

    function _takesBatches() internal pure override(BatchConsumer, ModelClient) returns (bool) {
        return BatchConsumer._takesBatches();
    }

    function _comparesNames() internal pure override(ModelClient, NamedConsumer) returns (bool) {
        return NamedConsumer._comparesNames();
    }

    function _useName(uint256 index, address sender, bytes32 name) internal override(InferenceConsumer, NamedConsumer) {
        NamedConsumer._useName(index, sender, name);
    }
}

contract BatchConsumerTest is Test {
    bytes32 private constant MODEL = "model";

    ModelRegistry private registry;
    MockVerifier private verifier;
    Tally private tally;
    address[] private senders;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        verifier = new MockVerifier("key", 1, 1);
        registry.addVersion(MODEL, verifier, "key", "");
        tally = new Tally(registry, MODEL, 0);
        for (uint256 i = 0; i < 7; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast) one of seven small numbers
            senders.push(address(uint160(0xa11ce + i)));
        }
    }

    function inference(address sender, uint256 output) private view returns (uint256[] memory made) {
        made = new uint256[](3);
        (made[0], made[1], made[2]) = (tally.contextOf(sender), 5, output);
    }

    function batch(uint256 count) private view returns (bytes[] memory proofs, uint256[][] memory instances) {
        (proofs, instances) = (new bytes[](count), new uint256[][](count));
        for (uint256 i = 0; i < count; ++i) {
            instances[i] = inference(senders[i], 10 + i);
            proofs[i] = verifier.prove(instances[i]);
        }
    }

    function settle(uint256 count) private returns (bytes32 root, uint256[][] memory instances) {
        bytes[] memory proofs;
        (proofs, instances) = batch(count);
        root = tally.settleBatch(0, proofs, instances);
    }

    /// Siblings of a leaf, as whoever reads the settlement makes them: level by level.
    function pathOf(uint256[][] memory instances, uint256 index) private view returns (bytes32[] memory path) {
        bytes32[] memory level = new bytes32[](instances.length);
        for (uint256 i = 0; i < level.length; ++i) {
            level[i] = tally.leafOf(instances[i]);
        }
        path = new bytes32[](8);
        uint256 length = 0;
        while (level.length > 1) {
            if (index ^ 1 < level.length) path[length++] = level[index ^ 1];
            bytes32[] memory above = new bytes32[]((level.length + 1) / 2);
            for (uint256 i = 0; i < above.length; ++i) {
                above[i] = 2 * i + 1 < level.length ? MerkleRoot.pair(level[2 * i], level[2 * i + 1]) : level[2 * i];
            }
            (level, index) = (above, index / 2);
        }
        assembly ("memory-safe") {
            mstore(path, length)
        }
    }

    function claim(address sender, bytes32 root, uint256[] memory instances, bytes32[] memory path) private {
        vm.prank(sender);
        tally.claimInference(root, instances, path);
    }

    function testFuzz_many_claims_are_settled_by_one_verification(uint256 count) public {
        count = bound(count, 1, 7);
        (bytes32 root, uint256[][] memory instances) = settle(count);
        assertEq(tally.count(), 0);
        for (uint256 i = 0; i < count; ++i) {
            claim(senders[i], root, instances[i], pathOf(instances, i));
            assertEq(tally.said(senders[i]), 10 + i);
        }
        assertEq(tally.count(), count);
    }

    function test_settling_and_claiming_are_announced() public {
        (bytes[] memory proofs, uint256[][] memory instances) = batch(2);
        bytes32 root = MerkleRoot.pair(tally.leafOf(instances[0]), tally.leafOf(instances[1]));
        vm.expectEmit();
        emit IBatchConsumer.BatchSettled(root, 1, address(this), 2);
        assertEq(tally.settleBatch(1, proofs, instances), root);
        bytes32[] memory path = pathOf(instances, 1);
        bytes32 input = keccak256(abi.encodePacked(uint256(5)));
        vm.expectEmit();
        emit IInferenceConsumer.InferenceAccepted(senders[1], 0, 1, input, keccak256(abi.encodePacked(uint256(11))));
        claim(senders[1], root, instances[1], path);
    }

    function test_one_bad_proof_settles_nothing() public {
        (bytes[] memory proofs, uint256[][] memory instances) = batch(3);
        proofs[1] = proofs[0];
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        tally.settleBatch(0, proofs, instances);
        vm.expectRevert(IHalo2Verifier.EmptyBatch.selector);
        tally.settleBatch(0, new bytes[](0), new uint256[][](0));
        vm.expectPartialRevert(IHalo2Verifier.BatchLength.selector);
        tally.settleBatch(0, new bytes[](1), new uint256[][](0));
    }

    function test_a_claim_counts_once_and_for_its_sender() public {
        (bytes32 root, uint256[][] memory instances) = settle(4);
        bytes32[] memory path = pathOf(instances, 2);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        claim(senders[1], root, instances[2], path);
        claim(senders[2], root, instances[2], path);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        claim(senders[2], root, instances[2], path);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        claim(senders[2], root, new uint256[](0), path);
    }

    function test_a_settled_inference_is_not_submitted_as_well() public {
        (bytes[] memory proofs, uint256[][] memory instances) = batch(2);
        bytes32 root = tally.settleBatch(0, proofs, instances);
        bytes32[] memory path = pathOf(instances, 0);
        vm.prank(senders[0]);
        tally.submitInference(proofs[0], instances[0]);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        claim(senders[0], root, instances[0], path);
    }

    function test_another_answer_is_not_in_the_batch() public {
        (bytes32 root, uint256[][] memory instances) = settle(4);
        bytes32[] memory path = pathOf(instances, 0);
        instances[0][2] = 99;
        vm.expectPartialRevert(IBatchConsumer.NotInBatch.selector);
        claim(senders[0], root, instances[0], path);
        instances[0][2] = 10;
        instances[0][1] = 6;
        vm.expectPartialRevert(IBatchConsumer.NotInBatch.selector);
        claim(senders[0], root, instances[0], path);
        vm.expectRevert(abi.encodePacked(IBatchConsumer.UnknownBatch.selector, keccak256("another")));
        claim(senders[0], keccak256("another"), instances[0], path);
        // A node inside the tree is no leaf: leaves hash four words, nodes two.
        vm.expectPartialRevert(IBatchConsumer.NotInBatch.selector);
        claim(senders[0], root, instances[0], new bytes32[](0));
    }

    function test_what_was_settled_goes_with_its_version() public {
        (bytes32 root, uint256[][] memory instances) = settle(2);
        bytes32[] memory path = pathOf(instances, 0);
        registry.tombstoneVersion(MODEL, 1);
        vm.expectRevert(abi.encodeWithSelector(IBatchConsumer.BatchVersionUnusable.selector, root, 1));
        claim(senders[0], root, instances[0], path);
    }

    function test_a_verifier_of_one_model_takes_batches() public {
        SingleModelVerifier single = new SingleModelVerifier(verifier, MODEL, "key", 0);
        tally = new Tally(single, MODEL, 1);
        (bytes32 root, uint256[][] memory instances) = settle(3);
        claim(senders[2], root, instances[2], pathOf(instances, 2));
        (bytes[] memory proofs, uint256[][] memory more) = batch(1);
        vm.expectPartialRevert(SingleModelVerifier.UnknownModel.selector);
        single.verifyBatch(MODEL, 2, proofs, more);
        vm.expectPartialRevert(SingleModelVerifier.UnknownModel.selector);
        single.shapeOf("another", 1);
        assertTrue(!single.isCurrent(MODEL, 0) && single.isCurrent(MODEL, 1), "there is one version");
    }

    /// Proofs of three inferences each, with a name that all share, two words of input and one of output.
    function batchProofs(BatchMockVerifier batched, bytes32 name, uint256 count)
        private
        view
        returns (bytes[] memory proofs, uint256[][] memory proved, uint256[][] memory alone)
    {
        (proofs, proved, alone) = (new bytes[](count), new uint256[][](count), new uint256[][](3 * count));
        for (uint256 i = 0; i < count; ++i) {
            uint256[] memory all = new uint256[](13);
            all[3] = uint256(name);
            for (uint256 j = 0; j < 3; ++j) {
                uint256[] memory one = new uint256[](5);
                (one[0], one[1]) = (tally.contextOf(senders[3 * i + j]), uint256(name));
                (one[2], one[3], one[4]) = (50 + j, 60 + j, 100 * i + j);
                (all[j], all[4 + 2 * j], all[5 + 2 * j], all[10 + j]) = (one[0], one[2], one[3], one[4]);
                alone[3 * i + j] = one;
            }
            (proved[i], proofs[i]) = (all, batched.prove(all));
        }
    }

    function test_inferences_of_one_proof_are_claimed_one_by_one() public {
        bytes32 name = bytes32(uint256(77));
        BatchMockVerifier batched = new BatchMockVerifier("batch", 3, 1, 6, 3);
        registry.addVersion("batch", batched, "batch", "");
        vm.expectRevert(abi.encodeWithSelector(ModelClient.UncomparedNames.selector, 1));
        new Tally(registry, "batch", 0);
        bytes32[] memory names = new bytes32[](1);
        names[0] = name;
        tally = new NamedTally(registry, "batch", names);

        (bytes[] memory proofs, uint256[][] memory proved, uint256[][] memory alone) = batchProofs(batched, name, 2);
        // What is proved of several is not submitted as if it were one.
        vm.expectRevert(abi.encodeWithSelector(ModelClient.SeveralInferences.selector, 3));
        vm.prank(senders[0]);
        tally.submitInference(proofs[0], proved[0]);
        vm.expectRevert(abi.encodeWithSelector(ModelClient.SeveralInferences.selector, 3));
        tally.submitInferenceOf(1, proofs[0], proved[0]);

        vm.expectEmit();
        bytes32 root = expectedRoot(alone);
        emit IBatchConsumer.BatchSettled(root, 1, address(this), 6);
        assertEq(tally.settleBatch(0, proofs, proved), root);
        // Another's context, input or output with one's own.
        for (uint256 word = 0; word < 5; ++word) {
            uint256[] memory mixed = abi.decode(abi.encode(alone[1]), (uint256[]));
            mixed[word] = word == 1 ? 78 : alone[2][word];
            bytes32[] memory path = pathOf(alone, 1);
            vm.prank(senders[1]);
            vm.expectPartialRevert(
                word == 0 ? IInferenceConsumer.WrongContext.selector : IBatchConsumer.NotInBatch.selector
            );
            tally.claimInference(root, mixed, path);
        }
        for (uint256 i = 0; i < 6; ++i) {
            claim(senders[i], root, alone[i], pathOf(alone, i));
        }
        assertEq(tally.count(), 6);

        // The name counts as it does anywhere.
        (proofs, proved, alone) = batchProofs(batched, bytes32(uint256(78)), 1);
        root = tally.settleBatch(0, proofs, proved);
        bytes32[] memory wrong = pathOf(alone, 0);
        vm.expectPartialRevert(NamedConsumer.NameMismatch.selector);
        claim(senders[0], root, alone[0], wrong);
    }

    function expectedRoot(uint256[][] memory alone) private view returns (bytes32) {
        bytes32[] memory leaves = new bytes32[](alone.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = tally.leafOf(alone[i]);
        }
        return MerkleRoot.ofLeaves(leaves);
    }

    /// What each inference is compared with, and what is claimed of it, stands by kind behind the inputs of all.
    function test_claims_about_inferences_of_one_proof_are_their_own() public {
        ClaimMockVerifier claiming = new ClaimMockVerifier("claiming", 3, 6, 3, 6, 3);
        registry.addVersion("claiming", claiming, "claiming", "");
        tally = new Tally(registry, "claiming", 0);
        uint256[][] memory proved = new uint256[][](1);
        bytes[] memory proofs = new bytes[](1);
        uint256[][] memory alone = new uint256[][](3);
        proved[0] = new uint256[](21);
        for (uint256 j = 0; j < 3; ++j) {
            // A context, two words of input, one that it is compared with, two claims, one of output.
            uint256[] memory one = new uint256[](7);
            one[0] = tally.contextOf(senders[j]);
            for (uint256 word = 1; word < 7; ++word) {
                one[word] = 10 * word + j;
            }
            uint256[7] memory place;
            (place[0], place[1], place[2], place[3], place[4], place[5], place[6]) =
            (j, 3 + 2 * j, 4 + 2 * j, 9 + j, 12 + 2 * j, 13 + 2 * j, 18 + j);
            for (uint256 word = 0; word < 7; ++word) {
                proved[0][place[word]] = one[word];
            }
            alone[j] = one;
        }
        proofs[0] = claiming.prove(proved[0]);
        bytes32 root = tally.settleBatch(0, proofs, proved);
        assertEq(root, expectedRoot(alone));
        for (uint256 word = 1; word < 7; ++word) {
            uint256[] memory mixed = abi.decode(abi.encode(alone[1]), (uint256[]));
            mixed[word] = alone[2][word];
            bytes32[] memory path = pathOf(alone, 1);
            vm.prank(senders[1]);
            vm.expectPartialRevert(IBatchConsumer.NotInBatch.selector);
            tally.claimInference(root, mixed, path);
        }
        for (uint256 j = 0; j < 3; ++j) {
            claim(senders[j], root, alone[j], pathOf(alone, j));
        }
        assertEq(tally.count(), 3);

        claiming = new ClaimMockVerifier("uneven claims", 3, 6, 4, 5, 3);
        registry.addVersion("uneven claims", claiming, "uneven claims", "");
        vm.expectPartialRevert(ModelClient.UnevenInferences.selector);
        new Tally(registry, "uneven claims", 0);
        // As many in all as three times something, and yet not each.
        claiming = new ClaimMockVerifier("uneven", 3, 5, 4, 4, 5);
        registry.addVersion("uneven", claiming, "uneven", "");
        vm.expectRevert(abi.encodeWithSelector(ModelClient.UnevenInferences.selector, 3, 4, 4));
        new Tally(registry, "uneven", 0);
    }

    function test_inferences_have_as_many_instances_each() public {
        BatchMockVerifier batched = new BatchMockVerifier("uneven", 3, 0, 6, 4);
        registry.addVersion("uneven", batched, "uneven", "");
        vm.expectRevert(abi.encodeWithSelector(ModelClient.UnevenInferences.selector, 3, 6, 4));
        new Tally(registry, "uneven", 0);
    }

    function test_false_is_a_refusal_of_all() public {
        FalseVerifier no = new FalseVerifier();
        registry.addVersion("no", no, "false", "");
        (bytes[] memory proofs, uint256[][] memory instances) = batch(1);
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        registry.verifyBatch("no", 1, proofs, instances);
        SingleModelVerifier single = new SingleModelVerifier(no, "no", "false", 0);
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        single.verifyBatch("no", 1, proofs, instances);
        vm.expectRevert(IModelVerifier.ProofRejected.selector);
        single.verifyInference("no", 1, proofs[0], instances[0]);
    }

    function test_interfaces_are_announced() public view {
        assertTrue(tally.supportsInterface(type(IBatchConsumer).interfaceId), "batches");
        assertTrue(tally.supportsInterface(type(IInferenceConsumer).interfaceId), "inferences");
        assertTrue(!tally.supportsInterface(0xffffffff), "ERC-165");
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {SingleModelVerifier} from "../contracts/SingleModelVerifier.sol";
import {IHalo2Verifier} from "../contracts/interfaces/IHalo2Verifier.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {InferenceTesting} from "../contracts/testing/InferenceTesting.sol";
import {MockVerifier, NamedMockVerifier} from "../contracts/testing/MockVerifier.sol";
import {Fixtures} from "./Fixtures.sol";
import {vm} from "./Vm.sol";

/// @notice What a generated verifier of private inputs and a claim tells of itself: a context, a threshold, and whether it is reached.
contract ClaimShape {
    bytes32 public constant VK_DIGEST = "claims";
    uint256 public constant VERSION = 1;
    uint256 public constant NUM_INSTANCES = 3;
    uint256 public constant INPUT_INSTANCES = 0;
    uint256 public constant OUTPUT_INSTANCES = 0;
    bool public constant UNSAFE_DEV_SRS = true;
    bytes public constant INSTANCES = hex"000000010300000104000001";
}

/// @notice The helper for others' unit tests. `script/package.sh` runs it with a generated verifier, and switches by the
/// environment between the kinds of proofs.
contract InferenceTestingTest is InferenceTesting, Fixtures {
    string private constant FILE = "test/fixtures/proofs/consumer.json";

    bool private isReal;
    MockVerifier private generated;

    function setUp() public {
        generated = new MockVerifier("digits", 3, 1);
    }

    function usesRealProofs() internal view override returns (bool) {
        return isReal;
    }

    function prove(uint256 context) external view returns (bytes memory, uint256[] memory) {
        Proof memory made = load("consumer");
        uint256[] memory inputs = new uint256[](3);
        (inputs[0], inputs[1], inputs[2]) = (made.instances[1], made.instances[2], made.instances[3]);
        uint256[] memory outputs = new uint256[](1);
        outputs[0] = made.instances[4];
        return proofOf(FILE, context, inputs, outputs);
    }

    function test_a_mock_shaped_like_the_generated_verifier_accepts_what_is_meant() public {
        IModelVerifier verifier = verifierFor("digits", address(generated));
        (bytes memory proof, uint256[] memory instances) = this.prove(7);
        assertEq(verifier.verifyInference("digits", 1, proof, instances), 1);
        assertTrue(address(SingleModelVerifier(address(verifier)).VERIFIER()) != address(generated), "by a mock");
        // It refuses what a generated one would.
        instances[4] += 1;
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        verifier.verifyInference("digits", 1, proof, instances);
        instances[4] = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
        vm.expectRevert(abi.encodeWithSelector(IHalo2Verifier.ScalarOutOfRange.selector, 4));
        verifier.verifyInference("digits", 1, proof, instances);
        vm.expectRevert(abi.encodeWithSelector(IHalo2Verifier.InstanceCount.selector, 0, 5));
        verifier.verifyInference("digits", 1, proof, new uint256[](0));
    }

    function test_a_mock_of_a_verifier_with_names_has_them_too() public {
        IModelVerifier verifier = verifierFor("faces", address(new NamedMockVerifier("faces", 1, 1, 1)));
        bytes32[] memory names = new bytes32[](1);
        names[0] = bytes32(uint256(9));
        uint256[] memory words = new uint256[](1);
        words[0] = 5;
        (bytes memory proof, uint256[] memory instances) = proofOf(FILE, 7, names, words, words);
        assertEq(verifier.verifyInference("faces", 1, proof, instances), 1);
        assertTrue(instances.length == 4 && bytes32(instances[1]) == names[0], "behind the context");
        assertEq(verifier.shapeOf("faces", 1).names, 1);
    }

    function test_a_mock_of_claims_takes_what_they_compare_with_as_inputs() public {
        IModelVerifier verifier = verifierFor("claims", address(new ClaimShape()));
        uint256[] memory threshold = new uint256[](1);
        uint256[] memory holds = new uint256[](1);
        (threshold[0], holds[0]) = (179, 1);
        (bytes memory proof, uint256[] memory instances) = proofOf("", 7, threshold, holds);
        assertEq(instances.length, 3);
        assertEq(verifier.verifyInference("claims", 1, proof, instances), 1);
        instances[1] = 178;
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        verifier.verifyInference("claims", 1, proof, instances);
    }

    function test_real_proofs_come_from_the_file_and_go_to_the_generated_verifier() public {
        isReal = true;
        IModelVerifier verifier = verifierFor("digits", address(generated));
        assertEq(address(SingleModelVerifier(address(verifier)).VERIFIER()), address(generated));
        (bytes memory proof, uint256[] memory instances) = this.prove(load("consumer").instances[0]);
        assertEq(keccak256(proof), keccak256(load("consumer").proof));
        assertEq(keccak256(abi.encode(instances)), keccak256(abi.encode(load("consumer").instances)));
    }

    function test_the_environment_says_mock_unless_it_says_otherwise() public view {
        assertTrue(vm.envOr("ZKVERDICT_REAL_PROOFS", false) == super.usesRealProofs(), "as the environment says");
    }

    function test_a_file_with_another_inference_is_refused() public {
        isReal = true;
        vm.expectRevert(
            abi.encodeWithSelector(InferenceTesting.ProofFileOfAnotherInference.selector, FILE, bytes32(uint256(5)))
        );
        this.prove(5);
    }
}

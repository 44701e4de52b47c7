// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {SingleModelVerifier} from "zkverdict/SingleModelVerifier.sol";
import {IHalo2Verifier} from "zkverdict/interfaces/IHalo2Verifier.sol";
import {IInferenceConsumer} from "zkverdict/interfaces/IInferenceConsumer.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ prefix }}Consumer} from "../src/{{ prefix }}Consumer.sol";
import {{ "{" }}{{ prefix }}Verifier} from "../src/{{ prefix }}Verifier.sol";

/// @notice The consumer against a real proof of `{{ model }}`, made for `alice` and the address of `consumer`.
contract {{ prefix }}ConsumerTest is Test {
    {{ prefix }}Consumer private consumer;
    address private alice;
    bytes private proof;
    uint256[] private instances;

    function setUp() public {
        IHalo2Verifier verifier = IHalo2Verifier(address(new {{ prefix }}Verifier()));
        SingleModelVerifier model = new SingleModelVerifier(verifier, "{{ model }}", verifier.VK_DIGEST());
        {{ prefix }}Consumer made = new {{ prefix }}Consumer(model, "{{ model }}", 1);
        // The proof was made before anything was deployed, so the consumer moves to where the proof expects it.
        consumer = {{ prefix }}Consumer(account("consumer"));
        vm.etch(address(consumer), address(made).code);
        alice = account("alice");
        string memory json = vm.readFile("test/fixtures/proof.json");
        proof = vm.parseJsonBytes(json, ".proof");
        instances = vm.parseJsonUintArray(json, ".instances");
    }

    function submit(address sender) private {
        vm.prank(sender);
        consumer.submitInference(proof, instances);
    }

    function test_a_proof_is_acted_on_once() public {
        submit(alice);
        assertEq(consumer.answers(alice), {{ answer }});
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        submit(alice);
    }

    function test_a_proof_is_worthless_to_anybody_else() public {
        address mallory = account("mallory");
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        submit(mallory);
        instances[0] = consumer.contextOf(mallory);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        submit(mallory);
    }

    function test_no_other_output_is_accepted() public {
        instances[instances.length - 1] ^= 1;
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        submit(alice);
    }

    function testFuzz_no_changed_byte_is_accepted(uint256 index, uint8 flip) public {
        vm.assume(flip != 0);
        proof[bound(index, 0, proof.length - 1)] ^= bytes1(flip);
        vm.expectRevert();
        submit(alice);
    }
}

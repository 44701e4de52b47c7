// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {SingleModelVerifier} from "zkverdict/SingleModelVerifier.sol";
import {IHalo2Verifier} from "zkverdict/interfaces/IHalo2Verifier.sol";
import {IInferenceConsumer} from "zkverdict/interfaces/IInferenceConsumer.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";
import {{ "{" }}{{ project.prefix }}Verifier} from "../src/{{ project.prefix }}Verifier.sol";

/// @notice A real proof of `{{ project.model }}`, made for `alice` and the address of `consumer`.
abstract contract Proved is Test {
    bytes32 internal constant MODEL_ID = keccak256({{ project.model_literal }});

    SingleModelVerifier internal model;
    address internal alice;
    bytes internal proof;
    uint256[] internal instances;

    /// What a proof that does not show the instances is refused with.
    bytes4 internal refusal = IHalo2Verifier.InvalidProof.selector;

    function setUp() public virtual {
        IHalo2Verifier verifier = IHalo2Verifier(address(new {{ project.prefix }}Verifier()));
        model = new SingleModelVerifier(verifier, MODEL_ID, verifier.VK_DIGEST(), 0);
        alice = account("alice");
        string memory json = vm.readFile("test/fixtures/proof.json");
        proof = vm.parseJsonBytes(json, ".proof");
        instances = vm.parseJsonUintArray(json, ".instances");
    }

    /// Deploys the consumer to the address that the proof was made for, before there was any.
    function deploy(bytes memory arguments) internal returns (address consumer) {
        consumer = account("consumer");
        vm.etch(consumer, bytes.concat(type({{ project.prefix }}Consumer).creationCode, arguments));
        (bool ok, bytes memory code) = consumer.call("");
        assertTrue(ok, "the constructor takes the arguments");
        vm.etch(consumer, code);
    }

    /// The verifier is none any more.
    function breakVerifier() internal {
        vm.etch(address(model.VERIFIER()), hex"00");
    }

    /// Submits the proof in a transaction of an account.
    function submit(address sender) internal virtual;

    function test_no_other_output_is_accepted() public {
        instances[instances.length - 1] ^= 1;
        vm.expectRevert(refusal);
        submit(alice);
    }

    function testFuzz_no_changed_byte_is_accepted(uint256 index, uint8 flip) public {
        vm.assume(flip != 0);
        proof[bound(index, 0, proof.length - 1)] ^= bytes1(flip);
        vm.expectRevert();
        submit(alice);
    }
}

/// @notice A proof for one account's turn.
abstract contract ProvedForOne is Proved {
    function target() internal view virtual returns (InferenceConsumer);

    function submit(address sender) internal override {
        InferenceConsumer consumer = target();
        vm.prank(sender);
        consumer.submitInference(proof, instances);
    }

    function test_a_proof_is_worthless_to_anybody_else() public {
        address mallory = account("mallory");
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        submit(mallory);
        instances[0] = target().contextOf(mallory);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        submit(mallory);
    }
}

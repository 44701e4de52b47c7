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
    bytes32 private constant MODEL_ID = keccak256({{ model_literal }});

    {{ prefix }}Consumer private consumer;
    address private alice;
    bytes private proof;
    uint256[] private instances;

    function setUp() public {
        IHalo2Verifier verifier = IHalo2Verifier(address(new {{ prefix }}Verifier()));
        SingleModelVerifier model = new SingleModelVerifier(verifier, MODEL_ID, verifier.VK_DIGEST());
        {{ prefix }}Consumer made = new {{ prefix }}Consumer(model, MODEL_ID, 1{% if template.is_attested() %}, address(this){% endif %});
        // The proof was made before anything was deployed, so the consumer moves to where the proof expects it.
        consumer = {{ prefix }}Consumer(account("consumer"));
        vm.etch(address(consumer), address(made).code);
        alice = account("alice");
        string memory json = vm.readFile("test/fixtures/proof.json");
        proof = vm.parseJsonBytes(json, ".proof");
        instances = vm.parseJsonUintArray(json, ".instances");
{%- if template.is_attested() %}
        attest(inputsHash());
{%- endif %}
    }
{%- if template.is_attested() %}

    function attest(bytes32 hash) private {
        consumer.attest(alice, hash{% if template.is_biometric() %}, {{ answer }}{% endif %});
    }

    function inputsHash() private view returns (bytes32) {
        uint256[] memory words = new uint256[]({{ input_words }});
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = instances[1 + i];
        }
        return keccak256(abi.encodePacked(words));
    }
{%- endif %}

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

{%- if template.is_attested() %}

    function test_inputs_that_nobody_attested_are_refused() public {
        attest(bytes32(uint256(1)));
        vm.expectPartialRevert({{ prefix }}Consumer.NotAttested.selector);
        submit(alice);
        vm.expectPartialRevert({{ prefix }}Consumer.NotAttester.selector);
        vm.prank(alice);
        consumer.attest(alice, 0{% if template.is_biometric() %}, 0{% endif %});
    }

{%- endif %}
{%- match template %}
{%- when Application::Plain %}
{%- when Application::Credit %}

    function test_a_line_ends_with_what_it_rests_on() public {
        assertEq(consumer.limitOf(alice), 0);
        submit(alice);
        assertEq(consumer.limitOf(alice), {{ answer }} * consumer.CREDIT_PER_STEP());
        attest(0);
        assertEq(consumer.limitOf(alice), 0);
        attest(keccak256("worse features"));
        assertEq(consumer.limitOf(alice), 0);
        attest(inputsHash());
        skip(consumer.TERM() + 1);
        assertEq(consumer.limitOf(alice), 0);
    }

    function test_nothing_outlasts_the_model() public {
        submit(alice);
        // Its verifier is none any more.
        vm.etch(address(SingleModelVerifier(address(consumer.VERIFIER())).VERIFIER()), hex"00");
        assertEq(consumer.limitOf(alice), 0);
    }
{%- when Application::Biometric %}

    function test_it_opens_for_a_while_to_whom_it_recognizes() public {
        submit(alice);
        assertTrue(consumer.isOpenTo(alice), "recognized");
        attest(0);
        assertTrue(!consumer.isOpenTo(alice), "not after the enroller takes it back");
        attest(inputsHash());
        assertTrue(consumer.isOpenTo(alice), "recognized still");
        skip(consumer.SESSION() + 1);
        assertTrue(!consumer.isOpenTo(alice), "no longer");
    }

    function test_nothing_outlasts_the_model() public {
        submit(alice);
        // Its verifier is none any more.
        vm.etch(address(SingleModelVerifier(address(consumer.VERIFIER())).VERIFIER()), hex"00");
        assertTrue(!consumer.isOpenTo(alice), "closed");
    }
{%- when Application::Dao %}

    function test_a_proposal_passes_by_the_models_verdict() public {
        assertTrue(!consumer.passes(inputsHash()), "there is no verdict yet");
        submit(alice);
        assertTrue(consumer.passes(inputsHash()) == ({{ answer }} == consumer.PASSES()), "the verdict decides");
    }

    function test_nothing_outlasts_the_model() public {
        submit(alice);
        // Its verifier is none any more.
        vm.etch(address(SingleModelVerifier(address(consumer.VERIFIER())).VERIFIER()), hex"00");
        assertTrue(!consumer.passes(inputsHash()), "nothing passes");
    }
{%- when Application::Game %}

    function test_a_position_is_played_once() public {
        submit(alice);
        assertEq(consumer.moves(alice), 1);
        assertEq(consumer.attested(alice), bytes32(0));
    }
{%- when Application::Oracle %}

    function test_an_answer_is_read_while_it_is_fresh() public {
        vm.expectPartialRevert({{ prefix }}Consumer.Stale.selector);
        consumer.read();
        submit(alice);
        assertEq(consumer.read(), {{ answer }});
        skip(consumer.FRESH() + 1);
        vm.expectPartialRevert({{ prefix }}Consumer.Stale.selector);
        consumer.read();
    }

    function test_nothing_outlasts_the_model() public {
        submit(alice);
        // Its verifier is none any more.
        vm.etch(address(SingleModelVerifier(address(consumer.VERIFIER())).VERIFIER()), hex"00");
        vm.expectPartialRevert({{ prefix }}Consumer.Stale.selector);
        consumer.read();
    }
{%- endmatch %}

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

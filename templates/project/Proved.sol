// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
{%- if project.names_weights %}
import {ModelRegistry} from "zkverdict/ModelRegistry.sol";
{%- else %}
import {SingleModelVerifier} from "zkverdict/SingleModelVerifier.sol";
{%- endif %}
import {IHalo2Verifier} from "zkverdict/interfaces/IHalo2Verifier.sol";
import {IInferenceConsumer} from "zkverdict/interfaces/IInferenceConsumer.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";
import {{ "{" }}{{ project.prefix }}Verifier} from "../src/{{ project.prefix }}Verifier.sol";

/// @notice A real proof of `{{ project.model }}`, made for `alice` and the address of `consumer`.
abstract contract Proved is Test {
    bytes32 internal constant MODEL_ID = keccak256({{ project.model_literal }});
{%- if let Some(first_name) = project.first_name %}

    /// Where the name of what is committed stands in the instances.
    uint256 internal constant NAME = {{ first_name }};
{%- endif %}
{%- if project.names_weights %}

    /// Where the name of the weights stands.
    uint256 internal constant WEIGHTS = 1;

    ModelRegistry internal model;
    IHalo2Verifier internal verifier;
{%- else %}

    SingleModelVerifier internal model;
{%- endif %}
    address internal alice;
    bytes internal proof;
    uint256[] internal instances;

    /// What a proof that does not show the instances is refused with.
    bytes4 internal refusal = IHalo2Verifier.InvalidProof.selector;

    function setUp() public virtual {
        alice = account("alice");
        string memory json = vm.readFile("test/fixtures/proof.json");
        proof = vm.parseJsonBytes(json, ".proof");
        instances = vm.parseJsonUintArray(json, ".instances");
{%- if project.names_weights %}
        verifier = IHalo2Verifier(address(new {{ project.prefix }}Verifier()));
        model = new ModelRegistry(address(this));
        name(bytes32(instances[WEIGHTS]));
{%- else %}
        IHalo2Verifier verifier = IHalo2Verifier(address(new {{ project.prefix }}Verifier()));
        model = new SingleModelVerifier(verifier, MODEL_ID, verifier.VK_DIGEST(), 0);
{%- endif %}
    }
{%- if project.names_weights %}

    /// Adds a version whose weights have this name.
    function name(bytes32 weights) internal returns (uint256 version) {
        return model.addNamedVersion(MODEL_ID, verifier, verifier.VK_DIGEST(), weights, false, "");
    }
{%- endif %}

    /// Deploys the consumer to the address that the proof was made for, before there was any.
    function deploy(bytes memory arguments) internal returns (address consumer) {
        consumer = account("consumer");
        vm.etch(consumer, bytes.concat(type({{ project.prefix }}Consumer).creationCode, arguments));
        (bool ok, bytes memory code) = consumer.call("");
        assertTrue(ok, "the constructor takes the arguments");
        vm.etch(consumer, code);
    }

    /// The model is none any more.
    function withdrawModel() internal {
{%- if project.names_weights %}
        model.tombstoneVersion(MODEL_ID, 1);
{%- else %}
        vm.etch(address(model.VERIFIER()), hex"00");
{%- endif %}
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

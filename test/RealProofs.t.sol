// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "../contracts/InferenceConsumer.sol";
import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {ERC7992Adapter} from "../contracts/adapters/ERC7992Adapter.sol";
import {IERCZKMLRegistry, IERCZKMLVerifier} from "../contracts/interfaces/IERC7992.sol";
import {IHalo2Verifier} from "../contracts/interfaces/IHalo2Verifier.sol";
import {IInferenceConsumer} from "../contracts/interfaces/IInferenceConsumer.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {PackedTensor} from "../contracts/libraries/PackedTensor.sol";
import {VerifierShape} from "../contracts/libraries/VerifierShape.sol";
import {Fixtures} from "./Fixtures.sol";
import {vm} from "./Vm.sol";
import {CreditVerifier} from "./fixtures/verifiers/CreditVerifier.sol";
import {DigitsVerifier} from "./fixtures/verifiers/DigitsVerifier.sol";

/// @notice Remembers the digit that was read last.
contract DigitReader is InferenceConsumer {
    using PackedTensor for uint256[];

    uint256 public digit;

    constructor(IModelVerifier verifier) InferenceConsumer(verifier, "digits", 1) {}

    function _onInference(address, uint256[] calldata instances) internal override {
        // 64 pixels are three words; the ten outputs start after the context and them.
        digit = instances.argmax(4, 10);
    }
}

/// @notice What the mock verifier cannot show: proofs of real models, and every way to change them.
contract RealProofsTest is Fixtures {
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    ModelRegistry private registry;
    DigitsVerifier private verifier;
    DigitReader private reader;
    address private alice;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        verifier = new DigitsVerifier();
        registry.addVersion("digits", IHalo2Verifier(address(verifier)), load("digits").vkDigest, "");
        reader = DigitReader(place(address(new DigitReader(registry)), "consumer"));
        alice = account("alice");
    }

    function verify(Proof memory made) private view {
        registry.verifyInference("digits", 1, made.proof, made.instances);
    }

    function submit(Proof memory made, address sender) private {
        vm.prank(sender);
        reader.submitInference(made.proof, made.instances);
    }

    // ── What is true ──

    function test_a_real_proof_is_accepted_by_verifier_registry_and_consumer() public {
        Proof memory plain = load("digits");
        assertTrue(verifier.verifyProof(plain.proof, plain.instances), "the verifier accepts");
        vm.snapshotGasLastCall("digits_mlp", "verifyProof");
        verify(plain);
        vm.snapshotGasLastCall("digits_mlp", "registry");
        Proof memory bound_ = load("consumer");
        assertEq(bound_.instances[0], reader.contextOf(alice));
        submit(bound_, alice);
        vm.snapshotGasLastCall("digits_mlp", "consumer");
        assertEq(reader.nonces(alice), 1);
        // The sample shows a nine, and the model says so.
        assertEq(reader.digit(), 9);
    }

    function test_the_key_is_the_one_that_the_proof_names() public {
        assertEq(verifier.VK_DIGEST(), load("digits").vkDigest);
        assertEq(verifier.NUM_INSTANCES(), load("digits").instances.length);
        CreditVerifier other = new CreditVerifier();
        Proof memory made = load("digits");
        vm.expectPartialRevert(VerifierShape.WrongVerifyingKey.selector);
        registry.addVersion("digits", IHalo2Verifier(address(other)), made.vkDigest, "");
    }

    // ── What is false ──

    function test_a_proof_is_accepted_once_and_from_its_sender_alone() public {
        Proof memory made = load("consumer");
        address mallory = account("mallory");
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        submit(made, mallory);
        Proof memory stolen = load("consumer");
        stolen.instances[0] = reader.contextOf(mallory);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        submit(stolen, mallory);
        submit(made, alice);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        submit(made, alice);
    }

    function test_every_word_of_a_proof_matters() public view {
        Proof memory made = load("digits");
        bytes memory proof = made.proof;
        for (uint256 i = 0x20; i <= proof.length; i += 0x20) {
            uint256 old;
            assembly ("memory-safe") {
                old := mload(add(proof, i))
                mstore(add(proof, i), xor(old, 1))
            }
            (bool ok, bytes memory reason) = tryVerify(made);
            assertTrue(!ok && reason.length >= 4, "refused with a typed error");
            assembly ("memory-safe") {
                mstore(add(proof, i), old)
            }
        }
        verify(made);
    }

    function test_every_instance_matters_and_is_below_the_modulus() public {
        Proof memory made = load("consumer");
        for (uint256 i = 0; i < made.instances.length; ++i) {
            uint256 old = made.instances[i];
            made.instances[i] = old ^ 1;
            vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
            verify(made);
            made.instances[i] = old + R;
            vm.expectRevert(abi.encodeWithSelector(IHalo2Verifier.ScalarOutOfRange.selector, i));
            verify(made);
            made.instances[i] = old;
        }
        verify(made);
    }

    function test_lengths_are_exact() public {
        Proof memory made = load("digits");
        Proof memory longer = load("digits");
        longer.proof = bytes.concat(made.proof, hex"00");
        vm.expectPartialRevert(IHalo2Verifier.ProofLength.selector);
        verify(longer);
        Proof memory empty = load("digits");
        empty.proof = "";
        vm.expectPartialRevert(IHalo2Verifier.ProofLength.selector);
        verify(empty);
        Proof memory fewer = load("digits");
        fewer.instances = new uint256[](4);
        vm.expectPartialRevert(IHalo2Verifier.InstanceCount.selector);
        verify(fewer);
        fewer.instances = new uint256[](0);
        vm.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        submit(fewer, alice);
    }

    function test_a_proof_of_another_model_is_refused() public {
        Proof memory other = load("lending");
        CreditVerifier credit = new CreditVerifier();
        assertTrue(credit.verifyProof(other.proof, other.instances), "its own verifier accepts");
        vm.expectRevert();
        verify(other);
    }

    function testFuzz_no_changed_byte_is_accepted(uint256 at_, uint8 flip) public view {
        Proof memory made = load("digits");
        vm.assume(flip != 0);
        at_ = bound(at_, 0, made.proof.length - 1);
        made.proof[at_] ^= bytes1(flip);
        (bool ok,) = tryVerify(made);
        assertTrue(!ok, "refused");
    }

    function testFuzz_no_other_output_is_accepted(uint256 output) public view {
        Proof memory made = load("digits");
        output = bound(output, 0, R - 1);
        vm.assume(made.instances[4] != output);
        made.instances[4] = output;
        (bool ok,) = tryVerify(made);
        assertTrue(!ok, "refused");
    }

    function test_honest_proofs_contradict_nothing() public {
        // The same input and output under two contexts.
        Proof memory a = load("digits");
        Proof memory b = load("consumer");
        vm.expectRevert(IModelRegistry.NoContradiction.selector);
        registry.reportContradiction(
            "digits", 1, IModelRegistry.Inference(a.proof, a.instances), IModelRegistry.Inference(b.proof, b.instances)
        );
        b.instances[4] ^= 1;
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        registry.reportContradiction(
            "digits", 1, IModelRegistry.Inference(a.proof, a.instances), IModelRegistry.Inference(b.proof, b.instances)
        );
    }

    // ── ERC-7992 ──

    function test_an_inference_is_verified_by_the_erc_7992_adapter() public {
        ERC7992Adapter adapter = new ERC7992Adapter(registry);
        Proof memory made = load("digits");
        uint256 id = adapter.registerModel(
            IERCZKMLRegistry.ModelCommitment("weights", "circuit", made.vkDigest, adapter.PROOF_SYSTEM(), "")
        );
        uint256[] memory inputs = new uint256[](3);
        (inputs[0], inputs[1], inputs[2]) = (made.instances[1], made.instances[2], made.instances[3]);
        uint256[] memory outputs = new uint256[](1);
        outputs[0] = made.instances[4];
        bytes32 commitment = adapter.commitInput(0, inputs);
        bytes memory proof = abi.encode(made.proof, made.instances);
        vm.expectEmit();
        emit IERCZKMLVerifier.InferenceVerified(id, commitment, abi.encode(outputs), address(this));
        adapter.verifyInference(id, commitment, abi.encode(outputs), proof);
        outputs[0] ^= 1;
        vm.expectRevert(IERCZKMLVerifier.OutputMismatch.selector);
        adapter.verifyInference(id, commitment, abi.encode(outputs), proof);
    }

    function tryVerify(Proof memory made) private view returns (bool ok, bytes memory reason) {
        try registry.verifyInference("digits", 1, made.proof, made.instances) {
            ok = true;
        } catch (bytes memory thrown) {
            reason = thrown;
        }
    }
}

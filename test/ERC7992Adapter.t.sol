// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {ERC7992Adapter} from "../contracts/adapters/ERC7992Adapter.sol";
import {IERCZKMLRegistry, IERCZKMLVerifier} from "../contracts/interfaces/IERC7992.sol";
import {IHalo2Verifier} from "../contracts/interfaces/IHalo2Verifier.sol";
import {Test} from "./Test.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";
import {vm} from "./Vm.sol";

contract ERC7992AdapterTest is Test {
    ModelRegistry private models;
    MockVerifier private verifier;
    ERC7992Adapter private adapter;
    address private stranger;
    uint256 private id;

    function setUp() public {
        models = new ModelRegistry(address(this));
        verifier = new MockVerifier("key", 2, 1);
        models.addVersion("model", verifier, "key", "ipfs://model");
        adapter = new ERC7992Adapter(models);
        stranger = account("stranger");
        id = adapter.registerModel(commitment("key"));
    }

    function commitment(bytes32 vkHash) private view returns (IERCZKMLRegistry.ModelCommitment memory) {
        return IERCZKMLRegistry.ModelCommitment({
            modelHash: "weights",
            circuitHash: "circuit",
            vkHash: vkHash,
            proofSystemId: adapter.PROOF_SYSTEM(),
            uri: "ipfs://model"
        });
    }

    function inference() private view returns (bytes32 inputCommitment, bytes memory output, bytes memory proof) {
        uint256[] memory instances = new uint256[](4);
        (instances[0], instances[1], instances[2], instances[3]) = (9, 5, 6, 7);
        uint256[] memory inputs = new uint256[](2);
        (inputs[0], inputs[1]) = (5, 6);
        uint256[] memory outputs = new uint256[](1);
        outputs[0] = 7;
        inputCommitment = adapter.commitInput(9, inputs);
        output = abi.encode(outputs);
        proof = abi.encode(verifier.prove(instances), instances);
    }

    function test_a_verified_inference_is_announced() public {
        (bytes32 input, bytes memory output, bytes memory proof) = inference();
        vm.expectEmit();
        emit IERCZKMLVerifier.InferenceVerified(id, input, output, address(this));
        adapter.verifyInference(id, input, output, proof);
    }

    function test_every_mismatch_is_refused() public {
        (bytes32 input, bytes memory output, bytes memory proof) = inference();
        vm.expectRevert(IERCZKMLVerifier.InputCommitmentMismatch.selector);
        adapter.verifyInference(id, bytes32(uint256(input) + 1), output, proof);
        vm.expectRevert(IERCZKMLVerifier.OutputMismatch.selector);
        adapter.verifyInference(id, input, bytes.concat(output, hex"00"), proof);
        vm.expectRevert(abi.encodeWithSelector(IERCZKMLRegistry.ModelNotFound.selector, 2));
        adapter.verifyInference(2, input, output, proof);
        (, uint256[] memory instances) = abi.decode(proof, (bytes, uint256[]));
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        adapter.verifyInference(id, input, output, abi.encode(bytes(""), instances));
        vm.expectRevert(IERCZKMLVerifier.InvalidProof.selector);
        adapter.verifyInference(id, input, output, abi.encode(bytes(""), new uint256[](2)));
        vm.expectRevert(IERCZKMLVerifier.InvalidProof.selector);
        adapter.verifyInference(id, input, output, hex"1234");
        vm.expectRevert(IERCZKMLVerifier.InvalidProof.selector);
        adapter.verifyInference(id, input, output, "");
    }

    function test_only_known_keys_and_this_proof_system_are_registered() public {
        IERCZKMLRegistry.ModelCommitment memory unknown = commitment("unknown");
        vm.expectRevert(abi.encodeWithSelector(ERC7992Adapter.UnknownVerifyingKey.selector, unknown.vkHash));
        adapter.registerModel(unknown);
        unknown.proofSystemId = 0x12345678;
        vm.expectRevert(abi.encodeWithSelector(IERCZKMLVerifier.UnsupportedProofSystem.selector, bytes4(0x12345678)));
        adapter.registerModel(unknown);
        assertTrue(adapter.proofSystemOf(id) == bytes4(keccak256("halo2-kzg-bn254-v1")), "the name's hash");
    }

    function test_models_are_deprecated_by_their_owner_and_by_the_registry() public {
        (bytes32 input, bytes memory output, bytes memory proof) = inference();
        vm.expectRevert(abi.encodeWithSelector(IERCZKMLRegistry.NotModelOwner.selector, id, stranger));
        vm.prank(stranger);
        adapter.deprecateModel(id);
        bytes memory refused = abi.encodeWithSelector(IERCZKMLVerifier.VerificationRefused_ModelDeprecated.selector, id);
        adapter.deprecateModel(id);
        vm.expectRevert(refused);
        adapter.verifyInference(id, input, output, proof);

        IERCZKMLRegistry.ModelCommitment memory same = commitment("key");
        vm.expectRevert(abi.encodeWithSelector(ERC7992Adapter.NotRegistryOwner.selector, stranger));
        vm.prank(stranger);
        adapter.registerModel(same);
        uint256 other = adapter.registerModel(same);
        adapter.verifyInference(other, input, output, proof);
        models.tombstoneVersion("model", 1);
        (, bool deprecated, address owner) = adapter.getModel(other);
        assertTrue(deprecated && owner == address(this), "the registry's tombstone counts");
        vm.expectPartialRevert(IERCZKMLVerifier.VerificationRefused_ModelDeprecated.selector);
        adapter.verifyInference(other, input, output, proof);
    }

    function test_a_stopped_registry_has_no_current_models() public {
        models.stop();
        (, bool deprecated,) = adapter.getModel(id);
        assertTrue(deprecated, "nothing is verified");
        models.resume();
        (, deprecated,) = adapter.getModel(id);
        assertTrue(!deprecated, "it goes on");
    }

    function test_ids_go_with_the_registry() public {
        models.transferOwnership(stranger);
        vm.prank(stranger);
        models.acceptOwnership();
        (,, address owner) = adapter.getModel(id);
        assertEq(owner, stranger);
        vm.expectPartialRevert(IERCZKMLRegistry.NotModelOwner.selector);
        adapter.deprecateModel(id);
        vm.prank(stranger);
        adapter.deprecateModel(id);
    }

    function test_models_never_change() public {
        IERCZKMLRegistry.ModelCommitment memory changed = commitment("key");
        vm.expectRevert(ERC7992Adapter.ModelsAreImmutable.selector);
        adapter.updateModel(id, changed);
        vm.expectPartialRevert(IERCZKMLRegistry.NotModelOwner.selector);
        vm.prank(stranger);
        adapter.updateModel(id, changed);
    }

    function test_interfaces_are_announced() public view {
        assertTrue(adapter.supportsInterface(type(IERCZKMLRegistry).interfaceId), "registry");
        assertTrue(adapter.supportsInterface(type(IERCZKMLVerifier).interfaceId), "verifier");
        assertTrue(!adapter.supportsInterface(0xffffffff), "ERC-165");
        assertEq(adapter.registry(), address(adapter));
    }

    /// The draft's own signatures: it names no interface ids.
    function test_functions_and_events_are_those_of_the_erc() public {
        bytes4 registryId = bytes4(keccak256("registerModel((bytes32,bytes32,bytes32,bytes4,string))"))
            ^ bytes4(keccak256("updateModel(uint256,(bytes32,bytes32,bytes32,bytes4,string))"))
            ^ bytes4(keccak256("deprecateModel(uint256)")) ^ bytes4(keccak256("getModel(uint256)"));
        assertEq(type(IERCZKMLRegistry).interfaceId, registryId);
        bytes4 verifierId = bytes4(keccak256("verifyInference(uint256,bytes32,bytes,bytes)"))
            ^ bytes4(keccak256("proofSystemOf(uint256)")) ^ bytes4(keccak256("registry()"));
        assertEq(type(IERCZKMLVerifier).interfaceId, verifierId);
        bytes32[3] memory refusals = [
            bytes32(IERCZKMLRegistry.ModelNotFound.selector),
            IERCZKMLRegistry.NotModelOwner.selector,
            IERCZKMLVerifier.VerificationRefused_ModelDeprecated.selector
        ];
        assertEq(refusals[0], bytes4(keccak256("ModelNotFound(uint256)")));
        assertEq(refusals[1], bytes4(keccak256("NotModelOwner(uint256,address)")));
        assertEq(refusals[2], bytes4(keccak256("VerificationRefused_ModelDeprecated(uint256)")));

        bytes32 owner = bytes32(uint256(uint160(address(this))));
        vm.recordLogs();
        uint256 other = adapter.registerModel(commitment("key"));
        bytes32 signature = keccak256("ModelRegistered(uint256,address,(bytes32,bytes32,bytes32,bytes4,string))");
        assertLastEvent(abi.encodePacked(signature, other, owner), abi.encode(commitment("key")));
        (bytes32 input, bytes memory output, bytes memory proof) = inference();
        adapter.verifyInference(id, input, output, proof);
        signature = keccak256("InferenceVerified(uint256,bytes32,bytes,address)");
        assertLastEvent(abi.encodePacked(signature, id, input, owner), abi.encode(output));
        adapter.deprecateModel(other);
        assertLastEvent(abi.encodePacked(keccak256("ModelDeprecated(uint256)"), other), "");
    }
}

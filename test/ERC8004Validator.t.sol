// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {ERC8004Validator} from "../contracts/adapters/ERC8004Validator.sol";
import {ERC8084Metadata} from "../contracts/adapters/ERC8084Metadata.sol";
import {IERC8004ValidationRegistry} from "../contracts/interfaces/IERC8004.sol";
import {IZKMetadata} from "../contracts/interfaces/IERC8084.sol";
import {IHalo2Verifier} from "../contracts/interfaces/IHalo2Verifier.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice A validation registry as ERC-8004 describes it, without an identity registry behind it.
contract Validations is IERC8004ValidationRegistry {
    struct Status {
        address validator;
        uint256 agentId;
        uint8 response;
        bytes32 responseHash;
        string tag;
        uint256 lastUpdate;
    }

    mapping(bytes32 requestHash => Status) private _statuses;

    function validationRequest(address validator, uint256 agentId, string calldata uri, bytes32 requestHash) external {
        require(_statuses[requestHash].validator == address(0), "exists");
        _statuses[requestHash] = Status(validator, agentId, 0, 0, "", block.timestamp);
        emit ValidationRequest(validator, agentId, uri, requestHash);
    }

    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata uri,
        bytes32 responseHash,
        string calldata tag
    ) external {
        Status storage status = _statuses[requestHash];
        require(msg.sender == status.validator && response <= 100, "not the validator");
        (status.response, status.responseHash, status.tag, status.lastUpdate) =
        (response, responseHash, tag, block.timestamp);
        emit ValidationResponse(msg.sender, status.agentId, requestHash, response, uri, responseHash, tag);
    }

    function getValidationStatus(bytes32 requestHash)
        external
        view
        returns (address, uint256, uint8, bytes32, string memory, uint256)
    {
        Status storage s = _statuses[requestHash];
        return (s.validator, s.agentId, s.response, s.responseHash, s.tag, s.lastUpdate);
    }
}

contract ERC8004ValidatorTest is Test {
    uint256 private constant AGENT = 7;

    Validations private validations;
    ModelRegistry private registry;
    MockVerifier private verifier;
    ERC8004Validator private validator;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        verifier = new MockVerifier("key", 2, 1);
        registry.addVersion("model", verifier, "key", "");
        validations = new Validations();
        validator = new ERC8004Validator(validations, registry, "model", 1);
    }

    function words(uint256 count, uint256 first) private pure returns (uint256[] memory made) {
        made = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            made[i] = first + i;
        }
    }

    /// An agent says that the model gives `output` for the inputs 5 and 6.
    function request(uint256 output) private returns (bytes32 requestHash) {
        requestHash = keccak256(validator.payloadOf(AGENT, words(2, 5), words(1, output)));
        validations.validationRequest(address(validator), AGENT, "ipfs://payload", requestHash);
    }

    function inference(bytes32 requestHash, uint256 output) private view returns (uint256[] memory made) {
        made = new uint256[](4);
        (made[0], made[1], made[2], made[3]) = (validator.contextOf(requestHash), 5, 6, output);
    }

    function test_what_the_model_gives_is_validated() public {
        bytes32 requestHash = request(9);
        uint256[] memory made = inference(requestHash, 9);
        bytes memory proof = verifier.prove(made);
        bytes32 evidence = keccak256(abi.encode(proof, made));
        vm.expectEmit();
        emit IERC8004ValidationRegistry.ValidationResponse(
            address(validator), AGENT, requestHash, 100, "ipfs://proof", evidence, "zkml/halo2-kzg-bn254"
        );
        assertEq(validator.validate(requestHash, words(1, 9), proof, made, "ipfs://proof"), 100);
        vm.expectRevert(abi.encodeWithSelector(ERC8004Validator.Answered.selector, requestHash));
        validator.validate(requestHash, words(1, 9), proof, made, "");
    }

    function test_what_the_model_does_not_give_is_refuted() public {
        bytes32 requestHash = request(9);
        uint256[] memory made = inference(requestHash, 8);
        assertEq(validator.validate(requestHash, words(1, 9), verifier.prove(made), made, ""), 0);
        (,, uint8 response, bytes32 evidence,,) = validations.getValidationStatus(requestHash);
        assertTrue(response == 0 && evidence != 0, "written");
    }

    function test_everything_that_does_not_fit_is_refused() public {
        bytes32 requestHash = request(9);
        uint256[] memory made = inference(requestHash, 9);
        bytes memory proof = verifier.prove(made);
        vm.expectPartialRevert(ERC8004Validator.WrongRequest.selector);
        validator.validate(requestHash, words(1, 8), proof, made, "");
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        validator.validate(requestHash, words(1, 9), "", made, "");
        vm.expectPartialRevert(ERC8004Validator.NotOurRequest.selector);
        validator.validate("none", words(1, 9), proof, made, "");
        // Another input.
        made[2] = 7;
        proof = verifier.prove(made);
        vm.expectPartialRevert(ERC8004Validator.WrongRequest.selector);
        validator.validate(requestHash, words(1, 9), proof, made, "");
        // A proof made for another use.
        (made[0], made[2]) = (1, 6);
        proof = verifier.prove(made);
        vm.expectPartialRevert(ERC8004Validator.WrongContext.selector);
        validator.validate(requestHash, words(1, 9), proof, made, "");
    }

    function test_a_validator_needs_a_version_and_public_inputs() public {
        vm.expectRevert(ERC8004Validator.NoVersion.selector);
        new ERC8004Validator(validations, registry, "model", 0);
        MockVerifier secret = new MockVerifier("secret", 0, 1);
        registry.addVersion("secret", secret, "secret", "");
        vm.expectRevert(ERC8004Validator.InputsArePrivate.selector);
        new ERC8004Validator(validations, registry, "secret", 1);
    }

    /// The selectors of the registries on mainnet, as their published bindings have them.
    function test_selectors_are_those_of_the_erc() public pure {
        assertTrue(IERC8004ValidationRegistry.validationRequest.selector == 0xaaf400c4, "request");
        assertTrue(IERC8004ValidationRegistry.validationResponse.selector == 0x3d659a96, "response");
    }

    // ── ERC-8084 ──

    function test_metadata_name_the_key_and_say_what_they_lead_to() public {
        vm.expectEmit();
        emit IZKMetadata.CircuitMetadataUpdated("key", 1 << 32, 0x00000003);
        ERC8084Metadata metadata = new ERC8084Metadata(verifier, 0, 1 << 32, "schema", "ipfs://schema", "ipfs://key");
        assertEq(metadata.circuitId(), "key");
        assertEq(metadata.publicInputsSchemaHash(), "schema");
        assertTrue(metadata.proofSystem() == 0x00000003 && metadata.circuitVersion() == 1 << 32, "Halo2, 1.0");
        assertEq(keccak256(bytes(metadata.publicInputsSchemaURI())), keccak256("ipfs://schema"));
        assertEq(keccak256(bytes(metadata.verificationKeyURI())), keccak256("ipfs://key"));
        assertTrue(metadata.supportsInterface(type(IZKMetadata).interfaceId), "ERC-8084");
        assertTrue(metadata.supportsInterface(0x01ffc9a7) && !metadata.supportsInterface(0xffffffff), "ERC-165");
        metadata = new ERC8084Metadata(verifier, "model", 0, 0, "", "");
        assertEq(metadata.circuitId(), "model");
    }

    function test_a_web_address_needs_a_hash() public {
        string memory bare = "https://example.com/schema.json";
        string memory hashed =
            string.concat(bare, "#0x", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
        new ERC8084Metadata(verifier, 0, 0, 0, hashed, hashed);
        vm.expectRevert(abi.encodeWithSelector(ERC8084Metadata.UriWithoutHash.selector, bare));
        new ERC8084Metadata(verifier, 0, 0, 0, bare, hashed);
        vm.expectPartialRevert(ERC8084Metadata.UriWithoutHash.selector);
        new ERC8084Metadata(verifier, 0, 0, 0, hashed, string.concat(hashed, "0"));
    }
}

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
    mapping(uint256 agentId => bytes32[]) private _ofAgent;
    mapping(address validator => bytes32[]) private _ofValidator;

    function validationRequest(address validator, uint256 agentId, string calldata uri, bytes32 requestHash) external {
        require(_statuses[requestHash].validator == address(0), "exists");
        _statuses[requestHash] = Status(validator, agentId, 0, 0, "", block.timestamp);
        _ofAgent[agentId].push(requestHash);
        _ofValidator[validator].push(requestHash);
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

    function getIdentityRegistry() external pure returns (address) {
        return address(0);
    }

    function getAgentValidations(uint256 agentId) external view returns (bytes32[] memory) {
        return _ofAgent[agentId];
    }

    function getValidatorRequests(address validator) external view returns (bytes32[] memory) {
        return _ofValidator[validator];
    }

    function getSummary(uint256, address[] calldata, string calldata) external pure returns (uint64, uint8) {
        revert("not needed");
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
    function request(bytes32 salt, uint256 output) private returns (bytes32 requestHash) {
        requestHash = keccak256(validator.payloadOf(AGENT, salt, words(2, 5), words(1, output)));
        validations.validationRequest(address(validator), AGENT, "ipfs://payload", requestHash);
    }

    function inference(bytes32 requestHash, uint256 output) private view returns (uint256[] memory made) {
        made = new uint256[](4);
        (made[0], made[1], made[2], made[3]) = (validator.contextOf(requestHash), 5, 6, output);
    }

    function test_what_the_model_gives_is_validated() public {
        bytes32 requestHash = request("salt", 9);
        uint256[] memory made = inference(requestHash, 9);
        bytes memory proof = verifier.prove(made);
        bytes32 evidence = keccak256(abi.encode(proof, made));
        vm.expectEmit();
        emit IERC8004ValidationRegistry.ValidationResponse(
            address(validator), AGENT, requestHash, 100, "", evidence, "zkml/halo2-kzg-bn254"
        );
        assertEq(validator.validate(requestHash, "salt", words(1, 9), proof, made), 100);
        vm.expectRevert(abi.encodeWithSelector(ERC8004Validator.Answered.selector, requestHash));
        validator.validate(requestHash, "salt", words(1, 9), proof, made);
    }

    function test_what_the_model_does_not_give_is_refuted() public {
        bytes32 requestHash = request("salt", 9);
        uint256[] memory made = inference(requestHash, 8);
        assertEq(validator.validate(requestHash, "salt", words(1, 9), verifier.prove(made), made), 0);
        (,, uint8 response, bytes32 evidence,,) = validations.getValidationStatus(requestHash);
        assertTrue(response == 0 && evidence != 0, "written");
    }

    function test_everything_that_does_not_fit_is_refused() public {
        bytes32 requestHash = request("salt", 9);
        uint256[] memory made = inference(requestHash, 9);
        bytes memory proof = verifier.prove(made);
        vm.expectPartialRevert(ERC8004Validator.WrongRequest.selector);
        validator.validate(requestHash, "salt", words(1, 8), proof, made);
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        validator.validate(requestHash, "salt", words(1, 9), "", made);
        vm.expectPartialRevert(ERC8004Validator.NotOurRequest.selector);
        validator.validate("none", "salt", words(1, 9), proof, made);
        // Another input.
        made[2] = 7;
        proof = verifier.prove(made);
        vm.expectPartialRevert(ERC8004Validator.WrongRequest.selector);
        validator.validate(requestHash, "salt", words(1, 9), proof, made);
        // A proof made for another use.
        (made[0], made[2]) = (1, 6);
        proof = verifier.prove(made);
        vm.expectPartialRevert(ERC8004Validator.WrongContext.selector);
        validator.validate(requestHash, "salt", words(1, 9), proof, made);
    }

    /// Who came first with an agent's hash, for an agent of his own, kept the agent from ever asking.
    function test_a_request_that_somebody_took_is_asked_with_another_salt() public {
        bytes32 taken = keccak256(validator.payloadOf(AGENT, "salt", words(2, 5), words(1, 9)));
        validations.validationRequest(address(validator), AGENT + 1, "ipfs://payload", taken);
        uint256[] memory made = inference(taken, 9);
        bytes memory proof = verifier.prove(made);
        vm.expectPartialRevert(ERC8004Validator.WrongRequest.selector);
        validator.validate(taken, "salt", words(1, 9), proof, made);
        bytes32 requestHash = request("another", 9);
        made = inference(requestHash, 9);
        assertEq(validator.validate(requestHash, "another", words(1, 9), verifier.prove(made), made), 100);
    }

    function test_a_validator_needs_a_version_and_public_inputs() public {
        vm.expectRevert(ERC8004Validator.NoVersion.selector);
        new ERC8004Validator(validations, registry, "model", 0);
        MockVerifier secret = new MockVerifier("secret", 0, 1);
        registry.addVersion("secret", secret, "secret", "");
        vm.expectRevert(ERC8004Validator.InputsArePrivate.selector);
        new ERC8004Validator(validations, registry, "secret", 1);
    }

    /// The ERC's own signatures, as of January 2026.
    function test_functions_and_events_are_those_of_the_erc() public pure {
        bytes4[7] memory selectors = [
            IERC8004ValidationRegistry.getIdentityRegistry.selector,
            IERC8004ValidationRegistry.validationRequest.selector,
            IERC8004ValidationRegistry.validationResponse.selector,
            IERC8004ValidationRegistry.getValidationStatus.selector,
            IERC8004ValidationRegistry.getSummary.selector,
            IERC8004ValidationRegistry.getAgentValidations.selector,
            IERC8004ValidationRegistry.getValidatorRequests.selector
        ];
        string[7] memory signatures = [
            "getIdentityRegistry()",
            "validationRequest(address,uint256,string,bytes32)",
            "validationResponse(bytes32,uint8,string,bytes32,string)",
            "getValidationStatus(bytes32)",
            "getSummary(uint256,address[],string)",
            "getAgentValidations(uint256)",
            "getValidatorRequests(address)"
        ];
        bytes4 all = 0;
        for (uint256 i = 0; i < 7; ++i) {
            assertEq(selectors[i], bytes4(keccak256(bytes(signatures[i]))));
            all ^= selectors[i];
        }
        assertEq(all, type(IERC8004ValidationRegistry).interfaceId);
        // As the bindings of the registries on mainnet have them.
        assertTrue(selectors[1] == 0xaaf400c4 && selectors[2] == 0x3d659a96, "request and response");
        assertEq(
            IERC8004ValidationRegistry.ValidationRequest.selector,
            keccak256("ValidationRequest(address,uint256,string,bytes32)")
        );
        assertEq(
            IERC8004ValidationRegistry.ValidationResponse.selector,
            keccak256("ValidationResponse(address,uint256,bytes32,uint8,string,bytes32,string)")
        );
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

    function test_a_web_address_needs_the_hash_of_what_it_leads_to() public {
        string memory bare = "https://example.com/schema.json";
        bytes32 hash = 0x0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef;
        string memory digits = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef";
        string memory hashed = string.concat(bare, "#0x", digits);
        new ERC8084Metadata(verifier, 0, 0, hash, hashed, hashed);
        new ERC8084Metadata(verifier, 0, 0, hash, string.concat("HTTP://e/#0x", digits), "");
        string[5] memory bad = [
            bare,
            string.concat(hashed, "0"),
            string.concat(bare, "#1x", digits),
            string.concat(bare, "##0", digits),
            string.concat("HTTPS://e/#0x", "g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ERC8084Metadata.UriWithoutHash.selector, bad[i]));
            new ERC8084Metadata(verifier, 0, 0, hash, bad[i], hashed);
            vm.expectRevert(abi.encodeWithSelector(ERC8084Metadata.UriWithoutHash.selector, bad[i]));
            new ERC8084Metadata(verifier, 0, 0, hash, hashed, bad[i]);
        }
        // The schema's is told twice.
        vm.expectRevert(abi.encodeWithSelector(ERC8084Metadata.AnotherHash.selector, hash, bytes32(0)));
        new ERC8084Metadata(verifier, 0, 0, 0, hashed, hashed);
    }

    /// The ERC's own signatures: it names no interface id.
    function test_metadata_have_the_functions_of_the_erc() public {
        bytes4 all = bytes4(keccak256("circuitId()")) ^ bytes4(keccak256("circuitVersion()"))
            ^ bytes4(keccak256("publicInputsSchemaHash()")) ^ bytes4(keccak256("publicInputsSchemaURI()"))
            ^ bytes4(keccak256("verificationKeyURI()")) ^ bytes4(keccak256("proofSystem()"));
        assertEq(type(IZKMetadata).interfaceId, all);
        vm.recordLogs();
        new ERC8084Metadata(verifier, 0, 1 << 32, "schema", "ipfs://schema", "ipfs://key");
        bytes32 signature = keccak256("CircuitMetadataUpdated(bytes32,uint64,bytes4)");
        bytes memory topics = abi.encodePacked(signature, verifier.VK_DIGEST());
        assertLastEvent(topics, abi.encode(uint64(1 << 32), bytes4(0x00000003)));
    }
}

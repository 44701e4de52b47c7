// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {ERC7007Content} from "../../contracts/adapters/ERC7007Content.sol";
import {ContentNft} from "../../contracts/examples/ContentNft.sol";
import {IERC7007} from "../../contracts/interfaces/IERC7007.sol";
import {PackedTensor} from "../../contracts/libraries/PackedTensor.sol";
import {VerifierShape} from "../../contracts/libraries/VerifierShape.sol";
import {ERC721} from "solady/tokens/ERC721.sol";
import {Test} from "../Test.sol";
import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {vm} from "../Vm.sol";

contract ContentNftTest is Test {
    MockVerifier private verifier;
    ModelRegistry private registry;
    ContentNft private nft;
    address private alice;
    address private mallory;

    bytes private prompt = new bytes(64);
    bytes private content = "0123456789";

    function setUp() public {
        registry = new ModelRegistry(address(this));
        verifier = new MockVerifier("content", 3, 1);
        registry.addVersion("content", verifier, "content", "");
        nft = new ContentNft(registry, "content", 1, 64, 10);
        alice = account("alice");
        mallory = account("mallory");
        prompt[0] = 0x07;
        prompt[63] = 0xff;
    }

    function claim(address claimer) private returns (uint256 tokenId) {
        bytes32 commitment = nft.commitmentOf(claimer, prompt, "salt");
        vm.prank(claimer);
        nft.commit(commitment);
        mine();
        vm.prank(claimer);
        return nft.claim(prompt, "salt");
    }

    function proofOf(bytes memory made) private view returns (bytes memory) {
        uint256[] memory inputs = PackedTensor.pack(prompt);
        uint256[] memory outputs = PackedTensor.pack(made);
        uint256[] memory instances = new uint256[](5);
        instances[0] = nft.contextOf(nft.tokenIdOf(prompt));
        (instances[1], instances[2], instances[3], instances[4]) = (inputs[0], inputs[1], inputs[2], outputs[0]);
        return verifier.prove(instances);
    }

    function test_a_claimed_prompt_gets_proved_content_from_anybody() public {
        uint256 tokenId = claim(alice);
        assertEq(nft.ownerOf(tokenId), alice);
        bytes memory proof = proofOf(content);
        assertTrue(nft.verify(prompt, content, proof), "the proof shows it");
        vm.expectEmit();
        emit IERC7007.AigcData(tokenId, prompt, content, proof);
        vm.prank(mallory);
        nft.addAigcData(tokenId, prompt, content, proof);
        assertEq(nft.contentHash(tokenId), keccak256(content));

        vm.expectRevert(abi.encodeWithSelector(ERC7007Content.HasContent.selector, tokenId));
        nft.addAigcData(tokenId, prompt, content, proof);
    }

    function test_other_content_is_refused() public {
        uint256 tokenId = claim(alice);
        bytes memory proof = proofOf(content);
        assertTrue(!nft.verify(prompt, "1123456789", proof), "another content");
        vm.expectRevert(ERC7007Content.NotVerified.selector);
        nft.addAigcData(tokenId, prompt, "1123456789", proof);
        vm.expectRevert(ERC7007Content.NotVerified.selector);
        nft.addAigcData(tokenId, prompt, content, "");
        bytes memory longer = bytes.concat(content, "0");
        vm.expectRevert(abi.encodeWithSelector(ERC7007Content.WrongLength.selector, 11, 10));
        nft.addAigcData(tokenId, prompt, longer, proof);
    }

    function test_content_needs_the_tokens_own_prompt() public {
        uint256 tokenId = claim(alice);
        bytes memory proof = proofOf(content);
        bytes memory other = new bytes(64);
        vm.expectPartialRevert(ERC7007Content.WrongPrompt.selector);
        nft.addAigcData(tokenId, other, content, proof);
        vm.expectRevert(abi.encodeWithSelector(ERC7007Content.NoSuchToken.selector, tokenId + 1));
        nft.addAigcData(tokenId + 1, prompt, content, proof);
    }

    function test_metadata_say_prompt_and_content_by_the_schema() public {
        uint256 tokenId = claim(alice);
        string memory before = nft.tokenURI(tokenId);
        nft.addAigcData(tokenId, prompt, content, proofOf(content));
        string memory head = string.concat(
            'data:application/json;utf8,{"name":"Verified Content ',
            vm.toString(tokenId),
            '","description":"Content that a model makes of a prompt, with a proof of it","prompt":"'
        );
        string memory kind = '","aigc_type":"application/octet-stream","aigc_data":"';
        string memory tail = '","proof_type":"validity"}';
        assertEq(keccak256(bytes(before)), keccak256(bytes(string.concat(head, kind, tail))));
        string memory data = "data:application/octet-stream,%2530%2531%2532%2533%2534%2535%2536%2537%2538%2539";
        string memory expected = string.concat(head, vm.toString(prompt), kind, data, tail);
        string memory found = nft.tokenURI(tokenId);
        assertEq(keccak256(bytes(found)), keccak256(bytes(expected)));
        // A browser takes what follows for a fragment.
        for (uint256 i = 0; i < bytes(found).length; ++i) {
            assertTrue(bytes(found)[i] != "#", "one document");
        }
    }

    function test_a_prompt_has_as_many_elements_as_the_models_input() public {
        bytes memory longer = bytes.concat(prompt, "0");
        bytes memory refusal = abi.encodeWithSelector(ERC7007Content.WrongLength.selector, 65, 64);
        vm.expectRevert(refusal);
        nft.claim(longer, "salt");
        vm.expectRevert(refusal);
        nft.verify(longer, content, "");
    }

    function test_the_model_has_one_input_and_one_output_of_these_lengths() public {
        vm.expectRevert(abi.encodeWithSelector(ERC7007Content.AnotherShape.selector, 3, 1));
        new ContentNft(registry, "content", 1, 62, 10);
        vm.expectRevert(abi.encodeWithSelector(ERC7007Content.AnotherShape.selector, 3, 1));
        new ContentNft(registry, "content", 1, 64, 32);
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(VerifierShape.UnsafeDevSrs.selector, address(registry), 1));
        new ContentNft(registry, "content", 1, 64, 10);
    }

    function test_a_prompt_seen_in_a_claim_cannot_be_taken() public {
        bytes32 commitment = nft.commitmentOf(alice, prompt, "salt");
        vm.prank(alice);
        nft.commit(commitment);
        mine();
        // Mallory sees prompt and salt in the mempool, and is first in the block with a commitment and a claim.
        bytes32 copied = nft.commitmentOf(mallory, prompt, "salt");
        vm.startPrank(mallory);
        nft.commit(copied);
        vm.expectRevert(abi.encodeWithSelector(ContentNft.NotCommitted.selector, copied));
        nft.claim(prompt, "salt");
        nft.commit(commitment);
        vm.stopPrank();
        vm.prank(alice);
        uint256 tokenId = nft.claim(prompt, "salt");
        assertEq(nft.ownerOf(tokenId), alice);
        mine();
        vm.expectRevert(ERC721.TokenAlreadyExists.selector);
        vm.prank(mallory);
        nft.claim(prompt, "salt");
    }

    function test_interfaces_and_metadata() public {
        // The id that the final text of ERC-7007 names, of its two functions.
        assertTrue(nft.supportsInterface(0x702c55a6), "ERC-7007");
        assertTrue(type(IERC7007).interfaceId == 0x702c55a6, "the interface");
        assertTrue(nft.supportsInterface(0x80ac58cd) && nft.supportsInterface(0x01ffc9a7), "ERC-721 and ERC-165");
        uint256 tokenId = claim(alice);
        bytes memory proof = proofOf(content);
        vm.recordLogs();
        nft.addAigcData(tokenId, prompt, content, proof);
        bytes32 signature = keccak256("AigcData(uint256,bytes,bytes,bytes)");
        assertLastEvent(abi.encodePacked(signature, tokenId, keccak256(prompt), keccak256(content)), abi.encode(proof));
        assertTrue(bytes(nft.tokenURI(tokenId)).length != 0, "there is metadata");
        vm.expectRevert(ERC721.TokenDoesNotExist.selector);
        nft.tokenURI(tokenId + 1);
        vm.expectRevert(ERC7007Content.NoVersion.selector);
        new ContentNft(registry, "content", 0, 64, 10);
    }
}

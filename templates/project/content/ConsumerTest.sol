// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {ERC7007Content} from "zkverdict/adapters/ERC7007Content.sol";
import {Proved} from "./Proved.sol";
import {vm} from "./Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";

contract {{ project.prefix }}ConsumerTest is Proved {
    {{ project.prefix }}Consumer private register;

    function setUp() public override {
        super.setUp();
        register = {{ project.prefix }}Consumer(deploy(abi.encode(model, MODEL_ID, 1)));
        refusal = ERC7007Content.NotVerified.selector;
        claim(alice);
    }

    /// Bytes of packed elements, from an instance on.
    function unpacked(uint256 first, uint256 length) private view returns (bytes memory elements) {
        elements = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            elements[i] = bytes1(uint8(instances[first + i / 31] >> (8 * (i % 31))));
        }
    }

    function prompt() private view returns (bytes memory) {
        return unpacked(1, {{ project.input_length }});
    }

    function content() private view returns (bytes memory) {
        return unpacked({{ project.first_output }}, {{ project.output_length }});
    }

    function claim(address author) private returns (uint256 tokenId) {
        bytes memory ours = prompt();
        register.commit(register.commitmentOf(author, ours, "salt"));
        mine();
        vm.prank(author);
        return register.claim(ours, "salt");
    }

    /// Anybody may: the model says what the content is.
    function submit(address sender) internal override {
        (bytes memory ours, bytes memory made) = (prompt(), content());
        vm.prank(sender);
        register.addAigcData(uint256(keccak256(ours)), ours, made, proof);
    }

    function test_what_the_model_made_is_known_as_its_own() public {
        submit(account("anybody"));
        uint256 tokenId = register.tokenIdOf(prompt());
        (bool isAuthentic, address author) = register.provenanceOf(tokenId, content());
        assertTrue(isAuthentic, "the model's");
        assertEq(author, alice);
        bytes memory other = content();
        other[0] ^= 0x01;
        (isAuthentic,) = register.provenanceOf(tokenId, other);
        assertTrue(!isAuthentic, "changed");
        vm.expectPartialRevert(ERC7007Content.HasContent.selector);
        submit(alice);
    }

    function test_a_prompt_is_claimed_once_and_not_at_sight() public {
        address mallory = account("mallory");
        bytes memory ours = prompt();
        vm.expectPartialRevert({{ project.prefix }}Consumer.NotCommitted.selector);
        vm.prank(mallory);
        register.claim(ours, "salt");
        register.commit(register.commitmentOf(mallory, ours, "salt"));
        mine();
        vm.expectPartialRevert({{ project.prefix }}Consumer.ClaimedAlready.selector);
        vm.prank(mallory);
        register.claim(ours, "salt");
    }
}

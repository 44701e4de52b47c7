// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {NamedConsumer} from "../contracts/NamedConsumer.sol";
import {SingleModelVerifier} from "../contracts/SingleModelVerifier.sol";
import {IAttestedConsumer} from "../contracts/interfaces/IAttestedConsumer.sol";
import {IInferenceConsumer} from "../contracts/interfaces/IInferenceConsumer.sol";
import {Signatures} from "../contracts/libraries/Signatures.sol";
import {MockVerifier, NamedMockVerifier} from "../contracts/testing/MockVerifier.sol";
import {Attesting, HashLender} from "./Attesting.sol";
import {vm} from "./Vm.sol";

/// @notice A consumer whose attested input is hashed: instances are context, a public input, the hash, the output.
contract AttestedHashTest is Attesting {
    MockVerifier private mock;
    SingleModelVerifier private verifier;
    HashLender private once;
    HashLender private untilExpiry;
    address private issuer;
    address private alice;
    address private mallory;

    function setUp() public {
        mock = new MockVerifier("key", 2, 1);
        verifier = new SingleModelVerifier(mock, "credit", "key", 0);
        issuer = vm.addr(ISSUER_KEY);
        alice = account("alice");
        mallory = account("mallory");
        once = lender(true);
        untilExpiry = lender(false);
        vm.warp(1_800_000_000);
    }

    function lender(bool isUsedOnce) private returns (HashLender) {
        return new HashLender(verifier, new bytes32[](0), SCHEMA, isUsedOnce, issuer, address(this));
    }

    /// A hash: unlike a name it may have 254 bits.
    function hashOf(uint256 which) private pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encode("hash", which))) >> 3);
    }

    function attested(uint256 which, uint64 nonce) private view returns (IAttestedConsumer.Attestation memory) {
        return IAttestedConsumer.Attestation(hashOf(which), SCHEMA, alice, EXPIRY, nonce);
    }

    /// A proof of somebody's next turn about a hash.
    function proved(HashLender consumer, address sender, uint256 which)
        private
        view
        returns (bytes memory, uint256[] memory instances)
    {
        instances = new uint256[](4);
        (instances[0], instances[1]) = (consumer.contextOf(sender), 7);
        (instances[2], instances[3]) = (uint256(hashOf(which)), 77);
        return (mock.prove(instances), instances);
    }

    function present(HashLender consumer, uint256 which, uint64 nonce) private {
        IAttestedConsumer.Attestation memory made = attested(which, nonce);
        bytes memory signature = signed(consumer, made);
        vm.prank(alice);
        consumer.presentAttestation(made, signature);
    }

    function submit(HashLender consumer, address sender, uint256 which) private {
        (bytes memory proof, uint256[] memory instances) = proved(consumer, sender, which);
        vm.prank(sender);
        consumer.submitInference(proof, instances);
    }

    // ── What is accepted ──

    function test_an_attested_hash_is_proved_about_in_one_transaction() public {
        IAttestedConsumer.Attestation memory made = attested(1, 1);
        bytes memory signature = signed(once, made);
        (bytes memory proof, uint256[] memory instances) = proved(once, alice, 1);
        vm.prank(alice);
        once.submitAttested(made, signature, proof, instances);
        assertEq(once.calls(), 1);
        assertTrue(once.isAttested(alice, hashOf(1)), "what rests on it can look again");
    }

    function test_a_hash_that_was_shown_counts_until_it_expires() public {
        present(untilExpiry, 1, 1);
        submit(untilExpiry, alice, 1);
        submit(untilExpiry, alice, 1);
        assertEq(untilExpiry.calls(), 2);
    }

    // ── What is not ──

    function test_a_hash_that_nobody_attested_is_refused() public {
        (bytes memory proof, uint256[] memory instances) = proved(once, alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NotAttested.selector, alice, hashOf(1)));
        vm.prank(alice);
        once.submitInference(proof, instances);
    }

    function test_the_hash_of_another_input_is_refused() public {
        present(once, 1, 1);
        (bytes memory proof, uint256[] memory instances) = proved(once, alice, 2);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NotAttested.selector, alice, hashOf(2)));
        vm.prank(alice);
        once.submitInference(proof, instances);
        IAttestedConsumer.Attestation memory made = attested(1, 1);
        bytes memory signature = signed(once, made);
        vm.expectRevert(
            abi.encodeWithSelector(NamedConsumer.NameMismatch.selector, type(uint256).max, hashOf(2), hashOf(1))
        );
        vm.prank(alice);
        once.submitAttested(made, signature, proof, instances);
    }

    /// Where the public input is the attested hash, the hash itself is another.
    function test_the_hash_stands_in_its_own_place() public {
        present(once, 1, 1);
        (, uint256[] memory instances) = proved(once, alice, 2);
        instances[1] = uint256(hashOf(1));
        bytes memory proof = mock.prove(instances);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NotAttested.selector, alice, hashOf(2)));
        vm.prank(alice);
        once.submitInference(proof, instances);
    }

    function test_an_attestation_of_another_subject_is_refused() public {
        IAttestedConsumer.Attestation memory made = attested(1, 1);
        bytes memory signature = signed(once, made);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.OtherSubject.selector, alice, mallory));
        vm.prank(mallory);
        once.presentAttestation(made, signature);
        present(once, 1, 1);
        (bytes memory proof, uint256[] memory instances) = proved(once, mallory, 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NotAttested.selector, mallory, hashOf(1)));
        vm.prank(mallory);
        once.submitInference(proof, instances);
    }

    function test_an_expired_attestation_is_refused() public {
        present(untilExpiry, 1, 1);
        vm.warp(EXPIRY);
        (bytes memory proof, uint256[] memory instances) = proved(untilExpiry, alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.AttestationExpired.selector, EXPIRY));
        vm.prank(alice);
        untilExpiry.submitInference(proof, instances);
    }

    function test_a_revoked_attestation_is_refused() public {
        present(untilExpiry, 1, 3);
        vm.prank(issuer);
        untilExpiry.revokeAttestation(alice, hashOf(1), 3);
        (bytes memory proof, uint256[] memory instances) = proved(untilExpiry, alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.RevokedAttestation.selector, 3, 3));
        vm.prank(alice);
        untilExpiry.submitInference(proof, instances);
    }

    function test_an_attestation_is_not_replayed_on_another_chain_or_at_another_consumer() public {
        IAttestedConsumer.Attestation memory made = attested(1, 1);
        bytes memory signature = signed(once, made);
        vm.expectPartialRevert(Signatures.WrongSigner.selector);
        vm.prank(alice);
        untilExpiry.presentAttestation(made, signature);
        vm.chainId(10);
        vm.expectPartialRevert(Signatures.WrongSigner.selector);
        vm.prank(alice);
        once.presentAttestation(made, signature);
    }

    function test_a_hash_counts_once_where_it_does() public {
        present(once, 1, 1);
        submit(once, alice, 1);
        (bytes memory proof, uint256[] memory instances) = proved(once, alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NameUsed.selector, alice, hashOf(1)));
        vm.prank(alice);
        once.submitInference(proof, instances);
    }

    function test_instances_without_a_hash_are_refused() public {
        IAttestedConsumer.Attestation memory made = attested(1, 1);
        bytes memory signature = signed(once, made);
        vm.expectRevert(
            abi.encodeWithSelector(NamedConsumer.NameMismatch.selector, type(uint256).max, bytes32(0), hashOf(1))
        );
        vm.prank(alice);
        once.submitAttested(made, signature, "", new uint256[](2));
    }

    // ── What cannot be constructed ──

    function test_the_attested_hash_is_an_input_and_all_names_are_pinned() public {
        MockVerifier small = new MockVerifier("key", 1, 2);
        SingleModelVerifier other = new SingleModelVerifier(small, "credit", "key", 0);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.AttestedHashPosition.selector, 2, 1, 2));
        new HashLender(other, new bytes32[](0), SCHEMA, true, issuer, address(this));
        NamedMockVerifier named = new NamedMockVerifier("key", 1, 2, 1);
        other = new SingleModelVerifier(named, "credit", "key", 0);
        bytes32[] memory names = new bytes32[](1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.AttestedNameCount.selector, 1));
        new HashLender(other, names, SCHEMA, true, issuer, address(this));
        names[0] = nameOf(1);
        HashLender both = new HashLender(other, names, SCHEMA, true, issuer, address(this));
        assertEq(both.pinnedNames(0), nameOf(1));
    }
}

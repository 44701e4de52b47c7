// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {AttestedConsumer} from "zkverdict/AttestedConsumer.sol";
import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {IAttestedConsumer} from "zkverdict/interfaces/IAttestedConsumer.sol";
import {ProvedForOne} from "./Proved.sol";
import {vm} from "./Vm.sol";

/// @notice A proof about data that an issuer attests to `alice`.
abstract contract Attested is ProvedForOne {
    uint256 internal constant ISSUER_KEY = 7;
    uint64 internal constant EXPIRY = 2_000_000_000;

    /// The consumer, whatever it does.
    AttestedConsumer internal attesting;

    function target() internal view override returns (InferenceConsumer) {
        return attesting;
    }

    /// The name of the committed data in the proof.
    function dataName() internal view returns (bytes32) {
        return bytes32(instances[NAME]);
    }

    /// The issuer attests the proof's data, and they are shown to the consumer.
    function present(address subject) internal {
        (IAttestedConsumer.Attestation memory attestation, bytes memory signature) = attest(subject, ISSUER_KEY);
        vm.prank(subject);
        attesting.presentAttestation(attestation, signature);
    }

    function attest(address subject, uint256 key)
        internal
        view
        returns (IAttestedConsumer.Attestation memory attestation, bytes memory signature)
    {
        attestation = IAttestedConsumer.Attestation(dataName(), attesting.SCHEMA(), subject, EXPIRY, 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, attesting.digestOf(attestation));
        signature = abi.encodePacked(r, s, v);
    }

    function test_the_schema_that_issuers_sign_is_that_of_the_inputs() public view {
        assertEq(attesting.SCHEMA(), keccak256(bytes(vm.readFile("inputs/schema.json"))));
    }

    function test_data_that_nobody_attested_are_refused() public {
        vm.expectPartialRevert(IAttestedConsumer.NotAttested.selector);
        submit(alice);
        // Neither attested to somebody else, nor by somebody else.
        present(account("mallory"));
        vm.expectPartialRevert(IAttestedConsumer.NotAttested.selector);
        submit(alice);
        (IAttestedConsumer.Attestation memory attestation, bytes memory signature) = attest(alice, 8);
        vm.expectRevert();
        vm.prank(alice);
        attesting.presentAttestation(attestation, signature);
    }

    function test_an_attestation_ends() public {
        present(alice);
        vm.warp(EXPIRY);
        vm.expectPartialRevert(IAttestedConsumer.AttestationExpired.selector);
        submit(alice);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {AttestedConsumer} from "../contracts/AttestedConsumer.sol";
import {InferenceConsumer} from "../contracts/InferenceConsumer.sol";
import {IAttestedConsumer} from "../contracts/interfaces/IAttestedConsumer.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice Remembers what it acted on.
contract Lender is AttestedConsumer {
    uint256 public calls;
    uint256 public lastOutput;

    constructor(
        IModelVerifier verifier,
        bytes32[] memory names,
        bytes32 schema,
        bool isUsedOnce,
        address issuer,
        address owner
    ) InferenceConsumer(verifier, "credit", 1) AttestedConsumer(names, schema, isUsedOnce, issuer, owner) {}

    function _onInference(address, uint256[] calldata instances) internal override {
        ++calls;
        lastOutput = instances[_OUTPUT_START];
    }
}

/// @notice The same where the hash of an input is attested, which comes behind another input.
contract HashLender is AttestedConsumer {
    uint256 public calls;

    constructor(
        IModelVerifier verifier,
        bytes32[] memory names,
        bytes32 schema,
        bool isUsedOnce,
        address issuer,
        address owner
    ) InferenceConsumer(verifier, "credit", 1) AttestedConsumer(names, schema, isUsedOnce, issuer, owner) {}

    function _onInference(address, uint256[] calldata) internal override {
        ++calls;
    }

    function _attestedHash() internal pure override returns (uint256) {
        return 2;
    }
}

/// @notice What tests of attested inputs have in common: an issuer, and what it signs.
abstract contract Attesting is Test {
    bytes32 internal constant SCHEMA = keccak256("cents,days,days");
    uint256 internal constant ISSUER_KEY = 0xb1;
    uint64 internal constant EXPIRY = 2_000_000_000;

    function nameOf(uint256 which) internal pure returns (bytes32) {
        return keccak256(abi.encode("name", which)) >> 8;
    }

    function attestation(uint256 which, address subject, uint64 nonce)
        internal
        pure
        returns (IAttestedConsumer.Attestation memory)
    {
        return IAttestedConsumer.Attestation(nameOf(which), SCHEMA, subject, EXPIRY, nonce);
    }

    function signed(bytes32 digest, uint256 key) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function signed(IAttestedConsumer consumer, IAttestedConsumer.Attestation memory made)
        internal
        view
        returns (bytes memory)
    {
        return signed(consumer.digestOf(made), ISSUER_KEY);
    }

    /// Instances of a model with one name: context, name, output.
    function instancesOf(uint256 context, bytes32 name, uint256 output) internal pure returns (uint256[] memory made) {
        made = new uint256[](3);
        (made[0], made[1], made[2]) = (context, uint256(name), output);
    }
}

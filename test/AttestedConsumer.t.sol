// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {AttestedConsumer} from "../contracts/AttestedConsumer.sol";
import {InferenceConsumer} from "../contracts/InferenceConsumer.sol";
import {NamedConsumer} from "../contracts/NamedConsumer.sol";
import {SingleModelVerifier} from "../contracts/SingleModelVerifier.sol";
import {TwoStepOwned} from "../contracts/TwoStepOwned.sol";
import {IAttestedConsumer} from "../contracts/interfaces/IAttestedConsumer.sol";
import {IHalo2Verifier} from "../contracts/interfaces/IHalo2Verifier.sol";
import {IInferenceConsumer} from "../contracts/interfaces/IInferenceConsumer.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {Signatures} from "../contracts/libraries/Signatures.sol";
import {NamedMockVerifier} from "../contracts/testing/MockVerifier.sol";
import {Attesting, Lender} from "./Attesting.sol";
import {Answerer, Wallet} from "./mocks/Wallets.sol";
import {vm} from "./Vm.sol";

/// @notice Submits again from inside.
contract Greedy is AttestedConsumer {
    bytes private _proof;
    uint256[] private _instances;

    constructor(IModelVerifier verifier, bytes32 schema, address issuer)
        InferenceConsumer(verifier, "credit", 1)
        AttestedConsumer(new bytes32[](1), schema, true, issuer, msg.sender)
    {}

    function prepare(bytes calldata proof, uint256[] calldata instances) external {
        (_proof, _instances) = (proof, instances);
    }

    function act(
        Attestation calldata made,
        bytes calldata signature,
        bytes calldata proof,
        uint256[] calldata instances
    ) external {
        this.submitAttested(made, signature, proof, instances);
    }

    function _onInference(address, uint256[] calldata) internal override {
        this.submitInference(_proof, _instances);
    }
}

contract AttestedConsumerTest is Attesting {
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    NamedMockVerifier private mock;
    SingleModelVerifier private verifier;
    Lender private once;
    Lender private untilExpiry;
    address private issuer;
    address private alice;
    address private mallory;

    function setUp() public {
        mock = new NamedMockVerifier("key", 1, 0, 1);
        verifier = new SingleModelVerifier(mock, "credit", "key", 0);
        issuer = vm.addr(ISSUER_KEY);
        alice = account("alice");
        mallory = account("mallory");
        once = lender(true, issuer);
        untilExpiry = lender(false, issuer);
        vm.warp(1_800_000_000);
    }

    function lender(bool isUsedOnce, address by) private returns (Lender) {
        return new Lender(verifier, new bytes32[](1), SCHEMA, isUsedOnce, by, address(this));
    }

    /// A proof of alice's next turn about a name.
    function proved(Lender consumer, uint256 which) private view returns (bytes memory, uint256[] memory instances) {
        instances = instancesOf(consumer.contextOf(alice), nameOf(which), 77);
        return (mock.prove(instances), instances);
    }

    function present(Lender consumer, uint256 which, uint64 nonce) private {
        IAttestedConsumer.Attestation memory made = attestation(which, alice, nonce);
        bytes memory signature = signed(consumer, made);
        vm.prank(alice);
        consumer.presentAttestation(made, signature);
    }

    function submit(Lender consumer, uint256 which) private {
        (bytes memory proof, uint256[] memory instances) = proved(consumer, which);
        vm.prank(alice);
        consumer.submitInference(proof, instances);
    }

    /// Shows alice's attestation with some signature.
    function show(IAttestedConsumer.Attestation memory made, bytes memory signature) private {
        vm.prank(alice);
        once.presentAttestation(made, signature);
    }

    // ── What is accepted ──

    function test_an_attested_name_is_proved_about_in_one_transaction() public {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        bytes memory signature = signed(once, made);
        (bytes memory proof, uint256[] memory instances) = proved(once, 1);
        vm.expectEmit();
        emit IInferenceConsumer.InferenceAccepted(alice, 0, 1, keccak256(""), keccak256(abi.encodePacked(uint256(77))));
        vm.prank(alice);
        once.submitAttested(made, signature, proof, instances);
        assertEq(once.calls(), 1);
        assertEq(once.lastOutput(), 77);
        assertTrue(once.isAttested(alice, nameOf(1)), "what rests on it can look again");
    }

    function test_an_attestation_is_shown_once_for_many_proofs() public {
        present(untilExpiry, 1, 9);
        submit(untilExpiry, 1);
        submit(untilExpiry, 1);
        assertEq(untilExpiry.calls(), 2);
    }

    function test_the_digest_is_that_of_eip712() public view {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        (bytes1 fields, string memory name, string memory version, uint256 chainId, address where, bytes32 salt,) =
            once.eip712Domain();
        assertTrue(fields == 0x0f && salt == 0, "name, version, chain, contract");
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chainId,
                where
            )
        );
        assertEq(where, address(once));
        assertEq(chainId, block.chainid);
        bytes32 inner = keccak256(
            abi.encode(
                keccak256("Attestation(bytes32 name,bytes32 schema,address subject,uint64 expiry,uint64 nonce)"),
                made.name,
                made.schema,
                made.subject,
                made.expiry,
                made.nonce
            )
        );
        assertEq(once.digestOf(made), keccak256(abi.encodePacked(hex"1901", domain, inner)));
    }

    // ── Names ──

    function test_a_proof_about_a_name_that_nobody_attested_is_refused() public {
        present(once, 1, 9);
        (bytes memory proof, uint256[] memory instances) = proved(once, 2);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NotAttested.selector, alice, nameOf(2)));
        vm.prank(alice);
        once.submitInference(proof, instances);
    }

    function test_a_proof_about_another_attested_name_is_not_submitted_with_this_attestation() public {
        present(once, 2, 8);
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        bytes memory signature = signed(once, made);
        (bytes memory proof, uint256[] memory instances) = proved(once, 2);
        vm.expectRevert(abi.encodeWithSelector(NamedConsumer.NameMismatch.selector, 0, nameOf(2), nameOf(1)));
        vm.prank(alice);
        once.submitAttested(made, signature, proof, instances);
        vm.expectRevert(abi.encodeWithSelector(NamedConsumer.NameMismatch.selector, 0, bytes32(0), nameOf(1)));
        vm.prank(alice);
        once.submitAttested(made, signature, proof, new uint256[](1));
    }

    function test_a_name_in_a_proof_cannot_be_changed() public {
        present(once, 1, 9);
        (bytes memory proof, uint256[] memory instances) = proved(once, 2);
        instances[1] = uint256(nameOf(1));
        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        vm.prank(alice);
        once.submitInference(proof, instances);
    }

    function test_a_name_is_used_once_where_that_is_meant() public {
        present(once, 1, 9);
        submit(once, 1);
        (bytes memory proof, uint256[] memory instances) = proved(once, 1);
        bytes memory used = abi.encodeWithSelector(IAttestedConsumer.NameUsed.selector, alice, nameOf(1));
        vm.expectRevert(used);
        vm.prank(alice);
        once.submitInference(proof, instances);
        // Nor with another attestation of it.
        present(once, 1, 10);
        vm.expectRevert(used);
        vm.prank(alice);
        once.submitInference(proof, instances);
        // Other names are others.
        present(once, 2, 11);
        submit(once, 2);
    }

    function test_a_name_is_used_before_the_application_acts() public {
        Greedy greedy = new Greedy(verifier, SCHEMA, issuer);
        IAttestedConsumer.Attestation memory made = attestation(1, address(greedy), 9);
        bytes memory signature = signed(greedy, made);
        uint256[] memory instances = instancesOf(greedy.contextOf(address(greedy)), nameOf(1), 77);
        bytes memory proof = mock.prove(instances);
        // Of the turn that a call from inside finds.
        uint256[] memory second = instancesOf(nextContext(address(greedy)), nameOf(1), 78);
        greedy.prepare(mock.prove(second), second);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NameUsed.selector, address(greedy), nameOf(1)));
        greedy.act(made, signature, proof, instances);
    }

    function nextContext(address who) private view returns (uint256) {
        return uint256(keccak256(abi.encode(keccak256("zkverdict.context.turn.v1"), block.chainid, who, who, 1)))
            % 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    }

    // ── Subjects ──

    function test_an_attestation_for_somebody_else_is_refused() public {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        bytes memory signature = signed(once, made);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.OtherSubject.selector, alice, mallory));
        vm.prank(mallory);
        once.presentAttestation(made, signature);
        // Nor can another subject be written into it.
        made.subject = mallory;
        vm.expectPartialRevert(Signatures.WrongSigner.selector);
        vm.prank(mallory);
        once.presentAttestation(made, signature);
    }

    function test_what_a_subject_has_shown_serves_nobody_else() public {
        present(once, 1, 9);
        uint256[] memory instances = instancesOf(once.contextOf(mallory), nameOf(1), 77);
        bytes memory proof = mock.prove(instances);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NotAttested.selector, mallory, nameOf(1)));
        vm.prank(mallory);
        once.submitInference(proof, instances);
        assertTrue(!once.isAttested(mallory, nameOf(1)), "to mallory it is not");
    }

    // ── Schema, expiry, revocation ──

    function test_data_that_mean_something_else_are_refused() public {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        made.schema = keccak256("pixels");
        bytes memory signature = signed(once, made);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.OtherSchema.selector, made.schema, SCHEMA));
        show(made, signature);
    }

    function test_an_attestation_ends() public {
        present(once, 1, 9);
        vm.warp(EXPIRY - 1);
        assertTrue(once.isAttested(alice, nameOf(1)), "still");
        vm.warp(EXPIRY);
        assertTrue(!once.isAttested(alice, nameOf(1)), "no more");
        bytes memory expired = abi.encodeWithSelector(IAttestedConsumer.AttestationExpired.selector, EXPIRY);
        (bytes memory proof, uint256[] memory instances) = proved(once, 1);
        vm.expectRevert(expired);
        vm.prank(alice);
        once.submitInference(proof, instances);
        IAttestedConsumer.Attestation memory made = attestation(2, alice, 10);
        bytes memory signature = signed(once, made);
        vm.expectRevert(expired);
        show(made, signature);
    }

    function test_what_the_issuer_takes_back_counts_no_more() public {
        present(once, 1, 9);
        present(once, 2, 9);
        vm.expectEmit();
        emit IAttestedConsumer.AttestationRevoked(alice, nameOf(1), 9);
        vm.prank(issuer);
        once.revokeAttestation(alice, nameOf(1), 9);
        assertTrue(!once.isAttested(alice, nameOf(1)), "no more");
        (bytes memory proof, uint256[] memory instances) = proved(once, 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.RevokedAttestation.selector, 9, 9));
        vm.prank(alice);
        once.submitInference(proof, instances);
        // That one and those before it are not shown once more; a later one of the name counts.
        for (uint64 nonce = 8; nonce <= 9; ++nonce) {
            IAttestedConsumer.Attestation memory made = attestation(1, alice, nonce);
            bytes memory signature = signed(once, made);
            vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.RevokedAttestation.selector, nonce, 9));
            show(made, signature);
        }
        present(once, 1, 10);
        submit(once, 1);
        // Other names are others, and so are other subjects.
        assertTrue(once.isAttested(alice, nameOf(2)), "the other name");
        assertEq(once.revokedUpTo(mallory, nameOf(1)), 0);
    }

    function test_what_is_taken_back_stays_so() public {
        vm.prank(issuer);
        once.revokeAttestation(alice, nameOf(1), 9);
        vm.prank(issuer);
        once.revokeAttestation(alice, nameOf(1), 3);
        assertEq(once.revokedUpTo(alice, nameOf(1)), 9);
        // Whatever the number, it can be taken back.
        present(once, 1, type(uint64).max);
        vm.prank(issuer);
        once.revokeAttestation(alice, nameOf(1), type(uint64).max);
        assertTrue(!once.isAttested(alice, nameOf(1)), "no more");
    }

    function test_numbers_begin_with_one() public {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 0);
        bytes memory signature = signed(once, made);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.RevokedAttestation.selector, 0, 0));
        show(made, signature);
    }

    function test_the_issuer_alone_takes_back() public {
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NotIssuer.selector, mallory));
        vm.prank(mallory);
        once.revokeAttestation(alice, nameOf(1), 9);
        // The owner replaces the issuer instead.
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NotIssuer.selector, address(this)));
        once.revokeAttestation(alice, nameOf(1), 9);
    }

    // ── Signatures ──

    function test_somebody_elses_signature_is_refused() public {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        bytes memory signature = signed(once.digestOf(made), 0xbad);
        vm.expectRevert(abi.encodeWithSelector(Signatures.WrongSigner.selector, vm.addr(0xbad), issuer));
        show(made, signature);
    }

    function test_a_signature_for_another_contract_is_refused() public {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        bytes memory signature = signed(untilExpiry, made);
        vm.expectPartialRevert(Signatures.WrongSigner.selector);
        show(made, signature);
    }

    function test_a_signature_for_another_chain_is_refused() public {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        bytes memory signature = signed(once, made);
        vm.chainId(1337);
        vm.expectPartialRevert(Signatures.WrongSigner.selector);
        show(made, signature);
        vm.chainId(31337);
        show(made, signature);
    }

    function test_every_field_is_signed() public {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        bytes memory signature = signed(once, made);
        IAttestedConsumer.Attestation memory changed = attestation(2, alice, 9);
        vm.expectPartialRevert(Signatures.WrongSigner.selector);
        show(changed, signature);
        changed = attestation(1, alice, 10);
        vm.expectPartialRevert(Signatures.WrongSigner.selector);
        show(changed, signature);
        changed = attestation(1, alice, 9);
        ++changed.expiry;
        vm.expectPartialRevert(Signatures.WrongSigner.selector);
        show(changed, signature);
    }

    function test_a_signature_written_in_another_way_is_refused() public {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(ISSUER_KEY, once.digestOf(made));
        bytes memory turned = abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(Signatures.MalleableSignature.selector);
        show(made, turned);
        vm.expectRevert(Signatures.MalleableSignature.selector);
        show(made, abi.encodePacked(r, s, v - 27));
        // Compact, too long, none.
        bytes[3] memory others = [abi.encodePacked(r, s), abi.encodePacked(r, s, v, uint8(0)), bytes("")];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Signatures.SignatureLength.selector, others[i].length));
            show(made, others[i]);
        }
        show(made, abi.encodePacked(r, s, v));
    }

    function check(address signer, bytes32 digest, bytes calldata signature) external view {
        Signatures.check(signer, digest, signature);
    }

    function test_what_recovers_to_nobody_is_nobodys_signature() public {
        // r is the x of no point.
        bytes memory signature = abi.encodePacked(bytes32(uint256(5)), bytes32(uint256(1)), uint8(27));
        vm.expectRevert(abi.encodeWithSelector(Signatures.WrongSigner.selector, address(0), address(0)));
        this.check(address(0), "digest", signature);
    }

    function testFuzz_no_bit_of_a_signature_may_change(uint256 which, uint64 nonce) public {
        vm.assume(nonce != 0);
        IAttestedConsumer.Attestation memory made = attestation(1, alice, nonce);
        bytes memory signature = signed(once, made);
        which %= 520;
        bytes1 bit = bytes1(0x01) << (which % 8);
        signature[which / 8] ^= bit;
        vm.prank(alice);
        (bool ok,) = address(once).call(abi.encodeCall(once.presentAttestation, (made, signature)));
        assertTrue(!ok, "refused");
        signature[which / 8] ^= bit;
        show(made, signature);
    }

    // ── Contracts that sign ──

    function test_a_contract_signs_by_its_answer() public {
        Wallet wallet = new Wallet();
        Lender consumer = lender(true, address(wallet));
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        bytes memory refused = abi.encodeWithSelector(Signatures.NotSignedByContract.selector, address(wallet));
        // A key's signature is not the contract's.
        bytes memory signature = signed(consumer, made);
        vm.expectRevert(refused);
        vm.prank(alice);
        consumer.presentAttestation(made, signature);
        wallet.sign(consumer.digestOf(made));
        vm.prank(alice);
        consumer.presentAttestation(made, "anything");
        submit(consumer, 1);
        // It takes back by a call of its own.
        wallet.act(address(consumer), abi.encodeCall(consumer.revokeAttestation, (alice, nameOf(1), 9)));
        assertTrue(!consumer.isAttested(alice, nameOf(1)), "taken back");
    }

    function test_no_other_answer_of_a_contract_is_a_signature() public {
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        for (uint256 kind = 0; kind <= uint256(Answerer.Kind.BurnsGas); ++kind) {
            Answerer answerer = new Answerer(Answerer.Kind(kind));
            Lender consumer = lender(true, address(answerer));
            bytes memory refused = abi.encodeWithSelector(Signatures.NotSignedByContract.selector, address(answerer));
            vm.expectRevert(refused);
            vm.prank(alice);
            consumer.presentAttestation{gas: 5_000_000}(made, "anything");
        }
    }

    function test_an_account_that_delegates_signs_by_its_key() public {
        Wallet wallet = new Wallet();
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 9);
        wallet.sign(once.digestOf(made));
        // As EIP-7702 has it.
        vm.etch(issuer, abi.encodePacked(hex"ef0100", address(wallet)));
        vm.expectRevert(abi.encodeWithSelector(Signatures.SignatureLength.selector, 8));
        show(made, "anything");
        show(made, signed(once, made));
    }

    // ── Issuers and owners ──

    function test_a_new_issuer_ends_what_the_former_attested() public {
        present(once, 1, 9);
        vm.prank(issuer);
        once.revokeAttestation(alice, nameOf(1), 7);
        vm.expectEmit();
        emit IAttestedConsumer.IssuerReplaced(issuer, vm.addr(0xb2));
        once.replaceIssuer(vm.addr(0xb2));
        assertTrue(!once.isAttested(alice, nameOf(1)), "no more");
        (bytes memory proof, uint256[] memory instances) = proved(once, 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.FormerIssuer.selector, alice, nameOf(1)));
        vm.prank(alice);
        once.submitInference(proof, instances);
        // Neither its signatures nor its revocations reach further.
        IAttestedConsumer.Attestation memory made = attestation(1, alice, 7);
        bytes32 digest = once.digestOf(made);
        vm.expectRevert(abi.encodeWithSelector(Signatures.WrongSigner.selector, issuer, vm.addr(0xb2)));
        show(made, signed(digest, ISSUER_KEY));
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NotIssuer.selector, issuer));
        vm.prank(issuer);
        once.revokeAttestation(alice, nameOf(1), 7);
        show(made, signed(digest, 0xb2));
        submit(once, 1);
        // The former one back again attests anew.
        once.replaceIssuer(issuer);
        assertTrue(!once.isAttested(alice, nameOf(1)) && once.revokedUpTo(alice, nameOf(1)) == 0, "anew");
        // A name that was used is used.
        present(once, 1, 1);
        (proof, instances) = proved(once, 1);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.NameUsed.selector, alice, nameOf(1)));
        vm.prank(alice);
        once.submitInference(proof, instances);
    }

    function test_the_owner_alone_replaces_the_issuer() public {
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotOwner.selector, mallory));
        vm.prank(mallory);
        once.replaceIssuer(mallory);
        vm.expectRevert(IAttestedConsumer.ZeroIssuer.selector);
        once.replaceIssuer(address(0));
        vm.expectRevert(IAttestedConsumer.ZeroIssuer.selector);
        lender(true, address(0));
        once.transferOwnership(alice);
        once.replaceIssuer(mallory);
        vm.prank(alice);
        once.acceptOwnership();
        vm.expectRevert(abi.encodeWithSelector(TwoStepOwned.NotOwner.selector, address(this)));
        once.replaceIssuer(issuer);
    }

    // ── Shapes ──

    function test_exactly_one_name_is_the_attested_one() public {
        bytes32[] memory names = new bytes32[](2);
        SingleModelVerifier two = new SingleModelVerifier(new NamedMockVerifier("two", 2, 0, 1), "credit", "two", 0);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.AttestedNameCount.selector, 2));
        new Lender(two, names, SCHEMA, true, issuer, address(this));
        names[0] = nameOf(5);
        Lender consumer = new Lender(two, names, SCHEMA, true, issuer, address(this));
        assertEq(consumer.pinnedNames(0), nameOf(5));
        names[1] = nameOf(6);
        vm.expectRevert(abi.encodeWithSelector(IAttestedConsumer.AttestedNameCount.selector, 0));
        new Lender(two, names, SCHEMA, true, issuer, address(this));
    }

    function test_another_name_is_pinned_beside_the_attested_one() public {
        NamedMockVerifier named = new NamedMockVerifier("two", 2, 0, 1);
        SingleModelVerifier two = new SingleModelVerifier(named, "credit", "two", 0);
        bytes32[] memory names = new bytes32[](2);
        names[0] = nameOf(5);
        Lender consumer = new Lender(two, names, SCHEMA, false, issuer, address(this));
        present(consumer, 1, 9);
        uint256[] memory instances = new uint256[](4);
        // Somebody else's.
        (instances[0], instances[1], instances[2]) = (consumer.contextOf(alice), uint256(nameOf(6)), uint256(nameOf(1)));
        bytes memory proof = named.prove(instances);
        vm.expectRevert(abi.encodeWithSelector(NamedConsumer.NameMismatch.selector, 0, nameOf(6), nameOf(5)));
        vm.prank(alice);
        consumer.submitInference(proof, instances);
        instances[1] = uint256(nameOf(5));
        proof = named.prove(instances);
        vm.prank(alice);
        consumer.submitInference(proof, instances);
        assertEq(consumer.calls(), 1);
    }

    function test_interfaces_are_announced() public view {
        assertTrue(once.supportsInterface(type(IAttestedConsumer).interfaceId), "attested");
        assertTrue(once.supportsInterface(type(IInferenceConsumer).interfaceId), "a consumer");
        assertTrue(!once.supportsInterface(0xffffffff), "ERC-165");
    }
}

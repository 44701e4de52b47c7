// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "../../contracts/InferenceConsumer.sol";
import {AttestedConsumer} from "../../contracts/AttestedConsumer.sol";
import {SingleModelVerifier} from "../../contracts/SingleModelVerifier.sol";
import {IModelVerifier} from "../../contracts/interfaces/IModelVerifier.sol";
import {NamedMockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {Attesting} from "../Attesting.sol";
import {vm} from "../Vm.sol";
import {Handler, InvariantTest} from "./Handler.sol";

/// @notice Counts what it acted on, by subject and name.
contract Register is AttestedConsumer {
    mapping(address subject => mapping(uint256 name => uint256)) public uses;

    constructor(IModelVerifier verifier, bytes32 schema, bool isUsedOnce, address issuer)
        InferenceConsumer(verifier, "model", 1)
        AttestedConsumer(new bytes32[](1), schema, isUsedOnce, issuer, msg.sender)
    {}

    function _onInference(address sender, uint256[] calldata instances) internal override {
        ++uses[sender][instances[1]];
    }
}

/// @notice Signs, shows, submits, takes back and replaces, rightly and wrongly, and says of every proof beforehand whether it
/// has to be accepted.
contract AttestedHandler is Handler, Attesting {
    NamedMockVerifier public immutable VERIFIER = new NamedMockVerifier("key", 1, 0, 1);
    Register public immutable REGISTER;
    bool public immutable IS_USED_ONCE;

    /// What the rules say, kept anew: shown, until when, up to where taken back; by issuer, subject and name.
    mapping(uint256 term => mapping(address subject => mapping(uint256 name => uint64))) private _shown;
    mapping(uint256 term => mapping(address subject => mapping(uint256 name => uint64))) private _expiry;
    mapping(uint256 term => mapping(address subject => mapping(uint256 name => uint64))) private _takenBack;
    mapping(address subject => mapping(uint256 name => uint256)) public accepted;
    uint256 private _term = 1;

    constructor(bool isUsedOnce) {
        IS_USED_ONCE = isUsedOnce;
        SingleModelVerifier single = new SingleModelVerifier(VERIFIER, "model", "key", 0);
        REGISTER = new Register(single, SCHEMA, isUsedOnce, vm.addr(ISSUER_KEY + 1));
    }

    function subject(uint256 seed) public pure returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast) one of two small numbers
        return address(uint160(0xa0 + seed % 2));
    }

    function name(uint256 seed) public pure returns (bytes32) {
        return nameOf(seed % 3);
    }

    function present(uint256 who, uint256 what, uint64 nonce, uint64 ttl, uint256 by, uint256 shower) external {
        Register.Attestation memory made = attestation(what % 3, subject(who), nonce % 4);
        made.expiry = uint64(vm.getBlockTimestamp()) + ttl % 100;
        // One in four is signed by another issuer, one in four shown by another subject.
        uint256 key = ISSUER_KEY + (by % 4 == 0 ? _term + 1 : _term);
        address caller = shower % 4 == 0 ? subject(who ^ 1) : subject(who);
        bytes memory signature = signed(REGISTER.digestOf(made), key);
        uint256 id = uint256(made.name);
        bool isRight = by % 4 != 0 && shower % 4 != 0 && made.expiry > vm.getBlockTimestamp()
            && made.nonce > _takenBack[_term][made.subject][id];
        vm.prank(caller);
        (bool ok,) = address(REGISTER).call(abi.encodeCall(REGISTER.presentAttestation, (made, signature)));
        check(ok == isRight, "what is right is shown");
        if (!ok) return;
        _shown[_term][made.subject][id] = made.nonce;
        _expiry[_term][made.subject][id] = made.expiry;
    }

    function holds(address who, uint256 id) public view returns (bool) {
        return _shown[_term][who][id] > _takenBack[_term][who][id] && vm.getBlockTimestamp() < _expiry[_term][who][id];
    }

    function submit(uint256 who, uint256 what) external {
        address by = subject(who);
        uint256 id = uint256(name(what));
        uint256[] memory instances = instancesOf(REGISTER.contextOf(by), bytes32(id), 1);
        bytes memory proof = VERIFIER.prove(instances);
        bool isRight = holds(by, id) && !(IS_USED_ONCE && accepted[by][id] != 0);
        vm.prank(by);
        (bool ok,) = address(REGISTER).call(abi.encodeCall(REGISTER.submitInference, (proof, instances)));
        check(ok == isRight, "what is attested is acted on");
        if (ok) ++accepted[by][id];
    }

    function takeBack(uint256 who, uint256 what, uint64 nonce) external {
        (address to, uint256 id) = (subject(who), uint256(name(what)));
        nonce %= 4;
        vm.prank(REGISTER.issuer());
        REGISTER.revokeAttestation(to, bytes32(id), nonce);
        if (nonce > _takenBack[_term][to][id]) _takenBack[_term][to][id] = nonce;
    }

    function replace(uint256 seed) external {
        if (seed % 8 != 0) return;
        ++_term;
        REGISTER.replaceIssuer(vm.addr(ISSUER_KEY + _term));
    }

    function wait(uint256 duration) external {
        skip(duration % 40);
    }
}

abstract contract AttestedInvariants is InvariantTest {
    AttestedHandler internal handler;

    function target() internal view override returns (Handler) {
        return handler;
    }

    function invariant_what_is_acted_on_is_what_was_accepted() public view {
        Register register = handler.REGISTER();
        for (uint256 i = 0; i < 6; ++i) {
            (address who, bytes32 name) = (handler.subject(i), handler.name(i));
            uint256 uses = register.uses(who, uint256(name));
            assertEq(uses, handler.accepted(who, uint256(name)));
            assertTrue(!handler.IS_USED_ONCE() || uses <= 1, "once");
            assertTrue(register.isAttested(who, name) == handler.holds(who, uint256(name)), "as the rules say");
        }
    }
}

contract UsedOnceInvariantTest is AttestedInvariants {
    function setUp() public {
        handler = new AttestedHandler(true);
    }
}

contract UsedUntilExpiryInvariantTest is AttestedInvariants {
    function setUp() public {
        handler = new AttestedHandler(false);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {AttestedConsumer} from "../contracts/AttestedConsumer.sol";
import {InferenceConsumer} from "../contracts/InferenceConsumer.sol";
import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {SingleModelVerifier} from "../contracts/SingleModelVerifier.sol";
import {IAttestedConsumer} from "../contracts/interfaces/IAttestedConsumer.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {PackedTensor} from "../contracts/libraries/PackedTensor.sol";
import {MockVerifier, NamedMockVerifier} from "../contracts/testing/MockVerifier.sol";
import {Attesting} from "./Attesting.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice Costs next to nothing, so that what stands around a verifier can be seen.
contract FreeVerifier is MockVerifier {
    constructor() MockVerifier("free", 26, 1) {}

    function verifyProof(bytes calldata, uint256[] calldata) public pure override returns (bool) {
        return true;
    }
}

/// @notice Accepts the input that it was told to.
contract Bound is InferenceConsumer {
    mapping(address sender => bytes32) public expected;

    error WrongInput();

    constructor(IModelVerifier verifier) InferenceConsumer(verifier, "free", 1) {}

    function expect(bytes calldata elements) external {
        expected[msg.sender] = keccak256(abi.encodePacked(PackedTensor.pack(elements)));
    }

    function _onInference(address sender, uint256[] calldata instances) internal view override {
        if (_inputsHash(instances) != expected[sender]) revert WrongInput();
    }
}

/// @notice Does nothing with an answer.
contract Idle is InferenceConsumer {
    constructor(IModelVerifier verifier) InferenceConsumer(verifier, "free", 1) {}

    function _onInference(address, uint256[] calldata) internal override {}
}

/// @notice Does nothing with an answer about attested data.
contract IdleAttested is AttestedConsumer {
    constructor(IModelVerifier verifier, bytes32 schema, bool isUsedOnce, address issuer)
        InferenceConsumer(verifier, "free", 1)
        AttestedConsumer(new bytes32[](1), schema, isUsedOnce, issuer, msg.sender)
    {}

    function _onInference(address, uint256[] calldata) internal override {}
}

/// @notice What stands around the verifier is a small part of a verification: the bounds are part of the promise.
contract GasTest is Attesting {
    /// The input of a model that reads digits of 28 by 28 pixels.
    function image() private pure returns (bytes memory elements) {
        elements = new bytes(784);
        for (uint256 i = 0; i < 784; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast) any bytes will do
            elements[i] = bytes1(uint8(i * 7 + 3));
        }
    }

    function unpack(uint256[] calldata words) external returns (bytes memory elements) {
        uint256 before = gasleft();
        elements = PackedTensor.unpack(words, 0, 784);
        uint256 used = before - gasleft();
        vm.snapshotValue("PackedTensor", "unpack of 784", used);
        assertTrue(used <= 20_250, "unpacking is cheap");
    }

    function argmax(uint256[] calldata words) external returns (uint256 best) {
        uint256 before = gasleft();
        best = PackedTensor.argmax(words, 0, 10);
        vm.snapshotValue("PackedTensor", "argmax of 10", before - gasleft());
    }

    function equals(uint256[] calldata words, uint256[] memory packed) external {
        uint256 before = gasleft();
        bool same = PackedTensor.equals(words, 0, packed);
        vm.snapshotValue("PackedTensor", "equals of 784", before - gasleft());
        assertTrue(same, "the same");
    }

    function test_packing_is_cheap() public {
        bytes memory elements = image();
        uint256 before = gasleft();
        uint256[] memory packed = PackedTensor.pack(elements);
        uint256 used = before - gasleft();
        vm.snapshotValue("PackedTensor", "pack of 784", used);
        assertTrue(used <= 13_500, "packing is cheap");
        assertEq(keccak256(this.unpack(packed)), keccak256(elements));
        this.equals(packed, packed);
        this.argmax(packed);
    }

    function test_what_stands_around_a_verification_is_cheap() public {
        ModelRegistry registry = new ModelRegistry(address(this));
        FreeVerifier verifier = new FreeVerifier();
        registry.addVersion("free", verifier, "free", "");
        Bound consumer = new Bound(registry);
        consumer.expect(image());
        uint256[] memory packed = PackedTensor.pack(image());
        uint256[] memory instances = new uint256[](28);
        for (uint256 i = 0; i < 26; ++i) {
            instances[1 + i] = packed[i];
        }
        // As long as those of a small model.
        bytes memory proof = new bytes(0x0940);
        for (uint256 use = 0; use < 3; ++use) {
            instances[0] = consumer.contextOf(address(this));
            // A transaction's target is warm, what it calls is not.
            vm.cool(address(verifier));
            assertEq(address(verifier).balance, 0);
            uint256 before = gasleft();
            verifier.verifyProof(proof, instances);
            uint256 alone = before - gasleft();
            vm.cool(address(verifier));
            vm.cool(address(registry));
            vm.cool(address(consumer));
            assertEq(address(consumer).balance, 0);
            before = gasleft();
            consumer.submitInference(proof, instances);
            uint256 around = before - gasleft() - alone;
            if (use != 0) {
                vm.snapshotValue("InferenceConsumer", "verify and bind 784 bytes, beyond the verifier", around);
                assertTrue(around <= 25_000, "from the second use on");
            }
        }
    }

    function gasOf(address sender, address to, bytes memory data) private returns (uint256 used) {
        vm.prank(sender);
        (bool ok,) = to.call(data);
        assertTrue(ok, "accepted");
        used = vm.lastCallGas().gasTotalUsed;
        // What the transaction's data cost: 16 for a byte, 4 for a zero.
        for (uint256 i = 0; i < data.length; ++i) {
            used += data[i] == 0 ? 4 : 16;
        }
    }

    /// A transaction's target is warm, what it calls is not.
    function coolBoth(address verifier, address consumer) private {
        vm.cool(verifier);
        vm.cool(consumer);
        assertEq(consumer.balance, 0);
    }

    function attestedGas(bool isUsedOnce, bool isKnown) private returns (uint256 used) {
        address alice = account("alice");
        SingleModelVerifier plain = new SingleModelVerifier(new MockVerifier("plain", 0, 1), "free", "plain", 0);
        Idle without = new Idle(plain);
        NamedMockVerifier mock = new NamedMockVerifier("named", 1, 0, 1);
        SingleModelVerifier named = new SingleModelVerifier(mock, "free", "named", 0);
        IdleAttested consumer = new IdleAttested(named, SCHEMA, isUsedOnce, vm.addr(ISSUER_KEY));
        // From the second use on: the sender's nonce is there.
        for (uint256 use = 0; use < 2; ++use) {
            uint256[] memory instances = new uint256[](2);
            (instances[0], instances[1]) = (without.contextOf(alice), 77);
            bytes memory proof = MockVerifier(address(plain.VERIFIER())).prove(instances);
            coolBoth(address(plain), address(without));
            uint256 alone = gasOf(alice, address(without), abi.encodeCall(without.submitInference, (proof, instances)));
            uint256 which = isKnown ? 0 : use;
            IAttestedConsumer.Attestation memory made = attestation(which, alice, 1);
            bytes memory signature = signed(consumer, made);
            instances = instancesOf(consumer.contextOf(alice), nameOf(which), 77);
            proof = mock.prove(instances);
            bytes memory data = isKnown && use != 0
                ? abi.encodeCall(consumer.submitInference, (proof, instances))
                : abi.encodeCall(consumer.submitAttested, (made, signature, proof, instances));
            coolBoth(address(named), address(consumer));
            used = gasOf(alice, address(consumer), data) - alone;
        }
    }

    /// On top of the same without a name, calldata included.
    function test_an_attested_input_is_cheap() public {
        uint256 once = attestedGas(true, false);
        vm.snapshotValue("AttestedConsumer", "an attested input that is used once", once);
        uint256 first = attestedGas(false, false);
        vm.snapshotValue("AttestedConsumer", "an attested input, its attestation new", first);
        uint256 further = attestedGas(false, true);
        vm.snapshotValue("AttestedConsumer", "an attested input, its attestation known", further);
        assertTrue(once <= 38_000 && first <= 38_000 && further <= 6_500, "as promised");
    }
}

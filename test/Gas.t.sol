// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "../contracts/InferenceConsumer.sol";
import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {PackedTensor} from "../contracts/libraries/PackedTensor.sol";
import {MockVerifier} from "../contracts/testing/MockVerifier.sol";
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

/// @notice What stands around the verifier is a small part of a verification: the bounds are part of the promise.
contract GasTest is Test {
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
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {PackedTensor} from "../contracts/libraries/PackedTensor.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

contract PackedTensorTest is Test {
    using PackedTensor for uint256[];

    // Through `this`, as instances are calldata.
    function byteAt(uint256[] calldata instances, uint256 first, uint256 index) external pure returns (uint8) {
        return instances.byteAt(first, index);
    }

    function int8At(uint256[] calldata instances, uint256 first, uint256 index) external pure returns (int8) {
        return instances.int8At(first, index);
    }

    function argmax(uint256[] calldata instances, uint256 first, uint256 length) external pure returns (uint256) {
        return instances.argmax(first, length);
    }

    function unpack(uint256[] calldata instances, uint256 first, uint256 length) external pure returns (bytes memory) {
        return instances.unpack(first, length);
    }

    function equals(uint256[] calldata instances, uint256 first, uint256[] calldata packed)
        external
        pure
        returns (bool)
    {
        return instances.equals(first, packed);
    }

    function test_element_t_weighs_256_to_the_t_and_31_share_a_word() public view {
        bytes memory elements = new bytes(32);
        elements[0] = 0x01;
        elements[1] = 0x02;
        elements[30] = 0x03;
        elements[31] = 0x04;
        uint256[] memory packed = PackedTensor.pack(elements);
        assertEq(packed.length, 2);
        assertEq(packed[0], 1 + 2 * 256 + 3 * 256 ** 30);
        assertEq(packed[1], 4);
        assertEq(this.byteAt(packed, 0, 31), 4);
    }

    function test_int8_bytes_start_at_minus_128() public view {
        uint256[] memory packed = PackedTensor.pack(hex"007f80ff");
        int8[4] memory expected = [int8(-128), -1, 0, 127];
        for (uint256 i = 0; i < 4; ++i) {
            assertTrue(this.int8At(packed, 0, i) == expected[i], "the int8 that the byte stands for");
        }
    }

    function testFuzz_packing_is_undone(bytes memory elements, uint8 before) public view {
        uint256[] memory packed = PackedTensor.pack(elements);
        uint256[] memory instances = new uint256[](before + packed.length);
        for (uint256 i = 0; i < packed.length; ++i) {
            assertTrue(packed[i] < 1 << 248, "a word is a field element");
            instances[before + i] = packed[i];
        }
        assertEq(keccak256(this.unpack(instances, before, elements.length)), keccak256(elements));
        assertTrue(this.equals(instances, before, packed), "equal where it lies");
    }

    function testFuzz_the_first_of_the_greatest_wins(bytes memory elements) public view {
        vm.assume(elements.length != 0);
        uint256 best;
        for (uint256 i = 1; i < elements.length; ++i) {
            if (uint8(elements[i]) > uint8(elements[best])) best = i;
        }
        assertEq(this.argmax(PackedTensor.pack(elements), 0, elements.length), best);
    }

    function test_elements_beyond_the_instances_are_refused() public {
        uint256[] memory packed = PackedTensor.pack(hex"0102");
        vm.expectRevert(abi.encodeWithSelector(PackedTensor.IndexOutOfRange.selector, 31, 31));
        this.byteAt(packed, 0, 31);
        vm.expectRevert(abi.encodeWithSelector(PackedTensor.IndexOutOfRange.selector, 31, 31));
        this.unpack(packed, 0, 32);
        vm.expectRevert(abi.encodeWithSelector(PackedTensor.IndexOutOfRange.selector, 0, 0));
        this.unpack(packed, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(PackedTensor.IndexOutOfRange.selector, 31, 31));
        this.argmax(packed, 0, 32);
        vm.expectRevert(abi.encodeWithSelector(PackedTensor.IndexOutOfRange.selector, 0, 0));
        this.argmax(packed, 0, 0);
    }

    function test_nothing_is_packed_into_no_words() public view {
        assertEq(PackedTensor.pack("").length, 0);
        assertEq(this.unpack(PackedTensor.pack(""), 0, 0).length, 0);
    }

    function test_shorter_and_different_instances_are_not_equal() public view {
        uint256[] memory packed = PackedTensor.pack(hex"0102");
        assertTrue(!this.equals(packed, 1, packed), "beyond the end");
        uint256[] memory other = PackedTensor.pack(hex"0103");
        assertTrue(!this.equals(packed, 0, other), "another value");
    }
}

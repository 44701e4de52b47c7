// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Tensors of 8-bit integers in instances
/// @notice 31 elements share a word: element t of a word weighs 256^t, its byte is the value minus the type's
/// smallest one (so int8 -128 is 0x00 and int8 0 is 0x80; uint8 is as it is). Each tensor starts a new word.
library PackedTensor {
    /// @notice Elements in a word: more would not fit a field element.
    uint256 internal constant PER_WORD = 31;

    /// @notice The tensor has fewer elements.
    error IndexOutOfRange(uint256 index, uint256 length);

    /// @notice Words that hold so many elements.
    function words(uint256 length) internal pure returns (uint256) {
        return (length + PER_WORD - 1) / PER_WORD;
    }

    /// @notice Byte of an element of the tensor that starts at word `first`.
    function byteAt(uint256[] calldata instances, uint256 first, uint256 index) internal pure returns (uint8) {
        uint256 word = first + index / PER_WORD;
        if (word >= instances.length) {
            uint256 held = first < instances.length ? instances.length - first : 0;
            revert IndexOutOfRange(index, held * PER_WORD);
        }
        // forge-lint: disable-next-line(unsafe-typecast) the low byte is what is asked for
        return uint8(instances[word] >> (8 * (index % PER_WORD)));
    }

    /// @notice An element of an int8 tensor.
    function int8At(uint256[] calldata instances, uint256 first, uint256 index) internal pure returns (int8) {
        return int8(int16(uint16(byteAt(instances, first, index))) - 128);
    }

    /// @notice Packs bytes, already values minus the type's smallest one.
    function pack(bytes memory elements) internal pure returns (uint256[] memory packed) {
        packed = new uint256[](words(elements.length));
        for (uint256 i = 0; i < elements.length; ++i) {
            packed[i / PER_WORD] |= uint256(uint8(elements[i])) << (8 * (i % PER_WORD));
        }
    }

    /// @notice Unpacks the tensor that starts at word `first`.
    function unpack(uint256[] calldata instances, uint256 first, uint256 length)
        internal
        pure
        returns (bytes memory elements)
    {
        elements = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            elements[i] = bytes1(byteAt(instances, first, i));
        }
    }

    /// @notice Index of the greatest element, the first of them if there are several. Bytes are in the order
    /// of the values they stand for, whatever the type.
    function argmax(uint256[] calldata instances, uint256 first, uint256 length) internal pure returns (uint256 best) {
        uint8 greatest = byteAt(instances, first, 0);
        for (uint256 i = 1; i < length; ++i) {
            uint8 value = byteAt(instances, first, i);
            if (value > greatest) (best, greatest) = (i, value);
        }
    }

    /// @notice Whether the words of instances from `first` on are the packed tensor.
    function equals(uint256[] calldata instances, uint256 first, uint256[] memory packed) internal pure returns (bool) {
        if (instances.length < first + packed.length) return false;
        for (uint256 i = 0; i < packed.length; ++i) {
            if (instances[first + i] != packed[i]) return false;
        }
        return true;
    }
}

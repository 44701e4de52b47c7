// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Tensors of 8-bit integers in instances
/// @notice 31 elements share a word: element t of a word weighs 256^t, its byte is the value minus the type's
/// smallest one (so int8 -128 is 0x00 and int8 0 is 0x80; uint8 is as it is). Each tensor starts a new word.
/// @dev Bytes in memory begin with the first element, words with the last, so a word is packed by reversing its bytes.
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
        if (word >= instances.length) revert IndexOutOfRange(index, _held(instances, first));
        // forge-lint: disable-next-line(unsafe-typecast) the low byte is what is asked for
        return uint8(instances[word] >> (8 * (index % PER_WORD)));
    }

    /// @notice An element of an int8 tensor.
    function int8At(uint256[] calldata instances, uint256 first, uint256 index) internal pure returns (int8) {
        return int8(int16(uint16(byteAt(instances, first, index))) - 128);
    }

    /// @notice Packs bytes, already values minus the type's smallest one.
    function pack(bytes memory elements) internal pure returns (uint256[] memory packed) {
        uint256 length = elements.length;
        uint256 count = words(length);
        packed = new uint256[](count);
        if (count == 0) return packed;
        unchecked {
            uint256 word;
            for (uint256 i = 0; i < count; ++i) {
                assembly ("memory-safe") {
                    // The last word's load may reach past the elements, whose bytes are cut off below.
                    word := mload(add(add(elements, 0x20), mul(i, 31)))
                }
                // Byte 31 belongs to the next word.
                word = reverse(word) & (2 ** 248 - 1);
                assembly ("memory-safe") {
                    mstore(add(add(packed, 0x20), shl(5, i)), word)
                }
            }
            // From 1 to 31 elements lie in the last word.
            packed[count - 1] = word & (2 ** (8 * (length - PER_WORD * (count - 1))) - 1);
        }
    }

    /// @notice Unpacks the tensor that starts at word `first`.
    function unpack(uint256[] calldata instances, uint256 first, uint256 length)
        internal
        pure
        returns (bytes memory elements)
    {
        uint256 count = words(length);
        uint256 held = _held(instances, first);
        if (length > held) revert IndexOutOfRange(length - 1, held);
        unchecked {
            // A word more: each store writes 32 bytes, of which the next overwrites the last.
            elements = new bytes(length + 32);
            for (uint256 i = 0; i < count; ++i) {
                uint256 word = reverse(instances[first + i]);
                assembly ("memory-safe") {
                    mstore(add(add(elements, 0x20), mul(i, 31)), word)
                }
            }
            assembly ("memory-safe") {
                mstore(elements, length)
                // Bytes behind the last element are zero, as in all bytes that Solidity makes.
                mstore(add(add(elements, 0x20), length), 0)
            }
        }
    }

    /// @notice Index of the greatest element, the first of them if there are several. Bytes are in the order
    /// of the values they stand for, whatever the type.
    function argmax(uint256[] calldata instances, uint256 first, uint256 length) internal pure returns (uint256 best) {
        uint256 held = _held(instances, first);
        if (length == 0 || length > held) revert IndexOutOfRange(length == 0 ? 0 : length - 1, length == 0 ? 0 : held);
        unchecked {
            uint256 greatest = 0;
            uint256 word = 0;
            for (uint256 i = 0; i < length; ++i) {
                word = i % PER_WORD == 0 ? instances[first + i / PER_WORD] : word >> 8;
                uint256 value = word & 0xff;
                if (value > greatest) (best, greatest) = (i, value);
            }
        }
    }

    /// @notice Whether the words of instances from `first` on are the packed tensor.
    function equals(uint256[] calldata instances, uint256 first, uint256[] memory packed) internal pure returns (bool) {
        if (first > instances.length || packed.length > instances.length - first) return false;
        bytes32 expected;
        assembly ("memory-safe") {
            expected := keccak256(add(packed, 0x20), shl(5, mload(packed)))
        }
        return hash(instances, first, first + packed.length) == expected;
    }

    /// @notice Hash of the words of instances from `first` to `end`, as `keccak256(abi.encodePacked(words))` has it.
    function hash(uint256[] calldata instances, uint256 first, uint256 end) internal pure returns (bytes32 hashed) {
        uint256[] calldata part = instances[first:end];
        assembly ("memory-safe") {
            // Behind the free pointer nothing is kept.
            let scratch := mload(0x40)
            let size := shl(5, part.length)
            calldatacopy(scratch, part.offset, size)
            hashed := keccak256(scratch, size)
        }
    }

    /// @notice Whether words can be instances of a provable proof that hold tensors of these many elements: unused bytes
    /// are zero, and there are as many words as the tensors take.
    function isProvable(uint256[] memory packed, uint256[] memory lengths) internal pure returns (bool) {
        uint256 w = 0;
        for (uint256 t = 0; t < lengths.length; ++t) {
            for (uint256 left = lengths[t]; left != 0; ++w) {
                uint256 here = left < PER_WORD ? left : PER_WORD;
                if (w >= packed.length || packed[w] >> (8 * here) != 0) return false;
                left -= here;
            }
        }
        return w == packed.length;
    }

    /// @notice A word with its bytes in the opposite order.
    function reverse(uint256 word) internal pure returns (uint256) {
        // Swaps neighbours of one byte, of two, of four, of eight and of sixteen.
        uint256 mask = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
        word = ((word >> 8) & mask) | ((word & mask) << 8);
        mask = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        word = ((word >> 16) & mask) | ((word & mask) << 16);
        mask = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
        word = ((word >> 32) & mask) | ((word & mask) << 32);
        mask = 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
        word = ((word >> 64) & mask) | ((word & mask) << 64);
        return (word >> 128) | (word << 128);
    }

    /// Elements that the words from `first` on can hold.
    function _held(uint256[] calldata instances, uint256 first) private pure returns (uint256) {
        return first < instances.length ? (instances.length - first) * PER_WORD : 0;
    }
}

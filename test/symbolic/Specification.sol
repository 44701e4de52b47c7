// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title What packing means, said one element at a time
library Specification {
    /// Element t of a word weighs 256^t; 31 elements share a word.
    function pack(bytes memory elements) internal pure returns (uint256[] memory words) {
        words = new uint256[]((elements.length + 30) / 31);
        for (uint256 i = 0; i < elements.length; ++i) {
            words[i / 31] |= uint256(uint8(elements[i])) << (8 * (i % 31));
        }
    }

    function elementOf(uint256[] memory words, uint256 i) internal pure returns (uint8) {
        // forge-lint: disable-next-line(unsafe-typecast) the low byte is the element
        return uint8(words[i / 31] >> (8 * (i % 31)));
    }
}

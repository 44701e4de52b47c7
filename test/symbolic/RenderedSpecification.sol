// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {RenderedIo} from "../fixtures/io/RenderedIo.sol";
import {Specification} from "./Specification.sol";

/// @title What the rendered library does, against what packing means
/// @notice `elements` are a tensor's elements, a byte each; `dirt` lies above them where they have words of their own, as the
/// compiler leaves it there when it copies calldata.
library RenderedSpecification {
    /// Other instances stay as they are, whatever they were.
    uint256 private constant UNTOUCHED = type(uint256).max;

    function _instances() private pure returns (uint256[] memory instances) {
        instances = RenderedIo.newInstances(7);
        for (uint256 i = 0; i < instances.length; ++i) {
            instances[i] = UNTOUCHED;
        }
    }

    function _requireEqual(bytes memory found, bytes memory expected) private pure {
        assert(found.length == expected.length);
        for (uint256 i = 0; i < expected.length; ++i) {
            assert(found[i] == expected[i]);
        }
    }

    /// The tensor's words are the specified ones, and nothing else has changed. `smallest` is the byte of the type's least
    /// element.
    function _requirePacked(uint256[] memory instances, uint256 first, bytes memory elements, uint8 smallest)
        private
        pure
    {
        bytes memory raised = new bytes(elements.length);
        for (uint256 i = 0; i < elements.length; ++i) {
            raised[i] = bytes1(uint8(elements[i]) ^ smallest);
        }
        uint256[] memory expected = Specification.pack(raised);
        for (uint256 i = 0; i < instances.length; ++i) {
            bool here = i >= first && i < first + expected.length;
            assert(instances[i] == (here ? expected[i - first] : UNTOUCHED));
        }
    }

    function checkFourSigned(bytes memory elements, uint256 dirt) internal pure {
        uint256[] memory instances = _instances();
        RenderedIo.packFourSigned(elements, instances);
        _requirePacked(instances, RenderedIo.FOUR_SIGNED_INSTANCE, elements, 0x80);
        _requireEqual(RenderedIo.unpackFourSignedBytes(instances), elements);

        int8[] memory words = new int8[](elements.length);
        for (uint256 i = 0; i < elements.length; ++i) {
            words[i] = int8(uint8(elements[i]));
            assembly ("memory-safe") {
                let mptr := add(add(words, 0x20), shl(5, i))
                mstore(mptr, xor(mload(mptr), shl(8, dirt)))
            }
        }
        instances = _instances();
        RenderedIo.packFourSigned(words, instances);
        _requirePacked(instances, RenderedIo.FOUR_SIGNED_INSTANCE, elements, 0x80);
        int8[] memory back = RenderedIo.unpackFourSigned(instances);
        assert(back.length == words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            assert(
                back[i] == int8(uint8(elements[i])) && RenderedIo.fourSignedAt(instances, i) == int8(uint8(elements[i]))
            );
        }
    }

    function checkFourUnsigned(bytes memory elements, uint256 dirt) internal pure {
        uint256[] memory instances = _instances();
        RenderedIo.packFourUnsigned(elements, instances);
        _requirePacked(instances, RenderedIo.FOUR_UNSIGNED_INSTANCE, elements, 0);
        _requireEqual(RenderedIo.unpackFourUnsignedBytes(instances), elements);

        uint8[] memory words = new uint8[](elements.length);
        for (uint256 i = 0; i < elements.length; ++i) {
            words[i] = uint8(elements[i]);
            assembly ("memory-safe") {
                let mptr := add(add(words, 0x20), shl(5, i))
                mstore(mptr, xor(mload(mptr), shl(8, dirt)))
            }
        }
        instances = _instances();
        RenderedIo.packFourUnsigned(words, instances);
        _requirePacked(instances, RenderedIo.FOUR_UNSIGNED_INSTANCE, elements, 0);
        uint8[] memory back = RenderedIo.unpackFourUnsigned(instances);
        assert(back.length == words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            assert(back[i] == uint8(elements[i]) && RenderedIo.fourUnsignedAt(instances, i) == uint8(elements[i]));
        }
    }
}

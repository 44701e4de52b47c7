// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceContext} from "../../contracts/libraries/InferenceContext.sol";
import {PackedTensor} from "../../contracts/libraries/PackedTensor.sol";
import {RenderedSpecification} from "./RenderedSpecification.sol";
import {Specification} from "./Specification.sol";

/// @notice What fuzzing tries, shown for every input: script/symbolic.sh runs these with halmos.
contract PackingSymbolic {
    function unpack(uint256[] calldata words, uint256 first, uint256 length) external pure returns (bytes memory) {
        return PackedTensor.unpack(words, first, length);
    }

    function hash(uint256[] calldata words, uint256 first, uint256 end) external pure returns (bytes32) {
        return PackedTensor.hash(words, first, end);
    }

    function check_reverse(uint256 word) external pure {
        uint256 reversed = PackedTensor.reverse(word);
        for (uint256 i = 0; i < 32; ++i) {
            assert((word >> (8 * i)) & 0xff == (reversed >> (8 * (31 - i))) & 0xff);
        }
    }

    /// Any bytes, `length` of them, with anything behind the last.
    function _elements(bytes32[4] memory words, uint256 length) private pure returns (bytes memory elements) {
        elements = abi.encodePacked(words[0], words[1], words[2], words[3]);
        assembly ("memory-safe") {
            mstore(elements, length)
        }
    }

    function _pack(bytes32[4] memory words, uint256 from, uint256 to) private pure {
        for (uint256 length = from; length <= to; ++length) {
            bytes memory elements = _elements(words, length);
            uint256[] memory packed = PackedTensor.pack(elements);
            uint256[] memory expected = Specification.pack(elements);
            assert(packed.length == expected.length);
            for (uint256 i = 0; i < packed.length; ++i) {
                assert(packed[i] == expected[i]);
            }
        }
    }

    function _unpack(uint256[4] memory words, uint256 from, uint256 to) private view {
        uint256[] memory packed = new uint256[](4);
        for (uint256 i = 0; i < 4; ++i) {
            packed[i] = words[i];
        }
        for (uint256 length = from; length <= to; ++length) {
            bytes memory elements = this.unpack(packed, 0, length);
            assert(elements.length == length);
            for (uint256 i = 0; i < length; ++i) {
                assert(uint8(elements[i]) == Specification.elementOf(packed, i));
            }
        }
    }

    function check_pack_one_word(bytes32[4] memory words) external pure {
        _pack(words, 0, 31);
    }

    function check_pack_two_words(bytes32[4] memory words) external pure {
        _pack(words, 32, 62);
    }

    function check_pack_three_words(bytes32[4] memory words) external pure {
        _pack(words, 63, 93);
    }

    function check_pack_four_words(bytes32[4] memory words) external pure {
        _pack(words, 94, 124);
    }

    function check_unpack_one_word(uint256[4] memory words) external view {
        _unpack(words, 0, 31);
    }

    function check_unpack_two_words(uint256[4] memory words) external view {
        _unpack(words, 32, 62);
    }

    function check_unpack_three_words(uint256[4] memory words) external view {
        _unpack(words, 63, 93);
    }

    function check_unpack_four_words(uint256[4] memory words) external view {
        _unpack(words, 94, 124);
    }

    function check_rendered_four_signed_words(bytes32[4] memory words, uint256 dirt) external pure {
        RenderedSpecification.checkFourSigned(_elements(words, 124), dirt);
    }

    function check_rendered_four_unsigned_words(bytes32[4] memory words, uint256 dirt) external pure {
        RenderedSpecification.checkFourUnsigned(_elements(words, 100), dirt);
    }

    function check_hash_is_that_of_the_words(uint256[4] memory words) external view {
        uint256[] memory packed = new uint256[](4);
        for (uint256 i = 0; i < 4; ++i) {
            packed[i] = words[i];
        }
        assert(this.hash(packed, 0, 4) == keccak256(abi.encodePacked(packed)));
        assert(this.hash(packed, 1, 3) == keccak256(abi.encodePacked(words[1], words[2])));
    }

    function check_context(bytes32 kind, address consumer, address sender, uint256 nonce) external view {
        bytes memory packed = bytes.concat(
            kind,
            bytes32(block.chainid),
            bytes32(uint256(uint160(consumer))),
            bytes32(uint256(uint160(sender))),
            bytes32(nonce)
        );
        uint256 context = InferenceContext.derive(kind, consumer, sender, nonce);
        assert(context == uint256(keccak256(packed)) % InferenceContext.R);
        assert(context < InferenceContext.R);
    }
}

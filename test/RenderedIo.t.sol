// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";
import {RenderedIo} from "./fixtures/io/RenderedIo.sol";
import {RenderedSpecification} from "./symbolic/RenderedSpecification.sol";

/// @notice The library that `render` writes for a model, against what packing means.
contract RenderedIoTest is Test {
    function bytesOf(uint256 seed, uint256 length) private pure returns (bytes memory elements) {
        elements = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            elements[i] = bytes1(keccak256(abi.encode(seed, i)));
        }
    }

    function testFuzz_tensors_are_packed_and_read_as_specified(uint256 seed, uint256 dirt) public pure {
        RenderedSpecification.checkFourSigned(bytesOf(seed, 124), dirt);
        RenderedSpecification.checkFourUnsigned(bytesOf(seed, 100), dirt);
    }

    function metered(string memory what, uint256 before, uint256 most) private {
        uint256 used = before - gasleft();
        vm.snapshotValue("RenderedIo", string.concat(what, " of 784"), used);
        assertTrue(used <= most, what);
    }

    // A test for each, as memory's price depends on how much there is already.

    function test_gas_of_packing_bytes() public {
        (bytes memory elements, uint256[] memory instances) = (bytesOf(1, 784), RenderedIo.newInstances(7));
        uint256 before = gasleft();
        RenderedIo.packSigned(elements, instances);
        metered("pack from bytes", before, 13_500);
    }

    function test_gas_of_unpacking_to_bytes() public {
        uint256[] memory instances = RenderedIo.newInstances(7);
        uint256 before = gasleft();
        RenderedIo.unpackSignedBytes(instances);
        metered("unpack to bytes", before, 13_500);
    }

    function test_gas_of_packing_words() public {
        (int8[] memory elements, uint256[] memory instances) = (new int8[](784), RenderedIo.newInstances(7));
        uint256 before = gasleft();
        RenderedIo.packSigned(elements, instances);
        metered("pack int8[]", before, 17_500);
    }

    function test_gas_of_unpacking_signed_words() public {
        uint256[] memory instances = RenderedIo.newInstances(7);
        uint256 before = gasleft();
        RenderedIo.unpackSigned(instances);
        metered("unpack int8[]", before, 28_500);
    }

    function test_gas_of_unpacking_unsigned_words() public {
        uint256[] memory instances = RenderedIo.newInstances(7);
        uint256 before = gasleft();
        RenderedIo.unpackUnsigned(instances);
        metered("unpack uint8[]", before, 23_500);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {Test} from "../Test.sol";

/// @notice Makes calls in any order. A revert of its own would be overlooked, so it remembers what does not hold.
abstract contract Handler is Test {
    /// @notice The claim that did not hold; empty if all did.
    string public broken;

    function check(bool holds, string memory claim) internal {
        if (!holds) broken = claim;
    }
}

/// @notice Runs one handler.
abstract contract InvariantTest is Test {
    function target() internal view virtual returns (Handler);

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(target());
    }

    function invariant_every_call_goes_by_the_rules() public view {
        string memory broken = target().broken();
        assertTrue(bytes(broken).length == 0, broken);
    }
}

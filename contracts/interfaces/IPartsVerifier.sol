// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IModelHalo2Verifier} from "./IModelHalo2Verifier.sol";

/// @title Verifier of a model in parts, each of which has a verifier of its own
interface IPartsVerifier is IModelHalo2Verifier {
    /// @notice Where the parts' verifiers lie: the only contracts that this one calls.
    function PARTS() external view returns (address[] memory);
}

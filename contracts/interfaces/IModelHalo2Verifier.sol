// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IHalo2Verifier} from "./IHalo2Verifier.sol";

/// @title Verifier of one model's circuit, which tells what its instances are
interface IModelHalo2Verifier is IHalo2Verifier {
    /// @notice Whether the trusted setup is the development string, under which anybody can forge proofs.
    function UNSAFE_DEV_SRS() external view returns (bool);

    /// @notice How many instances hold the model's inputs.
    function INPUT_INSTANCES() external view returns (uint256);

    /// @notice How many instances hold the model's outputs: they are the last.
    function OUTPUT_INSTANCES() external view returns (uint256);

    /// @notice Every part of the instances in order, four bytes each: what it is (0 context, 1 name, 2 input, 3 claim
    /// parameter, 4 claim result, 5 output, 6 name of committed weights), then how many instances it takes. An input of none is private beside others.
    function INSTANCES() external view returns (bytes memory);
}

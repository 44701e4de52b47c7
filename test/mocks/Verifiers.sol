// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";

/// @notice Answers `false`, as verifiers made elsewhere do.
contract FalseVerifier is MockVerifier {
    constructor() MockVerifier("false", 1, 1) {}

    function verifyProof(bytes calldata, uint256[] calldata) public pure override returns (bool) {
        return false;
    }

    function verifyBatch(bytes[] calldata, uint256[][] calldata) external pure override returns (bool) {
        return false;
    }
}

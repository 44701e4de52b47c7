// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IHalo2Verifier} from "../../contracts/interfaces/IHalo2Verifier.sol";

/// @notice Stands in for a generated verifier: what it takes for a proof is the hash of its key and the instances, so
/// that every change of either is refused. It checks shapes as a generated one does.
contract MockVerifier is IHalo2Verifier {
    bytes32 public immutable VK_DIGEST;
    uint256 public immutable NUM_INSTANCES;

    error MockInvalidProof();
    error MockInstanceCount(uint256 found);
    error MockInstanceOutOfRange(uint256 index);

    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    constructor(bytes32 digest, uint256 instances) {
        VK_DIGEST = digest;
        NUM_INSTANCES = instances;
    }

    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view virtual returns (bool) {
        if (instances.length != NUM_INSTANCES) revert MockInstanceCount(instances.length);
        for (uint256 i = 0; i < instances.length; ++i) {
            if (instances[i] >= R) revert MockInstanceOutOfRange(i);
        }
        if (keccak256(proof) != keccak256(prove(instances))) revert MockInvalidProof();
        return true;
    }

    /// @notice The proof that this accepts. Unlike a real prover it proves anything, falsehoods too.
    function prove(uint256[] memory instances) public view returns (bytes memory) {
        return abi.encode(keccak256(abi.encode(VK_DIGEST, instances)));
    }
}

/// @notice Answers `false`, as verifiers made elsewhere do.
contract FalseVerifier is MockVerifier {
    constructor() MockVerifier("false", 3) {}

    function verifyProof(bytes calldata, uint256[] calldata) external pure override returns (bool) {
        return false;
    }
}

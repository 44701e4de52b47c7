// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IHalo2Verifier} from "../../contracts/interfaces/IHalo2Verifier.sol";

/// @notice Stands in for a generated verifier: what it takes for a proof is the hash of its key and the instances, so
/// that every change of either is refused. It checks shapes as a generated one does.
contract MockVerifier is IHalo2Verifier {
    bytes32 public immutable VK_DIGEST;
    uint256 public immutable NUM_INSTANCES;
    uint256 public constant VERSION = 1;

    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    constructor(bytes32 digest, uint256 instances) {
        VK_DIGEST = digest;
        NUM_INSTANCES = instances;
    }

    function verifyProof(bytes calldata proof, uint256[] calldata instances) public view virtual returns (bool) {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        for (uint256 i = 0; i < instances.length; ++i) {
            if (instances[i] >= R) revert ScalarOutOfRange(i);
        }
        if (keccak256(proof) != keccak256(prove(instances))) revert InvalidProof();
        return true;
    }

    function verifyBatch(bytes[] calldata proofs, uint256[][] calldata instances) external view returns (bool) {
        if (proofs.length != instances.length) revert BatchLength(proofs.length, instances.length);
        if (proofs.length == 0) revert EmptyBatch();
        for (uint256 i = 0; i < proofs.length; ++i) {
            verifyProof(proofs[i], instances[i]);
        }
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

    function verifyProof(bytes calldata, uint256[] calldata) public pure override returns (bool) {
        return false;
    }
}

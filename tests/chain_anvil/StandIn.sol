// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Refuses what a verifier refuses, without any cryptography: a proof is good if it is the Keccak-256
/// of its instances.
contract StandIn {
    error InvalidProof();
    error InstanceOutOfRange(uint256 index);

    bytes32 public immutable VK_DIGEST;
    uint256 internal constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    constructor() {
        VK_DIGEST = keccak256(abi.encode(address(this)));
    }

    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool) {
        for (uint256 i = 0; i < instances.length; ++i) {
            if (instances[i] >= R) revert InstanceOutOfRange(i);
        }
        if (keccak256(proof) != keccak256(abi.encode(keccak256(abi.encodePacked(instances))))) revert InvalidProof();
        return true;
    }
}

/// Takes one answer, and no second one.
contract Once {
    error AlreadyAnswered(address by);

    StandIn public immutable verifier;
    address public answeredBy;

    constructor(StandIn verifier_) {
        verifier = verifier_;
    }

    function answer(bytes calldata proof, uint256[] calldata instances) external {
        if (answeredBy != address(0)) revert AlreadyAnswered(answeredBy);
        verifier.verifyProof(proof, instances);
        answeredBy = msg.sender;
    }
}

contract RefusesToBeBuilt {
    error NotHere(uint256 chainId);

    constructor() {
        revert NotHere(block.chainid);
    }
}

contract ReturnsFalse {
    function verifyProof(bytes calldata, uint256[] calldata) external pure returns (bool) {
        return false;
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {vm} from "../test/Vm.sol";

// The deterministic deployer, at the same address on nearly all chains.
address constant CREATE2_DEPLOYER = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

/// @notice Where the deterministic deployer puts code, the same on every chain.
function addressOf(bytes memory initCode, bytes32 salt) pure returns (address) {
    bytes32 hash = keccak256(abi.encodePacked(hex"ff", CREATE2_DEPLOYER, salt, keccak256(initCode)));
    return address(uint160(uint256(hash)));
}

/// @title Deploys a verifier at the address that depends on its code alone
/// @notice Give the contract's artifact, and a salt if there is to be another one of the same code:
///
///     ZKVERDICT_CONTRACT=DigitsMlpVerifier.sol:DigitsMlpVerifier \
///         forge script script/Deploy.s.sol --rpc-url URL --broadcast --account NAME
///
/// Without `--broadcast` it tells the address and sends nothing. With it, running again does nothing. `zkverdict deploy`
/// compiles with the same settings and arrives at the same address.
contract Deploy {
    /// @notice Where the contract lies, and whether it was there before.
    event Deployment(string contractName, address where, bool alreadyDeployed, bytes32 codeHash);

    error NothingToDeploy(string contractName);
    error NoDeterministicDeployer(uint256 chainId);
    error DeploymentFailed(address where);

    function run() external returns (address where) {
        return deploy(vm.envOr("ZKVERDICT_CONTRACT", string("")), vm.envOr("ZKVERDICT_SALT", bytes32(0)));
    }

    /// @notice Deploys an artifact unless it is there.
    function deploy(string memory artifact, bytes32 salt) public returns (address where) {
        if (bytes(artifact).length == 0) revert NothingToDeploy("set ZKVERDICT_CONTRACT");
        bytes memory initCode = vm.getCode(artifact);
        if (initCode.length == 0) revert NothingToDeploy(artifact);
        where = addressOf(initCode, salt);
        bool alreadyDeployed = where.code.length != 0;
        if (!alreadyDeployed) {
            if (CREATE2_DEPLOYER.code.length == 0) revert NoDeterministicDeployer(block.chainid);
            vm.startBroadcast();
            (bool ok,) = CREATE2_DEPLOYER.call(bytes.concat(salt, initCode));
            vm.stopBroadcast();
            if (!ok || where.code.length == 0) revert DeploymentFailed(where);
        }
        emit Deployment(artifact, where, alreadyDeployed, where.codehash);
    }
}

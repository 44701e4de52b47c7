// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IHalo2Verifier} from "../interfaces/IHalo2Verifier.sol";
import {IModelHalo2Verifier} from "../interfaces/IModelHalo2Verifier.sol";
import {IModelVerifier} from "../interfaces/IModelVerifier.sol";

/// @title What a verifier says about itself
library VerifierShape {
    /// @notice The version of `IHalo2Verifier` and of the proofs' encoding that contracts here know.
    uint256 internal constant VERSION = 1;

    /// @dev Kinds of parts of the instances.
    uint256 private constant CONTEXT = 0;
    uint256 private constant NAME = 1;
    uint256 private constant INPUT = 2;
    uint256 private constant CLAIM_RESULT = 4;
    uint256 private constant OUTPUT = 5;
    uint256 private constant WEIGHTS_NAME = 6;

    /// @notice The verifier checks proofs of another key.
    error WrongVerifyingKey(bytes32 found, bytes32 expected);

    /// @notice The verifier has another interface or another encoding of proofs.
    error UnknownVerifierVersion(address verifier, uint256 version);

    /// @notice The verifier does not tell what its instances are, or contradicts itself: render it anew.
    error UnknownInstances(address verifier);

    /// @notice Anybody can forge proofs under the verifier's development string, and this chain is no local one.
    error UnsafeDevSrs(address verifier, uint256 chainId);

    /// @notice Proofs name committed weights, and whoever makes a proof chooses them: say which ones count.
    error WeightsNotNamed(address verifier);

    /// @notice The verifier's key holds the weights: proofs name no others.
    error WeightsOfKey(address verifier, bytes32 weights);

    /// @notice The shape of a verifier's instances. Reverts if it is not the verifier of this key, if it has another interface,
    /// if its trusted setup must not be used on this chain, or unless it is said which weights count where they are committed.
    function check(IHalo2Verifier verifier, bytes32 vkDigest, bytes32 weights)
        internal
        view
        returns (IModelVerifier.Shape memory shape)
    {
        bytes32 digest = verifier.VK_DIGEST();
        if (digest != vkDigest) revert WrongVerifyingKey(digest, vkDigest);
        uint256 version = verifier.VERSION();
        if (version != VERSION) revert UnknownVerifierVersion(address(verifier), version);
        try IModelHalo2Verifier(address(verifier)).INSTANCES() returns (bytes memory parts) {
            shape = _shape(IModelHalo2Verifier(address(verifier)), parts);
        } catch {
            revert UnknownInstances(address(verifier));
        }
        if (shape.unsafeDevSrs && !isLocal()) revert UnsafeDevSrs(address(verifier), block.chainid);
        if (shape.namesWeights && weights == 0) revert WeightsNotNamed(address(verifier));
        if (!shape.namesWeights && weights != 0) revert WeightsOfKey(address(verifier), weights);
    }

    /// @notice Refuses a proof about other weights than those that count; zero where the key holds them.
    function compareWeights(bytes32 weights, uint256 contexts, uint256[] calldata instances) internal pure {
        if (weights == 0) return;
        // The name stands behind the contexts.
        bytes32 found = bytes32(contexts < instances.length ? instances[contexts] : 0);
        if (found != weights) revert IModelVerifier.WrongWeights(found, weights);
    }

    /// @notice Whether this is a development chain: anvil's, Hardhat's, Ganache's or geth's.
    function isLocal() internal view returns (bool) {
        return block.chainid == 31337 || block.chainid == 1337;
    }

    function _shape(IModelHalo2Verifier verifier, bytes memory parts)
        private
        view
        returns (IModelVerifier.Shape memory shape)
    {
        uint256 total = 0;
        uint256 outputs = 0;
        bool agrees = parts.length % 4 == 0;
        for (uint256 i = 0; i + 4 <= parts.length; i += 4) {
            uint256 kind = uint8(parts[i]);
            // forge-lint: disable-next-line(unsafe-typecast) three bytes
            uint32 count =
                uint32(uint24(uint8(parts[i + 1])) << 16 | uint24(uint8(parts[i + 2])) << 8 | uint8(parts[i + 3]));
            if (kind == CONTEXT) {
                agrees = agrees && total == shape.contexts;
                shape.contexts += count;
            } else if (kind == NAME) {
                agrees = agrees && total == shape.contexts + shape.names;
                shape.names += count;
            } else if (kind == WEIGHTS_NAME) {
                // One, before those of inputs.
                agrees = agrees && count == 1 && total == shape.contexts;
                (shape.names, shape.namesWeights) = (1, true);
            } else if (kind == INPUT) {
                // forge-lint: disable-next-line(unsafe-typecast) a sum of few counts of three bytes
                if (shape.inputs == 0) shape.firstInput = uint32(total);
                agrees = agrees && total == shape.firstInput + shape.inputs;
                shape.inputs += count;
                if (count == 0) shape.hidesInputs = true;
            } else if (kind == CLAIM_RESULT) {
                agrees = agrees && total == shape.firstOutput + shape.claims;
                shape.claims += count;
            } else if (kind == OUTPUT) {
                outputs += count;
            }
            if (kind < CLAIM_RESULT || kind == WEIGHTS_NAME) {
                // What follows from the inputs comes after everything else.
                agrees = agrees && total == shape.firstOutput;
                shape.firstOutput += count;
            }
            agrees = agrees && kind <= WEIGHTS_NAME;
            total += count;
        }
        agrees = agrees && shape.contexts != 0 && shape.firstOutput < total && total == verifier.NUM_INSTANCES()
            && shape.inputs == verifier.INPUT_INSTANCES() && outputs == verifier.OUTPUT_INSTANCES();
        if (!agrees) revert UnknownInstances(address(verifier));
        // forge-lint: disable-next-line(unsafe-typecast) as above
        shape.instances = uint32(total);
        shape.unsafeDevSrs = verifier.UNSAFE_DEV_SRS();
    }
}

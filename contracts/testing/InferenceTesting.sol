// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {SingleModelVerifier} from "../SingleModelVerifier.sol";
import {IHalo2Verifier} from "../interfaces/IHalo2Verifier.sol";
import {IModelHalo2Verifier} from "../interfaces/IModelHalo2Verifier.sol";
import {IModelVerifier} from "../interfaces/IModelVerifier.sol";
import {AnyMockVerifier, NamedMockVerifier, WeightsMockVerifier} from "./MockVerifier.sol";

/// @notice The cheatcodes that are used here, at the address that every Foundry has them at.
interface ProofFiles {
    /// @notice A variable of the environment, or something else if it is not set.
    function envOr(string calldata name, bool otherwise) external view returns (bool);
    /// @notice Bytes in a JSON document.
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    /// @notice Numbers in a JSON document.
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    /// @notice A file's contents.
    function readFile(string calldata path) external view returns (string memory);
}

/// @title What unit tests of consumers need
/// @notice Proofs of anything, made in the test by a mock; or with `ZKVERDICT_REAL_PROOFS=true` in the environment, real
/// proofs of the same inferences from files that `zkverdict prove` wrote. The test is the same for both.
abstract contract InferenceTesting {
    ProofFiles private constant _FILES = ProofFiles(address(uint160(uint256(keccak256("hevm cheat code")))));

    AnyMockVerifier private _mock;

    /// @notice The file's proof is of another inference than the test means: prove it again with this context and input.
    error ProofFileOfAnotherInference(string file, bytes32 context);

    /// @notice Whether proofs are real.
    function usesRealProofs() internal view virtual returns (bool) {
        return _FILES.envOr("ZKVERDICT_REAL_PROOFS", false);
    }

    /// @notice A verifier of one model for a consumer under test: of the real one, or of a mock that is shaped like it.
    /// @param modelId The model's name for the consumer.
    /// @param real The verifier that `zkverdict render` wrote.
    function verifierFor(bytes32 modelId, address real) internal returns (IModelVerifier) {
        return verifierFor(modelId, real, 0);
    }

    /// @notice A verifier of one model whose weights are committed.
    /// @param modelId The model's name for the consumer.
    /// @param real The verifier that `zkverdict render` wrote.
    /// @param weights The name of the weights that proofs have to be about; zero where the verifier's key holds them.
    function verifierFor(bytes32 modelId, address real, bytes32 weights) internal returns (IModelVerifier) {
        bytes32 digest = IModelHalo2Verifier(real).VK_DIGEST();
        SingleModelVerifier shaped = new SingleModelVerifier(IHalo2Verifier(real), modelId, digest, weights);
        if (usesRealProofs()) return shaped;
        IModelVerifier.Shape memory shape = shaped.shapeOf(modelId, 1);
        // What claims compare with is given as inputs are, and what they say counts as outputs.
        uint256 inputs = shape.firstOutput - shape.contexts - shape.names;
        uint256 outputs = shape.instances - shape.firstOutput;
        _mock = shape.namesWeights
            ? AnyMockVerifier(new WeightsMockVerifier(digest, shape.names - 1, inputs, outputs))
            : new NamedMockVerifier(digest, shape.names, inputs, outputs);
        return new SingleModelVerifier(_mock, modelId, digest, weights);
    }

    /// @notice A proof that some inputs give some outputs.
    /// @param file Where the real proof is.
    /// @param context What the consumer's `contextOf` says.
    /// @param inputs The packed inputs, none of those that are private, then what claims compare with.
    /// @param outputs What claims say, then the packed outputs that are told.
    function proofOf(string memory file, uint256 context, uint256[] memory inputs, uint256[] memory outputs)
        internal
        view
        returns (bytes memory proof, uint256[] memory instances)
    {
        return proofOf(file, context, new bytes32[](0), inputs, outputs);
    }

    /// @notice A proof that some inputs give some outputs, of a model with committed weights or inputs.
    /// @param file Where the real proof is.
    /// @param context What the consumer's `contextOf` says.
    /// @param names The names of what is committed.
    /// @param inputs The packed inputs; empty if they are private.
    /// @param outputs The packed outputs.
    function proofOf(
        string memory file,
        uint256 context,
        bytes32[] memory names,
        uint256[] memory inputs,
        uint256[] memory outputs
    ) internal view returns (bytes memory proof, uint256[] memory instances) {
        instances = new uint256[](1 + names.length + inputs.length + outputs.length);
        instances[0] = context;
        uint256 next = 1;
        for (uint256 i = 0; i < names.length; ++i) {
            instances[next++] = uint256(names[i]);
        }
        for (uint256 i = 0; i < inputs.length; ++i) {
            instances[next++] = inputs[i];
        }
        for (uint256 i = 0; i < outputs.length; ++i) {
            instances[next++] = outputs[i];
        }
        if (!usesRealProofs()) return (_mock.prove(instances), instances);
        string memory json = _FILES.readFile(file);
        uint256[] memory proved = _FILES.parseJsonUintArray(json, ".instances");
        if (keccak256(abi.encode(proved)) != keccak256(abi.encode(instances))) {
            revert ProofFileOfAnotherInference(file, bytes32(context));
        }
        proof = _FILES.parseJsonBytes(json, ".proof");
    }
}

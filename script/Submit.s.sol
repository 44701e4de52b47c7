// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IHalo2Verifier} from "../contracts/interfaces/IHalo2Verifier.sol";
import {IInferenceConsumer} from "../contracts/interfaces/IInferenceConsumer.sol";
import {vm} from "../test/Vm.sol";

/// @title Submits a proof file to a verifier or to a consumer
/// @notice Give the address and the file that `zkverdict prove` wrote:
///
///     ZKVERDICT_TO=0x… ZKVERDICT_PROOF=proof.json \
///         forge script script/Submit.s.sol --rpc-url URL --broadcast --account NAME
///
/// A refused proof reverts with the verifier's typed error before anything is sent.
contract Submit {
    /// @notice The proof was accepted.
    event Accepted(address by, bytes32 vkDigest);

    error NotAContract(address to);
    error WrongVerifyingKey(bytes32 found, bytes32 expected);
    error Refused(address by);

    function run() external {
        string memory file = vm.envOr("ZKVERDICT_PROOF", string("proof.json"));
        submit(vm.envOr("ZKVERDICT_TO", address(0)), vm.readFile(file));
    }

    /// @notice Submits the contents of a proof file.
    function submit(address to, string memory json) public {
        if (to.code.length == 0) revert NotAContract(to);
        bytes32 digest = vm.parseJsonBytes32(json, ".vk_digest");
        bytes memory proof = vm.parseJsonBytes(json, ".proof");
        uint256[] memory instances = vm.parseJsonUintArray(json, ".instances");

        bytes memory data;
        if (isConsumer(to)) {
            data = abi.encodeCall(IInferenceConsumer.submitInference, (proof, instances));
        } else {
            bytes32 found = IHalo2Verifier(to).VK_DIGEST();
            if (found != digest) revert WrongVerifyingKey(found, digest);
            if (!IHalo2Verifier(to).verifyProof(proof, instances)) revert Refused(to);
            data = abi.encodeCall(IHalo2Verifier.verifyProof, (proof, instances));
        }
        // A plain call: of a view function, forge would send no transaction.
        vm.startBroadcast();
        (bool ok, bytes memory returned) = to.call(data);
        vm.stopBroadcast();
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(returned, 0x20), mload(returned))
            }
        }
        emit Accepted(to, digest);
    }

    /// @notice Whether a contract says by ERC-165 that it acts on inferences.
    function isConsumer(address to) public view returns (bool) {
        (bool ok, bytes memory returned) =
            to.staticcall(abi.encodeWithSelector(0x01ffc9a7, type(IInferenceConsumer).interfaceId));
        return ok && returned.length == 32 && abi.decode(returned, (bool));
    }
}

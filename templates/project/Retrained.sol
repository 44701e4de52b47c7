// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {IHalo2Verifier} from "zkverdict/interfaces/IHalo2Verifier.sol";
import {IModelRegistry} from "zkverdict/interfaces/IModelRegistry.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";
import {VerifierShape} from "zkverdict/libraries/VerifierShape.sol";
import {ProvedForOne} from "./Proved.sol";
import {vm} from "./Vm.sol";

/// @notice The same inference with other weights: until the owner names them, somebody else's. The consumer follows the newest.
abstract contract Retrained is ProvedForOne {
    bytes internal otherProof;
    uint256[] internal otherInstances;

    function setUp() public virtual override {
        super.setUp();
        string memory json = vm.readFile("test/fixtures/retrained.json");
        otherProof = vm.parseJsonBytes(json, ".proof");
        otherInstances = vm.parseJsonUintArray(json, ".instances");
    }

    /// Has the consumer in a state in which the proof is accepted.
    function prepare() internal virtual;

    function submitOther() internal {
        vm.prank(alice);
        target().submitInference(otherProof, otherInstances);
    }

    function expectOtherWeights(uint256[] storage found, uint256[] storage expected) private {
        bytes32 name_ = bytes32(found[WEIGHTS]);
        vm.expectRevert(abi.encodeWithSelector(IModelVerifier.WrongWeights.selector, name_, bytes32(expected[WEIGHTS])));
    }

    function test_somebody_elses_weights_are_refused_by_name() public {
        prepare();
        expectOtherWeights(otherInstances, instances);
        submitOther();
        // Called by what they are not, they are refused by the proof.
        otherInstances[WEIGHTS] = instances[WEIGHTS];
        vm.expectPartialRevert(bytes4(keccak256("WrongName(uint256)")));
        submitOther();
        // The proof of the named ones is none of others either.
        uint256 named = instances[WEIGHTS];
        instances[WEIGHTS] = named ^ 1;
        vm.expectPartialRevert(IModelVerifier.WrongWeights.selector);
        submit(alice);
        instances[WEIGHTS] = named;
        submit(alice);
    }

    function test_a_retraining_is_a_version_and_no_contract() public {
        prepare();
        assertEq(name(bytes32(otherInstances[WEIGHTS])), 2);
        assertEq(address(model.getVersion(MODEL_ID, 2).verifier), address(verifier));
        expectOtherWeights(instances, otherInstances);
        submit(alice);
        submitOther();
    }

    function test_weights_are_stopped_and_withdrawn_by_themselves() public {
        prepare();
        name(bytes32(otherInstances[WEIGHTS]));
        model.stopVersion(MODEL_ID, 2);
        expectOtherWeights(otherInstances, instances);
        submitOther();
        model.resumeVersion(MODEL_ID, 2);
        model.tombstoneVersion(MODEL_ID, 1);
        submitOther();
        // They do not come back.
        bytes32 digest = verifier.VK_DIGEST();
        bytes32 named = bytes32(instances[WEIGHTS]);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.DuplicateVerifyingKey.selector, named, MODEL_ID, 1));
        model.addNamedVersion(MODEL_ID, verifier, digest, named, false, "");
    }

    function test_nobody_forgets_to_name_weights() public {
        bytes32 digest = verifier.VK_DIGEST();
        vm.expectRevert(abi.encodeWithSelector(VerifierShape.WeightsNotNamed.selector, address(verifier)));
        model.addVersion(MODEL_ID, IHalo2Verifier(address(verifier)), digest, "");
    }
}

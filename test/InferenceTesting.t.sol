// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {InferenceTesting} from "../contracts/testing/InferenceTesting.sol";
import {Fixtures} from "./Fixtures.sol";
import {DigitsVerifier} from "./fixtures/verifiers/DigitsVerifier.sol";
import {vm} from "./Vm.sol";

/// @notice The helper for others' unit tests, with either kind of proof. `script/package.sh` switches by the environment.
contract InferenceTestingTest is InferenceTesting, Fixtures {
    string private constant FILE = "test/fixtures/proofs/consumer.json";

    bool private isReal;

    function usesRealProofs() internal view override returns (bool) {
        return isReal;
    }

    function prove(uint256 context) external view returns (bytes memory, uint256[] memory) {
        Proof memory made = load("consumer");
        uint256[] memory inputs = new uint256[](3);
        (inputs[0], inputs[1], inputs[2]) = (made.instances[1], made.instances[2], made.instances[3]);
        uint256[] memory outputs = new uint256[](1);
        outputs[0] = made.instances[4];
        return proofOf(FILE, context, inputs, outputs);
    }

    function testFuzz_what_is_meant_is_what_is_proved(bool real) public {
        isReal = real;
        IModelVerifier verifier = verifierFor("digits", address(new DigitsVerifier()));
        (bytes memory proof, uint256[] memory instances) = this.prove(load("consumer").instances[0]);
        assertEq(verifier.verifyInference("digits", 1, proof, instances), 1);
    }

    function test_the_environment_says_mock_unless_it_says_otherwise() public view {
        assertTrue(vm.envOr("ZKVERDICT_REAL_PROOFS", false) == super.usesRealProofs(), "as the environment says");
    }

    function test_a_file_with_another_inference_is_refused() public {
        isReal = true;
        vm.expectRevert(
            abi.encodeWithSelector(InferenceTesting.ProofFileOfAnotherInference.selector, FILE, bytes32(uint256(5)))
        );
        this.prove(5);
    }
}

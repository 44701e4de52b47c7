// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelClient} from "../contracts/ModelClient.sol";
import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {RequestConsumer} from "../contracts/RequestConsumer.sol";
import {SingleModelVerifier} from "../contracts/SingleModelVerifier.sol";
import {ContentNft} from "../contracts/examples/ContentNft.sol";
import {ERC7007Content} from "../contracts/adapters/ERC7007Content.sol";
import {ERC8004Validator} from "../contracts/adapters/ERC8004Validator.sol";
import {IERC8004ValidationRegistry} from "../contracts/interfaces/IERC8004.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {IRequestConsumer} from "../contracts/interfaces/IRequestConsumer.sol";
import {IModelVerifier} from "../contracts/interfaces/IModelVerifier.sol";
import {FixedCode} from "../contracts/libraries/FixedCode.sol";
import {VerifierShape} from "../contracts/libraries/VerifierShape.sol";
import {AnyMockVerifier, MockVerifier} from "../contracts/testing/MockVerifier.sol";
import {Acceptor} from "./attacks/Attacks.t.sol";
import {CreditVerifier} from "./fixtures/verifiers/CreditVerifier.sol";
import {DigitsVerifier} from "./fixtures/verifiers/DigitsVerifier.sol";
import {SignalVerifier} from "./fixtures/verifiers/SignalVerifier.sol";
import {Test} from "./Test.sol";
import {vm} from "./Vm.sol";

/// @notice Tells whatever it is made with about its instances.
contract Teller is AnyMockVerifier {
    bytes private _parts;

    constructor(bytes memory parts, uint256 names, uint256 inputs, uint256 outputs)
        AnyMockVerifier("teller", 1, names, inputs, 0, 0, outputs)
    {
        _parts = parts;
    }

    function INSTANCES() external view override returns (bytes memory) {
        return _parts;
    }
}

/// @notice Asks nothing.
contract Requester is RequestConsumer {
    constructor(IModelVerifier verifier) RequestConsumer(verifier, "m", 1) {}

    function _inputLengths() internal pure override returns (uint256[] memory) {}

    function _onAnswer(uint256, address, uint256[] calldata) internal override {}
}

/// @notice What is seen in a verifier's code, and what it says about itself.
contract VerifiersTest is Test {
    // ── Code that never changes ──

    function find(bytes memory code) private returns (uint256) {
        address made = account("code");
        vm.etch(made, code);
        return FixedCode.find(made, new address[](0));
    }

    function isFixed(bytes memory code) private returns (bool) {
        return find(code) == FixedCode.NOWHERE;
    }

    function test_generated_verifiers_are_seen_never_to_change() public {
        address[3] memory made =
            [address(new DigitsVerifier()), address(new CreditVerifier()), address(new SignalVerifier())];
        for (uint256 i = 0; i < 3; ++i) {
            (, uint256 pc, address[] memory parts) = FixedCode.find(made[i]);
            assertEq(pc, FixedCode.NOWHERE);
            assertEq(parts.length, 0);
        }
    }

    function test_precompiles_are_called_by_number_alone() public {
        for (uint256 target = 1; target <= 10; ++target) {
            // forge-lint: disable-next-line(unsafe-typecast) ten at most
            assertTrue(isFixed(abi.encodePacked(hex"60", uint8(target), hex"5afa00")), "a precompile");
        }
        assertTrue(isFixed(hex"6100055afa00"), "a number of two bytes");
        // Zero, beyond the last, the same of two bytes, from calldata, with a jump's end before or between.
        bytes[7] memory refused = [
            bytes(hex"60005afa00"),
            hex"600b5afa00",
            hex"6101055afa00",
            hex"355afa00",
            hex"60055b5afa00",
            hex"60055a5bfa00",
            hex"5afa00"
        ];
        for (uint256 i = 0; i < 7; ++i) {
            assertTrue(!isFixed(refused[i]), "another contract");
        }
        assertEq(find(hex"6101055afa00"), 4);
    }

    function test_every_instruction_with_which_an_answer_could_change_is_refused() public {
        bytes memory opcodes = hex"31323a3b3c3f40414243444546474849544a55335c5da0a1a2a3a4f0f1f2f4f5ff0c211fb0ef";
        for (uint256 i = 0; i < opcodes.length; ++i) {
            assertEq(find(abi.encodePacked(hex"5f", opcodes[i], hex"00")), 1);
        }
        bytes memory harmless = hex"0102030b101b1d20303435363738393d3e50515253565758595a5b5e5f9f8090";
        for (uint256 i = 0; i < harmless.length; ++i) {
            assertTrue(isFixed(abi.encodePacked(hex"5f", harmless[i], hex"00")), "harmless");
        }
    }

    function test_data_and_dead_code_are_passed_over() public {
        // SSTORE as data of a push, behind a stop, behind a push that is cut off; and reached by a jump.
        assertTrue(isFixed(hex"605500"), "data");
        assertTrue(isFixed(hex"7f5555555555555555555555555555555555555555555555555555555555555555"), "data");
        bytes[5] memory ends = [bytes(hex"00"), hex"56", hex"f3", hex"fd", hex"fe"];
        for (uint256 i = 0; i < 5; ++i) {
            assertTrue(isFixed(bytes.concat(ends[i], hex"5555fa")), "dead");
            assertEq(find(bytes.concat(ends[i], hex"555b55")), 3);
        }
        assertTrue(isFixed(hex"7f55"), "cut off");
        // A push in dead code hides a JUMPDEST in its data, as it does from the machine.
        assertTrue(isFixed(hex"00605b55"), "data in dead code");
        assertTrue(isFixed(hex"5b5500") == false, "at the beginning");
    }

    function testFuzz_what_is_accepted_has_no_storage_and_no_calls(bytes memory code) public {
        vm.assume(code.length != 0 && code[0] != 0xef);
        if (!isFixed(code)) return;
        // Said anew, one instruction at a time.
        bool reachable = true;
        for (uint256 pc = 0; pc < code.length; ++pc) {
            uint256 op = uint8(code[pc]);
            if (op == 0x5b) reachable = true;
            bool bad = op == 0x54 || op == 0x55 || op == 0xf1 || op == 0xf2 || op == 0xf4 || op == 0xff || op == 0x42;
            assertTrue(!reachable || !bad, "none of these");
            if (op == 0 || op == 0x56 || op == 0xf3 || op == 0xfd || op == 0xfe) reachable = false;
            if (op >= 0x60 && op <= 0x7f) pc += op - 0x5f;
        }
    }

    // ── What a verifier says ──

    function shape(bytes memory parts, uint256 inputs, uint256 outputs) private returns (IModelVerifier.Shape memory) {
        return shape(parts, 0, inputs, outputs);
    }

    function shape(bytes memory parts, uint256 names, uint256 inputs, uint256 outputs)
        private
        returns (IModelVerifier.Shape memory)
    {
        return new SingleModelVerifier(new Teller(parts, names, inputs, outputs), "m", "teller", 0).shapeOf("m", 0);
    }

    function refuse(bytes memory parts, uint256 inputs, uint256 outputs) private {
        refuse(parts, 0, inputs, outputs);
    }

    function refuse(bytes memory parts, uint256 names, uint256 inputs, uint256 outputs) private {
        Teller teller = new Teller(parts, names, inputs, outputs);
        vm.expectRevert(abi.encodeWithSelector(VerifierShape.UnknownInstances.selector, address(teller)));
        new SingleModelVerifier(teller, "m", "teller", 0);
    }

    function test_parts_say_where_everything_lies() public {
        // The parts take one more instance than there are.
        vm.expectPartialRevert(VerifierShape.UnknownInstances.selector);
        this.make(hex"00000001010000010200000202000001030000010400000105000001", 3, 3);
        IModelVerifier.Shape memory found = shape(hex"0000000102000002020000010500000105000002", 3, 3);
        assertTrue(found.instances == 7 && found.contexts == 1 && found.firstInput == 1, "context first");
        assertTrue(found.inputs == 3 && found.firstOutput == 4 && found.unsafeDevSrs, "inputs, then outputs");
        assertEq(found.names, 0);
        found = shape(hex"0000000101000001010000020200000205000001", 3, 2, 1);
        assertTrue(found.names == 3 && found.firstInput == 4 && found.firstOutput == 6, "names, then inputs");
        assertTrue(!found.hidesInputs, "all of them");
        assertTrue(!found.namesWeights, "of inputs");
        found = shape(hex"0000000102000002020000000500000105000002", 2, 3);
        assertTrue(found.hidesInputs && found.inputs == 2 && found.firstOutput == 3, "one more is private");
        found = shape(hex"0000000105000003", 0, 3);
        assertTrue(found.inputs == 0 && found.firstOutput == 1, "private inputs");
    }

    function test_the_name_of_weights_is_told_from_those_of_inputs() public {
        Teller teller = new Teller(hex"00000001060000010100000202000001" hex"05000001", 3, 1, 1);
        IModelVerifier.Shape memory found =
            new SingleModelVerifier(teller, "m", "teller", bytes32(uint256(1))).shapeOf("m", 1);
        assertTrue(found.namesWeights && found.names == 3, "one of weights, two of inputs");
        assertTrue(found.firstInput == 4 && found.firstOutput == 5, "inputs behind all names");
    }

    function make(bytes calldata parts, uint256 inputs, uint256 outputs) external {
        shape(parts, inputs, outputs);
    }

    function test_parts_that_contradict_the_rest_are_refused() public {
        refuse(hex"", 1, 1);
        refuse(hex"00000001020000010500", 1, 1);
        refuse(hex"020000010000000105000001", 1, 1);
        refuse(hex"000000010500000102000001", 1, 1);
        refuse(hex"000000010200000106000001", 1, 1);
        refuse(hex"000000010200000205000001", 1, 2);
        refuse(hex"000000010200000105000002", 1, 1);
        refuse(hex"0000000102000002", 1, 1);
        // Names elsewhere than behind the contexts.
        refuse(hex"01000001000000010200000105000001", 1, 1, 1);
        refuse(hex"00000001020000010100000105000001", 1, 1, 1);
        refuse(hex"0000000101000001020000010100000105000001", 2, 1, 1);
        // Two names of weights, twice one, one behind an input's or elsewhere than behind the contexts.
        refuse(hex"00000001060000020200000105000001", 2, 1, 1);
        refuse(hex"0000000106000001060000010200000105000001", 2, 1, 1);
        refuse(hex"0000000101000001060000010200000105000001", 2, 1, 1);
        refuse(hex"06000001000000010200000105000001", 1, 1, 1);
        refuse(hex"00000001020000010600000105000001", 1, 1, 1);
        refuse(hex"00000001020000010500000106000001", 1, 1, 1);
        refuse(hex"000000010200000107000001", 1, 1);
        refuse(hex"00000001020000010100000102000001", 1, 2);
        refuse(hex"020000010500000205000001", 1, 2);
    }

    /// Whoever proves chooses a private input: two answers to what is told are no contradiction, and none is the answer.
    function test_what_private_inputs_beside_others_decide_is_held_against_nobody() public {
        Teller teller = new Teller(hex"00000001020000010200000005000001", 0, 1, 1);
        ModelRegistry registry = new ModelRegistry(address(this));
        registry.addVouchedVersion("m", teller, "teller", "");
        IModelRegistry.Inference[2] memory shown;
        for (uint256 i = 0; i < 2; ++i) {
            uint256[] memory instances = new uint256[](3);
            (instances[1], instances[2]) = (5, 6 + i);
            shown[i] = IModelRegistry.Inference(teller.prove(instances), instances);
        }
        vm.expectRevert(IModelRegistry.InputsArePrivate.selector);
        registry.reportContradiction("m", 1, shown[0], shown[1]);
        vm.expectRevert(ERC8004Validator.InputsArePrivate.selector);
        new ERC8004Validator(IERC8004ValidationRegistry(address(this)), registry, "m", 1);
        vm.expectRevert(IRequestConsumer.HiddenInputs.selector);
        new Requester(registry);
        vm.expectPartialRevert(ERC7007Content.AnotherShape.selector);
        new ContentNft(registry, "m", 1, 31, 31);
        // The same without it.
        teller = new Teller(hex"000000010200000105000001", 0, 1, 1);
        SingleModelVerifier single = new SingleModelVerifier(teller, "m", "teller", 0);
        new Requester(single);
        new ContentNft(single, "m", 1, 31, 31);
    }

    function test_a_verifier_that_says_nothing_is_refused() public {
        address silent = account("silent");
        // Answers every call with one word: right for the digest, wrong for bytes.
        vm.etch(silent, hex"600160005260206000f3");
        vm.expectRevert();
        new SingleModelVerifier(MockVerifier(silent), "m", bytes32(uint256(1)), 0);
    }

    function test_consumers_act_on_one_inference_at_a_time() public {
        Teller teller = new Teller(hex"000000020200000105000002", 0, 1, 2);
        vm.expectRevert();
        new SingleModelVerifier(teller, "m", "teller", 0);
        Two two = new Two();
        vm.expectRevert(abi.encodeWithSelector(ModelClient.SeveralInferences.selector, 2));
        new Acceptor(two, "m", 1);
    }

    // ── Content ──

    function test_content_needs_a_model_of_its_shape_and_a_safe_string() public {
        SingleModelVerifier single = new SingleModelVerifier(new MockVerifier("c", 3, 1), "m", "c", 0);
        vm.expectPartialRevert(ERC7007Content.AnotherShape.selector);
        new ContentNft(single, "m", 1, 94, 10);
        vm.expectPartialRevert(ERC7007Content.AnotherShape.selector);
        new ContentNft(single, "m", 1, 64, 32);
        vm.chainId(10);
        vm.expectPartialRevert(VerifierShape.UnsafeDevSrs.selector);
        new ContentNft(single, "m", 1, 64, 10);
    }
}

/// @notice Verifies proofs of two inferences each.
contract Two is IModelVerifier {
    function shapeOf(bytes32, uint256) external pure returns (Shape memory) {
        return Shape(6, 2, 2, 2, 4, false, 0, false, 0, false);
    }

    function weightsOf(bytes32, uint256) external pure returns (bytes32) {
        return 0;
    }

    function verifyInference(bytes32, uint256, bytes calldata, uint256[] calldata) external pure returns (uint256) {
        return 1;
    }

    function verifyBatch(bytes32, uint256, bytes[] calldata, uint256[][] calldata) external pure returns (uint256) {
        return 1;
    }

    function isUsable(bytes32, uint256) external pure returns (bool) {
        return true;
    }

    function isCurrent(bytes32, uint256) external pure returns (bool) {
        return true;
    }
}

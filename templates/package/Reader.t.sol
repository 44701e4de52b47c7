// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

// Run by script/package.sh in projects that have the contracts from a package.
import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {ERC7007Content} from "zkverdict/adapters/ERC7007Content.sol";
import {ERC7992Adapter} from "zkverdict/adapters/ERC7992Adapter.sol";
import {ERC8004Validator} from "zkverdict/adapters/ERC8004Validator.sol";
import {ERC8084Metadata} from "zkverdict/adapters/ERC8084Metadata.sol";
import {IInferenceConsumer} from "zkverdict/interfaces/IInferenceConsumer.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";
import {PackedTensor} from "zkverdict/libraries/PackedTensor.sol";
import {InferenceTesting} from "zkverdict/testing/InferenceTesting.sol";
import {DigitsVerifier} from "../src/DigitsVerifier.sol";

interface Cheats {
    function etch(address where, bytes calldata code) external;
    function expectPartialRevert(bytes4 selector) external;
    function expectRevert() external;
    function prank(address sender) external;
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function readFile(string calldata path) external view returns (string memory);
}

/// @notice Remembers the digit that was read last.
contract Reader is InferenceConsumer {
    using PackedTensor for uint256[];

    uint256 public digit;

    constructor(IModelVerifier verifier) InferenceConsumer(verifier, "digits", 1) {}

    function _onInference(address, uint256[] calldata instances) internal override {
        digit = instances.argmax(4, 10);
    }
}

contract ReaderTest is InferenceTesting {
    Cheats private constant VM = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    Reader private reader;
    address private alice = address(uint160(uint256(keccak256("alice"))));
    bytes private proof;
    uint256[] private instances;

    function setUp() public {
        Reader made = new Reader(verifierFor("digits", address(new DigitsVerifier())));
        // Where the real proof expects it.
        reader = Reader(address(uint160(uint256(keccak256("consumer")))));
        VM.etch(address(reader), address(made).code);
        string memory json = VM.readFile("test/fixtures/proof.json");
        uint256[] memory proved = VM.parseJsonUintArray(json, ".instances");
        uint256[] memory inputs = new uint256[](3);
        (inputs[0], inputs[1], inputs[2]) = (proved[1], proved[2], proved[3]);
        uint256[] memory outputs = new uint256[](1);
        outputs[0] = proved[4];
        (proof, instances) = proofOf("test/fixtures/proof.json", reader.contextOf(alice), inputs, outputs);
    }

    function test_an_inference_is_acted_on() public {
        VM.prank(alice);
        reader.submitInference(proof, instances);
        require(reader.digit() == 9, "a nine");
    }

    function test_it_is_acted_on_once() public {
        VM.prank(alice);
        reader.submitInference(proof, instances);
        VM.expectPartialRevert(IInferenceConsumer.WrongContext.selector);
        VM.prank(alice);
        reader.submitInference(proof, instances);
    }

    function test_another_output_is_refused() public {
        instances[4] ^= 1;
        VM.expectRevert();
        VM.prank(alice);
        reader.submitInference(proof, instances);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {SingleModelVerifier} from "../../contracts/SingleModelVerifier.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {FixedCode} from "../../contracts/libraries/FixedCode.sol";
import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {Pointer, StaticWrapper} from "./Attacks.t.sol";
import {Test} from "../Test.sol";
import {vm} from "../Vm.sol";

// Where the parts of the models here lie.
address constant FIRST = 0x1111111111111111111111111111111111111111;
address constant SECOND = 0x2222222222222222222222222222222222222222;

/// @notice Answers every call with the same word.
contract Answer {
    uint256 private immutable _ANSWER;

    constructor(uint256 answer) {
        _ANSWER = answer;
    }

    fallback() external {
        uint256 answer = _ANSWER;
        assembly ("memory-safe") {
            mstore(0x00, answer)
            return(0x00, 0x20)
        }
    }
}

/// @notice Asks whoever asks the other part.
contract AskingAnswer {
    fallback() external {
        assembly ("memory-safe") {
            pop(staticcall(gas(), 0x2222222222222222222222222222222222222222, 0x00, 0x00, 0x00, 0x20))
            return(0x00, 0x20)
        }
    }
}

/// @notice Verifies what both parts accept, as a rendered verifier of parts calls them.
contract TwoParts is MockVerifier {
    constructor() MockVerifier("parts", 1, 1) {}

    function PARTS() external view virtual returns (address[] memory parts) {
        parts = new address[](2);
        (parts[0], parts[1]) = (FIRST, SECOND);
    }

    function verifyProof(bytes calldata, uint256[] calldata) public view virtual override returns (bool) {
        uint256 first;
        uint256 second;
        assembly ("memory-safe") {
            pop(staticcall(gas(), 0x1111111111111111111111111111111111111111, 0x00, 0x00, 0x00, 0x20))
            first := mload(0x00)
            pop(staticcall(gas(), 0x2222222222222222222222222222222222222222, 0x00, 0x00, 0x00, 0x20))
            second := mload(0x00)
        }
        return first == 1 && second == 1;
    }
}

/// @notice Says nothing of its second part.
contract OneOfTwoParts is TwoParts {
    function PARTS() external pure override returns (address[] memory parts) {
        parts = new address[](1);
        parts[0] = FIRST;
    }
}

/// @notice Says nothing of them to whoever gives little gas.
contract ShyParts is TwoParts {
    function PARTS() external view override returns (address[] memory parts) {
        if (gasleft() < 1_000_000) return parts;
        parts = new address[](2);
        (parts[0], parts[1]) = (FIRST, SECOND);
    }
}

/// @notice Calls what it has looked up in its calldata.
contract ChosenParts is TwoParts {
    function verifyProof(bytes calldata proof, uint256[] calldata) public view override returns (bool) {
        // forge-lint: disable-next-line(unsafe-typecast) its first bytes
        address chosen = address(bytes20(proof));
        uint256 answer;
        assembly ("memory-safe") {
            pop(staticcall(gas(), chosen, 0x00, 0x00, 0x00, 0x20))
            answer := mload(0x00)
        }
        return answer == 1;
    }
}

/// @notice Answers the question for its parts with whatever it was made with.
contract GarbledParts is TwoParts {
    uint256 private immutable _OFFSET;
    uint256 private immutable _COUNT;
    uint256 private immutable _FIRST;

    constructor(uint256 offset, uint256 count, uint256 first) {
        (_OFFSET, _COUNT, _FIRST) = (offset, count, first);
    }

    function PARTS() external view override returns (address[] memory) {
        (uint256 offset, uint256 count, uint256 first) = (_OFFSET, _COUNT, _FIRST);
        assembly ("memory-safe") {
            let mptr := mload(0x40)
            mstore(mptr, offset)
            mstore(add(mptr, 0x20), count)
            mstore(add(mptr, 0x40), first)
            mstore(add(mptr, 0x60), 0x2222222222222222222222222222222222222222)
            return(mptr, 0x80)
        }
    }
}

/// @notice Verifiers of models in parts that could change, or seem not to. The names say what stands now.
contract PartsAttacksTest is Test {
    bytes32 private constant MODEL = "model";

    ModelRegistry private registry;
    uint256[] private instances;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        instances = new uint256[](3);
        vm.etch(FIRST, address(new Answer(1)).code);
        vm.etch(SECOND, address(new Answer(1)).code);
    }

    function add(TwoParts verifier) private {
        registry.addVersion(MODEL, verifier, "parts", "");
    }

    function single(TwoParts verifier) private returns (SingleModelVerifier) {
        return new SingleModelVerifier(verifier, MODEL, "parts", 0);
    }

    /// The verifier is not taken, because of what lies at this place of one of its contracts.
    function refuse(TwoParts verifier, address where) private {
        (address found, uint256 pc,) = FixedCode.find(address(verifier));
        assertEq(found, where);
        assertTrue(pc != FixedCode.NOWHERE, "it could change");
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VerifierCouldChange.selector, where, pc));
        add(verifier);
        assertTrue(single(verifier).VOUCHED(), "by somebody's word alone");
    }

    function test_parts_that_never_change_are_taken() public {
        TwoParts verifier = new TwoParts();
        add(verifier);
        SingleModelVerifier one = single(verifier);
        assertTrue(!one.VOUCHED(), "as the code shows");
        IModelRegistry.Version memory version = registry.getVersion(MODEL, 1);
        assertTrue(version.inParts && !version.vouched, "as the code shows");
        assertEq(version.codeHash, one.CODE_HASH());
        assertTrue(version.codeHash != address(verifier).codehash, "of all contracts");
        assertEq(registry.verifyInference(MODEL, 1, "", instances), 1);
        assertEq(one.verifyInference(MODEL, 1, "", instances), 1);
        assertTrue(registry.isUsable(MODEL, 1) && one.isUsable(MODEL, 1), "as it was");
    }

    /// A part's account may have been made by a constructor that had it destroyed at the end of the transaction: then other code can
    /// come to lie there.
    function test_a_part_whose_code_is_replaced_is_refused_wherever_it_is_used() public {
        TwoParts verifier = new TwoParts();
        add(verifier);
        SingleModelVerifier one = single(verifier);
        bytes[2] memory codes = [address(new Answer(2)).code, bytes("")];
        for (uint256 i = 0; i < 4; ++i) {
            address part = i % 2 == 0 ? FIRST : SECOND;
            bytes memory before = part.code;
            vm.etch(part, codes[i / 2]);
            vm.expectPartialRevert(IModelRegistry.VerifierChanged.selector);
            registry.verifyInference(MODEL, 1, "", instances);
            vm.expectPartialRevert(SingleModelVerifier.VerifierChanged.selector);
            one.verifyInference(MODEL, 1, "", instances);
            assertTrue(!registry.isUsable(MODEL, 1) && !one.isUsable(MODEL, 1), "replaced");
            vm.etch(part, before);
        }
        assertTrue(registry.isUsable(MODEL, 1) && one.isUsable(MODEL, 1), "as it was");
    }

    function test_a_part_that_asks_a_changeable_contract_is_no_part() public {
        vm.etch(SECOND, address(new StaticWrapper(address(new Pointer()))).code);
        refuse(new TwoParts(), SECOND);
    }

    /// Even another part, which the code of the whole is no list for.
    function test_a_part_that_asks_another_part_is_no_part() public {
        vm.etch(FIRST, address(new AskingAnswer()).code);
        refuse(new TwoParts(), FIRST);
    }

    function test_a_part_that_is_not_there_yet_is_no_part() public {
        vm.etch(SECOND, "");
        refuse(new TwoParts(), SECOND);
    }

    function test_a_delegated_account_is_no_part() public {
        vm.etch(SECOND, abi.encodePacked(hex"ef0100", address(new Answer(1))));
        refuse(new TwoParts(), SECOND);
    }

    function test_a_part_that_is_not_told_is_no_part() public {
        OneOfTwoParts verifier = new OneOfTwoParts();
        refuse(verifier, address(verifier));
    }

    function test_a_part_that_the_caller_chooses_is_no_part() public {
        ChosenParts verifier = new ChosenParts();
        refuse(verifier, address(verifier));
    }

    /// What is hashed is what was told when the code was read, and so are all later answers.
    function test_parts_that_are_told_only_at_times_do_not_escape_the_hash() public {
        ShyParts verifier = new ShyParts();
        add(verifier);
        vm.etch(SECOND, address(new Answer(2)).code);
        assertTrue(!registry.isUsable(MODEL, 1), "replaced");
        assertTrue(!registry.isUsable{gas: 900_000}(MODEL, 1), "nor where nothing is told of it");
        vm.etch(SECOND, address(new Answer(1)).code);
        assertTrue(registry.isUsable(MODEL, 1), "as it was");
        assertTrue(!registry.isUsable{gas: 900_000}(MODEL, 1), "nothing is told");
    }

    function test_parts_that_are_told_otherwise_than_as_a_list_are_none() public {
        GarbledParts[4] memory verifiers = [
            new GarbledParts(0x20, 3, uint160(FIRST)),
            new GarbledParts(0x40, 2, uint160(FIRST)),
            new GarbledParts(0x20, type(uint256).max, uint160(FIRST)),
            new GarbledParts(0x20, 2, 1 << 160 | uint256(uint160(FIRST)))
        ];
        for (uint256 i = 0; i < 4; ++i) {
            refuse(verifiers[i], address(verifiers[i]));
        }
        // As it should be.
        add(new GarbledParts(0x20, 2, uint160(FIRST)));
    }

    /// Who vouches for a verifier vouches for all that it calls.
    function test_parts_of_a_verifier_that_is_vouched_for_are_not_compared() public {
        OneOfTwoParts verifier = new OneOfTwoParts();
        registry.addVouchedVersion(MODEL, verifier, "parts", "");
        assertTrue(!registry.getVersion(MODEL, 1).inParts, "the owner's word");
        assertEq(registry.verifyInference(MODEL, 1, "", instances), 1);
    }

    // ── Code, one instruction at a time ──

    function find(bytes memory code) private returns (uint256) {
        address made = account("code");
        vm.etch(made, code);
        address[] memory parts = new address[](2);
        (parts[0], parts[1]) = (FIRST, 0x0000000000000000000000000000000000333333);
        return FixedCode.find(made, parts);
    }

    function test_parts_are_called_by_address_alone() public {
        assertEq(find(abi.encodePacked(hex"73", FIRST, hex"5afa00")), FixedCode.NOWHERE);
        assertEq(find(abi.encodePacked(hex"7f", uint256(uint160(FIRST)), hex"5afa00")), FixedCode.NOWHERE);
        assertEq(find(hex"623333335afa00"), FixedCode.NOWHERE);
        bytes[9] memory refused = [
            // Another one.
            abi.encodePacked(hex"73", SECOND, hex"5afa00"),
            // The machine takes the last 20 bytes, which are a precompile's here.
            abi.encodePacked(hex"7f", uint256(1 << 160 | 6), hex"5afa00"),
            // Two bytes of a part's address, and it with another byte behind.
            bytes(hex"6133335afa00"),
            hex"63333333335afa00",
            // A jump may end between the instructions, and before them the stack is nobody's.
            abi.encodePacked(hex"73", FIRST, hex"5b5afa00"),
            abi.encodePacked(hex"73", FIRST, hex"5a5bfa00"),
            // Another instruction between, the gas from elsewhere, and the address where the gas should be.
            abi.encodePacked(hex"73", FIRST, hex"505afa00"),
            abi.encodePacked(hex"73", FIRST, hex"80fa00"),
            abi.encodePacked(hex"5a73", FIRST, hex"fa00")
        ];
        for (uint256 i = 0; i < 9; ++i) {
            assertTrue(find(refused[i]) != FixedCode.NOWHERE, "another contract");
        }
        // What looks like a call of a part, as data of a push before a call of another.
        assertEq(find(abi.encodePacked(hex"76", FIRST, hex"5afa00", hex"355afa00")), 26);
        // The other calls are none that leave everything as it is.
        bytes memory calls = hex"f1f2f4";
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(find(abi.encodePacked(hex"73", FIRST, hex"5a", calls[i], hex"00")), 22);
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "../../contracts/InferenceConsumer.sol";
import {ModelClient} from "../../contracts/ModelClient.sol";
import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {RequestConsumer} from "../../contracts/RequestConsumer.sol";
import {SingleModelVerifier} from "../../contracts/SingleModelVerifier.sol";
import {IHalo2Verifier} from "../../contracts/interfaces/IHalo2Verifier.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {IModelVerifier} from "../../contracts/interfaces/IModelVerifier.sol";
import {IRequestConsumer} from "../../contracts/interfaces/IRequestConsumer.sol";

import {InferenceContext} from "../../contracts/libraries/InferenceContext.sol";
import {PackedTensor} from "../../contracts/libraries/PackedTensor.sol";
import {VerifierShape} from "../../contracts/libraries/VerifierShape.sol";
import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {Test} from "../Test.sol";
import {vm} from "../Vm.sol";

/// @notice Acts on anything.
contract Acceptor is InferenceConsumer {
    uint256 public calls;

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version)
        InferenceConsumer(verifier, modelId, version)
    {}

    function _onInference(address, uint256[] calldata) internal override {
        ++calls;
    }
}

/// @notice Asks about one tensor of 40 elements: 31 of them in the first word, 9 in the second.
contract Questioner is RequestConsumer {
    constructor(IModelVerifier verifier, bytes32 modelId) RequestConsumer(verifier, modelId, 0) {}

    function ask(uint256 first, uint256 second) external returns (uint256) {
        uint256[] memory inputs = new uint256[](2);
        (inputs[0], inputs[1]) = (first, second);
        return _request(inputs);
    }

    function _inputLengths() internal pure override returns (uint256[] memory lengths) {
        lengths = new uint256[](1);
        lengths[0] = 40;
    }

    function _onAnswer(uint256, address, uint256[] calldata) internal override {}
}

/// @notice An honest-looking verifier whose answer somebody can change: by `DELEGATECALL`, with storage.
contract ProxyVerifier {
    address public implementation;

    constructor(address first) {
        implementation = first;
    }

    function upgrade(address next) external {
        implementation = next;
    }

    fallback() external {
        address target = implementation;
        assembly ("memory-safe") {
            let p := mload(0x40)
            calldatacopy(p, 0, calldatasize())
            let ok := delegatecall(gas(), target, p, calldatasize(), 0, 0)
            returndatacopy(p, 0, returndatasize())
            if iszero(ok) { revert(p, returndatasize()) }
            return(p, returndatasize())
        }
    }
}

/// @notice Passes every question on by a plain `STATICCALL`.
abstract contract Asking {
    fallback() external {
        address asked = _asked();
        assembly ("memory-safe") {
            let p := mload(0x40)
            calldatacopy(p, 0, calldatasize())
            let ok := staticcall(gas(), asked, p, calldatasize(), 0, 0)
            returndatacopy(p, 0, returndatasize())
            if iszero(ok) { revert(p, returndatasize()) }
            return(p, returndatasize())
        }
    }

    function _asked() internal view virtual returns (address);
}

/// @notice Where a wrapper looks up whom to ask.
contract Pointer is Asking {
    address public target;

    function set(address next) external {
        target = next;
    }

    function _asked() internal view override returns (address) {
        return target;
    }
}

/// @notice Has no storage, no `DELEGATECALL`, no `SELFDESTRUCT`: it makes one plain `STATICCALL` to a contract whose answer
/// changes.
contract StaticWrapper is Asking {
    address private immutable _POINTER;

    constructor(address pointer) {
        _POINTER = pointer;
    }

    function _asked() internal view override returns (address) {
        return _POINTER;
    }
}

/// @notice A verifier with a clock: it accepts anything from some day on.
contract TimeBomb is MockVerifier {
    uint256 private immutable _SINCE;

    constructor(bytes32 digest, uint256 since) MockVerifier(digest, 1, 1) {
        _SINCE = since;
    }

    function verifyProof(bytes calldata proof, uint256[] calldata instances) public view override returns (bool) {
        return block.timestamp >= _SINCE || super.verifyProof(proof, instances);
    }
}

/// @notice Accepts everything.
contract YesVerifier is MockVerifier {
    constructor(bytes32 digest) MockVerifier(digest, 1, 1) {}

    function verifyProof(bytes calldata, uint256[] calldata) public pure override returns (bool) {
        return true;
    }
}

/// @notice Has a later interface.
contract LaterVerifier {
    bytes32 public constant VK_DIGEST = "later";
    uint256 public constant VERSION = 2;
}

/// @notice Does not tell what its instances are, as verifiers of former versions did not.
contract SilentVerifier {
    bytes32 public constant VK_DIGEST = "silent";
    uint256 public constant VERSION = 1;
}

/// @notice Tells one input too few.
contract LyingVerifier is MockVerifier {
    constructor() MockVerifier("lying", 2, 1) {}

    function INSTANCES() external pure override returns (bytes memory) {
        return hex"000000010200000105000002";
    }
}

/// @notice Each of these was a way to do harm. The names say what stands now.
contract AttacksTest is Test {
    bytes32 private constant MODEL = "model";

    ModelRegistry private registry;
    MockVerifier private honest;
    address private alice;

    function setUp() public {
        registry = new ModelRegistry(address(this));
        honest = new MockVerifier("honest", 1, 1);
        alice = account("alice");
    }

    function instancesOf(uint256 context, uint256 input, uint256 output) private pure returns (uint256[] memory made) {
        made = new uint256[](3);
        (made[0], made[1], made[2]) = (context, input, output);
    }

    function add(address verifier, bytes32 digest) private {
        registry.addVersion(MODEL, IHalo2Verifier(verifier), digest, "");
    }

    // ── A pinned version's verifier that changes ──

    function test_a_proxy_is_no_verifier() public {
        ProxyVerifier proxy = new ProxyVerifier(address(honest));
        vm.expectPartialRevert(IModelRegistry.VerifierCouldChange.selector);
        add(address(proxy), "honest");
    }

    function test_a_wrapper_that_asks_a_changeable_contract_is_no_verifier() public {
        Pointer pointer = new Pointer();
        pointer.set(address(honest));
        StaticWrapper wrapper = new StaticWrapper(address(pointer));
        vm.expectPartialRevert(IModelRegistry.VerifierCouldChange.selector);
        add(address(wrapper), "honest");
    }

    function test_a_verifier_with_a_clock_is_no_verifier() public {
        TimeBomb bomb = new TimeBomb("bomb", block.timestamp + 1 days);
        vm.expectPartialRevert(IModelRegistry.VerifierCouldChange.selector);
        add(address(bomb), "bomb");
    }

    function test_a_delegated_account_is_no_verifier() public {
        // EIP-7702: whoever has the account's key can delegate to something else tomorrow.
        vm.etch(alice, abi.encodePacked(hex"ef0100", address(honest)));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotAContract.selector, alice));
        add(alice, "honest");
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotAContract.selector, alice));
        registry.addVouchedVersion(MODEL, IHalo2Verifier(alice), "honest", "");
        vm.expectRevert(abi.encodeWithSelector(SingleModelVerifier.NotAContract.selector, alice));
        new SingleModelVerifier(IHalo2Verifier(alice), MODEL, "honest", 0);
    }

    /// What an owner may still do, and how it shows.
    function test_a_proxy_that_is_vouched_for_says_so() public {
        ProxyVerifier proxy = new ProxyVerifier(address(honest));
        vm.expectEmit();
        emit IModelRegistry.VersionVouchedFor(MODEL, 1, address(proxy));
        registry.addVouchedVersion(MODEL, IHalo2Verifier(address(proxy)), "honest", "");
        assertTrue(registry.getVersion(MODEL, 1).vouched, "the version says so");
        SingleModelVerifier single = new SingleModelVerifier(IHalo2Verifier(address(proxy)), MODEL, "honest", 0);
        assertTrue(single.VOUCHED(), "so does a verifier of one model");
        single = new SingleModelVerifier(honest, MODEL, "honest", 0);
        assertTrue(!single.VOUCHED(), "not where the code shows it");
    }

    function test_code_that_is_replaced_is_refused_wherever_it_is_used() public {
        add(address(honest), "honest");
        SingleModelVerifier single = new SingleModelVerifier(honest, MODEL, "honest", 0);
        assertTrue(registry.isUsable(MODEL, 1) && single.isUsable(MODEL, 1), "before");
        vm.etch(address(honest), address(new YesVerifier("honest")).code);
        uint256[] memory instances = instancesOf(0, 1, 2);
        vm.expectPartialRevert(IModelRegistry.VerifierChanged.selector);
        registry.verifyInference(MODEL, 1, "", instances);
        vm.expectPartialRevert(SingleModelVerifier.VerifierChanged.selector);
        single.verifyInference(MODEL, 1, "", instances);
        assertTrue(!registry.isUsable(MODEL, 1) && !single.isUsable(MODEL, 1), "after");
    }

    // ── Counts typed by hand ──

    function test_a_verifier_that_contradicts_itself_is_refused() public {
        LyingVerifier lying = new LyingVerifier();
        vm.expectRevert(abi.encodeWithSelector(VerifierShape.UnknownInstances.selector, address(lying)));
        add(address(lying), "lying");
        SilentVerifier silent = new SilentVerifier();
        vm.expectRevert(abi.encodeWithSelector(VerifierShape.UnknownInstances.selector, address(silent)));
        add(address(silent), "silent");
    }

    function test_honest_proofs_with_different_last_inputs_contradict_nothing() public {
        // With one input too few, the second input would have counted as an output.
        MockVerifier two = new MockVerifier("two", 2, 1);
        add(address(two), "two");
        uint256[] memory a = new uint256[](4);
        uint256[] memory b = new uint256[](4);
        (a[1], a[2], a[3]) = (7, 1, 3);
        (b[1], b[2], b[3]) = (7, 2, 4);
        IModelRegistry.Inference memory first = IModelRegistry.Inference(two.prove(a), a);
        IModelRegistry.Inference memory second = IModelRegistry.Inference(two.prove(b), b);
        vm.expectRevert(IModelRegistry.NoContradiction.selector);
        registry.reportContradiction(MODEL, 1, first, second);
    }

    function test_a_version_that_was_added_wrongly_is_replaced() public {
        add(address(honest), "honest");
        vm.expectPartialRevert(IModelRegistry.DuplicateVerifyingKey.selector);
        add(address(honest), "honest");
        registry.retireVersion(MODEL, 1);
        add(address(honest), "honest");
        assertEq(registry.latestVersion(MODEL), 2);
        (, uint256 version) = registry.versionOfKey("honest");
        assertEq(version, 2);
        // The first stays retired; tombstoning it would not touch the second.
        bytes memory isRetired =
            abi.encodeWithSelector(IModelRegistry.VersionIs.selector, MODEL, 1, IModelRegistry.Status.Retired);
        vm.expectRevert(isRetired);
        registry.resumeVersion(MODEL, 1);
        vm.expectRevert(isRetired);
        registry.tombstoneVersion(MODEL, 1);
        vm.expectRevert(isRetired);
        registry.retireVersion(MODEL, 1);
    }

    function test_versions_of_a_model_have_one_shape() public {
        add(address(honest), "honest");
        MockVerifier wider = new MockVerifier("wider", 2, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.AnotherShape.selector, MODEL, 1));
        add(address(wider), "wider");
        // Unless all before were mistakes.
        registry.retireVersion(MODEL, 1);
        add(address(wider), "wider");
    }

    // ── Requests that nobody can answer ──

    function test_a_request_that_no_proof_can_answer_is_refused() public {
        MockVerifier two = new MockVerifier("two", 2, 1);
        add(address(two), "two");
        Questioner questioner = new Questioner(registry, MODEL);
        uint256[4] memory firsts = [InferenceContext.R, type(uint256).max, uint256(1) << 248, 0];
        uint256[4] memory others = [uint256(0), 0, 0, uint256(1) << 72];
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(IRequestConsumer.UnprovableInputs.selector);
            questioner.ask(firsts[i], others[i]);
        }
        questioner.ask((uint256(1) << 248) - 1, (uint256(1) << 72) - 1);
    }

    function testFuzz_only_packed_tensors_are_asked_about(bytes memory elements, uint256 word, uint256 spoiled) public {
        MockVerifier two = new MockVerifier("two", 2, 1);
        add(address(two), "two");
        Questioner questioner = new Questioner(registry, MODEL);
        assembly ("memory-safe") {
            // The same bytes, 40 of them: shorter ones go on with whatever lies behind.
            if gt(mload(elements), 40) { mstore(elements, 40) }
        }
        vm.assume(elements.length == 40);
        uint256[] memory inputs = PackedTensor.pack(elements);
        questioner.ask(inputs[0], inputs[1]);
        word %= 2;
        uint256 bit = word == 0 ? 248 + spoiled % 8 : 72 + spoiled % 184;
        inputs[word] |= uint256(1) << bit;
        vm.expectRevert(IRequestConsumer.UnprovableInputs.selector);
        questioner.ask(inputs[0], inputs[1]);
    }

    // ── Proofs on their way when a version is added ──

    function test_a_proof_on_its_way_is_accepted_where_its_version_is_named() public {
        add(address(honest), "honest");
        Acceptor follower = new Acceptor(registry, MODEL, 0);
        uint256[] memory instances = instancesOf(follower.contextOf(alice), 1, 2);
        bytes memory proof = honest.prove(instances);
        add(address(new MockVerifier("newer", 1, 1)), "newer");

        vm.expectRevert(IHalo2Verifier.InvalidProof.selector);
        vm.prank(alice);
        follower.submitInference(proof, instances);
        skip(1 days);
        vm.prank(alice);
        follower.submitInferenceOf(1, proof, instances);
        assertEq(follower.calls(), 1);

        instances = instancesOf(follower.contextOf(alice), 1, 2);
        proof = honest.prove(instances);
        skip(1);
        vm.expectRevert(abi.encodeWithSelector(ModelClient.NotCurrentVersion.selector, 1));
        vm.prank(alice);
        follower.submitInferenceOf(1, proof, instances);
        // Whoever pinned it goes on, until it is retired.
        Acceptor pinned = new Acceptor(registry, MODEL, 1);
        instances = instancesOf(pinned.contextOf(alice), 1, 2);
        proof = honest.prove(instances);
        vm.expectRevert(abi.encodeWithSelector(ModelClient.NotPinnedVersion.selector, 2, 1));
        vm.prank(alice);
        pinned.submitInferenceOf(2, proof, instances);
        vm.prank(alice);
        pinned.submitInferenceOf(1, proof, instances);
        registry.retireVersion(MODEL, 1);
        instances = instancesOf(pinned.contextOf(alice), 1, 2);
        proof = honest.prove(instances);
        vm.expectPartialRevert(IModelRegistry.VersionIs.selector);
        vm.prank(alice);
        pinned.submitInference(proof, instances);
    }

    function test_the_owner_sets_the_period_of_grace() public {
        add(address(honest), "honest");
        add(address(new MockVerifier("newer", 1, 1)), "newer");
        assertTrue(registry.isCurrent(MODEL, 1) && registry.isCurrent(MODEL, 2), "a day by default");
        registry.setGracePeriod(MODEL, 0);
        assertTrue(registry.isCurrent(MODEL, 1), "the block itself counts");
        skip(1);
        assertTrue(!registry.isCurrent(MODEL, 1) && registry.isCurrent(MODEL, 2), "none");
        // A newer version that is stopped leaves the older one the newest.
        registry.stopVersion(MODEL, 2);
        assertTrue(registry.isCurrent(MODEL, 1) && !registry.isCurrent(MODEL, 2), "the newest that may be used");
        assertTrue(!registry.isCurrent(MODEL, 0) && !registry.isCurrent(MODEL, 3), "no such versions");
        registry.stop();
        assertTrue(!registry.isCurrent(MODEL, 1) && !registry.isUsable(MODEL, 0), "everything is stopped");
    }

    // ── Contexts, interfaces, trusted setups ──

    function test_uses_of_different_kinds_share_no_context() public {
        add(address(honest), "honest");
        MockVerifier two = new MockVerifier("two", 2, 1);
        registry.addVersion("two", two, "two", "");
        Acceptor acceptor = new Acceptor(registry, MODEL, 1);
        Questioner questioner = new Questioner(registry, "two");
        vm.etch(address(questioner), address(acceptor).code);
        uint256 turn = Acceptor(address(questioner)).contextOf(alice);
        uint256 answer = InferenceContext.derive(InferenceContext.ANSWER, address(questioner), alice, 0);
        assertTrue(turn != answer, "a turn is no answer");
        assertTrue(
            turn
                != uint256(keccak256(abi.encode(block.chainid, address(questioner), alice, uint256(0))))
                    % InferenceContext.R,
            "nor what somebody else hashes of the same four words"
        );
    }

    function test_a_verifier_of_another_interface_is_refused() public {
        LaterVerifier later = new LaterVerifier();
        vm.expectRevert(abi.encodeWithSelector(VerifierShape.UnknownVerifierVersion.selector, address(later), 2));
        add(address(later), "later");
        vm.expectPartialRevert(VerifierShape.UnknownVerifierVersion.selector);
        new SingleModelVerifier(IHalo2Verifier(address(later)), MODEL, "later", 0);
    }

    /// Wallets and interfaces append to calldata who brought a user. Consumers decode what they need and pass on no more, so
    /// that is well; generated verifiers take the one canonical encoding and nothing else.
    function test_what_is_appended_to_a_submission_does_no_harm() public {
        add(address(honest), "honest");
        Acceptor acceptor = new Acceptor(registry, MODEL, 1);
        uint256[] memory instances = instancesOf(acceptor.contextOf(alice), 1, 2);
        bytes memory call = abi.encodeCall(acceptor.submitInference, (honest.prove(instances), instances));
        vm.prank(alice);
        (bool ok,) = address(acceptor).call(bytes.concat(call, "app.example", hex"80218021802180218021802180218021"));
        assertTrue(ok && acceptor.calls() == 1, "accepted");
    }

    function test_the_development_string_stays_on_local_chains() public {
        SingleModelVerifier single = new SingleModelVerifier(honest, MODEL, "honest", 0);
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(VerifierShape.UnsafeDevSrs.selector, address(honest), 1));
        add(address(honest), "honest");
        vm.expectRevert(abi.encodeWithSelector(VerifierShape.UnsafeDevSrs.selector, address(honest), 1));
        new SingleModelVerifier(honest, MODEL, "honest", 0);
        vm.expectRevert(abi.encodeWithSelector(VerifierShape.UnsafeDevSrs.selector, address(single), 1));
        new Acceptor(single, MODEL, 1);
    }
}

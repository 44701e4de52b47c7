// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {BatchConsumer} from "../../contracts/BatchConsumer.sol";
import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {RequestConsumer} from "../../contracts/RequestConsumer.sol";
import {IModelVerifier} from "../../contracts/interfaces/IModelVerifier.sol";
import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {Handler, InvariantTest} from "./Handler.sol";
import {vm} from "../Vm.sol";

/// @notice Counts what it acted on, by sender and context.
contract Ledger is BatchConsumer {
    mapping(uint256 context => uint256) public uses;
    mapping(address sender => uint256) public acted;

    constructor(IModelVerifier verifier) BatchConsumer(verifier, "model", 0) {}

    function _onInference(address sender, uint256[] calldata instances) internal override {
        ++uses[instances[0]];
        ++acted[sender];
    }
}

/// @notice Counts answers, by request.
contract Desk is RequestConsumer {
    mapping(uint256 requestId => uint256) public answered;

    constructor(IModelVerifier verifier) RequestConsumer(verifier, "model", 0) {}

    function ask(uint256 input) external returns (uint256) {
        uint256[] memory inputs = new uint256[](1);
        inputs[0] = input;
        return _request(inputs);
    }

    function _inputLengths() internal pure override returns (uint256[] memory lengths) {
        lengths = new uint256[](1);
        lengths[0] = 31;
    }

    function _onAnswer(uint256 requestId, address, uint256[] calldata) internal override {
        ++answered[requestId];
    }
}

/// @notice Submits, settles, claims, asks and answers, rightly and wrongly, and replays everything.
contract ConsumerHandler is Handler {
    ModelRegistry public immutable REGISTRY = new ModelRegistry(address(this));
    MockVerifier public immutable VERIFIER = new MockVerifier("key", 1, 1);
    Ledger public immutable LEDGER;
    Desk public immutable DESK;

    /// Contexts of everything that was ever proved.
    uint256[] public contexts;
    /// Inputs of requests.
    uint256[] public asked;
    /// Successes, by sender.
    mapping(address sender => uint256) public succeeded;

    struct Settled {
        bytes32 root;
        address[2] senders;
        uint256[][2] instances;
    }

    Settled[] private _settled;

    constructor() {
        REGISTRY.addVersion("model", VERIFIER, "key", "");
        LEDGER = new Ledger(REGISTRY);
        DESK = new Desk(REGISTRY);
    }

    function contextCount() external view returns (uint256) {
        return contexts.length;
    }

    function sender(uint256 seed) public pure returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast) one of three small numbers
        return address(uint160(0xa0 + seed % 3));
    }

    function made(address by, uint256 nonce) private returns (uint256[] memory instances) {
        instances = new uint256[](3);
        // Rightly, or a turn too early or too late.
        instances[0] = LEDGER.contextOf(by);
        if (nonce % 5 == 0) instances[0] = contexts.length == 0 ? 1 : contexts[nonce % contexts.length];
        (instances[1], instances[2]) = (5, 6);
        contexts.push(instances[0]);
    }

    function submit(uint256 seed, uint256 stranger) external {
        address by = sender(seed);
        uint256[] memory instances = made(by, seed >> 8);
        bytes memory proof = VERIFIER.prove(instances);
        vm.prank(sender(stranger));
        try LEDGER.submitInference(proof, instances) {
            ++succeeded[sender(stranger)];
        } catch {}
        // The same once more.
        vm.prank(sender(stranger));
        (bool again,) = address(LEDGER).call(abi.encodeCall(LEDGER.submitInference, (proof, instances)));
        check(!again, "a proof is acted on once");
    }

    function settle(uint256 seed, uint256 other) external {
        uint256[][] memory instances = new uint256[][](2);
        bytes[] memory proofs = new bytes[](2);
        address[2] memory senders = [sender(seed), sender(other)];
        for (uint256 i = 0; i < 2; ++i) {
            instances[i] = made(senders[i], 1);
            proofs[i] = VERIFIER.prove(instances[i]);
        }
        bytes32 root = LEDGER.settleBatch(0, proofs, instances);
        _settled.push(Settled(root, senders, [instances[0], instances[1]]));
    }

    function claim(uint256 seed, bool second, uint256 stranger) external {
        if (_settled.length == 0) return;
        Settled storage settled = _settled[seed % _settled.length];
        uint256 mine = second ? 1 : 0;
        bytes32[] memory path = new bytes32[](1);
        path[0] = LEDGER.leafOf(settled.instances[1 - mine]);
        address by = stranger % 4 == 0 ? sender(stranger) : settled.senders[mine];
        vm.prank(by);
        try LEDGER.claimInference(settled.root, settled.instances[mine], path) {
            ++succeeded[by];
        } catch {}
    }

    function ask(uint256 input) external {
        (bool ok,) = address(DESK).call(abi.encodeCall(DESK.ask, (input)));
        check(ok == (input < 1 << 248), "what can be proved is asked");
        if (ok) asked.push(input);
    }

    function askSomething(uint256 input) external {
        input >>= 8;
        DESK.ask(input);
        asked.push(input);
    }

    function answer(uint256 requestId, uint256 seed, uint256 input) external {
        if (DESK.requestCount() == 0) return;
        requestId %= DESK.requestCount();
        uint256[] memory instances = new uint256[](3);
        (instances[0], instances[1]) =
        (DESK.contextOf(sender(seed), requestId), input % 4 == 0 ? input >> 8 : asked[requestId]);
        bytes memory proof = VERIFIER.prove(instances);
        vm.prank(sender(seed));
        try DESK.answerInference(requestId, proof, instances) {} catch {}
    }

    function stopAll(bool on) external {
        if (on) REGISTRY.stop();
        else REGISTRY.resume();
    }
}

contract ConsumersInvariantTest is InvariantTest {
    ConsumerHandler private handler;

    function setUp() public {
        handler = new ConsumerHandler();
    }

    function target() internal view override returns (Handler) {
        return handler;
    }

    function invariant_a_context_is_used_once() public view {
        for (uint256 i = 0; i < handler.contextCount(); ++i) {
            assertTrue(handler.LEDGER().uses(handler.contexts(i)) <= 1, "once");
        }
    }

    function invariant_what_is_acted_on_is_what_was_accepted() public view {
        for (uint256 i = 0; i < 3; ++i) {
            address sender = handler.sender(i);
            assertEq(handler.LEDGER().acted(sender), handler.succeeded(sender));
            assertEq(handler.LEDGER().nonces(sender), handler.succeeded(sender));
        }
    }

    function invariant_a_request_is_answered_once() public view {
        Desk desk = handler.DESK();
        for (uint256 i = 0; i < desk.requestCount(); ++i) {
            assertTrue(desk.answered(i) == (desk.isOpen(i) ? 0 : 1), "open or answered");
        }
    }
}

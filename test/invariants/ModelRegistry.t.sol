// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {MockVerifier} from "../../contracts/testing/MockVerifier.sol";
import {Handler, InvariantTest} from "./Handler.sol";
import {vm} from "../Vm.sol";

/// @notice Does everything that owner, guardian and strangers can do, in any order, and remembers what must hold.
contract RegistryHandler is Handler {
    bytes32 public constant MODEL = "model";

    ModelRegistry public immutable REGISTRY;
    MockVerifier[] public verifiers;
    /// Versions that were tombstoned, contradicted or retired once.
    mapping(uint256 version => IModelRegistry.Status) public ended;
    bool public stopped;

    constructor() {
        REGISTRY = new ModelRegistry(address(this));
        REGISTRY.setGuardian(account("guardian"));
    }

    function count() public view returns (uint256) {
        return verifiers.length;
    }

    function add() external {
        MockVerifier verifier = new MockVerifier(keccak256(abi.encode(count())), 1, 1);
        REGISTRY.addVersion(MODEL, verifier, verifier.VK_DIGEST(), "");
        verifiers.push(verifier);
    }

    function addAgain(uint256 seed) external {
        MockVerifier verifier = verifiers[pick(seed) - 1];
        (, uint256 used) = REGISTRY.versionOfKey(verifier.VK_DIGEST());
        REGISTRY.addVersion(MODEL, verifier, verifier.VK_DIGEST(), "");
        verifiers.push(verifier);
        check(used == 0, "a key is used once");
    }

    function stop(uint256 seed) external {
        vm.prank(account("guardian"));
        REGISTRY.stopVersion(MODEL, pick(seed));
    }

    function resume(uint256 seed) external {
        REGISTRY.resumeVersion(MODEL, pick(seed));
    }

    function retire(uint256 seed) external {
        uint256 version = pick(seed);
        REGISTRY.retireVersion(MODEL, version);
        ended[version] = IModelRegistry.Status.Retired;
    }

    function tombstone(uint256 seed) external {
        uint256 version = pick(seed);
        REGISTRY.tombstoneVersion(MODEL, version);
        ended[version] = IModelRegistry.Status.Tombstoned;
    }

    function contradict(uint256 seed, uint256 input) external {
        uint256 version = pick(seed);
        REGISTRY.reportContradiction(MODEL, version, inference(version, input, 1), inference(version, input, 2));
        ended[version] = IModelRegistry.Status.Contradicted;
    }

    function stopAll(bool on) external {
        if (on) REGISTRY.stop();
        else REGISTRY.resume();
        stopped = on;
    }

    function wait(uint32 duration) external {
        skip(duration % 2 days);
    }

    function setGrace(uint32 seconds_) external {
        REGISTRY.setGracePeriod(MODEL, seconds_);
    }

    /// Strangers try everything that is not theirs.
    function intrude(uint256 seed) external {
        vm.startPrank(account("stranger"));
        bytes[5] memory calls = [
            abi.encodeCall(REGISTRY.tombstoneVersion, (MODEL, pick(seed))),
            abi.encodeCall(REGISTRY.retireVersion, (MODEL, pick(seed))),
            abi.encodeCall(REGISTRY.stopVersion, (MODEL, pick(seed))),
            abi.encodeCall(REGISTRY.stop, ()),
            abi.encodeCall(REGISTRY.setGuardian, (account("stranger")))
        ];
        (bool ok,) = address(REGISTRY).call(calls[seed % 5]);
        vm.stopPrank();
        check(!ok, "strangers do nothing");
    }

    function inference(uint256 version, uint256 input, uint256 output)
        public
        view
        returns (IModelRegistry.Inference memory)
    {
        uint256[] memory instances = new uint256[](3);
        instances[1] = input >> 8;
        instances[2] = output;
        return IModelRegistry.Inference(verifiers[version - 1].prove(instances), instances);
    }

    function pick(uint256 seed) private view returns (uint256) {
        return 1 + seed % count();
    }
}

contract ModelRegistryInvariantTest is InvariantTest {
    RegistryHandler private handler;

    function setUp() public {
        handler = new RegistryHandler();
        handler.add();
    }

    function target() internal view override returns (Handler) {
        return handler;
    }

    function invariant_versions_keep_their_verifier_and_the_ended_stay_ended() public view {
        ModelRegistry registry = handler.REGISTRY();
        bytes32 model = handler.MODEL();
        assertEq(registry.versionCount(model), handler.count());
        for (uint256 number = 1; number <= handler.count(); ++number) {
            IModelRegistry.Version memory version = registry.getVersion(model, number);
            assertEq(address(version.verifier), address(handler.verifiers(number - 1)));
            IModelRegistry.Status end = handler.ended(number);
            if (end != IModelRegistry.Status.Absent) {
                assertTrue(
                    version.status == end
                        || (end == IModelRegistry.Status.Contradicted
                            && version.status == IModelRegistry.Status.Tombstoned),
                    "the end is final"
                );
            }
            // A key is used by one version, or by none if that was retired.
            (, uint256 used) = registry.versionOfKey(version.vkDigest);
            if (version.status != IModelRegistry.Status.Retired) assertEq(used, number);
        }
    }

    function invariant_only_active_versions_verify() public view {
        ModelRegistry registry = handler.REGISTRY();
        bytes32 model = handler.MODEL();
        uint256 newest;
        for (uint256 number = 1; number <= handler.count(); ++number) {
            IModelRegistry.Inference memory good = handler.inference(number, 0, 1);
            bool active = registry.getVersion(model, number).status == IModelRegistry.Status.Active;
            if (active) newest = number;
            bool usable = active && !handler.stopped();
            assertTrue(registry.isUsable(model, number) == usable, "usable is what verifies");
            assertTrue(usable || !registry.isCurrent(model, number), "only what verifies is current");
            try registry.verifyInference(model, number, good.proof, good.instances) returns (uint256 used) {
                assertTrue(usable && used == number, "only an active version verifies");
            } catch {
                assertTrue(!usable, "an active version verifies");
            }
        }
        assertTrue(registry.isUsable(model, 0) == (newest != 0 && !handler.stopped()), "something verifies");
        if (newest != 0 && !handler.stopped()) assertTrue(registry.isCurrent(model, newest), "the newest is current");
        try registry.latestVersion(model) returns (uint256 latest) {
            assertEq(latest, newest);
        } catch {
            assertEq(newest, 0);
        }
    }
}

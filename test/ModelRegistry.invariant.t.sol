// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {Test} from "./Test.sol";
import {MockVerifier} from "./mocks/MockVerifier.sol";

/// @notice Does everything that owner, guardian and strangers can do, in any order, and remembers what must hold.
contract RegistryHandler {
    bytes32 public constant MODEL = "model";

    ModelRegistry public immutable REGISTRY;
    MockVerifier[] public verifiers;
    /// Versions that were tombstoned or contradicted once.
    mapping(uint256 version => IModelRegistry.Status) public ended;

    constructor() {
        REGISTRY = new ModelRegistry(address(this));
    }

    function count() public view returns (uint256) {
        return verifiers.length;
    }

    function add() external {
        MockVerifier verifier = new MockVerifier(keccak256(abi.encode(count())), 3);
        REGISTRY.addVersion(MODEL, verifier, verifier.VK_DIGEST(), 1, "");
        verifiers.push(verifier);
    }

    function stop(uint256 seed) external {
        REGISTRY.stopVersion(MODEL, pick(seed));
    }

    function resume(uint256 seed) external {
        REGISTRY.resumeVersion(MODEL, pick(seed));
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

contract ModelRegistryInvariantTest is Test {
    RegistryHandler private handler;

    function setUp() public {
        handler = new RegistryHandler();
        handler.add();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_versions_keep_their_verifier_and_the_ended_stay_ended() public view {
        ModelRegistry registry = handler.REGISTRY();
        bytes32 model = handler.MODEL();
        assertEq(registry.versionCount(model), handler.count());
        for (uint256 number = 1; number <= handler.count(); ++number) {
            IModelRegistry.Version memory version = registry.getVersion(model, number);
            assertEq(address(version.verifier), address(handler.verifiers(number - 1)));
            IModelRegistry.Status end = handler.ended(number);
            if (end != IModelRegistry.Status.Absent) assertEq(uint256(version.status), uint256(end));
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
            try registry.verifyInference(model, number, good.proof, good.instances) returns (uint256 used) {
                assertTrue(active && used == number, "only an active version verifies");
            } catch {
                assertTrue(!active, "an active version verifies");
            }
        }
        try registry.latestVersion(model) returns (uint256 latest) {
            assertEq(latest, newest);
        } catch {
            assertEq(newest, 0);
        }
    }
}

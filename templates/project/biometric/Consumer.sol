// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {NamedConsumer} from "zkverdict/NamedConsumer.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";
import {{ "{" }}{{ project.prefix }}Io} from "./{{ project.prefix }}Io.sol";

/// @title Opens to whom `{{ project.model }}` recognizes
/// @notice An enroller writes down the name of a person's committed template. The person proves that a scan, which stays with
/// the prover as the template does, is close to it. A better model takes the same templates: nobody enrols again.
contract {{ project.prefix }}Consumer is NamedConsumer {
    /// @notice What the distance between scan and template has to be below, with 18 decimals.
    int256 public constant LIMIT = {{ project.bound }};

    /// @notice How long it stays open.
    uint256 public constant SESSION = 10 minutes;

    /// @notice Who enrols.
    address public immutable ENROLLER;

    /// @notice The name of somebody's template; zero for nobody's.
    mapping(address account => bytes32) public templates;

    /// @notice Until when it is open to somebody.
    mapping(address account => uint256) public openUntil;

    /// @notice Somebody has a template from now on, or none.
    event Enrolled(address indexed account, bytes32 template);

    /// @notice It is open to somebody.
    event Opened(address indexed account, uint256 until);

    /// @notice Only the enroller enrols.
    error NotEnroller(address caller);

    /// @notice The proof does not say that the distance is below this.
    error TooFar(int256 limit);

    /// @param version The version whose answers count; 0 follows the newest of a registry.
    /// @param enroller Who enrols.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version, address enroller)
        InferenceConsumer(verifier, modelId, version)
        // One name, of which none is pinned for everybody.
        NamedConsumer(new bytes32[](1))
    {
        ENROLLER = enroller;
    }

    /// @notice Says which template is somebody's; zero takes it back.
    function enrol(address account, bytes32 template) external {
        if (msg.sender != ENROLLER) revert NotEnroller(msg.sender);
        templates[account] = template;
        delete openUntil[account];
        emit Enrolled(account, template);
    }

    /// @notice Whether it is open to somebody now.
    function isOpenTo(address account) external view returns (bool) {
        return block.timestamp < openUntil[account] && VERIFIER.isUsable(_MODEL, _VERSION);
    }

    /// @dev Everybody is compared with their own template.
    function _expectedName(uint256, address sender) internal view override returns (bytes32) {
        return templates[sender];
    }

    /// @dev The base has compared the name. Which threshold the proof is about, whoever made it chose.
    function _onInference(address sender, uint256[] calldata instances) internal override {
        if (!{{ project.prefix }}Io.isBelow{{ project.claim }}(instances, LIMIT)) revert TooFar(LIMIT);
        openUntil[sender] = block.timestamp + SESSION;
        emit Opened(sender, block.timestamp + SESSION);
    }
}

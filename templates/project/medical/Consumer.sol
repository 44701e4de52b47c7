// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {AttestedConsumer} from "zkverdict/AttestedConsumer.sol";
import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";
import {{ "{" }}{{ project.prefix }}Io} from "./{{ project.prefix }}Io.sol";

/// @title Cover for whom `{{ project.model }}` refers to a specialist
/// @notice An imaging centre signs the name of a patient's committed scan. A hospital, which sees the scan anyway, proves what
/// the model finds in it; the patient submits the proof, and the insurer's contract pays where the finding says so.
contract {{ project.prefix }}Consumer is AttestedConsumer {
    /// @notice What attested data mean: the hash of `inputs/schema.json`, as `zkverdict schema` prints it. Whoever signs other data,
    /// or the same in other units, signs another schema.
    bytes32 public constant DATA_SCHEMA = {{ project.data_schema }};

    /// @notice The finding that is covered: the position of the model's output that is largest.
    uint256 public constant COVERED = {{ project.answer }};

    /// @notice What is paid for it.
    uint256 public constant COVER = 0.5 ether;

    /// @notice What may be withdrawn.
    mapping(address patient => uint256) public covers;

    /// @notice The model has found something in a scan.
    event Found(address indexed patient, uint256 finding);

    /// @notice The insurer does not have it, or the receiver refuses it.
    error TransferFailed(address to);

    /// @param centre Who attests scans.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version, address centre)
        InferenceConsumer(verifier, modelId, version)
        // One name, which is the attested one; a scan counts once.
        AttestedConsumer(new bytes32[](1), DATA_SCHEMA, true, centre, msg.sender)
    {}

    /// @notice Puts money in for covers.
    function fund() external payable {}

    /// @notice Takes out what the caller is covered for.
    function withdraw() external {
        uint256 amount = covers[msg.sender];
        delete covers[msg.sender];
        (bool ok,) = msg.sender.call{value: amount}("");
        if (!ok) revert TransferFailed(msg.sender);
    }

    /// @dev The base has compared the name with the attested one, and used it up.
    function _onInference(address patient, uint256[] calldata instances) internal override {
        uint256 finding = {{ project.prefix }}Io.class{{ project.claim }}(instances);
        if (finding == COVERED) covers[patient] += COVER;
        emit Found(patient, finding);
    }
}

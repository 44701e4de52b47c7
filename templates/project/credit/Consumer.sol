// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {AttestedConsumer} from "zkverdict/AttestedConsumer.sol";
import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";
import {{ "{" }}{{ project.prefix }}Io} from "./{{ project.prefix }}Io.sol";

/// @title Loans by the score of `{{ project.model }}`
/// @notice A bank signs the name of a borrower's committed data. The borrower proves that they score high enough, and may borrow
/// as long as the attestation and the model's version count. Nobody learns the data or the score.
contract {{ project.prefix }}Consumer is AttestedConsumer {
    /// @notice What attested data mean. Whoever signs other data, or the same in other units, signs another schema.
    string public constant DATA =
        "{{ project.data }}";

    /// @notice What a score has to reach, with 18 decimals.
    int256 public constant MIN_SCORE = {{ project.bound }};

    /// @notice What a loan is, and what it costs.
    uint256 public constant LOAN = 1 ether;
    uint256 public constant INTEREST = 0.05 ether;

    /// @notice The name of the data that somebody has shown to score high enough.
    mapping(address borrower => bytes32) public approvals;

    /// @notice What somebody owes.
    mapping(address borrower => uint256) public debts;

    /// @notice Somebody may borrow.
    event Approved(address indexed borrower);

    /// @notice The proof does not say that the score reaches this.
    error ScoreTooLow(int256 required);

    /// @notice Nothing that counts now says that this account may borrow.
    error NotApproved(address borrower);

    /// @notice One loan at a time, paid back whole.
    error Owes(address borrower, uint256 debt);

    /// @notice The pool does not have it, or the receiver refuses it.
    error TransferFailed(address to);

    /// @param bank Who attests data.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version, address bank)
        InferenceConsumer(verifier, modelId, version)
        // One name, which is the attested one; as often as wanted until the attestation expires.
        AttestedConsumer(new bytes32[](1), keccak256(bytes(DATA)), false, bank, msg.sender)
    {}

    /// @notice Puts money into the pool.
    function fund() external payable {}

    /// @notice Takes a loan.
    function borrow() external {
        if (!isApproved(msg.sender)) revert NotApproved(msg.sender);
        if (debts[msg.sender] != 0) revert Owes(msg.sender, debts[msg.sender]);
        debts[msg.sender] = LOAN + INTEREST;
        (bool ok,) = msg.sender.call{value: LOAN}("");
        if (!ok) revert TransferFailed(msg.sender);
    }

    /// @notice Pays a loan back.
    function repay() external payable {
        if (msg.value == 0 || msg.value != debts[msg.sender]) revert Owes(msg.sender, debts[msg.sender]);
        delete debts[msg.sender];
    }

    /// @notice Whether somebody may borrow: not after the attestation or the model's version has ended.
    function isApproved(address borrower) public view returns (bool) {
        return isAttested(borrower, approvals[borrower]) && VERIFIER.isUsable(_MODEL, _VERSION);
    }

    /// @dev The base has compared the name with the attested one. Which threshold the proof is about, the borrower chose.
    function _onInference(address borrower, uint256[] calldata instances) internal override {
        if (!{{ project.prefix }}Io.isAtLeast{{ project.claim }}(instances, MIN_SCORE)) revert ScoreTooLow(MIN_SCORE);
        approvals[borrower] = bytes32(instances[_NAME_START + _ATTESTED]);
        emit Approved(borrower);
    }
}

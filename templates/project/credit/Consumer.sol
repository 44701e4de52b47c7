// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {AttestedConsumer} from "zkverdict/AttestedConsumer.sol";
import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";
import {{ "{" }}{{ project.prefix }}Io} from "./{{ project.prefix }}Io.sol";

/// @title Loans by the score of a model that the lender keeps
/// @notice A bank signs the name of a borrower's committed data. The lender proves to the borrower's contract call that they score
/// high enough under the weights that the registry names, and the borrower may borrow as long as the attestation counts and these
/// weights are the ones that do. Nobody else learns data, score or weights.
contract {{ project.prefix }}Consumer is AttestedConsumer {
    /// @notice What attested data mean: the hash of `inputs/schema.json`, as `zkverdict schema` prints it. Whoever signs other data,
    /// or the same in other units, signs another schema.
    bytes32 public constant DATA_SCHEMA = {{ project.data_schema }};

    /// @notice What a score has to reach, with 18 decimals.
    int256 public constant MIN_SCORE = {{ project.bound }};

    /// @notice What a loan is, and what it costs.
    uint256 public constant LOAN = 1 ether;
    uint256 public constant INTEREST = 0.05 ether;

    /// @notice What an approval rests on.
    struct Approval {
        /// The name of the data.
        bytes32 data;
        /// The name of the weights under which they score high enough.
        bytes32 weights;
    }

    /// @notice What somebody's approval rests on.
    mapping(address borrower => Approval) public approvals;

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

    /// @param version The version whose weights count; 0 follows the newest training.
    /// @param bank Who attests data.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version, address bank)
        InferenceConsumer(verifier, modelId, version)
        // One name, which is the attested one; as often as wanted until the attestation expires.
        AttestedConsumer(new bytes32[](1), DATA_SCHEMA, false, bank, msg.sender)
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

    /// @notice Whether somebody may borrow: not after the attestation has ended, nor when other weights count.
    function isApproved(address borrower) public view returns (bool) {
        Approval memory approval = approvals[borrower];
        return isAttested(borrower, approval.data) && VERIFIER.isUsable(_MODEL, _VERSION)
            && VERIFIER.weightsOf(_MODEL, _VERSION) == approval.weights;
    }

    /// @dev The base has compared the data's name with the attested one, and the registry that of the weights. Which threshold the
    /// proof is about, whoever made it chose.
    function _onInference(address borrower, uint256[] calldata instances) internal override {
        if (!{{ project.prefix }}Io.isAtLeast{{ project.claim }}(instances, MIN_SCORE)) revert ScoreTooLow(MIN_SCORE);
        approvals[borrower] = Approval(bytes32(instances[_NAME_START + _ATTESTED]), _weightsOf(instances));
        emit Approved(borrower);
    }
}

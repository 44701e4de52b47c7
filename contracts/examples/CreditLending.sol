// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "../InferenceConsumer.sol";
import {IModelVerifier} from "../interfaces/IModelVerifier.sol";
import {PackedTensor} from "../libraries/PackedTensor.sol";

/// @title A lending pool that gives credit by a score
/// @notice Lenders pool ether. A borrower's features are attested by somebody both sides trust; the model turns them into
/// a score, and the score into a credit line. The pool never sees how, and the borrower cannot choose the score. A line
/// lasts no longer than what it rests on: the attestation it was proved for, and the version of the model.
contract CreditLending is InferenceConsumer {
    using PackedTensor for uint256[];

    /// @notice A borrower's attested features.
    struct Attestation {
        /// Hash of the packed input words.
        bytes32 inputsHash;
        /// Not valid from this time on.
        uint64 expires;
    }

    /// @notice What a borrower may borrow, and has borrowed.
    struct Credit {
        /// May owe as much.
        uint128 limit;
        /// Has borrowed and not paid back.
        uint128 principal;
        /// Owes, interest included.
        uint128 debt;
        /// Has to be paid back by then; the end of time once written off.
        uint64 due;
        /// Hash of the attested inputs that the limit rests on.
        bytes32 inputsHash;
    }

    /// @notice A score below this gives no credit; the scale is the model's quantized output, 0 to 255.
    uint8 public constant MIN_SCORE = 128;
    /// @notice Credit for each point of the score from `MIN_SCORE` on.
    uint128 public constant CREDIT_PER_POINT = 0.01 ether;
    /// @notice What a loan costs, in hundredths of a percent.
    uint128 public constant INTEREST_BPS = 500;
    /// @notice How long a loan lasts.
    uint64 public constant TERM = 30 days;
    /// @notice A lender says so long before that he takes ether out, so that nobody lends for the moment of a repayment, or
    /// leaves before a loan is written off when it is plain that it will be.
    uint64 public constant NOTICE = 3 days;
    /// @notice How long he may then do so.
    uint64 public constant EXIT = 1 days;
    /// @dev Makes it pointless to be the first lender and then give the pool money to spoil rounding.
    uint256 private constant VIRTUAL_SHARES = 1000;

    /// @notice Attests features.
    address public immutable ATTESTER;

    /// @notice Features, by borrower.
    mapping(address borrower => Attestation) public attestations;
    /// @notice Credit, by borrower.
    mapping(address borrower => Credit) public credits;
    /// @notice Shares of the pool, by lender.
    mapping(address lender => uint256) public shares;
    /// @notice From when on a lender may take ether out; zero unless he has said so since he lent last.
    mapping(address lender => uint256) public exitFrom;
    /// @notice All shares.
    uint256 public totalShares;
    /// @notice Lent and not yet paid back, without interest.
    uint256 public lent;

    bool private _entered;

    /// @notice The attester says what a borrower's features are.
    event Attested(address indexed borrower, bytes32 inputsHash, uint64 expires);
    /// @notice A proved score has become a line.
    event CreditGranted(address indexed borrower, uint8 score, uint128 limit);
    /// @notice A lender has added ether, for shares.
    event Deposited(address indexed lender, uint256 amount, uint256 shares);
    /// @notice A lender has taken ether out, for shares.
    event Withdrawn(address indexed lender, uint256 amount, uint256 shares);
    /// @notice A lender will take ether out.
    event ExitAnnounced(address indexed lender, uint256 from);
    /// @notice A loan has begun.
    event Borrowed(address indexed borrower, uint256 amount, uint256 debt);
    /// @notice A loan is paid back.
    event Repaid(address indexed borrower, uint256 debt);
    /// @notice A loan is written off.
    event Defaulted(address indexed borrower, uint256 debt);

    /// @notice Only the attester attests.
    error NotAttester(address caller);
    /// @notice Nobody attests these features to the borrower now.
    error NotAttested(address borrower);
    /// @notice The version that lines rest on must not be used.
    error ModelUnusable(uint256 version);
    /// @notice A version is needed.
    error NoVersion();
    /// @notice There is nothing to pay, borrow or get.
    error AmountIsZero();
    /// @notice Nobody has the address zero.
    error ZeroAddress();
    /// @notice The score gives no credit.
    error ScoreTooLow(uint8 score, uint8 required);
    /// @notice One loan at a time.
    error HasDebt(address borrower);
    /// @notice More than the line, or than the pool has.
    error OverLimit(uint256 amount, uint256 limit);
    /// @notice A loan is paid back whole.
    error WrongAmount(uint256 found, uint256 expected);
    /// @notice The loan may still be paid back in time.
    error NotDue(uint64 due);
    /// @notice Announce it first, and come when it is time.
    error NotExiting(uint256 from);
    /// @notice The receiver refuses ether.
    error TransferFailed(address to);
    /// @notice One call at a time.
    error Reentered();

    modifier nonReentrant() {
        _enter();
        _;
        _entered = false;
    }

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model whose answers count.
    /// @param version Its version.
    /// @param attester Who attests features.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version, address attester)
        InferenceConsumer(verifier, modelId, version)
    {
        if (attester == address(0)) revert ZeroAddress();
        // A line rests on one version, which can be looked up when it is used.
        if (version == 0) revert NoVersion();
        ATTESTER = attester;
    }

    // ── Borrowers ──

    /// @notice Says what a borrower's features are.
    function attest(address borrower, bytes32 inputsHash, uint64 expires) external {
        if (msg.sender != ATTESTER) revert NotAttester(msg.sender);
        attestations[borrower] = Attestation(inputsHash, expires);
        emit Attested(borrower, inputsHash, expires);
    }

    /// @dev Turns a proved score into a credit line.
    function _onInference(address sender, uint256[] calldata instances) internal override {
        bytes32 inputsHash = _inputsHash(instances);
        if (!_isAttested(sender, inputsHash)) revert NotAttested(sender);
        uint8 score = instances.byteAt(_OUTPUT_START, 0);
        if (score < MIN_SCORE) revert ScoreTooLow(score, MIN_SCORE);
        uint128 limit = uint128(score - MIN_SCORE + 1) * CREDIT_PER_POINT;
        credits[sender].limit = limit;
        credits[sender].inputsHash = inputsHash;
        emit CreditGranted(sender, score, limit);
    }

    /// @notice Takes a loan within the credit line, one at a time.
    function borrow(uint128 amount) external nonReentrant {
        Credit storage credit = credits[msg.sender];
        if (amount == 0) revert AmountIsZero();
        if (credit.debt != 0) revert HasDebt(msg.sender);
        if (!_isAttested(msg.sender, credit.inputsHash)) revert NotAttested(msg.sender);
        if (!VERIFIER.isUsable(_MODEL, _VERSION)) revert ModelUnusable(_VERSION);
        if (amount > credit.limit) revert OverLimit(amount, credit.limit);
        if (amount > address(this).balance) revert OverLimit(amount, address(this).balance);
        uint128 debt = amount + (amount * INTEREST_BPS) / 10_000;
        credit.principal = amount;
        credit.debt = debt;
        credit.due = uint64(block.timestamp) + TERM;
        lent += amount;
        emit Borrowed(msg.sender, amount, debt);
        _pay(msg.sender, amount);
    }

    /// @notice Pays a loan back, with its interest.
    function repay() external payable nonReentrant {
        Credit storage credit = credits[msg.sender];
        uint128 debt = credit.debt;
        if (debt == 0) revert AmountIsZero();
        if (msg.value != debt) revert WrongAmount(msg.value, debt);
        // What was written off is no longer counted as lent.
        if (credit.due != type(uint64).max) lent -= credit.principal;
        credit.principal = 0;
        credit.debt = 0;
        emit Repaid(msg.sender, debt);
    }

    /// @notice Writes off a loan that was not paid back in time. Until it is, the borrower gets no other.
    function writeOff(address borrower) external nonReentrant {
        Credit storage credit = credits[borrower];
        if (credit.debt == 0) revert AmountIsZero();
        if (block.timestamp <= credit.due) revert NotDue(credit.due);
        credit.due = type(uint64).max;
        lent -= credit.principal;
        emit Defaulted(borrower, credit.debt);
    }

    // ── Lenders ──

    /// @notice What the pool has and is owed, interest apart.
    function assets() public view returns (uint256) {
        return address(this).balance + lent;
    }

    /// @notice Adds ether to the pool.
    function deposit() external payable nonReentrant returns (uint256 minted) {
        uint256 before = assets() - msg.value;
        minted = (msg.value * (totalShares + VIRTUAL_SHARES)) / (before + 1);
        if (minted == 0) revert AmountIsZero();
        shares[msg.sender] += minted;
        // An announcement is not made for what is lent after it.
        delete exitFrom[msg.sender];
        totalShares += minted;
        emit Deposited(msg.sender, msg.value, minted);
    }

    /// @notice Says that the caller will take ether out, for what it is worth then.
    function announceExit() external {
        uint256 from = block.timestamp + NOTICE;
        exitFrom[msg.sender] = from;
        emit ExitAnnounced(msg.sender, from);
    }

    /// @notice Takes a share of the pool out, as far as it is not lent, when it was announced.
    function withdraw(uint256 burned) external nonReentrant returns (uint256 amount) {
        uint256 from = exitFrom[msg.sender];
        if (from == 0 || block.timestamp < from || block.timestamp >= from + EXIT) revert NotExiting(from);
        amount = (burned * (assets() + 1)) / (totalShares + VIRTUAL_SHARES);
        shares[msg.sender] -= burned;
        totalShares -= burned;
        emit Withdrawn(msg.sender, amount, burned);
        _pay(msg.sender, amount);
    }

    // ── Inside ──

    function _enter() private {
        if (_entered) revert Reentered();
        _entered = true;
    }

    /// Whether these inputs are the borrower's attested ones now.
    function _isAttested(address borrower, bytes32 inputsHash) private view returns (bool) {
        Attestation storage attestation = attestations[borrower];
        return attestation.expires > block.timestamp && attestation.inputsHash == inputsHash;
    }

    function _pay(address to, uint256 amount) private {
        (bool ok,) = to.call{value: amount}("");
        if (!ok) revert TransferFailed(to);
    }
}

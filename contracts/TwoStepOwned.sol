// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title An owner who hands over in two steps
/// @notice The successor has to accept, so a mistyped address never owns anything. There is no giving
/// up: without an owner nobody could stop what must be stopped.
abstract contract TwoStepOwned {
    /// @notice Who owns this.
    address public owner;

    /// @notice Who may accept to own this; zero if nobody.
    address public pendingOwner;

    /// @notice The owner offers to hand over; zero takes the offer back.
    event OwnershipTransferStarted(address indexed from, address indexed to);

    /// @notice There is a new owner.
    event OwnershipTransferred(address indexed from, address indexed to);

    /// @notice Only the owner may do this.
    error NotOwner(address caller);

    /// @notice Only the chosen successor may accept.
    error NotPendingOwner(address caller);

    /// @notice Nobody can be an owner with address zero.
    error ZeroOwner();

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    /// @param initialOwner Who owns this first.
    constructor(address initialOwner) {
        if (initialOwner == address(0)) revert ZeroOwner();
        owner = initialOwner;
        emit OwnershipTransferred(address(0), initialOwner);
    }

    /// @notice Offers to hand over.
    function transferOwnership(address to) external onlyOwner {
        pendingOwner = to;
        emit OwnershipTransferStarted(owner, to);
    }

    /// @notice Accepts to own this.
    function acceptOwnership() external {
        if (msg.sender != pendingOwner) revert NotPendingOwner(msg.sender);
        delete pendingOwner;
        emit OwnershipTransferred(owner, msg.sender);
        owner = msg.sender;
    }
}

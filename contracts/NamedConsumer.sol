// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "./InferenceConsumer.sol";
import {ModelClient} from "./ModelClient.sol";

/// @title Base of consumers whose model has committed inputs
/// @notice A proof tells of what is committed only its name, and whoever makes the proof chooses which. So every name of an
/// input in it is compared here, with a pinned one unless the application says which other one it expects of the sender: an
/// account's enrolled template, say. A name that nobody pinned or expects is refused, so none can be forgotten. The name of
/// committed weights is the version's, and compared by the verifier that the consumer asks.
///
/// `InferenceConsumer` takes its arguments from the contract that inherits this.
abstract contract NamedConsumer is InferenceConsumer {
    /// @notice The name that proofs must have of a committed input, counted from 0; zero where none is pinned.
    mapping(uint256 index => bytes32) public pinnedNames;

    /// @notice Proofs must have another name of an input from now on.
    event NamePinned(uint256 indexed index, bytes32 name);

    /// @notice Proofs of the model name another number of inputs.
    error NameCount(uint256 found, uint256 expected);

    /// @notice There is no name of this input that counts for this sender.
    error NoNameExpected(uint256 index, address sender);

    /// @notice The proof is about something else that is committed.
    error NameMismatch(uint256 index, bytes32 found, bytes32 expected);

    /// @param names The names to pin, of the committed inputs in the model's order. Zero pins none.
    constructor(bytes32[] memory names) {
        if (names.length != _NAMES) revert NameCount(names.length, _NAMES);
        for (uint256 i = 0; i < names.length; ++i) {
            if (names[i] != 0) _pinName(i, names[i]);
        }
    }

    /// @dev Pins another name, as the application's rules have it: an enrolment that is renewed.
    function _pinName(uint256 index, bytes32 name) internal {
        if (index >= _NAMES) revert NameCount(index + 1, _NAMES);
        pinnedNames[index] = name;
        emit NamePinned(index, name);
    }

    /// @inheritdoc ModelClient
    function _comparesNames() internal pure virtual override returns (bool) {
        return true;
    }

    /// @dev Refuses a name but the one that is expected.
    function _useName(uint256 index, address sender, bytes32 name) internal virtual override {
        bytes32 expected = _expectedName(index, sender);
        if (expected == 0) revert NoNameExpected(index, sender);
        if (name != expected) revert NameMismatch(index, name, expected);
    }

    /// @dev The name of an input that a sender's proof must have; zero refuses every one.
    function _expectedName(uint256 index, address) internal view virtual returns (bytes32) {
        return pinnedNames[index];
    }
}

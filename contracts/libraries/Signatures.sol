// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IERC1271} from "../interfaces/IERC1271.sol";
import {FixedCode} from "./FixedCode.sol";

/// @title Who signed a digest
/// @notice An account signs by its key, a contract by what it answers to ERC-1271. An account that delegates to a contract's
/// code by EIP-7702 still signs by its key.
library Signatures {
    /// @dev Half of secp256k1's order: of s and its negation, which sign alike, the smaller counts.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice The signature of an account has r, s and v: 65 bytes.
    error SignatureLength(uint256 found);

    /// @notice The signature could be written in another way: s is not the smaller one, or v neither 27 nor 28.
    error MalleableSignature();

    /// @notice Somebody else signed, or the signer something else: for another chain or another contract, say.
    error WrongSigner(address found, address expected);

    /// @notice The contract that had to sign does not say that it did.
    error NotSignedByContract(address signer);

    /// @notice Reverts unless an account or a contract signed a digest.
    /// @param signer Who has to have signed it; not zero.
    /// @param digest What has to be signed.
    /// @param signature Of an account r, s and v; of a contract whatever that takes.
    function check(address signer, bytes32 digest, bytes calldata signature) internal view {
        bool isCanonical = false;
        address found = address(0);
        if (signature.length == 65) {
            bytes32 s = bytes32(signature[32:64]);
            uint8 v = uint8(signature[64]);
            isCanonical = uint256(s) <= HALF_ORDER && (v == 27 || v == 28);
            if (isCanonical) found = ecrecover(digest, v, bytes32(signature[:32]), s);
            // Zero is what comes of no signature.
            if (found == signer && found != address(0)) return;
        }
        if (FixedCode.isContract(signer)) {
            if (!_answers(signer, digest, signature)) revert NotSignedByContract(signer);
            return;
        }
        if (signature.length != 65) revert SignatureLength(signature.length);
        if (!isCanonical) revert MalleableSignature();
        revert WrongSigner(found, signer);
    }

    /// Whether a contract answers what ERC-1271 has for yes: one word, and that exactly.
    function _answers(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        bytes4 yes = IERC1271.isValidSignature.selector;
        (bool ok, bytes memory answer) =
            signer.staticcall(abi.encodeCall(IERC1271.isValidSignature, (digest, signature)));
        // forge-lint: disable-next-line(unsafe-typecast) all 32 bytes of the answer
        return ok && answer.length == 32 && bytes32(answer) == bytes32(yes);
    }
}

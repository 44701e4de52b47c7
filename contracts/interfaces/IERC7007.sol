// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title ERC-7007: verifiable AI-generated content tokens
/// @dev Every such contract is an ERC-721 and ERC-165 as well. Those interfaces are not inherited here, as ERC-721
/// libraries differ in whether they inherit them; the ERC-165 identifier is the same.
interface IERC7007 {
    /// @notice Content was added to a token.
    event AigcData(uint256 indexed tokenId, bytes indexed prompt, bytes indexed aigcData, bytes proof);

    /// @notice Adds the content that the model makes of the token's prompt.
    function addAigcData(uint256 tokenId, bytes calldata prompt, bytes calldata aigcData, bytes calldata proof) external;

    /// @notice Whether the model makes this content of this prompt.
    function verify(bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        external
        view
        returns (bool success);
}

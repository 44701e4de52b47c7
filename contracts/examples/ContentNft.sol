// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ERC721} from "solady/tokens/ERC721.sol";
import {LibString} from "solady/utils/LibString.sol";
import {ERC7007Content} from "../adapters/ERC7007Content.sol";
import {IModelVerifier} from "../interfaces/IModelVerifier.sol";

/// @title Tokens of prompts, with content that a model makes of them
/// @notice A prompt is claimed in two transactions, so that nobody who sees it can claim it first: `commit` to its hash,
/// then `claim` it in a later block. Then anybody may prove the content and add it.
contract ContentNft is ERC721, ERC7007Content {
    /// @notice The block of a commitment, zero if there is none.
    mapping(bytes32 commitment => uint256 blockNumber) public committedAt;

    /// @notice Somebody has committed to a prompt.
    event Committed(bytes32 indexed commitment);

    /// @notice Commit first, and wait for a block.
    error NotCommitted(bytes32 commitment);

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model that makes the content.
    /// @param version The version that makes the content.
    /// @param promptLength Elements of the model's input.
    /// @param contentLength Elements of the model's output.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version, uint256 promptLength, uint256 contentLength)
        ERC7007Content(verifier, modelId, version, promptLength, contentLength)
    {}

    /// @notice ERC-721 metadata.
    function name() public pure override returns (string memory) {
        return "Verified Content";
    }

    /// @notice ERC-721 metadata.
    function symbol() public pure override returns (string memory) {
        return "VCON";
    }

    /// @notice ERC-721 metadata, by the schema of ERC-7007.
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        if (!_exists(tokenId)) revert TokenDoesNotExist();
        return metadataURI(string.concat("Verified Content ", LibString.toString(tokenId)), tokenId);
    }

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, ERC7007Content) returns (bool) {
        return ERC7007Content.supportsInterface(interfaceId) || ERC721.supportsInterface(interfaceId);
    }

    /// @notice What to commit to: the salt keeps guessable prompts secret.
    function commitmentOf(address claimer, bytes calldata prompt, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(claimer, prompt, salt));
    }

    /// @notice Commits to a prompt.
    function commit(bytes32 commitment) external {
        // The first commitment counts: repeating somebody's does not delay him.
        if (committedAt[commitment] == 0) committedAt[commitment] = block.number;
        emit Committed(commitment);
    }

    /// @notice Claims a prompt that the caller committed to in an earlier block.
    function claim(bytes calldata prompt, bytes32 salt) external returns (uint256 tokenId) {
        if (prompt.length != PROMPT_LENGTH) revert WrongLength(prompt.length, PROMPT_LENGTH);
        bytes32 commitment = commitmentOf(msg.sender, prompt, salt);
        uint256 blockNumber = committedAt[commitment];
        if (blockNumber == 0 || blockNumber >= block.number) revert NotCommitted(commitment);
        tokenId = tokenIdOf(prompt);
        _safeMint(msg.sender, tokenId);
    }

    function _tokenExists(uint256 tokenId) internal view override returns (bool) {
        return _exists(tokenId);
    }
}

// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {ERC7007Content} from "zkverdict/adapters/ERC7007Content.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";

/// @title A register of what `{{ project.model }}` made
/// @notice Somebody claims a prompt, in two transactions, so that nobody who sees it claims it first. Anybody proves what the
/// model makes of it, and the register keeps both: whoever meets the content later finds out that it is the model's, of which
/// prompt, and whose that was. Tokens stay with their authors; for those that are sold, inherit the ERC-721 of your library.
contract {{ project.prefix }}Consumer is ERC7007Content {
    /// @notice The block of a commitment to a prompt; zero if there is none.
    mapping(bytes32 commitment => uint256 blockNumber) public committedAt;

    /// @notice Who claimed a prompt, by its token.
    mapping(uint256 tokenId => address) public authorOf;

    /// @notice Somebody has claimed a prompt.
    event Claimed(uint256 indexed tokenId, address indexed author);

    /// @notice Commit first, and wait for a block.
    error NotCommitted(bytes32 commitment);

    /// @notice Somebody has claimed the prompt.
    error ClaimedAlready(uint256 tokenId, address author);

    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version)
        ERC7007Content(verifier, modelId, version, {{ project.input_length }}, {{ project.output_length }})
    {}

    /// @notice What to commit to: the salt keeps guessable prompts secret.
    function commitmentOf(address author, bytes calldata prompt, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(author, prompt, salt));
    }

    /// @notice Commits to a prompt.
    function commit(bytes32 commitment) external {
        // The first commitment counts: repeating somebody's does not delay them.
        if (committedAt[commitment] == 0) committedAt[commitment] = block.number;
    }

    /// @notice Claims a prompt that the caller committed to in an earlier block.
    function claim(bytes calldata prompt, bytes32 salt) external returns (uint256 tokenId) {
        if (prompt.length != PROMPT_LENGTH) revert WrongLength(prompt.length, PROMPT_LENGTH);
        bytes32 commitment = commitmentOf(msg.sender, prompt, salt);
        uint256 blockNumber = committedAt[commitment];
        if (blockNumber == 0 || blockNumber >= block.number) revert NotCommitted(commitment);
        tokenId = tokenIdOf(prompt);
        if (authorOf[tokenId] != address(0)) revert ClaimedAlready(tokenId, authorOf[tokenId]);
        authorOf[tokenId] = msg.sender;
        emit Claimed(tokenId, msg.sender);
    }

    /// @notice Whether the model made this content of a token's prompt, and whose that is.
    function provenanceOf(uint256 tokenId, bytes calldata content)
        external
        view
        returns (bool isAuthentic, address author)
    {
        return (contentHash[tokenId] == keccak256(content), authorOf[tokenId]);
    }

    function _tokenExists(uint256 tokenId) internal view override returns (bool) {
        return authorOf[tokenId] != address(0);
    }
}

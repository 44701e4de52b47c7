// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {ERC721} from "solady/tokens/ERC721.sol";
import {IERC7007} from "../interfaces/IERC7007.sol";
import {IModelVerifier} from "../interfaces/IModelVerifier.sol";
import {InferenceContext} from "../libraries/InferenceContext.sol";
import {PackedTensor} from "../libraries/PackedTensor.sol";

/// @title ERC-7007 tokens for a model with one input and one output tensor
/// @notice The prompt is the model's input, the content its output, one byte an element as instances have them. A
/// token's id is the hash of its prompt. Anybody may add the content, since the model says what it is; proofs are
/// made with the context of sender zero and the token's id as nonce.
abstract contract ERC7007Content is ERC721, IERC7007 {
    using PackedTensor for bytes;

    /// @notice Checks proofs.
    IModelVerifier public immutable VERIFIER;

    /// @notice The model that makes the content.
    bytes32 public immutable MODEL_ID;

    /// @notice The version that makes the content. Never "the newest": content must not change.
    uint256 public immutable VERSION;

    /// @notice Elements of the model's input.
    uint256 public immutable PROMPT_LENGTH;

    /// @notice Elements of the model's output.
    uint256 public immutable CONTENT_LENGTH;

    /// @notice Hash of a token's content, zero while it has none.
    mapping(uint256 tokenId => bytes32) public contentHash;

    /// @notice The token belongs to another prompt.
    error WrongPrompt(uint256 tokenId, uint256 expected);

    /// @notice Prompt or content has another number of elements than the model.
    error WrongLength(uint256 found, uint256 expected);

    /// @notice Content is added once.
    error HasContent(uint256 tokenId);

    /// @notice The model does not make this content of this prompt, or the proof does not show it.
    error NotVerified();

    /// @notice A version is needed.
    error NoVersion();

    constructor(
        IModelVerifier verifier,
        bytes32 modelId,
        uint256 version,
        uint256 promptLength,
        uint256 contentLength
    ) {
        if (version == 0) revert NoVersion();
        VERIFIER = verifier;
        MODEL_ID = modelId;
        VERSION = version;
        PROMPT_LENGTH = promptLength;
        CONTENT_LENGTH = contentLength;
    }

    /// @notice The token of a prompt.
    function tokenIdOf(bytes calldata prompt) public pure returns (uint256) {
        return uint256(keccak256(prompt));
    }

    /// @notice The context that a proof of a token's content is made with.
    function contextOf(uint256 tokenId) public view returns (uint256) {
        return InferenceContext.derive(address(this), address(0), tokenId);
    }

    /// @inheritdoc IERC7007
    function addAigcData(uint256 tokenId, bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        external
    {
        if (!_exists(tokenId)) revert TokenDoesNotExist();
        uint256 expected = tokenIdOf(prompt);
        if (tokenId != expected) revert WrongPrompt(tokenId, expected);
        if (contentHash[tokenId] != 0) revert HasContent(tokenId);
        if (!verify(prompt, aigcData, proof)) revert NotVerified();
        contentHash[tokenId] = keccak256(aigcData);
        emit AigcData(tokenId, prompt, aigcData, proof);
    }

    /// @inheritdoc IERC7007
    function verify(bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        public
        view
        returns (bool success)
    {
        if (prompt.length != PROMPT_LENGTH) revert WrongLength(prompt.length, PROMPT_LENGTH);
        if (aigcData.length != CONTENT_LENGTH) revert WrongLength(aigcData.length, CONTENT_LENGTH);
        uint256[] memory inputs = prompt.pack();
        uint256[] memory outputs = aigcData.pack();
        uint256[] memory instances = new uint256[](1 + inputs.length + outputs.length);
        instances[0] = contextOf(tokenIdOf(prompt));
        for (uint256 i = 0; i < inputs.length; ++i) {
            instances[1 + i] = inputs[i];
        }
        for (uint256 i = 0; i < outputs.length; ++i) {
            instances[1 + inputs.length + i] = outputs[i];
        }
        try VERIFIER.verifyInference(MODEL_ID, VERSION, proof, instances) {
            return true;
        } catch {
            return false;
        }
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 interfaceId) public view virtual override returns (bool) {
        return interfaceId == type(IERC7007).interfaceId || super.supportsInterface(interfaceId);
    }
}

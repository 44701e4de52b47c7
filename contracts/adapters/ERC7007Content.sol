// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IERC7007} from "../interfaces/IERC7007.sol";
import {IModelVerifier} from "../interfaces/IModelVerifier.sol";
import {InferenceContext} from "../libraries/InferenceContext.sol";
import {PackedTensor} from "../libraries/PackedTensor.sol";
import {VerifierShape} from "../libraries/VerifierShape.sol";

/// @title ERC-7007 tokens for a model with one input and one output tensor
/// @notice The prompt is the model's input, the content its output, one byte an element as instances have them. A
/// token's id is the hash of its prompt. Anybody may add the content, since the model says what it is; proofs are
/// made with the context of sender zero and the token's id as nonce.
///
/// This is no ERC-721 itself: inherit it beside the ERC-721 of your library, and say which tokens there are.
abstract contract ERC7007Content is IERC7007 {
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

    /// @notice A token's prompt, empty until its content is added.
    mapping(uint256 tokenId => bytes) public promptOf;

    /// @notice A token's content, empty until it is added.
    mapping(uint256 tokenId => bytes) public contentOf;

    /// @notice There is no such token.
    error NoSuchToken(uint256 tokenId);

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

    /// @notice The model has other inputs or outputs.
    error AnotherShape(uint256 inputs, uint256 outputs);

    /// @param verifier A registry, or a verifier of one model.
    /// @param modelId The model that makes the content.
    /// @param version The version that makes the content.
    /// @param promptLength Elements of the model's input.
    /// @param contentLength Elements of the model's output.
    constructor(
        IModelVerifier verifier,
        bytes32 modelId,
        uint256 version,
        uint256 promptLength,
        uint256 contentLength
    ) {
        if (version == 0) revert NoVersion();
        IModelVerifier.Shape memory shape = verifier.shapeOf(modelId, version);
        uint256 outputs = shape.instances - shape.firstOutput;
        if (
            shape.hidesInputs || shape.firstInput != 1 || shape.inputs != PackedTensor.words(promptLength)
                || shape.firstOutput != 1 + shape.inputs || outputs != PackedTensor.words(contentLength)
        ) revert AnotherShape(shape.inputs, outputs);
        if (shape.unsafeDevSrs && !VerifierShape.isLocal()) {
            revert VerifierShape.UnsafeDevSrs(address(verifier), block.chainid);
        }
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
        return InferenceContext.derive(InferenceContext.CONTENT, address(this), address(0), tokenId);
    }

    /// @inheritdoc IERC7007
    function addAigcData(uint256 tokenId, bytes calldata prompt, bytes calldata aigcData, bytes calldata proof)
        external
    {
        if (!_tokenExists(tokenId)) revert NoSuchToken(tokenId);
        uint256 expected = tokenIdOf(prompt);
        if (tokenId != expected) revert WrongPrompt(tokenId, expected);
        if (contentHash[tokenId] != 0) revert HasContent(tokenId);
        if (!verify(prompt, aigcData, proof)) revert NotVerified();
        contentHash[tokenId] = keccak256(aigcData);
        promptOf[tokenId] = prompt;
        contentOf[tokenId] = aigcData;
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

    /// @notice What kind of content this is, for `aigc_type` of the metadata: image, video, audio, or a media type.
    function aigcType() public view virtual returns (string memory) {
        return "application/octet-stream";
    }

    /// @notice Metadata by the schema of ERC-7007, as a data URI: `prompt` in hexadecimal, `aigc_data` a data URI of the
    /// content. Both are empty until the content is added.
    /// @param name What the token is called; without anything that JSON or a URI would have to escape: what follows a `#`
    /// is no part of the document.
    /// @param tokenId The token.
    function metadataURI(string memory name, uint256 tokenId) public view returns (string memory) {
        bytes memory content = contentOf[tokenId];
        bytes memory data =
            content.length == 0 ? bytes("") : abi.encodePacked("data:", aigcType(), ",", _hexadecimal(content, "%25"));
        return string(
            abi.encodePacked(
                'data:application/json;utf8,{"name":"',
                name,
                '","description":"Content that a model makes of a prompt, with a proof of it","prompt":"',
                promptOf[tokenId].length == 0 ? bytes("") : abi.encodePacked("0x", _hexadecimal(promptOf[tokenId], "")),
                '","aigc_type":"',
                aigcType(),
                '","aigc_data":"',
                data,
                '","proof_type":"validity"}'
            )
        );
    }

    /// @notice ERC-165: ERC-7007 alone. An ERC-721 beside it adds its own.
    function supportsInterface(bytes4 interfaceId) public view virtual returns (bool) {
        return interfaceId == type(IERC7007).interfaceId;
    }

    /// @dev Whether there is such a token.
    function _tokenExists(uint256 tokenId) internal view virtual returns (bool);

    /// Two digits for each byte, each after a prefix. In a data URI inside a data URI, a percent sign is `%25`.
    function _hexadecimal(bytes memory data, bytes memory prefix) private pure returns (bytes memory digits) {
        bytes16 symbols = "0123456789abcdef";
        uint256 step = prefix.length + 2;
        digits = new bytes(step * data.length);
        for (uint256 i = 0; i < data.length; ++i) {
            for (uint256 j = 0; j < prefix.length; ++j) {
                digits[step * i + j] = prefix[j];
            }
            digits[step * i + prefix.length] = symbols[uint8(data[i]) >> 4];
            digits[step * i + prefix.length + 1] = symbols[uint8(data[i]) & 0x0f];
        }
    }
}

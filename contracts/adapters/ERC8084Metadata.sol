// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {IHalo2Verifier} from "../interfaces/IHalo2Verifier.sol";
import {IZKMetadata} from "../interfaces/IERC8084.sol";

/// @title ERC-8084 metadata of one verifier, which never change
/// @dev The reading of the draft's table is that its identifiers are numbers, so Halo2 is `0x00000003`.
contract ERC8084Metadata is IZKMetadata {
    /// @notice The verifier that these are the metadata of.
    IHalo2Verifier public immutable VERIFIER;

    /// @inheritdoc IZKMetadata
    bytes32 public immutable circuitId;

    /// @inheritdoc IZKMetadata
    uint64 public immutable circuitVersion;

    /// @inheritdoc IZKMetadata
    bytes32 public immutable publicInputsSchemaHash;

    /// @inheritdoc IZKMetadata
    bytes4 public constant proofSystem = 0x00000003;

    /// @inheritdoc IZKMetadata
    string public publicInputsSchemaURI;

    /// @inheritdoc IZKMetadata
    string public verificationKeyURI;

    /// @notice The URI does not say by its own what it leads to: give a content-addressed one, or append `#0x` and the hash.
    error UriWithoutHash(string uri);

    /// @notice The schema's URI says that it leads to another document.
    error AnotherHash(bytes32 found, bytes32 expected);

    /// @param verifier The verifier; its digest names circuit, rows, instances and trusted setup.
    /// @param modelDigest Hash of the artifact that the key is made from; zero takes the verifier's own digest of the key.
    /// @param version Major version in the upper 32 bits, minor version in the lower.
    /// @param schemaHash Keccak-256 of the document that describes the instances.
    /// @param schemaURI Where that document is.
    /// @param keyURI Where the verifying key is.
    constructor(
        IHalo2Verifier verifier,
        bytes32 modelDigest,
        uint64 version,
        bytes32 schemaHash,
        string memory schemaURI,
        string memory keyURI
    ) {
        (bool told, bytes32 hash) = _hashIn(schemaURI);
        if (told && hash != schemaHash) revert AnotherHash(hash, schemaHash);
        _hashIn(keyURI);
        VERIFIER = verifier;
        circuitId = modelDigest == 0 ? verifier.VK_DIGEST() : modelDigest;
        circuitVersion = version;
        publicInputsSchemaHash = schemaHash;
        publicInputsSchemaURI = schemaURI;
        verificationKeyURI = keyURI;
        emit CircuitMetadataUpdated(circuitId, version, proofSystem);
    }

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IZKMetadata).interfaceId || interfaceId == 0x01ffc9a7;
    }

    /// What `http` and `https` lead to may change, so the hash has to stand in the URI: `#0x` and 64 digits at its end.
    function _hashIn(string memory uri) private pure returns (bool told, bytes32 hash) {
        bytes memory text = bytes(uri);
        if (!_isWeb(text)) return (false, 0);
        if (text.length < 71) revert UriWithoutHash(uri);
        uint256 start = text.length - 67;
        if (text[start] != "#" || text[start + 1] != "0" || text[start + 2] != "x") revert UriWithoutHash(uri);
        uint256 value = 0;
        for (uint256 i = start + 3; i < text.length; ++i) {
            uint8 digit = uint8(text[i]);
            if (digit >= 0x30 && digit < 0x3a) digit -= 0x30;
            else if (digit | 0x20 >= 0x61 && digit | 0x20 < 0x67) digit = (digit | 0x20) - 0x57;
            else revert UriWithoutHash(uri);
            value = value << 4 | digit;
        }
        return (true, bytes32(value));
    }

    /// Whether a URI begins with `http`, in letters of either size.
    function _isWeb(bytes memory text) private pure returns (bool) {
        bytes4 http = "http";
        if (text.length < 4) return false;
        for (uint256 i = 0; i < 4; ++i) {
            if (text[i] | 0x20 != http[i]) return false;
        }
        return true;
    }
}

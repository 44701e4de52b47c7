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
        _requireHash(schemaURI);
        _requireHash(keyURI);
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

    /// What `http` and `https` lead to may change, so the hash has to stand in the URI.
    function _requireHash(string memory uri) private pure {
        bytes memory text = bytes(uri);
        if (text.length < 4 || keccak256(_start(text, 4)) != keccak256("http")) return;
        for (uint256 i = 0; i + 66 < text.length; ++i) {
            if (text[i] == "#" && text[i + 1] == "0" && text[i + 2] == "x" && i + 67 == text.length) return;
        }
        revert UriWithoutHash(uri);
    }

    function _start(bytes memory text, uint256 length) private pure returns (bytes memory start) {
        start = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            start[i] = text[i];
        }
    }
}

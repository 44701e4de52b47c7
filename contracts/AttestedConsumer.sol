// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {InferenceConsumer} from "./InferenceConsumer.sol";
import {NamedConsumer} from "./NamedConsumer.sol";
import {TwoStepOwned} from "./TwoStepOwned.sol";
import {IAttestedConsumer} from "./interfaces/IAttestedConsumer.sol";
import {IERC5267} from "./interfaces/IERC5267.sol";
import {Signatures} from "./libraries/Signatures.sol";

/// @title Base of consumers that act on private data for which an issuer vouches
/// @notice The model has a committed input, or a hashed one (`_attestedHash`). An issuer signs its name, or its hash, for a subject,
/// who shows the signature and proves what the model makes of the data; nobody else learns them. A proof about any other
/// name or hash is refused, also where the application does not think of it. What is said of names here is true of hashes.
///
/// The owner replaces the issuer, and so decides whose word counts. An application that has something rest on attested
/// data asks `isAttested` again when it is used.
abstract contract AttestedConsumer is NamedConsumer, TwoStepOwned, IAttestedConsumer, IERC5267 {
    bytes32 private constant _DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant _ATTESTATION_TYPE =
        keccak256("Attestation(bytes32 name,bytes32 schema,address subject,uint64 expiry,uint64 nonce)");
    bytes32 private constant _DOMAIN_NAME = keccak256("zkverdict attestation");
    bytes32 private constant _DOMAIN_VERSION = keccak256("1");

    /// @dev What is known of a name for a subject: one word, so that a proof costs one new word of storage.
    struct Presented {
        /// Of the attestation that was shown; zero while there is none.
        uint64 nonce;
        uint64 expiry;
        /// Up to which number attestations were taken back.
        uint64 revoked;
        /// Which issuer all this is from, counted from 1.
        uint32 term;
        /// Whether a proof was accepted, which neither another attestation nor another issuer undoes.
        bool isUsed;
    }

    /// @inheritdoc IAttestedConsumer
    bytes32 public immutable SCHEMA;

    /// @inheritdoc IAttestedConsumer
    bool public immutable IS_USED_ONCE;

    /// @dev Which of the names is the attested one; none if it is a hash.
    uint256 internal immutable _ATTESTED;

    /// @dev Where it is in the instances of an inference.
    uint256 private immutable _POSITION;

    uint256 private constant _NONE = type(uint256).max;

    /// @inheritdoc IAttestedConsumer
    address public issuer;

    /// @dev Issuers so far.
    uint32 private _term;

    mapping(address subject => mapping(bytes32 name => Presented)) private _presented;

    /// @param names The names that are pinned, in the order of the instances, and zero for the one that is attested, unless it is a
    /// hash.
    /// @param schema What attested data have to mean.
    /// @param isUsedOnce Whether a name counts once for its subject, rather than until its attestation expires.
    /// @param firstIssuer Who attests: an account, or a contract that answers to ERC-1271.
    /// @param initialOwner Who may replace the issuer.
    constructor(bytes32[] memory names, bytes32 schema, bool isUsedOnce, address firstIssuer, address initialOwner)
        NamedConsumer(names)
        TwoStepOwned(initialOwner)
    {
        uint256 attested = 0;
        uint256 count = 0;
        for (uint256 i = 0; i < names.length; ++i) {
            if (names[i] == 0) (attested, count) = (i, count + 1);
        }
        uint256 hash = _attestedHash();
        if (count != (hash == 0 ? 1 : 0)) revert AttestedNameCount(count);
        if (hash != 0 && (hash < _INPUT_START || hash >= _INPUT_END)) {
            revert AttestedHashPosition(hash, _INPUT_START, _INPUT_END);
        }
        _ATTESTED = hash == 0 ? attested : _NONE;
        _POSITION = hash == 0 ? _NAME_START + attested : hash;
        SCHEMA = schema;
        IS_USED_ONCE = isUsedOnce;
        _replaceIssuer(firstIssuer);
    }

    // ── Subjects ──

    /// @inheritdoc IAttestedConsumer
    function presentAttestation(Attestation calldata attestation, bytes calldata signature) public {
        if (attestation.subject != msg.sender) revert OtherSubject(attestation.subject, msg.sender);
        if (attestation.schema != SCHEMA) revert OtherSchema(attestation.schema, SCHEMA);
        Signatures.check(issuer, digestOf(attestation), signature);
        Presented memory presented = _ofTerm(msg.sender, attestation.name);
        (presented.nonce, presented.expiry) = (attestation.nonce, attestation.expiry);
        _requireInForce(presented);
        _presented[msg.sender][attestation.name] = presented;
    }

    /// @inheritdoc IAttestedConsumer
    function submitAttested(
        Attestation calldata attestation,
        bytes calldata signature,
        bytes calldata proof,
        uint256[] calldata instances
    ) external {
        uint256 position = _POSITION;
        bytes32 name = bytes32(position < instances.length ? instances[position] : 0);
        if (name != attestation.name) revert NameMismatch(_ATTESTED, name, attestation.name);
        presentAttestation(attestation, signature);
        submitInference(proof, instances);
    }

    /// @inheritdoc IAttestedConsumer
    function isAttested(address subject, bytes32 name) public view returns (bool) {
        Presented memory presented = _ofTerm(subject, name);
        return presented.nonce > presented.revoked && block.timestamp < presented.expiry;
    }

    // ── The issuer and the owner ──

    /// @inheritdoc IAttestedConsumer
    function revokeAttestation(address subject, bytes32 name, uint64 nonce) external {
        if (msg.sender != issuer) revert NotIssuer(msg.sender);
        Presented memory presented = _ofTerm(subject, name);
        // For good: what was taken back does not come back by taking less back.
        if (nonce > presented.revoked) presented.revoked = nonce;
        _presented[subject][name] = presented;
        emit AttestationRevoked(subject, name, presented.revoked);
    }

    /// @inheritdoc IAttestedConsumer
    function revokedUpTo(address subject, bytes32 name) external view returns (uint64 nonce) {
        return _ofTerm(subject, name).revoked;
    }

    /// @notice Has somebody else attest. What the one before attested counts no more: subjects show attestations of the new one.
    function replaceIssuer(address to) external onlyOwner {
        _replaceIssuer(to);
    }

    // ── What is signed ──

    /// @inheritdoc IAttestedConsumer
    function digestOf(Attestation calldata attestation) public view returns (bytes32) {
        bytes32 domain =
            keccak256(abi.encode(_DOMAIN_TYPE, _DOMAIN_NAME, _DOMAIN_VERSION, block.chainid, address(this)));
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(_ATTESTATION_TYPE, attestation))));
    }

    /// @inheritdoc IERC5267
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        // Name, version, chain and contract; neither salt nor extensions.
        return (hex"0f", "zkverdict attestation", "1", block.chainid, address(this), salt, extensions);
    }

    /// @inheritdoc InferenceConsumer
    function supportsInterface(bytes4 interfaceId) public view virtual override returns (bool) {
        return interfaceId == type(IAttestedConsumer).interfaceId || super.supportsInterface(interfaceId);
    }

    // ── Inside ──

    /// @inheritdoc NamedConsumer
    function _useName(uint256 index, address sender, bytes32 name) internal override {
        if (index != _ATTESTED) return super._useName(index, sender, name);
        _useAttested(sender, name);
    }

    /// @inheritdoc InferenceConsumer
    function _useHash(address sender, uint256[] calldata instances) internal override {
        if (_ATTESTED == _NONE) _useAttested(sender, bytes32(instances[_POSITION]));
    }

    /// @dev Where the hash that is attested is in the instances of an inference, as the rendered library has it (`X_HASH`); zero
    /// where a name is attested. Asked once, at the construction.
    function _attestedHash() internal pure virtual returns (uint256) {
        return 0;
    }

    /// Refuses a name that is not attested for a sender now, and uses it up where it counts once.
    function _useAttested(address sender, bytes32 name) private {
        Presented memory presented = _presented[sender][name];
        if (presented.nonce == 0) revert NotAttested(sender, name);
        if (presented.term != _term) revert FormerIssuer(sender, name);
        _requireInForce(presented);
        if (!IS_USED_ONCE) return;
        if (presented.isUsed) revert NameUsed(sender, name);
        _presented[sender][name].isUsed = true;
    }

    /// Reverts, and says why, if an attestation of the present issuer has ended.
    function _requireInForce(Presented memory presented) private view {
        if (presented.nonce <= presented.revoked) revert RevokedAttestation(presented.nonce, presented.revoked);
        if (block.timestamp >= presented.expiry) revert AttestationExpired(presented.expiry);
    }

    /// What is known of a name for a subject from the present issuer.
    function _ofTerm(address subject, bytes32 name) private view returns (Presented memory presented) {
        presented = _presented[subject][name];
        uint32 term = _term;
        if (presented.term != term) return Presented(0, 0, 0, term, presented.isUsed);
    }

    function _replaceIssuer(address to) private {
        if (to == address(0)) revert ZeroIssuer();
        emit IssuerReplaced(issuer, to);
        issuer = to;
        ++_term;
    }
}

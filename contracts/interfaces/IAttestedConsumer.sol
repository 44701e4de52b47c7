// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title A consumer that acts on committed or hashed data for which somebody vouches
/// @notice An issuer, who knows somebody's data, signs the name of a commitment to them, or a hash of them. The data stay with
/// whoever proves.
interface IAttestedConsumer {
    /// @notice What an issuer signs, by EIP-712. The type is
    /// `Attestation(bytes32 name,bytes32 schema,address subject,uint64 expiry,uint64 nonce)`, the domain has the name
    /// `zkverdict attestation`, version `1`, the chain's id and the consumer's address.
    struct Attestation {
        /// The name of the committed input, or the hash of the hashed one.
        bytes32 name;
        /// What the data mean: their fields, units and order. The hash of a description.
        bytes32 schema;
        /// Who may use it.
        address subject;
        /// Not valid from this time on.
        uint64 expiry;
        /// Which of the issuer's attestations of this name for this subject it is, counted from 1: what is taken back is taken
        /// back up to a number.
        uint64 nonce;
    }

    /// @notice The issuer takes back what it attested of a name to a subject, up to this one.
    event AttestationRevoked(address indexed subject, bytes32 indexed name, uint64 nonce);

    /// @notice Somebody else attests from now on, and what was attested before counts no more.
    event IssuerReplaced(address indexed from, address indexed to);

    /// @notice The attestation is for somebody else than the caller.
    error OtherSubject(address found, address expected);

    /// @notice The attested data mean something else.
    error OtherSchema(bytes32 found, bytes32 expected);

    /// @notice Nobody has shown an attestation of this name for this subject.
    error NotAttested(address subject, bytes32 name);

    /// @notice Who attested it is not the issuer any more.
    error FormerIssuer(address subject, bytes32 name);

    /// @notice The attestation was valid until then.
    error AttestationExpired(uint64 expiry);

    /// @notice The issuer took its attestations back up to this one; none has the number 0.
    error RevokedAttestation(uint64 nonce, uint64 revokedUpTo);

    /// @notice A name is used once here, and was.
    error NameUsed(address subject, bytes32 name);

    /// @notice Only the issuer takes attestations back.
    error NotIssuer(address caller);

    /// @notice Nobody signs with the address zero.
    error ZeroIssuer();

    /// @notice Of the names in a proof exactly one is the attested one, the one that is not pinned; none if a hash is attested.
    error AttestedNameCount(uint256 found);

    /// @notice The attested hash is not among the inputs of a proof, which have these instances.
    error AttestedHashPosition(uint256 found, uint256 inputStart, uint256 inputEnd);

    /// @notice What attested data have to mean.
    function SCHEMA() external view returns (bytes32);

    /// @notice Whether a name counts once for its subject, rather than until its attestation expires.
    function IS_USED_ONCE() external view returns (bool);

    /// @notice Who attests: an account, or a contract that answers to ERC-1271.
    function issuer() external view returns (address);

    /// @notice Up to which number the present issuer took its attestations of a name for a subject back; 0 for none.
    function revokedUpTo(address subject, bytes32 name) external view returns (uint64 nonce);

    /// @notice Whether a name is attested for a subject now. Whatever rests on it should ask again when it is used.
    function isAttested(address subject, bytes32 name) external view returns (bool);

    /// @notice What the issuer signs for an attestation.
    function digestOf(Attestation calldata attestation) external view returns (bytes32);

    /// @notice Shows an attestation of the caller's. Proofs about its name count from now on.
    function presentAttestation(Attestation calldata attestation, bytes calldata signature) external;

    /// @notice Shows an attestation, and submits a proof about its name, in one transaction.
    /// @param attestation What the issuer signed for the caller.
    /// @param signature The issuer's signature.
    /// @param proof The proof.
    /// @param instances What it proves.
    function submitAttested(
        Attestation calldata attestation,
        bytes calldata signature,
        bytes calldata proof,
        uint256[] calldata instances
    ) external;

    /// @notice Takes an attestation back, and those before it, shown already or not, for good. By the issuer alone.
    /// @param subject Whom it is for.
    /// @param name What it attests.
    /// @param nonce Its number.
    function revokeAttestation(address subject, bytes32 name, uint64 nonce) external;
}

//! The interfaces of `contracts/` as Rust types, the errors that their contracts revert with, and the contract that
//! deploys others.

use std::sync::LazyLock;

use alloy::{json_abi::JsonAbi, primitives::Address, sol};

/// The deterministic deployer.
pub const CREATE2_DEPLOYER: Address = Address::new(crate::solidity::DEPLOYER);

sol! {
    /// What every Halo2 verifier answers to.
    #[derive(Debug)]
    #[sol(abi)]
    interface IHalo2Verifier {
        error InvalidProof();
        error ProofLength(uint256 received, uint256 expected);
        error InstanceCount(uint256 received, uint256 expected);
        error MalformedCalldata();
        error ScalarOutOfRange(uint256 index);
        error PointNotOnCurve(uint256 index);
        error WrongName(uint256 link);
        error ChallengeInDomain();
        error PrecompileFailed(uint256 precompile);
        error MemoryInUse();
        error WrongPart(uint256 part, bytes reason);
        error OtherPart(uint256 part, address found);
        error EmptyBatch();
        error BatchLength(uint256 proofs, uint256 instances);

        function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool);
        function VK_DIGEST() external view returns (bytes32);
        function NUM_INSTANCES() external view returns (uint256);
    }

    /// ERC-165.
    interface IERC165 {
        function supportsInterface(bytes4 interfaceId) external view returns (bool);
    }

    /// A contract that acts on the answers of a model.
    #[derive(Debug)]
    #[sol(abi)]
    interface IInferenceConsumer {
        event InferenceAccepted(
            address indexed sender,
            uint256 indexed nonce,
            uint256 indexed version,
            bytes32 inputsHash,
            bytes32 outputsHash
        );

        error WrongContext(uint256 found, uint256 expected);

        function MODEL_ID() external view returns (bytes32);
        function PINNED_VERSION() external view returns (uint256);
        function nonces(address sender) external view returns (uint256);
        function contextOf(address sender) external view returns (uint256);
        function submitInference(bytes calldata proof, uint256[] calldata instances) external;
    }

    /// A contract that acts on committed data for which an issuer vouches.
    #[derive(Debug)]
    #[sol(abi)]
    interface IAttestedConsumer {
        struct Attestation {
            bytes32 name;
            bytes32 schema;
            address subject;
            uint64 expiry;
            uint64 nonce;
        }

        error OtherSubject(address found, address expected);
        error OtherSchema(bytes32 found, bytes32 expected);
        error NotAttested(address subject, bytes32 name);
        error FormerIssuer(address subject, bytes32 name);
        error AttestationExpired(uint64 expiry);
        error RevokedAttestation(uint64 nonce, uint64 revokedUpTo);
        error NameUsed(address subject, bytes32 name);
        error NotIssuer(address caller);
        error ZeroIssuer();
        error AttestedNameCount(uint256 found);
        error AttestedHashPosition(uint256 found, uint256 inputStart, uint256 inputEnd);
        error UncomparedNames(uint256 names);
        error NameCount(uint256 found, uint256 expected);
        error NoNameExpected(uint256 index, address sender);
        error NameMismatch(uint256 index, bytes32 found, bytes32 expected);
        error SignatureLength(uint256 found);
        error MalleableSignature();
        error WrongSigner(address found, address expected);
        error NotSignedByContract(address signer);

        function SCHEMA() external view returns (bytes32);
        function issuer() external view returns (address);
        function isAttested(address subject, bytes32 name) external view returns (bool);
        function digestOf(Attestation calldata attestation) external view returns (bytes32);
        function presentAttestation(Attestation calldata attestation, bytes calldata signature) external;
        function submitAttested(
            Attestation calldata attestation,
            bytes calldata signature,
            bytes calldata proof,
            uint256[] calldata instances
        ) external;
        function revokeAttestation(address subject, bytes32 name, uint64 nonce) external;
    }

    /// A contract that asks for a model's answers, which operators then prove.
    #[derive(Debug)]
    #[sol(abi)]
    interface IRequestConsumer {
        event InferenceRequested(uint256 indexed requestId, address indexed requester, uint256[] inputs);
        event InferenceAnswered(uint256 indexed requestId, address indexed operator, uint256 indexed version);

        error NotOpen(uint256 requestId);
        error WrongContext(uint256 found, uint256 expected);
        error WrongInputs(uint256 requestId);
        error UnprovableInputs();
        error HiddenInputs();
        error NotPinnedVersion(uint256 found, uint256 pinned);
        error NotCurrentVersion(uint256 version);

        function MODEL_ID() external view returns (bytes32);
        function PINNED_VERSION() external view returns (uint256);
        function isOpen(uint256 requestId) external view returns (bool);
        function contextOf(address operator, uint256 requestId) external view returns (uint256);
        function answerInference(uint256 requestId, bytes calldata proof, uint256[] calldata instances) external;
    }

    /// A contract that depends on one model.
    interface IModelClient {
        function VERIFIER() external view returns (address);
    }

    /// Models, their versions, and the verifiers that check them.
    #[derive(Debug)]
    #[sol(abi)]
    interface IModelRegistry {
        /// What may be done with a version.
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Status {
            /// There is no such version.
            Absent,
            /// Its proofs are accepted.
            Active,
            /// Stopped, and may be resumed.
            Stopped,
            /// Two valid proofs contradict each other.
            Contradicted,
            /// Withdrawn for good.
            Tombstoned,
            /// Withdrawn without blame; its key may be added again.
            Retired
        }

        struct Shape {
            uint32 instances;
            uint32 contexts;
            uint32 firstInput;
            uint32 inputs;
            uint32 firstOutput;
            bool unsafeDevSrs;
            uint32 names;
            bool hidesInputs;
            uint32 claims;
            bool namesWeights;
        }

        struct Version {
            address verifier;
            Status status;
            bool vouched;
            uint64 activeSince;
            bool namesWeights;
            bool inParts;
            Shape shape;
            bytes32 vkDigest;
            bytes32 codeHash;
            string metadataURI;
            bytes32 weights;
        }

        struct Inference {
            bytes proof;
            uint256[] instances;
        }

        event VersionAdded(
            bytes32 indexed modelId,
            uint256 indexed version,
            address indexed verifier,
            bytes32 vkDigest,
            string metadataURI
        );

        error ProofRejected();
        error WrongWeights(bytes32 found, bytes32 expected);
        error WeightsNotNamed(address verifier);
        error WeightsOfKey(address verifier, bytes32 weights);
        error RegistryIsStopped();
        error UnknownVersion(bytes32 modelId, uint256 version);
        error NoActiveVersion(bytes32 modelId);
        error VersionIs(bytes32 modelId, uint256 version, Status status);
        error VerifierChanged(address verifier, bytes32 found, bytes32 expected);
        error NotAContract(address verifier);
        error WrongVerifyingKey(bytes32 found, bytes32 expected);
        error DuplicateVerifyingKey(bytes32 vkDigest, bytes32 modelId, uint256 version);
        error UnknownVerifierVersion(address verifier, uint256 version);
        error UnknownInstances(address verifier);
        error UnsafeDevSrs(address verifier, uint256 chainId);
        error VerifierCouldChange(address verifier, uint256 pc);
        error AnotherShape(bytes32 modelId, uint256 version);
        error InputsArePrivate();
        error NoContradiction();
        error NotGuardian(address caller);
        error NotOwner(address caller);
        error NotPendingOwner(address caller);

        function versionCount(bytes32 modelId) external view returns (uint256);
        function getVersion(bytes32 modelId, uint256 version) external view returns (Version memory);
        function addVersion(bytes32 modelId, address verifier, bytes32 vkDigest, string calldata metadataURI)
            external
            returns (uint256 version);
        function addVouchedVersion(bytes32 modelId, address verifier, bytes32 vkDigest, string calldata metadataURI)
            external
            returns (uint256 version);
        function addNamedVersion(
            bytes32 modelId,
            address verifier,
            bytes32 vkDigest,
            bytes32 weights,
            bool vouched,
            string calldata metadataURI
        ) external returns (uint256 version);
        function weightsOf(bytes32 modelId, uint256 version) external view returns (bytes32);
        function stopVersion(bytes32 modelId, uint256 version) external;
        function resumeVersion(bytes32 modelId, uint256 version) external;
        function retireVersion(bytes32 modelId, uint256 version) external;
        function tombstoneVersion(bytes32 modelId, uint256 version) external;
        function setGracePeriod(bytes32 modelId, uint64 seconds_) external;
        function stop() external;
        function resume() external;
        function setGuardian(address newGuardian) external;
        function transferOwnership(address to) external;
        function acceptOwnership() external;
        function reportContradiction(
            bytes32 modelId,
            uint256 version,
            Inference calldata first,
            Inference calldata second
        ) external;
    }
}

/// ERC-165 identifier of an interface: its functions' selectors, added bit by bit.
pub(super) fn interface_id(abi: &JsonAbi) -> [u8; 4] {
    abi.functions().fold([0; 4], |id, function| {
        let selector = function.selector();
        std::array::from_fn(|i| id[i] ^ selector[i])
    })
}

/// Everything in `contracts/` that an application's call may revert with.
pub(super) static KNOWN_ERRORS: LazyLock<JsonAbi> = LazyLock::new(|| {
    let mut known = JsonAbi::new();
    for abi in [
        IHalo2Verifier::abi::contract(),
        IInferenceConsumer::abi::contract(),
        IAttestedConsumer::abi::contract(),
        IRequestConsumer::abi::contract(),
        IModelRegistry::abi::contract(),
    ] {
        for (name, errors) in abi.errors {
            let known = known.errors.entry(name).or_default();
            known.extend(
                errors.into_iter().filter(|error| !known.contains(error)).collect::<Vec<_>>(),
            );
        }
    }
    known
});

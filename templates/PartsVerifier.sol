// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

{{ interface }}

/// @title {{ name }}
/// @notice Verifies proofs of a model in {{ parts.len() }} parts, each of which has a verifier of its own.
/// @dev Rendered by zkverdict. A proof begins with a name for each tensor that leads from one part to others, and holds each part's
/// proof behind them. Every part that makes or takes such a tensor compares its name with the commitment in its own proof, so that all of
/// them are about the same values. Parts check all but pairings, of which one serves all parts of all proofs. No storage, no owner, and
/// no address that anybody can change.
///
/// Memory is used at fixed addresses from {{ layout.right }} on, above the free memory pointer, and is not allocated: nothing in it
/// outlives a call. A name ending in `_mptr` points to memory.
contract {{ name }} is IHalo2Verifier {
    /// @notice A part's verifier refused its proof.
    /// @param part Counts the parts.
    /// @param reason What that verifier reverted with.
    error WrongPart(uint256 part, bytes reason);

    /// @notice What lies where a part's verifier should is not the code of its verifier. It has to be deployed first.
    error OtherPart(uint256 part, address found);

    /// @inheritdoc IHalo2Verifier
    bytes32 public constant override VK_DIGEST = {{ vk_digest }};

    /// @notice Names the model: what the instances mean, and how the outputs follow from the inputs. `VK_DIGEST` covers it.
    bytes32 public constant MODEL_DIGEST = {{ model_digest }};

    /// @inheritdoc IHalo2Verifier
    uint256 public constant override NUM_INSTANCES = {{ num_instances }};

    /// @inheritdoc IHalo2Verifier
    uint256 public constant override VERSION = 1;

    /// @notice Whether the trusted setup is the development string, under which anybody can forge proofs.
    bool public constant UNSAFE_DEV_SRS = {{ unsafe_dev_srs }};

    /// @notice How many instances hold the model's inputs: they come after the contexts, in order.
    uint256 public constant INPUT_INSTANCES = {{ counts.inputs() }};

    /// @notice How many instances hold the model's outputs: they are the last.
    uint256 public constant OUTPUT_INSTANCES = {{ counts.outputs() }};

    /// @notice Every part of the instances in order, four bytes each: what it is (0 context, 1 name, 2 input, 3 claim
    /// parameter, 4 claim result, 5 output, 6 name of committed weights), then how many instances it takes.
    bytes public constant INSTANCES = hex"{{ counts }}";

    /// @notice How many parts the model is proved in.
    uint256 public constant NUM_PARTS = {{ parts.len() }};

    uint256 internal constant PROOF_LENGTH = {{ proof_length }};

    // Addresses of precompiles.
    uint256 internal constant EC_ADD = 0x06;
    uint256 internal constant EC_MUL = 0x07;
    uint256 internal constant EC_PAIRING = 0x08;

    // The pairing's two pairs of points. The first of each pair is a sum, with room behind it for what is added.
    uint256 internal constant RIGHT_MPTR = {{ layout.right }};
    uint256 internal constant LEFT_MPTR = {{ layout.left }};

    // What parts return, two points each, proof by proof; behind it, before all of it is there, what a part is called with.
    uint256 internal constant POINTS_MPTR = {{ layout.points }};

    constructor() {
        {%- for part in parts %}
        _check({{ loop.index0 }}, address(uint160(uint256({{ part.address }}))), {{ part.code_hash }});
        {%- endfor %}
    }

    /// @notice Where the parts' verifiers lie.
    function PARTS() external pure returns (address[] memory parts) {
        parts = new address[](NUM_PARTS);
        {%- for part in parts %}
        parts[{{ loop.index0 }}] = address(uint160(uint256({{ part.address }})));
        {%- endfor %}
    }

    /// @inheritdoc IHalo2Verifier
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view override returns (bool) {
        // @phase calldata
        _checkMemory();
        _accumulate(proof, instances, POINTS_MPTR);
        _checkPairing(NUM_PARTS);
        return true;
    }

    /// @inheritdoc IHalo2Verifier
    function verifyBatch(bytes[] calldata proofs, uint256[][] calldata instances)
        external
        view
        override
        returns (bool)
    {
        // @phase calldata
        if (proofs.length == 0) revert EmptyBatch();
        if (proofs.length != instances.length) revert BatchLength(proofs.length, instances.length);
        _checkMemory();
        for (uint256 i = 0; i < proofs.length; ++i) {
            _accumulate(proofs[i], instances[i], POINTS_MPTR + i * NUM_PARTS * 0x80);
        }
        _checkPairing(proofs.length * NUM_PARTS);
        return true;
    }

    function _check(uint256 part, address verifier, bytes32 code_hash) private view {
        if (verifier.codehash != code_hash) revert OtherPart(part, verifier);
    }

    /// @dev The compiler may have kept more memory to itself than it usually does.
    function _checkMemory() private pure {
        assembly ("memory-safe") {
            if gt(mload(0x40), RIGHT_MPTR) {
                mstore(0x00, {{ selectors.memory_in_use }}) // MemoryInUse()
                revert(0x1c, 0x04)
            }
        }
    }

    /// @dev Has the parts check all of a proof but its pairings, and puts the points at `points_mptr`. Every part has the same contexts; the
    /// first has the model's inputs, the last what is said of its outputs.
    // @phase calldata
    function _accumulate(bytes calldata proof, uint256[] calldata instances, uint256 points_mptr) private view {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        if (proof.length != PROOF_LENGTH) revert ProofLength(proof.length, PROOF_LENGTH);
        assembly ("memory-safe") {
            // WrongPart(uint256,bytes) with what the part reverted with.
            function refuse(part, mptr) {
                let length := returndatasize()
                mstore(mptr, {{ wrong_part }})
                mstore(add(mptr, 0x20), part)
                mstore(add(mptr, 0x40), 0x40)
                mstore(add(mptr, 0x60), length)
                mstore(add(add(mptr, 0x80), length), 0)
                returndatacopy(add(mptr, 0x80), 0x00, length)
                revert(add(mptr, 0x1c), add(0x64, and(add(length, 0x1f), not(0x1f))))
            }

            // Behind the points: the selector, two offsets, the proof with its length before it, the instances with theirs.
            let mptr := add(points_mptr, {{ layout.points_length }})
            mstore(mptr, {{ accumulate }}) // accumulate(bytes,uint256[])
            mstore(add(mptr, 0x20), 0x40)
            {%- for part in parts %}

            // Part {{ loop.index0 }}
            mstore(add(mptr, 0x40), {{ part.instances_offset }})
            mstore(add(mptr, 0x60), {{ part.proof.length }})
            calldatacopy(add(mptr, 0x80), add(proof.offset, {{ part.proof.from }}), {{ part.proof.length }})
            mstore(add(mptr, {{ part.instances_at }}), {{ part.instances }})
            {%- for copy in part.own %}
            calldatacopy(add(mptr, {{ copy.at }}), add(instances.offset, {{ copy.from }}), {{ copy.length }})
            {%- endfor %}
            {%- for copy in part.names %}
            calldatacopy(add(mptr, {{ copy.at }}), add(proof.offset, {{ copy.from }}), {{ copy.length }})
            {%- endfor %}
            // Yul evaluates arguments from the last to the first: the address comes right before the gas, so that whoever reads the code sees
            // whom it calls (contracts/libraries/FixedCode.sol).
            if iszero(
                and(
                    eq(returndatasize(), 0x80),
                    staticcall(gas(), {{ part.address }}, add(mptr, 0x1c), {{ part.calldata_length }}, points_mptr, 0x80)
                )
            ) { refuse({{ loop.index0 }}, mptr) }
            {%- if !loop.last %}
            points_mptr := add(points_mptr, 0x80)
            {%- endif %}
            {%- endfor %}
        }
    }

    /// @dev Adds up so many pairs of points, each times a power of a challenge that depends on all of them, so that no two wrong ones can
    /// cancel each other out, and checks e(left, [τ]₂) = e(right, [1]₂). Points that are not on the curve are refused by the precompiles.
    function _checkPairing(uint256 count) private view {
        assembly ("memory-safe") {
            // @phase msm
            function fail(precompile) {
                mstore(0x00, {{ selectors.precompile_failed }}) // PrecompileFailed(uint256)
                mstore(0x20, precompile)
                revert(0x1c, 0x24)
            }

            // The challenge times the sum, and the point at `point_mptr`.
            function fold(sum_mptr, point_mptr, challenge) {
                let term_mptr := add(sum_mptr, 0x40)
                mstore(term_mptr, challenge)
                if iszero(and(eq(returndatasize(), 0x40), staticcall(gas(), EC_MUL, sum_mptr, 0x60, sum_mptr, 0x40))) {
                    fail(EC_MUL)
                }
                mstore(term_mptr, mload(point_mptr))
                mstore(add(term_mptr, 0x20), mload(add(point_mptr, 0x20)))
                if iszero(and(eq(returndatasize(), 0x40), staticcall(gas(), EC_ADD, sum_mptr, 0x80, sum_mptr, 0x40))) {
                    fail(EC_ADD)
                }
            }

            let length := mul(count, 0x80)
            let challenge := keccak256(POINTS_MPTR, length)
            let points_mptr := add(POINTS_MPTR, sub(length, 0x80))
            mstore(RIGHT_MPTR, mload(points_mptr))
            mstore(add(RIGHT_MPTR, 0x20), mload(add(points_mptr, 0x20)))
            mstore(LEFT_MPTR, mload(add(points_mptr, 0x40)))
            mstore(add(LEFT_MPTR, 0x20), mload(add(points_mptr, 0x60)))
            for {} gt(points_mptr, POINTS_MPTR) {} {
                points_mptr := sub(points_mptr, 0x80)
                fold(RIGHT_MPTR, points_mptr, challenge)
                fold(LEFT_MPTR, add(points_mptr, 0x40), challenge)
            }
{% include "verifier/pairing_equation.sol" %}
        }
    }
}

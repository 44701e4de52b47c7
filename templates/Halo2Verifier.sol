// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

{{ interface }}

/// @title {{ name }}
/// @notice Verifies proofs of one circuit of 2^{{ k }} rows: KZG over BN254, SHPLONK openings, Keccak transcript.
/// @dev Rendered by zkverdict for halo2-axiom 0.5.3. No storage, no owner, no calls but to precompiles.
{%- if key_data.is_some() %}
/// The points of the verifying key are the code of a second contract, which the constructor creates.
{%- endif %}
///
/// Memory is used at fixed addresses from {{ r_mptr }} on, above the free memory pointer, and is not
/// allocated: nothing in it outlives a call. A name ending in `_mptr` points to memory, in `_cptr` to calldata.
contract {{ name }} is IHalo2Verifier {
    {%- if unsafe_dev_srs %}
    /// @notice Anybody can forge proofs under the development string, and this chain is no local one.
    error UnsafeDevSrs(uint256 chainId);

    {% endif %}
    {%- if key_data.is_some() %}
    /// @notice The contract that holds the points of the verifying key is not what the constructor made.
    error WrongKeyData();

    {% endif %}
    /// @inheritdoc IHalo2Verifier
    bytes32 public constant override VK_DIGEST =
        {{ vk_digest }};

    /// @inheritdoc IHalo2Verifier
    uint256 public constant override NUM_INSTANCES = {{ num_instances }};

    /// @inheritdoc IHalo2Verifier
    uint256 public constant override VERSION = 1;

    /// @notice Whether the trusted setup is the development string, under which anybody can forge proofs.
    bool public constant UNSAFE_DEV_SRS = {{ unsafe_dev_srs }};
    {%- if let Some(counts) = instance_counts %}

    /// @notice How many instances hold the model's inputs: they come after the contexts, in order.
    uint256 public constant INPUT_INSTANCES = {{ counts.inputs() }};

    /// @notice How many instances hold the model's outputs: they are the last.
    uint256 public constant OUTPUT_INSTANCES = {{ counts.outputs() }};

    /// @notice Every part of the instances in order, four bytes each: what it is (0 context, 1 name, 2 input, 3 claim
    /// parameter, 4 claim result, 5 output), then how many instances it takes.
    bytes public constant INSTANCES = hex"{{ counts }}";
    {%- endif %}

    /// @dev Modulus of the scalar field.
    uint256 internal constant R =
        0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// @dev Modulus of the field that the points' coordinates are in.
    uint256 internal constant Q =
        0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

    /// @dev {{ num_points }} points of two words, {{ num_evaluations }} evaluations of one.
    uint256 internal constant PROOF_LENGTH = {{ proof_length }};

    // Addresses of precompiles.
    uint256 internal constant MODEXP = 0x05;
    uint256 internal constant EC_ADD = 0x06;
    uint256 internal constant EC_MUL = 0x07;
    uint256 internal constant EC_PAIRING = 0x08;

    {%- if let Some(key_data) = key_data %}

    /// @dev The code of this contract is a STOP, so that nothing in it ever runs, and the points of the key.
    address internal immutable KEY_DATA;

    /// @dev The hash of that code.
    bytes32 internal constant KEY_DATA_CODE_HASH =
        {{ key_data.code_hash }};
    {%- endif %}

    // The scalar modulus, from where the compiler can take it without writing 32 bytes at every use; the weight of
    // the proof in its batch, how many proofs were added before it, and what the weight is multiplied by after it.
    uint256 internal constant R_MPTR = {{ r_mptr }};
    uint256 internal constant WEIGHT_MPTR = {{ weight_mptr }};
    uint256 internal constant COUNT_MPTR = {{ count_mptr }};
    uint256 internal constant CHALLENGE_MPTR = {{ challenge_mptr }};

    // The state of the transcript, then what is absorbed; at last the evaluations, which stay:
    {%- for place in evaluation_places %}
    //   {{ place.mptr }}  {{ place.title }}
    {%- endfor %}
    uint256 internal constant TRANSCRIPT_MPTR = {{ transcript_mptr }};
    uint256 internal constant EVALUATIONS_MPTR = {{ evaluations_mptr }};

    // Challenges.
    {%- for challenge in challenges %}
    uint256 internal constant {{ challenge.name }}_MPTR = {{ challenge.mptr }};
    {%- endfor %}
    {%- if lagrange.is_some() %}

    // Lagrange bases at x: of the first row, of the last usable row, and of all usable rows together.
    uint256 internal constant L_FIRST_MPTR = {{ l_first_mptr }};
    uint256 internal constant L_LAST_MPTR = {{ l_last_mptr }};
    uint256 internal constant L_ACTIVE_MPTR = {{ l_active_mptr }};
    {%- endif %}

    // What is inverted, all at once, and behind it the products of what lies before each.
    uint256 internal constant INVERSES_MPTR = {{ inverses_mptr }};
    uint256 internal constant INVERSES_END_MPTR = {{ inverses_end_mptr }};
    uint256 internal constant INVERSE_OF_VANISHING_MPTR = {{ inverse_of_vanishing_mptr }};
    {%- if let Some(mptr) = inverse_of_x_mptr %}
    uint256 internal constant INVERSE_OF_X_MPTR = {{ mptr }};
    {%- endif %}

    // Arguments of a precompile.
    uint256 internal constant SCRATCH_MPTR = {{ scratch_mptr }};

    // The pairing's two pairs of points. The first of each pair is a sum of terms, with room behind it for the
    // term to be added.
    uint256 internal constant RIGHT_MPTR = {{ right_mptr }};
    uint256 internal constant LEFT_MPTR = {{ left_mptr }};

    // Terms of the multi-scalar multiplication: x, y, scalar. First the proof's, then the key's. Behind them lie
    // values that polynomials share.
    {%- for place in proof_term_places %}
    //   {{ place.mptr }}  {{ place.title }}
    {%- endfor %}
    uint256 internal constant PROOF_TERMS_MPTR = {{ proof_terms_mptr }};
    uint256 internal constant KEY_TERMS_MPTR = {{ key_terms_mptr }};
    uint256 internal constant TERMS_END_MPTR = {{ terms_end_mptr }};

    /// @dev Refuses a chain on which a precompile is missing or wrong.
    {%- if key_data.is_some() %} Creates the contract with the key's points.{% endif %}
    {%- if unsafe_dev_srs %} Refuses every chain but local ones.{% endif %}
    constructor() {
        {%- if unsafe_dev_srs %}
        if ({% for id in dev_chain_ids %}{% if !loop.first %} && {% endif %}block.chainid != {{ id }}{% endfor %}) revert UnsafeDevSrs(block.chainid);
        {%- endif %}
        {%- if let Some(key_data) = key_data %}
        address key_data;
        assembly ("memory-safe") {
            // Returns all code behind it, of which the first byte is a STOP.
            let mptr := mload(0x40)
            mstore(mptr, 0x600b5981380380925939f300)
            {%- for term in key_terms %}

            // {{ term.title }}
            mstore(add(mptr, {{ Ptr(loop.index0 * 64 + 32) }}), {{ term.x }})
            mstore(add(mptr, {{ Ptr(loop.index0 * 64 + 64) }}), {{ term.y }})
            {%- endfor %}
            key_data := create(0, add(mptr, 0x14), {{ key_data.init_code_length }})
            if iszero(eq(extcodehash(key_data), KEY_DATA_CODE_HASH)) {
                mstore(0x00, {{ selectors.wrong_key_data }}) // WrongKeyData()
                revert(0x1c, 0x04)
            }
        }
        KEY_DATA = key_data;
        {%- endif %}
        assembly ("memory-safe") {
            function refuse(precompile) {
                mstore(0x00, {{ selectors.precompile_failed }}) // PrecompileFailed(uint256)
                mstore(0x20, precompile)
                revert(0x1c, 0x24)
            }

            // 2⁻¹ modulo r.
            let mptr := mload(0x40)
            mstore(mptr, 0x20)
            mstore(add(mptr, 0x20), 0x20)
            mstore(add(mptr, 0x40), 0x20)
            mstore(add(mptr, 0x60), 2)
            mstore(add(mptr, 0x80), sub(R, 2))
            mstore(add(mptr, 0xa0), R)
            // Yul evaluates arguments from the last to the first: the call comes before `returndatasize`.
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), MODEXP, mptr, 0xc0, mptr, 0x20))) {
                refuse(MODEXP)
            }
            if iszero(eq(addmod(mload(mptr), mload(mptr), R), 1)) { refuse(MODEXP) }

            // G + G, and 2·G behind it.
            mstore(mptr, 1)
            mstore(add(mptr, 0x20), 2)
            mstore(add(mptr, 0x40), 1)
            mstore(add(mptr, 0x60), 2)
            if iszero(and(eq(returndatasize(), 0x40), staticcall(gas(), EC_ADD, mptr, 0x80, mptr, 0x40))) {
                refuse(EC_ADD)
            }
            mstore(add(mptr, 0x80), 2)
            if iszero(
                and(
                    eq(returndatasize(), 0x40),
                    staticcall(gas(), EC_MUL, add(mptr, 0x40), 0x60, add(mptr, 0x40), 0x40)
                )
            ) { refuse(EC_MUL) }
            if iszero(
                and(
                    eq(mload(mptr), mload(add(mptr, 0x40))),
                    eq(mload(add(mptr, 0x20)), mload(add(mptr, 0x60)))
                )
            ) { refuse(EC_MUL) }

            // e(G, H)·e(−G, H) = 1, and e(G, H)·e(G, H) ≠ 1.
            mstore(mptr, 1)
            mstore(add(mptr, 0x20), 2)
            {%- for word in g2 %}
            mstore(add(mptr, {{ Ptr(loop.index0 * 32 + 64) }}), {{ word }})
            {%- endfor %}
            mstore(add(mptr, 0xc0), 1)
            mstore(add(mptr, 0xe0), sub(Q, 2))
            {%- for word in g2 %}
            mstore(add(mptr, {{ Ptr(loop.index0 * 32 + 256) }}), {{ word }})
            {%- endfor %}
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), EC_PAIRING, mptr, 0x0180, 0x00, 0x20))) {
                refuse(EC_PAIRING)
            }
            if iszero(eq(mload(0x00), 1)) { refuse(EC_PAIRING) }
            mstore(add(mptr, 0xe0), 2)
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), EC_PAIRING, mptr, 0x0180, 0x00, 0x20))) {
                refuse(EC_PAIRING)
            }
            if mload(0x00) { refuse(EC_PAIRING) }
        }
    }

    /// @inheritdoc IHalo2Verifier
    function verifyProof(bytes calldata proof, uint256[] calldata instances)
        external
        view
        override
        returns (bool)
    {
        // @phase calldata
        uint256 proof_cptr;
        uint256 instances_cptr;
        assembly ("memory-safe") {
            proof_cptr := proof.offset
            instances_cptr := instances.offset
        }
        _verify(proof_cptr, instances_cptr);
        return true;
    }

    /// @inheritdoc IHalo2Verifier
    function verifyBatch(bytes[] calldata, uint256[][] calldata) external view override returns (bool) {
        // @phase calldata
        // Solidity has checked that the arguments are there; where everything is follows from their encoding.
        uint256 count = _startBatch();
        for (uint256 i = 0; i < count; ++i) {
            _addMember(count, i);
        }
        _checkPairing();
        return true;
    }

    /// @dev Draws the challenge whose powers the proofs' equations are multiplied by. It depends on all proofs and
    /// instances, so that no two wrong proofs can cancel each other out.
    // @phase calldata
    function _startBatch() private {% if key_data.is_some() %}view{% else %}pure{% endif %} returns (uint256 count) {
        uint256 num_lists;
        assembly ("memory-safe") {
            // The lengths lie where the offsets of the arguments point.
            count := calldataload(add(0x04, calldataload(0x04)))
            num_lists := calldataload(add(0x04, calldataload(0x24)))
        }
        if (count != num_lists) revert BatchLength(count, num_lists);
        if (count == 0) revert EmptyBatch();
        _start();
        assembly ("memory-safe") {
            if iszero(eq(calldatasize(), add(0x84, mul(count, {{ batch_item_length }})))) {
                mstore(0x00, {{ selectors.malformed_calldata }}) // MalformedCalldata()
                revert(0x1c, 0x04)
            }
            // Behind all else, where only values that polynomials share will lie.
            mstore(TERMS_END_MPTR, VK_DIGEST)
            calldatacopy(add(TERMS_END_MPTR, 0x20), 0x00, calldatasize())
            mstore(CHALLENGE_MPTR, mod(keccak256(TERMS_END_MPTR, add(calldatasize(), 0x20)), R))
        }
    }

    /// @dev Adds proof `i` of a batch and moves on to the next weight.
    function _addMember(uint256 count, uint256 i) private view {
        uint256 proof_cptr;
        uint256 instances_cptr;
        assembly ("memory-safe") {
            // Both arrays are a length, an offset for each item, and the items, each with its length. The offsets of
            // the proofs start at 0x64.
            let proof_position := add(mul(0x20, count), mul(i, {{ batch_proof_length }}))
            let lists_cptr := add(0x84, mul(count, {{ batch_proofs_length }}))
            let list_position := add(mul(0x20, count), mul(i, {{ batch_list_length }}))
            // Only one encoding of the arguments, so that one batch has one form as calldata.
            if iszero(
                and(
                    and(eq(calldataload(0x04), 0x40), eq(calldataload(0x24), sub(lists_cptr, 0x24))),
                    and(
                        eq(calldataload(add(0x64, mul(0x20, i))), proof_position),
                        eq(calldataload(add(lists_cptr, mul(0x20, i))), list_position)
                    )
                )
            ) {
                mstore(0x00, {{ selectors.malformed_calldata }}) // MalformedCalldata()
                revert(0x1c, 0x04)
            }
            proof_cptr := add(0x84, proof_position)
            instances_cptr := add(add(lists_cptr, list_position), 0x20)
        }
        _checkLengths(proof_cptr, instances_cptr);
        _addProof(proof_cptr, instances_cptr);
        assembly ("memory-safe") {
            mstore(WEIGHT_MPTR, mulmod(mload(WEIGHT_MPTR), mload(CHALLENGE_MPTR), R))
        }
    }

    /// @dev Takes proofs and instances of the right length. The lengths lie before what they count.
    // @phase calldata
    function _checkLengths(uint256 proof_cptr, uint256 instances_cptr) private pure {
        uint256 length;
        assembly ("memory-safe") {
            length := calldataload(sub(proof_cptr, 0x20))
        }
        if (length != PROOF_LENGTH) revert ProofLength(length, PROOF_LENGTH);
        assembly ("memory-safe") {
            length := calldataload(sub(instances_cptr, 0x20))
        }
        if (length != NUM_INSTANCES) revert InstanceCount(length, NUM_INSTANCES);
    }

    /// @dev Verifies the only proof of a call.
    function _verify(uint256 proof_cptr, uint256 instances_cptr) private view {
        _checkLengths(proof_cptr, instances_cptr);
        // Only one encoding of the arguments, so that one proof has one form as calldata.
        assembly ("memory-safe") {
            if iszero(
                and(
                    eq(calldatasize(), {{ calldata_length }}),
                    and(eq(proof_cptr, 0x64), eq(instances_cptr, {{ instances_cptr }}))
                )
            ) {
                mstore(0x00, {{ selectors.malformed_calldata }}) // MalformedCalldata()
                revert(0x1c, 0x04)
            }
        }
        _start();
        _addProof(proof_cptr, instances_cptr);
        _checkPairing();
    }

    /// @dev Puts the points of the verifying key in front of their scalars, which are zero as is all memory so far.
    // @phase msm
    function _start() private {% if key_data.is_some() %}view{% else %}pure{% endif %} {
        {%- if key_data.is_some() %}
        address key_data = KEY_DATA;
        {%- endif %}
        assembly ("memory-safe") {
            if gt(mload(0x40), R_MPTR) {
                mstore(0x00, {{ selectors.memory_in_use }}) // MemoryInUse()
                revert(0x1c, 0x04)
            }
            mstore(R_MPTR, R)
            mstore(WEIGHT_MPTR, 1)
            mstore(COUNT_MPTR, 0)
            {%- if let Some(key_data) = key_data %}

            if iszero(eq(extcodehash(key_data), KEY_DATA_CODE_HASH)) {
                mstore(0x00, {{ selectors.wrong_key_data }}) // WrongKeyData()
                revert(0x1c, 0x04)
            }
            // First behind all else, where only values that polynomials share will lie.
            let point_mptr := TERMS_END_MPTR
            extcodecopy(key_data, point_mptr, 1, {{ key_data.length }})
            for { let mptr := KEY_TERMS_MPTR } lt(mptr, TERMS_END_MPTR) { mptr := add(mptr, 0x60) } {
                mstore(mptr, mload(point_mptr))
                mstore(add(mptr, 0x20), mload(add(point_mptr, 0x20)))
                point_mptr := add(point_mptr, 0x40)
            }
            {%- else %}
            {%- for term in key_terms %}

            // {{ term.title }}
            mstore({{ term.x_mptr }}, {{ term.x }})
            mstore({{ term.y_mptr }}, {{ term.y }})
            {%- endfor %}
            {%- endif %}
        }
    }

    /// @dev Checks a proof but for its pairing, of which it adds the weight times both sides to the sums.
    function _addProof(uint256 proof_cptr, uint256 instances_cptr) private view {
        assembly ("memory-safe") {
            // @phase calldata
            // Whether x and y are below q and y² = x³ + 3. The point at infinity, encoded (0, 0), is not.
            function is_on_curve(x, y, q) -> ok {
                ok := and(
                    and(lt(x, q), lt(y, q)),
                    eq(mulmod(y, y, q), addmod(mulmod(x, mulmod(x, x, q), q), 3, q))
                )
            }

            // Copies points from `cptr` to the terms at `mptr`. Reverts unless all are on the curve.
            function copy_points(cptr, end_cptr, mptr, index) {
                let q := Q
                let valid := 1
                let point_cptr := cptr
                // Two at a time.
                for { let last_cptr := sub(end_cptr, 0x40) } lt(point_cptr, last_cptr) {
                    point_cptr := add(point_cptr, 0x80)
                } {
                    {%- for i in 0..2 %}
                    {
                        let x := calldataload({% if i == 0 %}point_cptr{% else %}add(point_cptr, 0x40){% endif %})
                        let y := calldataload(add(point_cptr, {% if i == 0 %}0x20{% else %}0x60{% endif %}))
                        mstore({% if i == 0 %}mptr{% else %}add(mptr, 0x60){% endif %}, x)
                        mstore(add(mptr, {% if i == 0 %}0x20{% else %}0x80{% endif %}), y)
                        valid := and(
                            valid,
                            and(
                                and(lt(x, q), lt(y, q)),
                                eq(mulmod(y, y, q), addmod(mulmod(mulmod(x, x, q), x, q), 3, q))
                            )
                        )
                    }
                    {%- endfor %}
                    mptr := add(mptr, 0xc0)
                }
                if lt(point_cptr, end_cptr) {
                    let x := calldataload(point_cptr)
                    let y := calldataload(add(point_cptr, 0x20))
                    mstore(mptr, x)
                    mstore(add(mptr, 0x20), y)
                    valid := and(valid, is_on_curve(x, y, q))
                }
                if iszero(valid) {
                    // Finds the first that is not.
                    for {} is_on_curve(calldataload(cptr), calldataload(add(cptr, 0x20)), q) {
                        index := add(index, 1)
                    } { cptr := add(cptr, 0x40) }
                    mstore(0x00, {{ selectors.point_not_on_curve }}) // PointNotOnCurve(uint256)
                    mstore(0x20, index)
                    revert(0x1c, 0x24)
                }
            }

            // Reverts unless all scalars from `cptr` on are below the modulus.
            function check_scalars(cptr, end_cptr, index) {
                let r := R
                let valid := 1
                let scalar_cptr := cptr
                for { let fours_cptr := sub(end_cptr, 0x60) } lt(scalar_cptr, fours_cptr) {
                    scalar_cptr := add(scalar_cptr, 0x80)
                } {
                    valid := and(
                        and(
                            and(valid, lt(calldataload(scalar_cptr), r)),
                            lt(calldataload(add(scalar_cptr, 0x20)), r)
                        ),
                        and(
                            lt(calldataload(add(scalar_cptr, 0x40)), r),
                            lt(calldataload(add(scalar_cptr, 0x60)), r)
                        )
                    )
                }
                for {} lt(scalar_cptr, end_cptr) { scalar_cptr := add(scalar_cptr, 0x20) } {
                    valid := and(valid, lt(calldataload(scalar_cptr), r))
                }
                if iszero(valid) {
                    // Finds the first that is not.
                    for {} lt(calldataload(cptr), r) { index := add(index, 1) } { cptr := add(cptr, 0x20) }
                    mstore(0x00, {{ selectors.scalar_out_of_range }}) // ScalarOutOfRange(uint256)
                    mstore(0x20, index)
                    revert(0x1c, 0x24)
                }
            }

            // Draws a challenge after `length` bytes: the state and what was absorbed.
            function squeeze(length) -> challenge {
                let hash := keccak256(TRANSCRIPT_MPTR, length)
                mstore(TRANSCRIPT_MPTR, hash)
                challenge := mod(hash, R)
            }

            // Draws a challenge after nothing but the state.
            function squeeze_again() -> challenge {
                mstore(0x00, mload(TRANSCRIPT_MPTR))
                mstore8(0x20, 1)
                let hash := keccak256(0x00, 0x21)
                mstore(TRANSCRIPT_MPTR, hash)
                challenge := mod(hash, R)
            }

            // The constraints are added in groups, and all openings in one function: compiled through Yul, contracts
            // that are one large function become larger still, or fail to compile. A function that may leave early is
            // not inlined, so each starts with a question whose answer is known.
            {%- for group in constraint_groups %}
            function add_constraints_{{ loop.index }}(before, y, r) -> h {
                if iszero(r) { leave }
                h := before
                {%- for constraint in group %}

                // {{ constraint.title }}
                {%- for statement in constraint.shared %}
                {{ statement }}
                {%- endfor %}
                h := add(mulmod(h, y, r), {{ constraint.value }})
                {%- endfor %}
            }
            {%- endfor %}

            // With Z(u) the product of (u − point) over the first set's points, every set i, its polynomial j and each
            // of its points p contribute
            //
            //   weight·Z(u)·vⁱ·yʲ / ∏ (u − point)                                to the polynomial's scalar,
            //   weight·Z(u)·vⁱ·yʲ·value / ((u − p)·∏ (p − other points))         to the value that G's scalar takes off.
            function open(h, scale, x_to_n, r) -> value {
                if iszero(r) { leave }
                let y := mload(OPENING_Y_MPTR)
                {%- for set in sets %}

                // Opened at {{ set.title }}.
                {
                    {%- if !loop.first %}
                    scale := mulmod(scale, mload(OPENING_V_MPTR), r)
                    {%- endif %}
                    let values := 0
                    {%- for statement in set.prelude %}
                    {{ statement }}
                    {%- endfor %}
                    {%- for point in set.points %}
                    {
                        let sum := {{ point.values[0] }}
                        {%- for value in point.values[1..] %}
                        sum := add(mulmod(sum, y, r), {{ value }})
                        {%- endfor %}
                        values := {% if loop.index0 > 3 %}addmod(values, mulmod(sum, {{ point.factor }}, r), r){% else %}add(values, mulmod(sum, {{ point.factor }}, r)){% endif %}
                    }
                    {%- endfor %}
                    value := addmod(value, mulmod(values, scale, r), r)
                    let scalar := {{ set.scalar }}
                    {%- for statement in set.scalars %}
                    {{ statement }}
                    {%- endfor %}
                }
                {%- endfor %}
            }

            let r := mload(R_MPTR)
            {%- if num_instances > 0 %}
            check_scalars(instances_cptr, add(instances_cptr, {{ instances_length }}), 0)
            {%- endif %}
            copy_points(proof_cptr, add(proof_cptr, {{ evaluations_offset }}), PROOF_TERMS_MPTR, 0)
            check_scalars(
                add(proof_cptr, {{ evaluations_offset }}),
                add(proof_cptr, {{ opening_offset }}),
                {{ num_instances }}
            )
            copy_points(
                add(proof_cptr, {{ opening_offset }}),
                add(proof_cptr, PROOF_LENGTH),
                {{ opening_quotient.x_mptr }},
                {{ num_points - 2 }}
            )

            // @phase transcript
            // The digest of the key as halo2 has it, then the instances.
            mstore(TRANSCRIPT_MPTR, {{ transcript_repr }})
            {%- if num_instances > 0 %}
            calldatacopy({{ evaluations_mptr }}, instances_cptr, {{ instances_length }})
            {%- endif %}
            {%- for round in rounds %}

            // {{ round.title }}
            {%- if let Some(copy) = round.copy %}
            calldatacopy({{ copy.mptr }}, add(proof_cptr, {{ copy.offset }}), {{ copy.length }})
            {%- endif %}
            {%- for draw in round.draws %}
            {{ draw }}
            {%- endfor %}
            {%- endfor %}

            // The evaluations at x and around it. They stay where they are hashed.
            calldatacopy(EVALUATIONS_MPTR, add(proof_cptr, {{ evaluations_offset }}), {{ evaluations_length }})
            mstore(OPENING_Y_MPTR, squeeze({{ evaluations_hash_length }}))
            mstore(OPENING_V_MPTR, squeeze_again())
            mstore(SCRATCH_MPTR, mload(TRANSCRIPT_MPTR))
            calldatacopy(add(SCRATCH_MPTR, 0x20), add(proof_cptr, {{ opening_offset }}), 0x40)
            mstore(OPENING_U_MPTR, mod(keccak256(SCRATCH_MPTR, 0x60), r))

            // @phase instances
            // xⁿ, and the vanishing polynomial xⁿ − 1.
            let x_to_n := mload(X_MPTR)
            {%- for _ in 0..k %}
            x_to_n := mulmod(x_to_n, x_to_n, r)
            {%- endfor %}
            mstore(INVERSE_OF_VANISHING_MPTR, addmod(x_to_n, sub(r, 1), r))
            {%- for instance in instances %}
            {%- if instance.count > 0 %}

            // {{ instance.title }}: ∑ᵢ instanceᵢ / (x·ω⁻ⁱ − 1) as one fraction.
            {
                let minus_one := sub(r, 1)
                // In a variable: of a literal in several places the compiler would copy the bytes from the code, for 40
                // gas each time.
                let omega_inverse := {{ omega_inverse }}
                let point := {{ instance.point }}
                let cptr := {{ instance.cptr }}
                let end_cptr := add(cptr, {{ instance.length }})
                {%- if instance.is_odd() %}
                let numerator := calldataload(cptr)
                let denominator := addmod(point, minus_one, r)
                point := mulmod(point, omega_inverse, r)
                cptr := add(cptr, 0x20)
                {%- else %}
                let numerator := 0
                let denominator := 1
                {%- endif %}
                {%- if instance.count > 1 %}
                for {} lt(cptr, end_cptr) { cptr := add(cptr, 0x40) } {
                    let difference := add(point, minus_one)
                    numerator := add(mulmod(numerator, difference, r), mulmod(denominator, calldataload(cptr), r))
                    denominator := mulmod(denominator, difference, r)
                    point := mulmod(point, omega_inverse, r)
                    difference := add(point, minus_one)
                    numerator := add(
                        mulmod(numerator, difference, r), mulmod(denominator, calldataload(add(cptr, 0x20)), r)
                    )
                    denominator := mulmod(denominator, difference, r)
                    point := mulmod(point, omega_inverse, r)
                }
                {%- endif %}
                mstore({{ instance.mptr }}, numerator)
                mstore({{ instance.denominator_mptr }}, denominator)
            }
            {%- endif %}
            {%- endfor %}
            {%- if let Some(lagrange) = lagrange %}

            // The Lagrange bases: of the first row 1 / (x − 1), of the last usable row 1 / (x·ω^{{ lagrange.last }} − 1), and of
            // the {{ lagrange.blinding_factors }} blinded rows their sum as one fraction.
            {
                let minus_one := sub(r, 1)
                let numerator := 0
                let denominator := 1
                let point := mload(X_MPTR)
                mstore({{ lagrange.first_denominator_mptr }}, addmod(point, minus_one, r))
                for { let i := 0 } lt(i, {{ lagrange.blinding_factors }}) { i := add(i, 1) } {
                    point := mulmod(point, {{ omega }}, r)
                    let difference := add(point, minus_one)
                    numerator := add(mulmod(numerator, difference, r), denominator)
                    denominator := mulmod(denominator, difference, r)
                }
                mstore(L_ACTIVE_MPTR, numerator)
                mstore({{ lagrange.blinding_denominator_mptr }}, denominator)
                point := mulmod(point, {{ omega }}, r)
                mstore({{ lagrange.last_denominator_mptr }}, addmod(point, minus_one, r))
            }
            {%- endif %}

            // @phase openings
            // Where the polynomials are opened, seen from u. The product over the first set of points stays.
            let scale := mload(WEIGHT_MPTR)
            {
                let u := mload(OPENING_U_MPTR)
                let x := mload(X_MPTR)
                {%- if let Some(mptr) = inverse_of_x_mptr %}
                mstore(INVERSE_OF_X_MPTR, x)
                {%- endif %}
                {%- for point in opening_points %}
                {%- if point.in_first_set %}
                {
                    let difference := addmod(u, sub(r, {{ point.value }}), r)
                    mstore({{ point.mptr }}, difference)
                    scale := mulmod(scale, difference, r)
                }
                {%- else %}
                mstore({{ point.mptr }}, addmod(u, sub(r, {{ point.value }}), r))
                {%- endif %}
                {%- endfor %}
            }

            // One inversion for all.
            {
                let product := 1
                for { let mptr := INVERSES_MPTR } lt(mptr, INVERSES_END_MPTR) { mptr := add(mptr, 0x20) } {
                    mstore(add(mptr, {{ inverses_length }}), product)
                    product := mulmod(product, mload(mptr), r)
                }
                if iszero(product) {
                    mstore(0x00, {{ selectors.challenge_in_domain }}) // ChallengeInDomain()
                    revert(0x1c, 0x04)
                }
                mstore(SCRATCH_MPTR, 0x20)
                mstore(add(SCRATCH_MPTR, 0x20), 0x20)
                mstore(add(SCRATCH_MPTR, 0x40), 0x20)
                mstore(add(SCRATCH_MPTR, 0x60), product)
                mstore(add(SCRATCH_MPTR, 0x80), sub(r, 2))
                mstore(add(SCRATCH_MPTR, 0xa0), r)
                // Yul evaluates arguments from the last to the first: the call comes before `returndatasize`.
                if iszero(
                    and(eq(returndatasize(), 0x20), staticcall(gas(), MODEXP, SCRATCH_MPTR, 0xc0, 0x00, 0x20))
                ) {
                    mstore(0x00, {{ selectors.precompile_failed }}) // PrecompileFailed(uint256)
                    mstore(0x20, MODEXP)
                    revert(0x1c, 0x24)
                }
                let inverse := mload(0x00)
                for { let mptr := INVERSES_END_MPTR } gt(mptr, INVERSES_MPTR) {} {
                    mptr := sub(mptr, 0x20)
                    let value := mload(mptr)
                    mstore(mptr, mulmod(inverse, mload(add(mptr, {{ inverses_length }})), r))
                    inverse := mulmod(inverse, value, r)
                }
            }
            {%- if !instances.is_empty() || lagrange.is_some() %}

            // @phase instances
            {
                // (xⁿ − 1) / n is a factor of every Lagrange basis.
                let factor := mulmod(addmod(x_to_n, sub(r, 1), r), {{ rows_inverse }}, r)
                {%- for instance in instances %}
                {%- if instance.count > 0 %}
                mstore(
                    {{ instance.mptr }},
                    mulmod(mulmod(mload({{ instance.mptr }}), mload({{ instance.denominator_mptr }}), r), factor, r)
                )
                {%- else %}
                mstore({{ instance.mptr }}, 0) // {{ instance.title }} is empty.
                {%- endif %}
                {%- endfor %}
                {%- if let Some(lagrange) = lagrange %}
                let l_last := mulmod(factor, mload({{ lagrange.last_denominator_mptr }}), r)
                let l_blinding := mulmod(
                    factor, mulmod(mload(L_ACTIVE_MPTR), mload({{ lagrange.blinding_denominator_mptr }}), r), r
                )
                mstore(L_FIRST_MPTR, mulmod(factor, mload({{ lagrange.first_denominator_mptr }}), r))
                mstore(L_LAST_MPTR, l_last)
                mstore(L_ACTIVE_MPTR, addmod(1, sub(add(r, r), add(l_last, l_blinding)), r))
                {%- endif %}
            }
            {%- endif %}

            // The constraints at x, added up by powers of y: the quotient times the vanishing polynomial.
            // Sums are reduced only when five times the modulus would be exceeded.
            let h := 0
            {
                let y := mload(Y_MPTR)

                // @phase gates
                {%- for _ in constraint_groups %}
                h := add_constraints_{{ loop.index }}(h, y, r)
                {%- endfor %}
                {%- if let Some(permutation) = permutation %}

                // @phase permutation
                {
                    let beta := mload(BETA_MPTR)
                    let gamma := mload(GAMMA_MPTR)

                    // The products start with 1, and the last one ends with 0 or 1.
                    h := add(mulmod(h, y, r), mulmod(mload(L_FIRST_MPTR), add(1, sub(r, {{ permutation.first }})), r))
                    h := add(
                        mulmod(h, y, r),
                        mulmod(mload(L_LAST_MPTR), mulmod({{ permutation.last }}, add({{ permutation.last }}, sub(r, 1)), r), r)
                    )
                    {%- for link in permutation.links %}
                    // Product {{ loop.index }} starts with what product {{ loop.index0 }} ends with.
                    h := add(mulmod(h, y, r), mulmod(mload(L_FIRST_MPTR), add({{ link.start }}, sub(r, {{ link.end }})), r))
                    {%- endfor %}

                    // Each row multiplies by (value + β·sigma + γ) on the left, by (value + β·δⁱ·x + γ) on the right.
                    let identity := mulmod(beta, mload(X_MPTR), r)
                    {%- for product in permutation.products %}
                    {
                        let left := {{ product.next }}
                        let right := {{ product.current }}
                        {%- for column in product.columns %}
                        {
                            let value := add({{ column.value }}, gamma)
                            left := mulmod(left, add(value, mulmod(beta, {{ column.sigma }}, r)), r)
                            right := mulmod(right, add(value, identity), r)
                            {%- if !column.is_last %}
                            identity := mulmod(identity, {{ delta }}, r)
                            {%- endif %}
                        }
                        {%- endfor %}
                        h := add(mulmod(h, y, r), mulmod(mload(L_ACTIVE_MPTR), add(left, sub(r, right)), r))
                    }
                    {%- endfor %}
                }
                {%- endif %}
                {%- if !lookups.is_empty() %}

                // @phase lookups
                {%- for lookup in lookups %}

                // {{ lookup.title }}
                {
                    let beta := mload(BETA_MPTR)
                    let gamma := mload(GAMMA_MPTR)

                    // The product starts with 1 and ends with 0 or 1.
                    h := add(mulmod(h, y, r), mulmod(mload(L_FIRST_MPTR), add(1, sub(r, {{ lookup.product }})), r))
                    h := add(
                        mulmod(h, y, r),
                        mulmod(mload(L_LAST_MPTR), mulmod({{ lookup.product }}, add({{ lookup.product }}, sub(r, 1)), r), r)
                    )

                    // Each row multiplies by the permuted input and table, and divides by the originals.
                    {%- for statement in lookup.input.shared %}
                    {{ statement }}
                    {%- endfor %}
                    let input := {{ lookup.input.value }}
                    {%- for statement in lookup.table.shared %}
                    {{ statement }}
                    {%- endfor %}
                    let table := {{ lookup.table.value }}
                    let left := mulmod(
                        {{ lookup.next }},
                        mulmod(add({{ lookup.permuted_input }}, beta), add({{ lookup.permuted_table }}, gamma), r),
                        r
                    )
                    let right := mulmod({{ lookup.product }}, mulmod(add(input, beta), add(table, gamma), r), r)
                    h := add(mulmod(h, y, r), mulmod(mload(L_ACTIVE_MPTR), add(left, sub(r, right)), r))

                    // A permuted input is the table's value of its row, or the input before it.
                    let difference := add({{ lookup.permuted_input }}, sub(r, {{ lookup.permuted_table }}))
                    h := add(mulmod(h, y, r), mulmod(mload(L_FIRST_MPTR), difference, r))
                    let step := add({{ lookup.permuted_input }}, sub(r, {{ lookup.previous_input }}))
                    h := add(mulmod(h, y, r), mulmod(mload(L_ACTIVE_MPTR), mulmod(difference, step, r), r))
                }
                {%- endfor %}
                {%- endif %}
            }

            // @phase openings
            // The quotient's value.
            h := mulmod(h, mload(INVERSE_OF_VANISHING_MPTR), r)

            mstore({{ opening_quotient.scalar_mptr }}, sub(r, scale))
            mstore({{ opening_proof.scalar_mptr }}, mulmod(mload(WEIGHT_MPTR), mload(OPENING_U_MPTR), r))
            let value := open(h, scale, x_to_n, r)
            mstore({{ generator.scalar_mptr }}, addmod(mload({{ generator.scalar_mptr }}), sub(r, value), r))
        }
        // @phase msm
        uint256 count;
        assembly ("memory-safe") {
            count := mload(COUNT_MPTR)
            mstore(COUNT_MPTR, add(count, 1))
        }
        if (count == 0) {
            assembly ("memory-safe") {
                {%- match unit_term %}
                {%- when Some with (unit) %}
                // The scalar of {{ unit.title }} is the weight, and the first weight is 1.
                mstore(RIGHT_MPTR, mload({{ unit.x_mptr }}))
                mstore(add(RIGHT_MPTR, 0x20), mload({{ unit.y_mptr }}))
                {%- when None %}
                mstore(RIGHT_MPTR, 0)
                mstore(add(RIGHT_MPTR, 0x20), 0)
                {%- endmatch %}
                mstore(LEFT_MPTR, mload({{ opening_proof.x_mptr }}))
                mstore(add(LEFT_MPTR, 0x20), mload({{ opening_proof.y_mptr }}))
            }
            {%- for range in first_ranges %}
            _addTerms(RIGHT_MPTR, {{ range.0 }}, {{ range.1 }});
            {%- endfor %}
        } else {
            {%- for range in ranges %}
            _addTerms(RIGHT_MPTR, {{ range.0 }}, {{ range.1 }});
            {%- endfor %}
            assembly ("memory-safe") {
                mstore({{ opening_proof.scalar_mptr }}, mload(WEIGHT_MPTR))
            }
            _addTerms(LEFT_MPTR, {{ opening_proof.x_mptr }}, {{ opening_proof.end_mptr }});
        }
    }

    /// @dev Adds terms to the sum at `sum_mptr`; each is multiplied into the place behind the sum.
    function _addTerms(uint256 sum_mptr, uint256 mptr, uint256 end_mptr) private view {
        assembly ("memory-safe") {
            let first_mptr := mptr
            let term_mptr := add(sum_mptr, 0x40)
            let ok := 1
            // Four at a time. Yul evaluates arguments from the last to the first: ecMul is called, then ecAdd.
            for { let fours_mptr := sub(end_mptr, 0x0120) } lt(mptr, fours_mptr) { mptr := add(mptr, 0x0180) } {
                {%- for offset in ["0x60", "0xc0", "0x0120"] %}
                ok := and(
                    ok,
                    and(
                        staticcall(gas(), EC_ADD, sum_mptr, 0x80, sum_mptr, 0x40),
                        staticcall(gas(), EC_MUL, add(mptr, {{ offset }}), 0x60, term_mptr, 0x40)
                    )
                )
                {%- endfor %}
                // A missing precompile succeeds without returning anything; looking at every fourth call finds it.
                ok := and(
                    ok,
                    and(
                        and(eq(returndatasize(), 0x40), staticcall(gas(), EC_ADD, sum_mptr, 0x80, sum_mptr, 0x40)),
                        and(eq(returndatasize(), 0x40), staticcall(gas(), EC_MUL, mptr, 0x60, term_mptr, 0x40))
                    )
                )
            }
            for {} lt(mptr, end_mptr) { mptr := add(mptr, 0x60) } {
                ok := and(
                    ok,
                    and(
                        and(eq(returndatasize(), 0x40), staticcall(gas(), EC_ADD, sum_mptr, 0x80, sum_mptr, 0x40)),
                        and(eq(returndatasize(), 0x40), staticcall(gas(), EC_MUL, mptr, 0x60, term_mptr, 0x40))
                    )
                )
            }
            if iszero(ok) {
                // Which of the two? ecAdd has the address before ecMul's.
                ok := and(
                    eq(returndatasize(), 0x40), staticcall(gas(), EC_MUL, first_mptr, 0x60, term_mptr, 0x40)
                )
                mstore(0x00, {{ selectors.precompile_failed }}) // PrecompileFailed(uint256)
                mstore(0x20, sub(EC_MUL, ok))
                revert(0x1c, 0x24)
            }
        }
    }

    /// @dev Adds the key's terms and checks e(left, [τ]₂) = e(right, [1]₂).
    function _checkPairing() private view {
        // @phase msm
        _addTerms(RIGHT_MPTR, KEY_TERMS_MPTR, TERMS_END_MPTR);
        assembly ("memory-safe") {
            // @phase pairing
            // [1]₂, imaginary parts first.
            {%- for word in g2 %}
            mstore(add(RIGHT_MPTR, {{ Ptr(loop.index0 * 32 + 64) }}), {{ word }})
            {%- endfor %}
            // −[τ]₂, so that both sides multiply to one.
            {%- for word in minus_tau_g2 %}
            mstore(add(LEFT_MPTR, {{ Ptr(loop.index0 * 32 + 64) }}), {{ word }})
            {%- endfor %}
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), EC_PAIRING, RIGHT_MPTR, 0x0180, 0x00, 0x20))) {
                mstore(0x00, {{ selectors.precompile_failed }}) // PrecompileFailed(uint256)
                mstore(0x20, EC_PAIRING)
                revert(0x1c, 0x24)
            }
            if iszero(eq(mload(0x00), 1)) {
                mstore(0x00, {{ selectors.invalid_proof }}) // InvalidProof()
                revert(0x1c, 0x04)
            }
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

{{ interface }}

/// @title {{ name }}
/// @notice Verifies proofs of one circuit of 2^{{ k }} rows: KZG over BN254, {% if packed.is_some() %}packed{% else %}SHPLONK{% endif %} openings, Keccak transcript.
/// @dev Rendered by zkverdict for {% if packed.is_some() %}its packed proofs (docs/protocol.md){% else %}halo2-axiom 0.5.3{% endif %}. No storage, no owner, no calls but to precompiles.
{%- if key_data.is_some() %}
/// The points of the verifying key are the code of a second contract, which the constructor creates.
{%- endif %}
///
/// Memory is used at fixed addresses from {{ layout.r_mptr }} on, above the free memory pointer, and is not
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
    {%- if self.has_names() %}
    /// @notice A commitment that the proof brings is not the one that the instances name.
    /// @param link Counts the columns that hold what commitments are to; weights come last.
    error WrongName(uint256 link);
{% endif %}
    /// @inheritdoc IHalo2Verifier
    bytes32 public constant override VK_DIGEST =
        {{ vk_digest }};
    {%- if let Some(model_digest) = model_digest %}

    /// @notice Names the model: what the instances mean, and how the outputs follow from the inputs. `VK_DIGEST` covers it.
    bytes32 public constant MODEL_DIGEST =
        {{ model_digest }};
    {%- endif %}

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
    /// parameter, 4 claim result, 5 output, 6 name of committed weights), then how many instances it takes.
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
    uint256 internal constant R_MPTR = {{ layout.r_mptr }};
    uint256 internal constant WEIGHT_MPTR = {{ layout.weight_mptr }};
    uint256 internal constant COUNT_MPTR = {{ layout.count_mptr }};
    uint256 internal constant CHALLENGE_MPTR = {{ layout.challenge_mptr }};

    // The state of the transcript, then what is absorbed; at last the evaluations, which stay:
    {%- for place in evaluation_places %}
    //   {{ place.mptr }}  {{ place.title }}
    {%- endfor %}
    uint256 internal constant TRANSCRIPT_MPTR = {{ layout.transcript_mptr }};
    uint256 internal constant EVALUATIONS_MPTR = {{ layout.evaluations_mptr }};

    // Challenges.
    {%- for challenge in challenges %}
    uint256 internal constant {{ challenge.name }}_MPTR = {{ challenge.mptr }};
    {%- endfor %}
    {%- if lagrange.is_some() %}

    // Lagrange bases at x: of the first row, of the last usable row, and of all usable rows together.
    uint256 internal constant L_FIRST_MPTR = {{ layout.l_first_mptr }};
    uint256 internal constant L_LAST_MPTR = {{ layout.l_last_mptr }};
    uint256 internal constant L_ACTIVE_MPTR = {{ layout.l_active_mptr }};
    {%- endif %}

    // What is inverted, all at once, and behind it the products of what lies before each.
    uint256 internal constant INVERSES_MPTR = {{ layout.inverses_mptr }};
    uint256 internal constant INVERSES_END_MPTR = {{ layout.inverses_end_mptr }};
    uint256 internal constant INVERSE_OF_VANISHING_MPTR = {{ layout.inverse_of_vanishing_mptr }};
    {%- if let Some(mptr) = layout.inverse_of_x_mptr %}
    uint256 internal constant INVERSE_OF_X_MPTR = {{ mptr }};
    {%- endif %}

    // Arguments of a precompile.
    uint256 internal constant SCRATCH_MPTR = {{ layout.scratch_mptr }};

    // The pairing's two pairs of points. The first of each pair is a sum of terms, with room behind it for the
    // term to be added.
    uint256 internal constant RIGHT_MPTR = {{ layout.right_mptr }};
    uint256 internal constant LEFT_MPTR = {{ layout.left_mptr }};

    // Terms of the multi-scalar multiplication: x, y, scalar. First the proof's, then the key's. Behind them lie
    // values that polynomials share.
    {%- for place in proof_term_places %}
    //   {{ place.mptr }}  {{ place.title }}
    {%- endfor %}
    uint256 internal constant PROOF_TERMS_MPTR = {{ layout.proof_terms_mptr }};
    uint256 internal constant KEY_TERMS_MPTR = {{ layout.key_terms_mptr }};
    uint256 internal constant TERMS_END_MPTR = {{ layout.terms_end_mptr }};

{% include "verifier/constructor.sol" %}

{% include "verifier/calldata.sol" %}

{% include "verifier/key.sol" %}

    /// @dev Checks a proof but for its pairing, of which it adds the weight times both sides to the sums.
    function _addProof(uint256 proof_cptr, uint256 instances_cptr) private view {
        assembly ("memory-safe") {
            // @phase calldata
{% include "verifier/calldata_checks.sol" %}

{% include "verifier/transcript_functions.sol" %}

{% include "verifier/quotient_functions.sol" %}

{% include "verifier/openings_functions.sol" %}

{% include "verifier/transcript.sol" %}

{% include "verifier/instances.sol" %}

{% include "verifier/openings.sol" %}

{% include "verifier/quotient.sol" %}

            // @phase openings
            // The quotient's value.
            h := mulmod(h, mload(INVERSE_OF_VANISHING_MPTR), r)

            {% if packed.is_some() -%}
            mstore({{ opening_quotient.scalar_mptr }}, sub(r, mload(WEIGHT_MPTR)))
            mstore({{ opening_proof.scalar_mptr }}, mulmod(mload(WEIGHT_MPTR), mload(OPENING_Z_MPTR), r))
            let value := open(h, r)
            {%- else -%}
            mstore({{ opening_quotient.scalar_mptr }}, sub(r, scale))
            mstore({{ opening_proof.scalar_mptr }}, mulmod(mload(WEIGHT_MPTR), mload(OPENING_U_MPTR), r))
            let value := open(h, scale, x_to_n, r)
            {%- endif %}
            {%- if linked.is_some() %}
            open_links(r)
            {%- endif %}
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
                // The scalar of {{ unit.title }} is {% if packed.is_some() %}minus {% endif %}the weight, and the first weight is 1.
                mstore(RIGHT_MPTR, mload({{ unit.x_mptr }}))
                mstore(add(RIGHT_MPTR, 0x20), {% if packed.is_some() %}sub(Q, mload({{ unit.y_mptr }})){% else %}mload({{ unit.y_mptr }}){% endif %})
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
        {%- if let Some(linked) = linked %}
        assembly ("memory-safe") {
            mstore({{ linked.proof_scalar }}, mulmod(mload(WEIGHT_MPTR), mload(LINK_NU_MPTR), mload(R_MPTR)))
        }
        _addTerms(LEFT_MPTR, {{ linked.proof }}, {{ linked.proof_end }});
        {%- endif %}
    }

{% include "verifier/msm.sol" %}

{% include "verifier/pairing.sol" %}
}

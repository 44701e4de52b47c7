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
        {%- if accumulates %}
        _checkPairing();
        {%- endif %}
        return true;
    }
{%- if accumulates %}

    /// @notice Checks a proof but for its pairing, which whoever puts the parts of a model together makes for all of them. Reverts as
    /// `verifyProof` does.
    /// Returns the coordinates of two points of the curve: the proof is valid if e(left, [τ]₂) = e(right, [1]₂).
    function accumulate(bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (uint256 right_x, uint256 right_y, uint256 left_x, uint256 left_y)
    {
        // @phase calldata
        uint256 proof_cptr;
        uint256 instances_cptr;
        assembly ("memory-safe") {
            proof_cptr := proof.offset
            instances_cptr := instances.offset
        }
        _verify(proof_cptr, instances_cptr);
        // @phase msm
        _addTerms(RIGHT_MPTR, KEY_TERMS_MPTR, TERMS_END_MPTR);
        assembly ("memory-safe") {
            right_x := mload(RIGHT_MPTR)
            right_y := mload(add(RIGHT_MPTR, 0x20))
            left_x := mload(LEFT_MPTR)
            left_y := mload(add(LEFT_MPTR, 0x20))
        }
    }
{%- endif %}

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

    /// @dev Verifies the only proof of a call{% if accumulates %} but for its pairing{% endif %}.
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
        {%- if !accumulates %}
        _checkPairing();
        {%- endif %}
    }

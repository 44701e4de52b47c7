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
                {{ points_before_evaluations }}
            )
            {%- for link in names %}

            // The commitment of link {{ link.number }} is the one that the instances name.
            mstore(SCRATCH_MPTR, {{ link.tag }})
            calldatacopy(add(SCRATCH_MPTR, 0x20), add(proof_cptr, {{ link.offset }}), 0x40)
            if iszero(eq(shr(8, keccak256(SCRATCH_MPTR, 0x60)), calldataload(add(instances_cptr, {{ link.name }})))) {
                mstore(0x00, {{ selectors.wrong_name }}) // WrongName(uint256)
                mstore(0x20, {{ link.number }})
                revert(0x1c, 0x24)
            }
            {%- endfor %}
            {%- if let Some(packed) = packed %}
            {%- if let Some(named) = packed.named %}

            // The commitments to named columns are those that the instances name. (The transcript has not begun.)
            mstore(TRANSCRIPT_MPTR, {{ named.tag }})
            mstore(add(TRANSCRIPT_MPTR, 0x20), {{ named.digest }})
            calldatacopy(add(TRANSCRIPT_MPTR, 0x40), add(proof_cptr, {{ named.offset }}), {{ named.length }})
            if iszero(eq(shr(8, keccak256(TRANSCRIPT_MPTR, {{ named.hashed }})), calldataload(add(instances_cptr, {{ named.name }})))) {
                mstore(0x00, {{ selectors.wrong_name }}) // WrongName(uint256)
                mstore(0x20, {{ named.number }})
                revert(0x1c, 0x24)
            }
            {%- endif %}
            {%- endif %}

            // @phase transcript
            // The digest of the key{% if packed.is_none() %} as halo2 has it{% endif %}, then the instances.
            mstore(TRANSCRIPT_MPTR, {{ transcript_repr }})
            {%- if num_instances > 0 %}
            calldatacopy({{ layout.evaluations_mptr }}, instances_cptr, {{ instances_length }})
            {%- endif %}
            {%- for round in rounds %}

            // {{ round.title }}
            {%- for copy in round.copies %}
            calldatacopy({{ copy.mptr }}, add(proof_cptr, {{ copy.offset }}), {{ copy.length }})
            {%- endfor %}
            {%- for draw in round.draws %}
            {{ draw }}
            {%- endfor %}
            {%- endfor %}

            // The evaluations at x and around it. They stay where they are hashed.
            calldatacopy(EVALUATIONS_MPTR, add(proof_cptr, {{ evaluations_offset }}), {{ evaluations_length }})
            {%- if packed.is_some() %}
            mstore(OPENING_GAMMA_MPTR, squeeze({{ evaluations_hash_length }}))
            {%- else %}
            mstore(OPENING_Y_MPTR, squeeze({{ evaluations_hash_length }}))
            mstore(OPENING_V_MPTR, squeeze_again())
            {%- endif %}
            mstore(SCRATCH_MPTR, mload(TRANSCRIPT_MPTR))
            calldatacopy(add(SCRATCH_MPTR, 0x20), add(proof_cptr, {{ opening_offset }}), 0x40)
            mstore({% if packed.is_some() %}OPENING_Z_MPTR{% else %}OPENING_U_MPTR{% endif %}, mod(keccak256(SCRATCH_MPTR, 0x60), r))
            {%- if let Some(linked) = linked %}
            {
                let hash := keccak256(SCRATCH_MPTR, 0x60)
                {%- for draw in linked.draws %}

                // Behind {{ draw.behind }}.
                mstore(SCRATCH_MPTR, hash)
                calldatacopy(add(SCRATCH_MPTR, 0x20), add(proof_cptr, {{ draw.offset }}), 0x40)
                hash := keccak256(SCRATCH_MPTR, 0x60)
                mstore({{ draw.challenge }}_MPTR, mod(hash, r))
                {%- endfor %}
            }
            {%- endif %}

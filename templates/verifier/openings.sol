            // @phase openings
            {%- if let Some(packed) = packed %}
            // zᵗ − p for every width t and point p, and z − x.
            {
                let z := mload(OPENING_Z_MPTR)
                let x := mload(X_MPTR)
                {%- for width in packed.widths %}
                {
                    let power := z
                    {%- for statement in width.statements %}
                    {{ statement }}
                    {%- endfor %}
                    {%- for point in width.points %}
                    mstore({{ point.mptr }}, addmod(power, sub(r, {{ point.value }}), r))
                    {%- endfor %}
                }
                {%- endfor %}
            }
            {%- else %}
            // Where the polynomials are opened, seen from u. The product over the first set of points stays.
            let scale := mload(WEIGHT_MPTR)
            {
                let u := mload(OPENING_U_MPTR)
                let x := mload(X_MPTR)
                {%- if let Some(mptr) = layout.inverse_of_x_mptr %}
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
            {%- endif %}
            {%- if let Some(linked) = linked %}

            // What is 0 on the domains of commitments, at the links' z.
            {
                let power := mload(LINK_Z_MPTR)
                {%- for store in linked.squarings %}
                power := mulmod(power, power, r)
                {%- if let Some(mptr) = store %}
                mstore({{ mptr }}, addmod(power, sub(r, 1), r))
                {%- endif %}
                {%- endfor %}
            }
            {%- endif %}

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
                let l_last := mulmod(factor, mload({{ layout.last_denominator_mptr }}), r)
                let l_blinding := mulmod(
                    factor, mulmod(mload(L_ACTIVE_MPTR), mload({{ layout.blinding_denominator_mptr }}), r), r
                )
                mstore(L_FIRST_MPTR, mulmod(factor, mload({{ layout.first_denominator_mptr }}), r))
                mstore(L_LAST_MPTR, l_last)
                mstore(L_ACTIVE_MPTR, addmod(1, sub(add(r, r), add(l_last, l_blinding)), r))
                {%- endif %}
            }
            {%- endif %}

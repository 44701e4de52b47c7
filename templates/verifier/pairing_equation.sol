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

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

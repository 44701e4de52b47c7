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

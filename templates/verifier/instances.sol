            // @phase instances
            // xⁿ, and the vanishing polynomial xⁿ − 1.
            let x_to_n := mload(X_MPTR)
            {%- for store in squarings %}
            x_to_n := mulmod(x_to_n, x_to_n, r)
            {%- if let Some(mptr) = store %}
            mstore({{ mptr }}, addmod(x_to_n, sub(r, 1), r)) // What is 0 on the domain of a link's commitment.
            {%- endif %}
            {%- endfor %}
            mstore(INVERSE_OF_VANISHING_MPTR, addmod(x_to_n, sub(r, 1), r))
            {%- if let Some(packed) = packed %}
            {%- if let Some(named) = packed.named %}
            // What is 0 on the rows of named columns is this over what is 0 on their free rows.
            mstore({{ layout.vanishing_mptr }}, addmod(x_to_n, sub(r, 1), r))
            {
                let x := mload(X_MPTR)
                let free := add(x, {{ named.free[0] }})
                {%- for minus_point in named.free[1..] %}
                free := mulmod(free, add(x, {{ minus_point }}), r)
                {%- endfor %}
                mstore({{ layout.free_rows_mptr }}, free)
            }
            {%- endif %}
            {%- for sum in packed.sums %}

            // {{ sum.title }}: ∑ᵢ instanceᵢ·pointⁱ.
            {
                let point := {{ sum.point }}
                let sum := 0
                {%- for offset in sum.odd %}
                sum := add(mulmod(sum, point, r), calldataload(add(instances_cptr, {{ offset }})))
                {%- endfor %}
                {%- if sum.eights.0 != sum.eights.1 %}
                let first_cptr := add(instances_cptr, {{ sum.eights.0 }})
                for { let cptr := add(instances_cptr, {{ sum.eights.1 }}) } gt(cptr, first_cptr) {} {
                    cptr := sub(cptr, 0x0100)
                    {%- for offset in ["0xe0", "0xc0", "0xa0", "0x80", "0x60", "0x40", "0x20"] %}
                    sum := add(mulmod(sum, point, r), calldataload(add(cptr, {{ offset }})))
                    {%- endfor %}
                    sum := add(mulmod(sum, point, r), calldataload(cptr))
                }
                {%- endif %}
                mstore({{ sum.mptr }}, addmod(sum, 0, r))
            }
            {%- endfor %}
            {%- endif %}
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
                mstore({{ layout.first_denominator_mptr }}, addmod(point, minus_one, r))
                for { let i := 0 } lt(i, {{ lagrange.blinding_factors }}) { i := add(i, 1) } {
                    point := mulmod(point, {{ omega }}, r)
                    let difference := add(point, minus_one)
                    numerator := add(mulmod(numerator, difference, r), denominator)
                    denominator := mulmod(denominator, difference, r)
                }
                mstore(L_ACTIVE_MPTR, numerator)
                mstore({{ layout.blinding_denominator_mptr }}, denominator)
                point := mulmod(point, {{ omega }}, r)
                mstore({{ layout.last_denominator_mptr }}, addmod(point, minus_one, r))
            }
            {%- endif %}

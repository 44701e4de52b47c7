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

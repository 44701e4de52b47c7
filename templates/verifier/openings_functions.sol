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

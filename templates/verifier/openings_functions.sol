            {% if let Some(packed) = packed -%}
            // With Y the polynomial of a pack's values at a point p, every pack and each of its points contribute, with the next
            // power of γ times the weight,
            //
            //   power / (zᵗ − p)             to the pack's scalar,
            //   power·Y(z) / (zᵗ − p)        to the value that G's scalar takes off,
            //
            // and so does the quotient, whose value is h, after them.
            function open(h, r) -> value {
                if iszero(r) { leave }
                let z := mload(OPENING_Z_MPTR)
                let gamma := mload(OPENING_GAMMA_MPTR)
                let power := mload(WEIGHT_MPTR)
                {%- for pack in packed.packs %}

                // {{ pack.title }}
                {
                    let scalar := 0
                    {%- for term in pack.terms %}
                    {
                        let s := mulmod(power, {{ term.inverse }}, r)
                        scalar := addmod(scalar, s, r)
                        value := addmod(value, mulmod(s, {{ term.name }}(z, r), r), r)
                        power := mulmod(power, gamma, r)
                    }
                    {%- endfor %}
                    {{ pack.store }}
                    {%- if let Some(store_mask) = pack.store_mask %}
                    // So many times what is 0 on all rows but the free ones.
                    scalar := mulmod(scalar, mulmod(mload({{ layout.vanishing_mptr }}), mload({{ layout.free_rows_mptr }}), r), r)
                    {{ store_mask }}
                    {%- endif %}
                }
                {%- endfor %}

                // The quotient.
                let scalar := mulmod(power, {{ packed.quotient_inverse }}, r)
                {{ packed.store_quotient }}
                value := addmod(value, mulmod(scalar, h, r), r)
                {%- if packed.links.is_some() %}

                // Columns that hold the words of commitments.
                value := addmod(value, packed_links(mulmod(scalar, gamma, r), r), r)
                {%- endif %}
            }
            {%- if let Some(links) = packed.links %}
            // With Z 0 on the rows of a commitment's domain that hold words, ∑ⱼ (yʲ/Z(x))·Cⱼ and the links' quotient have at x
            // the value ∑ⱼ (yʲ/Z(x))·columnⱼ, and are opened there with the next power of γ.
            function packed_links(scalar, r) -> value {
                if iszero(r) { leave }
                {{ links.store_quotient }}
                let x := mload(X_MPTR)
                {%- for class in links.classes %}
                // 1/Z of a domain of 2^{{ class.class }} rows, of which the first and the last {{ class.free.len() }} hold no word.
                let inverse_{{ class.class }} := mulmod({{ class.inverse }}, add(x, sub(r, 1)), r)
                {%- for minus_point in class.free %}
                inverse_{{ class.class }} := mulmod(inverse_{{ class.class }}, add(x, {{ minus_point }}), r)
                {%- endfor %}
                {%- endfor %}
                let power := scalar
                {%- for link in links.links %}

                // Link {{ link.number }}, of advice {{ link.column }}.
                {%- if !loop.first %}
                power := mulmod(power, mload(Y_MPTR), r)
                {%- endif %}
                scalar := mulmod(power, inverse_{{ link.class }}, r)
                {{ link.store }}
                value := addmod(value, mulmod(scalar, {{ link.value }}, r), r)
                {%- endfor %}
            }
            {%- endif %}
            {%- for pack in packed.packs %}
            {%- for term in pack.terms %}
            // {{ term.title }}
            function {{ term.name }}(z, r) -> y {
                if iszero(r) { leave }
                y := {{ term.values[0] }}
                {%- for value in term.values[1..] %}
                y := add(mulmod(y, z, r), {{ value }})
                {%- endfor %}
            }
            {%- endfor %}
            {%- endfor %}
            {%- else -%}
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
            {%- endif %}
            {%- if let Some(linked) = linked %}
            // With Z 0 on the rows of a commitment's domain that hold words, ∑ⱼ (μʲ/Z(z))·(columnⱼ − Cⱼ) less the links' quotient is 0
            // at z. What shows it counts ν times.
            function open_links(r) {
                if iszero(r) { leave }
                let z := mload(LINK_Z_MPTR)
                let power := mulmod(mload(WEIGHT_MPTR), mload(LINK_NU_MPTR), r)
                mstore({{ linked.quotient_scalar }}, sub(r, power))
                mstore({{ linked.proof_scalar }}, mulmod(power, z, r))
                {%- for class in linked.classes %}
                // 1/Z of a domain of 2^{{ class.class }} rows, of which the first and the last {{ class.free.len() }} hold no word.
                let inverse_{{ class.class }} := mulmod({{ class.inverse }}, add(z, sub(r, 1)), r)
                {%- for minus_point in class.free %}
                inverse_{{ class.class }} := mulmod(inverse_{{ class.class }}, add(z, {{ minus_point }}), r)
                {%- endfor %}
                {%- endfor %}
                let scalar
                {%- for link in linked.links %}

                // Link {{ link.number }}, of advice {{ link.column }}.
                {%- if !loop.first %}
                power := mulmod(power, mload(LINK_MU_MPTR), r)
                {%- endif %}
                scalar := mulmod(power, inverse_{{ link.class }}, r)
                mstore({{ link.column_scalar }}, addmod(mload({{ link.column_scalar }}), scalar, r))
                mstore({{ link.commitment_scalar }}, sub(r, scalar))
                {%- endfor %}
            }
            {%- endif %}

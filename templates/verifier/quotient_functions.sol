            // The constraints are added in groups, and all openings in one function: compiled through Yul, contracts
            // that are one large function become larger still, or fail to compile. A function that may leave early is
            // not inlined, so each starts with a question whose answer is known.
            {%- for group in constraint_groups %}
            function add_constraints_{{ loop.index }}(before, y, r) -> h {
                if iszero(r) { leave }
                h := before
                {%- for constraint in group %}

                // {{ constraint.title }}
                {%- for statement in constraint.shared %}
                {{ statement }}
                {%- endfor %}
                h := add(mulmod(h, y, r), {{ constraint.value }})
                {%- endfor %}
            }
            {%- endfor %}

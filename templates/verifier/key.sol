    /// @dev Puts the points of the verifying key in front of their scalars, which are zero as is all memory so far.
    // @phase msm
    function _start() private {% if key_data.is_some() %}view{% else %}pure{% endif %} {
        {%- if key_data.is_some() %}
        address key_data = KEY_DATA;
        {%- endif %}
        assembly ("memory-safe") {
            if gt(mload(0x40), R_MPTR) {
                mstore(0x00, {{ selectors.memory_in_use }}) // MemoryInUse()
                revert(0x1c, 0x04)
            }
            mstore(R_MPTR, R)
            mstore(WEIGHT_MPTR, 1)
            mstore(COUNT_MPTR, 0)
            {%- if let Some(key_data) = key_data %}

            if iszero(eq(extcodehash(key_data), KEY_DATA_CODE_HASH)) {
                mstore(0x00, {{ selectors.wrong_key_data }}) // WrongKeyData()
                revert(0x1c, 0x04)
            }
            // First behind all else, where only values that polynomials share will lie.
            let point_mptr := TERMS_END_MPTR
            extcodecopy(key_data, point_mptr, 1, {{ key_data.length }})
            for { let mptr := KEY_TERMS_MPTR } lt(mptr, TERMS_END_MPTR) { mptr := add(mptr, 0x60) } {
                mstore(mptr, mload(point_mptr))
                mstore(add(mptr, 0x20), mload(add(point_mptr, 0x20)))
                point_mptr := add(point_mptr, 0x40)
            }
            {%- else %}
            {%- for term in key_terms %}

            // {{ term.title }}
            mstore({{ term.x_mptr }}, {{ term.x }})
            mstore({{ term.y_mptr }}, {{ term.y }})
            {%- endfor %}
            {%- endif %}
        }
    }

    /// @dev Refuses a chain on which a precompile is missing or wrong.
    {%- if key_data.is_some() %} Creates the contract with the key's points.{% endif %}
    {%- if unsafe_dev_srs %} Refuses every chain but local ones.{% endif %}
    constructor() {
        {%- if unsafe_dev_srs %}
        if ({% for id in dev_chain_ids %}{% if !loop.first %} && {% endif %}block.chainid != {{ id }}{% endfor %}) revert UnsafeDevSrs(block.chainid);
        {%- endif %}
        {%- if let Some(key_data) = key_data %}
        address key_data;
        assembly ("memory-safe") {
            // Returns all code behind it, of which the first byte is a STOP.
            let mptr := mload(0x40)
            mstore(mptr, 0x600b5981380380925939f300)
            {%- for term in key_terms %}

            // {{ term.title }}
            mstore(add(mptr, {{ Ptr(loop.index0 * 64 + 32) }}), {{ term.x }})
            mstore(add(mptr, {{ Ptr(loop.index0 * 64 + 64) }}), {{ term.y }})
            {%- endfor %}
            key_data := create(0, add(mptr, 0x14), {{ key_data.init_code_length }})
            if iszero(eq(extcodehash(key_data), KEY_DATA_CODE_HASH)) {
                mstore(0x00, {{ selectors.wrong_key_data }}) // WrongKeyData()
                revert(0x1c, 0x04)
            }
        }
        KEY_DATA = key_data;
        {%- endif %}
        assembly ("memory-safe") {
            function refuse(precompile) {
                mstore(0x00, {{ selectors.precompile_failed }}) // PrecompileFailed(uint256)
                mstore(0x20, precompile)
                revert(0x1c, 0x24)
            }

            // 2⁻¹ modulo r.
            let mptr := mload(0x40)
            mstore(mptr, 0x20)
            mstore(add(mptr, 0x20), 0x20)
            mstore(add(mptr, 0x40), 0x20)
            mstore(add(mptr, 0x60), 2)
            mstore(add(mptr, 0x80), sub(R, 2))
            mstore(add(mptr, 0xa0), R)
            // Yul evaluates arguments from the last to the first: the call comes before `returndatasize`.
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), MODEXP, mptr, 0xc0, mptr, 0x20))) {
                refuse(MODEXP)
            }
            if iszero(eq(addmod(mload(mptr), mload(mptr), R), 1)) { refuse(MODEXP) }

            // G + G, and 2·G behind it.
            mstore(mptr, 1)
            mstore(add(mptr, 0x20), 2)
            mstore(add(mptr, 0x40), 1)
            mstore(add(mptr, 0x60), 2)
            if iszero(and(eq(returndatasize(), 0x40), staticcall(gas(), EC_ADD, mptr, 0x80, mptr, 0x40))) {
                refuse(EC_ADD)
            }
            mstore(add(mptr, 0x80), 2)
            if iszero(
                and(
                    eq(returndatasize(), 0x40),
                    staticcall(gas(), EC_MUL, add(mptr, 0x40), 0x60, add(mptr, 0x40), 0x40)
                )
            ) { refuse(EC_MUL) }
            if iszero(
                and(
                    eq(mload(mptr), mload(add(mptr, 0x40))),
                    eq(mload(add(mptr, 0x20)), mload(add(mptr, 0x60)))
                )
            ) { refuse(EC_MUL) }

            // e(G, H)·e(−G, H) = 1, and e(G, H)·e(G, H) ≠ 1.
            mstore(mptr, 1)
            mstore(add(mptr, 0x20), 2)
            {%- for word in g2 %}
            mstore(add(mptr, {{ Ptr(loop.index0 * 32 + 64) }}), {{ word }})
            {%- endfor %}
            mstore(add(mptr, 0xc0), 1)
            mstore(add(mptr, 0xe0), sub(Q, 2))
            {%- for word in g2 %}
            mstore(add(mptr, {{ Ptr(loop.index0 * 32 + 256) }}), {{ word }})
            {%- endfor %}
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), EC_PAIRING, mptr, 0x0180, 0x00, 0x20))) {
                refuse(EC_PAIRING)
            }
            if iszero(eq(mload(0x00), 1)) { refuse(EC_PAIRING) }
            mstore(add(mptr, 0xe0), 2)
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), EC_PAIRING, mptr, 0x0180, 0x00, 0x20))) {
                refuse(EC_PAIRING)
            }
            if mload(0x00) { refuse(EC_PAIRING) }
        }
    }

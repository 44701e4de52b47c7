            // Draws a challenge after `length` bytes: the state and what was absorbed.
            function squeeze(length) -> challenge {
                let hash := keccak256(TRANSCRIPT_MPTR, length)
                mstore(TRANSCRIPT_MPTR, hash)
                challenge := mod(hash, R)
            }

            // Draws a challenge after nothing but the state.
            function squeeze_again() -> challenge {
                mstore(0x00, mload(TRANSCRIPT_MPTR))
                mstore8(0x20, 1)
                let hash := keccak256(0x00, 0x21)
                mstore(TRANSCRIPT_MPTR, hash)
                challenge := mod(hash, R)
            }

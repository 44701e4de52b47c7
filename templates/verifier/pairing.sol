    /// @dev Adds the key's terms and checks e(left, [τ]₂) = e(right, [1]₂).
    function _checkPairing() private view {
        // @phase msm
        _addTerms(RIGHT_MPTR, KEY_TERMS_MPTR, TERMS_END_MPTR);
        assembly ("memory-safe") {
{% include "verifier/pairing_equation.sol" %}
        }
    }

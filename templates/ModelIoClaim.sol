{%- if claim.is("threshold") %}

    /// @notice Whether verified instances say that {{ claim.subject() }} is at least `least`, which has 18 decimals: the claim holds, and its
    /// threshold is no lower. (Whoever proves chooses the threshold.)
    function isAtLeast{{ claim.function }}(uint256[] memory instances, int256 least{{ claim.index() }}) internal pure returns (bool) {
        int256 proved = _floor({{ claim.parameter.steps("0") }}, {{ claim.parameter.scale() }});
        return {{ claim.result.getter }}At(instances, {{ claim.at() }}) == 1 && proved >= least;
    }

    /// @notice Whether verified instances say that {{ claim.subject() }} is below `limit`, which has 18 decimals: the claim does not hold, and
    /// its threshold is no higher.
    function isBelow{{ claim.function }}(uint256[] memory instances, int256 limit{{ claim.index() }}) internal pure returns (bool) {
        int256 proved = _ceil({{ claim.parameter.steps("0") }}, {{ claim.parameter.scale() }});
        return {{ claim.result.getter }}At(instances, {{ claim.at() }}) == 0 && proved <= limit;
    }

    /// @notice The threshold that whoever proved chose for {{ claim.title }}, with 18 decimals, rounded to the nearest.
    function threshold{{ claim.function }}(uint256[] memory instances) internal pure returns (int256) {
        return dequantize{{ claim.parameter.function }}({{ claim.parameter.getter }}At(instances, 0));
    }
{%- else if claim.is("range") %}

    /// @notice Whether verified instances say that {{ claim.subject() }} is at least `low` and at most `high`, which have 18 decimals: the claim
    /// holds, and its range is no wider. (Whoever proves chooses the range.)
    function isWithin{{ claim.function }}(uint256[] memory instances, int256 low, int256 high{{ claim.index() }}) internal pure returns (bool) {
        int256 provedLow = _floor({{ claim.parameter.steps("0") }}, {{ claim.parameter.scale() }});
        int256 provedHigh = _ceil({{ claim.parameter.steps("1") }}, {{ claim.parameter.scale() }});
        return {{ claim.result.getter }}At(instances, {{ claim.at() }}) == 1 && provedLow >= low && provedHigh <= high;
    }

    /// @notice The range that whoever proved chose for {{ claim.title }}, with 18 decimals, rounded to the nearest.
    function range{{ claim.function }}(uint256[] memory instances) internal pure returns (int256 low, int256 high) {
        low = dequantize{{ claim.parameter.function }}({{ claim.parameter.getter }}At(instances, 0));
        high = dequantize{{ claim.parameter.function }}({{ claim.parameter.getter }}At(instances, 1));
    }
{%- else if claim.is("bucket") %}

    /// @notice How many of these ascending bounds, which have 18 decimals, {{ claim.subject() }} reaches, as verified instances say: the number of
    /// its bucket. Reverts where whoever proved chose other bounds.
    function bucket{{ claim.function }}(uint256[] memory instances, int256[{{ claim.chosen }}] memory bounds{{ claim.index() }}) internal pure returns (uint256) {
        for (uint256 i = 0; i < {{ claim.chosen }}; ++i) {
            // The first step that reaches the bound.
            int256 steps = {{ claim.parameter.steps("i") }};
            if (_floor(steps, {{ claim.parameter.scale() }}) < bounds[i]
                || _floor(steps - 1, {{ claim.parameter.scale() }}) >= bounds[i]) revert OtherBound(i, bounds[i]);
        }
        return {{ claim.result.getter }}At(instances, {{ claim.at() }});
    }

    /// @notice The bounds that whoever proved chose for {{ claim.title }}, with 18 decimals, rounded to the nearest.
    function bounds{{ claim.function }}(uint256[] memory instances) internal pure returns (int256[{{ claim.chosen }}] memory bounds) {
        for (uint256 i = 0; i < {{ claim.chosen }}; ++i) {
            bounds[i] = dequantize{{ claim.parameter.function }}({{ claim.parameter.getter }}At(instances, i));
        }
    }
{%- else if claim.is("equal") %}
{%- if claim.is_of_positions %}

    /// @notice Whether verified instances say that {{ claim.subject() }} is this position: the claim holds, and is about it. (Whoever proves
    /// chooses the position.)
    function equals{{ claim.function }}(uint256[] memory instances, uint256 position{{ claim.index() }}) internal pure returns (bool) {
        return {{ claim.result.getter }}At(instances, {{ claim.at() }}) == 1 && {{ claim.parameter.getter }}At(instances, 0) == position;
    }
{%- else %}

    /// @notice Whether verified instances say that {{ claim.subject() }} is this value, which has 18 decimals, rounded to the nearest: the claim
    /// holds, and is about it. (Whoever proves chooses the value.)
    function equals{{ claim.function }}(uint256[] memory instances, int256 value{{ claim.index() }}) internal pure returns (bool) {
        int256 proved = dequantize{{ claim.parameter.function }}({{ claim.parameter.getter }}At(instances, 0));
        return {{ claim.result.getter }}At(instances, {{ claim.at() }}) == 1 && proved == value;
    }
{%- endif %}
{%- else if claim.is("argmax") %}

    /// @notice The class, the position of the largest element{% if !claim.is_one() %} of line `index`{% endif %}, of {{ claim.title }} that verified instances say, the first if
    /// there are several.
    function class{{ claim.function }}(uint256[] memory instances{{ claim.index() }}) internal pure returns (uint256) {
        return {{ claim.result.getter }}At(instances, {{ claim.at() }});
    }
{%- else if claim.is("top") %}

    /// @notice The positions of the largest elements of {{ claim.title }} that verified instances say, the largest first and the first first where
    /// several are equal.
    function top{{ claim.function }}(uint256[] memory instances) internal pure returns (uint8[] memory) {
        return unpack{{ claim.result.function }}(instances);
    }
{%- else %}

    /// @notice The value of {{ claim.title }} that verified instances say, with 18 decimals, rounded to the nearest.
    function value{{ claim.function }}(uint256[] memory instances) internal pure returns (int256) {
        return dequantize{{ claim.result.function }}({{ claim.result.getter }}At(instances, 0));
    }
{%- endif %}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title What the instances of {{ model }} mean
/// @notice Packs tensors into instances of a proof and reads them from verified instances.
/// @dev Rendered by zkverdict. Instance 0 is the context. Each tensor starts a new instance; an instance holds 31
/// elements, the first in the lowest byte. A byte is the element less the smallest value of its type.
///
/// | tensor | type | shape | instances |
/// |---|---|---|---|
{%- for tensor in tensors %}
/// | {{ tensor.title }} ({{ tensor.role }}) | {{ tensor.solidity_type }} | {{ tensor.shape }} | {{ tensor.first }}..{{ tensor.end }} |
{%- endfor %}
library {{ name }} {
    /// @notice A tensor has another number of elements.
    error TensorLength(uint256 received, uint256 expected);

    /// @notice There are more or fewer instances than the model has.
    error InstanceCount(uint256 received, uint256 expected);

    /// @notice There is no such element.
    error IndexOutOfRange(uint256 index, uint256 length);

    /// @notice The context is not below the modulus of the BN254 scalar field.
    error ContextOutOfRange(uint256 context);

    /// @notice How many instances a proof has.
    uint256 internal constant NUM_INSTANCES = {{ num_instances }};

    /// @dev Modulus of the BN254 scalar field.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// @dev As many bytes stay below the modulus, whatever they are.
    uint256 private constant ELEMENTS_PER_INSTANCE = 31;

    /// @dev Bits of an element, and its byte.
    uint256 private constant ELEMENT_BITS = 8;
    uint256 private constant ELEMENT_MASK = 0xff;
    {%- for tensor in tensors %}

    /// @notice How many elements {{ tensor.title }} has.
    uint256 internal constant {{ tensor.constant }}_LENGTH = {{ tensor.length }};

    /// @notice The first instance of {{ tensor.title }}.
    uint256 internal constant {{ tensor.constant }}_INSTANCE = {{ tensor.first }};

    /// @notice A value of {{ tensor.title }} is (element − zero point) · scale, with the scale {{ tensor.scale }} as a fraction of
    /// numerator · 10⁻¹⁸ over denominator.
    int256 internal constant {{ tensor.constant }}_ZERO_POINT = {{ tensor.zero_point }};
    int256 internal constant {{ tensor.constant }}_SCALE_NUMERATOR = {{ tensor.numerator }};
    int256 internal constant {{ tensor.constant }}_SCALE_DENOMINATOR = {{ tensor.denominator }};
    {%- endfor %}

    /// @notice The context of a proof for one chain, consumer, sender and nonce: taken from elsewhere, the proof
    /// is useless.
    function contextOf(address consumer, address sender, uint256 nonce) internal view returns (uint256) {
        return uint256(keccak256(abi.encode(block.chainid, consumer, sender, nonce))) % R;
    }

    /// @notice Instances with the context set and all tensors still to be packed.
    function newInstances(uint256 context) internal pure returns (uint256[] memory instances) {
        if (context >= R) revert ContextOutOfRange(context);
        instances = new uint256[](NUM_INSTANCES);
        instances[0] = context;
    }
    {%- for tensor in tensors %}

    /// @notice Puts {{ tensor.title }} into its instances.
    function pack{{ tensor.function }}({{ tensor.solidity_type }}[] memory elements, uint256[] memory instances) internal pure {
        _checkLengths(elements.length, {{ tensor.constant }}_LENGTH, instances.length);
        uint256[] memory words;
        assembly ("memory-safe") {
            // Both are arrays of words.
            words := elements
        }
        _pack(words, {{ tensor.constant }}_INSTANCE, {{ tensor.offset }}, instances);
    }

    /// @notice Puts {{ tensor.title }}, one byte per element, into its instances.
    function pack{{ tensor.function }}(bytes memory elements, uint256[] memory instances) internal pure {
        _checkLengths(elements.length, {{ tensor.constant }}_LENGTH, instances.length);
        _pack(elements, {{ tensor.constant }}_INSTANCE, {{ tensor.offset }}, instances);
    }

    /// @notice Reads {{ tensor.title }}.
    function unpack{{ tensor.function }}(uint256[] memory instances)
        internal
        pure
        returns ({{ tensor.solidity_type }}[] memory elements)
    {
        uint256[] memory words = _unpack(instances, {{ tensor.constant }}_INSTANCE, {{ tensor.constant }}_LENGTH, {{ tensor.offset }});
        assembly ("memory-safe") {
            elements := words
        }
    }

    /// @notice Reads one element of {{ tensor.title }}.
    function {{ tensor.getter }}At(uint256[] memory instances, uint256 index) internal pure returns ({{ tensor.solidity_type }}) {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        if (index >= {{ tensor.constant }}_LENGTH) revert IndexOutOfRange(index, {{ tensor.constant }}_LENGTH);
        uint256 element = (instances[{{ tensor.constant }}_INSTANCE + index / ELEMENTS_PER_INSTANCE] >> (ELEMENT_BITS * (index % ELEMENTS_PER_INSTANCE))) & ELEMENT_MASK;
        {%- if tensor.is_signed %}
        return int8(int256(element) - 128);
        {%- else %}
        return uint8(element);
        {%- endif %}
    }

    /// @notice The value of an element of {{ tensor.title }} with 18 decimals, rounded to the nearest, ties away from zero.
    function dequantize{{ tensor.function }}({{ tensor.solidity_type }} element) internal pure returns (int256) {
        {%- if tensor.is_signed %}
        int256 steps = int256(element) - {{ tensor.constant }}_ZERO_POINT;
        {%- else %}
        int256 steps = int256(uint256(element)) - {{ tensor.constant }}_ZERO_POINT;
        {%- endif %}
        int256 numerator = steps * {{ tensor.constant }}_SCALE_NUMERATOR;
        int256 half = {{ tensor.constant }}_SCALE_DENOMINATOR / 2;
        return (numerator < 0 ? numerator - half : numerator + half) / {{ tensor.constant }}_SCALE_DENOMINATOR;
    }

    /// @notice The index of the largest element of {{ tensor.title }}, the first if there are several.
    function argmax{{ tensor.function }}(uint256[] memory instances) internal pure returns (uint256) {
        return _argmax(instances, {{ tensor.constant }}_INSTANCE, {{ tensor.constant }}_LENGTH);
    }
    {%- endfor %}

    function _checkLengths(uint256 received, uint256 expected, uint256 count) private pure {
        if (received != expected) revert TensorLength(received, expected);
        if (count != NUM_INSTANCES) revert InstanceCount(count, NUM_INSTANCES);
    }

    /// @dev `offset` is what a type's smallest value lies below zero: 128 or 0. Modulo 256 it is added and taken off alike.
    function _pack(uint256[] memory words, uint256 first, uint256 offset, uint256[] memory instances)
        private
        pure
    {
        unchecked {
            uint256 instance;
            for (uint256 i = 0; i < words.length; ++i) {
                instance |= ((words[i] + offset) & ELEMENT_MASK) << (ELEMENT_BITS * (i % ELEMENTS_PER_INSTANCE));
                if (i % ELEMENTS_PER_INSTANCE == ELEMENTS_PER_INSTANCE - 1 || i + 1 == words.length) {
                    instances[first + i / ELEMENTS_PER_INSTANCE] = instance;
                    instance = 0;
                }
            }
        }
    }

    function _pack(bytes memory elements, uint256 first, uint256 offset, uint256[] memory instances)
        private
        pure
    {
        unchecked {
            uint256 instance;
            for (uint256 i = 0; i < elements.length; ++i) {
                instance |= ((uint256(uint8(elements[i])) + offset) & ELEMENT_MASK) << (ELEMENT_BITS * (i % ELEMENTS_PER_INSTANCE));
                if (i % ELEMENTS_PER_INSTANCE == ELEMENTS_PER_INSTANCE - 1 || i + 1 == elements.length) {
                    instances[first + i / ELEMENTS_PER_INSTANCE] = instance;
                    instance = 0;
                }
            }
        }
    }

    function _unpack(uint256[] memory instances, uint256 first, uint256 length, uint256 offset)
        private
        pure
        returns (uint256[] memory words)
    {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        words = new uint256[](length);
        unchecked {
            for (uint256 i = 0; i < length; ++i) {
                uint256 element = (instances[first + i / ELEMENTS_PER_INSTANCE] >> (ELEMENT_BITS * (i % ELEMENTS_PER_INSTANCE))) & ELEMENT_MASK;
                // A signed type is sign-extended to the word.
                words[i] = element - offset;
            }
        }
    }

    function _argmax(uint256[] memory instances, uint256 first, uint256 length)
        private
        pure
        returns (uint256 best)
    {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        unchecked {
            // Bytes are in the order of the elements, so they are compared as they are.
            uint256 largest;
            for (uint256 i = 0; i < length; ++i) {
                uint256 element = (instances[first + i / ELEMENTS_PER_INSTANCE] >> (ELEMENT_BITS * (i % ELEMENTS_PER_INSTANCE))) & ELEMENT_MASK;
                if (element > largest) {
                    largest = element;
                    best = i;
                }
            }
        }
    }
}

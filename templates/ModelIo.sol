// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title What the instances of {{ model }} mean
/// @notice Packs tensors into instances of a proof and reads them from verified instances.
/// @dev Rendered by zkverdict. Instance 0 is the context. Each tensor starts a new instance; an instance holds 31
/// elements, the first in the lowest byte. A byte is the element less the smallest value of its type.
{%- if inferences > 1 %}
/// A proof is of {{ inferences }} inferences: `inferenceOf` gives the instances of one, as they are described here, of all.
{%- endif %}
///
/// | tensor | type | shape | instances |
/// |---|---|---|---|
{%- for name in names %}
/// | the name of the commitment to {{ name.title }} | 248 bits | | {{ name.instance }} |
{%- endfor %}
{%- for hash in hashes %}
/// | the hash of {{ hash.title }} | a number below R | | {{ hash.instance }} |
{%- endfor %}
{%- for tensor in tensors %}
/// | {{ tensor.title }} ({{ tensor.role.name() }}) | {{ tensor.element.solidity_type() }} | {{ tensor.shape }} | {{ tensor.first }}..{{ tensor.end }} |
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

    /// @notice How many instances {% if inferences > 1 %}an inference{% else %}a proof{% endif %} has.
    uint256 internal constant NUM_INSTANCES = {{ num_instances }};
    {%- if inferences > 1 %}

    /// @notice How many inferences a proof has, and instances of all of them together.
    uint256 internal constant NUM_INFERENCES = {{ inferences }};
    uint256 internal constant NUM_BATCH_INSTANCES = {{ num_batch_instances }};
    {%- endif %}

    /// @dev Modulus of the BN254 scalar field.
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// @dev As many bytes stay below the modulus, whatever they are.
    uint256 private constant ELEMENTS_PER_INSTANCE = 31;

    /// @dev Bits of an element, and its byte.
    uint256 private constant ELEMENT_BITS = 8;
    uint256 private constant ELEMENT_MASK = 0xff;

    /// @dev What turns the bytes of signed elements into those of an instance, and back: it adds 128 to each.
    uint256 private constant SIGNS = 0x80808080808080808080808080808080808080808080808080808080808080;
    {%- for name in names %}

    /// @notice The instance that is the name of the commitment to {{ name.title }}. A name that nobody compares says nothing.
    uint256 internal constant {{ name.constant }}_NAME = {{ name.instance }};
    {%- endfor %}
    {%- for hash in hashes %}

    /// @notice The instance that is the hash of {{ hash.title }}, of Poseidon and with a blinding. A hash that nobody compares says
    /// nothing.
    uint256 internal constant {{ hash.constant }}_HASH = {{ hash.instance }};
    {%- endfor %}
    {%- for tensor in tensors %}

    /// @notice How many elements {{ tensor.title }} has.
    uint256 internal constant {{ tensor.constant }}_LENGTH = {{ tensor.length }};

    /// @notice The first instance of {{ tensor.title }}.
    uint256 internal constant {{ tensor.constant }}_INSTANCE = {{ tensor.first }};

    /// @notice A value of {{ tensor.title }} is (element − zero point) · scale, with the scale {{ tensor.scale }} as a fraction of
    /// numerator · 10⁻¹⁸ over denominator.
    {%- for note in tensor.notes %}
    /// {{ note }}
    {%- endfor %}
    int256 internal constant {{ tensor.constant }}_ZERO_POINT = {{ tensor.zero_point }};
    int256 internal constant {{ tensor.constant }}_SCALE_NUMERATOR = {{ tensor.numerator }};
    int256 internal constant {{ tensor.constant }}_SCALE_DENOMINATOR = {{ tensor.denominator }};
    {%- endfor %}
    {%- if !claims.is_empty() %}

    /// @notice A proof was made with another bound than is asked for.
    error OtherBound(uint256 index, int256 bound);
    {%- endif %}

    /// @notice The context of a proof for one chain, consumer, sender and turn: taken from elsewhere, the proof
    /// is useless.
    function contextOf(address consumer, address sender, uint256 nonce) internal view returns (uint256) {
        bytes32 kind = keccak256("zkverdict.context.turn.v1");
        return uint256(keccak256(abi.encode(kind, block.chainid, consumer, sender, nonce))) % R;
    }

    /// @notice Instances with the context set and all tensors still to be packed.
    function newInstances(uint256 context) internal pure returns (uint256[] memory instances) {
        if (context >= R) revert ContextOutOfRange(context);
        instances = new uint256[](NUM_INSTANCES);
        instances[0] = context;
    }
    {%- for name in names %}

    /// @notice The name of the commitment to {{ name.title }}: compare it, whoever makes a proof chooses it.
    function nameOf{{ name.function }}(uint256[] memory instances) internal pure returns (bytes32) {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        return bytes32(instances[{{ name.constant }}_NAME]);
    }
    {%- endfor %}
    {%- for hash in hashes %}

    /// @notice The hash of {{ hash.title }}: compare it, whoever makes a proof chooses it.
    function hashOf{{ hash.function }}(uint256[] memory instances) internal pure returns (uint256) {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        return instances[{{ hash.constant }}_HASH];
    }
    {%- endfor %}
    {%- if inferences > 1 %}

    /// @notice The instances of one inference, of those of a proof.
    function inferenceOf(uint256[] memory batch, uint256 inference) internal pure returns (uint256[] memory instances) {
        _checkBatch(batch.length, inference);
        instances = new uint256[](NUM_INSTANCES);
        for (uint256 i = 0; i < NUM_INSTANCES; ++i) {
            instances[i] = batch[_inBatch(inference, i)];
        }
    }

    /// @notice Puts the instances of one inference among those of a proof, which are `NUM_BATCH_INSTANCES`.
    function putInference(uint256[] memory instances, uint256[] memory batch, uint256 inference) internal pure {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        _checkBatch(batch.length, inference);
        for (uint256 i = 0; i < NUM_INSTANCES; ++i) {
            batch[_inBatch(inference, i)] = instances[i];
        }
    }
    {%- endif %}
    {%- for tensor in tensors %}

    /// @notice Puts {{ tensor.title }} into its instances.
    function pack{{ tensor.function }}({{ tensor.element.solidity_type() }}[] memory elements, uint256[] memory instances) internal pure {
        _checkLengths(elements.length, {{ tensor.constant }}_LENGTH, instances.length);
        uint256[] memory words;
        assembly ("memory-safe") {
            // Both are arrays of words.
            words := elements
        }
        _packWords(words, {{ tensor.constant }}_INSTANCE, {% if tensor.element.is_signed() %}SIGNS{% else %}0{% endif %}, instances);
    }

    /// @notice Puts {{ tensor.title }}, one byte per element, into its instances.
    function pack{{ tensor.function }}(bytes memory elements, uint256[] memory instances) internal pure {
        _checkLengths(elements.length, {{ tensor.constant }}_LENGTH, instances.length);
        _packBytes(elements, {{ tensor.constant }}_INSTANCE, {% if tensor.element.is_signed() %}SIGNS{% else %}0{% endif %}, instances);
    }

    /// @notice Reads {{ tensor.title }}.
    function unpack{{ tensor.function }}(uint256[] memory instances)
        internal
        pure
        returns ({{ tensor.element.solidity_type() }}[] memory)
    {
        return _unpack{{ tensor.element.title() }}(instances, {{ tensor.constant }}_INSTANCE, {{ tensor.constant }}_LENGTH);
    }

    /// @notice Reads {{ tensor.title }}, one byte per element: much cheaper than a word each.
    function unpack{{ tensor.function }}Bytes(uint256[] memory instances) internal pure returns (bytes memory) {
        return _unpackBytes(instances, {{ tensor.constant }}_INSTANCE, {{ tensor.constant }}_LENGTH, {% if tensor.element.is_signed() %}SIGNS{% else %}0{% endif %});
    }

    /// @notice Reads one element of {{ tensor.title }}.
    function {{ tensor.getter }}At(uint256[] memory instances, uint256 index) internal pure returns ({{ tensor.element.solidity_type() }}) {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        if (index >= {{ tensor.constant }}_LENGTH) revert IndexOutOfRange(index, {{ tensor.constant }}_LENGTH);
        uint256 element = (instances[{{ tensor.constant }}_INSTANCE + index / ELEMENTS_PER_INSTANCE] >> (ELEMENT_BITS * (index % ELEMENTS_PER_INSTANCE))) & ELEMENT_MASK;
        {%- if tensor.element.is_signed() %}
        // forge-lint: disable-next-line(unsafe-typecast) the element is a byte
        return int8(int256(element) - 128);
        {%- else %}
        // forge-lint: disable-next-line(unsafe-typecast) the element is a byte
        return uint8(element);
        {%- endif %}
    }

    /// @notice The value of an element of {{ tensor.title }} with 18 decimals, rounded to the nearest, ties away from zero.
    function dequantize{{ tensor.function }}({{ tensor.element.solidity_type() }} element) internal pure returns (int256) {
        {%- if tensor.element.is_signed() %}
        int256 steps = int256(element) - {{ tensor.constant }}_ZERO_POINT;
        {%- else %}
        int256 steps = int256(uint256(element)) - {{ tensor.constant }}_ZERO_POINT;
        {%- endif %}
        int256 numerator = steps * {{ tensor.constant }}_SCALE_NUMERATOR;
        int256 half = {{ tensor.constant }}_SCALE_DENOMINATOR / 2;
        return (numerator < 0 ? numerator - half : numerator + half) / {{ tensor.constant }}_SCALE_DENOMINATOR;
    }
    {%- if tensor.role.is_models() %}

    /// @notice The index of the largest element of {{ tensor.title }}, the first if there are several.
    function argmax{{ tensor.function }}(uint256[] memory instances) internal pure returns (uint256) {
        return _argmax(instances, {{ tensor.constant }}_INSTANCE, {{ tensor.constant }}_LENGTH);
    }
    {%- endif %}
    {%- endfor %}
    {%- for claim in claims %}
    {%- include "ModelIoClaim.sol" %}
    {%- endfor %}
    {%- if !claims.is_empty() %}

    function _steps(int8 element, int256 zeroPoint) private pure returns (int256) {
        return int256(element) - zeroPoint;
    }

    function _steps(uint8 element, int256 zeroPoint) private pure returns (int256) {
        return int256(uint256(element)) - zeroPoint;
    }

    /// @dev The largest integer that is no larger than steps · numerator / denominator.
    function _floor(int256 steps, int256 numerator, int256 denominator) private pure returns (int256 floor) {
        int256 product = steps * numerator;
        floor = product / denominator;
        if (product % denominator < 0) --floor;
    }

    /// @dev The smallest integer that is no smaller than steps · numerator / denominator.
    function _ceil(int256 steps, int256 numerator, int256 denominator) private pure returns (int256) {
        return -_floor(-steps, numerator, denominator);
    }
    {%- endif %}

    {%- if inferences > 1 %}

    function _checkBatch(uint256 count, uint256 inference) private pure {
        if (count != NUM_BATCH_INSTANCES) revert InstanceCount(count, NUM_BATCH_INSTANCES);
        if (inference >= NUM_INFERENCES) revert IndexOutOfRange(inference, NUM_INFERENCES);
    }

    /// @dev Where an instance of an inference is among those of all: all contexts, names that belong to all, all inputs, all that is
    /// compared with, all claims, all outputs.
    function _inBatch(uint256 inference, uint256 instance) private pure returns (uint256) {
        if (instance == 0) return inference;
        if (instance < {{ first_input }}) return NUM_INFERENCES + instance - 1;
        {%- for run in runs %}
        {% if !loop.last %}if (instance < {{ run.end }}) {% endif %}return {{ run.place }} + inference * {{ run.length }} + instance - {{ run.start }};
        {%- endfor %}
    }
    {%- endif %}

    function _checkLengths(uint256 received, uint256 expected, uint256 count) private pure {
        if (received != expected) revert TensorLength(received, expected);
        if (count != NUM_INSTANCES) revert InstanceCount(count, NUM_INSTANCES);
    }

    /// @dev The bits of the last instance's elements, of `length` in all.
    function _lastMask(uint256 length) private pure returns (uint256) {
        unchecked {
            uint256 unused = (ELEMENTS_PER_INSTANCE - length % ELEMENTS_PER_INSTANCE) % ELEMENTS_PER_INSTANCE;
            return type(uint256).max >> (ELEMENT_BITS * (unused + 1));
        }
    }

    /// @dev Packs elements of a word each, of which it takes the low byte alone: whatever lies above it, as after a copy from
    /// unchecked calldata, changes nothing. What lies behind the last element is read, and cut off.
    function _packWords(uint256[] memory words, uint256 first, uint256 signs, uint256[] memory instances) private pure {
        uint256 mask = _lastMask(words.length);
        assembly ("memory-safe") {
            let instance_mptr := add(instances, shl(5, first))
            let mptr := add(words, 0x20)
            let end_mptr := add(mptr, shl(5, mload(words)))
            mstore(0x00, 0)
            for { } lt(mptr, end_mptr) { mptr := add(mptr, {{ 32 * 31 }}) } {
                // An element's low byte goes to its place; byte 0 of the instance stays zero.
                {%- for i in 0..31 %}
                mstore8({{ 31 - i }}, mload(add(mptr, {{ 32 * i }})))
                {%- endfor %}
                instance_mptr := add(instance_mptr, 0x20)
                mstore(instance_mptr, xor(mload(0x00), signs))
            }
            if mload(words) { mstore(instance_mptr, and(mload(instance_mptr), mask)) }
        }
    }

    /// @dev Packs elements of a byte each: reverses 31 bytes at once, as the first is the lowest of its instance.
    function _packBytes(bytes memory elements, uint256 first, uint256 signs, uint256[] memory instances) private pure {
        uint256 length = elements.length;
        uint256 mask = _lastMask(length);
        unchecked {
            uint256 count = (length + ELEMENTS_PER_INSTANCE - 1) / ELEMENTS_PER_INSTANCE;
            for (uint256 i = 0; i < count; ++i) {
                uint256 instance;
                assembly ("memory-safe") {
                    instance := mload(add(add(elements, 0x20), mul(i, 31)))
                }
                instance = (_reverse(instance) ^ signs) & (i + 1 == count ? mask : type(uint256).max >> ELEMENT_BITS);
                assembly ("memory-safe") {
                    mstore(add(add(instances, 0x20), shl(5, add(first, i))), instance)
                }
            }
        }
    }

    {%- for element in elements %}

    /// @dev Reads {{ element.solidity_type() }} elements, a word each.
    function _unpack{{ element.title() }}(uint256[] memory instances, uint256 first, uint256 length)
        private
        pure
        returns ({{ element.solidity_type() }}[] memory elements)
    {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        assembly ("memory-safe") {
            elements := mload(0x40)
            mstore(elements, length)
            let mptr := add(elements, 0x20)
            let end_mptr := add(mptr, shl(5, length))
            let instance_mptr := add(add(instances, 0x20), shl(5, first))
            for { } lt(mptr, end_mptr) { mptr := add(mptr, {{ 32 * 31 }}) } {
                let instance := mload(instance_mptr)
                instance_mptr := add(instance_mptr, 0x20)
                // {% if element.is_signed() %}The difference is sign-extended to the word. {% endif %}Words behind the last element are not kept.
                {%- for i in 0..31 %}
                mstore(add(mptr, {{ 32 * i }}), {% if element.is_signed() %}sub(byte({{ 31 - i }}, instance), 128){% else %}byte({{ 31 - i }}, instance){% endif %})
                {%- endfor %}
            }
            mstore(0x40, end_mptr)
        }
    }
    {%- endfor %}

    function _unpackBytes(uint256[] memory instances, uint256 first, uint256 length, uint256 signs)
        private
        pure
        returns (bytes memory elements)
    {
        if (instances.length != NUM_INSTANCES) revert InstanceCount(instances.length, NUM_INSTANCES);
        unchecked {
            // Each store writes a byte more than an instance has, which the next overwrites.
            elements = new bytes(length + 0x20);
            uint256 count = (length + ELEMENTS_PER_INSTANCE - 1) / ELEMENTS_PER_INSTANCE;
            for (uint256 i = 0; i < count; ++i) {
                uint256 instance;
                assembly ("memory-safe") {
                    instance := mload(add(add(instances, 0x20), shl(5, add(first, i))))
                }
                instance = _reverse(instance ^ signs);
                assembly ("memory-safe") {
                    mstore(add(add(elements, 0x20), mul(i, 31)), instance)
                }
            }
            assembly ("memory-safe") {
                mstore(elements, length)
                mstore(add(add(elements, 0x20), length), 0)
            }
        }
    }

    /// @dev A word with its bytes in the opposite order.
    function _reverse(uint256 word) private pure returns (uint256) {
        uint256 mask = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
        word = ((word >> 8) & mask) | ((word & mask) << 8);
        mask = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        word = ((word >> 16) & mask) | ((word & mask) << 16);
        mask = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
        word = ((word >> 32) & mask) | ((word & mask) << 32);
        mask = 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
        word = ((word >> 64) & mask) | ((word & mask) << 64);
        return (word >> 128) | (word << 128);
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

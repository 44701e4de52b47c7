// Transforms of many columns at once, as in `src/fft.rs`: natural to bit-reversed order and back. A thread takes three
// steps of eight elements at a time.
#pragma once

#include "field.h"

namespace transforms {

using machine::Array;
using machine::Pool;

DEVICE size_t reversed(size_t index, uint32_t bits) {
    size_t result = 0;
    for (uint32_t bit = 0; bit < bits; bit++) result |= (index >> bit & 1) << (bits - 1 - bit);
    return result;
}

// root⁰, root¹, ….
struct Powers {
    Scalar root;
    Scalar* to;

    DEVICE void operator()(size_t index) const { to[index] = root.power((uint32_t)index); }
};

// By index in bit-reversed order: scale·ratio^i.
struct ReversedPowers {
    Scalar ratio, scale;
    uint32_t k;
    Scalar* to;

    DEVICE void operator()(size_t index) const { to[index] = scale * ratio.power((uint32_t)reversed(index, k)); }
};

// Each column times the same factors.
struct Scale {
    const Scalar* from;
    const Scalar* factors;
    size_t rows;
    Scalar* to;

    DEVICE void operator()(size_t index) const { to[index] = from[index] * factors[index % rows]; }
};

// `STEPS` steps at distances from `distance` up, or, forward, down to it, of one group of elements.
template <int STEPS, bool FORWARD>
struct Step {
    Scalar* columns;
    // Powers of the root of unity, half as many as rows.
    const Scalar* powers;
    size_t rows;
    size_t distance;

    DEVICE void operator()(size_t index) const {
        constexpr int SIZE = 1 << STEPS;
        size_t groups = rows / SIZE;
        size_t group = index % groups;
        size_t offset = group % distance;
        Scalar* base = columns + index / groups * rows + group / distance * (distance * SIZE) + offset;
        Scalar values[SIZE];
        UNROLL for (int i = 0; i < SIZE; i++) values[i] = base[i * distance];
        UNROLL for (int step = 0; step < STEPS; step++) {
            const int half = FORWARD ? SIZE >> (step + 1) : 1 << step;
            UNROLL for (int i = 0; i < SIZE; i++) {
                if (i & half) continue;
                size_t place = (size_t)(i & (half - 1)) * distance + offset;
                const Scalar factor = powers[place * (rows / 2 / (half * distance))];
                Scalar u = values[i], v = values[i + half];
                if (FORWARD) {
                    values[i] = u + v;
                    values[i + half] = (u - v) * factor;
                } else {
                    v = v * factor;
                    values[i] = u + v;
                    values[i + half] = u - v;
                }
            }
        }
        UNROLL for (int i = 0; i < SIZE; i++) base[i * distance] = values[i];
    }
};

template <bool FORWARD>
void step(Scalar* columns, size_t count, const Scalar* powers, size_t rows, size_t distance, int steps) {
    switch (steps) {
        case 1: return machine::launch(Step<1, FORWARD>{columns, powers, rows, distance}, count * rows / 2);
        case 2: return machine::launch(Step<2, FORWARD>{columns, powers, rows, distance}, count * rows / 4);
        default: return machine::launch(Step<3, FORWARD>{columns, powers, rows, distance}, count * rows / 8);
    }
}

// From natural to bit-reversed order, times n, with powers of 1/ω.
inline void forward(Scalar* columns, size_t count, const Scalar* powers, uint32_t k) {
    for (uint32_t left = k; left > 0;) {
        uint32_t steps = left < 3 ? left : 3;
        left -= steps;
        step<true>(columns, count, powers, (size_t)1 << k, (size_t)1 << left, steps);
    }
}

// From bit-reversed to natural order, with powers of ω.
inline void backward(Scalar* columns, size_t count, const Scalar* powers, uint32_t k) {
    for (uint32_t done = 0; done < k;) {
        uint32_t steps = k - done < 3 ? k - done : 3;
        step<false>(columns, count, powers, (size_t)1 << k, (size_t)1 << done, steps);
        done += steps;
    }
}

}  // namespace transforms

// The two fields of BN254, eight words of 32 bits an element, in Montgomery form with R = 2^256 and always below p: as
// halo2curves has them in memory.
#pragma once

#include "machine.h"

// p, R mod p and R² mod p, least word first, and −1/p modulo 2^32.
struct OfScalars {
    static DEVICE uint32_t p(int i) {
        constexpr uint32_t words[8] = {0xf0000001, 0x43e1f593, 0x79b97091, 0x2833e848,
                                       0x8181585d, 0xb85045b6, 0xe131a029, 0x30644e72};
        return words[i];
    }
    static DEVICE uint32_t one(int i) {
        constexpr uint32_t words[8] = {0x4ffffffb, 0xac96341c, 0x9f60cd29, 0x36fc7695,
                                       0x7879462e, 0x666ea36f, 0x9a07df2f, 0x0e0a77c1};
        return words[i];
    }
    static DEVICE uint32_t square(int i) {
        constexpr uint32_t words[8] = {0xae216da7, 0x1bb8e645, 0xe35c59e3, 0x53fe3ab1,
                                       0x53bb8085, 0x8c49833d, 0x7f4e44a5, 0x0216d0b1};
        return words[i];
    }
    static constexpr uint32_t inverse = 0xefffffff;
};

struct OfCoordinates {
    static DEVICE uint32_t p(int i) {
        constexpr uint32_t words[8] = {0xd87cfd47, 0x3c208c16, 0x6871ca8d, 0x97816a91,
                                       0x8181585d, 0xb85045b6, 0xe131a029, 0x30644e72};
        return words[i];
    }
    static DEVICE uint32_t one(int i) {
        constexpr uint32_t words[8] = {0xc58f0d9d, 0xd35d438d, 0xf5c70b3d, 0x0a78eb28,
                                       0x7879462c, 0x666ea36f, 0x9a07df2f, 0x0e0a77c1};
        return words[i];
    }
    static DEVICE uint32_t square(int i) {
        constexpr uint32_t words[8] = {0x538afa89, 0xf32cfc5b, 0xd44501fb, 0xb5e71911,
                                       0x0a417ff6, 0x47ab1eff, 0xcab8351f, 0x06d89f71};
        return words[i];
    }
    static constexpr uint32_t inverse = 0xe4866389;
};

// Additions that hand a carry on, in a device's own instructions: the compiler makes three times as many of 64-bit sums.
// The carry is in the processor there, so that none of these may be moved.
class Carry {
#ifdef __CUDA_ARCH__
public:
    DEVICE uint32_t add_first(uint32_t a, uint32_t b) {
        asm volatile("add.cc.u32 %0, %0, %1;" : "+r"(a) : "r"(b));
        return a;
    }
    DEVICE uint32_t add(uint32_t a, uint32_t b) {
        asm volatile("addc.cc.u32 %0, %0, %1;" : "+r"(a) : "r"(b));
        return a;
    }
    DEVICE uint32_t subtract_first(uint32_t a, uint32_t b) {
        asm volatile("sub.cc.u32 %0, %0, %1;" : "+r"(a) : "r"(b));
        return a;
    }
    DEVICE uint32_t subtract(uint32_t a, uint32_t b) {
        asm volatile("subc.cc.u32 %0, %0, %1;" : "+r"(a) : "r"(b));
        return a;
    }
    // All bits, if a subtraction has to borrow.
    DEVICE uint32_t borrowed() {
        uint32_t mask;
        asm volatile("subc.u32 %0, 0, 0;" : "=r"(mask));
        return mask;
    }
    // a·b + c, the lower or the higher half of the product.
    DEVICE uint32_t low_first(uint32_t a, uint32_t b, uint32_t c) {
        asm volatile("mad.lo.cc.u32 %0, %1, %2, %0;" : "+r"(c) : "r"(a), "r"(b));
        return c;
    }
    DEVICE uint32_t low(uint32_t a, uint32_t b, uint32_t c) {
        asm volatile("madc.lo.cc.u32 %0, %1, %2, %0;" : "+r"(c) : "r"(a), "r"(b));
        return c;
    }
    DEVICE uint32_t high(uint32_t a, uint32_t b, uint32_t c) {
        asm volatile("madc.hi.cc.u32 %0, %1, %2, %0;" : "+r"(c) : "r"(a), "r"(b));
        return c;
    }
#else
    uint64_t carry = 0;

public:
    DEVICE uint32_t add_first(uint32_t a, uint32_t b) {
        carry = 0;
        return add(a, b);
    }
    DEVICE uint32_t add(uint32_t a, uint32_t b) {
        carry += (uint64_t)a + b;
        uint32_t sum = (uint32_t)carry;
        carry >>= 32;
        return sum;
    }
    DEVICE uint32_t subtract_first(uint32_t a, uint32_t b) {
        carry = 0;
        return subtract(a, b);
    }
    DEVICE uint32_t subtract(uint32_t a, uint32_t b) {
        uint64_t difference = (uint64_t)a - b - carry;
        carry = difference >> 63;
        return (uint32_t)difference;
    }
    DEVICE uint32_t borrowed() { return 0u - (uint32_t)carry; }
    DEVICE uint32_t low_first(uint32_t a, uint32_t b, uint32_t c) { return add_first(a * b, c); }
    DEVICE uint32_t low(uint32_t a, uint32_t b, uint32_t c) { return add(a * b, c); }
    DEVICE uint32_t high(uint32_t a, uint32_t b, uint32_t c) { return add((uint32_t)((uint64_t)a * b >> 32), c); }
#endif
};

template <class P>
struct alignas(16) Element {
    uint32_t words[8];

    static DEVICE Element zero() {
        Element result;
        UNROLL for (int i = 0; i < 8; i++) result.words[i] = 0;
        return result;
    }

    static DEVICE Element one() {
        Element result;
        UNROLL for (int i = 0; i < 8; i++) result.words[i] = P::one(i);
        return result;
    }

    DEVICE bool is_zero() const {
        uint32_t any = 0;
        UNROLL for (int i = 0; i < 8; i++) any |= words[i];
        return any == 0;
    }

    // The same below p: of what is below 2p.
    DEVICE Element reduced() const {
        Carry carry;
        Element less;
        less.words[0] = carry.subtract_first(words[0], P::p(0));
        UNROLL for (int i = 1; i < 8; i++) less.words[i] = carry.subtract(words[i], P::p(i));
        const uint32_t own = carry.borrowed();
        Element result;
        UNROLL for (int i = 0; i < 8; i++) result.words[i] = own ? words[i] : less.words[i];
        return result;
    }

    DEVICE Element operator+(const Element& other) const {
        Carry carry;
        Element sum;
        sum.words[0] = carry.add_first(words[0], other.words[0]);
        UNROLL for (int i = 1; i < 8; i++) sum.words[i] = carry.add(words[i], other.words[i]);
        return sum.reduced();
    }

    DEVICE Element operator-(const Element& other) const {
        Carry carry;
        Element result;
        result.words[0] = carry.subtract_first(words[0], other.words[0]);
        UNROLL for (int i = 1; i < 8; i++) result.words[i] = carry.subtract(words[i], other.words[i]);
        const uint32_t mask = carry.borrowed();
        result.words[0] = carry.add_first(result.words[0], P::p(0) & mask);
        UNROLL for (int i = 1; i < 8; i++) result.words[i] = carry.add(result.words[i], P::p(i) & mask);
        return result;
    }

    DEVICE Element operator-() const { return zero() - *this; }

    // Word by word, product and reduction at once. Products of even and of odd words are summed apart, so that each
    // two words of a sum are one product's: even + 2^32·odd. The two change places as a word is reduced away. Nothing
    // overflows, as p's highest word is below 2^31.
    DEVICE Element operator*(const Element& other) const {
        uint32_t even[8], odd[8];
        UNROLL for (int i = 0; i < 8; i++) even[i] = odd[i] = 0;
        UNROLL for (int i = 0; i < 8; i += 2) {
            multiply_word(even, odd, other.words[i], i == 0);
            multiply_word(odd, even, other.words[i + 1], false);
        }
        Carry carry;
        Element product;
        product.words[0] = carry.add_first(even[0], odd[1]);
        UNROLL for (int i = 1; i < 7; i++) product.words[i] = carry.add(even[i], odd[i + 1]);
        product.words[7] = carry.add(even[7], 0);
        return product.reduced();
    }

    DEVICE Element squared() const { return *this * *this; }
    DEVICE Element doubled() const { return *this + *this; }

    DEVICE Element power(uint32_t exponent) const {
        Element result = one();
        Element square = *this;
        for (; exponent; exponent >>= 1) {
            if (exponent & 1) result = result * square;
            square = square.squared();
        }
        return result;
    }

    // The integer that the element stands for.
    DEVICE Element canonical() const {
        Element unit = zero();
        unit.words[0] = 1;
        return *this * unit;
    }

    static DEVICE Element of_integer(int64_t integer) {
        uint64_t size = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
        Element result = zero();
        Element square;
        result.words[0] = (uint32_t)size;
        result.words[1] = (uint32_t)(size >> 32);
        UNROLL for (int i = 0; i < 8; i++) square.words[i] = P::square(i);
        result = result * square;
        return integer < 0 ? -result : result;
    }

private:
    // even + 2^32·odd, where `odd` lies two words too high unless it is the first, plus this times a word, plus the
    // multiple of p that makes the lowest word 0.
    DEVICE void multiply_word(uint32_t* even, uint32_t* odd, uint32_t word, bool first) const {
        Carry carry;
        if (!first) even[0] = carry.add_first(even[0], odd[1]);
        UNROLL for (int j = 0; j < 8; j += 2) {
            uint32_t low = first || j == 6 ? 0 : odd[j + 2], high = first || j == 6 ? 0 : odd[j + 3];
            odd[j] = first && j == 0 ? carry.low_first(words[1], word, low) : carry.low(words[j + 1], word, low);
            odd[j + 1] = carry.high(words[j + 1], word, high);
        }
        UNROLL for (int j = 0; j < 8; j += 2) {
            even[j] = j == 0 ? carry.low_first(words[0], word, even[0]) : carry.low(words[j], word, even[j]);
            even[j + 1] = carry.high(words[j], word, even[j + 1]);
        }
        odd[7] = carry.add(odd[7], 0);
        const uint32_t factor = even[0] * P::inverse;
        UNROLL for (int j = 0; j < 8; j += 2) {
            odd[j] = j == 0 ? carry.low_first(P::p(1), factor, odd[0]) : carry.low(P::p(j + 1), factor, odd[j]);
            odd[j + 1] = carry.high(P::p(j + 1), factor, odd[j + 1]);
        }
        UNROLL for (int j = 0; j < 8; j += 2) {
            even[j] = j == 0 ? carry.low_first(P::p(0), factor, even[0]) : carry.low(P::p(j), factor, even[j]);
            even[j + 1] = carry.high(P::p(j), factor, even[j + 1]);
        }
        odd[7] = carry.add(odd[7], 0);
    }
};

using Scalar = Element<OfScalars>;
using Coordinate = Element<OfCoordinates>;

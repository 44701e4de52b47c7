//! Five limbs of 52 bits in five registers, R = 2^260, with AVX-512's integer fused multiply-add.
//!
//! Every function here is inlined into a kernel that is compiled for these instructions, and kernels with these
//! lanes run only where `Arithmetic::best` has found them; that is why each `unsafe` below is sound. Loads and
//! stores go through references to arrays of the right size.

use super::{Element, Lanes, PointWords, array, negative_inverse};
use std::arch::x86_64::*;
use std::array::from_fn;
use std::marker::PhantomData;

const LIMBS: usize = 5;
const MASK: u64 = (1 << 52) - 1;

/// Eight elements.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Eight<F>([__m512i; LIMBS], PhantomData<F>);

const fn split(words: [u64; 4]) -> [u64; LIMBS] {
    [
        words[0] & MASK,
        ((words[0] >> 52) | (words[1] << 12)) & MASK,
        ((words[1] >> 40) | (words[2] << 24)) & MASK,
        ((words[2] >> 28) | (words[3] << 36)) & MASK,
        words[3] >> 16,
    ]
}

/// A small multiple.
const fn times(limbs: [u64; LIMBS], factor: u64) -> [u64; LIMBS] {
    let mut product = [0; LIMBS];
    let mut carry = 0;
    let mut i = 0;
    while i < LIMBS {
        let term = limbs[i] * factor + carry;
        product[i] = term & MASK;
        carry = term >> 52;
        i += 1;
    }
    product
}

/// 2^260 minus a number.
const fn negative(limbs: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut difference = [0; LIMBS];
    let mut carry = 1;
    let mut i = 0;
    while i < LIMBS {
        let term = (!limbs[i] & MASK) + carry;
        difference[i] = term & MASK;
        carry = term >> 52;
        i += 1;
    }
    difference
}

/// 2^exponent modulo p.
const fn power_of_two(exponent: usize, p: [u64; 4]) -> [u64; 4] {
    let mut x = [1_u64, 0, 0, 0];
    let mut step = 0;
    while step < exponent {
        let (mut double, mut reduced) = ([0_u64; 4], [0_u64; 4]);
        let (mut carry, mut borrow) = (0_u64, 0_u64);
        let mut i = 0;
        while i < 4 {
            double[i] = (x[i] << 1) | carry;
            carry = x[i] >> 63;
            let term = (double[i] as u128).wrapping_sub(p[i] as u128).wrapping_sub(borrow as u128);
            reduced[i] = term as u64;
            borrow = ((term >> 64) as u64) & 1;
            i += 1;
        }
        x = if borrow == 1 { double } else { reduced };
        step += 1;
    }
    x
}

struct Constants<F>(PhantomData<F>);

impl<F: Element> Constants<F> {
    const P: [u64; LIMBS] = split(F::P);
    const P2: [u64; LIMBS] = times(split(F::P), 2);
    const P4: [u64; LIMBS] = times(split(F::P), 4);
    const NEGATIVE_INVERSE: u64 = negative_inverse(F::P[0]) & MASK;
    const NEGATIVE_P: [u64; LIMBS] = negative(split(F::P));
    /// A product with it brings R = 2^256 to R = 2^260.
    const UP: [u64; LIMBS] = split(power_of_two(264, F::P));
    /// A product with it brings R = 2^260 to R = 2^256.
    const DOWN: [u64; LIMBS] = split(power_of_two(256, F::P));
    /// A product with it brings an integer to Montgomery form.
    const SQUARE: [u64; LIMBS] = split(power_of_two(520, F::P));
}

#[inline(always)]
fn same(word: u64) -> __m512i {
    // SAFETY: see the module's comment.
    unsafe { _mm512_set1_epi64(word as i64) }
}

#[inline(always)]
fn load(words: &[u64; 8]) -> __m512i {
    // SAFETY: see the module's comment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline(always)]
fn store(register: __m512i, words: &mut [u64; 8]) {
    // SAFETY: see the module's comment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), register) }
}

#[inline(always)]
fn low(limbs: &[__m512i; 4]) -> [__m512i; LIMBS] {
    // SAFETY: see the module's comment.
    unsafe {
        let mask = same(MASK);
        [
            _mm512_and_si512(limbs[0], mask),
            _mm512_and_si512(_mm512_shrdi_epi64::<52>(limbs[0], limbs[1]), mask),
            _mm512_and_si512(_mm512_shrdi_epi64::<40>(limbs[1], limbs[2]), mask),
            _mm512_and_si512(_mm512_shrdi_epi64::<28>(limbs[2], limbs[3]), mask),
            _mm512_srli_epi64::<16>(limbs[3]),
        ]
    }
}

#[inline(always)]
fn dense(limbs: &[__m512i; LIMBS]) -> [__m512i; 4] {
    // SAFETY: see the module's comment.
    unsafe {
        [
            _mm512_or_si512(limbs[0], _mm512_slli_epi64::<52>(limbs[1])),
            _mm512_or_si512(_mm512_srli_epi64::<12>(limbs[1]), _mm512_slli_epi64::<40>(limbs[2])),
            _mm512_or_si512(_mm512_srli_epi64::<24>(limbs[2]), _mm512_slli_epi64::<28>(limbs[3])),
            _mm512_or_si512(_mm512_srli_epi64::<36>(limbs[3]), _mm512_slli_epi64::<16>(limbs[4])),
        ]
    }
}

#[inline(always)]
fn pairs(a: __m512i, b: __m512i) -> (__m512i, __m512i) {
    // SAFETY: see the module's comment.
    unsafe { (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)) }
}

#[inline(always)]
fn quarters(a: __m512i, b: __m512i) -> (__m512i, __m512i) {
    // SAFETY: see the module's comment.
    unsafe { (_mm512_shuffle_i64x2::<0x88>(a, b), _mm512_shuffle_i64x2::<0xdd>(a, b)) }
}

#[inline(always)]
fn transpose(rows: [__m512i; 8]) -> [__m512i; 8] {
    let (t0, t1) = pairs(rows[0], rows[1]);
    let (t2, t3) = pairs(rows[2], rows[3]);
    let (t4, t5) = pairs(rows[4], rows[5]);
    let (t6, t7) = pairs(rows[6], rows[7]);
    let (a0, a1) = quarters(t0, t2);
    let (b0, b1) = quarters(t4, t6);
    let (c0, c1) = quarters(t1, t3);
    let (d0, d1) = quarters(t5, t7);
    let (e0, e4) = quarters(a0, b0);
    let (e2, e6) = quarters(a1, b1);
    let (e1, e5) = quarters(c0, d0);
    let (e3, e7) = quarters(c1, d1);
    [e0, e1, e2, e3, e4, e5, e6, e7]
}

impl<F: Element> Eight<F> {
    #[inline(always)]
    fn constant(limbs: [u64; LIMBS]) -> Self {
        Self(array!(5, i => same(limbs[i])), PhantomData)
    }

    /// Brings limbs, which may be negative, into 52 bits.
    #[inline(always)]
    fn carry(mut self) -> Self {
        // SAFETY: see the module's comment.
        unsafe {
            let mask = same(MASK);
            for i in 0..LIMBS - 1 {
                let carry = _mm512_srai_epi64::<52>(self.0[i]);
                self.0[i] = _mm512_and_si512(self.0[i], mask);
                self.0[i + 1] = _mm512_add_epi64(self.0[i + 1], carry);
            }
        }
        self
    }

    /// `self − other + offset`, which must not be negative.
    #[inline(always)]
    fn sub_plus(self, other: Self, offset: [u64; LIMBS]) -> Self {
        // SAFETY: see the module's comment.
        let limbs = unsafe {
            array!(5, i => {
                _mm512_add_epi64(_mm512_sub_epi64(self.0[i], other.0[i]), same(offset[i]))
            })
        };
        Self(limbs, PhantomData).carry()
    }

    /// `self − bound` where that is not negative.
    #[inline(always)]
    fn reduce_by(self, bound: [u64; LIMBS]) -> Self {
        // SAFETY: see the module's comment.
        unsafe {
            let limbs = array!(5, i => _mm512_sub_epi64(self.0[i], same(bound[i])));
            let less = Self(limbs, PhantomData).carry();
            let negative = _mm512_movepi64_mask(less.0[4]);
            self.select(negative, less)
        }
    }
}

impl<F: Element> Lanes<F> for Eight<F> {
    const IFMA: bool = true;

    #[inline(always)]
    fn zero() -> Self {
        Self([same(0); LIMBS], PhantomData)
    }

    #[inline(always)]
    fn splat(element: F) -> Self {
        Self::constant(split(element.words())).mul(Self::constant(Constants::<F>::UP))
    }

    #[inline(always)]
    fn from_elements(elements: &[F; 8]) -> Self {
        let words: [[u64; 4]; 8] = from_fn(|i| elements[i].words());
        let rows = array!(4, word => load(&array!(8, i => words[i][word])));
        Self(low(&rows), PhantomData).mul(Self::constant(Constants::<F>::UP))
    }

    #[inline(always)]
    fn elements(self) -> [F; 8] {
        let reduced = self.mul(Self::constant(Constants::<F>::DOWN)).reduce_by(Constants::<F>::P);
        let rows = dense(&reduced.0);
        let mut words = [[0; 8]; 4];
        for (row, words) in rows.into_iter().zip(&mut words) {
            store(row, words);
        }
        from_fn(|i| F::from_words(from_fn(|word| words[word][i])))
    }

    #[inline(always)]
    fn from_integers(integers: [i64; 8]) -> Self {
        // SAFETY: see the module's comment.
        unsafe {
            let integers = load(&integers.map(|integer| integer as u64));
            let limbs = [
                _mm512_and_si512(integers, same(MASK)),
                _mm512_srai_epi64::<52>(integers),
                same(0),
                same(0),
                same(0),
            ];
            // Plus p, so that none is negative.
            let positive = Self(limbs, PhantomData).sub_plus(Self::zero(), Constants::<F>::P);
            positive.mul(Self::constant(Constants::<F>::SQUARE))
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.add_loose(other).reduce_once()
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.sub_loose(other).reduce_once()
    }

    #[inline(always)]
    fn add_loose(self, other: Self) -> Self {
        // SAFETY: see the module's comment.
        let limbs = unsafe { array!(5, i => _mm512_add_epi64(self.0[i], other.0[i])) };
        Self(limbs, PhantomData).carry()
    }

    #[inline(always)]
    fn sub_loose(self, other: Self) -> Self {
        self.sub_plus(other, Constants::<F>::P2)
    }

    #[inline(always)]
    fn sub_loose4(self, other: Self) -> Self {
        self.sub_plus(other, Constants::<F>::P4)
    }

    #[inline(always)]
    fn reduce_once(self) -> Self {
        self.reduce_by(Constants::<F>::P2)
    }

    /// The quotient by p is estimated from the highest limb, that of 2^208: p is a little less than 2^260/84, so that
    /// `limb·84/2^52` is at most the quotient and, below 80p, less than 2 below it.
    #[inline(always)]
    fn reduce(self) -> Self {
        // SAFETY: see the module's comment.
        unsafe {
            let zero = same(0);
            let quotient = _mm512_madd52hi_epu64(zero, self.0[4], same(84));
            let negative = Constants::<F>::NEGATIVE_P;
            let mut limbs = self.0;
            for j in 0..LIMBS {
                limbs[j] = _mm512_madd52lo_epu64(limbs[j], quotient, same(negative[j]));
            }
            for j in 0..LIMBS - 1 {
                limbs[j + 1] = _mm512_madd52hi_epu64(limbs[j + 1], quotient, same(negative[j]));
            }
            let mut result = Self(limbs, PhantomData).carry();
            result.0[4] = _mm512_and_si512(result.0[4], same(MASK));
            result
        }
    }

    #[allow(clippy::needless_range_loop, reason = "several arrays are indexed alike")]
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see the module's comment.
        unsafe {
            let zero = same(0);
            let p = array!(5, i => same(Constants::<F>::P[i]));
            let inverse = same(Constants::<F>::NEGATIVE_INVERSE);
            let mut t = [zero; LIMBS + 1];
            for i in 0..LIMBS {
                let factor = other.0[i];
                for j in 0..LIMBS {
                    t[j] = _mm512_madd52lo_epu64(t[j], self.0[j], factor);
                }
                let m = _mm512_madd52lo_epu64(zero, t[0], inverse);
                for j in 0..LIMBS {
                    t[j + 1] = _mm512_madd52hi_epu64(t[j + 1], self.0[j], factor);
                }
                for j in 0..LIMBS {
                    t[j] = _mm512_madd52lo_epu64(t[j], m, p[j]);
                }
                for j in 0..LIMBS {
                    t[j + 1] = _mm512_madd52hi_epu64(t[j + 1], m, p[j]);
                }
                let carry = _mm512_srli_epi64::<52>(t[0]);
                t[0] = _mm512_add_epi64(t[1], carry);
                for j in 1..LIMBS {
                    t[j] = t[j + 1];
                }
                t[LIMBS] = zero;
            }
            Self([t[0], t[1], t[2], t[3], t[4]], PhantomData).carry()
        }
    }

    #[inline(always)]
    fn zeros(self) -> u8 {
        // Below 2p after this: 0 or p.
        let reduced = self.reduce().reduce_by(Constants::<F>::P);
        // SAFETY: see the module's comment.
        unsafe {
            let low = _mm512_or_si512(reduced.0[0], reduced.0[1]);
            let high = _mm512_or_si512(_mm512_or_si512(reduced.0[2], reduced.0[3]), reduced.0[4]);
            let any = _mm512_or_si512(low, high);
            _mm512_testn_epi64_mask(any, any)
        }
    }

    #[inline(always)]
    fn select(self, mask: u8, other: Self) -> Self {
        // SAFETY: see the module's comment.
        let limbs = unsafe { array!(5, i => _mm512_mask_mov_epi64(other.0[i], mask, self.0[i])) };
        Self(limbs, PhantomData)
    }

    #[inline(always)]
    fn transpose(vectors: &mut [Self; 8]) {
        for limb in 0..LIMBS {
            let columns = transpose(array!(8, i => vectors[i].0[limb]));
            for (vector, column) in vectors.iter_mut().zip(columns) {
                vector.0[limb] = column;
            }
        }
    }

    #[inline(always)]
    fn shifted(self, next: Self, at: usize) -> Self {
        // SAFETY: see the module's comment. Bit 3 of an index chooses the second register.
        unsafe {
            let lanes = load(&[0, 1, 2, 3, 4, 5, 6, 7]);
            let index = _mm512_add_epi64(lanes, same(at as u64));
            let limbs = array!(5, i => _mm512_permutex2var_epi64(self.0[i], index, next.0[i]));
            Self(limbs, PhantomData)
        }
    }

    #[inline(always)]
    fn pack(self) -> [u64; 32] {
        let mut words = [0; 32];
        for (row, to) in dense(&self.0).into_iter().zip(words.as_chunks_mut::<8>().0) {
            store(row, to);
        }
        words
    }

    #[inline(always)]
    fn unpack(words: &[u64; 32]) -> Self {
        let rows = words.as_chunks::<8>().0;
        Self(low(&array!(4, i => load(&rows[i]))), PhantomData)
    }

    #[inline(always)]
    fn gather(points: [&PointWords; 8]) -> (Self, Self, u8) {
        let columns = transpose(array!(8, i => load(points[i])));
        // SAFETY: see the module's comment.
        let infinite = unsafe {
            let pairs = array!(4, i => _mm512_or_si512(columns[i], columns[i + 4]));
            let low = _mm512_or_si512(pairs[0], pairs[1]);
            let any = _mm512_or_si512(low, _mm512_or_si512(pairs[2], pairs[3]));
            _mm512_testn_epi64_mask(any, any)
        };
        let x = Self(low(&array!(4, i => columns[i])), PhantomData);
        let y = Self(low(&array!(4, i => columns[i + 4])), PhantomData);
        (x, y, infinite)
    }

    #[inline(always)]
    fn points(x: Self, y: Self) -> [PointWords; 8] {
        let (x, y) = (dense(&x.0), dense(&y.0));
        let rows = transpose([x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]]);
        let mut points = [[0; 8]; 8];
        for (row, point) in rows.into_iter().zip(&mut points) {
            store(row, point);
        }
        points
    }
}

//! Elements side by side, four words each, R = 2^256: always below 2p, whatever is loose elsewhere.
//!
//! `(a·b + m·p)/R` is below `(4·0.19 + 1)·p` for factors below 2p: a product needs no subtraction at the end. As p's
//! highest word is below 2^62, no sum in between leaves its words.

use super::{Element, Lanes, PointWords, array, negative_inverse};
use std::marker::PhantomData;

type Words = [u64; 4];

/// Eight elements; products by [`adx`](super::adx) if so.
#[derive(Clone, Copy, Debug)]
pub struct Eight<F, const ADX: bool = false>([Words; 8], PhantomData<F>);

/// What one field's arithmetic needs.
pub(super) struct Constants<F>(PhantomData<F>);

impl<F: Element> Constants<F> {
    /// In memory, for who loads from there.
    #[cfg(target_arch = "x86_64")]
    pub(super) const P: &Words = &F::P;
    const P2: Words = double(F::P);
    /// −p⁻¹ modulo 2^64.
    pub(super) const NEGATIVE_INVERSE: u64 = negative_inverse(F::P[0]);
}

const fn double(words: Words) -> Words {
    let [a, b, c, d] = words;
    [a << 1, b << 1 | a >> 63, c << 1 | b >> 63, d << 1 | c >> 63]
}

/// `a + b·c + carry`, and what goes to the next word.
#[cfg(not(target_arch = "wasm32"))]
#[inline(always)]
fn multiply_add(a: u64, b: u64, c: u64, carry: u64) -> (u64, u64) {
    let sum = u128::from(a) + u128::from(b) * u128::from(c) + u128::from(carry);
    (sum as u64, (sum >> 64) as u64)
}

/// `a + b + carry`, and what goes to the next word.
#[inline(always)]
fn add(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = u128::from(a) + u128::from(b) + u128::from(carry);
    (sum as u64, (sum >> 64) as u64)
}

/// `a − b`, less 1 if `borrow` is negative, and the next borrow.
#[inline(always)]
fn subtract(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let difference = u128::from(a).wrapping_sub(u128::from(b) + u128::from(borrow >> 63));
    (difference as u64, (difference >> 64) as u64)
}

/// A sum modulo 2^256. No loop: of loops the compiler makes vectors, which have no carries.
#[inline(always)]
fn sum(a: &Words, b: &Words) -> Words {
    let (first, carry) = add(a[0], b[0], 0);
    let (second, carry) = add(a[1], b[1], carry);
    let (third, carry) = add(a[2], b[2], carry);
    [first, second, third, add(a[3], b[3], carry).0]
}

/// A difference modulo 2^256, and all bits set if it is negative: a mask, as no branch would be foreseen.
#[inline(always)]
fn difference(a: &Words, b: &Words) -> (Words, u64) {
    let (first, borrow) = subtract(a[0], b[0], 0);
    let (second, borrow) = subtract(a[1], b[1], borrow);
    let (third, borrow) = subtract(a[2], b[2], borrow);
    let (fourth, borrow) = subtract(a[3], b[3], borrow);
    ([first, second, third, fourth], borrow)
}

/// `a − b`, plus `bound` if that is negative.
#[inline(always)]
fn difference_within(a: &Words, b: &Words, bound: &Words) -> Words {
    let (words, negative) = difference(a, b);
    sum(
        &words,
        &[bound[0] & negative, bound[1] & negative, bound[2] & negative, bound[3] & negative],
    )
}

/// The product of what is below 2p, below 2p.
#[cfg(not(target_arch = "wasm32"))]
#[inline(always)]
pub(super) fn product<F: Element>(a: &Words, b: &Words) -> Words {
    let mut t = [0; 4];
    for factor in b {
        let mut carry = 0;
        for (t, a) in t.iter_mut().zip(a) {
            (*t, carry) = multiply_add(*t, *a, *factor, carry);
        }
        let m = t[0].wrapping_mul(Constants::<F>::NEGATIVE_INVERSE);
        let (_, mut low) = multiply_add(t[0], m, F::P[0], 0);
        for i in 1..4 {
            (t[i - 1], low) = multiply_add(t[i], m, F::P[i], low);
        }
        t[3] = carry + low;
    }
    t
}

#[cfg(target_arch = "wasm32")]
use product_of_halves as product;

/// Words as halves, each in a word of its own.
#[cfg(any(test, target_arch = "wasm32"))]
const fn halves(words: &Words) -> [u64; 8] {
    const LOW: u64 = u32::MAX as u64;
    let [a, b, c, d] = *words;
    [a & LOW, a >> 32, b & LOW, b >> 32, c & LOW, c >> 32, d & LOW, d >> 32]
}

/// The same where the processor's products have no more than a word, as in pages.
#[cfg(any(test, target_arch = "wasm32"))]
#[inline(always)]
pub(super) fn product_of_halves<F: Element>(a: &Words, b: &Words) -> Words {
    const LOW: u64 = u32::MAX as u64;
    let p = const { halves(&F::P) };
    let a = halves(a);
    let mut t = [0_u64; 8];
    for factor in halves(b) {
        let mut carry = 0;
        for (t, a) in t.iter_mut().zip(a) {
            let sum = *t + a * factor + carry;
            (*t, carry) = (sum & LOW, sum >> 32);
        }
        let m = t[0].wrapping_mul(Constants::<F>::NEGATIVE_INVERSE) & LOW;
        let mut low = (t[0] + m * p[0]) >> 32;
        for i in 1..8 {
            let sum = t[i] + m * p[i] + low;
            (t[i - 1], low) = (sum & LOW, sum >> 32);
        }
        t[7] = carry + low;
    }
    array!(4, i => t[2 * i] | t[2 * i + 1] << 32)
}

/// Eight results, side by side; in pages one after the other.
macro_rules! eight {
    ($i:ident => $value:expr) => {{
        #[cfg(not(target_arch = "wasm32"))]
        {
            array!(8, $i => $value)
        }
        #[cfg(target_arch = "wasm32")]
        {
            let mut results = [[0; 4]; 8];
            for $i in 0..8 {
                results[$i] = $value;
            }
            results
        }
    }};
}

#[inline(always)]
fn products<F: Element>(a: &[Words; 8], b: &[Words; 8]) -> [Words; 8] {
    eight!(i => product::<F>(&a[i], &b[i]))
}

#[inline(always)]
fn sums<F: Element>(a: &[Words; 8], b: &[Words; 8]) -> [Words; 8] {
    let bound = Constants::<F>::P2;
    eight!(i => difference_within(&sum(&a[i], &b[i]), &bound, &bound))
}

#[inline(always)]
fn differences<F: Element>(a: &[Words; 8], b: &[Words; 8]) -> [Words; 8] {
    let bound = Constants::<F>::P2;
    eight!(i => difference_within(&a[i], &b[i], &bound))
}

/// What is unrolled wherever it is used only where these lanes are the fastest: in pages that would be megabytes to load, and
/// processors of x86-64 nearly all have the instructions of [`adx`](super::adx).
mod once {
    use super::{Element, Words};

    #[cfg_attr(any(target_arch = "wasm32", target_arch = "x86_64"), inline(never))]
    #[cfg_attr(not(any(target_arch = "wasm32", target_arch = "x86_64")), inline(always))]
    pub fn products<F: Element>(a: &[Words; 8], b: &[Words; 8]) -> [Words; 8] {
        super::products::<F>(a, b)
    }

    #[cfg_attr(any(target_arch = "wasm32", target_arch = "x86_64"), inline(never))]
    #[cfg_attr(not(any(target_arch = "wasm32", target_arch = "x86_64")), inline(always))]
    pub fn sums<F: Element>(a: &[Words; 8], b: &[Words; 8]) -> [Words; 8] {
        super::sums::<F>(a, b)
    }

    #[cfg_attr(any(target_arch = "wasm32", target_arch = "x86_64"), inline(never))]
    #[cfg_attr(not(any(target_arch = "wasm32", target_arch = "x86_64")), inline(always))]
    pub fn differences<F: Element>(a: &[Words; 8], b: &[Words; 8]) -> [Words; 8] {
        super::differences::<F>(a, b)
    }
}

impl<F: Element, const ADX: bool> Eight<F, ADX> {
    #[inline(always)]
    fn of(words: [Words; 8]) -> Self {
        Self(words, PhantomData)
    }
}

impl<F: Element, const ADX: bool> Lanes<F> for Eight<F, ADX> {
    const IFMA: bool = false;

    #[inline(always)]
    fn zero() -> Self {
        Self::of([[0; 4]; 8])
    }

    #[inline(always)]
    fn splat(element: F) -> Self {
        Self::of([element.words(); 8])
    }

    #[inline(always)]
    fn from_elements(elements: &[F; 8]) -> Self {
        Self::of(array!(8, i => elements[i].words()))
    }

    #[inline(always)]
    fn elements(self) -> [F; 8] {
        array!(8, i => F::from_words(difference_within(&self.0[i], &F::P, &F::P)))
    }

    #[inline(always)]
    fn from_integers(integers: [i64; 8]) -> Self {
        Self::from_elements(&integers.map(|integer| {
            let size = F::from(integer.unsigned_abs());
            if integer < 0 { -size } else { size }
        }))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::of(if ADX {
            sums::<F>(&self.0, &other.0)
        } else {
            once::sums::<F>(&self.0, &other.0)
        })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::of(if ADX {
            differences::<F>(&self.0, &other.0)
        } else {
            once::differences::<F>(&self.0, &other.0)
        })
    }

    #[inline(always)]
    fn add_loose(self, other: Self) -> Self {
        self.add(other)
    }

    #[inline(always)]
    fn sub_loose(self, other: Self) -> Self {
        self.sub(other)
    }

    #[inline(always)]
    fn sub_loose4(self, other: Self) -> Self {
        self.sub(other)
    }

    #[inline(always)]
    fn reduce_once(self) -> Self {
        self
    }

    #[inline(always)]
    fn reduce(self) -> Self {
        self
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        #[cfg(target_arch = "x86_64")]
        if ADX {
            // SAFETY: these lanes are used only where the instructions have been detected (`Arithmetic`).
            let products =
                unsafe { array!(8, i => super::adx::product::<F>(&self.0[i], &other.0[i])) };
            return Self::of(products);
        }
        Self::of(once::products::<F>(&self.0, &other.0))
    }

    #[inline(always)]
    fn zeros(self) -> u8 {
        let mut zeros = 0;
        for (i, words) in self.0.iter().enumerate() {
            zeros |= u8::from(*words == [0; 4] || *words == F::P) << i;
        }
        zeros
    }

    #[inline(always)]
    fn select(self, mask: u8, other: Self) -> Self {
        Self::of(array!(8, i => if mask >> i & 1 == 1 { self.0[i] } else { other.0[i] }))
    }

    #[inline(always)]
    fn transpose(vectors: &mut [Self; 8]) {
        *vectors = array!(8, i => Self::of(array!(8, j => vectors[j].0[i])));
    }

    #[inline(always)]
    fn shifted(self, next: Self, at: usize) -> Self {
        let mut words = [[0; 4]; 8];
        words[..8 - at].copy_from_slice(&self.0[at..]);
        words[8 - at..].copy_from_slice(&next.0[..at]);
        Self::of(words)
    }

    #[inline(always)]
    fn pack(self) -> [u64; 32] {
        let mut words = [0; 32];
        words.as_chunks_mut::<4>().0.copy_from_slice(&self.0);
        words
    }

    #[inline(always)]
    fn unpack(words: &[u64; 32]) -> Self {
        let words = words.as_chunks::<4>().0;
        Self::of(array!(8, i => words[i]))
    }

    #[inline(always)]
    fn gather(points: [&PointWords; 8]) -> (Self, Self, u8) {
        let x = array!(8, i => array!(4, word => points[i][word]));
        let y = array!(8, i => array!(4, word => points[i][4 + word]));
        let mut infinite = 0;
        for (i, point) in points.iter().enumerate() {
            let any = point.iter().fold(0, |any, word| any | word);
            infinite |= u8::from(any == 0) << i;
        }
        (Self::of(x), Self::of(y), infinite)
    }

    #[inline(always)]
    fn points(x: Self, y: Self) -> [PointWords; 8] {
        array!(8, i => {
            let (x, y) = (x.0[i], y.0[i]);
            [x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]]
        })
    }
}

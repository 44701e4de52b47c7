//! Elements of the curve library side by side: always exact, so "loose" has no meaning here.

use super::{Element, Lanes, PointWords};
use std::array::from_fn;

/// Eight elements.
#[derive(Clone, Copy, Debug)]
pub struct Eight<F>([F; 8]);

impl<F: Element> Lanes<F> for Eight<F> {
    const IFMA: bool = false;

    #[inline(always)]
    fn zero() -> Self {
        Self([F::ZERO; 8])
    }

    #[inline(always)]
    fn splat(element: F) -> Self {
        Self([element; 8])
    }

    #[inline(always)]
    fn from_elements(elements: &[F; 8]) -> Self {
        Self(*elements)
    }

    #[inline(always)]
    fn elements(self) -> [F; 8] {
        self.0
    }

    #[inline(always)]
    fn from_integers(integers: [i64; 8]) -> Self {
        Self(integers.map(|integer| {
            let size = F::from(integer.unsigned_abs());
            if integer < 0 { -size } else { size }
        }))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] - other.0[i]))
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
        Self(from_fn(|i| self.0[i] * other.0[i]))
    }

    #[inline(always)]
    fn zeros(self) -> u8 {
        (0..8).fold(0, |mask, i| mask | u8::from(self.0[i] == F::ZERO) << i)
    }

    #[inline(always)]
    fn select(self, mask: u8, other: Self) -> Self {
        Self(from_fn(|i| if mask >> i & 1 == 1 { self.0[i] } else { other.0[i] }))
    }

    #[inline(always)]
    fn transpose(vectors: &mut [Self; 8]) {
        *vectors = from_fn(|i| Self(from_fn(|j| vectors[j].0[i])));
    }

    #[inline(always)]
    fn shifted(self, next: Self, at: usize) -> Self {
        Self(from_fn(|i| if i + at < 8 { self.0[i + at] } else { next.0[i + at - 8] }))
    }

    #[inline(always)]
    fn pack(self) -> [u64; 32] {
        let mut words = [0; 32];
        for (to, from) in words.chunks_exact_mut(4).zip(&self.0) {
            to.copy_from_slice(&from.words());
        }
        words
    }

    #[inline(always)]
    fn unpack(words: &[u64; 32]) -> Self {
        Self(from_fn(|i| F::from_words(from_fn(|j| words[4 * i + j]))))
    }

    #[inline(always)]
    fn gather(points: [&PointWords; 8]) -> (Self, Self, u8) {
        let coordinate =
            |at: usize| Self(points.map(|point| F::from_words(from_fn(|word| point[at + word]))));
        let infinite = |i: usize| u8::from(points[i].iter().all(|&word| word == 0)) << i;
        (coordinate(0), coordinate(4), (0..8).fold(0, |mask, i| mask | infinite(i)))
    }

    #[inline(always)]
    fn points(x: Self, y: Self) -> [PointWords; 8] {
        from_fn(|i| {
            let (x, y) = (x.0[i].words(), y.0[i].words());
            from_fn(|word| if word < 4 { x[word] } else { y[word - 4] })
        })
    }
}

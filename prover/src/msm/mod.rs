//! Sums of multiples of points.
//!
//! Scalars are cut into signed digits of c bits, a window each; `Σ digit·point` of a window is summed in buckets, one
//! for each size of a digit ([`buckets`]), and then `Σ size·bucket` by halves ([`reduce`]). A column of small
//! integers is one window. Many multiples of one point are looked up by their digits ([`fixed`]).

mod buckets;
mod fixed;
mod reduce;

pub use fixed::multiples;

use crate::columns::Cells;
use crate::field::{Lanes, PointWords, kernels};
use halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1, G1Affine},
    ff::{Field, PrimeField},
    group::Group,
};
use rayon::prelude::*;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Points in the form in which lanes take them.
pub struct Points<L> {
    words: Vec<PointWords>,
    lanes: std::marker::PhantomData<L>,
}

kernels! {
    fn convert<L: Lanes<Fq>>(points: &[G1Affine]) -> Vec<PointWords> {
        let mut words = Vec::with_capacity(points.len());
        for points in points.chunks(8) {
            let mut eight = [G1Affine::default(); 8];
            eight[..points.len()].copy_from_slice(points);
            let x = L::from_elements(&eight.map(|point| point.x));
            let y = L::from_elements(&eight.map(|point| point.y));
            words.extend(&L::points(x, y)[..points.len()]);
        }
        words
    }
}

impl<L: Lanes<Fq>> Points<L> {
    /// Converts points.
    pub fn new(points: &[G1Affine]) -> Self {
        let words: Vec<_> = points.par_chunks(1 << 10).flat_map_iter(convert::<L>).collect();
        Self { words, lanes: std::marker::PhantomData }
    }

    /// Converts them back.
    pub fn affine(&self) -> Vec<G1Affine> {
        self.words.par_chunks(1 << 10).flat_map_iter(affine_points::<L>).collect()
    }

    /// Σ cell·point over the cells there are.
    pub fn sum(&self, cells: &Cells) -> G1 {
        match cells {
            Cells::Bytes(values) => self.of_integers(values),
            Cells::Ints(values) => self.of_integers(values),
            Cells::Longs(values) => self.of_integers(values),
            Cells::Elements(values) => self.of_elements(values),
        }
    }

    fn of_integers<I: Copy + Into<i64> + Sync>(&self, values: &[I]) -> G1 {
        let points = &self.words[..values.len()];
        let integer = |row: usize| -> i64 { values[row].into() };
        let largest = (0..values.len()).map(|row| integer(row).unsigned_abs()).max().unwrap_or(0);
        let used = (0..values.len()).filter(|&row| integer(row) != 0).count();
        if used == 0 {
            return G1::identity();
        }
        let bits = u64::BITS - largest.leading_zeros();
        let width = width(used, bits, BUCKET);
        if width > bits {
            let window = buckets::sums::<L>(points, largest as usize, |row| integer(row) as i32);
            return reduce::weighted_sums::<L>(&[window])[0];
        }
        let digits = Digits::new(bits, width);
        digits.sum::<L>(|window| {
            buckets::sums::<L>(points, digits.largest(), |row| {
                let integer = integer(row);
                let shifted = digits.shifted([integer.unsigned_abs(), 0, 0, 0]);
                let digit = digits.digit(&shifted, window);
                if integer < 0 { -digit } else { digit }
            })
        })
    }

    fn of_elements(&self, values: &[Fr]) -> G1 {
        let points = &self.words[..values.len()];
        let Some((different, numbers)) = different(values) else {
            return of_elements::<L>(points, values);
        };
        let sums = buckets::sums::<L>(points, different.len(), |row| numbers[row]);
        of_elements::<L>(&sums, &different)
    }
}

fn of_elements<L: Lanes<Fq>>(points: &[PointWords], values: &[Fr]) -> G1 {
    if values.is_empty() {
        return G1::identity();
    }
    let bits = Fr::NUM_BITS;
    let digits = Digits::new(bits, width(values.len(), bits, BUCKET));
    let shifted = |value: &Fr| digits.shifted(canonical(value));
    let scalars: Vec<[u64; 4]> = values.par_iter().with_min_len(1 << 10).map(shifted).collect();
    digits.sum::<L>(|window| {
        buckets::sums::<L>(points, digits.largest(), |row| digits.digit(&scalars[row], window))
    })
}

/// Where many values are alike, as in columns that change on some rows: the different ones but 0, and of each row which it is,
/// from 1 on. Points of equal scalars are worth adding up first.
fn different(values: &[Fr]) -> Option<(Vec<Fr>, Vec<i32>)> {
    let mut known = HashMap::<Fr, i32, BuildHasherDefault<Mix>>::default();
    let mut different = Vec::new();
    let mut numbers = Vec::with_capacity(values.len());
    // Most columns have no value twice, and are given up early.
    for (rows, sixteenths) in [(values.len() / 8, 15), (values.len(), 12)] {
        for value in &values[numbers.len()..rows] {
            let next = || {
                different.push(*value);
                different.len() as i32
            };
            let is_zero = *value == Fr::ZERO;
            numbers.push(if is_zero { 0 } else { *known.entry(*value).or_insert_with(next) });
        }
        if different.len() > rows / 16 * sixteenths {
            return None;
        }
    }
    Some((different, numbers))
}

/// A hash of words that are random as they are.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.as_chunks().0 {
            let word = self.0 ^ u64::from_le_bytes(*word);
            self.0 = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The element as an integer.
pub fn canonical(element: &Fr) -> [u64; 4] {
    let bytes = element.to_repr();
    let words = bytes.as_chunks::<8>().0;
    std::array::from_fn(|i| u64::from_le_bytes(words[i]))
}

/// The additions that weigh a bucket.
const BUCKET: usize = 2;

/// Bits of a digit that cost least; more than `bits` for one window of the numbers themselves.
fn width(points: usize, bits: u32, bucket: usize) -> u32 {
    let cost = |width: u32| {
        let windows = (bits + 1).div_ceil(width) as usize;
        windows * (points + (bucket << (width - 1)))
    };
    (2..=20.min(bits + 1)).min_by_key(|&width| cost(width)).unwrap_or(bits + 1)
}

/// How numbers are cut.
pub struct Digits {
    /// Bits of a digit.
    pub width: u32,
    /// Digits of a number.
    pub windows: u32,
    /// 2^(width − 1) in each window but the last: adding it makes digits from 0 on of those from −2^(width − 1) on.
    pub offset: [u64; 4],
}

impl Digits {
    /// Those of numbers of so many bits that cost least, where weighing a bucket costs as much as `bucket` points.
    #[cfg(any(feature = "cuda", test))]
    pub fn cheapest(bits: u32, points: usize, bucket: usize) -> Self {
        Self::new(bits, width(points, bits, bucket))
    }

    fn new(bits: u32, width: u32) -> Self {
        let windows = (bits + 1).div_ceil(width);
        let mut offset = [0; 4];
        for window in 0..windows - 1 {
            let bit = window * width + width - 1;
            offset[bit as usize / 64] |= 1 << (bit % 64);
        }
        Self { width, windows, offset }
    }

    fn largest(&self) -> usize {
        1 << (self.width - 1)
    }

    /// A number plus the offset.
    fn shifted(&self, number: [u64; 4]) -> [u64; 4] {
        let mut sum = [0; 4];
        let mut carry = false;
        for i in 0..4 {
            let (partial, first) = number[i].overflowing_add(self.offset[i]);
            let (total, second) = partial.overflowing_add(u64::from(carry));
            (sum[i], carry) = (total, first | second);
        }
        sum
    }

    /// Digit `window` of a shifted number: at most `largest` in size, as the last takes the rest.
    fn digit(&self, shifted: &[u64; 4], window: u32) -> i32 {
        let bit = window * self.width;
        let (word, shift) = (bit as usize / 64, bit % 64);
        let mut digit = shifted[word] >> shift;
        if shift + self.width > 64 && word + 1 < 4 {
            digit |= shifted[word + 1] << (64 - shift);
        }
        let digit = (digit & ((1 << self.width) - 1)) as i32;
        if window + 1 < self.windows { digit - (1 << (self.width - 1)) } else { digit }
    }

    /// Σ 2^(width·window)·digit·point, from each window's buckets.
    fn sum<L: Lanes<Fq>>(&self, buckets: impl Fn(u32) -> Vec<PointWords> + Sync + Send) -> G1 {
        /// Buckets that are weighed together: enough to share inversions, few enough for a cache.
        const TOGETHER: usize = 1 << 13;
        let group = (TOGETHER / self.largest()).max(1);
        let windows: Vec<u32> = (0..self.windows).collect();
        let weigh = |windows: &[u32]| {
            let windows: Vec<_> = windows.par_iter().map(|&window| buckets(window)).collect();
            reduce::weighted_sums::<L>(&windows)
        };
        self.total(windows.par_chunks(group).flat_map_iter(weigh).collect())
    }

    /// Σ 2^(width·window)·sum.
    pub fn total(&self, sums: Vec<G1>) -> G1 {
        sums.into_iter().rev().fold(G1::identity(), |mut total, sum| {
            for _ in 0..self.width {
                total = total.double();
            }
            total + sum
        })
    }
}

/// A point as the curve library has it.
fn affine<L: Lanes<Fq>>(words: &PointWords) -> G1Affine {
    affine_points::<L>(std::slice::from_ref(words))[0]
}

kernels! {
    fn affine_points<L: Lanes<Fq>>(words: &[PointWords]) -> Vec<G1Affine> {
        let mut points = Vec::with_capacity(words.len());
        for words in words.chunks(8) {
            // The last point fills up.
            let (x, y, _) = L::gather(std::array::from_fn(|i| &words[i.min(words.len() - 1)]));
            let coordinates = x.elements().into_iter().zip(y.elements());
            points.extend(coordinates.take(words.len()).map(|(x, y)| G1Affine { x, y }));
        }
        points
    }
}

#[cfg(test)]
mod tests;

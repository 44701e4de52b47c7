//! Sums of the points of each bucket, pair by pair.
//!
//! A round adds neighbours: half as many points are left in each bucket. The additions are affine ones,
//!
//! ```text
//! λ = (y₂ − y₁)/(x₂ − x₁)     x₃ = λ² − x₁ − x₂     y₃ = λ·(x₁ − x₃) − y₁
//! ```
//!
//! whose denominators are inverted together, some thousand at a time. That does not add equal or opposite points, nor
//! infinity: their denominator, or what is asked before, makes a whole batch go the slow way, with the curve
//! library's complete additions. It happens with hand-made points alone.

use super::affine;
use crate::field::{Lanes, PointWords, kernels};
use halo2_proofs::halo2curves::{
    bn256::{Fq, G1, G1Affine},
    ff::Field,
    group::{Curve, prime::PrimeCurveAffine},
};
use rayon::prelude::*;

/// Points that are added up in one go: they and the sums of half of them fit a core's cache.
pub const PIECE: usize = 1 << 13;

/// Vectors of pairs that share an inversion.
const BATCH: usize = 128;

/// An index, and in the lowest bit whether the point is to be negated.
pub type Entry = u32;

/// For each size from 1 to `largest`, the sum of the points with this digit, minus those with its negative.
pub fn sums<L: Lanes<Fq>>(
    points: &[PointWords],
    largest: usize,
    digit: impl Fn(usize) -> i32 + Sync,
) -> Vec<PointWords> {
    // Sorted by counting.
    let digits: Vec<i32> = (0..points.len()).map(digit).collect();
    let mut ends = vec![0_u32; largest + 1];
    for digit in &digits {
        ends[digit.unsigned_abs() as usize] += 1;
    }
    ends[0] = 0;
    let mut total = 0;
    for end in &mut ends {
        total += std::mem::replace(end, total);
    }
    let mut entries: Vec<Entry> = vec![0; total as usize];
    for (row, &digit) in digits.iter().enumerate() {
        if digit != 0 {
            let end = &mut ends[digit.unsigned_abs() as usize];
            entries[*end as usize] = (row as u32) << 1 | u32::from(digit < 0);
            *end += 1;
        }
    }
    ends[0] = 0;
    let lengths: Vec<u32> = ends.windows(2).map(|ends| ends[1] - ends[0]).collect();
    add_up::<L>(points, &entries, &lengths)
}

/// The sum of each run of entries.
pub fn add_up<L: Lanes<Fq>>(
    points: &[PointWords],
    entries: &[Entry],
    lengths: &[u32],
) -> Vec<PointWords> {
    // Long runs are cut, short ones put together.
    let mut groups: Vec<Vec<u32>> = vec![Vec::new()];
    let mut room = PIECE as u32;
    let mut pieces = Vec::with_capacity(lengths.len());
    for &length in lengths {
        let (mut rest, mut count) = (length, 0);
        loop {
            let piece = rest.min(room);
            groups.last_mut().expect("there is always one").push(piece);
            (rest, room, count) = (rest - piece, room - piece, count + 1);
            if room == 0 {
                groups.push(Vec::new());
                room = PIECE as u32;
            }
            if rest == 0 {
                break;
            }
        }
        pieces.push(count);
    }
    let mut start = 0;
    let groups: Vec<(&[Entry], Vec<u32>)> = groups
        .into_iter()
        .map(|lengths| {
            let end = start + lengths.iter().sum::<u32>() as usize;
            (&entries[std::mem::replace(&mut start, end)..end], lengths)
        })
        .collect();
    let sums: Vec<Vec<PointWords>> = groups
        .into_par_iter()
        .map(|(entries, mut lengths)| rounds::<L>(points, entries, &mut lengths))
        .collect();
    let sums = sums.concat();
    if sums.len() == lengths.len() {
        return sums;
    }
    let entries: Vec<Entry> = (0..sums.len() as u32).map(|index| index << 1).collect();
    add_up::<L>(&sums, &entries, &pieces)
}

/// Pairs to add and where the sums go.
#[derive(Default)]
struct Round {
    pairs: Vec<[Entry; 2]>,
    to: Vec<u32>,
    /// What has no partner.
    alone: Vec<Entry>,
    alone_to: Vec<u32>,
}

fn rounds<L: Lanes<Fq>>(
    points: &[PointWords],
    entries: &[Entry],
    lengths: &mut [u32],
) -> Vec<PointWords> {
    let mut round = Round::default();
    let mut scratch = Vec::with_capacity(BATCH);
    let mut from: Vec<PointWords> = Vec::new();
    let mut first = true;
    loop {
        let longest = lengths.iter().copied().max().unwrap_or(0);
        if longest <= 1 && !first {
            break;
        }
        round.pairs.clear();
        round.to.clear();
        round.alone.clear();
        round.alone_to.clear();
        let entry = |at: usize| if first { entries[at] } else { (at as u32) << 1 };
        let (mut at, mut out) = (0, 0);
        for length in lengths.iter_mut() {
            let pairs = *length as usize / 2;
            for pair in 0..pairs {
                round.pairs.push([entry(at + 2 * pair), entry(at + 2 * pair + 1)]);
                round.to.push(out + pair as u32);
            }
            if *length % 2 == 1 {
                round.alone.push(entry(at + 2 * pairs));
                round.alone_to.push(out + pairs as u32);
            }
            at += *length as usize;
            *length = length.div_ceil(2);
            out += *length;
        }
        let mut to = vec![[0; 8]; out as usize];
        let source = if first { points } else { &from };
        copy::<L>(source, &round, &mut to);
        for (pairs, places) in round.pairs.chunks(BATCH * 8).zip(round.to.chunks(BATCH * 8)) {
            if !add_pairs::<L>(source, pairs, places, &mut to, &mut scratch) {
                add_slowly::<L>(source, pairs, places, &mut to);
            }
        }
        from = to;
        first = false;
    }
    // Empty runs sum to infinity.
    let mut sums = from.into_iter();
    let next =
        |&length: &u32| if length == 0 { [0; 8] } else { sums.next().expect("one sum a run") };
    lengths.iter().map(next).collect()
}

struct Pair<L> {
    x1: L,
    y1: L,
    x2: L,
    rise: L,
    run: L,
    before: L,
}

kernels! {
    fn copy<L: Lanes<Fq>>(source: &[PointWords], round: &Round, to: &mut [PointWords]) {
        for (entries, places) in round.alone.chunks(8).zip(round.alone_to.chunks(8)) {
            let entry = |i: usize| entries[i.min(entries.len() - 1)];
            let (x, y, _) = L::gather(std::array::from_fn(|i| &source[(entry(i) >> 1) as usize]));
            let negated = (0..8).fold(0, |mask, i| mask | ((entry(i) & 1) as u8) << i);
            let sums = L::points(x, L::zero().sub(y).select(negated, y));
            for (&place, sum) in places.iter().zip(sums) {
                to[place as usize] = sum;
            }
        }
    }

    /// Adds a batch of pairs, or says that one of them is no pair of different, finite points.
    fn add_pairs<L: Lanes<Fq>>(
        source: &[PointWords],
        pairs: &[[Entry; 2]],
        places: &[u32],
        to: &mut [PointWords],
        scratch: &mut Vec<Pair<L>>,
    ) -> bool {
        scratch.clear();
        let mut product = L::splat(Fq::ONE);
        let mut infinite = 0;
        for chunk in pairs.chunks(8) {
            // The last pair fills up.
            let entry = |i: usize, which: usize| chunk[i.min(chunk.len() - 1)][which];
            let (x1, y1, none1) = L::gather(std::array::from_fn(|i| &source[(entry(i, 0) >> 1) as usize]));
            let (x2, y2, none2) = L::gather(std::array::from_fn(|i| &source[(entry(i, 1) >> 1) as usize]));
            infinite |= none1 | none2;
            let sign = |which: usize| (0..8).fold(0, |mask, i| mask | ((entry(i, which) & 1) as u8) << i);
            let y1 = L::zero().sub_loose(y1).reduce_once().select(sign(0), y1);
            let y2 = L::zero().sub_loose(y2).reduce_once().select(sign(1), y2);
            let run = x2.sub_loose(x1);
            scratch.push(Pair { x1, y1, x2, rise: y2.sub_loose(y1), run, before: product });
            product = product.mul(run);
        }
        if infinite != 0 || product.zeros() != 0 {
            return false;
        }
        let mut inverse = L::from_elements(&inverses(product.elements()));
        for (pair, places) in scratch.iter().zip(places.chunks(8)).rev() {
            let slope = inverse.mul(pair.before).mul(pair.rise);
            inverse = inverse.mul(pair.run);
            let x = slope.mul(slope).sub_loose4(pair.x1.add_loose(pair.x2)).reduce();
            let y = slope.mul(pair.x1.sub_loose(x)).sub(pair.y1);
            for (&place, sum) in places.iter().zip(L::points(x, y)) {
                to[place as usize] = sum;
            }
        }
        true
    }
}

fn inverses(elements: [Fq; 8]) -> [Fq; 8] {
    let mut before = [Fq::ONE; 8];
    let mut product = Fq::ONE;
    for (before, element) in before.iter_mut().zip(&elements) {
        *before = product;
        product *= element;
    }
    let mut inverse = product.invert().expect("no element is 0");
    let mut inverses = [Fq::ZERO; 8];
    for i in (0..8).rev() {
        inverses[i] = inverse * before[i];
        inverse *= elements[i];
    }
    inverses
}

/// Adds any pairs.
fn add_slowly<L: Lanes<Fq>>(
    source: &[PointWords],
    pairs: &[[Entry; 2]],
    places: &[u32],
    to: &mut [PointWords],
) {
    let point = |entry: Entry| {
        let point = affine::<L>(&source[(entry >> 1) as usize]);
        if entry & 1 == 1 { -point } else { point }
    };
    let sums: Vec<G1> = pairs.iter().map(|&[a, b]| point(a).to_curve() + point(b)).collect();
    let mut normal = vec![G1Affine::identity(); sums.len()];
    G1::batch_normalize(&sums, &mut normal);
    for (&place, sum) in places.iter().zip(super::convert::<L>(&normal)) {
        to[place as usize] = sum;
    }
}

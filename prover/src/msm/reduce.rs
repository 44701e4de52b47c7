//! `Σ i·bucket_i` by running sums: from the last bucket to the first, add the bucket to a sum, and the sum to the
//! total. 32 segments go side by side, four vectors of eight, with complete projective additions
//! (Renes, Costello, Batina 2016, algorithm 7, for y² = x³ + 3).

use crate::field::{Lanes, PointWords, kernels};
use halo2_proofs::halo2curves::{
    bn256::{Fq, G1, G1Affine},
    ff::{BatchInvert, Field},
    group::{Group, prime::PrimeCurveAffine},
};

const VECTORS: usize = 4;
const SEGMENTS: usize = 8 * VECTORS;

#[derive(Clone, Copy)]
struct Projective<L> {
    x: L,
    y: L,
    z: L,
}

/// Eight points' coordinates, as elements.
type Eight = [[Fq; 8]; 3];

/// 9·v.
#[inline(always)]
fn nine<L: Lanes<Fq>>(v: L) -> L {
    let two = v.add_loose(v);
    let four = two.add_loose(two);
    four.add_loose(four).add_loose(v)
}

/// (a + b)·(c + d) − products, below 6p.
#[inline(always)]
fn cross<L: Lanes<Fq>>(a: L, b: L, c: L, d: L, products: L) -> L {
    a.add_loose(b).mul(c.add_loose(d)).sub_loose4(products)
}

impl<L: Lanes<Fq>> Projective<L> {
    #[inline(always)]
    fn identity() -> Self {
        Self { x: L::zero(), y: L::splat(Fq::ONE), z: L::zero() }
    }

    /// Coordinates are below 2p, before and after.
    #[inline(always)]
    fn add(&self, other: &Self) -> Self {
        let t0 = self.x.mul(other.x);
        let t1 = self.y.mul(other.y);
        let t2 = self.z.mul(other.z);
        let t3 = cross(self.x, self.y, other.x, other.y, t0.add_loose(t1));
        let t4 = cross(self.y, self.z, other.y, other.z, t1.add_loose(t2));
        let y3 = cross(self.x, self.z, other.x, other.z, t0.add_loose(t2));
        let t0 = t0.add_loose(t0.add_loose(t0));
        let t2 = nine(t2).reduce();
        let z3 = t1.add_loose(t2);
        let t1 = t1.sub_loose(t2);
        let y3 = nine(y3.reduce()).reduce();
        Self {
            x: t3.mul(t1).sub_loose(t4.mul(y3)).reduce_once(),
            y: t1.mul(z3).add_loose(y3.mul(t0)).reduce_once(),
            z: z3.mul(t4).add_loose(t0.mul(t3)).reduce_once(),
        }
    }

    #[inline(always)]
    fn elements(&self) -> Eight {
        [self.x.elements(), self.y.elements(), self.z.elements()]
    }
}

kernels! {
    /// Of each segment, the sum of its buckets and the sum of them times 1, 2, ….
    fn running_sums<L: Lanes<Fq>>(buckets: &[PointWords], segment: usize) -> Vec<(Eight, Eight)> {
        let nothing = [0; 8];
        let one = L::splat(Fq::ONE);
        let mut runs = [Projective::<L>::identity(); VECTORS];
        let mut totals = runs;
        for row in (0..segment).rev() {
            for vector in 0..VECTORS {
                let (x, y, infinite) = L::gather(std::array::from_fn(|lane| {
                    buckets.get((8 * vector + lane) * segment + row).unwrap_or(&nothing)
                }));
                let (y, z) = (one.select(infinite, y), L::zero().select(infinite, one));
                runs[vector] = runs[vector].add(&Projective { x, y, z });
                totals[vector] = totals[vector].add(&runs[vector]);
            }
        }
        let mut sums = Vec::with_capacity(VECTORS);
        for (run, total) in runs.iter().zip(&totals) {
            sums.push((run.elements(), total.elements()));
        }
        sums
    }
}

/// Σ (i + 1)·bucket_i.
pub fn weighted_sum<L: Lanes<Fq>>(buckets: &[PointWords]) -> G1 {
    if buckets.len() < SEGMENTS {
        let (mut run, mut total) = (G1::identity(), G1::identity());
        for bucket in buckets.iter().rev() {
            run += super::affine::<L>(bucket);
            total += run;
        }
        return total;
    }
    let segment = buckets.len().div_ceil(SEGMENTS);
    let (runs, totals): (Vec<Eight>, Vec<Eight>) =
        running_sums::<L>(buckets, segment).into_iter().unzip();
    let (runs, totals) = (points(&runs), points(&totals));
    // Σ total + segment·Σ i·run.
    let (mut run, mut weighted) = (G1::identity(), G1::identity());
    for &point in runs[1..].iter().rev() {
        run += point;
        weighted += run;
    }
    let mut sum = G1::identity();
    for bit in (0..usize::BITS - segment.leading_zeros()).rev() {
        sum = sum.double();
        if segment >> bit & 1 == 1 {
            sum += weighted;
        }
    }
    totals.into_iter().fold(sum, |sum, total| sum + total)
}

fn points(vectors: &[Eight]) -> Vec<G1Affine> {
    let coordinate = |at: usize| vectors.iter().flat_map(move |vector| vector[at]);
    let mut inverses: Vec<Fq> = coordinate(2).collect();
    inverses.iter_mut().batch_invert();
    let affine = |((x, y), inverse): ((Fq, Fq), Fq)| match inverse {
        // `batch_invert` leaves 0 as it is: infinity.
        Fq::ZERO => G1Affine::identity(),
        inverse => G1Affine { x: x * inverse, y: y * inverse },
    };
    coordinate(0).zip(coordinate(1)).zip(inverses).map(affine).collect()
}

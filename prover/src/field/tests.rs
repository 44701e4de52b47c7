use super::*;
use halo2_proofs::halo2curves::{ff::Field, serde::SerdeObject};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use std::array::from_fn;

/// Edges, then random elements.
fn samples<F: Element>() -> Vec<[F; 8]> {
    let mut rng = StdRng::seed_from_u64(1);
    let edges =
        [F::ZERO, F::ONE, -F::ONE, F::from(2), -F::from(2), F::TWO_INV, F::from(1 << 52), F::DELTA];
    let [low, rest @ ..] = F::P;
    let largest = F::from_words([low - 1, rest[0], rest[1], rest[2]]);
    let mut samples = vec![[F::ZERO; 8], [-F::ONE; 8], [largest; 8], edges];
    for shift in 1..8 {
        samples.push(from_fn(|i| edges[(i + shift) % 8]));
    }
    samples.extend((0..50).map(|_| from_fn(|_| F::random(&mut rng))));
    samples
}

kernels! {
    /// Every operation on a pair, as elements.
    fn operations<L: Lanes<Fr>>(a: &[Fr; 8], b: &[Fr; 8]) -> Vec<[Fr; 8]> {
        all::<Fr, L>(a, b)
    }
}

mod base {
    use super::*;
    kernels! {
        /// Every operation on a pair, as elements.
        pub fn operations<L: Lanes<Fq>>(a: &[Fq; 8], b: &[Fq; 8]) -> Vec<[Fq; 8]> {
            all::<Fq, L>(a, b)
        }
    }
}

#[inline(always)]
fn all<F: Element, L: Lanes<F>>(a: &[F; 8], b: &[F; 8]) -> Vec<[F; 8]> {
    alike::<F, L>(&representatives(a, b));
    let (x, y) = (L::from_elements(a), L::from_elements(b));
    let zero = x.sub(x);
    // As large a representative as is allowed: 70 times 2p more than x.
    let mut large = x;
    for _ in 0..35 {
        large = large.sub_loose(zero);
    }
    let mut transposed = from_fn(|i| L::splat(a[i]));
    L::transpose(&mut transposed);
    let mut results = vec![
        x.elements(),
        x.add(y).elements(),
        x.sub(y).elements(),
        x.mul(y).elements(),
        x.add_loose(y).reduce_once().elements(),
        x.sub_loose(y).mul(y).elements(),
        x.sub_loose4(y.add_loose(y)).reduce().elements(),
        large.reduce().elements(),
        large.mul(y.mul(L::splat(F::ONE)).sub(zero)).elements(),
        x.select(0b0101_1100, y).elements(),
        L::unpack(&x.pack()).elements(),
        L::splat(a[3]).elements(),
        L::zero().elements(),
        transposed[5].elements(),
    ];
    results.extend((0..8).map(|at| x.shifted(y, at).elements()));
    for mask in [x.zeros(), y.zeros(), zero.zeros(), large.sub_loose(x).zeros(), x.sub(y).zeros()] {
        results.push(from_fn(|i| F::from(u64::from(mask >> i & 1))));
    }
    let integers = [0, 1, -1, i64::MAX, i64::MIN, 255, -128, 1 << 52];
    results.push(L::from_integers(integers).elements());
    let points = L::points(x, y);
    let mut with_infinity = points;
    with_infinity[2] = [0; 8];
    let (x, y, infinite) = L::gather(from_fn(|i| &with_infinity[i]));
    results.extend([
        x.elements(),
        y.elements(),
        from_fn(|i| F::from(u64::from(infinite >> i & 1))),
    ]);
    results
}

/// Words from 0 to p − 1, and p more.
fn representatives<F: Element>(a: &[F; 8], b: &[F; 8]) -> [[PointWords; 8]; 2] {
    let sum = |words: [u64; 4], other: [u64; 4]| {
        let mut carry = 0;
        words
            .iter()
            .zip(other)
            .map(move |(word, other)| {
                let sum = u128::from(*word) + u128::from(other) + carry;
                carry = sum >> 64;
                sum as u64
            })
            .collect::<Vec<_>>()
    };
    [[0; 4], F::P].map(|more| {
        from_fn(|i| {
            let words = [sum(a[i].words(), more), sum(b[i].words(), more)].concat();
            words.try_into().expect("eight words")
        })
    })
}

/// That operations on other representatives give what they represent.
#[inline(always)]
fn alike<F: Element, L: Lanes<F>>(points: &[[PointWords; 8]; 2]) {
    let (x, y, _) = L::gather(from_fn(|i| &points[0][i]));
    let (u, v, _) = L::gather(from_fn(|i| &points[1][i]));
    assert_eq!(u.elements(), x.elements());
    for (found, expected) in [
        (u.mul(v), x.mul(y)),
        (u.mul(u), x.mul(x)),
        (u.add(v), x.add(y)),
        (u.sub(v), x.sub(y)),
        (x.sub(v), x.sub(y)),
        (u.add_loose(v).mul(u.sub_loose(v)), x.add(y).mul(x.sub(y))),
    ] {
        assert_eq!(found.elements(), expected.elements(), "{points:?}");
        assert_eq!(found.zeros(), expected.zeros(), "{points:?}");
    }
    assert_eq!(u.sub(x).zeros(), 255);
}

/// The same by the curve library alone.
fn expected<F: Element>(a: &[F; 8], b: &[F; 8]) -> Vec<[F; 8]> {
    let pairs = |f: fn(F, F) -> F| from_fn(|i| f(a[i], b[i]));
    let mask = |f: fn(F, F) -> bool| from_fn(|i| F::from(u64::from(f(a[i], b[i]))));
    let mut results = vec![
        *a,
        pairs(|a, b| a + b),
        pairs(|a, b| a - b),
        pairs(|a, b| a * b),
        pairs(|a, b| a + b),
        pairs(|a, b| (a - b) * b),
        pairs(|a, b| a - b - b),
        *a,
        pairs(|a, b| a * b),
        from_fn(|i| if 0b0101_1100 >> i & 1 == 1 { a[i] } else { b[i] }),
        *a,
        [a[3]; 8],
        [F::ZERO; 8],
        [a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]],
    ];
    results
        .extend((0..8).map(|at| from_fn(|i| if i + at < 8 { a[i + at] } else { b[i + at - 8] })));
    results.push(mask(|a, _| a == F::ZERO));
    results.push(mask(|_, b| b == F::ZERO));
    results.push([F::ONE; 8]);
    results.push([F::ONE; 8]);
    results.push(mask(|a, b| a == b));
    let size = |integer: i64| F::from(integer.unsigned_abs());
    results.push(
        [0, 1, -1, i64::MAX, i64::MIN, 255, -128, 1 << 52]
            .map(|integer: i64| if integer < 0 { -size(integer) } else { size(integer) }),
    );
    let without = |x: &[F; 8]| from_fn(|i| if i == 2 { F::ZERO } else { x[i] });
    results.push(without(a));
    results.push(without(b));
    results.push(from_fn(|i| F::from(u64::from(i == 2 || (a[i], b[i]) == (F::ZERO, F::ZERO)))));
    results
}

fn compare<F: Element>(operations: impl Fn(&[F; 8], &[F; 8]) -> Vec<[F; 8]>) {
    let samples = samples::<F>();
    for a in &samples {
        for b in &samples {
            let (found, expected) = (operations(a, b), expected(a, b));
            assert_eq!(found.len(), expected.len());
            for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_eq!(found, expected, "operation {index} on {a:?} and {b:?}");
            }
        }
    }
}

#[test]
fn all_lanes_are_the_curve_library() {
    for arithmetic in Arithmetic::all() {
        match arithmetic {
            Arithmetic::Portable => {
                compare::<Fr>(operations::<portable::Eight<Fr>>);
                compare::<Fq>(base::operations::<portable::Eight<Fq>>);
            }
            #[cfg(target_arch = "x86_64")]
            Arithmetic::Adx(_) => {
                compare::<Fr>(operations::<portable::Eight<Fr, true>>);
                compare::<Fq>(base::operations::<portable::Eight<Fq, true>>);
            }
            #[cfg(target_arch = "x86_64")]
            Arithmetic::Ifma(_) => {
                compare::<Fr>(operations::<ifma::Eight<Fr>>);
                compare::<Fq>(base::operations::<ifma::Eight<Fq>>);
            }
        }
    }
}

#[test]
fn words_are_the_library_s_raw_bytes() {
    let mut rng = StdRng::seed_from_u64(2);
    for _ in 0..20 {
        let element = Fr::random(&mut rng) * Fr::from(rng.next_u64());
        let bytes: Vec<u8> = element.words().iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(element.to_raw_bytes(), bytes);
        assert_eq!(Fr::from_words(element.words()), element);
    }
}

/// Pages multiply in halves of words.
#[test]
fn products_of_halves_are_products() {
    fn compare<F: Element>() {
        let samples = samples::<F>();
        for (a, b) in samples.iter().flat_map(|a| samples.iter().map(move |b| (a, b))) {
            for point in representatives(a, b).iter().flatten() {
                let (words, _) = point.as_chunks();
                let (a, b) = (&words[0], &words[1]);
                let found = portable::product_of_halves::<F>(a, b);
                assert_eq!(found, portable::product::<F>(a, b), "{point:?}");
            }
        }
    }
    compare::<Fr>();
    compare::<Fq>();
}

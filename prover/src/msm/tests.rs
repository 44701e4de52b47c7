use super::*;
use crate::field::{Arithmetic, portable};
use halo2_proofs::arithmetic::best_multiexp;
use halo2_proofs::halo2curves::{ff::Field, group::Curve};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::sync::Arc;

/// Different points.
fn points(count: usize) -> Vec<G1Affine> {
    let step = G1::generator() * Fr::from(12_345);
    let mut point = G1::generator() * Fr::from(777);
    let points: Vec<G1> = (0..count)
        .map(|_| {
            point = point.double() + step;
            point
        })
        .collect();
    let mut affine = vec![G1Affine::default(); count];
    G1::batch_normalize(&points, &mut affine);
    affine
}

fn signed(integer: i64) -> Fr {
    let size = Fr::from(integer.unsigned_abs());
    if integer < 0 { -size } else { size }
}

fn elements(cells: &Cells) -> Vec<Fr> {
    (0..cells.len()).map(|row| cells.element(row)).collect()
}

fn compare<L: Lanes<Fq>>(points: &[G1Affine], cells: &Cells, what: &str) {
    let expected = best_multiexp(&elements(cells), &points[..cells.len()]);
    assert_eq!(Points::<L>::new(points).sum(cells).to_affine(), expected.to_affine(), "{what}");
}

/// All kinds of lanes.
fn check(points: &[G1Affine], cells: &Cells, what: &str) {
    for arithmetic in Arithmetic::all() {
        match arithmetic {
            Arithmetic::Portable => compare::<portable::Eight<Fq>>(points, cells, what),
            #[cfg(target_arch = "x86_64")]
            Arithmetic::Adx(_) => compare::<portable::Eight<Fq, true>>(points, cells, what),
            #[cfg(target_arch = "x86_64")]
            Arithmetic::Ifma(_) => compare::<crate::field::ifma::Eight<Fq>>(points, cells, what),
        }
    }
}

#[test]
fn sums_are_the_library_s() {
    let mut rng = StdRng::seed_from_u64(4);
    for count in [1, 2, 7, 64, 1000, 5000] {
        let points = points(count);
        let mut ints = |bits: u32| {
            Cells::Ints(Arc::new(
                (0..count).map(|_| rng.gen_range(-(1 << bits)..1 << bits)).collect(),
            ))
        };
        for bits in [1, 3, 12, 20, 30] {
            check(&points, &ints(bits), "signed integers");
        }
        let bytes = Cells::Bytes(Arc::new((0..count).map(|_| rng.r#gen()).collect()));
        check(&points, &bytes, "bytes");
        let longs = Cells::Longs(Arc::new((0..count).map(|_| rng.r#gen()).collect()));
        check(&points, &longs, "64 bits");
        let full = (0..count).map(|_| Fr::random(&mut rng)).collect();
        check(&points, &Cells::Elements(Arc::new(full)), "field elements");
    }
}

#[test]
fn points_of_equal_scalars_are_summed() {
    let mut rng = StdRng::seed_from_u64(5);
    let mut points = points(3000);
    // Opposite points whose scalars are equal, and one at infinity.
    points[7] = -points[5];
    points[11] = G1Affine::default();
    for (kinds, alike) in [(1, true), (2, true), (100, true), (2900, false)] {
        let scalars: Vec<Fr> = (0..kinds).map(|_| Fr::random(&mut rng)).collect();
        let scalar = |row: usize| if row % 100 == 3 { Fr::ZERO } else { scalars[row % kinds] };
        let scalars: Vec<Fr> = (0..3000).map(scalar).collect();
        assert_eq!(different(&scalars).is_some(), alike);
        check(&points, &Cells::Elements(Arc::new(scalars)), "equal scalars");
    }
}

#[test]
fn edge_scalars_are_summed() {
    let points = points(300);
    let edges = [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::TWO_INV, -Fr::from(2), Fr::from(u64::MAX)];
    for edge in edges {
        check(&points, &Cells::Elements(Arc::new(vec![edge; 300])), "the same scalar");
    }
    let mixed = (0..300).map(|row| edges[row % 6]).collect();
    check(&points, &Cells::Elements(Arc::new(mixed)), "edges");
    check(&points, &Cells::Bytes(Arc::new(vec![0; 300])), "nothing but 0");
    check(&points, &Cells::Bytes(Arc::new(vec![255; 300])), "nothing but 255");
    let extremes = [i64::MIN, i64::MAX, 0, -1, 1];
    check(
        &points,
        &Cells::Longs(Arc::new((0..300).map(|row| extremes[row % 5]).collect())),
        "64-bit edges",
    );
    let extremes = [i32::MIN, i32::MAX, 0, -1];
    check(
        &points,
        &Cells::Ints(Arc::new((0..300).map(|row| extremes[row % 4]).collect())),
        "32-bit edges",
    );
}

#[test]
fn one_bucket_longer_than_a_piece_is_summed() {
    let points = points(40_000);
    check(&points, &Cells::Bytes(Arc::new(vec![1; 40_000])), "one bucket");
    let sparse =
        (0..40_000).map(|row| i32::from(row % 9000 == 17) - i32::from(row % 3 == 0)).collect();
    check(&points, &Cells::Ints(Arc::new(sparse)), "two buckets");
}

#[test]
fn equal_points_are_doubled() {
    let points = vec![points(1)[0]; 3000];
    check(&points, &Cells::Bytes(Arc::new(vec![1; 3000])), "equal points");
    check(
        &points,
        &Cells::Ints(Arc::new((0..3000).map(|row| row % 7).collect())),
        "equal points, many buckets",
    );
}

#[test]
fn opposite_points_cancel() {
    let mut points = points(2000);
    for row in 0..1000 {
        points[2 * row + 1] = -points[2 * row];
    }
    check(&points, &Cells::Bytes(Arc::new(vec![3; 2000])), "opposite points");
    check(
        &points,
        &Cells::Ints(Arc::new((0..2000).map(|row| row % 2 * 2 - 1).collect())),
        "opposite signs",
    );
    // Infinity arises in one round and is added in the next.
    points.push(points[5]);
    check(&points, &Cells::Bytes(Arc::new(vec![3; 2001])), "opposite points and another");
}

#[test]
fn infinity_is_nothing() {
    let mut points = points(2000);
    for row in (0..2000).step_by(3) {
        points[row] = G1Affine::default();
    }
    check(&points, &Cells::Bytes(Arc::new(vec![200; 2000])), "infinity");
    check(
        &points,
        &Cells::Ints(Arc::new((0..2000).map(|row| row % 5 - 2).collect())),
        "infinity with signs",
    );
    check(
        &vec![G1Affine::default(); 100],
        &Cells::Bytes(Arc::new(vec![1; 100])),
        "nothing but infinity",
    );
    let full = (0..2000).map(|row| signed(row) * Fr::TWO_INV).collect();
    check(&points, &Cells::Elements(Arc::new(full)), "infinity and field elements");
}

#[test]
fn digits_make_up_the_number() {
    for width in 2..=20 {
        let digits = Digits::new(254, width);
        for number in [Fr::ZERO, -Fr::ONE, Fr::TWO_INV, Fr::from(u64::MAX).square()] {
            let mut sum = Fr::ZERO;
            for window in (0..digits.windows).rev() {
                let digit = digits.digit(&digits.shifted(canonical(&number)), window);
                assert!(digit.unsigned_abs() as usize <= digits.largest());
                sum = sum * Fr::from(1 << width) + signed(digit.into());
            }
            assert_eq!(sum, number);
        }
    }
}

#[test]
fn multiples_of_the_generator_are_the_library_s() {
    let mut rng = StdRng::seed_from_u64(5);
    for count in [0, 1, 3, 700, 5000] {
        let edges = [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::TWO_INV, Fr::from(8192), -Fr::from(4096)];
        let random = std::iter::repeat_with(|| Fr::random(&mut rng));
        let scalars: Vec<Fr> = edges.into_iter().chain(random).take(count).collect();
        let products: Vec<G1> = scalars.iter().map(|scalar| G1::generator() * scalar).collect();
        let mut expected = vec![G1Affine::default(); count];
        G1::batch_normalize(&products, &mut expected);
        for arithmetic in Arithmetic::all() {
            assert_eq!(crate::multiples(&scalars, arithmetic), expected, "{count}");
        }
    }
}

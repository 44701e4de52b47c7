//! Roots of unity: the rows' points are the powers of one.

use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};

/// A root of unity of order 2^k.
pub fn root(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

/// Its power with this exponent: what a rotation multiplies a point by.
pub fn root_to(k: u32, rotation: i32) -> Fr {
    let power = root(k).pow_vartime([rotation.unsigned_abs().into()]);
    if rotation < 0 { power.invert().expect("roots of unity are not 0") } else { power }
}

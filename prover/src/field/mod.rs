//! Eight field elements at a time.
//!
//! Algorithms are written once over [`Lanes`]. Two implementations: [`ifma`], five limbs of 52 bits with AVX-512's
//! integer fused multiply-add, and [`portable`], four words an element side by side, whose products are plain Rust
//! or those of [`adx`]. Which of them runs is chosen at run time.
//!
//! Elements are in Montgomery form and may be *loose*: any representative below 2p, or, where a method says so,
//! below a larger multiple. The portable elements are always below 2p, so what is true of looser ones holds for them.

#[cfg(target_arch = "x86_64")]
mod adx;
#[cfg(target_arch = "x86_64")]
pub mod ifma;
pub mod portable;
#[cfg(test)]
mod tests;

use halo2_proofs::halo2curves::{
    bn256::{Fq, Fr},
    ff::PrimeField,
};

/// A field of the curve BN254.
pub trait Element: PrimeField<Repr = [u8; 32]> + Send + Sync {
    /// The modulus, least word first.
    const P: [u64; 4];

    /// The words in memory: Montgomery form with R = 2^256, below p.
    fn words(&self) -> [u64; 4];

    /// The element with these words, which must be below p.
    fn from_words(words: [u64; 4]) -> Self;
}

macro_rules! element {
    ($field:ty, $modulus:expr) => {
        impl Element for $field {
            const P: [u64; 4] = $modulus;

            fn words(&self) -> [u64; 4] {
                // SAFETY: the curve library declares the element as a structure of nothing but these four words.
                // It has no cheaper public way to them; a test compares with the public one.
                unsafe { std::mem::transmute::<Self, [u64; 4]>(*self) }
            }

            fn from_words(words: [u64; 4]) -> Self {
                debug_assert!(words.iter().rev().lt(Self::P.iter().rev()), "not reduced");
                // SAFETY: as in `words`; every bit pattern is a valid structure.
                unsafe { std::mem::transmute::<[u64; 4], Self>(words) }
            }
        }
    };
}

element!(
    Fr,
    [0x43e1_f593_f000_0001, 0x2833_e848_79b9_7091, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029]
);
element!(
    Fq,
    [0x3c20_8c16_d87c_fd47, 0x9781_6a91_6871_ca8d, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029]
);

/// A point of a sum: the words of x, then of y, loose; all 0 for the point at infinity.
pub type PointWords = [u64; 8];

/// Eight elements in memory, word by word.
pub type Packed = [u64; 32];

/// Eight elements.
///
/// An implementation that needs certain instructions is used only after they have been detected.
pub trait Lanes<F: Element>: Copy + Send + Sync + 'static {
    /// Whether kernels have to be compiled for AVX-512.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        allow(dead_code, reason = "others have no such kernels")
    )]
    const IFMA: bool;

    /// Eight times 0.
    fn zero() -> Self;

    /// Eight times one element.
    fn splat(element: F) -> Self;

    /// Eight elements.
    fn from_elements(elements: &[F; 8]) -> Self;

    /// The eight elements, reduced.
    fn elements(self) -> [F; 8];

    /// Eight integers.
    fn from_integers(integers: [i64; 8]) -> Self;

    /// The sum of what is below 2p, below 2p.
    fn add(self, other: Self) -> Self;

    /// The difference of what is below 2p, below 2p.
    fn sub(self, other: Self) -> Self;

    /// The sum, not reduced.
    fn add_loose(self, other: Self) -> Self;

    /// The difference plus 2p, not reduced: `other` is below 2p.
    fn sub_loose(self, other: Self) -> Self;

    /// The difference plus 4p, not reduced: `other` is below 4p.
    fn sub_loose4(self, other: Self) -> Self;

    /// The same below 2p: of what is below 4p.
    fn reduce_once(self) -> Self;

    /// The same below 2p: of what is below 80p.
    fn reduce(self) -> Self;

    /// The product, below 2p, of factors whose bounds multiply to at most 80p².
    fn mul(self, other: Self) -> Self;

    /// Which lanes hold 0.
    fn zeros(self) -> u8;

    /// Lanes of `self` where the mask has 1, of `other` where it has 0.
    fn select(self, mask: u8, other: Self) -> Self;

    /// Exchanges lanes and vectors.
    fn transpose(vectors: &mut [Self; 8]);

    /// Lanes `at` to 7 of this, then lanes from 0 of the next.
    fn shifted(self, next: Self, at: usize) -> Self;

    /// What is below 2p, packed.
    fn pack(self) -> Packed;

    /// What was packed.
    fn unpack(words: &Packed) -> Self;

    /// The coordinates of eight points, and which of them are infinity.
    fn gather(points: [&PointWords; 8]) -> (Self, Self, u8);

    /// Eight points with these coordinates, which are below 2p.
    fn points(x: Self, y: Self) -> [PointWords; 8];
}

/// Both fields' lanes.
pub trait Backend: 'static {
    /// Of scalars.
    type Scalars: Lanes<Fr>;
    /// Of coordinates.
    type Coordinates: Lanes<Fq>;
}

/// The portable implementation.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

impl Backend for Portable {
    type Scalars = portable::Eight<Fr>;
    type Coordinates = portable::Eight<Fq>;
}

/// The portable implementation but for its products.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub struct Adx;

#[cfg(target_arch = "x86_64")]
impl Backend for Adx {
    type Scalars = portable::Eight<Fr, true>;
    type Coordinates = portable::Eight<Fq, true>;
}

/// AVX-512 with integer fused multiply-add.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub struct Ifma;

#[cfg(target_arch = "x86_64")]
impl Backend for Ifma {
    type Scalars = ifma::Eight<Fr>;
    type Coordinates = ifma::Eight<Fq>;
}

/// Defines functions over lanes, compiled once for each kind: the instructions that intrinsics stand for are
/// inlined only into functions that are compiled for them. Closures are not, unless they are inlined before: those in
/// kernels do without lanes.
macro_rules! kernels {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident<$lanes:ident: Lanes<$field:ty>>(
            $($argument:ident: $type:ty),* $(,)?
        ) $(-> $result:ty)? $body:block
    )*) => {$(
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name<$lanes: Lanes<$field>>($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body<$lanes: Lanes<$field>>($($argument: $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            if <$lanes as Lanes<$field>>::IFMA {
                #[target_feature(enable = "avx512f,avx512ifma,avx512dq,avx512vl,avx512bw,avx512vbmi2")]
                fn compiled<$lanes: Lanes<$field>>($($argument: $type),*) $(-> $result)? {
                    body::<$lanes>($($argument),*)
                }
                // SAFETY: these lanes are used only where the features have been detected (`Arithmetic`).
                return unsafe { compiled::<$lanes>($($argument),*) };
            }
            body::<$lanes>($($argument),*)
        }
    )*};
}
pub(crate) use kernels;

/// An array by index. A closure might not be inlined, and so not be compiled for the instructions.
macro_rules! array {
    (5, $i:ident => $value:expr) => {
        [array!(@ $i 0 $value), array!(@ $i 1 $value), array!(@ $i 2 $value), array!(@ $i 3 $value),
         array!(@ $i 4 $value)]
    };
    (4, $i:ident => $value:expr) => {
        [array!(@ $i 0 $value), array!(@ $i 1 $value), array!(@ $i 2 $value), array!(@ $i 3 $value)]
    };
    (8, $i:ident => $value:expr) => {
        [array!(@ $i 0 $value), array!(@ $i 1 $value), array!(@ $i 2 $value), array!(@ $i 3 $value),
         array!(@ $i 4 $value), array!(@ $i 5 $value), array!(@ $i 6 $value), array!(@ $i 7 $value)]
    };
    (@ $i:ident $at:literal $value:expr) => {{
        let $i = $at;
        $value
    }};
}
use array;

/// −p⁻¹ modulo 2^64, by Newton's iteration.
const fn negative_inverse(p: u64) -> u64 {
    let mut inverse = 1_u64;
    let mut i = 0;
    while i < 6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(p.wrapping_mul(inverse)));
        i += 1;
    }
    inverse.wrapping_neg()
}

/// Which arithmetic is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// Plain Rust.
    Portable,
    /// Plain Rust, products with two chains of carries.
    #[cfg(target_arch = "x86_64")]
    Adx(Detected),
    /// AVX-512 with integer fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Ifma(Detected),
}

/// That the processor has the instructions: only made by looking.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected(());

impl Arithmetic {
    /// All that this processor has, the slowest first.
    pub fn all() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("adx") {
            all.push(Self::Adx(Detected(())));
        }
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi2")
        {
            all.push(Self::Ifma(Detected(())));
        }
        all
    }

    /// The fastest that this processor has.
    pub fn best() -> Self {
        Self::all().pop().unwrap_or(Self::Portable)
    }

    /// The fastest that this processor has without AVX-512.
    pub fn without_avx512() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(adx) = Self::all().into_iter().find(|one| matches!(one, Self::Adx(_))) {
            return adx;
        }
        Self::Portable
    }
}

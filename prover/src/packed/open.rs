//! All values of all packs, proved by two points.
//!
//! ```text
//! W   =  Σ_e γᵉ·(F_j − Y_e)/(Xᵗ − p)  +  γᴱ·(H − h)/(X − x)
//! s_e =  γᵉ/(zᵗ − p),    s_E = γᴱ/(z − x)
//! L   =  Σ_e s_e·(F_j − Y_e(z))  +  s_E·(H − h)  −  W             L(z) = 0
//! W'  =  L/(X − z)
//! ```
//!
//! Behind the quotient H goes what links open, as another polynomial at x with the next power of γ.
//!
//! Division by Xᵗ − p is division of every column by X − p, so columns are taken a few at a time and no pack is kept.

use super::Error;
use super::layout::horner;
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use rayon::prelude::*;

/// A pack to be opened.
pub struct Opened<'a> {
    pub width: usize,
    /// The coefficients of a slot in use.
    pub slot: Box<dyn Fn(usize) -> Vec<Fr> + Sync + 'a>,
    pub slots: usize,
    /// Each with the values of all slots in use.
    pub points: Vec<(Fr, Vec<Fr>)>,
}

/// A polynomial in no pack, with its value at x: the quotient of the gates, then what links open.
pub struct Single {
    pub coefficients: Vec<Fr>,
    pub value: Fr,
}

/// W and W': `commit` takes each as coefficients and gives them back, `draw` draws between them.
pub fn open(
    packs: &[Opened<'_>],
    singles: &[Single],
    x: Fr,
    gamma: Fr,
    commit: &mut dyn FnMut(Vec<Fr>) -> Result<Vec<Fr>, Error>,
    draw: &mut dyn FnMut() -> Fr,
) -> Result<(), Error> {
    // Of each term e, in order, γᵉ.
    let mut power = Fr::ONE;
    let powers: Vec<Vec<Fr>> = packs
        .iter()
        .map(|pack| {
            let next = |_| {
                let next = power * gamma;
                std::mem::replace(&mut power, next)
            };
            (0..pack.points.len()).map(next).collect()
        })
        .collect();

    // Of each of the others.
    let of_singles: Vec<Fr> = singles
        .iter()
        .map(|_| {
            let next = power * gamma;
            std::mem::replace(&mut power, next)
        })
        .collect();
    let mut w = Vec::new();
    for (single, power) in singles.iter().zip(&of_singles) {
        add_scaled(&mut w, &single.coefficients, *power);
    }
    divide(&mut w, x);
    for (pack, powers) in packs.iter().zip(&powers) {
        let of_slot = |slot: usize| {
            let column = (pack.slot)(slot);
            let mut sum = vec![Fr::ZERO; column.len()];
            for ((point, _), power) in pack.points.iter().zip(powers) {
                let mut quotient = column.clone();
                divide(&mut quotient, *point);
                sum.iter_mut().zip(&quotient).for_each(|(sum, value)| *sum += *value * power);
            }
            sum
        };
        add_packed(&mut w, pack.width, pack.slots, of_slot);
    }
    let w = commit(w)?;

    let z = draw();
    let invert = |difference: Fr| -> Result<Fr, Error> {
        Option::from(difference.invert()).ok_or(Error::Challenge)
    };
    let mut l = w;
    l.par_iter_mut().with_min_len(1 << 12).for_each(|value| *value = -*value);
    let mut constant = Fr::ZERO;
    for (pack, powers) in packs.iter().zip(&powers) {
        let to_width = z.pow_vartime([pack.width as u64]);
        let mut scale = Fr::ZERO;
        for ((point, values), power) in pack.points.iter().zip(powers) {
            let s = *power * invert(to_width - point)?;
            scale += s;
            constant += s * horner(values, z);
        }
        add_packed(&mut l, pack.width, pack.slots, |slot| {
            let mut column = (pack.slot)(slot);
            column.iter_mut().for_each(|value| *value *= scale);
            column
        });
    }
    let inverse = invert(z - x)?;
    for (single, power) in singles.iter().zip(of_singles) {
        constant += power * inverse * single.value;
        add_scaled(&mut l, &single.coefficients, power * inverse);
    }
    l[0] -= constant;
    divide(&mut l, z);
    commit(l).map(drop)
}

fn add_scaled(to: &mut Vec<Fr>, from: &[Fr], factor: Fr) {
    if to.len() < from.len() {
        to.resize(from.len(), Fr::ZERO);
    }
    to.par_iter_mut().zip(from).with_min_len(1 << 12).for_each(|(to, from)| *to += *from * factor);
}

/// Adds Σ Xⁱ·fᵢ(Xᵗ), fᵢ being the coefficients that `of_slot` gives.
pub fn add_packed(
    to: &mut Vec<Fr>,
    width: usize,
    slots: usize,
    of_slot: impl Fn(usize) -> Vec<Fr> + Send + Sync,
) {
    // Cells of so many are as long as a cache's lines.
    let together = rayon::current_num_threads().max(4);
    for first in (0..slots).step_by(together) {
        let few = first..slots.min(first + together);
        let few: Vec<Vec<Fr>> = few.into_par_iter().map(&of_slot).collect();
        let rows = few.first().map_or(0, Vec::len);
        if to.len() < width * rows {
            to.resize(width * rows, Fr::ZERO);
        }
        to.par_chunks_mut(width).zip(0..rows).with_min_len(1 << 9).for_each(|(to, row)| {
            to[first..].iter_mut().zip(&few).for_each(|(to, slot)| *to += slot[row]);
        });
    }
}

/// (f − f(p))/(X − p) in place of f.
fn divide(f: &mut [Fr], p: Fr) {
    let mut carry = Fr::ZERO;
    for coefficient in f.iter_mut().rev() {
        let next = *coefficient + carry * p;
        *coefficient = carry;
        carry = next;
    }
}

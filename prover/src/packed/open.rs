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
//! Division by Xᵗ − p is division of every column by X − p, and packs of one width have their slots at the same places: so slot by
//! slot columns are added up on the rows, over all packs and points, and what is made of them becomes coefficients once.

use super::coefficients::Interpolation;
use super::layout::horner;
use super::named::Mask;
use super::{Error, Slot};
use crate::columns::{Cells, Column};
use crate::engine::Opener;
use crate::open::Quotient;
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use rayon::prelude::*;
use std::borrow::Cow;

/// A pack to be opened.
pub struct Opened<'a> {
    pub width: usize,
    /// Those in use.
    pub slots: Vec<Held<'a>>,
    /// Where: the rotation r, x·ω^r, and the values of all slots in use.
    pub points: Vec<(i32, Fr, Vec<Fr>)>,
}

/// What a slot holds: a column, and of named ones a mask so many times.
pub struct Held<'a> {
    pub column: Cow<'a, Column>,
    pub mask: Option<(&'a Mask, Fr)>,
}

impl<'a> Held<'a> {
    /// What is in a slot, of 2^k rows.
    pub fn new(slot: &Slot, columns: &'a [Column], k: u32) -> Self {
        Self { column: rotated(slot, columns, k), mask: None }
    }
}

/// The column f(ω^rotation·X) of a slot.
pub fn rotated<'a>(slot: &Slot, columns: &'a [Column], k: u32) -> Cow<'a, Column> {
    let column = &columns[slot.column];
    if slot.rotation == 0 {
        return Cow::Borrowed(column);
    }
    let n = 1_usize << k;
    let first = slot.rotation.rem_euclid(1 << k) as usize;
    let value = |row| column.element((row + first) % n, n);
    Cow::Owned(Column::new(Cells::Elements((0..n).map(value).collect::<Vec<_>>().into())))
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
    (x, at_x, interpolation): (Fr, &dyn Opener, &dyn Interpolation),
    gamma: Fr,
    commit: &mut dyn FnMut(Vec<Fr>) -> Result<Vec<Fr>, Error>,
    draw: &mut dyn FnMut() -> Fr,
) -> Result<(), Error> {
    // Of each term e, in order, γᵉ.
    let mut power = Fr::ONE;
    let mut next = || {
        let next = power * gamma;
        std::mem::replace(&mut power, next)
    };
    let powers: Vec<Vec<Fr>> =
        packs.iter().map(|pack| pack.points.iter().map(|_| next()).collect()).collect();
    let of_singles: Vec<Fr> = singles.iter().map(|_| next()).collect();
    let coefficients =
        |values: Vec<Fr>| interpolation.coefficients(&Column::new(Cells::Elements(values.into())));

    let mut w = Vec::new();
    for (single, power) in singles.iter().zip(&of_singles) {
        add_scaled(&mut w, &single.coefficients, *power);
    }
    divide(&mut w, x);
    let own: Vec<_> = packs.iter().zip(&powers).collect();
    for (width, packs) in by_width(&own, |(pack, _)| pack.width) {
        let of_slot = |slot: usize| {
            let mut quotients: Vec<Quotient<'_>> = Vec::new();
            let mut masks = Vec::new();
            for (pack, powers) in &packs {
                let Some(Held { column, mask }) = pack.slots.get(slot) else { continue };
                for ((rotation, point, values), &power) in pack.points.iter().zip(*powers) {
                    let mut value = values[slot];
                    if let Some((mask, times)) = mask {
                        let mut own = mask.times(*times);
                        value -= horner(&own, *point);
                        divide(&mut own, *point);
                        add_scaled(&mut masks, &own, power);
                    }
                    let known = quotients.iter().position(|known| known.rotation == *rotation);
                    let known = known.unwrap_or_else(|| {
                        let (rotation, columns) = (*rotation, Vec::new());
                        quotients.push(Quotient { rotation, columns, value: Fr::ZERO });
                        quotients.len() - 1
                    });
                    quotients[known].columns.push((column, power));
                    quotients[known].value += power * value;
                }
            }
            let mut sum = coefficients(at_x.quotients(&quotients));
            add_scaled(&mut sum, &masks, Fr::ONE);
            sum
        };
        let slots = packs.iter().map(|(pack, _)| pack.slots.len()).max().unwrap_or(0);
        add_packed(&mut w, width, slots, of_slot);
    }
    let w = commit(w)?;

    let z = draw();
    let invert = |difference: Fr| -> Result<Fr, Error> {
        Option::from(difference.invert()).ok_or(Error::Challenge)
    };
    let mut l = w;
    l.par_iter_mut().with_min_len(1 << 12).for_each(|value| *value = -*value);
    let mut constant = Fr::ZERO;
    let mut scaled = Vec::with_capacity(packs.len());
    for (pack, powers) in packs.iter().zip(&powers) {
        let to_width = z.pow_vartime([pack.width as u64]);
        let mut scale = Fr::ZERO;
        for ((_, point, values), power) in pack.points.iter().zip(powers) {
            let s = *power * invert(to_width - point)?;
            scale += s;
            constant += s * horner(values, z);
        }
        scaled.push((pack, scale));
    }
    for (width, packs) in by_width(&scaled, |(pack, _)| pack.width) {
        let of_slot = |slot: usize| {
            let mut held: Vec<(&Held<'_>, Fr)> = Vec::new();
            for (pack, scale) in &packs {
                held.extend(pack.slots.get(slot).map(|held| (held, *scale)));
            }
            let columns: Vec<_> =
                held.iter().map(|(held, scale)| (&*held.column, *scale)).collect();
            let mut sum = coefficients(at_x.sum(&columns));
            for (Held { mask, .. }, scale) in held {
                if let Some((mask, times)) = mask {
                    add_scaled(&mut sum, &mask.times(*times), scale);
                }
            }
            sum
        };
        let slots = packs.iter().map(|(pack, _)| pack.slots.len()).max().unwrap_or(0);
        add_packed(&mut l, width, slots, of_slot);
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

/// Those of each width together.
fn by_width<T: Copy>(packs: &[T], width: impl Fn(&T) -> usize) -> Vec<(usize, Vec<T>)> {
    let mut groups: Vec<(usize, Vec<T>)> = Vec::new();
    for pack in packs {
        match groups.iter_mut().find(|(known, _)| *known == width(pack)) {
            Some((_, group)) => group.push(*pack),
            None => groups.push((width(pack), vec![*pack])),
        }
    }
    groups
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

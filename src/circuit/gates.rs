//! Wires: what rows make is what values contribute.
//!
//! With E the accumulator or copy that a row makes at its place, and x the value of a row at position p of a
//! run with coefficient K = Σ weight·monomial of the run's terms,
//!
//! ```text
//! Σ E·ρ^ω·s₁^a·s₂^b  =  Σ x·s₁^p₀·s₂^p₁·K
//! ```
//!
//! holds as Laurent polynomials in ρ, s₁, s₂ if and only if everything made is the sum of what is contributed to
//! its place, since no place is made twice. The three are drawn after all E and x are committed; a weight of K is
//! fixed, or for a product of matrices a factor that is committed as well.
//!
//! `balance` adds up E's side and takes off x's side along the rows. Where it begins, the prover says when all
//! challenges are known, but `packed` begins there too, and ends at 0 over bytes of the first phase (see
//! [`packing`](super::packing)): so it begins at a polynomial in τ whose coefficients are committed. What the rows of
//! instances leave of it is a constant in ρ, s₁, s₂, and no place has ω = 0: it must be 0 for the balance to end at 0.
//!
//! **The error.** A cursor's exponents are between −2^26 and 2^26 (see `cursor`), one for each of ρ, s₁ and s₂.
//! E's terms have one cursor, x's terms two, position and weigher, and a lane's power of ρ, at most 31: all
//! exponents are between −2^27 and 2^27 + 31. Multiplied with (ρ·s₁·s₂)^(2^27), the difference of both sides is a
//! polynomial whose degree is at most 3·2^28 + 31; the instances add at most 2^20 powers of τ, one for each word,
//! in the numerator or in what it is divided by. A polynomial that is not 0 is 0 at a random point with probability
//! at most its degree over r, and some challenge is 0, which would leave cursors or the balance free, with 4/r:
//! less than 2^-224 together, as r is above 2^253.59.
//!
//! | row | E | x |
//! |---|---|---|
//! | division | scale·(D·u + z) − offset | out[u] |
//! | interval | start + z − offset | out[u] |
//! | copy | limb − constant | limb − short |
//! | larger | (limb − limb₁) − constant | limb, at least the limb of the row before; one of limb₁ and u is 0 |
//! | float32 sum | see `average` | |
//! | input | | limb |
//! | spills | limb + ρ·limb₁ + ρ²·u + ρ³·byte, or the first of these; nothing is looked up | |
//! | integer of any size | integer − constant | integer, see `lower::vectors` |

use super::average;
use super::columns::Columns;
use super::intervals;
use super::layout::{MAKER, POSITION, WEIGHER};
use super::shape::Shape;
use crate::circuit::{
    BYTES_PER_WORD,
    field::{byte_power, field},
    query::{before, here, one},
};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Constraints, Expression, VirtualCells},
    poly::Rotation,
};

/// Adds the gates of wires.
pub fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns, shape: &Shape) {
    let active = columns.lookups.active;
    let names = [
        "the weigher moves as the layout says",
        "the maker moves as the layout says",
        "the position moves as the layout says",
    ];
    for (cursor, name) in [WEIGHER, MAKER, POSITION].into_iter().zip(names) {
        meta.create_gate(name, |meta| {
            let moved =
                columns.cursors[cursor].moved(meta, &shape.menus[cursor], &columns.points());
            let moves = match cursor {
                WEIGHER => here(meta, active),
                _ => columns.cells(meta),
            };
            let stayed = columns.cursors[cursor].stayed(meta);
            vec![(name, here(meta, active) * stayed + moves * moved)]
        });
    }

    meta.create_gate("cursors begin", |meta| {
        let first = (one() - before(meta, active)) * here(meta, active);
        let cursors = [WEIGHER, MAKER, POSITION].map(|cursor| columns.cursors[cursor].column);
        let [weigher, maker, position] = cursors.map(|column| before(meta, column) - one());
        Constraints::with_selector(
            first,
            [
                ("the weigher begins at 1", weigher),
                ("the maker begins at 1", maker),
                ("the position begins at 1", position),
            ],
        )
    });

    meta.create_gate("coefficient", |meta| {
        let kept = (one() - here(meta, columns.flags.starts)) * before(meta, columns.coefficient);
        let grown = here(meta, columns.coefficient) - kept;
        let weigher = here(meta, columns.cursors[WEIGHER].column);
        let lanes = columns.weights.iter().map(|&column| here(meta, column)).collect();
        let weights = here(meta, columns.weighs) * evaluate(lanes, &columns.rho.expr());
        let loaded = columns.flags.loads.map(|loads| {
            let factor = columns.held(meta) - here(meta, columns.weights[0]);
            columns.cells(meta) * here(meta, loads) * factor
        });
        let added = loaded.into_iter().fold(weights, |sum, loaded| sum + loaded);
        vec![(
            "the coefficient grows by weights times their monomial",
            here(meta, active) * grown - weigher * added,
        )]
    });

    meta.create_gate("balance", |meta| {
        let (balance, then) = (here(meta, columns.balance), before(meta, columns.balance));
        let maker = here(meta, columns.cursors[MAKER].column);
        let position = here(meta, columns.cursors[POSITION].column);
        let made = maker * made(meta, columns, shape);
        let coefficient = here(meta, columns.coefficient);
        let mut value = columns.makes(meta) * here(meta, columns.lookups.byte)
            + here(meta, columns.flags.takes) * columns.copy(meta);
        if let Some(wide) = columns.wide {
            let integer = here(meta, wide.integer) - here(meta, columns.weights[0]);
            value = value + here(meta, wide.takes) * integer;
        }
        let taken = coefficient * position * value;
        let word = columns.words(meta) * columns.word(meta, balance.clone());
        let grown = here(meta, active) * (balance - then);
        vec![(
            "the balance grows by what is made less what is taken",
            grown + columns.cells(meta) * (word + taken - made),
        )]
    });

    meta.create_gate("balance ends", |meta| {
        let last = before(meta, active) * (one() - here(meta, active));
        let balance = before(meta, columns.balance);
        Constraints::with_selector(last, [("everything made is what was taken", balance)])
    });

    if let Some(larger) = columns.flags.groups.and_then(|groups| groups.larger) {
        meta.create_gate("larger", |meta| {
            let larger = columns.cells(meta) * here(meta, larger);
            let [value, below] = [0, 1].map(|limb| here(meta, columns.lookups.limbs[limb]));
            let then = before(meta, columns.lookups.limbs[0]);
            let above = here(meta, columns.lookups.table_row);
            Constraints::with_selector(
                larger,
                [
                    ("the larger is not below the value before", value - then - above.clone()),
                    ("the larger is one of both", below * above),
                ],
            )
        });
    }

    if let Some(groups) = columns.flags.groups {
        meta.create_gate("hold", |meta| {
            let holds = columns.cells(meta) * here(meta, groups.holds);
            let [first, second] = [0, 1].map(|limb| {
                let limb = columns.lookups.limbs[limb];
                here(meta, limb) - before(meta, limb)
            });
            let mut held =
                vec![("the value is held", first), ("the value beside it is held", second)];
            if shape.averages {
                let row = columns.lookups.table_row;
                held.push(("the row read is held", here(meta, row) - before(meta, row)));
            }
            Constraints::with_selector(holds, held)
        });
    }

    if let Some(products) = columns.flags.products {
        meta.create_gate("pair", |meta| {
            let pairs = columns.cells(meta) * here(meta, products.pairs);
            let beside = here(meta, columns.lookups.limbs[1]);
            let then = before(meta, columns.lookups.limbs[0]);
            Constraints::with_selector(
                pairs,
                [("the value beside is that of the row before", beside - then)],
            )
        });
        meta.create_gate("product", |meta| {
            let mut dividend = here(meta, products.multiplies) * divided(meta, columns, shape);
            let mut flag = here(meta, products.multiplies);
            let placed = intervals::accumulator(meta, columns, shape);
            if let (Some(by_interval), Some(placed)) = (products.multiplies_in, placed) {
                let by_interval = here(meta, by_interval);
                dividend = dividend + by_interval.clone() * placed;
                flag = flag + by_interval;
            }
            let offset = here(meta, columns.weights[0]);
            let [right, left] = [0, 1].map(|limb| {
                let zero = here(meta, columns.weights[2 + limb]);
                before(meta, columns.lookups.limbs[limb]) - zero
            });
            Constraints::with_selector(
                columns.cells(meta),
                [(
                    "the accumulator is the product of the pair",
                    dividend - flag * (offset + left * right),
                )],
            )
        });
    }
}

/// The spills that a row takes, where it does: the first always, others where their lane is 1. Nothing fixes
/// them but the balance: they are what is contributed to their places.
fn spilt(meta: &mut VirtualCells<'_, Fr>, columns: &Columns) -> Option<Expression<Fr>> {
    let flag = columns.flags.spills?;
    let mut power = one();
    let mut spilt = Vec::new();
    for (number, cell) in columns.spills().into_iter().enumerate() {
        let spill = here(meta, cell) * power.clone();
        spilt.push(match number.checked_sub(1) {
            Some(lane) => spill * here(meta, columns.weights[lane]),
            None => spill,
        });
        power = power * columns.rho.expr();
    }
    let sum = spilt.into_iter().reduce(|sum, spill| sum + spill)?;
    Some(here(meta, flag) * sum)
}

/// What a row makes.
fn made(meta: &mut VirtualCells<'_, Fr>, columns: &Columns, shape: &Shape) -> Expression<Fr> {
    let offset = here(meta, columns.weights[0]);
    let mut divides = here(meta, columns.flags.divides);
    if let Some(wide) = columns.wide {
        divides = divides + here(meta, wide.naturals);
    }
    let mut accumulator = divides * (divided(meta, columns, shape) - offset.clone());
    let placed = intervals::accumulator(meta, columns, shape);
    if let (Some(flag), Some(placed)) = (columns.flags.steps, placed) {
        accumulator = accumulator + here(meta, flag) * (placed - offset);
    }
    let others = [copied(meta, columns), average::made(meta, columns, shape), spilt(meta, columns)];
    others.into_iter().flatten().fold(accumulator, |made, term| made + term)
}

/// What a row copies.
fn copied(meta: &mut VirtualCells<'_, Fr>, columns: &Columns) -> Option<Expression<Fr>> {
    let reads = here(meta, columns.flags.reads?);
    let mut copied = columns.held(meta) - here(meta, columns.weights[1]);
    if let Some(larger) = columns.flags.groups.and_then(|groups| groups.larger) {
        copied = copied - here(meta, larger) * here(meta, columns.lookups.limbs[1]);
    }
    Some(reads * copied)
}

/// `scale·(D·u + z)`.
fn divided(meta: &mut VirtualCells<'_, Fr>, columns: &Columns, shape: &Shape) -> Expression<Fr> {
    let base = Expression::Constant(field(shape.base()));
    let table_row = here(meta, columns.lookups.table_row);
    let dividend = (columns.lookups.limbs[..shape.limbs].iter().rev())
        .fold(table_row, |sum, &limb| sum * base.clone() + here(meta, limb));
    dividend * here(meta, columns.weights[1])
}

/// `Σ_j point^j·values_j`.
fn evaluate(values: Vec<Expression<Fr>>, point: &Expression<Fr>) -> Expression<Fr> {
    (values.into_iter().rev())
        .reduce(|sum, value| sum * point.clone() + value)
        .expect("there is a lane")
}

impl Columns {
    /// By which words are apart.
    fn word_multiplier(&self) -> Expression<Fr> {
        Expression::Constant(byte_power(BYTES_PER_WORD)) * self.tau.expr()
    }

    /// What the balance before a row of words is more than the one after it. Where columns share one,
    /// instances lie closer than rows: a row takes all since the row before.
    fn word(&self, meta: &mut VirtualCells<'_, Fr>, balance: Expression<Fr>) -> Expression<Fr> {
        let fold = i32::try_from(self.fold).expect("few columns share one");
        let words = (1 - fold..=0).rev();
        let after = words.fold(balance.clone(), |sum, rotation| {
            sum * self.word_multiplier() + meta.query_instance(self.instance, Rotation(rotation))
        });
        after - balance
    }
}

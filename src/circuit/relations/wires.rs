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
//! fixed, or for a product of matrices a factor that is committed as well, or what a commitment to weights holds that the
//! proof brings: that is absorbed before anything is drawn. Lanes of such weights that no term is of may hold anything. Behind
//! a layer's places there are as many that nothing makes as a row has lanes: what they contribute there has to be 0.
//!
//! `balance` adds up E's side and takes off x's side along the rows. Where it begins, the prover says when all
//! challenges are known, but `packed` begins there too, and ends at 0 over bytes of the first phase (see
//! [`packing`](super::packing)): so it begins at a polynomial in τ whose coefficients are committed. What the rows of
//! instances leave of it is a constant in ρ, s₁, s₂, and no place has ω = 0: it must be 0 for the balance to end at 0.
//! Where the verifier adds the instances up, the balance begins at what they leave of it, and there are no such rows.
//!
//! **The error.** A cursor's exponents are between −2^28 and 2^28 (see `layout::moves`), one for each of ρ, s₁ and s₂.
//! E's terms have one cursor, x's terms two, position and weight monomial, and a lane's power of ρ, at most 63; values
//! abreast add at most 56 to an exponent of s₁ (at most seven values are M ≤ 8 steps apart) and 31 to one of ρ. So all
//! exponents are between −2^29 and 2^29 + 63. Multiplied with (ρ·s₁·s₂)^(2^29), the difference of both sides is a
//! polynomial whose degree is at most 3·2^30 + 96; the instances add at most 2^22 powers of τ, one for each word,
//! in the numerator or in what it is divided by. A polynomial that is not 0 is 0 at a random point with probability
//! at most its degree over r, and some challenge is 0, which would leave cursors or the balance free, with 4/r:
//! less than 2^-221 together, as r is above 2^253.59.
//!
//! | row | E | x |
//! |---|---|---|
//! | division | scale·(D·u + z) − offset | out[u] |
//! | interval | start + z − offset | out[u] |
//! | copy | limb − constant | limb − short |
//! | larger | (limb − limb₁) − constant | limb, at least the limb of the row before; one of limb₁ and u is 0 |
//! | float32 sum | see `float_sum` | |
//! | input | | limb |
//! | border cells | limb + ρ·limb₁ + ρ²·u + ρ³·byte, or the first of these; nothing is looked up | |
//! | integer of any size | integer − constant | integer, see `ops::vectors` |
//!
//! **Values abreast.** A row of several values makes E_j at its place times s₁^(h·j), and value j contributes x_j at its position
//! times s₁^j; h is 1 or 2, which two flags tell. E_j and x_j are what the row makes and contributes, with the cells of value
//! j in place of the first one's. Only divisions, intervals, float32 sums, copies and larger ones are among several, and border cells,
//! whose values go on at ρ^(4·j). The flags have columns of their own, where they are 0 on rows of weights: they stand for `cells`, for
//! which output·flag·kind·scale·limb leaves no degree.
//!
//! Where M members of a batch lie beside each other, what is one step further along s₁ is the next member's, and what M steps
//! further is the same one's. Flags tell which: E_j and x_j are at s₁^j, or both at s₁^(M·j). Border cells are among all that.
//!
//! **Cursors** are columns that hold a monomial in ρ, s₁ and s₂, and walk from row to row.
//!
//! A cursor begins at 1. Each row multiplies it by one of the moves of its menu, which a fixed cell chooses:
//!
//! ```text
//! cursor · denominator(move) = cursor₋₁ · numerator(move)
//! ```
//!
//! which is `stayed + moved`, with both sides' multipliers less 1 in `moved`: that one may be multiplied with
//! what says where there are moves at all.
//!
//! So on every row a cursor is the monomial that the layout says, and no other, unless a challenge is 0. Each
//! move changes an exponent by at most 64 (`layout::moves`), and there are fewer than 2^22 rows: exponents are between
//! −2^28 and 2^28.

use super::{
    division::divided,
    float_sum,
    gate::{GateRow, Gates, selected},
    interval,
    row::{BORDER_CELLS, Ring, Row, sum},
};
use crate::circuit::{
    BYTES_PER_WORD,
    columns::{Cell, Constant, Point},
    field::byte_power,
    layout::{
        moves::{CURSORS, Menu, OUTPUT, POSITION, WEIGHT, power},
        plan::Plan,
    },
    parallel,
    query::here,
    shape::{Flag, MAKING},
    wiring::MOST_BORDER_CELLS,
};
use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::Expression,
    poly::Rotation,
};
use std::ops::Neg;

/// What the row adds to the coefficient, before it is multiplied with its monomial; none if nothing.
fn added<R: Row>(row: &mut R) -> Option<R::Value> {
    let weights = row.when(&[Flag::Weighs], |row| {
        let lanes = 0..row.shape().lanes;
        let lanes = lanes.map(|lane| row.here(Cell::Weight(lane))).collect();
        Ring::evaluate(lanes, &row.point(Point::Rho))
    });
    let committed = row.shape().commits_weights().then(|| {
        let lanes = 0..row.shape().weight_lanes;
        let lanes = lanes.map(|lane| row.here(Cell::CommittedWeight(lane))).collect();
        row.here(Cell::WeightScale) * Ring::evaluate(lanes, &row.point(Point::Rho))
    });
    let loaded = row.flag(Flag::Loads).map(|loads| {
        let factor = row.held() - row.constant(Constant::Shortfall);
        row.cells() * loads * factor
    });
    sum([weights, committed, loaded])
}

/// The same times its monomial.
pub fn grown<R: Row>(row: &mut R) -> Option<R::Value> {
    added(row).map(|added| row.here(Cell::Cursor(WEIGHT)) * added)
}

/// What the row keeps of the coefficient before.
pub fn kept<R: Row>(row: &mut R) -> R::Value {
    let before = |row: &mut R| row.before(Cell::Coefficient);
    match row.flag(Flag::Starts) {
        Some(starts) => (R::Value::one() - starts) * before(row),
        None => before(row),
    }
}

/// The value that the row contributes, before it is multiplied with its coefficient and position; none if nothing.
fn contributed<R: Row>(row: &mut R) -> Option<R::Value> {
    let byte = row.when(&MAKING, |row| row.here(Cell::Byte));
    let copy = row.when(&[Flag::Takes], Row::copy);
    let integer = row.when(&[Flag::TakesWide], |row| {
        row.here(Cell::Integer) - row.constant(Constant::Shortfall)
    });
    sum([byte, copy, integer])
}

/// What the row makes, before it is multiplied with its monomial; none if nothing.
fn made<R: Row>(row: &mut R) -> Option<R::Value> {
    let by_division = row.when(&[Flag::Divides, Flag::Naturals], |row| {
        divided(row) - row.constant(Constant::Offset)
    });
    let by_interval = row
        .when(&[Flag::Intervals], |row| interval::position(row) - row.constant(Constant::Offset));
    let copy = row.when(&[Flag::Reads], copied);
    let rounded = float_sum::made(row);
    let at_border = row.when(&[Flag::Border], at_border);
    sum([by_division, by_interval, copy, rounded, at_border])
}

/// What the balance is less than before the row: `word`, which it takes of the packed instances, and what it
/// contributes, less what it makes; none if nothing.
pub fn given<R: Row>(row: &mut R, word: Option<R::Value>) -> Option<R::Value> {
    let made = made(row).map(|made| row.here(Cell::Cursor(OUTPUT)) * made);
    let taken = contributed(row)
        .map(|value| row.here(Cell::Coefficient) * row.here(Cell::Cursor(POSITION)) * value);
    sum([word, taken, made.map(Neg::neg)])
}

/// The same of the values abreast of a row's first. Their places and positions are as many steps apart as the row's flag says;
/// border cells are at further powers of ρ, but for those of several members of a batch. A flag that has a column of its own, and is
/// 0 on rows of weights, stands for `cells` as well: there is no room for both in a gate of degree 5.
pub fn given_abreast<R: Row>(row: &mut R) -> Option<R::Value> {
    let several = row.several()?;
    let of_batch = row.shape().members > 1;
    let (mut taken, mut made_abreast) = (Vec::new(), Vec::new());
    for value in 1..row.shape().abreast {
        let [place, position] = steps_to(row, value);
        let contributed = contributed(&mut row.abreast(value));
        let position = match of_batch {
            true => position,
            // Flags stand before the sum: all positions are one step apart.
            false => Some(power(&row.point(Point::Axis(0)), distance(value))),
        };
        taken.push(position.zip(contributed).map(|(position, own)| position * own));
        let made = made(&mut row.abreast(value));
        made_abreast.push(place.zip(made).map(|(place, made)| place * made));
    }
    if let (Some(border), false) = (row.flag(Flag::Border), of_batch) {
        made_abreast.push(Some(several.clone() * border * border_abreast(row)));
    }
    let taken = sum(taken).map(|taken| {
        let coefficient = row.here(Cell::Coefficient);
        let coefficient = if of_batch { coefficient } else { several * coefficient };
        coefficient * row.here(Cell::Cursor(POSITION)) * taken
    });
    let made = sum(made_abreast).map(|made| -(row.here(Cell::Cursor(OUTPUT)) * made));
    sum([taken, made])
}

fn distance(value: usize) -> u32 {
    u32::try_from(value).expect("few values share a row")
}

/// By what the place and the position of a row's value are further than its first one's, times the flag that says so.
fn steps_to<R: Row>(row: &mut R, value: usize) -> [Option<R::Value>; 2] {
    let along = row.point(Point::Axis(0));
    let all = row.shape().several();
    [0, 1].map(|of| {
        let stepped = |(flag, steps): (Flag, [u32; 2])| {
            row.flag(flag).map(|flag| flag * power(&along, steps[of] * distance(value)))
        };
        sum(all.map(stepped))
    })
}

/// The border cells of the values abreast of a row's first, all of which are there: at the powers of ρ behind the first
/// one's.
fn border_abreast<R: Row>(row: &mut R) -> R::Value {
    let rho = row.point(Point::Rho);
    let mut cells = Vec::new();
    for value in 1..row.shape().abreast {
        for (number, cell) in (MOST_BORDER_CELLS * value..).zip(BORDER_CELLS) {
            let further = u32::try_from(number).expect("few values share a row");
            cells.push(Some(power(&rho, further) * row.here(cell.of_value(value))));
        }
    }
    sum(cells).expect("rows have several values")
}

/// What a row copies.
fn copied<R: Row>(row: &mut R) -> R::Value {
    let copied = row.held() - row.constant(Constant::Added);
    match row.when(&[Flag::Larger], |row| row.here(Cell::Limb(1))) {
        Some(below) => copied - below,
        None => copied,
    }
}

/// The border cells that a row takes: the first always, others where their constant is 1. Nothing fixes them but the
/// balance: they are what is contributed to their places.
fn at_border<R: Row>(row: &mut R) -> R::Value {
    let mut power = R::Value::one();
    let mut at_border = Vec::new();
    for (number, cell) in BORDER_CELLS.into_iter().enumerate() {
        let border_cell = row.here(cell) * power.clone();
        at_border.push(Some(match number.checked_sub(1) {
            Some(further) => border_cell * row.constant(Constant::Border(further)),
            None => border_cell,
        }));
        power = power * row.point(Point::Rho);
    }
    sum(at_border).expect("rows take border cells")
}

/// Adds the gates of wires.
pub fn configure(gates: &mut Gates<'_>) {
    let names = [
        "the weight monomial moves as the layout says",
        "the output monomial moves as the layout says",
        "the position moves as the layout says",
    ];
    for (cursor, name) in [WEIGHT, OUTPUT, POSITION].into_iter().zip(names) {
        gates.add(name, |row| {
            let moved = row.moved(cursor);
            let moves = if cursor == WEIGHT { row.here(Cell::Active) } else { row.cells() };
            let stayed = row.here(Cell::Cursor(cursor)) - row.before(Cell::Cursor(cursor));
            vec![(name, row.here(Cell::Active) * stayed + moves * moved)]
        });
    }

    gates.add("cursors begin", |row| {
        let first = row.is_first();
        let [weight, output, position] = [WEIGHT, OUTPUT, POSITION]
            .map(|cursor| row.before(Cell::Cursor(cursor)) - Expression::one());
        selected(
            &first,
            [
                ("the weight monomial begins at 1", weight),
                ("the output monomial begins at 1", output),
                ("the position begins at 1", position),
            ],
        )
    });

    gates.add("coefficient", |row| {
        let kept = kept(row);
        let more = row.here(Cell::Coefficient) - kept;
        let grown = grown(row).expect("some rows weigh");
        vec![(
            "the coefficient grows by weights times their monomial",
            row.here(Cell::Active) * more - grown,
        )]
    });

    gates.add("balance", |row| {
        let (balance, then) = (row.here(Cell::Balance), row.before(Cell::Balance));
        let takes_words = !row.shape.sums_words;
        let word = takes_words.then(|| row.is_word() * row.word(balance.clone()));
        let given = given(row, word).expect("some rows make something");
        let more = row.here(Cell::Active) * (balance - then);
        let given = sum([Some(row.cells() * given), given_abreast(row)]).expect("the first is");
        vec![("the balance grows by what is made less what is taken", more + given)]
    });

    gates.add("balance ends", |row| {
        let behind = row.is_behind();
        let balance = row.before(Cell::Balance);
        selected(&behind, [("everything made is what was taken", balance)])
    });
}

/// The columns of cursors.
pub fn cursors(plan: &Plan, points: &[Fr; 3], length: usize) -> [Vec<Fr>; CURSORS] {
    let column = |cursor: usize| {
        let multipliers = plan.shape.menus[cursor].multipliers(points);
        let mut column = vec![Fr::one(); length];
        for at in 1..length {
            let step = plan.layout.rows.get(at).map_or(0, |row| row.moves[cursor]);
            column[at] = match step {
                0 => column[at - 1],
                step => column[at - 1] * multipliers[usize::from(step)],
            };
        }
        column
    };
    let mut columns = parallel::each([WEIGHT, OUTPUT, POSITION], column).into_iter();
    [(); CURSORS].map(|()| columns.next().expect("one for each"))
}

/// The packed instances, as the balance begins with them.
pub struct Words<'a> {
    words: &'a [Fr],
    /// How many a row takes.
    per_row: usize,
    tau: Fr,
    inverse: Fr,
}

impl<'a> Words<'a> {
    /// Those of words that rows take `per_row` of.
    pub fn new(words: &'a [Fr], per_row: usize, tau: Fr) -> Self {
        let inverse = word_multiplier(tau).invert().unwrap_or(Fr::zero());
        Self { words, per_row, tau, inverse }
    }

    /// What they add up to.
    pub fn all(&self) -> Fr {
        before(self.words.iter().copied(), Fr::zero(), self.tau)
    }

    /// What a row leaves of them.
    pub fn take_off(&self, before: Fr, row: usize) -> Fr {
        let own = (row - 1) * self.per_row..row * self.per_row;
        own.fold(before, |rest, index| {
            let word = self.words.get(index).copied().unwrap_or(Fr::zero());
            (rest - word) * self.inverse
        })
    }
}

/// Words before what comes after them, the first lowest.
fn before<T: Ring>(words: impl DoubleEndedIterator<Item = T>, after: T, tau: T) -> T {
    let multiplier = word_multiplier(tau);
    words.rev().fold(after, |sum, word| sum * multiplier.clone() + word)
}

/// By which words are apart.
pub(super) fn word_multiplier<T: Ring>(tau: T) -> T {
    T::constant(byte_power(BYTES_PER_WORD)) * tau
}

/// By which words are apart that have so many between them, less one.
pub(super) fn words_multiplier<T: Ring>(tau: T, words: usize) -> T {
    let exponent = u32::try_from(words).expect("fewer than rows");
    if exponent == 0 {
        return T::one();
    }
    // The factor of bytes as one number: challenges are multiplied in the contract.
    let bytes = byte_power(BYTES_PER_WORD).pow([exponent.into()]);
    T::constant(bytes) * power(&tau, exponent)
}

impl GateRow<'_, '_> {
    /// 1 on rows that take a packed instance.
    fn is_word(&mut self) -> Expression<Fr> {
        let flag = |row: &mut Self, flag| row.flag(flag).expect("every shape has it");
        flag(self, Flag::EndsWord) * (Expression::one() - flag(self, Flag::Packs))
    }

    /// What the balance before a row of words is more than the one after it. The first row takes the first word
    /// behind the free instances. Where columns share one, instances lie closer than rows: a row takes all since
    /// the row before.
    fn word(&mut self, balance: Expression<Fr>) -> Expression<Fr> {
        let fold = i32::try_from(self.columns.fold).expect("few columns share one");
        let tau = self.point(Point::Tau);
        let last = i32::try_from(self.shape.free_instances - 1).expect("fewer than rows");
        let words = (1 - fold..=0)
            .map(|back| self.meta.query_instance(self.columns.instance, Rotation(last + back)));
        before(words, balance.clone(), tau) - balance
    }

    /// What is 0 if a cursor makes the row's move, added to what is 0 if it stays: 0 where it has none.
    fn moved(&mut self, cursor: usize) -> Expression<Fr> {
        let points = [Point::Rho, Point::Axis(0), Point::Axis(1)].map(|point| self.point(point));
        let mut multipliers = [Fr::zero(); 2].map(Expression::Constant);
        let columns = &self.columns.cursors[cursor].moves;
        for (&column, steps) in columns.iter().zip(self.shape.menus[cursor].by_column()) {
            let choice = here(self.meta, column);
            for (number, step) in steps.iter().enumerate() {
                let chosen = lagrange(&choice, number + 1, steps.len());
                let factors = Menu::factors(step, &points, &Expression::one());
                for (multiplier, factor) in multipliers.iter_mut().zip(factors) {
                    if !matches!(factor, Expression::Constant(_)) {
                        *multiplier =
                            multiplier.clone() + chosen.clone() * (factor - Expression::one());
                    }
                }
            }
        }
        // Numerator and denominator of the row's move, both less 1.
        let [numerator, denominator] = multipliers;
        let (now, then) = (self.here(Cell::Cursor(cursor)), self.before(Cell::Cursor(cursor)));
        now * denominator - then * numerator
    }
}

/// 1 where the cell is `node`, 0 at the other numbers up to `last`.
fn lagrange(cell: &Expression<Fr>, node: usize, last: usize) -> Expression<Fr> {
    let number = |value: usize| Fr::from(value as u64);
    let others = || (0..=last).filter(|&other| other != node);
    let scale = others().fold(Fr::one(), |scale, other| scale * (number(node) - number(other)));
    let scale = scale.invert().expect("nodes differ");
    others()
        .map(|other| cell.clone() - Expression::Constant(number(other)))
        .reduce(|product, factor| product * factor)
        .expect("there is another node")
        * Expression::Constant(scale)
}

#[cfg(test)]
mod tests;

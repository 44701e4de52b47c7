//! What cells of blocks hold, from an input on.

use super::layout::plan::Plan;
use super::parallel;
use super::table::fits::Division;
use super::wiring::{
    Block, Cell, FREE_DIGIT, Hint, Kind, MOST_BORDER_CELLS, NATURAL_DIGIT, Net, Place, Run, Term,
};
use std::ops::Range;

/// What a cell of a block holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// Its row's first-phase cells.
    pub division: Division,
    is_made: bool,
    /// An integer of any size.
    pub wide: Option<i128>,
    /// Accumulators that nothing uses.
    pub border_cells: Option<[i128; MOST_BORDER_CELLS]>,
}

/// What a cheating prover does to a cell, given its block and number, before anything follows from it.
pub type Tamper<'a> = &'a (dyn Fn(usize, usize, &mut Held) + Sync);

/// What a prover says of an integer that is not computed, given what an honest one says.
pub type Hints<'a> = &'a (dyn Fn(Kind, i128) -> i128 + Sync);

impl Held {
    /// A copy, and what lies beside it.
    fn copy(value: i128, beside: i128, above: i128) -> Self {
        let limb = |value: i128| u32::try_from(value).expect("copies are of bytes");
        let limbs = [limb(value), limb(beside), 0, 0];
        Self { division: Division { u: limb(above), limbs, byte: 0 }, ..Self::default() }
    }

    fn made(division: Division) -> Self {
        Self { division, is_made: true, ..Self::default() }
    }

    fn wide(integer: i128) -> Self {
        Self { wide: Some(integer), ..Self::default() }
    }

    /// Its value as a byte.
    pub fn byte(&self) -> u32 {
        if self.is_made { self.division.byte } else { self.division.limbs[0] }
    }

    /// Its value.
    fn value(&self) -> i128 {
        self.wide.unwrap_or_else(|| self.byte().into())
    }
}

/// What every cell holds, given the bytes of inputs and the weights that are committed.
pub fn compute(
    net: &Net,
    plan: &Plan,
    (input, weights): (&[u8], &[i32]),
    tamper: Tamper<'_>,
    hints: Hints<'_>,
) -> Vec<Vec<Held>> {
    let mut accumulators = vec![0_i128; net.accumulators];
    let mut all = Vec::with_capacity(net.blocks.len());
    for (number, block) in net.blocks.iter().enumerate() {
        let input = net.inputs.iter().find(|port| port.block == number).map(|port| port.of(input));
        let part = |start| Part {
            net,
            plan,
            input,
            hints,
            held: Vec::new(),
            start,
            sum: 0,
            loaded: Vec::new(),
        };
        let tamper = |cell: usize, held: &mut Held| tamper(number, cell, held);
        let held = if block.cells.iter().any(|cell| cell.kind.multiplies()) {
            let mut part = part(0);
            for cell in &block.cells {
                let now = part.now(cell, &accumulators);
                part.multiply(cell.kind, &now, &mut accumulators);
                part.hold(now, &tamper);
            }
            part.held
        } else {
            let parts = parallel::each(parts(&block.cells), |range| {
                let mut part = part(range.start);
                part.held.reserve_exact(range.len());
                for cell in &block.cells[range] {
                    let now = part.now(cell, &accumulators);
                    part.hold(now, &tamper);
                }
                part.held
            });
            parts.concat()
        };
        let mut values = vec![0_i128; block.len];
        for (cell, held) in block.cells.iter().zip(&held) {
            if let Some(element) = cell.element {
                values[element as usize] = held.value();
            }
        }
        contribute(net, plan, block, (&values, weights), &mut accumulators);
        all.push(held);
    }
    all
}

/// Cells that a thread computes at once.
const PART: usize = 1 << 9;

/// Parts of a block, none of which goes on from the one before.
fn parts(cells: &[Cell]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    while start < cells.len() {
        let least = (start + PART).min(cells.len());
        let goes_on = cells[least..].iter().take_while(|cell| cell.kind.goes_on()).count();
        parts.push(start..least + goes_on);
        start = least + goes_on;
    }
    parts
}

/// Cells that are computed one after the other.
struct Part<'a> {
    net: &'a Net,
    plan: &'a Plan,
    /// Of a block of inputs.
    input: Option<&'a [u8]>,
    hints: Hints<'a>,
    /// The number of its first cell.
    start: usize,
    held: Vec<Held>,
    /// The float32 sum that the row before holds.
    sum: i128,
    /// The loaded factors of the present run of a product of matrices.
    loaded: Vec<(Place, i128)>,
}

impl Part<'_> {
    fn index(&self, place: Place) -> usize {
        self.net.planes[place.omega as usize].index(place.at)
    }

    /// What an honest prover's next cell holds.
    fn now(&mut self, cell: &Cell, accumulators: &[i128]) -> Held {
        let at = |place: Place| accumulators[self.index(place)];
        let made = cell.place.map_or(0, at);
        let last = self.held.last().map_or([0; 2], |held: &Held| {
            [i128::from(held.division.limbs[0]), i128::from(held.division.limbs[1])]
        });
        let fitted = &self.plan.fitted;
        match cell.kind {
            Kind::Input => {
                let element = cell.element.expect("an input is an element") as usize;
                let input = self.input.expect("inputs have blocks of their own");
                Held::copy(input[element].into(), 0, 0)
            }
            Kind::Made { rule, bias } => Held::made(fitted.make(rule, made + i128::from(bias))),
            Kind::Adds { bias, goes_on } => {
                let before = if goes_on { self.sum } else { 0 };
                let (division, rounded) = fitted.round(before + made + i128::from(bias));
                self.sum = rounded;
                Held::made(division)
            }
            Kind::Average { rule, bias } => {
                Held::made(fitted.make(rule, self.sum + made + i128::from(bias)))
            }
            Kind::Border { .. } => {
                let mut border_cells = [0; MOST_BORDER_CELLS];
                for (border_cell, place) in border_cells.iter_mut().zip(cell.places()) {
                    *border_cell = at(place);
                }
                Held { border_cells: Some(border_cells), ..Held::default() }
            }
            Kind::Read { constant }
            | Kind::Load { constant, .. }
            | Kind::Multiply { constant, .. } => Held::copy(made + i128::from(constant), 0, 0),
            Kind::Larger { constant } => {
                let copy = made + i128::from(constant);
                let larger = copy.max(last[0]);
                Held::copy(larger, larger - copy, larger - last[0])
            }
            Kind::Pair { constant } => Held::copy(made + i128::from(constant), last[0], 0),
            Kind::Product { rule, zeros: [left, right] } => {
                let product = (last[1] - i128::from(left)) * (last[0] - i128::from(right));
                Held::made(fitted.make(rule, product))
            }
            Kind::WideLoad { .. } => Held::wide(made),
            Kind::Wide { constant } | Kind::WideMultiply { constant, .. } => {
                Held::wide(made + constant)
            }
            Kind::Quotient { at: position, .. } => {
                let (target, factor) = self.loaded[0];
                let quotient = at(target.plus(position)).div_euclid(-factor);
                Held::copy((self.hints)(cell.kind, quotient), 0, 0)
            }
            Kind::Free { hint, digit: number, goes_on } => {
                let all = match hint {
                    Hint::Quotient { place, offset, divisor } => {
                        (at(place) + offset).div_euclid(divisor)
                    }
                    Hint::InverseRoot { place, constant, bits } => {
                        inverse_root(at(place) + constant, bits)
                    }
                };
                let all = (self.hints)(cell.kind, all);
                Held::copy(digit(all, FREE_DIGIT, number, goes_on), 0, 0)
            }
            Kind::Natural { bias, digit: number, goes_on } => {
                // It is negative only after a wrong hint, which nothing can be written down for.
                let digit = digit(made + bias, NATURAL_DIGIT, number, goes_on);
                Held::made(fitted.divide(digit.max(0)))
            }
        }
    }

    /// Loads a factor, or adds its products with those that were loaded.
    fn multiply(&mut self, kind: Kind, now: &Held, accumulators: &mut [i128]) {
        let mut load = |target, starts, factor| {
            if starts {
                self.loaded.clear();
            }
            self.loaded.push((target, factor));
        };
        let (at, right) = match kind {
            Kind::Load { zero, target, starts, .. } => {
                return load(target, starts, now.value() - i128::from(zero));
            }
            Kind::WideLoad { target, starts } => return load(target, starts, now.value()),
            Kind::Multiply { zero, at, .. } => (at, now.value() - i128::from(zero)),
            Kind::WideMultiply { at, .. } | Kind::Quotient { at, .. } => (at, now.value()),
            _ => return,
        };
        for &(target, factor) in &self.loaded {
            accumulators[self.index(target.plus(at))] += factor * right;
        }
    }

    fn hold(&mut self, mut now: Held, tamper: &impl Fn(usize, &mut Held)) {
        tamper(self.start + self.held.len(), &mut now);
        self.held.push(now);
    }
}

/// Adds what a block's values contribute. Each power of ρ has accumulators of its own: threads share none.
fn contribute(
    net: &Net,
    plan: &Plan,
    block: &Block,
    (values, weights): (&[i128], &[i32]),
    mut accumulators: &mut [i128],
) {
    let mut terms: Vec<(&Run, &Term)> = Vec::new();
    terms.extend(block.runs.iter().flat_map(|run| run.terms.iter().map(move |term| (run, term))));
    terms.sort_by_key(|(_, term)| term.place.omega);
    let mut planes = Vec::new();
    let mut passed = 0;
    for terms in terms.chunk_by(|(_, one), (_, next)| one.place.omega == next.place.omega) {
        let plane = &net.planes[terms[0].1.place.omega as usize];
        let rest = accumulators.split_at_mut(plane.start - passed).1;
        let (own, after) = rest.split_at_mut(plane.len[0] * plane.len[1]);
        (accumulators, passed) = (after, plane.start + own.len());
        planes.push((plane, own, terms));
    }
    parallel::each(planes, |(plane, own, terms)| {
        for (run, term) in terms {
            let weight = plan.fitted.weight(term.weight, weights);
            for &(element, at) in &run.elements {
                let at = plane.index(term.place.plus(at).at) - plane.start;
                own[at] += weight * values[element as usize];
            }
        }
    });
}

/// A digit of an integer; the last one is all the rest.
fn digit(integer: i128, bits: u32, number: u32, goes_on: bool) -> i128 {
    let rest = integer >> (bits * number);
    if goes_on { rest & ((1 << bits) - 1) } else { rest }
}

/// The largest r with r²·d ≤ 2^(2·bits), for d of at least 1.
fn inverse_root(d: i128, bits: u32) -> i128 {
    ((1_i128 << (2 * bits)) / d).isqrt()
}

//! Integers that depend on the input, each known by what it is.
//!
//! A circuit's rows and a model's tensors are written in one language and interned, so that two integers with the
//! same number are the same function of the input:
//!
//! * An *atom* is a byte of the input, a committed weight, a sum of products of atoms, a pair of bytes, the largest of some integers,
//!   a rounded float32 sum, a quotient, an inverse root, or a function of an atom.
//! * A *value* is `factor·atom + constant`.
//! * A *function* is a list of where it changes over the whole range of its atom. Functions of functions are
//!   composed, so it does not matter on which rows a circuit computes one.
//!
//! Ranges hold for all inputs. They come from intervals, and where these see too little from the lemmas of
//! `docs/soundness.md`, whose numbers stand where they are used.

use std::collections::HashMap;
use std::rc::Rc;

/// Number of an atom.
pub type Atom = u32;

/// Number of a function.
pub type Function = u32;

/// In place of a second factor.
pub const NONE: Atom = u32::MAX;

/// A product of two atoms, or one atom, and its factor.
pub type Term = (Atom, Atom, i128);

/// `factor·atom + constant`; a constant has the factor 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    pub factor: i128,
    pub atom: Atom,
    pub constant: i128,
}

impl Value {
    pub fn of(atom: Atom) -> Self {
        Self { factor: 1, atom, constant: 0 }
    }

    pub fn constant(constant: i128) -> Self {
        Self { factor: 0, atom: NONE, constant }
    }

    pub fn plus(self, constant: i128) -> Option<Self> {
        Some(Self { constant: self.constant.checked_add(constant)?, ..self })
    }
}

/// A sum of terms, in order, none of them 0, and a constant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sum {
    pub terms: Vec<Term>,
    pub constant: i128,
}

/// What an atom is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A byte of the input.
    Input(u32),
    /// A committed weight, or a digit of a bias.
    Weight(u32),
    /// An integer from 0 to N − 1 on some row that nothing has fixed yet.
    Free(u32),
    /// A sum.
    Sum(Rc<Sum>),
    /// Two bytes, 256·left + right.
    Pair(Atom, Atom),
    /// The largest of several values, none of which is a largest itself.
    Largest(Rc<[Value]>),
    /// A sum rounded as float32 rounds it.
    Rounded(Rc<Sum>),
    /// `⌊sum / divisor⌋`.
    Quotient(Rc<Sum>, Value),
    /// The largest r with r²·value ≤ 2^(2·bits).
    Root(Value, u32),
    /// A function of an atom.
    Of(Atom, Function),
}

/// Where a function changes: from each position on, its value.
pub type Pieces = Rc<[(i128, i128)]>;

/// All atoms and functions.
#[derive(Debug, Default)]
pub struct Values {
    kinds: Vec<Kind>,
    ranges: Vec<(i128, i128)>,
    known: HashMap<Kind, Atom>,
    functions: Vec<Pieces>,
    known_functions: HashMap<Pieces, Function>,
    /// Functions applied before, by who applied which to what.
    applied: HashMap<Applied, Outcome>,
}

/// A function that was applied, and what to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Applied {
    scalar: Scalar,
    on: On,
    factors: [i128; 2],
    constants: [i128; 2],
    is_swapped: bool,
}

/// What a function is applied to: a range, another function, or two ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum On {
    Range(i128, i128),
    /// With the range of its argument.
    Function(Function, i128, i128),
    Ranges([(i128, i128); 2]),
}

/// A name for a function of an integer: whose it is, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// Of the circuit, with its two constants.
    Circuit([[u8; 32]; 2], u8),
    /// The square of the distance from a zero point.
    Square(i128),
    /// Of a node of the model.
    Model(usize, usize),
}

#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// `factor·argument + constant`.
    Line(i128, i128),
    Function(Function),
}

/// What stops a check, without its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    #[error("an integer leaves 128 bits")]
    TooLarge,
    #[error("{0}")]
    Wrong(String),
}

pub type Checked<T> = Result<T, Obstacle>;

/// A result that i128 has no room for is an obstacle.
pub fn fits<T>(value: Option<T>) -> Checked<T> {
    value.ok_or(Obstacle::TooLarge)
}

/// Says what is wrong.
pub fn wrong<T>(what: impl Into<String>) -> Checked<T> {
    Err(Obstacle::Wrong(what.into()))
}

/// A function of integers, as it is found.
pub trait Map {
    /// Its value.
    fn at(&self, x: i128) -> Checked<i128>;

    /// Where it changes between two arguments, the first included.
    fn pieces(&self, low: i128, high: i128) -> Checked<Vec<(i128, i128)>>;
}

impl Values {
    pub fn kind(&self, atom: Atom) -> &Kind {
        &self.kinds[atom as usize]
    }

    pub fn range(&self, atom: Atom) -> (i128, i128) {
        self.ranges[atom as usize]
    }

    pub fn pieces(&self, function: Function) -> &Pieces {
        &self.functions[function as usize]
    }

    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// The range of a value.
    pub fn range_of(&self, value: Value) -> Checked<(i128, i128)> {
        if value.factor == 0 {
            return Ok((value.constant, value.constant));
        }
        let (low, high) = self.range(value.atom);
        let end = |end: i128| {
            fits(value.factor.checked_mul(end).and_then(|end| end.checked_add(value.constant)))
        };
        let ends = [end(low)?, end(high)?];
        Ok((ends[0].min(ends[1]), ends[0].max(ends[1])))
    }

    /// The number of an atom; what is known of it already keeps its range.
    pub fn atom(&mut self, kind: Kind, range: (i128, i128)) -> Atom {
        if let Some(&known) = self.known.get(&kind) {
            return known;
        }
        let atom = u32::try_from(self.kinds.len()).unwrap_or(NONE);
        self.kinds.push(kind.clone());
        self.ranges.push(range);
        self.known.insert(kind, atom);
        atom
    }

    pub fn function(&mut self, pieces: Vec<(i128, i128)>) -> Function {
        let mut merged: Vec<(i128, i128)> = Vec::with_capacity(pieces.len());
        for (start, value) in pieces {
            if merged.last().is_none_or(|&(_, last)| last != value) {
                merged.push((start, value));
            }
        }
        let pieces: Pieces = merged.into();
        if let Some(&known) = self.known_functions.get(&pieces) {
            return known;
        }
        let function = u32::try_from(self.functions.len()).unwrap_or(NONE);
        self.functions.push(Rc::clone(&pieces));
        self.known_functions.insert(pieces, function);
        function
    }

    /// `factor·x + constant` if the pieces up to `high` are that.
    fn as_line(pieces: &[(i128, i128)], high: i128) -> Option<(i128, i128)> {
        let &(first, value) = pieces.first()?;
        if pieces.len() == 1 {
            return Some((0, value));
        }
        if high.checked_sub(first)?.checked_add(1)? != i128::try_from(pieces.len()).ok()? {
            return None;
        }
        let slope = pieces[1].1.checked_sub(value)?;
        let straight =
            pieces.windows(2).all(|pair| pair[1].1.checked_sub(pair[0].1) == Some(slope));
        let constant = value.checked_sub(slope.checked_mul(first)?)?;
        straight.then_some((slope, constant))
    }

    /// The range of a function's values from a list of pieces.
    fn span(pieces: &[(i128, i128)]) -> (i128, i128) {
        let values = || pieces.iter().map(|&(_, value)| value);
        (values().min().unwrap_or(0), values().max().unwrap_or(0))
    }

    fn made(&mut self, atom: Atom, outcome: Outcome) -> Checked<Value> {
        match outcome {
            Outcome::Line(0, constant) => Ok(Value::constant(constant)),
            Outcome::Line(factor, constant) => Ok(Value { factor, atom, constant }),
            Outcome::Function(function) => {
                let range = Self::span(&self.functions[function as usize]);
                Ok(Value::of(self.atom(Kind::Of(atom, function), range)))
            }
        }
    }

    fn keep(&mut self, key: Applied, pieces: Vec<(i128, i128)>, high: i128) -> Outcome {
        let function = self.function(pieces);
        let outcome = match Self::as_line(&self.functions[function as usize], high) {
            Some((factor, constant)) => Outcome::Line(factor, constant),
            None => Outcome::Function(function),
        };
        self.applied.insert(key, outcome);
        outcome
    }

    /// A function of a value. `scalar` must name the function.
    pub fn apply(&mut self, value: Value, scalar: Scalar, map: &dyn Map) -> Checked<Value> {
        let Value { factor, atom, constant } = value;
        if factor == 0 {
            return Ok(Value::constant(map.at(constant)?));
        }
        let (inner, base) = match *self.kind(atom) {
            Kind::Of(base, inner) => (Some(inner), base),
            _ => (None, atom),
        };
        let range = self.range(base);
        let on = match inner {
            Some(inner) => On::Function(inner, range.0, range.1),
            None => On::Range(range.0, range.1),
        };
        let (factors, constants) = ([factor, 0], [constant, 0]);
        let key = Applied { scalar, on, factors, constants, is_swapped: false };
        if let Some(&outcome) = self.applied.get(&key) {
            return self.made(base, outcome);
        }
        let argument = |x: i128| fits(factor.checked_mul(x).and_then(|x| x.checked_add(constant)));
        let pieces = match inner {
            Some(inner) => {
                let inner = Rc::clone(&self.functions[inner as usize]);
                let outer = |&(start, value): &(i128, i128)| Ok((start, map.at(argument(value)?)?));
                inner.iter().map(outer).collect::<Checked<Vec<_>>>()?
            }
            None if factor > 0 => {
                let found = map.pieces(argument(range.0)?, argument(range.1)?)?;
                let start = |x: i128| -(constant - x).div_euclid(factor);
                let mut pieces: Vec<(i128, i128)> = Vec::with_capacity(found.len());
                for (x, value) in found {
                    // The first argument of this form that is not below x.
                    let start = start(x).max(range.0);
                    if pieces.last().is_some_and(|&(last, _)| last == start) {
                        pieces.pop();
                    }
                    if start <= range.1 {
                        pieces.push((start, value));
                    }
                }
                pieces
            }
            None => {
                // Falling: the last piece comes first, and each begins where the one after it ended.
                let found = map.pieces(argument(range.1)?, argument(range.0)?)?;
                let mut pieces: Vec<(i128, i128)> = Vec::with_capacity(found.len());
                for (number, &(_, value)) in found.iter().enumerate().rev() {
                    let start = match found.get(number + 1) {
                        Some(&(next, _)) => -(next - 1 - constant).div_euclid(-factor),
                        None => range.0,
                    };
                    if pieces.last().is_some_and(|&(last, _)| last == start) {
                        pieces.pop();
                    }
                    if start <= range.1 {
                        pieces.push((start, value));
                    }
                }
                pieces
            }
        };
        let outcome = self.keep(key, pieces, range.1);
        self.made(base, outcome)
    }

    /// A function of two values whose atoms are bytes; its arguments are the atoms, in the order of their numbers.
    pub fn apply_to_pair(
        &mut self,
        [left, right]: [Value; 2],
        scalar: Scalar,
        of: &dyn Fn(i128, i128) -> Checked<i128>,
    ) -> Checked<Value> {
        if left.factor == 0 || right.factor == 0 || left.atom == right.atom {
            // Of one atom only.
            let atom = if left.factor == 0 { right.atom } else { left.atom };
            let at = |value: Value, x: i128| {
                fits(value.factor.checked_mul(x).and_then(|x| x.checked_add(value.constant)))
            };
            let of_one = |x: i128| of(at(left, x)?, at(right, x)?);
            if left.factor == 0 && right.factor == 0 {
                return Ok(Value::constant(of_one(0)?));
            }
            // What the constants are is not in the name, so nothing is kept under it.
            return self.apply_once(atom, &of_one);
        }
        let [first, second] = if left.atom < right.atom { [left, right] } else { [right, left] };
        let ranges = [first, second].map(|value| self.range(value.atom));
        if ranges.iter().any(|&(low, high)| low < 0 || high > 255) {
            return wrong("a function of two integers that are no bytes");
        }
        let pair = Kind::Pair(first.atom, second.atom);
        let whole = (256 * ranges[0].0 + ranges[1].0, 256 * ranges[0].1 + ranges[1].1);
        let pair = self.atom(pair, whole);
        let swapped = left.atom > right.atom;
        let key = Applied {
            scalar,
            on: On::Ranges(ranges),
            factors: [left.factor, right.factor],
            constants: [left.constant, right.constant],
            is_swapped: swapped,
        };
        if let Some(&outcome) = self.applied.get(&key) {
            return self.made(pair, outcome);
        }
        let mut pieces = Vec::new();
        for a in ranges[0].0..=ranges[0].1 {
            for b in ranges[1].0..=ranges[1].1 {
                let x = first.factor * a + first.constant;
                let y = second.factor * b + second.constant;
                let value = if swapped { of(y, x)? } else { of(x, y)? };
                pieces.push((256 * a + b, value));
            }
        }
        let outcome = self.keep(key, pieces, whole.1);
        self.made(pair, outcome)
    }

    /// A function of a byte under no name.
    fn apply_once(&mut self, atom: Atom, of: &dyn Fn(i128) -> Checked<i128>) -> Checked<Value> {
        let (inner, base) = match *self.kind(atom) {
            Kind::Of(base, inner) => (Some(inner), base),
            _ => (None, atom),
        };
        let range = self.range(base);
        let pieces = match inner {
            Some(inner) => {
                let inner = Rc::clone(&self.functions[inner as usize]);
                inner.iter().map(|&(x, value)| Ok((x, of(value)?))).collect::<Checked<Vec<_>>>()?
            }
            None if range.1 - range.0 <= 1 << 16 => {
                (range.0..=range.1).map(|x| Ok((x, of(x)?))).collect::<Checked<Vec<_>>>()?
            }
            None => return wrong("a function of two integers that are no bytes"),
        };
        let function = self.function(pieces);
        let outcome = match Self::as_line(&self.functions[function as usize], range.1) {
            Some((factor, constant)) => Outcome::Line(factor, constant),
            None => Outcome::Function(function),
        };
        self.made(base, outcome)
    }
}

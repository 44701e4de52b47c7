//! Gates as a verifier evaluates them: in postfix order, on a stack.

use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::Expression,
};

/// A step: it puts a value on the stack, or one in place of those that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Puts a constant.
    Constant(Fr),
    /// Puts a fixed column's value at x·ω^rotation.
    Fixed {
        /// Which.
        column: usize,
        /// r of ω^r·x.
        rotation: i32,
    },
    /// Puts an advice column's value at x·ω^rotation.
    Advice {
        /// Which.
        column: usize,
        /// r of ω^r·x.
        rotation: i32,
    },
    /// Puts an instance column's value at x·ω^rotation.
    Instance {
        /// Which.
        column: usize,
        /// r of ω^r·x.
        rotation: i32,
    },
    /// Puts a challenge of the phases.
    Challenge(usize),
    /// Negates the topmost.
    Negation,
    /// Adds the two topmost.
    Sum,
    /// Multiplies the two topmost.
    Product,
}

impl Operation {
    /// How many values it takes.
    pub(super) fn takes(&self) -> usize {
        match self {
            Self::Negation => 1,
            Self::Sum | Self::Product => 2,
            _ => 0,
        }
    }
}

/// A polynomial that is 0 on the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate(pub(super) Vec<Operation>);

impl Gate {
    /// Of a constraint system's polynomial, which has no selectors.
    pub(super) fn new(polynomial: &Expression<Fr>) -> Self {
        let mut operations = Vec::new();
        compile(polynomial, &mut operations);
        Self(operations)
    }

    /// The steps, which leave one value.
    pub fn operations(&self) -> &[Operation] {
        &self.0
    }

    /// The value where `cell` gives those of columns and challenges.
    pub(super) fn evaluate(&self, cell: impl Fn(&Operation) -> Fr) -> Fr {
        let mut stack = Vec::new();
        for operation in &self.0 {
            let value = match operation {
                Operation::Constant(value) => *value,
                Operation::Negation => -take(&mut stack),
                Operation::Sum => take(&mut stack) + take(&mut stack),
                Operation::Product => take(&mut stack) * take(&mut stack),
                other => cell(other),
            };
            stack.push(value);
        }
        take(&mut stack)
    }
}

/// What is missing would be 0; keys are refused in which anything is.
fn take(stack: &mut Vec<Fr>) -> Fr {
    stack.pop().unwrap_or(Fr::ZERO)
}

fn compile(polynomial: &Expression<Fr>, to: &mut Vec<Operation>) {
    let operation = match polynomial {
        Expression::Constant(value) => Operation::Constant(*value),
        Expression::Selector(_) => unreachable!("circuits with selectors are refused before"),
        Expression::Fixed(query) => {
            Operation::Fixed { column: query.column_index(), rotation: query.rotation().0 }
        }
        Expression::Advice(query) => {
            Operation::Advice { column: query.column_index(), rotation: query.rotation().0 }
        }
        Expression::Instance(query) => {
            Operation::Instance { column: query.column_index(), rotation: query.rotation().0 }
        }
        Expression::Challenge(challenge) => Operation::Challenge(challenge.index()),
        Expression::Negated(a) => {
            compile(a, to);
            Operation::Negation
        }
        Expression::Sum(a, b) => {
            compile(a, to);
            compile(b, to);
            Operation::Sum
        }
        Expression::Product(a, b) => {
            compile(a, to);
            compile(b, to);
            Operation::Product
        }
        Expression::Scaled(a, factor) => {
            compile(a, to);
            to.push(Operation::Constant(*factor));
            Operation::Product
        }
    };
    to.push(operation);
}

//! Functions of elements, and elements in another order.

use crate::model::{Add, Mul, Operand, Table, Tables, View, ViewElement};

fn row(table: &Table, value: i32, smallest: i32) -> i32 {
    let row = usize::try_from(value - smallest).expect("values are within their type");
    table.values[row]
}

impl Table {
    pub(super) fn evaluate(&self, x: &[i32], smallest: i32) -> Vec<i32> {
        x.iter().map(|&value| row(self, value, smallest)).collect()
    }
}

impl Tables {
    pub(super) fn evaluate(&self, x: &[i32], smallest: i32) -> Vec<i32> {
        x.iter()
            .zip(&self.selector)
            .map(|(&value, &table)| row(&self.tables[position(table)], value, smallest))
            .collect()
    }
}

/// A position as an index.
fn position(position: u32) -> usize {
    usize::try_from(position).expect("32 bits fit an index")
}

/// The second operand's elements.
fn second<'a>(operand: &'a Operand, tensor: Option<&'a [i32]>) -> &'a [i32] {
    match operand {
        Operand::Constant(values) => values,
        Operand::Tensor => tensor.unwrap_or_default(),
    }
}

impl Add {
    pub(super) fn evaluate(&self, a: &[i32], b: Option<&[i32]>) -> Vec<i32> {
        a.iter().zip(second(&self.operand, b)).map(|(&a, &b)| self.apply(a, b)).collect()
    }
}

impl Mul {
    pub(super) fn evaluate(&self, a: &[i32], b: Option<&[i32]>) -> Vec<i32> {
        let zero_point = self.operand_zero_point;
        a.iter()
            .zip(second(&self.operand, b))
            .map(|(&a, &b)| self.apply(a, b - zero_point))
            .collect()
    }
}

impl View {
    pub(super) fn evaluate(&self, inputs: &[&[i32]]) -> Vec<i32> {
        match self {
            Self::Reshape => inputs[0].to_vec(),
            Self::Elements(elements) => elements
                .iter()
                .map(|element| match *element {
                    ViewElement::Input { input, index } => inputs[position(input)][position(index)],
                    ViewElement::Constant(value) => value,
                })
                .collect(),
        }
    }
}

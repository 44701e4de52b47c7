//! Layers: what a layer makes is the sum of its inputs times its weights.
//!
//! With value_i the layer's inputs and made_o = D·u_o + z_o − offset_o the dividends of its outputs,
//! made_o = Σ_i weight[o, i]·value_i for every o if, and except with probability outputs/2^254 over ρ
//! only if,
//!
//! ```text
//! Σ_o ρ^o·made_o  =  Σ_i value_i · Σ_o ρ^o·weight[o, i]
//! ```
//!
//! The right side is summed over the block of the inputs: `segment` is the Horner sum of one input's
//! weights, which lie in the rows before the input; `products` adds input times segment. The left side
//! is taken off over the block of the outputs: `owed` begins as the finished `products` and ends at 0.
//!
//! | row | value | weights | segment | products | owed |
//! |-----|-------|---------|---------|----------|------|
//! | weights | | w | ρ^lanes·segment₋₁ + Σ_j ρ^j·w_j | products₋₁ | owed₋₁ |
//! | taken value | x | | | products₋₁ + x·segment₋₁ | owed₋₁ |
//! | made value | | offset | | products₋₁ | (owed₋₁ − made)/ρ |
//!
//! A segment begins anew after a value's row; `products` begins anew after a block, and passes to `owed`.
//! ρ is drawn after values, limbs and table rows are committed; weights are fixed.

use super::{columns::Columns, plan::Shape};
use crate::circuit::{
    field::field,
    query::{before, here, one},
    steps,
};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Constraints, Expression, VirtualCells},
};

/// Adds the gates of linear layers.
pub fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns, shape: Shape) {
    meta.create_gate("segment", |meta| {
        let active = here(meta, columns.active);
        let (took, made) = (before(meta, columns.takes), before(meta, columns.makes));
        let goes_on = (one() - took) * (one() - made);
        let weights = columns.weights.iter().map(|&column| here(meta, column)).collect();
        let lanes =
            (1..shape.lanes).fold(columns.rho.expr(), |power, _| power * columns.rho.expr());
        let carried = goes_on * before(meta, columns.segment) * lanes;
        let sum = carried + evaluate(weights, &columns.rho.expr());
        let segment = here(meta, columns.segment);
        Constraints::with_selector(
            active,
            [("the segment is the weights' Horner sum", segment - sum)],
        )
    });

    meta.create_gate("products", |meta| {
        let active = here(meta, columns.active);
        let takes = here(meta, columns.takes);
        let goes_on = one() - before(meta, columns.ends_block);
        let product = takes * columns.value(meta) * before(meta, columns.segment);
        let sum = goes_on * before(meta, columns.products) + product;
        let products = here(meta, columns.products);
        Constraints::with_selector(
            active,
            [("products grow by the value taken times its segment", products - sum)],
        )
    });

    meta.create_gate("products begin", |meta| {
        let edge = columns.edge(meta);
        let products = before(meta, columns.products);
        Constraints::with_selector(edge, [("products are 0 before the first row", products)])
    });

    meta.create_gate("owed", |meta| {
        let active = here(meta, columns.active);
        let makes = here(meta, columns.makes);
        let is_instance = is_instance(meta, columns);
        let ended = before(meta, columns.ends_block);
        let (products, owed_before) = (before(meta, columns.products), before(meta, columns.owed));
        let owed_until_now = owed_before.clone() + ended * (products - owed_before);
        let owed = here(meta, columns.owed);
        let made = makes.clone() * (columns.rho.expr() - one()) * owed.clone()
            + makes * made(meta, columns, shape);
        let word = is_instance.clone() * (columns.word_multiplier() - one()) * owed.clone()
            + is_instance * here(meta, columns.instance);
        Constraints::with_selector(
            active,
            [("what is owed shrinks by what is made", owed_until_now - (owed + made + word))],
        )
    });

    meta.create_gate("owed at the end of a block", |meta| {
        let ends_block = here(meta, columns.ends_block);
        let owed = here(meta, columns.owed);
        Constraints::with_selector(ends_block, [("nothing is owed at the end of a block", owed)])
    });
}

/// `D·u + Σ_j N^j·limb_j − offset`, the dividend of the row's output without its constant.
fn made(meta: &mut VirtualCells<'_, Fr>, columns: &Columns, shape: Shape) -> Expression<Fr> {
    if let Some(steps) = columns.steps {
        return steps::made(
            meta,
            &columns.lookups(),
            steps,
            [columns.weights[0], columns.weights[1]],
        );
    }
    let base =
        Expression::Constant(field(i128::try_from(shape.table_rows).expect("a table length")));
    let table_row = here(meta, columns.table_row);
    let dividend = (columns.limbs.iter().rev())
        .fold(table_row, |sum, &limb| sum * base.clone() + here(meta, limb));
    dividend - here(meta, columns.weights[0])
}

/// `Σ_j point^j·values_j`.
fn evaluate(values: Vec<Expression<Fr>>, point: &Expression<Fr>) -> Expression<Fr> {
    (values.into_iter().rev())
        .reduce(|sum, value| sum * point.clone() + value)
        .expect("there is a lane")
}

/// 1 on rows that take a packed instance. No row that takes and makes has a mark.
pub fn is_instance(meta: &mut VirtualCells<'_, Fr>, columns: &Columns) -> Expression<Fr> {
    let marks = here(meta, columns.marks);
    let (takes, makes) = (here(meta, columns.takes), here(meta, columns.makes));
    marks * (one() - takes - makes)
}

//! Elements at places that only an input tells: products with ones at the places, among zeros.

use super::one_hot::{Given, one_hot};
use crate::model::{
    import::float_constant,
    onnx::NodeProto,
    quantize::parts::{Parts, dims, int_of, ints},
};

/// `Gather(data, places)`.
pub(super) fn gather(given: Given<'_>, node: &NodeProto, parts: &mut Parts) -> Option<()> {
    let ([data, places], [y]) = (node.input.as_slice(), node.output.as_slice()) else {
        return None;
    };
    let (from, to) = (given.shapes.of(data)?, given.shapes.of(places)?);
    let axis = axis(node, from.len())?;
    let [outer, count, inner] =
        [&from[..axis], &to, &from[axis + 1..]].map(|dims| dims.iter().product::<usize>());
    let length = from[axis];
    let one = one_hot(given, places, i64::try_from(length).ok()?, parts)?;
    let one = parts.reshape(&one, &[count, length]);
    let all = [outer, length, inner];
    let rows = Lines { from: &all, kept: &all, order: &[1, 0, 2], to: &[length, outer * inner] };
    let rows = rows.of(data, given, parts);
    let picked = parts.node("MatMul", &[&one, &rows], Vec::new());
    let all = [count, outer, inner];
    let to = [&from[..axis], &to, &from[axis + 1..]].concat();
    let back = Lines { from: &all, kept: &all, order: &[1, 0, 2], to: &to };
    let picked = back.of(&picked, given, parts);
    parts.named("Identity", &[&picked], Vec::new(), y);
    Some(())
}

/// `GatherElements(data, places)`.
pub(super) fn gather_elements(given: Given<'_>, node: &NodeProto, parts: &mut Parts) -> Option<()> {
    let ([data, places], [y]) = (node.input.as_slice(), node.output.as_slice()) else {
        return None;
    };
    let (from, to) = (given.shapes.of(data)?, given.shapes.of(places)?);
    let (axis, rank) = (axis(node, from.len())?, from.len());
    if to.len() != rank || (0..rank).any(|other| other != axis && to[other] > from[other]) {
        return None;
    }
    let (length, count) = (from[axis], to[axis]);
    let one = one_hot(given, places, i64::try_from(length).ok()?, parts)?;
    // The axis comes last, and of the others the first elements count.
    let mut order: Vec<usize> = (0..rank).filter(|&other| other != axis).collect();
    let others: Vec<usize> = order.iter().map(|&other| to[other]).collect();
    let lines = others.iter().product();
    order.push(axis);
    let of_ones = [&to[..], &[length]].concat();
    let last = [&order[..], &[rank]].concat();
    let ones = Lines { from: &of_ones, kept: &of_ones, order: &last, to: &[lines, count, length] };
    let ones = ones.of(&one, given, parts);
    let mut kept = to.clone();
    kept[axis] = length;
    let data_of = Lines { from: &from, kept: &kept, order: &order, to: &[lines, length, 1] };
    let values = data_of.of(data, given, parts);
    let picked = parts.node("MatMul", &[&ones, &values], Vec::new());
    let moved = [&others[..], &[count]].concat();
    let mut back: Vec<usize> = (0..rank - 1).collect();
    back.insert(axis, rank - 1);
    let back = Lines { from: &moved, kept: &moved, order: &back, to: &to };
    let picked = back.of(&picked, given, parts);
    parts.named("Identity", &[&picked], Vec::new(), y);
    Some(())
}

fn axis(node: &NodeProto, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let axis = int_of(node, "axis", 0);
    let axis = if axis < 0 { axis + rank } else { axis };
    usize::try_from(axis).ok().filter(|_| axis < rank)
}

/// A value's elements in another order.
struct Lines<'a> {
    /// The shape in which it is read.
    from: &'a [usize],
    /// How many elements of each axis are kept.
    kept: &'a [usize],
    order: &'a [usize],
    to: &'a [usize],
}

impl Lines<'_> {
    /// Of a constant they are another one.
    fn of(&self, name: &str, given: Given<'_>, parts: &mut Parts) -> String {
        if let Some(constant) = float_constant(given.graph, name, given.shapes.import) {
            let mut places = vec![0];
            for &axis in self.order {
                let step: usize = self.from[axis + 1..].iter().product();
                let along = |start: usize| (0..self.kept[axis]).map(move |at| start + at * step);
                places = places.into_iter().flat_map(along).collect();
            }
            let values: Vec<f32> = places.into_iter().map(|at| constant.values[at]).collect();
            return parts.floats(self.to, &values);
        }
        let mut value = parts.reshape(name, self.from);
        for (axis, &kept) in self.kept.iter().enumerate() {
            if kept < self.from[axis] {
                value = parts.slice(&value, axis, 0, kept);
            }
        }
        if !self.order.is_sorted() {
            value = parts.node("Transpose", &[&value], vec![ints("perm", dims(self.order))]);
        }
        parts.reshape(&value, self.to)
    }
}

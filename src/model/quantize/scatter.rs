//! Scattered updates that are combined with what is there: the elements at known places are read, combined with the
//! updates, and written back; places that are updated more than once take as many rounds.

use std::collections::HashMap;

use super::parts::{Parts, Shapes, Taken, attribute, dims, int, int_of};
use crate::model::onnx::NodeProto;

/// No place is updated more often.
const MOST_ROUNDS: usize = 64;

/// ScatterElements and ScatterND with a reduction.
pub(super) fn combined(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let combine = match attribute(node, "reduction").and_then(|own| own.s.as_deref())? {
        b"add" => "Add",
        b"mul" => "Mul",
        b"max" => "Max",
        b"min" => "Min",
        _ => return None,
    };
    let [x, indices, updates] = node.input.as_slice() else { return None };
    let (shape, y) = (shapes.of(x)?, node.output.first()?);
    let (values, from) = (shapes.integers(indices)?, shapes.constant_shape(indices)?);
    // Tuples of indices, one after the other.
    let (tuples, depth) = if node.op_type == "ScatterND" {
        (values, *from.last()?)
    } else {
        let rank = i64::try_from(shape.len()).ok()?;
        let axis = usize::try_from(int_of(node, "axis", 0).rem_euclid(rank.max(1))).ok()?;
        if from.len() != shape.len() {
            return None;
        }
        let mut tuples = Vec::with_capacity(values.len() * from.len());
        for (mut rest, value) in values.into_iter().enumerate() {
            let mut tuple = vec![0; from.len()];
            for (own, &dim) in tuple.iter_mut().zip(&from).rev() {
                *own = i64::try_from(rest % dim).ok()?;
                rest /= dim;
            }
            tuple[axis] = value;
            tuples.extend(tuple);
        }
        (tuples, shape.len())
    };
    if depth == 0 || depth > shape.len() {
        return None;
    }
    let mut rounds: Vec<(Vec<i64>, Vec<i64>)> = Vec::new();
    let mut seen: HashMap<Vec<i64>, usize> = HashMap::new();
    for (number, tuple) in tuples.chunks(depth).enumerate() {
        let place = tuple.iter().zip(&shape).map(|(&at, &dim)| {
            let dim = i64::try_from(dim).ok()?;
            Some(if at < 0 { at + dim } else { at })
        });
        let round = seen.entry(place.collect::<Option<_>>()?).or_default();
        if *round == rounds.len() {
            rounds.push((Vec::new(), Vec::new()));
        }
        let (numbers, places) = rounds.get_mut(*round)?;
        numbers.push(i64::try_from(number).ok()?);
        places.extend(tuple);
        *round += 1;
    }
    if rounds.len() > MOST_ROUNDS {
        return None;
    }
    let mut in_rows = vec![tuples.len() / depth];
    in_rows.extend(&shape[depth..]);
    let updates = parts.reshape(updates, &in_rows);
    let (mut value, count) = (x.clone(), rounds.len());
    for (round, (numbers, places)) in rounds.into_iter().enumerate() {
        let places = parts.integers_of(&dims(&[numbers.len(), depth]), &places);
        let numbers = parts.integers(&numbers);
        let own = parts.node("Gather", &[&updates, &numbers], vec![int("axis", 0)]);
        let there = parts.node("GatherND", &[&value, &places], Vec::new());
        let both = parts.node(combine, &[&there, &own], Vec::new());
        value = if round + 1 == count {
            parts.named("ScatterND", &[&value, &places, &both], Vec::new(), y);
            y.clone()
        } else {
            parts.node("ScatterND", &[&value, &places, &both], Vec::new())
        };
    }
    (count > 0).then(|| vec![0])
}

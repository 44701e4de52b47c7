//! Einsum in every form: brought to products of two operands, each of whose labels is of both or stays.

use std::collections::HashMap;

use super::{
    modern::text,
    parts::{Parts, Shapes, Taken, attribute, dims, int, ints},
};
use crate::model::onnx::NodeProto;

/// An operand, with a label for each axis.
struct Operand {
    name: String,
    labels: Vec<char>,
}

/// Takes an Einsum apart that is not a product of two, or the move of one, as it is.
pub(super) fn contract(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let equation = attribute(node, "equation")?.s.as_deref()?;
    let equation: String =
        std::str::from_utf8(equation).ok()?.chars().filter(|own| *own != ' ').collect();
    let y = node.output.first()?;
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != node.input.len() {
        return None;
    }
    let all = (node.input.iter()).map(|name| shapes.of(name)).collect::<Option<Vec<_>>>()?;
    // Axes that three dots stand for, counted from the last one, get labels of their own.
    let counts = terms.iter().zip(&all).map(|(term, shape)| {
        let own = term.replace("...", "").len();
        let dots = shape.len().checked_sub(own)?;
        (term.contains("...") || dots == 0).then_some(dots)
    });
    let counts = counts.collect::<Option<Vec<usize>>>()?;
    let others = ('A'..='Z').chain('a'..='z').filter(|own| !equation.contains(*own));
    let dots: String = others.take(counts.iter().copied().max()?).collect();
    let labelled = |term: &str, count: usize| -> Option<Vec<char>> {
        let labels = term.replace("...", dots.get(dots.len().checked_sub(count)?..)?);
        labels.chars().all(|own| own.is_ascii_alphabetic()).then(|| labels.chars().collect())
    };
    let mut operands = Vec::new();
    let mut lengths: HashMap<char, usize> = HashMap::new();
    for (((term, &count), shape), name) in terms.iter().zip(&counts).zip(&all).zip(&node.input) {
        let labels = labelled(term, count)?;
        for (&label, &length) in labels.iter().zip(shape) {
            // What is repeated along an axis is left to whoever knows the rule.
            if labels.len() != shape.len() || *lengths.entry(label).or_insert(length) != length {
                return None;
            }
        }
        operands.push(Operand { name: name.clone(), labels });
    }
    let out = match right {
        Some(right) => labelled(right, dots.len())?,
        None => {
            let uses = |label: char| {
                operands.iter().flat_map(|own| &own.labels).filter(move |own| **own == label)
            };
            let mut once: Vec<char> = lengths
                .keys()
                .copied()
                .filter(|&own| !dots.contains(own) && uses(own).count() == 1)
                .collect();
            once.sort_unstable();
            dots.chars().chain(once).collect()
        }
    };
    if out.iter().any(|label| !lengths.contains_key(label)) || has_twice(&out) {
        return None;
    }
    let stays = |own: &Operand, others: &[Operand]| {
        !has_twice(&own.labels)
            && own.labels.iter().all(|label| {
                out.contains(label) || others.iter().any(|other| other.labels.contains(label))
            })
    };
    let is_plain = right.is_some()
        && dots.is_empty()
        && match operands.as_slice() {
            [_] => stays(&operands[0], &[]),
            [_, _] => stays(&operands[0], &operands[1..]) && stays(&operands[1], &operands[..1]),
            _ => false,
        };
    if is_plain {
        return None;
    }
    let operands = operands.into_iter().map(|own| diagonal(own, &lengths, parts));
    let mut rest: Vec<Operand> = operands.collect();
    let mut value = rest.remove(0);
    while !rest.is_empty() {
        let other = rest.remove(0);
        let is_needed =
            |label: &char| out.contains(label) || rest.iter().any(|own| own.labels.contains(label));
        let kept: Vec<char> = value
            .labels
            .iter()
            .copied()
            .filter(|own| other.labels.contains(own) || is_needed(own))
            .collect();
        let others: Vec<char> = other
            .labels
            .iter()
            .copied()
            .filter(|own| value.labels.contains(own) || is_needed(own))
            .collect();
        let (a, b) = (summed(value, kept, shapes, parts), summed(other, others, shapes, parts));
        let made = if rest.is_empty() {
            out.clone()
        } else {
            let new = b.labels.iter().filter(|own| !a.labels.contains(own));
            a.labels.iter().chain(new).copied().filter(is_needed).collect()
        };
        let written = |labels: &[char]| labels.iter().collect::<String>();
        let equation = format!("{},{}->{}", written(&a.labels), written(&b.labels), written(&made));
        let attributes = vec![text("equation", &equation)];
        value =
            Operand { name: parts.node("Einsum", &[&a.name, &b.name], attributes), labels: made };
    }
    let kept = value.labels.iter().copied().filter(|own| out.contains(own)).collect();
    let value = summed(value, kept, shapes, parts);
    let order = out.iter().map(|label| value.labels.iter().position(|own| own == label));
    let order = order.collect::<Option<Vec<usize>>>()?;
    if order.is_sorted() {
        parts.named("Identity", &[&value.name], Vec::new(), y);
    } else {
        parts.named("Transpose", &[&value.name], vec![ints("perm", dims(&order))], y);
    }
    Some(vec![0])
}

fn has_twice(labels: &[char]) -> bool {
    (1..labels.len()).any(|at| labels[..at].contains(&labels[at]))
}

/// Of axes with one label, the elements that have the same place in all.
fn diagonal(own: Operand, lengths: &HashMap<char, usize>, parts: &mut Parts) -> Operand {
    if !has_twice(&own.labels) {
        return own;
    }
    let mut labels: Vec<char> = Vec::new();
    for &label in &own.labels {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    let mut places = vec![0];
    for label in &labels {
        // A step along all axes of the label.
        let mut step = 0;
        for (axis, _) in own.labels.iter().enumerate().filter(|(_, other)| *other == label) {
            step += own.labels[axis + 1..].iter().map(|other| lengths[other]).product::<usize>();
        }
        let along = |start: usize| (0..lengths[label]).map(move |at| start + at * step);
        places = places.into_iter().flat_map(along).collect();
    }
    let all = own.labels.iter().map(|label| lengths[label]).product();
    let flat = parts.reshape(&own.name, &[all]);
    let places = parts.integers(&dims(&places));
    let picked = parts.node("Gather", &[&flat, &places], vec![int("axis", 0)]);
    let shape: Vec<usize> = labels.iter().map(|label| lengths[label]).collect();
    Operand { name: parts.reshape(&picked, &shape), labels }
}

/// The sum along all axes but those with these labels.
fn summed(own: Operand, kept: Vec<char>, shapes: &Shapes<'_>, parts: &mut Parts) -> Operand {
    let axes: Vec<usize> =
        (0..own.labels.len()).filter(|&axis| !kept.contains(&own.labels[axis])).collect();
    if axes.is_empty() {
        return own;
    }
    let name = parts.reduce("ReduceSum", &own.name, &dims(&axes), 0, shapes, None);
    Operand { name, labels: kept }
}

//! Ones at places that an input tells, among zeros.

use std::collections::HashSet;

use crate::model::{
    onnx::{DataType, GraphProto, ValueInfoProto},
    quantize::parts::{Parts, Shapes, ints},
};

/// No input has so many different whole numbers.
const MOST_IDS: i64 = 1 << 16;

/// What is known of a file's values.
#[derive(Clone, Copy)]
pub(super) struct Given<'g> {
    pub graph: &'g GraphProto,
    pub shapes: &'g Shapes<'g>,
    pub live: &'g HashSet<String>,
}

/// A one at each id, among zeros.
pub(super) fn one_hot(
    given: Given<'_>,
    ids: &str,
    count: i64,
    parts: &mut Parts,
) -> Option<String> {
    if !(1..=MOST_IDS).contains(&count) {
        return None;
    }
    let Some(source) = input(given.graph, ids) else {
        return one_hot_of_computed(given, ids, count, parts);
    };
    let categories = ints("cats_int64s", (0..count).collect());
    let one = parts.node("OneHotEncoder", &[source], vec![categories]);
    if let Some(last) = parts.last() {
        last.domain = super::DOMAIN.into();
    }
    if source == ids {
        return Some(one);
    }
    // In the order of the input, in the shape of what was made of it.
    let mut shape = given.shapes.of(ids)?;
    shape.push(usize::try_from(count).ok()?);
    Some(parts.reshape(&one, &shape))
}

/// Floats that are whole numbers, less than a half away from their place.
fn one_hot_of_computed(
    given: Given<'_>,
    ids: &str,
    count: i64,
    parts: &mut Parts,
) -> Option<String> {
    let mut nodes = given.graph.node.iter();
    let maker = nodes.find(|node| node.output.iter().any(|own| own == ids))?;
    let makes_numbers = ["Add", "Sub", "Mul", "Where", "Cast", "CumSum", "ReduceSum"];
    if !given.live.contains(ids) || !makes_numbers.contains(&maker.op_type.as_str()) {
        return None;
    }
    #[allow(clippy::cast_precision_loss)]
    let places: Vec<f32> = (0..count).map(|place| -(place as f32)).collect();
    let places = parts.floats(&[places.len()], &places);
    let [low, high, half] = [-1.0, 1.0, 0.5].map(|value| parts.floats(&[], &[value]));
    let [one, zero] = [1.0, 0.0].map(|value| parts.floats(&[], &[value]));
    let last = parts.integers(&[-1]);
    let ids = parts.node("Unsqueeze", &[ids, &last], Vec::new());
    let away = parts.node("Add", &[&ids, &places], Vec::new());
    let away = parts.node("Clip", &[&away, &low, &high], Vec::new());
    let distance = parts.node("Abs", &[&away], Vec::new());
    let is_near = parts.node("Less", &[&distance, &half], Vec::new());
    Some(parts.node("Where", &[&is_near, &one, &zero], Vec::new()))
}

/// The input of whole numbers that these are, in its order, if they are one.
pub(super) fn input<'g>(graph: &'g GraphProto, mut ids: &'g str) -> Option<&'g str> {
    loop {
        let is_whole = |port: &&ValueInfoProto| {
            let tensor = port.r#type.as_ref().and_then(|own| own.tensor_type.as_ref());
            tensor.is_some_and(|own| own.elem_type == i32::from(DataType::Int64))
        };
        if let Some(port) = graph.input.iter().find(|port| port.name == ids) {
            return Some(port).filter(is_whole).map(|port| port.name.as_str());
        }
        let maker = graph.node.iter().find(|node| node.output.iter().any(|own| own == ids))?;
        let keeps = ["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"];
        ids = maker.input.first().filter(|_| keeps.contains(&maker.op_type.as_str()))?;
    }
}

//! The first elements of each line when it is sorted, and their positions: TopK, and claims like it.
//!
//! One after the other is found and taken out. With x_i from 0 to 255, and R_i = 1 where an element
//! was taken out before, else 0:
//!
//! ```text
//! left_i  = clamp( x_i − 255·R_i, 0, 255 )
//! m       = max left_i                                   the next value
//! is_it_i = clamp( 1 + x_i − m − 256·R_i, 0, 1 )         1 where x_i = m is not taken out
//! first   = ArgMax( is_it )                              the next position
//! bit_j   = clamp( first − j, 0, 1 )                     1 where j is before it
//! ```
//!
//! R_i is the sum over all positions found before of bit_(i − 1) − bit_i, with 1 before the first bit and 0 after the
//! last. Some element is not taken out, so m is the value of one, and is_it is 1 somewhere.

use super::{
    ArgMax, ElementType, Gemm, ModelError, Operator, Quantization, ReduceMax, Requantization,
    Table, Tensor, TensorId, View, ViewElement,
};

/// Positions are bytes.
pub(super) const LONGEST: usize = 256;

/// Integers that are themselves.
pub(super) const PLAIN: Quantization =
    Quantization { scale: 1.0, zero_point: 0, element: ElementType::Uint8 };

/// Positions.
pub(super) const POSITIONS: Quantization =
    Quantization { scale: 1.0, zero_point: 0, element: ElementType::Int64 };

/// The first `count` elements of each line `[outer][length][inner]` of a tensor; of equal ones the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    pub x: TensorId,
    pub length: usize,
    pub inner: usize,
    pub count: usize,
    /// The smallest come first.
    pub is_least: bool,
}

/// A graph that nodes are added to.
pub(super) trait Growing {
    fn tensor(&self, id: TensorId) -> &Tensor;

    /// That there may be so many more elements.
    fn make_room(&mut self, elements: usize) -> Result<(), ModelError>;

    /// Adds a node, and the tensor that it gives.
    fn add(
        &mut self,
        operator: Operator,
        inputs: Vec<TensorId>,
        shape: Vec<usize>,
        quantization: Quantization,
    ) -> Result<TensorId, ModelError>;
}

/// An element of an input. Positions are below the limit of elements, which fits 32 bits.
pub(super) fn element(input: usize, index: usize) -> ViewElement {
    ViewElement::Input {
        input: u32::try_from(input).expect("nodes have fewer than 2^32 inputs"),
        index: u32::try_from(index).expect("tensors have fewer than 2^32 elements"),
    }
}

/// The integers of values and positions.
pub(super) fn first_of_lines(
    graph: &mut impl Growing,
    lines: Lines,
    shape: &[usize],
) -> Result<[TensorId; 2], ModelError> {
    let Lines { x, length, inner, count, is_least } = lines;
    let given = graph.tensor(x).clone();
    let (low, high) = given.quantization.element.range();
    let outer = given.len() / (length * inner);
    let lines = outer * inner;
    let to_bytes = (low..=high).map(|v| if is_least { high - v } else { v - low }).collect();
    let to_bytes = Table { values: to_bytes }.or_view(given.quantization.element, PLAIN.element);
    let bytes = graph.add(to_bytes, vec![x], given.shape.clone(), PLAIN)?;
    let by_line = (0..lines).flat_map(|line| {
        let first = line / inner * length * inner + line % inner;
        (0..length).map(move |i| element(0, first + i * inner))
    });
    let view = match inner {
        1 => View::Reshape,
        _ => View::Elements(by_line.collect()),
    };
    let bytes = graph.add(Operator::View(view), vec![bytes], vec![lines, length], PLAIN)?;

    let (mut found, mut values, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    for place in 0..count {
        let left = match place {
            0 => bytes,
            _ => {
                let inputs = [&[bytes][..], &found].concat();
                of_taken(graph, &inputs, (length, 255), 0, 255)?
            }
        };
        let largest = Operator::ReduceMax(ReduceMax { outer: lines, length, inner: 1 });
        let largest = graph.add(largest, vec![left], vec![lines, 1], PLAIN)?;
        values.push(largest);
        let inputs = [&[bytes][..], &found, &[largest]].concat();
        let is_it = of_taken(graph, &inputs, (length, 256), 1, 1)?;
        let first = ArgMax { outer: lines, length, inner: 1, select_last: false };
        let first = graph.add(Operator::ArgMax(first), vec![is_it], vec![lines, 1], PLAIN)?;
        positions.push(first);
        // The last one needs not be taken out.
        if place + 1 < count && length > 1 {
            let bias = (1..length).zip(0_i32..).map(|(_, j)| -j).collect();
            let bits = clamped(graph, first, vec![1; length - 1], bias, 1)?;
            found.push(bits);
        }
    }
    let from_bytes = (0..=255).map(|byte| if is_least { high - byte } else { low + byte });
    let from_bytes = Table { values: from_bytes.collect() };
    let from_bytes = from_bytes.or_view(PLAIN.element, given.quantization.element);
    // [outer][count][inner], each place's [outer][inner].
    let gathered: Vec<_> = (0..outer)
        .flat_map(|o| {
            (0..count).flat_map(move |place| (0..inner).map(move |i| (place, o * inner + i)))
        })
        .map(|(place, line)| element(place, line))
        .collect();
    let view = || Operator::View(View::Elements(gathered.clone()));
    let values = graph.add(view(), values, shape.to_vec(), PLAIN)?;
    let values = graph.add(from_bytes, vec![values], shape.to_vec(), given.quantization)?;
    let positions = graph.add(view(), positions, shape.to_vec(), POSITIONS)?;
    Ok([values, positions])
}

/// `clamp( one + x_i − largest − weight·R_i, 0, most )` of elements, bits of what was found, and maybe the largest.
fn of_taken(
    graph: &mut impl Growing,
    inputs: &[TensorId],
    (length, weight): (usize, i32),
    one: i32,
    most: i32,
) -> Result<TensorId, ModelError> {
    let lines = graph.tensor(inputs[0]).shape[0];
    let lengths: Vec<usize> = inputs.iter().map(|&id| graph.tensor(id).shape[1]).collect();
    let sum: usize = lengths.iter().sum();
    let rows = (0..lines).flat_map(|line| {
        lengths.iter().enumerate().flat_map(move |(input, &length)| {
            (0..length).map(move |i| element(input, line * length + i))
        })
    });
    let rows = Operator::View(View::Elements(rows.collect()));
    graph.make_room(length * sum)?;
    let x = graph.add(rows, inputs.to_vec(), vec![lines, sum], PLAIN)?;
    let (mut weights, mut bias) = (vec![0; length * sum], vec![one; length]);
    let mut start = length;
    for i in 0..length {
        weights[i * sum + i] = 1;
    }
    for &len in &lengths[1..] {
        let is_largest = one == 1 && start + len == sum;
        for i in 0..length {
            let row = &mut weights[i * sum..][start..start + len];
            if is_largest {
                row[0] = -1;
                continue;
            }
            match i.checked_sub(1) {
                Some(before) => row[before] -= weight,
                None => bias[i] -= weight,
            }
            if let Some(own) = row.get_mut(i) {
                *own += weight;
            }
        }
        start += len;
    }
    clamped(graph, x, weights, bias, most)
}

/// Sums of integers, between 0 and `most`.
fn clamped(
    graph: &mut impl Growing,
    x: TensorId,
    weights: Vec<i32>,
    bias: Vec<i32>,
    most: i32,
) -> Result<TensorId, ModelError> {
    let &[lines, inputs] = graph.tensor(x).shape.as_slice() else {
        unreachable!("all steps have lines and elements of a line");
    };
    let outputs = bias.len();
    let requantization =
        Requantization { multipliers: vec![1.0], zero_point: 0, min: 0, max: most };
    let gemm = Gemm { inputs, outputs, weights, bias, requantization };
    graph.add(Operator::Gemm(gemm), vec![x], vec![lines, outputs], PLAIN)
}

//! `TopK(X, K)`: the first elements of each line when it is sorted, and their positions.
//!
//! In integers, one after the other is found and taken out. With x_i from 0 to 255, and R_i = 1 where an element
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

use crate::model::import::{
    Importer, NodeView, RealKind, Value, expression::element, ranking::Ranking, shape::around,
};
use crate::model::{
    ArgMax, ElementType, Exactness, Gemm, ModelError, Operator, Origin, Quantization, ReduceMax,
    Requantization, Table, Tensor, TensorId, View, limits,
};

/// Positions are bytes.
const LONGEST: usize = 256;

/// Integers that are themselves.
const PLAIN: Quantization = Quantization { scale: 1.0, zero_point: 0, element: ElementType::Uint8 };

/// Positions.
const POSITIONS: Quantization =
    Quantization { scale: 1.0, zero_point: 0, element: ElementType::Int64 };

pub(in crate::model::import) fn top_k(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let count = match importer.list(node, "k", 1)?.as_deref() {
        Some(&[count]) => count,
        _ => return Err(node.error("its number of elements is not one integer")),
    };
    if node.int("sorted").unwrap_or(1) == 0 {
        return Err(node.unsupported("an order that is left open (`sorted` = 0)"));
    }
    let x = importer.real_input(node, 0)?;
    let x = importer.activation(node, 0, x)?;
    let shape = importer.tensor(x).shape.clone();
    let axis = node.resolve_axis(node.int("axis").unwrap_or(-1), shape.len())?;
    let (_, length, inner) = around(&shape, axis);
    let count = usize::try_from(count).ok().filter(|count| (1..=length).contains(count));
    let count = count.ok_or_else(|| {
        node.error(format!("it asks for a number of elements other than 1 to {length}"))
    })?;
    if length > LONGEST {
        return Err(node.unsupported(format!("more than {LONGEST} elements in a line")));
    }
    let is_least = node.int("largest").unwrap_or(1) == 0;
    let ranking = Ranking { x, length, inner, count, is_least, select_last: false };
    let mut output = shape;
    output[axis] = count;
    if importer.is_float {
        let values = importer.expression(node, output.clone(), RealKind::First(ranking), &[])?;
        let name = node.proto.output.get(1).cloned().unwrap_or_default();
        let positions = importer.add_tensor(&name, output, POSITIONS)?;
        importer.rankings.insert(positions, ranking);
        return Ok(vec![Value::Real(values), Value::Integers(positions)]);
    }
    let [values, positions] = importer.first_of_lines(node, ranking, &output)?;
    let values = importer.expression(node, output, RealKind::Activation(values), &[])?;
    Ok(vec![Value::Real(values), Value::Integers(positions)])
}

impl Importer<'_> {
    /// The integers of values and positions.
    fn first_of_lines(
        &mut self,
        node: NodeView<'_>,
        ranking: Ranking,
        shape: &[usize],
    ) -> Result<[TensorId; 2], ModelError> {
        let Ranking { x, length, inner, count, is_least, .. } = ranking;
        let given = self.tensor(x).clone();
        let (low, high) = given.quantization.element.range();
        let outer = given.len() / (length * inner);
        let lines = outer * inner;
        let to_bytes = (low..=high).map(|v| if is_least { high - v } else { v - low }).collect();
        let to_bytes =
            Table { values: to_bytes }.or_view(given.quantization.element, PLAIN.element);
        let bytes = self.part(node, to_bytes, vec![x], (given.shape.clone(), PLAIN))?;
        let by_line = (0..lines).flat_map(|line| {
            let first = line / inner * length * inner + line % inner;
            (0..length).map(move |i| element(0, first + i * inner))
        });
        let view = match inner {
            1 => View::Reshape,
            _ => View::Elements(by_line.collect()),
        };
        let bytes =
            self.part(node, Operator::View(view), vec![bytes], (vec![lines, length], PLAIN))?;

        let (mut found, mut values, mut positions) = (Vec::new(), Vec::new(), Vec::new());
        for place in 0..count {
            let left = match place {
                0 => bytes,
                _ => {
                    let inputs = [&[bytes][..], &found].concat();
                    self.of_taken(node, &inputs, (length, 255), 0, 255)?
                }
            };
            let largest = Operator::ReduceMax(ReduceMax { outer: lines, length, inner: 1 });
            let largest = self.part(node, largest, vec![left], (vec![lines, 1], PLAIN))?;
            values.push(largest);
            let inputs = [&[bytes][..], &found, &[largest]].concat();
            let is_it = self.of_taken(node, &inputs, (length, 256), 1, 1)?;
            let first = ArgMax { outer: lines, length, inner: 1, select_last: false };
            let first =
                self.part(node, Operator::ArgMax(first), vec![is_it], (vec![lines, 1], PLAIN))?;
            positions.push(first);
            // The last one needs not be taken out.
            if place + 1 < count && length > 1 {
                let bias = (1..length).zip(0_i32..).map(|(_, j)| -j).collect();
                let bits = self.clamped(node, first, vec![1; length - 1], bias, 1)?;
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
        let values = self.part(node, view(), values, (shape.to_vec(), PLAIN))?;
        let values =
            self.part(node, from_bytes, vec![values], (shape.to_vec(), given.quantization))?;
        let positions = self.part(node, view(), positions, (shape.to_vec(), POSITIONS))?;
        Ok([values, positions])
    }

    /// `clamp( one + x_i − largest − weight·R_i, 0, most )` of elements, bits of what was found, and maybe the largest.
    fn of_taken(
        &mut self,
        node: NodeView<'_>,
        inputs: &[TensorId],
        (length, weight): (usize, i32),
        one: i32,
        most: i32,
    ) -> Result<TensorId, ModelError> {
        let lines = self.tensor(inputs[0]).shape[0];
        let lengths: Vec<usize> = inputs.iter().map(|&id| self.tensor(id).shape[1]).collect();
        let sum: usize = lengths.iter().sum();
        let rows = (0..lines).flat_map(|line| {
            lengths.iter().enumerate().flat_map(move |(input, &length)| {
                (0..length).map(move |i| element(input, line * length + i))
            })
        });
        let rows = Operator::View(View::Elements(rows.collect()));
        limits::elements(node.name(), &[lines, sum])?;
        self.count_elements(node.name(), length * sum)?;
        let x = self.part(node, rows, inputs.to_vec(), (vec![lines, sum], PLAIN))?;
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
        self.clamped(node, x, weights, bias, most)
    }

    /// Sums of integers, between 0 and `most`.
    fn clamped(
        &mut self,
        node: NodeView<'_>,
        x: TensorId,
        weights: Vec<i32>,
        bias: Vec<i32>,
        most: i32,
    ) -> Result<TensorId, ModelError> {
        let &[lines, inputs] = self.tensor(x).shape.as_slice() else {
            return Err(node.unsupported("lines of this shape"));
        };
        let outputs = bias.len();
        let requantization =
            Requantization { multipliers: vec![1.0], zero_point: 0, min: 0, max: most };
        let gemm = Gemm { inputs, outputs, weights, bias, requantization };
        self.part(node, Operator::Gemm(gemm), vec![x], (vec![lines, outputs], PLAIN))
    }

    /// A step on the way to the node's outputs.
    fn part(
        &mut self,
        node: NodeView<'_>,
        operator: Operator,
        inputs: Vec<TensorId>,
        (shape, quantization): (Vec<usize>, Quantization),
    ) -> Result<TensorId, ModelError> {
        let name = format!("{} ({})", node.name(), self.graph.tensors.len());
        let origin = Origin { operator: "TopK".into(), exactness: Exactness::Exact, parameters: 0 };
        self.add_node(node.name(), operator, inputs, Tensor { name, shape, quantization }, origin)
    }
}

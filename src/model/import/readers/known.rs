//! Nodes all of whose inputs are known from the file: shapes, masks and positions that exporters compute.

use std::rc::Rc;

use crate::model::import::{
    Constant, Data, Importer, NodeView, Value,
    shape::{around, broadcast, broadcast_index, strided_index, strides},
};
use crate::model::{ModelError, limits};

/// Values of any type: integers of up to 53 bits and float32 are exact in float64.
struct Numbers {
    shape: Vec<usize>,
    values: Vec<f64>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Float,
    Int64,
    Int32,
    Bool,
}

/// Operators that only constants are computed of.
pub(in crate::model::import) fn only_known(
    _: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    Err(node.unsupported("an input that depends on the model's input"))
}

/// The node's only output, if all its inputs are known and it is one of these operators.
pub(in crate::model::import) fn fold(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Option<Vec<Value>>, ModelError> {
    let count = node.proto.input.len();
    if count == 0 || node.proto.output.len() != 1 {
        return Ok(None);
    }
    let mut inputs = Vec::new();
    for index in 0..count {
        match importer.optional(node, index) {
            Some(Value::Constant(constant)) => match numbers(&constant) {
                Some(numbers) => inputs.push(numbers),
                None => return Ok(None),
            },
            _ => return Ok(None),
        }
    }
    let Some(numbers) = compute(node, &inputs)? else { return Ok(None) };
    let len = limits::elements(node.name(), &numbers.shape)?;
    importer.count_elements(node.name(), len)?;
    Ok(constant(numbers).map(|constant| vec![Value::Constant(Rc::new(constant))]))
}

fn numbers(constant: &Constant) -> Option<Numbers> {
    #[allow(clippy::cast_precision_loss)]
    let (values, kind) = match &constant.data {
        Data::Float(values) => {
            (values.iter().map(|&value| f64::from(value)).collect(), Kind::Float)
        }
        Data::Int64(values) => {
            if values.iter().any(|value| value.unsigned_abs() > 1 << 53) {
                return None;
            }
            (values.iter().map(|&value| value as f64).collect(), Kind::Int64)
        }
        Data::Int32(values) => {
            (values.iter().map(|&value| f64::from(value)).collect(), Kind::Int32)
        }
        Data::Bool(values) => {
            (values.iter().map(|&v| f64::from(u8::from(v))).collect(), Kind::Bool)
        }
        Data::Half(_) | Data::Int4(_) | Data::Uint4(_) => return None,
        Data::Int8(_) | Data::Uint8(_) => return None,
    };
    Some(Numbers { shape: constant.shape.clone(), values, kind })
}

/// `None` for integers that would not be exact.
fn constant(Numbers { shape, values, kind }: Numbers) -> Option<Constant> {
    let limit = match kind {
        Kind::Float | Kind::Bool => f64::INFINITY,
        Kind::Int64 => 2_f64.powi(53),
        Kind::Int32 => 2_f64.powi(31) - 1.0,
    };
    let is_integer = |value: &f64| value.fract() == 0.0 && value.abs() <= limit;
    if kind != Kind::Float && !values.iter().all(is_integer) {
        return None;
    }
    #[allow(clippy::cast_possible_truncation)]
    let data = match kind {
        Kind::Float => Data::Float(values.iter().map(|&value| value as f32).collect()),
        Kind::Int64 => Data::Int64(values.iter().map(|&value| value as i64).collect()),
        Kind::Int32 => Data::Int32(values.iter().map(|&value| value as i32).collect()),
        Kind::Bool => Data::Bool(values.iter().map(|&value| value != 0.0).collect()),
    };
    Some(Constant::new(shape, data))
}

fn compute(node: NodeView<'_>, inputs: &[Numbers]) -> Result<Option<Numbers>, ModelError> {
    let x = &inputs[0];
    let truth = |holds: bool| f64::from(u8::from(holds));
    let is_float = x.kind == Kind::Float;
    let pair = |kind: Kind, f: &dyn Fn(f64, f64) -> f64| -> Result<Option<Numbers>, ModelError> {
        let [a, b] = inputs else { return Ok(None) };
        let shape = broadcast(node, &a.shape, &b.shape)?;
        let index = broadcast_index(&a.shape, &shape).into_iter();
        let values = index
            .zip(broadcast_index(&b.shape, &shape))
            .map(|(i, j)| f(a.values[i], b.values[j]))
            .collect();
        Ok(Some(Numbers { shape, values, kind }))
    };
    let each = |kind: Kind, f: &dyn Fn(f64) -> f64| {
        let values = x.values.iter().map(|&value| f(value)).collect();
        Ok(Some(Numbers { shape: x.shape.clone(), values, kind }))
    };
    match node.operator() {
        "Less" => pair(Kind::Bool, &|a, b| truth(a < b)),
        "LessOrEqual" => pair(Kind::Bool, &|a, b| truth(a <= b)),
        "Greater" => pair(Kind::Bool, &|a, b| truth(a > b)),
        "GreaterOrEqual" => pair(Kind::Bool, &|a, b| truth(a >= b)),
        "Equal" => pair(Kind::Bool, &|a, b| truth(a == b)),
        "And" => pair(Kind::Bool, &|a, b| truth(a != 0.0 && b != 0.0)),
        "Or" => pair(Kind::Bool, &|a, b| truth(a != 0.0 || b != 0.0)),
        "Xor" => pair(Kind::Bool, &|a, b| truth((a != 0.0) != (b != 0.0))),
        "Min" => pair(x.kind, &f64::min),
        "Max" => pair(x.kind, &f64::max),
        // Integers have the sign of the divisor.
        "Mod" if !is_float && !node.flag("fmod") => pair(x.kind, &|a, b| a - b * (a / b).floor()),
        "Pow" if !is_float => pair(x.kind, &f64::powf),
        "Not" => each(Kind::Bool, &|value| truth(value == 0.0)),
        "Neg" => each(x.kind, &|value| -value),
        "Abs" => each(x.kind, &f64::abs),
        "Floor" => each(x.kind, &f64::floor),
        "Ceil" => each(x.kind, &f64::ceil),
        "Sqrt" if is_float => each(x.kind, &f64::sqrt),
        "Where" => {
            let [condition, a, b] = inputs else { return Ok(None) };
            let shape = broadcast(node, &a.shape, &b.shape)?;
            let shape = broadcast(node, &condition.shape, &shape)?;
            let [condition_at, a_at, b_at] =
                [condition, a, b].map(|numbers| broadcast_index(&numbers.shape, &shape));
            let values = (0..condition_at.len())
                .map(|i| match condition.values[condition_at[i]] {
                    0.0 => b.values[b_at[i]],
                    _ => a.values[a_at[i]],
                })
                .collect();
            Ok(Some(Numbers { shape, values, kind: a.kind }))
        }
        "Range" => {
            let [start, limit, delta] = inputs else { return Ok(None) };
            let [&[start], &[limit], &[delta]] =
                [start, limit, delta].map(|numbers| numbers.values.as_slice())
            else {
                return Ok(None);
            };
            let count = ((limit - start) / delta).ceil().max(0.0);
            if !(0.0..1e7).contains(&count) {
                return Err(node.error(format!("it has {count} elements")));
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let count = count as u32;
            let values: Vec<f64> = (0..count).map(|i| start + f64::from(i) * delta).collect();
            Ok(Some(Numbers { shape: vec![values.len()], values, kind: x.kind }))
        }
        "Size" => {
            #[allow(clippy::cast_precision_loss)]
            let values = vec![x.values.len() as f64];
            Ok(Some(Numbers { shape: vec![], values, kind: Kind::Int64 }))
        }
        "ReduceProd" | "ReduceSum" | "ReduceMax" | "ReduceMin" => reduce(node, inputs),
        "ReduceMean" if is_float => reduce(node, inputs),
        "CumSum" if !is_float => cum_sum(node, inputs),
        "NonZero" => Ok(non_zero(x)),
        "Trilu" => Ok(triangle(node, inputs)),
        "OneHot" => one_hot(node, inputs),
        "Concat" => concat(node, inputs),
        _ => Ok(None),
    }
}

/// Sums of all elements of a line up to each.
fn cum_sum(node: NodeView<'_>, inputs: &[Numbers]) -> Result<Option<Numbers>, ModelError> {
    let [Numbers { shape, values, kind }, axis] = inputs else { return Ok(None) };
    let (&[axis], false) = (axis.values.as_slice(), node.flag("exclusive") || node.flag("reverse"))
    else {
        return Ok(None);
    };
    #[allow(clippy::cast_possible_truncation)]
    let axis = node.resolve_axis(axis as i64, shape.len())?;
    let inner: usize = shape[axis + 1..].iter().product();
    let mut sums = values.clone();
    for at in inner..sums.len() {
        if !(at / inner).is_multiple_of(shape[axis]) {
            sums[at] += sums[at - inner];
        }
    }
    Ok(Some(Numbers { shape: shape.clone(), values: sums, kind: *kind }))
}

/// A triangle of each matrix, and 0 in the other.
fn triangle(node: NodeView<'_>, inputs: &[Numbers]) -> Option<Numbers> {
    let Numbers { shape, values, kind } = &inputs[0];
    let &[.., rows, columns] = shape.as_slice() else { return None };
    let k = inputs.get(1).map_or(Some(0.0), |k| k.values.first().copied())?;
    let is_upper = node.int("upper").unwrap_or(1) != 0;
    #[allow(clippy::cast_precision_loss)]
    let is_kept = |at: usize| {
        let diagonal = (at % columns) as f64 - (at / columns % rows) as f64;
        if is_upper { diagonal >= k } else { diagonal <= k }
    };
    let kept = values.iter().enumerate().map(|(at, &value)| if is_kept(at) { value } else { 0.0 });
    Some(Numbers { shape: shape.clone(), values: kept.collect(), kind: *kind })
}

/// A reduction along axes: all of them, where none are given.
fn reduce(node: NodeView<'_>, inputs: &[Numbers]) -> Result<Option<Numbers>, ModelError> {
    let x = &inputs[0];
    #[allow(clippy::cast_possible_truncation)]
    let given: Vec<i64> = match (node.ints("axes"), inputs.get(1)) {
        (Some(axes), _) => axes.to_vec(),
        (None, Some(axes)) => axes.values.iter().map(|&axis| axis as i64).collect(),
        (None, None) => Vec::new(),
    };
    let rank = x.shape.len();
    let mut reduced = vec![given.is_empty() && !node.flag("noop_with_empty_axes"); rank];
    for axis in given {
        reduced[node.resolve_axis(axis, rank)?] = true;
    }
    let dims = || x.shape.iter().zip(&reduced);
    let kept: Vec<usize> =
        dims().map(|(&dim, &is_reduced)| if is_reduced { 1 } else { dim }).collect();
    let mut groups: Vec<Vec<f64>> = vec![Vec::new(); kept.iter().product()];
    let steps: Vec<usize> = (strides(&kept).into_iter().zip(&reduced))
        .map(|(step, &is_reduced)| if is_reduced { 0 } else { step })
        .collect();
    for (&value, group) in x.values.iter().zip(strided_index(&x.shape, &steps, 0)) {
        groups[group].push(value);
    }
    let value = |group: Vec<f64>| {
        #[allow(clippy::cast_precision_loss)]
        let count = group.len() as f64;
        let values = group.into_iter();
        match node.operator() {
            "ReduceProd" => values.product(),
            "ReduceSum" => values.sum(),
            "ReduceMean" => values.sum::<f64>() / count,
            "ReduceMax" => values.fold(f64::NEG_INFINITY, f64::max),
            _ => values.fold(f64::INFINITY, f64::min),
        }
    };
    let values = groups.into_iter().map(value).collect();
    let shape = if node.int("keepdims").unwrap_or(1) != 0 {
        kept
    } else {
        dims().filter(|(_, is_reduced)| !**is_reduced).map(|(&dim, _)| dim).collect()
    };
    Ok(Some(Numbers { shape, values, kind: x.kind }))
}

/// The positions of all that is not 0, an axis to a row.
fn non_zero(x: &Numbers) -> Option<Numbers> {
    let steps = strides(&x.shape);
    let found: Vec<usize> =
        (0..x.values.len()).filter(|&position| x.values[position] != 0.0).collect();
    let axes = x.shape.iter().zip(&steps);
    #[allow(clippy::cast_precision_loss)]
    let values = axes
        .flat_map(|(&dim, &step)| found.iter().map(move |&at| (at / step % dim) as f64))
        .collect();
    // Tensors of nothing are refused everywhere.
    let shape = vec![x.shape.len(), found.len()];
    (!found.is_empty()).then_some(Numbers { shape, values, kind: Kind::Int64 })
}

/// A new axis, of which each index has one place that is on.
fn one_hot(node: NodeView<'_>, inputs: &[Numbers]) -> Result<Option<Numbers>, ModelError> {
    let [indices, depth, off_on] = inputs else { return Ok(None) };
    let (&[depth], &[off, on]) = (depth.values.as_slice(), off_on.values.as_slice()) else {
        return Err(node.error("its depth is not one number, or its values are not two"));
    };
    if !(1.0..1e7).contains(&depth) || depth.fract() != 0.0 {
        return Err(node.error(format!("its depth is {depth}")));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let length = depth as u32;
    let rank = indices.shape.len() + 1;
    let axis = node.resolve_axis(node.int("axis").unwrap_or(-1), rank)?;
    let mut shape = indices.shape.clone();
    shape.insert(axis, usize::try_from(length).expect("32 bits fit an index"));
    limits::elements(node.name(), &shape)?;
    let below: usize = shape[axis + 1..].iter().product();
    let mut values = Vec::new();
    for indices in indices.values.chunks(below.max(1)) {
        for at in 0..length {
            // Negative indices count from the end.
            let is_on = |&index: &f64| index == f64::from(at) || index + depth == f64::from(at);
            values.extend(indices.iter().map(|index| if is_on(index) { on } else { off }));
        }
    }
    Ok(Some(Numbers { shape, values, kind: off_on.kind }))
}

fn concat(node: NodeView<'_>, inputs: &[Numbers]) -> Result<Option<Numbers>, ModelError> {
    let first = &inputs[0];
    let axis = node.int("axis").ok_or_else(|| node.error("attribute `axis` is missing"))?;
    let axis = node.resolve_axis(axis, first.shape.len())?;
    let mut shape = first.shape.clone();
    shape[axis] = 0;
    for other in inputs {
        let fits = other.kind == first.kind
            && other.shape.len() == shape.len()
            && (0..shape.len()).all(|i| i == axis || other.shape[i] == shape[i]);
        if !fits {
            return Ok(None);
        }
        shape[axis] += other.shape[axis];
    }
    let (outer, _, below) = around(&shape, axis);
    let mut values = Vec::new();
    for o in 0..outer {
        for other in inputs {
            let len = other.shape[axis] * below;
            values.extend_from_slice(&other.values[o * len..(o + 1) * len]);
        }
    }
    Ok(Some(Numbers { shape, values, kind: first.kind }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::onnx::{AttributeProto, NodeProto};

    fn whole(shape: &[usize], values: &[i32]) -> Numbers {
        let values = values.iter().map(|&value| f64::from(value)).collect();
        Numbers { shape: shape.to_vec(), values, kind: Kind::Int64 }
    }

    fn computed(
        operator: &str,
        flags: &[&str],
        inputs: &[Numbers],
    ) -> Option<(Vec<usize>, Vec<f64>)> {
        let flag = |name: &&str| AttributeProto {
            name: (*name).into(),
            i: Some(1),
            ..AttributeProto::default()
        };
        let attribute = flags.iter().map(flag).collect();
        let node = NodeProto { op_type: operator.into(), attribute, ..NodeProto::default() };
        let numbers = compute(NodeView::new(&node), inputs).expect("they fit")?;
        Some((numbers.shape, numbers.values))
    }

    #[test]
    fn whole_numbers_are_computed_as_numpy_does() {
        let matrix = || whole(&[2, 3], &[-7, 0, 7, 4, -4, 9]);
        let row = || whole(&[3], &[3, -3, 2]);
        let of_pair = |operator, flags: &[&str]| {
            computed(operator, flags, &[matrix(), row()]).map(|(shape, values)| {
                assert_eq!(shape, [2, 3], "{operator}");
                values
            })
        };
        assert_eq!(of_pair("Min", &[]).unwrap(), [-7., -3., 2., 3., -4., 2.]);
        assert_eq!(of_pair("Max", &[]).unwrap(), [3., 0., 7., 4., -3., 9.]);
        // With the divisor's sign.
        assert_eq!(of_pair("Mod", &[]).unwrap(), [2., 0., 1., 1., -1., 1.]);
        assert_eq!(of_pair("Mod", &["fmod"]), None);
        let sums = |axis: i32, flags: &[&str]| {
            Some(computed("CumSum", flags, &[matrix(), whole(&[], &[axis])])?.1)
        };
        assert_eq!(sums(0, &[]).unwrap(), [-7., 0., 7., -3., -4., 16.]);
        assert_eq!(sums(1, &[]).unwrap(), [-7., -7., 0., 4., 0., 9.]);
        assert_eq!(sums(-1, &[]), sums(1, &[]));
        // Those are read elsewhere, or not at all.
        assert_eq!([sums(1, &["reverse"]), sums(1, &["exclusive"])], [None, None]);
    }
}

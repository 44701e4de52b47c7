//! Operators that pick elements: Slice, Split, Gather, Concat, Pad, Resize.

use std::rc::Rc;

use super::{
    Constant, Importer, NodeView, RealKind, Value,
    constant::Data,
    expression::{Elements, element},
    shape::{around, strided_index, strides},
    views::usize_of,
};
use crate::model::{ElementType, ModelError, TensorId, View, ViewElement, limits};

/// `Slice(x, starts, ends, axes, steps)`.
pub(super) fn slice(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let missing = |what: &str| node.error(format!("its {what} are missing"));
    let starts = importer.list(node, "starts", 1)?.ok_or_else(|| missing("starts"))?;
    let ends = importer.list(node, "ends", 2)?.ok_or_else(|| missing("ends"))?;
    let axes = match importer.list(node, "axes", 3)? {
        Some(axes) => axes,
        None => (0..starts.len() as i64).collect(),
    };
    let steps = importer.list(node, "steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(node.error("its starts, ends, axes and steps differ in number"));
    }
    let mut shape = from.clone();
    let mut index = vec![Vec::new(); from.len()];
    for (axis, index) in index.iter_mut().enumerate() {
        *index = (0..from[axis]).collect();
    }
    for (((&axis, &start), &end), &step) in axes.iter().zip(&starts).zip(&ends).zip(&steps) {
        let axis = node.resolve_axis(axis, from.len())?;
        let len = i64::try_from(from[axis]).expect("dimensions are within limits");
        if step == 0 {
            return Err(node.error("a step is 0"));
        }
        let from_end = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
        let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
        let start = from_end(start).clamp(low.max(0), high);
        let end = from_end(end).clamp(low, high);
        let mut picked = Vec::new();
        let mut at = start;
        while if step > 0 { at < end } else { at > end } {
            picked.push(usize::try_from(at).expect("positions are clamped to the axis"));
            at = at.saturating_add(step);
        }
        shape[axis] = picked.len();
        index[axis] = picked;
    }
    let elements = picked_elements(&from, shape, &index);
    Ok(vec![importer.view_of_one(node, x, elements)?])
}

/// The elements whose index along each axis is picked.
fn picked_elements(from: &[usize], shape: Vec<usize>, picked: &[Vec<usize>]) -> Elements {
    let from = strides(from);
    let mut positions = vec![0];
    for (axis, picked) in picked.iter().enumerate() {
        positions = positions
            .iter()
            .flat_map(|&base| picked.iter().map(move |&i| (base, i)))
            .map(|(base, i)| base + i * from[axis])
            .collect();
    }
    Elements::of_one(shape, &positions)
}

/// `Split(x, split)`.
pub(super) fn split(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let axis = node.resolve_axis(node.int("axis").unwrap_or(0), from.len())?;
    let outputs = node.proto.output.len();
    let sizes = match importer.list(node, "split", 1)? {
        Some(sizes) => sizes
            .iter()
            .map(|&size| usize::try_from(size).map_err(|_| node.error(format!("part of {size}"))))
            .collect::<Result<Vec<_>, _>>()?,
        None => {
            let size = from[axis].div_ceil(outputs.max(1));
            (0..outputs).map(|i| from[axis].saturating_sub(i * size).min(size)).collect()
        }
    };
    let total = sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size));
    if sizes.len() != outputs || total != Some(from[axis]) {
        return Err(
            node.error(format!("an axis of length {} cannot be split into {sizes:?}", from[axis]))
        );
    }
    let mut start = 0;
    let mut parts = Vec::new();
    for size in sizes {
        let mut shape = from.clone();
        shape[axis] = size;
        let index = strided_index(&shape, &strides(&from), start * strides(&from)[axis]);
        parts.push(importer.view_of_one(node, x.clone(), Elements::of_one(shape, &index))?);
        start += size;
    }
    Ok(parts)
}

/// `Gather(x, indices)` with known indices.
pub(super) fn gather(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let axis = node.resolve_axis(node.int("axis").unwrap_or(0), from.len())?;
    let indices = importer.constant(node, 1)?;
    let picked = indices
        .integers()
        .ok_or_else(|| node.error("its indices are not integers"))?
        .iter()
        .map(|&index| node.resolve_axis(index, from[axis]))
        .collect::<Result<Vec<_>, _>>()?;
    let mut shape = from[..axis].to_vec();
    shape.extend_from_slice(&indices.shape);
    shape.extend_from_slice(&from[axis + 1..]);
    limits::elements(node.name(), &shape)?;
    let mut index: Vec<Vec<usize>> = from.iter().map(|&dim| (0..dim).collect()).collect();
    index[axis] = picked;
    let elements = picked_elements(&from, shape, &index);
    Ok(vec![importer.view_of_one(node, x, elements)?])
}

/// `Concat(x, …)` and, with a scale and a zero point each, `QLinearConcat`.
pub(super) fn concat(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let inputs = (0..node.proto.input.len())
        .map(|i| importer.required(node, i))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(constants) = inputs
        .iter()
        .map(|value| if let Value::Constant(constant) = value { Some(constant) } else { None })
        .collect::<Option<Vec<_>>>()
        && constants.iter().all(|constant| matches!(constant.data, Data::Int64(_)))
    {
        // Shapes that exporters compute from parts.
        let values = constants.iter().flat_map(|c| c.integers().unwrap_or_default()).collect();
        if constants.iter().all(|constant| constant.shape.len() == 1) {
            let data = Data::Int64(values);
            let constant = Constant::new(vec![constants.iter().map(|c| c.len()).sum()], data);
            limits::elements(node.name(), &constant.shape)?;
            return Ok(vec![Value::Constant(Rc::new(constant))]);
        }
    }
    let tensors: Option<Vec<TensorId>> = inputs
        .iter()
        .map(|value| if let Value::Integers(tensor) = value { Some(*tensor) } else { None })
        .collect();
    let shapes =
        inputs.iter().map(|value| importer.shape_of(node, value)).collect::<Result<Vec<_>, _>>()?;
    let elements = concatenation(node, &shapes)?;
    if let Some(tensors) = tensors {
        let first = importer.tensor(tensors[0]).quantization;
        if tensors.iter().any(|&tensor| importer.tensor(tensor).quantization != first) {
            return Err(node.unsupported("integers with different scales"));
        }
        let view = importer.emit_view(node, &tensors, elements, node.proto.output.first())?;
        return Ok(vec![Value::Integers(view)]);
    }
    let reals =
        (0..inputs.len()).map(|i| importer.real_input(node, i)).collect::<Result<Vec<_>, _>>()?;
    Ok(vec![Value::Real(importer.view_of_reals(node, &reals, elements)?)])
}

/// `QLinearConcat(Y scale, Y zero point, (X, X scale, X zero point) …)`.
pub(super) fn qlinear_concat(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let count = node.proto.input.len().saturating_sub(2) / 3;
    let reals = (0..count)
        .map(|i| importer.dequantized(node, [2 + 3 * i, 3 + 3 * i, 4 + 3 * i], 1))
        .collect::<Result<Vec<_>, _>>()?;
    let shapes: Vec<_> = reals.iter().map(|&id| importer.real(id).shape.clone()).collect();
    let elements = concatenation(node, &shapes)?;
    let joined = importer.view_of_reals(node, &reals, elements)?;
    let quantization = importer.output_quantization(node, 0, 1, ElementType::Uint8)?;
    importer.quantize_output(node, joined, quantization)
}

fn concatenation(node: NodeView<'_>, shapes: &[Vec<usize>]) -> Result<Elements, ModelError> {
    let first = shapes.first().ok_or_else(|| node.error("it has no inputs"))?;
    let axis = node.int("axis").ok_or_else(|| node.error("attribute `axis` is missing"))?;
    let axis = node.resolve_axis(axis, first.len())?;
    let mut shape = first.clone();
    shape[axis] = 0;
    for other in shapes {
        let fits = other.len() == first.len()
            && (0..first.len()).all(|i| i == axis || other[i] == first[i]);
        if !fits {
            return Err(node.error(format!("{first:?} and {other:?} cannot be joined")));
        }
        shape[axis] += other[axis];
    }
    limits::elements(node.name(), &shape)?;
    let (outer, _, below) = around(&shape, axis);
    let mut elements = Vec::new();
    for o in 0..outer {
        for (input, other) in shapes.iter().enumerate() {
            let len = other[axis] * below;
            elements.extend((0..len).map(|i| element(input, o * len + i)));
        }
    }
    Ok(Elements { shape, view: View::Elements(elements) })
}

/// `Pad(x, pads, value, axes)` with zeros or with the edge.
pub(super) fn pad(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let pads = importer.list(node, "pads", 1)?.ok_or_else(|| node.error("its pads are missing"))?;
    let axes = match importer.list(node, "axes", 3)? {
        Some(axes) => axes
            .iter()
            .map(|&axis| node.resolve_axis(axis, from.len()))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..from.len()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(node.error(format!("it has {} pads for {} axes", pads.len(), axes.len())));
    }
    let mode = node.string("mode")?.unwrap_or("constant");
    if !matches!(mode, "constant" | "edge" | "reflect") {
        return Err(node.unsupported(format!("the mode `{mode}`")));
    }
    // Per axis, which index of the input each index of the output takes.
    let mut picked: Vec<Vec<Option<usize>>> =
        from.iter().map(|&dim| (0..dim).map(Some).collect()).collect();
    for (i, &axis) in axes.iter().enumerate() {
        let dim = i64::try_from(from[axis]).expect("dimensions are within limits");
        let (before, after) = (pads[i], pads[i + axes.len()]);
        let limit = i64::try_from(limits::MAX_ELEMENTS).expect("the limit is below 2^63");
        if before.abs().max(after.abs()) > limit {
            return Err(node.error(format!("it has pads of {before} and {after}")));
        }
        picked[axis] = (-before..dim + after)
            .map(|at| match mode {
                "constant" => usize::try_from(at).ok().filter(|&at| at < from[axis]),
                "edge" => usize::try_from(at.clamp(0, dim - 1)).ok(),
                _ => {
                    let period = (2 * (dim - 1)).max(1);
                    let folded = at.rem_euclid(period);
                    usize::try_from(folded.min(period - folded)).ok().filter(|&at| at < from[axis])
                }
            })
            .collect();
    }
    let shape: Vec<usize> = picked.iter().map(Vec::len).collect();
    limits::elements(node.name(), &shape)?;
    let from_strides = strides(&from);
    let mut positions = vec![Some(0)];
    for (axis, picked) in picked.iter().enumerate() {
        positions = positions
            .iter()
            .flat_map(|&base| picked.iter().map(move |&i| (base, i)))
            .map(|(base, i)| Some(base? + i? * from_strides[axis]))
            .collect();
    }
    let value = importer.optional(node, 2);
    let elements = |fill: i32| {
        let view = positions
            .iter()
            .map(|position| position.map_or(ViewElement::Constant(fill), |at| element(0, at)));
        Elements { shape: shape.clone(), view: View::Elements(view.collect()) }
    };
    match x {
        Value::Integers(tensor) => {
            let fill = match value {
                None => 0,
                Some(Value::Constant(constant)) => match constant.small_integers() {
                    Some(&[fill]) => fill,
                    _ => return Err(node.error("its fill value is not one integer")),
                },
                Some(_) => return Err(node.unsupported("a fill value that is not constant")),
            };
            let (min, max) = importer.tensor(tensor).quantization.element.range();
            if !(min..=max).contains(&fill) {
                return Err(node.error(format!("its fill value is {fill}")));
            }
            let output = node.proto.output.first();
            let view = importer.emit_view(node, &[tensor], elements(fill), output)?;
            Ok(vec![Value::Integers(view)])
        }
        _ => {
            let x = importer.real_input(node, 0)?;
            let fill = match value {
                None => node.float("value", 0.0)?,
                Some(_) => {
                    let fill = importer.real_input(node, 2)?;
                    importer
                        .uniform(fill)
                        .ok_or_else(|| node.unsupported("a fill value that is not constant"))?
                }
            };
            let RealKind::Activation(tensor) = importer.real(x).kind else {
                let view = importer.filled_view(node, x, &positions, shape.clone(), fill)?;
                return Ok(vec![Value::Real(view)]);
            };
            let fill = importer.tensor(tensor).quantization.quantize(fill);
            let view = importer.view_of_reals(node, &[x], elements(fill))?;
            Ok(vec![Value::Real(view)])
        }
    }
}

/// `Resize(x, roi, scales, sizes)` by nearest neighbour, and `Upsample`.
pub(super) fn resize(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let mode = node.string("mode")?.unwrap_or("nearest");
    if mode != "nearest" {
        return Err(node.unsupported(format!("the mode `{mode}`")));
    }
    if node.ints("axes").is_some() {
        return Err(node.unsupported("the attribute `axes`"));
    }
    // Up to operator set 10, positions are divided and rounded down.
    let is_old = node.operator() == "Upsample" || importer.opset < 11;
    let (transform, rounding) = if is_old {
        ("asymmetric", "floor")
    } else {
        (
            node.string("coordinate_transformation_mode")?.unwrap_or("half_pixel"),
            node.string("nearest_mode")?.unwrap_or("round_prefer_floor"),
        )
    };
    let sizes = importer.list(node, "", 3)?.filter(|sizes| !sizes.is_empty());
    let scales = importer.optional_constant(node, if is_old { 1 } else { 2 })?;
    let scales = scales
        .as_ref()
        .and_then(|c| c.floats())
        .or_else(|| node.attribute("scales").map(|attribute| attribute.floats.as_slice()))
        .filter(|scales| !scales.is_empty());
    let mut shape = Vec::new();
    let mut factors = Vec::new();
    for (axis, &dim) in from.iter().enumerate() {
        let dim_f64 = f64::from(u32::try_from(dim).expect("dimensions are within limits"));
        match (&sizes, scales) {
            (Some(sizes), _) if sizes.len() == from.len() => {
                let size = u32::try_from(sizes[axis])
                    .map_err(|_| node.error(format!("it has the size {}", sizes[axis])))?;
                shape.push(usize_of(size));
                factors.push(f64::from(size) / dim_f64);
            }
            (None, Some(scales)) if scales.len() == from.len() => {
                let scale = f64::from(scales[axis]);
                let size = (dim_f64 * scale).floor();
                if !(0.0..4e9).contains(&size) || !scale.is_finite() {
                    return Err(node.error(format!("it has the scale {scale}")));
                }
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                shape.push(size as usize);
                factors.push(scale);
            }
            _ => return Err(node.error("it needs one scale or size per axis")),
        }
    }
    limits::elements(node.name(), &shape)?;
    let mut picked = Vec::new();
    for (axis, &size) in shape.iter().enumerate() {
        let (dim, factor) = (from[axis], factors[axis]);
        let last = dim.saturating_sub(1);
        let mut index = Vec::with_capacity(size);
        for i in 0..size {
            let i = f64::from(u32::try_from(i).expect("dimensions are within limits"));
            let span = f64::from(u32::try_from(size).expect("dimensions are within limits")) - 1.0;
            let at = match transform {
                _ if dim == size => i,
                "half_pixel" => (i + 0.5) / factor - 0.5,
                "pytorch_half_pixel" if size == 1 => 0.0,
                "pytorch_half_pixel" => (i + 0.5) / factor - 0.5,
                "asymmetric" => i / factor,
                "align_corners" if size == 1 => 0.0,
                "align_corners" => {
                    i * f64::from(u32::try_from(last).expect("dimensions are within limits")) / span
                }
                other => return Err(node.unsupported(format!("the transformation `{other}`"))),
            };
            let nearest = match rounding {
                "round_prefer_floor" => (at - 0.5).ceil(),
                "round_prefer_ceil" => (at + 0.5).floor(),
                "floor" => at.floor(),
                "ceil" => at.ceil(),
                other => return Err(node.unsupported(format!("the rounding `{other}`"))),
            };
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            index.push((nearest.max(0.0) as usize).min(last));
        }
        picked.push(index);
    }
    let elements = picked_elements(&from, shape, &picked);
    Ok(vec![importer.view_of_one(node, x, elements)?])
}

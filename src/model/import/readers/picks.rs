//! Operators that pick elements: Slice, Split, Gather, GatherElements, GatherND, Tile, Resize.

use crate::model::import::{
    Importer, NodeView, Value,
    expression::Elements,
    shape::{strided_index, strides},
};
use crate::model::{ModelError, limits, resizing::Asked};

/// `Slice(x, starts, ends, axes, steps)`.
pub(in crate::model::import) fn slice(
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
pub(in crate::model::import) fn split(
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
pub(in crate::model::import) fn gather(
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

/// `GatherElements(x, indices)` with known indices.
pub(in crate::model::import) fn gather_elements(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let axis = node.resolve_axis(node.int("axis").unwrap_or(0), from.len())?;
    let indices = importer.constant(node, 1)?;
    let picked = indices.integers().ok_or_else(|| node.error("its indices are not integers"))?;
    let shape = indices.shape.clone();
    let fits = shape.len() == from.len()
        && (0..from.len()).all(|other| other == axis || shape[other] <= from[other]);
    if !fits {
        return Err(node.error(format!("its indices have the shape {shape:?}, its input {from:?}")));
    }
    let mut steps = strides(&from);
    let step = std::mem::replace(&mut steps[axis], 0);
    let mut index = strided_index(&shape, &steps, 0);
    for (at, &picked) in index.iter_mut().zip(&picked) {
        *at += node.resolve_axis(picked, from[axis])? * step;
    }
    Ok(vec![importer.view_of_one(node, x, Elements::of_one(shape, &index))?])
}

/// `GatherND(x, indices)` with known indices.
pub(in crate::model::import) fn gather_nd(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let batch_dims = usize::try_from(node.int("batch_dims").unwrap_or(0))
        .map_err(|_| node.error("attribute `batch_dims` is negative"))?;
    let (shape, index) = places_of_tuples(importer, node, &from, batch_dims)?;
    Ok(vec![importer.view_of_one(node, x, Elements::of_one(shape, &index))?])
}

/// The elements that known tuples of indices, in a node's second input, mean, and their shape. The first axes of both
/// count batches, in which tuples mean elements of their own batch.
pub(super) fn places_of_tuples(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
    from: &[usize],
    batch_dims: usize,
) -> Result<(Vec<usize>, Vec<usize>), ModelError> {
    let indices = importer.constant(node, 1)?;
    let values = indices.integers().ok_or_else(|| node.error("its indices are not integers"))?;
    let of_indices = || node.error(format!("its indices have the shape {:?}", indices.shape));
    let (&depth, tuples) = indices.shape.split_last().ok_or_else(of_indices)?;
    let (batches, rest) = from.split_at_checked(batch_dims).ok_or_else(of_indices)?;
    let per_batch = tuples.strip_prefix(batches).ok_or_else(of_indices)?;
    if !(1..=rest.len()).contains(&depth) {
        return Err(of_indices());
    }
    let [per_batch, batch, below] =
        [per_batch, rest, &rest[depth..]].map(|shape| shape.iter().product::<usize>());
    let mut shape = tuples.to_vec();
    shape.extend_from_slice(&rest[depth..]);
    limits::elements(node.name(), &shape)?;
    let steps = strides(rest);
    let mut index = Vec::new();
    for (number, place) in values.chunks(depth).enumerate() {
        let mut start = number / per_batch.max(1) * batch;
        for (axis, &at) in place.iter().enumerate() {
            start += node.resolve_axis(at, rest[axis])? * steps[axis];
        }
        index.extend(start..start + below);
    }
    Ok((shape, index))
}

/// `Tile(x, repeats)`.
pub(in crate::model::import) fn tile(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let repeats =
        importer.list(node, "", 1)?.ok_or_else(|| node.error("its repeats are missing"))?;
    if repeats.len() != from.len() {
        return Err(node.error(format!("it has {} repeats for {from:?}", repeats.len())));
    }
    let mut shape = Vec::new();
    for (&dim, &repeat) in from.iter().zip(&repeats) {
        let repeat = usize::try_from(repeat)
            .map_err(|_| node.error(format!("it repeats {repeat} times")))?;
        shape.push(dim.saturating_mul(repeat));
    }
    limits::elements(node.name(), &shape)?;
    let picked: Vec<Vec<usize>> =
        shape.iter().zip(&from).map(|(&dim, &own)| (0..dim).map(|i| i % own).collect()).collect();
    let elements = picked_elements(&from, shape, &picked);
    Ok(vec![importer.view_of_one(node, x, elements)?])
}

/// `Resize(x, roi, scales, sizes)` by nearest neighbour, and `Upsample`.
pub(in crate::model::import) fn resize(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let mode = node.string("mode")?.unwrap_or("nearest");
    if mode != "nearest" {
        return Err(node.unsupported(format!("the mode `{mode}`")));
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
    let asked = Asked {
        axes: node.ints("axes"),
        sizes: sizes.as_deref(),
        scales,
        policy: node.string("keep_aspect_ratio_policy")?.unwrap_or("stretch"),
        region: None,
    };
    let axes = asked.of(&from).ok_or_else(|| {
        node.error("its scales or sizes are not those of its axes, or not within limits")
    })?;
    let shape: Vec<usize> = axes.iter().map(|axis| axis.after).collect();
    limits::elements(node.name(), &shape)?;
    let mut picked = Vec::new();
    for axis in &axes {
        let last = axis.before.saturating_sub(1);
        let mut index = Vec::with_capacity(axis.after);
        for i in 0..axis.after {
            let at = match transform {
                "tf_crop_and_resize" => None,
                other => axis.position(other, i),
            };
            let at =
                at.ok_or_else(|| node.unsupported(format!("the transformation `{transform}`")))?;
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

//! Elements of an input in some places, other values in the rest: Pad, Trilu, Where, ScatterElements, ScatterND.

use std::rc::Rc;

use super::picks::places_of_tuples;
use crate::model::import::{
    Constant, Importer, NodeView, RealId, RealKind, Value,
    constant::Data,
    expression::{Elements, element},
    shape::{broadcast, broadcast_index, strided_index, strides},
};
use crate::model::{ModelError, View, ViewElement, limits};

/// `Where(condition, x, y)`.
pub(in crate::model::import) fn choose(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let condition = importer.required(node, 0)?;
    let (x, y) = (importer.real_input(node, 1)?, importer.real_input(node, 2)?);
    let shapes = [importer.shape_of(node, &condition)?, importer.real(x).shape.clone()];
    let shape = broadcast(node, &shapes[0], &shapes[1])?;
    let y_shape = importer.real(y).shape.clone();
    let shape = broadcast(node, &shape, &y_shape)?;
    if let Value::Constant(constant) = &condition {
        let Data::Bool(truths) = &constant.data else {
            return Err(node.error("its condition is not made of truth values"));
        };
        let truths: Vec<bool> =
            broadcast_index(&shapes[0], &shape).iter().map(|&i| truths[i]).collect();
        let from = [broadcast_index(&shapes[1], &shape), broadcast_index(&y_shape, &shape)];
        let elements = truths.iter().enumerate().map(|(i, &truth)| {
            let input = usize::from(!truth);
            element(input, from[input][i])
        });
        let elements = Elements { shape, view: View::Elements(elements.collect()) };
        return Ok(vec![Value::Real(importer.view_of_reals(node, &[x, y], elements)?)]);
    }
    let Value::Real(condition) = condition else {
        return Err(node.error("its condition is not made of truth values"));
    };
    let mut operands = [condition, x, y];
    for operand in &mut operands {
        *operand = importer.expanded(node, *operand, &shape)?;
    }
    Ok(vec![Value::Real(importer.expression(
        node,
        shape,
        RealKind::Select(operands),
        &operands,
    )?)])
}

/// `Trilu(x, k)`.
pub(in crate::model::import) fn trilu(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let shape = importer.real(x).shape.clone();
    let &[.., rows, columns] = shape.as_slice() else {
        return Err(node.error(format!("its input has the shape {shape:?}")));
    };
    let k = match importer.optional_constant(node, 1)?.and_then(|constant| constant.integers()) {
        None => 0,
        Some(k) => k.first().copied().unwrap_or(0),
    };
    let is_upper = node.int("upper").unwrap_or(1) != 0;
    let signed = |at: usize| i64::try_from(at).expect("dimensions are within limits");
    let positions: Vec<Option<usize>> = (0..shape.iter().product())
        .map(|at| {
            let (row, column) = (signed(at / columns % rows), signed(at % columns));
            let diagonal = column - row;
            let is_kept = if is_upper { diagonal >= k } else { diagonal <= k };
            is_kept.then_some(at)
        })
        .collect();
    Ok(vec![Value::Real(importer.filled_view(node, x, &positions, shape, 0.0)?)])
}

/// `ScatterElements(data, indices, updates)` with known indices.
pub(in crate::model::import) fn scatter_elements(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let shape = importer.shape_of(node, &importer.required(node, 0)?)?;
    let axis = node.resolve_axis(node.int("axis").unwrap_or(0), shape.len())?;
    let indices = importer.constant(node, 1)?;
    let picked = indices.integers().ok_or_else(|| node.error("its indices are not integers"))?;
    let own = &indices.shape;
    let fits = own.len() == shape.len()
        && (0..shape.len()).all(|other| other == axis || own[other] <= shape[other]);
    if !fits {
        return Err(node.error(format!("its indices have the shape {own:?}, its input {shape:?}")));
    }
    let mut steps = strides(&shape);
    let step = std::mem::replace(&mut steps[axis], 0);
    let mut places = strided_index(own, &steps, 0);
    for (at, &picked) in places.iter_mut().zip(&picked) {
        *at += node.resolve_axis(picked, shape[axis])? * step;
    }
    scattered(importer, node, shape, &places)
}

/// `ScatterND(data, indices, updates)` with known indices.
pub(in crate::model::import) fn scatter_nd(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let shape = importer.shape_of(node, &importer.required(node, 0)?)?;
    let places = places_of_tuples(importer, node, &shape, 0)?.1;
    scattered(importer, node, shape, &places)
}

/// The data with the updates in these places.
fn scattered(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
    shape: Vec<usize>,
    places: &[usize],
) -> Result<Vec<Value>, ModelError> {
    match node.string("reduction")?.unwrap_or("none") {
        "none" => {}
        other => return Err(node.unsupported(format!("the reduction `{other}`"))),
    }
    let (data, updates) = (importer.real_input(node, 0)?, importer.real_input(node, 2)?);
    let is_constant = |id| importer.constant_reals(id).is_some();
    if is_constant(data) && is_constant(updates) {
        return Err(node.unsupported("updates of a constant by a constant"));
    }
    let given: usize = importer.real(updates).shape.iter().product();
    if given != places.len() {
        return Err(node.error(format!("it has {given} updates for {} places", places.len())));
    }
    let mut elements: Vec<_> = (0..shape.iter().product()).map(|at| element(0, at)).collect();
    let mut is_taken = vec![false; elements.len()];
    for (update, &at) in places.iter().enumerate() {
        // Which of two comes last is not said.
        if std::mem::replace(&mut is_taken[at], true) {
            return Err(node.unsupported("two updates of one place"));
        }
        elements[at] = element(1, update);
    }
    let elements = Elements { shape, view: View::Elements(elements) };
    Ok(vec![Value::Real(importer.view_of_reals(node, &[data, updates], elements)?)])
}

/// `Pad(x, pads, value, axes)` with zeros or with the edge.
pub(in crate::model::import) fn pad(
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
    if !matches!(mode, "constant" | "edge" | "reflect" | "wrap") {
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
                "wrap" => usize::try_from(at.rem_euclid(dim)).ok(),
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

impl Importer<'_> {
    /// Elements of an expression by position, and a constant in the other places.
    pub(in crate::model::import) fn filled_view(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
        positions: &[Option<usize>],
        shape: Vec<usize>,
        fill: f32,
    ) -> Result<RealId, ModelError> {
        let constant = Rc::new(Constant::new(vec![1], Data::Float(vec![fill])));
        let fill = self.expression(node, vec![1], RealKind::Constant(constant), &[])?;
        let elements = positions.iter().map(|at| at.map_or(element(1, 0), |at| element(0, at)));
        let elements = Elements { shape, view: View::Elements(elements.collect()) };
        self.view_of_reals(node, &[x, fill], elements)
    }
}

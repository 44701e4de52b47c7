//! Operators that only move elements: Reshape, Transpose, Slice, Concat, Pad, Gather, Resize, …

use std::rc::Rc;

use super::{
    Constant, Importer, NodeView, RealId, RealKind, Value,
    constant::Data,
    real::Weights,
    shape::{around, broadcast, broadcast_index, strided_index, strides},
};
use crate::model::{ModelError, Operator, Origin, Tensor, TensorId, View, ViewElement, limits};

/// Where the elements of a view come from, before it is known what they are.
#[derive(Clone, Debug)]
pub(super) struct Elements {
    pub shape: Vec<usize>,
    pub view: View,
}

impl Elements {
    fn reshape(shape: Vec<usize>) -> Self {
        Self { shape, view: View::Reshape }
    }

    /// Elements of one input by position.
    fn of_one(shape: Vec<usize>, index: &[usize]) -> Self {
        let view = View::Elements(index.iter().map(|&index| element(0, index)).collect());
        Self { shape, view }
    }

    /// Whether all elements stay where they are.
    fn is_reshape(&self, input_len: usize) -> bool {
        match &self.view {
            View::Reshape => true,
            View::Elements(elements) => {
                elements.len() == input_len
                    && elements.iter().enumerate().all(|(i, &from)| from == element(0, i))
            }
        }
    }
}

/// An element of an input. Positions are below the limit of elements, which fits 32 bits.
fn element(input: usize, index: usize) -> ViewElement {
    ViewElement::Input {
        input: u32::try_from(input).expect("nodes have fewer than 2^32 inputs"),
        index: u32::try_from(index).expect("tensors have fewer than 2^32 elements"),
    }
}

/// A position as an index.
fn usize_of(position: u32) -> usize {
    usize::try_from(position).expect("32 bits fit an index")
}

impl Importer<'_> {
    /// The shape of an input of any kind.
    pub(super) fn shape_of(
        &self,
        node: NodeView<'_>,
        value: &Value,
    ) -> Result<Vec<usize>, ModelError> {
        match value {
            Value::Constant(constant) => Ok(constant.shape.clone()),
            Value::Integers(tensor) => Ok(self.tensor(*tensor).shape.clone()),
            Value::Real(id) => Ok(self.real(*id).shape.clone()),
            Value::Unknown => Err(node.error("it uses the output of an unsupported node")),
        }
    }

    /// A view of one value of any kind.
    fn view_of_one(
        &mut self,
        node: NodeView<'_>,
        value: Value,
        elements: Elements,
    ) -> Result<Value, ModelError> {
        limits::elements(node.name(), &elements.shape)?;
        if let Value::Integers(_) = value {
            self.count_view(node, &elements)?;
        }
        match value {
            Value::Constant(constant) => Ok(Value::Constant(Rc::new(match &elements.view {
                View::Reshape => Constant::new(elements.shape, constant.data.clone()),
                View::Elements(from) => {
                    let index = positions(node, from)?;
                    self.count_elements(node.name(), index.len())?;
                    constant.gather(elements.shape, &index)
                }
            }))),
            Value::Integers(tensor) => {
                let view = self.emit_view(node, &[tensor], elements, node.proto.output.first())?;
                Ok(Value::Integers(view))
            }
            Value::Real(id) => Ok(Value::Real(self.view_of_reals(node, &[id], elements)?)),
            Value::Unknown => Err(node.error("it uses the output of an unsupported node")),
        }
    }

    /// Counts the elements of an index map, which takes time and memory also where it changes nothing.
    fn count_view(&mut self, node: NodeView<'_>, elements: &Elements) -> Result<(), ModelError> {
        match &elements.view {
            View::Reshape => Ok(()),
            View::Elements(elements) => self.count_elements(node.name(), elements.len()),
        }
    }

    /// A view of float expressions.
    pub(super) fn view_of_reals(
        &mut self,
        node: NodeView<'_>,
        inputs: &[RealId],
        elements: Elements,
    ) -> Result<RealId, ModelError> {
        self.count_view(node, &elements)?;
        let activations: Option<Vec<TensorId>> = inputs
            .iter()
            .map(|&id| match self.real(id).kind {
                RealKind::Activation(tensor) => Some(tensor),
                _ => None,
            })
            .collect();
        if let Some(activations) = activations {
            let quantization = self.tensor(activations[0]).quantization;
            if activations.iter().all(|&tensor| self.tensor(tensor).quantization == quantization) {
                let shape = elements.shape.clone();
                let view =
                    self.emit_view(node, &activations, elements, node.proto.output.first())?;
                return self.expression(node, shape, RealKind::Activation(view), &[]);
            }
        }
        if let [input] = inputs
            && let RealKind::Weights(weights) = &self.real(*input).kind
        {
            let weights = view_of_weights(node, weights, &elements)?;
            self.count_elements(node.name(), weights.values.len())?;
            let shape = weights.shape.clone();
            return self.expression(node, shape, RealKind::Weights(Rc::new(weights)), &[]);
        }
        if let [input] = inputs
            && let RealKind::Constant(constant) = &self.real(*input).kind
        {
            let value = Value::Constant(Rc::clone(constant));
            let Value::Constant(constant) = self.view_of_one(node, value, elements)? else {
                unreachable!("a view of a constant is a constant");
            };
            let shape = constant.shape.clone();
            return self.expression(node, shape, RealKind::Constant(constant), &[]);
        }
        let shape = elements.shape.clone();
        let kind = RealKind::View(Rc::new(elements), inputs.to_vec());
        self.expression(node, shape, kind, inputs)
    }

    /// Makes the node of a view, unless it would change nothing.
    pub(super) fn emit_view(
        &mut self,
        node: NodeView<'_>,
        inputs: &[TensorId],
        elements: Elements,
        output: Option<&String>,
    ) -> Result<TensorId, ModelError> {
        let first = self.tensor(inputs[0]).clone();
        let view = if inputs.len() == 1 && elements.is_reshape(first.len()) {
            if first.shape == elements.shape {
                return Ok(inputs[0]);
            }
            View::Reshape
        } else {
            elements.view
        };
        let output = Tensor {
            name: output.cloned().unwrap_or_default(),
            shape: elements.shape,
            quantization: first.quantization,
        };
        let origin = Origin { operator: node.operator().to_owned(), ..Origin::default() };
        self.add_node(node.name(), Operator::View(view), inputs.to_vec(), output, origin)
    }

    /// Expands an expression to a shape that its own broadcasts to.
    pub(super) fn expanded(
        &mut self,
        node: NodeView<'_>,
        id: RealId,
        shape: &[usize],
    ) -> Result<RealId, ModelError> {
        let from = self.real(id).shape.clone();
        if from == shape {
            return Ok(id);
        }
        let elements = if from.iter().product::<usize>() == shape.iter().product::<usize>() {
            Elements::reshape(shape.to_vec())
        } else {
            Elements::of_one(shape.to_vec(), &broadcast_index(&from, shape))
        };
        self.view_of_reals(node, &[id], elements)
    }

    /// An expression with its axes in another order.
    pub(super) fn transposed(
        &mut self,
        node: NodeView<'_>,
        id: RealId,
        permutation: &[usize],
    ) -> Result<RealId, ModelError> {
        let elements = transposition(&self.real(id).shape, permutation);
        self.view_of_reals(node, &[id], elements)
    }

    /// Integers from an attribute (older operator sets) or else an input (newer ones).
    fn list(
        &self,
        node: NodeView<'_>,
        attribute: &str,
        input: usize,
    ) -> Result<Option<Vec<i64>>, ModelError> {
        if let Some(values) = node.ints(attribute) {
            return Ok(Some(values.to_vec()));
        }
        self.optional_constant(node, input)?
            .map(|constant| {
                constant.integers().ok_or_else(|| {
                    node.error(format!(
                        "its input `{}` is {}, expected integers",
                        node.input(input).unwrap_or_default(),
                        constant.data.type_name()
                    ))
                })
            })
            .transpose()
    }

    pub(super) fn axes(
        &self,
        node: NodeView<'_>,
        input: usize,
        rank: usize,
    ) -> Result<Option<Vec<usize>>, ModelError> {
        self.list(node, "axes", input)?
            .map(|axes| {
                let mut axes = axes
                    .iter()
                    .map(|&axis| node.resolve_axis(axis, rank))
                    .collect::<Result<Vec<_>, _>>()?;
                axes.sort_unstable();
                axes.dedup();
                Ok(axes)
            })
            .transpose()
    }
}

fn positions(node: NodeView<'_>, elements: &[ViewElement]) -> Result<Vec<usize>, ModelError> {
    elements
        .iter()
        .map(|element| match element {
            ViewElement::Input { index, .. } => Ok(usize_of(*index)),
            ViewElement::Constant(_) => Err(node.unsupported("padding of a constant")),
        })
        .collect()
}

/// Moves a constant's elements, with the scales that belong to them.
fn view_of_weights(
    node: NodeView<'_>,
    weights: &Weights,
    elements: &Elements,
) -> Result<Weights, ModelError> {
    let index = match &elements.view {
        View::Reshape => (0..weights.values.len()).collect(),
        View::Elements(from) => positions(node, from)?,
    };
    let mut result = Weights {
        shape: elements.shape.clone(),
        values: index.iter().map(|&i| weights.values[i]).collect(),
        scales: weights.scales.clone(),
        zero_points: weights.zero_points.clone(),
        axis: 0,
        parameters: weights.parameters,
    };
    if weights.scales.len() > 1 {
        // The channel must still be told by one axis.
        let channels: Vec<usize> = index.iter().map(|&i| weights.channel(i)).collect();
        let axis = (0..elements.shape.len()).find(|&axis| {
            let (_, len, below) = around(&elements.shape, axis);
            let mut of_index = vec![None; len];
            channels
                .iter()
                .enumerate()
                .all(|(i, &channel)| *of_index[i / below % len].get_or_insert(channel) == channel)
        });
        let axis = axis.ok_or_else(|| node.unsupported("scales that vary along two axes"))?;
        let (_, len, below) = around(&elements.shape, axis);
        result.scales = (0..len).map(|i| weights.scales[channels[i * below]]).collect();
        if weights.zero_points.len() > 1 {
            result.zero_points =
                (0..len).map(|i| weights.zero_points[channels[i * below]]).collect();
        }
        result.axis = axis;
    }
    Ok(result)
}

fn transposition(shape: &[usize], permutation: &[usize]) -> Elements {
    let from = strides(shape);
    let steps: Vec<usize> = permutation.iter().map(|&axis| from[axis]).collect();
    let to: Vec<usize> = permutation.iter().map(|&axis| shape[axis]).collect();
    let index = strided_index(&to, &steps, 0);
    Elements::of_one(to, &index)
}

/// `Identity`, `Dropout` at inference.
pub(super) fn identity(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    Ok(vec![importer.required(node, 0)?])
}

/// `Reshape(x, shape)`.
pub(super) fn reshape(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let target =
        importer.list(node, "shape", 1)?.ok_or_else(|| node.error("its new shape is missing"))?;
    let allow_zero = node.flag("allowzero");
    let len: usize = from.iter().product();
    let wrong = || node.error(format!("{from:?} cannot be reshaped to {target:?}"));
    let mut shape = Vec::new();
    let mut inferred = None;
    for (axis, &dim) in target.iter().enumerate() {
        shape.push(match dim {
            -1 if inferred.is_none() => {
                inferred = Some(axis);
                1
            }
            0 if !allow_zero => *from.get(axis).ok_or_else(wrong)?,
            dim => usize::try_from(dim).map_err(|_| wrong())?,
        });
    }
    let known = limits::elements(node.name(), &shape)?;
    if let Some(axis) = inferred {
        shape[axis] = len.checked_div(known).ok_or_else(wrong)?;
    }
    if shape.iter().product::<usize>() != len {
        return Err(wrong());
    }
    Ok(vec![importer.view_of_one(node, x, Elements::reshape(shape))?])
}

/// `Flatten(x)` to two axes.
pub(super) fn flatten(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let axis = match node.int("axis").unwrap_or(1) {
        axis if usize::try_from(axis) == Ok(from.len()) => from.len(),
        axis => node.resolve_axis(axis, from.len())?,
    };
    let shape = vec![from[..axis].iter().product(), from[axis..].iter().product()];
    Ok(vec![importer.view_of_one(node, x, Elements::reshape(shape))?])
}

/// `Squeeze(x, axes)`.
pub(super) fn squeeze(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let axes = importer.axes(node, 1, from.len())?;
    let mut shape = Vec::new();
    for (axis, &dim) in from.iter().enumerate() {
        let removed = axes.as_ref().map_or(dim == 1, |axes| axes.contains(&axis));
        match (removed, dim) {
            (true, 1) => {}
            (true, _) => return Err(node.error(format!("axis {axis} has length {dim}"))),
            (false, _) => shape.push(dim),
        }
    }
    Ok(vec![importer.view_of_one(node, x, Elements::reshape(shape))?])
}

/// `Unsqueeze(x, axes)`.
pub(super) fn unsqueeze(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let count = importer.list(node, "axes", 1)?.map_or(0, |axes| axes.len());
    let rank = from.len() + count;
    if rank > limits::MAX_RANK {
        return Err(node.unsupported(format!("a tensor of rank {rank}")));
    }
    let axes = importer.axes(node, 1, rank)?.unwrap_or_default();
    if axes.len() != count {
        return Err(node.error("its axes occur twice"));
    }
    let mut from = from.into_iter();
    let shape = (0..rank)
        .map(|axis| if axes.contains(&axis) { 1 } else { from.next().unwrap_or(1) })
        .collect();
    Ok(vec![importer.view_of_one(node, x, Elements::reshape(shape))?])
}

/// `Transpose(x)`.
pub(super) fn transpose(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let permutation = match node.ints("perm") {
        None => (0..from.len()).rev().collect(),
        Some(perm) => {
            let perm = perm
                .iter()
                .map(|&axis| node.resolve_axis(axis, from.len()))
                .collect::<Result<Vec<_>, _>>()?;
            let mut sorted = perm.clone();
            sorted.sort_unstable();
            if !sorted.into_iter().eq(0..from.len()) {
                return Err(node.error(format!("{perm:?} is not an order of {} axes", from.len())));
            }
            perm
        }
    };
    let elements = transposition(&from, &permutation);
    Ok(vec![importer.view_of_one(node, x, elements)?])
}

/// `Expand(x, shape)`.
pub(super) fn expand(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let target = importer
        .list(node, "shape", 1)?
        .ok_or_else(|| node.error("its new shape is missing"))?
        .iter()
        .map(|&dim| usize::try_from(dim).map_err(|_| node.error(format!("dimension {dim}"))))
        .collect::<Result<Vec<_>, _>>()?;
    let shape = broadcast(node, &from, &target)?;
    let index = broadcast_index(&from, &shape);
    Ok(vec![importer.view_of_one(node, x, Elements::of_one(shape, &index))?])
}

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
    let quantization =
        importer.output_quantization(node, 0, 1, crate::model::ElementType::Uint8)?;
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
                None => 0.0,
                Some(_) => {
                    let fill = importer.real_input(node, 2)?;
                    importer
                        .uniform(fill)
                        .ok_or_else(|| node.unsupported("a fill value that is not constant"))?
                }
            };
            let RealKind::Activation(tensor) = importer.real(x).kind else {
                return Err(ModelError::NotQuantized {
                    node: node.name().to_owned(),
                    operator: node.qualified_operator(),
                    tensor: node.input(0).unwrap_or_default().to_owned(),
                });
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
    let transform = node.string("coordinate_transformation_mode")?.unwrap_or("half_pixel");
    let rounding = node.string("nearest_mode")?.unwrap_or("round_prefer_floor");
    let sizes = importer.list(node, "", 3)?.filter(|sizes| !sizes.is_empty());
    let scales = importer.optional_constant(node, 2)?;
    let scales = scales.as_ref().and_then(|c| c.floats()).filter(|scales| !scales.is_empty());
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

//! Views, and the operators that give all elements of one input another shape or order: Reshape, Transpose, DepthToSpace, …

use std::rc::Rc;

use crate::model::import::{
    Constant, Data, Importer, NodeView, RealId, RealKind, Value,
    expression::{Elements, Weights},
    shape::{around, broadcast, broadcast_index, strided_index, strides},
};
use crate::model::{ModelError, Operator, Origin, Tensor, TensorId, View, ViewElement, limits};

/// A position as an index.
pub(in crate::model::import) fn usize_of(position: u32) -> usize {
    usize::try_from(position).expect("32 bits fit an index")
}

impl Importer<'_> {
    /// The shape of an input of any kind.
    pub(in crate::model::import) fn shape_of(
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
    pub(in crate::model::import) fn view_of_one(
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
                let is_reshape = elements.is_reshape(self.tensor(tensor).len());
                let view = self.emit_view(node, &[tensor], elements, node.proto.output.first())?;
                if let Some(labels) = self.labels.get(&tensor).cloned() {
                    self.labels.insert(view, labels);
                }
                if let (true, Some(&ranking)) = (is_reshape, self.rankings.get(&tensor)) {
                    self.rankings.insert(view, ranking);
                }
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
    pub(in crate::model::import) fn view_of_reals(
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
                self.moved_in_group(node, &activations, view);
                return self.expression(node, shape, RealKind::Activation(view), &[]);
            }
        }
        if let [input] = inputs
            && let RealKind::Weights(weights) = &self.real(*input).kind
        {
            let weights = view_of_weights(node, weights, &elements)?;
            self.count_derived(node.name(), weights.values.len())?;
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
        // Picked of constants alone, whatever else there is to pick from.
        if let View::Elements(picked) = &elements.view {
            let constants: Vec<_> = inputs.iter().map(|&id| self.constant_reals(id)).collect();
            let values = picked.iter().map(|element| match *element {
                ViewElement::Input { input, index } => {
                    constants.get(usize_of(input))?.as_ref()?.get(usize_of(index)).copied()
                }
                ViewElement::Constant(_) => None,
            });
            if let Some(values) = values.collect() {
                let constant = Rc::new(Constant::new(shape.clone(), Data::Float(values)));
                return self.expression(node, shape, RealKind::Constant(constant), &[]);
            }
        }
        let kind = RealKind::View(Rc::new(elements), inputs.to_vec());
        self.expression(node, shape, kind, inputs)
    }

    /// Makes the node of a view, unless it would change nothing.
    pub(in crate::model::import) fn emit_view(
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
    pub(in crate::model::import) fn expanded(
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
    pub(in crate::model::import) fn transposed(
        &mut self,
        node: NodeView<'_>,
        id: RealId,
        permutation: &[usize],
    ) -> Result<RealId, ModelError> {
        let elements = transposition(&self.real(id).shape, permutation);
        self.view_of_reals(node, &[id], elements)
    }

    /// Integers from an attribute (older operator sets) or else an input (newer ones).
    pub(in crate::model::import) fn list(
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

    pub(in crate::model::import) fn axes(
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
        values: weights.values.gather(&index),
        scales: weights.scales.clone(),
        zero_points: weights.zero_points.clone(),
        element: weights.element,
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
pub(in crate::model::import) fn identity(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    if node.operator() == "Dropout"
        && let Some(mode) = importer.optional_constant(node, 2)?
        && !matches!(&mode.data, Data::Bool(truths) if truths.iter().all(|truth| !truth))
    {
        return Err(node.unsupported("training"));
    }
    Ok(vec![importer.required(node, 0)?])
}

/// `Reshape(x, shape)`.
pub(in crate::model::import) fn reshape(
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
pub(in crate::model::import) fn flatten(
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
pub(in crate::model::import) fn squeeze(
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
pub(in crate::model::import) fn unsqueeze(
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
pub(in crate::model::import) fn transpose(
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
pub(in crate::model::import) fn expand(
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

/// `DepthToSpace(x)` and `SpaceToDepth(x)`.
pub(in crate::model::import) fn depth_and_space(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let size = usize::try_from(node.int("blocksize").unwrap_or(0)).unwrap_or(0);
    let &[n, channels, height, width] = from.as_slice() else {
        return Err(node.error(format!("its input has the shape {from:?}")));
    };
    let area = size.checked_mul(size).filter(|&area| area > 0);
    let area = area.ok_or_else(|| node.error(format!("its block size is {size}")))?;
    let is_channel_first = match node.string("mode")?.unwrap_or("DCR") {
        "DCR" => false,
        "CRD" => true,
        other => return Err(node.unsupported(format!("the mode `{other}`"))),
    };
    // How the input is cut, in which order the pieces come, and what shape they make.
    let (cut, order, shape) = if node.operator() == "SpaceToDepth" {
        if height % size + width % size > 0 {
            return Err(node.error(format!("{from:?} has no blocks of {size}")));
        }
        let [rows, columns] = [height / size, width / size];
        let cut = [n, channels, rows, size, columns, size];
        let order = if is_channel_first { [0, 1, 3, 5, 2, 4] } else { [0, 3, 5, 1, 2, 4] };
        (cut, order, vec![n, channels * area, rows, columns])
    } else {
        if channels % area > 0 {
            return Err(node.error(format!("{from:?} has no blocks of {size}")));
        }
        let shape = vec![n, channels / area, height * size, width * size];
        if is_channel_first {
            ([n, channels / area, size, size, height, width], [0, 1, 4, 2, 5, 3], shape)
        } else {
            ([n, size, size, channels / area, height, width], [0, 3, 4, 1, 5, 2], shape)
        }
    };
    let own = strides(&cut);
    let to: Vec<usize> = order.iter().map(|&axis| cut[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| own[axis]).collect();
    let index = strided_index(&to, &steps, 0);
    Ok(vec![importer.view_of_one(node, x, Elements::of_one(shape, &index))?])
}

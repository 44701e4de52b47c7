//! QuantizeLinear and DequantizeLinear, as nodes and as the scale and zero point inputs of quantized
//! operators.

use std::rc::Rc;

use crate::model::import::{
    Constant, Data, Importer, NodeView, RealId, RealKind, Value,
    expression::{WeightValues, Weights},
};
use crate::model::{
    ElementType, ModelError, Operator, Origin, Quantization, Tensor, TensorId, View,
};

/// `QuantizeLinear(x, scale, zero point)`.
pub(in crate::model::import) fn quantize_linear(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let scale = importer.scales(node, 1)?;
    let zero_point = importer.optional_constant(node, 2)?;
    let element = match &zero_point {
        Some(constant) => constant
            .data
            .element()
            .ok_or_else(|| node.unsupported(format!("the type {}", constant.data.type_name())))?,
        None => match node.int("output_dtype").unwrap_or(0) {
            0 | 2 => ElementType::Uint8,
            3 => ElementType::Int8,
            other => return Err(node.unsupported(format!("output type {other}"))),
        },
    };
    if let Value::Constant(constant) = &x {
        return Ok(vec![Value::Constant(Rc::new(fold(
            node,
            constant,
            &scale,
            zero_point.as_deref(),
            element,
        )?))]);
    }
    let x = importer.real_input(node, 0)?;
    let quantization = Quantization {
        scale: importer.single(node, &scale)?,
        zero_point: importer.zero_point(node, zero_point.as_deref())?,
        element,
    };
    if importer.is_float {
        return Ok(vec![importer.rounded(node, x, Some(quantization))?]);
    }
    let output = node.proto.output.first().map_or("", String::as_str);
    importer.begin_group(x, quantization);
    let tensor = importer.quantize(x, quantization, output);
    importer.end_group(tensor.as_ref().ok().copied());
    Ok(vec![Value::Integers(tensor?)])
}

/// `DynamicQuantizeLinear(x)` of a float model: the integers of a range that each inference finds, as reals.
pub(in crate::model::import) fn dynamic_quantize_linear(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    if !importer.is_float {
        return Err(node.unsupported("a scale that each inference finds anew"));
    }
    let x = importer.real_input(node, 0)?;
    let constant = |data| Value::Constant(Rc::new(Constant::new(Vec::new(), data)));
    let unit = [constant(Data::Float(vec![1.0])), constant(Data::Uint8(vec![0]))];
    let [scale, zero_point] = unit;
    Ok(vec![importer.rounded(node, x, None)?, scale, zero_point])
}

/// `DequantizeLinear(x, scale, zero point)`.
pub(in crate::model::import) fn dequantize_linear(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    if node.int("block_size").unwrap_or(0) != 0 {
        return Err(node.unsupported("quantization by blocks"));
    }
    let x = importer.required(node, 0)?;
    if let Value::Real(id) = x
        && matches!(importer.real(id).kind, RealKind::Rounded(..))
    {
        return Ok(vec![x]);
    }
    let axis = node.int("axis").unwrap_or(1);
    Ok(vec![Value::Real(importer.dequantized(node, [0, 1, 2], axis)?)])
}

/// Quantizes a constant.
fn fold(
    node: NodeView<'_>,
    constant: &Constant,
    scales: &[f32],
    zero_point: Option<&Constant>,
    element: ElementType,
) -> Result<Constant, ModelError> {
    let reals = constant.floats().ok_or_else(|| {
        node.error(format!("its input is {}, expected float32", constant.data.type_name()))
    })?;
    let channel = channels(node, &constant.shape, scales.len(), node.int("axis").unwrap_or(1))?;
    let zero_points = zero_point.and_then(Constant::small_integers).unwrap_or(&[0]);
    if zero_points.len() != 1 && zero_points.len() != scales.len() {
        return Err(node.error("it has another number of zero points than of scales"));
    }
    let values = reals
        .iter()
        .enumerate()
        .map(|(i, &real)| {
            let channel = channel(i);
            let zero_point = zero_points[if zero_points.len() == 1 { 0 } else { channel }];
            Quantization { scale: scales[channel], zero_point, element }.quantize(real)
        })
        .collect();
    let data = match element {
        ElementType::Int8 => Data::Int8(values),
        _ => Data::Uint8(values),
    };
    Ok(Constant::new(constant.shape.clone(), data))
}

/// The channel of each element: its index along `axis` if there is more than one scale.
fn channels(
    node: NodeView<'_>,
    shape: &[usize],
    scales: usize,
    axis: i64,
) -> Result<impl Fn(usize) -> usize + use<>, ModelError> {
    let (below, dim) = if scales == 1 {
        (1, 1)
    } else {
        let axis = node.resolve_axis(axis, shape.len())?;
        if shape[axis] != scales {
            return Err(node.error(format!("it has {scales} scales for {} channels", shape[axis])));
        }
        (shape[axis + 1..].iter().product(), shape[axis])
    };
    Ok(move |element: usize| if dim == 1 { 0 } else { element / below % dim })
}

impl Importer<'_> {
    /// Reals that integers stand for, where a model is computed in floats.
    fn rounded(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
        quantization: Option<Quantization>,
    ) -> Result<Value, ModelError> {
        let shape = self.real(x).shape.clone();
        let kind = RealKind::Rounded(x, quantization);
        Ok(Value::Real(self.expression(node, shape, kind, &[x])?))
    }

    /// Scales: a constant of positive floats.
    pub(in crate::model::import) fn scales(
        &self,
        node: NodeView<'_>,
        index: usize,
    ) -> Result<Vec<f32>, ModelError> {
        let constant = self.constant(node, index)?;
        let name = node.input(index).unwrap_or_default();
        let scales = constant.floats().ok_or_else(|| {
            node.error(format!("its scale `{name}` is {}", constant.data.type_name()))
        })?;
        if scales.is_empty() || constant.shape.len() > 1 {
            return Err(node.unsupported(format!("a scale of shape {:?}", constant.shape)));
        }
        match scales.iter().find(|scale| !(scale.is_finite() && **scale > 0.0)) {
            Some(scale) => {
                Err(node
                    .error(format!("its scale `{name}` is {scale}, expected a positive number")))
            }
            None => Ok(scales.to_vec()),
        }
    }

    /// The scale of an activation.
    pub(in crate::model::import) fn single(
        &self,
        node: NodeView<'_>,
        scales: &[f32],
    ) -> Result<f32, ModelError> {
        if let [scale] = scales {
            Ok(*scale)
        } else {
            Err(node.unsupported("an activation with a scale per channel"))
        }
    }

    /// The zero point of an activation.
    pub(in crate::model::import) fn zero_point(
        &self,
        node: NodeView<'_>,
        constant: Option<&Constant>,
    ) -> Result<i32, ModelError> {
        match constant.map(|constant| constant.small_integers().unwrap_or_default()) {
            None => Ok(0),
            Some(&[zero_point]) => Ok(zero_point),
            Some(_) => Err(node.unsupported("an activation with several zero points")),
        }
    }

    /// Scale and zero point of a quantized operator's output.
    pub(in crate::model::import) fn output_quantization(
        &self,
        node: NodeView<'_>,
        scale: usize,
        zero_point: usize,
        default: ElementType,
    ) -> Result<Quantization, ModelError> {
        let scales = self.scales(node, scale)?;
        let zero_point = self.optional_constant(node, zero_point)?;
        let element = match &zero_point {
            None => default,
            Some(constant) => constant.data.element().ok_or_else(|| {
                node.unsupported(format!("the type {}", constant.data.type_name()))
            })?,
        };
        Ok(Quantization {
            scale: self.single(node, &scales)?,
            zero_point: self.zero_point(node, zero_point.as_deref())?,
            element,
        })
    }

    /// The real tensor that an integer input stands for, with its scale and zero point inputs.
    pub(in crate::model::import) fn dequantized(
        &mut self,
        node: NodeView<'_>,
        [x, scale, zero_point]: [usize; 3],
        axis: i64,
    ) -> Result<RealId, ModelError> {
        let scales = self.scales(node, scale)?;
        let zero_points = self.optional_constant(node, zero_point)?;
        self.dequantized_with(node, x, scales, zero_points, axis)
    }

    /// The same, of scales and zero points that are known already.
    pub(in crate::model::import) fn dequantized_with(
        &mut self,
        node: NodeView<'_>,
        x: usize,
        scales: Vec<f32>,
        zero_points: Option<Rc<Constant>>,
        axis: i64,
    ) -> Result<RealId, ModelError> {
        match self.required(node, x)? {
            Value::Constant(constant) => {
                let weights = weights(node, &constant, scales, zero_points.as_deref(), axis)?;
                let shape = weights.shape.clone();
                self.expression(node, shape, RealKind::Weights(Rc::new(weights)), &[])
            }
            Value::Integers(tensor) => {
                let element = self.tensor(tensor).quantization.element;
                if let Some(zero_points) = &zero_points
                    && zero_points.data.element() != Some(element)
                {
                    return Err(node.error(format!(
                        "its zero point is {}, its input {element}",
                        zero_points.data.type_name()
                    )));
                }
                let quantization = Quantization {
                    scale: self.single(node, &scales)?,
                    zero_point: self.zero_point(node, zero_points.as_deref())?,
                    element,
                };
                self.dequantized_activation(node, tensor, quantization)
            }
            Value::Real(_) => Err(node.error(format!(
                "its input `{}` is float32, expected integers",
                node.input(x).unwrap_or_default()
            ))),
            Value::Unknown => Err(node.error("it uses the output of an unsupported node")),
        }
    }

    /// The reals that integers stand for by a scale and a zero point.
    pub(in crate::model::import) fn dequantized_activation(
        &mut self,
        node: NodeView<'_>,
        tensor: TensorId,
        quantization: Quantization,
    ) -> Result<RealId, ModelError> {
        let tensor = self.reinterpreted(node, tensor, quantization)?;
        let shape = self.tensor(tensor).shape.clone();
        self.expression(node, shape, RealKind::Activation(tensor), &[])
    }

    /// The same integers under another scale and zero point.
    pub(in crate::model::import) fn reinterpreted(
        &mut self,
        node: NodeView<'_>,
        tensor: TensorId,
        quantization: Quantization,
    ) -> Result<TensorId, ModelError> {
        if self.unscaled.remove(&tensor) {
            self.graph.tensors[tensor.0].quantization = quantization;
        }
        let current = self.tensor(tensor).clone();
        if current.quantization == quantization {
            return Ok(tensor);
        }
        // Another scale for the same integers is another meaning, not another computation.
        let output = Tensor { name: current.name, shape: current.shape, quantization };
        let origin = Origin { operator: "Identity".into(), ..Origin::default() };
        let view = Operator::View(View::Reshape);
        self.add_node(node.name(), view, vec![tensor], output, origin)
    }
}

fn weights(
    node: NodeView<'_>,
    constant: &Constant,
    scales: Vec<f32>,
    zero_points: Option<&Constant>,
    axis: i64,
) -> Result<Weights, ModelError> {
    let integers = constant
        .small_integers()
        .ok_or_else(|| node.unsupported(format!("the type {}", constant.data.type_name())))?;
    let channel = channels(node, &constant.shape, scales.len(), axis)?;
    let zero_points = match zero_points {
        None => &[0][..],
        Some(constant) => constant
            .small_integers()
            .ok_or_else(|| node.unsupported(format!("the type {}", constant.data.type_name())))?,
    };
    if zero_points.len() != 1 && zero_points.len() != scales.len() {
        return Err(node.error("it has another number of zero points than of scales"));
    }
    let values = integers
        .iter()
        .enumerate()
        .map(|(i, &integer)| {
            let zero_point =
                if zero_points.len() == 1 { zero_points[0] } else { zero_points[channel(i)] };
            integer
                .checked_sub(zero_point)
                .ok_or_else(|| node.error(format!("{integer} − {zero_point} exceeds 32 bits")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let axis = if scales.len() == 1 { 0 } else { node.resolve_axis(axis, constant.shape.len())? };
    Ok(Weights {
        shape: constant.shape.clone(),
        parameters: values.len(),
        values: WeightValues::Integers(values),
        scales,
        zero_points: zero_points.to_vec(),
        element: constant.data.element(),
        axis,
    })
}

//! Conv, QLinearConv and ConvTranspose.

use super::{linear::accumulator_bias, volume, window};
use crate::model::import::{
    Importer, NodeView, RealId, Value,
    expression::{Bias, ConvShape, Geometry, LinearParts, Weights},
};
use crate::model::{ElementType, Exactness, ModelError, Window};

/// `Conv(X, W, B)` on floats.
pub(in crate::model::import) fn conv(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let w = importer.real_input(node, 1)?;
    let weights = importer.weights_after(node, [0, 1], x, w)?;
    let bias = importer
        .optional_real_input(node, 2)?
        .map(|b| importer.bias(node, 2, b, weights.shape[0], 1.0))
        .transpose()?;
    Ok(vec![Value::Real(importer.conv_expression(node, x, weights, bias)?)])
}

/// `QLinearConv(X, X scale, X zero point, W, W scale, W zero point, Y scale, Y zero point, B)`.
pub(in crate::model::import) fn qlinear_conv(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    if node.flag("channels_last") {
        return Err(node.unsupported("channels_last"));
    }
    let x = importer.dequantized(node, [0, 1, 2], 1)?;
    let w = importer.dequantized(node, [3, 4, 5], 0)?;
    let weights = importer.weights_after(node, [0, 3], x, w)?;
    let bias = importer
        .optional_constant(node, 8)?
        .map(|constant| accumulator_bias(node, &constant, weights.shape[0]))
        .transpose()?;
    let product = importer.conv_expression(node, x, weights, bias)?;
    let quantization = importer.output_quantization(node, 6, 7, ElementType::Uint8)?;
    importer.quantize_output(node, product, quantization)
}

/// `ConvInteger(X, W, X zero point, W zero point)`, whose accumulators are floats of scale 1 here.
pub(in crate::model::import) fn conv_integer(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.accumulator_operand(node, 0, 2, 1)?;
    let w = importer.accumulator_operand(node, 1, 3, 0)?;
    let weights = importer.weights_after(node, [0, 1], x, w)?;
    Ok(vec![Value::Real(importer.conv_expression(node, x, weights, None)?)])
}

/// `ConvTranspose(X, W, B)` on floats.
pub(in crate::model::import) fn conv_transpose(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let w = importer.real_input(node, 1)?;
    let weights = importer.weights_after(node, [0, 1], x, w)?;
    let x_shape = importer.real(x).shape.clone();
    let (group, kernel) = check_shapes(node, &x_shape, &weights.shape)?;
    let window = window::read_transposed(node, &x_shape, kernel)?;
    let inputs = x_shape[1];
    let outputs = weights.shape[1] * group;
    if weights.shape[0] != inputs || !inputs.is_multiple_of(group) {
        return Err(node.error(format!(
            "its weights have the shape {:?}, its input has {inputs} channels",
            weights.shape
        )));
    }
    if weights.scales.len() > 1 && (weights.axis != 1 || group != 1) {
        return Err(node.unsupported("weights with a scale per input channel"));
    }
    let bias = importer
        .optional_real_input(node, 2)?
        .map(|b| importer.bias(node, 2, b, outputs, 1.0))
        .transpose()?;
    let shape = window::output_shape(x_shape[0], outputs, x_shape.len(), window.input);
    let x = importer.activation(node, 0, x)?;
    let parts = LinearParts {
        bias,
        // onnxruntime has no integer kernel for it.
        exactness: Exactness::Approximate,
        ..LinearParts::new(
            "ConvTranspose",
            Geometry::ConvTranspose(ConvShape {
                batch: x_shape[0],
                inputs,
                outputs,
                group,
                window,
            }),
            weights,
        )
    };
    Ok(vec![Value::Real(importer.linear_expression(node, x, shape, parts)?)])
}

/// Number of groups and shape of the kernel.
fn check_shapes<'s>(
    node: NodeView<'_>,
    x: &[usize],
    w: &'s [usize],
) -> Result<(usize, &'s [usize]), ModelError> {
    window::spatial_axes(node, x)?;
    if w.len() != x.len() || w.contains(&0) {
        return Err(node.error(format!("its weights have the shape {w:?}, its input {x:?}")));
    }
    let group = node.int("group").unwrap_or(1);
    let group = usize::try_from(group)
        .ok()
        .filter(|&group| (1..=x[1]).contains(&group))
        .ok_or_else(|| node.error(format!("attribute `group` is {group}")))?;
    Ok((group, &w[2..]))
}

impl Importer<'_> {
    /// Weights, after it is clear that the input is an activation, which is the better error.
    fn weights_after(
        &mut self,
        node: NodeView<'_>,
        positions: [usize; 2],
        x: RealId,
        w: RealId,
    ) -> Result<Weights, ModelError> {
        self.activation(node, positions[0], x)?;
        let weights = (*self.weights(node, positions[1], w)?).clone();
        if weights.shape.is_empty() {
            return Err(node.error("its weights have no axes"));
        }
        Ok(weights)
    }

    fn conv_expression(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
        weights: Weights,
        bias: Option<Bias>,
    ) -> Result<RealId, ModelError> {
        let x_shape = self.real(x).shape.clone();
        let (group, kernel) = check_shapes(node, &x_shape, &weights.shape)?;
        let (inputs, outputs) = (x_shape[1], weights.shape[0]);
        if weights.shape[1].checked_mul(group) != Some(inputs) || outputs % group != 0 {
            return Err(node.error(format!(
                "its weights have the shape {:?}, its input has {inputs} channels in {group} groups",
                weights.shape
            )));
        }
        if weights.scales.len() > 1 && weights.axis != 0 {
            return Err(node.unsupported("weights with a scale per input channel"));
        }
        if volume::is_volume(&x_shape) {
            return self.volume_conv(node, x, weights, bias, group);
        }
        let window = window::read(node, &x_shape, Some(kernel))?;
        self.plane_conv(node, x, weights, bias, (group, window))
    }

    /// A convolution over planes, whose shapes fit.
    pub(super) fn plane_conv(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
        weights: Weights,
        bias: Option<Bias>,
        (group, window): (usize, Window),
    ) -> Result<RealId, ModelError> {
        let x_shape = self.real(x).shape.clone();
        let (inputs, outputs) = (x_shape[1], weights.shape[0]);
        let shape = window::output_shape(x_shape[0], outputs, x_shape.len(), window.output);
        let x = self.activation(node, 0, x)?;
        let parts = LinearParts {
            bias,
            ..LinearParts::new(
                "QLinearConv",
                Geometry::Conv(ConvShape { batch: x_shape[0], inputs, outputs, group, window }),
                weights,
            )
        };
        self.linear_expression(node, x, shape, parts)
    }
}

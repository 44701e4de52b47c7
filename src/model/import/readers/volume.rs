//! Windows over volumes, `[batch, channels, depth, height, width]`, as windows over planes.
//!
//! A convolution sees, for each position of its window in depth, a plane of each channel: these are channels of a
//! convolution over planes. The largest of a volume is the largest along its depth of the largest of its planes. A
//! mean is that of the rows of all its planes, one below the other.

use super::{
    largest,
    window::{Axis, plane_of, read_axes},
};
use crate::model::import::{
    Importer, NodeView, RealId, RealKind, Value,
    expression::{Bias, Elements, Weights, element},
};
use crate::model::{MaxPool, ModelError, View, ViewElement, Window, limits};

/// Whether a shape is one of volumes.
pub(super) fn is_volume(shape: &[usize]) -> bool {
    shape.len() == 5
}

/// `MaxPool(X)`: along the depth, then of planes.
pub(super) fn max_pool(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
    x: Value,
    shape: &[usize],
) -> Result<Value, ModelError> {
    if matches!(x, Value::Constant(_)) {
        return Err(node.unsupported("an input that does not depend on the model's input"));
    }
    let axes = read_axes(node, &shape[2..], None)?;
    let outputs: Vec<usize> = axes.iter().map(|axis| axis.output).collect();
    let (planes, area) = (shape[0] * shape[1], shape[3] * shape[4]);
    let whole = Axis { input: area, output: area, kernel: 1, stride: 1, dilation: 1, pad: 0 };
    let flat = reshaped(importer, node, x, vec![shape[0], shape[1], shape[2], area])?;
    let pool = MaxPool { planes, window: plane_of(&[axes[0], whole]) };
    let deep = vec![shape[0], shape[1], outputs[0], area];
    let pooled = largest::of_planes(importer, node, flat, pool, deep)?;
    let planes = vec![shape[0], shape[1] * outputs[0], shape[3], shape[4]];
    let pooled = reshaped(importer, node, pooled, planes)?;
    let pool = MaxPool { planes: shape[0] * shape[1] * outputs[0], window: plane_of(&axes[1..]) };
    let wide = vec![shape[0], shape[1] * outputs[0], outputs[1], outputs[2]];
    let pooled = largest::of_planes(importer, node, pooled, pool, wide)?;
    let shape = [&shape[..2], outputs.as_slice()].concat();
    reshaped(importer, node, pooled, shape)
}

fn reshaped(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
    x: Value,
    shape: Vec<usize>,
) -> Result<Value, ModelError> {
    importer.view_of_one(node, x, Elements { shape, view: View::Reshape })
}

impl Importer<'_> {
    /// A convolution over volumes.
    pub(super) fn volume_conv(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
        weights: Weights,
        bias: Option<Bias>,
        group: usize,
    ) -> Result<RealId, ModelError> {
        let shape = self.real(x).shape.clone();
        let &[batch, channels, _, height, width] = shape.as_slice() else {
            return Err(node.error(format!("its input has the shape {shape:?}")));
        };
        let axes = read_axes(node, &shape[2..], Some(&weights.shape[2..]))?;
        let depth = axes[0];
        let stacked = vec![batch * depth.output, channels * depth.kernel, height, width];
        limits::elements(node.name(), &stacked)?;
        let area = height * width;
        let mut positions = Vec::new();
        for (n, output) in (0..batch).flat_map(|n| (0..depth.output).map(move |at| (n, at))) {
            for (c, kernel) in (0..channels).flat_map(|c| (0..depth.kernel).map(move |k| (c, k))) {
                let start = depth
                    .position(output, kernel)
                    .map(|at| ((n * channels + c) * depth.input + at) * area);
                positions.extend((0..area).map(|i| start.map(|start| start + i)));
            }
        }
        let planes = self.padded_view(node, x, &positions, stacked)?;
        let outputs = weights.shape[0];
        let mut weights = weights;
        weights.shape =
            vec![outputs, channels / group * depth.kernel, axes[1].kernel, axes[2].kernel];
        let y = self.plane_conv(node, planes, weights, bias, (group, plane_of(&axes[1..])))?;
        let split = vec![batch, depth.output, outputs, axes[1].output, axes[2].output];
        let y = self.view_of_reals(node, &[y], Elements { shape: split, view: View::Reshape })?;
        self.transposed(node, y, &[0, 2, 1, 3, 4])
    }

    /// A mean over volumes.
    pub(super) fn volume_mean(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
    ) -> Result<RealId, ModelError> {
        let shape = self.real(x).shape.clone();
        let axes = read_axes(node, &shape[2..], None)?;
        let includes = node.flag("count_include_pad");
        let is_padded = node.ints("pads").is_some_and(|pads| pads.iter().any(|&pad| pad != 0));
        let is_automatic = node.string("auto_pad")?.is_some_and(|own| own != "NOTSET");
        if node.flag("ceil_mode") || is_automatic || is_padded && !includes {
            return Err(node.unsupported("a mean over volumes whose windows differ in size"));
        }
        let [deep, high, wide] = [axes[0], axes[1], axes[2]];
        let rows = deep.kernel * high.kernel;
        let planes = shape[0] * shape[1] * deep.output * high.output;
        let stacked = vec![1, planes, rows, wide.input];
        limits::elements(node.name(), &stacked)?;
        let mut positions = Vec::new();
        for plane in 0..planes {
            let (volume, at) =
                (plane / (deep.output * high.output), plane % (deep.output * high.output));
            for row in 0..rows {
                let start = deep
                    .position(at / high.output, row / high.kernel)
                    .zip(high.position(at % high.output, row % high.kernel))
                    .map(|(d, h)| ((volume * deep.input + d) * high.input + h) * wide.input);
                positions.extend((0..wide.input).map(|i| start.map(|start| start + i)));
            }
        }
        let stacked = self.padded_view(node, x, &positions, stacked)?;
        let x = self.activation(node, 0, stacked)?;
        let all = Axis { input: rows, output: 1, kernel: rows, stride: 1, dilation: 1, pad: 0 };
        let window: Window = plane_of(&[all, wide]);
        let kind = RealKind::AveragePool { x, planes, window, count_include_pad: includes };
        let mean = self.expression(node, vec![1, planes, 1, wide.output], kind, &[])?;
        let shape = vec![shape[0], shape[1], deep.output, high.output, wide.output];
        self.view_of_reals(node, &[mean], Elements { shape, view: View::Reshape })
    }

    /// Elements of an expression by position, and 0 in the other places.
    fn padded_view(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
        positions: &[Option<usize>],
        shape: Vec<usize>,
    ) -> Result<RealId, ModelError> {
        let RealKind::Activation(tensor) = self.real(x).kind else {
            return self.filled_view(node, x, positions, shape, 0.0);
        };
        let zero = ViewElement::Constant(self.tensor(tensor).quantization.quantize(0.0));
        let elements = positions.iter().map(|at| at.map_or(zero, |at| element(0, at)));
        let elements = Elements { shape, view: View::Elements(elements.collect()) };
        self.view_of_reals(node, &[x], elements)
    }
}

//! Attributes of operators that slide windows: kernel, strides, pads, dilations.

use crate::model::import::NodeView;
use crate::model::{ModelError, Window};

/// How large attributes of windows may be. Larger ones make no sense on tensors of accepted size.
const MAX_EXTENT: usize = 1 << 16;

/// A window attribute per spatial axis.
fn extents(
    node: NodeView<'_>,
    name: &str,
    axes: usize,
    default: usize,
    min: usize,
) -> Result<Vec<usize>, ModelError> {
    let Some(values) = node.ints(name) else { return Ok(vec![default; axes]) };
    if values.len() != axes {
        return Err(node.error(format!("attribute `{name}` has {} values", values.len())));
    }
    values
        .iter()
        .map(|&value| {
            usize::try_from(value)
                .ok()
                .filter(|value| (min..=MAX_EXTENT).contains(value))
                .ok_or_else(|| node.error(format!("attribute `{name}` has the value {value}")))
        })
        .collect()
}

/// Number of spatial axes of `[batch, channels, …]`.
pub(in crate::model::import) fn spatial_axes(
    node: NodeView<'_>,
    shape: &[usize],
) -> Result<usize, ModelError> {
    match shape.len() {
        3 => Ok(1),
        4 => Ok(2),
        5 => Ok(3),
        0..3 => Err(node.error(format!("its input has the shape {shape:?}"))),
        rank => Err(node.unsupported(format!("a tensor of rank {rank}"))),
    }
}

/// What a window does along an axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub input: usize,
    pub output: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub pad: usize,
}

impl Axis {
    /// The input position that a window position falls on, `None` in the padding.
    pub fn position(&self, output: usize, kernel: usize) -> Option<usize> {
        (output * self.stride + kernel * self.dilation)
            .checked_sub(self.pad)
            .filter(|&position| position < self.input)
    }
}

/// The window over planes, of one or two axes.
pub(super) fn plane_of(axes: &[Axis]) -> Window {
    let of = |value: fn(&Axis) -> usize, missing| {
        plane(&axes.iter().map(value).collect::<Vec<_>>(), missing)
    };
    Window {
        input: of(|axis| axis.input, 1),
        output: of(|axis| axis.output, 1),
        kernel: of(|axis| axis.kernel, 1),
        strides: of(|axis| axis.stride, 1),
        dilations: of(|axis| axis.dilation, 1),
        pads: of(|axis| axis.pad, 0),
    }
}

/// One-dimensional operators have planes of height 1.
fn plane(values: &[usize], missing: usize) -> [usize; 2] {
    match values {
        [one] => [missing, *one],
        [first, second] => [*first, *second],
        _ => unreachable!("windows have one or two axes"),
    }
}

/// Pads at the beginning and at the end of each axis, as the node gives them.
enum Pads {
    Explicit(Vec<usize>, Vec<usize>),
    SameUpper,
    SameLower,
}

fn pads(node: NodeView<'_>, axes: usize) -> Result<Pads, ModelError> {
    match node.string("auto_pad")?.unwrap_or("NOTSET") {
        "NOTSET" | "" => {
            let Some(values) = node.ints("pads") else {
                return Ok(Pads::Explicit(vec![0; axes], vec![0; axes]));
            };
            if values.len() != 2 * axes {
                return Err(node.error(format!("attribute `pads` has {} values", values.len())));
            }
            if values.iter().any(|&value| value < 0) {
                return Err(node.unsupported("a negative pad"));
            }
            let values = extents(node, "pads", 2 * axes, 0, 0)?;
            Ok(Pads::Explicit(values[..axes].to_vec(), values[axes..].to_vec()))
        }
        "VALID" => Ok(Pads::Explicit(vec![0; axes], vec![0; axes])),
        "SAME_UPPER" => Ok(Pads::SameUpper),
        "SAME_LOWER" => Ok(Pads::SameLower),
        other => Err(node.error(format!("attribute `auto_pad` is `{other}`"))),
    }
}

/// Reads the window of a convolution or pooling over an input of this shape.
pub(in crate::model::import) fn read(
    node: NodeView<'_>,
    shape: &[usize],
    kernel: Option<&[usize]>,
) -> Result<Window, ModelError> {
    if spatial_axes(node, shape)? > 2 {
        return Err(node.unsupported(format!("a tensor of rank {}", shape.len())));
    }
    Ok(plane_of(&read_axes(node, &shape[2..], kernel)?))
}

/// The same of an input with these spatial axes, however many.
pub(super) fn read_axes(
    node: NodeView<'_>,
    spatial: &[usize],
    kernel: Option<&[usize]>,
) -> Result<Vec<Axis>, ModelError> {
    let axes = spatial.len();
    let kernel_shape = match (node.ints("kernel_shape"), kernel) {
        (Some(_), _) => extents(node, "kernel_shape", axes, 1, 1)?,
        (None, Some(kernel)) => kernel.to_vec(),
        (None, None) => return Err(node.error("attribute `kernel_shape` is missing")),
    };
    if kernel.is_some_and(|kernel| kernel != kernel_shape) {
        return Err(node.error("attribute `kernel_shape` differs from the weights' shape"));
    }
    let strides = extents(node, "strides", axes, 1, 1)?;
    let dilations = extents(node, "dilations", axes, 1, 1)?;
    let pads = pads(node, axes)?;
    let ceil = node.flag("ceil_mode");
    let mut read = Vec::new();
    for axis in 0..axes {
        let input = spatial[axis];
        let extent = (kernel_shape[axis] - 1) * dilations[axis] + 1;
        let (before, after) = match &pads {
            Pads::Explicit(before, after) => (before[axis], after[axis]),
            same => {
                let output = input.div_ceil(strides[axis]);
                let total = ((output - 1) * strides[axis] + extent).saturating_sub(input);
                let half = total / 2;
                if matches!(same, Pads::SameUpper) {
                    (half, total - half)
                } else {
                    (total - half, half)
                }
            }
        };
        let room = (input + before + after).checked_sub(extent).ok_or_else(|| {
            node.error(format!(
                "its window of {extent} is larger than its input of {input} with pads \
                 {before} and {after}"
            ))
        })?;
        let mut count = room / strides[axis] + 1;
        if ceil {
            count = room.div_ceil(strides[axis]) + 1;
            // Windows that would begin behind the input and its first pad are left out.
            if (count - 1) * strides[axis] >= input + before {
                count -= 1;
            }
        }
        read.push(Axis {
            input,
            output: count,
            kernel: kernel_shape[axis],
            stride: strides[axis],
            dilation: dilations[axis],
            pad: before,
        });
    }
    Ok(read)
}

/// Reads the window of a transposed convolution: that of the convolution from its output to its input.
pub(in crate::model::import) fn read_transposed(
    node: NodeView<'_>,
    shape: &[usize],
    kernel: &[usize],
) -> Result<Window, ModelError> {
    let axes = spatial_axes(node, shape)?;
    if axes > 2 {
        return Err(node.unsupported(format!("a tensor of rank {}", shape.len())));
    }
    if node.ints("output_shape").is_some() {
        return Err(node.unsupported("the attribute `output_shape`"));
    }
    let strides = extents(node, "strides", axes, 1, 1)?;
    let dilations = extents(node, "dilations", axes, 1, 1)?;
    let output_padding = extents(node, "output_padding", axes, 0, 0)?;
    let pads = pads(node, axes)?;
    let (mut begin, mut output) = (Vec::new(), Vec::new());
    for axis in 0..axes {
        let input = shape[2 + axis];
        let extent = (kernel[axis] - 1) * dilations[axis] + 1;
        let full = strides[axis] * (input - 1) + output_padding[axis] + extent;
        let (before, after) = match &pads {
            Pads::Explicit(before, after) => (before[axis], after[axis]),
            same => {
                let total = full.saturating_sub(input * strides[axis]);
                let half = total / 2;
                if matches!(same, Pads::SameUpper) {
                    (half, total - half)
                } else {
                    (total - half, half)
                }
            }
        };
        let len = full
            .checked_sub(before + after)
            .filter(|&len| len > 0)
            .ok_or_else(|| node.error("its pads leave no output"))?;
        begin.push(before);
        output.push(len);
    }
    Ok(Window {
        input: plane(&output, 1),
        output: plane(&shape[2..], 1),
        kernel: plane(kernel, 1),
        strides: plane(&strides, 1),
        dilations: plane(&dilations, 1),
        pads: plane(&begin, 0),
    })
}

/// The shape of the output planes under `[batch, channels]`.
pub(in crate::model::import) fn output_shape(
    batch: usize,
    channels: usize,
    rank: usize,
    plane: [usize; 2],
) -> Vec<usize> {
    let mut shape = vec![batch, channels];
    shape.extend_from_slice(if rank == 3 { &plane[1..] } else { &plane });
    shape
}

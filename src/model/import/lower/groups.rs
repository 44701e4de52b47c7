//! Which groups of DequantizeLinear, operator and QuantizeLinear onnxruntime leaves in floats.
//!
//! Its optimizer makes an integer kernel of a group where types fit, where nothing but QuantizeLinear
//! takes the operator's result, and where no clamp between them does more than the integers' own bounds.
//! It moves QuantizeLinear and DequantizeLinear past operators that only reorder elements, but not past
//! all of these. Elsewhere the float operator is computed on dequantized values: what is made here of
//! such a group is exact in integers, so it can differ from the floats by a step where they round.

use std::collections::{HashMap, HashSet};

use crate::model::import::{GraphProto, Importer, NodeView, RealId, RealKind};
use crate::model::{ElementType, Exactness, Quantization, TensorId};

/// Operators that onnxruntime does not move QuantizeLinear and DequantizeLinear past. It does so with other
/// operators that move elements, and what is moved for a broadcast is part of the kernel.
const OPAQUE: &[&str] =
    &["Flatten", "Pad", "Gather", "Split", "Expand", "Resize", "Concat", "ReduceMax"];

/// What is known about groups while a file is read.
#[derive(Debug, Default)]
pub(in crate::model::import) struct Groups<'a> {
    /// How many nodes and outputs take each name.
    uses: HashMap<&'a str, usize>,
    /// How many take each float expression.
    takers: HashMap<RealId, usize>,
    /// Activations that were moved in floats since they were dequantized.
    moved: HashSet<TensorId>,
    /// Whether the group that is being quantized is left in floats; `None` for operators that the file
    /// gives in quantized form.
    is_float: Option<bool>,
}

impl<'a> Groups<'a> {
    /// Counts the takers of all names.
    pub fn count_uses(&mut self, graph: &'a GraphProto) {
        let inputs = graph.node.iter().flat_map(|node| &node.input);
        for name in inputs.chain(graph.output.iter().map(|output| &output.name)) {
            *self.uses.entry(name).or_default() += 1;
        }
    }

    /// An expression has a name of the file. Another name for it takes the place of one taker.
    pub fn name(&mut self, id: RealId, name: &str) {
        let uses = self.uses.get(name).copied().unwrap_or(0);
        let known = self.takers.get(&id).map_or(0, |takers| takers.saturating_sub(1));
        self.takers.insert(id, known + uses);
    }
}

impl Importer<'_> {
    /// From here on, what ends in a QuantizeLinear is made into integer operators.
    pub(in crate::model::import) fn begin_group(&mut self, id: RealId, quantization: Quantization) {
        self.groups.is_float = Some(self.is_left_in_floats(id, quantization));
    }

    /// The group is quantized.
    pub(in crate::model::import) fn end_group(&mut self, tensor: Option<TensorId>) {
        self.groups.is_float = None;
        if let Some(tensor) = tensor {
            self.groups.moved.remove(&tensor);
        }
    }

    /// A node has moved elements between DequantizeLinear and QuantizeLinear.
    pub(in crate::model::import) fn moved_in_group(
        &mut self,
        node: NodeView<'_>,
        from: &[TensorId],
        to: TensorId,
    ) {
        let is_opaque = OPAQUE.contains(&node.operator());
        let was_moved = from.iter().any(|tensor| self.groups.moved.contains(tensor));
        let changed = from != [to];
        if was_moved || (changed && is_opaque) {
            self.groups.moved.insert(to);
        }
    }

    /// Whether an operator whose result comes to a QuantizeLinear this way has no integer kernel.
    fn is_left_in_floats(&self, mut id: RealId, quantization: Quantization) -> bool {
        loop {
            let real = self.real(id);
            let next = match &real.kind {
                RealKind::Elementwise(function, operand) => match function.as_clamp() {
                    Some((low, high)) => {
                        let bounds = (quantization.quantize(low), quantization.quantize(high));
                        if bounds != quantization.element.range() {
                            return true;
                        }
                        *operand
                    }
                    None => return false,
                },
                RealKind::View(_, operands) => match operands.as_slice() {
                    [operand] if !OPAQUE.contains(&real.operator.as_str()) => *operand,
                    _ => return true,
                },
                RealKind::MaxPool(_, operand) => *operand,
                RealKind::Activation(_) => return false,
                RealKind::ReduceMax { .. } => return true,
                _ => return self.has_other_takers(id),
            };
            if self.has_other_takers(id) {
                return true;
            }
            id = next;
        }
    }

    fn has_other_takers(&self, id: RealId) -> bool {
        self.groups.takers.get(&id).is_some_and(|&takers| takers > 1)
    }

    /// Whether onnxruntime has an integer kernel for an operator on these activations, by the types of its
    /// operands and its output.
    pub(in crate::model::import) fn kernel(
        &self,
        inputs: &[TensorId],
        (left, right): (ElementType, Option<ElementType>),
        output: ElementType,
    ) -> Exactness {
        let Some(is_float) = self.groups.is_float else { return Exactness::Exact };
        let types_fit =
            left == output && (left == ElementType::Uint8 || right.is_none_or(|r| r == left));
        let is_moved = inputs.iter().any(|tensor| self.groups.moved.contains(tensor));
        if is_float || is_moved || !types_fit { Exactness::Approximate } else { Exactness::Exact }
    }

    /// The same for an operator on pairs of elements, whose types must be one.
    pub(in crate::model::import) fn pair_kernel(
        &self,
        inputs: &[TensorId],
        other: Option<ElementType>,
        output: ElementType,
    ) -> Exactness {
        let first = self.tensor(inputs[0]).quantization.element;
        if self.groups.is_float.is_some() && (first != output || other != Some(output)) {
            return Exactness::Approximate;
        }
        self.kernel(inputs, (output, None), output)
    }
}

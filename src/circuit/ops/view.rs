//! Views: elements of other tensors, in another order.

use super::lowering::{Lowering, Source, Value};
use crate::circuit::activation::byte;
use crate::model::{Node, ViewElement};

impl Lowering<'_> {
    pub(super) fn view(&self, node: &Node, elements: &[ViewElement]) -> Value {
        let inputs: Vec<_> = node.inputs.iter().map(|&input| self.sources(input)).collect();
        let element = self.graph.tensors[node.output.0].quantization.element;
        let source = |from: &ViewElement| match *from {
            ViewElement::Input { input, index } => inputs[input as usize][index as usize],
            ViewElement::Constant(value) => Source::Constant(
                byte(value, element).expect("constants are of their tensor's type"),
            ),
        };
        Value::Sources(elements.iter().map(source).collect())
    }
}

//! Weights of dense layers and convolutions, apart from the architecture that they are of.

use super::digest::Description;
use super::{
    Model, ModelError, Operand, Operator, Quantization, TensorId, View, ViewElement, onnx,
};
use crate::name::Name;
use prost::Message;

impl Operator {
    /// Weights and biases that can be committed to.
    pub(crate) fn weights(&self) -> Option<[&[i32]; 2]> {
        match self {
            Self::Gemm(gemm) => Some([&gemm.weights, &gemm.bias]),
            Self::Conv(conv) => Some([&conv.weights, &conv.bias]),
            _ => None,
        }
    }

    fn weights_mut(&mut self) -> Option<[&mut Vec<i32>; 2]> {
        match self {
            Self::Gemm(gemm) => Some([&mut gemm.weights, &mut gemm.bias]),
            Self::Conv(conv) => Some([&mut conv.weights, &mut conv.bias]),
            _ => None,
        }
    }
}

impl Model {
    /// All weights and biases of dense layers and convolutions, node by node.
    pub fn weights(&self) -> Vec<i32> {
        let parts = self.graph.nodes.iter().filter_map(|node| node.operator.weights());
        parts.flatten().flatten().copied().collect()
    }

    /// The same architecture with other weights; none if these are too many or too few.
    pub fn with_weights(&self, weights: &[i32]) -> Option<Self> {
        let (mut model, mut rest) = (self.clone(), weights);
        for node in &mut model.graph.nodes {
            for part in node.operator.weights_mut().into_iter().flatten() {
                let (own, others) = rest.split_at_checked(part.len())?;
                part.copy_from_slice(own);
                rest = others;
            }
        }
        rest.is_empty().then_some(model)
    }

    /// Nodes with constants of other kinds, which are not among the weights: sums and products with them, gains.
    pub fn constants(&self) -> Vec<String> {
        let has_some = |operator: &Operator| match operator {
            Operator::Add(add) => matches!(add.operand, Operand::Constant(_)),
            Operator::Mul(mul) => matches!(mul.operand, Operand::Constant(_)),
            Operator::LayerNormalization(_)
            | Operator::ConvTranspose(_)
            | Operator::Table(_)
            | Operator::Tables(_) => true,
            Operator::View(View::Elements(elements)) => {
                elements.iter().any(|element| matches!(element, ViewElement::Constant(_)))
            }
            _ => false,
        };
        let nodes = self.graph.nodes.iter().filter(|node| has_some(&node.operator));
        nodes.map(|node| node.name.clone()).collect()
    }

    /// The architecture: all its weights are 0.
    #[must_use]
    pub fn without_weights(&self) -> Self {
        let mut model = self.clone();
        let parts = model.graph.nodes.iter_mut().filter_map(|node| node.operator.weights_mut());
        parts.flatten().for_each(|part| part.fill(0));
        model
    }

    /// The architecture in a file, and a file of it: of what the model's says of itself that is not read here, and of its
    /// weights, nothing is left.
    pub fn architecture(name: &str, bytes: &[u8]) -> Result<(Self, Vec<u8>), ModelError> {
        let model = Self::from_onnx(name, bytes)?;
        let digest = model.without_weights().digest(&[]);
        let mut file = onnx::decode(bytes)?;
        let count = file.graph.iter().map(|graph| graph.initializer.len()).sum();
        // A constant that changes nothing but weights, whatever it is, is one of them.
        let erases = |file: &onnx::ModelProto, at: usize| {
            let mut other = file.clone();
            erase(&mut other, at);
            let model = Self::from_onnx(name, &other.encode_to_vec());
            model.is_ok_and(|model| model.without_weights().digest(&[]) == digest)
        };
        let weights: Vec<usize> = (0..count).filter(|&at| erases(&file, at)).collect();
        weights.into_iter().for_each(|at| erase(&mut file, at));
        let bytes = file.encode_to_vec();
        let erased = Self::from_onnx(name, &bytes)?;
        if erased.digest(&[]) == digest {
            return Ok((erased, bytes));
        }
        let left = erased.graph.nodes.iter().find(|node| {
            let weights = node.operator.weights().into_iter().flatten().flatten();
            weights.into_iter().any(|&weight| weight != 0)
        });
        let node = left.map_or_else(String::new, |node| node.name.clone());
        Err(ModelError::SharedWeights { node })
    }

    /// Where another model is of another architecture than this one.
    pub fn other_architecture(&self, other: &Self) -> Option<String> {
        let [own, theirs] = [self, other].map(Self::without_weights);
        if own.digest(&[]) == theirs.digest(&[]) {
            return None;
        }
        for (own, theirs) in [(&own.inputs, &theirs.inputs), (&own.outputs, &theirs.outputs)] {
            if !own.iter().map(|port| &port.name).eq(theirs.iter().map(|port| &port.name)) {
                let [own, theirs] =
                    [own, theirs].map(|ports| Name::list(ports.iter().map(|port| &port.name)));
                return Some(format!("it has the inputs or outputs {theirs}, expected {own}"));
            }
        }
        for (input, expected) in theirs.inputs.iter().zip(&own.inputs) {
            let [found, expected] = [(&theirs, input), (&own, expected)]
                .map(|(model, port)| model.tensor_in_words(port.tensor));
            if found != expected {
                let name = Name::new(&input.name);
                return Some(format!("its input `{name}` is {found}, expected {expected}"));
            }
        }
        for (node, expected) in theirs.graph.nodes.iter().zip(&own.graph.nodes) {
            let name = Name::new(&node.name);
            let of_operator = Name::new(&node.origin.operator);
            if std::mem::discriminant(&node.operator) != std::mem::discriminant(&expected.operator)
            {
                let wanted = Name::new(&expected.origin.operator);
                return Some(format!(
                    "its node `{name}` is a `{of_operator}`, expected a `{wanted}`"
                ));
            }
            let [found, wanted] = [(&theirs, node), (&own, expected)]
                .map(|(model, node)| model.tensor_in_words(node.output));
            if found != wanted {
                return Some(format!(
                    "the output of its node `{name}` is {found}, expected {wanted}"
                ));
            }
            let [found, wanted] =
                [node, expected].map(|node| Description::of_operator(&node.operator));
            if found != wanted {
                return Some(format!(
                    "its node `{name}`, a `{of_operator}`, has another size, other scales of weights or other constants"
                ));
            }
        }
        Some("its nodes are connected otherwise, or there are more or fewer of them".into())
    }

    fn tensor_in_words(&self, tensor: TensorId) -> String {
        let tensor = &self.graph.tensors[tensor.0];
        let Quantization { scale, zero_point, element } = tensor.quantization;
        format!("{element} {:?} of scale {scale} and zero point {zero_point}", tensor.shape)
    }
}

/// Makes an initializer 0.
fn erase(file: &mut onnx::ModelProto, at: usize) {
    let mut initializers = file.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
    if let Some(tensor) = initializers.nth(at) {
        tensor.erase();
    }
}

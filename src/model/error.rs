//! What can be wrong with a model file or with its inputs.

use crate::name::nearest;

/// Why an ONNX file is not a model this crate can prove, or why an input is not one of its inputs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes are not protobuf, or not all of it.
    #[error("not an ONNX file, or a damaged one")]
    NotOnnx(#[source] prost::DecodeError),

    /// Weights that are no constants of their own cannot be left out of a file.
    #[error(
        "node `{node}`: the weights are no initializer of the file by themselves, and cannot be left out"
    )]
    SharedWeights {
        /// Its name.
        node: String,
    },

    /// The protobuf message lacks a part that every model has.
    #[error("the ONNX file has no {0}")]
    Missing(&'static str),

    /// The operator set is older or newer than what is understood.
    #[error("operator set {version} of the file, expected {min} to {max}")]
    Opset {
        /// The file's.
        version: i64,
        /// The oldest that is understood.
        min: i64,
        /// The newest that is understood.
        max: i64,
    },

    /// The file says twice, and differently, which operator set it is written in.
    #[error("the file names operator set {} and operator set {} of ONNX, expected one", .versions[0], .versions[1])]
    OperatorSets {
        /// Two of them.
        versions: [i64; 2],
    },

    /// No circuit is written for these nodes.
    #[error("{}", list_unsupported(.0))]
    Unsupported(Vec<Unsupported>),

    /// The model cannot be cut there.
    #[error("it cannot be cut before node {before}: {reason}")]
    Cut {
        /// The node's number.
        before: usize,
        /// Why not.
        reason: String,
    },

    /// A number in the file would make the model larger than is accepted.
    #[error("{what} is {got}, at most {limit} is accepted")]
    TooLarge {
        /// What is counted.
        what: String,
        /// How many there are, or would be.
        got: u128,
        /// The limit.
        limit: u128,
    },

    /// An initializer's shape, type and data do not fit together.
    #[error("initializer `{tensor}`: {reason}")]
    Initializer {
        /// Its name.
        tensor: String,
        /// What does not fit.
        reason: String,
    },

    /// The bytes of an initializer that lie in another file cannot be read.
    #[error("initializer `{tensor}`: cannot read its data from `{location}`")]
    ExternalData {
        /// Its name.
        tensor: String,
        /// Where its data lies.
        location: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },

    /// A node uses a name that nothing before it makes: it does not exist, or the graph has a cycle.
    #[error("node `{node}`: no earlier node makes its input `{tensor}`")]
    UnknownTensor {
        /// The node that uses it.
        node: String,
        /// The name.
        tensor: String,
    },

    /// Two nodes, inputs or initializers give the same name.
    #[error("`{tensor}` is made twice")]
    DuplicateTensor {
        /// The name.
        tensor: String,
    },

    /// A node's attributes, inputs and shapes do not fit together.
    #[error("node `{node}` ({operator}): {reason}")]
    Node {
        /// The node's name.
        node: String,
        /// Its operator.
        operator: String,
        /// What does not fit.
        reason: String,
    },

    /// A value that reaches an operator as float32 without having been quantized.
    #[error("node `{node}` ({operator}): `{tensor}` is float32, expected int8")]
    NotQuantized {
        /// The node that takes it.
        node: String,
        /// Its operator.
        operator: String,
        /// The value.
        tensor: String,
    },

    /// An output that is not made of integers.
    #[error("output `{tensor}` is float32 and not made by DequantizeLinear")]
    OutputNotQuantized {
        /// The output.
        tensor: String,
    },

    /// A length for a dimension that no input has.
    #[error("no input has a dimension `{got}`, expected {expected}")]
    UnknownDimension {
        /// The symbol that was given.
        got: String,
        /// Those of the file.
        expected: String,
    },

    /// An input or output of the graph that is not what a model of this kind has.
    #[error("{direction} `{tensor}`: {reason}")]
    Port {
        /// `input` or `output`.
        direction: &'static str,
        /// Its name.
        tensor: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A tensor without elements.
    #[error("`{tensor}` has the shape {shape:?}, without elements")]
    EmptyTensor {
        /// Its name.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
    },

    /// An accumulator could leave the 32 bits that integer kernels give it.
    #[error(
        "node `{node}` ({operator}): its accumulator can reach {reach}, beyond 32 bits, for some input"
    )]
    AccumulatorOverflow {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// The largest magnitude.
        reach: u128,
    },

    /// A model to be quantized that is no float model.
    #[error("the model is quantized already: it has a {0}")]
    AlreadyQuantized(String),

    /// A float model that cannot be quantized.
    #[error("cannot quantize: {0}")]
    Quantize(String),

    /// The user's input is not in the format it is said to be in.
    #[error("the input is not {format}: {reason}")]
    InputFormat {
        /// The format that was expected.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },

    /// An input of the model that the user did not give.
    #[error("input `{0}` is missing")]
    InputMissing(String),

    /// Something the user gave that the model does not ask for.
    #[error("the model has no input `{got}`, its inputs are {expected}")]
    InputUnknown {
        /// What was given.
        got: String,
        /// The names that the model has.
        expected: String,
    },

    /// The user gave too many or too few values.
    #[error("input `{input}`: {got}, expected {expected}")]
    InputShape {
        /// The input.
        input: String,
        /// What was given.
        got: String,
        /// What the model takes.
        expected: String,
    },

    /// One of the user's values is not one that the model takes.
    #[error("input `{input}`: value {index} is {got}, expected {expected}")]
    InputValue {
        /// The input.
        input: String,
        /// Position of the value, row major.
        index: usize,
        /// The value.
        got: String,
        /// What the model takes.
        expected: String,
    },
}

/// A node that no circuit is written for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The node's name.
    pub node: String,
    /// Its operator, with its domain if that is not ONNX's own.
    pub operator: String,
    /// What about it is not supported, if it is not the operator as such.
    pub reason: Option<String>,
}

impl std::fmt::Display for Unsupported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { node, operator, reason } = self;
        match reason {
            None => write!(f, "node `{node}`: operator `{operator}` is not supported"),
            Some(reason) => write!(f, "node `{node}` ({operator}): {reason} is not supported"),
        }
    }
}

fn list_unsupported(nodes: &[Unsupported]) -> String {
    let mut list: Vec<_> = nodes.iter().take(20).map(ToString::to_string).collect();
    if nodes.len() > list.len() {
        list.push(format!("and {} more", nodes.len() - list.len()));
    }
    list.join("; ")
}

impl ModelError {
    /// Whether it is the user's input that is wrong, and not the model.
    pub fn is_of_input(&self) -> bool {
        matches!(
            self,
            Self::InputFormat { .. }
                | Self::InputMissing(_)
                | Self::InputUnknown { .. }
                | Self::InputShape { .. }
                | Self::InputValue { .. }
        )
    }

    /// What the user can do about it, where the error alone tells.
    pub fn hint(&self) -> Option<String> {
        if let Self::UnknownDimension { got, expected } | Self::InputUnknown { got, expected } =
            self
            && let Some(near) = nearest(got, expected.split('`').skip(1).step_by(2))
        {
            return Some(format!("did you mean `{near}`?"));
        }
        let hint = match self {
            Self::NotOnnx(_) => "is the file complete, and is it the .onnx file itself?",
            Self::NotQuantized { .. } | Self::OutputNotQuantized { .. } => {
                "quantize the model to int8 first, with `zkverdict quantize` or onnxruntime's quantize_static"
            }
            Self::Unsupported(_) => "docs/operators.md lists what is supported",
            Self::AccumulatorOverflow { .. } => {
                "split the layer, or quantize its weights with a larger scale"
            }
            Self::InputFormat { .. } => {
                "give a JSON array of finite numbers, a JSON object by input name, a .npy or a .npz file"
            }
            Self::InputValue { expected, .. } if expected.contains("finite") => {
                "every value must be a finite number"
            }
            Self::InputShape { .. } => {
                "give as many values as one inference takes, or several inferences along one more leading dimension"
            }
            Self::ExternalData { .. } => {
                "keep the files that hold a model's data beside it, under the names it was saved with"
            }
            Self::AlreadyQuantized(_) => {
                "use the model as it is, or quantize the float model that it was made from"
            }
            Self::InputMissing(_) => "name the inputs in a JSON object or in an .npz archive",
            Self::UnknownDimension { .. } => "give --dim only for symbolic dimensions of the model",
            Self::UnknownTensor { .. } => {
                "nodes must come after those they depend on, as ONNX asks for"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

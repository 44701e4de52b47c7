//! Which operators of float models are treated alike.

/// Operators whose outputs are some of their input's values, with the same scale.
pub(super) const MOVERS: &[&str] = &[
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Expand",
    "Slice",
    "Split",
    "Gather",
    "Pad",
    "Resize",
    "Identity",
    "Dropout",
    "MaxPool",
    "ReduceMax",
    "ReduceMin",
    "Tile",
    "GatherElements",
    "GatherND",
    "DepthToSpace",
    "SpaceToDepth",
    "Upsample",
    "Trilu",
    "TopK",
];

/// Operators that give truth values.
pub(super) const TRUTHS: &[&str] =
    &["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Not", "And", "Or", "Xor"];

/// Functions of each element, alone or with others at the same place.
pub(super) const ELEMENTWISE: &[&str] = &[
    "Relu",
    "Clip",
    "Sigmoid",
    "Tanh",
    "Erf",
    "Exp",
    "Sqrt",
    "Abs",
    "Neg",
    "Reciprocal",
    "Softplus",
    "Softsign",
    "LeakyRelu",
    "Elu",
    "Selu",
    "HardSigmoid",
    "HardSwish",
    "ThresholdedRelu",
    "Mish",
    "Gelu",
    "Log",
    "Celu",
    "Sign",
    "Floor",
    "Ceil",
    "Round",
    "Sin",
    "Cos",
    "Tan",
    "Asin",
    "Acos",
    "Atan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Acosh",
    "Atanh",
    "Swish",
    "Shrink",
    "Not",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Min",
    "Max",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "Equal",
    "And",
    "Or",
    "Xor",
    "Where",
];

/// Operators whose sums a following clamp can be part of.
pub(super) const BEFORE_CLAMP: &[&str] = &["Conv", "Gemm", "MatMul", "Add", "Mul"];

/// Operators that do nothing with floats but compare them.
pub(super) const COMPARE: &[&str] = &["TreeEnsembleRegressor", "OneHotEncoder", "Binarizer"];

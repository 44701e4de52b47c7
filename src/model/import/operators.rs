//! Which ONNX operators are read, and by what.

use super::{
    Importer, Value, conv, fold, layer_normalization, linear, lower, node::NodeView, pairs, pool,
    quantize_linear, views,
};
use crate::model::ModelError;

/// An operator that can be imported.
pub(super) struct Supported {
    pub domain: &'static str,
    pub operator: &'static str,
    pub import: Import,
}

/// Reads a node: gives the values of its outputs.
pub(super) type Import =
    for<'a, 'n> fn(&mut Importer<'a>, NodeView<'n>) -> Result<Vec<Value>, ModelError>;

const ONNX: &str = "";
const MICROSOFT: &str = "com.microsoft";

const fn supported(domain: &'static str, operator: &'static str, import: Import) -> Supported {
    Supported { domain, operator, import }
}

/// All of them, by domain and name.
pub(super) const OPERATORS: &[Supported] = &[
    supported(ONNX, "QuantizeLinear", quantize_linear::quantize_linear),
    supported(ONNX, "DequantizeLinear", quantize_linear::dequantize_linear),
    supported(ONNX, "Conv", conv::conv),
    supported(ONNX, "ConvTranspose", conv::conv_transpose),
    supported(ONNX, "QLinearConv", conv::qlinear_conv),
    supported(ONNX, "Gemm", linear::gemm),
    supported(ONNX, "MatMul", linear::matmul),
    supported(ONNX, "QLinearMatMul", linear::qlinear_matmul),
    supported(ONNX, "MaxPool", pool::max_pool),
    supported(ONNX, "AveragePool", pool::average_pool),
    supported(ONNX, "GlobalAveragePool", pool::global_average_pool),
    supported(ONNX, "ReduceMean", pool::reduce),
    supported(ONNX, "ReduceSum", pool::reduce),
    supported(ONNX, "ReduceMax", pool::reduce),
    supported(ONNX, "ArgMax", pool::arg_max),
    supported(ONNX, "Softmax", pool::softmax),
    supported(ONNX, "LayerNormalization", layer_normalization::layer_normalization),
    supported(ONNX, "Relu", lower::elementwise),
    supported(ONNX, "Clip", lower::elementwise),
    supported(ONNX, "Sigmoid", lower::elementwise),
    supported(ONNX, "Tanh", lower::elementwise),
    supported(ONNX, "Erf", lower::elementwise),
    supported(ONNX, "Exp", lower::elementwise),
    supported(ONNX, "Sqrt", lower::elementwise),
    supported(ONNX, "Abs", lower::elementwise),
    supported(ONNX, "Neg", lower::elementwise),
    supported(ONNX, "Reciprocal", lower::elementwise),
    supported(ONNX, "Softplus", lower::elementwise),
    supported(ONNX, "Softsign", lower::elementwise),
    supported(ONNX, "LeakyRelu", lower::elementwise),
    supported(ONNX, "Elu", lower::elementwise),
    supported(ONNX, "Selu", lower::elementwise),
    supported(ONNX, "HardSigmoid", lower::elementwise),
    supported(ONNX, "HardSwish", lower::elementwise),
    supported(ONNX, "ThresholdedRelu", lower::elementwise),
    supported(ONNX, "Mish", lower::elementwise),
    supported(ONNX, "Gelu", lower::elementwise),
    supported(ONNX, "Add", pairs::pair),
    supported(ONNX, "Sub", pairs::pair),
    supported(ONNX, "Mul", pairs::pair),
    supported(ONNX, "Div", pairs::pair),
    supported(ONNX, "Pow", pairs::pair),
    supported(ONNX, "Min", pairs::pair),
    supported(ONNX, "Max", pairs::pair),
    supported(ONNX, "PRelu", pairs::pair),
    supported(ONNX, "Concat", views::concat),
    supported(ONNX, "Split", views::split),
    supported(ONNX, "Slice", views::slice),
    supported(ONNX, "Pad", views::pad),
    supported(ONNX, "Reshape", views::reshape),
    supported(ONNX, "Flatten", views::flatten),
    supported(ONNX, "Squeeze", views::squeeze),
    supported(ONNX, "Unsqueeze", views::unsqueeze),
    supported(ONNX, "Transpose", views::transpose),
    supported(ONNX, "Expand", views::expand),
    supported(ONNX, "Gather", views::gather),
    supported(ONNX, "Resize", views::resize),
    supported(ONNX, "Identity", views::identity),
    supported(ONNX, "Dropout", views::identity),
    supported(ONNX, "Constant", fold::constant),
    supported(ONNX, "ConstantOfShape", fold::constant_of_shape),
    supported(ONNX, "Shape", fold::shape),
    supported(ONNX, "Cast", fold::cast),
    supported(MICROSOFT, "QGemm", linear::qgemm),
    supported(MICROSOFT, "QLinearAdd", pairs::qlinear_pair),
    supported(MICROSOFT, "QLinearMul", pairs::qlinear_pair),
    supported(MICROSOFT, "QLinearAveragePool", pool::qlinear_average_pool),
    supported(MICROSOFT, "QLinearGlobalAveragePool", pool::qlinear_global_average_pool),
    supported(MICROSOFT, "QLinearConcat", views::qlinear_concat),
    supported(MICROSOFT, "QLinearSigmoid", lower::qlinear_elementwise),
    supported(MICROSOFT, "QLinearLeakyRelu", lower::qlinear_elementwise),
    supported(MICROSOFT, "QLinearSoftmax", pool::qlinear_softmax),
    supported(MICROSOFT, "Gelu", lower::elementwise),
];

/// What reads nodes of this operator.
pub(super) fn find(domain: &str, operator: &str) -> Option<&'static Supported> {
    // Exporters write ONNX's own domain in two ways, and quantizers in a third.
    let domain = if domain == "ai.onnx" || domain == "ai.onnx.quantize" { ONNX } else { domain };
    OPERATORS.iter().find(|known| {
        known.operator == operator
            && (known.domain == domain
                // onnxruntime reads these of its own domain alike.
                || (domain == MICROSOFT
                    && matches!(operator, "QuantizeLinear" | "DequantizeLinear")))
    })
}

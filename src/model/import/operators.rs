//! Which ONNX operators are read, and by what.

use super::{Importer, Value, linear, lower, node::NodeView, quantize_linear};
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
    supported(ONNX, "Gemm", linear::gemm),
    supported(ONNX, "MatMul", linear::matmul),
    supported(ONNX, "QLinearMatMul", linear::qlinear_matmul),
    supported(ONNX, "Relu", lower::elementwise),
    supported(ONNX, "Clip", lower::elementwise),
    supported(ONNX, "Sigmoid", lower::elementwise),
    supported(MICROSOFT, "QGemm", linear::qgemm),
    supported(MICROSOFT, "QLinearSigmoid", lower::qlinear_elementwise),
];

/// What reads nodes of this operator.
pub(super) fn find(domain: &str, operator: &str) -> Option<&'static Supported> {
    // Exporters write ONNX's own domain in two ways, and quantizers in a third.
    let domain = if domain == "ai.onnx" || domain == "ai.onnx.quantize" { ONNX } else { domain };
    OPERATORS.iter().find(|known| {
        known.operator == operator
            && (known.domain == domain
                // onnxruntime reads QuantizeLinear and DequantizeLinear of its own domain alike.
                || (domain == MICROSOFT && operator.ends_with("quantizeLinear"))
                || (domain == MICROSOFT && operator == "QuantizeLinear"))
    })
}

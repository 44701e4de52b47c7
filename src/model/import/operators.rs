//! Which ONNX operators are read, and by what.

use super::{
    Importer, Value,
    node::NodeView,
    readers::{
        concat, conv, elementwise, features, filled, fold, known, layer_normalization, linear,
        pairs, picks, pool, products, quantize_linear, top_k, trees, views,
    },
};
use crate::model::ModelError;

/// An operator that can be imported.
pub(super) struct Supported {
    pub domain: &'static str,
    pub operator: &'static str,
    pub import: Import,
    pub kernel: Kernel,
    /// For which forms of the operator this holds.
    pub note: &'static str,
}

/// How onnxruntime computes a quantized operator, which decides whether its integers are met exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    /// In integers, or element by element: met exactly.
    Integers,
    /// In floats: met within a step.
    Floats,
    /// Not at all: the operator's result is known from the file.
    Constants,
}
use Kernel::{Constants, Floats, Integers};

/// Reads a node: gives the values of its outputs.
pub(super) type Import =
    for<'a, 'n> fn(&mut Importer<'a>, NodeView<'n>) -> Result<Vec<Value>, ModelError>;

const ONNX: &str = "";
const MICROSOFT: &str = "com.microsoft";
const CLASSIC: &str = "ai.onnx.ml";

const fn supported(
    domain: &'static str,
    operator: &'static str,
    import: Import,
    kernel: Kernel,
    note: &'static str,
) -> Supported {
    Supported { domain, operator, import, kernel, note }
}

/// All of them, by domain and name.
#[rustfmt::skip]
pub(super) const OPERATORS: &[Supported] = &[
    supported(ONNX, "QuantizeLinear", quantize_linear::quantize_linear, Integers, "int8 and uint8, one scale per activation"),
    supported(ONNX, "DequantizeLinear", quantize_linear::dequantize_linear, Integers, "int8, uint8 and int32; constants also per channel, int4 and uint4"),
    supported(ONNX, "DynamicQuantizeLinear", quantize_linear::dynamic_quantize_linear, Floats, "in files for `quantize`, which gives the activation one scale"),
    supported(ONNX, "Conv", conv::conv, Integers, "1-D, 2-D and 3-D with constant weights: groups, strides, dilations, all padding modes"),
    supported(ONNX, "QLinearConv", conv::qlinear_conv, Integers, "as Conv"),
    supported(ONNX, "ConvInteger", conv::conv_integer, Floats, "as Conv, with Cast and Mul after it"),
    supported(ONNX, "ConvTranspose", conv::conv_transpose, Floats, "1-D and 2-D with constant weights, without `output_shape`"),
    supported(ONNX, "Gemm", linear::gemm, Integers, "constant weights, or two activations without a third input"),
    supported(ONNX, "MatMul", linear::matmul, Integers, "constant weights, or two activations"),
    supported(ONNX, "QLinearMatMul", linear::qlinear_matmul, Integers, "as MatMul"),
    supported(ONNX, "MatMulInteger", linear::matmul_integer, Floats, "as MatMul with constant weights, with Cast and Mul after it"),
    supported(ONNX, "BatchNormalization", pairs::batch_normalization, Floats, "folded into a convolution or product right before it, else exact per channel"),
    supported(ONNX, "Add", pairs::pair, Integers, "two activations, or one and a constant"),
    supported(ONNX, "Mul", pairs::pair, Integers, "two activations, or one and a constant"),
    supported(ONNX, "Sub", pairs::pair, Floats, "two activations, or one and a constant"),
    supported(ONNX, "Div", pairs::pair, Integers, "an activation and a constant"),
    supported(ONNX, "Pow", pairs::pair, Integers, "an activation and a constant; within a step for exponents other than 2 and 3"),
    supported(ONNX, "Min", pairs::pair, Integers, "of activations and constants"),
    supported(ONNX, "Max", pairs::pair, Integers, "of activations and constants"),
    supported(ONNX, "PRelu", pairs::pair, Integers, "an activation and a constant"),
    supported(ONNX, "Less", pairs::pair, Integers, "two values of one activation, or one and a constant: part of its table"),
    supported(ONNX, "LessOrEqual", pairs::pair, Integers, "two values of one activation, or one and a constant: part of its table"),
    supported(ONNX, "Greater", pairs::pair, Integers, "two values of one activation, or one and a constant: part of its table"),
    supported(ONNX, "GreaterOrEqual", pairs::pair, Integers, "two values of one activation, or one and a constant: part of its table"),
    supported(ONNX, "Equal", pairs::pair, Integers, "two values of one activation, or one and a constant: part of its table"),
    supported(ONNX, "And", pairs::pair, Integers, "two values of one activation, or one and a constant: part of its table"),
    supported(ONNX, "Or", pairs::pair, Integers, "two values of one activation, or one and a constant: part of its table"),
    supported(ONNX, "Xor", pairs::pair, Integers, "two values of one activation, or one and a constant: part of its table"),
    supported(ONNX, "Mod", pairs::pair, Integers, "of an activation and a constant: with `fmod`, or of whole numbers in files for `quantize`"),
    supported(ONNX, "Where", filled::choose, Integers, "a constant condition, or one on the activation that is chosen"),
    supported(ONNX, "Relu", elementwise::elementwise, Integers, "part of the operator before it where there is no QuantizeLinear between"),
    supported(ONNX, "Clip", elementwise::elementwise, Integers, "part of the operator before it where there is no QuantizeLinear between"),
    supported(ONNX, "Sigmoid", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Tanh", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Erf", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Exp", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Sqrt", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Abs", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Neg", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Reciprocal", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Softplus", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Softsign", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "LeakyRelu", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Elu", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Selu", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "HardSigmoid", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "HardSwish", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "ThresholdedRelu", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Mish", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Gelu", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Log", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Celu", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Sign", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Floor", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Ceil", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Round", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Sin", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Cos", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Tan", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Asin", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Acos", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Atan", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Sinh", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Cosh", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Asinh", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Acosh", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Atanh", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Swish", elementwise::elementwise, Floats, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Shrink", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "Not", elementwise::elementwise, Integers, "a table of 256 values, also for chains of such functions"),
    supported(ONNX, "MaxPool", pool::max_pool, Integers, "1-D, 2-D and 3-D, without positions"),
    supported(ONNX, "AveragePool", pool::average_pool, Integers, "1-D and 2-D; 3-D with windows of one size"),
    supported(ONNX, "GlobalAveragePool", pool::global_average_pool, Integers, ""),
    supported(ONNX, "ReduceMax", pool::reduce, Integers, ""),
    supported(ONNX, "ReduceMin", pool::reduce, Integers, ""),
    supported(ONNX, "ReduceMean", pool::reduce, Floats, ""),
    supported(ONNX, "ReduceSum", pool::reduce, Floats, ""),
    supported(ONNX, "ArgMax", pool::arg_max, Integers, ""),
    supported(ONNX, "ArgMin", pool::arg_max, Integers, ""),
    supported(ONNX, "TopK", top_k::top_k, Integers, "a constant number of elements, sorted, of lines of at most 256"),
    supported(ONNX, "CumSum", products::cum_sum, Floats, "a constant axis"),
    supported(ONNX, "Einsum", products::einsum, Integers, "two operands as a product of matrices, one with its axes in another order; `quantize` takes all forms"),
    supported(ONNX, "Softmax", pool::softmax, Floats, "rows of at most 2,048 elements"),
    supported(ONNX, "LayerNormalization", layer_normalization::layer_normalization, Floats, "constant weights; also written out as Sub, Pow, Sqrt, Div, …"),
    supported(ONNX, "Reshape", views::reshape, Integers, ""),
    supported(ONNX, "Flatten", views::flatten, Integers, ""),
    supported(ONNX, "Squeeze", views::squeeze, Integers, ""),
    supported(ONNX, "Unsqueeze", views::unsqueeze, Integers, ""),
    supported(ONNX, "Transpose", views::transpose, Integers, ""),
    supported(ONNX, "Expand", views::expand, Integers, ""),
    supported(ONNX, "Concat", concat::concat, Integers, ""),
    supported(ONNX, "Split", picks::split, Integers, ""),
    supported(ONNX, "Slice", picks::slice, Integers, "constant starts, ends, axes, steps"),
    supported(ONNX, "Pad", filled::pad, Integers, "all modes"),
    supported(ONNX, "Gather", picks::gather, Integers, "constant indices; in files for `quantize` also those of an input"),
    supported(ONNX, "Tile", picks::tile, Integers, "constant repeats"),
    supported(ONNX, "Trilu", filled::trilu, Integers, ""),
    supported(ONNX, "GatherElements", picks::gather_elements, Integers, "constant indices; in files for `quantize` also those of an input"),
    supported(ONNX, "GatherND", picks::gather_nd, Integers, "constant indices"),
    supported(ONNX, "ScatterElements", filled::scatter_elements, Integers, "constant indices, without `reduction`"),
    supported(ONNX, "ScatterND", filled::scatter_nd, Integers, "constant indices, without `reduction`"),
    supported(ONNX, "OneHot", known::only_known, Constants, "of constant indices"),
    supported(ONNX, "DepthToSpace", views::depth_and_space, Integers, ""),
    supported(ONNX, "SpaceToDepth", views::depth_and_space, Integers, ""),
    supported(ONNX, "Upsample", picks::resize, Integers, "mode nearest"),
    supported(ONNX, "Resize", picks::resize, Integers, "mode nearest"),
    supported(ONNX, "Identity", views::identity, Integers, ""),
    supported(ONNX, "Dropout", views::identity, Integers, ""),
    supported(ONNX, "Constant", fold::constant, Constants, ""),
    supported(ONNX, "ConstantOfShape", fold::constant_of_shape, Constants, ""),
    supported(ONNX, "Range", known::only_known, Constants, "of constants"),
    supported(ONNX, "Size", fold::size, Constants, ""),
    supported(ONNX, "ReduceProd", known::only_known, Constants, "of constants"),
    supported(ONNX, "NonZero", known::only_known, Constants, "of constants"),
    supported(ONNX, "Shape", fold::shape, Constants, ""),
    supported(ONNX, "Cast", fold::cast, Constants, "of constants, and of 8-bit integers, MatMulInteger's and ConvInteger's results to float32"),
    supported(CLASSIC, "TreeEnsembleRegressor", trees::regressor, Floats, "of inputs, whose ranks among the thresholds are what is proved of; splits are exact, also of missing values"),
    supported(CLASSIC, "Imputer", features::imputer, Integers, "of an input's missing values (NaN)"),
    supported(CLASSIC, "OneHotEncoder", features::one_hot, Integers, "of an input: texts or whole numbers; what is no category has none"),
    supported(CLASSIC, "Binarizer", pairs::binarizer, Integers, "of an input, whose rank is proved of, or of an activation"),
    supported(CLASSIC, "LabelEncoder", features::label_encoder, Constants, "of positions at the end of a model: they stay positions, `run` and `inspect` name the labels"),
    supported(MICROSOFT, "QGemm", linear::qgemm, Integers, "as Gemm"),
    supported(MICROSOFT, "QLinearAdd", pairs::qlinear_pair, Integers, ""),
    supported(MICROSOFT, "QLinearMul", pairs::qlinear_pair, Integers, ""),
    supported(MICROSOFT, "QLinearAveragePool", pool::qlinear_average_pool, Integers, "1-D and 2-D, channels first"),
    supported(MICROSOFT, "QLinearGlobalAveragePool", pool::qlinear_global_average_pool, Integers, "channels first"),
    supported(MICROSOFT, "QLinearConcat", concat::qlinear_concat, Integers, ""),
    supported(MICROSOFT, "QLinearSigmoid", elementwise::qlinear_elementwise, Integers, ""),
    supported(MICROSOFT, "QLinearLeakyRelu", elementwise::qlinear_elementwise, Integers, ""),
    supported(MICROSOFT, "QLinearSoftmax", pool::qlinear_softmax, Floats, "rows of at most 2,048 elements"),
    supported(MICROSOFT, "QuickGelu", elementwise::elementwise, Floats, "a table of 256 values"),
    supported(MICROSOFT, "Gelu", elementwise::elementwise, Floats, "a table of 256 values"),
];

/// What float models may also have.
const TAKEN_APART: &str = "
## In float models

`quantize` takes these apart before it gives each value a scale, and reports how far the result is from the floats:
LSTM, GRU and RNN (all directions, peepholes, without lengths and without initial states other than 0), InstanceNormalization, GroupNormalization,
RMSNormalization, MeanVarianceNormalization, LpNormalization, LogSoftmax, ReduceL1, ReduceL2, ReduceSumSquare, ReduceLogSum,
ReduceLogSumExp, Sum and Mean of several, Div and Pow of two activations, Gemm with any factors and summands, layer normalizations in every written-out form,
Resize and Upsample (modes linear and cubic, without `antialias`), an Embedding's Gather and a OneHot of token ids (along any axis), also of places that are computed of them,
Gather and GatherElements of activations and constants at places from 0 on that an input tells, Einsum (dots, sums, diagonals, any number of operands),
ReduceProd, ScatterElements and ScatterND with a reduction, Attention (also with earlier keys and values, and with windows) and RotaryEmbedding (constant angles);
of ai.onnx.ml LinearRegressor, LinearClassifier, TreeEnsemble, TreeEnsembleClassifier, SVMRegressor, SVMClassifier (all kernels; probabilities of two classes),
Scaler, Normalizer, FeatureVectorizer, ArrayFeatureExtractor, and ZipMap, whose tensor of probabilities stays.

Files that are quantized in part are taken too, and compared with what they compute themselves: those of `quantize_dynamic`
(DynamicQuantizeLinear, MatMulInteger, ConvInteger) keep their integer weights, and get one scale per activation instead of one per inference;
files of 16-bit activations and 8-bit weights keep both, and are compared with what they compute without rounding the activations;
graphs whose end is left in floats keep what is quantized and get a quantized end; weights of 4 bits, also with a scale per block,
and half-precision floats are read. Activations of 16 bits are two integers of 8 bits in inputs, Conv (of one or two dimensions), Gemm and MatMul with weights, with the
Relu or Clip from 0 after them, Add of two activations, MaxPool (without dilations), GlobalAveragePool, Reshape, Flatten, Squeeze, Unsqueeze,
Transpose, and outputs: the output `y` has 8 bits, and `y + y_rest` all 16. What other operators take gets 8 bits there.

Comparisons, combinations and choices of several activations' elements become differences, products and sums; truth values that
come in or go out are zeros and ones, and so are masks of whole numbers, as of the tokens that count, which may be computed with and
hide elements from a Softmax. An `If` whose condition follows from shapes is the branch that it takes. Resize interpolates
linearly and cubically, along any axes; SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss (of any rank, with
weights and an ignored label) take labels as an input.
";

/// The table of supported operators, in Markdown.
pub fn supported_operators() -> String {
    let mut table = String::from(
        "| operator | domain | equal to onnxruntime | supported |\n|---|---|---|---|\n",
    );
    let mut operators: Vec<&Supported> = OPERATORS.iter().collect();
    operators.sort_by_key(|known| (known.domain, known.operator));
    for Supported { domain, operator, kernel, note, .. } in operators {
        let domain = if domain.is_empty() { "ai.onnx" } else { domain };
        let equal = match kernel {
            Integers => "bit for bit",
            Floats => "within a step",
            Constants => "–",
        };
        table.push_str(&format!("| {operator} | {domain} | {equal} | {note} |\n"));
    }
    table.push_str(TAKEN_APART);
    table
}

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

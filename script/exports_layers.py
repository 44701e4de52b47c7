"""Layers and small nets in the operators that PyTorch's exporters use for them (for `script/exports.py`)."""

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

rng = np.random.default_rng(20240607)
MODELS = {}


class Net:
    """A graph under construction, with one float input `x`."""

    def __init__(self, shape, opset=17, low=-2.0, high=2.0, examples=40):
        self.shape, self.opset, self.nodes, self.inits, self.n = shape, opset, [], [], 0
        self.calibration = rng.uniform(low, high, [examples, *shape]).astype(np.float32)

    def c(self, array, dtype=np.float32):
        name = f"c{len(self.inits)}"
        self.inits.append(nh.from_array(np.asarray(array, dtype), name))
        return name

    def w(self, *shape):
        fan = int(np.prod(shape[1:])) if len(shape) > 1 else 4
        return self.c(rng.normal(size=shape) / np.sqrt(fan))

    def i(self, *values):
        return self.c(values, np.int64)

    def __getattr__(self, op):
        def add(*inputs, outputs=1, domain="", **attributes):
            names = [f"t{self.n + k}" for k in range(outputs)]
            self.n += outputs
            self.nodes.append(h.make_node(op, list(inputs), names, domain=domain, name=f"n{self.n}_{op}", **attributes))
            return names[0] if outputs == 1 else names

        return add

    def finish(self, *outputs, integers=False):
        ports = [h.make_tensor_value_info(o, T.INT64 if integers else T.FLOAT, None) for o in outputs]
        graph = h.make_graph(
            self.nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, [1, *self.shape[1:]])], ports, self.inits
        )
        sets = [h.make_opsetid("", self.opset)]
        if any(node.domain == "com.microsoft" for node in self.nodes):
            sets.append(h.make_opsetid("com.microsoft", 1))
        return h.make_model(graph, opset_imports=sets, ir_version=10), self.calibration


def model(function):
    MODELS[function.__name__] = function
    return function


def unary(name, op, low=-2.0, high=2.0, opset=17, **attributes):
    def build():
        net = Net([1, 12], opset, low, high)
        x = net.Gemm("x", net.w(12, 12), transB=1) if low < 0 else "x"
        return net.finish(getattr(net, op)(x, **attributes))

    MODELS[name] = build


for entry in [
    ("relu", "Relu"), ("leaky_relu", "LeakyRelu"), ("sigmoid", "Sigmoid"), ("tanh", "Tanh"), ("elu", "Elu"),
    ("selu", "Selu"), ("softplus", "Softplus"), ("softsign", "Softsign"), ("hard_sigmoid", "HardSigmoid"),
    ("hard_swish", "HardSwish"), ("mish", "Mish", -2.0, 2.0, 18), ("gelu", "Gelu", -2.0, 2.0, 20), ("celu", "Celu"),
    ("floor", "Floor"), ("ceil", "Ceil"), ("round", "Round"), ("sign", "Sign"), ("log", "Log", 0.5, 4.0),
    ("log_softmax", "LogSoftmax"), ("softmax", "Softmax"), ("swish", "Swish", -2.0, 2.0, 24), ("cos", "Cos"),
]:  # fmt: skip
    unary(*entry)
unary("shrink", "Shrink", lambd=0.5, bias=0.2)


@model
def linear_stack():
    n = Net([1, 16])
    x = n.Relu(n.Add(n.MatMul("x", n.w(16, 12)), n.w(12)))
    return n.finish(n.Add(n.MatMul(x, n.w(12, 4)), n.w(4)))


@model
def classifier_with_argmax():
    n = Net([1, 16])
    x = n.Relu(n.Gemm("x", n.w(12, 16), n.w(12), transB=1))
    return n.finish(n.ArgMax(n.Gemm(x, n.w(4, 12), n.w(4), transB=1), axis=1, keepdims=0), integers=True)


@model
def conv_batch_norm():
    n = Net([1, 3, 8, 8])
    x = n.Conv("x", n.w(4, 3, 3, 3), n.w(4), pads=[1, 1, 1, 1])
    x = n.BatchNormalization(x, n.c(rng.uniform(0.5, 1.5, 4)), n.w(4), n.w(4), n.c(rng.uniform(0.5, 1.5, 4)))
    return n.finish(n.MaxPool(n.Relu(x), kernel_shape=[2, 2], strides=[2, 2]))


@model
def conv1d():
    n = Net([1, 3, 20])
    return n.finish(n.Relu(n.Conv("x", n.w(5, 3, 3), n.w(5))))


@model
def depthwise():
    n = Net([1, 4, 8, 8])
    x = n.Clip(n.Conv("x", n.w(4, 1, 3, 3), n.w(4), group=4, pads=[1, 1, 1, 1]), n.c(0.0), n.c(6.0))
    return n.finish(n.GlobalAveragePool(n.Conv(x, n.w(6, 4, 1, 1))))


@model
def conv_transpose():
    n = Net([1, 3, 5, 5])
    return n.finish(n.ConvTranspose("x", n.w(3, 4, 3, 3), n.w(4), strides=[2, 2]))


@model
def residual():
    n = Net([1, 4, 6, 6])
    x = n.Relu(n.Conv("x", n.w(4, 4, 3, 3), n.w(4), pads=[1, 1, 1, 1]))
    y = n.Conv(x, n.w(4, 4, 3, 3), n.w(4), pads=[1, 1, 1, 1])
    return n.finish(n.Relu(n.Add(y, x)))


@model
def pad_before_conv():
    n = Net([1, 3, 6, 6])
    return n.finish(n.Conv(n.Pad("x", n.i(0, 0, 1, 1, 0, 0, 1, 1), n.c(0.0)), n.w(4, 3, 3, 3), n.w(4)))


@model
def reflection_pad():
    n = Net([1, 3, 6, 6])
    return n.finish(n.Conv(n.Pad("x", n.i(0, 0, 1, 1, 0, 0, 1, 1), mode="reflect"), n.w(4, 3, 3, 3), n.w(4)))


@model
def average_pool():
    n = Net([1, 3, 8, 8])
    return n.finish(n.AveragePool(n.Conv("x", n.w(4, 3, 3, 3)), kernel_shape=[2, 2], strides=[2, 2]))


@model
def pixel_shuffle():
    n = Net([1, 3, 4, 4])
    return n.finish(n.DepthToSpace(n.Conv("x", n.w(8, 3, 3, 3), pads=[1, 1, 1, 1]), blocksize=2, mode="CRD"))


@model
def pixel_unshuffle():
    n = Net([1, 2, 4, 4])
    return n.finish(n.Conv(n.SpaceToDepth("x", blocksize=2), n.w(4, 8, 1, 1)))


@model
def upsample_nearest():
    n = Net([1, 3, 4, 4])
    x = n.Resize("x", "", n.c([1, 1, 2, 2]), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    return n.finish(n.Conv(x, n.w(4, 3, 3, 3)))


@model
def old_upsample():
    n = Net([1, 3, 4, 4], opset=9)
    return n.finish(n.Conv(n.Upsample("x", n.c([1, 1, 2, 2]), mode="nearest"), n.w(4, 3, 3, 3)))


@model
def old_attributes():
    n = Net([1, 3, 6, 6], opset=7)
    x = n.Conv("x", n.w(4, 3, 3, 3), n.w(4))
    x = n.Slice(x, axes=[2, 3], starts=[0, 0], ends=[2, 2])
    x = n.Clip(x, min=-1.0, max=1.0)
    x = n.Squeeze(n.ReduceMean(x, axes=[2, 3]), axes=[2, 3])
    return n.finish(n.Softmax(n.Gemm(x, n.w(3, 4), n.w(3), transB=1), axis=1))


@model
def old_softmax():
    n = Net([1, 3, 4, 4], opset=11)
    x = n.Conv("x", n.w(5, 3, 3, 3), n.w(5))
    return n.finish(n.Softmax(x, axis=1))


@model
def angles():
    n = Net([1, 12])
    x = n.Gemm("x", n.w(12, 12), transB=1)
    within = n.Clip(x, n.c(-0.9), n.c(0.9))
    beyond = n.Add(n.Abs(x), n.c(1.1))
    return n.finish(n.Tan(within), n.Asin(within), n.Acos(within), n.Atanh(within), n.Acosh(beyond), *(getattr(n, op)(x) for op in ["Atan", "Sinh", "Cosh", "Asinh"]))


@model
def comparisons_of_two():
    n = Net([1, 12], examples=80)
    a, b = n.Gemm("x", n.w(3, 12), transB=1), n.Gemm("x", n.w(3, 12), transB=1)
    larger = n.Greater(a, b)
    either = n.Xor(n.And(larger, n.Less(a, n.c(0.5))), n.Not(n.Greater(b, n.c(0.25))))
    file, examples = n.finish(n.Where(larger, a, n.Neg(b)), n.Cast(either, to=T.FLOAT), n.Or(larger, either))
    file.graph.output[-1].type.tensor_type.elem_type = T.BOOL
    # None is near to where an answer changes.
    left, right = (examples @ nh.to_array(own).T for own in n.inits[:2])
    near = np.minimum(np.abs(left - right), np.minimum(np.abs(left - 0.5), np.abs(right - 0.25)))
    return file, examples[near.min((1, 2)) > 0.05]


@model
def layer_norm():
    n = Net([1, 4, 16])
    return n.finish(n.LayerNormalization("x", n.c(rng.uniform(0.5, 1.5, 16)), n.w(16)))


@model
def layer_norm_written_out():
    n = Net([1, 4, 16], opset=13)
    d = n.Sub("x", n.ReduceMean("x", axes=[-1]))
    v = n.ReduceMean(n.Pow(d, n.c(2.0)), axes=[-1])
    y = n.Div(d, n.Sqrt(n.Add(v, n.c(1e-5))))
    return n.finish(n.Add(n.Mul(y, n.c(rng.uniform(0.5, 1.5, 16))), n.w(16)))


@model
def group_norm():
    n = Net([1, 6, 4, 4], opset=21)
    return n.finish(n.GroupNormalization("x", n.c(rng.uniform(0.5, 1.5, 6)), n.w(6), num_groups=3))


@model
def instance_norm():
    n = Net([1, 3, 5, 5])
    return n.finish(n.InstanceNormalization("x", n.c(rng.uniform(0.5, 1.5, 3)), n.w(3)))


@model
def rms_norm():
    n = Net([1, 4, 16], opset=23)
    return n.finish(n.RMSNormalization("x", n.c(rng.uniform(0.5, 1.5, 16))))


@model
def cosine_unit_vector():
    n = Net([1, 16])
    return n.finish(n.LpNormalization(n.Gemm("x", n.w(8, 16), transB=1), axis=-1, p=2))


@model
def branches_on_shapes():
    n = Net([1, 1, 8])
    x = n.MatMul("x", n.w(8, 6))
    is_one = n.Equal(n.Gather(n.Shape(x), n.c(1, np.int64)), n.c(1, np.int64))
    axes = nh.from_array(np.int64([1]), "axes")
    then = h.make_graph([h.make_node("Squeeze", [x, "axes"], ["narrow"], name="squeeze")], "then", [], [h.make_tensor_value_info("narrow", T.FLOAT, None)], [axes])
    other = h.make_graph([h.make_node("Identity", [x], ["same"], name="same")], "else", [], [h.make_tensor_value_info("same", T.FLOAT, None)])
    return n.finish(n.Relu(n.If(is_one, then_branch=then, else_branch=other)))


@model
def cross_entropy():
    n = Net([1, 8], opset=13)
    loss = n.SoftmaxCrossEntropyLoss(n.Gemm("x", n.w(5, 8), transB=1), "label")
    file, examples = n.finish(loss)
    file.graph.input.append(h.make_tensor_value_info("label", T.INT64, [1]))
    return file, {"x": examples, "label": np.arange(len(examples))[:, None] % 5}


def with_numbers(made, name, shape, end):
    """Beside `x`, whole numbers below an end come in."""
    file, examples = made
    file.graph.input.append(h.make_tensor_value_info(name, T.INT64, shape))
    return file, {"x": examples, name: rng.integers(0, end, [len(examples), *shape])}


@model
def cross_entropy_of_planes():
    n = Net([1, 3, 2, 4], opset=13)
    scores = n.Conv("x", n.w(5, 3, 1, 1))
    loss = n.SoftmaxCrossEntropyLoss(scores, "label", reduction="none", ignore_index=2)
    return with_numbers(n.finish(loss), "label", [1, 2, 4], 5)


@model
def weighted_cross_entropy():
    n = Net([1, 8], opset=13)
    scores = n.Reshape(n.Gemm("x", n.w(15, 8), transB=1), n.i(3, 5))
    loss = n.SoftmaxCrossEntropyLoss(scores, "label", n.c([0.5, 1.0, 2.0, 1.5, 0.8]))
    return with_numbers(n.finish(loss), "label", [3], 5)


@model
def elements_at_places():
    n = Net([1, 3, 6])
    x = n.MatMul("x", n.w(6, 5))
    own, known = n.GatherElements(x, "places", axis=1), n.GatherElements(n.w(1, 3, 4), "places", axis=-2)
    return with_numbers(n.finish(n.Add(own, known)), "places", [1, 2, 4], 3)


@model
def rows_at_places():
    n = Net([1, 4, 6])
    x = n.Reshape(n.MatMul("x", n.w(6, 6)), n.i(2, 4, 3))
    own, known = n.Gather(x, "places", axis=1), n.Gather(n.w(2, 4, 3), "places", axis=-2)
    return with_numbers(n.finish(n.Add(own, known)), "places", [3], 4)


@model
def larger_by_cubes():
    n = Net([1, 2, 4, 4], opset=18)
    x = n.Resize("x", "", "", n.i(7, 6), mode="cubic", axes=[2, 3])
    return n.finish(n.Resize(x, "", n.c([1.0, 1.0, 1.0, 0.5]), coordinate_transformation_mode="asymmetric", nearest_mode="floor"))


@model
def einsum_heads():
    n = Net([1, 4, 6])
    x = n.Reshape(n.MatMul("x", n.w(6, 12)), n.i(1, 4, 3, 4))
    return n.finish(n.Einsum(x, x, equation="bqhd,bkhd->bhqk"))


@model
def einsum_forms():
    """Dots, sums, diagonals, three operands, and no word of what comes out."""
    n = Net([1, 4, 6])
    x = n.Reshape(n.MatMul("x", n.w(6, 9)), n.i(4, 3, 3))
    forms = [
        n.Einsum(x, x, equation="...ij, ...jk -> ...ik"), n.Einsum(x, equation="bii->ib"), n.Einsum(x, equation="bij->j"),
        n.Einsum(x, n.w(3, 2), n.w(4, 2), equation="bij,jk,bk->bi"), n.Einsum(n.w(2, 3), x, equation="ki,bij"),
    ]  # fmt: skip
    return n.finish(*forms)


@model
def powers_of_whole_exponents():
    n = Net([1, 8])
    return n.finish(n.Pow(n.Gemm("x", n.w(3, 8), transB=1), n.c([1, 2, 3], np.int64)))


@model
def batched_weights():
    n = Net([1, 4, 6])
    x = n.Transpose(n.Reshape("x", n.i(4, 2, 3)), perm=[1, 0, 2])
    return n.finish(n.MatMul(x, n.w(2, 3, 5)))


@model
def larger_and_smaller():
    n = Net([1, 10])
    a, b = n.Gemm("x", n.w(8, 10), transB=1), n.Gemm("x", n.w(8, 10), transB=1)
    return n.finish(n.Sub(n.Max(a, b), n.Min(a, b)))


@model
def reductions():
    n = Net([1, 4, 6], opset=18)
    parts = [
        n.ReduceMax("x", n.i(2)), n.ReduceMin("x", n.i(2)), n.ReduceMean("x", n.i(2)), n.ReduceSum("x", n.i(2)),
        n.ReduceL1("x", n.i(2)), n.ReduceL2("x", n.i(2)), n.ReduceSumSquare("x", n.i(2)), n.ReduceLogSumExp("x", n.i(2)),
    ]  # fmt: skip
    return n.finish(n.Concat(*parts, axis=2))


@model
def division_of_activations():
    n = Net([1, 8])
    a = n.Gemm("x", n.w(6, 8), transB=1)
    return n.finish(n.Div(a, n.Add(n.Sigmoid(n.Gemm("x", n.w(6, 8), transB=1)), n.c(0.5))))


@model
def written_out_leaky_relu():
    n = Net([1, 8])
    x = n.Gemm("x", n.w(6, 8), transB=1)
    return n.finish(n.Where(n.Less(x, n.c(0.0)), n.Mul(x, n.c(0.1)), x))


@model
def squeeze_excitation():
    n = Net([1, 4, 6, 6])
    x = n.Conv("x", n.w(4, 4, 3, 3), n.w(4), pads=[1, 1, 1, 1])
    s = n.Relu(n.Conv(n.GlobalAveragePool(x), n.w(2, 4, 1, 1), n.w(2)))
    return n.finish(n.Mul(x, n.Sigmoid(n.Conv(s, n.w(4, 2, 1, 1), n.w(4)))))


@model
def cumulative_sum():
    n = Net([1, 3, 5])
    return n.finish(n.CumSum("x", n.c(2, np.int64)))


@model
def shapes_computed_in_the_graph():
    n = Net([1, 3, 4, 4])
    x = n.Conv("x", n.w(4, 3, 3, 3))
    batch = n.Gather(n.Shape(x), n.c(0, np.int64), axis=0)
    shape = n.Concat(n.Unsqueeze(batch, n.i(0)), n.i(-1), axis=0)
    known = n.Equal(shape, n.i(-1, -1))
    shape = n.Where(known, shape, shape)
    return n.finish(n.Gemm(n.Reshape(x, shape), n.w(3, 16), transB=1))


@model
def tile_and_gather():
    n = Net([1, 3, 4])
    x = n.Tile("x", n.i(1, 2, 1))
    return n.finish(n.MatMul(n.Gather(x, n.i(0, 2, 5), axis=1), n.w(4, 3)))


@model
def standardized_input():
    n = Net([1, 12])
    mean, deviation = rng.uniform(100, 900, 12), rng.uniform(1, 300, 12)
    n.calibration = (mean + deviation * n.calibration).astype(np.float32)
    x = n.Div(n.Sub("x", n.c(mean)), n.c(deviation))
    return n.finish(n.Sigmoid(n.Gemm(n.Relu(n.Gemm(x, n.w(8, 12), n.w(8), transB=1)), n.w(1, 8), transB=1)))


@model
def pixels():
    n = Net([1, 3, 6, 6], low=0.0, high=255.0)
    return n.finish(n.Relu(n.Conv(n.Div("x", n.c(255.0)), n.w(4, 3, 3, 3), n.w(4))))


@model
def half_precision_weights():
    n = Net([1, 8])
    w = n.Cast(n.c(rng.normal(size=(8, 6)), np.float16), to=T.FLOAT)
    return n.finish(n.Relu(n.MatMul("x", w)))


@model
def remainders_of_whole_numbers():
    n = Net([1, 6], opset=17)
    rest = n.Mod(n.Sub("ids", n.c(20, np.int64)), n.c(7, np.int64))
    negative = n.Mod("ids", n.c(-5, np.int64))
    file, examples = n.finish(n.Relu(n.MatMul(n.Cast(n.Add(rest, negative), to=T.FLOAT), n.w(6, 3))))
    del file.graph.input[:]
    file.graph.input.append(h.make_tensor_value_info("ids", T.INT64, [1, 6]))
    return file, {"ids": rng.integers(0, 60, [len(examples), 6])}


@model
def one_hot_of_another_axis():
    """The places of tokens, along the axis before the last."""
    n = Net([1, 4], opset=17)
    hot = n.OneHot("ids", n.c(6, np.int64), n.c([-1.0, 2.0]), axis=1)
    file, examples = n.finish(n.Relu(n.MatMul(hot, n.w(4, 3))))
    del file.graph.input[:]
    file.graph.input.append(h.make_tensor_value_info("ids", T.INT64, [1, 4]))
    return file, {"ids": rng.integers(0, 6, [len(examples), 4])}


@model
def top_of_scores():
    n = Net([1, 12])
    values, positions = n.TopK(n.Gemm("x", n.w(9, 12), transB=1), n.i(3), outputs=2, axis=1)
    graph, calibration = n.finish(values, positions)
    graph.graph.output[1].type.tensor_type.elem_type = T.INT64
    return graph, calibration


@model
def product_of_factors():
    n = Net([1, 4, 5], opset=18, low=0.5, high=1.5)
    own = n.Gemm(n.Reshape("x", n.i(4, 5)), n.w(5, 3), n.w(4, 3), beta=0.5)
    return n.finish(n.ReduceProd("x", n.i(-1), keepdims=0), n.ReduceProd("x", n.i(0, 2)), own)


@model
def trees_of_newer_files():
    n = Net([1, 3])
    tensor = lambda kind, values: h.make_tensor("v", kind, [len(values)], values)  # noqa: E731
    y = n.TreeEnsemble(
        "x", domain="ai.onnx.ml", n_targets=2, aggregate_function=1, tree_roots=[0, 2],
        nodes_featureids=[0, 2, 1], nodes_modes=tensor(T.UINT8, [0, 3, 1]), nodes_splits=tensor(T.FLOAT, [0.25, -0.5, 0.125]),
        nodes_truenodeids=[1, 0, 3], nodes_trueleafs=[0, 1, 1], nodes_falsenodeids=[2, 1, 4], nodes_falseleafs=[1, 1, 1],
        leaf_targetids=[0, 1, 0, 1, 0], leaf_weights=tensor(T.FLOAT, [0.5, -1.0, 2.0, 0.75, -0.25]),
    )  # fmt: skip
    graph, calibration = n.finish(y)
    calibration[:6, 0, 0], calibration[6:12, 0, 2], calibration[12:18, 0, 1] = 0.25, -0.5, 0.125
    graph.opset_import.append(h.make_opsetid("ai.onnx.ml", 5))
    return graph, calibration


@model
def strides_groups_and_pools():
    n = Net([1, 2, 10, 10])
    x = n.Relu(n.Conv("x", n.w(6, 2, 3, 3), n.w(6), pads=[1, 1, 1, 1], strides=[2, 2]))
    y = n.Clip(n.Conv(x, n.w(6, 1, 3, 3), n.w(6), group=6, pads=[1, 1, 1, 1]), n.c(0.0), n.c(6.0))
    x = n.Relu(n.Add(n.Conv(y, n.w(6, 6, 1, 1), n.w(6)), x))
    x = n.Conv(n.MaxPool(x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), n.w(8, 3, 2, 2), n.w(8), group=2)
    return n.finish(n.Gemm(n.Flatten(n.GlobalAveragePool(x)), n.w(5, 8), n.w(5), transB=1))

#!/usr/bin/env python3
"""Makes test/fixtures/operators/cases.bin: single-operator models with onnxruntime's outputs.

    python3 -m pip install -r script/requirements.txt
    python3 script/operator_cases.py
    python3 script/operator_cases.py --seed 7 --times 20 --only "Tanh qdq" --out /tmp/more.bin
    OPERATOR_CASES=/tmp/more.bin cargo test --test operators

The second form makes other cases, as many times as many, to look further than the stored ones.

Attributes, shapes, scales and zero points are random (fixed seed), and lean towards what breaks:
ties, zero points at the ends, odd shapes, extreme scales. Inputs and outputs are integers: models
in quantized form as they are, and groups DequantizeLinear → operator → QuantizeLinear.

The file: for each case, a JSON line `{"name", "model", "inputs", "expected"}` with lengths, then the
bytes of the model, of each input and of the expected output. All deflated.
"""

import argparse
import io
import json
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=20240607)
parser.add_argument("--times", type=int, default=1)
parser.add_argument("--only", action="append", help="cases of this name")
parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "test/fixtures/operators/cases.bin")
ARGS = parser.parse_args()

ort.set_default_logger_severity(3)
rng = np.random.default_rng(ARGS.seed)
TYPES = {np.int8: T.INT8, np.uint8: T.UINT8}


def scale(low=-9, high=1):
    """Mostly arbitrary; sometimes a power of two or a short fraction, which make ties."""
    kind = rng.integers(6)
    if kind == 0:
        return np.float32(2.0 ** rng.integers(low, high))
    if kind == 1:
        return np.float32(rng.integers(1, 20) / 64)
    return np.float32(2.0 ** rng.uniform(low, high))


def zero_point(dtype):
    info = np.iinfo(dtype)
    kind = rng.integers(5)
    if kind == 0:
        return dtype(info.min)
    if kind == 1:
        return dtype(info.max)
    if kind == 2:
        return dtype(0)
    return dtype(rng.integers(info.min, info.max + 1))


def integers(dtype, shape):
    info = np.iinfo(dtype)
    if rng.integers(6) == 0:
        return rng.choice([info.min, info.max], shape).astype(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


class Graph:
    def __init__(self, opset=17):
        self.nodes, self.inits, self.inputs, self.feeds, self.n = [], [], [], {}, 0
        self.opset = opset

    def name(self, stem):
        self.n += 1
        return f"{stem}{self.n}"

    def const(self, array):
        name = self.name("c")
        self.inits.append(nh.from_array(np.asarray(array), name))
        return name

    def input(self, values):
        name = self.name("x")
        self.inputs.append(h.make_tensor_value_info(name, TYPES[values.dtype.type], values.shape))
        self.feeds[name] = values
        return name

    def node(self, op, inputs, domain="", outputs=1, **attributes):
        names = [self.name("t") for _ in range(outputs)]
        self.nodes.append(h.make_node(op, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def dq(self, x, s, z, axis=None):
        extra = {} if axis is None else {"axis": axis}
        return self.node("DequantizeLinear", [x, self.const(s), self.const(z)], **extra)

    def q(self, x, s, z):
        return self.node("QuantizeLinear", [x, self.const(s), self.const(z)])

    def finish(self, output, element):
        graph = h.make_graph(
            self.nodes, "g", self.inputs, [h.make_tensor_value_info(output, element, None)], self.inits
        )
        opsets = [h.make_opsetid("", self.opset)]
        if any(node.domain for node in self.nodes):
            opsets.append(h.make_opsetid("com.microsoft", 1))
        return h.make_model(graph, opset_imports=opsets, ir_version=8)


def quantized(dtype, shape, low=-7, high=-1):
    """An activation: values, scale, zero point."""
    return integers(dtype, shape), scale(low, high), zero_point(dtype)


def dtype():
    return rng.choice([np.int8, np.uint8])


def matching(x_scale, w_scale, terms):
    """An output scale under which sums spread over the range."""
    spread = np.float32(x_scale * np.max(w_scale) * 74 * 74 * np.sqrt(terms) / 60)
    if rng.integers(5) == 0:
        return np.float32(2.0 ** np.round(np.log2(spread)))
    return np.float32(spread * 2.0 ** rng.uniform(-2, 2))


def weights(shape, channels, per_channel, signed=True):
    kind = np.int8 if signed else np.uint8
    values = integers(kind, shape)
    if per_channel:
        s = np.array([scale(-9, -4) for _ in range(channels)], np.float32)
        z = np.zeros(channels, kind)
    else:
        s, z = scale(-9, -4), kind(0 if signed else zero_point(np.uint8))
    return values, s, z


def bias(shape, x_scale, w_scale):
    values = rng.integers(-20000, 20000, shape).astype(np.int32)
    return values, (np.float32(x_scale) * w_scale).astype(np.float32), np.zeros(np.shape(w_scale), np.int32)


def conv(form, dims):
    kind = dtype()
    group = int(rng.choice([1, 1, 2, 3]))
    cin, cout = group * int(rng.integers(1, 4)), group * int(rng.integers(1, 4))
    if rng.integers(4) == 0:
        group = cin
        cout = cin * int(rng.integers(1, 3))
    kernel = [int(k) for k in rng.integers(1, 4, dims)]
    attributes = {
        "kernel_shape": kernel,
        "strides": [int(v) for v in rng.integers(1, 4, dims)],
        "dilations": [int(v) for v in rng.integers(1, 3, dims)],
        "group": group,
    }
    pad = rng.integers(4)
    if pad == 0:
        attributes["pads"] = [int(v) for v in rng.integers(0, 3, 2 * dims)]
    elif pad == 1:
        attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        attributes["dilations"] = [1] * dims
    space = [int(v) for v in rng.integers(5, 15, dims)]
    x, xs, xz = quantized(kind, [1, cin, *space])
    w, ws, wz = weights([cout, cin // group, *kernel], cout, rng.integers(2) == 0)
    b, bs, bz = bias([cout], xs, ws)
    ys, yz = matching(xs, ws, cin // group * np.prod(kernel)), zero_point(kind)
    g = Graph()
    xi = g.input(x)
    has_bias = rng.integers(3) > 0
    if form == "qop":
        inputs = [xi, g.const(xs), g.const(xz), g.const(w), g.const(ws), g.const(wz), g.const(ys), g.const(yz)]
        y = g.node("QLinearConv", inputs + ([g.const(b)] if has_bias else []), **attributes)
    else:
        per_channel = np.ndim(ws) > 0
        inputs = [g.dq(xi, xs, xz), g.dq(g.const(w), ws, wz, 0 if per_channel else None)]
        if has_bias:
            inputs.append(g.dq(g.const(b), bs, bz, 0 if per_channel else None))
        y = g.q(g.node("Conv", inputs, **attributes), ys, yz)
    return g, y, kind


def gemm(form):
    kind = dtype()
    m, k, n = int(rng.integers(1, 6)), int(rng.integers(1, 60)), int(rng.integers(1, 29))
    trans = int(rng.integers(2))
    x, xs, xz = quantized(kind, [m, k])
    per_channel = rng.integers(2) == 0
    w, ws, wz = weights([n, k] if trans else [k, n], n, per_channel)
    if form == "qdq" and kind is np.int8:
        pass
    b, bs, bz = bias([n], xs, ws)
    ys, yz = matching(xs, ws, k), zero_point(kind)
    alpha = float(rng.choice([1.0, 1.0, 0.5, 0.7])) if form == "qop" else 1.0
    g = Graph()
    xi = g.input(x)
    has_bias = rng.integers(3) > 0
    if form == "qop":
        inputs = [xi, g.const(xs), g.const(xz), g.const(w), g.const(ws), g.const(wz)]
        inputs += [g.const(b) if has_bias else "", g.const(ys), g.const(yz)]
        y = g.node("QGemm", inputs, domain="com.microsoft", transB=trans, alpha=alpha)
    else:
        axis = (0 if trans else 1) if per_channel else None
        inputs = [g.dq(xi, xs, xz), g.dq(g.const(w), ws, wz, axis)]
        if has_bias:
            inputs.append(g.dq(g.const(b), bs, bz, 0 if per_channel else None))
        y = g.q(g.node("Gemm", inputs, transB=trans), ys, yz)
    return g, y, kind


def matmul(form, of_weights):
    kind = dtype()
    m, k, n = int(rng.integers(1, 7)), int(rng.integers(1, 40)), int(rng.integers(1, 19))
    outer = [[], [2], [2, 3], [1, 2]][rng.integers(4)]
    x, xs, xz = quantized(kind, [*outer, m, k])
    g = Graph()
    xi = g.input(x)
    axis = None
    if of_weights:
        per_channel = rng.integers(2) == 0
        w, ws, wz = weights([k, n], n, per_channel, signed=kind is np.int8 or rng.integers(2) == 0)
        wi = g.const(w)
        axis = 1 if per_channel else None
    else:
        other = outer if rng.integers(2) else [1] * len(outer)
        w, ws, wz = quantized(kind, [*other, k, n])
        wi = g.input(w)
    ys, yz = matching(xs, ws, k), zero_point(kind)
    if form == "qop":
        y = g.node(
            "QLinearMatMul",
            [xi, g.const(xs), g.const(xz), wi, g.const(ws), g.const(wz), g.const(ys), g.const(yz)],
        )
    else:
        y = g.q(g.node("MatMul", [g.dq(xi, xs, xz), g.dq(wi, ws, wz, axis)]), ys, yz)
    return g, y, kind


def binary(form, op):
    kind = dtype()
    shape = [[14, 29], [7, 3, 25], [1, 4, 13, 13], [1, 537], [1, 18, 34]][rng.integers(5)]
    other = list(shape)
    mode = rng.integers(5)
    if mode == 1:
        other = [1]
    elif mode == 2:
        other = shape[-1:]
    elif mode == 3:
        other = [1 if i != 1 else d for i, d in enumerate(shape)]
    elif mode == 4:
        other = [1 if i == 1 else d for i, d in enumerate(shape)]
    a, as_, az = quantized(kind, shape)
    b, bs, bz = quantized(kind, other)
    if rng.integers(3) == 0:
        bs = as_
    if op == "Mul":
        ys = np.float32(as_ * bs * 90 * 2.0 ** rng.uniform(-1, 1))
    else:
        ys = np.float32(max(as_, bs) * 2.0 ** rng.integers(0, 2)) if rng.integers(3) == 0 else np.float32(max(as_, bs) * 2.0 ** rng.uniform(-1, 1.5))
    yz = zero_point(kind)
    g = Graph()
    ai = g.input(a)
    constant = rng.integers(2) == 0
    bi = g.const(b) if constant else g.input(b)
    pair = [(ai, as_, az), (bi, bs, bz)]
    if rng.integers(3) == 0:
        pair.reverse()
    if form == "qop":
        inputs = [v for i, s, z in pair for v in (i, g.const(s), g.const(z))]
        y = g.node("QLinear" + op, inputs + [g.const(ys), g.const(yz)], domain="com.microsoft")
    else:
        y = g.q(g.node(op, [g.dq(*p) for p in pair]), ys, yz)
    return g, y, kind


def pool(form):
    kind = dtype()
    dims = int(rng.choice([1, 2, 2]))
    kernel = [int(k) for k in rng.integers(1, 4, dims)]
    shape = [1, int(rng.integers(1, 5)), *[int(v) for v in rng.integers(6, 20, dims)]]
    x, xs, xz = quantized(kind, shape)
    attributes = {"kernel_shape": kernel, "strides": [int(v) for v in rng.integers(1, 4, dims)]}
    if rng.integers(2):
        attributes["pads"] = [int(rng.integers(0, k)) for k in kernel * 2]
        attributes["count_include_pad"] = int(rng.integers(2))
    if rng.integers(4) == 0 and "pads" not in attributes:
        attributes["ceil_mode"] = 1
    ys, yz = (xs, xz) if rng.integers(2) else (np.float32(xs * 2.0 ** rng.uniform(-1, 0.5)), zero_point(kind))
    g = Graph()
    xi = g.input(x)
    if form == "qop":
        y = g.node(
            "QLinearAveragePool",
            [xi, g.const(xs), g.const(xz), g.const(ys), g.const(yz)],
            domain="com.microsoft",
            **attributes,
        )
    else:
        y = g.q(g.node("AveragePool", [g.dq(xi, xs, xz)], **attributes), ys, yz)
    return g, y, kind


def global_pool(form):
    kind = dtype()
    x, xs, xz = quantized(kind, [1, int(rng.integers(1, 40)), int(rng.integers(1, 9)), int(rng.integers(1, 9))])
    ys, yz = np.float32(xs * 2.0 ** rng.uniform(-3, 0.5)), zero_point(kind)
    if rng.integers(3) == 0:
        ys = xs
    g = Graph()
    xi = g.input(x)
    if form == "qop":
        y = g.node(
            "QLinearGlobalAveragePool",
            [xi, g.const(xs), g.const(xz), g.const(ys), g.const(yz)],
            domain="com.microsoft",
        )
    else:
        y = g.q(g.node("GlobalAveragePool", [g.dq(xi, xs, xz)]), ys, yz)
    return g, y, kind


def max_pool(form):
    kind = dtype()
    dims = int(rng.choice([1, 2, 2]))
    kernel = [int(k) for k in rng.integers(1, 4, dims)]
    shape = [1, int(rng.integers(1, 5)), *[int(v) for v in rng.integers(5, 9, dims)]]
    x, xs, xz = quantized(kind, shape)
    attributes = {
        "kernel_shape": kernel,
        "strides": [int(v) for v in rng.integers(1, 4, dims)],
        "dilations": [int(v) for v in rng.integers(1, 3, dims)],
    }
    if rng.integers(2):
        attributes["pads"] = [int(rng.integers(0, k)) for k in kernel * 2]
    g = Graph()
    xi = g.input(x)
    if form == "qop":
        y = g.node("MaxPool", [xi], **attributes)
    else:
        y = g.q(g.node("MaxPool", [g.dq(xi, xs, xz)], **attributes), xs, xz)
    return g, y, kind


UNARY = {
    "Relu": {}, "Sigmoid": {}, "Tanh": {}, "LeakyRelu": {"alpha": None}, "HardSigmoid": {}, "HardSwish": {},
    "Elu": {}, "Erf": {}, "Clip": {}, "Softplus": {}, "Softsign": {}, "Selu": {}, "ThresholdedRelu": {},
    "Abs": {}, "Neg": {}, "Gelu": {}, "Mish": {}, "Exp": {}, "Sqrt": {}, "Reciprocal": {},
}


def unary(form, op):
    kind = dtype()
    info = np.iinfo(kind)
    every = np.arange(info.min, info.max + 1).astype(kind).reshape(1, 256)
    xs = scale(-7, -3)
    xz = zero_point(kind)
    if op in ("Sqrt", "Reciprocal"):
        xz = kind(info.min)
        every = every[:, 1:]
    reals = (every.astype(np.int32) - int(xz)).astype(np.float32) * xs
    top = {"Sigmoid": 1.0, "Tanh": 1.0, "HardSigmoid": 1.0, "Erf": 1.0, "Softsign": 1.0}.get(op, 0)
    bottom = 0.0
    if not top:
        top = max(float(np.exp(reals.max())) if op == "Exp" else float(np.abs(reals).max()), 0.01)
        top = 1 / float(xs) if op == "Reciprocal" else top
        bottom = -top / 4
    else:
        bottom = -1.0 if op in ("Tanh", "Erf", "Softsign") else 0.0
    ys = np.float32((top - bottom) / 255 * 2.0 ** rng.uniform(-0.3, 0.3))
    yz = zero_point(kind) if rng.integers(2) else kind(np.clip(round(info.min - bottom / ys), info.min, info.max))
    g = Graph(22 if op in ("Gelu", "Mish", "HardSwish") else 17)
    xi = g.input(every)
    attributes = {}
    if op in ("LeakyRelu", "Elu", "ThresholdedRelu"):
        attributes["alpha"] = float(np.float32(rng.uniform(0.01, 1)))
    if form == "qop":
        y = g.node(
            "QLinear" + op,
            [xi, g.const(xs), g.const(xz), g.const(ys), g.const(yz)],
            domain="com.microsoft",
            **attributes,
        )
    else:
        inputs = [g.dq(xi, xs, xz)]
        if op == "Clip":
            low = np.float32(rng.uniform(reals.min(), 0))
            inputs += [g.const(low), g.const(np.float32(low + rng.uniform(0, 2)))]
        if op == "Gelu":
            attributes["approximate"] = str(rng.choice(["none", "tanh"]))
        y = g.q(g.node(op, inputs, **attributes), ys, yz)
    return g, y, kind


def concat(form):
    kind = dtype()
    axis = int(rng.integers(3))
    shape = [int(v) for v in rng.integers(1, 5, 3)]
    parts = []
    for _ in range(int(rng.integers(2, 4))):
        part = list(shape)
        part[axis] = int(rng.integers(1, 4))
        parts.append(quantized(kind, part))
    ys, yz = parts[0][1:] if rng.integers(2) else (scale(-7, -1), zero_point(kind))
    g = Graph()
    names = [g.input(values) for values, _, _ in parts]
    if form == "qop":
        inputs = [g.const(ys), g.const(yz)]
        for name, (_, s, z) in zip(names, parts):
            inputs += [name, g.const(s), g.const(z)]
        y = g.node("QLinearConcat", inputs, domain="com.microsoft", axis=axis)
    else:
        y = g.q(g.node("Concat", [g.dq(n, s, z) for n, (_, s, z) in zip(names, parts)], axis=axis), ys, yz)
    return g, y, kind


def view(op):
    kind = dtype()
    shape = [int(v) for v in rng.integers(2, 6, 4)]
    x, xs, xz = quantized(kind, shape)
    g = Graph()
    xi = g.dq(g.input(x), xs, xz)
    if op == "Transpose":
        y = g.node(op, [xi], perm=[int(v) for v in rng.permutation(4)])
    elif op == "Slice":
        axis = int(rng.integers(4))
        step = int(rng.choice([1, 1, 2, -1, -2]))
        start, end = (0, shape[axis]) if step > 0 else (shape[axis] - 1, -shape[axis] - 5)
        if step > 0 and rng.integers(2):
            start = -int(rng.integers(1, shape[axis] + 1))
        y = g.node(op, [xi, *[g.const(np.array([v], np.int64)) for v in (start, end, axis, step)]])
    elif op == "Pad":
        pads = rng.integers(0, 2, 8).astype(np.int64)
        mode = str(rng.choice(["constant", "edge", "reflect"]))
        inputs = [xi, g.const(pads)] + ([g.const(np.float32(0))] if mode == "constant" else [])
        y = g.node(op, inputs, mode=mode)
    elif op == "Gather":
        axis = int(rng.integers(4))
        y = g.node(op, [xi, g.const(rng.integers(-shape[axis], shape[axis], (2, 3)).astype(np.int64))], axis=axis)
    elif op == "Resize":
        mode = str(rng.choice(["asymmetric", "half_pixel", "align_corners"]))
        near = str(rng.choice(["floor", "round_prefer_floor", "ceil", "round_prefer_ceil"]))
        sizes = np.array(shape[:2] + [int(v) for v in rng.integers(2, 11, 2)], np.int64)
        inputs = [xi, "", "", g.const(sizes)]
        y = g.node(op, inputs, mode="nearest", coordinate_transformation_mode=mode, nearest_mode=near)
    elif op == "Expand":
        y = g.node("Expand", [g.node("Reshape", [xi, g.const(np.array([shape[0], 1, -1], np.int64))]), g.const(np.array([2, 1, 3, 1], np.int64))])
    elif op == "Split":
        y = g.node(op, [xi, g.const(np.array([1, shape[2] - 1], np.int64))], outputs=2, axis=2)[1]
    elif op == "ReduceMax":
        y = g.node(op, [xi], axes=[int(rng.integers(4))], keepdims=int(rng.integers(2)))
    else:
        y = g.node(op, [xi])
    return g, g.q(y, xs, xz), kind


def argmax():
    kind = dtype()
    x, _, _ = quantized(kind, [int(v) for v in rng.integers(2, 7, 3)])
    x = x // 32
    g = Graph()
    y = g.node("ArgMax", [g.input(x)], axis=int(rng.integers(3)), keepdims=int(rng.integers(2)), select_last_index=int(rng.integers(2)))
    return g, y, np.int64


def chain():
    """Several functions of one element between two quantizers, per channel constants."""
    kind = dtype()
    x, xs, xz = quantized(kind, [1, 3, 4, 5])
    g = Graph()
    real = g.dq(g.input(x), xs, xz)
    per_channel = g.const(rng.uniform(0.5, 2, (1, 3, 1, 1)).astype(np.float32))
    kind_of = rng.integers(3)
    if kind_of == 0:
        real = g.node("Mul", [real, per_channel])
        real = g.node("Add", [real, g.const(rng.uniform(-1, 1, (1, 3, 1, 1)).astype(np.float32))])
    elif kind_of == 1:
        real = g.node("PRelu", [real, per_channel])
    else:
        real = g.node("Div", [g.node("Sub", [real, per_channel]), g.const(np.float32(1.7))])
    return g, g.q(real, scale(-6, -2), zero_point(kind)), kind


def float_kernel(op):
    """Operators that onnxruntime computes in floats; at most one step of difference."""
    kind = dtype()
    g = Graph()
    if op == "Softmax":
        x, xs, xz = quantized(kind, [12, int(rng.integers(2, 40))], -7, -2)
        real = g.node(op, [g.dq(g.input(x), xs, xz)], axis=-1)
        ys, yz = np.float32(1 / 256 if rng.integers(2) else 1 / 255), kind(np.iinfo(kind).min)
    elif op == "LayerNormalization":
        n = int(rng.integers(4, 70))
        x, xs, xz = quantized(kind, [10, n])
        w, b = rng.uniform(0.5, 1.5, n).astype(np.float32), rng.uniform(-0.5, 0.5, n).astype(np.float32)
        real = g.node(op, [g.dq(g.input(x), xs, xz), g.const(w), g.const(b)])
        ys, yz = np.float32(2.0 ** rng.uniform(-6, -4)), zero_point(kind)
    elif op == "ReduceMean":
        x, xs, xz = quantized(kind, [13, 15, int(rng.integers(2, 9))])
        real = g.node(op, [g.dq(g.input(x), xs, xz)], axes=[[1], [2], [1, 2]][rng.integers(3)], keepdims=1)
        ys, yz = np.float32(xs * 2.0 ** rng.uniform(-2, 0.3)), zero_point(kind)
    elif op == "ReduceSum":
        x, xs, xz = quantized(kind, [13, 5, 14])
        real = g.node(op, [g.dq(g.input(x), xs, xz), g.const(np.array([1], np.int64))], keepdims=0)
        ys, yz = np.float32(xs * 2.0 ** rng.uniform(0, 2)), zero_point(kind)
    elif op == "Sub":
        x, xs, xz = quantized(kind, [14, 26])
        b, bs, bz = quantized(kind, [14, 26])
        real = g.node(op, [g.dq(g.input(x), xs, xz), g.dq(g.input(b), bs, bz)])
        ys, yz = np.float32(max(xs, bs) * 2.0 ** rng.uniform(-1, 1)), zero_point(kind)
    else:
        cin, cout = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        x, xs, xz = quantized(kind, [1, cin, int(rng.integers(3, 6)), int(rng.integers(3, 6))])
        kernel = [int(v) for v in rng.integers(2, 4, 2)]
        w, ws, wz = weights([cin, cout, *kernel], cout, False)
        attributes = {"kernel_shape": kernel, "strides": [int(v) for v in rng.integers(1, 3, 2)]}
        if rng.integers(2):
            attributes["pads"] = [int(v) for v in rng.integers(0, 2, 4)]
        if max(attributes["strides"]) > 1 and rng.integers(2):
            attributes["output_padding"] = [s - 1 for s in attributes["strides"]]
        real = g.node("ConvTranspose", [g.dq(g.input(x), xs, xz), g.dq(g.const(w), ws, wz)], **attributes)
        ys, yz = matching(xs, ws, cin * 4), zero_point(kind)
    return g, g.q(real, ys, yz), kind


def written_out(kind_of):
    """What exporters write as several nodes."""
    kind = dtype()
    g = Graph()
    f = lambda v: g.const(np.float32(v))
    n = int(rng.integers(4, 40))
    x, xs, xz = quantized(kind, [2, 5, n], -6, -3)
    real = g.dq(g.input(x), xs, xz)
    if kind_of == "gelu":
        inner = g.node("Add", [g.node("Erf", [g.node("Div", [real, f(np.sqrt(2))])]), f(1)])
        real = g.node("Mul", [g.node("Mul", [real, inner]), f(0.5)])
        ys = np.float32(float(xs) * 1.5)
    elif kind_of == "swish":
        real = g.node("Mul", [real, g.node("Sigmoid", [real])])
        ys = np.float32(float(xs) * 1.5)
    elif kind_of == "hard swish":
        inner = g.node("Clip", [g.node("Add", [real, f(3)]), f(0), f(6)])
        real = g.node("Div", [g.node("Mul", [real, inner]), f(6)])
        ys = np.float32(float(xs) * 1.5)
    else:
        mean = g.node("ReduceMean", [real], axes=[-1], keepdims=1)
        centred = g.node("Sub", [real, mean])
        square = g.node("Pow", [centred, f(2)]) if rng.integers(2) else g.node("Mul", [centred, centred])
        variance = g.node("ReduceMean", [square], axes=[-1], keepdims=1)
        root = g.node("Sqrt", [g.node("Add", [variance, f(1e-5)])])
        real = g.node("Div", [centred, root])
        real = g.node("Mul", [real, g.const(rng.uniform(0.5, 1.5, n).astype(np.float32))])
        real = g.node("Add", [real, g.const(rng.uniform(-0.5, 0.5, n).astype(np.float32))])
        ys = np.float32(2.0 ** rng.uniform(-6, -4))
    return g, g.q(real, ys, zero_point(kind)), kind


def folded(kind_of):
    """What exporters leave between a product and QuantizeLinear; onnxruntime computes it in floats."""
    kind = dtype()
    g = Graph()
    if kind_of == "matmul bias":
        k, n = int(rng.integers(2, 30)), int(rng.integers(1, 12))
        x, xs, xz = quantized(kind, [2, 3, k])
        w, ws, wz = weights([k, n], n, rng.integers(2) == 0)
        axis = 1 if np.ndim(ws) else None
        real = g.node("MatMul", [g.dq(g.input(x), xs, xz), g.dq(g.const(w), ws, wz, axis)])
        spread = float(xs * np.max(ws)) * 1000
        real = g.node("Add", [real, g.const((rng.uniform(-1, 1, n) * spread).astype(np.float32))])
        ys = matching(xs, ws, k)
    elif kind_of == "conv norm":
        cin, cout = 3, int(rng.integers(2, 6))
        x, xs, xz = quantized(kind, [1, cin, 6, 7])
        w, ws, wz = weights([cout, cin, 3, 3], cout, False)
        real = g.node("Conv", [g.dq(g.input(x), xs, xz), g.dq(g.const(w), ws, wz)], kernel_shape=[3, 3])
        constants = [rng.uniform(-1.5, 1.5, cout), rng.uniform(-1, 1, cout), rng.uniform(-1, 1, cout), rng.uniform(0.5, 2, cout)]
        real = g.node("BatchNormalization", [real, *[g.const(c.astype(np.float32)) for c in constants]])
        real = g.node("Relu", [real])
        ys = matching(xs, ws, cin * 9)
    else:
        k, n = int(rng.integers(2, 30)), int(rng.integers(1, 12))
        x, xs, xz = quantized(kind, [3, k])
        w = integers(np.int8, [k, n])
        acc = g.node("MatMulInteger", [g.input(x), g.const(w), g.const(xz), g.const(np.int8(0))])
        real = g.node("Mul", [g.node("Cast", [acc], to=T.FLOAT), g.const(np.float32(0.001))])
        ys = np.float32(74 * 74 * np.sqrt(k) / 60 * 0.001)
    return g, g.q(real, ys, zero_point(kind)), kind


def left_in_floats():
    """Groups that look as if onnxruntime had an integer kernel for them."""
    kind = dtype()
    g = Graph()
    op = str(rng.choice(["Conv", "Gemm", "MatMul", "Add", "Mul", "AveragePool", "GlobalAveragePool"]))
    why = str(rng.choice(["types", "clamp", "takers", "moved before", "moved after"]))
    if op in ("Gemm", "MatMul") and why.startswith("moved"):
        why = "clamp"
    out = {np.int8: np.uint8, np.uint8: np.int8}[kind] if why == "types" else kind
    shape = [3, 12] if op in ("Gemm", "MatMul") else [1, 3, 6, 7]
    x, xs, xz = quantized(kind, shape, -5, -3)
    real = g.dq(g.input(x), xs, xz)
    if why == "moved before":
        real = g.node("Gather", [real, g.const(rng.permutation(6).astype(np.int64))], axis=2)
    if op in ("Conv", "Gemm", "MatMul"):
        shape = [4, 3, 2, 2] if op == "Conv" else [12, 5]
        w, ws, wz = weights(shape, 4, False)
        real = g.node(op, [real, g.dq(g.const(w), ws, wz)])
        ys = matching(xs, ws, 12)
    elif op in ("Add", "Mul"):
        b, bs, bz = quantized(kind, [1, 3, 6, 7], -5, -3)
        real = g.node(op, [real, g.dq(g.input(b), bs, bz)])
        ys = np.float32(max(xs, bs) * 2.0 ** rng.uniform(-1, 1)) if op == "Add" else np.float32(xs * bs * 80)
    else:
        real = g.node(op, [real], **({"kernel_shape": [2, 3]} if op == "AveragePool" else {}))
        ys = np.float32(xs * 2.0 ** rng.uniform(-2, 0))
    yz = zero_point(out)
    if why == "clamp":
        yz = out(np.iinfo(out).min + 40)
        real = g.node("Relu", [real])
    if why == "moved after":
        real = g.node("Flatten", [real])
    y = g.q(real, ys, yz)
    if why == "takers":
        other = np.float32(ys * 0.6)
        both = [g.dq(y, ys, yz), g.dq(g.q(real, other, yz), other, yz)]
        y = g.q(g.node("Concat", both, axis=1), ys, yz)
    return g, y, out


def newer(form):
    """Operators that become views, tables, largest elements or products of matrices."""
    kind = dtype()
    g = Graph(23 if form == "Swish" else 20 if form == "ReduceMin" else 17)

    def activation(shape, low=-7, high=-2):
        x, xs, xz = quantized(kind, shape, low, high)
        return g.dq(g.input(x), xs, xz), xs

    def ints(*values):
        return g.const(np.array(values, np.int64))

    if form in ("Max", "Min"):
        (a, xs), (b, _) = activation([3, 10], -5, -4), activation([3, 10] if rng.integers(2) else [10], -5, -4)
        y = g.node(form, [a, b])
    elif form == "ReduceMin":
        x, xs = activation([2, 4, 5])
        y = g.node(form, [x, ints(int(rng.integers(3)))], keepdims=int(rng.integers(2)))
    elif form == "Where":
        (a, xs), (b, _) = activation([3, 8], -5, -4), activation([3, 8], -5, -4)
        y = g.node(form, [g.const(rng.integers(0, 2, [3, 8]).astype(bool)), a, b])
    elif form == "comparison":
        x, xs = activation([4, 9])
        middle = g.const(np.float32(rng.uniform(-20, 20) * xs))
        op = rng.choice(["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"])
        truth = g.node(str(op), [x, middle])
        if rng.integers(2):
            truth = g.node("Not", [truth])
        y = g.node("Where", [truth, g.node("Mul", [x, g.const(np.float32(0.3))]), x])
    elif form == "Tile":
        x, xs = activation([2, 3])
        y = g.node(form, [x, ints(*rng.integers(1, 3, 2))])
    elif form == "Trilu":
        x, xs = activation([2, 4, 5])
        y = g.node(form, [x, ints(int(rng.integers(-2, 3)))][: int(rng.integers(1, 3))], upper=int(rng.integers(2)))
    elif form == "GatherElements":
        x, xs = activation([4, 5])
        y = g.node(form, [x, g.const(rng.integers(-4, 4, [3, 5]).astype(np.int64))], axis=0)
    elif form == "GatherND":
        x, xs = activation([4, 5, 3])
        y = g.node(form, [x, g.const(rng.integers(-3, 4, [6, int(rng.integers(1, 3))]).astype(np.int64))])
    elif form == "DepthToSpace":
        x, xs = activation([1, 8, 2, 3])
        y = g.node(form, [x], blocksize=2, mode=str(rng.choice(["DCR", "CRD"])))
    elif form == "SpaceToDepth":
        x, xs = activation([1, 2, 4, 6])
        y = g.node(form, [x], blocksize=2)
    elif form == "CumSum":
        x, xs = activation([3, 4, 5])
        y = g.node(
            form, [x, g.const(np.int64(rng.integers(-3, 3)))],
            exclusive=int(rng.integers(2)), reverse=int(rng.integers(2)),
        )  # fmt: skip
    elif form == "Einsum":
        shapes = {"bij,bjk->bik": ([2, 3, 4], [2, 4, 5]), "bqhd,bkhd->bhqk": ([1, 3, 2, 4], [1, 5, 2, 4])}
        equation = str(rng.choice(list(shapes)))
        (a, xs), (b, bs) = (activation(shape, -5, -4) for shape in shapes[equation])
        y = g.node(form, [a, b], equation=equation)
        xs = np.float32(xs * bs * 60)
    elif form == "batched weights":
        x, xs = activation([2, 3, 4], -5, -4)
        w, ws, wz = weights([2, 4, 5], 5, False)
        y = g.node("MatMul", [x, g.dq(g.const(w), ws, wz)])
        xs = matching(xs, ws, 4)
    elif form == "vector":
        x, xs = activation([3, 6], -5, -4)
        w, ws, wz = weights([6], 6, False)
        y = g.node("MatMul", [x, g.dq(g.const(w), ws, wz)])
        xs = matching(xs, ws, 6)
    else:
        low, high = (-6, -4) if form in ("Sin", "Cos", "Log") else (-6, 0)
        x, xs = activation([8, 33], low, high)
        if form == "Log":
            x = g.node("Add", [g.node("Abs", [x]), g.const(np.float32(0.25))])
        attributes = {"Celu": {"alpha": 0.7}, "Shrink": {"lambd": 0.5, "bias": 0.25}}.get(form, {})
        y = g.node(form, [x], **attributes)
    ys = np.float32(xs * 2.0 ** rng.uniform(-0.5, 1.5))
    return g, g.q(y, ys, zero_point(kind)), kind


def argmin():
    kind = dtype()
    x, _, _ = quantized(kind, [int(v) for v in rng.integers(2, 7, 3)])
    g = Graph()
    y = g.node("ArgMin", [g.input(x // 32)], axis=int(rng.integers(3)), keepdims=0, select_last_index=int(rng.integers(2)))
    return g, y, np.int64


def newest(form):
    """Volumes, truth values, scattered updates, weights of 4 bits."""
    kind = dtype()
    g = Graph({"Upsample": 9, "Swish": 24}.get(form, 21 if "int4" in form else 17))
    f = lambda v: g.const(np.float32(v))

    def activation(shape, low=-6, high=-3):
        x, xs, xz = quantized(kind, shape, low, high)
        return g.dq(g.input(x), xs, xz), xs

    if form in ("And", "Or", "Xor"):
        x, xs = activation([4, 9])
        ends = sorted(rng.uniform(-60, 60, 2) * float(xs))
        truth = g.node(form, [g.node("Greater", [x, f(ends[0])]), g.node("Less", [x, f(ends[1])])])
        y = g.node("Where", [truth, g.node("Mul", [x, f(0.5)]), x])
    elif form == "Mod":
        x, xs = activation([4, 9])
        y = g.node(form, [x, f(rng.uniform(5, 60) * xs)], fmod=1)
    elif form in ("Swish", "QuickGelu"):
        x, xs = activation([8, 32])
        alpha = float(np.float32(rng.uniform(0.5, 2)))
        y = g.node(form, [x], alpha=alpha, domain="com.microsoft" if form == "QuickGelu" else "")
    elif form == "Upsample":
        x, _, _ = quantized(kind, [1, 2, 3, 4])
        scales = np.array([1, 1, *rng.choice([1.0, 2.0, 3.0], 2)], np.float32)
        return g, g.node(form, [g.input(x), g.const(scales)], mode="nearest"), kind
    elif form == "Pad":
        x, _, _ = quantized(kind, [2, 3, 4])
        inputs = [g.input(x), g.const(rng.integers(-1, 3, 6).astype(np.int64)), g.const(kind(rng.integers(0, 100)))]
        return g, g.node(form, inputs), kind
    elif form in ("ScatterElements", "ScatterND"):
        (x, xs), constant = activation([5, 6]), rng.integers(2) == 0
        if form == "ScatterElements":
            indices = np.stack([rng.permutation(5)[:3] for _ in range(4)], 1).astype(np.int64) - 5 * int(rng.integers(2))
            shape = [3, 4]
        else:
            depth = int(rng.integers(1, 3))
            every = np.stack(np.meshgrid(np.arange(5), np.arange(6), indexing="ij"), -1).reshape(30, 2)
            indices = rng.permutation(5)[:3, None] if depth == 1 else rng.permutation(every)[:3]
            indices = indices.astype(np.int64)
            shape = [3, 6] if depth == 1 else [3]
        updates = g.const(rng.uniform(-1, 1, shape).astype(np.float32)) if constant else activation(shape)[0]
        y = g.node(form, [x, g.const(indices), updates])
    elif form == "int4 weights":
        k, n = int(rng.integers(2, 30)), int(rng.integers(1, 12))
        x, xs = activation([3, k])
        ws = np.array([scale(-6, -3) for _ in range(n)], np.float32)
        signed = rng.integers(2) == 0
        values = rng.integers(-8, 8, k * n) if signed else rng.integers(0, 16, k * n)
        zeros = np.zeros(n, np.int64) if signed else rng.integers(0, 16, n)
        names = []
        for dims, numbers in (([k, n], values), ([n], zeros)):
            names.append(g.name("c"))
            g.inits.append(h.make_tensor(names[-1], T.INT4 if signed else T.UINT4, dims, numbers))
        y = g.node("MatMul", [x, g.node("DequantizeLinear", [names[0], g.const(ws), names[1]], axis=1)])
        xs = np.float32(xs * ws.max() * 8 * 74 * np.sqrt(k) / 60)
    elif form == "conv3d":
        group = int(rng.choice([1, 1, 2]))
        cin, cout = group * int(rng.integers(1, 3)), group * int(rng.integers(1, 3))
        kernel = [int(v) for v in rng.integers(1, 4, 3)]
        x, xs = activation([int(rng.integers(1, 3)), cin, *[int(v) for v in rng.integers(4, 7, 3)]])
        w, ws, wz = weights([cout, cin // group, *kernel], cout, rng.integers(2) == 0)
        attributes = {"kernel_shape": kernel, "group": group, "strides": [int(v) for v in rng.integers(1, 3, 3)]}
        if rng.integers(2):
            attributes["pads"] = [int(v) for v in rng.integers(0, 2, 6)]
        if rng.integers(2) and max(kernel) < 3:
            attributes["dilations"] = [int(v) for v in rng.integers(1, 3, 3)]
        b, bs, bz = bias([cout], xs, ws)
        axis = 0 if np.ndim(ws) else None
        inputs = [x, g.dq(g.const(w), ws, wz, axis), g.dq(g.const(b), bs, bz, axis)]
        y = g.node("Conv", inputs[: int(rng.integers(2, 4))], **attributes)
        xs = matching(xs, ws, cin // group * np.prod(kernel))
    else:
        x, xs = activation([1, int(rng.integers(1, 4)), *[int(v) for v in rng.integers(4, 8, 3)]])
        kernel = [int(v) for v in rng.integers(1, 4, 3)]
        attributes = {"kernel_shape": kernel, "strides": [int(v) for v in rng.integers(1, 3, 3)]}
        if rng.integers(2):
            attributes["pads"] = [int(rng.integers(0, k)) for k in kernel * 2]
            if form == "AveragePool":
                attributes["count_include_pad"] = 1
        y = g.node(form, [x], **attributes)
    ys = np.float32(xs * 2.0 ** rng.uniform(-0.5, 1))
    return g, g.q(y, ys, zero_point(kind)), kind


def top_k(of_positions):
    """Many elements are equal, and which of them come first is told by their positions."""
    kind = dtype()
    shape = [int(v) for v in rng.integers(2, 8, 3)]
    x, xs, xz = quantized(kind, shape)
    axis = int(rng.integers(-3, 3))
    count = int(rng.integers(1, shape[axis] + 1))
    g = Graph()
    x = g.dq(g.input(x // 32 if rng.integers(2) else x), xs, xz)
    both = g.node("TopK", [x, g.const(np.array([count], np.int64))], outputs=2, axis=axis, largest=int(rng.integers(2)))
    if of_positions:
        return g, both[1], np.int64
    return g, g.q(both[0], *((xs, xz) if rng.integers(2) else (np.float32(xs * 1.37), zero_point(kind)))), kind


def picked(form):
    """Elements whose places are known, or computed of constants."""
    kind = dtype()
    x, xs, xz = quantized(kind, [3, 4, 5])
    g = Graph()
    real = g.dq(g.input(x), xs, xz)
    if form == "GatherND":
        batch, depth = int(rng.integers(1, 3)), 1
        shape = [3, 4][:batch] + [int(rng.integers(1, 4)), depth]
        limit = [3, 4, 5][batch]
        real = g.node("GatherND", [real, g.const(rng.integers(-limit, limit, shape).astype(np.int64))], batch_dims=batch)
    else:
        mask = rng.integers(0, 2, 4).astype(bool)
        mask[int(rng.integers(4))] = True
        places = g.node("Squeeze", [g.node("NonZero", [g.const(mask)]), g.const(np.array([0], np.int64))])
        real = g.node("Gather", [real, places], axis=1)
    return g, g.q(real, xs, xz), kind


NEWER = [
    "Max", "Min", "ReduceMin", "Where", "comparison", "Tile", "Trilu", "GatherElements", "GatherND", "DepthToSpace",
    "SpaceToDepth", "Einsum", "batched weights", "vector", "Floor", "Ceil", "Round", "Sign", "Shrink",
]  # fmt: skip
NEWEST = [
    *[(form, "qdq") for form in ["And", "Or", "Xor", "Mod", "ScatterElements", "ScatterND"]],
    *[("Upsample", "qop"), ("Pad", "qop"), ("conv3d", "qdq"), ("MaxPool", "volumes qdq"), ("AveragePool", "volumes qdq")],
    *[(f"float {form}", "qdq") for form in ["Swish", "QuickGelu", "int4 weights"]],
]
NEWER_IN_FLOATS = ["CumSum", "Log", "Celu", "Sin", "Cos"]


PLAN = [
    *[("conv2d qop", lambda: conv("qop", 2))] * 60,
    *[("conv2d qdq", lambda: conv("qdq", 2))] * 60,
    *[("conv1d qop", lambda: conv("qop", 1))] * 20,
    *[("conv1d qdq", lambda: conv("qdq", 1))] * 20,
    *[("gemm qop", lambda: gemm("qop"))] * 40,
    *[("gemm qdq", lambda: gemm("qdq"))] * 40,
    *[("matmul weights qop", lambda: matmul("qop", True))] * 20,
    *[("matmul weights qdq", lambda: matmul("qdq", True))] * 20,
    *[("matmul activations qop", lambda: matmul("qop", False))] * 20,
    *[("matmul activations qdq", lambda: matmul("qdq", False))] * 20,
    *[("add qop", lambda: binary("qop", "Add"))] * 40,
    *[("add qdq", lambda: binary("qdq", "Add"))] * 40,
    *[("mul qop", lambda: binary("qop", "Mul"))] * 30,
    *[("mul qdq", lambda: binary("qdq", "Mul"))] * 30,
    *[("average pool qop", lambda: pool("qop"))] * 30,
    *[("average pool qdq", lambda: pool("qdq"))] * 30,
    *[("global average pool qop", lambda: global_pool("qop"))] * 20,
    *[("global average pool qdq", lambda: global_pool("qdq"))] * 20,
    *[("max pool qop", lambda: max_pool("qop"))] * 15,
    *[("max pool qdq", lambda: max_pool("qdq"))] * 15,
    *[("sigmoid qop", lambda: unary("qop", "Sigmoid"))] * 10,
    *[("leaky relu qop", lambda: unary("qop", "LeakyRelu"))] * 10,
    *[(f"{op} qdq", lambda op=op: unary("qdq", op)) for op in UNARY for _ in range(8)],
    *[("concat qop", lambda: concat("qop"))] * 15,
    *[("concat qdq", lambda: concat("qdq"))] * 15,
    *[
        (f"{op} qdq", lambda op=op: view(op))
        for op in ["Transpose", "Slice", "Pad", "Gather", "Resize", "Expand", "Split", "Flatten", "ReduceMax"]
        for _ in range(6)
    ],
    *[("argmax", argmax)] * 10,
    *[("chain qdq", chain)] * 15,
    *[
        (f"float {op}", lambda op=op: float_kernel(op))
        for op in ["Softmax", "LayerNormalization", "ReduceMean", "ReduceSum", "Sub", "ConvTranspose"]
        for _ in range(10)
    ],
    *[(f"float {k}", lambda k=k: written_out(k)) for k in ["gelu", "swish", "hard swish", "layer norm"] for _ in range(8)],
    *[(f"float {k}", lambda k=k: folded(k)) for k in ["matmul bias", "conv norm", "matmul integer"] for _ in range(10)],
    *[("float group", left_in_floats)] * 60,
    *[(f"{form} qdq", lambda form=form: newer(form)) for form in NEWER for _ in range(5)],
    *[(f"float {form}", lambda form=form: newer(form)) for form in NEWER_IN_FLOATS for _ in range(5)],
    *[("argmin", argmin)] * 5,
    *[(f"{form} {how}", lambda form=form: newest(form.removeprefix("float "))) for form, how in NEWEST for _ in range(5)],
    *[("TopK qdq", lambda: top_k(False)), ("TopK positions", lambda: top_k(True))] * 8,
    *[(f"{form} of known places", lambda form=form: picked(form)) for form in ["GatherND", "NonZero"] for _ in range(5)],
]


def main():
    packed, made, refused = io.BytesIO(), 0, {}
    plan = [case for case in PLAN if not ARGS.only or case[0] in ARGS.only]
    for name, make in plan * ARGS.times:
        for _ in range(20):
            g, y, kind = make()
            element = T.INT64 if kind is np.int64 else TYPES[kind]
            model = g.finish(y, element).SerializeToString()
            options = ort.SessionOptions()
            options.intra_op_num_threads = 1
            feeds = list(g.feeds.values())
            key = "session.qdqisint8allowed" if feeds[0].dtype == np.int8 else "session.x64quantprecision"
            options.add_session_config_entry(key, "1")
            try:
                run = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
                expected = run.run(None, g.feeds)[0]
            except Exception as error:  # onnxruntime has no kernel for this combination
                refused.setdefault(name, str(error).splitlines()[0][:150])
                continue
            if expected.size:
                break
        else:
            print("no case of", name, refused.get(name))
            continue
        if kind is np.int64:
            expected = expected.astype(np.uint8)
        head = {
            "name": name,
            "model": len(model),
            "inputs": [{"len": f.size, "signed": f.dtype == np.int8} for f in feeds],
            "expected": {"len": expected.size, "signed": expected.dtype == np.int8},
        }
        packed.write(json.dumps(head).encode() + b"\n" + model)
        for array in [*feeds, expected]:
            packed.write(array.tobytes())
        made += 1
    ARGS.out.parent.mkdir(parents=True, exist_ok=True)
    ARGS.out.write_bytes(zlib.compress(packed.getvalue(), 9))
    print(made, "cases,", ARGS.out.stat().st_size, "bytes; refused once or more:", refused)


main()

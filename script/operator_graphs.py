"""Small graphs of integers, and random values for them (for `script/operator_cases.py`)."""

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

rng = np.random.default_rng(20240607)
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

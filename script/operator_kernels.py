"""Operators that onnxruntime has integer kernels for, in both quantized forms (for `script/operator_cases.py`)."""

import numpy as np

from operator_graphs import Graph, bias, dtype, matching, quantized, rng, scale, weights, zero_point


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

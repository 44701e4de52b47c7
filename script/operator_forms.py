"""Operators between DequantizeLinear and QuantizeLinear that move, choose or are written out (for `script/operator_cases.py`)."""

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h

from operator_graphs import Graph, bias, dtype, integers, matching, quantized, rng, scale, weights, zero_point


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

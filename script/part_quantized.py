#!/usr/bin/env python3
"""Makes test/fixtures/quantize/part_quantized: files that are quantized in part, and what they answer.

    python3 -m pip install -r script/requirements.txt
    python3 script/part_quantized.py

onnxruntime's dynamic and static quantizers make them of small float models; blocks of 4 bits are written by hand.
Beside each lie 20 inputs, and onnxruntime's outputs for them.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

OUT = Path(__file__).parent.parent / "test/fixtures/quantize/part_quantized"
rng = np.random.default_rng(20240607)
ort.set_default_logger_severity(4)


class Net:
    def __init__(self):
        self.nodes, self.inits = [], []

    def constant(self, array, name=None):
        name = name or f"c{len(self.inits)}"
        self.inits.append(nh.from_array(np.asarray(array), name))
        return name

    def weights(self, *shape):
        return self.constant((rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32))

    def node(self, op, *inputs, name=None, **attributes):
        output = f"t{len(self.nodes)}"
        self.nodes.append(h.make_node(op, list(inputs), [output], name=name or f"n{len(self.nodes)}", **attributes))
        return output

    def model(self, shape, output, opset=17):
        self.nodes[-1].output[0] = "y"
        ports = [h.make_tensor_value_info("x", T.FLOAT, shape)], [h.make_tensor_value_info("y", T.FLOAT, output)]
        graph = h.make_graph(self.nodes, "g", *ports, self.inits)
        return h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=10)


def mlp():
    n = Net()
    r = n.node("Relu", n.node("Gemm", "x", n.weights(8, 16), n.weights(16)))
    n.node("Add", n.node("MatMul", r, n.weights(16, 3), name="last"), n.weights(3), name="last bias")
    return n.model([1, 8], [1, 3])


def cnn():
    n = Net()
    r = n.node("Relu", n.node("Conv", "x", n.weights(4, 2, 3, 3), n.weights(4), kernel_shape=[3, 3]))
    n.node("MatMul", n.node("Flatten", n.node("MaxPool", r, kernel_shape=[2, 2], strides=[2, 2])), n.weights(16, 3), name="last")
    return n.model([1, 2, 6, 6], [1, 3])


def attention():
    n = Net()
    q, k, v = (n.node("MatMul", "x", n.weights(8, 8)) for _ in range(3))
    scores = n.node("MatMul", q, n.node("Transpose", k, perm=[0, 2, 1]))
    mixed = n.node("MatMul", n.node("Softmax", scores, axis=-1), v)
    n.node("Add", n.node("MatMul", mixed, n.weights(8, 8)), "x")
    return n.model([1, 4, 8], [1, 4, 8])


def blocks():
    n = Net()
    values, zeros = rng.integers(0, 16, [16, 5]), rng.integers(6, 10, [4, 5])
    n.inits += [h.make_tensor("w", T.UINT4, [16, 5], values.ravel()), h.make_tensor("z", T.UINT4, [4, 5], zeros.ravel())]
    scales = n.constant(rng.uniform(0.02, 0.08, [4, 5]).astype(np.float32))
    n.node("MatMul", "x", n.node("DequantizeLinear", "w", scales, "z", axis=0, block_size=4))
    return n.model([1, 16], [1, 5], opset=21)


def blocks_in_one_node():
    n = Net()
    packed, zeros = rng.integers(0, 256, [5, 3, 8]), rng.integers(0, 256, [5, 2])
    scales = rng.uniform(0.01, 0.04, [15]).astype(np.float32)
    inputs = [n.constant(packed.astype(np.uint8)), n.constant(scales), n.constant(zeros.astype(np.uint8).ravel())]
    n.node("MatMulNBits", "x", *inputs, domain="com.microsoft", K=40, N=5, bits=4, block_size=16)
    model = n.model([1, 40], [1, 5])
    model.opset_import.append(h.make_opsetid("com.microsoft", 1))
    return model


class Reader(CalibrationDataReader):
    def __init__(self, x):
        self.left = iter([{"x": row} for row in x])

    def get_next(self):
        return next(self.left, None)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "float.onnx", Path(folder) / "out.onnx"

        def dynamic(model, **options):
            onnx.save(model, source)
            quantize_dynamic(source, target, **options)
            return onnx.load(target)

        def static(model, x, excluded):
            onnx.save(model, source)
            options = {"ActivationSymmetric": False}
            quantize_static(
                source, target, Reader(x), quant_format=QuantFormat.QDQ, activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8, nodes_to_exclude=excluded, extra_options=options,
            )  # fmt: skip
            return onnx.load(target)

        inputs = lambda *shape: rng.normal(size=[20, *shape]).astype(np.float32)
        x = inputs(1, 2, 6, 6)
        made = {
            "dynamic_mlp": (dynamic(mlp(), weight_type=QuantType.QUInt8), inputs(1, 8)),
            "dynamic_cnn": (dynamic(cnn(), weight_type=QuantType.QInt8, per_channel=True), inputs(1, 2, 6, 6)),
            "dynamic_attention": (dynamic(attention(), weight_type=QuantType.QInt8), inputs(1, 4, 8)),
            "float_end": (static(cnn(), x, ["last"]), x),
            "blocks_of_4_bits": (blocks(), inputs(1, 16)),
            "blocks_in_one_node": (blocks_in_one_node(), inputs(1, 40)),
        }
        for name, (model, x) in made.items():
            session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
            y = np.stack([session.run(None, {"x": row})[0] for row in x])
            onnx.save(model, OUT / f"{name}.onnx")
            np.savez(OUT / f"{name}.npz", x=x)
            y.astype("<f4").tofile(OUT / f"{name}.f32")
            print(name, [node.op_type for node in model.graph.node])


main()

#!/usr/bin/env python3
"""Shows how proving grows: with activations and weights, not with multiply-accumulates.

Makes two-layer convolutional models (needs script/requirements.txt) and benches each with a built zkverdict.
"""

import json
import pathlib
import subprocess
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
ZKVERDICT = ROOT / "target/debug/zkverdict"
# Channels, height and width, kernel.
SERIES = [
    ("base", 16, 16, 3),
    ("4 x multiply-accumulates", 4, 32, 12),
    ("4 x activations", 16, 32, 3),
    ("4 x weights", 32, 16, 3),
    ("16 x weights", 64, 16, 3),
]


def model(channels: int, size: int, kernel: int) -> onnx.ModelProto:
    random = np.random.default_rng(1)
    constants, nodes = [], []

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(value, name))
        return name

    scale = constant("scale", np.float32(0.05))
    zero = constant("zero", np.int8(3))
    weight_scale = constant("weight_scale", np.float32(0.0031))
    weight_zero = constant("weight_zero", np.int8(0))
    x = "x"
    for layer in range(2):
        shape = (channels, channels, kernel, kernel)
        weights = constant(f"w{layer}", random.integers(-127, 128, shape, dtype=np.int8))
        before = (kernel - 1) // 2
        pads = [before, before, kernel - 1 - before, kernel - 1 - before]
        y = f"y{layer}"
        nodes.append(
            helper.make_node(
                "QLinearConv",
                [x, scale, zero, weights, weight_scale, weight_zero, scale, zero],
                [y],
                pads=pads,
                kernel_shape=[kernel, kernel],
            )
        )
        x = y
    shape = [1, channels, size, size]
    graph = helper.make_graph(
        nodes,
        "scaling",
        [helper.make_tensor_value_info("x", TensorProto.INT8, shape)],
        [helper.make_tensor_value_info(x, TensorProto.INT8, shape)],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def main() -> None:
    print(f"{'':26} {'activations':>11} {'weights':>8} {'MACs':>10} {'rows':>7} {'k':>3} {'prove':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, channels, size, kernel in SERIES:
            path = pathlib.Path(folder) / "model.onnx"
            path.write_bytes(model(channels, size, kernel).SerializeToString())
            out = subprocess.run(
                [ZKVERDICT, "--json", "bench", path], check=True, capture_output=True
            ).stdout
            (row,) = json.loads(out)
            activations = 3 * channels * size * size
            weights = 2 * channels * channels * kernel * kernel
            print(
                f"{name:26} {activations:11} {weights:8} {row['macs']:10} {row['rows']:7} {row['k']:3}"
                f" {row['prove_seconds']:6.2f} s"
            )


if __name__ == "__main__":
    main()

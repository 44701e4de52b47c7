#!/usr/bin/env python3
"""Shows how proving grows: with activations and weights, not with multiply-accumulates.

    script/scaling.py [--binary ZKVERDICT] [--largest]

Makes convolutional models (needs script/requirements.txt) and benches each with a built zkverdict: of two layers each,
or with `--largest` one of sixteen layers that takes 2^20 rows.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
ZKVERDICT = ROOT / "target/debug/zkverdict"
# Channels, height and width, kernel, layers.
SERIES = [
    ("base", 16, 16, 3, 2),
    ("4 x multiply-accumulates", 4, 32, 12, 2),
    ("4 x activations", 16, 32, 3, 2),
    ("4 x weights", 32, 16, 3, 2),
    ("16 x weights", 64, 16, 3, 2),
]
LARGEST = [("2^20 rows", 16, 56, 3, 16)]


def model(channels: int, size: int, kernel: int, layers: int) -> onnx.ModelProto:
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
    for layer in range(layers):
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=str(ZKVERDICT))
    parser.add_argument("--largest", action="store_true")
    args = parser.parse_args()
    names = f"{'activations':>11} {'weights':>8} {'MACs':>10} {'rows':>7} {'k':>3}"
    print(f"{'':26} {names} {'keys':>8} {'prove':>8} {'CPU':>8} {'verify':>8} {'memory':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, channels, size, kernel, layers in LARGEST if args.largest else SERIES:
            path = pathlib.Path(folder) / "model.onnx"
            path.write_bytes(model(channels, size, kernel, layers).SerializeToString())
            words = [args.binary, "--json", "bench", "--proofs", "1" if args.largest else "3", path]
            (row,) = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
            activations = (layers + 1) * channels * size * size
            weights = layers * channels * channels * kernel * kernel
            print(
                f"{name:26} {activations:11} {weights:8} {row['macs']:10} {row['rows']:7} {row['k']:3}"
                f" {row['keygen_seconds']:6.2f} s {row['prove_seconds']:6.2f} s {row['prove_cpu_seconds']:6.2f} s"
                f" {row['verify_seconds']:6.3f} s {row['peak_memory_bytes'] >> 20:5} MB"
            )


if __name__ == "__main__":
    main()

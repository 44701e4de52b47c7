#!/usr/bin/env python3
"""Prints what circuits of small float models cost, where a better file or flag once gave far less.

    python3 -m pip install -r script/requirements.txt
    cargo build
    python3 script/prices.py [--only NAME] [--keep FOLDER] [--digits FOLDER]
    python3 script/prices.py --store

Every model is built here from a seed and goes through `zkverdict quantize` and `zkverdict inspect`. `--digits` is a
folder with the `float.onnx` and `calib.npz` of the handwritten digits' dense network. `--store` writes the few that
tests plan again to `test/fixtures/prices`.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parent.parent
ZKVERDICT = ROOT / "target/debug/zkverdict"


class Net:
    """A float graph in the making, from `x` to what was made last, and inputs to calibrate it with."""

    def __init__(self, shape: list[int], low: float = -3.0, high: float = 3.0, seed: int = 14):
        self.random = np.random.default_rng(seed)
        self.shape, self.nodes, self.constants, self.last = shape, [], [], "x"
        self.calibration = self.random.uniform(low, high, [16, *shape]).astype(np.float32)

    def constant(self, array, dtype=np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, dtype), name))
        return name

    def weights(self, *shape: int) -> str:
        return self.constant(self.random.normal(size=shape) / np.sqrt(np.prod(shape[1:]) + 1))

    def then(self, operator: str, *inputs: str, **attributes) -> "Net":
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [self.last, *inputs], [name], name=name, **attributes))
        self.last = name
        return self

    def dense(self, *widths: int) -> "Net":
        """Dense layers with Relu between them."""
        for number, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
            if number > 0:
                self.then("Relu")
            self.then("Gemm", self.weights(outputs, inputs), self.weights(outputs), transB=1)
        return self

    def model(self):
        port = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, "g", [port("x", self.shape)], [port(self.last, None)], self.constants)
        sets = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, opset_imports=sets, ir_version=8), self.calibration.reshape(-1, *self.shape[1:])


def standardized() -> Net:
    net = Net([1, 784], 0.0, 255.0)
    means, deviations = net.random.uniform(20, 80, 784), net.random.uniform(20, 60, 784)
    return net.then("Sub", net.constant(means)).then("Div", net.constant(deviations)).dense(784, 32, 10)


def relu(elements: int) -> Net:
    """A Relu that no layer is before, in a model of dense layers alone."""
    return Net([1, elements]).then("Relu").dense(elements, 4)


def pool(size: int) -> Net:
    net = Net([1, 1, 17, 17])
    net.then("Conv", net.weights(2, 1, 1, 1), net.weights(2))
    return net.then("MaxPool", kernel_shape=[size, size], strides=[2, 2])


def residual() -> Net:
    """A sum of what two layers make, each with a scale of its own."""
    net = Net([1, 12])
    left = net.then("Gemm", net.weights(12, 12), transB=1).last
    net.last = "x"
    return net.then("Gemm", net.weights(12, 12), transB=1).then("Add", left)


CASES = {
    "credit_mlp": (lambda: Net([1, 10]).dense(10, 16, 1), []),
    "credit_mlp_private": (lambda: Net([1, 10]).dense(10, 16, 1), ["--input-visibility", "private"]),
    "relu_1000": (lambda: relu(1000), []),
    "relu_6000": (lambda: relu(6000), []),
    "mlp_3072": (lambda: Net([1, 3072], 0, 1).dense(3072, 32, 10), []),
    "mlp_3072_pixels": (lambda: (n := Net([1, 3072], 0, 255)).then("Div", n.constant(255.0)).dense(3072, 32, 10), []),
    "mlp_784": (lambda: Net([1, 784]).dense(784, 32, 10), []),
    "mlp_784_standardized": (standardized, []),
    "pool_2": (lambda: pool(2), []),
    "pool": (lambda: pool(3), []),
    "residual": (residual, []),
    "too_large": (lambda: Net([1, 3, 700, 700]).then("Relu").then("Sigmoid"), []),
}

STORED = ["credit_mlp", "pool", "residual"]


def write(name: str, folder: Path) -> tuple[Path, Path]:
    """The model and its calibration."""
    build, _ = CASES[name]
    model, calibration = build().model()
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{name}.onnx", folder / f"{name}.npz"
    onnx.save(model, paths[0])
    np.savez(paths[1], x=calibration)
    return paths


def run(*words: object) -> tuple[dict, str, float]:
    start = time.monotonic()
    done = subprocess.run([ZKVERDICT, "--json", *map(str, words)], capture_output=True, text=True, check=False)
    return json.loads(done.stdout or "{}"), done.stderr.strip(), time.monotonic() - start


def price(name: str, float_model: Path, calibration: Path, wishes: list[str]) -> None:
    quantized = float_model.with_name(f"{name}.int8.onnx")
    _, trouble, _ = run("quantize", float_model, "--calibration", calibration, "--out", quantized, "--force")
    if not quantized.exists():
        return print(f"{name:22} {trouble}")
    for goal in ("speed", "gas", "memory"):
        report, trouble, seconds = run("inspect", quantized, "--optimize", goal, *wishes)
        plan = report.get("plan", {})
        if "k" not in plan:
            return print(f"{name:22} {seconds:.1f} s: {trouble}")
        cost = plan["predicted"]
        print(
            f"{name:22} {goal:6} k {plan['k']:2}  {plan['rows']:7} rows  {plan['advice_columns']:2} + {plan['fixed_columns']:2} columns"
            f"  {cost['prove_seconds']:6.2f} s  {cost['memory_bytes'] >> 20:5} MB  {cost['verify_gas']:7} gas  (planned in {seconds:.1f} s)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--digits", type=Path)
    parser.add_argument("--store", action="store_true")
    args = parser.parse_args()
    if args.store:
        for name in STORED:
            write(name, ROOT / "test/fixtures/prices")
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if args.digits and args.only in (None, "digits_mlp"):
            copy = folder / "digits_mlp.onnx"
            copy.write_bytes((args.digits / "float.onnx").read_bytes())
            price("digits_mlp", copy, args.digits / "calib.npz", [])
        for name, (_, wishes) in CASES.items():
            if args.only in (None, name):
                price(name, *write(name, folder), wishes)


if __name__ == "__main__":
    main()

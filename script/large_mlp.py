#!/usr/bin/env python3
"""Measures what a large private model takes: an MLP of 14 dense layers and 3.4 million committed weights, 96 committed
inputs, and a proof that the one output reaches a threshold.

    python3 -m pip install numpy onnx
    script/large_mlp.py [--zkverdict PROGRAM] [--width 528] [--layers 14] [--work DIR] [--inspect]

Weights are random: what a proof takes does not depend on them. Prints, for each step of the command, wall and processor
seconds and the most memory that it held, then the proof's size and what verifying it costs. `--inspect` plans and proves
nothing. Takes gigabytes and minutes, and is no part of the tests.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
INPUTS = 96


def model(path, layers, width):
    """A quantized MLP, whose accumulators fill their scales. Gives the number of weights and biases."""
    rng = np.random.default_rng(0)
    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def linear(kind, source, target, scale, zero):
        words = [source, constant(f"{target} scale", np.float32(scale)), constant(f"{target} zero", zero)]
        nodes.append(helper.make_node(kind, words, [target]))
        return target

    widths = [INPUTS] + [width] * (layers - 1) + [1]
    scale, count = 1 / 64, 0
    x = linear("DequantizeLinear", "x", "x real", scale, np.int8(0))
    for layer, (inner, outer) in enumerate(zip(widths, widths[1:])):
        is_last = layer == layers - 1
        weights = rng.integers(-127, 128, (inner, outer)).astype(np.int8)
        biases = rng.integers(-500, 501, outer).astype(np.int32)
        count += weights.size + biases.size
        # He's: activations stay as large as they are.
        weight_scale = np.float32(np.sqrt(2 / inner) / 73)
        w = linear("DequantizeLinear", constant(f"w{layer}", weights), f"w{layer} real", weight_scale, np.int8(0))
        bias_scale = np.float32(scale) * weight_scale
        b = linear("DequantizeLinear", constant(f"b{layer}", biases), f"b{layer} real", bias_scale, np.int32(0))
        nodes.append(helper.make_node("Gemm", [x, w, b], [f"sum{layer}"]))
        x = f"sum{layer}"
        if not is_last:
            nodes.append(helper.make_node("Relu", [x], [f"relu{layer}"]))
            x = f"relu{layer}"
        scale, zero = (1 / 64, np.int8(0)) if is_last else (1 / 32, np.int8(-128))
        linear("QuantizeLinear", x, "y" if is_last else f"q{layer}", scale, zero)
        if not is_last:
            x = linear("DequantizeLinear", f"q{layer}", f"d{layer}", scale, zero)
    inputs = [helper.make_tensor_value_info("x", TensorProto.INT8, [1, INPUTS])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.INT8, [1, 1])]
    graph = helper.make_graph(nodes, "large_mlp", inputs, outputs, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    onnx.save(made, path)
    return count


class Command:
    def __init__(self, program):
        self.program = program

    def __call__(self, what, *words):
        """Runs a verb, says what it took, and gives what it answered."""
        start = time.monotonic()
        process = subprocess.Popen([self.program, "--json", *map(str, words)], stdout=subprocess.PIPE)
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code:
            raise SystemExit(f"{words[0]}: exit code {code}")
        wall, processor = time.monotonic() - start, used.ru_utime + used.ru_stime
        print(f"{what:22} {wall:8.1f} s   processor {processor:8.1f} s   {used.ru_maxrss / 1e6:6.2f} GB", flush=True)
        return json.loads(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zkverdict", default=str(ROOT / "target/release/zkverdict"))
    parser.add_argument("--layers", type=int, default=14)
    parser.add_argument("--width", type=int, default=528)
    parser.add_argument("--work", help="where files go, which is kept")
    parser.add_argument("--inspect", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(args.work or folder)
        work.mkdir(exist_ok=True, parents=True)
        measure(args, work, Command(args.zkverdict))


def measure(args, work, command):
    onnx_file, bundle = work / "model.onnx", work / "mlp.zkv"
    count = model(onnx_file, args.layers, args.width)
    print(f"{args.layers} layers, {count:,} weights and biases, {INPUTS} inputs")
    told = ["--format", "packed", "--weights", "committed", "--input", "x=committed", "--claim", "y=threshold"]
    if args.inspect:
        command("inspect", "inspect", onnx_file, *told)
        return
    made = command("keygen", "keygen", onnx_file, "--unsafe-dev-srs", *told, "--out", bundle)
    print(f"k {made['k']}")
    rng = np.random.default_rng(1)
    given = work / "x.json"
    given.write_text(json.dumps([rng.integers(-128, 128, INPUTS).tolist()]))
    files = [work / name for name in ("w.json", "c.json", "proof.json")]
    for file in files:
        file.unlink(missing_ok=True)
    weights, data, proof = files
    command("commit, weights", "commit", bundle, "--weights", onnx_file, "--out", weights)
    command("commit, input", "commit", bundle, "--input", given, "--out", data)
    secrets = ["--weights-commitment", weights, "--input-commitment", data]
    command("prove, with its key", "prove", bundle, *secrets, "--threshold=0", "--out", proof)
    said = command("verify, key trusted", "verify", bundle, proof, "--trust-bundle")
    gas = command("gas", "gas", bundle, proof)
    size = (len(json.loads(proof.read_text())["proof"]) - 2) // 2
    print(f"valid: {said['valid']}; a proof of {size:,} bytes; {gas['total']:,} gas")


if __name__ == "__main__":
    main()

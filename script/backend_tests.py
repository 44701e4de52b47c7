#!/usr/bin/env python3
"""Counts how many of ONNX's own backend node tests, which the `onnx` package ships, run here, and how far off.

    python3 -m pip install -r script/requirements.txt
    cargo build
    python3 script/backend_tests.py [--only WORD] [--verbose]

A test is a model of one node, with inputs and outputs. Inputs that are constants for `quantize` (weights, axes, shapes)
become initializers: of several float inputs, all but the first, and where that is refused, none. `quantize` is given the
test's own input as calibration, `run` computes it; the difference from the test's output is given in steps of the
quantized output. Tests of quantized operators run as they are and must be equal.
"""

import argparse
import json
import re
import subprocess
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import helper as h
from onnx import numpy_helper as nh

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from onnx.backend.test.loader import load_model_tests

ROOT = Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser()
parser.add_argument("--only", default="")
parser.add_argument("--verbose", action="store_true")
parser.add_argument("--binary", type=Path, default=ROOT / "target/debug/zkverdict")
ARGS = parser.parse_args()


def table():
    """Operators that the documentation names, and those that are taken apart."""
    text = (ROOT / "docs/operators.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ") and "| ai.onnx |" in line]
    named = {row[1].strip() for row in rows}
    return named | {word for word in text.split("## In float models")[-1].replace(",", " ").split() if word[0].isupper()}


def zkverdict(*arguments):
    return subprocess.run([ARGS.binary, *map(str, arguments), "--json"], capture_output=True, text=True)


def with_constants(model, constants, outputs):
    """A copy whose given inputs are initializers, with shapes that are numbers."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kept = [port for port in copy.graph.input if port.name not in constants]
    del copy.graph.input[:]
    copy.graph.input.extend(kept)
    copy.graph.initializer.extend(nh.from_array(value, name) for name, value in constants.items())
    for port, value in zip(copy.graph.output, outputs):
        port.CopyFrom(h.make_tensor_value_info(port.name, port.type.tensor_type.elem_type, value.shape))
    return copy


def attempt(model, feeds, expected, folder):
    """The largest difference in steps, or why there is none."""
    path, made, x = folder / "m.onnx", folder / "q.onnx", folder / "x.npz"
    onnx.save(model, path)
    np.savez(x, **{name: value[None] for name, value in feeds.items()})
    is_float = any(value.dtype == np.float32 for value in feeds.values())
    if is_float:
        result = zkverdict("quantize", path, "--calibration", x, "--out", made, "--force")
        if "quantized already" in result.stderr:
            made = path
        elif result.returncode:
            return None, result.stderr.strip()
    else:
        made = path
    np.savez(x, **feeds)
    result = zkverdict("run", made, "--input", x)
    if result.returncode:
        return None, result.stderr.strip()
    answer = json.loads(result.stdout)["inferences"][0]["outputs"]
    answer = answer[model.graph.output[0].name]
    if expected.dtype == bool and answer.get("dequantized"):
        # Truth values that go out are zeros and ones.
        expected = expected.astype(np.float32)
    if expected.dtype != np.float32:
        return np.abs(np.array(answer["quantized"], int).ravel() - expected.ravel().astype(int)).max(), ""
    quantized = onnx.load(made)
    inits = {tensor.name: nh.to_array(tensor) for tensor in quantized.graph.initializer}
    last = next(node for node in quantized.graph.node if model.graph.output[0].name in node.output)
    step = inits[last.input[1]] if last.op_type == "DequantizeLinear" else 1
    values = np.array(answer.get("dequantized") or answer["quantized"], float).ravel()
    return np.abs(values - expected.ravel()).max() / step, ""


def main():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = load_model_tests(kind="node")
    known, tally, off = table(), Counter(), []
    refused = Counter()
    for test in sorted(tests, key=lambda test: test.name):
        if ARGS.only not in test.name:
            continue
        model = test.model
        nodes = model.graph.node
        if len(nodes) != 1 or nodes[0].op_type not in known or nodes[0].domain not in ("", "ai.onnx"):
            tally["not in the table"] += 1
            continue
        given, outputs = test.data_sets[0]
        if not all(isinstance(value, (np.ndarray, np.generic)) for value in [*given, *outputs]):
            tally["not of tensors"] += 1
            continue
        # An input that is left out has no port.
        inputs = {port.name: np.asarray(value) for port, value in zip(model.graph.input, given)}
        outputs = [np.asarray(value) for value in outputs]
        kinds = {value.dtype for value in inputs.values()}
        first = next(iter(inputs), None)
        if first is None or inputs[first].dtype not in (np.float32, np.int8, np.uint8) or outputs[0].size == 0:
            tally["of other types"] += 1
            continue
        rest = {name: value for name, value in inputs.items() if name != first}
        floats = {name: value for name, value in rest.items() if value.dtype != np.float32}
        reasons = []
        with tempfile.TemporaryDirectory() as folder:
            for constants in [rest, floats] if floats != rest else [rest]:
                feeds = {name: value for name, value in inputs.items() if name not in constants}
                try:
                    steps, reason = attempt(with_constants(model, constants, outputs), feeds, outputs[0], Path(folder))
                except Exception as error:
                    steps, reason = None, f"the script: {error!r}"
                if steps is not None:
                    break
                reasons.append(reason)
        if steps is None:
            tally["refused"] += 1
            reasons = [re.sub("`/tmp[^`]*`: |node `[^`]*`:? ?", "", reason) for reason in reasons]
            refused[f"{nodes[0].op_type}: " + reasons[-1][:150]] += 1
            continue
        is_quantized = np.dtype(np.float32) not in kinds or nodes[0].op_type.startswith("QLinear")
        tally["quantized, equal" if is_quantized and steps == 0 else "quantized, differ" if is_quantized else "run"] += 1
        off.append((float(steps), test.name))
        if ARGS.verbose:
            print(f"{steps:8.2f}  {test.name}", flush=True)
    print(dict(tally))
    within = [sum(steps <= bound for steps, _ in off) for bound in (0.51, 1.01, 2.01, 4.01)]
    print("within half a step, 1, 2, 4:", within, "of", len(off))
    for steps, name in sorted(off, reverse=True)[:25]:
        print(f"{steps:8.2f}  {name}")
    for reason, count in refused.most_common():
        print(count, reason)


main()

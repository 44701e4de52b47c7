#!/usr/bin/env python3
"""Compares `zkverdict run` with onnxruntime on a folder of models, and on those it quantizes itself.

    python3 -m pip install -r script/requirements.txt
    cargo build
    python3 script/agreement.py MODELS [RANDOM]

MODELS holds one folder per model with its .onnx variants, float.onnx and calib.npz (test.npz of trained
ones). Inputs are all of calib.npz and test.npz, then RANDOM more (default 0): normally distributed, as wide
as those of calib.npz. Each float model is also quantized here, in every way that `zkverdict quantize` knows.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from fixtures import MODELS, output_quantization, session

COMMAND = Path(__file__).resolve().parent.parent / "target" / "debug" / "zkverdict"
WAYS = {
    "min-max": [],
    "min-max, per tensor": ["--per-tensor"],
    "percentile": ["--method", "percentile"],
    "percentile, per tensor": ["--method", "percentile", "--per-tensor"],
}


def call(*words):
    run = subprocess.run([COMMAND, "--json", *words], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def compare(name, path, inputs, scratch):
    scale, zero_point = output_quantization(path)
    run = session(str(path), zero_point.dtype == np.int8)
    source = run.get_inputs()[0]
    inputs = inputs.reshape(len(inputs), *source.shape)
    reals = np.stack([run.run(None, {source.name: x})[0] for x in inputs])
    theirs = np.rint(reals / scale).astype(np.int32) + zero_point.astype(np.int32)
    np.save(scratch / "x.npy", inputs)
    answers = call("run", path, "--input", scratch / "x.npy")["inferences"]
    ours = [next(iter(answer["outputs"].values()))["quantized"] for answer in answers]
    steps = np.abs(np.array(ours).reshape(theirs.shape) - theirs)
    print(
        f"{name:55} {len(inputs):5} inputs {steps.size:6} outputs,"
        f" {np.count_nonzero(steps)} differ, by {steps.max()} at most",
        flush=True,
    )


def main():
    models, more = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for name in MODELS:
        folder = models / name
        files = [folder / file for file in ("calib.npz", "test.npz") if (folder / file).exists()]
        inputs = [np.load(file)["x"].astype(np.float32) for file in files]
        inputs = [x.reshape(len(x), -1) for x in inputs]
        generator = np.random.default_rng(1)
        wide = generator.standard_normal((more, inputs[0].shape[1])) * inputs[0].std()
        inputs = np.concatenate([*inputs, (wide + inputs[0].mean()).astype(np.float32)])
        with tempfile.TemporaryDirectory() as scratch:
            scratch = Path(scratch)
            for path in sorted(folder.glob("*.onnx")):
                if path.stem != "float":
                    compare(f"{name}/{path.stem}", path, inputs, scratch)
            for way, words in WAYS.items():
                path = scratch / "model.onnx"
                call("quantize", folder / "float.onnx", "--calibration", files[0], *words, "--out", path)
                compare(f"{name}, quantized here, {way}", path, inputs, scratch)


if __name__ == "__main__":
    main()

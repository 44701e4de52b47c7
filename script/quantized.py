#!/usr/bin/env python3
"""Stores onnxruntime's integers for the models that this crate quantizes.

    WRITE_QUANTIZED=/tmp/quantized cargo test --test model_quantize
    python3 script/quantized.py /tmp/quantized

The test writes the models it quantizes; this computes them on their own calibration inputs.
"""

import sys
from pathlib import Path

import numpy as np

from fixtures import FIXTURES, QUANTIZED, output_quantization, session

for name in QUANTIZED:
    path = Path(sys.argv[1]) / f"{name}.onnx"
    folder = FIXTURES.parent / "quantize" / name
    run = session(str(path), True)
    source = run.get_inputs()[0]
    inputs = np.load(folder / "calib.npz")["x"].astype(np.float32)
    scale, zero_point = output_quantization(path)
    reals = np.stack([run.run(None, {source.name: x.reshape(source.shape)})[0] for x in inputs])
    integers = np.rint(reals / scale).astype(np.int32) + zero_point.astype(np.int32)
    np.save(folder / "expected.npy", integers.astype(np.int8))
    print(name, len(inputs), "inputs")

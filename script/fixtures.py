#!/usr/bin/env python3
"""Makes test/fixtures/models (and inputs) again from a folder of models.

    python3 -m pip install -r script/requirements.txt
    python3 script/fixtures.py MODELS

MODELS holds one folder per model with its .onnx variants, samples.json and, for trained models,
test.npz. Per model and variant, onnxruntime's output integers are stored for all samples and for
all of test.npz, computed with settings under which its kernels do not saturate 16-bit sums:
`session.qdqisint8allowed=1` for int8 activations, `session.x64quantprecision=1` for uint8.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

FIXTURES = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "models"
MODELS = [
    "credit_logreg",
    "diagnosis_mlp",
    "digits_mlp",
    "digits_cnn",
    "lenet5",
    "resnet8",
    "tiny_transformer",
    "tiny_transformer_gelu",
]


# Those that are quantized here, too, from their float form.
QUANTIZED = ["credit_logreg", "digits_cnn", "tiny_transformer_gelu"]


def session(path, int8):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    if int8:
        options.add_session_config_entry("session.qdqisint8allowed", "1")
    else:
        options.add_session_config_entry("session.x64quantprecision", "1")
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def output_quantization(path):
    """Scale and zero point of the last DequantizeLinear."""
    model = onnx.load(path)
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    last = next(n for n in model.graph.node if n.output[0] == model.graph.output[0].name)
    assert last.op_type == "DequantizeLinear"
    return constants[last.input[1]], constants[last.input[2]]


def main():
    models = Path(sys.argv[1])
    inputs = FIXTURES.parent / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        inputs / "two_arrays.npz", input=np.full((2, 30), 0.5, np.float32), other=np.zeros(3)
    )
    quantize = FIXTURES.parent / "quantize"
    for name in QUANTIZED:
        folder = quantize / name
        folder.mkdir(parents=True, exist_ok=True)
        for file in ["float.onnx", "calib.npz", "test.npz"]:
            # Only trained models have labels.
            if (models / name / file).exists():
                shutil.copyfile(models / name / file, folder / file)
    for name in MODELS:
        source, target = models / name, FIXTURES / name
        if target.exists():
            shutil.rmtree(target)
        target.mkdir(parents=True)
        samples = json.loads((source / "samples.json").read_text())
        shape = samples["input_shape"]
        inputs = [np.array(s["input"], np.float32).reshape(shape) for s in samples["samples"]]
        if (source / "test.npz").exists():
            test = np.load(source / "test.npz")["x"].astype(np.float32)
            np.save(target / "test.npy", test)
            inputs += [x.reshape(shape) for x in test]
        np.save(target / "samples.npy", np.stack(inputs[: len(samples["samples"])]))
        for variant in sorted(source.glob("*.onnx")):
            if variant.stem == "float":
                continue
            shutil.copyfile(variant, target / variant.name)
            scale, zero_point = output_quantization(variant)
            run = session(str(variant), zero_point.dtype == np.int8)
            reals = np.stack([run.run(None, {samples["input_name"]: x})[0] for x in inputs])
            integers = np.rint(reals / scale).astype(np.int32) + zero_point.astype(np.int32)
            back = (integers - zero_point.astype(np.int32)).astype(np.float32) * scale
            assert (back == reals).all(), variant
            stored = [s["outputs"][variant.stem] for s in samples["samples"]]
            given = reals[: len(stored)].reshape(len(stored), -1)
            assert np.array_equal(np.array(stored, np.float32).reshape(given.shape), given), variant
            np.save(target / f"{variant.stem}.expected.npy", integers.astype(zero_point.dtype))
        print(name, len(inputs), "inputs")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes test/fixtures/operators/cases.bin: single-operator models with onnxruntime's outputs.

    python3 -m pip install -r script/requirements.txt
    python3 script/operator_cases.py
    python3 script/operator_cases.py --seed 7 --times 20 --only "Tanh qdq" --out /tmp/more.bin
    OPERATOR_CASES=/tmp/more.bin cargo test --test operators

The second form makes other cases, as many times as many, to look further than the stored ones.

Attributes, shapes, scales and zero points are random (fixed seed), and lean towards what breaks:
ties, zero points at the ends, odd shapes, extreme scales. Inputs and outputs are integers: models
in quantized form as they are, and groups DequantizeLinear → operator → QuantizeLinear.

The file: for each case, a JSON line `{"name", "model", "inputs", "expected"}` with lengths, then the
bytes of the model, of each input and of the expected output. All deflated.
"""

import argparse
import io
import json
import zlib
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto as T

from operator_forms import argmax, argmin, chain, float_kernel, folded, left_in_floats, newer, newest, picked, top_k, view, written_out
from operator_graphs import TYPES, rng
from operator_kernels import UNARY, binary, concat, conv, gemm, global_pool, matmul, max_pool, pool, unary

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=20240607)
parser.add_argument("--times", type=int, default=1)
parser.add_argument("--only", action="append", help="cases of this name")
parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "test/fixtures/operators/cases.bin")
ARGS = parser.parse_args()

ort.set_default_logger_severity(3)

NEWER = [
    "Max", "Min", "ReduceMin", "Where", "comparison", "Tile", "Trilu", "GatherElements", "GatherND", "DepthToSpace",
    "SpaceToDepth", "Einsum", "batched weights", "vector", "Floor", "Ceil", "Round", "Sign", "Shrink",
]  # fmt: skip
NEWEST = [
    *[(form, "qdq") for form in ["And", "Or", "Xor", "Mod", "ScatterElements", "ScatterND"]],
    *[("Upsample", "qop"), ("Pad", "qop"), ("conv3d", "qdq"), ("MaxPool", "volumes qdq"), ("AveragePool", "volumes qdq")],
    *[(f"float {form}", "qdq") for form in ["Swish", "QuickGelu", "int4 weights"]],
]
NEWER_IN_FLOATS = ["CumSum", "Log", "Celu", "Sin", "Cos"]


PLAN = [
    *[("conv2d qop", lambda: conv("qop", 2))] * 60,
    *[("conv2d qdq", lambda: conv("qdq", 2))] * 60,
    *[("conv1d qop", lambda: conv("qop", 1))] * 20,
    *[("conv1d qdq", lambda: conv("qdq", 1))] * 20,
    *[("gemm qop", lambda: gemm("qop"))] * 40,
    *[("gemm qdq", lambda: gemm("qdq"))] * 40,
    *[("matmul weights qop", lambda: matmul("qop", True))] * 20,
    *[("matmul weights qdq", lambda: matmul("qdq", True))] * 20,
    *[("matmul activations qop", lambda: matmul("qop", False))] * 20,
    *[("matmul activations qdq", lambda: matmul("qdq", False))] * 20,
    *[("add qop", lambda: binary("qop", "Add"))] * 40,
    *[("add qdq", lambda: binary("qdq", "Add"))] * 40,
    *[("mul qop", lambda: binary("qop", "Mul"))] * 30,
    *[("mul qdq", lambda: binary("qdq", "Mul"))] * 30,
    *[("average pool qop", lambda: pool("qop"))] * 30,
    *[("average pool qdq", lambda: pool("qdq"))] * 30,
    *[("global average pool qop", lambda: global_pool("qop"))] * 20,
    *[("global average pool qdq", lambda: global_pool("qdq"))] * 20,
    *[("max pool qop", lambda: max_pool("qop"))] * 15,
    *[("max pool qdq", lambda: max_pool("qdq"))] * 15,
    *[("sigmoid qop", lambda: unary("qop", "Sigmoid"))] * 10,
    *[("leaky relu qop", lambda: unary("qop", "LeakyRelu"))] * 10,
    *[(f"{op} qdq", lambda op=op: unary("qdq", op)) for op in UNARY for _ in range(8)],
    *[("concat qop", lambda: concat("qop"))] * 15,
    *[("concat qdq", lambda: concat("qdq"))] * 15,
    *[
        (f"{op} qdq", lambda op=op: view(op))
        for op in ["Transpose", "Slice", "Pad", "Gather", "Resize", "Expand", "Split", "Flatten", "ReduceMax"]
        for _ in range(6)
    ],
    *[("argmax", argmax)] * 10,
    *[("chain qdq", chain)] * 15,
    *[
        (f"float {op}", lambda op=op: float_kernel(op))
        for op in ["Softmax", "LayerNormalization", "ReduceMean", "ReduceSum", "Sub", "ConvTranspose"]
        for _ in range(10)
    ],
    *[(f"float {k}", lambda k=k: written_out(k)) for k in ["gelu", "swish", "hard swish", "layer norm"] for _ in range(8)],
    *[(f"float {k}", lambda k=k: folded(k)) for k in ["matmul bias", "conv norm", "matmul integer"] for _ in range(10)],
    *[("float group", left_in_floats)] * 60,
    *[(f"{form} qdq", lambda form=form: newer(form)) for form in NEWER for _ in range(5)],
    *[(f"float {form}", lambda form=form: newer(form)) for form in NEWER_IN_FLOATS for _ in range(5)],
    *[("argmin", argmin)] * 5,
    *[(f"{form} {how}", lambda form=form: newest(form.removeprefix("float "))) for form, how in NEWEST for _ in range(5)],
    *[("TopK qdq", lambda: top_k(False)), ("TopK positions", lambda: top_k(True))] * 8,
    *[(f"{form} of known places", lambda form=form: picked(form)) for form in ["GatherND", "NonZero"] for _ in range(5)],
]


def main():
    rng.bit_generator.state = np.random.default_rng(ARGS.seed).bit_generator.state
    packed, made, refused = io.BytesIO(), 0, {}
    plan = [case for case in PLAN if not ARGS.only or case[0] in ARGS.only]
    for name, make in plan * ARGS.times:
        for _ in range(20):
            g, y, kind = make()
            element = T.INT64 if kind is np.int64 else TYPES[kind]
            model = g.finish(y, element).SerializeToString()
            options = ort.SessionOptions()
            options.intra_op_num_threads = 1
            feeds = list(g.feeds.values())
            key = "session.qdqisint8allowed" if feeds[0].dtype == np.int8 else "session.x64quantprecision"
            options.add_session_config_entry(key, "1")
            try:
                run = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
                expected = run.run(None, g.feeds)[0]
            except Exception as error:  # onnxruntime has no kernel for this combination
                refused.setdefault(name, str(error).splitlines()[0][:150])
                continue
            if expected.size:
                break
        else:
            print("no case of", name, refused.get(name))
            continue
        if kind is np.int64:
            expected = expected.astype(np.uint8)
        head = {
            "name": name,
            "model": len(model),
            "inputs": [{"len": f.size, "signed": f.dtype == np.int8} for f in feeds],
            "expected": {"len": expected.size, "signed": expected.dtype == np.int8},
        }
        packed.write(json.dumps(head).encode() + b"\n" + model)
        for array in [*feeds, expected]:
            packed.write(array.tobytes())
        made += 1
    ARGS.out.parent.mkdir(parents=True, exist_ok=True)
    ARGS.out.write_bytes(zlib.compress(packed.getvalue(), 9))
    print(made, "cases,", ARGS.out.stat().st_size, "bytes; refused once or more:", refused)


main()

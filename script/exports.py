#!/usr/bin/env python3
"""Counts how many float models, written as exporters write them, go from `quantize` to a valid proof.

    python3 -m pip install -r script/requirements.txt -r script/requirements-exports.txt
    cargo build
    python3 script/exports.py [--only NAME] [--prove] [--classic | --torch | --peers | --libraries | --quantizers]
    python3 script/exports.py --store

Every model is built by `exports_layers.py` and `exports_sequences.py` with the `onnx` package, in the operators that PyTorch's exporters use for the
layer it is named after; with `--classic`, `--torch` and others by the tools themselves, where these are installed. The float model
runs in onnxruntime; `zkverdict quantize` makes an int8 one of it, whose answers are compared with the float
model's, and with onnxruntime's on the same int8 file. `--prove` makes and verifies a proof of each.
"""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

import exports_sequences  # noqa: F401
from exports_layers import MODELS

ROOT = Path(__file__).resolve().parent.parent
ort.set_default_logger_severity(4)
# What whole numbers and truth values that are computed with become.
ELEMENTS = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": bool}


def session(path, is_optimized=True):
    options = ort.SessionOptions()
    if not is_optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def rows(calibration):
    """Example inputs by name, one after the other."""
    return [dict(zip(calibration, row)) for row in zip(*calibration.values())]


def flat(values):
    """All answers in a row: of maps the values, of texts and labels numbers that stand for them."""
    numbers = []
    for value in values:
        if isinstance(value, list):
            value = [number for own in value for number in (own.values() if isinstance(own, dict) else [own])]
        value = np.ravel(value)
        texts = value.dtype.kind in "OU"
        numbers.append(np.array([stand_in(text) for text in value]) if texts else value.astype(float))
    return np.concatenate(numbers)


def stand_in(text):
    try:
        return float(text)
    except ValueError:
        return float(sum(ord(letter) << 8 * i for i, letter in enumerate(str(text)[:3])))


def with_rests(values):
    """Outputs by name, those of 16 bits in one: the rest of each is added to it."""
    rests = {name for name in values if name.removesuffix("_rest") != name and name.removesuffix("_rest") in values}
    return {name: np.add(value, values[f"{name}_rest"]) if f"{name}_rest" in rests else value for name, value in values.items() if name not in rests}


def outputs(run, inputs, after=lambda answers: answers):
    answers = []
    for row in inputs:
        feed = {}
        for source in run.get_inputs():
            shape = [dim if isinstance(dim, int) else 1 for dim in source.shape]
            value = np.asarray(row[source.name]).reshape(shape)
            element = object if value.dtype.kind == "U" else ELEMENTS.get(source.type, value.dtype)
            feed[source.name] = value.astype(element)
        named = dict(zip([output.name for output in run.get_outputs()], run.run(None, feed)))
        answers.append(flat(after(list(with_rests(named).values()))))
    return answers


def call(binary, *words):
    done = subprocess.run([binary, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip().splitlines()[0][:200])
    return json.loads(done.stdout) if done.stdout.strip() else None


def is_wide(name):
    """Whether a file has activations of 16 bits, between some of which onnxruntime's optimizations leave out the rounding."""
    return name.endswith("_a16w8")


def take(name, made, folder, args):
    """One line about a model; raises where a step fails."""
    float_model, calibration, *own = made
    if not isinstance(calibration, dict):
        calibration = {float_model.graph.input[0].name: calibration}
    path, data, out = folder / f"{name}.onnx", folder / f"{name}.npz", folder / f"{name}.int8.onnx"
    onnx.save(float_model, path)
    np.savez(data, **calibration)
    inputs = rows(calibration)
    expected = outputs(session(path, not is_wide(name)), inputs)
    try:
        call(args.binary, "--json", "quantize", path, "--calibration", data, "--out", out, "--force", *args.quantize)
    except RuntimeError as error:
        if "quantized already" not in str(error):
            raise
        out = path
    answers = call(args.binary, "--json", "run", out, "--input", data)["inferences"]
    kinds = {output.name: output.type for output in session(out).get_outputs()}
    # JSON has outputs in the order of their names, onnxruntime in that of the file.
    told = lambda v: v.get("labels") or v.get("dequantized") or v["quantized"]  # noqa: E731
    answers = [with_rests({name: told(own["outputs"][name]) for name in kinds}) for own in answers]
    ours = [flat(list(own.values())) for own in answers]
    # Labels and positions are counted, not measured.
    sizes = [(len(flat([v])), kinds[output]) for output, v in answers[0].items()]
    is_label = np.concatenate([np.full(size, kind != "tensor(float)") for size, kind in sizes])
    span = max(np.ptp(np.concatenate([own[~is_label] for own in expected] + [np.zeros(1)])), 1e-9)
    far = max(np.abs(a - b)[~is_label].max(initial=0) for a, b in zip(ours, expected))
    flips = sum(int((a != b)[is_label].sum()) for a, b in zip(ours, expected))
    same_file = outputs(session(out), inputs)
    differ = sum(int((np.abs(a - b) > 1e-6 * span).sum()) for a, b in zip(ours, same_file))
    line = f"{100 * far / span:5.1f} % of the range from floats, {differ} of {sum(map(len, ours))} from onnxruntime's int8"
    if is_label.any():
        line += f", {flips} of {len(ours) * int(is_label.sum())} labels are others"
    if own:
        other = max(np.abs(flat([a]) - b)[~is_label].max(initial=0) for a, b in zip(own[0], expected))
        line += f", the export {100 * other / span:.2g} % from its framework"
    if args.prove:
        bundle, proof, one = folder / f"{name}.zkv", folder / f"{name}.proof", folder / f"{name}.one.npz"
        np.savez(one, **inputs[0])
        k = call(args.binary, "--json", "keygen", out, "--unsafe-dev-srs", "--out", bundle)["k"]
        call(args.binary, "--json", "prove", bundle, "--input", one, "--out", proof)
        assert call(args.binary, "--json", "verify", bundle, proof)["valid"]
        line += f", proved at k {k}"
    return line


# Models that `cargo test --test model_exports` quantizes, with onnxruntime's answers to the float models.
STORED = [
    "classifier_with_argmax", "residual", "old_upsample", "old_attributes", "old_softmax", "layer_norm_written_out", "group_norm", "rms_norm",
    "causal_attention_where", "transformer_block", "lstm", "gru", "rnn_reverse", "einsum_heads", "batched_weights",
    "larger_and_smaller", "reductions", "division_of_activations", "written_out_leaky_relu", "shapes_computed_in_the_graph",
    "standardized_input", "pixels", "half_precision_weights", "log_softmax", "angles", "comparisons_of_two",
    "attention_operator", "rotary_part_of_heads", "top_of_scores", "product_of_factors", "trees_of_newer_files",
    "causal_attention_trilu", "branches_on_shapes", "cross_entropy", "larger_by_cubes", "lstm_of_two_layers", "masked_tokens",
    "mask_of_floats", "attention_operator_with_mask", "places_of_tokens_that_count",
    "attention_with_capped_scores", "attention_with_raw_scores", "attention_with_shares", "one_hot_of_another_axis", "remainders_of_whole_numbers",
    "cross_entropy_of_planes", "weighted_cross_entropy", "elements_at_places", "rows_at_places",
    "lstm_with_peepholes", "einsum_forms", "powers_of_whole_exponents",
]  # fmt: skip
STORED_CLASSIC = [
    "linear_regression", "scaler_pipeline", "normalizer_pipeline", "svr_rbf", "k_means", "decision_tree_classifier", "random_forest",
    "gradient_boosting_classifier", "svc_rbf", "svc_with_probabilities", "gaussian_naive_bayes", "isolation_forest",
    "xgboost_with_holes", "lightgbm_with_holes", "forest_of_many_thresholds", "imputer_pipeline", "imputed_trees", "scaled_trees",
    "one_hot_pipeline", "one_hot_trees", "random_forest_of_names", "bernoulli_naive_bayes", "multinomial_naive_bayes",
]  # fmt: skip
STORED_QUANTIZERS = [
    "linear_stack_dynamic", "conv_batch_norm_dynamic", "linear_stack_static_int8", "linear_stack_a16w8", "linear_stack_a8w4",
    "conv_batch_norm_a16w8", "strides_groups_and_pools_a16w8",
]  # fmt: skip


def positions(file, answers):
    """Labels as their positions among the model's classes."""
    for node in file.graph.node:
        for attribute in node.attribute:
            if attribute.name == "classlabels_strings":
                known = [text.decode() for text in attribute.strings]
                return [[known.index(str(text)) for text in np.ravel(y)] if np.asarray(y).dtype.kind in "OU" else y for y in answers]
    return answers


def store(args):
    """Writes the test's fixtures."""
    import exports_classic
    import exports_quantizers

    folder = ROOT / "test/fixtures/exports"
    folder.mkdir(parents=True, exist_ok=True)
    sources = [(MODELS, STORED), (exports_classic.models({}), STORED_CLASSIC), (exports_quantizers.models(MODELS), STORED_QUANTIZERS)]
    for name, make in [(name, source[name]) for source, names in sources for name in names if args.only is None or name in args.only]:
        float_model, calibration, *_ = make()
        if not isinstance(calibration, dict):
            calibration = {float_model.graph.input[0].name: calibration}
        path = folder / f"{name}.onnx"
        onnx.save(float_model, path)
        answers = outputs(session(path, not is_wide(name)), rows(calibration), lambda own, file=float_model: positions(file, own))
        np.savez_compressed(folder / f"{name}.npz", **calibration)
        (folder / f"{name}.expected").write_bytes(np.stack(answers).astype("<f4").tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append")
    parser.add_argument("--prove", action="store_true")
    parser.add_argument("--binary", default=str(ROOT / "target/debug/zkverdict"))
    parser.add_argument("--keep", type=Path, help="a folder for the models")
    parser.add_argument("--classic", action="store_true", help="models of scikit-learn, XGBoost and LightGBM instead")
    parser.add_argument("--torch", action="store_true", help="PyTorch's modules by both of its exporters instead")
    parser.add_argument("--peers", action="store_true", help="graphs of the kinds of another prover's examples instead")
    parser.add_argument("--libraries", action="store_true", help="nets of transformers and torchvision instead")
    parser.add_argument("--quantizers", action="store_true", help="files of onnxruntime's own quantizers instead")
    parser.add_argument("--quantize", nargs="*", default=[], help="more words for `zkverdict quantize`")
    parser.add_argument("--store", action="store_true", help="write the fixtures of the test instead")
    args = parser.parse_args()
    if args.store:
        return store(args)
    for source in ["classic", "torch", "peers", "libraries", "quantizers"]:
        if getattr(args, source):
            other = importlib.import_module(f"exports_{source}").models(dict(MODELS))
            MODELS.clear()
            MODELS.update(other)
    good = 0
    names = args.only or list(MODELS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            try:
                print(f"{name:30} {take(name, MODELS[name](), folder, args)}", flush=True)
                good += 1
            except Exception as error:  # noqa: BLE001
                print(f"{name:30} FAILED {error}", flush=True)
    print(f"{good} of {len(names)}")
    return 0 if good == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())

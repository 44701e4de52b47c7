#!/usr/bin/env python3
"""Fits the constants of src/cli/prediction.rs to measurements of this machine.

Run on a quiet machine after the contract's template or the circuit's columns changed, and copy what it
prints. Needs numpy and a built zkverdict.
"""

import json
import pathlib
import subprocess

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
ZKVERDICT = ROOT / "target/debug/zkverdict"
MODELS = ROOT / "test/fixtures/models"
RUNS = [("credit_logreg", k) for k in (10, 11, 12)] + [("digits_mlp", k) for k in (11, 12, 13, 14)]


def run(*words: str) -> dict:
    out = subprocess.run([ZKVERDICT, "--json", *words], check=True, capture_output=True).stdout
    return json.loads(out)


def main() -> None:
    shapes, measured = [], []
    for name, k in RUNS:
        model = str(MODELS / name / "int8_qdq.onnx")
        plan = run("inspect", "--k", str(k), model)["plan"]
        (row,) = run("bench", "--k", str(k), "--proofs", "5", model)
        lanes = plan["fixed_columns"] - 7
        # Limbs and look-up sums: what varies among the advice columns.
        advice = plan["advice_columns"] - 8
        shapes.append([1, lanes, advice, plan["instances"]])
        cells = (plan["advice_columns"] + plan["fixed_columns"]) << k
        measured.append([row["verify_gas"], row["runtime_bytes"], row["prove_seconds"] / cells / k,
                         row["peak_memory_bytes"] / cells])
    shapes, measured = numpy.array(shapes, float), numpy.array(measured, float)
    gas = numpy.linalg.lstsq(shapes, measured[:, 0], rcond=None)[0]
    code = numpy.linalg.lstsq(shapes[:, :3], measured[:, 1], rcond=None)[0]
    print("gas      %.0f + %.0f lanes + %.0f advice + %.0f instances" % tuple(gas))
    print("code     %.0f + %.0f lanes + %.0f advice" % tuple(code))
    print("seconds  %.3g per column, row and k" % numpy.median(measured[:, 2]))
    print("memory   %.0f bytes per cell" % numpy.median(measured[:, 3]))


if __name__ == "__main__":
    main()

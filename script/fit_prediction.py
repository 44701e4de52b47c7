#!/usr/bin/env python3
"""Fits the constants of src/cli/prediction.rs to measurements of this machine.

Run on a quiet machine after the circuit's columns changed, and copy what it prints. Needs a built zkverdict.
"""

import json
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
ZKVERDICT = ROOT / "target/debug/zkverdict"
MODELS = ROOT / "test/fixtures/models"
# What the process holds without any circuit.
MEMORY = 6e6
RUNS = [("credit_logreg", k) for k in (10, 11, 12)] + [("digits_mlp", k) for k in (11, 12, 13, 14)]


def run(*words: str) -> dict:
    out = subprocess.run([ZKVERDICT, "--json", *words], check=True, capture_output=True).stdout
    return json.loads(out)


def main() -> None:
    seconds, memory = [], []
    for name, k in RUNS:
        model = str(MODELS / name / "int8_qdq.onnx")
        plan = run("inspect", "--k", str(k), model)["plan"]
        (row,) = run("bench", "--k", str(k), "--proofs", "5", model)
        cells = (plan["advice_columns"] + plan["fixed_columns"]) << k
        seconds.append(row["prove_seconds"] / cells / k)
        memory.append((row["peak_memory_bytes"] - MEMORY) / cells)
    print(f"seconds  {statistics.median(seconds):.3g} per column, row and k")
    print(f"memory   {statistics.median(memory):.0f} bytes per cell, and {MEMORY:.0f}")


if __name__ == "__main__":
    main()

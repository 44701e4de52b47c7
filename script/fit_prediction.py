#!/usr/bin/env python3
"""Fits the constants of src/circuit/cost.rs to measurements of this machine.

Run on a quiet machine (it takes eight minutes) after the circuits' columns changed, and copy what it prints. Needs a built zkverdict.
Prints also how far each model is from the fit: memory is to stay within 20 %.
"""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
ZKVERDICT = ROOT / "target/debug/zkverdict"
MODELS = ROOT / "test/fixtures/models"
NAMES = [
    "credit_logreg",
    "digits_mlp",
    "digits_cnn",
    "lenet5",
    "tiny_transformer",
    "tiny_transformer_gelu",
    "resnet8",
]
RUNS = [(name, goal) for goal in ("speed", "gas") for name in NAMES]


def run(*words: str) -> dict:
    out = subprocess.run([ZKVERDICT, "--json", *words], check=True, capture_output=True).stdout
    return json.loads(out)


def least_squares(rows: list[list[float]], values: list[float]) -> list[float]:
    """Minimises relative errors, by the normal equations."""
    rows = [[cell / value for cell in row] for row, value in zip(rows, values)]
    size = len(rows[0])
    system = [
        [sum(row[i] * row[j] for row in rows) for j in range(size)] + [sum(row[i] for row in rows)]
        for i in range(size)
    ]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(system[k][i]))
        system[i], system[pivot] = system[pivot], system[i]
        for k in range(size):
            if k != i:
                factor = system[k][i] / system[i][i]
                system[k] = [a - factor * b for a, b in zip(system[k], system[i])]
    return [system[i][size] / system[i][i] for i in range(size)]


def main() -> None:
    seconds, memory, time_rows, memory_rows = [], [], [], []
    for name, goal in RUNS:
        model = str(MODELS / name / "int8_qdq.onnx")
        plan = run("inspect", "--optimize", goal, model)["plan"]
        (row,) = run("bench", "--optimize", goal, "--proofs", "3", model)
        rows, advice, fixed = 2.0 ** plan["k"], plan["advice_columns"], plan["fixed_columns"]
        seconds.append(row["prove_seconds"])
        time_rows.append([1, rows, (2 * advice + fixed) * rows])
        memory.append(row["peak_memory_bytes"])
        memory_rows.append([1, rows, (advice + fixed) * rows])
    for title, rows, values in [("seconds", time_rows, seconds), ("memory", memory_rows, memory)]:
        constants = least_squares(rows, values)
        print(title, " ".join(f"{constant:.3g}" for constant in constants))
        for (name, goal), row, value in zip(RUNS, rows, values):
            fitted = sum(constant * cell for constant, cell in zip(constants, row))
            print(f"  {name:18} {goal:6} {value:12.4g}  {fitted / value - 1:+.0%}")


if __name__ == "__main__":
    main()

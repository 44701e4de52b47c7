#!/usr/bin/env python3
"""Fits the constants of src/circuit/cost.rs to measurements of this machine.

    script/fit_prediction.py [--memory | --packed]

Run on a quiet machine after the circuits' columns or the prover's memory changed (it takes ten minutes), and copy what it
prints; with --memory, which no other load disturbs, memory alone is measured, by one proof each; with --packed, the seconds of
packed proofs. Needs a built zkverdict.
Takes the fixtures and what `quantize` makes of float models, each for two goals, and prints how far each is from
the fit and from what `inspect` says now: both are to stay within 15 %.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ZKVERDICT = ROOT / "target/debug/zkverdict"
FIXTURES = ROOT / "test/fixtures"
NAMES = [
    "credit_logreg",
    "digits_mlp",
    "digits_cnn",
    "lenet5",
    "tiny_transformer",
    "tiny_transformer_gelu",
    "resnet8",
]
# Float models, with the suffix of their example inputs' file.
QUANTIZED = [
    "prices/credit_mlp",
    "prices/residual",
    "prices/pool",
    "quantize/credit_logreg/float",
    "quantize/digits_cnn/float",
    "quantize/tiny_transformer_gelu/float",
    "exports/gru",
    "exports/lstm",
    "exports/random_forest",
    "exports/group_norm",
    "exports/causal_attention_where",
]
# The prover keeps coefficients of its columns, of so many at most from this k on, and of twice as many for each k less.
KEPT_BYTES_PER_CELL, MOST_KEPT, LONG = 32.0, 24, 17


def run(*words: str) -> dict:
    out = subprocess.run([ZKVERDICT, "--json", *words], check=True, capture_output=True).stdout
    return json.loads(out)


def quantized(name: str, folder: str) -> str:
    """What `quantize` makes of a float model."""
    float_model = FIXTURES / f"{name}.onnx"
    examples = float_model.with_name("calib.npz")
    if not examples.exists():
        examples = float_model.with_suffix(".npz")
    out = pathlib.Path(folder) / f"{name.replace('/', '_')}.onnx"
    run("quantize", str(float_model), "--calibration", str(examples), "--out", str(out))
    return str(out)


def least_squares(
    rows: list[list[float]], values: list[float], known: list[float]
) -> list[float]:
    """Constants that make rows what values are more than is known: minimises relative errors, by the normal equations."""
    rows = [[cell / value for cell in row] for row, value in zip(rows, values)]
    rest = [1 - part / value for part, value in zip(known, values)]
    size = len(rows[0])
    system = [
        [sum(row[i] * row[j] for row in rows) for j in range(size)]
        + [sum(row[i] * part for row, part in zip(rows, rest))]
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", action="store_true", help="measure memory alone")
    parser.add_argument("--packed", action="store_true", help="measure packed proofs")
    args = parser.parse_args()
    only_memory = args.memory
    form = "packed" if args.packed else "halo2"
    titles, told = [], {"seconds": [], "memory": []}
    measured = {"seconds": [], "memory": []}
    rows_of = {"seconds": [], "memory": []}
    known = {"seconds": [], "memory": []}
    with tempfile.TemporaryDirectory() as folder:
        models = [(name, str(FIXTURES / f"models/{name}/int8_qdq.onnx")) for name in NAMES]
        models += [(name, quantized(name, folder)) for name in QUANTIZED]
        for name, model in models:
            for goal in ("speed", "gas"):
                told_of = ["--format", form, "--optimize", goal]
                plan = run("inspect", *told_of, model)["plan"]
                proofs = "1" if only_memory else "3"
                (row,) = run("bench", *told_of, "--proofs", proofs, model)
                rows, advice, fixed = 2.0 ** plan["k"], plan["advice_columns"], plan["fixed_columns"]
                cells = (advice + fixed) * rows
                kept = min(advice + fixed, MOST_KEPT << max(LONG - plan["k"], 0))
                titles.append(f"{name} {goal} k {plan['k']}, {advice} + {fixed} columns")
                told["seconds"].append(plan["predicted"]["prove_seconds"])
                told["memory"].append(plan["predicted"]["memory_bytes"])
                measured["seconds"].append(row["prove_seconds"])
                measured["memory"].append(row["peak_memory_bytes"])
                own = [advice * rows, plan["predicted"]["string_powers"]] if args.packed else []
                rows_of["seconds"].append([1, rows, (2 * advice + fixed) * rows, *own])
                rows_of["memory"].append([1, rows, cells])
                known["seconds"].append(0)
                known["memory"].append(KEPT_BYTES_PER_CELL * kept * rows)
                print(titles[-1], measured["memory"][-1], flush=True)
    titles_of = {"halo2": ["seconds", "memory"], "packed": ["seconds"]}
    for title in ["memory"] if only_memory else titles_of[form]:
        rows, values = rows_of[title], measured[title]
        constants = least_squares(rows, values, known[title])
        print(title, " ".join(f"{constant:.4g}" for constant in constants))
        for name, row, value, part, now in zip(titles, rows, values, known[title], told[title]):
            fitted = part + sum(constant * cell for constant, cell in zip(constants, row))
            print(f"  {name:50} {value:12.4g}  fit {fitted / value - 1:+.0%}, now {now / value - 1:+.0%}")


if __name__ == "__main__":
    main()

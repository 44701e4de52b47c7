#!/usr/bin/env python3
"""Compares proofs of this tree with those of an earlier build, and one thread with two.

    script/speed.py [--old ZKVERDICT] [--program PROVE] [--stock] [--repeat 3] [MODEL.onnx…]

ZKVERDICT is the binary of an earlier commit, built with the same profile; PROVE is benches/prove.rs, which is built if it is
not given; `--stock` compares with halo2's prover too. Run on a quiet machine; of each figure the
least of all repetitions counts, which come by turns. Prints, per model, processor seconds of a proof by the earlier
build, by this one with the fastest arithmetic and with the portable one, and their ratios; wall seconds on one thread
and on two; and of each stage its share of the time and how many of two threads it keeps busy. Two threads of one core
share its arithmetic: where the machine has no two cores, 1.85 times as fast cannot be seen.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "test/fixtures/models"
MODELS = [
    "lenet5/int8_qop.onnx",
    "tiny_transformer/int8_qdq.onnx",
    "tiny_transformer_gelu/int8_qop.onnx",
    "resnet8/int8_qdq.onnx",
]


def built() -> str:
    """The program of benches/prove.rs, in the profile of tests."""
    words = ["cargo", "build", "--bench", "prove", "--message-format", "json"]
    lines = subprocess.run(words, check=True, capture_output=True, cwd=ROOT).stdout.splitlines()
    found = (json.loads(line) for line in lines)
    return [one["executable"] for one in found if one.get("target", {}).get("name") == "prove"][-1]


def proof(program: str, kind: str, threads: int, model: str) -> dict:
    environment = os.environ | {"ZKVERDICT_BENCH_PROVER": kind, "RAYON_NUM_THREADS": str(threads)}
    words = [program, model]
    out = subprocess.run(words, check=True, capture_output=True, env=environment).stdout.decode()
    wall, cpu, peak, stages = re.search(
        r"proof: (\S+) cpu (\S+) .* peak (\d+) MB \(.*?\): (.*)", out
    ).groups()
    return {"wall": float(wall), "cpu": float(cpu), "peak": int(peak), "stages": stages}


def earlier(binary: str, model: str) -> float:
    words = [binary, "--json", "bench", "--proofs", "1", model]
    out = subprocess.run(words, check=True, capture_output=True, cwd=ROOT).stdout
    return json.loads(out)[0]["prove_cpu_seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--old")
    parser.add_argument("--program")
    parser.add_argument("--stock", action="store_true")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("models", nargs="*", default=[str(FIXTURES / model) for model in MODELS])
    args = parser.parse_args()
    program = args.program or built()
    for model in args.models:
        old, stock, own, portable, single = [], [], [], [], []
        for _ in range(args.repeat):
            old += [earlier(args.old, model)] if args.old else []
            stock += [proof(program, "stock", 2, model)["cpu"]] if args.stock else []
            own.append(proof(program, "own", 2, model))
            portable.append(proof(program, "portable", 2, model))
            single.append(proof(program, "own", 1, model))
        least = lambda runs, figure: min(run[figure] for run in runs)
        cpu = {"own": least(own, "cpu"), "portable": least(portable, "cpu")}
        others = {"earlier": min(old, default=0), "halo2's": min(stock, default=0)}
        others = {kind: seconds for kind, seconds in others.items() if seconds}
        before = "".join(f"{kind} {seconds:.2f}, " for kind, seconds in others.items())
        less = lambda seconds: " and ".join(
            f"{other / seconds:.2f} times less than {kind}" for kind, other in others.items()
        )
        shown = ", ".join(
            f"{kind} {seconds:.2f}" + (f" ({less(seconds)})" if others else "")
            for kind, seconds in cpu.items()
        )
        one, two = least(single, "wall"), least(own, "wall")
        print(pathlib.Path(model).parent.name)
        print(f"  cpu s: {before}{shown}; peak {least(own, 'peak')} MB")
        print(f"  wall s: one thread {one:.2f}, two {two:.2f}: {one / two:.2f} times as fast;", end=" ")
        print(f"cpu {least(single, 'cpu'):.2f} and {cpu['own']:.2f}")
        print(f"  two threads: {min(own, key=lambda run: run['wall'])['stages']}", flush=True)


if __name__ == "__main__":
    main()

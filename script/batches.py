#!/usr/bin/env python3
"""Measures batches: gas of each inference, and what proving eight takes against one.

    script/batches.py [--zkverdict PROGRAM] [--model NAME=FILE…] [--work DIR]

Inputs are committed and random, proofs packed: lenet5 in sixteens and digits_mlp in sixty-fours, with their gas by the prices of Prague and
of Amsterdam, and digits_mlp, digits_cnn and lenet5 by one and by eight. Prints processor seconds, which other work on the machine does
not count into; ratios are of the same machine at nearly the same time. Takes gigabytes and minutes, and is no part of the tests.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORKS = ["prague", "amsterdam"]
# How many in a proof, and the most gas that each should cost.
GAS = [("lenet5", 16, 30_000), ("digits_mlp", 64, 8_000)]
PROVING = ["digits_mlp", "digits_cnn", "lenet5"]
TIMES = 3


class Program:
    def __init__(self, path):
        self.path = path

    def __call__(self, *words):
        """What a verb answers, and the processor seconds that it took."""
        process = subprocess.Popen([self.path, "--json", *map(str, words)], stdout=subprocess.PIPE)
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code:
            raise SystemExit(f"{words[0]}: exit code {code}")
        return json.loads(said), used.ru_utime + used.ru_stime


def filled(shape, rng):
    if not shape:
        return rng.uniform(-1, 1)
    return [filled(shape[1:], rng) for _ in range(shape[0])]


def proved(program, work, model, batch, times=1):
    """A bundle, a proof of a batch with committed inputs, and the least processor seconds of some such proofs."""
    port = program("inspect", model)[0]["inputs"][0]
    given, bundle, secret, proof = (work / name for name in ("x.json", "keys.zkv", "c.json", "proof.json"))
    given.write_text(json.dumps(filled([batch, *port["shape"][1:]], random.Random(batch))))
    secret.unlink(missing_ok=True)
    told = ["--format", "packed", "--input", f"{port['name']}=committed", "--batch", batch]
    program("keygen", model, "--unsafe-dev-srs", *told, "--out", bundle)
    program("commit", bundle, "--input", given, "--out", secret)
    contexts = [word for number in range(batch) for word in ("--context", hex(number))]
    seconds = []
    for _ in range(times):
        said, _ = program("prove", bundle, "--input-commitment", secret, *contexts, "--out", proof)
        seconds.append(said["cpu_seconds"])
    return bundle, proof, min(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zkverdict", default=str(ROOT / "target/release/zkverdict"))
    parser.add_argument("--model", action="append", default=[], help="another file for a model")
    parser.add_argument("--work", help="where files go, which is kept")
    args = parser.parse_args()
    others = dict(model.split("=", 1) for model in args.model)
    program = Program(args.zkverdict)

    def file(name):
        return others.get(name, ROOT / f"test/fixtures/models/{name}/int8_qdq.onnx")

    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(args.work or folder)
        work.mkdir(exist_ok=True, parents=True)
        for name, batch, most in GAS:
            bundle, proof, seconds = proved(program, work, file(name), batch)
            said, _ = program("gas", bundle, proof, "--fork", "all")
            all = {report["fork"]: report["total"] for report in said}
            totals = ", ".join(f"{fork} {all[fork]:,} ({all[fork] / batch:,.0f} each)" for fork in FORKS)
            print(f"{name} x {batch}: {totals}; at most {most:,} each; proved in {seconds:.1f} s of processors", flush=True)
        for name in PROVING:
            one, eight = (proved(program, work, file(name), batch, TIMES)[2] for batch in (1, 8))
            print(f"{name}: 1 in {one:.2f} s of processors, 8 in {eight:.2f} s, {eight / one:.1f} times", flush=True)


if __name__ == "__main__":
    main()

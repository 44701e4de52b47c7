#!/usr/bin/env python3
"""Proves many inputs of one model on a Ray cluster, and checks what comes back before it is kept.

    pip install zkverdict "ray[default]"
    ray_prove.py MODEL.onnx BUNDLE INPUTS.npy OUT [--provers N] [--cores C] [--address auto]

INPUTS holds an inference in each entry of its first axis; OUT/0.json, OUT/1.json … are the proofs, each bound to its number as
context. A proof is kept if it is valid under the bundle's key, and its outputs are the model's on that input, computed here.
Whoever runs the machines sees the inputs: a proof hides them from everybody but whoever makes it.
"""

import argparse
import io
import os
import pathlib
import tarfile
import tempfile

import numpy as np
import ray
import zkverdict


@ray.remote(max_restarts=-1, max_task_retries=3)
class Prover:
    """Keeps the keys from one proof to the next. A proof that is made twice is harmless."""

    def __init__(self, bundle: bytes, cores: int) -> None:
        # Ray tells a process what it has; the prover takes a thread for each.
        os.environ["RAYON_NUM_THREADS"] = str(cores)
        # Parts of it are read when they are needed.
        self.folder = tempfile.TemporaryDirectory()
        with tarfile.open(fileobj=io.BytesIO(bundle)) as packed:
            packed.extractall(self.folder.name, filter="data")
        # It is the requester's: whether proofs hold under its key is checked there.
        self.keys = zkverdict.load_keys(self.folder.name, trust=True)

    def prove(self, number: int, x: np.ndarray) -> tuple[int, str]:
        return number, self.keys.prove(x, context=number).to_json()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("inputs", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--provers", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2, help="of each prover")
    parser.add_argument("--address", help="of a running cluster [default: start one here]")
    args = parser.parse_args()
    inputs = np.load(args.inputs)
    model, keys = zkverdict.load(args.model), zkverdict.load_keys(args.bundle)
    args.out.mkdir(parents=True, exist_ok=True)
    ray.init(address=args.address, log_to_driver=False)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(args.bundle, arcname=".")
    bundle = ray.put(packed.getvalue())
    provers = [Prover.options(num_cpus=args.cores).remote(bundle, args.cores) for _ in range(args.provers)]
    pool = ray.util.ActorPool(provers)
    jobs = [(number, inputs[number : number + 1]) for number in range(len(inputs))]
    for number, text in pool.map_unordered(lambda prover, job: prover.prove.remote(*job), jobs):
        proof = zkverdict.Proof.from_json(text)
        keys.verify(proof, context=number)
        expected = model.run(inputs[number : number + 1]).outputs
        for name, told in proof.inferences[0].outputs.items():
            if not np.array_equal(told.quantized, expected[name].quantized):
                raise SystemExit(f"error: the proof of inference {number} is valid, and of another input: `{name}` differs")
        (args.out / f"{number}.json").write_text(text)
        print(f"{args.out / f'{number}.json'}: valid")


if __name__ == "__main__":
    main()

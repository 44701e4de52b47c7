#!/usr/bin/env python3
"""Deletes each named constraint of the circuit once and expects a test to fail.

A constraint whose deletion no test notices is not tested. Run from a clean checkout: the source is
changed in place and put back. Takes about ten seconds per constraint. An argument names one file only.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A constraint is a sentence and an expression, in a list or handed to one.
CONSTRAINT = re.compile(r'\(\s*("[^"]{12,}"),\s*((?:[^()]|\([^()]*\))+?),?\s*\)(?=,?\s*[\])(])')
TEST = ["cargo", "test", "--quiet", "--no-default-features", "--lib", "circuit", "--", "--skip", "every_operator"]


def main() -> int:
    unnoticed = []
    for path in sorted((ROOT / "src/circuit").glob(sys.argv[1] if sys.argv[1:] else "**/*.rs")):
        source = path.read_text()
        if "tests" in path.relative_to(ROOT).as_posix() or "create_gate" not in source:
            continue
        for match in CONSTRAINT.finditer(source):
            sentence, expression = match.groups()
            nothing = f"({sentence}, ({expression}) * Fr::zero())"
            path.write_text(source[: match.start()] + nothing + source[match.end() :])
            try:
                run = subprocess.run(TEST, cwd=ROOT, capture_output=True, text=True)
            finally:
                path.write_text(source)
            if "error[" in run.stderr or "could not compile" in run.stderr:
                print(run.stderr[-2000:])
                return 2
            failed = sorted(set(re.findall(r"^---- \S*::(\w+) stdout", run.stdout, re.MULTILINE)))
            print(f"{path.name}: {sentence}\n    {', '.join(failed) or 'NOT NOTICED'}", flush=True)
            if not failed:
                unnoticed.append(sentence)
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())

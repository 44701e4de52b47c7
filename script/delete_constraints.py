#!/usr/bin/env python3
"""Deletes each named constraint of the circuit once and expects a test to fail.

A constraint whose deletion no test notices is not tested. The tests are built once, from a source in which every
constraint is multiplied with 0 if an environment variable has its name; then those that mention a constraint run
without it, or all of them if none does. The source is changed in place and put back. An argument names files: 'wires.rs'.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CIRCUIT = ROOT / "src/circuit"
RELATIONS = CIRCUIT / "relations"
BUILD = ["cargo", "test", "--quiet", "--package", "zkverdict", "--no-default-features", "--features", "prove", "--lib", "--no-run", "--message-format=json"]
# Proving hundreds of random models only repeats what their own tests show.
SKIPPED = ["--skip", "every_operator"]
VARIABLE = "DELETED_CONSTRAINT"
# A constraint is a sentence and an expression; sentences of cursors and of states are in lists.
SITE = re.compile(r'(?<![\w!>])\(\s*"([^"]{12,})",\s*')
LISTED = re.compile(r'"([^"]+ (?:moves as the layout says|is what the round gives))"')
# Where all constraints pass.
GATE = RELATIONS / "gate.rs"
MADE = "of(&mut GateRow { meta, columns, shape })"
SWITCHED = f"""{{
            let kept = |name: &str| std::env::var("{VARIABLE}").as_deref() != Ok(name);
            let switch = |(name, constraint)| (name, constraint * Fr::from(u64::from(kept(name))));
            {MADE}.into_iter().map(switch).collect::<Vec<_>>()
        }}"""


def build() -> str | None:
    run = subprocess.run(BUILD, cwd=ROOT, capture_output=True, text=True)
    artifacts = (json.loads(line) for line in run.stdout.splitlines() if line.startswith("{"))
    binaries = [artifact["executable"] for artifact in artifacts if artifact.get("executable")]
    if run.returncode or not binaries:
        print(run.stdout[-2000:], run.stderr[-2000:], file=sys.stderr)
        return None
    return binaries[0]


def tests_by_sentence(sentences: list[str]) -> dict[str, list[str]]:
    """Names of the tests whose text, or the text of a constant in it, mentions a sentence."""
    found: dict[str, list[str]] = {sentence: [] for sentence in sentences}
    sources = [path.read_text() for path in CIRCUIT.glob("**/*.rs") if "tests" in path.relative_to(ROOT).as_posix()]
    constants = [re.findall(r'const (\w+): &str =\s*"([^"]+)"', source) for source in sources]
    shared = {name: value for file in constants for name, value in file}
    for source, own in zip(sources, constants):
        for name, value in (shared | dict(own)).items():
            source = re.sub(rf"\b{name}\b(?!: &str)", lambda _, value=value: json.dumps(value), source)
        for body in source.split("#[test]")[1:]:
            test = re.search(r"fn (\w+)", body).group(1)
            for sentence in sentences:
                if f'"{sentence}"' in body:
                    found[sentence].append(test)
    return found


def failures(binary: str, deleted: str, tests: list[str]) -> list[str]:
    environment = os.environ | {VARIABLE: deleted}
    command = [binary, *(tests or ["circuit"]), *SKIPPED]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    return sorted(set(re.findall(r"^test (\S+) \.\.\. FAILED$", run.stdout, re.MULTILINE)))


def main() -> int:
    sentences = []
    for path in sorted(RELATIONS.glob(sys.argv[1] if sys.argv[1:] else "*.rs")):
        source = path.read_text()
        named = SITE.findall(source) + LISTED.findall(source)
        sentences += [sentence for sentence in named if sentence not in sentences]
    source = GATE.read_text()
    if source.count(MADE) != 1 or not sentences:
        print(f"no constraints, or not one place in {GATE} where they pass", file=sys.stderr)
        return 2
    try:
        GATE.write_text(source.replace(MADE, SWITCHED))
        binary = build()
    finally:
        GATE.write_text(source)
    if binary is None:
        return 2
    if broken := failures(binary, "", []):
        print(f"tests fail with all constraints in place: {', '.join(broken)}", file=sys.stderr)
        return 2
    unnoticed = []
    tests = tests_by_sentence(sentences)
    for sentence in sentences:
        failed = failures(binary, sentence, tests[sentence]) or failures(binary, sentence, [])
        print(f"{sentence}\n    {', '.join(failed) or 'NOT NOTICED'}", flush=True)
        if not failed:
            unnoticed.append(sentence)
    print(f"{len(sentences) - len(unnoticed)} of {len(sentences)} deletions are noticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())

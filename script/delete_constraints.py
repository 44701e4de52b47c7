#!/usr/bin/env python3
"""Deletes each named constraint of the circuits once and expects a test to fail.

A constraint whose deletion no test notices is not tested. The tests are built once, from sources in which every
constraint is multiplied with 0 if an environment variable has its name; then those that mention a constraint run
without it, or all of them if none does. Sources are changed in place and put back. An argument names files: 'net/*.rs'.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CIRCUITS = ROOT / "src/circuit"
BUILD = ["cargo", "test", "--quiet", "--no-default-features", "--lib", "--no-run", "--message-format=json"]
# Proving hundreds of random models only repeats what their own tests show.
SKIPPED = ["--skip", "every_operator"]
VARIABLE = "DELETED_CONSTRAINT"
# A constraint is a sentence and an expression, in a list or handed to one; cursors share one by name.
SITE = re.compile(r'(?<![\w!>])\(\s*("[^"]{12,}"|name),\s*')
MOVE = re.compile(r'"([^"]+ moves as the layout says)"')
SWITCH = f"""
pub(crate) fn kept(name: &str) -> halo2_proofs::halo2curves::bn256::Fr {{
    let is_deleted = std::env::var("{VARIABLE}").is_ok_and(|deleted| deleted == name);
    halo2_proofs::halo2curves::bn256::Fr::from(u64::from(!is_deleted))
}}
"""


def closing(source: str, start: int) -> int:
    """The position of the parenthesis that closes the one before `start`."""
    depth = 1
    for at in range(start, len(source)):
        depth += {"(": 1, ")": -1}.get(source[at], 0)
        if depth == 0:
            return at
    raise ValueError("unbalanced parentheses")


def switched(source: str) -> str:
    """The source with a switch at every constraint."""
    for match in reversed(list(SITE.finditer(source))):
        end = closing(source, match.end())
        name, expression = match.group(1), source[match.end() : end].rstrip().rstrip(",")
        constraint = f"({name}, ({expression}) * crate::circuit::kept({name}))"
        source = source[: match.start()] + constraint + source[end + 1 :]
    return source


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
    sources = [path.read_text() for path in CIRCUITS.glob("**/*.rs") if "tests" in path.relative_to(ROOT).as_posix()]
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
    wanted = sorted(CIRCUITS.glob(sys.argv[1] if sys.argv[1:] else "**/*.rs"))
    sources = {path: path.read_text() for path in sorted(CIRCUITS.glob("**/*.rs"))}
    gates = {
        path: source
        for path, source in sources.items()
        if "tests" not in path.relative_to(ROOT).as_posix() and ("create_gate" in source or "moves as the layout says" in source)
    }
    sentences = []
    for path, source in gates.items():
        if path in wanted:
            named = [name.strip('"') for name in SITE.findall(source) if name != "name"]
            named += MOVE.findall(source)
            sentences += [sentence for sentence in named if sentence not in sentences]
    root = CIRCUITS / "mod.rs"
    try:
        for path, source in gates.items():
            path.write_text(switched(source))
        root.write_text(root.read_text() + SWITCH)
        binary = build()
    finally:
        for path, source in sources.items():
            path.write_text(source)
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

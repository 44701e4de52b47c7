#!/usr/bin/env python3
"""Names everything public in contracts/ that has no NatSpec: python3 script/natspec.py"""
import glob
import re
import sys

DEFINITION = re.compile(r"^    (function|event|error|constructor|struct|enum|mapping)\b")
VARIABLE = re.compile(r"^    [\w\[\].]+( \w+)* public( \w+)* \w+")

missing, total = [], 0
for path in sorted(glob.glob("contracts/**/*.sol", recursive=True)):
    lines = open(path).read().split("\n")
    for i, line in enumerate(lines):
        definition = DEFINITION.match(line)
        if not definition and not VARIABLE.match(line):
            continue
        head = " ".join(lines[i : i + 8]).split("{")[0].split(";")[0]
        if re.search(r"\b(private|internal)\b", head):
            continue
        if definition and definition.group(1) == "mapping" and " public " not in head:
            continue
        total += 1
        # Directives for the linter may lie between.
        above = next(text.strip() for text in lines[i - 1 :: -1] if not text.strip().startswith("// "))
        if not above.startswith("///"):
            missing.append(f"{path}:{i + 1}: {line.strip()}")
print("\n".join(missing))
sys.exit(f"{len(missing)} of {total} public definitions lack NatSpec" if missing else 0)

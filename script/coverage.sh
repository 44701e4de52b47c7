#!/usr/bin/env bash
# How many branches of contracts/ the tests take that need neither a generated verifier nor luck (profile `coverage` of
# foundry.toml). Names those that no test takes, and fails below 98 %. Takes about a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

FOUNDRY_PROFILE=coverage tools/forge coverage --report lcov --report-file "$work/lcov.info" >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  exit 1
}
python3 - "$work/lcov.info" <<'PYTHON'
import sys

LEAST = 98
taken, branches, missed, path = 0, 0, [], ""
for line in open(sys.argv[1]):
    kind, _, rest = line.strip().partition(":")
    if kind == "SF":
        path = rest
    elif kind == "BRDA" and path.startswith("contracts/"):
        number, _, _, times = rest.split(",")
        branches += 1
        if times in ("0", "-"):
            missed.append(f"{path}:{number}")
        else:
            taken += 1
print("\n".join(missed))
if not branches:
    sys.exit("no branch was counted")
share = 100 * taken / branches
print(f"branches of contracts/: {taken} of {branches} taken, {share:.1f} %")
sys.exit(f"expected at least {LEAST} %" if share < LEAST else 0)
PYTHON

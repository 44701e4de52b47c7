#!/usr/bin/env bash
# Builds the Python package as pip installs it, with the artifacts that `cargo test` has, and runs its tests. Maturin, numpy and mypy
# come from PyPI, or from where pip is told to look (PIP_INDEX_URL, PIP_FIND_LINKS); the first run installs them below target/.
#   script/python.sh [TEST…]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
package=$root/packages/zkverdict-py
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/python
export PIP_DISABLE_PIP_VERSION_CHECK=1

if [ ! -e "$venv/installed" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv" || { echo "error: \`python3 -m venv\` does not work: Python 3.9 or later is needed, with its module venv" >&2; exit 1; }
    "$venv/bin/pip" install --quiet 'maturin>=1.7,<2' 'numpy>=1.21' mypy || {
        echo "error: pip finds no maturin, numpy or mypy: let it reach an index, or name another with PIP_INDEX_URL" >&2
        exit 1
    }
    touch "$venv/installed"
fi

rm -rf "$venv/wheels"
(cd "$package" && CARGO_TARGET_DIR=$target "$venv/bin/maturin" build --quiet --profile dev --features with-tests-dependencies \
    --interpreter "$venv/bin/python" --compatibility linux --out "$venv/wheels")
"$venv/bin/pip" install --quiet --force-reinstall --no-deps "$venv"/wheels/*.whl
(cd "$package" && "$venv/bin/mypy" --no-error-summary)
cd "$package/tests"
"$venv/bin/python" -W error -m unittest --quiet "$@"

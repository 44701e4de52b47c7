#!/usr/bin/env bash
# Runs the notebooks of examples/python from top to bottom, with the package that script/python.sh built; a cell that raises fails it. The run
# ones lie in target/notebooks. The first run installs what they use below target/.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=$target/notebook
wheel=$(ls "$target"/python/wheels/*.whl 2>/dev/null) || { echo "error: run script/python.sh first, which builds the package" >&2; exit 1; }

if [ ! -e "$venv/installed" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet nbconvert ipykernel numpy scikit-learn xgboost onnxmltools skl2onnx onnx
    touch "$venv/installed"
fi
"$venv/bin/pip" install --quiet --force-reinstall --no-deps $wheel
export ZKVERDICT_SOLC=${ZKVERDICT_SOLC:-$root/tools/solc}
"$venv/bin/python" -m nbconvert --log-level WARN --to notebook --execute "$root"/examples/python/*.ipynb --output-dir "$target/notebooks"

#!/usr/bin/env bash
# Which exact form the requantization of each layer has, and its size, for all int8 models of a folder:
#   script/requantizations.sh MODELS
# "line" is floor((a·acc + b) / 2^s) with the smallest s that is exact at every step, "steps" a table of them.
set -euo pipefail
models=$(realpath "$1")
cd "$(dirname "$0")/.."
cargo build --quiet
for model in "$models"/*/*.onnx; do
    if [ "$(basename "$model")" != float.onnx ]; then
        printf '%s\n' "${model#"$models"/}"
        target/debug/zkverdict inspect --layers "$model" | sed -n '/^layers$/,/^[^ l]/{/^  /p}'
    fi
done

#!/usr/bin/env bash
# Prints what keys, proofs, verification and gas cost for the fixture models: the README's figures. Takes eight minutes.
# CPU seconds stand beside wall time, as machines are noisy.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet
zkverdict=target/debug/zkverdict
models=("$@")
if [ ${#models[@]} -eq 0 ]; then
    models=(test/fixtures/models/{credit_logreg,diagnosis_mlp,digits_mlp,digits_cnn,lenet5,tiny_transformer,tiny_transformer_gelu,resnet8}/int8_qdq.onnx)
fi

printf 'machine  %s, %s cores\n' "$(uname -m)" "$(nproc)"
printf 'commit   %s\n\n' "$(git rev-parse --short HEAD)"
for goal in speed gas; do
    printf -- '--optimize %s\n' "$goal"
    # One process per model, so that peak memory is the model's own.
    for model in "${models[@]}"; do
        "$zkverdict" bench --optimize "$goal" --proofs 3 "$model"
    done
done

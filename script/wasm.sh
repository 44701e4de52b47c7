#!/usr/bin/env bash
# Builds what the JavaScript package proves with (packages/zkverdict-wasm), and puts it where the package takes it:
#   script/wasm.sh [FOLDER]     packages/zkverdict-js/dist/prove, unless another is given
# Skips it with a word about why where there is no compiler for it (wasm_toolchain.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-packages/zkverdict-js/dist/prove}
source script/wasm_toolchain.sh
if ! wasm_toolchain; then
    echo "skipped: the prover for pages is not built: $wasm_missing"
    exit 0
fi

target=target/wasm
"${wasm_cargo[@]}" --quiet --profile wasm --package zkverdict-wasm --target-dir "$target"
mkdir -p "$folder"
cp "$target/wasm32-unknown-unknown/wasm/prover.wasm" "$folder/prover.wasm"
echo "$folder/prover.wasm: $(wc -c <"$folder/prover.wasm") bytes, $(gzip -c "$folder/prover.wasm" | wc -c) compressed"

#!/usr/bin/env bash
# Builds a verifier for wasm32 of the feature `verify` alone (examples/wasm), and runs it in Node on a proof of digits_mlp
# and on three changed ones.
#   script/wasm_verifier.sh
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder" examples/wasm/Cargo.lock' EXIT

model=test/fixtures/models/digits_mlp
zkverdict=${ZKVERDICT:-cargo run --quiet --}
node -e 'console.log(JSON.stringify(Array.from({ length: 64 }, (_, at) => (at * 7) % 17)))' >"$folder/input.json"
$zkverdict keygen "$model/int8_qdq.onnx" --format halo2 --unsafe-dev-srs --out "$folder/digits.zkv" >/dev/null
$zkverdict prove "$folder/digits.zkv" --input "$folder/input.json" --out "$folder/proof.json" >/dev/null

source script/wasm_toolchain.sh
wasm_toolchain || { echo "error: $wasm_missing" >&2; exit 2; }
target=${CARGO_TARGET_DIR:-target/wasm}
cp Cargo.lock examples/wasm/Cargo.lock
"${wasm_cargo[@]}" --quiet --release --manifest-path examples/wasm/Cargo.toml --target-dir "$target"
node examples/wasm/verify.mjs "$target/wasm32-unknown-unknown/release/verify_in_wasm.wasm" "$folder/digits.zkv" "$folder/proof.json"

#!/usr/bin/env bash
# Builds a verifier for wasm32 of the feature `verify` alone (examples/wasm), and runs it in Node on a proof of digits_mlp
# and on three changed ones.
#
# Takes `rustup target add wasm32-unknown-unknown`, or where rustup cannot, a compiler with that target as RUSTC and
# LINKER, as Debian's packages rustc and libstd-rust-dev-wasm32 have it, with rustup's own rust-lld.
#   script/wasm.sh
set -euo pipefail
cd "$(dirname "$0")/.."
rustc=${RUSTC:-rustc}
if [ ! -d "$("$rustc" --print target-libdir --target wasm32-unknown-unknown)" ]; then
    echo "error: $rustc has no wasm32-unknown-unknown" >&2
    exit 2
fi
[ -z "${LINKER:-}" ] || export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$LINKER
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

target=${CARGO_TARGET_DIR:-target/wasm}
cp Cargo.lock examples/wasm/Cargo.lock
trap 'rm -rf "$folder" examples/wasm/Cargo.lock' EXIT
cargo build --quiet --release --target wasm32-unknown-unknown --manifest-path examples/wasm/Cargo.toml --target-dir "$target"

model=test/fixtures/models/digits_mlp
zkverdict=${ZKVERDICT:-"env -u RUSTC cargo run --quiet --"}
node -e 'console.log(JSON.stringify(Array.from({ length: 64 }, (_, at) => (at * 7) % 17)))' >"$folder/input.json"
$zkverdict keygen "$model/int8_qdq.onnx" --unsafe-dev-srs --out "$folder/digits.zkv" >/dev/null
$zkverdict prove "$folder/digits.zkv" --input "$folder/input.json" --out "$folder/proof.json" >/dev/null
node examples/wasm/verify.mjs "$target/wasm32-unknown-unknown/release/verify_in_wasm.wasm" "$folder/digits.zkv" "$folder/proof.json"

#!/usr/bin/env bash
# Feeds bytes to a target until it panics or time is up:
#   script/fuzz.sh model|input|verifier [SECONDS]
# `model` and `input` read files from outside, `verifier` runs a program of changes to a proof and compares the
# verdicts of the Rust and the Solidity verifier.
# Any compiler will do, nightly or not: coverage guides libFuzzer, no sanitizer is needed in safe code. Runs start
# from the fixtures; what they find is kept in fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-} seconds=${2:-300}
# A program is four bytes a change: longer ones only say no more often.
max_len=65536
case $target in
    model) seeds=(test/fixtures/models/*/ test/fixtures/quantize/*/) ;;
    input) seeds=(test/fixtures/inputs test/fixtures/models/credit_logreg) ;;
    verifier) seeds=() max_len=32 ;;
    *) echo "usage: script/fuzz.sh model|input|verifier [SECONDS]" >&2; exit 2 ;;
esac
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Ccodegen-units=1"
host=$(rustc -vV | sed -n 's/^host: //p')
# With --target, build scripts and macros are not instrumented.
cargo build --manifest-path fuzz/Cargo.toml --target "$host" --bin "$target"
mkdir -p "fuzz/corpus/$target"
"fuzz/target/$host/debug/$target" -max_total_time="$seconds" -max_len="$max_len" -timeout=20 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="fuzz/corpus/" "fuzz/corpus/$target" "${seeds[@]}"

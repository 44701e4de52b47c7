#!/usr/bin/env bash
# Feeds bytes to the readers of files from outside until one panics or time is up:
#   script/fuzz.sh model|input [RUNS]
# Any compiler will do, nightly or not: coverage guides libFuzzer, no sanitizer is needed in safe code. The
# fixtures are where it starts from; what it finds is kept in fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1 runs=${2:-100000}
case $target in
    model) seeds=(test/fixtures/models/*/ test/fixtures/quantize/*/) ;;
    input) seeds=(test/fixtures/inputs test/fixtures/models/credit_logreg) ;;
    *) echo "usage: script/fuzz.sh model|input [RUNS]" >&2; exit 2 ;;
esac
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Ccodegen-units=1"
host=$(rustc -vV | sed -n 's/^host: //p')
# With --target, build scripts and macros are not instrumented.
cargo build --manifest-path fuzz/Cargo.toml --target "$host" --bin "$target"
mkdir -p "fuzz/corpus/$target"
"fuzz/target/$host/debug/$target" -runs="$runs" -max_len=65536 -timeout=20 -rss_limit_mb=2048 \
    -artifact_prefix="fuzz/corpus/" "fuzz/corpus/$target" "${seeds[@]}"

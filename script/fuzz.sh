#!/usr/bin/env bash
# Feeds bytes to a target until it panics or time is up:
#   script/fuzz.sh model|quantize|input|proof|key|string|verifier [SECONDS]
#   script/fuzz.sh mutations [COUNT]
# All but the last read files from outside; `verifier` runs a program of changes to a proof and compares the
# verdicts of the Rust and the Solidity verifier. `mutations` needs no libFuzzer: it changes models, float models, inputs,
# strings, bundles, proof files and a node's answers by a seeded generator, COUNT times each, and fails where one takes
# more than five seconds or a gigabyte.
# Any compiler will do, nightly or not: coverage guides libFuzzer, no sanitizer is needed in safe code. Runs start
# from the fixtures; what they find is kept in fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-} seconds=${2:-300}
if [ "$target" = mutations ]; then
    # One at a time, so that each has the machine to itself.
    MUTATIONS=${2:-10000} exec cargo test --test mutated -- --nocapture --test-threads 1
fi
# A program is four bytes a change: longer ones only say no more often.
max_len=65536
features=
case $target in
    model) seeds=(test/fixtures/models/*/ test/fixtures/quantize/*/) ;;
    quantize) seeds=(test/fixtures/quantize/*/) ;;
    input) seeds=(test/fixtures/inputs test/fixtures/models/credit_logreg) ;;
    proof) seeds=(test/fixtures/proofs) ;;
    key) seeds=() ;;
    string) seeds=(test/fixtures/srs) ;;
    verifier) seeds=() max_len=32 features=verifier ;;
    *) echo "usage: script/fuzz.sh model|quantize|input|proof|key|string|verifier [SECONDS] | mutations [COUNT]" >&2; exit 2 ;;
esac
need() {
    command -v "$1" >/dev/null || { echo "script/fuzz.sh: \`$1\` is not here: $2" >&2; exit 2; }
}
need cargo "install Rust, https://rustup.rs"
need "${CXX:-c++}" "libFuzzer is C++; install a compiler for it (Debian: g++), or name one in CXX"
if ! [[ $seconds =~ ^[0-9]+$ ]]; then
    echo "script/fuzz.sh: \`$seconds\` is no number of seconds" >&2
    exit 2
fi
# What was found once.
[ ! -d "fuzz/seeds/$target" ] || seeds+=("fuzz/seeds/$target")
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Ccodegen-units=1"
host=$(rustc -vV | sed -n 's/^host: //p')
# The versions that the package is tested with.
[ -e fuzz/Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock
# With --target, build scripts and macros are not instrumented.
cargo build --manifest-path fuzz/Cargo.toml --target "$host" --features "$features" --bin "$target"
mkdir -p "fuzz/corpus/$target"
"fuzz/target/$host/debug/$target" -max_total_time="$seconds" -max_len="$max_len" -timeout=20 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="fuzz/corpus/" "fuzz/corpus/$target" "${seeds[@]}"

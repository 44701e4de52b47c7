#!/usr/bin/env bash
# Runs the tests that `cargo test` leaves out: resnet8 all the way (receipts, predictions, verdicts), proofs of
# large models under other keys, and 200 random graphs before all three verifiers.
#   script/slow.sh [NAME]
set -euo pipefail
cd "$(dirname "$0")/.."
# One after the other, so that only one of them holds its keys.
cargo test --test path -- --ignored --test-threads 1 --nocapture "$@"
[ $# -gt 0 ] || cargo test --lib random_graphs -- --ignored --nocapture
# A packed proof of lenet5, whose string is of half a million powers.
cargo test -p zkverdict --test packed -- --ignored --nocapture "$@"
# Each feature with its own dependencies alone.
[ $# -gt 0 ] || script/features.sh --alone

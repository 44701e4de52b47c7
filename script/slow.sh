#!/usr/bin/env bash
# Runs the tests that `cargo test` leaves out: resnet8 all the way (receipts, predictions, verdicts), and proofs of
# large models under other keys. Takes 20 minutes of processor time and 4.4 GB.
#   script/slow.sh [NAME]
set -euo pipefail
cd "$(dirname "$0")/.."
# One after the other, so that only one of them holds its keys.
cargo test --test path -- --ignored --test-threads 1 --nocapture "$@"

#!/usr/bin/env bash
# Certifies thousands of random graphs and every fixture, resnet8 among them, and plants a thousand faults; `cargo test`
# does a hundred and some. Takes an hour on two cores; in pieces with fewer of each, another seed for each.
#   script/certify.sh [GRAPHS] [FAULTS] [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."
export CERTIFY_GRAPHS=${1:-2000} CERTIFY_FAULTS=${2:-1000} CERTIFY_SEED=${3:-$RANDOM}
echo "seed $CERTIFY_SEED"
cargo test --lib certify:: -- --include-ignored --nocapture

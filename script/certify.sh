#!/usr/bin/env bash
# Certifies thousands of random graphs and every fixture, and plants a thousand faults; `cargo test` does a hundred and some.
# Takes minutes.
#   script/certify.sh [GRAPHS] [FAULTS] [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."
export CERTIFY_GRAPHS=${1:-2000} CERTIFY_FAULTS=${2:-1000} CERTIFY_SEED=${3:-$RANDOM}
echo "seed $CERTIFY_SEED"
cargo test --lib certify:: -- --include-ignored --nocapture random_graphs planted_faults all_fixtures

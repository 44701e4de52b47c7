#!/usr/bin/env bash
# Changes 10,000 packed proofs in ways of one to four steps, and asks the Rust verifier and the contract for their
# verdicts; the verifier in Python judges 200 of another model's.
#   script/packed.sh [PROGRAMS OF EACH LENGTH]
set -euo pipefail
cd "$(dirname "$0")/.."
MUTATIONS=${1:-2500} exec cargo test -p zkverdict --test packed agree

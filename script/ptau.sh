#!/usr/bin/env bash
# Makes the powers-of-tau fixtures again: a ceremony's beginning, and the same after one contribution.
# The contribution's randomness differs from run to run.
set -euo pipefail
out=$(cd "$(dirname "$0")/.." && pwd)/test/fixtures/srs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --no-fund --no-audit snarkjs@0.7.6
npx --no-install snarkjs powersoftau new bn128 6 pot6_0000.ptau
npx --no-install snarkjs powersoftau contribute pot6_0000.ptau pot6_0001.ptau --name=fixture -e=fixture
mkdir -p "$out"
cp pot6_0000.ptau pot6_0001.ptau "$out"

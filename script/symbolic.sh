#!/usr/bin/env bash
# Shows by symbolic execution that packing, unpacking, hashing and context derivation are what the plain specification
# says, for all inputs of up to four words. Needs halmos: pip install halmos==0.3.3
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/tools:$PATH
tools/forge build --ast --out out/symbolic >/dev/null
halmos --forge-build-out out/symbolic --contract PackingSymbolic --loop 256 --solver-timeout-assertion 0 "$@"

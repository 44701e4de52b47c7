#!/usr/bin/env bash
# Shows by symbolic execution that packing, unpacking, hashing and context derivation are what the plain specification
# says, for all inputs of up to four words; of the rendered library too. Needs halmos: pip install halmos==0.3.3
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A project of its own, as halmos compiles all of it.
mkdir -p "$work/contracts" "$work/test/fixtures"
cp -r "$root/contracts/libraries" "$root/contracts/interfaces" "$work/contracts/"
cp -r "$root/test/symbolic" "$work/test/"
cp -r "$root/test/fixtures/io" "$work/test/fixtures/"
cat >"$work/foundry.toml" <<TOML
[profile.default]
src = "contracts"
solc = "$root/tools/solc"
offline = true
optimizer = true
evm_version = "paris"
TOML
PATH=$root/tools:$PATH halmos --root "$work" --contract PackingSymbolic --loop 10000 --solver-timeout-assertion 0 "$@"

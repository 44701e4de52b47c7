#!/usr/bin/env bash
# Takes contracts/ into scratch Foundry projects in each of the ways that its README names, and runs one test there: with
# the mock, then with a real proof, which the package's JavaScript verifies as well. Needs no network: what a registry would
# send is what `npm pack` makes.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
forge=$root/tools/forge

(cd "$work" && npm pack --silent "$root/contracts" >/dev/null && tar xzf zkverdict-*.tgz)

project() { # NAME LIBS REMAPPING
  local dir=$work/$1
  mkdir -p "$dir/src" "$dir/test/fixtures"
  cp "$root/test/fixtures/verifiers/DigitsVerifier.sol" "$dir/src/"
  cp "$root/test/fixtures/proofs/consumer.json" "$dir/test/fixtures/proof.json"
  cp "$root/templates/package/Reader.t.sol" "$dir/test/"
  cat >"$dir/foundry.toml" <<TOML
[profile.default]
libs = [$2]
solc = "$root/tools/solc"
offline = true
evm_version = "paris"
optimizer = true
fs_permissions = [{ access = "read", path = "./" }]
TOML
  if [ -n "$3" ]; then echo "$3" >"$dir/remappings.txt"; fi
}

# npm: node_modules, without a remapping.
project npm '"node_modules"' ''
mkdir -p "$work/npm/node_modules" && cp -r "$work/package" "$work/npm/node_modules/zkverdict"
# forge install: the whole repository, and what forge makes of it.
project git '"lib"' ''
mkdir -p "$work/git/lib/zkverdict" && cp -r "$root/contracts" "$root/foundry.toml" "$work/git/lib/zkverdict/"
mkdir -p "$work/git/lib/zkverdict/src" && cp "$root/src/lib.rs" "$work/git/lib/zkverdict/src/"
# soldeer: a folder that names the version.
project soldeer '"dependencies"' 'zkverdict/=dependencies/zkverdict-0.1.0/'
mkdir -p "$work/soldeer/dependencies" && cp -r "$work/package" "$work/soldeer/dependencies/zkverdict-0.1.0"

for way in npm git soldeer; do
  for real in false true; do
    (cd "$work/$way" && ZKVERDICT_REAL_PROOFS=$real "$forge" test) >"$work/log" 2>&1 || {
      cat "$work/log"
      echo "the package does not work by way of $way (real proofs: $real)" >&2
      exit 1
    }
    grep -q "3 passed; 0 failed" "$work/log" || { cat "$work/log"; exit 1; }
    echo "$way, real proofs: $real: 3 tests pass"
  done
done

# What npm installs beside it.
ln -s "$root/node_modules/@noble" "$work/npm/node_modules/@noble"
fixtures=$root/test/fixtures
(cd "$work/npm" && node --input-type=module - "$fixtures/keys/digits.key.json" test/fixtures/proof.json \
  "$fixtures/packed/digits.key.json" "$fixtures/packed/digits.proof.json" <<'JS'
import fs from "node:fs";
import { verify } from "zkverdict";
import { Prover, ProvingError } from "zkverdict/prove";
const documents = process.argv.slice(2).map((path) => JSON.parse(fs.readFileSync(path)));
while (documents.length > 0) {
  const [key, proof] = documents.splice(0, 2);
  console.log(`npm, JavaScript, ${key.format}: ${verify(key, proof).length} instances are proved`);
}
const files = ["bundle.json", "model.onnx", "srs.bin", "vk.bin"].map((name) => [name, new Uint8Array(1)]);
const refused = await Prover.open(Object.fromEntries(files)).catch((error) => error);
// Where the prover could not be built, it says that it is not there.
if (!(refused instanceof ProvingError && /`bundle.json` is damaged|prover.wasm/.test(refused.message))) throw refused;
console.log(`npm, JavaScript: the prover says that ${refused.message}`);
JS
)

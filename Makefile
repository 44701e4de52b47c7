# Two commands do everything on a fresh machine with Rust, Node.js and Python:
#   make demo   model → proof → verifier → gas report → local chain → verdict
#   make test   all tests, Rust and Solidity

.PHONY: demo test lint bench dist setup fixtures

NPM_STAMP := node_modules/.package-lock.json
# Not through npx: npm's launcher hides forge's exit code.
FORGE := tools/forge

# A checkout's first build keeps nothing for the next one, which would take a tenth more; where cargo was called by itself, it goes on from there.
export CARGO_INCREMENTAL ?= $(if $(wildcard target/debug/incremental),1,0)

demo: setup
	cargo run --quiet -- demo

test: setup
	cargo test
	$(FORGE) test
	script/package.sh
	script/python.sh
	node_modules/.bin/tsc -p packages/zkverdict-js
	script/wasm.sh
	node --test packages/zkverdict-js/test/*.mjs

lint: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(FORGE) fmt --check
	$(FORGE) lint --deny warnings
	$(FORGE) snapshot --check
	python3 script/natspec.py
	script/features.sh

# What is timed is optimised in full, as `cargo install` has it.
bench: export CARGO_PROFILE_DEV_OPT_LEVEL := 3
bench: setup
	script/bench.sh
	cargo bench --quiet --bench watch --profile dev

# A static binary with manual pages, completions, bill of materials and checksums, in target/dist-files.
dist:
	script/dist.sh

setup: $(NPM_STAMP)
	script/nats.sh

# The Solidity compiler, forge and anvil, at the versions of the lock file. Not `npm ci`: it wants every
# platform's forge in the lock file, also where the registry has only some.
$(NPM_STAMP): package.json package-lock.json
	npm install --no-save --no-fund --no-audit
	touch $(NPM_STAMP)

# Makes all fixtures again; needs Python and script/requirements.txt.
fixtures:
	python3 script/fixtures.py
	python3 script/commitments.py
	python3 script/use_cases.py
	cargo build --quiet
	node script/proofs.mjs
	$(FORGE) snapshot

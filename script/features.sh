#!/usr/bin/env bash
# That every feature compiles by itself, without warnings; that the documentation has none; that the package has what it
# is built from and no fixtures but the demo's.
#   script/features.sh [--alone] [FEATURE…]
# Those with few dependencies are built with no others. The rest are checked beside all dependencies, as `cargo clippy` has them
# anyway, or with --alone as whoever asks for that feature gets them, which compiles most of them anew for each.
set -euo pipefail
cd "$(dirname "$0")/.."

alone=
if [ "${1:-}" = --alone ]; then alone=yes; shift; fi
features=("${@:-verify prove cuda gas compile chain cluster cli}")
for feature in ${features[*]}; do
    echo "feature $feature"
    case $alone$feature in
        yes* | verify | prove | cuda) beside=() ;;
        # A test's dependencies, too, are those that `cargo clippy` has built.
        *) beside=(--features _dependencies --test model_fixtures) ;;
    esac
    cargo clippy --quiet --lib --no-default-features --features "$feature" "${beside[@]}" -- -D warnings
done

# What somebody who only verifies does not want.
unwanted='^(revm|clap|alloy|async-nats|hpke|tokio|indicatif|ctrlc|tempfile|foundry-compilers)( |$)'
if cargo tree --quiet --edges normal --no-default-features --features verify --prefix none | grep -E "$unwanted"; then
    echo "error: the feature verify depends on these" >&2
    exit 1
fi

RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --lib
files=$(cargo package --quiet --list --allow-dirty)
if grep '^test/fixtures/' <<<"$files" | grep -v '^test/fixtures/models/digits_mlp/'; then
    echo "error: these fixtures would be published" >&2
    exit 1
fi

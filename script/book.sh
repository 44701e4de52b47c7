#!/usr/bin/env bash
# Builds the site of docs/ below target/book with mdBook (cargo install mdbook), links to other files of the repository as they are there.
# That every link leads somewhere is checked by a test.
#   script/book.sh [serve]
set -euo pipefail
cd "$(dirname "$0")/.."

if ! mdbook --version >/dev/null 2>&1; then
    echo "error: mdBook is not installed: cargo install mdbook --locked --no-default-features" >&2
    exit 1
fi
mdbook "${1:-build}"

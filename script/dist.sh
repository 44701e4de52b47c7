#!/usr/bin/env bash
# Builds what is given to people who have no compiler: a static binary with manual pages and completions, its bill of
# materials, and the checksums of both, in target/dist. The same commit gives the same archive with the same compiler.
#   script/dist.sh [TARGET]
# Without a target: Linux with musl where rustup has it, or else this machine's own target with its C library linked in.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
has() { [ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ]; }
target=${1:-$host}
if [ $# -eq 0 ] && has "${host/-gnu/-musl}"; then target=${host/-gnu/-musl}; fi
if ! has "$target"; then
    echo "error: this compiler has no target $target: rustup target add $target" >&2
    exit 1
fi
# Paths of whoever builds are nobody's business, and differ.
flags="--remap-path-prefix=$PWD=zkverdict --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
case $target in *linux*) flags+=" -Ctarget-feature=+crt-static" ;; esac
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# Flags for one target keep build scripts and macros as they are.
variable=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$target")_RUSTFLAGS
export "$variable=$flags"
cargo build --quiet --locked --profile dist --target "$target"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
name=zkverdict-$version-$target
dist=${CARGO_TARGET_DIR:-target}/dist-files
binary=${CARGO_TARGET_DIR:-target}/$target/dist/zkverdict
case $target in
    *linux*)
        if readelf --program-headers "$binary" | grep -q INTERP; then
            echo "error: $binary is not static" >&2
            exit 1
        fi ;;
esac
rm -rf "${dist:?}/$name" "$dist/$name".*
mkdir -p "$dist/$name/completions"
cp "$binary" LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md "$dist/$name/"
# A binary for another machine cannot tell them; this machine's own can, where it is the same source.
teller=$binary
"$teller" --version >/dev/null 2>&1 || teller=${ZKVERDICT:-zkverdict}
"$teller" man --out "$dist/$name/man" >/dev/null
for shell in bash zsh fish; do
    "$teller" completions "$shell" >"$dist/$name/completions/zkverdict.$shell"
done
python3 script/sbom.py "$target" >"$dist/$name.cdx.json"
tar --sort=name --owner=0 --group=0 --numeric-owner --mode=go=u,go-w --mtime="@$SOURCE_DATE_EPOCH" \
    -C "$dist" -cf - "$name" | gzip -9n >"$dist/$name.tar.gz"
rm -rf "${dist:?}/$name"
(cd "$dist" && sha256sum "$name.tar.gz" "$name.cdx.json" >"$name.sha256" && cat "$name.sha256")

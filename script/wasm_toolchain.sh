# Sourced: what builds for wasm32-unknown-unknown. Sets `wasm_cargo`, which takes the place of `cargo build`.
#
# A compiler that has the target (`rustup target add wasm32-unknown-unknown`), else Debian's, whose packages lie below
# target/wasm-toolchain afterwards: it makes the standard library too, with rustup's linker. Returns 1, and says why in
# `wasm_missing`, where neither can be had.

wasm_toolchain() {
    wasm_cargo=(cargo build --target wasm32-unknown-unknown)
    if [ -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ]; then return 0; fi
    local folder root linker
    folder=$PWD/target/wasm-toolchain root=$PWD/target/wasm-toolchain/root
    linker=$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld
    if ! [ -x "$linker" ] || ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
        wasm_missing="there is no wasm32-unknown-unknown: rustup target add wasm32-unknown-unknown"
        return 1
    fi
    if ! [ -x "$folder/rustc" ]; then
        mkdir -p "$folder"
        wasm_packages "$folder" "$root" || return 1
        # Last: it says that all is there.
        printf '#!/bin/sh\nexport LD_LIBRARY_PATH=%s/usr/lib/x86_64-linux-gnu\nexec %s/usr/bin/rustc "$@"\n' "$root" "$root" >"$folder/rustc.new"
        chmod +x "$folder/rustc.new"
        mv "$folder/rustc.new" "$folder/rustc"
    fi
    # Only nightly compilers make the standard library, unless they are told to.
    export RUSTC=$folder/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker
    wasm_cargo+=(-Zbuild-std=std,panic_abort)
}

# Debian's compiler, its library for build scripts and the library's source, unpacked and not installed, of today's lists,
# which are kept apart from the system's.
wasm_packages() { # FOLDER ROOT
    local version names least=1.94
    local own=(-o "Dir::State::lists=$1/lists" -o "Dir::Cache=$1/cache")
    mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
    if ! apt-get "${own[@]}" update >"$1/log" 2>&1; then
        wasm_missing="Debian's lists of packages cannot be had: $(tail -1 "$1/log")"
        return 1
    fi
    names=$(apt-cache "${own[@]}" depends libstd-rust-web-dev 2>>"$1/log" | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p')
    version=${names#libstd-rust-web-}
    if [ -z "$version" ] || [ "$(printf '%s\n' "$least" "$version" | sort -V | head -1)" != "$least" ]; then
        wasm_missing="Debian's rustc-web is ${version:-not there}, and $least or more is needed: rustup target add wasm32-unknown-unknown"
        return 1
    fi
    names="$names $(apt-cache "${own[@]}" depends "$names" | sed -n 's/.*Depends: \(libllvm[0-9]*\)$/\1/p')"
    # shellcheck disable=SC2086 # Names of packages, of which there are several.
    if ! (cd "$1" && apt-get "${own[@]}" download rustc-web libstd-rust-web-dev rust-web-src $names) >"$1/log" 2>&1; then
        wasm_missing="Debian's packages of rustc-web cannot be had: $(tail -1 "$1/log")"
        return 1
    fi
    for package in "$1"/*.deb; do dpkg -x "$package" "$2" || { wasm_missing="$package cannot be unpacked"; return 1; }; done
    rm -r "$1"/*.deb "$1/lists" "$1/cache"
}

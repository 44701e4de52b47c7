//! What the worker does for the prover: it tells the time, draws random bytes, and hears of stages and panics.

mod imports {
    #[link(wasm_import_module = "host")]
    unsafe extern "C" {
        /// Milliseconds since some moment.
        pub safe fn now() -> f64;
        /// A stage begins, whose name is there.
        pub safe fn entered(name: *const u8, length: usize);
        /// Why nothing can go on, before it stops.
        pub safe fn panicked(message: *const u8, length: usize);
        /// Fills memory with random bytes from WebCrypto.
        #[cfg(target_family = "wasm")]
        pub safe fn random(bytes: *mut u8, length: usize);
    }
}

/// Seconds since some moment.
pub fn seconds() -> f64 {
    imports::now() / 1000.0
}

/// Says that a stage begins.
pub fn enter(stage: &str) {
    imports::entered(stage.as_ptr(), stage.len());
}

/// Has panics told before they stop everything.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        imports::panicked(message.as_ptr(), message.len());
    }));
}

/// Bytes of memory, which never become fewer.
pub fn memory_bytes() -> u64 {
    #[cfg(target_family = "wasm")]
    return core::arch::wasm32::memory_size(0) as u64 * 65_536;
    #[cfg(not(target_family = "wasm"))]
    0
}

#[cfg(target_family = "wasm")]
getrandom::register_custom_getrandom!(random);

#[cfg(target_family = "wasm")]
fn random(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    imports::random(bytes.as_mut_ptr(), bytes.len());
    Ok(())
}

//! Memory that was freed.

/// Gives it back to the system, where the allocator keeps it otherwise: in pieces too small for what comes next, while the
/// process holds the most.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: the declaration is glibc's, and it may be called at any time.
        unsafe extern "C" {
            safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
        }
        malloc_trim(0);
    }
}

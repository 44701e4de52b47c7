//! The command line.

/// Runs the command and says how it went.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(2)
}

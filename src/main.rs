//! The `zkverdict` command.

fn main() -> std::process::ExitCode {
    zkverdict::cli::main()
}

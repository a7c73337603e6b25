//! The binary: arguments → `run` → renderer → exit code.

mod cli;

use std::process::ExitCode;

/// Judging an account is many small texts and sets: with the system's allocator a third of the time goes to it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}

//! The program: parses the command line, runs the command, and prints the reason if it fails.

use std::{error::Error, process::ExitCode};

use clap::Parser;
use miniaccount::{cli::Cli, command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Stack of each thread that serves requests, in bytes: four times what the deepest permitted document takes.
const STACK: usize = 8 * 1024 * 1024;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK).enable_all().build()?;
    runtime.block_on(command::run(cli))
}

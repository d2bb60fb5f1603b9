//! The program: reads the command line, runs the command, and tells a person why where it cannot.

use std::process::ExitCode;

use clap::Parser;
use miniaccount::{cli::Cli, command};

#[tokio::main]
async fn main() -> ExitCode {
    match command::run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

//! `cargo dev`: fetches GraphiQL if it is missing and npm is available, then runs `cargo run`. Without npm or a network
//! the server shows its small explorer instead.

use std::{
    path::Path,
    process::{Command, ExitCode},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn main() -> ExitCode {
    if !Path::new(ROOT).join("assets/graphiql").exists() {
        fetch_graphiql();
    }
    // the manifest of the root package, in any working directory
    let manifest = Path::new(ROOT).join("Cargo.toml");
    let mut run = Command::new(env!("CARGO"));
    run.arg("run").arg("--manifest-path").arg(manifest).arg("--").args(std::env::args_os().skip(1));
    replace_process(&mut run)
}

fn fetch_graphiql() {
    if Command::new("npm").arg("--version").output().is_err() {
        eprintln!("cargo dev: npm is missing, so /graphiql will show the small explorer instead of GraphiQL.");
        return;
    }
    let fetched = Command::new(Path::new(ROOT).join("scripts/graphiql")).status();
    if !fetched.is_ok_and(|status| status.success()) {
        eprintln!("cargo dev: GraphiQL could not be fetched (see above), so /graphiql will show the small explorer.");
    }
}

/// Replaces this process, so that Ctrl-C and signals reach the server directly.
#[cfg(unix)]
fn replace_process(command: &mut Command) -> ExitCode {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    eprintln!("cargo dev: cannot start cargo: {error}");
    ExitCode::FAILURE
}

#[cfg(not(unix))]
fn replace_process(command: &mut Command) -> ExitCode {
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo dev: cannot start cargo: {error}");
            ExitCode::FAILURE
        }
    }
}

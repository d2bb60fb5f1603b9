//! `cargo bench-load`: what a request costs the server and PostgreSQL, next to a handler that does nothing. Everything
//! runs on this machine and in one run, so that the ratios hold anywhere; the processor time is what /proc says the
//! processes used. Needs Linux, `wrk`, and PostgreSQL on this machine at `BENCH_POSTGRES_URL`.

mod database;
mod load;
mod measure;
mod process;
mod report;
mod stage;
mod stub;

use std::{env, error::Error, process::ExitCode};

/// What goes wrong is told to whoever runs this.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The parts of WeChat and of the handler that does nothing are processes of their own, of this same program.
async fn run(arguments: &[String]) -> Outcome {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["floor", answer] => stub::floor(answer).await,
        ["wechat", delay] => stub::wechat(delay.parse()?).await,
        [] => measure::all(&[1_000, 1_000_000]).await,
        ["--users", counts] => {
            let counts: Result<Vec<u64>, _> = counts.split(',').map(str::parse).collect();
            measure::all(&counts?).await
        }
        _ => Err("usage: cargo bench-load [--users 1000,1000000]".into()),
    }
}

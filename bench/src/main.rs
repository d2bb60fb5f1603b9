//! `cargo bench-load`: measures the cost of requests for the server and its database, compared with an empty handler.
//! All processes run on this machine in the same run, so that the ratios hold on other machines. CPU times are from
//! /proc. Needs Linux, `wrk` and `sqlite3`; optionally PostgreSQL on this machine (`BENCH_POSTGRES_URL`, `psql`) and
//! `MariaDB` (`BENCH_MYSQL_URL`, `mariadb`).

mod database;
mod environment;
mod load;
mod logins;
mod measure;
mod options;
mod process;
mod report;
mod stub;

use std::{env, error::Error, process::ExitCode};

use options::Options;

/// An error is printed as it is.
type BenchResult<T = ()> = Result<T, Box<dyn Error>>;

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

/// Runs the measurements. The fake WeChat and the empty handler are separate processes of this program.
async fn run(arguments: &[String]) -> BenchResult {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["floor", answer] => stub::floor(answer).await,
        ["wechat", delay] => stub::wechat(delay.parse()?).await,
        ref options => measure::all(&Options::read(options)?).await,
    }
}

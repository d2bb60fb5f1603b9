//! The commands: each reads the settings it needs, does one thing, and says in one sentence why it cannot.

use std::{error::Error, net::SocketAddr, path::Path, sync::Arc};

use tokio::net::TcpListener;

use crate::{
    cli::{Admin, Cli, Command},
    clock::SystemClock,
    config::{self, Config, LogFormat, Problems},
    emulator::Emulator,
    graphql, panics,
    server::{self, Server, StartError},
    store::{self, SchemaState},
    telemetry,
};

/// How many identities are resealed between two lines that tell of it.
const RESEALED_BETWEEN_LINES: u64 = 10_000;

type Outcome = Result<(), Box<dyn Error>>;

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be done; the error is a sentence for a person.
pub async fn run(cli: Cli) -> Outcome {
    let file = cli.config.as_deref();
    match cli.command.unwrap_or_default() {
        Command::Serve => serve(settings(file)?).await,
        Command::Migrate => migrate(&settings(file)?).await,
        Command::Schema => {
            print!("{}", graphql::sdl());
            Ok(())
        }
        Command::CheckConfig => check_config(file),
        Command::Emulator { listen } => emulator(&settings(file)?, listen).await,
        Command::Admin { work: Admin::Reseal } => reseal(settings(file)?).await,
    }
}

/// Reads the settings and starts the log, which then holds their warnings.
fn settings(file: Option<&Path>) -> Result<Config, Problems> {
    let (config, warnings) = config::read(&config::process_environment, file)?;
    telemetry::init(&config.log, config.log_format);
    panics::to_log();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
}

async fn serve(config: Config) -> Outcome {
    graphql::check_registered(&config)?;
    Server::start(config).await?.run(stop_signal()).await;
    Ok(())
}

async fn migrate(config: &Config) -> Outcome {
    let place = store::describe(&config.database_url);
    let failed = |cause| format!("cannot migrate {place}: {cause}");
    let store = store::connect(&config.database_url, 1).await.map_err(failed)?;
    match store.migrate().await.map_err(failed)? {
        SchemaState::Current => println!("{place} is up to date."),
        SchemaState::Behind(count) => println!("{place}: applied {count} migration(s)."),
        SchemaState::Ahead(count) => return Err(StartError::Ahead(count).into()),
    }
    Ok(())
}

/// Explains every problem at once.
fn check_config(file: Option<&Path>) -> Outcome {
    let (config, warnings) = config::read(&config::process_environment, file)
        .inspect_err(|problems| problems.warnings.iter().for_each(|warning| println!("warning: {warning}")))?;
    for warning in warnings {
        println!("warning: {warning}");
    }
    graphql::check_registered(&config)?;
    let wechat = if config.emulator { "the built-in emulator" } else { "WeChat" };
    let place = store::describe(&config.database_url);
    println!("The settings are good: serves {} from {place}, with {wechat}.", config.listen);
    Ok(())
}

/// Plays WeChat until told to stop. Never beside a real mini program: its users would not be who they say they are.
async fn emulator(config: &Config, listen: SocketAddr) -> Outcome {
    if !config.emulator && !config.wechat.hosts.iter().all(|host| config::is_loopback_site(host)) {
        return Err("the emulator does not start beside a real mini program: unset WECHAT_APP_ID and WECHAT_APPS, \
                    or point WECHAT_API_BASE to the emulator"
            .into());
    }
    let listener = TcpListener::bind(listen).await.map_err(|cause| format!("cannot listen on {listen}: {cause}"))?;
    let emulator = Emulator::start(listener, Arc::new(SystemClock)).await?;
    if config.log_format == LogFormat::Text {
        println!("WeChat emulator at {}: WECHAT_API_BASE for a server, instructions at its root.", emulator.base());
    }
    tracing::info!(address = %emulator.address(), "listening");
    Ok(emulator.run_until(stop_signal()).await?)
}

/// Seals what is stored under the newest key, and tells what it could not open.
async fn reseal(config: Config) -> Outcome {
    let accounts = server::open(config).await?;
    let mut told = 0;
    let resealed = accounts.reseal(|identities| {
        if identities >= told + RESEALED_BETWEEN_LINES {
            told = identities;
            tracing::info!(identities, "resealed so far");
        }
    });
    let resealed = resealed.await;
    accounts.store.clone().close().await?;
    let done = resealed.map_err(|error| format!("cannot reseal: {}", error.source().unwrap_or(&error)))?;
    let sentence = format!("Resealed the session keys of {} identities", done.identities);
    if done.unopened > 0 {
        let problem = "open with no value of SECRET_KEY: add the one they need behind the others and run this again, or \
                       leave them, for the next login brings a new session key";
        return Err(format!("{sentence}; those of {} {problem}.", done.unopened).into());
    }
    println!("{sentence}: nothing stored needs another key than the newest.");
    Ok(())
}

/// Waits for the signal to stop: SIGTERM from an orchestrator, SIGINT from a keyboard. A second one stops at once.
async fn stop_signal() {
    wait_for_signal().await;
    tokio::spawn(async {
        wait_for_signal().await;
        std::process::exit(130);
    });
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be watched: the server stops only when it is killed");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        tracing::error!("signals cannot be watched: the server stops only when it is killed");
        std::future::pending::<()>().await;
    }
}

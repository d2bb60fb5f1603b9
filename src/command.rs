//! The commands. Each reads the settings it needs, does one thing, and returns one sentence if it fails.

mod admin;

use std::{error::Error, net::SocketAddr, path::Path, sync::Arc};

use tokio::{net::TcpListener, runtime};

use crate::{
    cli::{Cli, Command},
    clock::SystemClock,
    config::{self, Config, ConfigProblems, Environment, LogFormat},
    emulator::Emulator,
    graphql, panics,
    server::{Server, StartError},
    store::{self, SchemaState},
    telemetry,
};

/// The stack of each thread that serves requests, in bytes: four times what the deepest permitted document takes.
const STACK: usize = 8 * 1024 * 1024;

type CommandResult = Result<(), Box<dyn Error>>;

/// Reads the settings of a server, or of another command.
type ReadSettings = fn(Environment<'_>, Option<&Path>) -> Result<(Config, Vec<String>), ConfigProblems>;

/// Runs a command to its end, on its own runtime. The runtime is started here instead of in `main.rs`: a crate that
/// polls a future compiles all of it, so the binary would compile most of the library again.
///
/// # Errors
/// When it fails; the error is a sentence for the operator.
pub fn run(cli: Cli) -> CommandResult {
    runtime::Builder::new_multi_thread().thread_stack_size(STACK).enable_all().build()?.block_on(execute(cli))
}

async fn execute(cli: Cli) -> CommandResult {
    let file = cli.config.as_deref();
    match cli.command.unwrap_or_default() {
        Command::Serve => serve(load_settings(file, config::read)?).await,
        Command::Migrate => migrate(&load_settings(file, config::read_for_command)?).await,
        Command::Schema => {
            print!("{}", graphql::sdl());
            Ok(())
        }
        Command::CheckConfig => check_config(file),
        Command::Emulator { listen } => emulator(&load_settings(file, config::read_for_command)?, listen).await,
        Command::Admin { command } => admin::run(command, load_settings(file, config::read_for_command)?).await,
    }
}

/// Reads the settings, starts the log and logs the warnings.
fn load_settings(file: Option<&Path>, read: ReadSettings) -> Result<Config, ConfigProblems> {
    let (config, warnings) = read(&config::process_environment, file)?;
    telemetry::init(&config.log, config.log_format);
    panics::to_log();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
}

async fn serve(config: Config) -> CommandResult {
    graphql::check_registered(&config)?;
    Server::start(config).await?.run(stop_signal()).await;
    Ok(())
}

async fn migrate(config: &Config) -> CommandResult {
    let database = &config.database_url;
    let failed = |cause| format!("cannot migrate {database}: {cause}");
    // one connection migrates, the other holds the lock
    let store = store::connect(&config.database_url, 2).await.map_err(failed)?;
    match store.migrate().await.map_err(failed)? {
        SchemaState::Current => println!("{database} is up to date."),
        SchemaState::Behind(count) => println!("{database}: applied {count} migration(s)."),
        SchemaState::Ahead(count) => return Err(StartError::Ahead(count).into()),
    }
    Ok(())
}

/// Prints every problem of the settings.
fn check_config(file: Option<&Path>) -> CommandResult {
    let (config, warnings) = config::read(&config::process_environment, file)
        .inspect_err(|problems| problems.warnings.iter().for_each(|warning| println!("warning: {warning}")))?;
    for warning in warnings {
        println!("warning: {warning}");
    }
    graphql::check_registered(&config)?;
    let wechat = if config.emulator { "the built-in emulator" } else { "WeChat" };
    let database = &config.database_url;
    println!("The settings are valid: the server listens on {} with {database} and {wechat}.", config.listen);
    Ok(())
}

/// Runs the emulator until a signal to stop. Refused beside a real mini program, because it lets anyone log in as any
/// user.
async fn emulator(config: &Config, listen: SocketAddr) -> CommandResult {
    if !config.emulator && !config.wechat.hosts.iter().all(|host| config::is_loopback_origin(host)) {
        return Err("the emulator does not start beside a real mini program: unset WECHAT_APP_ID and WECHAT_APPS, \
                    or point WECHAT_API_BASE to the emulator"
            .into());
    }
    let listener = TcpListener::bind(listen).await.map_err(|cause| format!("cannot listen on {listen}: {cause}"))?;
    let emulator = Emulator::start(listener, Arc::new(SystemClock)).await?;
    if config.log_format == LogFormat::Text {
        println!(
            "WeChat emulator at {}: set WECHAT_API_BASE of a server to this URL. It shows instructions there.",
            emulator.base()
        );
    }
    tracing::info!(address = %emulator.address(), "listening");
    Ok(emulator.run_until(stop_signal()).await?)
}

/// Waits for a signal to stop, SIGTERM or SIGINT. A second one ends the process at once.
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
        tracing::error!("cannot listen for signals: only SIGKILL stops the process");
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
        tracing::error!("cannot listen for signals: only SIGKILL stops the process");
        std::future::pending::<()>().await;
    }
}

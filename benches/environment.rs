//! The environment of the benchmarks: SQLite in a temporary folder, and the emulator on the loopback as WeChat.

use std::{env::VarError, sync::Arc};

use miniaccount::{
    account::Accounts,
    clock::SystemClock,
    config::{self, Config},
    emulator::Emulator,
    server, store,
};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The accounts with their database, and the emulator, which runs until it is dropped.
pub(crate) struct Environment {
    pub(crate) config: Config,
    pub(crate) accounts: Arc<Accounts>,
    emulator: Emulator,
    _folder: TempDir,
}

impl Environment {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = format!("sqlite://{}/bench.db?mode=rwc", folder.path().display());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let emulator = Emulator::start(listener, Arc::new(SystemClock)).await.expect("the emulator");
        let base = emulator.base();
        let variable = |name: &str| match name {
            "DATABASE_URL" => Ok(url.clone()),
            "LOGIN_RATE_LIMIT" => Ok("off".to_owned()),
            "WECHAT_APP_ID" => Ok("wx1".to_owned()),
            "WECHAT_APP_SECRET" => Ok("secret".to_owned()),
            "WECHAT_API_BASE" => Ok(base.clone()),
            "SECRET_KEY" => Ok("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
            _ => Err(VarError::NotPresent),
        };
        let (config, _) = config::read(&variable, None).expect("valid settings");
        let store = store::connect(&config.database_url, config.database_connections).await.expect("a database");
        store.migrate().await.expect("tables");
        let accounts = Arc::new(server::accounts(&config, store, Arc::new(SystemClock)).expect("accounts"));
        Self { config, accounts, emulator, _folder: folder }
    }

    /// A new login code. A repeated code would not reach WeChat.
    pub(crate) fn code(&self) -> String {
        self.emulator.mint("wx1", "alice")
    }
}

//! The log, on stderr. Whatever its filter says, crates that could print URLs, headers or SQL stay quiet below
//! warnings: codes, keys and tokens pass through them.

use std::io::{self, IsTerminal as _};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, LevelFilter, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::config::LogFormat;

/// Crates that see secrets; those named `crate_more` are meant as well.
const QUIET: &[&str] = &["hyper", "h2", "reqwest", "rustls", "sqlx", "sea_orm", "async_graphql", "tower_http"];

/// Starts the log. Only the first call counts. A filter that is none is `info`: reading the settings refuses it before.
pub fn init(filter: &str, format: LogFormat) {
    let layer = layer(filter, format, io::stderr().is_terminal(), io::stderr);
    // a second start finds a log already there, and that is as good
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

fn layer<W>(filter: &str, format: LogFormat, colours: bool, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let chosen = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // directives added to the filter would lose against finer ones in it, such as `hyper::proto=trace`
    // a function has no level of its own unless told: the two together would have every level asked about, chosen or not
    let filter = chosen.and(filter_fn(may_speak).with_max_level_hint(LevelFilter::TRACE));
    let layer = fmt::layer().with_ansi(colours).with_writer(writer);
    match format {
        LogFormat::Text => layer.with_filter(filter).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_filter(filter).boxed(),
    }
}

fn may_speak(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || !is_quiet(metadata.target())
}

fn is_quiet(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    QUIET.iter().any(|quiet| name.strip_prefix(quiet).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(filter: &str, format: LogFormat, speak: fn()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = layer(filter, format, false, move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), speak);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn crates_that_see_secrets_are_quiet_whatever_the_filter_says() {
        let log = log("trace,hyper=trace,sqlx::query=trace,hyper_util::client=trace", LogFormat::Text, || {
            tracing::info!(target: "hyper", "secret one");
            tracing::info!(target: "sqlx::query", "secret two");
            tracing::debug!(target: "hyper_util::client", "secret three");
            tracing::warn!(target: "sqlx::query", "slow");
            tracing::trace!(target: "miniaccount", "ours");
        });
        assert!(!log.contains("secret"), "{log}");
        assert!(log.contains("slow") && log.contains("ours"), "{log}");
    }

    #[test]
    fn the_cap_lets_nothing_through_that_the_filter_stops() {
        let log = log("error", LogFormat::Text, || {
            tracing::warn!(target: "sqlx::query", "slow");
            tracing::info!("ours");
        });
        assert_eq!(log, "");
    }

    #[test]
    fn nothing_below_the_chosen_level_is_even_asked_about() {
        for (filter, level) in [("warn", LevelFilter::WARN), ("info,hyper=trace", LevelFilter::TRACE)] {
            assert_eq!(layer(filter, LogFormat::Text, false, io::sink).max_level_hint(), Some(level), "{filter}");
        }
    }

    #[test]
    fn json_is_one_object_a_line() {
        let log = log("info", LogFormat::Json, || tracing::info!(outcome = "ok", "logged in"));
        let line: serde_json::Value = serde_json::from_str(log.trim_end()).unwrap();
        assert_eq!((&line["message"], &line["outcome"]), (&"logged in".into(), &"ok".into()));
    }

    #[test]
    fn only_whole_crate_names_and_their_kin_are_quiet() {
        assert!(["h2", "sea_orm_migration::x", "rustls::client"].iter().all(|target| is_quiet(target)));
        assert!(!["miniaccount::hyper", "h2x", "tower"].iter().any(|target| is_quiet(target)));
    }
}

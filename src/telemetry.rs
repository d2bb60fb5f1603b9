//! The log, on stderr. Crates that see codes, keys and tokens in URLs, headers or SQL log only warnings and errors,
//! regardless of the filter.

use std::io::{self, IsTerminal as _};

use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, LevelFilter, filter_fn},
    fmt::{
        self, FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::{JsonFields, Writer},
    },
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::{config::LogFormat, log_context};

/// Crates that see secrets, and prefixes of their names before an underscore (`hyper_util`).
const RESTRICTED: &[&str] = &["hyper", "h2", "reqwest", "rustls", "sqlx", "sea_orm", "async_graphql", "tower_http"];

/// Starts the log; only the first call has an effect. An invalid filter, which the settings refuse, becomes `info`.
pub fn init(filter: &str, format: LogFormat) {
    let layer = layer(filter, format, io::stderr().is_terminal(), io::stderr);
    // fails if the log is started already
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

/// The layer that writes the lines to `writer`.
pub fn layer<W>(filter: &str, format: LogFormat, colours: bool, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let configured = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // a separate filter, because a directive such as hyper=warn yields to a more specific one such as
    // hyper::proto=trace; it needs a level hint: without one, the combined filter has none, and every event would be
    // evaluated
    let filter = configured.and(filter_fn(is_permitted).with_max_level_hint(LevelFilter::TRACE));
    let layer = fmt::layer().with_ansi(colours).with_writer(writer);
    let lines = fmt::format().with_ansi(colours);
    match format {
        LogFormat::Text => layer.event_format(WithRequest { lines, end: "" }).with_filter(filter).boxed(),
        LogFormat::Json => {
            let lines = WithRequest { lines: lines.json().flatten_event(true), end: "}" };
            layer.fmt_fields(JsonFields::new()).event_format(lines).with_filter(filter).boxed()
        }
    }
}

/// Adds the fields of the current request to each line.
struct WithRequest<F> {
    lines: F,
    /// The end of a line, which the fields are inserted before: `}` for JSON, nothing for text.
    end: &'static str,
}

impl<S, N, F> FormatEvent<S, N> for WithRequest<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> std::fmt::Result {
        let mut line = String::new();
        self.lines.format_event(ctx, Writer::new(&mut line), event)?;
        let line = line.trim_end_matches('\n');
        writer.write_str(line.strip_suffix(self.end).unwrap_or(line))?;
        let event_fields = event.metadata().fields();
        log_context::fields(|name, value| match self.end {
            _ if event_fields.field(name).is_some() => Ok(()),
            "" => write!(writer, " {name}={value}"),
            // the values are ids and checked names, which need no escaping
            _ => write!(writer, ",\"{name}\":\"{value}\""),
        })?;
        writeln!(writer, "{}", self.end)
    }
}

fn is_permitted(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || !is_restricted(metadata.target())
}

fn is_restricted(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    RESTRICTED
        .iter()
        .any(|restricted| name.strip_prefix(restricted).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')))
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

    fn log(filter: &str, format: LogFormat, write: fn()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = layer(filter, format, false, move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), write);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn crates_that_see_secrets_log_only_warnings_regardless_of_the_filter() {
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
    fn the_filter_applies_to_warnings_of_restricted_crates() {
        let log = log("error", LogFormat::Text, || {
            tracing::warn!(target: "sqlx::query", "slow");
            tracing::info!("ours");
        });
        assert_eq!(log, "");
    }

    #[test]
    fn the_level_hint_is_that_of_the_filter() {
        for (filter, level) in [("warn", LevelFilter::WARN), ("info,hyper=trace", LevelFilter::TRACE)] {
            assert_eq!(layer(filter, LogFormat::Text, false, io::sink).max_level_hint(), Some(level), "{filter}");
        }
    }

    #[test]
    fn json_is_one_object_per_line() {
        let log = log("info", LogFormat::Json, || tracing::info!(outcome = "ok", "logged in"));
        let line: serde_json::Value = serde_json::from_str(log.trim_end()).unwrap();
        assert_eq!((&line["message"], &line["outcome"]), (&"logged in".into(), &"ok".into()));
    }

    #[test]
    fn restricted_crates_match_by_whole_name_or_prefix_with_underscore() {
        assert!(["h2", "sea_orm_migration::x", "rustls::client"].iter().all(|target| is_restricted(target)));
        assert!(!["miniaccount::hyper", "h2x", "tower"].iter().any(|target| is_restricted(target)));
    }
}

//! The dependency rules: which component (top-level module of `src`) may use which other component, and which
//! components may name each foreign crate. They are checked against the source, so that a violation fails the build.
//! Code that only tests use is not checked.
mod cycles;
mod fields;
mod files;
mod paths;
mod sources;

use std::collections::BTreeSet;

use sources::{Source, files, read, sources};

/// The components that each component may use. `main` uses the library by the name of the crate.
const COMPONENTS: &[(&str, &[&str])] = &[
    (
        "account",
        &["clock", "config", "error", "log_context", "media", "public_url", "random", "store", "token", "wechat"],
    ),
    ("cli", &["config"]),
    ("clock", &[]),
    (
        "command",
        &[
            "account",
            "cli",
            "clock",
            "config",
            "emulator",
            "error",
            "global_id",
            "graphql",
            "panics",
            "public_url",
            "server",
            "store",
            "telemetry",
        ],
    ),
    ("config", &["random"]),
    ("emulator", &["clock", "random"]),
    ("error", &[]),
    ("global_id", &[]),
    ("graphql", &["account", "config", "error", "global_id", "public_url"]),
    (
        "http",
        &[
            "account",
            "config",
            "error",
            "global_id",
            "graphql",
            "log_context",
            "media",
            "panics",
            "public_url",
            "quota",
            "random",
        ],
    ),
    ("lib", &[]),
    ("log_context", &["random"]),
    ("main", &["cli", "command"]),
    ("media", &["config", "random"]),
    ("panics", &["log_context"]),
    ("public_url", &[]),
    ("quota", &[]),
    ("random", &[]),
    ("server", &["account", "clock", "config", "emulator", "http", "media", "quota", "store", "token", "wechat"]),
    ("store", &["config", "error", "log_context", "random"]),
    ("telemetry", &["config", "log_context"]),
    ("token", &["global_id"]),
    ("wechat", &["clock", "config", "error", "random"]),
];

/// The components that may name each foreign crate that shapes the code around it. The server names the errors of the
/// parts that it starts.
const CRATES: &[(&str, &[&str])] = &[
    ("async_graphql", &["graphql", "http"]),
    ("async_graphql_axum", &["http"]),
    ("aws_lc_rs", &["emulator", "graphql", "http", "random", "token", "wechat"]),
    ("axum", &["emulator", "http", "server"]),
    ("clap", &["cli", "main"]),
    ("fast_image_resize", &["media"]),
    ("governor", &["account"]),
    ("http_body_util", &["http"]),
    ("hyper", &["server"]),
    ("hyper_util", &["server"]),
    ("image", &["media"]),
    ("image_webp", &["media"]),
    ("jpeg_decoder", &["media"]),
    ("jsonwebtoken", &["token"]),
    ("migration", &["store"]),
    ("moka", &["account"]),
    ("multer", &["http"]),
    ("object_store", &["media"]),
    ("png", &["media"]),
    ("quick_cache", &["account", "graphql"]),
    ("redis", &["account"]),
    ("reqwest", &["emulator", "server", "wechat"]),
    ("roxmltree", &["wechat"]),
    ("sea_orm", &["server", "store"]),
    ("sea_orm_migration", &["store"]),
    ("sqlx", &["store"]),
    ("toml", &["config"]),
    ("tower_http", &["http"]),
    ("tracing_subscriber", &["config", "telemetry"]),
];

#[test]
fn components_use_only_the_components_below_them() {
    let mut violations = Vec::new();
    for file in sources() {
        let Some((_, allowed)) = COMPONENTS.iter().find(|(component, _)| *component == file.component) else {
            violations.push(format!("{}: COMPONENTS does not list the component `{}`", file.name, file.component));
            continue;
        };
        let is_refused = |used: &&String| **used != file.component && !allowed.contains(&used.as_str());
        for used in file.components_used().iter().filter(is_refused) {
            violations.push(format!("{}: the component `{}` may not use crate::{used}", file.name, file.component));
        }
    }
    assert_none(&violations);
}

#[test]
fn foreign_crates_are_named_only_in_their_components() {
    let mut violations = Vec::new();
    for file in sources() {
        for (name, components) in CRATES.iter().filter(|(_, allowed)| !allowed.contains(&file.component.as_str())) {
            if file.names(name) {
                violations.push(format!("{}: {name} is only for {}", file.name, components.join(", ")));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn server_names_only_the_error_type_of_sea_orm() {
    let server = sources().into_iter().filter(|file| file.component == "server");
    let named = server.flat_map(|file| file.paths).filter(|path| path[0] == "sea_orm").collect::<BTreeSet<_>>();
    assert_eq!(named, BTreeSet::from([vec!["sea_orm".to_owned(), "DbErr".to_owned()]]));
}

#[test]
fn only_config_reads_the_environment() {
    let reads =
        |file: &Source| file.paths.iter().any(|path| path[0] == "std" && path.get(1).is_some_and(|it| it == "env"));
    let readers: BTreeSet<_> = sources().into_iter().filter(reads).map(|file| file.name).collect();
    assert!(!readers.is_empty(), "no reader was found");
    assert!(readers.iter().all(|name| name.starts_with("src/config")), "std::env is only for config: {readers:?}");
}

#[test]
fn no_rule_is_unused() {
    let files = sources();
    let mut violations = Vec::new();
    for (component, allowed) in COMPONENTS {
        let own = files.iter().filter(|file| file.component == *component);
        let used: BTreeSet<_> = own.flat_map(Source::components_used).collect();
        let unused = allowed.iter().filter(|allowed| !used.contains(**allowed));
        violations
            .extend(unused.map(|unused| format!("COMPONENTS: `{component}` no longer uses `{unused}`: remove it")));
    }
    for (name, components) in CRATES {
        let uses = |component: &str| files.iter().any(|file| file.component == component && file.names(name));
        let unused = components.iter().filter(|component| !uses(component));
        violations.extend(unused.map(|unused| format!("CRATES: `{unused}` no longer uses {name}: remove it")));
    }
    assert_none(&violations);
}

#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

//! The arrows of the house: which room may use which other room, and which room each foreign crate lives in. Read from
//! the source, so that a shortcut is seen the day it is taken. What only tests use is not looked at.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// For each room, the rooms it may use. `main` uses the library under its own name.
const ARROWS: &[(&str, &[&str])] = &[
    ("account", &["clock", "config", "error", "random", "store", "token", "wechat"]),
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
            "server",
            "store",
            "telemetry",
        ],
    ),
    ("config", &["random"]),
    ("emulator", &["clock", "random"]),
    ("error", &[]),
    ("global_id", &[]),
    ("graphql", &["account", "config", "error", "global_id"]),
    ("http", &["account", "config", "error", "global_id", "graphql", "panics", "random"]),
    ("lib", &[]),
    ("main", &["cli", "command"]),
    ("panics", &["random"]),
    ("random", &[]),
    ("server", &["account", "clock", "config", "emulator", "http", "store", "token", "wechat"]),
    ("store", &["error"]),
    ("telemetry", &["config"]),
    ("token", &["global_id"]),
    ("wechat", &["clock", "config", "error"]),
];

/// For each foreign crate that shapes what it touches, the rooms it may be named in. The server names the errors of
/// those it starts.
const CRATES: &[(&str, &[&str])] = &[
    ("async_graphql", &["graphql", "http"]),
    ("async_graphql_axum", &["http"]),
    ("aws_lc_rs", &["emulator", "graphql", "http", "random", "token", "wechat"]),
    ("axum", &["emulator", "http", "server"]),
    ("clap", &["cli", "main"]),
    ("governor", &["account"]),
    ("http_body_util", &["http"]),
    ("hyper", &["server"]),
    ("hyper_util", &["server"]),
    ("jsonwebtoken", &["token"]),
    ("migration", &["store"]),
    ("moka", &["wechat"]),
    ("quick_cache", &["account", "graphql"]),
    ("redis", &["account"]),
    ("reqwest", &["server", "wechat"]),
    ("sea_orm", &["server", "store"]),
    ("sea_orm_migration", &["store"]),
    ("sqlx", &["store"]),
    ("toml", &["config"]),
    ("tower_http", &["http"]),
    ("tracing_subscriber", &["config", "telemetry"]),
];

/// The longest a file may be, tests apart.
const LINES: usize = 350;

#[test]
fn rooms_use_only_the_rooms_below_them() {
    let mut faults = Vec::new();
    for file in sources() {
        let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| *room == file.room) else {
            faults.push(format!("{}: no arrow of the house says what the room `{}` may use", file.name, file.room));
            continue;
        };
        for used in file.rooms_used().iter().filter(|used| **used != file.room && !allowed.contains(&used.as_str())) {
            faults.push(format!("{}: the room `{}` may not use crate::{used}", file.name, file.room));
        }
    }
    assert_none(&faults);
}

#[test]
fn foreign_crates_stay_in_their_rooms() {
    let mut faults = Vec::new();
    for file in sources() {
        for (name, rooms) in CRATES.iter().filter(|(_, rooms)| !rooms.contains(&file.room.as_str())) {
            if file.names(name) {
                faults.push(format!("{}: {name} is for {} alone", file.name, rooms.join(", ")));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn the_server_names_of_the_database_its_error_alone() {
    let server = sources().into_iter().filter(|file| file.room == "server");
    let named = server.flat_map(|file| file.paths).filter(|path| path[0] == "sea_orm").collect::<BTreeSet<_>>();
    assert_eq!(named, BTreeSet::from([vec!["sea_orm".to_owned(), "DbErr".to_owned()]]));
}

#[test]
fn only_config_reads_the_environment() {
    let reads =
        |file: &Source| file.paths.iter().any(|path| path[0] == "std" && path.get(1).is_some_and(|it| it == "env"));
    let readers: BTreeSet<_> = sources().into_iter().filter(reads).map(|file| file.name).collect();
    assert!(readers.iter().all(|name| name.starts_with("src/config")), "std::env is for config alone: {readers:?}");
}

#[test]
fn no_rule_is_about_something_that_is_gone() {
    let files = sources();
    let mut faults = Vec::new();
    for (room, allowed) in ARROWS {
        let used: BTreeSet<_> = files.iter().filter(|file| file.room == *room).flat_map(Source::rooms_used).collect();
        let idle = allowed.iter().filter(|allowed| !used.contains(**allowed));
        faults.extend(idle.map(|idle| format!("ARROWS: `{room}` no longer uses `{idle}`: take the arrow away")));
    }
    for (name, rooms) in CRATES {
        let idle = rooms.iter().filter(|room| !files.iter().any(|file| file.room == **room && file.names(name)));
        faults.extend(idle.map(|idle| format!("CRATES: `{idle}` no longer uses {name}: take it from the list")));
    }
    assert_none(&faults);
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    let silent: Vec<_> = files().into_iter().filter(|path| !read(path).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "a file opens with `//!`: {silent:?}");
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = sources().into_iter().filter(|file| file.lines > LINES).map(|file| file.name).collect();
    assert!(long.is_empty(), "a file has at most {LINES} lines, its tests apart: {long:?}");
}

#[test]
fn modules_are_files_of_their_own_name() {
    let old: Vec<_> = files().into_iter().filter(|path| path.ends_with("mod.rs")).collect();
    assert!(old.is_empty(), "write `room.rs` and `room/`, not `mod.rs`: {old:?}");
}

#[test]
fn use_trees_are_read_as_the_paths_they_stand_for() {
    let paths = |text: &str| {
        let paths = paths_of(text, &["account".to_owned(), "login".to_owned()]);
        paths.iter().map(|path| path.join("::")).collect::<Vec<_>>()
    };
    assert_eq!(
        paths("use crate::{a::{self, B as C}, d::*,\n    e};"),
        ["crate::a::self", "crate::a::B", "crate::d::*", "crate::e"]
    );
    assert_eq!(paths("use super::{super::store, Accounts};"), ["crate::store", "crate::account::Accounts"]);
    assert_eq!(paths("use self::error::Failure;"), ["crate::account::login::error::Failure"]);
    assert_eq!(
        paths("let x: sea_orm::DbErr = crate::http::f(&axum::y);"),
        ["sea_orm::DbErr", "crate::http::f", "axum::y"]
    );
    assert_eq!(paths("pub(super) use ::std::env;"), ["std::env"]);
}

#[track_caller]
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// One file, tests apart.
struct Source {
    /// As a person would find it: `src/http/answer.rs`.
    name: String,
    /// The room it is in: `http`.
    room: String,
    lines: usize,
    /// Every path in it, from the root: `["crate", "store", "Store"]`.
    paths: BTreeSet<Vec<String>>,
}

impl Source {
    fn rooms_used(&self) -> BTreeSet<String> {
        let own = self.paths.iter().filter(|path| matches!(path[0].as_str(), "crate" | "miniaccount"));
        let rooms = own.filter_map(|path| path.get(1)).filter(|room| ARROWS.iter().any(|(known, _)| known == room));
        rooms.cloned().collect()
    }

    fn names(&self, foreign: &str) -> bool {
        self.paths.iter().any(|path| path[0] == foreign)
    }
}

fn sources() -> Vec<Source> {
    files().iter().filter(|path| !is_test(path)).map(|path| source(path)).collect()
}

fn source(path: &Path) -> Source {
    let below = path.strip_prefix(root().join("src")).unwrap().with_extension("");
    let module: Vec<String> = below.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    let text = without_tests(&read(path));
    let name = path.strip_prefix(root()).unwrap().display().to_string();
    let paths = paths_of(&without_comments(&text), &module).into_iter().collect();
    Source { name, room: module[0].clone(), lines: text.lines().count(), paths }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.iter().any(|part| part == "tests")
}

/// The text up to the module of tests, which is the last thing in a file.
fn without_tests(text: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.ends_with("mod tests {")) {
            break;
        }
        kept.push(line);
    }
    kept.join("\n")
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Every path in a text, in the order they stand there, from the root. `module` is where the text stands.
fn paths_of(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut rest = text;
    let is_name = |sign: char| sign.is_alphanumeric() || sign == '_';
    while let Some(start) = rest.find(is_name) {
        rest = &rest[start..];
        let line = text[..text.len() - rest.len()].rsplit('\n').next().unwrap_or_default().trim();
        let end = rest.find(|sign: char| !is_name(sign) && sign != ':').unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        if word == "use" && (line.is_empty() || line.starts_with("pub")) {
            let (tree, behind) = behind.split_once(';').unwrap_or((behind, ""));
            expand("", &tree.split_whitespace().collect::<Vec<_>>().join(" "), &mut paths);
            rest = behind;
        } else if word.contains("::") {
            paths.push(word.to_owned());
        }
    }
    paths.iter().map(|path| rooted(path, module)).collect()
}

/// Writes out the paths of a use tree: `a::{b, c as d}` is `a::b` and `a::c`.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim().trim_start_matches("::");
    let Some((stem, group)) = tree.split_once('{') else {
        paths.push(format!("{before}{}", tree.split(" as ").next().unwrap_or_default()));
        return;
    };
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start) = (0, 0);
    for (place, sign) in group.char_indices().chain([(group.len(), ',')]) {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let item = &group[start..place];
                if !item.trim().is_empty() {
                    expand(&format!("{before}{stem}"), item, paths);
                }
                start = place + 1;
            }
            _ => {}
        }
    }
}

fn rooted(path: &str, module: &[String]) -> Vec<String> {
    let mut parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
    let mut here: Vec<&str> = module.iter().map(String::as_str).collect();
    if !matches!(parts.first(), Some(&("self" | "super"))) {
        return parts.into_iter().map(str::to_owned).collect();
    }
    while let Some(&first @ ("self" | "super")) = parts.first() {
        if first == "super" {
            here.pop();
        }
        parts.remove(0);
    }
    ["crate"].into_iter().chain(here).chain(parts).map(str::to_owned).collect()
}

//! The source files of the program, without their tests.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{COMPONENTS, paths::paths_of};

/// One file, without its tests.
pub(super) struct Source {
    /// Its path: `src/http/render.rs`.
    pub(super) name: String,
    /// Its component: `http`.
    pub(super) component: String,
    /// Its module: `["http", "render"]`.
    pub(super) module: Vec<String>,
    /// Its code, without comments.
    pub(super) code: String,
    pub(super) lines: usize,
    /// All paths in it, from the crate's root: `["crate", "store", "Store"]`.
    pub(super) paths: BTreeSet<Vec<String>>,
}

impl Source {
    pub(super) fn components_used(&self) -> BTreeSet<String> {
        let own = self.paths.iter().filter(|path| matches!(path[0].as_str(), "crate" | "miniaccount"));
        let is_component = |name: &&String| COMPONENTS.iter().any(|(known, _)| known == name);
        own.filter_map(|path| path.get(1)).filter(is_component).cloned().collect()
    }

    pub(super) fn names(&self, foreign: &str) -> bool {
        self.paths.iter().any(|path| path[0] == foreign)
    }
}

pub(super) fn sources() -> Vec<Source> {
    files().iter().filter(|path| !is_test(path)).map(|path| source(path)).collect()
}

fn source(path: &Path) -> Source {
    let below = path.strip_prefix(root().join("src")).unwrap().with_extension("");
    let module: Vec<String> = below.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    let text = without_tests(&read(path));
    let name = path.strip_prefix(root()).unwrap().display().to_string();
    let code = without_comments(&text);
    let paths = paths_of(&code, &module).into_iter().collect();
    Source { name, component: module[0].clone(), module, code, lines: text.lines().count(), paths }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn files() -> Vec<PathBuf> {
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

pub(super) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.iter().any(|part| part == "tests")
}

/// The text before the module of tests, which is last in a file.
fn without_tests(text: &str) -> String {
    let mut code = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.ends_with("mod tests {")) {
            break;
        }
        code.push(line);
    }
    code.join("\n")
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}
